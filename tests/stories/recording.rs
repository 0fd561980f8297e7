//! What of a caller's call is recorded: by rule, through holds and transfers, never in a pause. What the
//! rings and the journal say is written to real files, whose tones are measured.

use std::sync::Arc;

use switchboard::acd::command::AgentChoice;
use switchboard::config::settings::{FlowRecording, Portion, QueueRecording, RecordingSettings};
use switchboard::engine::io::{Reply, Request};
use switchboard::event::{CallEvent, EndCause, PauseReason, RecordingEvent, RecordingRule};
use switchboard::id::Entropy;
use switchboard::server::recording::counters::Counters;
use switchboard::server::recording::desk::{Desk, DeskSettings, Done};
use switchboard::server::recording::manifest::GapReason;
use switchboard::server::recording::sealed::Key;
use switchboard::server::recording::wav::{self, Format};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;

use crate::town::*;
use crate::transfers::amy_talks;

pub fn town_that_records(change: impl FnOnce(&mut RecordingSettings)) -> Town {
    town_with(|town| {
        town.settings.recording.record = Portion::ALWAYS;
        change(&mut town.settings.recording);
    })
}

/// A recording as it is in its file.
pub struct Kept {
    pub done: Done,
    pub left: Vec<i16>,
    pub right: Vec<i16>,
    _folder: tempfile::TempDir,
}

impl Kept {
    /// How much of a second, from `second` on, a side is a tone of `hz`.
    pub fn share(side: &[i16], second: usize, hz: u32) -> f64 {
        let voice = side.get(second * 8_000..(second + 1) * 8_000).expect("so long");
        let (mut re, mut im, mut energy) = (0.0, 0.0, f64::MIN_POSITIVE);
        for (at, sample) in voice.iter().enumerate() {
            let angle = at as f64 * std::f64::consts::TAU * f64::from(hz) / 8_000.0;
            let sample = f64::from(*sample);
            re += sample * angle.cos();
            im += sample * angle.sin();
            energy += sample * sample;
        }
        (re * re + im * im) * 2.0 / 8_000.0 / energy
    }

    /// What is heard in a second of a side: one of these tones, or silence.
    pub fn tone(side: &[i16], second: usize) -> Option<u32> {
        let tones = [CALLER, AMY, BEN, MUSIC, WELCOME, NOTICE];
        tones.into_iter().find(|hz| Kept::share(side, second, *hz) > 0.95)
    }

    /// What is heard on a side in every second, runs made one.
    pub fn heard(side: &[i16]) -> Vec<Option<u32>> {
        let mut heard: Vec<_> = (0..side.len() / 8_000).map(|at| Kept::tone(side, at)).collect();
        heard.dedup();
        heard
    }
}

/// Writes down what a town has recorded.
pub fn written(town: &mut Town) -> Vec<Kept> {
    town.run_for(secs(1));
    let folder = tempfile::tempdir().expect("a folder");
    let settings =
        DeskSettings { folder: folder.path().to_owned(), key: None, signing: Key::new([1; 32]) };
    let mut desk = Desk::new(settings, Arc::new(Counters::default()), Entropy::from_seed([1; 32]));
    for entry in town.journal().to_vec() {
        desk.note(&entry);
    }
    while let Some(record) = town.reel().read() {
        desk.take(&record);
        desk.handle_timeout(record.at, |_| {});
    }
    assert!(desk.is_empty(), "every recording has ended");
    assert_eq!(town.reel().lost(), 0);
    let mut folder = Some(folder);
    let mut kept = Vec::new();
    while let Some(done) = desk.poll_done() {
        let bytes = std::fs::read(&done.path).expect("a file");
        let (format, length) = Format::read(&bytes).expect("a header");
        assert_eq!(bytes.len() as u64, wav::HEADER as u64 + length);
        let samples = format.linear(&bytes[wav::HEADER..]);
        let side = |at: usize| samples.iter().skip(at).step_by(2).copied().collect();
        let folder = folder.take().unwrap_or_else(|| tempfile::tempdir().expect("a folder"));
        kept.push(Kept { left: side(0), right: side(1), done, _folder: folder });
    }
    kept
}

