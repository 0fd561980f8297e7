//! A plane in a world of its own: packets are handed in, what is sent is kept, time is set.

mod converting;
mod ears;
mod encrypted;
mod hearing;
mod playing;
mod recording;
mod relaying;
mod reporting;
mod rooms;

use super::*;
use crate::media::Clip;
use crate::media::codec::Law;
use crate::media::command::{Codec, Direction, Key, Negotiated, PayloadTypes, Told};
use crate::rtp::packet::{SeqNo, Ssrc, Timestamp};
use crate::rtp::telephone_event::TelephoneEvent;

/// Two legs; the phase of the first is 1 ms, of the second 2 ms.
const A: LegId = LegId(1);
const B: LegId = LegId(2);

/// An RTP packet that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    at: Time,
    leg: LegId,
    to: SocketAddr,
    ssrc: Ssrc,
    seq: SeqNo,
    timestamp: Timestamp,
    marker: bool,
    payload_type: u8,
    payload: Vec<u8>,
}

#[derive(Debug, Default)]
struct Network {
    now: Time,
    rtp: Vec<Sent>,
    /// Every RTP packet as it was sent.
    raw: Vec<(LegId, Vec<u8>)>,
    rtcp: Vec<(Time, LegId, SocketAddr, Vec<u8>)>,
}

impl Sink for Network {
    fn send_rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        let Packet { ssrc, seq, timestamp, marker, payload_type, payload } =
            Packet::parse(packet).expect("RTP");
        self.raw.push((leg, packet.to_vec()));
        let (at, payload) = (self.now, payload.to_vec());
        self.rtp.push(Sent { at, leg, to, ssrc, seq, timestamp, marker, payload_type, payload });
    }

    fn send_rtcp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.rtcp.push((self.now, leg, to, packet.to_vec()));
    }
}

struct Rig {
    plane: Plane,
    network: Network,
    bank: Arc<Bank>,
}

impl Rig {
    fn new() -> Rig {
        let clip = |values: &[(i16, usize)]| {
            let samples: Vec<i16> =
                values.iter().flat_map(|(value, len)| vec![*value; *len]).collect();
            Clip::new(&samples)
        };
        let bank: Bank = [
            ("main/one".into(), clip(&[(1_000, 160), (2_000, 160)])),
            ("main/two".into(), clip(&[(3_000, 240)])),
            ("main/empty".into(), clip(&[])),
            ("main/long".into(), clip(&[(5_000, 80_000)])),
            ("music/hold".into(), clip(&[(100, 160), (200, 160), (300, 160), (400, 80)])),
        ]
        .into_iter()
        .collect();
        let bank = Arc::new(bank);
        let settings = PlaneSettings { silence: Duration::from_secs(10) };
        let plane = Plane::new(settings, bank.clone(), Entropy::from_seed([9; 32]));
        Rig { plane, network: Network::default(), bank }
    }

    /// A rig with both legs open and negotiated.
    fn with_two_legs(a: Codec, b: Codec) -> Rig {
        let mut rig = Rig::new();
        for (leg, codec) in [(A, a), (B, b)] {
            rig.plane.open(rig.network.now, leg, "192.0.2.9:20000".parse().expect("an address"));
            rig.plane.poll_event().expect("opened");
            rig.negotiate(leg, negotiated(leg, codec));
        }
        rig
    }

    /// Both legs are bridged, and each is heard by the other.
    fn bridged(a: Codec, b: Codec) -> Rig {
        let mut rig = Rig::with_two_legs(a, b);
        rig.command(Command::Bridge { a: A, b: B });
        rig
    }

    fn command(&mut self, command: Command) {
        self.plane.handle_command(self.network.now, command, &mut self.network);
    }

    fn negotiate(&mut self, leg: LegId, negotiated: Negotiated) {
        self.command(Command::Negotiate { leg, negotiated });
    }

    fn play(&mut self, leg: LegId, play: u64, prompts: &[&str]) {
        let prompts = prompts.iter().map(|name| PromptName::from(*name)).collect();
        self.command(Command::Play { leg, play: PlayId(play), prompts });
    }

