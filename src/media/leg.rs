//! One leg: what its peer negotiated, what it hears, and what is known of the stream it sends.

use std::net::SocketAddr;
use std::time::Duration;

use super::announcement::Next;
use super::codec::comfort_noise::{Description, Noise};
use super::codec::{Decoder, MAX_BYTES, MAX_SAMPLES};
use super::command::{Codec, Direction, Key, LegCounters, Negotiated, SrtpKeys, Told};
use super::counters::DropReason;
use super::dtmf::Detector;
use super::ear::Ear;
use super::keying::Keying;
use super::latch::Latch;
use super::outgoing::Outgoing;
use super::player::{Hears, Player};
use super::quality::Reported;
use super::rate::Rate;
use super::recorder::Recorded;
use super::secrecy::Secrecy;
use super::transcode::Transcoder;
use crate::id::{Entropy, LegId};
use crate::rtp::packet::Packet;
use crate::rtp::sequence::Reception;
use crate::rtp::srtp::{Receiver, Sender, SrtpError};
use crate::rtp::telephone_event::Presses;
use crate::time::Time;

/// Mean time between our reports (RFC 3550 section 6.2); each is drawn from half to one and a half
/// of it.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// One leg.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) session: Option<Session>,
    pub(super) out: Outgoing,
    pub(super) hears: Hears,
    /// The leg that hears this one.
    pub(super) heard_by: Option<LegId>,
    /// Whether it is in a room.
    pub(super) in_room: bool,
    /// Listens to what its peer says.
    pub(super) ear: Option<Box<Ear>>,
    /// Presses keys towards its peer.
    pub(super) keying: Option<Box<Keying>>,
    /// When a packet of the leg that it hears was passed on last; none since it began to hear it.
    pub(super) relayed_at: Option<Time>,
    pub(super) reception: Reception,
    pub(super) reported: Reported,
    presses: Presses,
    /// Listens for keys where they cannot be told apart from the voice.
    tones: Option<Box<Ears>>,
    /// Makes what the peer hears of ours; none while nothing is negotiated.
    player: Option<Player>,
    /// Converts what the leg that it hears sends, if that has another codec.
    pub(super) transcoder: Option<Box<Transcoder>>,
    /// The noise that stands for the pauses of the leg that it hears.
    pub(super) noise: Option<Noise>,
    /// The peer makes that noise itself.
    pub(super) hushed: bool,
    /// The turn before this one began a frame, and this one does not.
    between: bool,
    /// Turns to wait before the next packet of ours.
    waits: u8,
    pub(super) counters: LegCounters,
    /// What is recorded of it.
    pub(super) recorded: Option<Recorded>,
    /// What its peer says is nobody else's to know: keys above all.
    pub(super) secrecy: Secrecy,
    /// RTCP's name for us on this leg (RFC 7022 section 4.2: random, for this session only).
    pub(super) cname: String,
    pub(super) liveness: Liveness,
    pub(super) report_due: Time,
    packets_at_report: u32,
}

/// When a peer was heard.
#[derive(Debug)]
pub(super) struct Liveness {
    /// When RTP of the peer came last, or when it was asked to send.
    heard_at: Time,
    /// When its silence was told last.
    told_at: Option<Time>,
}

impl Liveness {
    /// RTP of the peer came.
    pub(super) fn heard(&mut self, now: Time) {
        self.heard_at = now;
        self.told_at = None;
    }

    fn silent_for(&mut self, now: Time, limit: Duration) -> Option<Duration> {
        if now.since(self.told_at.unwrap_or(self.heard_at)) < limit {
            return None;
        }
        self.told_at = Some(now);
        Some(now.since(self.heard_at))
    }
}

/// What was negotiated, and where the peer really is.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) negotiated: Negotiated,
    pub(super) rtp: Latch,
    pub(super) rtcp: Latch,
    crypt: Option<Box<Crypt>>,
}

/// Both directions of an encrypted leg.
#[derive(Debug)]
struct Crypt {
    send: Sender,
    receive: Receiver,
}

