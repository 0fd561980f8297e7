//! Calls of every kind, as many as one likes, and nothing left of them: no call, leg, dialog,
//! transaction or timer, and no byte of memory.
//!
//! The engine is rung as a network would, datagram by datagram, with losses, by peers that do
//! little more than SIP demands and often less; media are modelled. Time jumps to whatever happens
//! next. By default some thousands of calls; `make million` makes it a million.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use switchboard::acd::calendar::BankHolidays;
use switchboard::acd::command::AgentChoice;
use switchboard::config::settings::Settings;
use switchboard::engine::io::{Input, Output, Request, RequestId};
use switchboard::engine::{Engine, Held, Plan, Start};
use switchboard::event::{CallEvent, EndCause, Event};
use switchboard::flow::{self, Known};
use switchboard::id::{AgentId, Entropy, FlowName, LegId};
use switchboard::media::Command;
use switchboard::media::command::{Event as MediaEvent, Key, LegCounters, OpenError, Told};
use switchboard::sip::ListenerId;
use switchboard::sip::range::AddressRange;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::time::{Time, UnixMicros};

thread_local! {
    static HELD_BYTES: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches only a
// thread-local cell that needs no allocation and no destructor.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD_BYTES.try_with(|held| held.set(held.get() + layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD_BYTES.try_with(|held| held.set(held.get() - layout.size() as isize));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const CALLS: usize = 20_000;
const CALLS_PER_SECOND: u64 = 200;
const ADVISERS: usize = 30;
const LOST_PER_MILLE: u32 = 10;
/// How often media tell that nobody is heard.
const SILENCE: Duration = Duration::from_secs(60);
/// What bookkeeping of the figures may add: a million calls are a few half-hours of theirs.
const LEFT_OVER_BYTES: isize = 64 * 1024;

const FLOW: &str = "
start: choices
nodes:
  choices:
    menu: For an adviser press 1.
    keys:
      1: adviser
    tries: 1
    otherwise: goodbye
  adviser:
    queue: general
    on_closed: goodbye
    otherwise: goodbye
  goodbye:
    hang_up: completed
";

fn engine_address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5060))
}

fn callers_address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 5060))
}

fn plan() -> Plan {
    let mut text = String::from(
        "organisation = \"Harbourside Council\"\n[numbers]\n\"01708434343\" = \"main\"\n\
         [queue.general]\ntitle = \"General\"\nskills = [\"general\"]\nwrap_up_s = 0\nring_s = 5\n\
         [limits]\ncalls = 100000\ncalls_per_second = 100000\n",
    );
    for at in 0..ADVISERS {
        let _ = write!(
            text,
            "[agent.a{at}]\nname = \"A{at}\"\nskills = [\"general\"]\n\
             contacts = [\"sip:a{at}@10.0.0.3:{port}\"]\n",
            port = 6_000 + at,
        );
    }
    let settings: Settings = toml::from_str(&text).expect("settings");
    let known = Known {
        unserved: Vec::new(),
        no_trunk: false,
        queues: vec!["general".into()],
        calendars: Vec::new(),
        backends: Vec::new(),
        templates: Default::default(),
        reach: Default::default(),
        entered: Default::default(),
        skills: vec!["general".into()],
        intents: Default::default(),
        prompts: None,
    };
    let name = FlowName::from("main");
    let flow = flow::load_text(&name, "main.yaml", FLOW, &known).expect("a flow");
    let flows = BTreeMap::from([(name, Arc::new(flow))]);
    let acd = switchboard::config::plan::acd(&settings, &BankHolidays::default()).expect("hours");
    let listeners = vec![Listener::new(Protocol::Udp, engine_address())];
    let mut plan = Plan::new(&settings, flows, acd, listeners).expect("a plan");
    plan.endpoint.guard.allow.push(AddressRange::host(callers_address().ip()));
    plan
}

/// What a caller does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Listens a while and hangs up.
    Listens,
    /// Gives up, perhaps just as the call is answered.
    GivesUp,
    /// Rings a number that nobody has.
    WrongNumber,
    /// Speaks no voice that we do.
    NoCodec,
    /// Never acknowledges the answer.
    NeverAcknowledges,
    /// Is gone without a word.
    Vanishes,
    /// Presses 1 and waits for an adviser.
    Queues,
}

