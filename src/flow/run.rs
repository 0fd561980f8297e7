//! A call's walk through flows: notices in, commands out, nothing else.

mod callback;
mod collect;
mod hearing;
mod known;
mod question;
mod request;
mod send;
mod transfer;
mod waiting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::civil::DateTime;

use super::Flows;
use super::model::{Flow, Node, Voicemail};
use super::value::{Secret, Value, Values};
use super::wording::Wording;
use crate::backend::{Answer, Failed};
use crate::call::command::{Candidate, Command, Notice, QueueReturn};
use crate::event::{EndCause, HandOver, History, Slot};
use crate::id::{IntentName, NodeName, PromptName, ValueName};
use crate::media::command::Key;

pub use self::callback::{NUMBER as CALLBACK_NUMBER, REFERENCE as CALLBACK_REFERENCE};
use self::collect::Typed;
pub use self::known::KNOWN_FROM_THE_START;
use self::waiting::Place;
pub use self::waiting::{QUEUE_POSITION, WAIT_LEAST, WAIT_MOST};

/// Keys that are kept for later menus. More are dropped: nobody knows a menu that deep by heart.
const MAX_KEYS: usize = 16;
/// Nodes that are entered without the caller doing anything. Checked flows need far fewer.
const MAX_STEPS: usize = 200;
/// Flows that lead to one another. Checked flows have no circles, so that more are a defect.
const MAX_DEPTH: usize = 16;

/// What is known of a call when its walk begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Who rings; none if that is withheld or not known.
    pub caller: Option<String>,
    /// The number that was rung.
    pub called: String,
    /// Whether the caller uses a text relay service.
    pub relay: bool,
    /// Earlier calls of the caller, as far as they are remembered.
    pub history: History,
    /// Whether somebody can listen to what callers say.
    pub hears: bool,
    /// The day and time where the council is.
    pub now: DateTime,
}

/// A call's walk through flows.
#[derive(Debug)]
pub struct Run {
    /// All flows as they were when the call came: a reload does not change them.
    flows: Arc<Flows>,
    flow: Arc<Flow>,
    at: NodeName,
    /// Where to come back to, the innermost last.
    led_here: Vec<(Arc<Flow>, NodeName)>,
    phase: Phase,
    /// Keys that were pressed and not used, oldest first.
    keys: VecDeque<Key>,
    /// How often the question at hand got a wrong answer or none.
    missed: u32,
    /// Nodes entered since the caller last did something.
    steps: usize,
    about: About,
    values: Values,
    secrets: BTreeMap<ValueName, Secret>,
    /// What has been keyed in so far at the node at hand.
    typed: Typed,
    /// The key that would have ended what was complete without it: callers press it nevertheless, and
    /// mean nothing else by it.
    belated: Option<Key>,
    /// Whether the caller's keys are secret now.
    secret: bool,
    /// Whether it is listened to what the caller says.
    listening: bool,
    /// What the caller has named and was not asked for yet.
    named: BTreeMap<Slot, String>,
    /// What the call may be about, that which is asked now first.
    candidates: VecDeque<Candidate>,
    /// What the call is about.
    intent: Option<IntentName>,
    /// Why the caller is being led to a person.
    reason: Option<HandOver>,
    /// How many texts and e-mails were asked for.
    sent: u32,
    /// What a back end has answered before the words for it were over.
    early: Option<Result<Answer, Failed>>,
    /// Where the caller has a place, also while something else is said and asked.
    place: Option<Place>,
    /// That queue has handed them back meanwhile.
    left: Option<QueueReturn>,
    /// How often they were told something while they wait.
    told: usize,
    /// Whether the timer runs for what they may answer to that.
    may_answer: bool,
    /// What is asked of a caller who is offered to be rung back.
    callback_step: callback::Step,
}

