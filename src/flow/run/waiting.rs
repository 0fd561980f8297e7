//! Callers who have a place in a queue, also while something else is said and asked.

use std::sync::Arc;

use super::{Phase, Walk};
use crate::call::command::{Command, QueueReturn};
use crate::flow::model::{Flow, Meanwhile, Node, Queue};
use crate::id::{NodeName, QueueName};
use crate::media::command::Key;

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
        if !waits_on {
            self.run.told = false;
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
            // They hear of it when they would wait on.
            (_, _) if self.run.place.is_some() => self.run.left = Some(why),
            (_, _) => {}
        }
    }

    /// The caller waits and hears music.
    pub(super) fn waits(&mut self, node: &Node) {
        if let (Phase::Queued, Node::Queue(queue)) = (self.run.phase, node)
            && let Some(meanwhile) = &queue.meanwhile
        {
            self.expect_to_tell(meanwhile);
        }
    }

    /// They were told what they can do instead.
    pub(super) fn told_meanwhile(&mut self, queue: &Queue) {
        if let Some(meanwhile) = &queue.meanwhile {
            self.run.told = true;
            self.commands.push(Command::PlayMusic);
            self.expect_to_tell(meanwhile);
        }
    }

    /// Whoever waits is told after a while, and then again and again.
    fn expect_to_tell(&mut self, meanwhile: &Meanwhile) {
        if meanwhile.words.is_some() {
            let after = if self.run.told { meanwhile.every } else { meanwhile.after };
            self.commands.push(Command::SetTimer { after });
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
