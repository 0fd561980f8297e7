//! Receiving a stream: order, loss and jitter (RFC 3550 section 6.4.1 and appendices A.1, A.3, A.8).

use std::time::Duration;

use super::packet::{Packet, SeqNo, Ssrc};
use crate::time::Time;

/// A jump forward by this many packets or more is another stream, not loss (appendix A.1).
const MAX_DROPOUT: i16 = 3_000;
/// A packet this far behind is another stream, not a late one (appendix A.1).
const MAX_MISORDER: i16 = -100;

/// A source that was heard within this time is alive: no other is believed beside it. Five frames, so
/// that a peer that goes over to another source is not missed for long.
const ALIVE: Duration = Duration::from_millis(100);

/// How a packet stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The first of a stream: the very first, a new SSRC, or the numbers began afresh.
    Fresh,
    /// Of another source while the known one is alive, or with a number that makes no sense, and the
    /// packet before it did not announce it (appendix A.1 asks for two in a row). Whoever guesses our
    /// port and forges the peer's address is here. Nothing has been noted but what would come next.
    Stray,
    /// Newer than all before it; packets between may be missing.
    Newest,
    /// Older than, or the same as, one that came before.
    Late,
}

/// What is known of the stream that a peer sends.
#[derive(Debug, Clone)]
pub struct Reception {
    /// Ticks of the timestamps' clock in a second.
    clock_hz: u32,
    stream: Option<Stream>,
    /// What the packet after a stray one would be, if it was the second of a new stream.
    announced: Option<(Ssrc, SeqNo)>,
    /// The peer has negotiated anew: another source may begin at once.
    open: bool,
    /// Of the streams before this one.
    before: Totals,
    /// The jitter after each packet, added up, in sixteenths of samples; and how many there were.
    jitter_x16: u64,
    jitters: u64,
}

/// All streams of a peer together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Packets that should have come.
    pub expected: u64,
    /// Of them, those that did not.
    pub lost: u64,
}

#[derive(Debug, Clone)]
struct Stream {
    ssrc: Ssrc,
    heard_at: Time,
    first: u32,
    highest: u32,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    transit: u32,
    jitter_x16: u32,
    last_sr: Option<(u32, Time)>,
}

/// The figures of a report block (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Whose stream is reported on.
    pub ssrc: Ssrc,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost over all, 0 to 0x7fffff.
    pub cumulative_lost: u32,
    /// Cycles and highest sequence number.
    pub highest: u32,
    /// Interarrival jitter in samples.
    pub jitter: u32,
    /// The middle 32 bits of the last SR's NTP timestamp; 0 if none came.
    pub last_sr: u32,
    /// Since that SR, in 1/65536 s.
    pub delay_since_sr: u32,
}

impl Default for Reception {
    /// Nothing has come; the clock is that of telephony.
    fn default() -> Self {
        Reception {
            clock_hz: 8_000,
            stream: None,
            announced: None,
            open: false,
            before: Totals::default(),
            jitter_x16: 0,
            jitters: 0,
        }
    }
}

