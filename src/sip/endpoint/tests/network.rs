//! The network: datagrams with a delay, and a seeded chance of loss, repetition and reordering.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::id::{Entropy, LegId};
use crate::sip::endpoint::*;
use crate::sip::guard::GuardSettings;
use crate::sip::message::Message;
use crate::sip::range::AddressRange;
use crate::sip::transport::{Listener, Protocol};
use crate::sip::{ListenerId, Transmit};
use crate::time::Time;

pub(super) const LISTENER: ListenerId = ListenerId(0);
pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\n";
pub(super) const ANSWER: &str = "v=0\r\no=- 2 1 IN IP4 192.0.2.1\r\ns=-\r\n";

/// What happens to a datagram, by the message's beginning and how many such were sent before.
pub(super) type Fate = Box<dyn FnMut(&str, u32) -> Vec<Duration>>;

/// What the user of a side does when it is told something.
type Reaction<'a> = &'a mut dyn FnMut(&mut Endpoint, (usize, &SipEvent), Time);

/// Side 0 calls, side 1 is called; both are endpoints.
pub(super) struct Pair {
    pub(super) now: Time,
    pub(super) ends: [Endpoint; 2],
    pub(super) events: [Vec<(Time, SipEvent)>; 2],
    /// Every message sent: from which side, and its kind (`INVITE`, `200 INVITE` ...).
    pub(super) log: Vec<(Time, usize, String)>,
    in_flight: BTreeMap<(Time, u64), (usize, SocketAddr, Bytes)>,
    sent: u64,
    kinds: BTreeMap<String, u32>,
    fate: Fate,
}

pub(super) fn address(side: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if side == 0 { 2 } else { 1 }], 5060))
}

pub(super) fn settings(side: usize) -> EndpointSettings {
    EndpointSettings {
        listeners: vec![Listener::new(Protocol::Udp, address(side))],
        realm: "switchboard".to_owned(),
        product: "switchboard/test".to_owned(),
        expires_s: (60, 3600),
        session_s: 1800,
        accounts: BTreeMap::new(),
        guard: GuardSettings {
            allow: vec![AddressRange::try_from("192.0.2.0/24".to_owned()).unwrap()],
            ..GuardSettings::default()
        },
    }
}

pub(super) const DELAY: Duration = Duration::from_millis(10);

impl Pair {
    pub(super) fn new() -> Pair {
        Pair::with(Box::new(|_, _| vec![DELAY]))
    }

    /// Loses the first `count` messages of one kind.
    pub(super) fn losing(kind: &'static str, count: u32) -> Pair {
        Pair::with(Box::new(
            move |sent, nth| {
                if sent == kind && nth < count { Vec::new() } else { vec![DELAY] }
            },
        ))
    }

    /// Loses, repeats and reorders by chance.
    pub(super) fn rough(seed: u8) -> Pair {
        let mut chance = Entropy::from_seed([seed; 32]);
        Pair::with(Box::new(move |_, _| {
            let copies = match chance.below(10) {
                0 | 1 => 0,
                2 => 2,
                _ => 1,
            };
            (0..copies).map(|_| Duration::from_millis(u64::from(1 + chance.below(300)))).collect()
        }))
    }

    pub(super) fn with(fate: Fate) -> Pair {
        let end = |side: usize| {
            let seed = [u8::try_from(side).unwrap() + 1; 32];
            Endpoint::new(settings(side), Entropy::from_seed(seed))
        };
        Pair {
            now: Time::ZERO,
            ends: [end(0), end(1)],
            events: [Vec::new(), Vec::new()],
            log: Vec::new(),
            in_flight: BTreeMap::new(),
            sent: 0,
            kinds: BTreeMap::new(),
            fate,
        }
    }

    /// Side 0 calls side 1.
    pub(super) fn call(&mut self) -> LegId {
        let leg = LegId(7);
        let invite = OutgoingInvite {
            leg,
            listener: LISTENER,
            uri: "sip:01708434343@192.0.2.1".to_owned(),
            to: address(1),
            from_display: "Ann \"Bo\" Öz".to_owned(),
            from_user: "07700900123".to_owned(),
            offer: OFFER.to_owned(),
            extras: Box::default(),
        };
        self.ends[0].invite(self.now, invite);
        self.flush();
        leg
    }

