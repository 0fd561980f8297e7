//! Two advisers' phones ring at once for one resident; one is picked up, and the other is told why it rings
//! no longer, so that it shows no missed call.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use switchboard::event::{CallEvent, OfferOutcome};

use crate::clock::{free_port, wait_for};
use crate::server::{NUMBER, Server, shipped};
use crate::sipp::{Act, Sipp};
use crate::softphone::{Setup, Softphone};

/// RFC 3326 section 3.1.
const WHY: &str = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"";

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The shipped settings, open around the clock, with everybody for waste rung at once.
fn server(folder: &Path) -> Server {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let settings = shipped(sip, http, voice);
    let all = settings.replacen(
        "skills = [\"waste\"]\nhours",
        "skills = [\"waste\"]\nchoose = \"ring_all\"\nring_at_most = 2\nhours",
        1,
    );
    assert_ne!(all, settings, "the queue for waste is there");
    Server::with_settings(folder, &all, &["serve"], sip, http)
}

/// An adviser's baresip, which rings until it is told to pick up.
fn adviser(folder: &Path, server: &Server, user: &str, password: &str) -> Softphone {
    let setup = Setup {
        user,
        password,
        server: server.sip,
        at: Setup::any_address(),
        transport: "udp",
        config: "",
        account: "",
        registers: true,
        answers: false,
        tone_hz: 620,
    };
    let softphone = Softphone::start(folder, &setup);
    softphone.says("200 OK");
    softphone.command("dial", "*70");
    softphone
}

/// How offers ended, once there are so many, by agent.
fn offers(server: &Server, count: usize) -> Vec<(String, OfferOutcome)> {
    let ended = wait_for(secs(5), || {
        let calls = server.calls();
        let ends = calls.iter().filter_map(|event| match event {
            CallEvent::OfferEnded { agent, outcome, .. } => Some((agent.to_string(), *outcome)),
            _ => None,
        });
        let mut ends: Vec<(String, OfferOutcome)> = ends.collect();
        ends.sort();
        (ends.len() == count).then_some(ends)
    });
    ended.unwrap_or_else(|| panic!("{}", server.story()))
}

#[test]
fn of_two_phones_that_ring_at_once_one_is_picked_up_and_the_other_is_told_why_it_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(folder.path());
    let amy = adviser(folder.path(), &server, "amy", "example-amy-2f9c");
    let ben = adviser(folder.path(), &server, "ben", "example-ben-71d0");
    server.until_agents("ready", 2);
    let acts = [Act::Wait(secs(1)), Act::Press("13"), Act::AwaitBye];
    let mut sipp = Sipp::call(folder.path(), server.sip, "01632960007", NUMBER, &acts);
    server.until_agents("ringing", 2);
    ben.command("accept", "");
    server.until_agents("talking", 1);
    server.until_agents("ready", 1);
    // What its network said, and when: in the CANCEL, while it rang.
    let told = wait_for(secs(10), || {
        let words = amy.words();
        let cancel = words.split("CANCEL sip:").nth(1)?;
        cancel.split("\r\n\r\n").next()?.contains(WHY).then_some(())
    });
    assert!(told.is_some(), "{}\n{}", amy.words(), server.story());
    assert!(!ben.words().contains("CANCEL sip:"), "{}", ben.words());
    ben.command("hangup", "");
    sipp.succeed(secs(30));
    server.until("over", secs(10), |live| live["calls_active"] == 0);
    let elsewhere = ("amy".to_owned(), OfferOutcome::AnsweredElsewhere);
    let accepted = ("ben".to_owned(), OfferOutcome::Accepted);
    assert_eq!(offers(&server, 2), [elsewhere, accepted], "{}", server.story());
    assert_eq!(server.metric("switchboard_books_difference{queue=\"waste\"}"), 0.0);
    server.stop();
}

#[test]
fn whoever_was_too_late_is_rung_for_the_next_who_waits_at_once_and_their_phone_takes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(folder.path());
    let amy = adviser(folder.path(), &server, "amy", "example-amy-2f9c");
    let ben = adviser(folder.path(), &server, "ben", "example-ben-71d0");
    server.until_agents("ready", 2);
    let mut sipps: Vec<Sipp> = Vec::new();
    for (nth, number) in ["01632960008", "01632960009"].into_iter().enumerate() {
        let acts = [Act::Wait(secs(1)), Act::Press("13"), Act::AwaitBye];
        sipps.push(Sipp::call(folder.path(), server.sip, number, NUMBER, &acts));
        server.until_agents("ringing", 2);
        let waiting = nth as u64 + 1;
        server.until("waiting", secs(20), |live| {
            let queues = live["queues"].as_array();
            queues.is_some_and(|all| all.iter().any(|queue| queue["waiting"] == waiting))
        });
    }
    ben.command("accept", "");
    server.until_agents("talking", 1);
    // The CANCEL and the next INVITE reach a phone with one line together.
    server.until_agents("ringing", 1);
    amy.command("accept", "");
    server.until_agents("talking", 2);
    ben.command("hangup", "");
    amy.command("hangup", "");
    for sipp in &mut sipps {
        sipp.succeed(secs(30));
    }
    let accepted = OfferOutcome::Accepted;
    let expected = [("amy", accepted), ("amy", OfferOutcome::AnsweredElsewhere), ("ben", accepted)];
    let expected = expected.map(|(agent, outcome)| (agent.to_owned(), outcome));
    assert_eq!(offers(&server, 3), expected, "{}", server.story());
    server.stop();
}
