//! A caller whom nobody answers in time leaves a message. It is a task until somebody has done it.

use std::sync::Arc;
use std::time::Duration;

use switchboard::acd::messages::{MessageChange, MessageError};
use switchboard::config::settings::{FlowRecording, Portion};
use switchboard::engine::io::{Input, Reply, Request};
use switchboard::event::{
    CallEvent, EndCause, Event as Entered, MessageEvent, Outcome, RecordingEvent,
};
use switchboard::id::{Entropy, RecordingId};
use switchboard::media::command::{Event, Speech};
use switchboard::server::recording::counters::Counters;
use switchboard::server::recording::desk::{Desk, DeskSettings};
use switchboard::server::recording::listen::Listener;
use switchboard::server::recording::sealed::Key;
use switchboard::server::recording::shelf::Shelf;
use switchboard::sim::caller::Step;
use switchboard::sim::tone::Sound;
use switchboard::stats::messages::MessageLive;

use crate::town::*;

/// Nobody serves the queue, and callers wait for five seconds.
fn town_without_anybody() -> Town {
    town_with(|town| {
        let general = town.settings.queues.get_mut("general").expect("the queue");
        general.max_wait_s = Some(5);
        general.message_alert_s = 3_600;
    })
}

/// To the tone.
fn to_the_tone() -> Vec<Step> {
    let mut steps = ring();
    steps.extend([hear(CHOICES), press("2"), hear(MUSIC), hear(GREETING), hear(BEEP)]);
    steps
}

/// The disk, as far as the story lets it work.
struct Disk {
    desk: Desk,
    noted: usize,
    folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Disk {
        let folder = tempfile::tempdir().expect("a folder");
        let signing = Key::new([1; 32]);
        let settings = DeskSettings { folder: folder.path().to_owned(), key: None, signing };
        let entropy = Entropy::from_seed([1; 32]);
        Disk { desk: Desk::new(settings, Arc::new(Counters::default()), entropy), noted: 0, folder }
    }

    /// Writes what there is, and tells the engine.
    fn write(&mut self, town: &mut Town) {
        for entry in &town.journal()[self.noted..] {
            self.desk.note(entry);
            self.noted += 1;
        }
        while let Some(record) = town.reel().read() {
            self.desk.take(&record);
            self.desk.handle_timeout(record.at, |_| {});
        }
        while let Some(news) = self.desk.poll_news() {
            let (call, recording, what) = (news.call, news.recording, news.what);
            town.input(Input::Recording { call, recording, what });
        }
    }

    /// How long what the caller said is, in seconds, and the share of it that is their tone.
    fn heard(&self, id: RecordingId) -> (f64, f64) {
        let shelf = Shelf::open(&Default::default(), self.folder.path()).expect("a shelf");
        let listener = Listener { folder: self.folder.path().to_owned(), keys: Vec::new(), shelf };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let wav = runtime.block_on(listener.wav(id, None)).expect("a recording");
        let mut reader = hound::WavReader::new(&wav[..]).expect("a WAV file");
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 8_000));
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
        let share = switchboard::sim::tone::share(&samples, f64::from(CALLER), 8_000);
        (samples.len() as f64 / 8_000.0, share)
    }
}

/// Lets time pass in small steps, while the disk works.
fn pass(town: &mut Town, disk: &mut Disk, time: Duration) {
    for _ in 0..time.as_millis() / 100 {
        town.run_for(Duration::from_millis(100));
        disk.write(town);
    }
}

fn open(town: &Town) -> Vec<MessageLive> {
    town.live().messages
}

fn told(town: &Town) -> Vec<MessageEvent> {
    town.journal()
        .iter()
        .filter_map(|entry| match &entry.event {
            Entered::Message { event, .. } => Some(event.clone()),
            _ => None,
        })
        .collect()
}

