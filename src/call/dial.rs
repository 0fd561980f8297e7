//! Ringing somebody who was chosen by name: an agent's own call, the target of a transfer, an agent
//! who is rung back. The engine is asked first: it knows who may be rung, and how.

use std::time::Duration;

use bytes::Bytes;

use crate::call::command::Notice;
use crate::event::{
    CallEvent, Caller, Destination, EndCause, OfferOutcome, Party, Peer, Purpose, TransferOutcome,
};
use crate::id::{AgentId, Entropy, LegId, PromptName};
use crate::media::command as media;
use crate::time::Time;

use super::put_through::Onward;
use super::ring::{Display, Manner, Ringing, Target};
use super::talk::Talk;
use super::transfer::Transfer;
use super::{Action, Call, CallTimer, QueueAction, SipAction, State, micros};

/// How somebody is rung: the engine's answer to [`Action::Dial`].
#[derive(Debug, Clone)]
pub struct Ring {
    /// Their phones, or the ways to their number.
    pub targets: Vec<Target>,
    /// Whether all are tried at once.
    pub manner: Manner,
    /// What their display shows before the caller.
    pub title: Option<String>,
    /// Who they are, should they become the call's other side.
    pub shown: Caller,
    /// For how long.
    pub ring_for: Duration,
    /// What whoever is put on hold hears.
    pub music: PromptName,
}

/// Somebody is being rung, or the queue has been asked to take the call.
#[derive(Debug)]
pub(super) struct Dialling {
    pub(super) to: Destination,
    pub(super) goal: Goal,
    stage: Stage,
}

/// What for.
#[derive(Debug)]
pub(super) enum Goal {
    /// The agent whose phone is the caller's leg waits for an answer, as yet without one from us.
    OwnCall {
        offer: Option<Bytes>,
        /// What the phone was told of our media, if it hears something already.
        early: Option<String>,
    },
    /// The caller is handed on.
    Transfer(Transfer),
    /// The caller is brought back.
    Recall,
    /// An adviser waits for somebody to be rung back.
    CallBack,
    /// A flow puts the caller through.
    Flow(Onward),
}

#[derive(Debug)]
enum Stage {
    /// The engine or the queue has been asked.
    Asking,
    Ringing(Box<Rung>),
}

/// Who rings, and what follows if they answer.
#[derive(Debug)]
struct Rung {
    ringing: Ringing,
    shown: Caller,
    music: PromptName,
}

impl Goal {
    fn purpose(&self) -> Purpose {
        match self {
            Goal::OwnCall { .. } => Purpose::OwnCall,
            Goal::Transfer(_) => Purpose::Transfer,
            Goal::Recall => Purpose::Recall,
            Goal::CallBack => Purpose::CallBack,
            Goal::Flow(_) => Purpose::Flow,
        }
    }
}

impl Dialling {
    /// Not rung yet.
    pub(super) fn asking(to: Destination, goal: Goal) -> Dialling {
        Dialling { to, goal, stage: Stage::Asking }
    }

    pub(super) fn ringing(&self) -> Option<&Ringing> {
        match &self.stage {
            Stage::Asking => None,
            Stage::Ringing(rung) => Some(&rung.ringing),
        }
    }

    pub(super) fn ringing_mut(&mut self) -> Option<&mut Ringing> {
        match &mut self.stage {
            Stage::Asking => None,
            Stage::Ringing(rung) => Some(&mut rung.ringing),
        }
    }

    /// The side of the conversation that hands the call on and has not hung up.
    pub(super) fn leaver_mut(&mut self) -> Option<&mut Talk> {
        match &mut self.goal {
            Goal::Transfer(transfer) => transfer.leaver.as_deref_mut(),
            Goal::OwnCall { .. } | Goal::Recall | Goal::CallBack | Goal::Flow(_) => None,
        }
    }

    /// They hang up, if this is their leg.
    pub(super) fn take_leaver(&mut self, leg: LegId) -> Option<Talk> {
        match &mut self.goal {
            Goal::Transfer(transfer) => {
                transfer.leaver.take_if(|talk| talk.leg.id == leg).map(|talk| *talk)
            }
            Goal::OwnCall { .. } | Goal::Recall | Goal::CallBack | Goal::Flow(_) => None,
        }
    }

