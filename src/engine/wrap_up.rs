//! What advisers say of conversations: between the API, the queue and the journal.

use crate::acd::command::{AcdInput, ChoiceError};
use crate::acd::wrap_up::WrapUpError;
use crate::event::{CallEvent, Event, Note, Peer, Purpose, Verdict};
use crate::flow::nearest;
use crate::id::{AgentId, CallId, QueueName, WrapUpCode};
use crate::stats::Restored;
use crate::time::Time;

use super::Engine;
use super::io::Reply;

impl Engine {
    /// Something happened to a call: it may be the beginning of a conversation that a queue brought.
    pub(super) fn follow_conversation(&mut self, id: CallId, event: &CallEvent) {
        if let CallEvent::Joined { agent, queue, .. } = event {
            self.wrap_ups.began(agent, id, queue);
        } else if let CallEvent::Connected { to, purpose, .. } = event
            && *purpose != Purpose::Flow
            && let Some(governed) = self.calls.get(&id)
            && let Some(queue) = governed.call.queue_of()
        {
            // Whoever holds the line in a call back; else whoever takes a caller over.
            let own = governed.call.dialled_by();
            let agent = match (to, purpose) {
                (Peer::Outside(_), Purpose::CallBack) => own,
                (Peer::Agent(agent), _) if own.is_none() => Some(agent),
                (Peer::Agent(_) | Peer::Outside(_), _) => None,
            };
            if let Some(agent) = agent {
                self.wrap_ups.began(agent, id, queue);
            }
        }
    }

    /// An adviser is no longer part of a call.
    pub(super) fn conversation_over(&mut self, now: Time, call: CallId, agent: &AgentId) {
        self.wrap_ups.over(now, agent, call);
        if self.wrap_ups.owes(agent, &self.plan.acd.queues) {
            self.apply(now, AcdInput::CodeOwed { agent: agent.clone(), owed: true });
        }
    }

    /// An adviser, or a supervisor for them, says what a conversation was about.
    pub(super) fn wrap_up_request(
        &mut self,
        now: Time,
        (call, agent): (CallId, Option<AgentId>),
        (verdict, note): (Verdict, Option<Note>),
        actor: &str,
    ) -> Reply {
        let said = self.wrap_ups.find(agent.as_ref(), call).and_then(|(agent, queue)| {
            self.fits(&queue, verdict.code.as_ref())?;
            let settings = &self.plan.wrap_up;
            let of = (&agent, call);
            let said = self.wrap_ups.say(now, settings, of, (verdict, note), actor)?;
            Ok((agent, said))
        });
        match said {
            Ok((agent, said)) => {
                if let Some(said) = said {
                    let event = CallEvent::WrappedUp(said);
                    self.record(now, Event::Call { call, event });
                }
                if !self.wrap_ups.owes(&agent, &self.plan.acd.queues) {
                    self.apply(now, AcdInput::CodeOwed { agent, owed: false });
                }
                Reply::Done
            }
            Err(error) => Reply::WrapUpRefused(error),
        }
    }

    /// Whether a code is one of the queue's, and there is one where the queue wants it.
    fn fits(&self, queue: &QueueName, code: Option<&WrapUpCode>) -> Result<(), WrapUpError> {
        let settings = self.plan.acd.queues.get(queue);
        let Some(code) = code else {
            let wanted = settings.is_some_and(|settings| settings.wrap_up_required);
            return if wanted { Err(WrapUpError::CodeNeeded(queue.clone())) } else { Ok(()) };
        };
        let known = || self.plan.wrap_up.codes_of(settings);
        if known().any(|one| one == code) {
            return Ok(());
        }
        let near = nearest(code.as_str(), known().map(WrapUpCode::as_str)).map(Into::into);
        Err(WrapUpError::UnknownCode { code: code.clone(), near })
    }

    /// An agent needs more time for the work of the last call.
    pub(super) fn more_time(&mut self, now: Time, agent: &AgentId) -> Result<(), ChoiceError> {
        self.chosen(now, AcdInput::MoreTime { agent: agent.clone() })
    }

    /// What the last run knew of conversations.
    pub(super) fn restore_wrap_ups(&mut self, restored: &Restored) {
        for one in &restored.wrap_ups {
            // What lasted when the last run died is over since.
            let over_at = one.over_at.map_or(Time::ZERO, |at| self.wall.when(at));
            let of = (one.agent.clone(), one.call, one.queue.clone());
            let said = one.verdict.clone().map(|verdict| (verdict, one.note.clone()));
            self.wrap_ups.restore(of, over_at, said);
        }
    }
}
