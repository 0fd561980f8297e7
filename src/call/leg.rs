//! One party's connection to a call: how far its signalling and its media have come.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::id::LegId;
use crate::media::command::{Direction, Negotiated};
use crate::sdp::{self, Beside, Keyring};

use super::keypad::Keypad;

/// How far a leg has come. A leg only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Media ports are being opened.
    Opening,
    /// We ring the peer, or the peer rings us.
    Ringing,
    /// Our 200 is out and not yet acknowledged.
    Answered,
    /// Both sides have agreed.
    Up,
}

/// A leg of a call.
#[derive(Debug)]
pub struct Leg {
    /// Its id, the same for signalling and media.
    pub id: LegId,
    /// How far it has come.
    pub stage: Stage,
    /// Where its signalling comes from: media from there may be latched onto.
    pub signalled_from: IpAddr,
    /// What was agreed on last.
    pub negotiated: Option<Box<Negotiated>>,
    /// What its keys were told by.
    pub(super) keypad: Keypad,
    keyring: Box<Keyring>,
    local: Option<SocketAddr>,
    version: u64,
}

impl Leg {
    /// A leg whose media ports are being opened.
    pub fn opening(id: LegId, signalled_from: IpAddr, keyring: Keyring) -> Self {
        Leg {
            id,
            stage: Stage::Opening,
            signalled_from,
            negotiated: None,
            keypad: Keypad::default(),
            keyring: Box::new(keyring),
            local: None,
            version: 0,
        }
    }

    /// Media have reserved `local` for this leg.
    pub fn opened(&mut self, local: SocketAddr) {
        self.local = Some(local);
        self.stage = self.stage.max(Stage::Ringing);
    }

    /// Whether the peer has put us on hold: it does not send, or does not listen.
    pub fn held_by_peer(&self) -> bool {
        self.negotiated.as_ref().is_some_and(|n| n.direction != Direction::SendRecv)
    }

    /// Our offer to the peer, who is or will be joined to `other`; none while the ports are not open.
    pub fn offer(&mut self, other: Option<&Negotiated>) -> Option<String> {
        let local = self.next_description()?;
        let beside = Beside { current: self.negotiated.as_deref(), other };
        Some(sdp::offer(&local, &mut self.keyring, beside))
    }

    /// Our answer to the peer's offer, keeping what was agreed on.
    pub fn answer(
        &mut self,
        offer: &Bytes,
        other: Option<&Negotiated>,
    ) -> Result<String, sdp::SdpError> {
        let Some(local) = self.next_description() else {
            return Err(sdp::SdpError::Malformed);
        };
        let beside = Beside { current: self.negotiated.as_deref(), other };
        let (answer, negotiated) =
            sdp::answer(offer, &local, self.signalled_from, &mut self.keyring, beside)?;
        self.agree(negotiated);
        Ok(answer)
    }

    /// Takes the peer's answer to our offer.
    pub fn take_answer(&mut self, answer: &Bytes) -> Result<(), sdp::SdpError> {
        let beside = Beside { current: self.negotiated.as_deref(), other: None };
        let negotiated = sdp::read_answer(answer, self.signalled_from, &mut self.keyring, beside)?;
        self.agree(negotiated);
        Ok(())
    }

    fn agree(&mut self, negotiated: Negotiated) {
        if self.negotiated.as_ref().is_some_and(|before| before.remote != negotiated.remote) {
            // Another device: its keypad is another, too.
            self.keypad = Keypad::default();
        }
        self.negotiated = Some(Box::new(negotiated));
    }

    fn next_description(&mut self) -> Option<sdp::Local> {
        let rtp = self.local?;
        self.version += 1;
        Some(sdp::Local { rtp, session_id: self.id.0 >> 1, version: self.version })
    }
}
