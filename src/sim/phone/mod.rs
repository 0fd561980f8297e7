//! A telephone: a SIP user agent with one line, without sockets or clock.
//!
//! It registers with digest, rings and is rung, cancels, hangs up, presses keys and listens. It
//! behaves on a bad network as RFC 3261 asks, and can be told to misbehave ([`Quirks`]).

pub mod digest;
mod early;
mod hold;
mod incoming;
mod leg;
mod message;
mod outgoing;
mod refresh;
mod registration;
mod sdp;
mod transaction;
mod transfer;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rsip::headers::untyped::UntypedHeader;
use rsip::message::HasHeaders;
use rsip::{Header, Method, SipMessage, headers};

use crate::id::Entropy;
use crate::media::command::Key as Digit;
use crate::time::Time;

use self::digest::{Algorithm, Challenge};
use self::leg::{Leg, State};
pub use self::refresh::Extensions;
use self::registration::Registration;
use self::transaction::{Expired, GIVE_UP, Transactions};
use super::secrecy::{self, Secrecy};
use super::tone::{Law, Sound};
use super::voice::Voice;

/// What a phone is set up with.
#[derive(Debug, Clone)]
pub struct PhoneSettings {
    /// The user part of its address: a number, or an adviser's id.
    pub user: String,
    /// The display name, if it sends one.
    pub display: Option<String>,
    /// The password, if it registers or is challenged.
    pub password: Option<String>,
    /// Its own signalling address.
    pub signalling: SocketAddr,
    /// Its own RTP address.
    pub rtp: SocketAddr,
    /// Where the central number is served.
    pub server: SocketAddr,
    /// Speaks over a connection, which it opens.
    pub tcp: bool,
    /// Codecs in order of preference. None at all: it offers G.729 only.
    pub codecs: Vec<Law>,
    /// Digest algorithms that it can do; the first challenge that fits is taken.
    pub algorithms: Vec<Algorithm>,
    /// Withholds its number (RFC 3323).
    pub withheld: bool,
    /// What it sends while a call is up.
    pub sound: Sound,
    /// Whether it encrypts its voice.
    pub secrecy: Option<Secrecy>,
    /// What it can besides the basics.
    pub extensions: Extensions,
    /// Misbehaviour.
    pub quirks: Quirks,
}

impl PhoneSettings {
    /// A well-behaved phone that sends silence.
    pub fn new(user: &str, signalling: SocketAddr, rtp: SocketAddr, server: SocketAddr) -> Self {
        PhoneSettings {
            user: user.to_owned(),
            display: None,
            password: None,
            signalling,
            rtp,
            server,
            tcp: false,
            codecs: vec![Law::A, Law::Mu],
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            withheld: false,
            sound: Sound::Silence,
            secrecy: None,
            extensions: Extensions::default(),
            quirks: Quirks::default(),
        }
    }
}

/// How a phone misbehaves. The default is not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// Acknowledges a 200 only so long after it.
    pub ack_after: Option<Duration>,
    /// Never acknowledges a 200.
    pub never_acks: bool,
    /// Sends its INVITE without an offer; the answer comes in the ACK.
    pub late_offer: bool,
    /// Takes a new key whenever it describes itself anew, as many phones do.
    pub renews_key: bool,
    /// Takes an offer of encrypted voice for one of plain voice.
    pub ignores_encryption: bool,
    /// Does not tell keys as RFC 4733 events: they are tones in its voice.
    pub no_keys: bool,
    /// Answers an INVITE even after its CANCEL: the two have crossed.
    pub deaf_to_cancel: bool,
    /// Vanishes: neither sends nor hears anything.
    pub unplugged: bool,
}

/// A phone's two sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// SIP.
    Signalling,
    /// RTP.
    Voice,
}

/// A datagram to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneTransmit {
    /// From which socket.
    pub line: Line,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: Bytes,
}