impl Crypt {
    /// What goes on under `keys`: a direction whose key stays goes on counting.
    fn following(before: Option<Self>, old: Option<&SrtpKeys>, keys: &SrtpKeys) -> Self {
        let (mut send, mut receive) = (None, None);
        if let (Some(crypt), Some(old)) = (before, old) {
            send = (old.send == keys.send).then_some(crypt.send);
            let same = (&old.receive, old.receive_mki) == (&keys.receive, keys.receive_mki);
            receive = same.then_some(crypt.receive);
        }
        Crypt {
            send: send.unwrap_or_else(|| Sender::new(&keys.send)),
            receive: receive.unwrap_or_else(|| Receiver::new(&keys.receive, keys.receive_mki)),
        }
    }
}

impl Session {
    /// What a packet that came says, decrypted into `room` if the leg is encrypted. Whatever is not
    /// authentic then is not believed in anything.
    pub(super) fn open_rtp<'a>(
        &mut self,
        bytes: &'a [u8],
        room: &'a mut [u8],
    ) -> Result<&'a [u8], DropReason> {
        match &mut self.crypt {
            None => Ok(bytes),
            Some(crypt) => crypt.receive.unprotect_rtp(bytes, room).map_err(why_not),
        }
    }

    /// The same for RTCP.
    pub(super) fn open_rtcp<'a>(
        &mut self,
        bytes: &'a [u8],
        room: &'a mut [u8],
    ) -> Result<&'a [u8], DropReason> {
        match &mut self.crypt {
            None => Ok(bytes),
            Some(crypt) => crypt.receive.unprotect_rtcp(bytes, room).map_err(why_not),
        }
    }

    /// Encrypts the packet that is the first `len` bytes of `buffer`, if the leg is encrypted, and
    /// returns its length. A packet that cannot be encrypted must not be sent.
    pub(super) fn seal_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        match &mut self.crypt {
            None => Ok(len),
            Some(crypt) => crypt.send.protect_rtp(buffer, len).map_err(|error| match error {
                SrtpError::Replayed => DropReason::Late,
                SrtpError::Truncated | SrtpError::Unauthentic => DropReason::Malformed,
            }),
        }
    }

    /// The same for RTCP.
    pub(super) fn seal_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Option<usize> {
        match &mut self.crypt {
            None => Some(len),
            Some(crypt) => crypt.send.protect_rtcp(buffer, len).ok(),
        }
    }

    /// Where our packets may go now.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        match self.negotiated.direction {
            Direction::SendRecv | Direction::SendOnly => self.rtp.destination(),
            Direction::RecvOnly | Direction::Inactive => None,
        }
    }

    /// What a packet of that payload type carries; none if it was not agreed on. Peers mark what they
    /// send as we asked for, and some as they asked us to.
    pub(super) fn kind(&self, payload_type: u8) -> Option<Kind> {
        let Negotiated { codec, send, receive, .. } = self.negotiated;
        [receive, send].into_iter().find_map(|types| {
            if payload_type == types.voice {
                Some(Kind::Voice(codec))
            } else if Some(payload_type) == types.telephone_event {
                Some(Kind::TelephoneEvent)
            } else if Some(payload_type) == types.comfort_noise {
                Some(Kind::ComfortNoise)
            } else {
                None
            }
        })
    }

    /// Whether the peer sends.
    pub(super) fn receives(&self) -> bool {
        match self.negotiated.direction {
            Direction::SendRecv | Direction::RecvOnly => true,
            Direction::SendOnly | Direction::Inactive => false,
        }
    }
}

fn why_not(error: SrtpError) -> DropReason {
    match error {
        SrtpError::Truncated => DropReason::Malformed,
        SrtpError::Unauthentic => DropReason::Unauthentic,
        SrtpError::Replayed => DropReason::Replayed,
    }
}

impl Leg {
    pub(super) fn new(now: Time, entropy: &mut Entropy) -> Self {
        let out = Outgoing::new(entropy);
        let cname = entropy.token();
        Leg {
            session: None,
            out,
            hears: Hears::Nothing,
            heard_by: None,
            in_room: false,
            ear: None,
            keying: None,
            relayed_at: None,
            reception: Reception::default(),
            reported: Reported::default(),
            presses: Presses::default(),
            tones: None,
            player: None,
            transcoder: None,
            noise: None,
            hushed: false,
            between: false,
            waits: 0,
            counters: LegCounters::default(),
            recorded: None,
            secrecy: Secrecy::default(),
            cname,
            liveness: Liveness { heard_at: now, told_at: None },
            report_due: next_report(now, entropy),
            packets_at_report: 0,
        }
    }

