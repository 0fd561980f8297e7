//! The 20 ms clock. Legs are spread over twenty phases of 1 ms, so that a thread's packets leave
//! evenly; each phase keeps to an absolute grid, so that nothing drifts.

use std::time::Duration;

use super::FRAME;
use crate::id::LegId;
use crate::time::Time;

const PHASES: u64 = 20;
/// A thread that is later than this skips what it missed: a burst would only fill the peers' jitter
/// buffers.
const SKIP_BEYOND: Duration = Duration::from_millis(100);

/// When each leg's next frame is due.
#[derive(Debug)]
pub(super) struct Pacer {
    phases: Vec<Phase>,
}

#[derive(Debug)]
struct Phase {
    due: Time,
    legs: Vec<LegId>,
}

/// A phase that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tick {
    /// The phase, for [`Pacer::legs`].
    pub(super) phase: usize,
    /// When its frames were due.
    pub(super) at: Time,
    /// How many frames were skipped before it.
    pub(super) skipped: u64,
}

impl Pacer {
    pub(super) fn new() -> Self {
        let phases = (0..PHASES).map(|_| Phase { due: Time::ZERO, legs: Vec::new() }).collect();
        Pacer { phases }
    }

    /// Takes a leg in; its first frame is due within 20 ms.
    pub(super) fn join(&mut self, now: Time, leg: LegId) {
        self.enter(now, leg, phase_of(leg));
    }

    /// Whether a leg has two turns in 20 ms, 10 ms apart, from now on.
    pub(super) fn set_double(&mut self, now: Time, leg: LegId, double: bool) {
        let other = (phase_of(leg) + self.phases.len() / 2) % self.phases.len();
        let Some(phase) = self.phases.get_mut(other) else { return };
        if !double {
            phase.legs.retain(|known| *known != leg);
        } else if !phase.legs.contains(&leg) {
            self.enter(now, leg, other);
        }
    }

    fn enter(&mut self, now: Time, leg: LegId, at: usize) {
        if let Some(phase) = self.phases.get_mut(at) {
            if phase.legs.is_empty() {
                phase.due = after(at, now);
            }
            phase.legs.push(leg);
        }
    }

    /// Forgets a leg.
    pub(super) fn leave(&mut self, leg: LegId) {
        for phase in &mut self.phases {
            phase.legs.retain(|other| *other != leg);
        }
    }

    /// When the next frames are due.
    pub(super) fn next(&self) -> Option<Time> {
        self.phases.iter().filter(|phase| !phase.legs.is_empty()).map(|phase| phase.due).min()
    }

    /// The earliest phase that is due at `now`; its next frames are then due 20 ms later.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<Tick> {
        let due = self.phases.iter_mut().enumerate().filter(|(_, phase)| !phase.legs.is_empty());
        let (at, phase) = due.min_by_key(|(_, phase)| phase.due)?;
        if phase.due > now {
            return None;
        }
        let mut skipped = 0;
        if now.since(phase.due) > SKIP_BEYOND {
            let next = after(at, now);
            skipped = next.since(phase.due).as_micros() as u64 / FRAME.as_micros() as u64 - 1;
            phase.due += FRAME * u32::try_from(skipped).unwrap_or(u32::MAX);
        }
        let tick = Tick { phase: at, at: phase.due, skipped };
        phase.due += FRAME;
        Some(tick)
    }

    /// Takes the legs of a phase out, to be given back with [`Pacer::put_legs`].
    pub(super) fn take_legs(&mut self, phase: usize) -> Vec<LegId> {
        self.phases.get_mut(phase).map(|phase| std::mem::take(&mut phase.legs)).unwrap_or_default()
    }

    /// Gives the legs of a phase back.
    pub(super) fn put_legs(&mut self, phase: usize, legs: Vec<LegId>) {
        if let Some(phase) = self.phases.get_mut(phase) {
            phase.legs = legs;
        }
    }
}

fn phase_of(leg: LegId) -> usize {
    (leg.0 % PHASES) as usize
}

/// The first instant of a phase's grid that is after `now`.
fn after(phase: usize, now: Time) -> Time {
    let (phase, frame) = (phase as u64 * 1_000, FRAME.as_micros() as u64);
    let frames = now.as_micros().checked_sub(phase).map_or(0, |since| since / frame + 1);
    Time::from_micros(phase + frames * frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(pacer: &mut Pacer, now_ms: u64) -> Vec<(usize, u64, u64)> {
        let now = Time::from_millis(now_ms);
        std::iter::from_fn(|| pacer.pop_due(now))
            .map(|tick| (tick.phase, tick.at.as_micros() / 1_000, tick.skipped))
            .collect()
    }

    #[test]
    fn legs_are_spread_over_the_frame_and_keep_to_their_grid() {
        let mut pacer = Pacer::new();
        pacer.join(Time::from_millis(1_004), LegId(23));
        pacer.join(Time::from_millis(1_004), LegId(7));
        assert_eq!(pacer.next(), Some(Time::from_millis(1_007)));
        assert_eq!(due(&mut pacer, 1_006), []);
        // Woken late: the schedule does not move.
        assert_eq!(due(&mut pacer, 1_012), [(7, 1_007, 0)]);
        assert_eq!(due(&mut pacer, 1_027), [(3, 1_023, 0), (7, 1_027, 0)]);
        assert_eq!(
            due(&mut pacer, 1_067),
            [(3, 1_043, 0), (7, 1_047, 0), (3, 1_063, 0), (7, 1_067, 0)]
        );
    }

    #[test]
    fn a_leg_of_shorter_packets_has_two_turns_ten_milliseconds_apart() {
        let mut pacer = Pacer::new();
        pacer.join(Time::ZERO, LegId(13));
        pacer.set_double(Time::ZERO, LegId(13), true);
        pacer.set_double(Time::ZERO, LegId(13), true);
        assert_eq!(due(&mut pacer, 24), [(3, 3, 0), (13, 13, 0), (3, 23, 0)]);
        pacer.set_double(Time::from_millis(25), LegId(13), false);
        assert_eq!(due(&mut pacer, 55), [(13, 33, 0), (13, 53, 0)]);
        pacer.set_double(Time::from_millis(55), LegId(13), true);
        pacer.leave(LegId(13));
        assert_eq!(pacer.next(), None);
    }

    #[test]
    fn a_thread_that_is_much_too_late_skips_instead_of_bursting() {
        let mut pacer = Pacer::new();
        pacer.join(Time::ZERO, LegId(5));
        assert_eq!(due(&mut pacer, 25), [(5, 5, 0), (5, 25, 0)]);
        assert_eq!(due(&mut pacer, 1_050), [(5, 1_045, 50)]);
        assert_eq!(pacer.next(), Some(Time::from_millis(1_065)));
    }

    #[test]
    fn a_pacer_without_legs_has_no_deadline() {
        let mut pacer = Pacer::new();
        pacer.join(Time::ZERO, LegId(5));
        pacer.leave(LegId(5));
        assert_eq!((pacer.next(), due(&mut pacer, 9_999)), (None, vec![]));
    }
}
