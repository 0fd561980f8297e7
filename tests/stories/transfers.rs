//! An adviser hands a caller on without asking first: by REFER from the phone, or by the API.

use switchboard::acd::command::AgentChoice;
use switchboard::call::TransferError;
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{
    AgentState, CallEvent, EndCause, OfferOutcome, Peer, Purpose, TransferOutcome,
};
use switchboard::id::CallId;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::PhoneEvent;
use switchboard::sim::world::PersonId;

use crate::town::*;

impl Town {
    /// An adviser hands whoever is on the line on.
    pub fn hands_on(&mut self, adviser: PersonId, to: &str) {
        self.adviser_mut(adviser, |adviser, now| adviser.phone_mut().transfer(now, to));
    }

    /// The call of the resident, of which there is one.
    pub fn the_call(&self) -> CallId {
        let found = self.calls().into_iter().find_map(|(call, event)| {
            matches!(event, CallEvent::Arrived { flow: Some(_), by: None, .. }).then_some(call)
        });
        found.expect("a resident's call")
    }

    pub fn transfers_that(&self, outcome: TransferOutcome) -> usize {
        self.count(
            |event| matches!(event, CallEvent::TransferEnded { outcome: o } if *o == outcome),
        )
    }

    /// The talk times of an adviser in the resident's call, hold included, in seconds.
    pub fn credited_s(&self, who: &str) -> Vec<u64> {
        let of = |event: &CallEvent| match event {
            CallEvent::Parted { agent, talk_us, hold_us, .. } if agent.as_str() == who => {
                Some((talk_us + hold_us) / 1_000_000)
            }
            CallEvent::Disconnected { from: Peer::Agent(agent), talk_us, hold_us, .. }
                if agent.as_str() == who =>
            {
                Some((talk_us + hold_us) / 1_000_000)
            }
            _ => None,
        };
        self.calls().into_iter().filter_map(|(_, event)| of(event)).collect()
    }
}

/// Amy talks with a resident, who then does this; Ben is at his desk, and not ready.
pub fn amy_talks(town: &mut Town, ben: Habits, then: Vec<Step>) -> (PersonId, PersonId, PersonId) {
    let amy = town.amy(Habits::default());
    let ben = town.ben(ben);
    town.choose("ben", AgentChoice::NotReady);
    let resident = town.resident(into_the_queue().then([hear(AMY)]).then(then));
    assert!(town.hears(amy, CALLER), "{}", town.story());
    town.run_for(secs(1));
    (amy, ben, resident)
}

/// What must be true of the figures however often a call was handed on.
fn counts_once(town: &Town) {
    let today = town.today();
    assert_eq!((today.offered, today.answered), (1, 1), "{}", town.story());
    assert_eq!(town.arrivals(), 1);
}

#[test]
fn a_caller_is_handed_to_a_colleague_and_the_one_who_did_it_is_free() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear(BEN), Step::Wait(secs(5)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, picks_up_after(secs(4)), then);
    town.run_for(secs(5));
    town.hands_on(amy, "202");
    town.run_for(secs(2));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Talking, AgentState::Ringing));
    assert!(town.hears(ben, CALLER), "{}", town.story());
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::WrapUp, AgentState::Talking));
    let display = "From Amy Adeyemi: 01632960001".to_owned();
    let incoming = PhoneEvent::Incoming { display, user: "01632960001".to_owned() };
    assert_eq!(town.noticed(ben, &incoming), 1, "{:#?}", town.person(ben).diary());
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferAccepted), 1);
    for status in [100, 180, 200] {
        let told = PhoneEvent::TransferProgress(status);
        assert_eq!(town.noticed(amy, &told), 1, "{status}: {:#?}", town.person(amy).diary());
    }
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("ben"), AgentState::NotReady, "as before the call");
    counts_once(&town);
    assert_eq!(town.transfers_that(TransferOutcome::Completed), 1);
    let (amy, ben) = (town.credited_s("amy"), town.credited_s("ben"));
    assert_eq!((amy.len(), ben.len()), (1, 1), "{}", town.story());
    assert!((10..=12).contains(&amy[0]) && (5..=7).contains(&ben[0]), "{amy:?} {ben:?}");
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}

