//! A flow that passed every check: nodes that lead to one another by name.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::command::AtClosing;
use crate::event::EndCause;
use crate::id::{CalendarName, FlowName, NodeName, PromptName, QueueName, Skill};
use crate::media::command::Key;

/// A flow that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
    /// Where a call begins.
    pub start: NodeName,
    /// Its nodes. Every name that a node leads to is here.
    pub nodes: BTreeMap<NodeName, Node>,
}

/// One step of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Says something.
    Say(Say),
    /// Asks the caller to choose by a key.
    Menu(Menu),
    /// Asks a calendar whether it is open.
    Hours(Hours),
    /// Lets the caller wait for a person.
    Queue(Queue),
    /// Takes a message for a queue.
    Voicemail(Voicemail),
    /// Ends the call.
    HangUp(Reason),
}

/// Says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// What.
    pub prompt: PromptName,
    /// Whether it is played to its end and forgets keys that are pressed meanwhile. Otherwise a key
    /// counts for the menu that follows.
    pub must_hear: bool,
    /// What comes next.
    pub then: NodeName,
}

/// Asks the caller to choose by a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The choices, in words.
    pub prompt: PromptName,
    /// The choices.
    pub keys: BTreeMap<Key, NodeName>,
    /// How long the caller may think after the prompt's end.
    pub no_input_after: Duration,
    /// What is said before the choices are repeated because no key came.
    pub no_input: Option<PromptName>,
    /// What is said before the choices are repeated because a wrong key came.
    pub wrong_key: Option<PromptName>,
    /// How often the choices are said at most.
    pub tries: u32,
    /// Where callers go who have not chosen after that.
    pub otherwise: NodeName,
}

/// Asks a calendar whether it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Which calendar.
    pub calendar: CalendarName,
    /// What comes next while it is open.
    pub open: NodeName,
    /// What comes next while it is closed.
    pub closed: NodeName,
}

/// Lets the caller wait for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Where.
    pub queue: QueueName,
    /// What the adviser must be able to do, besides what the queue asks for.
    pub skills: Vec<Skill>,
    /// What happens to those who wait when the queue closes.
    pub at_closing: AtClosing,
    /// What comes next if the queue is closed.
    pub on_closed: NodeName,
    /// What comes next if the queue is full.
    pub on_full: NodeName,
    /// What comes next if the caller has waited as long as the queue allows.
    pub on_waited_too_long: NodeName,
    /// What comes next if nobody is there who could answer.
    pub on_nobody: NodeName,
}

/// Takes a message for a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voicemail {
    /// For whom.
    pub queue: QueueName,
    /// What the caller is told before the tone.
    pub prompt: PromptName,
    /// The longest that the message may be.
    pub longest: Duration,
    /// What comes next once the message is kept.
    pub then: NodeName,
    /// What comes next if there is none: nothing was said, or it cannot be kept.
    pub otherwise: NodeName,
}

/// Why a flow ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The caller's business is done.
    Completed,
    /// The caller has left a message.
    MessageLeft,
    /// The office is closed.
    Closed,
    /// The caller chose nothing.
    GaveUp,
    /// Nobody can take the call: a queue is full or nobody is on duty.
    Busy,
}

impl Reason {
    /// The words of the language.
    pub const WORDS: [(&'static str, Reason); 5] = [
        ("completed", Reason::Completed),
        ("message_left", Reason::MessageLeft),
        ("closed", Reason::Closed),
        ("gave_up", Reason::GaveUp),
        ("busy", Reason::Busy),
    ];

    /// How the journal puts it.
    pub const fn cause(self) -> EndCause {
        match self {
            Reason::Completed => EndCause::Completed,
            Reason::MessageLeft => EndCause::MessageLeft,
            Reason::Closed => EndCause::Closed,
            Reason::GaveUp => EndCause::GaveUpOnInput,
            Reason::Busy => EndCause::Limit,
        }
    }
}

impl Node {
    /// Every prompt that the node can play.
    pub fn prompts(&self) -> Vec<&PromptName> {
        match self {
            Node::Say(say) => vec![&say.prompt],
            Node::Menu(menu) => {
                std::iter::once(&menu.prompt).chain(&menu.no_input).chain(&menu.wrong_key).collect()
            }
            Node::Voicemail(voicemail) => vec![&voicemail.prompt],
            Node::Hours(_) | Node::Queue(_) | Node::HangUp(_) => Vec::new(),
        }
    }
}

impl Flow {
    /// Whether a caller who comes to `node` is asked for a key there or after nothing but
    /// announcements.
    pub fn leads_to_a_menu(&self, node: &NodeName) -> bool {
        let mut at = node;
        // No more steps than nodes: a circle of announcements ends nowhere.
        for _ in 0..self.nodes.len() {
            match self.nodes.get(at) {
                Some(Node::Menu(_)) => return true,
                Some(Node::Say(say)) => at = &say.then,
                Some(Node::Hours(_) | Node::Queue(_) | Node::Voicemail(_) | Node::HangUp(_))
                | None => return false,
            }
        }
        false
    }
}
