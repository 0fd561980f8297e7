//! An adviser asks a colleague first, and then hands the caller on, or does not; and a conversation
//! moves to another phone.

use std::collections::BTreeSet;

use switchboard::acd::command::AgentChoice;
use switchboard::event::{AgentState, CallEvent, EndCause, Purpose, TransferKind, TransferOutcome};
use switchboard::id::CallId;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::PhoneEvent;
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;

use crate::town::*;
use crate::transfers::amy_talks;

impl Town {
    /// An adviser puts whoever is on the line on hold.
    pub fn holds(&mut self, adviser: PersonId) {
        self.adviser_mut(adviser, |adviser, now| adviser.phone_mut().hold(now));
        self.run_for(millis(100));
    }

    pub fn resumes(&mut self, adviser: PersonId) {
        self.adviser_mut(adviser, |adviser, now| adviser.phone_mut().resume(now));
        self.run_for(millis(100));
    }

    /// Puts the caller on hold and rings somebody else.
    pub fn consults(&mut self, adviser: PersonId, called: &str) {
        self.holds(adviser);
        self.dials(adviser, called);
    }

    /// Joins the caller on hold with whoever was asked.
    pub fn brings_together(&mut self, adviser: PersonId) {
        self.adviser_mut(adviser, |adviser, now| adviser.phone_mut().transfer_to_consulted(now));
    }

    /// Calls that have arrived, but for star codes.
    fn conversations(&self) -> BTreeSet<CallId> {
        self.calls()
            .into_iter()
            .filter_map(|(call, event)| match event {
                CallEvent::Arrived { called, .. } if !called.starts_with('*') => Some(call),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn a_caller_waits_with_music_while_a_colleague_is_asked_and_is_then_with_the_colleague() {
    let mut town = town();
    let then = vec![
        hear(MUSIC),
        Step::Wait(secs(8)),
        hear(MUSIC),
        hear(BEN),
        Step::Wait(secs(5)),
        Step::HangUp,
    ];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    town.consults(amy, "202");
    assert!(town.hears(amy, BEN) && town.hears(ben, AMY), "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::Consulting);
    town.run_for(secs(8));
    town.brings_together(amy);
    assert!(town.hears(ben, CALLER), "{}", town.story());
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::WrapUp, AgentState::Talking));
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferAccepted), 1);
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferProgress(200)), 1);
    assert!(!town.person(amy).phone().is_busy(), "{:#?}", town.person(amy).diary());
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("ben"), AgentState::NotReady);
    let caller = town.the_call();
    let consulted = town.calls().into_iter().find_map(|(call, event)| match event {
        CallEvent::TransferStarted { kind: TransferKind::Attended { consulted }, .. } => {
            assert_eq!(call, caller, "the caller's call goes on");
            Some(*consulted)
        }
        _ => None,
    });
    assert!(consulted.is_some_and(|call| call != caller));
    let today = town.today();
    assert_eq!((today.offered, today.answered), (1, 1));
    let held = town.calls().into_iter().find_map(|(_, event)| match event {
        CallEvent::Parted { agent, hold_us, .. } if agent.as_str() == "amy" => Some(*hold_us),
        _ => None,
    });
    assert!(held.is_some_and(|us| us > 8_000_000), "{held:?}");
    // Ben in the consultation, then Ben with the caller.
    assert_eq!((town.credited_s("amy").len(), town.credited_s("ben").len()), (1, 2));
    assert_eq!(town.close().causes(), [EndCause::Merged, EndCause::CallerHungUp]);
}

#[test]
fn whoever_has_put_the_caller_on_hold_is_on_hold_until_they_talk_again() {
    let mut town = town();
    let then = vec![Step::Wait(secs(20)), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.holds(amy);
    assert_eq!(town.agent("amy"), AgentState::Hold, "{}", town.story());
    assert!(town.hears(resident, MUSIC));
    town.resumes(amy);
    assert_eq!(town.agent("amy"), AgentState::Talking, "{}", town.story());
    assert!(town.hears(resident, AMY));
    town.holds(amy);
    assert_eq!(town.agent("amy"), AgentState::Hold);
    town.see_off(resident);
    town.run_for(millis(100));
    assert_eq!(town.agent("amy"), AgentState::WrapUp, "a call that is over is not on hold");
    town.close();
}

#[test]
fn an_adviser_comes_back_to_the_caller_when_the_colleague_has_hung_up_or_said_no() {
    for case in ["hangs up", "refuses"] {
        let mut town = town();
        let then = vec![hear(MUSIC), hear_within(AMY, secs(30)), Step::HangUp];
        let habits = match case {
            "refuses" => Habits { rejects_first: 1, ..Habits::default() },
            _ => Habits::default(),
        };
        let (amy, ben, resident) = amy_talks(&mut town, habits, then);
        town.consults(amy, "202");
        match case {
            "refuses" => assert_eq!(town.refusal(amy), Some(486)),
            _ => {
                assert!(town.hears(amy, BEN));
                town.hangs_up(ben);
                town.run_for(secs(1));
            }
        }
        assert_eq!(town.agent("amy"), AgentState::Hold, "{case}: still with the caller");
        town.resumes(amy);
        town.see_off(resident);
        town.run_for(secs(1));
        assert_eq!(town.agent("amy"), AgentState::WrapUp, "{case}");
        assert_eq!(town.credited_s("amy").len(), 1);
        town.close();
    }
}

#[test]
fn a_caller_who_hangs_up_meanwhile_leaves_the_two_advisers_talking() {
    let mut town = town();
    let then = vec![hear(MUSIC), Step::Wait(secs(6)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    town.consults(amy, "202");
    assert!(town.hears(ben, AMY));
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Talking, AgentState::Talking));
    town.hangs_up(amy);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::WrapUp, "the caller's work is still to be done");
    town.close();
}

