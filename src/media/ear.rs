//! Listening to what comes from a leg: for whether somebody speaks, and for whoever taps it.

use std::time::Duration;

use super::command::{Codec, Listen};
use super::jitter::JitterCounters;
use super::rate::Rate;
use super::stream::Stream;
use super::tap::{FRAME_SAMPLES, Writer};
use super::vad::{Speech, Vad};
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Arrival;
use crate::time::Time;

/// Somebody who pauses for less than this goes on speaking.
const OVERHANG: Duration = Duration::from_millis(700);

/// An ear on one leg. It is there while somebody wants it.
#[derive(Debug, Default)]
pub(super) struct Ear {
    stream: Option<Stream>,
    vad: Option<Vad>,
    listens: Listen,
    tap: Option<Writer>,
}

impl Ear {
    /// Whether nobody wants it any more.
    pub(super) fn is_idle(&self) -> bool {
        self.tap.is_none() && self.listens == Listen::Off
    }

    /// Listens for speech from now on, or no longer.
    pub(super) fn listen(&mut self, listen: Listen) {
        self.listens = listen;
        self.vad = match (listen, self.vad.take()) {
            (Listen::Off, _) => None,
            (Listen::Tell | Listen::Interrupt, vad) => vad.or_else(|| Some(Vad::new(OVERHANG))),
        };
    }

    /// Writes what is heard there from now on.
    pub(super) fn tap(&mut self, tap: Option<Writer>) {
        self.tap = tap;
    }

    /// The peer speaks this codec from now on; what became of the packets until now, if it spoke
    /// another one.
    pub(super) fn set_codec(&mut self, codec: Codec) -> Option<JitterCounters> {
        if self.stream.as_ref().is_some_and(|stream| stream.codec() == codec) {
            return None;
        }
        let before = std::mem::replace(&mut self.stream, Stream::new(codec, Rate::Wide));
        before.map(|stream| stream.counters())
    }

    /// What became of its packets.
    pub(super) fn counters(&self) -> JitterCounters {
        self.stream.as_ref().map(Stream::counters).unwrap_or_default()
    }

    /// A packet has come.
    pub(super) fn insert(&mut self, now: Time, packet: &Packet<'_>, arrival: Arrival, voice: bool) {
        if let Some(stream) = &mut self.stream {
            stream.insert(now, packet, arrival, voice);
        }
    }

    /// Hears 20 ms.
    pub(super) fn hear(&mut self, at: Time) -> Heard {
        let mut heard = Heard::default();
        let mut frame = [0; FRAME_SAMPLES];
        if let Some(stream) = &mut self.stream {
            stream.play(at, &mut frame);
        }
        self.tap.take_if(|tap| tap.is_abandoned());
        if let Some(tap) = &mut self.tap {
            heard.dropped = !tap.write(at, frame);
        }
        heard.speech = self.vad.as_mut().and_then(|vad| vad.hear(&frame));
        let began = heard.speech == Some(Speech::Began);
        heard.interrupts = began && self.listens == Listen::Interrupt;
        heard
    }
}

/// What came of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    /// Whether somebody has begun or ceased to speak.
    pub(super) speech: Option<Speech>,
    /// Whether what plays is to stop for it.
    pub(super) interrupts: bool,
    /// Whether the tap's reader was too slow for it.
    pub(super) dropped: bool,
}
