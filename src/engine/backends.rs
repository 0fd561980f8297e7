//! What flows ask of other systems, and what is said to every caller.

use crate::backend::{Answer, Effect, Failed, FetchId};
use crate::call::Action;
use crate::call::command::Notice;
use crate::event::{CallEvent, Event, SystemEvent};
use crate::flow;
use crate::id::BulletinName;
use crate::time::Time;

use super::Engine;
use super::io::{Output, Reply};

impl Engine {
    /// An attempt to ask a back end is over.
    pub(super) fn fetched(
        &mut self,
        now: Time,
        id: FetchId,
        outcome: Result<Answer, Failed>,
        arrived: bool,
    ) {
        let effects = self.backends.fetched(now, id, outcome, arrived);
        self.backend_effects(now, effects);
    }

    pub(super) fn backend_effects(&mut self, now: Time, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Fetch(fetch) => self.out.push_back(Output::Fetch(fetch)),
                Effect::Answer { call, answer, exchange } => {
                    // What a back end did is on record even if the caller is gone.
                    let event = CallEvent::Asked(exchange);
                    if self.calls.contains_key(&call) {
                        self.work.push_back((call, Action::Record(event)));
                        self.work.push_back((call, Action::Notify(Notice::Answered(answer))));
                    } else {
                        self.record(now, Event::Call { call, event });
                    }
                }
                Effect::Stands { backend, standing } => {
                    self.record_system(now, SystemEvent::Circuit { backend, standing });
                }
            }
        }
    }

    /// A supervisor turns a message to all callers on or off.
    pub(super) fn set_bulletin(
        &mut self,
        now: Time,
        bulletin: BulletinName,
        on: bool,
        by: &str,
    ) -> Reply {
        if on && !flow::bulletins(&self.plan.flows).contains(&bulletin) {
            return Reply::UnknownBulletin;
        }
        let changed = match on {
            true => self.bulletins.insert(bulletin.clone()),
            false => self.bulletins.remove(&bulletin),
        };
        if changed {
            let by = by.to_owned();
            self.record_system(now, SystemEvent::BulletinSet { bulletin, on, by });
        }
        Reply::Done
    }
}
