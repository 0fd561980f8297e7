//! From one codec to another, or to packets of another length, on receipt: what comes is decoded,
//! encoded and sent at once, so that a bridge between two codecs adds no delay but that of the codecs
//! themselves.

use super::codec::comfort_noise::Noise;
use super::codec::{Decoder, Encoder, MAX_BYTES, MAX_PACKET_MS, MAX_SAMPLES};
use super::command::{Codec, Negotiated, OpusSettings};
use super::counters::DropReason;
use super::rate::Rate;
use crate::rtp::packet::{Packet, SeqNo, Timestamp};
use crate::rtp::sequence::Arrival;

/// The longest packet that we make.
const LONGEST_MS: usize = 40;
/// Room for what was not enough for a packet, for what stands in for lost packets, and for one packet.
const ROOM: usize = Rate::Wide.samples(LONGEST_MS + 2 * MAX_PACKET_MS);
/// As many lost packets in a row are made up for; a hole that is longer stays one.
const MADE_UP: u16 = 3;
/// A source whose timestamp jumps further than this began afresh, in seconds.
const JUMP_S: u32 = 10;

/// Converts what one leg sends for the leg that hears it.
#[derive(Debug)]
pub(super) struct Transcoder {
    from: Codec,
    to: Codec,
    packet_ms: u8,
    settings: OpusSettings,
    rate: Rate,
    decoder: Decoder,
    encoder: Encoder,
    /// Where the source is; none before its first packet.
    source: Option<Place>,
    samples: Box<[i16; ROOM]>,
    /// Which of the samples are not encoded yet.
    begin: usize,
    end: usize,
    /// A hole in front of the sample with that number.
    hole: Option<(usize, Hole)>,
    /// Ticks of our clock since the beginning of the packet sent last; none if none was.
    ticks: Option<u32>,
    payload: Box<[u8; MAX_BYTES]>,
}

/// The newest packet of a source.
#[derive(Debug, Clone, Copy)]
struct Place {
    seq: SeqNo,
    timestamp: Timestamp,
    /// How long it was, in ticks of the source's clock.
    ticks: u32,
}

/// A piece of time without voice.
#[derive(Debug, Clone, Copy)]
struct Hole {
    ms: u32,
    /// Whether it is of packets that were lost; else the source paused.
    lost: bool,
}

/// A packet to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Converted<'a> {
    pub(super) payload: &'a [u8],
    /// For [`super::outgoing::Outgoing::converted`].
    pub(super) ticks: Option<u32>,
    pub(super) lost: u16,
}

impl Transcoder {
    /// Whether what was negotiated with the hearer is another codec: a law is turned into the other by a
    /// table.
    pub(super) fn is_needed(from: Codec, hearer: &Negotiated) -> bool {
        from != hearer.codec && from.law().and(hearer.codec.law()).is_none()
    }

    /// From a codec to what was negotiated with the hearer. None only if a library refuses what it
    /// always takes.
    pub(super) fn new(from: Codec, hearer: &Negotiated) -> Option<Self> {
        let (to, settings) = (hearer.codec, hearer.opus);
        // Opus has either rate: no other codec's voice is converted on its account.
        let rate = from.rate().min(to.rate());
        Some(Transcoder {
            from,
            to,
            packet_ms: hearer.packet_ms,
            settings,
            rate,
            decoder: Decoder::new(from, rate)?,
            encoder: Encoder::new(to, rate, settings)?,
            source: None,
            samples: Box::new([0; ROOM]),
            begin: 0,
            end: 0,
            hole: None,
            ticks: None,
            payload: Box::new([0; MAX_BYTES]),
        })
    }

    /// Whether it is what [`Transcoder::new`] would make.
    pub(super) fn suits(&self, from: Codec, hearer: &Negotiated) -> bool {
        let Negotiated { codec, packet_ms, opus, .. } = hearer;
        (self.from, self.to, self.packet_ms, self.settings) == (from, *codec, *packet_ms, *opus)
    }

    /// Takes in a packet of the source. What comes of it is then read by [`Transcoder::next`].
    pub(super) fn take(&mut self, packet: &Packet<'_>, arrival: Arrival) -> Result<(), DropReason> {
        let clock_khz = self.from.clock_hz() / 1_000;
        match (arrival, self.source) {
            (Arrival::Late, Some(_)) => return Err(DropReason::Late),
            (Arrival::Newest, Some(before)) => self.follow(before, packet, clock_khz),
            (Arrival::Fresh | Arrival::Stray, _) | (_, None) => self.start_afresh(),
        }
        let room = self.samples.get_mut(self.end..).unwrap_or_default();
        let decoded = self.decoder.decode(packet.payload, room);
        let len = decoded.unwrap_or(0);
        let ticks = (len / self.rate.samples(1)) as u32 * clock_khz;
        self.source = Some(Place { seq: packet.seq, timestamp: packet.timestamp, ticks });
        self.end += len;
        decoded.map(|_| ()).ok_or(DropReason::Undecodable)
    }

