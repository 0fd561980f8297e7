//! A supervisor listens, whispers and speaks; an adviser makes three of two conversations. Everybody's
//! voice is a tone of their own, measured at each ear.

use switchboard::acd::command::AgentChoice;
use switchboard::call::SuperviseError;
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{AgentState, CallEvent, EndCause, Peer, Supervision, TransferOutcome};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::tone::{self, RATE_HZ};
use switchboard::sim::world::PersonId;

use crate::town::*;
use crate::transfers::amy_talks;

use Supervision::{Barge, Listen, Whisper};

impl Town {
    /// Whose tones somebody hears now: of the caller, of Amy, of Ben, and the music.
    fn voices(&self, id: PersonId) -> Vec<u32> {
        let heard = self.person(id).phone().voice().ear().last(300);
        let level = tone::level(&heard);
        let sounds = |hz: &u32| {
            let share = tone::share(&heard, f64::from(*hz), RATE_HZ);
            level > 40.0 && share.sqrt() * level > 800.0
        };
        [CALLER, AMY, BEN, MUSIC].into_iter().filter(sounds).collect()
    }

    /// The same of several people, after half a second.
    pub fn all_hear(&mut self, ids: &[PersonId]) -> Vec<Vec<u32>> {
        self.run_for(millis(700));
        ids.iter().map(|id| self.voices(*id)).collect()
    }

    pub fn asks(&mut self, request: Request) -> Reply {
        self.ask("Sue Green", false, request).expect("an answer")
    }

    /// Ben is let into the resident's call, and answers.
    pub fn lets_in(&mut self, mode: Supervision) {
        let (call, agent) = (self.the_call(), "ben".into());
        assert_eq!(self.asks(Request::Supervise { call, agent, mode }), Reply::Done);
        self.run_for(secs(4));
    }

    pub fn as_what(&mut self, mode: Supervision) -> Reply {
        let (call, agent) = (self.the_call(), None);
        self.asks(Request::SuperviseAs { call, agent, mode })
    }

    fn presses(&mut self, id: PersonId, keys: &str) {
        self.adviser_mut(id, |adviser, _| adviser.phone_mut().press(keys));
        self.run_for(secs(1));
    }

    /// What the journal has of supervisors and third parties.
    fn company(&self) -> Vec<String> {
        let told = |event: &CallEvent| match event {
            CallEvent::SupervisorAsked { agent, mode, actor, .. } => {
                Some(format!("{actor} asks {agent} to {}", mode.as_str()))
            }
            CallEvent::SupervisorJoined { agent, mode, .. } => {
                Some(format!("{agent} {}", mode.as_str()))
            }
            CallEvent::SupervisorChanged { agent, mode, actor } => {
                Some(format!("{agent} {} by {}", mode.as_str(), actor.as_deref().unwrap_or("key")))
            }
            CallEvent::SupervisorLeft { agent, present_us } => {
                Some(format!("{agent} left after {} s", present_us / 1_000_000))
            }
            CallEvent::ConferenceJoined { who, by, .. } => {
                Some(format!("{by} brings {}", name(who)))
            }
            CallEvent::ConferenceLeft { who, .. } => Some(format!("{} not third", name(who))),
            CallEvent::Connected { to, .. } => Some(format!("with {}", name(to))),
            _ => None,
        };
        self.calls().into_iter().filter_map(|(_, event)| told(event)).collect()
    }
}

fn name(peer: &Peer) -> String {
    match peer {
        Peer::Agent(agent) => agent.to_string(),
        Peer::Outside(number) => number.clone(),
    }
}

