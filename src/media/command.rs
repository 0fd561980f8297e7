//! The only words between control and media.
//!
//! Control sends [`Command`]s and reads [`Event`]s; neither waits for the other. Commands for a
//! leg are carried out in the order in which they were sent.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

pub use super::tap::TapId;
pub use super::vad::Speech;
use crate::event::LegQuality;
use crate::id::{LegId, PromptName, RecordingId};
pub use crate::rtp::srtp::{MasterKey, Mki, Suite};

/// A voice codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// G.711 mu-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus (RFC 6716), one channel.
    Opus,
}

/// Which way audio may flow on a leg, from our side (RFC 3264 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// We only send.
    SendOnly,
    /// We only receive.
    RecvOnly,
    /// Neither.
    Inactive,
}

/// Whether a peer's audio is encrypted (SRTP, RFC 3711). A setting of agents and trunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// Never: who insists on it is refused.
    Off,
    /// If the peer offers it; offered by us where the signalling that carries the keys is encrypted.
    #[default]
    Optional,
    /// Always: who does not is refused.
    Required,
}

/// The keys of an encrypted leg. However they were agreed on, media need no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// What we send is encrypted with this.
    pub send: MasterKey,
    /// What the peer sends is encrypted with this.
    pub receive: MasterKey,
    /// The identifier of the peer's key, if its packets carry one.
    pub receive_mki: Option<Mki>,
}

/// What offer and answer agreed on for a leg: everything that media needs to know of SDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Where to send RTP: the peer's address from its SDP.
    pub remote: SocketAddr,
    /// Where to send RTCP (RFC 3605 `a=rtcp`, else the RTP port plus one).
    pub remote_rtcp: SocketAddr,
    /// The address that the peer's signalling came from: RTP from another port or address is
    /// latched onto only if it comes from here or from `remote`'s address.
    pub signalled_from: IpAddr,
    /// Nobody vouches for the peer: nothing is sent to an address that is not its signalling's before
    /// something has come from there. Else anybody could have us send voice to anybody.
    pub stranger: bool,
    /// The codec in both directions.
    pub codec: Codec,
    /// What we send is marked with these payload types: the peer's.
    pub send: PayloadTypes,
    /// What the peer sends is marked with these: ours.
    pub receive: PayloadTypes,
    /// Ticks of telephone-event's clock in a second: those of the codec's, but for phones that know
    /// only 8,000.
    pub event_clock_hz: u32,
    /// How long each of our own packets is, in milliseconds: 10, 20, 30 or 40, as the peer wishes
    /// (`a=ptime`, which is a wish: what is relayed keeps its length).
    pub packet_ms: u8,
    /// What no packet to the peer may exceed (`a=maxptime`, which is a limit), at least 10 ms: what is
    /// relayed is put into other packets if it does.
    pub max_packet_ms: Option<u8>,
    /// How the peer wants Opus.
    pub opus: OpusSettings,
    /// RTP and RTCP share the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    /// Which way audio flows, from our side.
    pub direction: Direction,
    /// The keys, if audio and reports are encrypted. While they stay the same, packets go on being
    /// counted; other keys begin afresh.
    pub srtp: Option<Box<SrtpKeys>>,
}

/// Names a room: where more than two hear each other, or not everybody hears everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub u64);

/// What a leg in a room may do.
pub type Part = super::mixer::Part<LegId>;

impl Negotiated {
    /// Whether a packet of so many milliseconds is longer than the peer takes.
    pub fn exceeds(&self, packet_ms: usize) -> bool {
        self.max_packet_ms.is_some_and(|most| packet_ms > usize::from(most))
    }

    /// Plain audio with a peer at `remote`, as most agree on it: 20 ms, both ways, keys as events.
    pub fn plain(remote: SocketAddr, codec: Codec) -> Self {
        let types = PayloadTypes {
            voice: codec.static_payload_type().unwrap_or(PayloadTypes::OPUS),
            telephone_event: Some(PayloadTypes::TELEPHONE_EVENT),
            comfort_noise: None,
        };
        Negotiated {
            remote,
            remote_rtcp: SocketAddr::new(remote.ip(), remote.port().saturating_add(1)),
            signalled_from: remote.ip(),
            stranger: false,
            codec,
            send: types,
            receive: types,
            event_clock_hz: codec.clock_hz(),
            packet_ms: 20,
            max_packet_ms: None,
            opus: OpusSettings::default(),
            rtcp_mux: false,
            direction: Direction::SendRecv,
            srtp: None,
        }
    }
}

/// The payload types of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadTypes {
    /// The codec's.
    pub voice: u8,
    /// Telephone-event's (RFC 4733), at the codec's clock rate, if agreed on.
    pub telephone_event: Option<u8>,
    /// Comfort noise's (RFC 3389), if agreed on; only beside G.711.
    pub comfort_noise: Option<u8>,
}

impl PayloadTypes {
    /// Opus in our offers; nothing fixes it.
    pub const OPUS: u8 = 111;
    /// Telephone-event at 8 kHz in our offers.
    pub const TELEPHONE_EVENT: u8 = 101;
    /// Telephone-event at 48 kHz in our offers.
    pub const TELEPHONE_EVENT_48: u8 = 110;
    /// Comfort noise at 8 kHz, everywhere (RFC 3551 section 6).
    pub const COMFORT_NOISE: u8 = 13;
}

