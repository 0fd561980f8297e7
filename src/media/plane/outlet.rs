//! Where packets leave.

use super::{MAX_PACKET, MAX_SEALED, Plane, Sink};
use crate::id::LegId;
use crate::media::counters::{DropReason, RtpCounters};
use crate::media::leg::Leg;
use crate::media::outgoing::Stamp;
use crate::media::recorder::{Recorder, Side};
use crate::rtp::packet::Packet;
use crate::time::Time;

/// What every packet passes that is sent to a leg's peer.
pub(super) struct Outlet<'a> {
    recorder: &'a mut Recorder,
    counters: &'a mut RtpCounters,
    packet: &'a mut [u8; MAX_SEALED],
}

impl Plane {
    /// A leg, and the way to its peer. It is found once for each packet.
    pub(super) fn outlet(&mut self, id: LegId) -> Option<(&mut Leg, Outlet<'_>)> {
        let Plane { legs, recorder, counters, packet, .. } = self;
        Some((legs.get_mut(&id)?, Outlet { recorder, counters, packet }))
    }

    /// The same, and room for a payload.
    pub(super) fn outlet_and_room(
        &mut self,
        id: LegId,
    ) -> Option<(&mut Leg, Outlet<'_>, &mut [u8; MAX_PACKET])> {
        let Plane { legs, recorder, counters, packet, transcoded, .. } = self;
        Some((legs.get_mut(&id)?, Outlet { recorder, counters, packet }, transcoded))
    }
}

impl Outlet<'_> {
    /// Sends a packet to a leg's peer, and copies it if it is voice that is recorded.
    pub(super) fn send(
        &mut self,
        now: Time,
        (id, leg): (LegId, &mut Leg),
        (payload_type, stamp): (u8, Stamp),
        payload: &[u8],
        out: &mut impl Sink,
    ) -> Result<(), DropReason> {
        let session = leg.session.as_mut().ok_or(DropReason::NotRelayed)?;
        let to = session.destination().ok_or(DropReason::NotRelayed)?;
        let Stamp { seq, timestamp, marker } = stamp;
        let packet = Packet { ssrc: leg.out.ssrc, seq, timestamp, marker, payload_type, payload };
        if payload_type == session.negotiated.send.voice {
            let codec = session.negotiated.codec;
            self.recorder.copy(now, &mut leg.recorded, Side::Ours, codec, &packet);
        }
        let len =
            packet.write(&mut self.packet[..MAX_PACKET]).map_err(|_| DropReason::Malformed)?;
        let len = session.seal_rtp(&mut self.packet[..], len)?;
        leg.out.count(payload.len());
        leg.counters.sent += 1;
        self.counters.sent += 1;
        out.send_rtp(id, to, &self.packet[..len]);
        Ok(())
    }

    /// Sends what we have encoded for a leg's peer. What cannot be sent is not sent.
    pub(super) fn send_own(
        &mut self,
        at: Time,
        (id, leg): (LegId, &mut Leg),
        payload: &[u8],
        out: &mut impl Sink,
    ) {
        if let Some(session) = &leg.session
            && session.destination().is_some()
        {
            let (payload_type, stamp) = (session.negotiated.send.voice, leg.out.generated(at));
            let _ = self.send(at, (id, leg), (payload_type, stamp), payload, out);
        }
    }
}