#[test]
fn a_supervisor_is_heard_as_far_as_they_chose_and_the_journal_says_who_listened() {
    let mut town = town();
    let then = vec![Step::Wait(secs(40)), hear(AMY), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    let all = [resident, amy, ben];
    town.lets_in(Listen);
    let both = vec![CALLER, AMY];
    let listened = [vec![AMY], vec![CALLER], both.clone()];
    assert_eq!(town.all_hear(&all), listened);
    assert_eq!(town.agent("ben"), AgentState::Talking, "no caller is offered to Ben");

    let whispered = [vec![AMY], vec![CALLER, BEN], both.clone()];
    assert_eq!(town.as_what(Whisper), Reply::Done);
    assert_eq!(town.all_hear(&all), whispered);
    let barged = [vec![AMY, BEN], vec![CALLER, BEN], both.clone()];
    town.presses(ben, "3");
    assert_eq!(town.all_hear(&all), barged);
    town.presses(ben, "2");
    assert_eq!(town.all_hear(&all), whispered);
    town.presses(ben, "19");
    assert_eq!(town.all_hear(&all), listened);

    let call = town.the_call();
    assert_eq!(town.asks(Request::StopSupervising { call, agent: None }), Reply::Done);
    assert_eq!(town.all_hear(&all[..2]), [vec![AMY], vec![CALLER]]);
    assert!(!town.person(ben).phone().is_busy());
    assert_eq!(town.agent("ben"), AgentState::NotReady, "as before, without wrap-up");
    let gone = Reply::SuperviseRefused(SuperviseError::Absent);
    assert_eq!(town.as_what(Barge), gone);
    town.see_off(resident);
    let story = town.company();
    assert_eq!(
        story[..6],
        [
            "Sue Green asks ben to listen",
            "ben listen",
            "ben whisper by Sue Green",
            "ben barge by key",
            "ben whisper by key",
            "ben listen by key",
        ]
    );
    assert!(story[6].starts_with("ben left after "), "{story:?}");
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}

#[test]
fn a_hold_leaves_the_supervisor_with_the_one_who_holds_and_whoever_waits_hears_music() {
    let mut town = town();
    let then = vec![hear(MUSIC), Step::Wait(secs(4)), hear_within(AMY, secs(20)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    town.lets_in(Listen);
    town.adviser_mut(amy, |adviser, now| adviser.phone_mut().hold(now));
    assert_eq!(town.all_hear(&[resident, ben]), [vec![MUSIC], vec![]]);
    town.adviser_mut(amy, |adviser, now| adviser.phone_mut().resume(now));
    let heard = town.all_hear(&[resident, amy, ben]);
    assert_eq!(heard, [vec![AMY], vec![CALLER], vec![CALLER, AMY]]);
    // Leaves while the line is held again.
    town.adviser_mut(amy, |adviser, now| adviser.phone_mut().hold(now));
    town.run_for(secs(1));
    town.hangs_up(ben);
    assert_eq!(town.all_hear(&[resident]), [vec![MUSIC]]);
    town.adviser_mut(amy, |adviser, now| adviser.phone_mut().resume(now));
    town.see_off(resident);
    town.close();
}

#[test]
fn keys_that_the_caller_presses_reach_the_adviser_also_while_somebody_listens() {
    let mut town = town();
    let then = vec![Step::Wait(secs(8)), press("42#"), Step::Wait(secs(5)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    town.lets_in(Listen);
    town.run_for(secs(8));
    let keys = |id| -> String {
        town.person(id).phone().voice().heard_keys().iter().map(|key| key.as_char()).collect()
    };
    assert_eq!((keys(amy).as_str(), keys(ben).as_str()), ("42#", ""));
    town.see_off(resident);
    town.close();
}

#[test]
fn the_supervisor_is_let_go_when_the_conversation_ends_or_is_handed_on() {
    for case in ["caller", "adviser", "handed on", "supervisor"] {
        let mut town = town();
        let then = match case {
            "caller" => vec![Step::Wait(secs(6)), Step::HangUp],
            "handed on" => vec![Step::Wait(secs(30)), Step::HangUp],
            _ => vec![Step::Wait(secs(30)), Step::HangUp],
        };
        let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
        town.lets_in(Barge);
        match case {
            "adviser" => town.hangs_up(amy),
            "handed on" => town.hands_on(amy, "302"),
            "supervisor" => town.hangs_up(ben),
            _ => town.see_off(resident),
        }
        town.run_for(secs(1));
        assert!(!town.person(ben).phone().is_busy(), "{case}: {}", town.story());
        match case {
            "handed on" => assert_eq!(town.all_hear(&[resident]), [vec![MUSIC]]),
            "supervisor" => {
                assert_eq!(town.all_hear(&[resident, amy]), [vec![AMY], vec![CALLER]]);
            }
            _ => {}
        }
        assert_eq!(town.company().len(), 3, "{case}: {:?}", town.company());
        town.caller_mut(resident, |caller, now| caller.leave(now));
        town.close();
    }
}

#[test]
fn a_supervisor_who_does_not_answer_or_cannot_be_rung_changes_nothing() {
    let refuses = Habits { rejects_first: 1, ignores_first: 1, ..Habits::default() };
    let mut town = town();
    let then = vec![Step::Wait(secs(60)), hear(AMY), Step::HangUp];
    let (_, ben, resident) = amy_talks(&mut town, refuses, then);
    let call = town.the_call();
    let supervise = |agent: &str| Request::Supervise { call, agent: agent.into(), mode: Listen };
    let refused = Reply::SuperviseRefused;
    assert_eq!(town.asks(supervise("zoe")), Reply::UnknownDestination);
    assert_eq!(town.asks(supervise("amy")), refused(SuperviseError::Present));
    // Rings, and is not answered in time.
    assert_eq!(town.asks(supervise("ben")), Reply::Done);
    town.run_for(secs(1));
    assert_eq!(town.asks(supervise("ben")), refused(SuperviseError::Present));
    town.run_for(secs(32));
    // Busy.
    assert_eq!(town.asks(supervise("ben")), Reply::Done);
    town.run_for(secs(2));
    // Thought better of.
    assert_eq!(town.asks(supervise("ben")), Reply::Done);
    assert_eq!(town.asks(Request::StopSupervising { call, agent: None }), Reply::Done);
    town.run_for(secs(3));
    assert!(!town.person(ben).phone().is_busy());
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.asks(supervise("ben")), Reply::UnknownCall);
    let left = town.count(|event| matches!(event, CallEvent::SupervisorLeft { present_us: 0, .. }));
    assert_eq!((left, town.company().len()), (3, 6), "{:?}", town.company());
    town.close();
}

#[test]
fn a_supervisor_who_is_being_rung_is_offered_no_caller() {
    for answers in [true, false] {
        let mut town = town();
        let habits = match answers {
            true => picks_up_after(secs(8)),
            false => picks_up_after(secs(50)),
        };
        let (_, _, resident) = amy_talks(&mut town, habits, vec![Step::Wait(secs(70))]);
        town.choose("ben", AgentChoice::Ready);
        let (call, agent) = (town.the_call(), "ben".into());
        let asked = town.asks(Request::Supervise { call, agent, mode: Listen });
        assert_eq!(asked, Reply::Done);
        town.run_for(secs(2));
        assert_eq!(town.agent("ben"), AgentState::Ringing);
        // Somebody rings whom Ben could serve, were he not rung already.
        let other = town.resident(into_the_queue().then([Step::Wait(secs(80))]));
        town.run_for(secs(4));
        assert_eq!(town.queue("waste").waiting, 1, "{}", town.story());
        town.run_for(secs(8));
        let (state, waiting) = (town.agent("ben"), town.queue("waste").waiting);
        match answers {
            true => {
                assert_eq!((state, waiting), (AgentState::Talking, 1));
                let call = town.the_call();
                town.asks(Request::StopSupervising { call, agent: None });
            }
            false => {
                assert_eq!((state, waiting), (AgentState::Ringing, 1));
                town.run_for(secs(20));
                assert!(!town.company().is_empty());
            }
        }
        town.run_for(secs(2));
        let offered = |event: &CallEvent| matches!(event, CallEvent::Offered { agent, .. } if agent.as_str() == "ben");
        assert_eq!(town.count(offered), 1, "as soon as Ben is free: {}", town.story());
        for id in [resident, other] {
            town.caller_mut(id, |caller, now| caller.leave(now));
        }
        town.run_for(secs(15));
        town.close();
    }
}

#[test]
fn a_supervisor_who_signs_out_while_they_are_rung_is_rung_no_longer() {
    let mut town = town();
    let then = vec![Step::Wait(secs(40)), Step::HangUp];
    let (_, ben, resident) = amy_talks(&mut town, picks_up_after(secs(20)), then);
    let (call, agent) = (town.the_call(), "ben".into());
    assert_eq!(town.asks(Request::Supervise { call, agent, mode: Listen }), Reply::Done);
    town.run_for(secs(2));
    assert!(town.person(ben).phone().is_busy());
    town.choose("ben", AgentChoice::SignOut);
    town.run_for(secs(1));
    assert!(!town.person(ben).phone().is_busy());
    assert_eq!(town.agent("ben"), AgentState::SignedOut);
    // Who is signed out can be asked all the same.
    let agent = "ben".into();
    assert_eq!(town.asks(Request::Supervise { call, agent, mode: Listen }), Reply::Done);
    town.run_for(secs(24));
    assert_eq!(town.company().last().map(String::as_str), Some("ben listen"));
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("ben"), AgentState::SignedOut);
    town.close();
}

/// Amy has asked Ben while the caller waited, and brings both together.
fn conference(then: Vec<Step>) -> (Town, PersonId, PersonId, PersonId) {
    conference_in(town(), then)
}

/// The same in a town of one's own.
pub fn conference_in(mut town: Town, then: Vec<Step>) -> (Town, PersonId, PersonId, PersonId) {
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), then);
    let call = town.the_call();
    let agent = Some("amy".into());
    let ask = |agent| Request::Conference { call, agent };
    assert_eq!(town.asks(ask(agent.clone())), Reply::NoConference, "with nobody");
    town.adviser_mut(amy, |adviser, now| adviser.phone_mut().hold(now));
    town.run_for(millis(100));
    town.dials(amy, "202");
    assert!(town.hears(amy, BEN) && town.hears(ben, AMY), "{}", town.story());
    assert_eq!(town.asks(ask(agent)), Reply::Done);
    // The caller need not wait for Amy to take the line up again.
    assert_eq!(town.all_hear(&[resident, ben]), [vec![BEN], vec![CALLER]]);
    town.adviser_mut(amy, |adviser, now| adviser.phone_mut().resume(now));
    let heard = town.all_hear(&[resident, amy, ben]);
    assert_eq!(heard, [vec![AMY, BEN], vec![CALLER, BEN], vec![CALLER, AMY]]);
    assert_eq!(town.asks(ask(Some("amy".into()))), Reply::NoConference, "no second call");
    (town, amy, ben, resident)
}

#[test]
fn three_hear_each_other_and_when_the_adviser_leaves_the_others_talk_on() {
    let then = vec![hear(MUSIC), Step::Wait(secs(25)), hear(BEN), Step::HangUp];
    let (mut town, amy, ben, resident) = conference(then);
    town.hands_on(amy, "302");
    town.run_for(millis(100));
    assert_eq!(town.transfers_that(TransferOutcome::Completed), 0, "whom of the two?");
    town.hangs_up(amy);
    assert_eq!(town.all_hear(&[resident, ben]), [vec![BEN], vec![CALLER]]);
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::WrapUp, AgentState::Talking));
    town.see_off(resident);
    town.run_for(secs(1));
    assert_eq!(town.agent("ben"), AgentState::NotReady);
    assert_eq!(town.company(), ["with ben", "amy brings ben", "ben not third", "with ben"]);
    let today = town.today();
    assert_eq!((today.offered, today.answered), (1, 1));
    assert_eq!(town.close().causes(), [EndCause::Merged, EndCause::CallerHungUp]);
}

#[test]
fn when_the_caller_or_the_third_leaves_a_conference_the_other_two_talk_on() {
    let then = vec![hear(MUSIC), Step::Wait(secs(10)), Step::HangUp];
    let (mut town, amy, ben, resident) = conference(then);
    town.see_off(resident);
    assert_eq!(town.all_hear(&[amy, ben]), [vec![BEN], vec![AMY]]);
    town.hangs_up(amy);
    town.run_for(secs(1));
    assert!(!town.person(ben).phone().is_busy());
    town.close();

    let then = vec![hear(MUSIC), Step::Wait(secs(15)), hear(AMY), Step::HangUp];
    let (mut town, amy, ben, resident) = conference(then);
    town.hangs_up(ben);
    assert_eq!(town.all_hear(&[resident, amy]), [vec![AMY], vec![CALLER]]);
    // It is a conversation of two again: it can be held and handed on.
    assert_eq!(town.agent("ben"), AgentState::NotReady);
    town.see_off(resident);
    town.close();
}
