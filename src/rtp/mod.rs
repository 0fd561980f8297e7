//! RTP and RTCP (RFC 3550), SRTP (RFC 3711), telephone-event (RFC 4733).
//!
//! Pure functions and small states over bytes: no socket, no clock. The RFC's words are kept.

pub mod packet;
pub mod quality;
pub mod rtcp;
pub mod sequence;
pub mod srtp;
pub mod telephone_event;
