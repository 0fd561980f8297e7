//! Folds over the journal: every figure that anybody sees.
//!
//! [`Fold`] takes the journal's entries one by one and holds all that is known from them. It reads
//! no clock and no settings: thresholds, names and the time zone reach it as `SettingsInForce`
//! entries, so the same journal gives the same figures wherever and whenever it is read. The
//! wallboard, the JSON, the metrics and the reports are views of the one fold; nothing else counts.

mod agents;
mod away;
mod backends;
mod bans;
mod books;
mod bulletins;
pub mod callbacks;
pub mod calls;
pub mod erlang;
mod figures;
mod fold;
mod histories;
mod interval;
mod last_agents;
pub mod live;
pub mod messages;
pub mod metrics;
mod notifications;
mod queue_length;
mod restore;
pub mod service_level;
mod speech;
mod surveys;
pub mod table;
pub mod voice;
pub mod why;
pub mod wrap_up;
mod zone;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod stream;
#[cfg(test)]
mod tests;

pub use away::AwayLive;
pub use backends::{BackendBook, BackendFigures};
pub use bans::BanLive;
pub use books::LaterEpisodes;
pub use bulletins::BulletinLive;
pub use fold::{FOLD_VERSION, Fold};
pub use histories::Histories;
pub use interval::IntervalRow;
pub use last_agents::LastAgents;
pub use notifications::{NotificationBook, NotificationLive};
pub use queue_length::QueueLength;
pub use restore::{AwaySince, Joined, OpenCall, Registration, Restored, Waiting, closing_entries};
pub use speech::{IntentFigures, SpeechBook};
pub use surveys::SurveyBook;
