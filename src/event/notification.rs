//! What becomes of a text message or e-mail that a caller was promised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{CallId, TemplateName};

/// How somebody is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A text message to a mobile.
    Text,
    /// An e-mail.
    Email,
}

impl Channel {
    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Channel::Text => "text",
            Channel::Email => "email",
        }
    }
}

/// Why a provider has not taken something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendFault {
    /// No connection, or it broke off.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// It takes no more now.
    Busy,
    /// Something is wrong on its side, or its answer makes no sense.
    Broken,
    /// It does not know us: the key or the password is wrong, or our clock is.
    NotAllowed,
    /// It will not send this to anybody, whoever asks: the template or the recipient is wrong.
    Refused,
    /// The settings do not have the template, or nobody who would send it, any more.
    NotSet,
    /// It could not be sent for so long that nobody waits for it now.
    TooOld,
}

impl SendFault {
    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            SendFault::Unreachable => "unreachable",
            SendFault::TimedOut => "timed_out",
            SendFault::Busy => "busy",
            SendFault::Broken => "broken",
            SendFault::NotAllowed => "not_allowed",
            SendFault::Refused => "refused",
            SendFault::NotSet => "not_set",
            SendFault::TooOld => "too_old",
        }
    }

    /// Whether it may go better later on.
    pub const fn passes(self) -> bool {
        match self {
            SendFault::Unreachable
            | SendFault::TimedOut
            | SendFault::Busy
            | SendFault::Broken
            // Somebody can put that right while the caller still waits.
            | SendFault::NotAllowed => true,
            SendFault::Refused | SendFault::NotSet | SendFault::TooOld => false,
        }
    }
}

/// Why somebody cannot be promised anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unpromised {
    /// No text can be sent to that number, or no e-mail to that address.
    Recipient,
    /// That number or address was sent as many today as it may be.
    TooMany,
    /// As many wait to be sent as may.
    Full,
    /// The settings do not have the template any more.
    NotSet,
}

impl Unpromised {
    /// The word that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unpromised::Recipient => "no_recipient",
            Unpromised::TooMany => "too_many",
            Unpromised::Full => "full",
            Unpromised::NotSet => "not_set",
        }
    }
}

/// A moment in the life of a text message or e-mail. It waits from [`NotificationEvent::Promised`] to
/// [`NotificationEvent::Sent`] or [`NotificationEvent::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum NotificationEvent {
    /// A caller was promised it.
    Promised {
        /// In which call.
        call: CallId,
        /// What.
        template: TemplateName,
        /// How.
        by: Channel,
        /// To which number or address.
        to: String,
        /// What stands in it, by the template's names.
        fields: BTreeMap<String, String>,
    },
    /// A caller wanted it and could not be promised it.
    Unpromised {
        /// In which call.
        call: CallId,
        /// What.
        template: TemplateName,
        /// Why not.
        why: Unpromised,
    },
    /// It could not be sent now; it is tried again.
    Delayed {
        /// Why.
        why: SendFault,
        /// The provider's words, cut at 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
        /// How often it was tried so far.
        attempts: u32,
        /// In how long it is tried again, in microseconds.
        again_us: u64,
    },
    /// A provider has taken it.
    Sent {
        /// How often it was tried.
        attempts: u32,
        /// Since it was promised, in microseconds.
        after_us: u64,
        /// What the provider calls it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<String>,
    },
    /// It is not sent: the caller waits in vain.
    Failed {
        /// Why.
        why: SendFault,
        /// The provider's words, cut at 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
        /// How often it was tried.
        attempts: u32,
    },
}
