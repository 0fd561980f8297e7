//! Either side can hang up at any moment; the call ends once, and nobody stays reserved.

use switchboard::event::{AgentState, CallEvent, EndCause, OfferOutcome};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, Quirks};

use crate::town::*;

#[test]
fn in_the_menu() {
    let mut town = town();
    let resident = town.resident(ring().then([hear(CHOICES), Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerLeftFlow]);
    assert_eq!(town.today().offered, 0);
}

#[test]
fn before_the_answer_or_at_the_same_moment() {
    for ms in 0..=5 {
        let mut town = town();
        let steps = vec![Step::Ring(NUMBER.to_owned()), Step::Wait(millis(ms)), Step::HangUp];
        let resident = town.resident(steps);
        town.see_off(resident);
        let town = town.close();
        let causes = town.causes();
        assert_eq!(causes.len(), 1, "{causes:?}");
        assert!(
            matches!(causes[0], EndCause::CallerCancelled | EndCause::CallerLeftFlow),
            "after {ms} ms: {causes:?}"
        );
    }
}

#[test]
fn in_the_queue_which_counts_as_abandoned() {
    let mut town = town();
    let steps = into_the_queue().then([Step::Wait(secs(30)), Step::HangUp]);
    // Ben is at work and busy with nothing that matters here: the queue is staffed, he is not ready.
    let ben = town.ben(Habits::default());
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*73"));
    town.run_for(secs(5));
    let resident = town.resident(steps);
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
    let today = town.today();
    assert_eq!((today.offered, today.abandoned, today.short_abandons), (1, 1, 0));
    assert_eq!(town.queue("waste").today.abandoned, 1);
}

#[test]
fn at_once_in_the_queue_which_counts_as_a_short_abandon() {
    let mut town = town();
    let ben = town.ben(Habits::default());
    town.adviser_mut(ben, |ben, now| ben.dial(now, "*73"));
    town.run_for(secs(5));
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(2)), Step::HangUp]));
    town.see_off(resident);
    let today = town.close().today();
    assert_eq!((today.offered, today.abandoned, today.short_abandons), (1, 1, 1));
}

#[test]
fn while_the_advisers_phone_rings() {
    let mut town = town();
    let amy = town.amy(picks_up_after(secs(10)));
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(5)), Step::HangUp]));
    assert!(town.run_until(secs(30), |_| false) || town.agent("amy") == AgentState::Ready);
    town.see_off(resident);
    let diary = town.person(amy).diary();
    assert_eq!(diary.times(&PhoneEvent::Cancelled), 1, "{diary:#?}");
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
    assert_eq!(town.agent("amy"), AgentState::Ready);
    let left = |event: &CallEvent| {
        matches!(event, CallEvent::OfferEnded { outcome: OfferOutcome::CallerLeft, .. })
    };
    assert_eq!(town.count(left), 1);
}

#[test]
fn at_the_very_moment_in_which_the_adviser_picks_up() {
    // The caller hangs up from 4 ms before to 4 ms after the phone is picked up, in steps of the
    // network's delay: CANCEL crosses 200, BYE crosses 200, BYE crosses ACK.
    for us in (0..=8_000).step_by(500) {
        let mut town = town();
        let amy = town.amy(picks_up_after(secs(5)));
        let wait = secs(5) - millis(4) + std::time::Duration::from_micros(us);
        let resident = town.resident(into_the_queue());
        assert!(town.run_until(secs(60), |world| {
            world.person(amy).diary().iter().any(|(_, moment)| {
                matches!(
                    moment,
                    switchboard::sim::diary::Moment::Phone(PhoneEvent::Incoming { .. })
                )
            })
        }));
        town.run_for(wait);
        town.caller_mut(resident, |caller, now| caller.leave(now));
        let town = town.close();
        let (causes, today) = (town.causes(), town.today());
        assert_eq!(causes.len(), 1, "{causes:?}");
        match causes[0] {
            EndCause::CallerAbandoned => assert_eq!((today.answered, today.abandoned), (0, 1)),
            EndCause::CallerHungUp => assert_eq!((today.answered, today.abandoned), (1, 0)),
            other => panic!("{us}: {other:?}\n{}", town.story()),
        }
        assert!(!town.person(amy).phone().is_busy());
    }
}

#[test]
fn at_that_moment_with_a_phone_that_answers_in_spite_of_the_cancel() {
    let mut town = town();
    let amy = town.amy(picks_up_after(secs(5)));
    let deaf = Quirks { deaf_to_cancel: true, ..Quirks::default() };
    town.adviser_mut(amy, |amy, _| amy.phone_mut().set_quirks(deaf));
    let resident = town.resident(into_the_queue().then([Step::Wait(secs(3)), Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
    assert!(!town.person(amy).phone().is_busy(), "hung up: {:#?}", town.person(amy).diary());
    assert_eq!(town.agent("amy"), AgentState::Ready);
}

#[test]
fn during_wrap_up_of_the_last_call_the_next_caller_still_waits() {
    let mut town = town();
    town.amy(Habits::default());
    let first =
        town.resident(into_the_queue().then([hear(AMY), Step::Wait(secs(3)), Step::HangUp]));
    town.see_off(first);
    let second = town.caller(
        "07700900002",
        |_| {},
        into_the_queue().then([Step::Wait(secs(2)), Step::HangUp]),
    );
    town.see_off(second);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerHungUp, EndCause::CallerAbandoned]);
}
