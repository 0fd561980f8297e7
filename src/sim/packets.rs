//! What the media plane sends, until the network takes it.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::id::LegId;
use crate::media::Sink;

/// Packets that the plane wants sent: leg, whether RTCP, where to, what.
#[derive(Default)]
pub struct Packets(pub Vec<(LegId, bool, SocketAddr, Bytes)>);

impl Sink for Packets {
    fn send_rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.0.push((leg, false, to, Bytes::copy_from_slice(packet)));
    }

    fn send_rtcp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]) {
        self.0.push((leg, true, to, Bytes::copy_from_slice(packet)));
    }
}
