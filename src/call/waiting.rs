//! The caller in the flow and in the queue: what the controller asks, and what the queue says.

use crate::event::{CallEvent, NotWaitedFor, Outcome, Outlook, Place, TurnedAway};
use crate::id::{Ability, AgentId, PromptName, QueueName};
use crate::media::command as media;
use crate::time::Time;

use super::command::{Command, Notice, OutlookWords, QueueReturn};
use super::{Action, AfterCall, Call, CallTimer, State, micros};

/// A wait for a person, kept from its first queue entry until its one outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wait {
    /// The queue of the present (or last) visit.
    pub(super) queue: QueueName,
    /// The first entry of the episode.
    pub(super) first_at: Time,
    /// The entry of this visit.
    pub(super) visit_at: Time,
    /// Counts the call's waits from 1.
    pub(super) episode: u32,
    /// When the queue handed the caller back to the flow, if it did: the wait ended then, its
    /// outcome depends on what the flow does next.
    pub(super) returned_at: Option<Time>,
    /// What the caller was told last of their place and of the wait, in this visit.
    pub(super) told: Outlook,
}

impl Call {
    /// Carries out what the controller asks. A call that the controller does not own any more
    /// (somebody answered, the caller left) does nothing.
    pub fn command(&mut self, now: Time, command: Command) {
        match &self.state {
            State::InFlow => {}
            // Who waits may be told and asked something, and keeps their place.
            State::Queued | State::Offering(_) => {
                if let Command::Queue { queue, .. } = &command
                    && self.wait.as_ref().is_some_and(|wait| wait.queue == *queue)
                {
                    return self.wait_on();
                }
            }
            State::Arriving { .. } | State::Dialling(_) | State::Talking(_) | State::Ended => {
                return;
            }
        }
        match command {
            // The engine knows the flow's name and writes these (`Engine::obey_flow`).
            Command::Enter { .. } | Command::Chose { .. } | Command::Note { .. } => {}
            Command::Said(_) | Command::Rate { .. } | Command::HandOver { .. } => {}
            // Calendars, bulletins and back ends are not the call's; the engine answers.
            Command::AskHours { .. } | Command::AskBulletin { .. } | Command::Request(_) => {}
            // Promises are the engine's (`Engine::obey_flow`).
            Command::AskOutlook { .. } => {}
            Command::AskCallback { .. } | Command::TakeCallback { .. } => {}
            // The engine promises it (`Engine::promise`).
            Command::Send(_) => {}
            // Listening is the engine's (`Engine::listen`).
            Command::Listen { .. } | Command::StopListening => {}
            // The engine knows which music.
            Command::PlayMusic => {}
            Command::Secret { on } => self.secret(now, on),
            Command::Play { prompts } => {
                self.no_more_greeting(now);
                self.play(prompts);
            }
            Command::StopPlaying => {
                self.plays += 1;
                self.hears_music = false;
                self.media(media::Command::Quiet { leg: self.caller_leg.id });
            }
            Command::SetTimer { after } => {
                self.out.push(Action::Timer(CallTimer::Controller, Some(now + after)));
            }
            Command::CancelTimer => {
                self.out.push(Action::Timer(CallTimer::Controller, None));
            }
            Command::Queue { queue, skills, prefers, priority, at_closing, after_call } => {
                (self.priority, self.prefers) = (priority, prefers);
                self.after_call = if after_call { AfterCall::LeadsOn } else { AfterCall::Ends };
                self.enter_queue(queue, skills, at_closing);
            }
            // The engine knows where that leads (`Engine::connect`).
            Command::Connect { .. } => {}
            // The engine draws the message's name (`Engine::obey_flow`).
            Command::TakeMessage { .. } => {}
            Command::EndMessage => self.end_message(now),
            Command::HangUp { cause } => self.end(now, cause),
        }
    }

    /// Plays music to a caller who waits for something in the flow; the queue's to one who waits in
    /// a queue.
    pub fn play_music(&mut self, music: PromptName) {
        let music = match &self.state {
            State::InFlow => music,
            State::Queued | State::Offering(_) => self.queue_music.clone().unwrap_or(music),
            State::Arriving { .. } | State::Dialling(_) | State::Talking(_) | State::Ended => {
                return;
            }
        };
        self.let_hear(music);
    }

    /// Goes on waiting at the same place, after something else was heard.
    fn wait_on(&mut self) {
        self.out.push(Action::Timer(CallTimer::Controller, None));
        if let Some(music) = self.queue_music.clone() {
            self.let_hear(music);
        }
        self.out.push(Action::Notify(Notice::Waiting));
    }

