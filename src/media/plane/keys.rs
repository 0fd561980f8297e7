//! Pressing keys towards peers.

use super::{Plane, Sink};
use crate::id::LegId;
use crate::media::codec::MAX_BYTES;
use crate::media::command::{Codec, Key};
use crate::media::keying::{Frame, Keying};
use crate::media::leg::Leg;
use crate::time::Time;

impl Leg {
    /// Whether a key is being pressed towards its peer: then the peer hears nothing else.
    pub(in crate::media) fn is_keying(&self) -> bool {
        self.keying.as_ref().is_some_and(|keying| !keying.is_over())
    }

    /// Makes what is needed to press keys where they are no events, so that it is there when one is
    /// relayed.
    pub(in crate::media) fn prepare_keys(&mut self) {
        let Some(session) = &self.session else { return };
        let (codec, opus) = (session.negotiated.codec, session.negotiated.opus);
        let fits = |keying: &Keying| keying.codec() == Some(codec);
        let needed = session.negotiated.send.telephone_event.is_none() || self.keying.is_some();
        if needed && !self.keying.as_deref().is_some_and(fits) {
            self.keying = Some(Box::new(Keying::new(codec, opus)));
        }
    }
}

impl Plane {
    /// Carries out [`super::Command::SendKeys`].
    pub(super) fn send_keys(&mut self, id: LegId, keys: &[Key]) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(session) = &leg.session else { return };
        let (codec, opus) = (session.negotiated.codec, session.negotiated.opus);
        let keying = leg.keying.get_or_insert_with(|| Box::new(Keying::new(codec, opus)));
        for key in keys {
            self.counters.keys_dropped += u64::from(!keying.press(*key));
        }
    }

    /// A key that another leg's peer pressed is relayed to one who knows no telephone-events: as tones.
    pub(super) fn press_as_tones(&mut self, id: LegId, key: Key) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let events = leg.session.as_ref().and_then(|s| s.negotiated.send.telephone_event);
        if let (None, Some(keying)) = (events, &mut leg.keying) {
            self.counters.keys_dropped += u64::from(!keying.press(key));
        }
    }

    /// Sends 20 ms of the key that is being pressed.
    pub(super) fn press_keys(&mut self, at: Time, id: LegId, out: &mut impl Sink) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let (Some(keying), Some(session)) = (&mut leg.keying, &leg.session) else { return };
        let clock_hz = session.negotiated.event_clock_hz;
        let events = session.negotiated.send.telephone_event.map(|_| clock_hz);
        // Its 20 ms may be more than the peer takes at once; Opus is never spoken then.
        let piece_ms = usize::from(session.negotiated.max_packet_ms.unwrap_or(u8::MAX));
        let piece = if session.negotiated.codec == Codec::Opus { MAX_BYTES } else { 8 * piece_ms };
        let mut payload = [0; MAX_BYTES];
        let len = match keying.next(events) {
            None => return,
            Some(Frame::Tone(key, from)) => keying.sound(Some((key, from)), &mut payload),
            Some(Frame::Pause) => keying.sound(None, &mut payload),
            Some(Frame::Event { event, first, times }) => {
                for _ in 0..times {
                    self.send_event(at, id, &event.to_bytes(), first, out);
                }
                return;
            }
        };
        for piece in payload.get(..len).unwrap_or_default().chunks(piece.max(1)) {
            self.send_payload(at, id, piece, out);
        }
    }

    fn send_event(
        &mut self,
        at: Time,
        id: LegId,
        payload: &[u8],
        marker: bool,
        out: &mut impl Sink,
    ) {
        let Some((leg, mut outlet)) = self.outlet(id) else { return };
        let (Some(session), Some(keying)) = (&leg.session, &mut leg.keying) else { return };
        let Some(payload_type) = session.negotiated.send.telephone_event else { return };
        if session.destination().is_some() {
            let began = keying.began(leg.out.timestamp_at(at));
            let stamp = leg.out.event(began, marker);
            // What cannot be sent is not sent.
            let _ = outlet.send(at, (id, leg), (payload_type, stamp), payload, out);
        }
    }
}