/// How we encode Opus for a peer: what its description asks for (RFC 7587 section 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusSettings {
    /// Bits in a second, at most.
    pub bit_rate_bps: u32,
    /// Each packet says in short what the one before it held.
    pub fec: bool,
    /// Silence is left out.
    pub dtx: bool,
}

impl OpusSettings {
    /// Our bit rate where the peer sets no lower limit: wide-band voice with room for FEC.
    pub const BIT_RATE_BPS: u32 = 24_000;
}

impl Default for OpusSettings {
    /// As a description without parameters has it.
    fn default() -> Self {
        OpusSettings { bit_rate_bps: OpusSettings::BIT_RATE_BPS, fec: false, dtx: false }
    }
}

/// Identifies one playback on a leg, so that a late "finished" is not taken for a newer one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayId(pub u64);

/// What control asks of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Opens a leg: reserves an RTP and an RTCP port. Answered by [`Event::Opened`] or
    /// [`Event::OpenFailed`].
    Open {
        /// The new leg.
        leg: LegId,
        /// A leg that this one will hear: both then live on the same media thread.
        beside: Option<LegId>,
    },
    /// Sets or changes what was negotiated. The leg sends from now on (silence, until told what to
    /// play), so that media starts from our side on answer.
    Negotiate {
        /// Which leg.
        leg: LegId,
        /// What was agreed on.
        negotiated: Negotiated,
    },
    /// Plays prompts one after the other, replacing whatever the leg heard. Answered by
    /// [`Event::Played`] when all have been sent, unless replaced or stopped before.
    Play {
        /// Which leg hears them.
        leg: LegId,
        /// Echoed in [`Event::Played`].
        play: PlayId,
        /// Which prompts; a name that is not in the bank is skipped and counted.
        prompts: Vec<PromptName>,
    },
    /// Plays prompts over the music that the leg hears, which goes on more quietly (by 15 dB) meanwhile and
    /// is as loud as before afterwards. As [`Command::Play`] for a leg that hears no music.
    Announce {
        /// Which leg hears them.
        leg: LegId,
        /// Echoed in [`Event::Played`].
        play: PlayId,
        /// Which prompts; a name that is not in the bank is skipped and counted.
        prompts: Vec<PromptName>,
    },
    /// Plays music on hold until something else is asked for. The music goes on where it is for
    /// everybody who hears it.
    Music {
        /// Which leg hears it.
        leg: LegId,
        /// Which music, a name in the bank (`music/hold`).
        music: PromptName,
    },
    /// Plays nothing: silence.
    Quiet {
        /// Which leg.
        leg: LegId,
    },
    /// Joins two legs so that they hear each other: same codec is relayed packet by packet.
    Bridge {
        /// One leg.
        a: LegId,
        /// The other.
        b: LegId,
    },
    /// Parts a leg from whatever it is bridged to; both then hear silence.
    Unbridge {
        /// Either of the two legs.
        leg: LegId,
    },
    /// Records a leg, or not: what comes from it, and what we send to it.
    Record {
        /// Which leg.
        leg: LegId,
        /// What to do.
        order: RecordOrder,
    },
    /// Takes a leg into a room, from whatever it was bridged to: it hears the others there and is heard by
    /// them, as its part says. A room begins with the first leg in it and ends with the last. A leg
    /// that is in the room already gets another part. What is played to it ([`Command::Play`],
    /// [`Command::Music`], [`Command::Quiet`]) it hears instead of the room, and is heard there all the
    /// same.
    Join {
        /// Which leg.
        leg: LegId,
        /// Which room; all its legs are opened beside each other.
        room: RoomId,
        /// What the leg may do there.
        part: Part,
    },
    /// Takes a leg out of its room; it then hears silence.
    Leave {
        /// Which leg.
        leg: LegId,
    },
    /// Presses keys towards a leg's peer, one after the other: as telephone-events if they were agreed on,
    /// else as tones. Meanwhile the peer hears nothing else.
    SendKeys {
        /// Which leg.
        leg: LegId,
        /// Which keys.
        keys: Vec<Key>,
    },
    /// Listens for whether the leg's peer speaks, or no longer. Told by [`Event::Speech`].
    Listen {
        /// Which leg.
        leg: LegId,
        /// What for.
        listen: Listen,
    },
    /// Writes what the leg's peer says to a tap that the media thread has been given
    /// ([`super::Plane::provide_tap`]), or to none any more.
    Tap {
        /// Which leg.
        leg: LegId,
        /// Which tap; each is used once.
        tap: Option<TapId>,
    },
    /// What a leg's peer says is secret, or is no longer: its keys are told as [`Event::SecretKey`] and
    /// reach nobody who hears the leg.
    Secret {
        /// Which leg.
        leg: LegId,
        /// Whether it is.
        on: bool,
    },
    /// Closes a leg and frees its ports. Answered by [`Event::Closed`]. Idempotent.
    Close {
        /// Which leg.
        leg: LegId,
    },
}

