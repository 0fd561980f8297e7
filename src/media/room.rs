//! Rooms: where more than two hear each other, or not everybody hears everybody.
//!
//! Every 20 ms a room takes a frame of each member's voice, mixes for each what they are to hear
//! (`mixer` knows who hears whom) and encodes it. Members who only listen all hear the same, which is
//! encoded once for each codec.

use std::collections::BTreeMap;
use std::time::Duration;

use super::FRAME;
use super::codec::{Encoder, MAX_BYTES, OpusSettings};
use super::command::{Codec, Part, RoomId};
use super::jitter::JitterCounters;
use super::mixer::{Limiter, Sum};
use super::rate::Rate;
use super::stream::Stream;
use crate::id::LegId;
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Arrival;
use crate::time::Time;

/// Members of a room at most: whoever comes after them is not let in.
pub const MAX_MEMBERS: usize = 32;
/// Samples of a frame at the highest rate.
const LONGEST: usize = Rate::Wide.samples(FRAME_MS);
/// A frame, in milliseconds.
const FRAME_MS: usize = FRAME.as_millis() as usize;
/// Samples that may wait to fill a packet of up to 40 ms.
const LONGEST_WAIT: usize = Rate::Wide.samples(FRAME_MS + 40);
/// Rooms are spread over as many phases of the frame, in milliseconds.
const PHASES: u64 = 20;
/// A room that is later than this skips what it missed.
const SKIP_BEYOND: Duration = Duration::from_millis(100);

/// All rooms of a media thread.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomId, Room>,
    of: BTreeMap<LegId, RoomId>,
    /// What became of packets of streams that are over.
    ordered: JitterCounters,
}

/// A room. It is there while somebody is in it.
#[derive(Debug)]
struct Room {
    due: Time,
    rate: Rate,
    members: Vec<Member>,
    /// What all who only listen hear, for each codec that one of them has.
    shared: Vec<Shared>,
    sum: Sum,
    /// The voices of the frame, one after the other in the order of the members.
    voices: Box<[i16]>,
}

/// How a member is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) codec: Codec,
    pub(super) opus: OpusSettings,
    /// How long each packet is, in milliseconds.
    pub(super) packet_ms: usize,
}

#[derive(Debug)]
struct Member {
    leg: LegId,
    part: Part,
    /// How long each of their packets is, in milliseconds; frames wait until they fill one.
    packet_ms: usize,
    waiting: Box<[i16; LONGEST_WAIT]>,
    waits: usize,
    settings: OpusSettings,
    /// Their voice as it comes; none while nothing is negotiated for their leg.
    stream: Option<Stream>,
    encoder: Option<Encoder>,
    limiter: Limiter,
}

#[derive(Debug)]
struct Shared {
    codec: Codec,
    encoder: Encoder,
    limiter: Limiter,
    payload: Box<[u8; MAX_BYTES]>,
    /// How much of it this frame is; none if nobody has asked for it yet.
    len: Option<usize>,
}

/// A frame that goes to a member.
pub(super) struct Sent<'a> {
    pub(super) leg: LegId,
    /// When it was due.
    pub(super) at: Time,
    /// Encoded; none if nothing is to be sent.
    pub(super) payload: &'a [u8],
}

impl Rooms {
    /// Whether the leg is in a room.
    pub(super) fn has(&self, leg: LegId) -> bool {
        self.of.contains_key(&leg)
    }

    /// What became of packets, of streams that have ended since the last call.
    pub(super) fn take_ordered(&mut self) -> JitterCounters {
        std::mem::take(&mut self.ordered)
    }

    /// Takes a leg into a room, or gives it another part in the room that it is in. False if the room
    /// is full.
    pub(super) fn join(
        &mut self,
        now: Time,
        leg: LegId,
        id: RoomId,
        part: Part,
        wish: Option<Wish>,
    ) -> bool {
        if self.of.get(&leg).is_some_and(|before| *before != id) {
            self.leave(leg);
        }
        let room = self.rooms.entry(id).or_insert_with(|| Room::new(now, id));
        if let Some(member) = room.members.iter_mut().find(|member| member.leg == leg) {
            member.part = part;
            return true;
        }
        if room.members.len() >= MAX_MEMBERS {
            return false;
        }
        room.members.push(Member {
            leg,
            part,
            packet_ms: FRAME_MS,
            waiting: Box::new([0; LONGEST_WAIT]),
            waits: 0,
            settings: OpusSettings::default(),
            stream: None,
            encoder: None,
            limiter: Limiter::default(),
        });
        room.voices = vec![0; room.members.len() * LONGEST].into();
        self.of.insert(leg, id);
        if let Some(wish) = wish {
            self.set_wish(leg, wish);
        }
        true
    }

