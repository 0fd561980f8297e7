//! Agents at work: their choices, their phones, and what follows a conversation.

use std::time::Duration;

use crate::event::{AgentState, StateReason};
use crate::id::{AgentId, AwayReason, CallId};
use crate::time::Time;

use super::agents::{Activity, Afterwards, Before, Engaged, OfferedBy, Work};
use super::command::{AcdEffect, AgentChoice, ChoiceError, WasAway};
use super::{Acd, Due, Turn, seconds};

/// Who decides when an agent is no longer in the settings.
const SETTINGS: &str = "settings";

impl Acd {
    pub(super) fn activity(&self, agent: &AgentId) -> Option<&Activity> {
        self.agents.get(agent).map(|agent| &agent.activity)
    }

    pub(super) fn choose(
        &mut self,
        turn: &mut Turn<'_>,
        agent: AgentId,
        choice: AgentChoice,
        (reason, by): (StateReason, Option<String>),
        away: Option<AwayReason>,
    ) {
        let known = self.agents.get(&agent).filter(|agent| !agent.gone);
        let Some(activity) = known.map(|agent| agent.activity.clone()) else {
            let error = ChoiceError::UnknownAgent;
            turn.effects.push(AcdEffect::ChoiceRefused { agent, error });
            return;
        };
        let is_away = choice == AgentChoice::NotReady && activity.is_signed_in();
        if let Some(away) = away.as_ref().filter(|_| is_away)
            && let Err(error) = self.may_be_away(&agent, away, reason)
        {
            turn.effects.push(AcdEffect::ChoiceRefused { agent, error });
            return;
        }
        if is_away {
            self.choose_away(&agent, away);
        }
        match (choice, activity) {
            // A supervisor may let them go on without.
            (AgentChoice::Ready, activity)
                if reason == StateReason::Own
                    && activity.works()
                    && self.agents.owes_code(&agent) =>
            {
                let error = ChoiceError::CodeOwed;
                turn.effects.push(AcdEffect::ChoiceRefused { agent, error });
            }
            (AgentChoice::Ready | AgentChoice::NotReady, Activity::SignedOut) => {
                let error = ChoiceError::SignedOut;
                turn.effects.push(AcdEffect::ChoiceRefused { agent, error });
            }
            (choice, Activity::Engaged(engaged)) => {
                self.choose_meanwhile(turn, agent, engaged, choice, reason, by);
            }
            (
                choice @ (AgentChoice::Ready | AgentChoice::NotReady),
                Activity::Offered { call, ringing, from: OfferedBy::Direct { queue, .. } },
            ) => {
                let before = match choice {
                    AgentChoice::Ready => Before::Ready,
                    AgentChoice::SignIn | AgentChoice::SignOut | AgentChoice::NotReady => {
                        Before::NotReady
                    }
                };
                let from = OfferedBy::Direct { queue, before };
                self.become_by_call(turn, &agent, Activity::Offered { call, ringing, from });
            }
            (
                choice @ (AgentChoice::SignOut | AgentChoice::NotReady),
                Activity::Offered { call, .. },
            ) => {
                self.withdraw_from(turn, &agent, call);
                let activity = match choice {
                    AgentChoice::SignOut => Activity::SignedOut,
                    AgentChoice::SignIn | AgentChoice::Ready | AgentChoice::NotReady => {
                        Activity::NotReady
                    }
                };
                self.become_so(turn, &agent, activity, reason, by);
            }
            (AgentChoice::SignIn, Activity::SignedOut)
            | (
                AgentChoice::NotReady,
                Activity::NotReady | Activity::Ready | Activity::Unreachable | Activity::WrapUp,
            ) => {
                self.become_so(turn, &agent, Activity::NotReady, reason, by);
            }
            (AgentChoice::Ready, Activity::NotReady | Activity::Unreachable | Activity::WrapUp) => {
                // Whoever says that they are ready says that their phone works.
                self.agents.set_phone_failed(&agent, false);
                self.agents.is_there(&agent);
                self.become_ready(turn, &agent, reason, by);
            }
            (
                AgentChoice::SignOut,
                Activity::SignedOut
                | Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::WrapUp,
            ) => {
                self.become_so(turn, &agent, Activity::SignedOut, reason, by);
            }
            (AgentChoice::Ready, Activity::Ready | Activity::Offered { .. })
            | (
                AgentChoice::SignIn,
                Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::Offered { .. }
                | Activity::WrapUp,
            ) => {}
        }
    }