/// What happens next, and to whom.
enum Happening {
    Ring,
    Arrives(SocketAddr, Bytes),
    Media(MediaEvent),
    /// Whoever is still there by now has long been gone.
    NothingHeard(LegId),
    /// A caller hangs up.
    HangUp(u64),
    /// A caller gives up.
    GiveUp(u64),
    /// Advisers who missed a call are put back to work.
    BackToWork,
}

struct Calling {
    kind: Kind,
    /// What the engine calls us by: the To header of its answer.
    to: Option<String>,
}

struct Street {
    /// What every caller does; none if each does something else.
    all: Option<Kind>,
    now: Time,
    entropy: Entropy,
    engine: Engine,
    happenings: BTreeMap<(Time, u64), Happening>,
    happened: u64,
    callers: BTreeMap<u64, Calling>,
    rung: u64,
    arrived: usize,
    ended: BTreeMap<EndCause, usize>,
    joined: usize,
    /// Which leg has which port, as the answer's SDP names it.
    ports: BTreeMap<u16, LegId>,
    opened: u16,
    /// Legs that are open, and since when.
    open: BTreeMap<LegId, Time>,
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
}

fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

impl Street {
    fn new() -> Street {
        let mut entropy = Entropy::from_seed([9; 32]);
        let monday = UnixMicros(1_767_607_200_000_000);
        let engine =
            Engine::new(Time::ZERO, monday, Arc::new(plan()), entropy.fork(), Start::default());
        let mut street = Street {
            all: None,
            now: Time::ZERO,
            entropy,
            engine,
            happenings: BTreeMap::new(),
            happened: 0,
            callers: BTreeMap::new(),
            rung: 0,
            arrived: 0,
            ended: BTreeMap::new(),
            joined: 0,
            ports: BTreeMap::new(),
            opened: 0,
            open: BTreeMap::new(),
        };
        for at in 0..ADVISERS {
            street.choose(at, AgentChoice::SignIn);
        }
        street
    }

    fn choose(&mut self, adviser: usize, choice: AgentChoice) {
        let request = Request::Agent { agent: AgentId::from(format!("a{adviser}")), choice };
        let actor = Arc::from("test");
        self.input(Input::Request { id: RequestId(0), actor, own: true, request });
    }

    fn after(&mut self, wait: Duration, happening: Happening) {
        self.happened += 1;
        self.happenings.insert((self.now + wait, self.happened), happening);
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.entropy.below(n) == 0
    }

    /// Sends the engine a datagram, which may be lost.
    fn send(&mut self, from: SocketAddr, text: String) {
        if self.entropy.below(1_000) >= LOST_PER_MILLE {
            let travels = millis(1 + self.entropy.below(5));
            self.after(travels, Happening::Arrives(from, Bytes::from(text)));
        }
    }

    /// Lets `calls` more callers ring from now on.
    fn ring(&mut self, calls: usize) {
        let every = Duration::from_micros(1_000_000 / CALLS_PER_SECOND);
        for at in 0..calls {
            let when = every * u32::try_from(at).expect("a count");
            self.after(when, Happening::Ring);
            if at % 1_000 == 0 {
                self.after(when, Happening::BackToWork);
            }
        }
    }

    /// Lets everything happen that is to come, and what is left unanswered be given up, which takes
    /// SIP 32 seconds.
    fn come_to_rest(&mut self) {
        self.run(|street| street.happenings.is_empty());
        let over = self.now + Duration::from_secs(200);
        self.run(|street| street.now >= over || street.engine.held() == Held::default());
        self.forget();
    }

    /// Forgets what callers know: what is left in memory is the engine's.
    fn forget(&mut self) {
        self.callers.clear();
        self.ports.clear();
        self.open.clear();
        self.happenings.clear();
    }

