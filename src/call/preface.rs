//! What is said between an adviser's picking up and the answer: the adviser is told who it is while the
//! caller waits on with music (the *whisper*), then both are told whom they have (the *greeting*). Only then
//! is the offer claimed and are they joined: whoever hangs up before that had no conversation, and a
//! caller keeps their place.

use std::time::Duration;

use crate::event::CallEvent;
use crate::id::{Ability, LegId, PromptName};
use crate::media::command::{self as media, PlayId};
use crate::sip::endpoint::Cause;
use crate::time::Time;

use super::command::{LONGEST_PREFACE, Notice};
use super::offer::Offering;
use super::{Action, Call, CallTimer, QueueAction, SipAction, State, micros};

/// What is said before the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preface {
    /// To the adviser.
    pub whisper: Vec<PromptName>,
    /// To both.
    pub greeting: Vec<PromptName>,
}

/// It is being said.
#[derive(Debug)]
pub(super) struct Prefacing {
    leg: LegId,
    part: Part,
    /// Since when this part is said.
    since: Time,
    whispered: Duration,
    greeting: Vec<PromptName>,
}

/// What the adviser hears now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whisper,
    Greeting,
    /// It is over, and the claim is being decided about.
    Over,
}

/// Playbacks on the adviser's leg.
const WHISPER: PlayId = PlayId(1);
const GREETING: PlayId = PlayId(2);

impl Offering {
    /// Whether something is being said to whoever has picked up.
    pub(super) fn is_prefaced(&self) -> bool {
        self.prefacing.as_ref().is_some_and(|said| said.part != Part::Over)
    }

    /// Whether both are being told whom they have.
    pub(super) fn greets(&self) -> bool {
        self.prefacing.as_ref().is_some_and(|said| said.part == Part::Greeting)
    }
}

impl Call {
    /// What is said to whoever picks up next, before the answer.
    pub fn preface(&mut self, preface: Preface) {
        self.preface = preface;
    }

    /// How long the caller has waited for a person in this episode.
    pub fn waited(&self, now: Time) -> Duration {
        self.wait.as_ref().map_or(Duration::ZERO, |wait| now - wait.first_at)
    }

    /// The skills that the call itself asks for.
    pub fn asks_for(&self) -> &[Ability] {
        self.last_visit.as_ref().map(|(_, skills)| skills.as_slice()).unwrap_or_default()
    }

    /// The offer of whoever has picked up, if anybody has.
    fn prefaced_mut(&mut self) -> Option<&mut Offering> {
        let State::Offering(offers) = &mut self.state else { return None };
        offers.iter_mut().find(|offering| offering.prefacing.is_some())
    }

    fn prefacing_mut(&mut self) -> Option<&mut Prefacing> {
        self.prefaced_mut()?.prefacing.as_mut()
    }

    /// A phone was picked up: says what is to be said. False if that is nothing.
    pub(super) fn begin_preface(&mut self, now: Time, leg: LegId) -> bool {
        // Whoever is to be rung back is not on the line; their adviser is told so in another way. And of
        // several who are rung at once one alone is told anything.
        if self.awaits_adviser() || self.prefaced_mut().is_some() {
            return false;
        }
        let State::Offering(offers) = &mut self.state else { return false };
        let Some(offering) = offers.iter_mut().find(|one| one.ringing.listener(leg).is_some())
        else {
            return false;
        };
        let Preface { whisper, greeting } = std::mem::take(&mut offering.preface);
        if whisper.is_empty() && greeting.is_empty() {
            return false;
        }
        let Some(negotiated) = offering.ringing.picked_up().and_then(|leg| leg.negotiated.clone())
        else {
            return false;
        };
        let (others, agent) = (offering.ringing.take_others(), offering.agent.clone());
        let (part, whispered) = (Part::Whisper, Duration::ZERO);
        let silent = whisper.is_empty();
        offering.prefacing = Some(Prefacing { leg, part, since: now, whispered, greeting });
        offering.until = now + LONGEST_PREFACE;
        for other in others {
            self.sip(SipAction::HangUpBecause(other, Cause::ANSWERED_ELSEWHERE));
            self.media(media::Command::Close { leg: other });
        }
        self.expect_end_of_ringing();
        self.queue(QueueAction::PickedUp(agent));
        self.media(media::Command::Negotiate { leg, negotiated: *negotiated });
        match silent {
            true => self.greet(now),
            false => {
                self.media(media::Command::Play { leg, play: WHISPER, prompts: whisper });
            }
        }
        true
    }

