//! Session descriptions (RFC 8866) and offer/answer (RFC 3264) as pure functions.

use std::net::{IpAddr, SocketAddr};

use crate::media::command::{Direction, Negotiated};

mod crypto;
mod description;
mod formats;
mod keyring;
mod negotiate;

use description::Description;
pub use formats::Codecs;
pub use keyring::{Keyring, Terms};

/// What we say about ourselves in a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Our RTP address; RTCP is the port above.
    pub rtp: SocketAddr,
    /// Identifies the session in `o=`; stays the same for a leg.
    pub session_id: u64,
    /// Counts the descriptions sent on a leg, from 1.
    pub version: u64,
}

/// Why a description cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// It is not SDP, or its media or connection line cannot be read: 400.
    #[error("the session description cannot be read")]
    Malformed,
    /// No audio stream over RTP/AVP or RTP/SAVP with a codec that we speak: 488.
    #[error("no codec in common")]
    NoCommonCodec,
    /// The audio is not encrypted, and must be: 488.
    #[error("the audio is not encrypted, as it must be")]
    NotEncrypted,
    /// The audio is encrypted in a way that we do not do, or must not be: 488.
    #[error("no encryption in common")]
    NoCommonEncryption,
}

/// What a leg's descriptions take into account besides its terms.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What was agreed on with the peer before.
    pub current: Option<&'a Negotiated>,
    /// What was agreed on with whoever the peer is joined to, or will be: voice that both speak is
    /// passed on as it is.
    pub other: Option<&'a Negotiated>,
}

/// An offer of everything that the terms allow, and keys as events, both ways; what is spoken
/// already, or by the other side, first.
pub fn offer(local: &Local, keyring: &mut Keyring, beside: Beside<'_>) -> String {
    negotiate::offer(local, keyring, beside)
}

/// Answers an offer: one audio stream, an encrypted one if there is one that we may take; other
/// streams refused with port 0 (RFC 3264 section 6), the direction mirrored. The codec is the first
/// of the offer that we speak (section 6.1), but one that saves converting if there is one.
pub fn answer(
    offer: &[u8],
    local: &Local,
    signalled_from: IpAddr,
    keyring: &mut Keyring,
    beside: Beside<'_>,
) -> Result<(String, Negotiated), SdpError> {
    negotiate::answer(&Description::parse(offer)?, local, signalled_from, keyring, beside)
}

/// Whether an offer could be answered at all, before any port is opened for it.
pub fn acceptable(offer: &[u8], terms: Terms) -> Result<(), SdpError> {
    negotiate::acceptable(&Description::parse(offer)?, terms)
}

/// Reads the answer to our offer, which had the same `beside`.
pub fn read_answer(
    answer: &[u8],
    signalled_from: IpAddr,
    keyring: &mut Keyring,
    beside: Beside<'_>,
) -> Result<Negotiated, SdpError> {
    negotiate::read_answer(&Description::parse(answer)?, signalled_from, keyring, beside)
}

/// The direction that answers a peer's (RFC 3264 section 6.1). We never answer with less than the
/// offer allows.
pub fn mirror(direction: Direction) -> Direction {
    match direction {
        Direction::SendRecv => Direction::SendRecv,
        Direction::SendOnly => Direction::RecvOnly,
        Direction::RecvOnly => Direction::SendOnly,
        Direction::Inactive => Direction::Inactive,
    }
}
