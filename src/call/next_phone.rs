//! Phones that are rung in order: when the next of them joins in.

use crate::id::LegId;
use crate::media::command as media;
use crate::time::Time;

use super::ring::Ringing;
use super::{Action, Call, CallTimer, State};

impl Call {
    /// Everybody who is rung.
    fn all_ringing(&self) -> Vec<&Ringing> {
        match &self.state {
            State::Offering(offers) => offers.iter().map(|offering| &offering.ringing).collect(),
            State::Dialling(dialling) => dialling.ringing().into_iter().collect(),
            State::Talking(_)
            | State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Ended => Vec::new(),
        }
    }

    /// Sets the timer for the phone that joins in next.
    pub(super) fn expect_next_phone(&mut self) {
        let next = self.all_ringing().into_iter().filter_map(Ringing::next_at).min();
        if next.is_some() {
            self.out.push(Action::Timer(CallTimer::NextPhone, next));
        }
    }

    /// It is time for the next phone of somebody who is rung.
    pub fn next_phones(&mut self, now: Time) {
        let next: Vec<LegId> = match &mut self.state {
            State::Offering(offers) => {
                offers.iter_mut().filter_map(|offering| offering.ringing.next(now)).collect()
            }
            State::Dialling(dialling) => {
                dialling.ringing_mut().and_then(|ringing| ringing.next(now)).into_iter().collect()
            }
            State::Talking(_)
            | State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Ended => Vec::new(),
        };
        for leg in next {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        }
        self.expect_next_phone();
    }
}