    /// The call now waits in a queue and hears its music. Its place there may be older than this
    /// wait: whoever is handed on to a queue after a conversation keeps the place that they had,
    /// and waits anew.
    pub fn queued(
        &mut self,
        now: Time,
        queue: QueueName,
        (skills, own): (Vec<Ability>, Vec<Ability>),
        place: Place,
        music: PromptName,
    ) {
        match &self.state {
            State::InFlow | State::Queued => {}
            State::Dialling(dialling) if dialling.ringing().is_none() => self.taken_by_queue(now),
            State::Arriving { .. }
            | State::Offering(_)
            | State::Dialling(_)
            | State::Talking(_)
            | State::Ended => return,
        }
        let last = self.wait.take();
        if let Some(last) = &last {
            self.leave_queue(now, last, Outcome::Moved);
        } else {
            self.episodes += 1;
        }
        let first = self.first_entered_at.is_none();
        self.first_entered_at.get_or_insert(now);
        self.last_visit = Some((queue.clone(), own));
        let episode = self.episodes;
        let entered = queue.clone();
        self.record(CallEvent::QueueEntered { queue: entered, skills, first, episode, place });
        let first_at = last.map_or(now, |last| last.first_at);
        self.wait = Some(Wait {
            queue: queue.clone(),
            first_at,
            visit_at: now,
            episode,
            returned_at: None,
            told: Outlook::default(),
        });
        self.state = State::Queued;
        self.out.push(Action::Timer(CallTimer::Controller, None));
        self.queue_music = Some(music.clone());
        self.music_of(&queue, music);
        self.out.push(Action::Notify(Notice::Waiting));
    }

    /// Tells the controller what of an outlook its caller is to be told. Nobody hears of a place or of a
    /// wait that is worse than what they heard before, unless they are told so.
    pub fn tell_outlook(&mut self, words: OutlookWords, outlook: Outlook) {
        let (State::Queued | State::Offering(_)) = &self.state else { return };
        let Some(wait) = &mut self.wait else { return };
        let last = wait.told;
        let position = outlook.position.filter(|_| words.position);
        let range = outlook.wait.filter(|_| words.wait);
        let behind = position > last.position && last.position.is_some();
        let longer = range.zip(last.wait).is_some_and(|(now, last)| now.most_min > last.most_min);
        let told = Outlook {
            position: position.filter(|_| words.worse || !behind),
            wait: range.filter(|_| words.worse || !longer),
            worse: words.worse && (behind || longer),
        };
        wait.told.position = told.position.or(last.position);
        wait.told.wait = told.wait.or(last.wait);
        let queue = wait.queue.clone();
        if told.position.is_some() || told.wait.is_some() {
            self.record(CallEvent::Told { queue, outlook: told });
        }
        self.out.push(Action::Notify(Notice::Outlook(told)));
    }

    /// The call has waited so long that others may serve it too.
    pub fn relaxed(&mut self, now: Time, queue: QueueName, skills: Vec<Ability>, visit_at: Time) {
        self.record(CallEvent::Relaxed { queue, skills, visit_us: micros(now - visit_at) });
    }

    /// The call waited for one agent, and waits for anybody from now on.
    pub fn waits_for_anybody(
        &mut self,
        now: Time,
        queue: QueueName,
        (agent, why): (AgentId, NotWaitedFor),
        visit_at: Time,
    ) {
        let visit_us = micros(now - visit_at);
        self.record(CallEvent::WaitsForAnybody { queue, agent, why, visit_us });
    }

    /// The queue does not take the caller, who has not waited in it.
    pub fn turned_away(&mut self, queue: QueueName, why: TurnedAway) {
        self.record(CallEvent::TurnedAway { queue, why });
    }

    /// The queue hands the caller back to the flow. What the waiting came to is known when the
    /// flow queues the caller again (moved) or ends the call.
    pub fn returned(&mut self, now: Time, why: QueueReturn) {
        match &self.state {
            State::Queued => {
                if let Some(wait) = &mut self.wait {
                    wait.returned_at = Some(now);
                }
                self.state = State::InFlow;
                // What they are being told goes on.
                if std::mem::take(&mut self.hears_music) {
                    self.media(media::Command::Quiet { leg: self.caller_leg.id });
                }
            }
            State::InFlow => {}
            State::Dialling(dialling) if dialling.ringing().is_none() => {
                return self.not_taken(now, why);
            }
            State::Arriving { .. }
            | State::Offering(_)
            | State::Dialling(_)
            | State::Talking(_)
            | State::Ended => return,
        }
        self.out.push(Action::Notify(Notice::QueueLeft(why)));
    }

    /// The flow has taken the caller elsewhere after a queue had handed them back: that is what the
    /// waiting came to.
    pub(super) fn overflowed(&mut self) {
        if let Some(wait) = self.wait.take()
            && let Some(returned_at) = wait.returned_at
        {
            self.leave_queue(returned_at, &wait, Outcome::Overflowed);
        }
    }

    pub(super) fn leave_queue(&mut self, at: Time, wait: &Wait, outcome: Outcome) {
        self.record(CallEvent::QueueLeft {
            queue: wait.queue.clone(),
            outcome,
            wait_us: micros(at - wait.first_at),
            episode: wait.episode,
        });
    }
}
