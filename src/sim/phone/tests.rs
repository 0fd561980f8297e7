//! The simulated phone by itself, and against another of its kind.

use std::collections::BTreeMap;

mod extensions;
mod moves;

use super::super::ear::Expect;
use super::*;

/// Two phones and a wire between them whose clock jumps; `lose` says which packets are lost.
struct Pair {
    now: Time,
    phones: [Phone; 2],
    wire: BTreeMap<(Time, u64), (usize, Line, SocketAddr, Bytes)>,
    sent: u64,
    lose: fn(u64) -> bool,
    events: [Vec<PhoneEvent>; 2],
}

fn pair(lose: fn(u64) -> bool, change: impl Fn(usize, &mut PhoneSettings)) -> Pair {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let phone = |which: usize| {
        let (own, other) = if which == 0 { (5071, 5072) } else { (5072, 5071) };
        let name = if which == 0 { "01632960001" } else { "amy" };
        let mut settings = PhoneSettings::new(name, at(own), at(own + 1_000), at(other));
        settings.sound = Sound::Tone(if which == 0 { 440 } else { 620 });
        change(which, &mut settings);
        Phone::new(settings, Entropy::from_seed([which as u8; 32]))
    };
    Pair {
        now: Time::ZERO,
        phones: [phone(0), phone(1)],
        wire: BTreeMap::new(),
        sent: 0,
        lose,
        events: [Vec::new(), Vec::new()],
    }
}

impl Pair {
    fn drain(&mut self) {
        for which in 0..2 {
            let from = self.phones[which].settings().clone();
            while let Some(out) = self.phones[which].poll_transmit() {
                self.sent += 1;
                if out.line == Line::Signalling && (self.lose)(self.sent) {
                    continue;
                }
                let source = match out.line {
                    Line::Signalling => from.signalling,
                    Line::Voice => from.rtp,
                };
                let at = self.now + Duration::from_millis(1);
                self.wire.insert((at, self.sent), (1 - which, out.line, source, out.bytes));
            }
            while let Some(event) = self.phones[which].poll_event() {
                self.events[which].push(event);
            }
        }
    }

    fn run_until(&mut self, end: Time) {
        loop {
            self.drain();
            let wire = self.wire.keys().next().map(|(at, _)| *at);
            let next = self.phones.iter().filter_map(Phone::poll_timeout).chain(wire).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            while let Some(entry) = self.wire.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (to, line, from, bytes) = entry.remove();
                self.phones[to].handle_datagram(self.now, line, from, &bytes);
            }
            for phone in &mut self.phones {
                phone.handle_timeout(self.now);
            }
        }
        self.now = end;
    }

    fn run(&mut self, ms: u64) {
        self.run_until(self.now + Duration::from_millis(ms));
    }

    fn at_rest(&mut self) {
        self.run(70_000);
        for phone in &self.phones {
            assert_eq!((phone.is_busy(), phone.load(), phone.poll_timeout()), (false, 0, None));
        }
    }
}

fn never(_: u64) -> bool {
    false
}

#[test]
fn one_phone_rings_another_both_hear_each_other_and_one_hangs_up() {
    let mut pair = pair(never, |_, _| {});
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    let incoming = PhoneEvent::Incoming { display: String::new(), user: "01632960001".to_owned() };
    assert_eq!(pair.events[1], [incoming]);
    pair.phones[1].ring(pair.now);
    pair.run(1_000);
    pair.phones[1].answer(pair.now);
    pair.run(1_000);
    assert_eq!(pair.events[0], [PhoneEvent::Ringing, PhoneEvent::Answered]);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Established));
    assert!(pair.phones[0].voice().ear().hears(pair.now, &Expect::Tone(620)));
    assert!(pair.phones[1].voice().ear().hears(pair.now, &Expect::Tone(440)));
    pair.phones[1].hang_up(pair.now);
    pair.run(10);
    assert_eq!(pair.events[0].last(), Some(&PhoneEvent::Ended { by_peer: true }));
    pair.at_rest();
}

#[test]
fn a_call_given_up_while_it_rings_is_cancelled_for_both() {
    let mut pair = pair(never, |_, _| {});
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].ring(pair.now);
    pair.run(500);
    pair.phones[0].hang_up(pair.now);
    pair.run(100);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Cancelled));
    let refused = PhoneEvent::Refused { status: 487, retry_after_s: None };
    assert_eq!(pair.events[0].last(), Some(&refused));
    pair.at_rest();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up() {
    let mut pair = pair(never, |which, settings| {
        settings.quirks.deaf_to_cancel = which == 1;
    });
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].ring(pair.now);
    pair.run(500);
    pair.phones[0].hang_up(pair.now);
    pair.run(1);
    pair.phones[1].answer(pair.now);
    pair.run(100);
    assert_eq!(pair.events[0].last(), Some(&PhoneEvent::Ended { by_peer: false }));
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Ended { by_peer: true }));
    pair.at_rest();
}

