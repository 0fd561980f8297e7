//! What can be done next.

use std::net::SocketAddr;
use std::time::Duration;

use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::{Input, JournalHealth, Request};
use switchboard::media::command::{Event as MediaEvent, Key, Told};
use switchboard::sip::digest::respond;
use switchboard::sip::header::{Challenge, HeaderName};
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::trunk::names::{Answer, Records, ResolveError};
use switchboard::trunk::srv::SrvRecord;

use super::super::source::Source;
use super::place::{Peer, plans};
use super::street::{Spoil, Street};
use super::talk::{Talk, bodied, description};

/// What can be dialled.
const NUMBERS: [&str; 12] = [
    "01708434343",
    "council",
    "201",
    "202",
    "chloe",
    "302",
    "01632960999",
    "999",
    "*70",
    "*72",
    "09098790123",
    "nobody",
];

/// What can stand in a request besides what must.
const EXTRAS: [&str; 14] = [
    "",
    "Supported: 100rel, timer, replaces\r\n",
    "Require: 100rel\r\n",
    "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\nMin-SE: 90\r\n",
    "Session-Expires: 60\r\n",
    "Record-Route: <sip:10.0.0.11;lr>, <sip:10.0.0.12;lr>\r\n",
    "P-Asserted-Identity: \"A\" <sip:+441632960123@carrier.example>\r\nPrivacy: id\r\n",
    "Diversion: <sip:01632960124@carrier.example>;reason=no-answer\r\n",
    "Priority: emergency\r\nResource-Priority: esnet.0\r\n",
    "Require: nothing\r\n",
    "Accept: text/plain\r\n",
    "Expires: 1\r\n",
    "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n",
    "Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\nAllow: INVITE, ACK, BYE, UPDATE\r\n",
];

/// Final and other answers.
const STATUSES: [u16; 18] =
    [100, 180, 183, 200, 200, 202, 302, 401, 407, 408, 481, 486, 487, 491, 500, 503, 422, 603];

impl Street {
    pub fn step(&mut self, source: &mut Source<'_>) {
        match source.below(28) {
            0 | 1 => self.ring(source),
            2 => self.within(source, "BYE"),
            3 => self.within(source, "INVITE"),
            4 => self.within(source, "UPDATE"),
            5 => self.within(source, "INFO"),
            6 | 7 => self.refer(source),
            8 => self.replace(source),
            9 => self.of_invite(source, "CANCEL"),
            10 => self.of_invite(source, "ACK"),
            11 | 12 => self.answer(source),
            13 => {
                if let Some(at) = self.talk(source) {
                    self.prack(at, source.below(4));
                }
            }
            14 | 15 => self.register(source),
            16 | 17 => self.pass(Duration::from_millis(u64::from(source.byte()) * 20)),
            18 => self.pass(Duration::from_secs(u64::from(source.byte()) * 4)),
            19 => self.press(source),
            20 => self.ask(source),
            21 => self.raw(source),
            22 => self.again(source),
            23 => self.spoil_next(source),
            24 => self.connection(source),
            25 => self.resolve(source),
            26 => self.outside(source),
            _ => self.odd(source),
        }
    }

    fn peer(&self, source: &mut Source<'_>) -> Peer {
        source.pick(&self.peers)
    }

    /// A dialog, mostly one of the newest.
    fn talk(&self, source: &mut Source<'_>) -> Option<usize> {
        let back = 1 + source.below(self.talks.len());
        self.talks.len().checked_sub(back)
    }

    fn ring(&mut self, source: &mut Source<'_>) {
        let peer = self.peer(source);
        let number = source.pick(&NUMBERS);
        let extra = source.pick(&EXTRAS);
        let body = description(source.below(14));
        self.number += 1;
        let mut talk = Talk::calling(peer, self.number, number);
        let invite = talk.request("INVITE", extra, &body);
        if self.talks.len() >= 24 {
            self.talks.remove(0);
        }
        self.talks.push(talk);
        self.send(peer, invite);
    }