    /// A choice during a call: carried out after it.
    fn choose_meanwhile(
        &mut self,
        turn: &mut Turn<'_>,
        agent: AgentId,
        engaged: Engaged,
        choice: AgentChoice,
        reason: StateReason,
        by: Option<String>,
    ) {
        let mut engaged = engaged;
        let signed_out = engaged.before == Before::SignedOut;
        match choice {
            AgentChoice::Ready | AgentChoice::NotReady if signed_out => {
                let error = ChoiceError::SignedOut;
                turn.effects.push(AcdEffect::ChoiceRefused { agent, error });
                return;
            }
            AgentChoice::SignOut if signed_out => return,
            AgentChoice::SignIn if signed_out => engaged.before = Before::NotReady,
            AgentChoice::SignOut => {
                engaged.then = Some(Afterwards { sign_out: true, reason, by });
            }
            AgentChoice::NotReady => {
                engaged.then = Some(Afterwards { sign_out: false, reason, by });
            }
            AgentChoice::Ready => {
                engaged.then = None;
                // Whoever was on a break, or at the last call's work, has come back from it.
                engaged.before = Before::Ready;
            }
            // Whoever wanted to sign out has thought better of it.
            AgentChoice::SignIn => {
                engaged.then = engaged.then.map(|_| Afterwards { sign_out: false, reason, by });
            }
        }
        self.become_by_call(turn, &agent, Activity::Engaged(engaged));
    }

    pub(super) fn reachable(&mut self, turn: &mut Turn<'_>, agent: &AgentId, reachable: bool) {
        if !self.agents.set_phone(agent, reachable) {
            return;
        }
        match self.activity(agent) {
            Some(Activity::Ready) if !reachable => {
                self.become_so(turn, agent, Activity::Unreachable, StateReason::Phone, None);
            }
            Some(Activity::Unreachable) if reachable => {
                self.become_ready(turn, agent, StateReason::Phone, None);
            }
            // A conversation or an offer under way follows its own legs.
            Some(
                Activity::Ready
                | Activity::Unreachable
                | Activity::SignedOut
                | Activity::NotReady
                | Activity::Offered { .. }
                | Activity::Engaged(_)
                | Activity::WrapUp,
            )
            | None => {}
        }
    }

    pub(super) fn restore(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        state: AgentState,
        away: Option<WasAway>,
    ) {
        match self.activity(agent) {
            Some(Activity::SignedOut) => {}
            Some(_) => return,
            // The settings have changed since the last run: the journal must not show for ever
            // somebody at work who is not there any more.
            None => {
                if state != AgentState::SignedOut {
                    turn.effects.push(AcdEffect::AgentChanged {
                        agent: agent.clone(),
                        from: state,
                        to: AgentState::SignedOut,
                        reason: StateReason::Restored,
                        by: Some(SETTINGS.to_owned()),
                        lasted: Duration::ZERO,
                        away: None,
                    });
                }
                return;
            }
        }
        match state {
            AgentState::SignedOut => {}
            AgentState::NotReady => {
                if let Some(away) = away {
                    self.restore_away(agent, away);
                }
                self.become_so(turn, agent, Activity::NotReady, StateReason::Restored, None);
            }
            // Their calls ended with the last run.
            AgentState::Ready
            | AgentState::Reserved
            | AgentState::Ringing
            | AgentState::Talking
            | AgentState::Hold
            | AgentState::Consulting
            | AgentState::WrapUp
            | AgentState::Unreachable => {
                self.become_ready(turn, agent, StateReason::Restored, None);
            }
        }
    }

