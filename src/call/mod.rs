//! The call machine: one owner for each call's life.
//!
//! A [`Call`] holds the caller's leg, the phones that ring for it and the conversation. It is told
//! what legs and media do and what its controller and the queue want, and answers with
//! [`Action`]s. Whatever ends it releases everything that it holds: nobody stays reserved, ringing
//! or joined to a call that is over.
//!
//! ```text
//! Arriving --answered--> InFlow <--returned-- Queued <--offer failed-- Offering
//!  |                     ^ |  ^ ----queue---->  ^  -----offer----->      |
//!  |own call    to a flow| |  |                 |to a queue              |claimed
//!  v                     | |  |given back       |                        v
//! Dialling ------------------------ answered, or given back -------> Talking
//!      ^ |                 |  (a transfer's target, an agent's own       | |
//!      | |                 |   call, an agent who is rung back)          | |
//!      | +---- failed -----+----------> Ended <--------------------------+ |
//!      +------------------------------ transfer --------------------------+
//! ```
//!
//! - [`leg`], [`ring`], `next_phone`: one connection; phones that ring.
//! - `arriving`, `waiting`, `talk`, `ending`: the call's way from the first to the last.
//! - `message`: what the caller leaves when nobody can be reached; `callback`: being rung back instead.
//! - `forbidden`: numbers outside that an agent may not ring.
//! - `offer`, `dial`: whom the queue chooses, and whom somebody else does; `preface`: what is said before they are joined.
//! - [`recording`]: whether the caller is recorded now.
//! - `transfer`, `merge`, `takeover`: who takes whose place in a conversation.
//! - `guest`, `supervise`, `conference`: who else is in it.

mod arriving;
mod callback;
mod conference;
mod dial;
mod ending;
mod forbidden;
mod guest;
mod keypad;
mod leg;
mod merge;
mod message;
mod next_phone;
mod offer;
mod preface;
mod put_through;
pub mod recording;
mod ring;
mod supervise;
mod takeover;
mod talk;
#[cfg(test)]
mod tests;
mod transfer;
mod waiting;

pub mod command;
pub mod speech;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use crate::event::{
    CallEvent, Caller, Destination, OfferOutcome, OutboundRefusal, Peer, Purpose, Through,
};
use crate::id::{Ability, AgentId, FlowName, LegId, PromptName, QueueName, RecordingId};
use crate::media::command::{self as media, Negotiated};
use crate::sdp::Keyring;
use crate::sip::endpoint::{Cause, OutgoingInvite};
use crate::time::Time;

use self::callback::Returning;
pub use self::callback::{CallBack, CallbackAction, prompts as callback_prompts};
use self::command::Priority;
use self::command::{AtClosing, Notice};
use self::dial::Dialling;
pub use self::dial::{MovingRing, Ring};
pub use self::forbidden::prompts as forbidden_prompts;
use self::leg::Leg;
pub use self::merge::{Consulted, Moving};
use self::message::Taking;
pub use self::message::{MessageAction, tone};
use self::offer::Offering;
pub use self::preface::Preface;
pub use self::put_through::Onward;
use self::recording::Recording;
pub use self::ring::{Manner, Target};
pub use self::supervise::{Supervise, SuperviseError};
use self::takeover::Pending;
pub use self::takeover::Takeover;
use self::talk::Talk;
pub use self::transfer::TransferError;
use self::waiting::Wait;

/// What a call wants done. Carried out in order; nothing has happened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SipAction {
    /// Send a provisional response, with an answer for early media.
    Provisional(LegId, u16, Option<String>),
    /// Answer with 200 and SDP.
    Answer(LegId, String),
    /// Refuse with a final status.
    Reject(LegId, u16),
    /// Refuse what the agent may not do, and say why.
    Forbid(LegId, OutboundRefusal),
    /// Ring a phone.
    Invite(OutgoingInvite),
    /// Ring a phone no longer; it may answer all the same, and is heard of until it has not.
    Cancel(LegId),
    /// End the leg.
    HangUp(LegId),
    /// End the leg and tell its peer why.
    HangUpBecause(LegId, Cause),
    /// Accept a changed session with SDP.
    AcceptChange(LegId, String),
    /// Refuse a changed session.
    RejectChange(LegId, u16),
    /// Tell the phone that asked for a transfer how it goes (RFC 3515 section 2.4.5).
    NotifyRefer(LegId, u16),
}