#[test]
fn a_colleague_who_was_ready_has_the_calls_work_to_do_after_it() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear(BEN), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.choose("ben", AgentChoice::Ready);
    town.hands_on(amy, "ben");
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("ben"), AgentState::WrapUp);
    let aht = town.queue("waste").total;
    assert_eq!(aht.answered, 1);
    town.run_for(secs(10));
    assert_eq!(town.agent("ben"), AgentState::Ready);
    town.close();
}

#[test]
fn a_caller_handed_to_a_queue_waits_anew_at_the_place_that_they_had() {
    let mut town = town();
    let then = vec![hear_within(MUSIC, secs(40)), hear_within(BEN, secs(60)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    // Somebody who came later waits there already.
    let later = town.resident(
        ring()
            .then([hear(WELCOME), hear(CHOICES), Step::Press("2".to_owned()), hear(MUSIC)])
            .then([hear_within(BEN, secs(90)), Step::HangUp]),
    );
    town.run_for(secs(20));
    assert_eq!(town.queue("general").waiting, 1);
    town.hands_on(amy, "302");
    town.run_for(secs(1));
    assert_eq!(town.queue("general").waiting, 2, "{}", town.story());
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferProgress(200)), 1);
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    town.choose("ben", AgentChoice::Ready);
    assert!(town.hears(ben, CALLER));
    town.see_off(resident);
    town.see_off(later);
    let again = town
        .count(|event| matches!(event, CallEvent::QueueEntered { first: false, episode: 2, .. }));
    assert_eq!(again, 1, "a new episode, reported apart");
    let first_served = town.calls().into_iter().find_map(|(call, event)| match event {
        CallEvent::Joined { episode: 2, wait_us, .. } => Some((call, *wait_us)),
        _ => None,
    });
    let (call, wait_us) = first_served.expect("answered again");
    assert_eq!(call, town.the_call());
    assert!(wait_us < 10_000_000, "talk never counts as wait: {wait_us}");
    let today = town.today();
    assert_eq!((today.offered, today.answered), (2, 2));
    town.close();
}

#[test]
fn a_caller_handed_to_a_flow_is_led_by_it() {
    let mut town = town();
    let then = vec![hear(WELCOME), hear(CHOICES), press("2"), hear(MUSIC), hear(BEN), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.choose("ben", AgentChoice::Ready);
    town.hands_on(amy, "council");
    town.see_off(resident);
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferProgress(200)), 1);
    counts_once(&town);
    town.close();
}

#[test]
fn a_transfer_that_nobody_takes_brings_the_caller_back_to_the_adviser() {
    for (case, to, told, outcome) in [
        ("busy", "202", 486, TransferOutcome::Rejected),
        ("refuses", "202", 486, TransferOutcome::Rejected),
        ("does not answer", "202", 480, TransferOutcome::NoAnswer),
        ("signed out", "202", 480, TransferOutcome::Unreachable),
        ("oneself", "201", 486, TransferOutcome::Rejected),
        ("full", "302", 486, TransferOutcome::NotTaken),
        ("nobody on duty", "302", 480, TransferOutcome::NotTaken),
    ] {
        let mut town = town_with(|change| {
            change.settings.transfers.ring_s = 8;
            let general = change.settings.queues.get_mut("general").expect("general");
            match case {
                "full" => general.max_waiting = Some(1),
                "nobody on duty" => general.wait_when_unstaffed = false,
                _ => {}
            }
        });
        let then =
            vec![Step::Wait(secs(15)), hear(AMY), Step::Wait(secs(1)), hear(AMY), Step::HangUp];
        let habits = match case {
            "refuses" => Habits { rejects_first: 1, ..Habits::default() },
            "does not answer" => Habits { ignores_first: 1, ..Habits::default() },
            _ => Habits::default(),
        };
        let (amy, ben, resident) = amy_talks(&mut town, habits, then);
        let other = match case {
            "busy" => {
                town.dials(ben, NUMBER);
                town.run_for(secs(2));
                None
            }
            "signed out" | "nobody on duty" => {
                town.choose("ben", AgentChoice::SignOut);
                None
            }
            "full" => {
                let steps = ring().then([hear(WELCOME), hear(CHOICES), press("2"), hear(MUSIC)]);
                let other = town.caller("01632960002", |_| {}, steps.then([Step::Wait(secs(60))]));
                town.run_until(secs(20), |world| {
                    world.live().queues.iter().any(|queue| queue.waiting == 1)
                });
                Some(other)
            }
            _ => None,
        };
        town.hands_on(amy, to);
        assert!(
            town.run_until(secs(12), |world| {
                world.person(amy).diary().times(&PhoneEvent::TransferProgress(told)) == 1
            }),
            "{case}: {:#?}\n{}",
            town.person(amy).diary(),
            town.story()
        );
        assert!(town.hears(amy, CALLER), "{case}");
        town.see_off(resident);
        town.run_for(secs(1));
        assert_eq!(town.transfers_that(outcome), 1, "{case}\n{}", town.story());
        assert_eq!(town.agent("amy"), AgentState::WrapUp, "{case}");
        assert_eq!(town.credited_s("amy").len(), 1, "one segment: {case}");
        if let Some(other) = other {
            town.caller_mut(other, |caller, now| caller.leave(now));
        }
        town.hangs_up(ben);
        town.close();
    }
}

