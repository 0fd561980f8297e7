//! The engine among its peers: what it sends reaches them at once, and they react as they are told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::{Input, Output, Request, RequestId};
use switchboard::engine::{Engine, Held, Start};
use switchboard::event::{CallEvent, Event, LegQuality};
use switchboard::id::{CallId, Entropy, LegId};
use switchboard::media::Command;
use switchboard::media::command::{Event as MediaEvent, LegCounters, OpenError, PlayId};
use switchboard::sip::digest::respond;
use switchboard::sip::header::{Challenge, HeaderName};
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::sip::{ListenerId, Transmit};
use switchboard::stats::Fold;
use switchboard::time::{Time, UnixMicros};

use super::place::{Peer, peers, plans};
use super::talk::{Talk, description};

/// Monday, 5 January 2026 at 10:00 in London.
const BEGIN: UnixMicros = UnixMicros(1_767_607_200_000_000);
/// As many reactions follow on one move at the most.
const MOST_REACTIONS: usize = 400;
/// As many messages may the engine send for one that it gets: those of all the agents' phones, and no more.
const MOST_SENT: usize = 64;
/// As many dialogs are kept by peers.
const MOST_TALKS: usize = 24;
/// As many sent messages are kept to be sent again.
const MOST_KEPT: usize = 32;

/// What peers do by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// They acknowledge answers.
    pub acknowledge: bool,
    /// They acknowledge reliable provisional responses.
    pub prack: bool,
    /// They pick up.
    pub pick_up: bool,
    /// They answer what is asked within a dialog, and outside.
    pub obey: bool,
    /// They prove who they are.
    pub prove: bool,
    /// Ports are there.
    pub ports: bool,
    /// And at once, not only after some time.
    pub prompt: bool,
}

/// How the next message is spoilt.
#[derive(Debug, Clone, Default)]
pub struct Spoil {
    /// Where, as a share of the message.
    pub at: u16,
    /// How many bytes are taken out.
    pub out: usize,
    /// What is put in.
    pub put: Vec<u8>,
}

/// The engine, its peers and what they know.
pub struct Street {
    pub now: Time,
    pub engine: Engine,
    pub manners: Manners,
    pub talks: Vec<Talk>,
    pub peers: [Peer; 10],
    pub spoil: Option<Spoil>,
    /// What was sent, to be sent again.
    pub kept: VecDeque<(ListenerId, SocketAddr, Vec<u8>)>,
    /// Requests of the engine outside dialogs.
    pub asked: Vec<(Peer, Message)>,
    /// Legs with media.
    pub legs: BTreeSet<LegId>,
    pub plays: VecDeque<(LegId, PlayId)>,
    pub calls: BTreeSet<CallId>,
    /// Legs that get their ports once time passes.
    opening: Vec<MediaEvent>,
    pub queries: Vec<switchboard::trunk::names::Query>,
    /// What was reached, in words.
    pub reached: BTreeSet<String>,
    pub number: usize,
    /// The last challenge to each peer, and how often it was answered.
    pub challenges: BTreeMap<SocketAddr, Challenge>,
    pub uses: u32,
    next_port: u16,
    reactions: VecDeque<Input>,
    flows: BTreeSet<(ListenerId, SocketAddr)>,
    fold: Fold,
    arrived: usize,
    ended: BTreeMap<CallId, usize>,
    sent: usize,
}

impl Street {
    pub fn new(manners: Manners) -> Street {
        let engine = Engine::new(
            Time::ZERO,
            BEGIN,
            plans().0.clone(),
            Entropy::from_seed([9; 32]),
            Start::default(),
        );
        let mut street = Street {
            now: Time::ZERO,
            engine,
            manners,
            talks: Vec::new(),
            peers: peers(),
            spoil: None,
            kept: VecDeque::new(),
            asked: Vec::new(),
            legs: BTreeSet::new(),
            plays: VecDeque::new(),
            calls: BTreeSet::new(),
            opening: Vec::new(),
            queries: Vec::new(),
            reached: BTreeSet::new(),
            number: 0,
            challenges: BTreeMap::new(),
            uses: 0,
            next_port: 0,
            reactions: VecDeque::new(),
            flows: BTreeSet::new(),
            fold: Fold::new(),
            arrived: 0,
            ended: BTreeMap::new(),
            sent: 0,
        };
        for agent in ["amy", "ben", "chloe"] {
            for choice in [AgentChoice::SignIn, AgentChoice::Ready] {
                street.request(Request::Agent { agent: agent.into(), choice });
            }
        }
        street
    }

