//! All legs of one media thread: the face of voice, without sockets and without a clock.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::announcement::Announcement;
use super::bank::Bank;
use super::codec::MAX_BYTES;
use super::command::{Command, Event, PlayId, RecordOrder, SecretKey, Told};
use super::counters::{DropReason, RtpCounters};
use super::leg::{After, Kind, Leg};
use super::pacer::Pacer;
use super::player::{Hears, Prompts};
use super::recorder::{Recorder, Side};
use super::room::Rooms;
use super::tap::{self, TapId};
use super::transcode::Transcoder;
use super::{quality, silence};
use crate::id::{Entropy, LegId, PromptName};
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Arrival;
use crate::rtp::{rtcp, srtp};
use crate::time::Time;

/// A leg whose bridged peer has sent nothing for this long hears silence of ours until it sends
/// again: longer than any jitter, short enough that no peer takes the line for dead and no NAT
/// forgets it.
const FILL_AFTER: Duration = Duration::from_millis(200);
/// The same if the peer has said that it pauses, and how its pause sounds.
const NOISE_AFTER: Duration = Duration::from_millis(15);
/// Longest RTP packet that is relayed.
const MAX_PACKET: usize = 1_500;
/// Longest that it may be when it is encrypted.
const MAX_SEALED: usize = MAX_PACKET + srtp::OVERHEAD;

/// How a plane behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneSettings {
    /// A peer that should send and has been silent for this long is reported.
    pub silence: Duration,
}

/// Where packets go.
pub trait Sink {
    /// Sends an RTP packet from the leg's RTP port.
    fn send_rtp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]);
    /// Sends an RTCP packet from the leg's RTCP port.
    fn send_rtcp(&mut self, leg: LegId, to: SocketAddr, packet: &[u8]);
}

/// All legs of one media thread.
#[derive(Debug)]
pub struct Plane {
    settings: PlaneSettings,
    bank: Arc<Bank>,
    entropy: Entropy,
    legs: BTreeMap<LegId, Leg>,
    pacer: Pacer,
    recorder: Recorder,
    rooms: Rooms,
    /// Taps that no leg has yet.
    taps: BTreeMap<TapId, tap::Writer>,
    events: VecDeque<Event>,
    counters: RtpCounters,
    packet: Box<[u8; MAX_SEALED]>,
    transcoded: Box<[u8; MAX_PACKET]>,
    /// What came, decrypted.
    opened: Box<[u8]>,
}

impl Plane {
    /// A plane without legs.
    pub fn new(settings: PlaneSettings, bank: Arc<Bank>, entropy: Entropy) -> Self {
        silence::prepare();
        Plane {
            settings,
            bank,
            entropy,
            legs: BTreeMap::new(),
            pacer: Pacer::new(),
            recorder: Recorder::default(),
            rooms: Rooms::default(),
            taps: BTreeMap::new(),
            events: VecDeque::with_capacity(64),
            counters: RtpCounters::default(),
            packet: Box::new([0; MAX_SEALED]),
            transcoded: Box::new([0; MAX_PACKET]),
            opened: Box::new([0; MAX_PACKET]),
        }
    }

    /// Plays from another bank from now on; what plays goes on as it is.
    pub fn set_bank(&mut self, bank: Arc<Bank>) {
        self.bank = bank;
    }

    /// Writes recordings to `recorder` from now on. Without one nothing is recorded.
    pub fn record_into(&mut self, recorder: Recorder) {
        self.recorder = recorder;
    }

    /// Carries out [`Command::Open`] once the leg's ports are reserved: `local` is the advertised
    /// address of its RTP port. Emits [`Event::Opened`]. A leg that is open stays as it is.
    pub fn open(&mut self, now: Time, leg: LegId, local: SocketAddr) {
        if self.legs.contains_key(&leg) {
            return;
        }
        self.legs.insert(leg, Leg::new(now, &mut self.entropy));
        self.pacer.join(now, leg);
        self.counters.legs += 1;
        self.events.push_back(Event::Opened { leg, local });
    }

    /// Whether the leg is open.
    pub fn is_open(&self, leg: LegId) -> bool {
        self.legs.contains_key(&leg)
    }

