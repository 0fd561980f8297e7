//! Encoded packets of one stream on their way to be played: in order, each once, and late enough that
//! nearly all of them have come.
//!
//! [`Jitter`] owns the packets and says what comes next; [`super::playout`] decodes it, conceals what
//! is missing, and stretches or shrinks what is played until it is as late as it should be.
//!
//! Packets are kept in the order of their sequence numbers. Numbers that are missing were lost;
//! timestamps that are missing while the numbers go on are a pause that the sender made.

mod delay;

use self::delay::Delay;
pub use self::delay::TARGET_US;
use crate::rtp::packet::{Packet, SeqNo, Timestamp};
use crate::time::Time;

/// Packets that are kept at most: more than a second of 20 ms each.
const SLOTS: usize = 64;
/// A packet whose transit differs by more than this (in microseconds) belongs to a clock that began
/// afresh.
const JUMP_US: i64 = 1_000_000;
/// A stream that has run dry for longer than this (in milliseconds) has paused; and no loss is
/// concealed for longer.
const DRY_MS: i64 = 100;
/// A talkspurt may begin this much early (in microseconds): frames are 20 ms apart.
const EARLY_US: i64 = 10_000;

/// What is counted of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterCounters {
    /// Packets taken in, whatever became of them.
    pub received: u64,
    /// Packets handed out to be played.
    pub played: u64,
    /// Packets that were not there when they were to be played.
    pub lost: u64,
    /// Of them, those that came afterwards.
    pub late: u64,
    /// Packets that came more than once.
    pub duplicate: u64,
    /// Packets that came after one with a later number.
    pub reordered: u64,
    /// Packets thrown away because there was no room, and payloads longer than any that is agreed on.
    pub overflowed: u64,
    /// Times that the stream began afresh: another source, or a clock that jumped.
    pub restarts: u64,
}

impl JitterCounters {
    /// How many figures there are.
    pub const LEN: usize = 8;
    /// The metrics' labels of [`JitterCounters::to_array`].
    pub const LABELS: [&str; Self::LEN] =
        ["received", "played", "lost", "late", "duplicate", "reordered", "overflowed", "restarts"];

    /// All figures.
    pub fn to_array(&self) -> [u64; Self::LEN] {
        let JitterCounters {
            received,
            played,
            lost,
            late,
            duplicate,
            reordered,
            overflowed,
            restarts,
        } = *self;
        [received, played, lost, late, duplicate, reordered, overflowed, restarts]
    }

    /// The figures that [`JitterCounters::to_array`] gave.
    pub fn from_array(array: [u64; Self::LEN]) -> Self {
        let [received, played, lost, late, duplicate, reordered, overflowed, restarts] = array;
        JitterCounters { received, played, lost, late, duplicate, reordered, overflowed, restarts }
    }

    /// Adds another stream's.
    pub fn add(&mut self, other: &JitterCounters) {
        let (mine, theirs) = (self.to_array(), other.to_array());
        *self = Self::from_array(std::array::from_fn(|at| {
            mine.get(at).zip(theirs.get(at)).map_or(0, |(a, b)| a + b)
        }));
    }
}

/// What became of a packet that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It will be played.
    Kept,
    /// Its time has passed.
    Late,
    /// It has come before.
    Duplicate,
    /// Its payload is longer than was agreed on.
    TooLong,
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// This payload; [`Jitter::played`] is told how long it was.
    Voice(&'a [u8]),
    /// Something was lost.
    Lost {
        /// How much of it is to be made up now, in units of the stream's clock.
        units: u32,
        /// The packet after the gap, if exactly one is missing.
        following: Option<&'a [u8]>,
    },
    /// Nothing has come in time; it may come yet.
    Dry,
    /// The peer pauses, or has not begun.
    Pause,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    seq: i64,
    /// The unwrapped timestamp.
    at: i64,
    len: usize,
    marker: bool,
    /// Something else than voice has the number.
    empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Paused,
    Playing,
}

/// The packets of one stream that wait to be played. Memory is taken at the beginning only.
#[derive(Debug)]
pub struct Jitter {
    clock_hz: i64,
    longest: usize,
    slots: Box<[Option<Slot>]>,
    bytes: Box<[u8]>,
    /// The highest number and the last timestamp that came, unwrapped; none before the first.
    newest: Option<(i64, i64)>,
    /// The number that is to be played next.
    head: i64,
    /// Which of the 64 numbers before `head` were played.
    played: u64,
    /// Whether anything has been taken out yet: until then a packet from before the first one that
    /// came may still be the first.
    begun: bool,
    state: State,
    /// The timestamp of the next sample that is to be decoded.
    playhead: i64,
    /// Units that were concealed since the stream ran dry.
    dry: i64,
    delay: Delay,
    counters: JitterCounters,
}

