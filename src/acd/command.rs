//! The only way in and out of the queue: ordered [`AcdInput`]s and the [`AcdEffect`]s they have.
//!
//! The inputs are a log: applied in the same order to the same settings they give the same effects,
//! whoever keeps the log. Timers that fire are inputs as well.

use std::time::Duration;

use crate::call::command::{AtClosing, QueueReturn};

pub use crate::call::command::Priority;
use crate::event::{AgentState, Decision, NotWaitedFor, OfferOutcome, Place, StateReason};
use crate::id::{Ability, AgentId, AwayReason, CallId, QueueName};
use crate::time::Time;

/// Something that the queue must take into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcdInput {
    /// A call wants a person. If it holds a ticket already (moved, or back after no answer) it
    /// keeps the instant of its first entry.
    Enter {
        /// Which call.
        call: CallId,
        /// Into which queue.
        queue: QueueName,
        /// Skills that it needs besides the queue's own.
        skills: Vec<Ability>,
        /// Skills that are preferred besides those that the queue prefers.
        prefers: Vec<Ability>,
        /// Before whom it goes.
        priority: Priority,
        /// What happens to it when the queue closes.
        at_closing: AtClosing,
        /// The first entry of this episode, if the call has waited in it before and was handed
        /// back to its flow or joined to somebody: it keeps that place.
        since: Option<Time>,
        /// It comes back because nobody else took it: a full queue takes it all the same.
        again: bool,
        /// Who spoke with this caller last, and is to be waited for as long as the queue says.
        last_agent: Option<AgentId>,
    },
    /// Somebody is to be rung back who is not on the line: this call, which does not exist yet, gets a
    /// ticket with their place. It takes nobody's room in the queue, and waits as long as it takes.
    Await {
        /// Which call.
        call: CallId,
        /// In which queue.
        queue: QueueName,
        /// Skills besides the queue's own.
        skills: Vec<Ability>,
        /// Before whom it goes.
        priority: Priority,
        /// Since when it has its place.
        since: Time,
    },
    /// A call no longer waits (hung up, or went elsewhere). Idempotent. An offer under way for it
    /// is taken back with [`AcdEffect::CancelOffer`].
    Leave {
        /// Which call.
        call: CallId,
    },
    /// At least one of the agent's phones rings (180). Ignored if it is not, or no longer, this
    /// agent's offer.
    Ringing {
        /// For which call.
        call: CallId,
        /// Whose phone.
        agent: AgentId,
    },
    /// The agent's phone was picked up, and something is said before its claim: nobody else is rung for the
    /// caller meanwhile. The reservation lasts as long as that may, and
    /// [`LEASE_MARGIN`](super::LEASE_MARGIN).
    PickedUp {
        /// For which call.
        call: CallId,
        /// Whose phone.
        agent: AgentId,
    },
    /// The agent's phone answered: claims the ticket. The claim's result is
    /// [`AcdEffect::Claimed`] or, if the caller is no longer there or somebody else's,
    /// [`AcdEffect::ClaimRefused`]. Of several agents who are rung at once the first claim holds, and the
    /// others' offers are taken back before it is told.
    Claim {
        /// For which call.
        call: CallId,
        /// Who answered.
        agent: AgentId,
    },
    /// An offer came to nothing. For a caller who waits, `CallerLeft`, `Withdrawn` and `AnsweredElsewhere`
    /// never arrive here: those come from the queue itself.
    OfferFailed {
        /// For which call.
        call: CallId,
        /// To whom it was made.
        agent: AgentId,
        /// How it ended: `NoAnswer`, `Rejected` or `Unreachable`.
        outcome: OfferOutcome,
    },
    /// An agent is no longer on a call. After the last one wrap-up begins, if a queue that brought
    /// one of them has any; else the agent does again what they did before.
    TalkEnded {
        /// Who talked.
        agent: AgentId,
        /// In which call.
        call: CallId,
    },
    /// An agent has put the other side of a call on hold, or talks with them again.
    Hold {
        /// Who.
        agent: AgentId,
        /// In which call.
        call: CallId,
        /// Whether they are on hold.
        held: bool,
    },
    /// An agent is on a call that no queue brought: one that they make themselves, or that they
    /// take over from another phone. An offer under way for them is taken back.
    Engage {
        /// Who.
        agent: AgentId,
        /// In which call.
        call: CallId,
        /// Whose wrap-up follows.
        queue: Option<QueueName>,
    },
    /// A call wants this agent and nobody else: a colleague rings, a transfer names them. Reserves
    /// whoever is signed in and on no call, ready or not: to ring somebody by name is for people to
    /// decide. The result is [`AcdEffect::Reserved`] or [`AcdEffect::ReserveRefused`]; from then on
    /// it is like any offer (`Ringing`, `Claim`, `OfferFailed`), except that one that comes to
    /// nothing leaves the agent as they were.
    Reserve {
        /// Which call.
        call: CallId,
        /// Whom.
        agent: AgentId,
        /// Whose wrap-up follows, if the agent answers.
        queue: Option<QueueName>,
        /// How long the phones may ring; the reservation outlasts it by
        /// [`LEASE_MARGIN`](super::LEASE_MARGIN).
        ring_for: Duration,
    },
    /// Two calls have become one: an agent who was on `from`, or was being rung for it, now is for
    /// `to`.
    Moved {
        /// Who.
        agent: AgentId,
        /// The call that ends.
        from: CallId,
        /// The call that goes on.
        to: CallId,
        /// Whose wrap-up follows; none for what was to follow anyway.
        queue: Option<QueueName>,
    },
    /// The agent, or a supervisor for them, chooses.
    Choose {
        /// Who.
        agent: AgentId,
        /// What.
        choice: AgentChoice,
        /// Whose choice it is: `Own` or `Supervisor`.
        reason: StateReason,
        /// The actor's name, for the journal.
        by: Option<String>,
        /// For what, if the choice is `NotReady` and it was said.
        away: Option<AwayReason>,
    },
    /// Whether an agent owes a code for the conversation that is about to end, or has ended last: so long
    /// its work is not over, up to the queue's longest time.
    CodeOwed {
        /// Who.
        agent: AgentId,
        /// Whether they do.
        owed: bool,
    },
    /// An agent needs more time for the work of a call: as much again as the queue gives, up to its
    /// longest time. Refused if there is no such work, or no more time.
    MoreTime {
        /// Who.
        agent: AgentId,
    },
    /// Whether an agent has a phone that can be rung. Apply it at every registration and refresh
    /// too, not only at changes: after an offer that reached no phone it is the sign that one is
    /// there again.
    Reachable {
        /// Who.
        agent: AgentId,
        /// At least one contact.
        reachable: bool,
    },
    /// Restores what an agent had chosen before a restart: applied before anything else.
    Restore {
        /// Who.
        agent: AgentId,
        /// The last state that the journal knows.
        state: AgentState,
        /// For what the agent was not ready.
        away: Option<WasAway>,
    },
    /// Something is due ([`Acd::poll_timeout`](super::Acd::poll_timeout)), or the wall clock was
    /// stepped and calendars must be read again.
    Timer,
}

