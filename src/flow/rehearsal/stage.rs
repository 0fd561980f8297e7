//! One call on the stage: prompts are over as soon as they are said, and everything that a flow asks
//! is answered from what was made up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;

use super::Theatre;
use crate::backend::{Answer, Ask};
use crate::call::command::{CallbackAnswer, Command, Heard, Notice, Question, QueueReturn};
use crate::event::{EndCause, Failed, HandOver, Outlook, TransferOutcome};
use crate::flow::run::{About, Run};
use crate::flow::speak;
use crate::id::{
    Ability, BulletinName, CalendarName, CallbackId, FlowName, NodeName, PromptName, QueueName,
    ValueName,
};
use crate::media::command::{Key, SecretKey};
use crate::notification::{Notification, recipient};
use crate::number::class::Class;

/// Answers in a row without the caller doing anything; a flow that asks for more goes round.
const MAX_ANSWERS: usize = 500;

/// What is made up for a call.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Calendars that are open or closed whatever the time is.
    pub calendars: BTreeMap<CalendarName, bool>,
    /// Bulletins that are on.
    pub bulletins: BTreeSet<BulletinName>,
    /// What other systems answer, in order; one that is asked more often is unreachable.
    pub answers: VecDeque<Fake>,
    /// Queues that hand the caller back.
    pub queues: BTreeMap<QueueName, QueueReturn>,
    /// How things stand for a caller who waits, one after the other; nothing can be told after these.
    pub outlooks: VecDeque<Outlook>,
    /// Queues that cannot promise to ring anybody back, and why.
    pub callbacks: BTreeMap<QueueName, CallbackAnswer>,
    /// Whom callers are put through to in vain, by what would be dialled.
    pub transfers: BTreeMap<String, TransferOutcome>,
    /// Whether a message cannot be kept.
    pub message_lost: bool,
    /// Whether no text and no e-mail can be promised now.
    pub unsendable: bool,
}

/// What another system answers.
#[derive(Debug, Clone)]
pub struct Fake {
    /// To whatever it is asked.
    pub answer: Result<Answer, Failed>,
}

/// Something that happened in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The caller came to a node.
    Entered(FlowName, NodeName),
    /// The caller heard this.
    Heard(String),
    /// The caller waits for a person.
    Queued(QueueName, Vec<Ability>),
    /// A fact for the adviser.
    Noted(String, String),
    /// Another system was asked; the path, and what was sent.
    Asked(String, Option<String>),
    /// The caller was put through to whoever that reaches.
    Transferred(String),
    /// The caller was promised to be sent something.
    Sent(Notification),
    /// A message was taken for a queue.
    Message(QueueName),
    /// The caller was promised to be rung back by a queue, at a number.
    Promised(QueueName, String),
    /// What the caller keys in is kept from everybody, or no longer.
    Secret(bool),
    /// The caller answered a survey's question.
    Rated(String, u8),
    /// The caller is handed over to people, by why.
    HandedOver(HandOver),
    /// The call is over.
    Ended(EndCause),
}

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The caller, no longer than this.
    Caller(Duration),
    /// An adviser.
    Adviser,
    /// The end of a message.
    Message,
    /// Nothing: it is over.
    Over,
}

/// A call.
pub struct Stage<'a> {
    theatre: &'a Theatre<'a>,
    run: Run,
    conditions: Conditions,
    begins: DateTime,
    /// How long it has taken.
    elapsed: Duration,
    happened: Vec<Happening>,
    waiting: Waiting,
    secret: bool,
    /// What is listened for.
    listening: Option<Question>,
    /// Whether the flow goes on after the conversation with an adviser.
    leads_on: bool,
    /// Whether the caller has a place in a queue.
    waits: bool,
    /// How much longer a message may be.
    message: Duration,
    /// Whether the caller is promised to be rung back.
    promised: bool,
    /// Whether the caller has talked with an adviser.
    served: bool,
}

impl<'a> Stage<'a> {
    /// A call of a flow that knows these values already; none if there is no such flow.
    pub fn new(
        theatre: &'a Theatre<'a>,
        flow: &FlowName,
        about: About,
        known: &[(ValueName, String)],
        conditions: Conditions,
    ) -> Option<Self> {
        let begins = about.now;
        let first = Arc::clone(theatre.flows.get(flow)?);
        let mut run = Run::new(Arc::clone(&theatre.flows), Arc::clone(&first), about);
        for (name, written) in known {
            run.know(name, written);
        }
        let mut stage = Stage {
            theatre,
            run,
            conditions,
            begins,
            elapsed: Duration::ZERO,
            happened: Vec::new(),
            waiting: Waiting::Over,
            secret: false,
            listening: None,
            leads_on: false,
            waits: false,
            message: Duration::ZERO,
            promised: false,
            served: false,
        };
        stage.tell(Notice::Started);
        Some(stage)
    }