impl Command {
    /// The leg that the command is addressed to (for a bridge, the first).
    pub fn leg(&self) -> LegId {
        match self {
            Command::Open { leg, .. }
            | Command::Negotiate { leg, .. }
            | Command::Play { leg, .. }
            | Command::Announce { leg, .. }
            | Command::Music { leg, .. }
            | Command::Quiet { leg }
            | Command::Unbridge { leg }
            | Command::Join { leg, .. }
            | Command::Leave { leg }
            | Command::SendKeys { leg, .. }
            | Command::Listen { leg, .. }
            | Command::Tap { leg, .. }
            | Command::Record { leg, .. }
            | Command::Secret { leg, .. }
            | Command::Close { leg } => *leg,
            Command::Bridge { a, .. } => *a,
        }
    }
}

/// What becomes of a leg's recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordOrder {
    /// Begins one, or goes on with one that another leg has left.
    Begin(RecordingId),
    /// Copies nothing until it is resumed. The time passes in the recording, too.
    Pause,
    /// Goes on.
    Resume,
    /// The recording goes on with another leg.
    Leave,
    /// Ends it. A leg that is closed ends its own.
    End,
}

/// A key of the telephone keypad (RFC 4733 events 0 to 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u8);

impl Key {
    /// `#`.
    pub const HASH: Key = Key(b'#');
    /// `0`.
    pub const ZERO: Key = Key(b'0');

    /// The key of an RFC 4733 event code; none above 15.
    pub fn from_event(code: u8) -> Option<Key> {
        b"0123456789*#ABCD".get(usize::from(code)).map(|c| Key(*c))
    }

    /// The key that `c` names (`0`-`9`, `*`, `#`, `A`-`D`).
    pub fn from_char(c: char) -> Option<Key> {
        u8::try_from(c).ok().filter(|c| b"0123456789*#ABCD".contains(c)).map(Key)
    }

    /// The RFC 4733 event code.
    pub fn event(self) -> u8 {
        b"0123456789*#ABCD".iter().position(|c| *c == self.0).map_or(0, |at| at as u8)
    }

    /// The character that names it.
    pub fn as_char(self) -> char {
        char::from(self.0)
    }
}

/// What the speech of a peer is listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Listen {
    /// Nobody listens.
    #[default]
    Off,
    /// It is told.
    Tell,
    /// It is told, and what plays to the peer stops when it begins to speak.
    Interrupt,
}

/// A key that must not be kept, shown or written anywhere: one of a payment card's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretKey(Key);

impl SecretKey {
    /// A key that is secret from here on.
    pub fn new(key: Key) -> SecretKey {
        SecretKey(key)
    }

    /// The key, for whoever it is meant for.
    pub fn reveal(self) -> Key {
        self.0
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

/// How a key was told, the least reliable way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// Tones in the voice (ITU-T Q.23), where keys cannot be told apart from it.
    Tones,
    /// A SIP INFO.
    Info,
    /// A telephone-event (RFC 4733).
    Event,
}

/// Packets of a leg over its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegCounters {
    /// RTP packets received and accepted.
    pub received: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets dropped for any reason.
    pub dropped: u64,
}

/// Why a leg could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Every port of the range is in use.
    #[error("every RTP port of the range is in use")]
    NoFreePort,
    /// The operating system refused (descriptors, memory, address).
    #[error("the operating system refused a socket")]
    Refused,
}

/// What media tells control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The leg has ports. The address is for SDP: never unspecified.
    Opened {
        /// Which leg.
        leg: LegId,
        /// Its advertised RTP address; RTCP is the port above.
        local: SocketAddr,
    },
    /// The leg could not be opened; it does not exist.
    OpenFailed {
        /// Which leg.
        leg: LegId,
        /// Why.
        error: OpenError,
    },
    /// All prompts of a playback have been sent.
    Played {
        /// Which leg.
        leg: LegId,
        /// Which playback.
        play: PlayId,
    },
    /// The peer pressed a key: once for each press, however many packets told of it.
    Key {
        /// On which leg.
        leg: LegId,
        /// Which key.
        key: Key,
        /// How.
        told: Told,
    },
    /// The peer has begun to speak, or has not spoken for a while. Told while it is listened for
    /// ([`Command::Listen`]).
    Speech {
        /// On which leg.
        leg: LegId,
        /// Which of the two.
        speech: Speech,
    },
    /// The same while what the peer says is secret.
    SecretKey {
        /// On which leg.
        leg: LegId,
        /// Which key.
        key: SecretKey,
        /// How.
        told: Told,
    },
    /// No RTP has come for the silence limit although the peer should send. Repeats no more often
    /// than the limit.
    Silent {
        /// On which leg.
        leg: LegId,
        /// For how long, in milliseconds.
        for_ms: u64,
        /// Whether any RTP had come on this leg before: then the audio *stopped*.
        ever_heard: bool,
    },
    /// The leg is closed.
    Closed {
        /// Which leg.
        leg: LegId,
        /// Its packets.
        counters: LegCounters,
        /// How it sounded.
        quality: LegQuality,
    },
}
