//! Pressing keys towards a peer: as telephone-events (RFC 4733) where they were agreed on, else as tones
//! in the voice (ITU-T Q.23).

use super::FRAME;
use super::codec::{Encoder, OpusSettings};
use super::command::{Codec, Key};
use super::rate::Rate;
use super::tone;
use crate::rtp::packet::Timestamp;
use crate::rtp::telephone_event::TelephoneEvent;

/// Keys that wait at most; what is pressed beyond them is dropped and counted.
const MOST: usize = 32;
/// A key is held for 100 ms, and there are as many between two: longer than any network asks for
/// (ITU-T Q.24: 40 ms each).
const HELD_FRAMES: u16 = 5;
const PAUSE_FRAMES: u16 = 5;
/// The end is told three times, so that two may be lost (RFC 4733 section 2.5.1.4).
pub(super) const ENDS: usize = 3;
/// -10 dBm0.
const VOLUME: u8 = 10;
/// The samples of a frame.
const LONGEST: usize = Rate::Wide.samples(FRAME.as_millis() as usize);

/// Keys that are being pressed.
#[derive(Debug)]
pub(super) struct Keying {
    /// For tones.
    encoder: Option<Encoder>,
    keys: [Option<Key>; MOST],
    /// Frames since the first of the keys began to be pressed.
    frame: u16,
    /// When it began, on the stream's clock.
    began: Option<Timestamp>,
}

/// What is sent in a frame of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// A telephone-event, so many times.
    Event {
        /// The payload.
        event: TelephoneEvent,
        /// Whether it is the first of the press.
        first: bool,
        /// How often it is sent.
        times: usize,
    },
    /// Samples of a key's tones, the number of the first.
    Tone(Key, u64),
    /// Nothing is pressed for a moment.
    Pause,
}

impl Keying {
    /// Towards a peer who hears this codec.
    pub(super) fn new(codec: Codec, settings: OpusSettings) -> Self {
        let encoder = Encoder::new(codec, codec.rate(), settings);
        Keying { encoder, keys: [None; MOST], frame: 0, began: None }
    }

    /// The codec in which tones are pressed.
    pub(super) fn codec(&self) -> Option<Codec> {
        self.encoder.as_ref().map(Encoder::codec)
    }

    /// Encodes a frame of a key's tones (from the sample with that number on), or of silence; how long
    /// it is.
    pub(super) fn sound(&mut self, key: Option<(Key, u64)>, payload: &mut [u8]) -> usize {
        let Some(encoder) = &mut self.encoder else { return 0 };
        let rate = encoder.codec().rate();
        let mut samples = [0; LONGEST];
        let samples = &mut samples[..rate.samples(FRAME.as_millis() as usize)];
        if let Some((key, from)) = key {
            for (at, sample) in samples.iter_mut().enumerate() {
                *sample = tone::of_key(key, from + at as u64, rate.hz());
            }
        }
        encoder.encode(samples, payload).unwrap_or(0)
    }

    /// Presses a key after those that wait; false if there is no room.
    pub(super) fn press(&mut self, key: Key) -> bool {
        match self.keys.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(key);
                true
            }
            None => false,
        }
    }

    /// Whether nothing is left to be pressed.
    pub(super) fn is_over(&self) -> bool {
        self.keys.first().is_none_or(Option::is_none)
    }

    /// The timestamp of the press; `now` if it begins now.
    pub(super) fn began(&mut self, now: Timestamp) -> Timestamp {
        *self.began.get_or_insert(now)
    }

    /// What the next frame is; as events, at so many ticks of their clock in a second, or as tones. None
    /// when all have been pressed.
    pub(super) fn next(&mut self, as_events: Option<u32>) -> Option<Frame> {
        let key = (*self.keys.first()?)?;
        self.frame += 1;
        if self.frame > HELD_FRAMES {
            if self.frame >= HELD_FRAMES + PAUSE_FRAMES {
                self.keys.rotate_left(1);
                self.keys[MOST - 1] = None;
                (self.frame, self.began) = (0, None);
            }
            return Some(Frame::Pause);
        }
        let Some(clock_hz) = as_events else {
            let rate = self.codec()?.rate();
            let samples = rate.samples(FRAME.as_millis() as usize) as u64;
            return Some(Frame::Tone(key, u64::from(self.frame - 1) * samples));
        };
        let end = self.frame == HELD_FRAMES;
        let duration = u64::from(self.frame) * u64::from(clock_hz) / 50;
        let duration = u16::try_from(duration).unwrap_or(u16::MAX);
        let event = TelephoneEvent { event: key.event(), end, volume: VOLUME, duration };
        let (first, times) = (self.frame == 1, if end { ENDS } else { 1 });
        Some(Frame::Event { event, first, times })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(c: char) -> Key {
        Key::from_char(c).expect("a key")
    }

    #[test]
    fn a_key_is_held_ended_three_times_and_followed_by_a_pause() {
        let mut keying = Keying::new(Codec::Pcma, OpusSettings::default());
        assert!(keying.press(key('5')) && keying.press(key('#')));
        let mut frames = Vec::new();
        while let Some(frame) = keying.next(Some(48_000)) {
            frames.push(frame);
        }
        assert_eq!(frames.len(), 20);
        let told = |at: usize| match frames[at] {
            Frame::Event { event, first, times } => {
                (event.event, event.end, event.duration, first, times)
            }
            Frame::Tone(..) | Frame::Pause => panic!("{:?}", frames[at]),
        };
        assert_eq!(told(0), (5, false, 960, true, 1));
        assert_eq!(told(4), (5, true, 4_800, false, 3));
        assert_eq!(frames[5..10], [Frame::Pause; 5]);
        assert_eq!(told(10), (11, false, 960, true, 1));
        assert!(keying.is_over());
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let mut keying = Keying::new(Codec::Pcma, OpusSettings::default());
        assert!((0..MOST).all(|_| keying.press(key('1'))));
        assert!(!keying.press(key('1')));
    }
}
