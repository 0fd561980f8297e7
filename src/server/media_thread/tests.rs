//! Media threads over real sockets on loopback. Every wait is for something to happen, with a
//! generous bound; nothing is timed.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::*;
use crate::media::Clip;
use crate::media::codec::Law;
use crate::media::command::{Codec, Key, Negotiated, OpenError, PlayId, TapId, Told};
use crate::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use crate::rtp::telephone_event::TelephoneEvent;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PATIENCE: Duration = Duration::from_secs(20);

struct Rig {
    media: MediaThreads,
    events: mpsc::Receiver<Event>,
}

impl Rig {
    fn start(first: u16, last: u16, threads: usize) -> Rig {
        Rig::bound_to(LOOPBACK, first, last, threads)
    }

    fn bound_to(bind: IpAddr, first: u16, last: u16, threads: usize) -> Rig {
        let (tell, events) = mpsc::channel();
        let on_event = move |event| drop(tell.send(event));
        Rig { media: Rig::media(bind, first, last, threads, on_event), events }
    }

    fn media(
        bind: IpAddr,
        first: u16,
        last: u16,
        threads: usize,
        on_event: impl Fn(Event) + Send + Sync + Clone + 'static,
    ) -> MediaThreads {
        let settings = MediaThreadSettings {
            ports: PortRange { first, last },
            bind,
            advertise: LOOPBACK,
            threads,
            silence: Duration::from_secs(30),
            recording: 0,
        };
        let bank = [("main/hello".into(), Clip::new(&[8_000; 480]))].into_iter().collect::<Bank>();
        let entropy = Entropy::from_seed([3; 32]);
        MediaThreads::start(settings, Arc::new(bank), entropy, on_event).expect("threads start")
    }

    fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    fn open(&self, leg: LegId, beside: Option<LegId>) -> SocketAddr {
        self.media.send(Command::Open { leg, beside });
        match self.event() {
            Event::Opened { leg: opened, local } if opened == leg => local,
            event => panic!("{event:?}"),
        }
    }
}

/// A peer with a socket of its own.
struct Phone {
    socket: UdpSocket,
    engine: SocketAddr,
    seq: u16,
}

impl Phone {
    fn new(engine: SocketAddr) -> Phone {
        let any = if engine.is_ipv4() { LOOPBACK } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
        let socket = UdpSocket::bind((any, 0)).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Phone { socket, engine, seq: 0 }
    }

    fn negotiated(&self, codec: Codec) -> Negotiated {
        let remote = self.socket.local_addr().expect("an address");
        Negotiated {
            // Reports are not what is looked at here; the discard port swallows them.
            remote_rtcp: SocketAddr::new(remote.ip(), 9),
            ..Negotiated::plain(remote, codec)
        }
    }

    fn send(&mut self, payload_type: u8, payload: &[u8]) {
        let packet = Packet {
            ssrc: Ssrc(u32::from(self.engine.port())),
            seq: SeqNo(self.seq),
            timestamp: Timestamp(160 * u32::from(self.seq)),
            marker: self.seq == 0,
            payload_type,
            payload,
        };
        self.seq += 1;
        let mut bytes = [0; 400];
        let len = packet.write(&mut bytes).expect("fits");
        self.socket.send_to(&bytes[..len], self.engine).expect("sent");
    }

    /// Waits for a packet with that payload. One comes every 20 ms, be it silence: so many that they
    /// last as long as our patience are enough.
    fn hear(&self, payload: &[u8]) {
        let mut bytes = [0; 2_000];
        for _ in 0..PATIENCE.as_millis() / 20 {
            let (len, from) = self.socket.recv_from(&mut bytes).expect("a packet");
            assert_eq!(from, self.engine);
            if Packet::parse(&bytes[..len]).expect("RTP").payload == payload {
                return;
            }
        }
        panic!("never heard {:?}", payload.first());
    }
}

