//! Legs in rooms: in, out, and what a room sends them.

use super::{Hears, Plane, Sink};
use crate::id::LegId;
use crate::media::command::{Part, RoomId};
use crate::media::counters::DropReason;
use crate::media::leg::{Kind, Leg};
use crate::media::room::Wish;
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Arrival;
use crate::time::Time;

impl Plane {
    /// Carries out [`super::Command::Join`]. A room that is full leaves the leg with what it hears.
    pub(super) fn join(&mut self, now: Time, id: LegId, room: RoomId, part: Part) {
        if !self.rooms.has(id) {
            self.unbridge(id);
        }
        let wish = self.wish_of(id);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let hears_room = matches!(leg.hears, Hears::Room);
        leg.in_room = self.rooms.join(now, id, room, part, wish);
        if leg.in_room && !hears_room {
            self.set_hears(id, Hears::Room);
        }
    }

    /// Carries out [`super::Command::Leave`], and whatever else takes a leg out of its room.
    pub(super) fn leave(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.in_room) else { return };
        leg.in_room = false;
        self.rooms.leave(id);
        if matches!(leg.hears, Hears::Room) {
            self.set_hears(id, Hears::Nothing);
        }
    }

    /// What a leg hears when nothing plays to it any more.
    pub(super) fn when_played(&self, id: LegId) -> Hears {
        if self.rooms.has(id) { Hears::Room } else { Hears::Nothing }
    }

    /// A leg in a room may have another codec now.
    pub(super) fn renegotiated_in_room(&mut self, id: LegId) {
        let Some(wish) = self.wish_of(id) else { return };
        self.rooms.set_wish(id, wish);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.prepare_keys();
            if let Some(before) = leg.ear.as_mut().and_then(|ear| ear.set_codec(wish.codec)) {
                self.counters.ordered.add(&before);
            }
        }
    }

    /// A packet of a leg in a room has come.
    pub(super) fn hear_in_room(
        &mut self,
        now: Time,
        id: LegId,
        kind: Kind,
        packet: &Packet<'_>,
        arrival: Arrival,
    ) -> Result<(), DropReason> {
        let voice = matches!(kind, Kind::Voice(_));
        self.rooms.hear(now, id, packet, arrival, voice);
        Ok(())
    }

    /// Mixes in every room that is due and sends what comes of it.
    pub(super) fn tick_rooms(&mut self, now: Time, out: &mut impl Sink) {
        let mut rooms = std::mem::take(&mut self.rooms);
        let skipped = rooms.tick(now, |sent| {
            let hears =
                self.legs.get(&sent.leg).is_some_and(|leg| matches!(leg.hears, Hears::Room));
            let keying = self.legs.get(&sent.leg).is_some_and(Leg::is_keying);
            if hears && !keying && !sent.payload.is_empty() {
                self.send_payload(sent.at, sent.leg, sent.payload, out);
            }
        });
        self.counters.ordered.add(&rooms.take_ordered());
        self.rooms = rooms;
        self.counters.skipped_frames += skipped;
    }

    pub(super) fn wish_of(&self, id: LegId) -> Option<Wish> {
        let negotiated = &self.legs.get(&id)?.session.as_ref()?.negotiated;
        let (codec, opus, packet_ms) =
            (negotiated.codec, negotiated.opus, usize::from(negotiated.packet_ms));
        Some(Wish { codec, opus, packet_ms })
    }
}