#[test]
fn what_cannot_be_a_transfer_is_refused_and_the_conversation_goes_on() {
    let mut town = town();
    let then = vec![Step::Wait(secs(5)), hear(AMY), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.hands_on(amy, "zoe");
    town.run_for(secs(1));
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferRefused(404)), 1);
    assert_eq!(
        town.count(|event| matches!(event, CallEvent::TransferRefused { status: 404, .. })),
        1
    );
    assert!(town.hears(amy, CALLER));
    town.see_off(resident);
    town.close();
}

#[test]
fn a_caller_cannot_hand_themselves_on() {
    let mut town = town();
    let then = vec![Step::Wait(secs(5)), hear(AMY), Step::HangUp];
    let (_, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.caller_mut(resident, |caller, now| caller.phone_mut().transfer(now, "202"));
    town.run_for(secs(1));
    assert_eq!(town.noticed(resident, &PhoneEvent::TransferRefused(403)), 1);
    town.see_off(resident);
    town.close();
}

#[test]
fn a_second_transfer_while_one_is_under_way_is_refused_and_the_first_goes_on() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear(BEN), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, picks_up_after(secs(5)), then);
    town.hands_on(amy, "202");
    town.run_for(secs(1));
    town.hands_on(amy, "302");
    town.see_off(resident);
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferRefused(491)), 1);
    assert_eq!(town.transfers_that(TransferOutcome::Completed), 1);
    town.close();
}

#[test]
fn an_adviser_who_hangs_up_at_once_has_handed_the_caller_on_all_the_same() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear(BEN), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, picks_up_after(secs(5)), then);
    town.hands_on(amy, "202");
    town.run_for(millis(20));
    town.hangs_up(amy);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    town.see_off(resident);
    assert_eq!(town.transfers_that(TransferOutcome::Completed), 1);
    counts_once(&town);
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}

#[test]
fn an_adviser_who_has_hung_up_is_rung_back_when_nobody_answers() {
    let mut town = town_with(|change| change.settings.transfers.ring_s = 6);
    let then = vec![hear(MUSIC), Step::Wait(secs(5)), hear(AMY), Step::Wait(secs(2)), Step::HangUp];
    let ben = Habits { ignores_first: 1, ..Habits::default() };
    let (amy, _, resident) = amy_talks(&mut town, ben, then);
    town.hands_on(amy, "202");
    town.run_for(millis(20));
    town.hangs_up(amy);
    town.see_off(resident);
    let display = "Returned: 01632960001".to_owned();
    let incoming = PhoneEvent::Incoming { display, user: "01632960001".to_owned() };
    assert_eq!(town.noticed(amy, &incoming), 1, "{:#?}", town.person(amy).diary());
    town.run_for(secs(1));
    let recalled =
        |event: &CallEvent| matches!(event, CallEvent::Connected { purpose: Purpose::Recall, .. });
    assert_eq!(town.count(recalled), 1);
    assert_eq!(town.credited_s("amy").len(), 2, "two segments, each her own");
    counts_once(&town);
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}

