//! Stories of a resident who rings and an adviser who answers, told in the simulated world:
//! real SIP and RTP bytes over a simulated network, and a clock that jumps.

#[path = "stories/town.rs"]
mod town;

use switchboard::event::{AgentState, CallEvent, EndCause};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;

use town::*;

#[test]
fn a_resident_rings_chooses_waits_with_music_and_talks_with_an_adviser() {
    let mut town = town();
    let amy = town.amy(picks_up_after(secs(4)));
    let resident =
        town.resident(into_the_queue().then([hear(AMY), Step::Wait(secs(5)), Step::HangUp]));
    assert!(town.run_until(secs(60), |world| {
        world.person(amy).phone().voice().ear().hears(world.now(), &Expect::Tone(CALLER))
    }));
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    let today = town.today();
    assert_eq!((today.offered, today.answered, today.answered_within_standard), (1, 1, 1));
    assert_eq!(town.causes(), [EndCause::CallerHungUp]);
    let waits = town.waits_us();
    assert!((4_000_000..4_100_000).contains(&waits[0]), "{waits:?}");
    town.run_for(secs(10));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}
