//! What happens to the engine as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{
    AgentId, AwayReason, BackendName, BulletinName, PhoneName, QueueName, TrunkName, WrapUpCode,
};
use crate::time::UnixMicros;

use super::{BanReason, OutboundRefusal, Standing, UnbanReason};

/// The thresholds in force for a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettingsInForce {
    /// Which queue.
    pub queue: QueueName,
    /// Its name as shown to people ("Waste and recycling").
    pub title: String,
    /// The standard, in microseconds (60 s unless set otherwise).
    pub standard_us: u64,
    /// A hang-up earlier than this is a short abandon, in microseconds (5 s unless set otherwise).
    pub short_abandon_us: u64,
    /// The agents who have its skills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served_by: Vec<AgentId>,
    /// How long it is remembered who spoke with a number last, in microseconds; none if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_agent_within_us: Option<u64>,
}

/// What advisers can say of conversations, as far as figures and pages need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapUpInForce {
    /// The codes and their words.
    pub codes: BTreeMap<WrapUpCode, String>,
    /// Which of them fit which queue.
    pub queues: BTreeMap<QueueName, QueueWrapUpInForce>,
    /// Whoever rings the same queue again within this is a repeat contact, in microseconds.
    pub repeat_us: u64,
}

impl Default for WrapUpInForce {
    fn default() -> Self {
        const WEEK_US: u64 = 7 * 86_400 * 1_000_000;
        WrapUpInForce { codes: BTreeMap::new(), queues: BTreeMap::new(), repeat_us: WEEK_US }
    }
}

/// The same of one queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueWrapUpInForce {
    /// Its codes.
    pub codes: Vec<WrapUpCode>,
    /// Whether its advisers must give one.
    pub required: bool,
}

/// A reason for which agents are not ready.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AwayInForce {
    /// Its name as shown to people ("Lunch").
    pub title: String,
    /// How long it may be at a time, in microseconds; as long as it takes if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_us: Option<u64>,
    /// How many may be not ready for it at once; all of them if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u64>,
}

/// Something that happened to the engine as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SystemEvent {
    /// The engine started.
    Started {
        /// Its version.
        version: String,
    },
    /// The thresholds from here on. Written at each start and reload: a replay needs no settings.
    SettingsInForce {
        /// The organisation's name as shown to people.
        organisation: String,
        /// The IANA name of the time zone in which days and half hours are counted.
        time_zone: String,
        /// All queues.
        queues: Vec<QueueSettingsInForce>,
        /// All agents and their names as shown to people.
        agents: Vec<(AgentId, String)>,
        /// The messages to all callers that can be turned on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bulletins: Vec<BulletinName>,
        /// For how long it is remembered what numbers rang about, in microseconds; 0 if it is not.
        #[serde(default)]
        history_us: u64,
        /// What advisers can say of conversations.
        #[serde(default)]
        wrap_up: WrapUpInForce,
        /// For what agents are not ready.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        away: BTreeMap<AwayReason, AwayInForce>,
        /// Phones that agents share.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        phones: Vec<PhoneName>,
    },
    /// An INVITE was not admitted, so no call began. Not one for each in a flood.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// The SIP status sent.
        status: u16,
        /// The user part that was dialled, cut at 64 characters.
        called: String,
    },
    /// A source of SIP was banned: whatever it sends is dropped unread.
    Banned {
        /// Who: an IPv4 address, or the /64 of an IPv6 address.
        source: String,
        /// Why.
        reason: BanReason,
        /// Until when, on the calendar.
        until: UnixMicros,
        /// How many bans of this source in a row it is.
        nth: u32,
        /// Who decided: an actor of the API; none for an automatic ban.
        by: Option<String>,
    },
    /// A source is no longer banned.
    Unbanned {
        /// Who.
        source: String,
        /// Why.
        reason: UnbanReason,
        /// Who decided: an actor of the API; none if it followed.
        by: Option<String>,
    },
    /// A message to all callers was turned on or off.
    BulletinSet {
        /// Which.
        bulletin: BulletinName,
        /// Whether it is said from now on.
        on: bool,
        /// Who decided: an actor of the API.
        by: String,
    },
    /// A back end has failed too often and is left alone, or answers again.
    Circuit {
        /// Which.
        backend: BackendName,
        /// How it stands.
        standing: Standing,
    },
    /// A trunk's server lives, or does not any more.
    TrunkServer {
        /// Of which trunk.
        trunk: TrunkName,
        /// Which: protocol and address.
        server: String,
        /// Whether it lives.
        up: bool,
        /// The SIP status that told; 408 where nothing came.
        status: u16,
    },
    /// We are registered with a trunk, or are not any more.
    TrunkRegistered {
        /// With which trunk.
        trunk: TrunkName,
        /// Whether we are.
        registered: bool,
        /// The SIP status that told; 408 where nothing came.
        status: u16,
    },
    /// A call to the outside was not made. Not one for each in a flood.
    OutboundRefused {
        /// For whom: `agent amy`, `flow main`.
        who: String,
        /// What was dialled, cut at 64 characters.
        number: String,
        /// Why.
        reason: OutboundRefusal,
    },
    /// Events could not be kept: the disk or database failed for longer than the buffer lasts.
    JournalGap {
        /// How many events are missing.
        lost: u64,
        /// Since when, on the calendar.
        since: UnixMicros,
    },
    /// The engine stopped in order.
    Stopped,
}

/// Why an INVITE was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// 404: we do not serve that number.
    UnknownNumber,
    /// 488: no codec in common.
    NoCommonCodec,
    /// 488: this peer's audio must be encrypted, and it offers plain audio only.
    NotEncrypted,
    /// 488: the peer insists on encrypted audio, in a way that we do not do or must not.
    NoCommonEncryption,
    /// 503: as many calls through the trunk as its limit allows.
    TrunkFull,
    /// 503: more calls in a second through the trunk than its limit allows.
    TrunkTooFast,
    /// 403: from nobody whom the settings know, and they let no strangers in.
    UnknownSource,
    /// 503: as many calls as the limit allows.
    TooManyCalls,
    /// 503: more calls in a second than the limit allows.
    TooFast,
    /// 503: the journal cannot keep events.
    JournalFull,
    /// 503: the engine is shutting down.
    ShuttingDown,
    /// 403: what only agents may dial, from somebody who is none.
    NotAllowed,
    /// 480: an agent dialled a queue that takes nobody now.
    NotTaken,
    /// 486: an agent is on as many calls as they may be on.
    AgentFull,
    /// 400: the offer cannot be read.
    BadOffer,
}

impl RefusalReason {
    /// The name used in the journal and in metrics' labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            RefusalReason::UnknownNumber => "unknown_number",
            RefusalReason::NoCommonCodec => "no_common_codec",
            RefusalReason::NotEncrypted => "not_encrypted",
            RefusalReason::NoCommonEncryption => "no_common_encryption",
            RefusalReason::TrunkFull => "trunk_full",
            RefusalReason::TrunkTooFast => "trunk_too_fast",
            RefusalReason::UnknownSource => "unknown_source",
            RefusalReason::TooManyCalls => "too_many_calls",
            RefusalReason::TooFast => "too_fast",
            RefusalReason::JournalFull => "journal_full",
            RefusalReason::ShuttingDown => "shutting_down",
            RefusalReason::NotAllowed => "not_allowed",
            RefusalReason::NotTaken => "not_taken",
            RefusalReason::AgentFull => "agent_full",
            RefusalReason::BadOffer => "bad_offer",
        }
    }
}
