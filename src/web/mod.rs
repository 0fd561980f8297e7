//! People's side of the shell: the wallboard, the live figures, the API, and who may use them.
//!
//! Everything shown here is read from one snapshot of `stats` ([`Live`]); everything changed here
//! is a [`Request`] that the engine answers after the journal's commit. The module keeps no state
//! of its own besides the shared stream of the live page.
//!
//! | path | what | who |
//! | --- | --- | --- |
//! | `/`, `/desk`, `/ui/*` | the wallboard, the desk and their parts | everybody; the desk asks for a token |
//! | `/healthz`, `/readyz`, `/openapi.json` | health, and what the API can do | everybody |
//! | `/metrics`, `/api/v1/live` | figures without personal data | loopback, or any token |
//! | `/api/v1/agents` | the agents | a token: a supervisor all, an agent themselves |
//! | `POST /api/v1/agents/{agent}/state` | an agent's state | a token: likewise |
//! | `POST /api/v1/calls/{call}/hangup` | ends a call | a supervisor's token |
//! | `/api/v1/calls/{call}/facts` | what the flow noted of a call | a supervisor's token, or its agent's |
//! | `/api/v1/calls` | the calls that came last | a supervisor's token |
//! | `/api/v1/calls/{call}/why` | why this adviser, and why this wait | a supervisor's token |
//! | `POST /api/v1/calls/{call}/supervise` | lets a supervisor into a conversation | a supervisor's token |
//! | `POST /api/v1/calls/{call}/supervise/mode` | changes what they do there | a supervisor's token |
//! | `DELETE /api/v1/calls/{call}/supervise` | takes them out | a supervisor's token |
//! | `POST /api/v1/calls/{call}/conference` | makes one of an adviser's two conversations | a token |
//! | `/api/v1/bans` | who is banned from sending SIP; bans somebody | a supervisor's token |
//! | `DELETE /api/v1/bans/{source}` | lifts a ban | a supervisor's token |
//! | `POST /api/v1/calls/{call}/recording/pause` | records nothing until it is resumed | a supervisor's token, or its agent's |
//! | `POST /api/v1/calls/{call}/recording/resume` | goes on | a supervisor's token, or its agent's |
//! | `/api/v1/bulletins` | messages to every caller | a token |
//! | `PUT /api/v1/bulletins/{bulletin}` | turns one on or off | a supervisor's token |
//! | `/api/v1/messages`, `/api/v1/messages/{message}/audio`, `POST /api/v1/messages/{message}/state` | what callers left | a supervisor's token, or an agent's who serves the queue |
//! | `/api/v1/callbacks` | whom it was promised to ring back | a supervisor's token, or an agent's who serves the queue |
//! | `DELETE /api/v1/callbacks/{callback}` | takes a promise back | a supervisor's token |
//! | `/api/v1/notifications` | texts and e-mails that wait, and that failed | a supervisor's token |
//! | `/api/v1/queues`, `/api/v1/skills`, `/api/v1/agents?settings=true` | what is declared; a sheet in and out | a supervisor's token |
//! | `/api/v1/queues/{queue}`, `/api/v1/agents/{agent}`, `/api/v1/skills/{skill}` | one of them: told, declared, deleted | a supervisor's token |
//! | `/api/v1/audit` | who changed which of them | a supervisor's token |
//! | `POST /api/v1/calls/{call}/transfer` | hands a call on | a supervisor's token, or its agent's |

use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::engine::io::{Reply, Request};
use crate::id::{CallId, RecordingId};
use crate::server::registry::{Answer, Order, Refusal};
use crate::stats::calls::CallLine;
use crate::stats::live::Live;
use crate::stats::why::Line;

mod api;
mod auth;
mod bans;
mod bulletins;
mod callbacks;
mod guard;
mod live;
mod messages;
mod notifications;
mod pages;
mod problem;
mod registry;
mod serve;
mod supervise;
#[cfg(test)]
mod tests;
mod wrap_up;

pub use self::auth::{Token, TokenError};
pub use self::serve::{router, serve};

/// What the shell gives to the pages and the API.
#[derive(Clone)]
pub struct WebState {
    /// The current snapshot of the figures. Its `at` must move on by itself: the page takes a
    /// snapshot that stands still for five seconds for a fault, and says so.
    pub live: Arc<dyn Fn() -> Arc<Live> + Send + Sync>,
    /// The same as Prometheus text, version 0.0.4.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether new calls can be served.
    pub ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// The way to the engine.
    pub requests: RequestPort,
    /// The way to what is declared of queues, agents and skills.
    pub registry: OrderPort,
    /// The way to what callers said.
    pub sounds: SoundPort,
    /// The way to what the journal knows of a call's wait.
    pub why: WhyPort,
    /// The way to the calls that the journal knows.
    pub calls: CallsPort,
    /// Who may do what; a reload swaps them.
    pub tokens: Arc<ArcSwap<Vec<Token>>>,
    /// The organisation's time zone, in which the page shows times.
    pub zone: jiff::tz::TimeZone,
}

impl std::fmt::Debug for WebState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebState").finish_non_exhaustive()
    }
}

/// One request to the engine, with who asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The actor's name, for the journal.
    pub actor: Arc<str>,
    /// Whether the actor acts for themselves rather than as a supervisor.
    pub own: bool,
    /// What is asked.
    pub request: Request,
}

/// The engine is gone: it takes no requests and gives no replies any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct PortClosed;

/// The reply to come. Resolves after the journal's commit; the web gives up after
/// five seconds (504).
pub type ReplyFuture = Pin<Box<dyn Future<Output = Result<Reply, PortClosed>> + Send>>;

/// Sends a request to the engine.
pub type RequestPort = Arc<dyn Fn(Asked) -> ReplyFuture + Send + Sync>;

/// What comes of an order, once it is durable and in force.
pub type OrderFuture =
    Pin<Box<dyn Future<Output = Result<Result<Answer, Refusal>, PortClosed>> + Send>>;

/// Orders something of queues, agents and skills.
pub type OrderPort = Arc<dyn Fn(Order) -> OrderFuture + Send + Sync>;

/// The sound to come: a WAV file of one channel; none if it is not there, or cannot be read.
pub type SoundFuture = Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>;

/// Reads a message; with where it is kept, if that is known.
pub type SoundPort = Arc<dyn Fn(RecordingId, Option<String>) -> SoundFuture + Send + Sync>;

/// A call's time in queues to come: empty for one that the journal does not know; none if it cannot be
/// read.
pub type WhyFuture = Pin<Box<dyn Future<Output = Option<Vec<Line>>> + Send>>;

/// Tells of a call.
pub type WhyPort = Arc<dyn Fn(CallId) -> WhyFuture + Send + Sync>;

/// Lines of calls; none if the journal cannot be read.
pub type CallsFuture = Pin<Box<dyn Future<Output = Option<Vec<CallLine>>> + Send>>;

/// Tells of at most so many calls, before a position of the journal or the last.
pub type CallsPort = Arc<dyn Fn(Option<u64>, u32) -> CallsFuture + Send + Sync>;

/// Whether new calls can be served, and what stands against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether the engine takes new calls.
    pub ready: bool,
    /// What stands against it, or will soon.
    pub reasons: Vec<NotReady>,
}

impl Readiness {
    /// Ready if nothing stands against it.
    pub fn from_reasons(reasons: Vec<NotReady>) -> Self {
        Readiness { ready: reasons.is_empty(), reasons }
    }
}

/// What stands against taking new calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReady {
    /// The journal cannot be written and its buffer is full.
    JournalFull,
    /// The engine is stopping and takes no new calls.
    Draining,
}
