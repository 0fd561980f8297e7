//! Callers who have a place in a queue, also while something else is said and asked.

use std::sync::Arc;
use std::time::Duration;

use super::{Phase, Walk};
use crate::call::command::{Command, Heard, Question, QueueReturn};
use crate::event::{Became, EndCause, Outlook};
use crate::flow::model::{Flow, Meanwhile, Node, Queue};
use crate::flow::value::Value;
use crate::flow::wording::Wording;
use crate::id::{NodeName, QueueName};
use crate::media::command::Key;

/// Under which name a caller's place in a queue is remembered.
pub const QUEUE_POSITION: &str = "queue_position";
/// How many minutes a caller will probably wait at least.
pub const WAIT_LEAST: &str = "wait_least";
/// And at most.
pub const WAIT_MOST: &str = "wait_most";

/// How long callers who wait are listened to after they were told what they can say. Meanwhile others may
/// need whoever listens.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// A place in a queue, and the node that it was taken at.
#[derive(Debug)]
pub(super) struct Place {
    queue: QueueName,
    pub(super) flow: Arc<Flow>,
    pub(super) node: NodeName,
    /// How many flows led there.
    pub(super) depth: usize,
}

impl Walk<'_> {
    /// Waits for a person, or goes on doing so. Where to instead, if the queue has handed the caller back
    /// meanwhile.
    pub(super) fn queue(&mut self, queue: &Queue) -> Option<NodeName> {
        self.run.keys.clear();
        self.run.secrets.clear();
        let place = self.run.place.as_ref();
        let waits_on = place.is_some_and(|place| place.queue == queue.queue);
        if let Some(why) = self.run.left.take().filter(|_| waits_on) {
            self.run.place = None;
            return Some(queue.way_after(why).clone());
        }
        self.run.phase = Phase::Queued;
        self.run.may_answer = false;
        if !waits_on {
            self.run.told = 0;
            self.hand_over();
        }
        self.run.place = Some(Place {
            queue: queue.queue.clone(),
            flow: Arc::clone(&self.flow),
            node: self.run.at.clone(),
            depth: self.run.led_here.len(),
        });
        self.commands.push(Command::Queue {
            queue: queue.queue.clone(),
            skills: queue.skills.clone(),
            prefers: queue.prefers.clone(),
            priority: queue.urgency.priority(),
            at_closing: queue.at_closing,
            after_call: queue.after_call.is_some(),
        });
        None
    }

    /// The queue hands the caller back.
    pub(super) fn handed_back(&mut self, node: &Node, why: QueueReturn) {
        match (self.run.phase, node) {
            (Phase::Queued, Node::Queue(queue)) => {
                self.run.place = None;
                if queue.meanwhile.is_some() {
                    // What they could do instead of waiting is over.
                    self.commands.push(Command::StopPlaying);
                    self.commands.push(Command::CancelTimer);
                }
                self.go(queue.way_after(why));
            }
            (Phase::Talking, _) => self.given_back(why),
            // They hear of it when they would wait on.
            (_, _) if self.run.place.is_some() => self.run.left = Some(why),
            (_, _) => {}
        }
    }

    /// Somebody talks with the caller: what was being said and asked is over.
    pub(super) fn joined(&mut self) {
        if self.run.phase != Phase::Over {
            self.run.listening = false;
            self.run.left = None;
            self.run.phase = Phase::Talking;
        }
    }

    /// Back at the node where the caller took a place in a queue, which is given up.
    fn back_at_queue(&mut self) -> Option<Arc<Flow>> {
        let place = self.run.place.take()?;
        self.run.left = None;
        self.run.steps = 0;
        self.run.led_here.truncate(place.depth);
        self.enter(Arc::clone(&place.flow));
        self.run.at = place.node;
        Some(place.flow)
    }

    /// Whoever talked with the caller has sent them to a queue that does not keep them.
    fn given_back(&mut self, why: QueueReturn) {
        let flow = self.back_at_queue();
        match flow.as_ref().and_then(|flow| flow.nodes.get(&self.run.at)) {
            Some(Node::Queue(queue)) => self.go(queue.way_after(why)),
            Some(_) | None => self.begin(),
        }
    }

    /// The agent has hung up, and the caller is still there.
    pub(super) fn after_call(&mut self) {
        if self.run.phase == Phase::Over {
            return;
        }
        let flow = self.back_at_queue();
        let to = match flow.as_ref().and_then(|flow| flow.nodes.get(&self.run.at)) {
            Some(Node::Queue(queue)) => queue.after_call.as_ref(),
            Some(_) | None => None,
        };
        match to {
            Some(to) => self.go(to),
            None => self.hang_up(EndCause::AgentHungUp),
        }
    }

    /// The caller waits and hears music.
    pub(super) fn waits(&mut self, node: &Node) {
        // Whoever talked with them has sent them to a queue again.
        if self.run.phase == Phase::Talking
            && let Some(place) = &self.run.place
        {
            let (flow, at, depth) = (Arc::clone(&place.flow), place.node.clone(), place.depth);
            self.run.led_here.truncate(depth);
            self.enter(Arc::clone(&flow));
            (self.run.at, self.run.phase) = (at.clone(), Phase::Queued);
            self.run.may_answer = false;
            if let Some(node) = flow.nodes.get(&at) {
                return self.waits(node);
            }
        }
        if let (Phase::Queued, Node::Queue(queue)) = (self.run.phase, node)
            && let Some(meanwhile) = &queue.meanwhile
        {
            self.expect_to_tell(meanwhile);
        }
    }

    /// The timer of somebody who waits.
    pub(super) fn waited(&mut self, queue: &Queue) {
        match (&queue.meanwhile, std::mem::take(&mut self.run.may_answer)) {
            (Some(meanwhile), true) => {
                self.stop_listening();
                let after = meanwhile.every.saturating_sub(ANSWER_WITHIN);
                self.commands.push(Command::SetTimer { after });
            }
            (Some(_), false) => self.time_to_tell(queue),
            (None, _) => {}
        }
    }

    /// It is time to tell them something: of their place and the wait first, if there are words for it.
    fn time_to_tell(&mut self, queue: &Queue) {
        let Some(meanwhile) = &queue.meanwhile else { return };
        match meanwhile.outlook_words() {
            Some(words) => self.commands.push(Command::AskOutlook { words }),
            None => self.tell_meanwhile(meanwhile, Outlook::default()),
        }
    }

    /// How things stand for somebody who waits.
    pub(super) fn outlook(&mut self, node: &Node, outlook: Outlook) {
        if let (Phase::Queued, Node::Queue(queue)) = (self.run.phase, node)
            && let Some(meanwhile) = &queue.meanwhile
        {
            self.tell_meanwhile(meanwhile, outlook);
        }
    }

    fn tell_meanwhile(&mut self, meanwhile: &Meanwhile, outlook: Outlook) {
        let mut words: Vec<&Wording> = meanwhile.worse.iter().filter(|_| outlook.worse).collect();
        if let (Some(said), Some(position)) = (&meanwhile.position, outlook.position) {
            self.remember_number(QUEUE_POSITION, position);
            words.push(said.next.as_ref().filter(|_| position == 1).unwrap_or(&said.number));
        }
        if let (Some(said), Some(wait)) = (&meanwhile.estimate, outlook.wait) {
            self.remember_number(WAIT_LEAST, wait.least_min);
            self.remember_number(WAIT_MOST, wait.most_min);
            words.push(if wait.least_min == 0 { &said.soon } else { &said.range });
        }
        let turn = self.run.told.checked_rem(meanwhile.comfort.len());
        words.extend(turn.and_then(|turn| meanwhile.comfort.get(turn)));
        words.extend(&meanwhile.words);
        self.run.told = self.run.told.saturating_add(1);
        match words.as_slice() {
            [] => self.expect_to_tell(meanwhile),
            words => {
                self.say(Phase::Queued, words);
                if !meanwhile.phrases.is_empty() {
                    let phrases = meanwhile.phrases.iter().map(|(_, phrases)| phrases.clone());
                    self.listen_for(Some(&Question::OneOf(phrases.collect())));
                }
            }
        }
    }

    fn remember_number(&mut self, name: &str, number: impl Into<u64>) {
        let number = i64::try_from(number.into()).unwrap_or(i64::MAX);
        self.remember(&name.into(), Value::Whole(number));
    }

    /// They were told, and wait on.
    pub(super) fn told_meanwhile(&mut self, queue: &Queue) {
        if let Some(meanwhile) = &queue.meanwhile {
            self.commands.push(Command::PlayMusic);
            self.run.may_answer = self.run.listening;
            match self.run.listening {
                true => self.commands.push(Command::SetTimer { after: ANSWER_WITHIN }),
                false => self.expect_to_tell(meanwhile),
            }
        }
    }

    /// Whoever waits is told after a while, and then again and again.
    fn expect_to_tell(&mut self, meanwhile: &Meanwhile) {
        if meanwhile.wordings().next().is_some() {
            let after = if self.run.told > 0 { meanwhile.every } else { meanwhile.after };
            self.commands.push(Command::SetTimer { after });
        }
    }

    /// Something was heard of somebody who waits. Only what leads on is put on record: they may talk to
    /// somebody beside them.
    pub(super) fn heard_meanwhile(&mut self, node: &Node, queue: &Queue, heard: Heard) {
        let Some(meanwhile) = &queue.meanwhile else { return };
        if let Heard::Words(utterance) = heard {
            let somewhere = self.flow.urgent.is_some() || self.flow.adviser.is_some();
            if !utterance.urgent.is_empty() && somewhere {
                self.commands.extend([Command::StopPlaying, Command::CancelTimer]);
                return self.said(node, *utterance);
            }
            let chosen = utterance.answer.as_ref().filter(|_| utterance.sure);
            let chosen = chosen.and_then(|answer| answer.parse().ok());
            let chosen = chosen.and_then(|at: usize| meanwhile.phrases.get(at));
            if let Some((key, _)) = chosen {
                self.said_is(Became::Understood, node, Some(&utterance));
                return self.waiting_key(queue, *key);
            }
        }
        if std::mem::take(&mut self.run.may_answer) {
            self.commands.push(Command::CancelTimer);
            self.expect_to_tell(meanwhile);
        }
    }

    /// A key of somebody who waits.
    pub(super) fn waiting_key(&mut self, queue: &Queue, key: Key) {
        let to = queue.meanwhile.as_ref().and_then(|meanwhile| meanwhile.keys.get(&key));
        if let Some(to) = to {
            self.commands.push(Command::StopPlaying);
            self.commands.push(Command::CancelTimer);
            self.run.steps = 0;
            self.chose(key, to);
        }
    }
}