/// What a call tells the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueAction {
    /// Wants a person.
    Enter {
        /// In which queue.
        queue: QueueName,
        /// Skills besides the queue's own.
        skills: Vec<Ability>,
        /// When the queue closes.
        at_closing: AtClosing,
        /// The instant whose place the call gets, if it has one already.
        since: Option<Time>,
        /// The call comes back because nobody else took it: a full queue takes it all the same.
        again: bool,
    },
    /// Waits no longer.
    Leave,
    /// The agent's phone rings.
    Ringing(AgentId),
    /// The agent's phone was picked up, and something is said before its claim.
    PickedUp(AgentId),
    /// The agent's phone answered.
    Claim(AgentId),
    /// The offer came to nothing.
    OfferFailed(AgentId, OfferOutcome),
    /// The agent is no longer part of the call.
    TalkEnded(AgentId),
    /// The agent has put the other side on hold, or talks with them again.
    Hold(AgentId, bool),
    /// The agent is part of the call now, by their own doing.
    Engage(AgentId),
    /// The agent is rung to be part of the call, for as long: nobody else is to ring them meanwhile.
    Invite(AgentId, Duration),
    /// The agent is part of the call now, and no wrap-up follows.
    Attend(AgentId),
}

/// A call's timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallTimer {
    /// The controller's own.
    Controller,
    /// The phones have rung long enough.
    Ring,
    /// The next phone of somebody who is rung joins in.
    NextPhone,
    /// The message has lasted as long as it may.
    Message,
    /// Whoever leaves a message has said nothing more.
    Silence,
    /// The call has lasted as long as any may.
    Longest,
}

/// See the variants; carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// To the SIP endpoint.
    Sip(SipAction),
    /// To media.
    Media(media::Command),
    /// Into the journal.
    Record(CallEvent),
    /// To the controller.
    Notify(Notice),
    /// To the queue.
    Queue(QueueAction),
    /// To whoever keeps messages.
    Message(MessageAction),
    /// To whoever keeps promises to ring back.
    Callback(CallbackAction),
    /// Somebody is to be rung by name: answered with [`Call::ring`] or [`Call::dial_refused`].
    Dial {
        /// Whom.
        to: Peer,
        /// What for.
        purpose: Purpose,
    },
    /// From now on this flow is the controller.
    Flow(FlowName),
    /// Set a timer, or cancel it.
    Timer(CallTimer, Option<Time>),
    /// The call is over and holds nothing more: forget it.
    Over,
}

/// What becomes of a caller who is still there when the agent has hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum AfterCall {
    /// The call is over.
    #[default]
    Ends,
    /// The flow leads them on.
    LeadsOn,
    /// The flow has done so.
    LedOn,
}

/// Where a call is. Exactly one at a time.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a call talks for most of its life")]
enum State {
    /// The caller's leg is not answered. `then`: whom an agent rings; none if we answer ourselves.
    Arriving {
        offer: Option<Bytes>,
        then: Option<Peer>,
    },
    InFlow,
    Queued,
    /// Never empty.
    Offering(Vec<Offering>),
    Dialling(Box<Dialling>),
    Talking(Talk),
    Ended,
}

/// How a new call came in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The caller's leg.
    pub leg: LegId,
    /// Where its signalling came from.
    pub source: std::net::IpAddr,
    /// Who rings.
    pub caller: Caller,
    /// The user part that was dialled.
    pub called: String,
    /// The number's flow; none for what only agents can dial.
    pub flow: Option<FlowName>,
    /// The agent whose phone rings us, if it is one.
    pub by: Option<AgentId>,
    /// Through which trunk it came; none for agents and strangers.
    pub through: Option<Through>,
    /// What the agent dialled, unless it is a star code.
    pub to: Option<Destination>,
    /// A leg that whoever is part of this call may be joined to later.
    pub beside: Option<LegId>,
    /// The caller's SDP; none for a late offer.
    pub offer: Option<Bytes>,
    /// The leg's keys, and on what terms it has some.
    pub keyring: Keyring,
    /// How many hops a call that is made because of this one may take.
    pub hops_left: u8,
    /// How long any call may last.
    pub longest: Duration,
    /// Which calls are recorded.
    pub recorded: std::sync::Arc<recording::Policy>,
    /// The call's own recording, should it be one of them.
    pub recording: RecordingId,
}