    /// A packet of the source that has a number in it and no place in the voice.
    pub(super) fn pass_over(&mut self, packet: &Packet<'_>) {
        if let Some(source) = &mut self.source
            && packet.seq.ahead_of(source.seq) > 0
        {
            source.seq = packet.seq;
        }
    }

    fn start_afresh(&mut self) {
        (self.source, self.begin, self.end) = (None, 0, 0);
        (self.hole, self.ticks) = (None, None);
    }

    /// Fills, or leaves, what is missing between the newest packet and this one.
    fn follow(&mut self, before: Place, packet: &Packet<'_>, clock_khz: u32) {
        let ahead = packet.timestamp.ahead_of(before.timestamp.plus(before.ticks));
        if ahead.unsigned_abs() > JUMP_S * 1_000 * clock_khz {
            return self.start_afresh();
        }
        let Ok(mut missing_ms) = u32::try_from(ahead).map(|ahead| ahead / clock_khz) else {
            return;
        };
        let lost = packet.seq.ahead_of(before.seq).unsigned_abs().saturating_sub(1);
        if (1..=MADE_UP).contains(&lost) {
            for left in (0..lost).rev() {
                // There must be room for the packet itself.
                let len = self.rate.samples((before.ticks / clock_khz) as usize);
                if missing_ms == 0 || self.end + len + MAX_SAMPLES > ROOM {
                    break;
                }
                let next = (left == 0).then_some(packet.payload);
                let room = self.samples.get_mut(self.end..).unwrap_or_default();
                let Some(len) = self.decoder.recover(next, room) else { break };
                self.end += len;
                missing_ms = missing_ms.saturating_sub((len / self.rate.samples(1)) as u32);
            }
        }
        if missing_ms > 0 {
            self.leave_hole(Hole { ms: missing_ms, lost: lost > 0 });
        }
    }

    /// What is left of the last packet is filled up from the hole, so that it is sent.
    fn leave_hole(&mut self, hole: Hole) {
        let packet = self.packet();
        let over = (self.end - self.begin) % packet;
        let silence = if over == 0 { 0 } else { packet - over };
        if let Some(room) = self.samples.get_mut(self.end..self.end + silence) {
            room.fill(0);
            self.end += silence;
        }
        let ms = hole.ms.saturating_sub((silence / self.rate.samples(1)) as u32);
        self.hole = Some((self.end, Hole { ms, ..hole }));
    }

    /// Samples in a packet of ours.
    fn packet(&self) -> usize {
        self.rate.samples(usize::from(self.packet_ms).min(LONGEST_MS)).max(1)
    }

    /// The next packet that is full.
    pub(super) fn next(&mut self) -> Option<Converted<'_>> {
        let packet = self.packet();
        let clock_khz = self.to.clock_hz() / 1_000;
        let mut lost = 0;
        loop {
            let samples = self.samples.get(self.begin..self.begin + packet);
            let Some(samples) = samples.filter(|_| self.begin + packet <= self.end) else { break };
            if let Some((_, hole)) = self.hole.take_if(|(at, _)| *at == self.begin) {
                self.ticks = self.ticks.map(|ticks| ticks + hole.ms * clock_khz);
                if hole.lost {
                    lost = u16::try_from(hole.ms / u32::from(self.packet_ms.max(1))).unwrap_or(0);
                }
            }
            let len = self.encoder.encode(samples, &mut self.payload[..]).unwrap_or(0);
            self.begin += packet;
            let own = u32::from(self.packet_ms) * clock_khz;
            if len == 0 {
                // Silence that the hearer wants left out.
                self.ticks = self.ticks.map(|ticks| ticks + own);
                continue;
            }
            let ticks = self.ticks.replace(own);
            return Some(Converted { payload: self.payload.get(..len)?, ticks, lost });
        }
        // The rest waits for what comes next.
        self.samples.copy_within(self.begin..self.end, 0);
        if let Some((at, _)) = &mut self.hole {
            *at = at.saturating_sub(self.begin);
        }
        (self.begin, self.end) = (0, self.end - self.begin);
        None
    }

    /// Encodes a packet of comfort noise for the hearer. Its source is G.711: the rate is 8 kHz.
    pub(super) fn comfort(&mut self, noise: &mut Noise) -> &[u8] {
        let mut samples = [0; Rate::Narrow.samples(LONGEST_MS)];
        let samples = samples.get_mut(..self.packet()).unwrap_or_default();
        noise.fill(samples);
        let len = self.encoder.encode(samples, &mut self.payload[..]).unwrap_or(0);
        self.payload.get(..len).unwrap_or_default()
    }
}
