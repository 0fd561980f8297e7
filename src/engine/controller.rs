//! Who owns the caller's ears and keys: exactly one controller at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::acd::away::AwaySettings;
use crate::acd::command::AgentChoice;
use crate::call::command::{AtClosing, Command, Notice, Priority, QueueReturn};
use crate::call::{Action, Onward};
use crate::config::settings::StarCodes;
use crate::event::{AgentState, CallEvent, EndCause, StateReason};
use crate::flow;
use crate::id::{AgentId, AwayReason, CallId, FlowName, PromptName, QueueName};
use crate::time::Time;

use super::Engine;
use super::desks::Newcomer;

/// The longest that a fact for an adviser's screen may be, in characters.
const MAX_FACT: usize = 200;

/// A call's controller.
#[derive(Debug)]
pub enum Controller {
    /// The number's flow.
    Flow {
        /// Its name, for the journal.
        name: FlowName,
        /// The walk through it.
        run: Box<flow::Run>,
    },
    /// An agent rings somebody; nobody is there who would have to be led.
    Own {
        /// Where the agent waits for whoever serves it.
        queue: Option<QueueName>,
    },
    /// Nobody: a promise is kept, or whoever was rung back waits.
    Callback {
        /// The flow that gave the promise, and leads whom the queue does not take.
        flow: Option<FlowName>,
    },
    /// Somebody signs in at a shared phone.
    Newcomer(Newcomer),
    /// An agent's own phone changes the agent's state and confirms it.
    StarCode {
        /// Whose.
        agent: AgentId,
        /// Which code.
        code: StarCode,
        /// What happens when the phone is free again: see [`StarCode::afterwards`].
        afterwards: Option<AgentChoice>,
    },
}

/// What an agent can do by dialling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StarCode {
    /// Sign in, ready for calls.
    SignIn,
    /// Sign out.
    SignOut,
    /// Ready.
    Ready,
    /// Not ready.
    NotReady,
    /// Not ready, for a reason.
    Away(AwayReason),
    /// More time for the work of the last call.
    MoreTime,
}

impl StarCode {
    /// The code that was dialled, if it is one.
    pub fn dialled(
        called: &str,
        codes: &StarCodes,
        reasons: &BTreeMap<AwayReason, AwaySettings>,
    ) -> Option<StarCode> {
        let known = [
            (&codes.sign_in, StarCode::SignIn),
            (&codes.sign_out, StarCode::SignOut),
            (&codes.ready, StarCode::Ready),
            (&codes.not_ready, StarCode::NotReady),
            (&codes.more_time, StarCode::MoreTime),
        ]
        .into_iter()
        .find_map(|(code, what)| (code == called).then_some(what));
        known.or_else(|| {
            let key = called.strip_prefix(&codes.not_ready)?;
            let mut reasons = reasons.iter();
            let (reason, _) = reasons.find(|(_, away)| away.key.as_deref() == Some(key))?;
            Some(StarCode::Away(reason.clone()))
        })
    }

    /// What is carried out at once.
    pub fn at_once(&self) -> Option<AgentChoice> {
        match self {
            StarCode::SignIn => Some(AgentChoice::SignIn),
            StarCode::SignOut => Some(AgentChoice::SignOut),
            StarCode::Ready | StarCode::MoreTime => None,
            StarCode::NotReady | StarCode::Away(_) => Some(AgentChoice::NotReady),
        }
    }

    /// What is carried out when the code's own call is over: a phone with one line that still plays
    /// the confirmation would refuse the first caller as busy.
    pub fn afterwards(&self) -> Option<AgentChoice> {
        match self {
            StarCode::SignIn | StarCode::Ready => Some(AgentChoice::Ready),
            StarCode::SignOut | StarCode::NotReady | StarCode::Away(_) | StarCode::MoreTime => None,
        }
    }

    /// What the agent hears when it is done.
    pub fn confirmation(&self) -> PromptName {
        PromptName::from(match self {
            StarCode::SignIn => "agent/signed-in",
            StarCode::SignOut => "agent/signed-out",
            StarCode::Ready => "agent/ready",
            StarCode::NotReady | StarCode::Away(_) => "agent/not-ready",
            StarCode::MoreTime => "agent/more-time",
        })
    }