/// One call.
pub struct Call {
    /// Who is shown to whoever is rung for it.
    caller: Caller,
    /// Whose number was dialled, if it is not the usual organisation's.
    organisation: Option<String>,
    /// Whether neither a trunk nor an agent's proof stands for whoever is on the caller's leg.
    stranger: bool,
    /// Who is on the caller's leg, unless it is somebody who rang a number of ours.
    near: Option<Peer>,
    caller_leg: Leg,
    /// How many hops whoever is rung for it may be away: a call that is sent round in circles ends.
    hops_left: u8,
    arrived_at: Time,
    state: State,
    /// What the agent dialled whose call it is.
    dialled: Option<Destination>,
    wait: Option<Wait>,
    episodes: u32,
    /// The call's place in every queue.
    first_entered_at: Option<Time>,
    /// Where a caller goes back to whom nobody takes: queue and skills of the call's own.
    last_visit: Option<(QueueName, Vec<Ability>)>,
    /// The music of the queue in which it waits.
    queue_music: Option<PromptName>,
    /// The caller hears music now.
    hears_music: bool,
    /// Before whom it goes in queues.
    priority: Priority,
    /// Which skills are preferred in queues.
    prefers: Vec<Ability>,
    after_call: AfterCall,
    /// The agents who have put the other side on hold, as the queue knows it.
    holding: BTreeSet<AgentId>,
    /// Why the agent, who is being told, may not ring that number.
    forbidden: Option<OutboundRefusal>,
    /// What is said before whoever is rung answers.
    preface: Preface,
    /// The message that the caller leaves.
    taking: Option<Taking>,
    /// The promise that is kept with this call.
    returning: Option<Returning>,
    /// The caller was promised to be rung back.
    promised: bool,
    /// A phone that is about to take over a conversation.
    pending: Option<Pending>,
    recording: Recording,
    plays: u64,
    out: Vec<Action>,
}

