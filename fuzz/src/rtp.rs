//! Voice: packets as they come to the legs of a media plane, plain and encrypted, bridged or not.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use switchboard::id::{Entropy, LegId};
use switchboard::media::command::{
    Codec, Command, Direction, Event, Key, Listen, Negotiated, Part, PayloadTypes, PlayId, RoomId,
    SrtpKeys,
};
use switchboard::media::{Bank, Clip, Plane, PlaneSettings, Sink};
use switchboard::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use switchboard::rtp::srtp::{self, MasterKey, Suite};
use switchboard::rtp::telephone_event::TelephoneEvent;
use switchboard::time::Time;

use super::source::Source;

const LEGS: [LegId; 3] = [LegId(1), LegId(2), LegId(3)];
/// The longest that the plane sends.
const MTU: usize = 1_500 + srtp::OVERHEAD;

/// What can be heard.
static BANK: LazyLock<Arc<Bank>> = LazyLock::new(|| {
    let samples = vec![1_000; 800];
    let clip = |name: &str| (name.into(), Clip::new(&samples));
    Arc::new([clip("prompt"), clip("music")].into_iter().collect())
});

/// Decisions, among them packets.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let mut line = Line::new();
    while !source.is_empty() {
        line.step(&mut source);
    }
    LEGS.iter().for_each(|leg| line.command(Command::Close { leg: *leg }));
    while let Some(event) = line.plane.poll_event() {
        line.told(&event);
    }
    assert!(LEGS.iter().all(|leg| !line.plane.is_open(*leg)));
    assert_eq!(line.open, 0, "every leg is closed once");
    assert_eq!(line.plane.poll_timeout(), None, "nothing is due any more");
}

/// The legs, and a peer for each.
struct Line {
    now: Time,
    plane: Plane,
    out: Out,
    open: usize,
    seq: [u16; 3],
    stamp: [u32; 3],
    senders: [Option<srtp::Sender>; 3],
}

/// What the plane sends.
#[derive(Default)]
struct Out {
    packets: usize,
}

impl Sink for Out {
    fn send_rtp(&mut self, _: LegId, to: SocketAddr, packet: &[u8]) {
        self.note(to, packet);
    }

    fn send_rtcp(&mut self, _: LegId, to: SocketAddr, packet: &[u8]) {
        self.note(to, packet);
    }
}

impl Out {
    fn note(&mut self, to: SocketAddr, packet: &[u8]) {
        assert!(packet.len() <= MTU && to.port() != 0, "{} bytes to {to}", packet.len());
        self.packets += 1;
    }
}

fn peer(at: usize) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, at as u8], 4_000))
}

fn key(suite: Suite, seed: u8) -> MasterKey {
    MasterKey::draw(suite, &mut Entropy::from_seed([seed; 32]))
}

impl Line {
    fn new() -> Line {
        let settings = PlaneSettings { silence: Duration::from_secs(5) };
        let plane = Plane::new(settings, BANK.clone(), Entropy::from_seed([8; 32]));
        Line {
            now: Time::ZERO,
            plane,
            out: Out::default(),
            open: 0,
            seq: [u16::MAX - 2; 3],
            stamp: [0; 3],
            senders: [const { None }; 3],
        }
    }

    fn told(&mut self, event: &Event) {
        match event {
            Event::Opened { .. } => self.open += 1,
            Event::Closed { .. } => self.open -= 1,
            Event::OpenFailed { .. }
            | Event::Played { .. }
            | Event::Key { .. }
            | Event::Speech { .. }
            | Event::SecretKey { .. }
            | Event::Silent { .. } => {}
        }
    }

    fn command(&mut self, command: Command) {
        self.plane.handle_command(self.now, command, &mut self.out);
    }

    fn step(&mut self, source: &mut Source<'_>) {
        let at = source.below(LEGS.len());
        let leg = LEGS[at];
        let before = self.out.packets;
        let kind = source.below(24);
        match kind {
            0 => {
                let local = SocketAddr::from(([192, 0, 2, 1], 20_000 + 2 * at as u16));
                self.plane.open(self.now, leg, local);
            }
            1 => self.negotiate(at, source),
            2 => {
                let prompts = vec!["prompt".into(), "no such prompt".into(), "prompt".into()];
                let prompts = prompts.into_iter().take(source.below(4)).collect();
                self.command(Command::Play { leg, play: PlayId(source.byte().into()), prompts });
            }
            3 => self.command(Command::Music { leg, music: "music".into() }),
            4 => self.command(Command::Quiet { leg }),
            5 => self.command(Command::Bridge { a: leg, b: source.pick(&LEGS) }),
            6 => self.command(Command::Unbridge { leg }),
            7 if source.one_in(4) => self.command(Command::Close { leg }),
            7 | 8 => self.pass(Duration::from_millis(u64::from(source.byte()))),
            9 => self.pass(Duration::from_millis(u64::from(source.u16() & 0x1fff))),
            10 => {
                let length = usize::from(source.u16()) % 1_700;
                let bytes = source.take(length).to_vec();
                self.plane.handle_rtp(self.now, leg, from(at, source), &bytes, &mut self.out);
            }
            11 => {
                let length = usize::from(source.byte());
                let bytes = source.take(length).to_vec();
                self.plane.handle_rtcp(self.now, leg, from(at, source), &bytes);
            }
            12 => {
                let part = source.pick(&[Part::Speak, Part::Listen, Part::Whisper(LEGS[0])]);
                let room = RoomId(source.below(2) as u64);
                self.command(Command::Join { leg, room, part });
            }
            13 => self.command(Command::Leave { leg }),
            14 => {
                let keys = (0..source.below(9)).filter_map(|key| Key::from_event(key as u8));
                self.command(Command::SendKeys { leg, keys: keys.collect() });
            }
            15 => {
                let listen = source.pick(&[Listen::Off, Listen::Tell, Listen::Interrupt]);
                self.command(Command::Listen { leg, listen });
            }
            16 => {
                let (play, prompts) = (PlayId(source.byte().into()), vec!["prompt".into()]);
                self.command(Command::Announce { leg, play, prompts });
            }
            _ => self.packet(at, source),
        }
        // One packet is relayed to one other leg, with reports; time may bring more.
        let sent = self.out.packets - before;
        assert!(matches!(kind, 7..=9) || sent <= 4, "{sent} packets for one step of kind {kind}");
        while let Some(event) = self.plane.poll_event() {
            self.told(&event);
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.plane.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.plane.handle_timeout(self.now, &mut self.out);
            let next = self.plane.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a deadline that never passes");
        }
        self.now = end;
    }