    pub fn request(&mut self, request: Request) {
        let actor = "fuzz".into();
        self.input(Input::Request { id: RequestId(1), actor, own: true, request });
    }

    /// A message of a peer.
    pub fn send(&mut self, peer: Peer, text: String) {
        let mut bytes = text.into_bytes();
        if let Some(Spoil { at, out, put }) = self.spoil.take() {
            let from = usize::from(at) * bytes.len() / (usize::from(u16::MAX) + 1);
            let to = (from + out).min(bytes.len());
            bytes.splice(from..to, put);
        }
        self.deliver(peer.listener, peer.at, bytes);
    }

    pub fn deliver(&mut self, listener: ListenerId, from: SocketAddr, bytes: Vec<u8>) {
        if listener == ListenerId(1) || listener == ListenerId(2) {
            self.flows.insert((listener, from));
        }
        self.kept.push_back((listener, from, bytes.clone()));
        if self.kept.len() > MOST_KEPT {
            self.kept.pop_front();
        }
        self.input(Input::Datagram { listener, from, bytes: Bytes::from(bytes) });
    }

    /// An input, and all that follows at once.
    pub fn input(&mut self, input: Input) {
        self.reactions.push_back(input);
        let mut left = MOST_REACTIONS;
        while let Some(input) = self.reactions.pop_front() {
            if left == 0 {
                self.reactions.clear();
                return;
            }
            left -= 1;
            if let Input::Closed { listener, peer } = &input {
                self.flows.remove(&(*listener, *peer));
            }
            let datagram = matches!(input, Input::Datagram { .. });
            self.engine.handle_input(self.now, input);
            self.drain();
            assert!(!datagram || self.sent <= MOST_SENT, "{} messages at once", self.sent);
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut stuck = 0;
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            stuck = if due > self.now { 0 } else { stuck + 1 };
            assert!(stuck < 100, "a deadline that never passes at {:?}", self.now);
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            self.drain();
            if let Some(input) = self.reactions.pop_front() {
                self.input(input);
            }
        }
        self.now = end;
        for opened in std::mem::take(&mut self.opening) {
            self.input(Input::Media(opened));
        }
        while let Some((leg, play)) = self.plays.pop_front() {
            self.input(Input::Media(MediaEvent::Played { leg, play }));
        }
    }