#[test]
fn two_legs_are_opened_bridged_and_hear_each_other() {
    let rig = Rig::start(42_000, 42_399, 2);
    let (a, b) = (LegId(11), LegId(25));
    let mut caller = Phone::new(rig.open(a, None));
    let mut adviser = Phone::new(rig.open(b, Some(a)));
    rig.media.send(Command::Negotiate { leg: a, negotiated: caller.negotiated(Codec::Pcma) });
    rig.media.send(Command::Negotiate { leg: b, negotiated: adviser.negotiated(Codec::Pcmu) });

    caller.hear(&[Law::A.silence(); 160]);
    rig.media.send(Command::Play { leg: a, play: PlayId(5), prompts: vec!["main/hello".into()] });
    caller.hear(&[Law::A.encode(8_000); 160]);
    assert_eq!(rig.event(), Event::Played { leg: a, play: PlayId(5) });

    let key = TelephoneEvent { event: 5, end: false, volume: 10, duration: 160 };
    caller.send(101, &key.to_bytes());
    let key = Key::from_char('5').expect("a key");
    assert_eq!(rig.event(), Event::Key { leg: a, key, told: Told::Event });

    rig.media.send(Command::Bridge { a, b });
    // The bridge is there once silence of ours has been replaced by what the other says.
    for _ in 0..20 {
        caller.send(8, &[Law::A.encode(3_000); 160]);
        adviser.send(0, &[Law::Mu.encode(-3_000); 160]);
        caller.hear_any();
    }
    adviser.hear(&[transcoded(Law::A, 3_000); 160]);
    caller.hear(&[transcoded(Law::Mu, -3_000); 160]);

    rig.media.send(Command::Close { leg: a });
    match rig.event() {
        Event::Closed { leg, counters, .. } => {
            // The last packets may still wait in the socket.
            assert_eq!((leg, counters.dropped), (a, 0));
            assert!((2..=21).contains(&counters.received), "{counters:?}");
        }
        event => panic!("{event:?}"),
    }
    rig.media.shutdown();
    assert!(matches!(rig.event(), Event::Closed { leg, .. } if leg == b));
    let counters = rig.media.counters();
    assert_eq!(counters.legs, 0);
    assert!((4..=41).contains(&counters.received) && counters.sent > 20, "{counters:?}");
}

#[test]
fn packets_that_came_together_while_the_thread_was_busy_are_all_read() {
    let (tell, events) = mpsc::channel();
    // The thread is held up at a key for as long as somebody holds this.
    let busy = Arc::new(Mutex::new(()));
    let held = busy.clone();
    let on_event = move |event| {
        let key = matches!(event, Event::Key { .. });
        drop(tell.send(event));
        if key {
            drop(locked(&held));
        }
    };
    let rig = Rig { media: Rig::media(LOOPBACK, 42_800, 42_899, 1, on_event), events };
    let (a, b) = (LegId(1), LegId(2));
    let mut caller = Phone::new(rig.open(a, None));
    let mut adviser = Phone::new(rig.open(b, Some(a)));
    rig.media.send(Command::Negotiate { leg: a, negotiated: caller.negotiated(Codec::Pcma) });
    rig.media.send(Command::Negotiate { leg: b, negotiated: adviser.negotiated(Codec::Pcma) });
    rig.media.send(Command::Bridge { a, b });

    let hold = locked(&busy);
    let key = TelephoneEvent { event: 5, end: false, volume: 10, duration: 160 };
    adviser.send(101, &key.to_bytes());
    assert!(matches!(rig.event(), Event::Key { leg, .. } if leg == b));
    for number in 0..50 {
        caller.send(8, &[number; 160]);
        adviser.send(8, &[100 + number; 160]);
    }
    drop(hold);
    for number in 0..50 {
        adviser.hear(&[number; 160]);
        caller.hear(&[100 + number; 160]);
    }
}

#[test]
fn a_tap_brings_what_a_leg_says_to_another_thread_until_the_leg_is_closed() {
    let rig = Rig::start(42_900, 42_999, 1);
    let leg = LegId(31);
    let mut caller = Phone::new(rig.open(leg, None));
    rig.media.send(Command::Negotiate { leg, negotiated: caller.negotiated(Codec::Pcma) });
    assert!(rig.media.tap(LegId(99), TapId(2), 200).is_none());
    let mut tapped = rig.media.tap(leg, TapId(1), 2_000).expect("an open leg");
    let loud = |frame: tap::Frame| frame.samples.iter().any(|sample| *sample > 2_500);
    // Silence of ours comes every 20 ms, which is how often the caller says something.
    let heard = (0..500).any(|_| {
        caller.send(8, &[Law::A.encode(3_000); 160]);
        caller.hear_any();
        std::iter::from_fn(|| tapped.read()).any(loud)
    });
    assert!(heard);
    rig.media.send(Command::Close { leg });
    assert!(matches!(rig.event(), Event::Closed { .. }));
    while tapped.read().is_some() {}
    assert!(tapped.is_over());
}