#[test]
fn a_colleague_who_still_rings_is_rung_for_the_caller_from_then_on() {
    for answers in [true, false] {
        let mut town = town_with(|change| change.settings.transfers.ring_s = 8);
        let (heard, habits) = match answers {
            true => (BEN, picks_up_after(secs(6))),
            false => (AMY, Habits { ignores_first: 1, ..Habits::default() }),
        };
        let then =
            vec![hear(MUSIC), hear_within(heard, secs(40)), Step::Wait(secs(1)), Step::HangUp];
        let (amy, ben, resident) = amy_talks(&mut town, habits, then);
        town.consults(amy, "202");
        town.run_for(secs(2));
        assert_eq!(town.agent("ben"), AgentState::Ringing);
        let consulted = town
            .person(amy)
            .phone()
            .dialog()
            .expect("rings")
            .replace(';', "%3B")
            .replace('=', "%3D")
            .replace('@', "%40");
        let refer_to = format!("<sip:202@10.0.0.1?Replaces={consulted}>");
        town.adviser_mut(amy, |amy, now| amy.phone_mut().refer_held(now, &refer_to));
        town.run_for(secs(1));
        assert_eq!(town.noticed(ben, &PhoneEvent::Cancelled), 0, "goes on ringing");
        if !answers {
            town.run_for(secs(8));
            assert_eq!(town.noticed(amy, &PhoneEvent::TransferProgress(480)), 1);
            town.resumes(amy);
        }
        town.see_off(resident);
        let outcome = match answers {
            true => TransferOutcome::Completed,
            false => TransferOutcome::NoAnswer,
        };
        assert_eq!(town.transfers_that(outcome), 1, "{}", town.story());
        town.close();
    }
}

#[test]
fn a_caller_joins_whoever_served_the_queue_that_was_asked() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear_within(BEN, secs(60)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    town.choose("ben", AgentChoice::Ready);
    town.consults(amy, "302");
    assert!(town.hears(ben, AMY));
    town.brings_together(amy);
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    assert_eq!(town.agent("ben"), AgentState::WrapUp, "of the caller's queue");
    let today = town.today();
    assert_eq!((today.offered, today.answered), (2, 2), "Amy's own wait in the queue is one too");
    town.close();
}

#[test]
fn a_queue_that_has_not_answered_yet_takes_the_caller_instead() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear_within(BEN, secs(60)), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.consults(amy, "302");
    assert!(town.hears(amy, MUSIC));
    town.brings_together(amy);
    town.run_for(secs(1));
    assert_eq!(town.queue("general").waiting, 1, "{}", town.story());
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    town.choose("ben", AgentChoice::Ready);
    town.see_off(resident);
    assert_eq!(town.transfers_that(TransferOutcome::Completed), 1);
    town.close();
}

#[test]
fn a_transfer_that_names_no_call_of_the_adviser_is_refused() {
    let mut town = town();
    let then = vec![Step::Wait(secs(6)), hear(AMY), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    let refer = |town: &mut Town, dialog: &str| {
        let escaped = dialog.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
        let refer_to = format!("<sip:202@10.0.0.1?Replaces={escaped}>");
        town.adviser_mut(amy, |amy, now| amy.phone_mut().refer(now, &refer_to));
        town.run_for(secs(1));
    };
    refer(&mut town, "unknown@10.1.0.0;to-tag=a;from-tag=b");
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferRefused(481)), 1);
    // Somebody else's call, and the very call that it is asked on.
    town.dials(ben, NUMBER);
    town.run_for(secs(1));
    let bens = town.person(ben).phone().dialog().expect("is up");
    let own = town.person(amy).phone().dialog().expect("is up");
    refer(&mut town, &bens);
    refer(&mut town, &own);
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferRefused(403)), 2);
    assert!(town.hears(amy, CALLER), "the conversation goes on");
    town.hangs_up(ben);
    town.see_off(resident);
    town.close();
}

