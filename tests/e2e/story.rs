//! A resident rings the central number and an adviser answers, end to end.

use std::time::Duration;

use switchboard::event::{CallEvent, EndCause, OfferOutcome, Outcome};
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::tone::Sound;
use switchboard::time::Time;

use crate::clock::{Clock, wait_for};
use crate::pcap::{Capture, has_tone};
use crate::server::{NUMBER, Server, password_of};
use crate::sipp::{Act, Sipp};
use crate::softphone::{Setup, Softphone};
use crate::street::Street;

const AMY_HZ: u32 = 620;
const BEN_HZ: u32 = 850;
const CALLER_HZ: u32 = 440;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An adviser's baresip: registered with digest, signed in by the star code.
fn adviser(folder: &std::path::Path, server: &Server, user: &str, answers: bool) -> Softphone {
    let tone_hz = if user == "amy" { AMY_HZ } else { BEN_HZ };
    let password = password_of(user);
    let setup = Setup {
        user,
        password: &password,
        server: server.sip,
        at: Setup::any_address(),
        transport: "udp",
        config: "",
        account: "",
        registers: true,
        answers,
        tone_hz,
    };
    let softphone = Softphone::start(folder, &setup);
    softphone.says("200 OK");
    softphone.command("dial", "*70");
    softphone
}

fn hear(what: Expect, within: u64) -> Step {
    Step::UntilHears { what, within: secs(within), otherwise: Otherwise::Fail }
}

fn hangs_up_or_ends(event: &CallEvent) -> Option<EndCause> {
    match event {
        CallEvent::Ended { cause, .. } if *cause != EndCause::StarCodeDone => Some(*cause),
        _ => None,
    }
}

/// Waits until no call is up and the journal's file has why each of the last ones ended. The figures
/// are ahead of the file by the moment that a commit takes.
fn assert_ended(server: &Server, expected: &[EndCause]) {
    server.until("over", secs(10), |live| live["calls_active"] == 0);
    let causes = || server.calls().iter().filter_map(hangs_up_or_ends).collect::<Vec<_>>();
    let seq = server.live()["seq"].as_u64().unwrap_or_default() as usize;
    let kept = wait_for(secs(5), || (server.journal().len() >= seq).then_some(()));
    assert!(kept.is_some(), "{seq} entries are not in the file:\n{}", server.story());
    assert_eq!(causes(), expected, "{}", server.story());
}

/// The journal in its file, /metrics and the live figures tell the same of a queue.
fn assert_books_agree(server: &Server, queue: &str) {
    let live = server.live();
    let shown = live["queues"]
        .as_array()
        .and_then(|queues| queues.iter().find(|one| one["queue"] == queue))
        .unwrap_or_else(|| panic!("no queue {queue}: {live:#}"));
    let today = &shown["today"];
    let left = |wanted: Outcome| {
        let calls = server.calls();
        let count = calls.iter().filter(|event| {
            matches!(event, CallEvent::QueueLeft { outcome, queue: of, .. }
                if *outcome == wanted && of.as_str() == queue)
        });
        count.count() as u64
    };
    let entered = server
        .calls()
        .iter()
        .filter(|event| {
            matches!(event, CallEvent::QueueEntered { first: true, queue: of, .. }
                if of.as_str() == queue)
        })
        .count() as u64;
    let (answered, abandoned) = (left(Outcome::Answered), left(Outcome::Abandoned));
    assert_eq!(today["offered"], entered, "{live:#}\n{}", server.story());
    assert_eq!(today["answered"], answered, "{live:#}");
    assert_eq!(today["abandoned"], abandoned, "{live:#}");
    let metric = |name: &str| server.metric(&format!("switchboard_{name}{{queue=\"{queue}\"}}"));
    assert_eq!(metric("calls_offered_total"), entered as f64);
    assert_eq!(metric("calls_answered_total"), answered as f64);
    let within = today["answered_within_standard"].as_f64();
    assert_eq!(Some(metric("calls_answered_within_standard_total")), within);
    let of = |short| {
        let labels = format!("{{queue=\"{queue}\",short=\"{short}\"}}");
        server.metric(&format!("switchboard_calls_abandoned_total{labels}"))
    };
    assert_eq!(of("true") + of("false"), abandoned as f64);
    assert_eq!(metric("books_difference"), 0.0);
    assert_eq!((&shown["books_difference"], &shown["waiting"]), (&0.into(), &0.into()));
}