    fn drain(&mut self) {
        self.sent = 0;
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit(transmit) => self.transmitted(&transmit),
                Output::Media(command) => self.media(&command),
                Output::Journal(entry) => {
                    self.fold.apply(&entry);
                    if let Event::Call { call, event } = &entry.event {
                        self.noted(*call, event);
                    }
                    if let Event::Callback { event, .. } = &entry.event {
                        self.reached(&format!("CallBack{event:?}"));
                    }
                }
                Output::Resolve(query) => {
                    if self.queries.len() < 16 {
                        self.queries.push(query);
                    }
                }
                Output::Commit { after } => {
                    self.reactions.push_back(Input::Committed(after));
                }
                Output::Fetch(_) | Output::Reply { .. } => {}
                Output::Dispatch(_) => {}
                Output::Listen(_) | Output::StopListening(_) | Output::AskOpinion(_) => {}
            }
        }
    }

    fn noted(&mut self, call: CallId, event: &CallEvent) {
        match event {
            CallEvent::Arrived { .. } => {
                self.arrived += 1;
                self.calls.insert(call);
            }
            CallEvent::Ended { .. } => {
                *self.ended.entry(call).or_default() += 1;
                self.calls.remove(&call);
            }
            _ => {}
        }
        self.reached(&format!("{event:?}"));
    }

    /// Notes what a thing that happened is called.
    fn reached(&mut self, words: &str) {
        let word = words.split([' ', '{']).next().unwrap_or_default().to_owned();
        self.reached.insert(word);
    }

    fn media(&mut self, command: &Command) {
        match command {
            Command::Open { leg, .. } => {
                let opened = if self.manners.ports {
                    self.next_port = (self.next_port + 1) % 20_000;
                    let local = SocketAddr::from(([10, 0, 0, 1], 20_000 + 2 * self.next_port));
                    self.legs.insert(*leg);
                    MediaEvent::Opened { leg: *leg, local }
                } else {
                    MediaEvent::OpenFailed { leg: *leg, error: OpenError::NoFreePort }
                };
                match self.manners.prompt {
                    true => self.reactions.push_back(Input::Media(opened)),
                    false => self.opening.push(opened),
                }
            }
            Command::Play { leg, play, .. } | Command::Announce { leg, play, .. } => {
                self.plays.push_back((*leg, *play))
            }
            Command::Close { leg } => {
                self.legs.remove(leg);
                let counters = LegCounters::default();
                let closed =
                    MediaEvent::Closed { leg: *leg, counters, quality: LegQuality::default() };
                self.reactions.push_back(Input::Media(closed));
            }
            Command::Negotiate { .. }
            | Command::Music { .. }
            | Command::Quiet { .. }
            | Command::Bridge { .. }
            | Command::Unbridge { .. }
            | Command::Join { .. }
            | Command::Leave { .. }
            | Command::SendKeys { .. }
            | Command::Listen { .. }
            | Command::Tap { .. }
            | Command::Record { .. }
            | Command::Secret { .. } => {}
        }
    }

    // ---- what peers hear ---------------------------------------------------------------------

    fn transmitted(&mut self, transmit: &Transmit) {
        self.sent += 1;
        let message = match Message::parse(transmit.bytes.clone()) {
            Ok(message) => message,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&transmit.bytes)),
        };
        assert!(message.bytes().len() < 66_000, "a message that is longer than any datagram");
        let at = transmit.to;
        let peer = self.peers.iter().find(|peer| peer.at == at).copied();
        let peer = peer.unwrap_or(Peer { listener: transmit.listener, at, ..self.peers[0] });
        let id = message.text(HeaderName::CallId).unwrap_or_default();
        let talk = self.talks.iter().position(|talk| talk.id == id);
        if message.status() == Some(401) {
            self.challenged(peer.at, &message);
        }
        match (message.status(), talk) {
            (Some(status), talk) => self.told(&message, status, talk),
            (None, Some(talk)) => self.asked_within(&message, talk),
            (None, None) => self.asked_anew(peer, &message),
        }
    }

    /// A response of the engine.
    fn told(&mut self, response: &Message, status: u16, talk: Option<usize>) {
        let cseq = response.text(HeaderName::CSeq).unwrap_or_default();
        let method = cseq.split(' ').nth(1).unwrap_or_default().to_owned();
        self.reached.insert(format!("{status} {method}"));
        let Some(at) = talk else { return };
        let talk = &mut self.talks[at];
        let seq = cseq.split(' ').next().and_then(|seq| seq.parse().ok()).unwrap_or(0);
        if let Some(to) = response.text(HeaderName::To).filter(|_| talk.invite.is_some()) {
            talk.remote = to;
        }
        if let Ok(contact) = response.contact() {
            talk.target = contact.uri.to_string();
        }
        let manners = self.manners;
        match status {
            101..200 => {
                let Some(rseq) = response.text(HeaderName::RSeq) else { return };
                let new = talk.reliable.as_ref().is_none_or(|(known, _)| *known != rseq);
                talk.reliable = Some((rseq, cseq));
                if new && manners.prack {
                    self.prack(at, 0);
                }
            }
            200..300 if method == "INVITE" => {
                talk.up = true;
                if manners.acknowledge {
                    let ack = talk.acknowledge(seq, "");
                    let peer = talk.peer;
                    self.react(peer, ack);
                }
            }
            401 | 407 if manners.prove && method == "INVITE" => self.prove(at, response),
            300.. if method == "INVITE" && manners.acknowledge => {
                if let Some(ack) = talk.of_invite("ACK") {
                    let peer = talk.peer;
                    self.react(peer, ack);
                }
            }
            _ => {}
        }
    }

    /// The answer to the last reliable provisional response.
    pub fn prack(&mut self, at: usize, body: usize) {
        let talk = &mut self.talks[at];
        let Some((rseq, cseq)) = talk.reliable.clone() else { return };
        let body = if body == 0 { String::new() } else { description(body) };
        let prack = talk.request("PRACK", &format!("RAck: {rseq} {cseq}\r\n"), &body);
        let peer = talk.peer;
        self.react(peer, prack);
    }

    /// The INVITE again, with credentials, once.
    fn prove(&mut self, at: usize, refusal: &Message) {
        let talk = &mut self.talks[at];
        let peer = talk.peer;
        let Some(password) = peer.password.filter(|_| talk.seq < 2) else { return };
        let asked = refusal.challenges(HeaderName::WwwAuthenticate).find_map(Result::ok);
        if let Some(ack) = talk.of_invite("ACK") {
            self.react(peer, ack);
        }
        let talk = &mut self.talks[at];
        talk.remote = talk.remote.split(";tag=").next().unwrap_or_default().to_owned();
        let answer = asked.and_then(|asked| {
            respond(&asked, peer.user, password, &Method::Invite, &talk.target, 1, "c")
        });
        if let Some(answer) = answer {
            let more = format!("Authorization: {answer}\r\nSupported: 100rel, timer, replaces\r\n");
            let invite = talk.request("INVITE", &more, &description(0));
            self.react(peer, invite);
        }
    }

    fn react(&mut self, peer: Peer, text: String) {
        let bytes = Bytes::from(text.into_bytes());
        self.reactions.push_back(Input::Datagram { listener: peer.listener, from: peer.at, bytes });
    }

    fn asked_within(&mut self, request: &Message, at: usize) {
        let method = request.method().cloned().unwrap_or(Method::Ack);
        self.reached.insert(format!("asks {method}"));
        let manners = self.manners;
        let talk = &mut self.talks[at];
        let peer = talk.peer;
        let answer = match method {
            Method::Ack => return,
            Method::Invite if !manners.pick_up => None,
            _ if !manners.obey => None,
            Method::Invite => Some(talk.answer(request, 200, "", &description(0))),
            Method::Update if request.body().is_empty() => Some(talk.answer(request, 200, "", "")),
            Method::Update => Some(talk.answer(request, 200, "", &description(0))),
            _ => Some(talk.answer(request, 200, "", "")),
        };
        match answer {
            Some(answer) => self.react(peer, answer),
            None if talk.open.len() < 4 => talk.open.push(request.clone()),
            None => {}
        }
        if method == Method::Cancel && manners.obey {
            let talk = &self.talks[at];
            let invite = talk.open.iter().find(|open| open.method() == Some(&Method::Invite));
            if let Some(gone) = invite.map(|invite| talk.answer(invite, 487, "", "")) {
                self.react(peer, gone);
            }
        }
    }

    fn asked_anew(&mut self, peer: Peer, request: &Message) {
        let method = request.method().cloned().unwrap_or(Method::Ack);
        self.reached.insert(format!("asks {method}"));
        if method != Method::Invite {
            let about = Talk::called(peer, 0, request);
            if self.manners.obey && method != Method::Ack {
                let answer = about.answer(request, 200, "Expires: 600\r\n", "");
                self.react(peer, answer);
            } else if self.asked.len() < 8 {
                self.asked.push((peer, request.clone()));
            }
            return;
        }
        if self.talks.len() >= MOST_TALKS {
            self.talks.remove(0);
        }
        self.number += 1;
        let mut talk = Talk::called(peer, self.number, request);
        if self.manners.pick_up {
            talk.open.clear();
            let ringing = talk.answer(request, 180, "", "");
            let picks_up = talk.answer(request, 200, "", &description(0));
            talk.up = true;
            self.react(peer, ringing);
            self.react(peer, picks_up);
        }
        self.talks.push(talk);
    }

    // ---- the end -----------------------------------------------------------------------------

    /// Everybody is gone: nothing may be left of anything.
    pub fn end(mut self) -> BTreeSet<String> {
        let quiet = Manners {
            acknowledge: false,
            prack: false,
            pick_up: false,
            obey: false,
            prove: false,
            ports: true,
            prompt: true,
        };
        self.manners = quiet;
        self.input(Input::Settings(plans().1.clone()));
        self.input(Input::Stop);
        for (listener, peer) in std::mem::take(&mut self.flows) {
            self.input(Input::Closed { listener, peer });
        }
        // Registrations last for an hour at the most.
        for _ in 0..80 {
            self.pass(Duration::from_secs(60));
            if self.engine.held() == Held::default() {
                break;
            }
        }
        assert_eq!(self.engine.held(), Held::default(), "after {:?}", self.now);
        assert!(self.legs.is_empty(), "media are left open");
        assert_eq!(self.ended.values().sum::<usize>(), self.arrived, "each call ends once");
        assert!(self.ended.values().all(|times| *times == 1), "each call ends once");
        let live = self.fold.live(self.now, BEGIN);
        assert_eq!(live.today.difference(), 0, "the books balance");
        self.reached
    }
}