    /// Lets time pass until `done`.
    fn run(&mut self, done: impl Fn(&Street) -> bool) {
        while !done(self) {
            let next = self.happenings.first_key_value().map(|((at, _), _)| *at);
            let due = self.engine.poll_timeout();
            let Some(now) = next.into_iter().chain(due).min() else { return };
            self.now = self.now.max(now);
            if due.is_some_and(|at| at <= now) {
                self.engine.handle_timeout(self.now);
                self.drain();
            }
            while self.happenings.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
                if let Some((_, happening)) = self.happenings.pop_first() {
                    self.happens(happening);
                }
            }
        }
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Ring => self.somebody_rings(),
            Happening::Arrives(from, bytes) => {
                self.input(Input::Datagram { listener: ListenerId(0), from, bytes });
            }
            Happening::Media(event) => self.input(Input::Media(event)),
            Happening::NothingHeard(leg) => {
                let Some(since) = self.open.get(&leg).copied() else { return };
                let for_ms = u64::try_from((self.now - since).as_millis()).unwrap_or(u64::MAX);
                self.after(SILENCE, Happening::NothingHeard(leg));
                self.input(Input::Media(MediaEvent::Silent { leg, for_ms, ever_heard: true }));
            }
            Happening::HangUp(call) => {
                if let Some(to) = self.callers.remove(&call).and_then(|caller| caller.to) {
                    self.request("BYE", call, 2, &to, "", "");
                }
            }
            Happening::BackToWork => {
                (0..ADVISERS).for_each(|adviser| self.choose(adviser, AgentChoice::Ready));
            }
            Happening::GiveUp(call) => {
                if self.callers.get(&call).is_some_and(|caller| caller.to.is_none()) {
                    self.request("CANCEL", call, 1, "<sip:01708434343@10.0.0.1>", "", "");
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.engine.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    let text = String::from_utf8_lossy(&transmit.bytes);
                    if self.entropy.below(1_000) < LOST_PER_MILLE {
                        continue;
                    }
                    match text.strip_prefix("SIP/2.0 ") {
                        Some(response) => self.told(response),
                        None => self.asked(transmit.to, &text),
                    }
                }
                Output::Media(command) => self.media(&command),
                Output::Journal(entry) => match entry.event {
                    Event::Call { event: CallEvent::Arrived { .. }, .. } => self.arrived += 1,
                    Event::Call { event: CallEvent::Joined { .. }, .. } => self.joined += 1,
                    Event::Call { event: CallEvent::Ended { cause, .. }, .. } => {
                        *self.ended.entry(cause).or_default() += 1;
                    }
                    Event::Call { .. }
                    | Event::Agent { .. }
                    | Event::Message { .. }
                    | Event::Callback { .. }
                    | Event::Notification { .. }
                    | Event::System { .. } => {}
                },
                Output::Reply { .. } | Output::Resolve(_) | Output::Fetch(_) => {}
                Output::Commit { .. } | Output::Dispatch(_) => {}
                Output::Listen(_) | Output::StopListening(_) | Output::AskOpinion(_) => {}
            }
        }
    }

    fn media(&mut self, command: &Command) {
        match command {
            Command::Open { leg, .. } if self.one_in(500) => {
                let error = OpenError::NoFreePort;
                let failed = MediaEvent::OpenFailed { leg: *leg, error };
                self.after(millis(1), Happening::Media(failed));
            }
            Command::Open { leg, .. } => {
                self.opened = (self.opened + 1) % 20_000;
                let port = 20_000 + 2 * self.opened;
                self.ports.insert(port, *leg);
                let local = SocketAddr::from(([10, 0, 0, 1], port));
                self.after(millis(2), Happening::Media(MediaEvent::Opened { leg: *leg, local }));
                self.open.insert(*leg, self.now);
                self.after(SILENCE, Happening::NothingHeard(*leg));
            }
            // They listen for ever, so that their calls stay up.
            Command::Play { .. } if self.all.is_some() => {}
            Command::Play { leg, play, .. } => {
                let played = MediaEvent::Played { leg: *leg, play: *play };
                self.after(millis(4_000), Happening::Media(played));
            }
            Command::Close { leg } => {
                self.open.remove(leg);
                let counters = LegCounters::default();
                self.after(
                    millis(1),
                    Happening::Media(MediaEvent::Closed {
                        leg: *leg,
                        counters,
                        quality: Default::default(),
                    }),
                );
            }
            Command::Negotiate { .. }
            | Command::Music { .. }
            | Command::Quiet { .. }
            | Command::Bridge { .. }
            | Command::Unbridge { .. }
            | Command::Announce { .. }
            | Command::Join { .. }
            | Command::Leave { .. }
            | Command::SendKeys { .. }
            | Command::Listen { .. }
            | Command::Tap { .. }
            | Command::Record { .. }
            | Command::Secret { .. } => {}
        }
    }

    // ---- callers -----------------------------------------------------------------------------

    fn somebody_rings(&mut self) {
        self.rung += 1;
        let call = self.rung;
        let drawn = match self.entropy.below(100) {
            0..60 => Kind::Listens,
            60..70 => Kind::GivesUp,
            70..74 => Kind::WrongNumber,
            74..78 => Kind::NoCodec,
            78..80 => Kind::NeverAcknowledges,
            80..82 => Kind::Vanishes,
            _ => Kind::Queues,
        };
        let kind = self.all.unwrap_or(drawn);
        self.callers.insert(call, Calling { kind, to: None });
        let number = if kind == Kind::WrongNumber { "01632960999" } else { "01708434343" };
        let codec = if kind == Kind::NoCodec { 96 } else { 8 };
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP {codec} 101\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=rtpmap:96 speex/8000\r\n"
        );
        let headers = "Content-Type: application/sdp\r\n";
        self.request("INVITE", call, 1, &format!("<sip:{number}@10.0.0.1>"), headers, &sdp);
        if kind == Kind::GivesUp {
            let patience = millis(self.entropy.below(20));
            self.after(patience, Happening::GiveUp(call));
        }
    }

    fn request(&mut self, method: &str, call: u64, seq: u32, to: &str, more: &str, body: &str) {
        let uri = to.split(['<', '>']).nth(1).unwrap_or_default();
        // A CANCEL and the ACK of a refusal have the branch of their INVITE.
        let branch = if to.contains("tag=") { method } else { "INVITE" };
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK{call}{branch}\r\n\
             From: <sip:07700900123@10.0.0.2>;tag=c{call}\r\nTo: {to}\r\nCall-ID: {call}@10.0.0.2\r\n\
             CSeq: {seq} {method}\r\nContact: <sip:10.0.0.2:5060>\r\nMax-Forwards: 70\r\n{more}\
             Content-Length: {length}\r\n\r\n{body}",
            length = body.len(),
        );
        self.send(callers_address(), text);
    }

    /// A caller is told something.
    fn told(&mut self, response: &str) {
        let status: u16 = response.get(..3).and_then(|status| status.parse().ok()).unwrap_or(0);
        if status < 200 || !field(response, "CSeq:").ends_with("INVITE") {
            return;
        }
        let id = field(response, "Call-ID:").split('@').next();
        let Some(call) = id.and_then(|id| id.parse::<u64>().ok()) else { return };
        let to = field(response, "To:").to_owned();
        let kind = self.callers.get(&call).map(|caller| caller.kind);
        if status >= 300 {
            self.callers.remove(&call);
            // As the INVITE's branch: this ACK is its transaction's.
            return self.acknowledge(call, &to, "INVITE");
        }
        if kind == Some(Kind::NeverAcknowledges) {
            return;
        }
        self.acknowledge(call, &to, "ACK");
        let port = response.split("m=audio ").nth(1).and_then(|media| media.split(' ').next());
        let leg = port.and_then(|port| self.ports.get(&port.parse().ok()?).copied());
        let Some(caller) = self.callers.get_mut(&call).filter(|caller| caller.to.is_none()) else {
            return;
        };
        caller.to = Some(to);
        match caller.kind {
            Kind::Vanishes | Kind::NeverAcknowledges => {}
            Kind::Queues => {
                if let Some(leg) = leg
                    && let Some(key) = Key::from_char('1')
                {
                    self.after(
                        millis(20),
                        Happening::Media(MediaEvent::Key { leg, key, told: Told::Event }),
                    );
                }
                let patience = millis(500 + self.entropy.below(4_000));
                self.after(patience, Happening::HangUp(call));
            }
            Kind::Listens | Kind::GivesUp | Kind::WrongNumber | Kind::NoCodec => {
                let listens = millis(self.entropy.below(6_000));
                self.after(listens, Happening::HangUp(call));
            }
        }
    }

    fn acknowledge(&mut self, call: u64, to: &str, branch: &str) {
        let text = format!(
            "ACK sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK{call}{branch}\r\n\
             From: <sip:07700900123@10.0.0.2>;tag=c{call}\r\nTo: {to}\r\nCall-ID: {call}@10.0.0.2\r\n\
             CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        self.send(callers_address(), text);
    }

    // ---- advisers' phones, and callers who are hung up on ------------------------------------

    fn asked(&mut self, at: SocketAddr, request: &str) {
        let method = request.split(' ').next().unwrap_or_default();
        match method {
            "ACK" => {}
            "INVITE" if self.one_in(10) => self.answer(at, request, "486 Busy Here", ""),
            "INVITE" => {
                self.answer(at, request, "180 Ringing", "");
                let sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.3\r\ns=-\r\nc=IN IP4 10.0.0.3\r\nt=0 0\r\n\
                    m=audio 4000 RTP/AVP 8\r\n";
                self.answer(at, request, "200 OK", sdp);
            }
            // One phone in a hundred is gone when it is hung up on.
            _ if self.one_in(100) => {}
            _ => self.answer(at, request, "200 OK", ""),
        }
    }

    fn answer(&mut self, from: SocketAddr, request: &str, status: &str, body: &str) {
        let line = |name: &str| format!("{name} {}\r\n", field(request, name));
        let tag = if field(request, "To:").contains("tag=") { "" } else { ";tag=phone" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "SIP/2.0 {status}\r\n{}{}To: {}{tag}\r\n{}{}Contact: <sip:phone@{from}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            line("Via:"),
            line("From:"),
            field(request, "To:"),
            line("Call-ID:"),
            line("CSeq:"),
            body.len(),
        );
        self.send(from, text);
    }
}