#[test]
fn a_resident_rings_hears_the_welcome_presses_a_key_waits_and_talks_with_an_adviser() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let softphone = adviser(folder.path(), &server, "amy", true);
    server.until_agents("ready", 1);
    let mut street = Street::new();
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: secs(5) },
        hear(Expect::Sound, 5),
        Step::Press("13".to_owned()),
        hear(Expect::Tone(AMY_HZ), 20),
        Step::Wait(secs(2)),
        Step::HangUp,
    ];
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(CALLER_HZ);
    };
    let caller = street.caller("01632960001", server.sip, tone, steps);
    let done = street.live(secs(60), |street| street.is_done(caller));
    assert!(done && !street.has_failed(caller), "{:#?}\n{}", street.diary(caller), server.story());
    let heard = wait_for(secs(10), || softphone.heard_tone(CALLER_HZ).then_some(()));
    assert!(heard.is_some(), "baresip heard {:?}\n{}", softphone.heard(1.0), softphone.words());
    server.until("answered", secs(5), |live| {
        live["today"]["answered"] == 1 && live["calls_active"] == 0
    });
    assert_eq!(server.live()["today"]["answered_within_standard"], 1);
    server.until_agents("ready", 1);
    assert_ended(&server, &[EndCause::CallerHungUp]);
    assert_books_agree(&server, "waste");
    assert_eq!(server.metric("switchboard_calls_ended_total{cause=\"caller_hung_up\"}"), 1.0);
    server.stop();
}

#[test]
fn sipp_rings_with_keys_and_sound_and_both_sides_hear_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let softphone = adviser(folder.path(), &server, "amy", true);
    server.until_agents("ready", 1);
    let acts = [
        Act::Wait(secs(1)),
        Act::Press("13"),
        Act::Wait(secs(2)),
        Act::Tone(CALLER_HZ, 4),
        Act::Wait(secs(4)),
        Act::HangUp,
    ];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960002", NUMBER, &acts);
    let capture = Capture::start(sipp.voice);
    sipp.succeed(secs(60));
    assert!(has_tone(&capture.finish(), AMY_HZ), "what SIPp was sent\n{}", server.story());
    let heard = wait_for(secs(10), || softphone.heard_tone(CALLER_HZ).then_some(()));
    assert!(heard.is_some(), "baresip heard {:?}\n{}", softphone.heard(1.0), softphone.words());
    assert_ended(&server, &[EndCause::CallerHungUp]);
    assert_books_agree(&server, "waste");
    server.stop();
}

#[test]
fn the_adviser_hangs_up_and_sipp_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let softphone = adviser(folder.path(), &server, "amy", true);
    server.until_agents("ready", 1);
    let acts = [Act::Wait(secs(1)), Act::Press("13"), Act::AwaitBye];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960002", NUMBER, &acts);
    server.until_agents("talking", 1);
    // They talk for two seconds: SIPp only listens for BYE once its key's sound has been played.
    let answered = Clock::start();
    wait_for(secs(10), || (answered.now() > Time::from_millis(2_000)).then_some(()));
    softphone.command("hangup", "");
    sipp.succeed(secs(30));
    assert_ended(&server, &[EndCause::AgentHungUp]);
    assert_books_agree(&server, "waste");
}

#[test]
fn a_caller_who_hangs_up_in_the_queue_is_counted_as_abandoned() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let acts = [Act::Wait(secs(1)), Act::Press("13"), Act::Wait(secs(6)), Act::HangUp];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960003", NUMBER, &acts);
    server.until("waiting", secs(20), |live| {
        live["queues"].as_array().is_some_and(|all| all.iter().any(|queue| queue["waiting"] == 1))
    });
    sipp.succeed(secs(60));
    assert_ended(&server, &[EndCause::CallerAbandoned]);
    let today = &server.live()["today"];
    assert_eq!((&today["abandoned"], &today["short_abandons"]), (&1.into(), &0.into()));
    assert_books_agree(&server, "waste");
}