    /// Side 0 calls and side 1 answers; both legs.
    pub(super) fn talk(&mut self) -> (LegId, LegId) {
        let caller = self.call();
        self.run_for(Duration::from_millis(200));
        let called = self.arrived().leg;
        self.ends[1].answer(self.now, called, ANSWER);
        self.run_for(Duration::from_millis(200));
        (caller, called)
    }

    /// The INVITE that side 1 was told of.
    pub(super) fn arrived(&self) -> IncomingInvite {
        let found = self.events[1].iter().find_map(|(_, event)| match event {
            SipEvent::Invite(invite) => Some(invite.clone()),
            _ => None,
        });
        found.expect("no INVITE arrived")
    }

    pub(super) fn do_at(&mut self, side: usize, act: impl FnOnce(&mut Endpoint, Time)) {
        act(&mut self.ends[side], self.now);
        self.flush();
    }

    pub(super) fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end, &mut |_, _, _| {}) {}
        self.now = end;
    }

    /// Runs until nothing more can happen, and checks that nothing is left.
    pub(super) fn run_out(&mut self) {
        let end = self.now + Duration::from_secs(600);
        while self.step(end, &mut |_, _, _| {}) {}
        self.now = end;
        for end in &self.ends {
            let load = end.load();
            assert_eq!((load.transactions, load.legs), (0, 0), "something leaked");
        }
    }

    /// Runs and lets `user` act on each event.
    pub(super) fn run_with(
        &mut self,
        span: Duration,
        user: &mut dyn FnMut(&mut Endpoint, usize, &SipEvent, Time),
    ) {
        let end = self.now + span;
        let mut act = |end: &mut Endpoint, (side, event): (usize, &SipEvent), now| {
            user(end, side, event, now);
        };
        while self.step(end, &mut act) {}
        self.now = end;
    }

    fn step(&mut self, end: Time, user: Reaction<'_>) -> bool {
        self.flush_with(user);
        let arrival = self.in_flight.keys().next().map(|(at, _)| *at);
        let timers = self.ends.iter().filter_map(Endpoint::poll_timeout).min();
        let Some(next) = arrival.into_iter().chain(timers).min().filter(|next| *next <= end) else {
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let (_, (to, from, bytes)) = self.in_flight.pop_first().unwrap();
            self.ends[to].handle_datagram(self.now, LISTENER, from, bytes);
        } else {
            for end in &mut self.ends {
                end.handle_timeout(self.now);
            }
        }
        self.flush_with(user);
        true
    }

    pub(super) fn flush(&mut self) {
        self.flush_with(&mut |_, _, _| {});
    }

    fn flush_with(&mut self, user: Reaction<'_>) {
        for side in 0..2 {
            while let Some(event) = self.ends[side].poll_event() {
                user(&mut self.ends[side], (side, &event), self.now);
                self.events[side].push((self.now, event));
            }
            while let Some(transmit) = self.ends[side].poll_transmit() {
                self.send(side, transmit);
            }
        }
    }

    fn send(&mut self, side: usize, transmit: Transmit) {
        let kind = kind(&transmit.bytes);
        self.log.push((self.now, side, kind.clone()));
        let nth = self.kinds.entry(kind.clone()).or_default();
        let delays = (self.fate)(&kind, *nth);
        *nth += 1;
        if transmit.to != address(1 - side) {
            return;
        }
        for delay in delays {
            self.sent += 1;
            let arrival = (self.now + delay, self.sent);
            self.in_flight.insert(arrival, (1 - side, address(side), transmit.bytes.clone()));
        }
    }

    /// What side `side` was told, times left out.
    pub(super) fn told(&self, side: usize) -> Vec<&SipEvent> {
        self.events[side].iter().map(|(_, event)| event).collect()
    }

    /// How often a kind of message was sent by a side.
    pub(super) fn count(&self, side: usize, kind: &str) -> usize {
        self.log.iter().filter(|(_, from, sent)| *from == side && sent == kind).count()
    }
}

/// `INVITE` for a request, `200 INVITE` for a response.
pub(super) fn kind(bytes: &Bytes) -> String {
    let message = Message::parse(bytes.clone()).expect("we sent what cannot be read");
    let method = message.cseq().expect("we sent a message without CSeq").method;
    match message.status() {
        None => method.to_string(),
        Some(status) => format!("{status} {method}"),
    }
}