    /// Takes a leg out of its room; whoever whispered to it only listens from then on.
    pub(super) fn leave(&mut self, leg: LegId) {
        let Some(id) = self.of.remove(&leg) else { return };
        let Some(room) = self.rooms.get_mut(&id) else { return };
        for member in room.members.extract_if(.., |member| member.leg == leg) {
            member.stream.iter().for_each(|stream| self.ordered.add(&stream.counters()));
        }
        for member in &mut room.members {
            if member.part == Part::Whisper(leg) {
                member.part = Part::Listen;
            }
        }
        if room.members.is_empty() {
            self.rooms.remove(&id);
        } else {
            room.settle(&mut self.ordered);
        }
    }

    /// What was negotiated for a leg that is in a room.
    pub(super) fn set_wish(&mut self, leg: LegId, wish: Wish) {
        let Some(room) = self.of.get(&leg).and_then(|id| self.rooms.get_mut(id)) else { return };
        let rate = room.rate;
        if let Some(member) = room.members.iter_mut().find(|member| member.leg == leg) {
            let Wish { codec, opus, packet_ms } = wish;
            member.settings = opus;
            if member.packet_ms != packet_ms {
                (member.packet_ms, member.waits) = (packet_ms, 0);
            }
            member.speak(codec, rate, &mut self.ordered);
        }
        room.settle(&mut self.ordered);
    }

    /// A packet of a member's peer has come. `voice` is false for what has a number in the stream and
    /// no place in the voice.
    pub(super) fn hear(
        &mut self,
        now: Time,
        leg: LegId,
        packet: &Packet<'_>,
        arrival: Arrival,
        voice: bool,
    ) {
        let room = self.of.get(&leg).and_then(|id| self.rooms.get_mut(id));
        let member = room.and_then(|room| room.members.iter_mut().find(|m| m.leg == leg));
        if let Some(stream) = member.and_then(|member| member.stream.as_mut()) {
            stream.insert(now, packet, arrival, voice);
        }
    }

    /// When the next room is due.
    pub(super) fn next(&self) -> Option<Time> {
        self.rooms.values().map(|room| room.due).min()
    }

    /// Mixes for every room that is due at `now`, and hands out what each member hears. Returns how
    /// many frames were skipped.
    pub(super) fn tick(&mut self, now: Time, mut send: impl FnMut(Sent<'_>)) -> u64 {
        let mut skipped = 0;
        for room in self.rooms.values_mut() {
            while room.due <= now {
                if now.since(room.due) > SKIP_BEYOND {
                    let late = now.since(room.due).as_micros() / FRAME.as_micros();
                    let late = u32::try_from(late).unwrap_or(u32::MAX);
                    room.due += FRAME * late;
                    skipped += u64::from(late) * room.members.len() as u64;
                }
                room.mix(&mut send);
                room.due += FRAME;
            }
        }
        skipped
    }
}

impl Member {
    /// Makes what is needed for `codec` in a room of `rate`, unless it is there.
    fn speak(&mut self, codec: Codec, rate: Rate, ordered: &mut JitterCounters) {
        let fits = |stream: &Stream| stream.codec() == codec && stream.rate() == rate;
        if !self.stream.as_ref().is_some_and(fits) {
            self.stream.iter().for_each(|stream| ordered.add(&stream.counters()));
            self.waits = 0;
            self.stream = Stream::new(codec, rate);
            self.encoder = Encoder::new(codec, rate, self.settings);
        }
    }
}

impl Member {
    /// A frame waits to be sent.
    fn wait(&mut self, frame: &[i16]) {
        if let Some(room) = self.waiting.get_mut(self.waits..self.waits + frame.len()) {
            room.copy_from_slice(frame);
            self.waits += frame.len();
        }
    }

