//! Symmetric RTP (RFC 4961, RFC 7362 section 5): where a peer really sends from, within the bounds of what it
//! negotiated.
//!
//! A peer behind a NAT sends from another port, sometimes another address, than its SDP says. Its
//! first packet from an address that it is known by decides; after that, nobody else is heard
//! until it has been silent for a while or negotiates anew.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::time::Time;

/// The latched source must have been silent for this long before another is taken.
const SILENT_BEFORE_RELATCH: Duration = Duration::from_secs(3);

/// Where one stream of a peer goes to and comes from.
#[derive(Debug, Clone)]
pub(super) struct Latch {
    negotiated: SocketAddr,
    signalled_from: IpAddr,
    /// Whether it must be heard first where it is not known to be.
    stranger: bool,
    source: Option<SocketAddr>,
    heard_at: Time,
    open: bool,
}

impl Latch {
    /// Nothing has been heard yet.
    pub(super) fn new(negotiated: SocketAddr, signalled_from: IpAddr, stranger: bool) -> Self {
        let (source, heard_at, open) = (None, Time::ZERO, true);
        Latch { negotiated, signalled_from, stranger, source, heard_at, open }
    }

    /// Takes a new negotiation: the next packet may come from elsewhere. Until it does, packets go
    /// where the peer was heard last if its address is the same as before.
    pub(super) fn renegotiate(&mut self, negotiated: SocketAddr, signalled_from: IpAddr) {
        if negotiated != self.negotiated {
            *self = Latch::new(negotiated, signalled_from, self.stranger);
        }
        self.signalled_from = signalled_from;
        self.open = true;
    }

    /// Where to send; none while the peer has no address (port 0, or 0.0.0.0: RFC 3264 section 8.4),
    /// and while a stranger names an address from which nothing has come.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        if self.stranger && self.source.is_none() && self.negotiated.ip() != self.signalled_from {
            return None;
        }
        let to = self.source.unwrap_or(self.negotiated);
        (to.port() != 0 && !to.ip().is_unspecified()).then_some(to)
    }

    /// Whether a packet from `from` is to be heard at `now`; changes nothing.
    pub(super) fn allows(&self, now: Time, from: SocketAddr) -> bool {
        if self.source == Some(from) || from == self.negotiated {
            return true;
        }
        let known = from.ip() == self.negotiated.ip() || from.ip() == self.signalled_from;
        known && (self.open || now.since(self.heard_at) >= SILENT_BEFORE_RELATCH)
    }

    /// Notes that a good packet came from `from`, which was allowed.
    pub(super) fn heard(&mut self, now: Time, from: SocketAddr) {
        self.source = Some(from);
        self.heard_at = now;
        self.open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn latch() -> Latch {
        Latch::new(at("10.0.0.7:4000"), "192.0.2.1".parse().expect("an address"), false)
    }

    #[test]
    fn only_addresses_that_the_peer_is_known_by_are_latched_onto() {
        let latch = latch();
        assert!(latch.allows(Time::ZERO, at("10.0.0.7:4000")));
        assert!(latch.allows(Time::ZERO, at("10.0.0.7:9999")));
        assert!(latch.allows(Time::ZERO, at("192.0.2.1:1024")));
        assert!(!latch.allows(Time::ZERO, at("203.0.113.5:4000")));
        assert_eq!(latch.destination(), Some(at("10.0.0.7:4000")));
    }

    #[test]
    fn the_first_source_keeps_others_out_until_it_is_silent() {
        let mut latch = latch();
        latch.heard(Time::ZERO, at("192.0.2.1:1024"));
        assert_eq!(latch.destination(), Some(at("192.0.2.1:1024")));
        assert!(!latch.allows(Time::from_millis(2_999), at("192.0.2.1:1025")));
        assert!(latch.allows(Time::from_millis(3_000), at("192.0.2.1:1025")));
        assert!(!latch.allows(Time::from_millis(9_000), at("203.0.113.5:4000")));
    }

    #[test]
    fn the_negotiated_address_itself_is_always_heard() {
        let mut latch = latch();
        latch.heard(Time::ZERO, at("192.0.2.1:1024"));
        assert!(latch.allows(Time::from_millis(20), at("10.0.0.7:4000")));
    }

    #[test]
    fn a_new_negotiation_lets_another_source_in_and_keeps_sending_to_the_old_one() {
        let mut latch = latch();
        latch.heard(Time::ZERO, at("192.0.2.1:1024"));
        latch.renegotiate(at("10.0.0.7:4000"), "192.0.2.1".parse().expect("an address"));
        assert_eq!(latch.destination(), Some(at("192.0.2.1:1024")));
        assert!(latch.allows(Time::ZERO, at("192.0.2.1:7777")));
        latch.renegotiate(at("10.0.0.8:4000"), "192.0.2.1".parse().expect("an address"));
        assert_eq!(latch.destination(), Some(at("10.0.0.8:4000")));
    }

    #[test]
    fn a_stranger_is_sent_to_where_it_is_and_elsewhere_only_once_it_was_heard_there() {
        let signalled_from = "192.0.2.1".parse().expect("an address");
        let here = Latch::new(at("192.0.2.1:4000"), signalled_from, true);
        assert_eq!(here.destination(), Some(at("192.0.2.1:4000")));
        let mut elsewhere = Latch::new(at("10.0.0.7:4000"), signalled_from, true);
        assert_eq!(elsewhere.destination(), None);
        elsewhere.heard(Time::ZERO, at("10.0.0.7:4000"));
        assert_eq!(elsewhere.destination(), Some(at("10.0.0.7:4000")));
        // Nor by changing its mind.
        elsewhere.renegotiate(at("10.0.0.8:4000"), signalled_from);
        assert_eq!(elsewhere.destination(), None);
        elsewhere.heard(Time::ZERO, at("192.0.2.1:1024"));
        assert_eq!(elsewhere.destination(), Some(at("192.0.2.1:1024")));
    }

    #[test]
    fn a_peer_without_an_address_is_not_sent_to() {
        let nowhere = "192.0.2.1".parse().expect("an address");
        assert_eq!(Latch::new(at("0.0.0.0:4000"), nowhere, false).destination(), None);
        assert_eq!(Latch::new(at("10.0.0.7:0"), nowhere, false).destination(), None);
    }
}
