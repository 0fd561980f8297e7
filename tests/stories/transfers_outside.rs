//! Callers handed on to numbers outside, and advisers who ask somebody there first.

use switchboard::event::{
    AgentState, CallEvent, Destination, EndCause, OutboundRefusal, Peer, TransferOutcome,
};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::world::PersonId;

use crate::town::*;
use crate::transfers::amy_talks;
use crate::trunks::{CARRIER, ELSEWHERE, TWO, carrier, with_trunks};

impl Town {
    fn carrier_is(&mut self, carrier: PersonId, change: impl FnOnce(&mut Habits)) {
        self.adviser_mut(carrier, |carrier, _| change(carrier.habits_mut()));
    }
}

/// Amy talks with a resident; a carrier is there for the outside.
fn with_carrier(then: Vec<Step>) -> (Town, PersonId, PersonId, PersonId) {
    let mut town = with_trunks(TWO, |change| change.settings.transfers.ring_s = 8);
    let there = carrier(&mut town, 1, Quirks::default());
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    (town, amy, there, resident)
}

#[test]
fn a_caller_is_handed_to_a_number_outside_and_hears_its_network_before_the_answer() {
    for early in [false, true] {
        let heard = if early { CARRIER } else { MUSIC };
        let then = vec![hear(heard), hear(CARRIER), Step::Wait(secs(8)), Step::HangUp];
        let (mut town, amy, there, resident) = with_carrier(then);
        town.carrier_is(there, |habits| {
            habits.heard_early = early;
            habits.picks_up_after = (secs(5), secs(5));
        });
        town.hands_on(amy, ELSEWHERE);
        town.run_for(secs(3));
        assert_eq!(town.agent("amy"), AgentState::Talking, "while it rings");
        town.run_for(secs(3));
        assert!(town.hears(there, CALLER), "{}", town.story());
        assert_eq!(town.agent("amy"), AgentState::WrapUp);
        town.see_off(resident);
        town.run_for(secs(1));
        let to = |event: &CallEvent| {
            let outside = Destination::Outside(ELSEWHERE.to_owned());
            matches!(event, CallEvent::TransferStarted { to, .. } if *to == outside)
        };
        assert_eq!(town.count(to), 1);
        let today = town.today();
        assert_eq!((today.offered, today.answered), (1, 1));
        assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
    }
}

#[test]
fn an_adviser_who_hears_a_network_outside_is_not_told_that_it_rings() {
    let mut town = with_trunks(TWO, |_| {});
    let there = carrier(&mut town, 1, Quirks::default());
    town.carrier_is(there, |habits| {
        habits.heard_early = true;
        habits.picks_up_after = (secs(5), secs(5));
    });
    let amy = town.amy(Habits::default());
    let rang = town.noticed(amy, &PhoneEvent::Ringing);
    town.dials(amy, ELSEWHERE);
    town.run_for(secs(4));
    assert_eq!(town.noticed(amy, &PhoneEvent::EarlyMedia), 1, "{}", town.story());
    assert!(town.hears(amy, CARRIER));
    assert!(town.hears(there, AMY), "{}", town.story());
    let told = town.noticed(amy, &PhoneEvent::Ringing) - rang;
    assert_eq!(told, 1, "183, and no 180 after it: the phone would ring over what is heard");
    town.hangs_up(amy);
    town.run_for(secs(1));
    town.close();
}

#[test]
fn whom_a_caller_was_handed_to_outside_hangs_up() {
    let then = vec![hear(MUSIC), hear(CARRIER), Step::UntilEnded { within: secs(20) }];
    let (mut town, amy, there, resident) = with_carrier(then);
    town.carrier_is(there, |habits| habits.talks = Some((secs(4), secs(4))));
    town.hands_on(amy, ELSEWHERE);
    town.see_off(resident);
    town.run_for(secs(1));
    let outside = |event: &CallEvent| {
        matches!(event, CallEvent::Disconnected { from: Peer::Outside(number), .. }
            if number == ELSEWHERE)
    };
    assert_eq!(town.count(outside), 1);
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::OutsideHungUp]);
    assert_eq!(town.engine().trunks(town.now())[0].calls, 0, "the line is free again");
}