#[test]
fn a_caller_whom_nobody_takes_back_is_first_in_the_queue_that_they_came_from() {
    let mut town = town_with(|change| {
        change.settings.transfers.ring_s = 6;
        change.settings.transfers.recall_s = 6;
        change.settings.queues.get_mut("waste").expect("waste").max_waiting = Some(1);
    });
    let then = vec![hear_within(MUSIC, secs(40)), hear_within(BEN, secs(60)), Step::HangUp];
    let ben = Habits { ignores_first: 1, ..Habits::default() };
    let (amy, _, resident) = amy_talks(&mut town, ben, then);
    // Rang later, waits already, and fills the queue.
    let later = town.resident(into_the_queue().then([hear_within(BEN, secs(90)), Step::HangUp]));
    town.run_for(secs(15));
    town.adviser_mut(amy, |amy, _| amy.habits_mut().ignores_first = 9);
    town.hands_on(amy, "202");
    town.run_for(millis(20));
    town.hangs_up(amy);
    town.run_for(secs(14));
    assert_eq!(town.queue("waste").waiting, 2, "{}", town.story());
    town.choose("ben", AgentChoice::Ready);
    town.see_off(resident);
    town.see_off(later);
    let order: Vec<CallId> = town
        .calls()
        .into_iter()
        .filter_map(|(call, event)| matches!(event, CallEvent::Joined { .. }).then_some(call))
        .collect();
    assert_eq!(order.len(), 3);
    assert_eq!(order[0], order[1], "before whoever came later");
    let recall = |event: &CallEvent| {
        let no_answer = OfferOutcome::NoAnswer;
        matches!(event, CallEvent::DialEnded { outcome, .. } if *outcome == no_answer)
    };
    assert_eq!(town.count(recall), 2, "the colleague, then the adviser herself");
    town.close();
}

#[test]
fn a_caller_whom_nobody_takes_back_after_hours_is_told_by_the_flow() {
    let mut town = town_with(|change| {
        change.settings.transfers.ring_s = 6;
        change.settings.transfers.recall_s = 6;
    });
    let then = vec![hear(MUSIC), hear_within(CLOSED_WHILE_WAITING, secs(60))];
    let ben = Habits { ignores_first: 1, ..Habits::default() };
    let (amy, _, resident) = amy_talks(&mut town, ben, then);
    town.adviser_mut(amy, |amy, _| amy.habits_mut().ignores_first = 9);
    town.reload(|settings| {
        settings.transfers.ring_s = 6;
        settings.transfers.recall_s = 6;
        settings.calendars.values_mut().for_each(|calendar| calendar.week.clear());
    });
    town.hands_on(amy, "202");
    town.run_for(millis(20));
    town.hangs_up(amy);
    town.see_off(resident);
    counts_once(&town);
    town.close();
}

#[test]
fn a_caller_who_hangs_up_meanwhile_frees_everybody() {
    for amy_stays in [true, false] {
        let mut town = town();
        let then = vec![hear(MUSIC), Step::Wait(secs(3)), Step::HangUp];
        let (amy, ben, resident) = amy_talks(&mut town, picks_up_after(secs(30)), then);
        town.hands_on(amy, "202");
        if !amy_stays {
            town.run_for(millis(20));
            town.hangs_up(amy);
        }
        town.see_off(resident);
        town.run_for(secs(1));
        assert_eq!(town.noticed(ben, &PhoneEvent::Cancelled), 1);
        let states = (town.agent("amy"), town.agent("ben"));
        assert_eq!(states, (AgentState::WrapUp, AgentState::NotReady));
        assert_eq!(town.transfers_that(TransferOutcome::CallerLeft), 1);
        assert!(!town.person(amy).phone().is_busy(), "{:#?}", town.person(amy).diary());
        counts_once(&town);
        assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
    }
}

