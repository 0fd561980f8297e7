//! Advisers ring each other, and whoever serves a queue.

use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::Request;
use switchboard::event::{AgentState, CallEvent, EndCause, Peer};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneEvent;
use switchboard::sim::world::PersonId;

use crate::town::*;

impl Town {
    /// An adviser dials.
    pub fn dials(&mut self, adviser: PersonId, called: &str) {
        self.adviser_mut(adviser, |adviser, now| adviser.phone_mut().call(now, called));
    }

    pub fn hangs_up(&mut self, adviser: PersonId) {
        self.adviser_mut(adviser, |adviser, now| adviser.hang_up(now));
    }

    pub fn hears(&mut self, who: PersonId, hz: u32) -> bool {
        self.run_until(secs(30), |world| {
            world.person(who).phone().voice().ear().hears(world.now(), &Expect::Tone(hz))
        })
    }

    pub fn noticed(&self, who: PersonId, event: &PhoneEvent) -> usize {
        self.person(who).diary().times(event)
    }

    /// The final status that an adviser's phone got.
    pub fn refusal(&mut self, who: PersonId) -> Option<u16> {
        self.run_until(secs(100), |world| refused(world, who).is_some());
        refused(self, who)
    }

    pub fn choose(&mut self, agent: &str, choice: AgentChoice) {
        self.ask("Duty supervisor", false, Request::Agent { agent: agent.into(), choice });
    }
}

fn refused(world: &switchboard::sim::world::World, who: PersonId) -> Option<u16> {
    world.person(who).diary().iter().rev().find_map(|(_, moment)| match moment {
        switchboard::sim::diary::Moment::Phone(PhoneEvent::Refused { status, .. }) => Some(*status),
        _ => None,
    })
}

#[test]
fn an_adviser_rings_a_colleague_by_extension_and_both_are_free_again_after_it() {
    let mut town = town();
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    town.dials(amy, "202");
    assert!(town.hears(amy, BEN), "{}", town.story());
    assert!(town.hears(ben, AMY));
    let incoming =
        PhoneEvent::Incoming { display: "Amy Adeyemi".to_owned(), user: "201".to_owned() };
    assert_eq!(town.noticed(ben, &incoming), 1, "{:#?}", town.person(ben).diary());
    assert_eq!(town.noticed(amy, &PhoneEvent::Ringing), 2, "the star code's, and this one's");
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Talking, AgentState::Talking));
    town.run_for(secs(5));
    town.hangs_up(ben);
    town.run_for(secs(1));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Ready));
    let ben_talked = town.calls().into_iter().find_map(|(_, event)| match event {
        CallEvent::Disconnected { from: Peer::Agent(agent), talk_us, .. }
            if agent.as_str() == "ben" =>
        {
            Some(*talk_us)
        }
        _ => None,
    });
    assert!(ben_talked.is_some_and(|us| (5_000_000..8_000_000).contains(&us)), "{ben_talked:?}");
    assert_eq!(town.today().offered, 0, "nobody rang the council");
    assert_eq!(town.close().causes(), [EndCause::AgentCallDone]);
}

#[test]
fn an_adviser_on_a_call_of_their_own_is_offered_no_caller_until_it_is_over() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let ben = town.ben(picks_up_after(secs(2)));
    town.choose("ben", AgentChoice::NotReady);
    town.dials(amy, "ben");
    assert!(town.hears(ben, AMY));
    let resident = town.resident(into_the_queue().then([hear_within(AMY, secs(60)), Step::HangUp]));
    town.run_for(secs(20));
    assert_eq!(town.queue("waste").waiting, 1);
    assert_eq!(town.count(|event| matches!(event, CallEvent::Offered { .. })), 0);
    town.hangs_up(amy);
    town.see_off(resident);
    assert_eq!(town.agent("ben"), AgentState::NotReady, "as he was before");
    town.close();
}

#[test]
fn a_colleague_who_cannot_be_rung_or_does_not_answer_is_told_by_the_status() {
    for (case, status) in [
        ("signed out", 480),
        ("talking", 486),
        ("refuses", 486),
        ("does not answer", 480),
        ("oneself", 486),
        ("nobody of that name", 404),
    ] {
        let mut town = town_with(|change| change.settings.transfers.own_call_s = 15);
        let amy = town.amy(Habits::default());
        let ben = town.ben(match case {
            "refuses" => Habits { rejects_first: 1, ..Habits::default() },
            "does not answer" => Habits { ignores_first: 1, ..Habits::default() },
            _ => Habits::default(),
        });
        match case {
            "signed out" => town.choose("ben", AgentChoice::SignOut),
            "talking" => {
                town.dials(ben, NUMBER);
                town.run_for(secs(3));
            }
            _ => {}
        }
        let called = match case {
            "oneself" => "201",
            "nobody of that name" => "zoe",
            _ => "202",
        };
        town.dials(amy, called);
        assert_eq!(town.refusal(amy), Some(status), "{case}\n{}", town.story());
        assert_eq!(town.agent("amy"), AgentState::Ready, "{case}");
        if ["refuses", "does not answer"].contains(&case) {
            assert_eq!(town.agent("ben"), AgentState::Ready, "a colleague is not a caller");
        }
        let failed = town.causes().iter().filter(|c| **c == EndCause::AgentCallFailed).count();
        assert_eq!(failed, usize::from(case != "nobody of that name"), "{case}");
        town.hangs_up(ben);
        town.close();
    }
}