    /// What the agent hears when it cannot be done.
    pub fn refusal() -> PromptName {
        PromptName::from("agent/refused")
    }

    /// Every prompt that star codes can play.
    pub fn prompts() -> Vec<PromptName> {
        [
            StarCode::SignIn,
            StarCode::SignOut,
            StarCode::Ready,
            StarCode::NotReady,
            StarCode::MoreTime,
        ]
        .into_iter()
        .map(|code| code.confirmation())
        .chain([StarCode::refusal()])
        .collect()
    }
}

impl Engine {
    pub(super) fn notify(&mut self, now: Time, id: CallId, notice: Notice) {
        let Some(governed) = self.calls.get_mut(&id) else { return };
        match &mut governed.controller {
            Controller::Flow { run, .. } => {
                for command in run.handle(notice) {
                    self.obey_flow(now, id, command);
                }
            }
            Controller::Callback { flow } => {
                let flow = flow.clone();
                self.lead_callback(now, id, flow, &notice);
            }
            Controller::StarCode { agent, code, .. } => {
                let (agent, code) = (agent.clone(), code.clone());
                match notice {
                    Notice::Started => self.star_code(now, id, &agent, &code),
                    Notice::Played => {
                        self.with_call(id, |call, _| call.end(now, EndCause::StarCodeDone));
                    }
                    Notice::Key(_)
                    | Notice::SecretKey(_)
                    | Notice::TimerDone
                    | Notice::Hours { .. }
                    | Notice::Bulletin { .. }
                    | Notice::Answered(_)
                    | Notice::Promised { .. }
                    | Notice::NotConnected(_)
                    | Notice::Heard(_)
                    | Notice::QueueLeft(_)
                    | Notice::Outlook(_)
                    | Notice::Waiting
                    | Notice::Callback(_)
                    | Notice::MessageEnded { .. }
                    | Notice::Joined
                    | Notice::CallOver
                    | Notice::CameBack => {}
                }
            }
            Controller::Newcomer(_) => self.newcomer(now, id, notice),
            Controller::Own { queue } => {
                let queue = queue.clone();
                self.own_call(now, id, queue, notice);
            }
        }
    }

    fn obey_flow(&mut self, now: Time, id: CallId, command: Command) {
        if !matches!(
            self.calls.get(&id).map(|governed| &governed.controller),
            Some(Controller::Flow { .. })
        ) {
            return;
        }
        let event = match command {
            Command::Enter { flow, node } => CallEvent::NodeEntered { flow, node },
            Command::Note { label, fact } => {
                let cut = |text: &str| text.chars().take(MAX_FACT).collect();
                CallEvent::Noted { label: cut(&label), fact: cut(&fact) }
            }
            Command::AskBulletin { bulletin } => {
                let on = self.bulletins.contains(&bulletin);
                return self.work.push_back((id, Action::Notify(Notice::Bulletin { on })));
            }
            Command::Request(ask) => {
                let effects = self.backends.ask(now, id, ask);
                return self.backend_effects(now, effects);
            }
            Command::Send(wanted) => return self.promise(now, id, wanted),
            Command::Said(said) => CallEvent::Said(said),
            Command::Rate { question, score } => CallEvent::Rated { question, score },
            Command::HandOver { reason, intent } => CallEvent::HandedOver { reason, intent },
            Command::Listen { question } => return self.listen(id, question),
            Command::StopListening => return self.stop_listening(id),
            Command::PlayMusic => {
                let music = self.plan.music.clone();
                return self.with_call(id, |call, _| call.play_music(music));
            }
            Command::Chose { node, key } => CallEvent::Chose { node, key: key.as_char() },
            Command::AskHours { calendar } => {
                let open = self.acd.is_open(&calendar, now, &self.wall);
                return self.work.push_back((id, Action::Notify(Notice::Hours { open })));
            }
            Command::Connect { flow, to, rings } => {
                return self.connect(now, id, &to, Onward { flow, rings });
            }
            Command::TakeMessage { queue, longest } => {
                return self.take_message(now, id, queue, longest);
            }
            Command::AskOutlook { words } => {
                let outlook = self.acd.outlook(id, now).unwrap_or_default();
                return self.with_call(id, |call, _| call.tell_outlook(words, outlook));
            }
            Command::AskCallback { queue, number, time } => {
                return self.ask_callback(now, id, &queue, number.as_deref(), time);
            }
            Command::TakeCallback { queue, skills, priority, number, time } => {
                return self.take_callback(now, id, (queue, skills, priority), &number, time);
            }
            Command::Play { .. }
            | Command::StopPlaying
            | Command::SetTimer { .. }
            | Command::CancelTimer
            | Command::Queue { .. }
            | Command::EndMessage
            | Command::Secret { .. }
            | Command::HangUp { .. } => {
                return self.with_call(id, |call, _| call.command(now, command));
            }
        };
        self.work.push_back((id, Action::Record(event)));
    }

