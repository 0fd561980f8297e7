//! What advisers may ring outside by their role, under which number, and what they are told if they may
//! not.

use switchboard::config::settings::Settings;
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{CallEvent, EndCause, Event, OutboundRefusal, SystemEvent};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::diary::Moment;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::world::PersonId;

use crate::town::*;
use crate::transfers::amy_talks;
use crate::trunks::{CARRIER, ELSEWHERE, TWO, carrier, with_trunks};

const NOT_ALLOWED: u32 = 1_450;
const TOO_MANY: u32 = 1_550;

/// Amy's role may ring mobiles, once an hour, under a number of its own.
fn roles(settings: &mut Settings) {
    settings.outbound = toml::from_str(
        r#"
        [role.housing]
        may_call = ["mobile"]
        never_call = ["07700900666"]
        number = "01708 434001"
        calls_per_hour = 1
        "#,
    )
    .expect("roles");
    settings.agents.get_mut("amy").expect("amy").role = Some("housing".into());
}

fn with_roles() -> (Town, PersonId) {
    let mut town = with_trunks(TWO, |change| {
        roles(&mut change.settings);
        change.sounds =
            vec![("outbound/not-allowed", NOT_ALLOWED), ("outbound/too-many", TOO_MANY)];
    });
    let there = carrier(&mut town, 1, Quirks::default());
    (town, there)
}

/// Which number somebody saw who was rung last.
fn shown(town: &Town, who: PersonId) -> Option<String> {
    town.person(who).diary().iter().rev().find_map(|(_, moment)| match moment {
        Moment::Phone(PhoneEvent::Incoming { user, .. }) => Some(user.clone()),
        _ => None,
    })
}

fn until_told(town: &mut Town, who: PersonId, hz: u32) {
    let told = town.run_until(secs(10), |world| {
        world.person(who).phone().voice().ear().hears(world.now(), &Expect::Tone(hz))
    });
    assert!(told, "{hz} Hz\n{}", town.story());
}