#[test]
fn an_adviser_who_gives_up_stops_the_colleagues_phone() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let ben = town.ben(picks_up_after(secs(30)));
    town.dials(amy, "202");
    town.run_for(secs(5));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Talking, AgentState::Ringing));
    town.hangs_up(amy);
    town.run_for(secs(1));
    assert_eq!(town.noticed(ben, &PhoneEvent::Cancelled), 1);
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Ready));
    assert_eq!(town.close().causes(), [EndCause::AgentCallFailed]);
}

#[test]
fn an_adviser_waits_in_a_queue_like_a_caller_with_a_name() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let ben = town.ben(Habits::default());
    town.dials(amy, "302");
    assert!(town.hears(amy, MUSIC));
    assert!(town.hears(amy, BEN), "{}", town.story());
    let display = "General enquiries: Amy Adeyemi".to_owned();
    let incoming = PhoneEvent::Incoming { display, user: "201".to_owned() };
    assert_eq!(town.noticed(ben, &incoming), 1, "{:#?}", town.person(ben).diary());
    town.hangs_up(amy);
    town.run_for(secs(1));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::Ready));
    assert_eq!(town.queue("general").today.answered, 1);
    assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
}

#[test]
fn a_queue_that_takes_nobody_is_not_answered() {
    let mut town = town_with(|change| {
        change.begins_at = Some(evening());
    });
    let amy = town.amy(Habits::default());
    town.dials(amy, "waste");
    assert_eq!(town.refusal(amy), Some(480));
    assert_eq!(town.agent("amy"), AgentState::Ready);
    town.close();
}

/// Monday, 5 January 2026 at 20:00 in London.
fn evening() -> switchboard::time::UnixMicros {
    switchboard::time::UnixMicros(1_767_643_200_000_000)
}

#[test]
fn an_adviser_who_rings_the_council_is_not_offered_themselves() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    town.dials(amy, NUMBER);
    assert!(town.hears(amy, CHOICES));
    town.adviser_mut(amy, |amy, _| amy.phone_mut().press("1"));
    assert!(town.hears(amy, MUSIC));
    town.run_for(secs(5));
    assert_eq!(town.agent("amy"), AgentState::Talking);
    assert_eq!(town.count(|event| matches!(event, CallEvent::Offered { .. })), 0);
    town.hangs_up(amy);
    town.close();
}

#[test]
fn strangers_reach_nobody_by_name_and_nothing_outside() {
    let mut town = town();
    town.amy(Habits::default());
    for called in ["amy", "201", "waste", "302", "07700900999", "00441632960999", "999"] {
        let steps = vec![Step::Ring(called.to_owned()), Step::UntilRefused { within: secs(5) }];
        let resident = town.resident(steps);
        town.see_off(resident);
        assert_eq!(town.refusal(resident), Some(404), "{called}");
    }
    // Whoever says that they are an adviser is asked to prove it.
    let steps = vec![Step::Ring("202".to_owned()), Step::UntilRefused { within: secs(5) }];
    let impostor = town.caller("amy", |_| {}, steps);
    town.see_off(impostor);
    assert_eq!(town.refusal(impostor), Some(401));
    let arrived = |event: &CallEvent| matches!(event, CallEvent::Arrived { .. });
    assert_eq!(town.count(arrived), 1, "no call but the star code: {}", town.story());
}

#[test]
fn a_reload_in_the_middle_leaves_the_call_alone_and_an_agent_taken_out_is_released_after_it() {
    let mut town = town();
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    town.dials(amy, "202");
    assert!(town.hears(amy, BEN));
    town.reload(|settings| {
        settings.agents.remove("ben");
    });
    town.run_for(secs(5));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Talking, AgentState::Talking));
    town.hangs_up(amy);
    town.run_for(secs(1));
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::SignedOut));
    let _ = ben;
    town.close();
}

#[test]
fn a_process_that_dies_with_a_call_of_their_own_leaves_each_adviser_as_before_it() {
    let mut town = town();
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    town.choose("ben", AgentChoice::NotReady);
    town.dials(amy, "202");
    assert!(town.hears(ben, AMY));
    town.restart();
    assert_eq!((town.agent("amy"), town.agent("ben")), (AgentState::Ready, AgentState::NotReady));
    assert_eq!(town.causes(), [EndCause::ProcessDied]);
    town.hangs_up(amy);
    town.hangs_up(ben);
    town.close();
}
