//! Rings and entries in, files out.

use std::io::Read as _;

use super::super::read::{self, Contents};
use super::super::wav::Format;
use super::*;
use crate::id::LegId;
use crate::media::command::Codec;
use crate::media::recorder::{Side, Voice};
use crate::rtp::packet::{Ssrc, Timestamp};

const ID: RecordingId = RecordingId(0xabc);
const CALL: CallId = CallId(uuid::Uuid::from_u128(7));

struct Rig {
    desk: Desk,
    folder: tempfile::TempDir,
    key: Option<Key>,
    counters: Arc<Counters>,
    seq: u64,
}

fn at(ms: u64) -> Time {
    Time::from_millis(5_000 + ms)
}

impl Rig {
    fn new(encrypted: bool) -> Rig {
        let folder = tempfile::tempdir().expect("a folder");
        let key = encrypted.then(|| Key::new([4; 32]));
        let settings = DeskSettings {
            folder: folder.path().to_owned(),
            key: key.clone(),
            signing: Key::new([5; 32]),
        };
        let counters = Arc::new(Counters::default());
        let desk = Desk::new(settings, counters.clone(), Entropy::from_seed([1; 32]));
        Rig { desk, folder, key, counters, seq: 0 }
    }

    fn begun(encrypted: bool) -> Rig {
        let mut rig = Rig::new(encrypted);
        let rule = RecordingRule::Queue("waste".into());
        rig.event(0, RecordingEvent::Started { leg: LegId(3), rule, told: true, with: None });
        rig.mark(0, What::Begun(LegId(3)));
        rig
    }

    fn event(&mut self, ms: u64, what: RecordingEvent) {
        self.call_event(ms, CallEvent::Recording { recording: ID, what });
    }

    fn call_event(&mut self, ms: u64, event: CallEvent) {
        self.seq += 1;
        let wall = UnixMicros(1_767_607_200_000_000 + ms as i64 * 1_000);
        let event = Event::Call { call: CALL, event };
        self.desk.note(&Entry { seq: self.seq, at: wall, time: at(ms), event });
    }

    fn mark(&mut self, ms: u64, what: What<'_>) {
        self.desk.take(&Record { recording: ID, at: at(ms), what });
    }

    /// A second of both sides from `ms` on, as it comes; written every 100 ms.
    fn second(&mut self, ms: u64, byte: u8) {
        for frame in 0..50 {
            let now = ms + frame * 20;
            for (side, ssrc) in [(Side::Peer, 1), (Side::Ours, 2)] {
                let payload = [if side == Side::Peer { byte } else { 0x80 | byte }; 160];
                self.mark(
                    now,
                    What::Voice(Voice {
                        side,
                        codec: Codec::Pcma,
                        lost: 0,
                        ssrc: Ssrc(ssrc),
                        timestamp: Timestamp((now * 8) as u32),
                        payload: &payload,
                    }),
                );
            }
            if frame % 5 == 0 {
                self.desk.handle_timeout(at(now), |_| {});
            }
        }
    }

    fn keys(&self) -> Vec<Key> {
        self.key.iter().cloned().collect()
    }

    /// What of a file can be read: samples, and whether it was cut off.
    fn samples(&self, path: &std::path::Path) -> (Vec<u8>, bool) {
        let mut source = read::open(path, &self.keys()).expect("opens");
        assert_eq!(source.contents, Contents::Samples(Format::ALaw));
        let mut samples = Vec::new();
        source.read_to_end(&mut samples).expect("verifies");
        (samples, source.cut_off.is_some())
    }

    fn news(&mut self) -> Vec<RecordingEvent> {
        std::iter::from_fn(|| self.desk.poll_news()).map(|news| news.what).collect()
    }
}

/// The first sample of each tenth of a second of a side.
fn tenths(samples: &[u8], side: usize) -> Vec<u8> {
    samples.chunks(1_600).map(|tenth| tenth[side]).collect()
}

#[test]
fn a_recording_with_a_pause_has_silence_of_its_length_and_a_signed_gap() {
    for encrypted in [false, true] {
        let mut rig = Rig::begun(encrypted);
        rig.second(0, 1);
        let (reason, by) = (PauseReason::Asked, Some("Duty supervisor".to_owned()));
        rig.event(1_000, RecordingEvent::Paused { reason, by });
        rig.mark(1_000, What::Paused);
        for ms in (1_000..3_000).step_by(100) {
            rig.desk.handle_timeout(at(ms), |_| {});
        }
        rig.event(3_000, RecordingEvent::Resumed { paused_us: 2_000_000 });
        rig.mark(3_000, What::Resumed);
        let joined = CallEvent::Joined {
            queue: "waste".into(),
            agent: "amy".into(),
            leg: LegId(8),
            wait_us: 1,
            visit_us: 1,
            to_person_us: 1,
            episode: 1,
        };
        rig.call_event(3_000, joined);
        rig.second(3_000, 2);
        rig.mark(4_000, What::Ended);
        let done = rig.desk.poll_done().expect("done");
        assert!(rig.desk.is_empty() && rig.news().is_empty());
        let (samples, cut_off) = rig.samples(&done.path);
        assert!(!cut_off);
        assert_eq!(samples.len(), 4 * 16_000);
        let left = [[1; 10], [0xd5; 10], [0xd5; 10], [2; 10]].concat();
        let right = [[0x81; 10], [0xd5; 10], [0xd5; 10], [0x82; 10]].concat();
        assert_eq!((tenths(&samples, 0), tenths(&samples, 1)), (left, right));
        let manifest = done.manifest;
        assert_eq!(manifest.call, Some(CALL));
        assert_eq!(manifest.leg, "0000000000000003");
        assert_eq!(manifest.queues, ["waste"]);
        assert_eq!(manifest.agents, ["amy"]);
        assert_eq!(manifest.started, "2026-01-05T10:00:00Z");
        assert_eq!((manifest.length_us, manifest.encrypted), (4_000_000, encrypted));
        let [gap] = &*manifest.gaps else { panic!("{:?}", manifest.gaps) };
        assert_eq!((gap.from_us, gap.to_us), (1_000_000, 3_000_000));
        assert_eq!((gap.reason, gap.by.as_deref()), (GapReason::Asked, Some("Duty supervisor")));
    }
}

