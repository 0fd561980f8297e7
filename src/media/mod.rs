//! Voice: a 20 ms frame pipeline, one owner for each leg, no lock and no allocation for a packet.
//!
//! [`Plane`] is the whole of it for one thread: commands, packets and time go in, packets and
//! [`command::Event`]s come out. It has no socket and no clock; `server/media_thread` gives it both,
//! `sim` gives it a simulated network.
//!
//! Who hears what: a leg hears exactly one thing at a time (silence, prompts, music, the leg that it is
//! bridged to, or the others in its room). What a leg hears from us is paced by the 20 ms clock; what it
//! hears from another leg is relayed when it arrives, so that a bridge adds no delay. Only a room
//! ([`room`]) waits for packets, decodes and mixes them: there is one while a third hears or speaks.

mod announcement;
pub mod bank;
pub mod codec;
pub mod command;
pub mod counters;
pub mod dtmf;
mod ear;
pub mod jitter;
mod keying;
mod latch;
mod leg;
pub mod mixer;
mod outgoing;
mod pacer;
pub mod plane;
mod player;
pub mod playout;
pub mod plc;
mod quality;
pub mod rate;
pub mod recorder;
pub mod room;
mod secrecy;
mod silence;
#[cfg(test)]
mod spoken;
mod stream;
mod stretch;
pub mod tap;
pub mod tone;
mod transcode;
pub mod vad;

pub use bank::{Bank, Clip};
pub use command::{Command, Event};
pub use counters::{DropReason, RtpCounters};
pub use plane::{Plane, PlaneSettings, Sink};

/// Samples in a second of narrow-band voice.
pub const SAMPLE_RATE_HZ: u32 = 8_000;
/// Samples (and bytes of G.711) in a frame of 20 ms.
pub const FRAME_SAMPLES: usize = 160;
/// A frame's length.
pub const FRAME: std::time::Duration = std::time::Duration::from_millis(20);