    /// The adviser knows who it is: tells both whom they have.
    fn greet(&mut self, now: Time) {
        let Some(said) = self.prefacing_mut() else { return };
        said.whispered = now - said.since;
        (said.part, said.since) = (Part::Greeting, now);
        let (leg, prompts) = (said.leg, std::mem::take(&mut said.greeting));
        if prompts.is_empty() {
            return self.preface_over(now);
        }
        self.media(media::Command::Play { leg, play: GREETING, prompts: prompts.clone() });
        self.play(prompts);
    }

    /// Enough was said: the offer is claimed.
    pub(super) fn preface_over(&mut self, now: Time) {
        let Some(offering) = self.prefaced_mut() else { return };
        let agent = offering.agent.clone();
        let Some(said) = &mut offering.prefacing else { return };
        let (whispered, greeted) = match said.part {
            Part::Whisper => (now - said.since, Duration::ZERO),
            Part::Greeting => (said.whispered, now - said.since),
            Part::Over => return,
        };
        said.part = Part::Over;
        let leg = said.leg;
        let (whispered_us, greeted_us) = (micros(whispered), micros(greeted));
        self.out.push(Action::Timer(CallTimer::Ring, None));
        self.record(CallEvent::Prefaced { agent: agent.clone(), leg, whispered_us, greeted_us });
        self.queue(QueueAction::Claim(agent));
    }

    /// A playback is over; true if it was the adviser's, or the greeting.
    pub(super) fn preface_played(&mut self, now: Time, leg: LegId, play: PlayId) -> bool {
        let own = leg == self.caller_leg.id;
        let latest = play.0 == self.plays;
        let Some(said) = self.prefacing_mut() else { return false };
        match said.part {
            Part::Whisper if leg == said.leg && play == WHISPER => self.greet(now),
            Part::Greeting if own && latest => self.preface_over(now),
            Part::Whisper | Part::Greeting | Part::Over => return leg == said.leg,
        }
        true
    }

    /// A key on the phone that was picked up: its adviser has heard enough. One of a caller's who is being
    /// greeted means nothing. False if it was neither.
    pub(super) fn preface_key(
        &mut self,
        now: Time,
        leg: LegId,
        key: media::Key,
        told: media::Told,
    ) -> bool {
        let own = leg == self.caller_leg.id;
        let Some(offering) = self.prefaced_mut() else { return false };
        let Some(said) = &offering.prefacing else { return false };
        if own {
            return said.part == Part::Greeting;
        }
        let part = said.part;
        let pressed = match offering.ringing.picked_up().filter(|phone| phone.id == leg) {
            Some(phone) => phone.keypad.pressed(now, key, told),
            None => return false,
        };
        match part {
            Part::Whisper if pressed => self.greet(now),
            Part::Greeting if pressed => self.preface_over(now),
            Part::Whisper | Part::Greeting | Part::Over => {}
        }
        true
    }

    /// The caller is to hear something else: they have been greeted.
    pub(super) fn no_more_greeting(&mut self, now: Time) {
        if self.prefacing_mut().is_some_and(|said| said.part == Part::Greeting) {
            self.preface_over(now);
        }
    }

    /// The caller was greeted, and waits on all the same.
    pub(super) fn greeted_in_vain(&mut self) {
        // What the flow was saying then is over.
        self.out.push(Action::Notify(Notice::Played));
        if let Some(music) = self.queue_music.clone() {
            self.let_hear(music);
        }
    }
}
