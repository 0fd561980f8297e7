//! What the fuzzers run: a function for each target, which must return whatever the bytes are.
//!
//! The default tests run them too, on what the fuzzers have found (`tests/fuzz_replay.rs`).

pub mod digest;
pub mod dtmf;
pub mod endpoint;
pub mod framing;
pub mod message;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sound;
pub mod source;
pub mod srtp;
pub mod uri;