#[test]
fn an_adviser_who_does_not_answer_is_passed_over_and_the_caller_keeps_the_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let amy = adviser(folder.path(), &server, "amy", false);
    server.until_agents("ready", 1);
    let _ben = adviser(folder.path(), &server, "ben", true);
    server.until_agents("ready", 2);
    let acts = [Act::Wait(secs(1)), Act::Press("13"), Act::Wait(secs(14)), Act::HangUp];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960004", NUMBER, &acts);
    server.until_agents("ringing", 1);
    let capture = Capture::start(sipp.voice);
    server.until_agents("talking", 1);
    server.until_agents("not_ready", 1);
    sipp.succeed(secs(60));
    assert!(has_tone(&capture.finish(), BEN_HZ), "what SIPp was sent\n{}", server.story());
    assert_ended(&server, &[EndCause::CallerHungUp]);
    let calls = server.calls();
    let offers: Vec<(&str, OfferOutcome)> = calls
        .iter()
        .filter_map(|event| match event {
            CallEvent::OfferEnded { agent, outcome, .. } => Some((agent.as_str(), *outcome)),
            _ => None,
        })
        .collect();
    let expected = [("amy", OfferOutcome::NoAnswer), ("ben", OfferOutcome::Accepted)];
    assert_eq!(offers, expected, "{}\n{}", server.story(), amy.words());
    let entries = calls.iter().filter(|one| matches!(one, CallEvent::QueueEntered { .. })).count();
    let wait = calls.iter().find_map(|event| match event {
        CallEvent::Joined { wait_us, visit_us, .. } => Some((*wait_us, *visit_us)),
        _ => None,
    });
    let (wait, visit) = wait.expect("joined");
    assert_eq!((entries, wait), (1, visit), "one wait, from the first entry");
    assert!(wait >= 4_000_000, "the time that Amy's phone rang counts: {wait}");
    assert_books_agree(&server, "waste");
}

#[test]
fn a_wrong_key_then_nothing_leads_through_the_retries_to_the_fallback() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let ben = adviser(folder.path(), &server, "ben", true);
    server.until_agents("ready", 1);
    let acts = [Act::Wait(secs(5)), Act::Press("9"), Act::AwaitBye];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960005", NUMBER, &acts);
    server.until("answered", secs(120), |live| live["today"]["answered"] == 1);
    ben.command("hangup", "");
    sipp.succeed(secs(30));
    assert_ended(&server, &[EndCause::AgentHungUp]);
    let nodes: Vec<String> = server
        .calls()
        .iter()
        .filter_map(|event| match event {
            CallEvent::NodeEntered { node, .. } => Some(node.to_string()),
            _ => None,
        })
        .collect();
    let expected =
        ["opening-hours", "welcome", "help", "services", "to-an-adviser", "general-adviser"];
    assert_eq!(nodes, expected);
    assert_books_agree(&server, "general");
}

#[test]
fn todays_figures_registrations_and_states_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let _amy = adviser(folder.path(), &server, "amy", true);
    server.until_agents("ready", 1);
    let acts = [Act::Wait(secs(1)), Act::Press("13"), Act::Wait(secs(3)), Act::HangUp];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960006", NUMBER, &acts);
    sipp.succeed(secs(60));
    server.until_agents("ready", 1);
    assert_ended(&server, &[EndCause::CallerHungUp]);
    let before = server.live()["today"].clone();
    let entries = server.journal().len();
    server.stop();
    let server = Server::start(folder.path());
    let live = server.live();
    assert_eq!(live["today"], before, "{}", server.story());
    assert_eq!(live["agents"]["ready"], 1, "{live:#}");
    assert!(server.journal().len() > entries);
    assert_books_agree(&server, "waste");
    server.stop();
}

#[test]
fn the_demo_lives_and_ends_when_its_time_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ["--calls-per-minute", "60", "--seed", "5", "--for-s", "40"];
    let mut demo = Server::demo(folder.path(), &options);
    demo.until_agents("signed_out", 0);
    demo.until("answered", secs(36), |live| {
        live["today"]["answered"].as_u64().is_some_and(|answered| answered > 0)
    });
    demo.ends_well(secs(60));
}