#[test]
fn a_number_that_does_not_take_the_call_brings_the_caller_back() {
    for (case, told, outcome) in [
        ("busy", 486, TransferOutcome::Rejected),
        ("no answer", 480, TransferOutcome::NoAnswer),
        ("unplugged", 408, TransferOutcome::Unreachable),
        ("not allowed", 403, TransferOutcome::NotAllowed),
    ] {
        let then = vec![
            Step::Wait(secs(1)),
            hear_within(AMY, secs(50)),
            Step::Wait(secs(2)),
            hear(AMY),
            Step::HangUp,
        ];
        let (mut town, amy, there, resident) = with_carrier(then);
        let number = match case {
            "not allowed" => "09098790123",
            _ => ELSEWHERE,
        };
        match case {
            "busy" => town.carrier_is(there, |habits| habits.rejects_first = 9),
            "no answer" => town.carrier_is(there, |habits| {
                habits.ignores_first = 9;
                habits.heard_early = true;
            }),
            "unplugged" => town.adviser_mut(there, |there, _| {
                there.phone_mut().set_quirks(Quirks { unplugged: true, ..Quirks::default() });
            }),
            _ => {}
        }
        town.hands_on(amy, number);
        town.see_off(resident);
        let told = PhoneEvent::TransferProgress(told);
        assert_eq!(town.noticed(amy, &told), 1, "{case}: {:#?}", town.person(amy).diary());
        assert_eq!(town.transfers_that(outcome), 1, "{case}\n{}", town.story());
        let town = town.close();
        let refused = town.engine().outbound_refused().get(&OutboundRefusal::NotAllowed).copied();
        assert_eq!(refused, (case == "not allowed").then_some(1));
    }
}

#[test]
fn somebody_outside_is_asked_first_and_then_with_the_caller() {
    let then =
        vec![hear(MUSIC), Step::Wait(secs(5)), hear(CARRIER), Step::Wait(secs(2)), Step::HangUp];
    let (mut town, amy, there, resident) = with_carrier(then);
    town.adviser_mut(amy, |amy, now| amy.phone_mut().hold(now));
    town.run_for(millis(100));
    town.dials(amy, ELSEWHERE);
    assert!(town.hears(there, AMY));
    assert_eq!(town.agent("amy"), AgentState::Consulting);
    town.run_for(secs(5));
    town.adviser_mut(amy, |amy, now| amy.phone_mut().transfer_to_consulted(now));
    assert!(town.hears(there, CALLER), "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    town.see_off(resident);
    town.run_for(secs(1));
    assert!(!town.person(there).phone().is_busy());
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::Merged, EndCause::CallerHungUp]);
    assert_eq!(town.engine().trunks(town.now())[0].calls, 0, "the line is free again");
}

#[test]
fn an_adviser_hears_the_network_outside_before_the_answer() {
    let mut town = with_trunks(TWO, |_| {});
    let there = carrier(&mut town, 1, Quirks::default());
    town.carrier_is(there, |habits| {
        habits.heard_early = true;
        habits.picks_up_after = (secs(6), secs(6));
    });
    let amy = town.amy(Habits::default());
    town.dials(amy, ELSEWHERE);
    town.run_for(secs(3));
    assert_eq!(town.noticed(amy, &PhoneEvent::EarlyMedia), 1, "{:#?}", town.person(amy).diary());
    assert!(town.hears(amy, CARRIER), "{}", town.story());
    let answered = |event: &CallEvent| matches!(event, CallEvent::Connected { .. });
    assert_eq!(town.count(answered), 0, "not answered yet");
    town.run_for(secs(4));
    assert_eq!(town.count(answered), 1);
    assert!(town.hears(there, AMY));
    town.hangs_up(there);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    assert_eq!(town.close().causes(), [EndCause::AgentCallDone]);
}

#[test]
fn somebody_whom_an_adviser_rang_outside_is_handed_on_to_a_queue() {
    let mut town = with_trunks(TWO, |_| {});
    let there = carrier(&mut town, 1, Quirks::default());
    let amy = town.amy(Habits::default());
    let ben = town.ben(Habits::default());
    town.dials(amy, ELSEWHERE);
    assert!(town.hears(there, AMY));
    town.hands_on(amy, "302");
    assert!(town.hears(there, BEN), "{}", town.story());
    let display = format!("General enquiries: {ELSEWHERE}");
    let incoming = PhoneEvent::Incoming { display, user: ELSEWHERE.to_owned() };
    assert_eq!(town.noticed(ben, &incoming), 1, "{:#?}", town.person(ben).diary());
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Talking));
    town.hangs_up(there);
    town.run_for(secs(1));
    assert_eq!(town.queue("general").today.answered, 1);
    town.close();
}