    /// Carries out a command. [`Command::Open`] is not for here: its ports are reserved outside, then
    /// [`Plane::open`] is called. A command for a leg that is not open does nothing: it has been
    /// closed meanwhile.
    pub fn handle_command(&mut self, now: Time, command: Command, out: &mut impl Sink) {
        match command {
            Command::Open { .. } => {}
            Command::Negotiate { leg, negotiated } => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.negotiate(now, negotiated);
                }
                self.renegotiated(now, leg);
            }
            Command::Play { leg, play, prompts } => self.play(leg, play, &prompts, false),
            Command::Announce { leg, play, prompts } => self.play(leg, play, &prompts, true),
            Command::Music { leg, music } => {
                let hears = match self.bank.get(&music) {
                    Some(clip) => Hears::Music(clip.clone()),
                    None => {
                        self.counters.missing_prompts += 1;
                        Hears::Nothing
                    }
                };
                self.set_hears(leg, hears);
            }
            Command::Quiet { leg } => self.set_hears(leg, Hears::Nothing),
            Command::Bridge { a, b } => self.bridge(a, b),
            Command::Unbridge { leg } => self.unbridge(leg),
            Command::Join { leg, room, part } => self.join(now, leg, room, part),
            Command::Leave { leg } => self.leave(leg),
            Command::SendKeys { leg, keys } => self.send_keys(leg, &keys),
            Command::Listen { leg, listen } => self.listen(leg, listen),
            Command::Tap { leg, tap } => self.tap(leg, tap),
            Command::Record { leg: id, order } => {
                if let Some(leg) = self.legs.get_mut(&id) {
                    self.recorder.obey(now, id, &mut leg.recorded, order);
                }
            }
            Command::Secret { leg, on } => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.secrecy.set(now, on);
                }
            }
            Command::Close { leg } => self.close(now, leg, out),
        }
    }

    /// Takes in a datagram that came to a leg's RTP port. Never panics, whatever the bytes.
    pub fn handle_rtp(
        &mut self,
        now: Time,
        leg: LegId,
        from: SocketAddr,
        bytes: &[u8],
        out: &mut impl Sink,
    ) {
        if self.is_rtcp(leg, bytes) {
            return self.handle_rtcp(now, leg, from, bytes);
        }
        let mut opened = std::mem::take(&mut self.opened);
        let received = self.receive(now, leg, from, bytes, &mut opened, out);
        self.opened = opened;
        if let Err(reason) = received {
            self.counters.drop(reason);
            if let Some(leg) = self.legs.get_mut(&leg) {
                leg.counters.dropped += 1;
            }
        }
    }

    /// Takes in a datagram that came to a leg's RTCP port. Never panics, whatever the bytes.
    pub fn handle_rtcp(&mut self, now: Time, leg: LegId, from: SocketAddr, bytes: &[u8]) {
        let heard = self.legs.get_mut(&leg).ok_or(DropReason::NotNegotiated).and_then(|leg| {
            let session = leg.session.as_mut().ok_or(DropReason::NotNegotiated)?;
            if !session.rtcp.allows(now, from) {
                return Err(DropReason::Source);
            }
            let bytes = session.open_rtcp(bytes, &mut self.opened)?;
            let heard = rtcp::read(bytes, leg.out.ssrc).map_err(|_| DropReason::Malformed)?;
            session.rtcp.heard(now, from);
            if let Some((ssrc, ntp)) = heard.sender_report {
                leg.reception.note_sender_report(now, ssrc, ntp);
            }
            if let Some(block) = heard.block {
                leg.reported.note(now, block, session.negotiated.codec.clock_hz());
            }
            if let Some(ssrc) = heard.bye {
                leg.reception.note_bye(ssrc);
            }
            Ok(())
        });
        match heard {
            Ok(()) => self.counters.rtcp_received += 1,
            Err(reason) => self.counters.drop(reason),
        }
    }

    /// Sends the frames that are due at `now`, and whatever else is due.
    pub fn handle_timeout(&mut self, now: Time, out: &mut impl Sink) {
        while let Some(tick) = self.pacer.pop_due(now) {
            let legs = self.pacer.take_legs(tick.phase);
            self.counters.skipped_frames += tick.skipped * legs.len() as u64;
            for leg in &legs {
                self.tick(tick.at, now, *leg, out);
            }
            self.pacer.put_legs(tick.phase, legs);
        }
        self.tick_rooms(now, out);
        self.recorder.catch_up();
    }

    /// When [`Plane::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        [self.pacer.next(), self.rooms.next()].into_iter().flatten().min()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What has been counted over all legs.
    pub fn counters(&self) -> &RtpCounters {
        &self.counters
    }

    /// Plays prompts: over the music that is heard, if it is an announcement and there is some.
    fn play(&mut self, id: LegId, play: PlayId, names: &[PromptName], announces: bool) {
        let Some(leg) = self.legs.get(&id) else { return };
        let music = leg.hears.music().filter(|_| announces).cloned();
        let mut clips = Vec::with_capacity(names.len());
        for name in names {
            match self.bank.get(name) {
                Some(clip) => clips.push(clip.clone()),
                None => self.counters.missing_prompts += 1,
            }
        }
        match (Prompts::new(play, clips), music) {
            (Some(prompts), None) => self.set_hears(id, Hears::Prompts(prompts)),
            (Some(prompts), Some(music)) => {
                let announcement = Box::new(Announcement::new(music, prompts));
                self.set_hears(id, Hears::Announcement(announcement));
            }
            (None, Some(_)) => self.events.push_back(Event::Played { leg: id, play }),
            (None, None) => {
                let hears = self.when_played(id);
                self.set_hears(id, hears);
                self.events.push_back(Event::Played { leg: id, play });
            }
        }
    }

    /// Sets what a leg hears. Whoever hears the leg goes on hearing it.
    fn set_hears(&mut self, id: LegId, hears: Hears) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let before = leg.set_hears(hears);
        if let Hears::Peer(peer) = before
            && let Some(peer) = self.legs.get_mut(&peer)
        {
            peer.heard_by = None;
        }
    }

    fn bridge(&mut self, a: LegId, b: LegId) {
        if a == b || !self.legs.contains_key(&a) || !self.legs.contains_key(&b) {
            return;
        }
        for leg in [a, b] {
            self.leave(leg);
            self.unbridge(leg);
        }
        for (hearer, speaker) in [(a, b), (b, a)] {
            self.set_hears(hearer, Hears::Peer(speaker));
            if let Some(speaker) = self.legs.get_mut(&speaker) {
                speaker.heard_by = Some(hearer);
            }
            self.convert_for(hearer);
        }
    }

    fn unbridge(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let hears_peer = matches!(leg.hears, Hears::Peer(_));
        let heard_by = leg.heard_by;
        if hears_peer {
            self.set_hears(id, Hears::Nothing);
        }
        if let Some(other) = heard_by {
            self.set_hears(other, Hears::Nothing);
        }
    }

    fn close(&mut self, now: Time, id: LegId, out: &mut impl Sink) {
        self.leave(id);
        self.unbridge(id);
        self.report(now, id, true, out);
        if let Some(mut leg) = self.legs.remove(&id) {
            self.recorder.obey(now, id, &mut leg.recorded, RecordOrder::End);
            if let Some(ear) = &leg.ear {
                self.counters.ordered.add(&ear.counters());
            }
            self.pacer.leave(id);
            self.counters.legs -= 1;
            let quality = quality::of(&leg.reception, &leg.reported, leg.out.first);
            self.events.push_back(Event::Closed { leg: id, counters: leg.counters, quality });
        }
    }

    fn receive(
        &mut self,
        now: Time,
        id: LegId,
        from: SocketAddr,
        bytes: &[u8],
        opened: &mut [u8],
        out: &mut impl Sink,
    ) -> Result<(), DropReason> {
        let leg = self.legs.get_mut(&id).ok_or(DropReason::NotNegotiated)?;
        let session = leg.session.as_mut().ok_or(DropReason::NotNegotiated)?;
        if !session.rtp.allows(now, from) {
            return Err(DropReason::Source);
        }
        let bytes = session.open_rtp(bytes, opened)?;
        let packet = Packet::parse(bytes).map_err(|_| DropReason::Malformed)?;
        if !session.receives() {
            return Err(DropReason::Direction);
        }
        // Whatever it carries, the peer lives.
        leg.liveness.heard(now);
        let kind = session.kind(packet.payload_type).ok_or(DropReason::PayloadType)?;
        let arrival = leg.reception.note(now, &packet);
        if arrival == Arrival::Stray {
            return Err(DropReason::Stray);
        }
        session.rtp.heard(now, from);
        // Without events, keys are tones in the voice.
        let has_events = session.negotiated.receive.telephone_event.is_some();
        leg.counters.received += 1;
        self.counters.received += 1;
        let pressed = leg.key(kind, &packet);
        if let Some((key, told)) = pressed {
            self.events.push_back(match leg.secrecy.is_on() {
                true => Event::SecretKey { leg: id, key: SecretKey::new(key), told },
                false => Event::Key { leg: id, key, told },
            });
        }
        let secret = leg.is_secret(now);
        // A recording that is paused copies nothing; this is the last key's tone after the pause.
        if let (Kind::Voice(codec), false) = (kind, secret) {
            self.recorder.copy(now, &mut leg.recorded, Side::Peer, codec, &packet);
        }
        if secret && (kind == Kind::TelephoneEvent || !has_events) {
            if let Some(hearer) = leg.heard_by.and_then(|hearer| self.legs.get_mut(&hearer)) {
                hearer.out.withhold(&packet);
            }
            return Ok(());
        }
        if let Some(ear) = &mut leg.ear {
            ear.insert(now, &packet, arrival, matches!(kind, Kind::Voice(_)));
        }
        let (heard_by, in_room) = (leg.heard_by, leg.in_room);
        if let (Some((key, Told::Event)), Some(hearer)) = (pressed, heard_by) {
            self.press_as_tones(hearer, key);
        }
        match heard_by {
            Some(hearer) => self.relay(now, hearer, kind, &packet, arrival, out),
            None if in_room => self.hear_in_room(now, id, kind, &packet, arrival),
            None => Ok(()),
        }
    }

    /// Passes a packet of one leg on to the leg that hears it.
    fn relay(
        &mut self,
        now: Time,
        id: LegId,
        kind: Kind,
        packet: &Packet<'_>,
        arrival: Arrival,
        out: &mut impl Sink,
    ) -> Result<(), DropReason> {
        let other_clock = kind == Kind::TelephoneEvent && self.other_clock(id);
        let (leg, mut outlet, room) = self.outlet_and_room(id).ok_or(DropReason::NotRelayed)?;
        if leg.is_keying() {
            return Err(DropReason::NotRelayed);
        }
        if leg.transcoder.is_some() {
            return self.convert(now, id, kind, packet, arrival, out);
        }
        if other_clock {
            return self.pass_event(now, id, packet, out);
        }
        let session = leg.session.as_ref().ok_or(DropReason::NotRelayed)?;
        session.destination().ok_or(DropReason::NotRelayed)?;
        let negotiated = &session.negotiated;
        if let Kind::Voice(codec) = kind
            && negotiated.exceeds(codec.packet_ms(packet.payload))
        {
            // Nobody can know how long a peer's packets are before one comes.
            leg.transcoder = Transcoder::new(codec, negotiated).map(Box::new);
            if leg.transcoder.is_some() {
                return self.convert(now, id, kind, packet, arrival, out);
            }
        }
        (leg.noise, leg.hushed) = (None, false);
        let (payload_type, payload) = match kind {
            Kind::TelephoneEvent => match negotiated.send.telephone_event {
                Some(payload_type) => (payload_type, packet.payload),
                None => {
                    leg.out.withhold(packet);
                    return Err(DropReason::NotRelayed);
                }
            },
            Kind::ComfortNoise => match negotiated.send.comfort_noise {
                Some(payload_type) => {
                    leg.hushed = true;
                    (payload_type, packet.payload)
                }
                None => {
                    leg.out.withhold(packet);
                    return leg.make_noise(packet);
                }
            },
            Kind::Voice(codec) => {
                let laws = codec.law().zip(negotiated.codec.law());
                match laws.and_then(|(from, to)| from.table_to(to)) {
                    None => (negotiated.send.voice, packet.payload),
                    Some(table) => {
                        let transcoded =
                            room.get_mut(..packet.payload.len()).ok_or(DropReason::Malformed)?;
                        for (to, from) in transcoded.iter_mut().zip(packet.payload) {
                            *to = table[usize::from(*from)];
                        }
                        (negotiated.send.voice, &*transcoded)
                    }
                }
            }
        };
        let stamp = leg.out.relayed(now, packet, arrival).ok_or(DropReason::Late)?;
        outlet.send(now, (id, leg), (payload_type, stamp), payload, out)?;
        leg.relayed_at = Some(now);
        Ok(())
    }

    /// What a leg does every 20 ms.
    fn tick(&mut self, at: Time, now: Time, id: LegId, out: &mut impl Sink) {
        let silence = self.settings.silence;
        let Some((leg, mut outlet)) = self.outlet(id) else { return };
        let silent = leg.silent_for(now, silence).map(|silent| (silent, leg.counters.received > 0));
        let due = now >= leg.report_due;
        let fill_after = if leg.noise.is_some() { NOISE_AFTER } else { FILL_AFTER };
        let relayed_lately = matches!(leg.hears, Hears::Peer(_))
            && (leg.hushed || leg.relayed_at.is_some_and(|relayed| at.since(relayed) < fill_after));
        let (whole, own, keying) = (leg.is_whole_turn(), leg.is_due(), leg.is_keying());
        let listens = leg.ear.is_some();
        let mut after = After::GoesOn;
        if own && !keying && !relayed_lately && !matches!(leg.hears, Hears::Room) {
            let mut payload = [0; MAX_BYTES];
            let (len, then) = leg.packet(at, &mut payload);
            outlet.send_own(at, (id, leg), &payload[..len], out);
            after = then;
        }
        if let Some((silent, ever_heard)) = silent {
            let for_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
            self.events.push_back(Event::Silent { leg: id, for_ms, ever_heard });
        }
        if let After::Played(play) = after {
            self.played(id, play);
        }
        if keying && whole {
            self.press_keys(at, id, out);
        }
        if listens && whole {
            self.hear(at, id);
        }
        if due {
            self.report(now, id, false, out);
        }
    }

    /// A playback's last packet has been sent.
    fn played(&mut self, id: LegId, play: PlayId) {
        let hears = self.when_played(id);
        if let Some(leg) = self.legs.get_mut(&id)
            && matches!(leg.hears, Hears::Prompts(_))
        {
            leg.hears = hears;
        }
        self.events.push_back(Event::Played { leg: id, play });
    }

    /// Sends what we have encoded for a leg's peer.
    fn send_payload(&mut self, at: Time, id: LegId, payload: &[u8], out: &mut impl Sink) {
        if let Some((leg, mut outlet)) = self.outlet(id) {
            outlet.send_own(at, (id, leg), payload, out);
        }
    }

    /// Sends an RTCP report.
    fn report(&mut self, now: Time, id: LegId, bye: bool, out: &mut impl Sink) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let sent = leg.begin_report(now, &mut self.entropy);
        let Some(session) = leg.session.as_mut() else { return };
        let Some(to) = session.rtcp.destination() else { return };
        let sender = sent.then(|| rtcp::SenderInfo {
            timestamp: leg.out.timestamp_at(now),
            packets: leg.out.packets,
            octets: leg.out.octets,
        });
        let block = leg.reception.report(now);
        let report = rtcp::Report { ssrc: leg.out.ssrc, cname: &leg.cname, sender, block, bye };
        let mut bytes = [0; rtcp::MAX_LEN + srtp::OVERHEAD];
        let written = report.write(now, &mut bytes[..rtcp::MAX_LEN]);
        let sealed = written.and_then(|len| session.seal_rtcp(&mut bytes, len));
        if let Some(packet) = sealed.and_then(|len| bytes.get(..len)) {
            self.counters.rtcp_sent += 1;
            if session.negotiated.rtcp_mux {
                out.send_rtp(id, to, packet);
            } else {
                out.send_rtcp(id, to, packet);
            }
        }
    }
}

mod convert;
mod ears;
mod keys;
mod outlet;
mod rooms;
#[cfg(test)]
mod tests;