#[test]
fn a_call_comes_up_and_ends_although_every_second_message_is_lost() {
    // Scattered, since a strict alternation could hit every ACK.
    fn scattered(n: u64, salt: u64) -> bool {
        (n.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).is_multiple_of(2)
    }
    for lose in [|n| scattered(n, 1), |n| scattered(n, 2), |n| scattered(n, 3)] {
        // Silent phones that send no packets, so that only signalling is counted.
        let mut pair = pair(lose, |_, settings| settings.sound = Sound::Dead);
        pair.phones[0].call(pair.now, "amy");
        pair.run(20_000);
        pair.phones[1].ring(pair.now);
        pair.phones[1].answer(pair.now);
        pair.run(20_000);
        assert_eq!(pair.events[0].last(), Some(&PhoneEvent::Answered));
        assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Established));
        pair.phones[0].hang_up(pair.now);
        pair.run(20_000);
        assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Ended { by_peer: true }));
        pair.at_rest();
    }
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_after_32_seconds() {
    let mut pair = pair(never, |which, settings| settings.quirks.never_acks = which == 0);
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].answer(pair.now);
    pair.run(31_900);
    assert!(pair.phones[1].is_busy());
    pair.run(200);
    assert_eq!(pair.events[1].last(), Some(&PhoneEvent::Ended { by_peer: false }));
    pair.at_rest();
}

#[test]
fn an_invite_without_offer_is_answered_in_the_ack() {
    let mut pair = pair(never, |which, settings| settings.quirks.late_offer = which == 0);
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    pair.phones[1].answer(pair.now);
    pair.run(1_000);
    assert!(pair.phones[0].voice().ear().hears(pair.now, &Expect::Tone(620)));
    assert!(pair.phones[1].voice().ear().hears(pair.now, &Expect::Tone(440)));
}

#[test]
fn a_phone_that_shares_no_codec_refuses_with_488() {
    let mut pair = pair(never, |which, settings| {
        if which == 0 {
            settings.codecs.clear();
        }
    });
    pair.phones[0].call(pair.now, "amy");
    pair.run(10);
    let refused = PhoneEvent::Refused { status: 488, retry_after_s: None };
    assert_eq!(pair.events[0], [refused]);
    pair.at_rest();
}

/// A registrar that challenges, checks nothing and grants.
fn registrar(phone: &mut Phone, now: Time, stale_at: u32) -> Vec<String> {
    let mut credentials = Vec::new();
    let mut asked = 0;
    while let Some(out) = phone.poll_transmit() {
        let (message, _) = message::read(&out.bytes).expect("sip");
        let SipMessage::Request(request) = &message else { panic!("a request") };
        let found = message.headers().iter().find_map(|header| match header {
            Header::Authorization(value) => Some(value.value().to_owned()),
            _ => None,
        });
        asked += 1;
        let stale = if asked == stale_at { ", stale=true" } else { "" };
        let bytes = match found {
            Some(text) if stale.is_empty() => {
                credentials.push(text);
                message::respond(request, 200, "r", Vec::new(), String::new())
            }
            _ => {
                let challenge = |algorithm: &str| {
                    let text = format!(
                        "Digest realm=\"council\", nonce=\"n{asked}\", qop=\"auth\", \
                         algorithm={algorithm}{stale}"
                    );
                    Header::WwwAuthenticate(headers::WwwAuthenticate::new(text))
                };
                let both = vec![challenge("SHA-256"), challenge("MD5")];
                message::respond(request, 401, "r", both, String::new())
            }
        };
        phone.handle_datagram(now, Line::Signalling, out.to, &bytes);
    }
    credentials
}

#[test]
fn a_phone_registers_keeps_its_nonce_and_takes_a_fresh_one_when_it_is_stale() {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let mut settings = PhoneSettings::new("amy", at(5071), at(6071), at(5060));
    settings.password = Some("secret".to_owned());
    let mut phone = Phone::new(settings, Entropy::from_seed([9; 32]));
    let mut now = Time::ZERO;
    phone.register(now, 100);
    let first = registrar(&mut phone, now, 0);
    assert!(first[0].contains("SHA-256") && first[0].contains("nc=00000001"), "{first:?}");
    assert_eq!(phone.poll_event(), Some(PhoneEvent::Registered));
    now = phone.poll_timeout().expect("a refresh or what is remembered");
    while now < Time::from_millis(80_000) {
        phone.handle_timeout(now);
        now = phone.poll_timeout().expect("a refresh");
    }
    phone.handle_timeout(now);
    let second = registrar(&mut phone, now, 0);
    assert!(second[0].contains("nonce=\"n1\"") && second[0].contains("nc=00000002"), "{second:?}");
    phone.register(now, 0);
    let third = registrar(&mut phone, now, 1);
    assert!(third[0].contains("nonce=\"n1\"") && third[0].contains("nc=00000001"), "{third:?}");
    assert_eq!(phone.poll_event(), Some(PhoneEvent::Registered));
    assert_eq!(phone.poll_event(), Some(PhoneEvent::Unregistered));
}

#[test]
fn garbage_never_disturbs_a_phone() {
    let mut pair = pair(never, |_, _| {});
    let mut entropy = Entropy::from_seed([5; 32]);
    for length in 0..400_u32 {
        let bytes: Vec<u8> = (0..length).map(|_| entropy.u32() as u8).collect();
        for line in [Line::Signalling, Line::Voice] {
            pair.phones[0].handle_datagram(pair.now, line, ([10, 0, 0, 1], 1).into(), &bytes);
        }
    }
    pair.at_rest();
}