impl Reception {
    /// Takes in a packet that arrived at `now`.
    pub fn note(&mut self, now: Time, packet: &Packet<'_>) -> Arrival {
        // Arrival in ticks of the stream's clock, modulo 2^32, as the timestamps are.
        let arrival = (now.as_micros() * u64::from(self.clock_hz) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(packet.timestamp.0);
        let Some(known) = &self.stream else {
            return self.begin(Stream::starting(now, packet, transit, None));
        };
        let ahead = packet.seq.ahead_of(SeqNo(known.highest as u16));
        let same = known.ssrc == packet.ssrc;
        let jumps = ahead >= MAX_DROPOUT || ahead <= MAX_MISORDER;
        if !same || jumps {
            let last_sr = known.last_sr.filter(|_| same);
            let alive = !same && now.since(known.heard_at) < ALIVE;
            let announced = self.announced.replace((packet.ssrc, packet.seq.plus(1)));
            if !self.open && (alive || announced != Some((packet.ssrc, packet.seq))) {
                return Arrival::Stray;
            }
            return self.begin(Stream::starting(now, packet, transit, last_sr));
        }
        self.open = false;
        let Some(stream) = &mut self.stream else { return Arrival::Stray };
        stream.heard_at = now;
        stream.received = stream.received.wrapping_add(1);
        let difference = transit.wrapping_sub(stream.transit).cast_signed().unsigned_abs();
        stream.transit = transit;
        // A peer's clock that jumps is not jitter.
        if difference < 0x1_0000 {
            stream.jitter_x16 = stream
                .jitter_x16
                .saturating_add(difference)
                .saturating_sub((stream.jitter_x16 + 8) >> 4);
        }
        self.jitter_x16 = self.jitter_x16.saturating_add(u64::from(stream.jitter_x16));
        self.jitters += 1;
        if ahead > 0 {
            stream.highest = stream.highest.wrapping_add(u32::from(ahead.unsigned_abs()));
            Arrival::Newest
        } else {
            Arrival::Late
        }
    }

    fn begin(&mut self, stream: Stream) -> Arrival {
        self.before = self.totals();
        self.stream = Some(stream);
        (self.announced, self.open) = (None, false);
        Arrival::Fresh
    }

    /// The stream of `ssrc` ends (RFC 3550 section 6.6): another may begin at once.
    pub fn note_bye(&mut self, ssrc: Ssrc) {
        self.open |= self.ssrc() == Some(ssrc);
    }

    /// The clock of the timestamps, in ticks a second.
    pub fn set_clock(&mut self, clock_hz: u32) {
        if clock_hz != self.clock_hz {
            let scaled = u128::from(self.jitter_x16) * u128::from(clock_hz);
            let scaled = scaled / u128::from(self.clock_hz.max(1));
            self.jitter_x16 = u64::try_from(scaled).unwrap_or(u64::MAX);
            self.clock_hz = clock_hz;
        }
    }

    /// The peer has negotiated anew, perhaps for another device.
    pub fn renegotiated(&mut self) {
        self.open = true;
    }

    /// What came and what did not, over all streams so far.
    pub fn totals(&self) -> Totals {
        let Some(stream) = &self.stream else { return self.before };
        let expected = stream.expected();
        Totals {
            expected: self.before.expected + u64::from(expected),
            lost: self.before.lost + u64::from(expected.saturating_sub(stream.received)),
        }
    }

    /// The mean jitter over all packets so far.
    pub fn mean_jitter(&self) -> Duration {
        let mean_x16 = self.jitter_x16.checked_div(self.jitters).unwrap_or(0);
        Duration::from_micros(mean_x16 * 1_000_000 / (16 * u64::from(self.clock_hz.max(1))))
    }

    /// The stream's source, if one is known.
    pub fn ssrc(&self) -> Option<Ssrc> {
        self.stream.as_ref().map(|stream| stream.ssrc)
    }

    /// Takes in the NTP timestamp of a sender report that `ssrc` sent.
    pub fn note_sender_report(&mut self, now: Time, ssrc: Ssrc, ntp: u64) {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.ssrc == ssrc) {
            stream.last_sr = Some(((ntp >> 16) as u32, now));
        }
    }

    /// The report block for the time since the last one; none while no stream is known.
    pub fn report(&mut self, now: Time) -> Option<Block> {
        let stream = self.stream.as_mut()?;
        let expected = stream.expected();
        let expected_since = expected.wrapping_sub(stream.expected_prior);
        let received_since = stream.received.wrapping_sub(stream.received_prior);
        stream.expected_prior = expected;
        stream.received_prior = stream.received;
        let lost_since = expected_since.saturating_sub(received_since);
        let fraction = match expected_since {
            0 => 0,
            since => (u64::from(lost_since) * 256 / u64::from(since)).min(255) as u8,
        };
        let (last_sr, delay_since_sr) = match stream.last_sr {
            None => (0, 0),
            Some((middle, at)) => {
                let delay = now.since(at).as_micros() * 65_536 / 1_000_000;
                (middle, u32::try_from(delay).unwrap_or(u32::MAX))
            }
        };
        Some(Block {
            ssrc: stream.ssrc,
            fraction_lost: fraction,
            cumulative_lost: expected.saturating_sub(stream.received).min(0x7f_ffff),
            highest: stream.highest,
            jitter: stream.jitter_x16 >> 4,
            last_sr,
            delay_since_sr,
        })
    }
}