    /// A call that no number of ours began.
    fn own_call(&mut self, now: Time, id: CallId, queue: Option<QueueName>, notice: Notice) {
        let cause = match notice {
            Notice::Started => {
                if let Some(queue) = queue {
                    let (skills, prefers) = (Vec::new(), Vec::new());
                    let at_closing = AtClosing::Serve;
                    let priority = Priority::default();
                    let command = Command::Queue {
                        queue,
                        skills,
                        prefers,
                        priority,
                        at_closing,
                        after_call: false,
                    };
                    self.with_call(id, |call, _| call.command(now, command));
                }
                return;
            }
            Notice::QueueLeft(QueueReturn::Closed | QueueReturn::NobodyOnDuty) => EndCause::Closed,
            Notice::QueueLeft(QueueReturn::Full | QueueReturn::WaitedTooLong) => EndCause::Limit,
            Notice::CameBack => EndCause::TransferFailed,
            Notice::Played
            | Notice::Key(_)
            | Notice::SecretKey(_)
            | Notice::TimerDone
            | Notice::Hours { .. }
            | Notice::Bulletin { .. }
            | Notice::Answered(_)
            | Notice::Promised { .. }
            | Notice::NotConnected(_)
            | Notice::Heard(_)
            | Notice::Outlook(_)
            | Notice::Waiting
            | Notice::Callback(_)
            | Notice::Joined
            | Notice::CallOver
            | Notice::MessageEnded { .. } => return,
        };
        self.with_call(id, |call, _| call.end(now, cause));
    }

    /// A flow leads the call from now on.
    pub(super) fn led_by(&mut self, now: Time, id: CallId, name: FlowName) {
        let flow = self.plan.flows.get(&name).cloned();
        let about = self.about(now, id);
        if let (Some(flow), Some(governed)) = (flow, self.calls.get_mut(&id)) {
            let run = Box::new(flow::Run::new(Arc::clone(&self.plan.flows), flow, about));
            governed.controller = Controller::Flow { name, run };
            self.notify(now, id, Notice::Started);
        }
    }

    fn star_code(&mut self, now: Time, id: CallId, agent: &AgentId, code: &StarCode) {
        let own = StateReason::Own;
        let done = match (code, code.at_once()) {
            (StarCode::Away(away), _) => {
                self.choose_away(now, agent, away.clone(), own, None).is_ok()
            }
            (_, Some(choice)) => self.choose(now, agent, choice, own, None).is_ok(),
            (StarCode::MoreTime, None) => self.more_time(now, agent).is_ok(),
            // Whoever owes a code is told so now, and not when the phone is free again.
            (_, None) if self.acd.owes_code(agent) => false,
            (_, None) => {
                self.acd.agent_state(agent).is_some_and(|state| state != AgentState::SignedOut)
            }
        };
        if let Some(Controller::StarCode { afterwards, .. }) =
            self.calls.get_mut(&id).map(|governed| &mut governed.controller)
        {
            *afterwards = code.afterwards().filter(|_| done);
        }
        let prompt = if done { code.confirmation() } else { StarCode::refusal() };
        let play = Command::Play { prompts: vec![prompt] };
        self.with_call(id, |call, _| call.command(now, play));
    }
}