#[test]
fn nothing_is_left_of_any_number_of_calls() {
    let calls = std::env::var("CALLS").map_or(CALLS, |calls| calls.parse().expect("a number"));
    let mut street = Street::new();
    // What the tables and the figures need at this rate is there after the first tenth.
    let mut held = Vec::new();
    for share in [calls / 10, calls - calls / 10] {
        street.ring(share);
        street.come_to_rest();
        held.push(HELD_BYTES.get());
        let left = street.engine.held();
        assert_eq!(left, Held::default(), "after {} calls", street.rung);
    }
    let grown = held[1] - held[0];
    println!(
        "{calls} calls: {} arrived, {} joined, {:?}",
        street.arrived, street.joined, street.ended
    );
    println!("{} bytes held after the first tenth, {grown} more at the end", held[0]);
    assert!(street.arrived > calls / 2 && street.joined > calls / 100);
    assert_eq!(street.ended.values().sum::<usize>(), street.arrived, "each call ends once");
    assert!(street.ended.len() >= 4, "{:?}", street.ended);
    assert!(grown < LEFT_OVER_BYTES, "{grown} bytes are left over");
}

#[test]
fn a_call_that_is_up_is_small() {
    const UP: usize = 1_000;
    let mut street = Street::new();
    street.ring(1_000);
    street.come_to_rest();
    let before = HELD_BYTES.get();
    street.all = Some(Kind::Vanishes);
    street.ring(UP);
    // By then the transactions of their INVITEs are over, and nobody has been missed yet.
    let later = street.now + Duration::from_secs(50);
    street.run(|street| street.now >= later);
    street.forget();
    let up = street.engine.held().calls;
    assert!(up > UP * 9 / 10, "{up} calls are up");
    let bytes = (HELD_BYTES.get() - before) / isize::try_from(up).expect("a count");
    println!("a call that is up: {bytes} bytes of the engine's");
    assert!(bytes < 6 * 1024, "{bytes} bytes");
}