impl Jitter {
    /// An empty buffer for a stream whose timestamps run at `clock_hz` and whose payloads are `longest`
    /// bytes at most.
    pub fn new(clock_hz: u32, longest: usize) -> Self {
        Jitter {
            clock_hz: i64::from(clock_hz.max(1)),
            longest,
            slots: vec![None; SLOTS].into(),
            bytes: vec![0; SLOTS * longest].into(),
            newest: None,
            head: 0,
            played: 0,
            begun: false,
            state: State::Paused,
            playhead: 0,
            dry: 0,
            delay: Delay::new(),
            counters: JitterCounters::default(),
        }
    }

    /// What has been counted.
    pub fn counters(&self) -> JitterCounters {
        self.counters
    }

    /// How long the quickest packet is kept now, in microseconds.
    pub fn target_us(&self) -> i64 {
        self.delay.target_us()
    }

    /// How much faster the far clock runs than ours, in parts in a million, once it is known.
    pub fn drift_ppm(&self) -> Option<f32> {
        self.delay.drift_ppm()
    }

    /// Another source begins: nothing that waits is played any more.
    pub fn restart(&mut self) {
        if self.newest.take().is_some() {
            self.counters.restarts += 1;
        }
        self.slots.fill(None);
        self.state = State::Paused;
        self.dry = 0;
        self.delay.restart();
    }

    /// Takes in a packet that came at `now`. `voice` is false for what has a number but no place in
    /// the voice (a telephone event).
    pub fn insert(&mut self, now: Time, packet: &Packet<'_>, voice: bool) -> Inserted {
        self.counters.received += 1;
        if packet.payload.len() > self.longest {
            self.counters.overflowed += 1;
            return Inserted::TooLong;
        }
        let (mut seq, mut at) = self.unwrapped(packet.seq, packet.timestamp);
        let now_us = now.as_micros().cast_signed();
        if voice {
            let transit = now_us.saturating_sub(self.micros(at));
            if self.delay.base_us().is_some_and(|base| (transit - base).abs() > JUMP_US) {
                self.restart();
                (seq, at) = self.unwrapped(packet.seq, packet.timestamp);
            }
            self.delay.note(now_us, self.micros(at));
        }
        let first = self.newest.is_none();
        let (highest, _) = self.newest.unwrap_or((seq, at));
        if first {
            (self.head, self.played, self.begun) = (seq, 0, false);
        }
        self.newest = Some((highest.max(seq), at));
        if seq < highest {
            self.counters.reordered += 1;
        }
        if !self.begun && seq < self.head && highest - seq < SLOTS as i64 {
            self.head = seq;
        }
        if seq < self.head {
            let back = self.head - seq - 1;
            let known = back < 64 && self.played & (1 << back) != 0;
            return if known { self.duplicate() } else { self.late() };
        }
        let place = place_of(seq);
        if self.slots.get(place).is_some_and(|slot| slot.is_some_and(|slot| slot.seq == seq)) {
            return self.duplicate();
        }
        while seq - self.head >= SLOTS as i64 {
            self.throw_away_oldest(seq);
        }
        let (len, marker) = (packet.payload.len(), packet.marker);
        let from = place * self.longest;
        if let (Some(slot), Some(room)) =
            (self.slots.get_mut(place), self.bytes.get_mut(from..from + len))
        {
            room.copy_from_slice(packet.payload);
            *slot = Some(Slot { seq, at, len, marker, empty: !voice });
        }
        Inserted::Kept
    }