fn refusals(town: &Town) -> Vec<(String, OutboundRefusal)> {
    town.journal()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::System { event: SystemEvent::OutboundRefused { number, reason, .. } } => {
                Some((number.clone(), *reason))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_role_says_what_may_be_rung_and_who_may_not_is_told_before_the_refusal() {
    let (mut town, there) = with_roles();
    let amy = town.amy(Habits::default());
    town.dials(amy, ELSEWHERE);
    until_told(&mut town, amy, NOT_ALLOWED);
    assert_eq!(town.refusal(amy), Some(403));
    assert_eq!(town.noticed(amy, &PhoneEvent::EarlyMedia), 1, "before any answer");
    town.dials(amy, "07700900666");
    town.run_for(secs(5));
    let refused = PhoneEvent::Refused { status: 403, retry_after_s: None };
    assert_eq!(town.noticed(amy, &refused), 2, "what a role forbids");
    assert_eq!(shown(&town, there), None, "nobody was rung");
    let expected = [ELSEWHERE, "07700900666"].map(|n| (n.to_owned(), OutboundRefusal::NotAllowed));
    assert_eq!(refusals(&town), expected);
    let failed = town.causes();
    assert_eq!(failed, [EndCause::AgentCallFailed, EndCause::AgentCallFailed]);
    town.close();
}

#[test]
fn a_role_shows_its_own_number_and_has_its_own_limits() {
    let (mut town, there) = with_roles();
    let amy = town.amy(Habits::default());
    town.dials(amy, "07700900123");
    assert!(town.hears(amy, CARRIER), "{}", town.story());
    assert_eq!(shown(&town, there).as_deref(), Some("+441708434001"));
    town.hangs_up(amy);
    town.run_for(secs(2));
    town.dials(amy, "07700900123");
    until_told(&mut town, amy, TOO_MANY);
    assert_eq!(town.refusal(amy), Some(403));
    assert_eq!(refusals(&town), [("07700900123".to_owned(), OutboundRefusal::TooMany)]);
    town.dials(amy, "999");
    assert!(town.hears(amy, CARRIER), "an emergency is never refused\n{}", town.story());
    assert_eq!(shown(&town, there).as_deref(), Some("+441632960100"), "the trunk's own number");
    town.hangs_up(amy);
    town.run_for(secs(2));
    // Ben has no role: the general list, and the trunk's number.
    let ben = town.ben(Habits::default());
    town.dials(ben, ELSEWHERE);
    assert!(town.hears(ben, CARRIER));
    assert_eq!(shown(&town, there).as_deref(), Some("+441632960100"));
    town.hangs_up(ben);
    town.close();
}

#[test]
fn whoever_is_rung_for_a_caller_sees_the_number_of_the_callers_queue() {
    let mut town = with_trunks(TWO, |change| {
        let waste = change.settings.queues.get_mut("waste").expect("a queue");
        waste.number = Some("01708 434002".to_owned());
    });
    let there = carrier(&mut town, 1, Quirks::default());
    let then = vec![hear(CARRIER), Step::Wait(secs(2)), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.hands_on(amy, ELSEWHERE);
    town.see_off(resident);
    assert_eq!(shown(&town, there).as_deref(), Some("+441708434002"));
    town.close();
}

#[test]
fn handing_a_caller_on_to_what_may_not_be_rung_is_refused_at_once_through_the_api() {
    let mut town = with_trunks(TWO, |change| roles(&mut change.settings));
    let there = carrier(&mut town, 1, Quirks::default());
    let then = vec![Step::Wait(secs(3)), Step::HangUp];
    let (_, _, resident) = amy_talks(&mut town, Habits::default(), then);
    let to = |town: &Town, to: &str| {
        let joined = |(call, event): &(_, &CallEvent)| {
            matches!(event, CallEvent::Joined { .. }).then_some(*call)
        };
        let call = town.calls().iter().find_map(joined).expect("a call");
        Request::Transfer { call, to: to.to_owned(), agent: None }
    };
    let refused = to(&town, "09098790123");
    assert_eq!(town.ask("Sue Green", false, refused), Some(Reply::NotAllowedOutside));
    assert_eq!(refusals(&town), [("09098790123".to_owned(), OutboundRefusal::NotAllowed)]);
    let started = |event: &CallEvent| matches!(event, CallEvent::TransferStarted { .. });
    assert_eq!(town.count(started), 0, "the conversation goes on");
    let allowed = to(&town, "07700900123");
    assert_eq!(town.ask("Sue Green", false, allowed), Some(Reply::Done));
    town.see_off(resident);
    assert!(shown(&town, there).is_some());
    town.close();
}

#[test]
fn whoever_hangs_up_while_they_are_told_is_told_no_more() {
    let (mut town, _) = with_roles();
    let amy = town.amy(Habits::default());
    town.dials(amy, ELSEWHERE);
    until_told(&mut town, amy, NOT_ALLOWED);
    town.hangs_up(amy);
    town.run_for(secs(2));
    assert!(!town.person(amy).phone().is_busy());
    assert_eq!(town.close().causes(), [EndCause::AgentCallFailed]);
}

const LINES_TAKEN: u32 = 1_350;

#[test]
fn a_team_has_so_many_lines_together_and_callers_keep_theirs() {
    let trunks =
        format!("{TWO}from = [\"10.1.0.0/16\", \"10.2.0.0/16\"]\ncalls = 3\noutbound_calls = 2\n");
    let mut town = with_trunks(&trunks, |change| {
        let settings = &mut change.settings;
        settings.outbound.roles = toml::from_str("[housing]\nlines = 1\n").expect("a role");
        for agent in ["amy", "ben"] {
            settings.agents.get_mut(agent).expect("an agent").role = Some("housing".into());
        }
        change.sounds = vec![("outbound/lines-taken", LINES_TAKEN)];
    });
    let _there = carrier(&mut town, 1, Quirks::default());
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    town.dials(amy, ELSEWHERE);
    assert!(town.hears(amy, CARRIER));
    town.dials(ben, ELSEWHERE);
    until_told(&mut town, ben, LINES_TAKEN);
    town.run_for(secs(3));
    let full = |town: &Town, who| {
        town.noticed(who, &PhoneEvent::Refused { status: 503, retry_after_s: None })
    };
    assert_eq!(full(&town, ben), 1, "{}", town.story());
    assert_eq!(refusals(&town), [(ELSEWHERE.to_owned(), OutboundRefusal::RoleFull)]);
    assert_eq!(town.agent("amy"), switchboard::event::AgentState::Talking, "and is offered nobody");

    // A resident finds a line, whoever rings out.
    let resident = town.resident(ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(resident);
    town.hangs_up(amy);
    town.run_for(secs(2));
    town.dials(ben, ELSEWHERE);
    assert!(town.hears(ben, CARRIER), "{}", town.story());
    town.hangs_up(ben);
    town.close();
}

#[test]
fn a_trunk_keeps_lines_for_callers_however_many_ring_out() {
    let trunks =
        format!("{TWO}from = [\"10.1.0.0/16\", \"10.2.0.0/16\"]\ncalls = 2\noutbound_calls = 1\n");
    let mut town = with_trunks(&trunks, |change| {
        change.sounds = vec![("outbound/lines-taken", LINES_TAKEN)];
    });
    let there = carrier(&mut town, 1, Quirks::default());
    let (amy, ben) = (town.amy(Habits::default()), town.ben(Habits::default()));
    town.dials(amy, ELSEWHERE);
    assert!(town.hears(amy, CARRIER));
    town.dials(ben, ELSEWHERE);
    until_told(&mut town, ben, LINES_TAKEN);
    town.run_for(secs(3));
    assert_eq!(refusals(&town), [(ELSEWHERE.to_owned(), OutboundRefusal::TrunkFull)]);
    let resident = town.resident(ring().then([hear(WELCOME), Step::HangUp]));
    town.see_off(resident);
    // Whoever needs help has a line.
    town.hangs_up(there);
    town.run_for(secs(2));
    town.dials(amy, ELSEWHERE);
    assert!(town.hears(amy, CARRIER), "{}", town.story());
    town.dials(ben, "999");
    town.run_for(secs(3));
    assert_eq!(refusals(&town).len(), 1, "{}", town.story());
    town.hangs_up(amy);
    town.hangs_up(ben);
    town.close();
}
