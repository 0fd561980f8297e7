//! Session descriptions (RFC 8866) and offer/answer (RFC 3264) as pure functions.

use std::net::{IpAddr, SocketAddr};

use crate::media::command::{Direction, Negotiated};

mod description;
mod negotiate;

use description::Description;

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
    /// No audio stream over RTP/AVP with a codec that we speak: 488.
    #[error("no codec in common")]
    NoCommonCodec,
}

/// An offer of everything that we speak: PCMA, PCMU (in this order: A-law is the UK's) and
/// telephone-event, 20 ms, both ways.
pub fn offer(local: &Local) -> String {
    negotiate::offer(local)
}

/// Answers an offer: one audio stream with the first codec of the offer that we speak, other
/// streams refused with port 0 (RFC 3264 section 6), the direction mirrored.
pub fn answer(
    offer: &[u8],
    local: &Local,
    signalled_from: IpAddr,
) -> Result<(String, Negotiated), SdpError> {
    negotiate::answer(&Description::parse(offer)?, local, signalled_from)
}

/// Whether an offer could be answered at all, before any port is opened for it.
pub fn acceptable(offer: &[u8]) -> Result<(), SdpError> {
    negotiate::choose(&Description::parse(offer)?, None).map(|_| ())
}

/// Reads the answer to our offer.
pub fn read_answer(answer: &[u8], signalled_from: IpAddr) -> Result<Negotiated, SdpError> {
    Ok(negotiate::choose(&Description::parse(answer)?, None)?.negotiated(signalled_from))
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
