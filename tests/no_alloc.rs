//! A packet costs no allocation: neither one that is played nor one that is relayed, recorded or not.
//!
//! This file holds one test, because the counting allocator counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use switchboard::id::{Entropy, LegId, RecordingId};
use switchboard::media::codec::{Encoder, MAX_BYTES};
use switchboard::media::command::{
    Codec, Listen, MasterKey, Negotiated, OpusSettings, Part, PayloadTypes, PlayId, RecordOrder,
    RoomId, SrtpKeys, Suite,
};
use switchboard::media::rate::Rate;
use switchboard::media::recorder;
use switchboard::media::{Bank, Clip, Command, Plane, PlaneSettings, Sink};
use switchboard::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use switchboard::rtp::srtp::{OVERHEAD, Sender};
use switchboard::rtp::telephone_event::TelephoneEvent;
use switchboard::time::Time;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches only a
// thread-local cell that needs no allocation and no destructor.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Counts packets, and allocations except those of reports: one every five seconds is built by a
/// crate that allocates.
#[derive(Default)]
struct Counter {
    rtp: u64,
    reported: bool,
}

impl Sink for Counter {
    fn send_rtp(&mut self, _leg: LegId, _to: SocketAddr, packet: &[u8]) {
        assert!(packet.len() > 12);
        self.rtp += 1;
    }

    fn send_rtcp(&mut self, _leg: LegId, _to: SocketAddr, _packet: &[u8]) {
        self.reported = true;
    }
}

struct Rig {
    plane: Plane,
    /// The encrypted legs' peers.
    senders: BTreeMap<u64, Sender>,
    now: Time,
    /// What a peer with Opus says, again and again.
    opus: Vec<u8>,
    /// Frames that every peer has sent.
    frames: u16,
    counter: Counter,
    allocations: u64,
}

impl Rig {
    /// Does something and counts its allocations.
    fn counted(&mut self, act: impl FnOnce(&mut Plane, Time, &mut Counter)) {
        self.counter.reported = false;
        let before = ALLOCATIONS.get();
        act(&mut self.plane, self.now, &mut self.counter);
        if !self.counter.reported {
            self.allocations += ALLOCATIONS.get() - before;
        }
    }

    /// Ten seconds in which every leg's peer talks and presses keys; packets sent and allocations.
    fn ten_seconds(&mut self) -> (u64, u64) {
        (self.counter.rtp, self.allocations) = (0, 0);
        let start = self.now;
        for frame in 0..500u16 {
            for leg in 0..LEGS {
                let pressed = frame % 50 < 8;
                let event = TelephoneEvent { event: 5, end: false, volume: 10, duration: 160 };
                let event = event.to_bytes();
                let (codec, payload_type) = codec(leg);
                let step = codec.clock_hz() / 50;
                let spoken = if codec == Codec::Opus { &self.opus[..] } else { &[0x55; 160] };
                let voice = Packet {
                    ssrc: Ssrc(7),
                    seq: SeqNo(self.frames + frame),
                    timestamp: Timestamp(
                        u32::from(if pressed { frame / 50 * 50 } else { frame }) * step,
                    ),
                    marker: false,
                    payload_type: if pressed { 101 } else { payload_type },
                    payload: if pressed { &event } else { spoken },
                };
                let mut bytes = [0; 200 + OVERHEAD];
                let mut len = voice.write(&mut bytes[..200]).expect("fits");
                if let Some(sender) = self.senders.get_mut(&leg) {
                    len = sender.protect_rtp(&mut bytes, len).expect("fits");
                }
                self.counted(|plane, now, counter| {
                    plane.handle_rtp(now, LegId(leg), peer(leg), &bytes[..len], counter);
                });
            }
            self.now = start + Duration::from_millis(20) * u32::from(frame + 1);
            self.counted(|plane, now, counter| plane.handle_timeout(now, counter));
            self.counted(|plane, _, _| while plane.poll_event().is_some() {});
        }
        self.frames += 500;
        (self.counter.rtp, self.allocations)
    }
}

const LEGS: u64 = 22;

fn codec(leg: u64) -> (Codec, u8) {
    match leg {
        0..6 | 15 | 17 => (Codec::Pcma, 8),
        12 | 13 | 16 | 21 => (Codec::G722, 9),
        18 | 20 => (Codec::Opus, PayloadTypes::OPUS),
        _ => (Codec::Pcmu, 0),
    }
}

/// How a leg is encrypted.
fn suite(leg: u64) -> Option<Suite> {
    match leg {
        8 => Some(Suite::AesCm128HmacSha1_80),
        9 => Some(Suite::AeadAes128Gcm),
        10 => Some(Suite::AeadAes256Gcm),
        _ => None,
    }
}

