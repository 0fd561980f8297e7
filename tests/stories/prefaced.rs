//! What is said between an adviser's picking up and the answer: whom they have.

use switchboard::acd::settings::{Choose, Words};
use switchboard::config::settings::Portion;
use switchboard::event::{AgentState, CallEvent, EndCause, OfferOutcome, Outcome, RecordingEvent};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;

use crate::town::*;

const WHISPER: u32 = 1_700;
const WAITED: u32 = 1_850;
const GREETS: u32 = 2_000;
const NAME: u32 = 2_150;

/// Callers of the queue for bins are whispered, and greeted.
fn town_that(whispers: bool, greets: bool) -> Town {
    town_with(|town| {
        let waste = town.settings.queues.get_mut("waste").expect("a queue");
        (waste.whisper, waste.greeting) = (Words::Usual(whispers), Words::Usual(greets));
        town.settings.agents.get_mut("amy").expect("an agent").spoken_name = Some("Amy".to_owned());
        town.sounds = vec![
            ("whisper/queue-waste", WHISPER),
            ("whisper/waited", WAITED),
            ("greeting/queue-waste-1", GREETS),
            ("greeting/adviser-amy", NAME),
        ];
    })
}

fn hears_now(town: &Town, who: PersonId, hz: u32) -> bool {
    town.person(who).phone().voice().ear().hears(town.now(), &Expect::Tone(hz))
}

impl Town {
    /// Everybody goes on until somebody hears that.
    fn until_hears(&mut self, who: PersonId, hz: u32) {
        let heard = self.run_until(secs(60), |world| {
            world.person(who).phone().voice().ear().hears(world.now(), &Expect::Tone(hz))
        });
        assert!(heard, "nobody hears {hz} Hz\n{}", self.story());
    }

    /// How long each whisper and greeting was, in tenths of seconds.
    fn prefaces(&self) -> Vec<(u64, u64)> {
        let tenths = |us: u64| (us + 50_000) / 100_000;
        self.calls()
            .into_iter()
            .filter_map(|(_, event)| match event {
                CallEvent::Prefaced { whispered_us, greeted_us, .. } => {
                    Some((tenths(*whispered_us), tenths(*greeted_us)))
                }
                _ => None,
            })
            .collect()
    }
}

#[test]
fn an_adviser_is_told_who_it_is_while_the_caller_hears_music() {
    let mut town = town_that(true, false);
    let amy = town.amy(picks_up_after(secs(16)));
    let steps =
        into_the_queue().then([hear_within(AMY, secs(40)), Step::Wait(secs(2)), Step::HangUp]);
    let resident = town.resident(steps);
    town.until_hears(amy, WHISPER);
    assert!(hears_now(&town, resident, MUSIC), "the caller waits on");
    assert_eq!(town.agent("amy"), AgentState::Ringing, "nobody has answered yet");
    town.see_off(resident);
    // Waste, and nothing of a wait that had only begun when the phone rang.
    assert_eq!(town.prefaces(), [(10, 0)], "{}", town.story());
    let [wait_us] = town.waits_us()[..] else { panic!("one answer") };
    assert!(wait_us > 16_900_000, "{wait_us}: until they can talk with each other");
    assert_eq!(town.close().today().answered, 1);
}

#[test]
fn a_wait_is_part_of_the_whisper() {
    let mut town = town_that(true, false);
    let steps = into_the_queue().then([hear_within(AMY, secs(90)), Step::HangUp]);
    let resident = town.resident(steps);
    town.run_for(secs(40));
    let signs_in = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    let speaks = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(AMY);
    let amy = town.adviser("amy", "amy's", signs_in, speaks);
    town.until_hears(amy, WAITED);
    town.see_off(resident);
    // Waste, a pause and "waited ... seconds": each of its words lasts a second here.
    assert_eq!(town.prefaces(), [(50, 0)], "{}", town.story());
    town.close();
}

#[test]
fn a_key_ends_the_whisper() {
    let mut town = town_that(true, false);
    let amy = town.amy(Habits::default());
    let resident = town.resident(into_the_queue().then([hear(AMY), Step::HangUp]));
    town.until_hears(amy, WHISPER);
    town.adviser_mut(amy, |amy, _| amy.phone_mut().press("1"));
    town.see_off(resident);
    let (whispered, _) = town.prefaces()[0];
    assert!(whispered < 8, "{whispered}\n{}", town.story());
    town.close();
}

#[test]
fn both_are_told_whom_they_have() {
    let mut town = town_that(true, true);
    let amy = town.amy(Habits::default());
    let steps = into_the_queue().then([hear(GREETS), hear(NAME), hear(AMY), Step::Wait(secs(1))]);
    let resident = town.resident(steps.then([Step::HangUp]));
    town.until_hears(amy, WHISPER);
    town.until_hears(amy, GREETS);
    town.until_hears(amy, NAME);
    assert!(hears_now(&town, resident, NAME));
    town.see_off(resident);
    // "You are through to", "Amy" and "in waste and recycling", a second each.
    assert_eq!(town.prefaces(), [(10, 30)], "{}", town.story());
    town.close();
}