/// What the journal says of recordings, in order.
pub fn events(town: &Town) -> Vec<RecordingEvent> {
    town.calls()
        .into_iter()
        .filter_map(|(_, event)| match event {
            CallEvent::Recording { what, .. } => Some(what.clone()),
            _ => None,
        })
        .collect()
}

pub fn names(town: &Town) -> Vec<String> {
    let name = |what: &RecordingEvent| {
        let text = format!("{what:?}");
        text.split([' ', '{']).next().unwrap_or_default().to_owned()
    };
    events(town).iter().map(name).collect()
}

#[test]
fn a_conversation_is_recorded_with_the_caller_left_and_the_adviser_right() {
    let mut town = town_that_records(|_| {});
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::Wait(secs(6)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let kept = written(&mut town);
    let [one] = &*kept else { panic!("{} recordings", kept.len()) };
    assert!(one.left.len() > 6 * 8_000);
    for second in 0..6 {
        assert!(Kept::share(&one.left, second, CALLER) > 0.95, "left, second {second}");
    }
    for second in 1..6 {
        assert!(Kept::share(&one.right, second, AMY) > 0.95, "right, second {second}");
    }
    let manifest = &one.done.manifest;
    assert_eq!(
        (manifest.agents.join(","), manifest.queues.join(",")),
        ("amy".into(), "waste".into())
    );
    assert!(manifest.gaps.is_empty() && manifest.lost == 0, "{manifest:?}");
    let town = town.close();
    assert_eq!(names(&town), ["Started", "Ended"]);
    let RecordingEvent::Started { rule, told, .. } = &events(&town)[0] else { unreachable!() };
    assert_eq!((rule, *told), (&RecordingRule::Queue("waste".into()), false));
}

#[test]
fn what_no_rule_names_is_not_recorded_and_a_percentage_is_kept() {
    let mut town = town();
    town.amy(Habits::default());
    let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!((town.reel().read().is_none(), events(&town).len()), (true, 0));
    // The same draws on every run: 50 % of a queue that says so, whatever others do.
    let half = |settings: &mut RecordingSettings| {
        settings.record = Portion::NEVER;
        let record = Some(Portion::try_from("50%".to_owned()).expect("a portion"));
        let rule = QueueRecording { record, ..QueueRecording::default() };
        settings.queues.insert("waste".into(), rule);
    };
    let recorded = |half: fn(&mut RecordingSettings)| {
        let mut town = town_that_records(half);
        town.amy(Habits { ..Habits::default() });
        for _ in 0..20 {
            let steps = into_the_queue().then([hear(AMY), Step::HangUp]);
            let resident = town.resident(steps);
            town.see_off(resident);
            town.run_for(secs(12));
        }
        let town = town.close();
        town.calls()
            .into_iter()
            .filter(|(_, event)| {
                matches!(event, CallEvent::Recording { what: RecordingEvent::Started { .. }, .. })
            })
            .map(|(call, _)| call)
            .collect::<Vec<_>>()
    };
    let first = recorded(half);
    assert!((5..=15).contains(&first.len()), "{}", first.len());
    assert_eq!(first, recorded(half), "the same calls on every run");
}

#[test]
fn a_hold_is_part_of_the_same_recording_and_its_music_is_on_the_right() {
    let mut town = town_that_records(|_| {});
    let then = vec![hear(MUSIC), hear(AMY), Step::Wait(secs(4)), Step::HangUp];
    let (amy, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.run_for(secs(3));
    town.adviser_mut(amy, |amy, now| amy.phone_mut().hold(now));
    town.run_for(secs(5));
    town.adviser_mut(amy, |amy, now| amy.phone_mut().resume(now));
    town.see_off(resident);
    let kept = written(&mut town);
    let [one] = &*kept else { panic!("{} recordings", kept.len()) };
    let heard: Vec<u32> = Kept::heard(&one.right).into_iter().flatten().collect();
    assert_eq!(heard, [AMY, MUSIC, AMY], "{:?}", Kept::heard(&one.right));
    assert!(one.done.manifest.gaps.is_empty());
    assert_eq!(names(&town.close()), ["Started", "Ended"]);
}

#[test]
fn a_call_handed_on_keeps_its_one_recording_whether_the_first_try_fails_or_not() {
    let mut town = town_that_records(|_| {});
    // Ben does not pick up the first time: back to Amy, then once more.
    let then = vec![Step::Wait(secs(60)), Step::HangUp];
    let (amy, ben, resident) = amy_talks(&mut town, picks_up_after(secs(30)), then);
    town.run_for(secs(3));
    town.hands_on(amy, "202");
    town.run_for(secs(24));
    assert!(town.hears(amy, CALLER), "brought back: {}", town.story());
    town.adviser_mut(ben, |ben, _| *ben.habits_mut() = picks_up_after(secs(2)));
    town.hands_on(amy, "202");
    assert!(town.hears(ben, CALLER), "{}", town.story());
    town.see_off(resident);
    let kept = written(&mut town);
    let [one] = &*kept else { panic!("{} recordings", kept.len()) };
    let heard: Vec<u32> = Kept::heard(&one.right).into_iter().flatten().collect();
    assert_eq!(heard, [AMY, MUSIC, AMY, MUSIC, BEN], "{:?}", Kept::heard(&one.right));
    let left: Vec<u32> = Kept::heard(&one.left).into_iter().flatten().collect();
    assert_eq!(left, [CALLER], "the caller all along");
    assert_eq!(one.done.manifest.agents, ["amy", "ben"]);
    assert_eq!(names(&town.close()), ["Started", "Ended"]);
}

#[test]
fn a_pause_by_the_api_is_silence_of_its_length_with_who_asked() {
    let mut town = town_that_records(|_| {});
    let then = vec![Step::Wait(secs(20)), Step::HangUp];
    let (_, _, resident) = amy_talks(&mut town, Habits::default(), then);
    town.run_for(secs(4));
    let call = town.the_call();
    let pause = |pause, agent: Option<&str>| Request::PauseRecording {
        call,
        pause,
        agent: agent.map(Into::into),
    };
    // Ben has no part in it.
    assert!(matches!(
        town.ask("Ben Hughes", true, pause(true, Some("ben"))),
        Some(Reply::TransferRefused(_))
    ));
    assert_eq!(town.ask("Amy Adeyemi", true, pause(true, Some("amy"))), Some(Reply::Done));
    town.run_for(secs(6));
    assert_eq!(town.ask("Duty supervisor", false, pause(false, None)), Some(Reply::Done));
    town.see_off(resident);
    town.run_for(secs(1));
    let over = town.ask("Duty supervisor", false, pause(true, None));
    assert_eq!(over, Some(Reply::UnknownCall));
    let kept = written(&mut town);
    let [one] = &*kept else { panic!("{} recordings", kept.len()) };
    let [gap] = &*one.done.manifest.gaps else { panic!("{:?}", one.done.manifest.gaps) };
    let length_us = gap.to_us - gap.from_us;
    assert!(length_us.abs_diff(6_000_000) < 50_000, "{gap:?}");
    assert_eq!((gap.reason, gap.by.as_deref()), (GapReason::Asked, Some("Amy Adeyemi")));
    let frame = |us: u64| (us * 8 / 1_000) as usize;
    for side in [&one.left, &one.right] {
        // Less than what a frame may overlap.
        let silent = &side[frame(gap.from_us) + 320..frame(gap.to_us) - 320];
        assert!(silent.iter().all(|sample| sample.abs() <= 8), "not a sample of it is kept");
        let heard: Vec<bool> = Kept::heard(side).into_iter().map(|tone| tone.is_some()).collect();
        assert!(heard.first() == Some(&true) && heard.last() == Some(&true), "{heard:?}");
    }
    let town = town.close();
    assert_eq!(names(&town), ["Started", "Paused", "Resumed", "Ended"]);
    let by = Some("Amy Adeyemi".to_owned());
    assert_eq!(events(&town)[1], RecordingEvent::Paused { reason: PauseReason::Asked, by });
}

#[test]
fn callers_are_told_before_they_wait_and_only_where_they_are_recorded() {
    let announcing = |settings: &mut RecordingSettings| {
        settings.announcement = Some("recording/notice".into());
        let record = Some(Portion::NEVER);
        let rule = QueueRecording { record, ..QueueRecording::default() };
        settings.queues.insert("general".into(), rule);
    };
    let mut town = town_that_records(announcing);
    town.amy(Habits::default());
    let ben = town.ben(Habits::default());
    town.choose("ben", AgentChoice::NotReady);
    let steps = ring().then([hear(WELCOME), hear(CHOICES), press("1"), hear(NOTICE), hear(AMY)]);
    let steps = steps.then([Step::Wait(secs(3)), Step::HangUp]);
    let resident = town.resident(steps);
    town.see_off(resident);
    town.run_for(secs(15));
    town.choose("ben", AgentChoice::Ready);
    town.choose("amy", AgentChoice::NotReady);
    // The other queue is not recorded: nothing is said, and nothing kept.
    let steps = ring().then([hear(WELCOME), hear(CHOICES), press("2"), hear(BEN)]);
    let resident = town.resident(steps.then([Step::Wait(secs(3)), Step::HangUp]));
    town.see_off(resident);
    let kept = written(&mut town);
    let [one] = &*kept else { panic!("{} recordings", kept.len()) };
    assert!(one.done.manifest.told);
    assert_eq!(one.done.manifest.queues, ["waste"]);
    let _ = ben;
    let town = town.close();
    assert_eq!(names(&town), ["Started", "Ended"]);
    let waits = town.waits_us();
    assert!(waits.iter().all(|wait| *wait < 5_000_000), "the notice is no part of it: {waits:?}");
}

#[test]
fn whoever_is_handed_to_a_queue_that_records_is_told_with_its_music_or_not_recorded() {
    for answered_at_once in [false, true] {
        let mut town = town_that_records(|settings| {
            settings.announcement = Some("recording/notice".into());
            settings.record = Portion::NEVER;
            let record = Some(Portion::ALWAYS);
            let rule = QueueRecording { record, ..QueueRecording::default() };
            settings.queues.insert("general".into(), rule);
        });
        let then = match answered_at_once {
            true => vec![hear(BEN), Step::Wait(secs(3)), Step::HangUp],
            false => vec![hear(NOTICE), hear(MUSIC), hear(BEN), Step::Wait(secs(3)), Step::HangUp],
        };
        let picks_up = if answered_at_once { millis(200) } else { secs(5) };
        let (amy, _, resident) = amy_talks(&mut town, picks_up_after(picks_up), then);
        town.choose("ben", AgentChoice::Ready);
        town.hands_on(amy, "302");
        town.see_off(resident);
        let recorded = written(&mut town).len();
        assert_eq!(recorded, usize::from(!answered_at_once), "{}", town.story());
        assert_eq!(town.close().causes(), [EndCause::CallerHungUp]);
    }
}

#[test]
fn a_flows_rule_records_from_its_first_word_after_the_notice_to_the_end() {
    let mut town = town_that_records(|settings| {
        settings.record = Portion::NEVER;
        settings.announcement = Some("recording/notice".into());
        settings.flows.insert("main".into(), FlowRecording { record: Portion::ALWAYS });
    });
    town.amy(Habits::default());
    let steps = ring().then([hear(NOTICE), hear(WELCOME), hear(CHOICES), press("1"), hear(AMY)]);
    let resident = town.resident(steps.then([Step::Wait(secs(3)), Step::HangUp]));
    town.see_off(resident);
    let kept = written(&mut town);
    let [one] = &*kept else { panic!("{} recordings", kept.len()) };
    let heard = Kept::heard(&one.right);
    let at = |hz| heard.iter().position(|tone| *tone == Some(hz));
    assert!(at(NOTICE).is_none() && at(AMY).is_some(), "{heard:?}");
    assert_eq!(one.done.manifest.flow.as_deref(), Some("main"));
    assert_eq!(names(&town.close()), ["Started", "Ended"]);
}
