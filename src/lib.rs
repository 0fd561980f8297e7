//! **switchboard** answers a council's central number, drives its menu, queues callers to advisers
//! and measures every answer against the 60-second standard.
//!
//! Two deterministic halves and one shell: **control** ([`engine`] and what it owns) and **media**
//! ([`media`]) take time as a parameter and give effects as values; [`server`] and [`web`] own
//! everything that touches the world.
//!
//! ```text
//!  main -> server/web --Input(now)--> engine --> flow . acd
//!             |       <--Output------   |              | commands / events only
//!             |                         +---> call <---+
//!             |                                +--> sip --> (bytes) . sdp
//!             +-- Command ><  Event -- media --> rtp
//!             +--> store (journal) --> stats --> live page . metrics . replay
//!  sim replaces server and web; everything -> time . id . event
//! ```
//!
//! | module | owns |
//! | --- | --- |
//! | [`sip`] | messages, transactions, dialogs, registrations: RFC 3261 over bytes |
//! | [`trunk`] | ways to the telephone network: where, whether they live, what may be dialled |
//! | [`sdp`] | offer and answer as pure functions |
//! | [`rtp`], [`media`] | packets; legs that play, relay and listen for keys |
//! | [`call`] | one caller's call: its legs, its offers, its one ending |
//! | [`flow`] | what a caller hears and presses |
//! | [`assistant`] | what a caller's words mean |
//! | [`backend`] | other systems that flows ask, and when one that fails is left alone |
//! | [`notification`] | texts and e-mails that callers are promised, until somebody has sent them |
//! | [`acd`] | who waits, who answers, and when the lines are open |
//! | [`engine`] | the one door: what comes in, what goes out, who talks to whom |
//! | [`number`] | telephone numbers: one spelling for each, and what it costs to ring |
//! | [`event`], [`stats`] | what happened; every figure, folded from it |
//! | [`config`] | what the settings can say |
//! | [`sheet`] | rows under named columns, as people bring them in CSV |
//! | [`sim`] | callers, advisers and a network in simulated time |
//! | [`server`], [`web`] | sockets, threads, files, the database; pages and the API |

pub mod acd;
pub mod assistant;
pub mod backend;
pub mod call;
pub mod config;
pub mod engine;
pub mod event;
pub mod flow;
pub mod id;
pub mod media;
pub mod notification;
pub mod number;
pub mod rtp;
pub mod sdp;
pub mod server;
pub mod sheet;
pub mod sim;
pub mod sip;
pub mod stats;
pub mod time;
pub mod trunk;
pub mod web;