    /// What the stream goes on with at `now`, when `wanted` units more are needed. Of what was lost up to
    /// `at_once` units are told at once.
    pub fn next(&mut self, now: Time, wanted: u32, at_once: u32) -> Next<'_> {
        loop {
            let Some((skipped, slot)) = self.first() else {
                return self.nothing(i64::from(wanted));
            };
            if slot.empty {
                self.lose(skipped);
                self.take(slot.seq);
                continue;
            }
            match self.state {
                State::Paused => {
                    if !self.is_due(now, &slot) {
                        return Next::Pause;
                    }
                    self.state = State::Playing;
                    self.playhead = slot.at;
                }
                State::Playing => {
                    let missing = slot.at - self.playhead;
                    let paused = missing > 0 && (skipped == 0 || slot.marker);
                    if paused || missing - self.dry > self.units(DRY_MS) {
                        self.pause();
                        continue;
                    }
                    // What was concealed while nothing came is no longer missing.
                    self.playhead += self.dry.min(missing.max(0));
                    let missing = slot.at - self.playhead;
                    if missing > 0 && skipped > 0 {
                        self.dry = 0;
                        let units = missing.min(i64::from(wanted.max(at_once)));
                        self.playhead += units;
                        let following = (skipped == 1).then(|| self.payload(&slot));
                        return Next::Lost { units: units as u32, following };
                    }
                    self.playhead = slot.at;
                }
            }
            self.dry = 0;
            self.lose(skipped);
            self.take(slot.seq);
            self.counters.played += 1;
            return Next::Voice(self.payload(&slot));
        }
    }

    /// Whether the very next packet is there, so that more can be decoded without concealing.
    pub fn has_next(&self) -> bool {
        let next = self.slots.get(place_of(self.head)).copied().flatten();
        self.state == State::Playing
            && next.is_some_and(|slot| {
                slot.seq == self.head && !slot.empty && slot.at <= self.playhead
            })
    }

    /// The payload that was handed out last was `units` long.
    pub fn played(&mut self, units: u32) {
        self.playhead += i64::from(units);
    }

    /// By how many microseconds what is played at `now` is later than it should be (negative:
    /// earlier), if `ready` units are decoded and wait; none while nothing plays.
    pub fn surplus_us(&self, now: Time, ready: u32) -> Option<i64> {
        let base = self.delay.base_us().filter(|_| self.state == State::Playing)?;
        let playing = self.micros(self.playhead - i64::from(ready));
        let kept = now.as_micros().cast_signed().saturating_sub(playing).saturating_sub(base);
        Some(kept - self.delay.target_us())
    }

    fn duplicate(&mut self) -> Inserted {
        self.counters.duplicate += 1;
        Inserted::Duplicate
    }

    fn late(&mut self) -> Inserted {
        self.counters.late += 1;
        Inserted::Late
    }

    /// The number and the timestamp, unwrapped.
    fn unwrapped(&self, seq: SeqNo, timestamp: Timestamp) -> (i64, i64) {
        match self.newest {
            None => (i64::from(seq.0) + 0x1_0000, i64::from(timestamp.0)),
            Some((highest, at)) => (
                highest + i64::from(seq.ahead_of(SeqNo(highest as u16))),
                at + i64::from(timestamp.ahead_of(Timestamp(at as u32))),
            ),
        }
    }

    fn micros(&self, units: i64) -> i64 {
        units.saturating_mul(1_000_000) / self.clock_hz
    }

    fn units(&self, millis: i64) -> i64 {
        millis * self.clock_hz / 1_000
    }

    /// The first packet that is there, and how many before it are not.
    fn first(&self) -> Option<(i64, Slot)> {
        (0..SLOTS as i64).find_map(|ahead| {
            let seq = self.head + ahead;
            let slot = self.slots.get(place_of(seq)).copied().flatten()?;
            (slot.seq == seq).then_some((ahead, slot))
        })
    }

    /// The stream's next number is the one after `seq`, which was there.
    fn take(&mut self, seq: i64) {
        if let Some(slot) = self.slots.get_mut(place_of(seq)) {
            *slot = None;
        }
        self.head = seq + 1;
        self.played = self.played << 1 | 1;
        self.begun = true;
    }

    /// `numbers` are passed over, for nothing has come.
    fn lose(&mut self, numbers: i64) {
        self.counters.lost += numbers.unsigned_abs();
        self.played = self.played.checked_shl(numbers as u32).unwrap_or(0);
        self.head += numbers;
    }

    fn throw_away_oldest(&mut self, coming: i64) {
        match self.first() {
            Some((skipped, slot)) => {
                self.lose(skipped);
                self.take(slot.seq);
                self.counters.overflowed += u64::from(!slot.empty);
                self.playhead = self.playhead.max(slot.at);
            }
            None => self.lose(coming - self.head),
        }
    }

    fn payload(&self, slot: &Slot) -> &[u8] {
        let from = place_of(slot.seq) * self.longest;
        self.bytes.get(from..from + slot.len).unwrap_or_default()
    }

    fn pause(&mut self) {
        self.state = State::Paused;
        self.dry = 0;
    }

    /// Nothing is there.
    fn nothing(&mut self, wanted: i64) -> Next<'_> {
        if self.state == State::Paused {
            return Next::Pause;
        }
        self.dry += wanted;
        if self.dry > self.units(DRY_MS) {
            self.pause();
        }
        Next::Dry
    }

    /// Whether a talkspurt that begins with `slot` may be played.
    fn is_due(&self, now: Time, slot: &Slot) -> bool {
        let Some(base) = self.delay.base_us() else { return true };
        let due = self.micros(slot.at).saturating_add(base).saturating_add(self.target_us());
        now.as_micros().cast_signed() >= due - EARLY_US
    }
}

fn place_of(seq: i64) -> usize {
    (seq & (SLOTS as i64 - 1)) as usize
}

#[cfg(test)]
mod tests;
