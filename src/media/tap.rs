//! What a leg's peer says, as samples, for a consumer on another thread (a recogniser of speech).
//!
//! The way there is a bounded ring without a lock. When it is full frames are dropped and counted:
//! the call is never delayed, whatever the consumer does.

use rtrb::{Consumer, Producer, RingBuffer};

use super::FRAME;
use super::rate::Rate;
use crate::time::Time;

/// Samples in a frame of 20 ms at 16 kHz.
pub const FRAME_SAMPLES: usize = Rate::Wide.samples(FRAME.as_millis() as usize);

/// Names a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TapId(pub u64);

/// 20 ms of what the peer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// When it was played.
    pub at: Time,
    /// How many frames before it were dropped because the ring was full.
    pub dropped: u32,
    /// The samples at 16 kHz.
    pub samples: [i16; FRAME_SAMPLES],
}

/// The end that media write to.
#[derive(Debug)]
pub struct Writer {
    ring: Producer<Frame>,
    dropped: u32,
}

/// The end that is read.
#[derive(Debug)]
pub struct Reader(Consumer<Frame>);

/// A ring for as many frames of 20 ms.
pub fn ring(frames: usize) -> (Writer, Reader) {
    let (ring, reader) = RingBuffer::new(frames.max(1));
    (Writer { ring, dropped: 0 }, Reader(reader))
}

impl Writer {
    /// Writes a frame; false if it was dropped.
    pub fn write(&mut self, at: Time, samples: [i16; FRAME_SAMPLES]) -> bool {
        let written = self.ring.push(Frame { at, dropped: self.dropped, samples }).is_ok();
        self.dropped = if written { 0 } else { self.dropped.saturating_add(1) };
        written
    }

    /// Whether nobody reads any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.ring.is_abandoned()
    }
}

impl Reader {
    /// The next frame, if one is there.
    pub fn read(&mut self) -> Option<Frame> {
        self.0.pop().ok()
    }

    /// Whether the leg is closed, or the tap was taken off, and everything has been read.
    pub fn is_over(&self) -> bool {
        self.0.is_abandoned() && self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_drops_what_comes_and_says_how_much() {
        let (mut writer, mut reader) = ring(3);
        let written: Vec<bool> = (0..10_u64)
            .map(|at| writer.write(Time::from_millis(at), [at as i16; FRAME_SAMPLES]))
            .collect();
        assert_eq!(written, [[true; 3].as_slice(), &[false; 7]].concat());
        let read: Vec<i16> = std::iter::from_fn(|| reader.read()).map(|f| f.samples[0]).collect();
        assert_eq!(read, [0, 1, 2]);
        assert!(writer.write(Time::from_millis(10), [10; FRAME_SAMPLES]));
        let next = reader.read().expect("a frame");
        assert_eq!((next.dropped, next.samples[0]), (7, 10));
        assert!(!reader.is_over());
        drop(writer);
        assert!(reader.is_over());
    }
}