    /// Encodes what waits if it fills a packet: how long before the end of the frame it begins, and how
    /// many bytes it has.
    fn fill_packet(&mut self, payload: &mut [u8; MAX_BYTES]) -> Option<(Duration, usize)> {
        let rate = self.stream.as_ref()?.rate();
        let len = rate.samples(self.packet_ms);
        let samples = self.waiting.get(..len).filter(|_| (1..=self.waits).contains(&len))?;
        let encoded = self.encoder.as_mut()?.encode(samples, payload).unwrap_or(0);
        let before = Duration::from_millis((self.waits / rate.samples(1)) as u64);
        self.waiting.copy_within(len..self.waits, 0);
        self.waits -= len;
        Some((before, encoded))
    }
}

impl Room {
    fn new(now: Time, id: RoomId) -> Self {
        let (phase, frame) = (id.0 % PHASES * 1_000, FRAME.as_micros() as u64);
        let begun = now.as_micros().checked_sub(phase).map_or(0, |since| since / frame + 1);
        Room {
            due: Time::from_micros(phase + begun * frame),
            rate: Rate::Narrow,
            members: Vec::new(),
            shared: Vec::new(),
            sum: Sum::new(LONGEST),
            voices: Box::default(),
        }
    }

    /// Members have come, gone or changed their codec: the rate at which they are mixed follows, and
    /// what is needed for it is made.
    fn settle(&mut self, ordered: &mut JitterCounters) {
        let codecs = self.members.iter().filter_map(|member| Some(member.stream.as_ref()?.codec()));
        let wide = codecs.clone().filter(|codec| codec.rate() == Rate::Wide).count();
        let rate = if wide >= 2 { Rate::Wide } else { Rate::Narrow };
        self.shared.retain(|shared| rate == self.rate && codecs.clone().any(|c| c == shared.codec));
        self.rate = rate;
        for member in &mut self.members {
            if let Some(codec) = member.stream.as_ref().map(Stream::codec) {
                member.speak(codec, rate, ordered);
            }
        }
        for codec in self.members.iter().filter_map(|m| Some(m.stream.as_ref()?.codec())) {
            if self.shared.iter().all(|shared| shared.codec != codec)
                && let Some(encoder) = Encoder::new(codec, rate, OpusSettings::default())
            {
                let (limiter, payload) = (Limiter::default(), Box::new([0; MAX_BYTES]));
                self.shared.push(Shared { codec, encoder, limiter, payload, len: None });
            }
        }
    }

    fn mix(&mut self, send: &mut impl FnMut(Sent<'_>)) {
        let (at, len) = (self.due, self.rate.samples(FRAME_MS));
        self.sum.begin();
        for (member, voice) in self.members.iter_mut().zip(self.voices.chunks_mut(LONGEST)) {
            let voice = &mut voice[..len];
            match &mut member.stream {
                Some(stream) => drop(stream.play(at, voice)),
                None => voice.fill(0),
            }
            if member.part == Part::Speak {
                self.sum.add(voice);
            }
        }
        self.shared.iter_mut().for_each(|shared| shared.len = None);
        let (mut heard, mut payload) = ([0; LONGEST], [0; MAX_BYTES]);
        let heard = &mut heard[..len];
        for hearer in 0..self.members.len() {
            let Some(Member { leg, part, packet_ms, stream: Some(stream), .. }) =
                self.members.get(hearer)
            else {
                continue;
            };
            let (leg, speaks, codec) = (*leg, *part == Part::Speak, stream.codec());
            let is_usual = *packet_ms == FRAME_MS;
            let whispers = self.members.iter().zip(self.voices.chunks(LONGEST));
            let mut whispers = whispers
                .filter(|(member, _)| member.part == Part::Whisper(leg))
                .map(|(_, voice)| &voice[..len])
                .peekable();
            if !speaks
                && is_usual
                && whispers.peek().is_none()
                && let Some(shared) = self.shared.iter_mut().find(|shared| shared.codec == codec)
            {
                if shared.len.is_none() {
                    self.sum.heard(None, std::iter::empty(), &mut shared.limiter, heard);
                    shared.len =
                        Some(shared.encoder.encode(heard, &mut shared.payload[..]).unwrap_or(0));
                }
                let payload = shared.payload.get(..shared.len.unwrap_or(0)).unwrap_or_default();
                send(Sent { leg, at, payload });
                continue;
            }
            let own = self.voices.chunks(LONGEST).nth(hearer).map(|voice| &voice[..len]);
            let mut limiter =
                self.members.get(hearer).map(|m| m.limiter.clone()).unwrap_or_default();
            self.sum.heard(own.filter(|_| speaks), whispers, &mut limiter, heard);
            if let Some(member) = self.members.get_mut(hearer) {
                member.limiter = limiter;
                member.wait(heard);
                let end = at + FRAME;
                while let Some((before, len)) = member.fill_packet(&mut payload) {
                    let begins = end.as_micros().saturating_sub(before.as_micros() as u64);
                    let at = Time::from_micros(begins);
                    send(Sent { leg, at, payload: &payload[..len] });
                }
            }
        }
    }
}