fn outcomes(town: &Town) -> Vec<Outcome> {
    let calls = town.calls().into_iter();
    calls
        .filter_map(|(_, event)| match event {
            CallEvent::QueueLeft { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect()
}

#[test]
fn a_message_is_kept_told_to_be_kept_and_done_by_whoever_takes_it() {
    let (mut town, mut disk) = (town_without_anybody(), Disk::new());
    let steps = to_the_tone().into_iter().chain([
        Step::Wait(secs(8)),
        press("#"),
        hear(THANKS),
        Step::UntilEnded { within: secs(5) },
    ]);
    let resident = town.resident(steps.collect());
    pass(&mut town, &mut disk, secs(40));
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::MessageLeft]);
    assert_eq!(outcomes(&town), [Outcome::Voicemail]);
    let (today, general) = (town.today(), town.queue("general"));
    assert_eq!((today.offered, today.voicemail, today.difference()), (1, 1, 0));
    assert_eq!((general.messages.open, general.messages.overdue), (1, 0));
    let [message] = &open(&town)[..] else { panic!("{}", town.story()) };
    assert_eq!(message.caller.number.as_deref(), Some("+441632960001"));
    let (length, share) = disk.heard(message.message);
    assert!((6.8..7.5).contains(&length) && share > 0.95, "{length} {share}");
    let told_s = message.length_us as f64 / 1e6;
    assert!((told_s - length).abs() < 0.1, "{told_s} {length}");

    // Whoever does not serve the queue may not; whoever takes it keeps others out.
    let id = message.message;
    let ask = |change, agent: Option<&str>| Request::Message {
        message: id,
        change,
        agent: agent.map(Into::into),
    };
    let take = MessageChange::Take;
    let not_served = Some(Reply::MessageRefused(MessageError::NotServed));
    assert_eq!(town.ask("Amy Adeyemi", true, ask(take, Some("amy"))), not_served);
    assert_eq!(town.ask("Ben Hughes", true, ask(take, Some("ben"))), Some(Reply::Done));
    assert_eq!(open(&town)[0].taken_by.as_deref(), Some("Ben Hughes"));
    let done = MessageChange::Done;
    assert_eq!(town.ask("Ben Hughes", true, ask(done, Some("ben"))), Some(Reply::Done));
    assert_eq!(open(&town), []);
    let gone = Some(Reply::MessageRefused(MessageError::Unknown));
    assert_eq!(town.ask("Sue Green", false, ask(done, None)), gone);
    town.close();
}

#[test]
fn who_hangs_up_while_they_speak_has_left_it_and_nobody_forgets_it_over_a_restart() {
    let (mut town, mut disk) = (town_without_anybody(), Disk::new());
    let steps = to_the_tone().into_iter().chain([Step::Wait(secs(4)), Step::HangUp]);
    let resident = town.resident(steps.collect());
    pass(&mut town, &mut disk, secs(30));
    town.see_off(resident);
    assert_eq!(
        (town.causes(), outcomes(&town)),
        (vec![EndCause::MessageLeft], vec![Outcome::Voicemail])
    );
    assert!(matches!(told(&town)[..], [MessageEvent::Left { .. }]), "{}", town.story());
    town.run_for(secs(1_800));
    town.restart();
    assert_eq!(open(&town).len(), 1, "{}", town.story());
    town.run_for(secs(1_900));
    let overdue = |event: &&MessageEvent| matches!(event, MessageEvent::Overdue { .. });
    assert_eq!(told(&town).iter().filter(overdue).count(), 1, "{}", town.story());
    assert_eq!(town.queue("general").messages.overdue, 1);
    town.run_for(secs(3_600));
    assert_eq!(told(&town).iter().filter(overdue).count(), 2, "again and again");
    town.close();
}

#[test]
fn who_has_said_it_and_then_nothing_for_a_while_is_taken_to_have_finished() {
    let (mut town, mut disk) = (town_without_anybody(), Disk::new());
    let steps = to_the_tone().into_iter().chain([hear_within(THANKS, secs(15)), Step::HangUp]);
    let resident = town.resident(steps.collect());
    pass(&mut town, &mut disk, secs(12));
    let leg = town.calls().into_iter().find_map(|(_, event)| match event {
        CallEvent::Arrived { leg, .. } => Some(*leg),
        _ => None,
    });
    let leg = leg.expect("somebody rings");
    // A tone is no speech, so the ear is told.
    for speech in [Speech::Began, Speech::Ended, Speech::Began, Speech::Ended] {
        town.input(Input::Media(Event::Speech { leg, speech }));
        pass(&mut town, &mut disk, secs(1));
    }
    assert_eq!(open(&town), []);
    pass(&mut town, &mut disk, secs(6));
    town.see_off(resident);
    assert_eq!(open(&town).len(), 1, "{}", town.story());
    town.close();
}

#[test]
fn who_pauses_the_calls_recording_does_not_silence_the_message() {
    let mut town = town_with(|town| {
        let general = town.settings.queues.get_mut("general").expect("the queue");
        general.max_wait_s = Some(5);
        let record = Portion::ALWAYS;
        town.settings.recording.flows.insert("main".into(), FlowRecording { record });
    });
    let mut disk = Disk::new();
    let steps = to_the_tone().into_iter().chain([Step::Wait(secs(8)), press("#"), hear(THANKS)]);
    let resident = town.resident(steps.chain([Step::UntilEnded { within: secs(5) }]).collect());
    pass(&mut town, &mut disk, secs(12));
    let call = town.calls()[0].0;
    let pause = Request::PauseRecording { call, pause: true, agent: None };
    assert_eq!(town.ask("Sue Green", false, pause), Some(Reply::Done));
    pass(&mut town, &mut disk, secs(20));
    town.see_off(resident);
    let id = open(&town)[0].message;
    let (length, share) = disk.heard(id);
    assert!((6.8..7.5).contains(&length) && share > 0.95, "{length} {share}");
    let paused = |event: &CallEvent| match event {
        CallEvent::Recording { recording, what: RecordingEvent::Paused { .. } } => *recording != id,
        _ => false,
    };
    assert_eq!(town.count(paused), 1, "the call's own, after the message");
    town.close();
}

#[test]
fn a_message_is_no_longer_than_it_may_be_and_a_slip_of_the_hand_is_none() {
    let (mut town, mut disk) = (town_without_anybody(), Disk::new());
    let long = to_the_tone().into_iter().chain([hear_within(THANKS, secs(33)), Step::HangUp]);
    let long = town.resident(long.collect());
    pass(&mut town, &mut disk, secs(60));
    town.see_off(long);
    let [message] = &open(&town)[..] else { panic!("{}", town.story()) };
    assert!((29_900_000..30_100_000).contains(&message.length_us), "{}", message.length_us);
    let short = to_the_tone().into_iter().chain([Step::Wait(secs(1)), Step::HangUp]);
    let short = town.resident(short.collect());
    pass(&mut town, &mut disk, secs(30));
    town.see_off(short);
    assert_eq!(open(&town).len(), 1);
    assert_eq!(town.causes()[1], EndCause::CallerLeftFlow);
    assert_eq!(outcomes(&town), [Outcome::Voicemail, Outcome::EndedBySystem]);
    town.close();
}

#[test]
fn a_message_that_the_disk_cannot_keep_is_said_to_be_lost_and_the_caller_is_told() {
    let (mut town, mut disk) = (town_without_anybody(), Disk::new());
    let steps = to_the_tone().into_iter().chain([
        Step::Say(Sound::Tone(CALLER)),
        Step::Wait(secs(4)),
        press("#"),
        hear(CLOSED),
        Step::UntilEnded { within: secs(5) },
    ]);
    let resident = town.resident(steps.collect());
    town.run_for(secs(10));
    // The folder is gone, as it is where a disk was unplugged.
    std::fs::remove_dir_all(disk.folder.path()).expect("removed");
    pass(&mut town, &mut disk, secs(30));
    town.see_off(resident);
    assert!(
        matches!(told(&town)[..], [MessageEvent::Lost { fault: Some(_), .. }]),
        "{}",
        town.story()
    );
    assert_eq!((open(&town).len(), town.queue("general").messages.lost_total), (0, 1));
    let failed = |event: &CallEvent| {
        matches!(event, CallEvent::Recording { what: RecordingEvent::Failed { .. }, .. })
    };
    assert!(town.count(failed) >= 1);
    town.close();
}

#[test]
fn a_full_box_takes_no_more_and_a_message_that_nobody_heard_of_again_is_lost() {
    let (mut town, mut disk) = (
        town_with(|town| {
            let general = town.settings.queues.get_mut("general").expect("the queue");
            (general.max_wait_s, general.max_messages) = (Some(5), 1);
        }),
        Disk::new(),
    );
    let first = to_the_tone().into_iter().chain([Step::Wait(secs(60)), Step::HangUp]);
    let first = town.resident(first.collect());
    town.run_for(secs(16));
    // While the first speaks there is no room for a second.
    let mut second = ring();
    second.extend([
        hear(CHOICES),
        press("2"),
        hear(MUSIC),
        hear(GREETING),
        hear(CLOSED),
        Step::HangUp,
    ]);
    let second = town.resident(second);
    pass(&mut town, &mut disk, secs(15));
    town.see_off(second);
    assert_eq!(open(&town).len(), 0);
    // The process dies while the first speaks, and the disk has nothing of it.
    town.restart();
    town.run_for(secs(590));
    assert_eq!(told(&town), []);
    town.run_for(secs(20));
    assert!(
        matches!(told(&town)[..], [MessageEvent::Lost { fault: None, .. }]),
        "{}",
        town.story()
    );
    let _ = first;
}
