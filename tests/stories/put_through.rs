//! Flows that put callers through: to a number outside, to one adviser, and on if nobody is there.

use switchboard::event::{
    AgentState, CallEvent, EndCause, OfferOutcome, Outcome, Peer, Purpose, TransferOutcome,
};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::Quirks;

use crate::callbacks::hears;
use crate::town::*;
use crate::trunks::{CARRIER, TWO, carrier, with_trunks};

const FLOW: &str = r#"
start: which
nodes:
  which:
    menu: For the hospital press 1. For Amy press 2. For anybody press 3.
    keys: {1: hospital, 2: amy, 3: anybody, 4: expensive}
    otherwise: gone
  hospital: {transfer: 01632 960123, ring_s: 8, on_busy: busy, on_no_answer: nobody, on_unreachable: gone}
  expensive: {transfer: 0909 8790123, on_busy: busy, on_no_answer: nobody, on_unreachable: gone}
  amy: {transfer: 201, ring_s: 8, on_busy: busy, on_no_answer: nobody, otherwise: gone}
  anybody: {queue: general, on_nobody: hospital, on_waited_too_long: hospital, otherwise: gone}
  busy: {say: Engaged., then: which}
  nobody: {say: Nobody., then: gone}
  gone: {say: Sorry., then: bye}
  bye: {hang_up: busy}
"#;

const WHICH: u32 = 620;
const BUSY: u32 = 740;
const NOBODY: u32 = 860;
const SORRY: u32 = 980;

fn town() -> Town {
    with_trunks(TWO, |change| {
        change.flow = FLOW;
        change.sounds = vec![
            ("main/which", WHICH),
            ("main/busy", BUSY),
            ("main/nobody", NOBODY),
            ("main/gone", SORRY),
        ];
        change.settings.queues.get_mut("general").expect("is there").max_wait_s = Some(10);
    })
}

fn chooses(key: &str, then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    ring().then([hear(WHICH), press(key)]).then(then)
}

#[test]
fn a_caller_is_put_through_to_a_number_outside_and_both_hear_each_other() {
    let mut town = town();
    let there = carrier(&mut town, 1, Quirks::default());
    let talks = [hear(MUSIC), hear(CARRIER), Step::Wait(secs(4)), Step::HangUp];
    let resident = town.resident(chooses("1", talks));
    assert!(town.run_until(secs(30), |world| world.live().calls_active == 1));
    assert!(hears(&mut town, there, CALLER, 20), "{}", town.story());
    town.see_off(resident);
    town.run_for(secs(1));
    let flow = |event: &CallEvent| {
        matches!(event, CallEvent::Connected { to: Peer::Outside(number), purpose: Purpose::Flow, .. }
            if number == "01632 960123")
    };
    assert_eq!(town.count(flow), 1, "{}", town.story());
    assert!(!town.person(there).phone().is_busy(), "the line is free again");
    let town = town.close();
    assert_eq!((town.today().offered, town.causes()), (0, vec![EndCause::CallerHungUp]));
}

#[test]
fn who_is_busy_silent_or_not_there_brings_the_caller_back_to_the_flow() {
    for (case, said, ended) in [
        ("busy", BUSY, OfferOutcome::Rejected),
        ("no answer", NOBODY, OfferOutcome::NoAnswer),
        ("unplugged", SORRY, OfferOutcome::Unreachable),
    ] {
        let mut town = town();
        let there = carrier(&mut town, 1, Quirks::default());
        match case {
            "busy" => town.adviser_mut(there, |there, _| there.habits_mut().rejects_first = 9),
            "no answer" => town.adviser_mut(there, |there, _| {
                there.habits_mut().ignores_first = 9;
                there.habits_mut().heard_early = true;
            }),
            _ => town.adviser_mut(there, |there, _| {
                there.phone_mut().set_quirks(Quirks { unplugged: true, ..Quirks::default() });
            }),
        }
        let resident = town.resident(chooses("1", [hear_within(said, secs(60)), Step::HangUp]));
        town.see_off(resident);
        let so = |event: &CallEvent| matches!(event, CallEvent::DialEnded { outcome, .. } if *outcome == ended);
        assert_eq!(town.count(so), 1, "{case}: {}", town.story());
        assert!(!town.person(there).phone().is_busy(), "{case}");
        town.close();
    }
}

#[test]
fn a_number_that_may_not_be_dialled_is_not_dialled() {
    let mut town = town();
    carrier(&mut town, 1, Quirks::default());
    let resident = town.resident(chooses("4", [hear(SORRY), Step::UntilEnded { within: secs(9) }]));
    town.see_off(resident);
    assert_eq!(town.count(|event| matches!(event, CallEvent::Dialled { .. })), 0);
    town.close();
}

#[test]
fn one_adviser_is_rung_by_extension_and_no_queue_rings_them_meanwhile() {
    let mut town = town();
    let amy = town.amy(Habits { talks: Some((secs(5), secs(5))), ..Habits::default() });
    let resident = town.resident(chooses("2", [hear(AMY), Step::UntilEnded { within: secs(20) }]));
    assert!(town.run_until(secs(30), |world| {
        world.live().agent_list.iter().any(|one| one.state == AgentState::Talking)
    }));
    town.see_off(resident);
    assert!(!town.person(amy).phone().is_busy());
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::AgentHungUp]);
    // Nobody is there any more: the flow says so at once.
    let mut town = self::town();
    let resident = town.resident(chooses("2", [hear(SORRY), Step::UntilEnded { within: secs(9) }]));
    town.see_off(resident);
    town.close();
}

#[test]
fn who_waited_in_vain_and_is_put_through_has_overflowed() {
    let mut town = town();
    town.ben(Habits { ignores_first: 99, ..Habits::default() });
    carrier(&mut town, 1, Quirks::default());
    let talks = [hear_within(CARRIER, secs(60)), Step::Wait(secs(2)), Step::HangUp];
    let resident = town.resident(chooses("3", talks));
    town.see_off(resident);
    town.run_for(secs(1));
    let left = |event: &CallEvent| {
        matches!(event, CallEvent::QueueLeft { outcome: Outcome::Overflowed, .. })
    };
    assert_eq!(town.count(left), 1, "{}", town.story());
    let today = town.close().today();
    assert_eq!((today.offered, today.overflowed, today.difference()), (1, 1, 0));
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_leaves_nothing_ringing() {
    let mut town = town();
    let there = carrier(&mut town, 1, Quirks::default());
    town.adviser_mut(there, |there, _| there.habits_mut().ignores_first = 9);
    let resident = town.resident(chooses("1", [hear(MUSIC), Step::Wait(secs(3)), Step::HangUp]));
    town.see_off(resident);
    town.run_for(secs(2));
    assert!(!town.person(there).phone().is_busy(), "{}", town.story());
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerHungUp]);
    let completed = |event: &CallEvent| {
        matches!(event, CallEvent::TransferEnded { outcome: TransferOutcome::Completed })
    };
    assert_eq!(town.count(completed), 0);
}
