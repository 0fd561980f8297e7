//! Listening to legs: for speech, and for those who tap them.

use super::{Event, Hears, Plane};
use crate::id::LegId;
use crate::media::command::Listen;
use crate::media::ear::Ear;
use crate::media::tap::{TapId, Writer};
use crate::time::Time;

/// Taps that may wait for their legs.
const MOST_TAPS: usize = 4_096;

impl Plane {
    /// Gives the plane a tap, for a [`super::Command::Tap`] that names it later. False if too many wait.
    pub fn provide_tap(&mut self, tap: TapId, writer: Writer) -> bool {
        self.taps.retain(|_, waiting| !waiting.is_abandoned());
        let room = self.taps.len() < MOST_TAPS;
        if room {
            self.taps.insert(tap, writer);
        }
        room
    }

    /// Carries out [`super::Command::Listen`].
    pub(super) fn listen(&mut self, id: LegId, listen: Listen) {
        self.with_ear(id, |ear| ear.listen(listen));
    }

    /// Carries out [`super::Command::Tap`]. A tap that was not provided takes the leg's off.
    pub(super) fn tap(&mut self, id: LegId, tap: Option<TapId>) {
        let writer = tap.and_then(|tap| self.taps.remove(&tap));
        self.with_ear(id, |ear| ear.tap(writer));
    }

    fn with_ear(&mut self, id: LegId, change: impl FnOnce(&mut Ear)) {
        let wish = self.wish_of(id);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let mut ear = leg.ear.take().unwrap_or_default();
        change(&mut ear);
        match ear.is_idle() {
            true => self.counters.ordered.add(&ear.counters()),
            false => {
                if let Some(wish) = wish {
                    ear.set_codec(wish.codec);
                }
                leg.ear = Some(ear);
            }
        }
    }

    /// Hears 20 ms of what a leg's peer says.
    pub(super) fn hear(&mut self, at: Time, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(ear) = &mut leg.ear else { return };
        let heard = ear.hear(at);
        let plays = matches!(leg.hears, Hears::Prompts(_) | Hears::Announcement(_));
        let music = leg.hears.music().cloned();
        self.counters.tap_dropped += u64::from(heard.dropped);
        if let Some(speech) = heard.speech {
            self.events.push_back(Event::Speech { leg: id, speech });
        }
        if heard.interrupts && plays {
            let hears = music.map_or_else(|| self.when_played(id), Hears::Music);
            self.set_hears(id, hears);
        }
    }
}