    fn within(&mut self, source: &mut Source<'_>, method: &str) {
        let Some(at) = self.talk(source) else { return };
        let kind = source.below(14);
        let talk = &mut self.talks[at];
        let request = match method {
            "BYE" => talk.request(method, "", ""),
            "INFO" => {
                let kinds = ["application/dtmf-relay", "application/dtmf", "text/plain"];
                let typed = format!("Content-Type: {}\r\n", kinds[kind % 3]);
                let bodies = ["Signal=1\r\nDuration=160\r\n", "5", "Signal=*", ""];
                talk.request(method, &typed, bodies[kind % 4])
            }
            _ => talk.request(method, source.pick(&EXTRAS), &description(kind)),
        };
        let peer = talk.peer;
        self.send(peer, request);
    }

    fn refer(&mut self, source: &mut Source<'_>) {
        let Some(at) = self.talk(source) else { return };
        let other = self.talk(source).filter(|_| source.one_in(3));
        let to = match other {
            Some(other) => {
                let name = self.talks[other].name();
                let name = name.replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
                format!("<sip:x@10.0.0.1?Replaces={name}>")
            }
            None => format!("<sip:{}@10.0.0.1>", source.pick(&NUMBERS)),
        };
        let talk = &mut self.talks[at];
        let more = format!("Refer-To: {to}\r\nReferred-By: <sip:amy@10.0.0.1>\r\n");
        let request = talk.request("REFER", &more, "");
        let peer = talk.peer;
        self.send(peer, request);
    }

    /// A new call that wants the place of another.
    fn replace(&mut self, source: &mut Source<'_>) {
        let Some(at) = self.talk(source) else { return };
        let early = if source.one_in(4) { ";early-only" } else { "" };
        let more = format!("Replaces: {}{early}\r\n", self.talks[at].name());
        let peer = self.peer(source);
        self.number += 1;
        let mut talk = Talk::calling(peer, self.number, source.pick(&NUMBERS));
        let mut invite = talk.request("INVITE", &more, &description(source.below(3)));
        if peer.password.is_some() {
            // It takes a challenge to be believed.
            self.send(peer, talk.request("INVITE", &more, &description(0)));
            let challenge = self.challenge_of(peer, Method::Invite, &talk.target);
            if let Some(value) = challenge {
                let more = format!("{more}Authorization: {value}\r\n");
                invite = talk.request("INVITE", &more, &description(0));
            }
        }
        self.talks.push(talk);
        self.send(peer, invite);
    }

    /// Right credentials for a request of a peer.
    fn challenge_of(&mut self, peer: Peer, method: Method, uri: &str) -> Option<String> {
        let challenge = self.challenges.get(&peer.at)?;
        let user = peer.user;
        self.uses += 1;
        let given =
            respond(challenge, user, peer.password?, &method, uri, self.uses, "c")?.to_string();
        Some(given)
    }

    fn of_invite(&mut self, source: &mut Source<'_>, method: &str) {
        let Some(at) = self.talk(source) else { return };
        let talk = &self.talks[at];
        let body = description(10 + source.below(4));
        let text = match method {
            "ACK" if talk.up => Some(talk.acknowledge(talk.seq, &body)),
            _ => talk.of_invite(method),
        };
        let peer = talk.peer;
        if let Some(text) = text {
            self.send(peer, text);
        }
    }

    /// An answer to something that is open.
    fn answer(&mut self, source: &mut Source<'_>) {
        let Some(at) = self.talk(source) else { return };
        let status = source.pick(&STATUSES);
        let body = description(source.below(14));
        let extra = source.pick(&[
            "",
            "Require: 100rel\r\nRSeq: 1\r\n",
            "Require: 100rel\r\nRSeq: 2\r\n",
            "Require: timer\r\nSession-Expires: 120;refresher=uac\r\n",
            "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n",
            "Contact: <sip:01632960999@10.0.0.10>\r\n",
            "Retry-After: 1\r\nMin-SE: 3600\r\n",
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
            "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", algorithm=SHA-256\r\n",
            "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\nSupported: 100rel, replaces\r\n",
        ]);
        let keep = source.one_in(8);
        let fork = source.one_in(6);
        let talk = &mut self.talks[at];
        if talk.open.is_empty() {
            return;
        }
        let which = source.below(talk.open.len());
        let request = talk.open[which].clone();
        if fork {
            talk.local.push('f');
        }
        let text = talk.answer(&request, status, extra, &body);
        if status >= 200 && !keep {
            talk.open.remove(which);
        }
        talk.up |= (200..300).contains(&status);
        let peer = talk.peer;
        self.send(peer, text);
    }

