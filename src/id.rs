//! Names and identities. Ids are global for ever, never slot numbers, so that a journal can be
//! read years later and several nodes can share it.

use std::fmt;
use std::sync::Arc;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::time::UnixMicros;

mod ability;

pub use ability::{Ability, AbilityError, Level, all_met};

/// One caller's call, kept through transfers and merges. A UUID version 7: ordered by arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub uuid::Uuid);

/// One party's connection to us: a SIP dialog (or browser session) and its media.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegId(pub u64);

/// One recording of a call's voice. Written as sixteen hexadecimal digits: readers of JSON round
/// large numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordingId(pub u64);

/// One promise to ring somebody back. Written like [`RecordingId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallbackId(pub u64);

/// One text message or e-mail that a caller was promised. Written like [`RecordingId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NotificationId(pub u64);

impl CallId {
    /// The call's own recording: the random half of its id, so that nobody draws for it.
    pub fn recording(self) -> RecordingId {
        RecordingId(self.0.as_u64_pair().1)
    }
}

/// Sixteen hexadecimal digits, in words and in JSON.
macro_rules! hexadecimal {
    ($name:ident, $shown:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = std::num::ParseIntError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            /// From sixteen hexadecimal digits.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                u64::from_str_radix(text, 16).map($name)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($shown, " {:016x}"), self.0)
            }
        }
    };
}

hexadecimal!(RecordingId, "recording");
hexadecimal!(CallbackId, "callback");
hexadecimal!(NotificationId, "notification");

impl CallbackId {
    /// What callers are told and can ask for by it: `CB-` and six of its sixteen digits.
    pub fn reference(self) -> String {
        format!("CB-{:06X}", self.0 >> 40)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {}", self.0)
    }
}

impl std::str::FromStr for CallId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(CallId)
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg {:016x}", self.0)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(Arc::from(text))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(Arc::from(text))
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )*};
}

names! {
    /// An agent, as named in the settings (`amy`); also the user part of the agent's SIP address.
    AgentId;
    /// A queue, as named in the settings (`waste`).
    QueueName;
    /// A flow: the file's name in `ivr-flows/` without `.yaml`.
    FlowName;
    /// A node's name within its flow.
    NodeName;
    /// A way to the telephone network, as named in the settings (`carrier`).
    TrunkName;
    /// A skill that a call needs and an agent has (`waste`, `welsh`).
    Skill;
    /// A calendar of opening hours in the settings.
    CalendarName;
    /// What a caller can want, as `ivr-flows/intents/` declares it (`missed-bin`).
    IntentName;
    /// What cannot wait, as `ivr-flows/intents/` declares it (`self-harm`).
    UrgentName;
    /// A recorded or rendered prompt: its path below `sounds/<language>/` without `.wav`
    /// (`main/welcome`).
    PromptName;
    /// A language that callers can choose (`cy`).
    LanguageName;
    /// What a flow remembers under a name of its own (`postcode`).
    ValueName;
    /// A message that a supervisor turns on and off (`flood`).
    BulletinName;
    /// A service that flows ask over HTTP, as named in the settings (`council-tax`).
    BackendName;
    /// A text message or e-mail that callers can be sent, as named in the settings (`missed-bin`).
    TemplateName;
    /// What an agent is: which numbers outside it may dial.
    RoleName;
    /// What a conversation was about, as its adviser says it.
    WrapUpCode;
    /// For what an agent is not ready (`lunch`).
    AwayReason;
    /// A phone that agents share, as named in the settings (`desk-12`); also the user part of its SIP
    /// address.
    PhoneName;
}

/// The core's only source of randomness: a CSPRNG from 32 bytes of the operating system's entropy,
/// fixed in the simulated world only.
#[derive(Debug, Clone)]
pub struct Entropy(ChaCha12Rng);

impl Entropy {
    /// A source that gives the same draws for the same seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Entropy(ChaCha12Rng::from_seed(seed))
    }

    /// An independent source, for a part that draws on its own.
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.secret())
    }

    /// Fills `bytes` with what nobody can foretell: keys.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// 256 unpredictable bits, to make what nobody else can make.
    pub fn secret(&mut self) -> [u8; 32] {
        let mut secret = [0; 32];
        self.0.fill_bytes(&mut secret);
        secret
    }

    /// 64 unpredictable bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 32 unpredictable bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number below `bound` (which must not be 0), for jitter and choice; the bias is below 2^-32.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u32
    }

    /// 16 hexadecimal digits: tags, branches, nonces (RFC 3261 section 19.3 asks for 32 bits).
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.0.next_u64())
    }

    /// The id of a call that arrives when the calendar shows `at`.
    pub fn call_id(&mut self, at: UnixMicros) -> CallId {
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        let millis = u64::try_from(at.0 / 1_000).unwrap_or(0);
        CallId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id of a new leg.
    pub fn leg_id(&mut self) -> LegId {
        LegId(self.0.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_calls_sort_by_arrival() {
        let (mut a, mut b) = (Entropy::from_seed([7; 32]), Entropy::from_seed([7; 32]));
        let (first, later) = (a.call_id(UnixMicros(1_000_000)), a.call_id(UnixMicros(9_000_000)));
        assert_eq!(
            (first, later),
            (b.call_id(UnixMicros(1_000_000)), b.call_id(UnixMicros(9_000_000)))
        );
        assert!(first < later);
        assert_eq!(first.to_string().parse::<CallId>().ok(), Some(first));
        assert_ne!(a.leg_id(), a.leg_id());
        assert!((0..1000).all(|_| a.below(7) < 7));
    }
}
