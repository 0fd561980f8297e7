//! A call's walk through a flow: notices in, commands out, nothing else.

use std::collections::VecDeque;
use std::sync::Arc;

use super::model::{Flow, Menu, Node, Voicemail};
use crate::call::command::{Command, Notice, QueueReturn};
use crate::event::EndCause;
use crate::id::NodeName;
use crate::media::command::Key;

/// Keys that are kept for later menus. More are dropped: nobody knows a menu that deep by heart.
const MAX_KEYS: usize = 16;

/// A call's walk through a flow.
#[derive(Debug)]
pub struct Run {
    flow: Arc<Flow>,
    at: NodeName,
    phase: Phase,
    /// Keys that were pressed and not used, oldest first.
    keys: VecDeque<Key>,
    /// How often the menu at hand got a wrong key or none.
    missed: u32,
    /// Nodes entered since the caller last pressed a key.
    steps: usize,
}

/// What the run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// [`Notice::Started`].
    Start,
    /// The end of an announcement.
    Saying,
    /// A key, or the end of a menu's words.
    Offering,
    /// A key, or the timer: the menu's words have been said.
    Listening,
    /// [`Notice::Hours`].
    Asking,
    /// [`Notice::QueueLeft`].
    Queued,
    /// The end of what is said before a message.
    Announcing,
    /// [`Notice::MessageEnded`].
    Recording,
    /// Nothing: it is over.
    Over,
}

impl Run {
    /// At the flow's start node; begins with [`Notice::Started`].
    pub fn new(flow: Arc<Flow>) -> Self {
        let at = flow.start.clone();
        Run { flow, at, phase: Phase::Start, keys: VecDeque::new(), missed: 0, steps: 0 }
    }

    /// Takes a notice and says what to do, in order. A run ends with `HangUp`, or with `Queue`
    /// until the queue hands the caller back.
    pub fn handle(&mut self, notice: Notice) -> Vec<Command> {
        let flow = Arc::clone(&self.flow);
        let mut walk = Walk { flow: &flow, run: self, commands: Vec::new() };
        walk.take(notice);
        walk.commands
    }
}

/// One notice being handled.
struct Walk<'a> {
    flow: &'a Flow,
    run: &'a mut Run,
    commands: Vec<Command>,
}