    /// What it waits for.
    pub fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// Whether what the caller keys in now is kept from everybody.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// What is made up for it and was not used yet.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// What has happened since this was asked for the last time.
    pub fn take_happened(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happened)
    }

    /// The caller presses a key.
    pub fn press(&mut self, key: Key) {
        self.tell(match self.secret {
            true => Notice::SecretKey(SecretKey::new(key)),
            false => Notice::Key(key),
        });
    }

    /// Whether it is listened to what the caller says.
    pub fn listens(&self) -> bool {
        self.listening.is_some()
    }

    /// The caller says something.
    pub fn say(&mut self, text: &str) {
        let Some(question) = self.listening.take() else { return };
        let utterance = (self.theatre.understand)(&question, text, self.now().date());
        self.tell(Notice::Heard(Heard::Words(Box::new(utterance))));
    }

    /// The caller says something that nobody understands.
    pub fn mumble(&mut self) {
        if self.listening.take().is_some() {
            self.tell(Notice::Heard(Heard::NoMatch));
        }
    }

    /// The caller does nothing until something happens.
    pub fn stay_silent(&mut self) {
        match self.waiting {
            Waiting::Caller(after) => {
                self.elapsed += after;
                self.tell(Notice::TimerDone);
            }
            Waiting::Message => self.end_message(),
            Waiting::Adviser | Waiting::Over => {}
        }
    }

    /// The caller waits for so long, whatever happens meanwhile, and speaks if a message is taken. What is said
    /// takes no time here.
    pub fn wait(&mut self, time: Duration) {
        let mut left = time;
        for _ in 0..MAX_ANSWERS {
            match self.waiting {
                Waiting::Caller(after) if after <= left => {
                    left -= after;
                    self.elapsed += after;
                    self.tell(Notice::TimerDone);
                }
                Waiting::Message if self.message <= left => {
                    left -= self.message;
                    self.elapsed += self.message;
                    self.end_message();
                }
                Waiting::Caller(after) => {
                    self.waiting = Waiting::Caller(after - left);
                    break;
                }
                Waiting::Message => {
                    self.message -= left;
                    break;
                }
                Waiting::Adviser | Waiting::Over => break,
            }
        }
        self.elapsed += left;
    }

    /// The caller hangs up.
    pub fn hang_up(&mut self) {
        let cause = match self.waiting {
            Waiting::Over => return,
            Waiting::Message if !self.conditions.message_lost => EndCause::MessageLeft,
            _ if self.waits => EndCause::CallerAbandoned,
            _ if self.served => EndCause::CallerHungUp,
            _ if self.promised => EndCause::CallbackTaken,
            Waiting::Caller(_) | Waiting::Adviser | Waiting::Message => EndCause::CallerLeftFlow,
        };
        self.ended(cause);
    }

    fn end_message(&mut self) {
        let kept = !self.conditions.message_lost;
        self.tell(Notice::MessageEnded { kept });
    }

    /// What the council's clocks show.
    fn now(&self) -> DateTime {
        self.begins.saturating_add(self.elapsed)
    }

    /// An adviser answers, talks with the caller and hangs up. False if the caller does not wait for one.
    pub fn serve(&mut self) -> bool {
        if !std::mem::take(&mut self.waits) {
            return false;
        }
        self.waiting = Waiting::Over;
        self.served = true;
        match std::mem::take(&mut self.leads_on) {
            true => {
                self.tell(Notice::Joined);
                self.tell(Notice::CallOver);
            }
            false => self.ended(EndCause::AgentHungUp),
        }
        true
    }

    fn tell(&mut self, notice: Notice) {
        let mut notices = VecDeque::from([notice]);
        for _ in 0..MAX_ANSWERS {
            let Some(notice) = notices.pop_front() else { return };
            let mut answers = Vec::new();
            for command in self.run.handle(notice) {
                self.obey(command, &mut answers);
            }
            notices.extend(answers);
        }
        self.ended(EndCause::FlowFault);
    }

    fn ended(&mut self, cause: EndCause) {
        self.waiting = Waiting::Over;
        self.happened.push(Happening::Ended(cause));
    }

    /// Carries out a command; what it is answered with goes to `answers`.
    fn obey(&mut self, command: Command, answers: &mut Vec<Notice>) {
        match command {
            Command::Enter { flow, node } => self.happened.push(Happening::Entered(flow, node)),
            Command::Chose { .. } | Command::CancelTimer | Command::PlayMusic => {}
            Command::Said(_) => {}
            Command::Listen { question } => self.listening = Some(question),
            Command::StopListening => self.listening = None,
            Command::HandOver { reason, intent: _ } => {
                self.happened.push(Happening::HandedOver(reason));
            }
            Command::Play { prompts } => {
                self.happened.push(Happening::Heard(self.words(&prompts)));
                answers.push(Notice::Played);
            }
            Command::StopPlaying => answers.clear(),
            Command::SetTimer { after } => self.waiting = Waiting::Caller(after),
            Command::AskHours { calendar } => {
                let known = self.conditions.calendars.get(&calendar).copied();
                let open = known.unwrap_or_else(|| (self.theatre.open)(&calendar, self.now()));
                answers.push(Notice::Hours { open });
            }
            Command::AskBulletin { bulletin } => {
                let on = self.conditions.bulletins.contains(&bulletin);
                answers.push(Notice::Bulletin { on });
            }
            Command::Request(ask) => {
                self.happened.push(asked(&ask));
                let fake = self.conditions.answers.pop_front();
                let given = fake.map_or(Err(Failed::Unreachable), |fake| fake.answer);
                answers.push(Notice::Answered(given));
            }
            Command::Send(mut wanted) => {
                let needs = self.theatre.templates.get(&wanted.template);
                let to = needs.and_then(|needs| recipient(needs.by, &wanted.to));
                let kept = to.is_some() && !self.conditions.unsendable;
                if let Some(to) = to.filter(|_| kept) {
                    wanted.to = to;
                    self.happened.push(Happening::Sent(wanted));
                }
                answers.push(Notice::Promised { kept });
            }
            Command::Note { label, fact } => self.happened.push(Happening::Noted(label, fact)),
            Command::Secret { on } => {
                self.secret = on;
                self.happened.push(Happening::Secret(on));
            }
            Command::Rate { question, score } => {
                self.happened.push(Happening::Rated(question, score));
            }
            Command::Queue {
                queue,
                skills,
                prefers: _,
                priority: _,
                at_closing: _,
                after_call,
            } => {
                self.leads_on = after_call;
                let back = self.conditions.queues.get(&queue).copied();
                self.happened.push(Happening::Queued(queue, skills));
                self.waiting = Waiting::Adviser;
                self.waits = back.is_none();
                answers.push(back.map_or(Notice::Waiting, Notice::QueueLeft));
            }
            Command::AskOutlook { words } => {
                let outlook = self.conditions.outlooks.pop_front().unwrap_or_default();
                answers.push(Notice::Outlook(Outlook {
                    position: outlook.position.filter(|_| words.position),
                    wait: outlook.wait.filter(|_| words.wait),
                    worse: outlook.worse && words.worse,
                }));
            }
            Command::AskCallback { queue, number, time: _ } => {
                answers.push(Notice::Callback(self.callback(&queue, number.as_deref())));
            }
            Command::TakeCallback { queue, skills: _, priority: _, number, time: _ } => {
                let answer = match self.callback(&queue, Some(&number)) {
                    CallbackAnswer::Good => {
                        self.happened.push(Happening::Promised(queue, number));
                        self.promised = true;
                        self.waits = false;
                        CallbackAnswer::Promised(CallbackId(0))
                    }
                    answer => answer,
                };
                answers.push(Notice::Callback(answer));
            }
            Command::Connect { flow: _, to, rings: _ } => {
                let why = self.conditions.transfers.get(&to).copied();
                self.happened.push(Happening::Transferred(to));
                self.waiting = Waiting::Adviser;
                answers.extend(why.map(Notice::NotConnected));
            }
            Command::TakeMessage { queue, longest } => {
                self.happened.push(Happening::Message(queue));
                self.message = longest;
                self.waiting = Waiting::Message;
            }
            Command::EndMessage => {
                answers.push(Notice::MessageEnded { kept: !self.conditions.message_lost });
            }
            Command::HangUp { cause } => self.ended(cause),
        }
    }

    /// Whether a queue can promise to ring a number.
    fn callback(&self, queue: &QueueName, number: Option<&str>) -> CallbackAnswer {
        let class = number.map(Class::of_dialled);
        match (self.conditions.callbacks.get(queue), class) {
            (Some(answer), _) => *answer,
            (None, None | Some(Class::Geographic | Class::Mobile | Class::UkWide)) => {
                CallbackAnswer::Good
            }
            (None, Some(_)) => CallbackAnswer::NotAllowed,
        }
    }

    /// What prompts say, one after the other.
    fn words(&self, prompts: &[PromptName]) -> String {
        let words = prompts.iter().map(|prompt| match prompt.as_str() {
            speak::PAUSE => ",",
            name => self.theatre.texts.get(prompt).map_or(name, String::as_str),
        });
        words.collect::<Vec<_>>().join(" ").replace(" ,", ",")
    }
}

fn asked(ask: &Ask) -> Happening {
    let asked = format!("{} {} {}", ask.method.as_str(), ask.backend, ask.path);
    Happening::Asked(asked, ask.body.as_ref().map(|body| body.to_string()))
}