    /// Whose phone it is that rings or will.
    fn peer(&self) -> Option<Peer> {
        match &self.to {
            Destination::Agent(agent) => Some(Peer::Agent(agent.clone())),
            Destination::Outside(number) => Some(Peer::Outside(number.clone())),
            Destination::Queue(_) | Destination::Flow(_) => None,
        }
    }

    fn agent(&self) -> Option<AgentId> {
        match &self.to {
            Destination::Agent(agent) => Some(agent.clone()),
            Destination::Outside(_) | Destination::Queue(_) | Destination::Flow(_) => None,
        }
    }
}

/// Somebody who rings in a call that is over, for the call that goes on.
#[derive(Debug)]
pub struct MovingRing {
    to: Destination,
    rung: Box<Rung>,
}

impl MovingRing {
    /// The agent who is rung, if it is one.
    pub fn agent(&self) -> Option<AgentId> {
        match &self.to {
            Destination::Agent(agent) => Some(agent.clone()),
            Destination::Outside(_) | Destination::Queue(_) | Destination::Flow(_) => None,
        }
    }

    /// Whom.
    pub(super) fn to(&self) -> &Destination {
        &self.to
    }

    /// The legs that ring.
    pub fn legs(&self) -> Vec<LegId> {
        self.rung.ringing.leg_ids()
    }
}

impl Call {
    /// Whoever is rung, or is to be.
    pub(super) fn dialling(&self) -> Option<&Dialling> {
        match &self.state {
            State::Dialling(dialling) => Some(dialling),
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Talking(_)
            | State::Ended => None,
        }
    }

    /// What somebody is rung for, or is to be.
    pub fn dials_for(&self) -> Option<Purpose> {
        self.dialling().map(|dialling| dialling.goal.purpose())
    }

    /// Whether a conversation is under way.
    pub fn is_talking(&self) -> bool {
        matches!(self.state, State::Talking(_))
    }

    /// Who hands the call on.
    pub fn handed_on_by(&self) -> Option<&AgentId> {
        match &self.dialling()?.goal {
            Goal::Transfer(transfer) => Some(&transfer.by),
            Goal::OwnCall { .. } | Goal::Recall | Goal::CallBack | Goal::Flow(_) => None,
        }
    }

    /// Asks the engine how somebody is to be rung.
    pub(super) fn dial(&mut self, to: Peer, goal: Goal) {
        let purpose = goal.purpose();
        let destination = match to.clone() {
            Peer::Agent(agent) => Destination::Agent(agent),
            Peer::Outside(number) => Destination::Outside(number),
        };
        self.state = State::Dialling(Box::new(Dialling::asking(destination, goal)));
        self.out.push(Action::Dial { to, purpose });
    }

    /// Whether the engine has been asked how somebody is to be rung, and has not answered yet.
    fn asks(&self) -> bool {
        self.dialling().is_some_and(|dialling| dialling.ringing().is_none())
    }

    /// Rings them. Whoever was reserved for a call that has gone on without them is given back.
    pub fn ring(&mut self, now: Time, ids: &mut Entropy, to: &Peer, ring: Ring) {
        let asks = self.asks();
        let State::Dialling(dialling) = &mut self.state else { return self.not_wanted(to) };
        if !asks || dialling.peer().as_ref() != Some(to) {
            return self.not_wanted(to);
        }
        let Ring { targets, manner, title, shown, ring_for, music } = ring;
        let display = Display::new(title.as_deref(), self.organisation.as_deref(), &self.caller);
        let ringing = Ringing::new(now, ids, targets, manner, display);
        let legs = ringing.leg_ids();
        let purpose = dialling.goal.purpose();
        dialling.stage = Stage::Ringing(Box::new(Rung { ringing, shown, music }));
        self.record(CallEvent::Dialled { to: to.clone(), legs: legs.clone(), purpose });
        if legs.is_empty() {
            return self.dial_over(now);
        }
        self.out.push(Action::Timer(CallTimer::Ring, Some(now + ring_for)));
        self.expect_next_phone();
        for leg in legs {
            self.media(media::Command::Open { leg, beside: Some(self.caller_leg.id) });
        }
    }

    fn not_wanted(&mut self, to: &Peer) {
        match to {
            Peer::Agent(agent) => {
                self.queue(QueueAction::OfferFailed(agent.clone(), OfferOutcome::Withdrawn));
            }
            Peer::Outside(_) => {}
        }
    }