/// What the last run knows of an agent who was not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasAway {
    /// For what.
    pub reason: AwayReason,
    /// How long until now, in which nothing may have run.
    pub lasted: Duration,
    /// It was told that this is too long.
    pub over: bool,
}

/// What an agent can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentChoice {
    /// Signs in (not ready).
    SignIn,
    /// Signs out. A call under way goes on; signed out after it.
    SignOut,
    /// Can be offered calls; also ends wrap-up early.
    Ready,
    /// Not to be offered calls; after the call under way, if there is one.
    NotReady,
}

/// Why a choice cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// No such agent in the settings.
    #[error("no such agent")]
    UnknownAgent,
    /// The agent must sign in first.
    #[error("the agent is signed out: sign in first")]
    SignedOut,
    /// The settings have no such reason that could be chosen.
    #[error("there is no such reason to be not ready")]
    UnknownReason,
    /// As many as may be not ready for this at once are.
    #[error("as many advisers are not ready for that as may be at once")]
    TooManyAway,
    /// The queue wants a code for the call whose work this is.
    #[error("the queue wants a code for the last call")]
    CodeOwed,
    /// The agent is not at the work of a call.
    #[error("the agent is not at the work of a call")]
    NotWrappingUp,
    /// The work has been made as long as the queue lets it be.
    #[error("the call's work has been made as long as it can be")]
    NoMoreTime,
}

/// Why an agent cannot be rung by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReserveError {
    /// Not in the settings, signed out, or without a phone.
    Unavailable,
    /// On a call, or being rung for one.
    Busy,
}

