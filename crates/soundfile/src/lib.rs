//! Recordings from WAV files of any kind, as samples at telephony's two rates.
//!
//! A crate of its own, since a debug build optimises it (see `[profile.dev.package]`): a server reads
//! some hundred prompts at its start, and unoptimised that takes ten seconds instead of one.

pub mod resample;
pub mod wav;

/// Telephony as it was, in samples a second.
pub const NARROW_HZ: u32 = 8_000;
/// Wide-band voice, in samples a second.
pub const WIDE_HZ: u32 = 16_000;
