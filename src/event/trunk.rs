//! What the journal says of trunks: through which a call came, and why one was not made.

use serde::{Deserialize, Serialize};

use crate::id::TrunkName;

/// Through which trunk a call came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Through {
    /// Which.
    pub trunk: TrunkName,
    /// Whose number was dialled, if it is not the organisation of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Whose number the call was diverted from last, if the trunk is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverted_from: Option<String>,
}

/// Why a call to the outside is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboundRefusal {
    /// The toll guard: the destination is not allowed.
    NotAllowed,
    /// The toll guard: as many calls in an hour as the agent may begin.
    TooMany,
    /// The toll guard: as many calls at once as the agent may have.
    AtOnce,
    /// The role's agents have as many calls at once as they may have together.
    RoleFull,
    /// No trunk takes calls.
    NoTrunk,
    /// There are trunks, and none lives.
    TrunksDown,
    /// Every trunk that lives has as many calls as its limits allow: in all, to the outside or in a second.
    TrunkFull,
}

impl OutboundRefusal {
    /// Every reason, for tables and metrics.
    pub const ALL: [OutboundRefusal; 7] = [
        OutboundRefusal::NotAllowed,
        OutboundRefusal::TooMany,
        OutboundRefusal::AtOnce,
        OutboundRefusal::RoleFull,
        OutboundRefusal::NoTrunk,
        OutboundRefusal::TrunksDown,
        OutboundRefusal::TrunkFull,
    ];

    /// The name used in the journal and in metrics' labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            OutboundRefusal::NotAllowed => "not_allowed",
            OutboundRefusal::TooMany => "too_many",
            OutboundRefusal::AtOnce => "at_once",
            OutboundRefusal::RoleFull => "role_full",
            OutboundRefusal::NoTrunk => "no_trunk",
            OutboundRefusal::TrunksDown => "trunks_down",
            OutboundRefusal::TrunkFull => "trunk_full",
        }
    }

    /// What whoever dialled is told in words.
    pub const fn words(self) -> &'static str {
        match self {
            OutboundRefusal::NotAllowed => "This number may not be rung from this phone",
            OutboundRefusal::TooMany => "No more calls to the outside in this hour",
            OutboundRefusal::AtOnce => "No more calls to the outside at once",
            OutboundRefusal::RoleFull => "Every line of the team to the outside is taken",
            OutboundRefusal::NoTrunk => "There is no way to the outside",
            OutboundRefusal::TrunksDown => "The way to the outside is down",
            OutboundRefusal::TrunkFull => "Every line to the outside is taken",
        }
    }

    /// The SIP status that whoever dialled is told.
    pub const fn status(self) -> u16 {
        match self {
            OutboundRefusal::NotAllowed | OutboundRefusal::TooMany | OutboundRefusal::AtOnce => 403,
            OutboundRefusal::NoTrunk => 404,
            OutboundRefusal::RoleFull
            | OutboundRefusal::TrunksDown
            | OutboundRefusal::TrunkFull => 503,
        }
    }
}