    /// Whom the engine was asked about, if it has not answered yet.
    pub(super) fn take_asking(&mut self) -> Option<Dialling> {
        self.asks().then(|| self.take_dialling()).flatten()
    }

    /// They cannot be rung: `status` says why to the phone that asked.
    pub fn dial_refused(&mut self, now: Time, outcome: TransferOutcome, status: u16) {
        if let Some(dialling) = self.take_asking() {
            self.dial_failed(now, dialling.goal, outcome, status);
        }
    }

    pub(super) fn take_dialling(&mut self) -> Option<Dialling> {
        match std::mem::replace(&mut self.state, State::InFlow) {
            State::Dialling(dialling) => Some(*dialling),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// A phone rings for the first time.
    pub(super) fn dialled_rings(&mut self) {
        let State::Dialling(dialling) = &self.state else { return };
        let caller = self.caller_leg.id;
        let agent = dialling.agent();
        let news = match &dialling.goal {
            // A phone that is told to ring by itself would no longer let its user hear (RFC 3960
            // section 3.2).
            Goal::OwnCall { early: Some(_), .. } => None,
            Goal::OwnCall { early: None, .. } => Some(SipAction::Provisional(caller, 180, None)),
            Goal::Transfer(transfer) => {
                transfer.asked_on.map(|leg| SipAction::NotifyRefer(leg, 180))
            }
            Goal::Recall | Goal::CallBack | Goal::Flow(_) => None,
        };
        if let Some(agent) = agent {
            self.queue(QueueAction::Ringing(agent));
        }
        if let Some(news) = news {
            self.sip(news);
        }
    }

    /// Somebody who has not answered can be heard: so they are by whoever waits for them.
    pub(super) fn hear_early(&mut self, leg: LegId) {
        let caller = self.caller_leg.id;
        let heard = self.beside(caller);
        let State::Dialling(dialling) = &mut self.state else { return };
        match &mut dialling.goal {
            Goal::OwnCall { early: Some(_), .. } => {}
            Goal::OwnCall { offer, early } => {
                let Some(offer) = offer else { return };
                let Ok(sdp) = self.caller_leg.answer(offer, heard.as_deref()) else { return };
                *early = Some(sdp.clone());
                self.sip(SipAction::Provisional(caller, 183, Some(sdp)));
                self.negotiate(caller);
            }
            Goal::Transfer(_) | Goal::Recall | Goal::CallBack | Goal::Flow(_) => {}
        }
        self.media(media::Command::Bridge { a: caller, b: leg });
    }

    /// A phone answered. Whether an agent's answer counts is the queue's to decide.
    pub(super) fn dialled_answered(&mut self, now: Time) {
        let State::Dialling(dialling) = &self.state else { return };
        match dialling.agent() {
            Some(agent) => self.queue(QueueAction::Claim(agent)),
            None => self.connect(now),
        }
    }

    /// The queue confirms that the agent who was rung by name has answered.
    pub fn claimed(&mut self, now: Time, agent: &AgentId) {
        let answered = self.dialling().is_some_and(|dialling| {
            dialling.agent().as_ref() == Some(agent)
                && dialling.ringing().is_some_and(Ringing::has_answered)
        });
        match answered {
            true => self.connect(now),
            false => self.queue(QueueAction::TalkEnded(agent.clone())),
        }
    }

    /// Whoever was rung has answered: joins them to the call.
    fn connect(&mut self, now: Time) {
        let Some(dialling) = self.take_dialling() else { return };
        let Some(to) = dialling.peer() else { return };
        let purpose = dialling.goal.purpose();
        let Stage::Ringing(rung) = dialling.stage else { return };
        let Rung { mut ringing, shown, music } = *rung;
        let Some(leg) = ringing.take_answered() else { return };
        self.stop_ringing(&ringing, OfferOutcome::Accepted);
        self.dial_ended(now, &to, OfferOutcome::Accepted, &ringing);
        if self.is_alone() {
            return self.answered_alone(leg);
        }
        let talk = Talk::new(now, to, shown, leg, music);
        match dialling.goal {
            Goal::OwnCall { offer, early } => {
                self.connected(now, talk, purpose);
                match early {
                    Some(sdp) => self.answered(now, sdp),
                    None => self.answer_caller(now, offer),
                }
            }
            Goal::Transfer(transfer) => {
                self.let_go(now, transfer);
                self.connected(now, talk, purpose);
                self.record(CallEvent::TransferEnded { outcome: TransferOutcome::Completed });
            }
            Goal::Recall => self.connected(now, talk, purpose),
            Goal::CallBack => {
                self.connected(now, talk, purpose);
                self.called_back(now);
            }
            Goal::Flow(_) => {
                self.overflowed();
                self.connected(now, talk, purpose);
            }
        }
    }

    fn dial_ended(&mut self, now: Time, to: &Peer, outcome: OfferOutcome, ringing: &Ringing) {
        let (to, rang_us) = (to.clone(), micros(now - ringing.since));
        self.record(CallEvent::DialEnded { to, outcome, rang_us });
    }

    /// Nobody answered.
    pub(super) fn dial_over(&mut self, now: Time) {
        let Some(dialling) = self.take_dialling() else { return };
        let (outcome, status) =
            dialling.ringing().map_or((OfferOutcome::Unreachable, None), Ringing::result);
        let (transfer_outcome, says) = verdict(&dialling.to, outcome, status);
        let goal = self.abandon(now, dialling, outcome);
        self.dial_failed(now, goal, transfer_outcome, says);
    }

    /// Stops what rings and gives a reserved agent back. What it was for is left to the caller of
    /// this function.
    fn abandon(&mut self, now: Time, dialling: Dialling, outcome: OfferOutcome) -> Goal {
        let (peer, agent) = (dialling.peer(), dialling.agent());
        match (peer, dialling.stage) {
            (Some(peer), Stage::Ringing(rung)) => {
                self.stop_ringing(&rung.ringing, outcome);
                self.dial_ended(now, &peer, outcome, &rung.ringing);
            }
            (Some(_), Stage::Asking) => {}
            (None, _) => self.queue(QueueAction::Leave),
        }
        if let Some(agent) = agent {
            self.queue(QueueAction::OfferFailed(agent, outcome));
        }
        dialling.goal
    }

    /// The queue wants an agent back whom it had reserved.
    pub(super) fn reservation_withdrawn(&mut self, now: Time, agent: &AgentId) {
        let ours = self.dialling().is_some_and(|dialling| dialling.agent().as_ref() == Some(agent));
        if !ours {
            return self.invitation_withdrawn(agent);
        }
        if let Some(dialling) = self.take_dialling() {
            let goal = self.abandon(now, dialling, OfferOutcome::Withdrawn);
            self.dial_failed(now, goal, TransferOutcome::Unreachable, 480);
        }
    }

    pub(super) fn dial_failed(
        &mut self,
        now: Time,
        goal: Goal,
        outcome: TransferOutcome,
        status: u16,
    ) {
        match goal {
            Goal::OwnCall { .. } => {
                self.sip(SipAction::Reject(self.caller_leg.id, status));
                self.end(now, EndCause::AgentCallFailed);
            }
            Goal::Transfer(transfer) => self.transfer_failed(now, transfer, outcome, status),
            Goal::Recall => self.give_back(),
            Goal::CallBack => self.not_reached(now, outcome),
            Goal::Flow(_) => {
                // Whom they were to be connected with may have been heard meanwhile.
                self.media(media::Command::Quiet { leg: self.caller_leg.id });
                self.state = State::InFlow;
                self.out.push(Action::Notify(Notice::NotConnected(outcome)));
            }
        }
    }

    /// The call ends while somebody is being rung.
    pub(super) fn dial_cut_short(&mut self, now: Time, dialling: Dialling, by: Party) {
        let (rung, transfer) = match by {
            Party::Caller => (OfferOutcome::CallerLeft, TransferOutcome::CallerLeft),
            Party::Agent | Party::System => (OfferOutcome::Withdrawn, TransferOutcome::Withdrawn),
        };
        match self.abandon(now, dialling, rung) {
            Goal::Transfer(Transfer { leaver, asked_on, .. }) => {
                if let Some(leg) = asked_on {
                    self.sip(SipAction::NotifyRefer(leg, 487));
                }
                if let Some(talk) = leaver {
                    self.part(now, *talk, by);
                }
                self.record(CallEvent::TransferEnded { outcome: transfer });
            }
            Goal::Flow(_) => self.overflowed(),
            Goal::OwnCall { .. } | Goal::Recall | Goal::CallBack => {}
        }
    }

    /// Takes out whoever rings for an agent's own call; the call is left without them.
    pub(super) fn take_ring(&mut self, now: Time) -> Option<MovingRing> {
        let rings = match &self.state {
            State::Dialling(dialling) => match &dialling.goal {
                // Unless their answer is being decided about.
                Goal::OwnCall { .. } => {
                    dialling.ringing().is_some_and(|ringing| !ringing.has_answered())
                }
                Goal::Transfer(_) | Goal::Recall | Goal::CallBack | Goal::Flow(_) => false,
            },
            State::Arriving { .. }
            | State::InFlow
            | State::Queued
            | State::Offering(_)
            | State::Talking(_)
            | State::Ended => false,
        };
        let dialling = if rings { self.take_dialling()? } else { return None };
        let peer = dialling.peer()?;
        let Stage::Ringing(rung) = dialling.stage else { return None };
        self.out.push(Action::Timer(CallTimer::Ring, None));
        self.dial_ended(now, &peer, OfferOutcome::Withdrawn, &rung.ringing);
        Some(MovingRing { to: dialling.to, rung })
    }

    /// Goes on with somebody who rang in another call, for a transfer of this one.
    pub(super) fn take_up_ring(&mut self, moving: MovingRing, transfer: Transfer) {
        let MovingRing { to, rung } = moving;
        let legs = rung.ringing.leg_ids();
        let stage = Stage::Ringing(rung);
        let dialling = Dialling { to, goal: Goal::Transfer(transfer), stage };
        if let Some(to) = dialling.peer() {
            self.record(CallEvent::Dialled { to, legs, purpose: Purpose::Transfer });
        }
        self.state = State::Dialling(Box::new(dialling));
    }
}

/// What ringing that came to nothing means to whoever asked for it, and the status that says so.
fn verdict(to: &Destination, outcome: OfferOutcome, status: Option<u16>) -> (TransferOutcome, u16) {
    let inside = match to {
        Destination::Agent(_) | Destination::Queue(_) | Destination::Flow(_) => true,
        Destination::Outside(_) => false,
    };
    match outcome {
        OfferOutcome::Rejected => (TransferOutcome::Rejected, status.unwrap_or(486)),
        OfferOutcome::NoAnswer => (TransferOutcome::NoAnswer, 480),
        OfferOutcome::Accepted
        | OfferOutcome::Unreachable
        | OfferOutcome::CallerLeft
        | OfferOutcome::Withdrawn
        | OfferOutcome::AnsweredElsewhere => {
            // Which of an agent's phones failed how is nobody's business.
            let status = if inside { 480 } else { status.map_or(503, told_of_outside) };
            (TransferOutcome::Unreachable, status)
        }
    }
}

/// What a phone is told of a failure outside. What asks its reader to do something was meant for us:
/// a phone would look elsewhere itself, or take the carrier's challenge for ours.
fn told_of_outside(status: u16) -> u16 {
    match status {
        300..=399 => 480,
        401 | 407 => 403,
        _ => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_told_how_a_call_to_the_outside_failed_and_never_to_try_or_prove_itself() {
        let outside = Destination::Outside("01632960123".to_owned());
        for (status, told) in
            [(302, 480), (305, 480), (401, 403), (407, 403), (404, 404), (488, 488), (503, 503)]
        {
            let verdict = verdict(&outside, OfferOutcome::Unreachable, Some(status));
            assert_eq!(verdict, (TransferOutcome::Unreachable, told), "{status}");
        }
        let busy = verdict(&outside, OfferOutcome::Rejected, Some(600));
        assert_eq!(busy, (TransferOutcome::Rejected, 600));
        let nothing = verdict(&outside, OfferOutcome::Unreachable, None);
        assert_eq!(nothing, (TransferOutcome::Unreachable, 503));
        let colleague = Destination::Agent("ben".into());
        let refused = verdict(&colleague, OfferOutcome::Unreachable, Some(401));
        assert_eq!(refused, (TransferOutcome::Unreachable, 480), "whose phone how is not told");
    }
}
