//! Who owns the caller's ears and keys: exactly one controller at a time.

use crate::acd::command::AgentChoice;
use crate::config::settings::StarCodes;
use crate::flow;
use crate::id::{AgentId, FlowName, PromptName};

/// A call's controller.
#[derive(Debug)]
pub enum Controller {
    /// The number's flow.
    Flow {
        /// Its name, for the journal.
        name: FlowName,
        /// The walk through it.
        run: flow::Run,
    },
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StarCode {
    /// Sign in, ready for calls.
    SignIn,
    /// Sign out.
    SignOut,
    /// Ready.
    Ready,
    /// Not ready.
    NotReady,
}

impl StarCode {
    /// The code that was dialled, if it is one.
    pub fn dialled(called: &str, codes: &StarCodes) -> Option<StarCode> {
        [
            (&codes.sign_in, StarCode::SignIn),
            (&codes.sign_out, StarCode::SignOut),
            (&codes.ready, StarCode::Ready),
            (&codes.not_ready, StarCode::NotReady),
        ]
        .into_iter()
        .find_map(|(code, what)| (code == called).then_some(what))
    }

    /// What is carried out at once.
    pub fn at_once(self) -> Option<AgentChoice> {
        match self {
            StarCode::SignIn => Some(AgentChoice::SignIn),
            StarCode::SignOut => Some(AgentChoice::SignOut),
            StarCode::Ready => None,
            StarCode::NotReady => Some(AgentChoice::NotReady),
        }
    }

    /// What is carried out when the code's own call is over: a phone with one line that still plays
    /// the confirmation would refuse the first caller as busy.
    pub fn afterwards(self) -> Option<AgentChoice> {
        match self {
            StarCode::SignIn | StarCode::Ready => Some(AgentChoice::Ready),
            StarCode::SignOut | StarCode::NotReady => None,
        }
    }

    /// What the agent hears when it is done.
    pub fn confirmation(self) -> PromptName {
        PromptName::from(match self {
            StarCode::SignIn => "agent/signed-in",
            StarCode::SignOut => "agent/signed-out",
            StarCode::Ready => "agent/ready",
            StarCode::NotReady => "agent/not-ready",
        })
    }

    /// What the agent hears when it cannot be done.
    pub fn refusal() -> PromptName {
        PromptName::from("agent/refused")
    }

    /// Every prompt that star codes can play.
    pub fn prompts() -> Vec<PromptName> {
        [StarCode::SignIn, StarCode::SignOut, StarCode::Ready, StarCode::NotReady]
            .into_iter()
            .map(StarCode::confirmation)
            .chain([StarCode::refusal()])
            .collect()
    }
}