#[test]
fn less_than_a_second_is_lost_if_the_process_dies_and_the_file_opens() {
    for encrypted in [false, true] {
        let mut rig = Rig::begun(encrypted);
        for second in 0..5 {
            rig.second(second * 1_000, second as u8 + 1);
        }
        // Nothing is ended: this is what the next process finds.
        let name = super::super::spool::name(ID, encrypted);
        let (samples, cut_off) = rig.samples(&rig.folder.path().join(name));
        assert_eq!(cut_off, encrypted);
        assert!(samples.len() > 4 * 16_000, "{}", samples.len());
        let beside = rig.folder.path().join(format!("{ID}.json"));
        let manifest = Manifest::read(&beside).expect("a manifest");
        assert_eq!((manifest.call, manifest.codec.as_str()), (Some(CALL), "pcma"));
        if encrypted {
            let bytes = std::fs::read(rig.folder.path().join("0000000000000abc.swrec"));
            let bytes = bytes.expect("read");
            let bytes = bytes.get(super::super::sealed::HEADER..).expect("chunks");
            let runs = bytes.windows(8).filter(|run| run.iter().all(|byte| *byte == run[0]));
            assert_eq!(runs.count(), 0, "nothing plain");
        }
    }
}

#[test]
fn what_the_ring_lost_is_a_gap_in_the_manifest_and_in_the_journal() {
    let mut rig = Rig::begun(false);
    rig.second(0, 1);
    let (side, codec) = (Side::Peer, Codec::Pcma);
    let voice = Voice {
        side,
        codec,
        lost: 40,
        ssrc: Ssrc(1),
        timestamp: Timestamp(1_500 * 8),
        payload: &[3; 160],
    };
    rig.mark(1_500, What::Voice(voice));
    rig.mark(2_000, What::Ended);
    let done = rig.desk.poll_done().expect("done");
    assert_eq!(done.manifest.lost, 40);
    let gap = RecordingEvent::Gap { from_us: 980_000, to_us: 1_500_000 };
    assert_eq!(rig.news(), [gap]);
    assert_eq!(done.manifest.gaps[0].reason, GapReason::Lost);
}

#[test]
fn a_disk_that_takes_nothing_for_a_while_costs_that_while_and_is_told_once() {
    let mut rig = Rig::begun(false);
    // The folder is away: no file can be made.
    let away = rig.folder.path().with_extension("away");
    std::fs::rename(rig.folder.path(), &away).expect("renamed");
    rig.second(0, 1);
    rig.second(1_000, 2);
    let failed = RecordingEvent::Failed { reason: RecordingFault::Disk };
    assert_eq!(rig.news(), [failed]);
    assert!(rig.counters.failures().any(|(reason, n)| reason == RecordingFault::Disk && n >= 3));
    std::fs::rename(&away, rig.folder.path()).expect("renamed");
    rig.second(2_000, 3);
    rig.mark(3_000, What::Ended);
    let done = rig.desk.poll_done().expect("done");
    let (samples, _) = rig.samples(&done.path);
    assert_eq!(samples.len(), 3 * 16_000);
    let left = tenths(&samples, 0);
    // What had not been due at the last try was kept.
    assert_eq!(left, [vec![0xd5; 11], vec![2; 9], vec![3; 10]].concat());
    let [gap] = &*done.manifest.gaps else { panic!("{:?}", done.manifest.gaps) };
    assert!(gap.from_us == 0 && gap.to_us == 1_100_000, "{gap:?}");
}

#[test]
fn a_call_in_which_nobody_says_a_word_leaves_silence_of_its_length() {
    for encrypted in [false, true] {
        let mut rig = Rig::begun(encrypted);
        rig.desk.handle_timeout(at(1_000), |_| {});
        rig.mark(1_500, What::Ended);
        let done = rig.desk.poll_done().expect("done");
        let (samples, cut_off) = rig.samples(&done.path);
        assert_eq!((samples, cut_off), (vec![0xd5; 24_000], false));
    }
}