    /// Takes what was negotiated.
    pub(super) fn negotiate(&mut self, now: Time, negotiated: Negotiated) {
        let Negotiated { remote, remote_rtcp, signalled_from, stranger, .. } = negotiated;
        let codec = negotiated.codec;
        self.tones = match self.tones.take() {
            _ if negotiated.receive.telephone_event.is_some() => None,
            Some(tones) if tones.codec == codec => Some(tones),
            Some(_) | None => Ears::new(codec),
        };
        self.reception.set_clock(codec.clock_hz());
        self.out.set_clock(codec.clock_hz(), negotiated.packet_ms);
        let mut player = Player::new(&negotiated);
        player.prepare(self.hears.clips());
        self.player = Some(player);
        let received_before = self.session.as_ref().is_some_and(Session::receives);
        match &mut self.session {
            Some(session) => {
                session.rtp.renegotiate(remote, signalled_from);
                session.rtcp.renegotiate(remote_rtcp, signalled_from);
                let (before, old) = (session.crypt.take(), session.negotiated.srtp.as_deref());
                session.crypt = negotiated
                    .srtp
                    .as_deref()
                    .map(|keys| Box::new(Crypt::following(before.map(|crypt| *crypt), old, keys)));
                session.negotiated = negotiated;
            }
            None => {
                let keys = negotiated.srtp.as_deref();
                self.session = Some(Session {
                    crypt: keys.map(|keys| Box::new(Crypt::following(None, None, keys))),
                    negotiated,
                    rtp: Latch::new(remote, signalled_from, stranger),
                    rtcp: Latch::new(remote_rtcp, signalled_from, stranger),
                });
            }
        }
        if !received_before {
            self.liveness.heard(now);
        }
    }

    /// The key that a packet tells of, if one begins to be pressed in it. Nobody listens for tones
    /// while another leg hears this one: then they are part of a conversation.
    pub(super) fn key(&mut self, kind: Kind, packet: &Packet<'_>) -> Option<(Key, Told)> {
        match kind {
            Kind::TelephoneEvent => {
                let code = self.presses.note(packet)?;
                Some((Key::from_event(code)?, Told::Event))
            }
            Kind::Voice(_) => {
                let tones = self
                    .tones
                    .as_mut()
                    .filter(|_| self.heard_by.is_none() || self.secrecy.listens())?;
                Some((tones.hear(packet.payload)?, Told::Tones))
            }
            Kind::ComfortNoise => None,
        }
    }

    /// Whether what the peer says now is kept from others.
    pub(super) fn is_secret(&mut self, now: Time) -> bool {
        let held = self.tones.as_ref().is_some_and(|tones| tones.detector.holds());
        self.secrecy.covers(now, held)
    }

    /// What it hears from now on; what it heard.
    pub(super) fn set_hears(&mut self, hears: Hears) -> Hears {
        if !matches!(hears, Hears::Nothing) {
            self.out.begin();
        }
        if let Some(player) = &mut self.player {
            player.prepare(hears.clips());
            if matches!(hears, Hears::Announcement(_)) {
                player.prepare_to_mix();
            }
        }
        (self.relayed_at, self.transcoder, self.noise, self.hushed) = (None, None, None, false);
        std::mem::replace(&mut self.hears, hears)
    }

    /// The leg that it hears pauses: until it speaks again this one hears noise as it says.
    pub(super) fn make_noise(&mut self, packet: &Packet<'_>) -> Result<(), DropReason> {
        let description = Description::parse(packet.payload).ok_or(DropReason::Malformed)?;
        match &mut self.noise {
            Some(noise) => noise.describe(&description),
            None => self.noise = Some(Noise::new(&description, packet.ssrc.0)),
        }
        Ok(())
    }

    /// Whether a packet of ours is due at one of its turns, which are 20 ms apart, or 10 if its
    /// packets are no multiple of that.
    pub(super) fn is_due(&mut self) -> bool {
        let Some(player) = &self.player else { return false };
        if let Some(waits) = self.waits.checked_sub(1) {
            self.waits = waits;
            return false;
        }
        self.waits = match player.packet_ms() {
            30 => 2,
            40 => 1,
            _ => 0,
        };
        true
    }

