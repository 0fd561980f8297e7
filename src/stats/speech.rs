//! What callers say to flows, and how it ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Became, HandOver, Said};
use crate::id::IntentName;

/// What was said since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpeechBook {
    /// What became of what callers said, by what they were asked for (`business`, or a slot's name).
    pub utterances: BTreeMap<String, BTreeMap<String, u64>>,
    /// Calls by what they are about.
    pub intents: BTreeMap<IntentName, IntentFigures>,
    /// Calls handed over to people, by why.
    pub hand_overs: BTreeMap<String, u64>,
    /// Calls that ended as completed and never asked for a person.
    pub contained: u64,
}

/// Calls about one thing. What was handed over for another reason than that it is people's business
/// counts against the flow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IntentFigures {
    /// How often it was understood.
    pub understood: u64,
    /// Of them, those that were finished without a person.
    pub contained: u64,
    /// Of them, those that were handed over, by why.
    pub hand_overs: BTreeMap<String, u64>,
}

impl SpeechBook {
    pub(super) fn said(&mut self, said: &Said) {
        let asked = said.slot.map_or("business", |slot| slot.name());
        let outcomes = self.utterances.entry(asked.to_owned()).or_default();
        *outcomes.entry(said.became.as_str().to_owned()).or_default() += 1;
        if let (Some(intent), Became::Understood) = (&said.intent, said.became) {
            self.intents.entry(intent.clone()).or_default().understood += 1;
        }
    }

    pub(super) fn handed_over(&mut self, reason: &HandOver, intent: Option<&IntentName>) {
        let reason = reason.as_str().to_owned();
        if let Some(intent) = intent {
            let figures = self.intents.entry(intent.clone()).or_default();
            *figures.hand_overs.entry(reason.clone()).or_default() += 1;
        }
        *self.hand_overs.entry(reason).or_default() += 1;
    }

    pub(super) fn contained(&mut self, intent: Option<&IntentName>) {
        self.contained += 1;
        if let Some(intent) = intent {
            self.intents.entry(intent.clone()).or_default().contained += 1;
        }
    }
}