/// What happens on a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneEvent {
    /// Registered, or refreshed.
    Registered,
    /// The registration was removed.
    Unregistered,
    /// Not registered: this status, or 408 for no reply at all.
    NotRegistered(u16),
    /// Whom we rang is being alerted.
    Ringing,
    /// Whom we rang lets us hear something before the answer.
    EarlyMedia,
    /// Whom we rang answered.
    Answered,
    /// Whom we rang did not answer: the final status, or 408 for no reply at all.
    Refused {
        /// The status.
        status: u16,
        /// `Retry-After`, in seconds.
        retry_after_s: Option<u32>,
    },
    /// Somebody rings: [`Phone::ring`], [`Phone::answer`] or [`Phone::reject`].
    Incoming {
        /// The display name shown.
        display: String,
        /// The user part shown.
        user: String,
    },
    /// Whoever rang gave up.
    Cancelled,
    /// What we answered was acknowledged: both talk.
    Established,
    /// Whoever is on the line waits on hold.
    Held,
    /// Talking again with whoever was on hold.
    Resumed,
    /// The other side refused to wait or to come back.
    HoldRefused(u16),
    /// The other side takes the transfer in hand.
    TransferAccepted,
    /// The other side refuses the transfer; the call goes on.
    TransferRefused(u16),
    /// The other side tells how the new call of the transfer goes. Once it is up the phone hangs up.
    TransferProgress(u16),
    /// Somebody else is on the line now, by a transfer of theirs.
    Replaced,
    /// The call is over; `true` if the other side hung up, `false` if we did or nobody could.
    Ended {
        /// See above.
        by_peer: bool,
    },
}

/// A telephone.
#[derive(Debug)]
pub struct Phone {
    settings: PhoneSettings,
    entropy: Entropy,
    transactions: Transactions,
    legs: Vec<Leg>,
    legs_made: u64,
    registration: Option<Registration>,
    challenge: Option<Challenge>,
    voice: Voice,
    /// The leg that the voice belongs to, by its number.
    talking: Option<u64>,
    events: VecDeque<PhoneEvent>,
}

impl Phone {
    /// A phone at rest.
    pub fn new(settings: PhoneSettings, entropy: Entropy) -> Self {
        Phone {
            voice: Voice::new(settings.sound, settings.secrecy),
            settings,
            entropy,
            transactions: Transactions::default(),
            legs: Vec::new(),
            legs_made: 0,
            registration: None,
            challenge: None,
            talking: None,
            events: VecDeque::new(),
        }
    }

    /// What it was set up with.
    pub fn settings(&self) -> &PhoneSettings {
        &self.settings
    }

    /// Changes its misbehaviour.
    pub fn set_quirks(&mut self, quirks: Quirks) {
        self.settings.quirks = quirks;
    }

    /// Its voice and ear.
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Whether a call is up, or on its way up or down.
    pub fn is_busy(&self) -> bool {
        self.current().is_some()
    }

    /// Transactions and dialogs under way or remembered: 0 some time after everything is over.
    pub fn load(&self) -> usize {
        self.transactions.len() + self.legs.len()
    }

    /// What to send from now on.
    pub fn say(&mut self, sound: Sound) {
        self.voice.say(sound);
    }

    /// Presses keys one after the other; what is not a key is left out.
    pub fn press(&mut self, keys: &str) {
        for key in keys.chars().filter_map(Digit::from_char) {
            self.voice.press(key);
        }
    }

    /// Takes in a datagram. Never panics, whatever the bytes.
    pub fn handle_datagram(&mut self, now: Time, line: Line, from: SocketAddr, bytes: &[u8]) {
        if self.settings.quirks.unplugged {
            return;
        }
        match line {
            Line::Voice => self.voice.handle_packet(now, from, bytes),
            Line::Signalling => match message::read(bytes) {
                Some((SipMessage::Request(request), key)) => {
                    self.handle_request(now, from, request, key);
                }
                Some((SipMessage::Response(response), key)) => {
                    self.handle_response(now, SipMessage::Response(response), key);
                }
                None => {}
            },
        }
    }