fn opus() -> Vec<u8> {
    let settings = OpusSettings { fec: true, ..OpusSettings::default() };
    let mut encoder = Encoder::new(Codec::Opus, Rate::Wide, settings).expect("an encoder");
    let voice: Vec<i16> = (0..320).map(|at| (at * 97 % 9_000) as i16 - 4_500).collect();
    let mut room = [0; MAX_BYTES];
    let lens = (0..10).map(|_| encoder.encode(&voice, &mut room).expect("encodes"));
    let len = lens.last().unwrap_or(0);
    room[..len].to_vec()
}

fn record(leg: u64) -> Command {
    Command::Record { leg: LegId(leg), order: RecordOrder::Begin(RecordingId(leg)) }
}

fn peer(leg: u64) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, leg as u8], 4_000))
}

#[test]
fn no_packet_costs_an_allocation() {
    let bank: Bank = [
        ("main/long".into(), Clip::new(&vec![1_000; 8_000 * 60])),
        ("music/hold".into(), Clip::new(&vec![2_000; 8_000 * 7])),
    ]
    .into_iter()
    .collect();
    let settings = PlaneSettings { silence: Duration::from_secs(30) };
    let plane = Plane::new(settings, Arc::new(bank), Entropy::from_seed([1; 32]));
    // Less than ten seconds of what is recorded: towards the end the ring is full.
    let (recorder, mut reel) = recorder::ring(500_000);
    let mut plane = plane;
    plane.record_into(recorder);
    let mut rig = Rig {
        plane,
        senders: BTreeMap::new(),
        now: Time::ZERO,
        opus: opus(),
        frames: 0,
        counter: Counter::default(),
        allocations: 0,
    };
    let mut entropy = Entropy::from_seed([2; 32]);
    for leg in 0..LEGS {
        rig.plane.open(rig.now, LegId(leg), SocketAddr::from(([192, 0, 2, 1], 20_000)));
        let (codec, _) = codec(leg);
        let srtp = suite(leg).map(|suite| {
            let [send, receive] = [0; 2].map(|_| MasterKey::draw(suite, &mut entropy));
            rig.senders.insert(leg, Sender::new(&receive));
            Box::new(SrtpKeys { send, receive, receive_mki: None })
        });
        let negotiated = Negotiated { srtp, ..Negotiated::plain(peer(leg), codec) };
        let leg = LegId(leg);
        let command = Command::Negotiate { leg, negotiated };
        rig.plane.handle_command(rig.now, command, &mut rig.counter);
    }
    let (music, prompts) = ("music/hold".into(), vec!["main/long".into()]);
    for command in [
        Command::Music { leg: LegId(0), music },
        Command::Play { leg: LegId(1), play: PlayId(1), prompts },
        // Relayed as it is, and turned from one law into the other.
        Command::Bridge { a: LegId(2), b: LegId(3) },
        Command::Bridge { a: LegId(5), b: LegId(6) },
        // Both encrypted, each in its own way; one encrypted and one plain.
        Command::Bridge { a: LegId(8), b: LegId(9) },
        Command::Bridge { a: LegId(10), b: LegId(11) },
        // Between two codecs, both ways each.
        Command::Bridge { a: LegId(16), b: LegId(17) },
        Command::Bridge { a: LegId(18), b: LegId(19) },
        Command::Bridge { a: LegId(20), b: LegId(21) },
        // Four in a room: two who speak, one who whispers and one who listens.
        Command::Join { leg: LegId(12), room: RoomId(1), part: Part::Speak },
        Command::Join { leg: LegId(13), room: RoomId(1), part: Part::Speak },
        Command::Join { leg: LegId(14), room: RoomId(1), part: Part::Whisper(LegId(13)) },
        Command::Join { leg: LegId(15), room: RoomId(1), part: Part::Listen },
        // Listened to for speech, beside another.
        Command::Listen { leg: LegId(4), listen: Listen::Tell },
        Command::Listen { leg: LegId(5), listen: Listen::Tell },
        // Relayed, turned into the other law, decrypted, played: all recorded.
        record(3),
        record(6),
        record(9),
        record(0),
    ] {
        rig.plane.handle_command(rig.now, command, &mut rig.counter);
    }
    assert!(ALLOCATIONS.get() > 20, "the allocator counts");
    rig.ten_seconds();
    while reel.read().is_some() {}
    let (packets, allocations) = rig.ten_seconds();
    assert!(packets >= LEGS * 490, "{packets}");
    assert_eq!(allocations, 0, "in {packets} packets");
    let recorded = std::iter::from_fn(|| reel.read().map(|_| ())).count() as u64;
    assert!(recorded > 2_000 && reel.lost() > 1_000, "{recorded}, lost {}", reel.lost());
}