impl Stream {
    /// Packets up to the newest.
    fn expected(&self) -> u32 {
        self.highest.wrapping_sub(self.first).wrapping_add(1)
    }

    fn starting(
        now: Time,
        packet: &Packet<'_>,
        transit: u32,
        last_sr: Option<(u32, Time)>,
    ) -> Self {
        let seq = u32::from(packet.seq.0);
        Stream {
            ssrc: packet.ssrc,
            heard_at: now,
            first: seq,
            highest: seq,
            received: 1,
            expected_prior: 0,
            received_prior: 0,
            transit,
            jitter_x16: 0,
            last_sr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::packet::Timestamp;

    fn packet(ssrc: u32, seq: u16, timestamp: u32) -> Packet<'static> {
        Packet {
            ssrc: Ssrc(ssrc),
            seq: SeqNo(seq),
            timestamp: Timestamp(timestamp),
            marker: false,
            payload_type: 0,
            payload: &[],
        }
    }

    #[test]
    fn loss_is_reported_over_a_wrap_of_the_sequence_number() {
        let mut reception = Reception::default();
        let mut now = Time::ZERO;
        for at in 0..10u16 {
            now = Time::from_millis(20 * u64::from(at));
            if at == 4 || at == 7 {
                continue;
            }
            let arrival =
                reception.note(now, &packet(1, 0xfffcu16.wrapping_add(at), 160 * u32::from(at)));
            assert_eq!(arrival, if at == 0 { Arrival::Fresh } else { Arrival::Newest });
        }
        let block = reception.report(now).expect("a stream");
        assert_eq!((block.cumulative_lost, block.fraction_lost), (2, 51));
        assert_eq!(block.highest, 0x1_0005);
        assert_eq!(block.jitter, 0);
        let block = reception.report(now).expect("a stream");
        assert_eq!((block.cumulative_lost, block.fraction_lost), (2, 0));
    }

    #[test]
    fn a_late_packet_is_late_and_a_new_source_or_a_jump_is_fresh() {
        let mut reception = Reception::default();
        let now = Time::ZERO;
        assert_eq!(reception.note(now, &packet(1, 10, 0)), Arrival::Fresh);
        assert_eq!(reception.note(now, &packet(1, 12, 320)), Arrival::Newest);
        assert_eq!(reception.note(now, &packet(1, 11, 160)), Arrival::Late);
        assert_eq!(reception.note(now, &packet(1, 12, 320)), Arrival::Late);
        // One alone makes no sense; two in a row are a stream that began afresh.
        assert_eq!(reception.note(now, &packet(1, 30_000, 480)), Arrival::Stray);
        assert_eq!(reception.note(now, &packet(1, 30_001, 480)), Arrival::Fresh);
        assert_eq!(reception.note(now, &packet(1, 30_000, 480)), Arrival::Late);
    }

    #[test]
    fn another_source_is_not_believed_while_the_known_one_is_alive() {
        let mut reception = Reception::default();
        let mut note = |ms: u64, ssrc: u32, seq: u16| {
            reception.note(Time::from_millis(ms), &packet(ssrc, seq, 0))
        };
        assert_eq!(note(0, 1, 10), Arrival::Fresh);
        // Somebody who guesses our port talks all the while, in good order.
        for at in 0..50u16 {
            let ms = 20 * u64::from(at);
            assert_eq!(note(ms + 5, 9, 700 + at), Arrival::Stray);
            assert_eq!(note(ms + 20, 1, 11 + at), Arrival::Newest);
        }
        // The peer goes over to another source.
        assert_eq!(note(1_060, 2, 5), Arrival::Stray);
        assert_eq!(note(1_080, 2, 6), Arrival::Stray);
        assert_eq!(note(1_100, 2, 7), Arrival::Fresh);
        assert_eq!(note(1_120, 1, 62), Arrival::Stray);
        // Not in a row: nobody's.
        assert_eq!(note(2_000, 3, 1), Arrival::Stray);
        assert_eq!(note(2_020, 3, 3), Arrival::Stray);
        assert_eq!(note(2_040, 3, 4), Arrival::Fresh);
        assert_eq!(reception.ssrc(), Some(Ssrc(3)));
    }

    #[test]
    fn after_a_goodbye_another_source_may_begin_at_once_if_it_was_the_known_one_that_left() {
        let mut reception = Reception::default();
        assert_eq!(reception.note(Time::ZERO, &packet(1, 10, 0)), Arrival::Fresh);
        reception.note_bye(Ssrc(9));
        assert_eq!(reception.note(Time::ZERO, &packet(2, 500, 0)), Arrival::Stray);
        reception.note_bye(Ssrc(1));
        assert_eq!(reception.note(Time::ZERO, &packet(3, 900, 0)), Arrival::Fresh);
    }

    #[test]
    fn after_a_new_negotiation_another_source_may_begin_at_once() {
        let mut reception = Reception::default();
        assert_eq!(reception.note(Time::ZERO, &packet(1, 10, 0)), Arrival::Fresh);
        reception.renegotiated();
        assert_eq!(reception.note(Time::ZERO, &packet(2, 500, 0)), Arrival::Fresh);
        assert_eq!(reception.note(Time::ZERO, &packet(1, 11, 0)), Arrival::Stray);
        // Or go on as before: then no other may.
        reception.renegotiated();
        assert_eq!(reception.note(Time::ZERO, &packet(2, 501, 0)), Arrival::Newest);
        assert_eq!(reception.note(Time::ZERO, &packet(1, 11, 0)), Arrival::Stray);
    }

    #[test]
    fn jitter_follows_uneven_arrival() {
        let mut reception = Reception::default();
        for at in 0..200u16 {
            let late_ms = if at % 2 == 0 { 0 } else { 10 };
            let now = Time::from_millis(20 * u64::from(at) + late_ms);
            reception.note(now, &packet(1, at, 160 * u32::from(at)));
        }
        let block = reception.report(Time::from_millis(4_000)).expect("a stream");
        assert!((70..=85).contains(&block.jitter), "{}", block.jitter);
        let mean_ms = reception.mean_jitter().as_millis();
        assert!((8..=10).contains(&mean_ms), "{mean_ms}");
    }

    #[test]
    fn what_was_lost_is_added_up_over_streams() {
        let mut reception = Reception::default();
        assert_eq!((reception.totals(), reception.mean_jitter()), Default::default());
        let packets = [(1, 10), (1, 13), (1, 12), (2, 6), (2, 7), (2, 8), (2, 20_000), (2, 20_001)];
        for (at, (ssrc, seq)) in packets.into_iter().chain([(2, 20_005)]).enumerate() {
            reception.note(Time::from_millis(100 * at as u64), &packet(ssrc, seq, 0));
        }
        assert_eq!(reception.totals(), Totals { expected: 4 + 2 + 5, lost: 1 + 3 });
    }

    #[test]
    fn the_delay_since_a_sender_report_is_in_its_rfc_unit() {
        let mut reception = Reception::default();
        reception.note(Time::ZERO, &packet(7, 1, 0));
        reception.note_sender_report(Time::from_millis(100), Ssrc(7), 0x0001_0203_0405_0607);
        reception.note_sender_report(Time::from_millis(200), Ssrc(8), 1);
        let block = reception.report(Time::from_millis(1_100)).expect("a stream");
        assert_eq!((block.last_sr, block.delay_since_sr), (0x0203_0405, 65_536));
    }
}