    /// When [`Phone::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let legs = self.legs.iter().flat_map(|leg| {
            let until = if let State::Over(until) = leg.state { Some(until) } else { None };
            let repeat = leg.reliable.as_ref().map(|one| one.next_at);
            let up = leg.session.filter(|_| leg.state == State::Up);
            let session =
                up.map(|one| one.refresh_at.map_or(one.over_at, |at| at.min(one.over_at)));
            [until, leg.ack_at, leg.change_at.map(|(at, _)| at), repeat, session]
        });
        legs.flatten()
            .chain(self.transactions.poll_timeout())
            .chain(self.voice.poll_timeout())
            .chain(self.registration.as_ref().and_then(Registration::refresh_at))
            .min()
    }

    /// Lets everything happen that is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.voice.handle_timeout(now);
        for expired in self.transactions.handle_timeout(now) {
            self.handle_expired(now, expired);
        }
        self.send_late_acks(now);
        self.change_again(now);
        self.repeat_early(now);
        self.run_sessions(now);
        self.legs.retain(|leg| !matches!(leg.state, State::Over(until) if until <= now));
        if self.registration.as_mut().is_some_and(|one| one.take_refresh(now)) {
            self.send_register(now);
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<PhoneTransmit> {
        let signalling = self.transactions.out.pop_front();
        let found = signalling
            .map(|(to, bytes)| {
                let bytes = if self.settings.tcp {
                    message::over_tcp(bytes, self.settings.signalling)
                } else {
                    bytes
                };
                PhoneTransmit { line: Line::Signalling, to, bytes }
            })
            .or_else(|| {
                let (to, bytes) = self.voice.poll_transmit()?;
                Some(PhoneTransmit { line: Line::Voice, to, bytes })
            });
        if self.settings.quirks.unplugged && found.is_some() {
            self.transactions.out.clear();
            while self.voice.poll_transmit().is_some() {}
            return None;
        }
        found
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }

    /// Hangs up, gives up ringing, or refuses, whatever the state of the call asks for.
    pub fn hang_up(&mut self, now: Time) {
        let Some(at) = self.current() else { return };
        match self.legs.get(at).map(|leg| leg.state) {
            Some(State::Calling(_)) => self.set_state(at, State::Calling(true)),
            Some(State::Proceeding) => self.send_cancel(now, at),
            Some(State::Offered) => self.reject(now, 480),
            Some(State::Answered(_)) => {
                self.hush(self.legs.get(at).map(|leg| leg.number));
                self.set_state(at, State::Answered(true));
            }
            Some(State::Up) => {
                self.send_bye(now, at);
                self.end(now, at, false);
            }
            Some(State::Cancelling | State::Over(_)) | None => {}
        }
    }

    /// The call that the person is at: one on hold only if there is no other.
    fn current(&self) -> Option<usize> {
        let (at_hand, on_hold): (Vec<usize>, Vec<usize>) =
            (0..self.legs.len()).filter(|at| !self.is_over(*at)).partition(|at| !self.is_held(*at));
        at_hand.first().or(on_hold.first()).copied()
    }

    fn is_over(&self, at: usize) -> bool {
        self.legs.get(at).is_none_or(Leg::is_over)
    }

    fn numbered(&self, number: Option<u64>) -> Option<usize> {
        self.legs.iter().position(|leg| Some(leg.number) == number)
    }

    fn set_state(&mut self, at: usize, state: State) {
        if let Some(leg) = self.legs.get_mut(at) {
            leg.state = state;
        }
    }

    fn next_number(&mut self) -> u64 {
        self.legs_made += 1;
        self.legs_made
    }

    fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.entropy.token())
    }

    fn contact(&self) -> Header {
        let (user, at) = (&self.settings.user, self.settings.signalling);
        let over = if self.settings.tcp { ";transport=tcp" } else { "" };
        Header::Contact(headers::Contact::new(format!("<sip:{user}@{at}{over}>")))
    }

    /// What can be said on a leg.
    fn words(&self, at: Option<usize>) -> sdp::Words {
        let PhoneSettings { rtp, codecs, secrecy, quirks, .. } = &self.settings;
        let key = at.and_then(|at| self.legs.get(at)).map_or([0; 30], |leg| leg.key);
        sdp::Words {
            rtp: *rtp,
            codecs: codecs.clone(),
            secrecy: *secrecy,
            ignores_encryption: quirks.ignores_encryption,
            tells_keys: !quirks.no_keys,
            key,
        }
    }

    fn new_key(&mut self) -> secrecy::Key {
        let mut key = [0; 30];
        if self.settings.secrecy.is_some() {
            self.entropy.fill(&mut key);
        }
        key
    }

    fn talk(&mut self, now: Time, at: usize) {
        let Some(leg) = self.legs.get(at) else { return };
        let (Some(stream), number) = (leg.stream, leg.number) else { return };
        if self.talking != Some(number) {
            self.hush(self.talking);
            self.talking = Some(number);
        }
        self.voice.start(now, stream, &mut self.entropy);
    }

    /// Stops the voice if it belongs to this leg.
    fn hush(&mut self, leg: Option<u64>) {
        if leg.is_some() && self.talking == leg {
            self.talking = None;
            self.voice.stop();
        }
    }

    fn end(&mut self, now: Time, at: usize, by_peer: bool) {
        self.hush(self.legs.get(at).map(|leg| leg.number));
        self.set_state(at, State::Over(now + GIVE_UP));
        self.events.push_back(PhoneEvent::Ended { by_peer });
    }

    fn send_bye(&mut self, now: Time, at: usize) {
        let branch = self.branch();
        let via = self.settings.signalling;
        let Some(leg) = self.legs.get_mut(at) else { return };
        leg.seq += 1;
        let bytes = leg.outline(Method::Bye, leg.seq, branch.clone(), via).build();
        self.transactions.request(now, branch, Method::Bye, Some(leg.number), leg.peer, bytes);
    }

    fn handle_expired(&mut self, now: Time, expired: Expired) {
        match expired {
            Expired::NoResponse { method: Method::Register, .. } => self.register_failed(408),
            Expired::NoResponse { method: Method::Invite, leg } => {
                if let Some(at) = self.numbered(leg) {
                    match self.legs.get(at).is_some_and(|leg| leg.change.is_some()) {
                        true => self.change_refused(now, at, 408),
                        false => self.refused(now, at, 408, None),
                    }
                }
            }
            Expired::NoResponse { method: Method::Refer, .. } => self.refer_answered(408),
            // A BYE or CANCEL that nobody answers changes nothing: we have hung up.
            Expired::NoResponse { .. } => {}
            Expired::NoAck { leg } => {
                let answered = |leg: &Leg| matches!(leg.state, State::Answered(_));
                if let Some(at) = self.numbered(leg)
                    && self.legs.get(at).is_some_and(answered)
                {
                    self.send_bye(now, at);
                    self.end(now, at, false);
                }
            }
        }
    }

    fn handle_response(&mut self, now: Time, message: SipMessage, key: message::Key) {
        let SipMessage::Response(response) = &message else { return };
        let status = response.status_code.code();
        let leg = self.legs.iter().position(|leg| leg.owns(&key.call_id, Some(&key.from_tag)));
        if (200..300).contains(&status) && key.method == Method::Invite {
            // A 2xx belongs to the dialog, not to the transaction: it may come again at any time
            // until its ACK arrives (RFC 3261 section 13.2.2.4).
            let _ = self.transactions.response(now, &key, status, Bytes::new);
            if let Some(at) = leg {
                self.invite_accepted(now, at, &message, &key);
            }
            return;
        }
        let ack = leg.and_then(|at| self.failure_ack(at, &key));
        let news = self.transactions.response(now, &key, status, || ack.unwrap_or_default());
        let Some(owner) = news else { return };
        match key.method {
            Method::Register => self.register_answered(now, &message, status, &key),
            Method::Update if (200..300).contains(&status) => {
                if let Some(at) = self.numbered(owner) {
                    self.take_session(now, at, &message);
                }
            }
            Method::Invite => {
                if let Some(at) = self.numbered(owner) {
                    if (101..200).contains(&status) {
                        self.heard_early(now, at, &message, &key);
                    }
                    self.invite_answered(now, at, &message, status);
                }
            }
            Method::Refer => self.refer_answered(status),
            // 487 ends the INVITE, not the answer to the CANCEL; a BYE's answer changes nothing.
            _ => {}
        }
    }
}

/// The values of every challenge in a response, with whether a proxy made it.
fn challenges(message: &SipMessage) -> Vec<(String, bool)> {
    let of = |header: &Header| match header {
        Header::WwwAuthenticate(value) => Some((value.value().to_owned(), false)),
        Header::ProxyAuthenticate(value) => Some((value.value().to_owned(), true)),
        _ => None,
    };
    message.headers().iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