#[test]
fn whoever_has_no_name_for_callers_is_one_of_the_advisers() {
    let mut town = town_that(false, true);
    town.ben(Habits::default());
    let steps = into_the_queue().then([hear(GREETS), hear(SPOKEN), hear(BEN), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.prefaces(), [(0, 30)]);
    town.close();
}

#[test]
fn a_greeting_is_in_the_recording() {
    let mut town = town_with(|town| {
        let waste = town.settings.queues.get_mut("waste").expect("a queue");
        waste.greeting = Words::Own("This is the waste service.".to_owned());
        town.settings.recording.record = Portion::ALWAYS;
        town.sounds = vec![("greeting/queue-waste-1", GREETS)];
    });
    town.amy(Habits::default());
    let resident = town.resident(into_the_queue().then([hear(GREETS), hear(AMY), Step::HangUp]));
    town.see_off(resident);
    let order: Vec<&str> = town
        .calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Recording { what: RecordingEvent::Started { with, .. }, .. } => {
                assert_eq!(with.as_ref().map(|agent| agent.as_str()), Some("amy"));
                Some("recording")
            }
            CallEvent::Prefaced { .. } => Some("greeted"),
            CallEvent::Joined { .. } => Some("joined"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["recording", "greeted", "joined"]);
    town.close();
}

#[test]
fn a_caller_who_hangs_up_during_the_whisper_was_never_answered() {
    let mut town = town_that(true, false);
    let amy = town.amy(Habits::default());
    let resident = town.resident(into_the_queue().then([Step::UntilEnded { within: secs(60) }]));
    town.until_hears(amy, WHISPER);
    town.caller_mut(resident, |resident, now| resident.phone_mut().hang_up(now));
    town.run_for(secs(2));
    assert_eq!(town.agent("amy"), AgentState::Ready, "there is no work after it");
    assert!(!town.person(amy).phone().is_busy());
    let town = town.close();
    assert_eq!(town.causes(), [EndCause::CallerAbandoned]);
    assert_eq!((town.today().answered, town.today().abandoned), (0, 1));
}

#[test]
fn an_adviser_who_hangs_up_before_the_answer_costs_the_caller_nothing() {
    for (whispers, greets) in [(true, false), (true, true), (false, true)] {
        let mut town = town_that(whispers, greets);
        let amy = town.amy(Habits::default());
        let steps = into_the_queue().then([hear_within(BEN, secs(60)), Step::HangUp]);
        let resident = town.resident(steps);
        town.until_hears(amy, if greets { GREETS } else { WHISPER });
        town.adviser_mut(amy, |amy, now| amy.hang_up(now));
        town.run_for(secs(2));
        assert!(hears_now(&town, resident, MUSIC), "waits on\n{}", town.story());
        assert_eq!(town.agent("amy"), AgentState::NotReady, "has refused");
        town.ben(Habits::default());
        town.see_off(resident);
        let outcomes: Vec<_> = town
            .calls()
            .into_iter()
            .filter_map(|(_, event)| match event {
                CallEvent::OfferEnded { outcome, .. } => Some(*outcome),
                _ => None,
            })
            .collect();
        assert_eq!(outcomes, [OfferOutcome::Rejected, OfferOutcome::Accepted]);
        let left = |event: &CallEvent| {
            matches!(event, CallEvent::QueueLeft { outcome: Outcome::Moved, .. })
        };
        assert_eq!(town.count(left), 0, "one visit, one place");
        assert_eq!(town.close().today().answered, 1);
    }
}

#[test]
fn no_greeting_is_longer_than_the_bound() {
    let mut town = town_with(|town| {
        let waste = town.settings.queues.get_mut("waste").expect("a queue");
        // A second each.
        waste.greeting = Words::Own("{adviser}".repeat(14));
    });
    town.amy(Habits::default());
    let resident = town.resident(into_the_queue().then([hear_within(AMY, secs(40)), Step::HangUp]));
    town.see_off(resident);
    assert_eq!(town.prefaces(), [(0, 120)], "{}", town.story());
    town.close();
}

#[test]
fn of_several_who_are_rung_at_once_the_first_to_pick_up_is_told_and_nobody_rings_on() {
    for hangs_up in [false, true] {
        let mut town = town_with(|town| {
            let waste = town.settings.queues.get_mut("waste").expect("a queue");
            (waste.choose, waste.whisper) = (Choose::RingAll, Words::Usual(true));
            town.sounds = vec![("whisper/queue-waste", WHISPER)];
        });
        let amy = town.amy(picks_up_after(secs(3)));
        let ben = town.ben(picks_up_after(millis(3_500)));
        let voice = if hangs_up { BEN } else { AMY };
        let steps = into_the_queue().then([hear_within(voice, secs(30)), Step::Wait(secs(2))]);
        let resident = town.resident(steps.then([Step::HangUp]));
        town.until_hears(amy, WHISPER);
        town.run_for(millis(600));
        assert!(!town.person(ben).phone().is_busy(), "{}", town.story());
        assert_eq!(
            (town.agent("amy"), town.agent("ben")),
            (AgentState::Ringing, AgentState::Ready)
        );
        if hangs_up {
            town.adviser_mut(amy, |amy, now| amy.hang_up(now));
        }
        town.see_off(resident);
        let town = town.close();
        assert_eq!(town.count(|event| matches!(event, CallEvent::Joined { .. })), 1);
        assert_eq!(town.prefaces().len(), 1, "{}", town.story());
    }
}
