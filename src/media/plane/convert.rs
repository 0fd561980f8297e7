//! Bridges between two codecs or lengths of packets, and what goes with a codec.

use super::{Hears, Plane, Sink};
use crate::id::LegId;
use crate::media::command::Negotiated;
use crate::media::counters::DropReason;
use crate::media::leg::Kind;
use crate::media::transcode::Transcoder;
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Arrival;
use crate::rtp::telephone_event::TelephoneEvent;
use crate::time::Time;

/// Second bytes of RTCP where it shares a port with RTP (RFC 5761 section 4).
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 192..=223;

impl Plane {
    /// Whether a datagram at a leg's RTP port is RTCP.
    pub(super) fn is_rtcp(&self, id: LegId, bytes: &[u8]) -> bool {
        bytes.get(1).is_some_and(|kind| RTCP_TYPES.contains(kind))
            && self
                .legs
                .get(&id)
                .and_then(|leg| leg.session.as_ref())
                .is_some_and(|session| session.negotiated.rtcp_mux)
    }

    /// A leg has negotiated: who hears it, and what it hears, may have to be converted now, or no
    /// more.
    pub(super) fn renegotiated(&mut self, now: Time, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        self.pacer.set_double(now, id, leg.is_double());
        let heard_by = leg.heard_by;
        self.convert_for(id);
        if let Some(hearer) = heard_by {
            self.convert_for(hearer);
        }
        self.renegotiated_in_room(id);
    }

    /// Makes what is needed so that a leg understands the leg that it hears.
    pub(super) fn convert_for(&mut self, id: LegId) {
        let negotiated = |id: LegId| -> Option<&Negotiated> {
            Some(&self.legs.get(&id)?.session.as_ref()?.negotiated)
        };
        let Some(Hears::Peer(peer)) = self.legs.get(&id).map(|leg| &leg.hears) else { return };
        let Some((from, to)) = negotiated(*peer).zip(negotiated(id)) else { return };
        let known = self.legs.get(&id).and_then(|leg| leg.transcoder.as_ref());
        if known.is_some_and(|known| known.suits(from.codec, to)) {
            return;
        }
        let needed = Transcoder::is_needed(from.codec, to);
        let transcoder = needed.then(|| Transcoder::new(from.codec, to)).flatten().map(Box::new);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.transcoder = transcoder;
            leg.out.begin();
        }
    }

    /// Converts a packet of one leg for the leg that hears it, and sends what comes of it.
    pub(super) fn convert(
        &mut self,
        now: Time,
        id: LegId,
        kind: Kind,
        packet: &Packet<'_>,
        arrival: Arrival,
        out: &mut impl Sink,
    ) -> Result<(), DropReason> {
        let leg = self.legs.get_mut(&id).ok_or(DropReason::NotRelayed)?;
        let session = leg.session.as_ref().ok_or(DropReason::NotRelayed)?;
        session.destination().ok_or(DropReason::NotRelayed)?;
        let voice = session.negotiated.send.voice;
        let mut transcoder = leg.transcoder.take().ok_or(DropReason::NotRelayed)?;
        let mut result = match kind {
            Kind::Voice(_) => {
                (leg.noise, leg.hushed) = (None, false);
                transcoder.take(packet, arrival)
            }
            Kind::TelephoneEvent => {
                transcoder.pass_over(packet);
                self.pass_event(now, id, packet, out)
            }
            Kind::ComfortNoise => {
                transcoder.pass_over(packet);
                leg.make_noise(packet)
            }
        };
        // A packet that cannot be decoded may still have followed one that can be made up for.
        while let Some(converted) = transcoder.next() {
            let Some((leg, mut outlet)) = self.outlet(id) else { break };
            let stamp = leg.out.converted(now, converted.ticks, converted.lost);
            leg.relayed_at = Some(now);
            let sent = outlet.send(now, (id, leg), (voice, stamp), converted.payload, out);
            result = result.and(sent);
        }
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.transcoder = Some(transcoder);
        }
        result
    }

    /// Whether the leg that a leg hears tells events by another clock.
    pub(super) fn other_clock(&self, id: LegId) -> bool {
        self.event_clocks(id).is_some_and(|(ours, theirs)| ours != theirs)
    }

    /// Ticks in a second of the events' clock of a leg, and of the leg that it hears.
    fn event_clocks(&self, id: LegId) -> Option<(u32, u32)> {
        let leg = self.legs.get(&id)?;
        let Hears::Peer(peer) = leg.hears else { return None };
        let ours = leg.session.as_ref()?.negotiated.event_clock_hz;
        let theirs = self.legs.get(&peer)?.session.as_ref()?.negotiated.event_clock_hz;
        Some((ours, theirs))
    }

    /// Passes a packet of an event on to a peer with another clock: the duration follows it.
    pub(super) fn pass_event(
        &mut self,
        now: Time,
        id: LegId,
        packet: &Packet<'_>,
        out: &mut impl Sink,
    ) -> Result<(), DropReason> {
        let (ours_hz, theirs_hz) = self.event_clocks(id).ok_or(DropReason::NotRelayed)?;
        let mut event = TelephoneEvent::parse(packet.payload).ok_or(DropReason::Malformed)?;
        let scaled = u64::from(event.duration) * u64::from(ours_hz) / u64::from(theirs_hz.max(1));
        // A press that outlasts the field stays at its end.
        event.duration = u16::try_from(scaled).unwrap_or(u16::MAX);
        let (leg, mut outlet) = self.outlet(id).ok_or(DropReason::NotRelayed)?;
        let session = leg.session.as_ref().ok_or(DropReason::NotRelayed)?;
        let number = session.negotiated.send.telephone_event.ok_or(DropReason::NotRelayed)?;
        let stamp = leg.out.event_of(now, packet).ok_or(DropReason::Late)?;
        leg.relayed_at = Some(now);
        outlet.send(now, (id, leg), (number, stamp), &event.to_bytes(), out)
    }
}