/// What the run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// [`Notice::Started`].
    Start,
    /// The end of an announcement.
    Saying,
    /// A key, or the end of a question's words.
    Offering,
    /// A key, or the timer: the question's words have been said.
    Listening,
    /// The rest of what the caller is saying.
    Hearing,
    /// The rest of the caller's yes or no.
    HearingYes,
    /// More keys, or the timer: what is keyed in is not complete.
    Typing,
    /// 1 or 2, or the end of what is read back.
    Confirming,
    /// 1 or 2, or the timer: it has been read back.
    Confirmed,
    /// [`Notice::Hours`], [`Notice::Bulletin`] or [`Notice::Callback`].
    Asking,
    /// [`Notice::Callback`] for a promise, or [`Notice::Promised`].
    Promising,
    /// The end of the words that are said while a back end is asked.
    Telling,
    /// [`Notice::Answered`].
    Requesting,
    /// [`Notice::NotConnected`].
    Connecting,
    /// The end of a conversation, or what whoever talks does with the caller.
    Talking,
    /// [`Notice::QueueLeft`], or a key that leads to something else meanwhile.
    Queued,
    /// The end of what is said before a message.
    Announcing,
    /// [`Notice::MessageEnded`].
    Recording,
    /// Nothing: it is over.
    Over,
}

impl Run {
    /// At a flow's start; begins with [`Notice::Started`]. `flows` has the flows that it leads to.
    pub fn new(flows: Arc<Flows>, flow: Arc<Flow>, about: About) -> Self {
        Run {
            flows,
            at: flow.start.clone(),
            flow,
            led_here: Vec::new(),
            phase: Phase::Start,
            keys: VecDeque::new(),
            missed: 0,
            steps: 0,
            values: known::values(&about),
            about,
            secrets: BTreeMap::new(),
            typed: Typed::default(),
            belated: None,
            secret: false,
            listening: false,
            named: BTreeMap::new(),
            candidates: VecDeque::new(),
            intent: None,
            reason: None,
            sent: 0,
            early: None,
            place: None,
            left: None,
            told: 0,
            may_answer: false,
            callback_step: callback::Step::default(),
        }
    }

    /// Takes a notice and says what to do, in order. A run ends with `HangUp`, or with `Queue`
    /// until the queue hands the caller back.
    pub fn handle(&mut self, notice: Notice) -> Vec<Command> {
        let mut walk = Walk { flow: Arc::clone(&self.flow), run: self, commands: Vec::new() };
        walk.take(notice);
        walk.commands
    }

    /// What the call remembers now.
    pub fn values(&self) -> &Values {
        &self.values
    }
}

/// One notice being handled.
struct Walk<'a> {
    /// The flow at hand.
    flow: Arc<Flow>,
    run: &'a mut Run,
    commands: Vec<Command>,
}