    pub(super) fn talk_ended(&mut self, turn: &mut Turn<'_>, agent: &AgentId, call: CallId) {
        let Some(Activity::Engaged(engaged)) = self.activity(agent) else { return };
        let mut engaged = engaged.clone();
        let Some(queue) = engaged.calls.remove(&call) else { return };
        engaged.held.remove(&call);
        engaged.owed = queue.or(engaged.owed);
        if !engaged.calls.is_empty() {
            self.become_by_call(turn, agent, Activity::Engaged(engaged));
            return;
        }
        if self.agents.get(agent).is_some_and(|agent| agent.gone) {
            self.sign_out_and_forget(turn, agent);
            return;
        }
        let settings = engaged.owed.as_ref().and_then(|queue| self.plan.queues.get(queue));
        let (wrap_up_s, most_s) =
            settings.map_or((0, 0), |settings| (settings.wrap_up_s, settings.wrap_up_most_s));
        match (engaged.then, engaged.before) {
            (Some(Afterwards { sign_out: true, reason, by }), _) => {
                self.become_so(turn, agent, Activity::SignedOut, reason, by);
            }
            (Some(Afterwards { sign_out: false, reason, by }), _) => {
                self.become_so(turn, agent, Activity::NotReady, reason, by);
            }
            (None, Before::Ready | Before::WrapUp(_)) if wrap_up_s > 0 => {
                let until = turn.at + seconds(wrap_up_s);
                let most = until.max(turn.at + seconds(most_s));
                self.agents.set_work(agent, Work { step: seconds(wrap_up_s), until, most });
                self.resume(turn, agent, Before::WrapUp(until));
            }
            (None, before) => self.resume(turn, agent, before),
        }
    }

    /// An agent is free and does again what they did before, or the work of the last call.
    pub(super) fn resume(&mut self, turn: &mut Turn<'_>, agent: &AgentId, before: Before) {
        match before {
            Before::SignedOut => {
                self.become_so(turn, agent, Activity::SignedOut, StateReason::Call, None);
            }
            Before::NotReady => {
                self.become_so(turn, agent, Activity::NotReady, StateReason::Call, None);
            }
            Before::WrapUp(until) if until > turn.at || self.agents.owes_code(agent) => {
                self.become_so(turn, agent, Activity::WrapUp, StateReason::Call, None);
                self.due.set(Due::WrapUp(agent.clone()), until);
            }
            Before::Ready | Before::WrapUp(_) => {
                self.become_ready(turn, agent, StateReason::Call, None);
            }
        }
    }

    pub(super) fn wrap_up_over(&mut self, turn: &mut Turn<'_>, agent: &AgentId) {
        if self.activity(agent) != Some(&Activity::WrapUp) {
            return;
        }
        match self.agents.work(agent).filter(|_| self.agents.owes_code(agent)) {
            Some(work) if work.most > turn.at => {
                self.due.set(Due::WrapUp(agent.clone()), work.most);
            }
            // Nobody is there who would give it, or would answer.
            Some(_) => {
                let activity = Activity::NotReady;
                self.become_so(turn, agent, activity, StateReason::WrapUpOver, None);
            }
            None => self.become_ready(turn, agent, StateReason::WrapUpOver, None),
        }
    }

    pub(super) fn code_owed(&mut self, turn: &mut Turn<'_>, agent: &AgentId, owed: bool) {
        let can = self.activity(agent).is_some_and(Activity::can_owe_code);
        self.agents.set_owes_code(agent, owed && can);
        let over = self.agents.work(agent).is_some_and(|work| work.until <= turn.at);
        if !owed && over {
            self.wrap_up_over(turn, agent);
        }
    }