impl<'a> Walk<'a> {
    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Started => {
                if self.run.phase == Phase::Start {
                    self.go(&self.flow.start);
                }
            }
            Notice::Played => self.played(),
            Notice::Key(key) => self.pressed(key),
            // No node asks for what must not be kept.
            Notice::SecretKey(_) => {}
            Notice::TimerDone => {
                if let (Phase::Listening, Some(menu)) = (self.run.phase, self.menu()) {
                    self.miss(menu, menu.no_input.as_ref());
                }
            }
            Notice::Hours { open } => {
                if let (Phase::Asking, Some(Node::Hours(hours))) = (self.run.phase, self.node()) {
                    self.go(if open { &hours.open } else { &hours.closed });
                }
            }
            Notice::QueueLeft(why) => {
                if let (Phase::Queued, Some(Node::Queue(queue))) = (self.run.phase, self.node()) {
                    self.go(match why {
                        QueueReturn::Closed => &queue.on_closed,
                        QueueReturn::Full => &queue.on_full,
                        QueueReturn::WaitedTooLong => &queue.on_waited_too_long,
                        QueueReturn::NobodyOnDuty => &queue.on_nobody,
                    });
                }
            }
            Notice::MessageEnded { kept } => {
                if let (Phase::Recording, Some(Node::Voicemail(voicemail))) =
                    (self.run.phase, self.node())
                {
                    self.go(if kept { &voicemail.then } else { &voicemail.otherwise });
                }
            }
            Notice::CameBack => {
                if self.run.phase == Phase::Queued {
                    self.begin();
                }
            }
        }
    }

    /// From the start, whatever was before.
    fn begin(&mut self) {
        self.run.keys.clear();
        self.run.steps = 0;
        self.go(&self.flow.start);
    }

    fn played(&mut self) {
        match (self.run.phase, self.node()) {
            (Phase::Saying, Some(Node::Say(say))) => self.go(&say.then),
            (Phase::Offering, Some(Node::Menu(menu))) => {
                self.run.phase = Phase::Listening;
                self.commands.push(Command::SetTimer { after: menu.no_input_after });
            }
            (Phase::Announcing, Some(Node::Voicemail(voicemail))) => self.record(voicemail),
            // A late end of something that was stopped.
            _ => {}
        }
    }

    fn pressed(&mut self, key: Key) {
        match (self.run.phase, self.node()) {
            (Phase::Offering, Some(Node::Menu(menu))) => {
                self.commands.push(Command::StopPlaying);
                self.choose(menu, key);
            }
            (Phase::Listening, Some(Node::Menu(menu))) => {
                self.commands.push(Command::CancelTimer);
                self.choose(menu, key);
            }
            (Phase::Saying, Some(Node::Say(say))) if !say.must_hear => {
                self.keep(key);
                if self.flow.leads_to_a_menu(&say.then) {
                    self.commands.push(Command::StopPlaying);
                    self.go(&say.then);
                }
            }
            // Who knows the words goes straight to the tone.
            (Phase::Announcing, Some(Node::Voicemail(voicemail))) => {
                self.commands.push(Command::StopPlaying);
                self.record(voicemail);
            }
            (Phase::Recording, _) => self.commands.push(Command::EndMessage),
            (Phase::Start | Phase::Asking, _) => self.keep(key),
            // The caller is told something that must be heard, waits for a person, or is gone.
            (Phase::Saying | Phase::Offering | Phase::Listening | Phase::Announcing, _) => {}
            (Phase::Queued | Phase::Over, _) => {}
        }
    }

    fn record(&mut self, voicemail: &Voicemail) {
        self.run.phase = Phase::Recording;
        let (queue, longest) = (voicemail.queue.clone(), voicemail.longest);
        self.commands.push(Command::TakeMessage { queue, longest });
    }

    fn keep(&mut self, key: Key) {
        if self.run.keys.len() < MAX_KEYS {
            self.run.keys.push_back(key);
        }
    }

    /// A key at a menu: on to what was chosen, or the menu again.
    fn choose(&mut self, menu: &'a Menu, key: Key) {
        self.run.steps = 0;
        match menu.keys.get(&key) {
            Some(to) => {
                self.commands.push(Command::Chose { node: self.run.at.clone(), key });
                self.go(to);
            }
            None => {
                // What was typed ahead was meant for another place.
                self.run.keys.clear();
                self.miss(menu, menu.wrong_key.as_ref());
            }
        }
    }

    /// A wrong key or none: the menu again, or on without a choice.
    fn miss(&mut self, menu: &'a Menu, told: Option<&crate::id::PromptName>) {
        self.run.missed = self.run.missed.saturating_add(1);
        if self.run.missed >= menu.tries {
            self.go(&menu.otherwise);
        } else {
            self.run.phase = Phase::Offering;
            let prompts = told.into_iter().chain([&menu.prompt]).cloned().collect();
            self.commands.push(Command::Play { prompts });
        }
    }

    /// Enters a node, and those after it until one needs an answer from outside.
    fn go(&mut self, to: &'a NodeName) {
        let mut to = to;
        loop {
            self.run.steps += 1;
            let Some(node) = self.flow.nodes.get(to).filter(|_| !self.lost()) else {
                return self.hang_up(EndCause::FlowFault);
            };
            self.run.at = to.clone();
            self.commands.push(Command::Enter { node: to.clone() });
            match node {
                Node::Say(say) => {
                    let ahead = !self.run.keys.is_empty() && !say.must_hear;
                    if ahead && self.flow.leads_to_a_menu(&say.then) {
                        to = &say.then;
                        continue;
                    }
                    self.run.phase = Phase::Saying;
                    self.commands.push(Command::Play { prompts: vec![say.prompt.clone()] });
                }
                Node::Menu(menu) => {
                    self.run.missed = 0;
                    // Keys typed ahead: at most MAX_KEYS deep, for each one is used up.
                    if let Some(key) = self.run.keys.pop_front() {
                        return self.choose(menu, key);
                    }
                    self.run.phase = Phase::Offering;
                    self.commands.push(Command::Play { prompts: vec![menu.prompt.clone()] });
                }
                Node::Hours(hours) => {
                    self.run.phase = Phase::Asking;
                    self.commands.push(Command::AskHours { calendar: hours.calendar.clone() });
                }
                Node::Queue(queue) => {
                    self.run.keys.clear();
                    self.run.phase = Phase::Queued;
                    self.commands.push(Command::Queue {
                        queue: queue.queue.clone(),
                        skills: queue.skills.clone(),
                        at_closing: queue.at_closing,
                    });
                }
                Node::Voicemail(voicemail) => {
                    self.run.keys.clear();
                    self.run.phase = Phase::Announcing;
                    self.commands.push(Command::Play { prompts: vec![voicemail.prompt.clone()] });
                }
                Node::HangUp(reason) => self.hang_up(reason.cause()),
            }
            return;
        }
    }

    /// Whether more nodes were entered without a key than a checked flow can have in a row.
    fn lost(&self) -> bool {
        self.run.steps > self.flow.nodes.len()
    }

    fn hang_up(&mut self, cause: EndCause) {
        self.run.phase = Phase::Over;
        self.run.keys.clear();
        self.commands.push(Command::HangUp { cause });
    }

    fn node(&self) -> Option<&'a Node> {
        self.flow.nodes.get(&self.run.at)
    }

    fn menu(&self) -> Option<&'a Menu> {
        match self.node() {
            Some(Node::Menu(menu)) => Some(menu),
            Some(
                Node::Say(_)
                | Node::Hours(_)
                | Node::Queue(_)
                | Node::Voicemail(_)
                | Node::HangUp(_),
            )
            | None => None,
        }
    }
}

#[cfg(test)]
mod tests;