    fn music(&mut self, leg: LegId) {
        self.command(Command::Music { leg, music: "music/hold".into() });
    }

    /// Lets `millis` pass, waking the plane exactly when it asks to be.
    fn pass(&mut self, millis: u64) {
        let until = self.network.now + Duration::from_millis(millis);
        while let Some(due) = self.plane.poll_timeout().filter(|due| *due <= until) {
            self.network.now = self.network.now.max(due);
            self.plane.handle_timeout(self.network.now, &mut self.network);
        }
        self.network.now = until;
    }

    /// Lets `millis` pass without waking the plane until they are over.
    fn sleep(&mut self, millis: u64) {
        self.network.now += Duration::from_millis(millis);
        self.plane.handle_timeout(self.network.now, &mut self.network);
    }

    fn receive_from(&mut self, leg: LegId, from: &str, packet: &Packet<'_>) {
        let mut bytes = [0; 1_500];
        let len = packet.write(&mut bytes).expect("fits");
        let (now, from) = (self.network.now, from.parse().expect("an address"));
        self.plane.handle_rtp(now, leg, from, &bytes[..len], &mut self.network);
    }

    fn receive(&mut self, leg: LegId, packet: &Packet<'_>) {
        self.receive_from(leg, home(leg), packet);
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.plane.poll_event()).collect()
    }

    /// What was sent to the peer of a leg since the last call.
    fn sent(&mut self, leg: LegId) -> Vec<Sent> {
        let (mine, others) = self.network.rtp.drain(..).partition(|sent| sent.leg == leg);
        self.network.rtp = others;
        mine
    }

    /// The first sample of every frame sent to the peer of a leg since the last call.
    fn heard(&mut self, leg: LegId) -> Vec<u8> {
        self.sent(leg).iter().map(|sent| sent.payload[0]).collect()
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.plane.counters().dropped_for(reason)
    }
}

/// Where the peer of a leg says it is.
fn home(leg: LegId) -> &'static str {
    if leg == A { "10.0.0.1:4000" } else { "10.0.0.2:4000" }
}

fn negotiated(leg: LegId, codec: Codec) -> Negotiated {
    let remote: SocketAddr = home(leg).parse().expect("an address");
    Negotiated {
        signalled_from: "192.0.2.77".parse().expect("an address"),
        ..Negotiated::plain(remote, codec)
    }
}

/// The same with keys told under another payload type, or not as events.
fn with_keys(leg: LegId, codec: Codec, telephone_event: Option<u8>) -> Negotiated {
    let agreed = negotiated(leg, codec);
    let types = PayloadTypes { telephone_event, ..agreed.send };
    Negotiated { send: types, receive: types, ..agreed }
}

/// The voice packet with the number `at` of a stream that begins at sequence number 5,000.
fn voice(codec: Codec, at: u16, payload: &[u8]) -> Packet<'_> {
    Packet {
        ssrc: Ssrc(0xabcd),
        seq: SeqNo(5_000).plus(at),
        timestamp: Timestamp(70_000).plus(u32::from(at) * 160),
        marker: at == 0,
        payload_type: codec.static_payload_type().unwrap_or(PayloadTypes::OPUS),
        payload,
    }
}

/// A telephone-event packet with the number `at` of the same stream.
fn key(at: u16, began: u16, payload: &[u8; 4]) -> Packet<'_> {
    Packet {
        timestamp: Timestamp(70_000).plus(u32::from(began) * 160),
        marker: at == began,
        payload_type: 101,
        ..voice(Codec::Pcmu, at, payload)
    }
}

fn press(event: u8, end: bool, duration: u16) -> [u8; 4] {
    TelephoneEvent { event, end, volume: 10, duration }.to_bytes()
}

/// Asserts that the packets are one stream: one SSRC, no sequence number missing, and timestamps
/// that never overlap.
fn assert_continuous(sent: &[Sent]) {
    for pair in sent.windows(2) {
        let [before, after] = pair else { unreachable!("windows of two") };
        assert_eq!(after.ssrc, before.ssrc);
        assert_eq!(after.seq, before.seq.plus(1));
        assert!(after.timestamp.ahead_of(before.timestamp) >= 160, "{before:?} {after:?}");
    }
}