    fn register(&mut self, source: &mut Source<'_>) {
        let peer = self.peer(source);
        let expires = source.pick(&[3600, 60, 0, 30, 120]);
        let contact = match source.below(5) {
            0 => "*".to_owned(),
            1 => format!("<sip:{}@{};transport=tcp>;q=0.5", peer.user, peer.at),
            2 => format!(
                "<sip:{}@x.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id={}",
                peer.user,
                source.below(3)
            ),
            _ => format!("<sip:{}@{}>", peer.user, peer.at),
        };
        let fresh = source.one_in(4);
        for _ in 0..2 {
            self.number += 1;
            let (user, at, number) = (peer.user, peer.at, self.number);
            let uri = "sip:10.0.0.1";
            let proof = match fresh {
                true => None,
                false => self.challenge_of(peer, Method::Register, uri),
            };
            let proof = proof.map(|proof| format!("Authorization: {proof}\r\n"));
            let head = format!(
                "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKr{number};rport\r\n\
                 From: <sip:{user}@10.0.0.1>;tag=r\r\nTo: <sip:{user}@10.0.0.1>\r\n\
                 Call-ID: r{user}\r\nCSeq: {number} REGISTER\r\nMax-Forwards: 70\r\n\
                 Supported: path, outbound\r\nContact: {contact}\r\nExpires: {expires}\r\n"
            );
            let known = proof.is_some();
            self.send(peer, bodied(head, proof.as_deref().unwrap_or_default(), ""));
            if known || fresh || peer.password.is_none() {
                break;
            }
        }
    }

    /// A key, silence, or nothing heard any more.
    fn press(&mut self, source: &mut Source<'_>) {
        let legs: Vec<_> = self.legs.iter().rev().copied().collect();
        let Some(leg) = legs.get(source.below(legs.len())).copied() else { return };
        let event = match source.below(6) {
            0 => MediaEvent::Silent { leg, for_ms: 30_000, ever_heard: source.one_in(2) },
            1 => match self.plays.pop_front() {
                Some((leg, play)) => MediaEvent::Played { leg, play },
                None => return,
            },
            _ => match Key::from_event(source.byte() % 17) {
                Some(key) => {
                    let told = if key.event() < 8 { Told::Event } else { Told::Tones };
                    MediaEvent::Key { leg, key, told }
                }
                None => return,
            },
        };
        self.input(Input::Media(event));
    }

    /// Somebody at the API.
    fn ask(&mut self, source: &mut Source<'_>) {
        let agent = source.pick(&["amy", "ben", "chloe", "zoe"]).into();
        let calls: Vec<_> = self.calls.iter().rev().copied().collect();
        let call = calls.get(source.below(calls.len())).copied();
        let request = match (source.below(8), call) {
            (0, _) => Request::Agent { agent, choice: AgentChoice::SignIn },
            (1, _) => Request::Agent { agent, choice: AgentChoice::SignOut },
            (2, _) => Request::Agent { agent, choice: AgentChoice::Ready },
            (3, Some(call)) => Request::HangUp { call },
            (4..=6, Some(call)) => {
                let agent = source.one_in(2).then_some(agent);
                Request::Transfer { call, to: source.pick(&NUMBERS).to_owned(), agent }
            }
            _ => Request::Agent { agent, choice: AgentChoice::Ready },
        };
        self.request(request);
    }

    /// Bytes.
    fn raw(&mut self, source: &mut Source<'_>) {
        let peer = self.peer(source);
        let length = usize::from(source.byte()) * 4;
        let bytes = source.take(length).to_vec();
        self.deliver(peer.listener, peer.at, bytes);
    }