impl Walk<'_> {
    fn take(&mut self, notice: Notice) {
        let flow = Arc::clone(&self.flow);
        let Some(node) = flow.nodes.get(&self.run.at) else {
            return self.hang_up(EndCause::FlowFault);
        };
        match notice {
            Notice::Started => {
                if self.run.phase == Phase::Start {
                    self.start();
                }
            }
            Notice::Played => {
                self.run.belated = None;
                self.played(node);
            }
            Notice::Key(key) => {
                if self.run.belated.take() != Some(key) {
                    self.pressed(node, key);
                }
            }
            Notice::SecretKey(key) => {
                let key = key.reveal();
                if let (Node::Collect(collect), true) = (node, self.run.belated.take() != Some(key))
                    // One that comes late must not be taken for what may be seen.
                    && collect.secret
                {
                    self.keyed(collect, key);
                }
            }
            Notice::TimerDone => {
                self.run.belated = None;
                self.timed_out(node);
            }
            Notice::Hours { open } => {
                if let (Phase::Asking, Node::Hours(hours)) = (self.run.phase, node) {
                    self.go(if open { &hours.open } else { &hours.closed });
                }
            }
            Notice::Bulletin { on } => {
                if let (Phase::Asking, Node::Bulletin(bulletin)) = (self.run.phase, node) {
                    match on {
                        true => self.say(Phase::Saying, &[&bulletin.words]),
                        false => self.go(&bulletin.off),
                    }
                }
            }
            Notice::Answered(answer) => {
                match (self.run.phase, node) {
                    // Words that break off after a syllable are worse than a second's wait.
                    (Phase::Telling, Node::Request(_)) => self.run.early = Some(answer),
                    (Phase::Requesting, Node::Request(request)) => {
                        // Music is not over by itself.
                        self.commands.push(Command::StopPlaying);
                        self.answered(request, answer);
                    }
                    _ => {}
                }
            }
            Notice::Promised { kept } => {
                if let (Phase::Promising, Node::Send(send)) = (self.run.phase, node) {
                    self.promised(send, kept);
                }
            }
            Notice::Heard(heard) => self.heard(node, heard),
            Notice::NotConnected(why) => {
                if let (Phase::Connecting, Node::Transfer(transfer)) = (self.run.phase, node) {
                    self.not_connected(transfer, why);
                }
            }
            Notice::QueueLeft(why) => self.handed_back(node, why),
            Notice::Waiting => self.waits(node),
            Notice::Outlook(outlook) => self.outlook(node, outlook),
            Notice::Callback(answer) => {
                if let Node::Callback(callback) = node {
                    self.callback_answered(callback, answer);
                }
            }
            Notice::MessageEnded { kept } => {
                if let (Phase::Recording, Node::Voicemail(voicemail)) = (self.run.phase, node) {
                    self.go(if kept { &voicemail.then } else { &voicemail.otherwise });
                }
            }
            Notice::Joined => self.joined(),
            Notice::CallOver => self.after_call(),
            Notice::CameBack => {
                // Whatever was said while they waited: somebody has talked with them since.
                if self.run.place.take().is_some() || self.run.phase == Phase::Talking {
                    self.begin();
                }
            }
        }
    }

    /// From the first flow's start, whatever was before.
    fn begin(&mut self) {
        let first = self.run.led_here.drain(..).next();
        if let Some((flow, _)) = first {
            self.enter(flow);
        }
        self.run.keys.clear();
        self.run.steps = 0;
        self.start();
    }

    fn start(&mut self) {
        let relay = self.flow.relay_start.as_ref().filter(|_| self.run.about.relay);
        let start = relay.unwrap_or(&self.flow.start).clone();
        self.go(&start);
    }

    /// In another flow from now on.
    fn enter(&mut self, flow: Arc<Flow>) {
        self.run.flow = Arc::clone(&flow);
        self.flow = flow;
    }

    fn played(&mut self, node: &Node) {
        match (self.run.phase, node) {
            (Phase::Saying, Node::Say(say)) => self.go(&say.then),
            (Phase::Saying, Node::Bulletin(bulletin)) => self.go(&bulletin.on),
            (Phase::Saying, Node::Callback(callback)) => self.wait_on_or_go(callback),
            (Phase::Offering, Node::Menu(menu)) => {
                self.listen(&menu.asking, Phase::Listening);
                if menu.must_hear {
                    self.listen_to(&menu.into());
                }
            }
            (Phase::Offering, Node::Collect(collect)) => {
                self.listen(&collect.asking, Phase::Listening);
            }
            (Phase::Confirming, Node::Collect(collect)) => {
                self.listen(&collect.asking, Phase::Confirmed);
            }
            (Phase::Offering, Node::Ask(ask)) => self.listen(&ask.asking, Phase::Listening),
            (Phase::Confirming, Node::Ask(ask)) => self.listen(&ask.asking, Phase::Confirmed),
            (Phase::Telling, Node::Request(request)) => match self.run.early.take() {
                Some(answer) => self.answered(request, answer),
                None => self.wait_with_music(),
            },
            (Phase::Announcing, Node::Voicemail(voicemail)) => self.record(voicemail),
            (Phase::Offering, Node::Callback(callback)) => {
                self.listen(&callback.asking, Phase::Listening);
            }
            (Phase::Queued, Node::Queue(queue)) => self.told_meanwhile(queue),
            // A late end of something that was stopped.
            _ => {}
        }
    }

    fn pressed(&mut self, node: &Node, key: Key) {
        match (self.run.phase, node) {
            // It must be heard before anybody can answer it.
            (Phase::Offering, Node::Menu(menu)) if menu.must_hear => {}
            (Phase::Offering | Phase::Listening | Phase::Hearing, Node::Menu(_) | Node::Ask(_)) => {
                self.quiet();
                self.choose_at(node, key);
            }
            (Phase::Confirming | Phase::Confirmed | Phase::HearingYes, Node::Ask(ask)) => {
                self.quiet();
                self.stop_listening();
                self.run.steps = 0;
                self.is_confirmed(ask, question::is_right(key));
            }
            (_, Node::Callback(callback)) => self.callback_key(callback, key),
            (Phase::Queued, Node::Queue(queue)) => self.waiting_key(queue, key),
            (_, Node::Collect(collect)) if !collect.secret => self.keyed(collect, key),
            (Phase::Saying, Node::Say(say)) if !say.must_hear => {
                self.keep(key);
                if self.flow.leads_to_a_question(&say.then) {
                    self.commands.push(Command::StopPlaying);
                    self.go(&say.then);
                }
            }
            // Who knows the words goes straight to the tone.
            (Phase::Announcing, Node::Voicemail(voicemail)) => {
                self.commands.push(Command::StopPlaying);
                self.record(voicemail);
            }
            (Phase::Recording, _) => self.commands.push(Command::EndMessage),
            (Phase::Start | Phase::Asking | Phase::Telling | Phase::Requesting, _)
            | (Phase::Promising, Node::Send(_)) => self.keep(key),
            // The caller is told something that must be heard, waits for a person, or is gone.
            (Phase::Saying | Phase::Offering | Phase::Listening | Phase::Announcing, _) => {}
            (Phase::Typing | Phase::Confirming | Phase::Confirmed, _) => {}
            (Phase::Hearing | Phase::HearingYes, _) => {}
            (Phase::Queued | Phase::Promising | Phase::Connecting, _) => {}
            (Phase::Talking | Phase::Over, _) => {}
        }
    }

    fn timed_out(&mut self, node: &Node) {
        match (self.run.phase, node) {
            (Phase::Listening, Node::Menu(menu)) => self.miss(menu, menu.asking.no_input.as_ref()),
            (Phase::Listening, Node::Ask(ask)) => {
                self.miss(&**ask, ask.asking.no_input.as_ref());
            }
            (Phase::Confirmed, Node::Ask(ask)) => self.is_confirmed(ask, false),
            (Phase::Listening, Node::Collect(collect)) => {
                self.miss(&**collect, collect.asking.no_input.as_ref());
            }
            (Phase::Typing, Node::Collect(collect)) => self.complete(collect),
            (Phase::Confirmed, Node::Collect(collect)) => self.unconfirmed(collect),
            (Phase::Queued, Node::Queue(queue)) => self.waited(queue),
            (Phase::Listening, Node::Callback(callback)) => {
                self.miss_callback(callback, callback.asking.no_input.as_ref());
            }
            (Phase::Typing, Node::Callback(callback)) => self.number_keyed(callback),
            // The journal does not answer: nothing can be promised.
            (Phase::Promising, Node::Callback(callback)) => self.wait_on_or_go(callback),
            (Phase::Promising, Node::Send(send)) => self.promised(send, false),
            // A timer that was cancelled too late.
            _ => {}
        }
    }

    fn record(&mut self, voicemail: &Voicemail) {
        self.run.phase = Phase::Recording;
        self.run.place = None;
        self.run.left = None;
        let (queue, longest) = (voicemail.queue.clone(), voicemail.longest);
        self.commands.push(Command::TakeMessage { queue, longest });
    }

    fn keep(&mut self, key: Key) {
        if self.run.keys.len() < MAX_KEYS {
            self.run.keys.push_back(key);
        }
    }

    /// Enters a node, and those after it until one needs an answer from outside.
    fn go(&mut self, to: &NodeName) {
        self.stop_listening();
        let mut next = Some(to.clone());
        while let Some(to) = next {
            self.run.steps += 1;
            let flow = Arc::clone(&self.flow);
            let Some(node) = flow.nodes.get(&to).filter(|_| self.run.steps <= MAX_STEPS) else {
                return self.hang_up(EndCause::FlowFault);
            };
            self.run.at.clone_from(&to);
            self.commands.push(Command::Enter { flow: flow.name.clone(), node: to });
            self.keep_secret(matches!(node, Node::Collect(collect) if collect.secret));
            next = self.step(node);
        }
    }

    /// Does what a node does, as far as that goes without an answer. The next node, if there is one
    /// already.
    fn step(&mut self, node: &Node) -> Option<NodeName> {
        match node {
            Node::Say(say) => {
                let ahead = !self.run.keys.is_empty() && !say.must_hear;
                if ahead && self.flow.leads_to_a_question(&say.then) {
                    return Some(say.then.clone());
                }
                self.say(Phase::Saying, &[&say.words]);
            }
            Node::Bulletin(bulletin) => {
                self.run.phase = Phase::Asking;
                self.commands.push(Command::AskBulletin { bulletin: bulletin.name.clone() });
            }
            Node::Menu(menu) => {
                self.run.missed = 0;
                if menu.must_hear {
                    self.run.keys.clear();
                }
                // Keys typed ahead: at most MAX_KEYS deep, for each one is used up.
                match self.run.keys.pop_front() {
                    Some(key) => self.choose_at(node, key),
                    None => self.question(&[&menu.words], &menu.into()),
                }
            }
            Node::Ask(ask) => {
                self.run.missed = 0;
                match self.run.keys.pop_front() {
                    Some(key) => self.choose_at(node, key),
                    None if !self.run.about.hears => return Some(ask.by_keys.clone()),
                    None => self.question(&[&ask.words], &(&**ask).into()),
                }
            }
            Node::Collect(collect) if !collect.form.has_keys() && !self.run.about.hears => {
                return Some(collect.asking.otherwise.clone());
            }
            Node::Collect(collect) => self.ask_for(collect),
            Node::Hours(hours) => {
                self.run.phase = Phase::Asking;
                self.commands.push(Command::AskHours { calendar: hours.calendar.clone() });
            }
            Node::Set(set) => {
                for (name, expression) in &set.values {
                    self.remember(name, expression.value(&self.run.values));
                }
                return Some(set.then.clone());
            }
            Node::If(condition) => {
                let holds = condition.condition.holds(&self.run.values);
                return Some(if holds { &condition.then } else { &condition.otherwise }.clone());
            }
            Node::Choose(choose) => {
                let value = choose.value.value(&self.run.values).to_string();
                return Some(choose.cases.get(&value).unwrap_or(&choose.otherwise).clone());
            }
            Node::Note(note) => {
                for (label, fact) in &note.facts {
                    let fact = fact.filled(|name| self.written(name));
                    self.commands.push(Command::Note { label: label.clone(), fact });
                }
                return Some(note.then.clone());
            }
            Node::Request(request) => self.request(request),
            Node::Send(send) => return self.send(send),
            Node::Flow(sub) => {
                for (name, expression) in &sub.with {
                    self.remember(name, expression.value(&self.run.values));
                }
                let deep = self.run.led_here.len() >= MAX_DEPTH;
                match self.run.flows.get(&sub.flow).cloned().filter(|_| !deep) {
                    Some(flow) => {
                        self.run.led_here.push((Arc::clone(&self.flow), self.run.at.clone()));
                        self.enter(flow);
                        return Some(self.flow.start.clone());
                    }
                    None => self.hang_up(EndCause::FlowFault),
                }
            }
            Node::Return(word) => match self.run.led_here.pop() {
                Some((flow, node)) => {
                    self.enter(flow);
                    match self.flow.nodes.get(&node) {
                        Some(Node::Flow(sub)) if sub.returns.contains_key(word) => {
                            return sub.returns.get(word).cloned();
                        }
                        Some(_) | None => self.hang_up(EndCause::FlowFault),
                    }
                }
                // Nobody led here: it was a number's own flow, and it is done.
                None => self.hang_up(EndCause::Completed),
            },
            Node::Queue(queue) => return self.queue(queue),
            Node::Callback(callback) => self.offer_callback(callback),
            Node::Transfer(transfer) => self.transfer(transfer),
            Node::Voicemail(voicemail) => {
                self.run.keys.clear();
                self.say(Phase::Announcing, &[&voicemail.words]);
            }
            Node::HangUp(reason) => self.hang_up(reason.cause()),
        }
        None
    }

    /// Plays words, values filled in.
    fn say(&mut self, phase: Phase, words: &[&Wording]) {
        self.run.phase = phase;
        let (kinds, today) = (&self.flow.kinds, self.run.about.now.date());
        let prompts: Vec<PromptName> =
            words.iter().flat_map(|words| words.spoken(&self.run.values, kinds, today)).collect();
        self.commands.push(Command::Play { prompts });
    }

    fn remember(&mut self, name: &ValueName, value: Value) {
        self.run.values.insert(name.clone(), value);
    }

    fn written(&self, name: &ValueName) -> String {
        self.run.values.get(name).map(ToString::to_string).unwrap_or_default()
    }

    /// From the first node that asks for a secret until one that does not.
    fn keep_secret(&mut self, on: bool) {
        if self.run.secret != on {
            self.run.secret = on;
            self.commands.push(Command::Secret { on });
        }
    }

    fn hang_up(&mut self, cause: EndCause) {
        self.run.phase = Phase::Over;
        self.run.keys.clear();
        self.run.secrets.clear();
        self.commands.push(Command::HangUp { cause });
    }
}

#[cfg(test)]
mod tests;