/// What the queue wants done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcdEffect {
    /// The call now waits. Tells the call to play the queue's music.
    Entered {
        /// Which call.
        call: CallId,
        /// In which queue.
        queue: QueueName,
        /// The first entry of this episode.
        first_at: Time,
        /// The queue it left for this one, if it held a ticket (then the journal needs a
        /// `QueueLeft { Moved }` for it).
        moved_from: Option<QueueName>,
        /// The skills that it needs, the queue's own included.
        skills: Vec<Ability>,
        /// Of them, those that it would need in any queue.
        own: Vec<Ability>,
        /// Where the caller stands.
        place: Place,
    },
    /// The call has waited so long that others may serve it too.
    Relaxed {
        /// Which call.
        call: CallId,
        /// In which queue.
        queue: QueueName,
        /// Whoever has these.
        skills: Vec<Ability>,
        /// The entry of this visit.
        visit_at: Time,
    },
    /// The call waited for the agent who spoke with the caller last, and waits for anybody from now on.
    WaitsForAnybody {
        /// Which call.
        call: CallId,
        /// In which queue.
        queue: QueueName,
        /// For whom it waited.
        agent: AgentId,
        /// Why it does not any more.
        why: NotWaitedFor,
        /// The entry of this visit.
        visit_at: Time,
    },
    /// The call does not wait any more (or never did) and goes back to its flow.
    Returned {
        /// Which call.
        call: CallId,
        /// From which queue: the one in which it waited (also if another, to which it was to be
        /// moved, does not take it), else the one that does not take it.
        queue: QueueName,
        /// Why.
        why: QueueReturn,
        /// Whether it had waited (then the journal needs a `QueueLeft`).
        had_entered: bool,
        /// The first entry of this episode; now, if it never waited.
        first_at: Time,
    },
    /// Ring this agent's phones for this call, beside whoever is rung for it already. The agent is reserved.
    Offer {
        /// Which call.
        call: CallId,
        /// From which queue.
        queue: QueueName,
        /// To whom.
        agent: AgentId,
        /// How long to ring before `OfferFailed { NoAnswer }`; the engine's timer, counted from
        /// this effect. The reservation outlasts it by [`LEASE_MARGIN`](super::LEASE_MARGIN) and
        /// then ends by itself.
        ring_for: Duration,
        /// Why this agent.
        decision: Decision,
    },
    /// Stop ringing this agent: the caller left, the offer was taken back or somebody else has answered.
    CancelOffer {
        /// Which call.
        call: CallId,
        /// Whose phones.
        agent: AgentId,
        /// `CallerLeft`, `Withdrawn` or `AnsweredElsewhere`.
        outcome: OfferOutcome,
    },
    /// The claim holds: join them. The ticket is gone.
    Claimed {
        /// Which call.
        call: CallId,
        /// From which queue.
        queue: QueueName,
        /// With whom.
        agent: AgentId,
        /// The first entry of this episode.
        first_at: Time,
        /// The entry of this visit.
        visit_at: Time,
    },
    /// The agent is reserved for this call: ring their phones.
    Reserved {
        /// Which call.
        call: CallId,
        /// Whom.
        agent: AgentId,
        /// For how long.
        ring_for: Duration,
    },
    /// The agent cannot be rung; nothing changed.
    ReserveRefused {
        /// For which call.
        call: CallId,
        /// Whom.
        agent: AgentId,
        /// Why.
        why: ReserveError,
    },
    /// The claim of an agent who was rung by name holds: join them.
    DirectClaimed {
        /// Which call.
        call: CallId,
        /// With whom.
        agent: AgentId,
    },
    /// The claim came too late: hang up the agent's leg.
    ClaimRefused {
        /// Which call.
        call: CallId,
        /// Who answered in vain.
        agent: AgentId,
    },
    /// An agent's state changed.
    AgentChanged {
        /// Who.
        agent: AgentId,
        /// From.
        from: AgentState,
        /// To.
        to: AgentState,
        /// Why.
        reason: StateReason,
        /// Who decided, if somebody did.
        by: Option<String>,
        /// How long the old state had lasted.
        lasted: Duration,
        /// For what, if they are not ready now and it is known.
        away: Option<AwayReason>,
    },
    /// An agent has been not ready for longer than the settings give for it.
    AwayTooLong {
        /// Who.
        agent: AgentId,
        /// For what.
        away: AwayReason,
        /// How long that may be.
        limit: Duration,
    },
    /// The choice was refused; nothing changed.
    ChoiceRefused {
        /// Whose.
        agent: AgentId,
        /// Why.
        error: ChoiceError,
    },
}