impl std::fmt::Debug for Call {
    /// Without anybody's description: it may hold the keys of the voice.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &self.state {
            State::Arriving { .. } => "arriving",
            State::InFlow => "in flow",
            State::Queued => "queued",
            State::Offering(_) => "offering",
            State::Dialling(_) => "dialling",
            State::Talking(_) => "talking",
            State::Ended => "ended",
        };
        f.debug_struct("Call")
            .field("caller_leg", &self.caller_leg)
            .field("arrived_at", &self.arrived_at)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// A call that has been admitted: media are opened for the answer, or for whom an agent rings.
    pub fn arrive(now: Time, arrival: Arrival) -> Self {
        let Arrival {
            leg,
            source,
            caller,
            called,
            flow,
            by,
            through,
            to,
            beside,
            offer,
            keyring,
            hops_left,
            longest,
            recorded,
            recording,
        } = arrival;
        // Everything else is ours to answer.
        let then = match &to {
            Some(Destination::Agent(agent)) => Some(Peer::Agent(agent.clone())),
            Some(Destination::Outside(number)) => Some(Peer::Outside(number.clone())),
            Some(Destination::Queue(_) | Destination::Flow(_)) | None => None,
        };
        let rings = then.is_none();
        let mut call = Call {
            caller: caller.clone(),
            organisation: through.as_ref().and_then(|through| through.organisation.clone()),
            stranger: by.is_none() && through.is_none(),
            near: by.clone().map(Peer::Agent),
            caller_leg: Leg::opening(leg, source, keyring),
            hops_left,
            arrived_at: now,
            state: State::Arriving { offer, then },
            dialled: to,
            wait: None,
            episodes: 0,
            first_entered_at: None,
            last_visit: None,
            queue_music: None,
            hears_music: false,
            priority: Priority::default(),
            prefers: Vec::new(),
            after_call: AfterCall::default(),
            holding: BTreeSet::new(),
            forbidden: None,
            preface: Preface::default(),
            taking: None,
            returning: None,
            promised: false,
            pending: None,
            recording: Recording::new(recorded, recording, flow.clone()),
            plays: 0,
            out: Vec::new(),
        };
        let callback = None;
        call.record(CallEvent::Arrived { leg, caller, called, flow, by, through, callback });
        if rings {
            call.sip(SipAction::Provisional(leg, 180, None));
        }
        call.media(media::Command::Open { leg, beside });
        call.out.push(Action::Timer(CallTimer::Longest, Some(now + longest)));
        call
    }

    /// What is to be done, in order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.out)
    }

    /// Whether an agent rang somebody: no caller is in it who rang a number of ours.
    fn is_own(&self) -> bool {
        matches!(self.dialled, Some(Destination::Agent(_) | Destination::Outside(_)))
    }

    /// The agent who is part of the call on this leg, if one is.
    pub fn agent_on(&self, leg: LegId) -> Option<&AgentId> {
        let peer = match &self.state {
            State::Talking(talk) if talk.leg.id == leg => Some(&talk.who),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Dialling(_)
            | State::Talking(_)
            | State::Ended => self.near.as_ref().filter(|_| leg == self.caller_leg.id),
        };
        match peer {
            Some(Peer::Agent(agent)) => Some(agent),
            Some(Peer::Outside(_)) | None => None,
        }
    }

    /// The agent on the caller's leg: whose own call it is.
    pub fn dialled_by(&self) -> Option<&AgentId> {
        match &self.near {
            Some(Peer::Agent(agent)) => Some(agent),
            Some(Peer::Outside(_)) | None => None,
        }
    }

    /// Whether the call waits in a queue, or is offered to somebody.
    pub fn waits(&self) -> bool {
        matches!(self.state, State::Queued | State::Offering(_))
    }

    /// Before whom it goes in queues.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Which skills are preferred in queues.
    pub fn prefers(&self) -> &[Ability] {
        &self.prefers
    }

    /// The caller's leg.
    pub fn caller_leg(&self) -> LegId {
        self.caller_leg.id
    }

    /// Who is shown to whoever is rung for it.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The leg that the call began with, or that has its place: all others are opened beside it.
    pub fn own_leg(&self) -> LegId {
        self.caller_leg.id
    }

    /// The queue that brought the caller, and whose wrap-up follows.
    pub fn queue_of(&self) -> Option<&QueueName> {
        self.last_visit.as_ref().map(|(queue, _)| queue)
    }

    // ---- small words -------------------------------------------------------------------------

    fn play(&mut self, prompts: Vec<PromptName>) {
        self.plays += 1;
        self.hears_music = false;
        let (leg, play) = (self.caller_leg.id, media::PlayId(self.plays));
        self.media(media::Command::Play { leg, play, prompts });
    }

    fn let_hear(&mut self, music: PromptName) {
        self.plays += 1;
        self.hears_music = true;
        self.media(media::Command::Music { leg: self.caller_leg.id, music });
    }

    fn negotiate(&mut self, leg: LegId) {
        let caller_leg = self.caller_leg.id;
        if let Some(mut negotiated) =
            self.leg_mut(leg).and_then(|leg| leg.negotiated.as_deref().cloned())
        {
            negotiated.stranger = self.stranger && self.near.is_none() && leg == caller_leg;
            self.media(media::Command::Negotiate { leg, negotiated });
        }
    }

    /// What was agreed on with whoever hears a leg, or will: both are best spoken to alike.
    fn beside(&self, leg: LegId) -> Option<Box<Negotiated>> {
        if leg != self.caller_leg.id {
            return self.caller_leg.negotiated.clone();
        }
        match &self.state {
            State::Talking(talk) => talk.leg.negotiated.clone(),
            State::Dialling(dialling) => {
                dialling.ringing()?.negotiated().map(|heard| Box::new(heard.clone()))
            }
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Ended => None,
        }
    }

    fn leg_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        if leg == self.caller_leg.id {
            return Some(&mut self.caller_leg);
        }
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.leg.id == leg) {
            return Some(&mut pending.leg);
        }
        let talk = match &mut self.state {
            State::Talking(talk) => {
                if leg != talk.leg.id {
                    return talk.guests.leg_mut(leg);
                }
                Some(talk)
            }
            State::Dialling(dialling) => dialling.leaver_mut(),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Ended => None,
        };
        talk.map(|talk| &mut talk.leg).filter(|found| found.id == leg)
    }

    fn sip(&mut self, action: SipAction) {
        self.out.push(Action::Sip(action));
    }

    fn media(&mut self, command: media::Command) {
        self.out.push(Action::Media(command));
    }

    fn queue(&mut self, action: QueueAction) {
        self.out.push(Action::Queue(action));
    }

    fn record(&mut self, event: CallEvent) {
        self.out.push(Action::Record(event));
    }
}

/// A duration as the journal writes it.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
