//! Attackers knock at the same door as residents.

use std::net::SocketAddr;

use bytes::Bytes;
use switchboard::engine::io::{Input, Reply, Request};
use switchboard::event::{BanReason, Event, SystemEvent, UnbanReason};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::phone::PhoneEvent;
use switchboard::sip::ListenerId;
use switchboard::sip::guard::Source;
use switchboard::time::UnixMicros;

use crate::town::*;

const ATTACKER: &str = "203.0.113.66:5071";

/// Sends the same lines so often, each time as a new request, from this address.
fn attack(town: &mut Town, from: &str, times: u32, lines: &str) {
    let from: SocketAddr = from.parse().expect("an address");
    for nth in 0..times {
        let lines = lines.replace("NTH", &format!("{nth}"));
        let text = lines.lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
        let bytes = Bytes::from(format!("{text}\r\n\r\n"));
        town.input(Input::Datagram { listener: ListenerId(0), from, bytes });
    }
}

/// A request to a number that nobody has.
const GUESS: &str = "INVITE sip:90044NTH@10.0.0.1 SIP/2.0
    Via: SIP/2.0/UDP 203.0.113.66:5071;branch=z9hG4bKguessNTH
    Max-Forwards: 70
    From: <sip:100@10.0.0.1>;tag=NTH
    To: <sip:90044NTH@10.0.0.1>
    Call-ID: guess-NTH
    CSeq: 1 INVITE
    Contact: <sip:100@203.0.113.66:5071>
    Content-Length: 0";

fn rejected(town: &Town, reason: &str) -> u64 {
    town.engine().sip_counters().rejected.get(reason).copied().unwrap_or(0)
}

fn guard_events(town: &Town) -> Vec<SystemEvent> {
    town.journal()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::System {
                event: event @ (SystemEvent::Banned { .. } | SystemEvent::Unbanned { .. }),
            } => Some(event.clone()),
            Event::System { .. }
            | Event::Call { .. }
            | Event::Agent { .. }
            | Event::Message { .. }
            | Event::Callback { .. }
            | Event::Notification { .. } => None,
        })
        .collect()
}

#[test]
fn who_tries_numbers_is_banned_while_a_resident_is_served() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(3)), Step::HangUp]);
    let resident = town.resident(steps);
    town.run_for(secs(1));
    attack(&mut town, ATTACKER, 500, GUESS);
    town.see_off(resident);
    assert_eq!(town.live().bans.len(), 1);
    assert_eq!((rejected(&town, "unknown_number"), rejected(&town, "banned")), (20, 480));
    town.run_for(secs(300));
    assert_eq!(town.live().bans, []);
    let town = town.close();
    assert_eq!(town.today().answered, 1);
    let told = guard_events(&town);
    let [SystemEvent::Banned { source, reason, nth: 1, by: None, .. }, over] = told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!((source.as_str(), *reason), ("203.0.113.66", BanReason::UnknownNumbers));
    let source = source.clone();
    assert_eq!(*over, SystemEvent::Unbanned { source, reason: UnbanReason::Over, by: None });
}

#[test]
fn an_attack_in_an_advisers_name_does_not_cost_the_adviser_a_call() {
    let mut town = town();
    let amy = town.amy(Habits::default());
    let phone = town.person(amy).phone().settings().signalling.to_string();
    attack(&mut town, &phone, 3_000, GUESS);
    attack(&mut town, &phone, 3_000, "HELLO sip:x@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.9.9.9");
    assert_eq!(guard_events(&town), []);
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn a_ban_survives_the_process_and_ends_in_time() {
    let mut town = town();
    attack(&mut town, ATTACKER, 30, GUESS);
    town.run_for(secs(100));
    let before = town.live().bans;
    town.restart();
    assert_eq!(town.live().bans, before);
    attack(&mut town, ATTACKER, 1, GUESS);
    assert_eq!(rejected(&town, "banned"), 1);
    // While nothing runs, bans go by too.
    town.run_for(secs(199));
    assert_eq!(town.live().bans.len(), 1);
    town.run_for(secs(2));
    assert_eq!(town.live().bans, []);
    attack(&mut town, ATTACKER, 30, GUESS);
    let nths: Vec<u32> = town.live().bans.iter().map(|ban| ban.nth).collect();
    assert_eq!(nths, [2], "the second lasts twice as long");
    assert_eq!(guard_events(&town.close()).len(), 3);
}

#[test]
fn a_supervisor_bans_a_caller_and_lifts_the_ban() {
    let mut town = town();
    let steps = [Step::Wait(secs(1)), Step::Ring(NUMBER.to_owned())];
    let steps = steps.into_iter().chain([Step::UntilRefused { within: secs(40) }]);
    let resident = town.caller("01632960001", |_| {}, steps.collect());
    let source = town.person(resident).phone().settings().signalling.ip().to_string();
    let source: Source = source.parse().expect("a source");
    let ban = Request::Ban { source, lasts: secs(3_600) };
    let until = UnixMicros(town.wall().0 + 3_600_000_000);
    assert_eq!(town.ask("Sue Green", false, ban), Some(Reply::Banned { until }));
    town.see_off(resident);
    let timed_out = PhoneEvent::Refused { status: 408, retry_after_s: None };
    assert_eq!(town.person(resident).diary().times(&timed_out), 1);
    let lift = || Request::LiftBan { source };
    assert_eq!(town.ask("Sue Green", false, lift()), Some(Reply::Done));
    assert_eq!(town.ask("Sue Green", false, lift()), Some(Reply::NotBanned));
    let told = guard_events(&town.close());
    let by = Some("Sue Green".to_owned());
    assert!(
        matches!(&told[..], [
            SystemEvent::Banned { reason: BanReason::Supervisor, by: first, .. },
            SystemEvent::Unbanned { reason: UnbanReason::Supervisor, by: second, .. },
        ] if *first == by && *second == by),
        "{told:?}"
    );
}
