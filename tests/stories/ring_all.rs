//! Several advisers are rung at once for one caller.

use std::time::Duration;

use switchboard::acd::settings::Choose;
use switchboard::event::{AgentState, CallEvent, EndCause, OfferOutcome, StateReason};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::PhoneEvent;

use crate::town::*;

const ELSEWHERE: OfferOutcome = OfferOutcome::AnsweredElsewhere;

fn ring_all(change: &mut Change) {
    for queue in change.settings.queues.values_mut() {
        (queue.choose, queue.ring_s) = (Choose::RingAll, 8);
    }
}

fn outcomes(town: &Town) -> Vec<(&str, OfferOutcome)> {
    let ends = town.calls().into_iter().filter_map(|(_, event)| match event {
        CallEvent::OfferEnded { agent, outcome, .. } => Some((agent.as_str(), *outcome)),
        _ => None,
    });
    ends.collect()
}

#[test]
fn the_adviser_who_picks_up_first_has_the_caller_and_the_other_is_as_ready_as_before() {
    let mut town = town_with(ring_all);
    let amy = town.amy(picks_up_after(secs(5)));
    let ben = town.ben(picks_up_after(secs(2)));
    let resident =
        town.resident(into_the_queue().then([hear(BEN), Step::Wait(secs(2)), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.agent("amy"), AgentState::Ready, "no penalty");
    assert_eq!(town.person(amy).diary().times(&PhoneEvent::Cancelled), 1);
    assert_eq!(town.person(ben).diary().times(&PhoneEvent::Cancelled), 0);
    // Amy is idle still for as long as she was.
    let second =
        town.caller("07700900002", |_| {}, into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(second);
    let town = town.close();
    let first = [("amy", ELSEWHERE), ("ben", OfferOutcome::Accepted)];
    assert_eq!(outcomes(&town)[..2], first, "{}", town.story());
    assert_eq!(town.today().answered, 2);
    assert_eq!(town.last_reason("amy"), Some(StateReason::WrapUpOver));
}

#[test]
fn two_advisers_who_pick_up_at_the_same_moment_leave_one_conversation() {
    for us in [0, 500, 1_000, 1_500, 2_000, 2_500, 5_000] {
        let mut town = town_with(ring_all);
        let amy = town.amy(picks_up_after(secs(3)));
        let ben = town.ben(picks_up_after(secs(3) + Duration::from_micros(us)));
        let steps = into_the_queue().then([Step::Wait(secs(8)), Step::HangUp]);
        let resident = town.resident(steps);
        town.run_for(secs(7));
        let busy = [amy, ben].iter().filter(|id| town.person(**id).phone().is_busy()).count();
        assert_eq!(busy, 1, "{us}\n{}", town.story());
        let states = [town.agent("amy"), town.agent("ben")];
        assert!(states.contains(&AgentState::Talking), "{states:?}");
        assert!(states.contains(&AgentState::Ready), "{states:?}");
        town.see_off(resident);
        let town = town.close();
        assert_eq!(town.count(|event| matches!(event, CallEvent::Joined { .. })), 1);
        let mut ends: Vec<OfferOutcome> = outcomes(&town).iter().map(|(_, end)| *end).collect();
        ends.sort();
        assert_eq!(ends, [OfferOutcome::Accepted, ELSEWHERE], "{us}\n{}", town.story());
        assert_eq!(town.today().answered, 1);
    }
}

#[test]
fn if_nobody_picks_up_each_is_not_ready_and_the_caller_waits_on() {
    let mut town = town_with(ring_all);
    town.amy(Habits { ignores_first: 9, ..Habits::default() });
    let recovers = Some((secs(3), "*72".to_owned()));
    town.ben(Habits { ignores_first: 1, recovers, ..Habits::default() });
    let resident = town.resident(into_the_queue().then([hear_within(BEN, secs(40)), Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    let unanswered = OfferOutcome::NoAnswer;
    let expected = [("amy", unanswered), ("ben", unanswered), ("ben", OfferOutcome::Accepted)];
    assert_eq!(outcomes(&town), expected, "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::NotReady);
    assert_eq!(town.last_reason("amy"), Some(StateReason::Rona));
    assert!(town.waits_us()[0] > 8_000_000, "one wait, from the first entry");
}

#[test]
fn a_caller_who_hangs_up_stops_every_phone() {
    let mut town = town_with(ring_all);
    let desks = [town.amy(picks_up_after(secs(7))), town.ben(picks_up_after(secs(7)))];
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(2)), Step::HangUp]));
    town.see_off(resident);
    town.run_for(secs(1));
    for desk in desks {
        assert_eq!(town.person(desk).diary().times(&PhoneEvent::Cancelled), 1);
    }
    let town = town.close();
    let left = OfferOutcome::CallerLeft;
    assert_eq!(outcomes(&town), [("amy", left), ("ben", left)]);
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Ready));
}

#[test]
fn one_who_declines_leaves_the_other_ringing() {
    let mut town = town_with(ring_all);
    town.amy(Habits { rejects_first: 1, ..Habits::default() });
    town.ben(picks_up_after(secs(4)));
    let resident = town.resident(into_the_queue().then([hear(BEN), Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    let expected = [("amy", OfferOutcome::Rejected), ("ben", OfferOutcome::Accepted)];
    assert_eq!(outcomes(&town), expected);
    assert_eq!(town.last_reason("amy"), Some(StateReason::Refused));
}