impl Phone {
    fn hear_any(&self) {
        self.hear_one();
    }

    /// The payload of the next packet.
    fn hear_one(&self) -> Vec<u8> {
        let mut bytes = [0; 2_000];
        let (len, from) = self.socket.recv_from(&mut bytes).expect("a packet");
        assert_eq!(from, self.engine);
        Packet::parse(&bytes[..len]).expect("RTP").payload.to_vec()
    }
}

fn transcoded(from: Law, sample: i16) -> u8 {
    let to = if from == Law::Mu { Law::A } else { Law::Mu };
    from.table_to(to).expect("other law")[usize::from(from.encode(sample))]
}

#[test]
fn a_caller_of_ipv6_and_an_adviser_of_ipv4_hear_each_other() {
    let rig = Rig::bound_to(Ipv6Addr::UNSPECIFIED.into(), 42_700, 42_799, 1);
    let (a, b) = (LegId(1), LegId(2));
    let port = rig.open(a, None).port();
    let mut caller = Phone::new((Ipv6Addr::LOCALHOST, port).into());
    let mut adviser = Phone::new((LOOPBACK, rig.open(b, Some(a)).port()).into());
    rig.media.send(Command::Negotiate { leg: a, negotiated: caller.negotiated(Codec::Pcma) });
    rig.media.send(Command::Negotiate { leg: b, negotiated: adviser.negotiated(Codec::Pcma) });
    rig.media.send(Command::Bridge { a, b });
    let (of_caller, of_adviser) = (Law::A.encode(3_000), Law::A.encode(-3_000));
    let (mut caller_heard, mut adviser_heard) = (false, false);
    for _ in 0..500 {
        caller.send(8, &[of_caller; 160]);
        adviser.send(8, &[of_adviser; 160]);
        caller_heard |= caller.hear_one() == [of_adviser; 160];
        adviser_heard |= adviser.hear_one() == [of_caller; 160];
        if caller_heard && adviser_heard {
            return;
        }
    }
    panic!("the caller heard: {caller_heard}, the adviser: {adviser_heard}");
}

#[test]
fn a_used_up_range_is_told_and_a_closed_leg_frees_its_ports() {
    let rig = Rig::start(42_500, 42_501, 1);
    let local = rig.open(LegId(1), None);
    assert_eq!(local, SocketAddr::new(LOOPBACK, 42_500));
    rig.media.send(Command::Open { leg: LegId(2), beside: None });
    let failed = Event::OpenFailed { leg: LegId(2), error: OpenError::NoFreePort };
    assert_eq!(rig.event(), failed);
    rig.media.send(Command::Close { leg: LegId(1) });
    assert!(matches!(rig.event(), Event::Closed { .. }));
    assert_eq!(rig.open(LegId(3), None), local);
}

#[test]
fn legs_go_to_the_least_loaded_thread_unless_they_belong_beside_another() {
    let mut router = Router::new(3);
    let mut open = |leg: u64, beside: Option<u64>| {
        router.place(&Command::Open { leg: LegId(leg), beside: beside.map(LegId) })
    };
    assert_eq!([open(1, None), open(2, None), open(3, None)], [Some(0), Some(1), Some(2)]);
    assert_eq!([open(4, Some(2)), open(5, None), open(6, Some(77))], [Some(1), Some(0), Some(2)]);
    assert_eq!(router.place(&Command::Quiet { leg: LegId(4) }), Some(1));
    router.forget(LegId(4));
    assert_eq!(router.place(&Command::Close { leg: LegId(4) }), None);
    assert_eq!(router.load, [2, 1, 2]);
}

#[test]
fn an_address_that_cannot_be_told_or_bound_is_refused_at_the_start() {
    let settings = |bind: IpAddr, advertise: IpAddr| MediaThreadSettings {
        ports: PortRange { first: 42_600, last: 42_699 },
        bind,
        advertise,
        threads: 1,
        silence: Duration::from_secs(30),
        recording: 0,
    };
    let start = |settings| {
        let (bank, entropy) = (Arc::new(Bank::new()), Entropy::from_seed([3; 32]));
        MediaThreads::start(settings, bank, entropy, drop).map(drop)
    };
    let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let error = start(settings(unspecified, unspecified)).expect_err("unspecified");
    assert!(error.to_string().contains("advertise"), "{error}");
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let error = start(settings(elsewhere, elsewhere)).expect_err("not ours");
    assert!(error.to_string().contains("192.0.2.1"), "{error}");
}