#[test]
fn whom_a_caller_was_handed_to_hangs_up_and_the_call_is_over() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear(BEN), Step::UntilEnded { within: secs(10) }];
    let ben = Habits { talks: Some((secs(4), secs(4))), ..Habits::default() };
    let (amy, _, resident) = amy_talks(&mut town, ben, then);
    town.hands_on(amy, "202");
    town.see_off(resident);
    counts_once(&town);
    assert_eq!(town.close().causes(), [EndCause::AgentHungUp]);
}

#[test]
fn a_colleague_hands_the_caller_back_and_each_has_a_segment_of_their_own() {
    let mut town = town_with(|change| {
        change.settings.queues.get_mut("waste").expect("waste").wrap_up_s = 0;
    });
    let then = vec![hear(MUSIC), hear(BEN), hear(MUSIC), hear(AMY), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    town.hands_on(amy, "202");
    assert!(town.hears(ben, CALLER));
    town.run_for(secs(3));
    town.hands_on(ben, "201");
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!((town.credited_s("amy").len(), town.credited_s("ben").len()), (2, 1));
    counts_once(&town);
    assert_eq!(town.transfers_that(TransferOutcome::Completed), 2);
    town.close();
}

#[test]
fn whom_an_adviser_rang_is_handed_on_and_their_call_goes_on() {
    let mut town = town();
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    town.dials(amy, "202");
    assert!(town.hears(ben, AMY));
    // Amy hands Ben on to the council's own number.
    town.hands_on(amy, "council");
    assert!(town.hears(ben, WELCOME), "{}", town.story());
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Talking));
    town.hangs_up(ben);
    town.run_for(secs(1));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Ready));
    town.close();
}

#[test]
fn a_reload_and_a_dying_process_leave_no_half_transfer() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear(BEN), Step::UntilEnded { within: secs(900) }];
    let (amy, ben, resident) = amy_talks(&mut town, picks_up_after(secs(4)), then);
    town.hands_on(amy, "202");
    town.run_for(secs(1));
    town.reload(|_| {});
    assert!(town.hears(ben, CALLER));
    town.restart();
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::NotReady));
    counts_once(&town);
    for adviser in [amy, ben] {
        town.hangs_up(adviser);
    }
    town.caller_mut(resident, |caller, now| caller.leave(now));
    town.close();
}

#[test]
fn the_api_hands_a_call_on_for_its_adviser_and_for_a_supervisor() {
    for (own, agent) in [(true, Some("amy")), (false, None)] {
        let mut town = town();
        let then = vec![hear(MUSIC), hear(BEN), Step::HangUp];
        let (amy, _, resident) = amy_talks(&mut town, picks_up_after(secs(4)), then);
        let call = town.the_call();
        let mut ask = |to: &str, agent: Option<&str>| {
            let agent = agent.map(Into::into);
            town.ask("Sue Green", own, Request::Transfer { call, to: to.to_owned(), agent })
        };
        assert_eq!(ask("zoe", agent), Some(Reply::UnknownDestination));
        let other = Some(Reply::TransferRefused(TransferError::NotAnAgent));
        assert_eq!(ask("202", Some("ben")), other, "not Ben's call");
        assert_eq!(ask("202", agent), Some(Reply::Done));
        let under_way = Some(Reply::TransferRefused(TransferError::NotTalking));
        assert_eq!(ask("202", agent), under_way);
        town.see_off(resident);
        assert!(!town.person(amy).phone().is_busy(), "the phone is hung up for her");
        let by = town.calls().into_iter().find_map(|(_, event)| match event {
            CallEvent::TransferStarted { by, actor, .. } => Some((by.clone(), actor.clone())),
            _ => None,
        });
        assert_eq!(by, Some(("amy".into(), Some("Sue Green".to_owned()))));
        town.close();
    }
    let mut town = town();
    let unknown = CallId("0190163d-8694-739b-aea5-966c26f8ad91".parse().expect("a call's id"));
    let request = Request::Transfer { call: unknown, to: "202".to_owned(), agent: None };
    assert_eq!(town.ask("Sue Green", false, request), Some(Reply::UnknownCall));
}
