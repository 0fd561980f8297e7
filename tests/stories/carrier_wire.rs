//! A carrier whose every message is written here: what registrations and marked calls look like on
//! the wire.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use switchboard::config::settings::Settings;
use switchboard::engine::io::{Input, Output};
use switchboard::engine::{Engine, Start};
use switchboard::event::{CallEvent, Entry, Event, RefusalReason, SystemEvent};
use switchboard::id::Entropy;
use switchboard::media::command::{Command, Event as Media, LegCounters};
use switchboard::sim::world::ENGINE;
use switchboard::sip::ListenerId;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::time::{Time, UnixMicros};

use crate::town;

const CARRIER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 2, 0, 1)), 5060);

struct Wire {
    engine: Engine,
    now: Time,
    sent: Vec<String>,
    journal: Vec<Entry>,
    calls: u32,
}

impl Wire {
    fn new(trunk: &str, change: impl FnOnce(&mut Settings)) -> Wire {
        let plan = town::plan_with(vec![Listener::new(Protocol::Udp, ENGINE)], |settings| {
            settings.trunks = toml::from_str(trunk).expect("a trunk");
            change(settings);
        });
        let entropy = Entropy::from_seed([7; 32]);
        let wall = UnixMicros(1_767_607_200_000_000);
        let engine = Engine::new(Time::ZERO, wall, Arc::new(plan), entropy, Start::default());
        let mut wire =
            Wire { engine, now: Time::ZERO, sent: Vec::new(), journal: Vec::new(), calls: 0 };
        wire.until(0);
        wire
    }