    /// Whether a turn begins a frame of 20 ms: every one, or every other one if there are two.
    pub(super) fn is_whole_turn(&mut self) -> bool {
        self.between = self.is_double() && !self.between;
        !self.between
    }

    /// Whether it has two turns in 20 ms.
    pub(super) fn is_double(&self) -> bool {
        self.player.as_ref().is_some_and(|player| !player.packet_ms().is_multiple_of(20))
    }

    /// How long a peer that should send has been silent, if it is time to tell.
    pub(super) fn silent_for(&mut self, now: Time, limit: Duration) -> Option<Duration> {
        if !self.session.as_ref().is_some_and(Session::receives) {
            return None;
        }
        self.liveness.silent_for(now, limit)
    }

    /// Whether we have sent since the last report; sets when the next is due.
    pub(super) fn begin_report(&mut self, now: Time, entropy: &mut Entropy) -> bool {
        self.report_due = next_report(now, entropy);
        let sent = self.out.packets != self.packets_at_report;
        self.packets_at_report = self.out.packets;
        sent
    }

    /// Copies the packet that is due at `at` from whatever the leg hears of ours to the front of `out`,
    /// and says how long it is and what comes after it.
    pub(super) fn packet(&mut self, at: Time, out: &mut [u8; MAX_BYTES]) -> (usize, After) {
        let Some(player) = &mut self.player else { return (0, After::GoesOn) };
        let len = match &mut self.hears {
            Hears::Nothing | Hears::Room => player.silence(out),
            Hears::Peer(_) => match &mut self.noise {
                None => player.silence(out),
                Some(noise) => match self.transcoder.as_mut() {
                    None => player.noise(noise, out),
                    Some(transcoder) => {
                        let payload = transcoder.comfort(noise);
                        out[..payload.len()].copy_from_slice(payload);
                        payload.len()
                    }
                },
            },
            Hears::Music(clip) => player.music(clip, at, out),
            Hears::Announcement(announcement) => {
                let (len, next) = player.announcement(announcement, at, out);
                let after = match next {
                    Next::GoesOn => After::GoesOn,
                    Next::Played(play) => After::Played(play),
                    Next::Over => {
                        self.hears = Hears::Music(announcement.music.clone());
                        After::GoesOn
                    }
                };
                return (len, after);
            }
            Hears::Prompts(prompts) => {
                let (len, last) = player.prompts(prompts, out);
                let after = if last { After::Played(prompts.play) } else { After::GoesOn };
                return (len, after);
            }
        };
        (len, After::GoesOn)
    }
}

/// Hears keys in a voice of any codec.
#[derive(Debug)]
struct Ears {
    codec: Codec,
    detector: Detector,
    /// For a codec whose bytes are not samples.
    decoder: Option<Decoder>,
    samples: Box<[i16]>,
}

impl Ears {
    fn new(codec: Codec) -> Option<Box<Self>> {
        let (decoder, room) = match codec.law() {
            Some(_) => (None, 0),
            None => (Some(Decoder::new(codec, Rate::Narrow)?), MAX_SAMPLES),
        };
        let (detector, samples) = (Detector::new(), vec![0; room].into_boxed_slice());
        Some(Box::new(Ears { codec, detector, decoder, samples }))
    }

    fn hear(&mut self, payload: &[u8]) -> Option<Key> {
        match (&mut self.decoder, self.codec.law()) {
            (Some(decoder), _) => {
                let len = decoder.decode(payload, &mut self.samples)?;
                self.detector.hear(self.samples.get(..len)?.iter().copied())
            }
            (None, law) => {
                let law = law?;
                self.detector.hear(payload.iter().map(|byte| law.decode(*byte)))
            }
        }
    }
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Voice(Codec),
    TelephoneEvent,
    ComfortNoise,
}

/// What comes after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// More of the same.
    GoesOn,
    /// It was the playback's last.
    Played(super::command::PlayId),
}

fn next_report(now: Time, entropy: &mut Entropy) -> Time {
    let mean = REPORT_EVERY.as_micros() as u32;
    now + Duration::from_micros(u64::from(mean / 2 + entropy.below(mean)))
}