    /// What was sent before, perhaps from elsewhere, perhaps another message by now.
    fn again(&mut self, source: &mut Source<'_>) {
        let back = source.below(self.kept.len());
        let Some((listener, from, mut bytes)) = self.kept.iter().rev().nth(back).cloned() else {
            return;
        };
        let elsewhere = source.one_in(6).then(|| self.peer(source));
        for _ in 0..source.below(4) {
            let length = bytes.len().max(1);
            let at = usize::from(source.u16()) % length;
            match source.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), source.byte()),
                2 => {
                    let other = usize::from(source.u16()) % length;
                    let piece = bytes.get(at.min(other)..at.max(other)).unwrap_or_default();
                    let piece = piece.to_vec();
                    bytes.splice(at.min(bytes.len())..at.min(bytes.len()), piece);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = source.byte();
                    }
                }
            }
        }
        let (listener, from) = elsewhere.map_or((listener, from), |peer| (peer.listener, peer.at));
        self.deliver(listener, from, bytes);
    }

    fn spoil_next(&mut self, source: &mut Source<'_>) {
        let (at, out) = (source.u16(), source.below(12));
        let length = source.below(12);
        self.spoil = Some(Spoil { at, out, put: source.take(length).to_vec() });
    }

    fn connection(&mut self, source: &mut Source<'_>) {
        let Peer { listener, at: peer, .. } = self.peer(source);
        self.input(match source.below(3) {
            0 => Input::Closed { listener, peer },
            1 => Input::Unreadable { listener, peer },
            _ => Input::Named { listener, peer, names: vec!["sip.carrier.example".to_owned()] },
        });
    }

    /// The domain name system says something.
    fn resolve(&mut self, source: &mut Source<'_>) {
        if self.queries.is_empty() {
            return;
        }
        let query = self.queries.swap_remove(source.below(self.queries.len()));
        let ttl_s = u32::from(source.byte());
        let answer = match source.below(5) {
            0 => Err(ResolveError::Absent),
            1 => Err(ResolveError::Failed),
            2 => {
                let record = |priority, port| SrvRecord {
                    priority,
                    weight: 1,
                    port,
                    target: "host.carrier.example".to_owned(),
                };
                let records = vec![record(1, 5060), record(2, source.u16())];
                Ok(Answer { records: Records::Srv(records), ttl_s })
            }
            _ => {
                let found: SocketAddr = self.peers[8].at;
                Ok(Answer { records: Records::Addresses(vec![found.ip()]), ttl_s })
            }
        };
        self.input(Input::Resolved { query, answer });
    }

    /// An answer to a request of the engine outside dialogs, or a request of that kind.
    fn outside(&mut self, source: &mut Source<'_>) {
        if source.one_in(2) && !self.asked.is_empty() {
            let (peer, request) = self.asked.swap_remove(source.below(self.asked.len()));
            let status = source.pick(&STATUSES);
            let extra = source.pick(&[
                "Expires: 60\r\n",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n",
                "Min-Expires: 1200\r\n",
                "Contact: <sip:441708434343@10.0.0.1>;expires=120\r\n",
                "Retry-After: 3\r\n",
            ]);
            let answer = Talk::called(peer, 0, &request).answer(&request, status, extra, "");
            return self.send(peer, answer);
        }
        let peer = self.peer(source);
        let methods = ["OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH", "BREW", "REFER"];
        self.number += 1;
        let mut talk = Talk::calling(peer, self.number, source.pick(&NUMBERS));
        let request = talk.request(source.pick(&methods), source.pick(&EXTRAS), "");
        self.send(peer, request);
    }

    /// What happens seldom.
    fn odd(&mut self, source: &mut Source<'_>) {
        match source.below(8) {
            0 => self.manners.acknowledge ^= true,
            1 => self.manners.pick_up ^= true,
            2 => self.manners.obey ^= true,
            3 => self.manners.ports ^= true,
            4 => {
                let full = source.one_in(2);
                self.input(Input::Journal(JournalHealth { backlog: 1, full }));
            }
            5 => {
                let (with, without) = plans();
                let plan = if source.one_in(2) { with } else { without };
                self.input(Input::Settings(plan.clone()));
            }
            6 if source.one_in(4) => self.input(Input::Drain),
            _ => self.manners.prack ^= true,
        }
    }

    /// A challenge to a peer, to be answered the next time.
    pub fn challenged(&mut self, from: SocketAddr, refusal: &Message) {
        let asked: Option<Challenge> =
            refusal.challenges(HeaderName::WwwAuthenticate).find_map(Result::ok);
        if let Some(asked) = asked {
            self.uses = 0;
            self.challenges.insert(from, asked);
        }
    }
}