    fn negotiate(&mut self, at: usize, source: &mut Source<'_>) {
        let suites = [
            Suite::AesCm128HmacSha1_80,
            Suite::AesCm128HmacSha1_32,
            Suite::AeadAes128Gcm,
            Suite::AeadAes256Gcm,
        ];
        let keys = source.one_in(2).then(|| (source.pick(&suites), source.byte()));
        self.senders[at] = keys.map(|(suite, seed)| srtp::Sender::new(&key(suite, seed)));
        let codec = source.pick(&Codec::ALL);
        let agreed = Negotiated::plain(peer(at), codec);
        let types = PayloadTypes {
            telephone_event: source.one_in(2).then_some(101),
            comfort_noise: source.one_in(2).then_some(PayloadTypes::COMFORT_NOISE),
            ..agreed.send
        };
        let negotiated = Negotiated {
            remote_rtcp: SocketAddr::new(peer(at).ip(), 4_001),
            stranger: at == 2,
            send: types,
            receive: types,
            packet_ms: source.pick(&[10, 20, 30, 40]),
            rtcp_mux: source.one_in(4),
            direction: source.pick(&[
                Direction::SendRecv,
                Direction::SendOnly,
                Direction::RecvOnly,
                Direction::Inactive,
            ]),
            srtp: keys.map(|(suite, seed)| {
                let receive = key(suite, seed);
                Box::new(SrtpKeys { send: key(suite, 77), receive, receive_mki: None })
            }),
            ..agreed
        };
        self.command(Command::Negotiate { leg: LEGS[at], negotiated });
    }

    /// What a peer would send: the next packet, or one that is late, early, repeated or odd.
    fn packet(&mut self, at: usize, source: &mut Source<'_>) {
        let odd = source.below(8);
        let step = match odd {
            0 => source.u16(),
            1 => 0,
            2 => u16::MAX,
            _ => 1,
        };
        self.seq[at] = self.seq[at].wrapping_add(step);
        self.stamp[at] = self.stamp[at].wrapping_add(160 * u32::from(step));
        let event = TelephoneEvent::parse(&[source.byte(), source.byte(), 0, 160]);
        let event = event.map(TelephoneEvent::to_bytes).unwrap_or_default();
        let (payload_type, payload) = match source.below(4) {
            0 => (101, event.to_vec()),
            1 => (source.byte() & 127, source.take(32).to_vec()),
            2 => (8, vec![0xd5; 160]),
            _ => (0, vec![0xff; 160]),
        };
        let packet = Packet {
            ssrc: Ssrc(if odd == 3 { u32::from(source.u16()) } else { 0x1234 + at as u32 }),
            seq: SeqNo(self.seq[at]),
            timestamp: Timestamp(self.stamp[at]),
            marker: odd == 4,
            payload_type,
            payload: &payload,
        };
        let mut bytes = [0; MTU];
        let length = packet.write(&mut bytes).expect("room for a packet");
        let read = Packet::parse(&bytes[..length]);
        assert_eq!(read, Ok(packet), "what is written is read");
        let length = match &mut self.senders[at] {
            Some(sender) => sender.protect_rtp(&mut bytes, length).unwrap_or(length),
            None => length,
        };
        if odd == 5 {
            bytes[source.below(length)] ^= source.byte();
        }
        let (now, from) = (self.now, from(at, source));
        self.plane.handle_rtp(now, LEGS[at], from, &bytes[..length], &mut self.out);
    }
}

/// Where a packet comes from: mostly the peer.
fn from(at: usize, source: &mut Source<'_>) -> SocketAddr {
    match source.below(8) {
        0 => SocketAddr::new(peer(at).ip(), 4_002),
        1 => SocketAddr::from(([203, 0, 113, 9], 4_000)),
        _ => peer(at),
    }
}