#[test]
fn the_consultation_may_be_the_line_that_the_transfer_is_asked_on() {
    let mut town = town();
    let then = vec![hear(MUSIC), hear_within(BEN, secs(30)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    let first = town.person(amy).phone().dialog().expect("is up");
    town.consults(amy, "202");
    assert!(town.hears(ben, AMY));
    let escaped = first.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
    let refer_to = format!("<sip:01632960001@10.0.0.1?Replaces={escaped}>");
    town.adviser_mut(amy, |amy, now| amy.phone_mut().refer(now, &refer_to));
    town.see_off(resident);
    assert_eq!(town.noticed(amy, &PhoneEvent::TransferProgress(200)), 1);
    assert_eq!(town.close().causes(), [EndCause::Merged, EndCause::CallerHungUp]);
}

#[test]
fn two_colleagues_whom_an_adviser_rang_one_after_the_other_are_brought_together() {
    let mut town = town_with(|change| {
        let dev = switchboard::config::settings::AgentSettings {
            name: "Dev Patel".to_owned(),
            password: Some("dev's".into()),
            ..change.settings.agents["amy"].clone()
        };
        let dev = switchboard::config::settings::AgentSettings { extension: None, ..dev };
        change.settings.agents.insert("dev".into(), dev);
    });
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    let signs_in = Some("*70".to_owned());
    let habits = Habits { signs_in, ..Habits::default() };
    let dev = town.adviser("dev", "dev's", habits, |phone| phone.sound = Sound::Tone(1_400));
    town.run_for(secs(5));
    town.dials(amy, "202");
    assert!(town.hears(ben, AMY));
    town.consults(amy, "dev");
    assert!(town.hears(dev, AMY));
    town.brings_together(amy);
    assert!(town.hears(ben, 1_400) && town.hears(dev, BEN), "{}", town.story());
    let states = ["amy", "ben", "dev"].map(|agent| town.agent(agent));
    assert_eq!(states, [AgentState::Ready, AgentState::Talking, AgentState::Talking]);
    assert_eq!(town.conversations().len(), 2);
    town.hangs_up(dev);
    town.run_for(secs(1));
    let states = ["amy", "ben", "dev"].map(|agent| town.agent(agent));
    assert_eq!(states, [AgentState::Ready; 3]);
    assert_eq!(town.close().causes(), [EndCause::Merged, EndCause::AgentCallDone]);
}

#[test]
fn an_adviser_takes_the_conversation_along_to_another_phone() {
    let mut town = town();
    let then = vec![hear(1_500), Step::Wait(secs(3)), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    let mobile = town.adviser("amy", "amy's", Habits::default(), |phone| {
        phone.sound = Sound::Tone(1_500);
    });
    town.run_for(secs(1));
    let dialog = town.person(amy).phone().dialog().expect("is up");
    town.adviser_mut(mobile, |amy, now| amy.phone_mut().take(now, &dialog));
    assert!(town.hears(mobile, CALLER), "{}", town.story());
    assert!(!town.person(amy).phone().is_busy(), "the desk phone is hung up");
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("amy"), AgentState::WrapUp);
    assert_eq!(town.credited_s("amy").len(), 1, "one segment on two phones");
    assert_eq!(town.count(|event| matches!(event, CallEvent::PhoneChanged { .. })), 1);
    assert_eq!(town.conversations().len(), 1);
    town.close();
}

#[test]
fn a_colleague_may_take_a_conversation_over_and_a_stranger_may_not() {
    let mut town = town();
    let then = vec![hear_within(BEN, secs(30)), Step::Wait(secs(3)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    let dialog = town.person(amy).phone().dialog().expect("is up");
    let stranger = town.caller("01632960077", |_| {}, vec![]);
    town.caller_mut(stranger, |caller, now| caller.phone_mut().take(now, &dialog));
    assert_eq!(town.refusal(stranger), Some(401));
    assert_eq!(town.agent("amy"), AgentState::Talking);
    town.adviser_mut(ben, |ben, now| ben.phone_mut().take(now, &dialog));
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::WrapUp, AgentState::NotReady));
    let taken = |event: &CallEvent| {
        matches!(event, CallEvent::Connected { purpose: Purpose::Takeover, .. })
    };
    assert_eq!(town.count(taken), 1);
    assert_eq!((town.credited_s("amy").len(), town.credited_s("ben").len()), (1, 1));
    town.close();
}

#[test]
fn a_phone_that_vanishes_while_it_takes_over_leaves_the_conversation_where_it_was() {
    let mut town = town();
    let then = vec![Step::Wait(secs(40)), hear(AMY), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    let mobile = town.adviser("amy", "amy's", Habits::default(), |phone| {
        phone.quirks.never_acks = true;
    });
    town.run_for(secs(1));
    let dialog = town.person(amy).phone().dialog().expect("is up");
    town.adviser_mut(mobile, |amy, now| amy.phone_mut().take(now, &dialog));
    town.run_for(secs(1));
    assert!(town.hears(amy, CALLER));
    town.see_off(resident);
    town.close();
}