    fn input(&mut self, input: Input) {
        self.engine.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            let media = match output {
                Output::Transmit(transmit) => {
                    self.sent.push(String::from_utf8_lossy(&transmit.bytes).into_owned());
                    continue;
                }
                Output::Media(Command::Open { leg, .. }) => {
                    let local = SocketAddr::new(ENGINE.ip(), 20_000);
                    Media::Opened { leg, local }
                }
                Output::Media(Command::Close { leg }) => {
                    let counters = LegCounters { received: 0, sent: 0, dropped: 0 };
                    Media::Closed { leg, counters, quality: Default::default() }
                }
                Output::Journal(entry) => {
                    self.journal.push(entry);
                    continue;
                }
                Output::Listen(_)
                | Output::StopListening(_)
                | Output::AskOpinion(_)
                | Output::Media(_)
                | Output::Resolve(_)
                | Output::Fetch(_)
                | Output::Commit { .. }
                | Output::Dispatch(_)
                | Output::Reply { .. } => {
                    continue;
                }
            };
            self.engine.handle_input(self.now, Input::Media(media));
        }
    }

    /// Lets time pass until a second.
    fn until(&mut self, second: u64) {
        let end = Time::from_millis(second * 1_000);
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// The only request of a method that was sent since this was asked last.
    fn asked(&mut self, method: &str) -> String {
        let sent = std::mem::take(&mut self.sent);
        let mut found: Vec<String> =
            sent.into_iter().filter(|message| message.starts_with(method)).collect();
        // Over UDP it may have been sent again.
        found.dedup();
        assert_eq!(found.len(), 1, "{method} at {:?}: {found:#?}", self.now);
        found.remove(0)
    }

    fn arrive(&mut self, message: String) {
        let (listener, from) = (ListenerId(0), CARRIER);
        self.input(Input::Datagram { listener, from, bytes: Bytes::from(message) });
    }

    /// Answers a request.
    fn answer(&mut self, request: &str, status: &str, more: &str) {
        let mut lines = vec![format!("SIP/2.0 {status}")];
        for name in ["Via:", "From:", "To:", "Call-ID:", "CSeq:"] {
            lines.push(request.lines().find(|line| line.starts_with(name)).expect(name).to_owned());
        }
        lines[3].push_str(";tag=carrier");
        lines.extend(more.lines().map(str::to_owned));
        lines.push("Content-Length: 0\r\n\r\n".to_owned());
        self.arrive(lines.join("\r\n"));
    }

    /// A call from the carrier with these headers more; the status of its last answer.
    fn ring(&mut self, more: &str) -> u16 {
        self.calls += 1;
        let n = self.calls;
        self.sent.clear();
        let sdp = "v=0\r\no=- 1 1 IN IP4 10.2.0.1\r\ns=-\r\nc=IN IP4 10.2.0.1\r\nt=0 0\r\n\
                   m=audio 4000 RTP/AVP 8\r\n";
        let more: String = more.lines().map(|line| format!("{line}\r\n")).collect();
        self.arrive(format!(
            "INVITE sip:01708434343@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.2.0.1;branch=z9hG4bK{n}\r\n\
             From: \"Amy\" <sip:07700900123@10.2.0.1>;tag=f{n}\r\nTo: <sip:01708434343@10.0.0.1>\r\n\
             Call-ID: {n}@10.2.0.1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\
             Contact: <sip:10.2.0.1>\r\n{more}Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        ));
        let last = self
            .sent
            .iter()
            .rev()
            .find_map(|message| message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok());
        last.expect("an answer")
    }

    fn system(&self) -> Vec<&SystemEvent> {
        let system = |entry: &'_ Entry| matches!(entry.event, Event::System { .. });
        let events = self.journal.iter().filter(|entry| system(entry));
        events
            .filter_map(|entry| match &entry.event {
                Event::System { event } => Some(event),
                Event::Call { .. }
                | Event::Agent { .. }
                | Event::Message { .. }
                | Event::Callback { .. }
                | Event::Notification { .. } => None,
            })
            .collect()
    }

    fn registered(&self) -> Vec<(bool, u16)> {
        self.system()
            .into_iter()
            .filter_map(|event| match event {
                SystemEvent::TrunkRegistered { registered, status, .. } => {
                    Some((*registered, *status))
                }
                _ => None,
            })
            .collect()
    }
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map_or("", str::trim)
}

fn cseq(message: &str) -> u32 {
    header(message, "CSeq").split(' ').next().and_then(|seq| seq.parse().ok()).unwrap_or(0)
}

const REGISTERS: &str = r#"
[carrier]
hosts = ["10.2.0.1"]
options_s = 0
username = "harbourside"
password = "secret"
domain = "carrier.example"
inbound = "registration"
register = { expires_s = 600, contact = "council" }
"#;

#[test]
fn a_registration_lives_from_its_challenge_to_its_farewell() {
    let mut wire = Wire::new(REGISTERS, |_| {});
    let first = wire.asked("REGISTER");
    assert!(first.starts_with("REGISTER sip:carrier.example SIP/2.0"), "{first}");
    assert!(header(&first, "From").starts_with("<sip:harbourside@carrier.example>"));
    assert!(header(&first, "Contact").starts_with("<sip:council@10.0.0.1:5060"), "{first}");
    assert_eq!(header(&first, "Expires"), "600");
    wire.answer(
        &first,
        "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"carrier.example\", nonce=\"n1\", qop=\"auth\", \
         algorithm=SHA-256",
    );
    let proved = wire.asked("REGISTER");
    assert!(header(&proved, "Authorization").contains("username=\"harbourside\""), "{proved}");
    assert_eq!(header(&proved, "Call-ID"), header(&first, "Call-ID"));
    assert!(cseq(&proved) > cseq(&first));
    assert!(!proved.contains("secret"));
    wire.answer(&proved, "200 OK", "Expires: 300");
    assert_eq!(wire.registered(), [(true, 200)]);
    wire.until(269);
    assert!(wire.sent.is_empty(), "{:?}", wire.sent);
    wire.until(270);
    let refresh = wire.asked("REGISTER");
    assert!(cseq(&refresh) > cseq(&proved));
    wire.answer(&refresh, "503 Service Unavailable", "");
    wire.until(299);
    assert!(wire.sent.is_empty(), "it does not hammer: {:?}", wire.sent);
    wire.until(331);
    assert_eq!(wire.registered(), [(true, 200), (false, 408)], "the binding has run out");
    let again = wire.asked("REGISTER");
    wire.answer(&again, "200 OK", "Expires: 600");
    assert_eq!(wire.registered().last(), Some(&(true, 200)));
    wire.input(Input::Drain);
    let farewell = wire.asked("REGISTER");
    assert_eq!(header(&farewell, "Expires"), "0");
    wire.answer(&farewell, "200 OK", "");
    wire.until(10_000);
    assert!(wire.sent.iter().all(|message| !message.starts_with("REGISTER")), "gone for good");
}

#[test]
fn while_we_drain_the_carrier_is_told_to_send_its_calls_elsewhere() {
    let mut wire = Wire::new("[carrier]\nhosts = [\"10.2.0.1\"]\noptions_s = 0\n", |_| {});
    let options = |wire: &mut Wire, branch: &str| {
        wire.sent.clear();
        wire.arrive(format!(
            "OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.2.0.1;branch=z9hG4bK{branch}\r\n\
             From: <sip:10.2.0.1>;tag=1\r\nTo: <sip:10.0.0.1>\r\nCall-ID: {branch}\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        ));
        wire.sent.first().cloned().expect("an answer")
    };
    assert!(options(&mut wire, "a").starts_with("SIP/2.0 200"));
    wire.input(Input::Drain);
    let answer = options(&mut wire, "b");
    assert!(answer.starts_with("SIP/2.0 503") && !header(&answer, "Retry-After").is_empty());
    assert_eq!(wire.ring(""), 503);
}

#[test]
fn a_marked_emergency_from_a_trusted_trunk_is_admitted_beyond_the_limit() {
    let one = |settings: &mut Settings| settings.limits.calls = 1;
    for (trusted, status) in [(true, 180), (false, 503)] {
        let trunk =
            format!("[carrier]\nhosts = [\"10.2.0.1\"]\noptions_s = 0\ntrusted = {trusted}\n");
        let mut wire = Wire::new(&trunk, one);
        assert!(matches!(wire.ring(""), 180 | 200));
        assert_eq!(wire.ring(""), 503);
        let marked = wire.ring("Resource-Priority: esnet.1");
        assert_eq!(marked >= 500, status == 503, "trusted: {trusted}, {marked}");
        let full = |event: &&SystemEvent| {
            matches!(event, SystemEvent::Refused { reason: RefusalReason::TooManyCalls, .. })
        };
        let refused = wire.system().into_iter().filter(full).count();
        assert_eq!(refused, if trusted { 1 } else { 2 });
    }
}

#[test]
fn what_is_asserted_of_a_caller_is_believed_of_a_trusted_trunk_only() {
    let said = "P-Asserted-Identity: \"Ben\" <sip:+441632960009@carrier.example>\n\
                Diversion: <sip:01632960555@carrier.example>;reason=unconditional";
    for (trusted, number, name, diverted) in [
        (true, "+441632960009", "Ben", Some("+441632960555")),
        (false, "+447700900123", "Amy", None),
    ] {
        let trunk =
            format!("[carrier]\nhosts = [\"10.2.0.1\"]\noptions_s = 0\ntrusted = {trusted}\n");
        let mut wire = Wire::new(&trunk, |_| {});
        wire.ring(said);
        let arrived = wire.journal.iter().find_map(|entry| match &entry.event {
            Event::Call { event: CallEvent::Arrived { caller, through, .. }, .. } => {
                Some((caller.clone(), through.clone()))
            }
            _ => None,
        });
        let (caller, through) = arrived.expect("a call");
        assert_eq!((caller.number.as_deref(), caller.name.as_deref()), (Some(number), Some(name)));
        let through = through.expect("a trunk");
        assert_eq!(
            (through.trunk.as_str(), through.diverted_from.as_deref()),
            ("carrier", diverted)
        );
    }
}