    pub(super) fn more_time(&mut self, turn: &mut Turn<'_>, agent: AgentId) {
        let refuse = |error| AcdEffect::ChoiceRefused { agent: agent.clone(), error };
        let wraps_up = match self.activity(&agent) {
            Some(Activity::WrapUp) => true,
            // By a star code.
            Some(Activity::Engaged(engaged)) => matches!(engaged.before, Before::WrapUp(_)),
            Some(
                Activity::SignedOut
                | Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::Offered { .. },
            ) => false,
            None => return turn.effects.push(refuse(ChoiceError::UnknownAgent)),
        };
        let Some(work) = self.agents.work(&agent).filter(|_| wraps_up) else {
            return turn.effects.push(refuse(ChoiceError::NotWrappingUp));
        };
        let until = work.most.min(work.until.max(turn.at) + work.step);
        if until <= work.until {
            return turn.effects.push(refuse(ChoiceError::NoMoreTime));
        }
        self.agents.set_work(&agent, Work { until, ..work });
        if let Some(Activity::Engaged(engaged)) = self.activity(&agent) {
            let before = Before::WrapUp(until);
            let engaged = Engaged { before, ..engaged.clone() };
            self.become_by_call(turn, &agent, Activity::Engaged(engaged));
        } else {
            self.due.set(Due::WrapUp(agent), until);
        }
    }

    /// Signs out an agent who is no longer in the settings: now if free, else after the call.
    pub(super) fn sign_out_gone(&mut self, turn: &mut Turn<'_>, agent: &AgentId) {
        match self.activity(agent).cloned() {
            None | Some(Activity::Engaged(_)) => {}
            Some(Activity::Offered { call, .. }) => {
                self.withdraw_from(turn, agent, call);
                self.sign_out_and_forget(turn, agent);
            }
            Some(
                Activity::SignedOut
                | Activity::NotReady
                | Activity::Ready
                | Activity::Unreachable
                | Activity::WrapUp,
            ) => self.sign_out_and_forget(turn, agent),
        }
    }

    fn sign_out_and_forget(&mut self, turn: &mut Turn<'_>, agent: &AgentId) {
        let by = Some(SETTINGS.to_owned());
        self.become_so(turn, agent, Activity::SignedOut, StateReason::Supervisor, by);
        self.agents.forget(agent);
    }

    /// Ready, or unreachable without a phone; idle from now on.
    pub(super) fn become_ready(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        reason: StateReason,
        by: Option<String>,
    ) {
        let Some(activity) = self.agents.get(agent).map(|agent| agent.ready()) else { return };
        self.change(turn, agent, activity, Some(turn.at), reason, by);
    }

    /// A change that follows from a call. The idle time is kept: it counts again if the call comes
    /// to nothing.
    pub(super) fn become_by_call(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        activity: Activity,
    ) {
        self.change(turn, agent, activity, None, StateReason::Call, None);
    }

    pub(super) fn become_so(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        activity: Activity,
        reason: StateReason,
        by: Option<String>,
    ) {
        self.change(turn, agent, activity, None, reason, by);
    }

    fn change(
        &mut self,
        turn: &mut Turn<'_>,
        agent: &AgentId,
        activity: Activity,
        idle: Option<Time>,
        reason: StateReason,
        by: Option<String>,
    ) {
        if activity != Activity::WrapUp {
            self.due.cancel(&Due::WrapUp(agent.clone()));
        }
        if !activity.can_owe_code() {
            self.agents.set_owes_code(agent, false);
        }
        if !matches!(activity, Activity::Engaged(_) | Activity::WrapUp)
            && let Some((queue, busy)) = self.agents.has_served(agent, turn.at)
        {
            self.paces.entry(queue).or_default().handled(busy);
        }
        if activity == Activity::Ready
            && let Some(skills) = self.agents.skills(agent)
        {
            turn.fresh.profiles.insert(skills.clone());
        }
        turn.duty_shrank |= !activity.on_duty();
        self.follow_away(agent, (&activity, reason), turn.at);
        let change = self.agents.set(agent, activity, idle, turn.at);
        if let Some(change) = change {
            turn.effects.push(AcdEffect::AgentChanged {
                agent: agent.clone(),
                from: change.from,
                to: change.to,
                reason,
                by,
                lasted: change.lasted,
                away: change.away,
            });
        }
        self.look_after_those_who_wait_for(turn, agent);
    }
}
