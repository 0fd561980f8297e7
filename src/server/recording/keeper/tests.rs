//! Recordings that are over, on their way to a folder that stands for the store.

use super::super::command::Archive;
use super::super::spool::{self, Spool};
use super::super::wav::Format;
use super::*;
use crate::config::settings::QueueRecording;
use crate::id::CallId;

const ID: RecordingId = RecordingId(0xbeef);
/// 5 January 2026, 10:00.
const BEGAN: UnixMicros = UnixMicros(1_767_607_200_000_000);

struct Rig {
    data: tempfile::TempDir,
    keeper: Keeper,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new(encrypted: bool, change: impl FnOnce(&mut RecordingSettings)) -> Rig {
        let data = tempfile::tempdir().expect("a folder");
        let mut settings = RecordingSettings::default();
        change(&mut settings);
        let folder = data.path().join("recordings/open");
        std::fs::create_dir_all(&folder).expect("a folder in it");
        let shelf = Shelf::open(&settings.store, data.path()).expect("a shelf");
        let keeper = Keeper {
            folder,
            keys: if encrypted { vec![Key::new([7; 32])] } else { Vec::new() },
            signing: Key::new([8; 32]),
            settings,
            shelf,
            counters: Arc::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Rig { data, keeper, runtime: runtime.expect("a runtime") }
    }

    /// Ten seconds with a tone on the left, as a desk leaves them; finished or not.
    fn recorded(&self, finished: bool) -> (PathBuf, Vec<u8>) {
        let key = self.keeper.keys.first().map(|key| (key, [3; 16]));
        let mut spool = Spool::create(&self.keeper.folder, ID, Format::ALaw, key).expect("created");
        let tone = |at: usize| (at as f64 * std::f64::consts::TAU * 440.0 / 8_000.0).sin() * 9e3;
        let law = crate::media::codec::Law::A;
        let samples: Vec<u8> =
            (0..80_000).flat_map(|at| [law.encode(tone(at) as i16), law.silence()]).collect();
        samples.chunks(8_000).for_each(|step| spool.append(step).expect("appended"));
        let mut manifest = Manifest::new(ID, BEGAN);
        manifest.call = Some(CallId(uuid::Uuid::from_u128(9)));
        manifest.queues = vec!["waste".to_owned()];
        manifest.encrypted = key.is_some();
        manifest.file = spool::name(ID, key.is_some());
        if finished {
            spool.finish().expect("finished");
            (manifest.state, manifest.length_us) = (State::Finished, 10_000_000);
        }
        let beside = self.keeper.folder.join(format!("{ID}.json"));
        manifest.write(&beside).expect("written");
        (beside, samples)
    }

    fn keep(&self, beside: &Path) -> Result<Option<News>, KeepError> {
        self.runtime.block_on(self.keeper.keep(beside))
    }

    fn left_behind(&self) -> usize {
        std::fs::read_dir(&self.keeper.folder).expect("a folder").count()
    }

    fn archive(&self) -> Archive {
        let keys = super::super::Keys {
            open: self.keeper.keys.clone(),
            seals: false,
            signing: self.keeper.signing.clone(),
        };
        Archive::of(self.keeper.shelf.clone(), keys)
    }

    fn kept(&self) -> PathBuf {
        self.data.path().join("recordings/kept")
    }
}

fn stored(news: Option<News>) -> String {
    match news.expect("news").what {
        RecordingEvent::Stored { place, length_us: 10_000_000, lost: 0, .. } => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_recording_is_kept_read_back_verified_and_exported_and_only_then_gone_from_here() {
    for (encrypted, format) in
        [(false, KeptAs::Wav), (true, KeptAs::Wav), (false, KeptAs::Flac), (true, KeptAs::Flac)]
    {
        let label = format!("encrypted {encrypted}, {format:?}");
        let rig = Rig::new(encrypted, |settings| settings.format = format);
        let (beside, samples) = rig.recorded(true);
        let place = stored(rig.keep(&beside).expect(&label));
        let ending = match (encrypted, format) {
            (false, KeptAs::Wav) => "beef.wav",
            (true, KeptAs::Wav) => "beef.wav.swrec",
            (false, KeptAs::Flac) => "beef.flac",
            (true, KeptAs::Flac) => "beef.flac.swrec",
        };
        assert!(place.starts_with("2026/01/05/") && place.ends_with(ending), "{place}");
        assert_eq!(rig.left_behind(), 0, "{label}");
        let archive = rig.archive();
        let all = rig.runtime.block_on(archive.all()).expect(&label);
        assert_eq!(all.len(), 1);
        let (there, manifest) = &all[0];
        assert_eq!(*there, place);
        let wrong = rig.runtime.block_on(archive.verify(there, manifest)).expect(&label);
        assert!(wrong.is_empty(), "{label}: {wrong:?}");
        let to = rig.data.path().join("exported");
        rig.runtime.block_on(archive.export(&place, &to)).expect(&label);
        let bytes = std::fs::read(&to).expect("exported");
        match format {
            KeptAs::Wav => {
                assert_eq!(Format::read(&bytes), Ok((Format::ALaw, 160_000)));
                assert!(bytes[wav::HEADER..] == samples, "{label}");
            }
            KeptAs::Flac => {
                assert!(bytes.starts_with(b"fLaC") && bytes.len() < 200_000, "{}", bytes.len());
                assert_eq!(decoded(&bytes), Format::ALaw.linear(&samples), "{label}");
            }
        }
        // One bit of what is kept changes.
        let path = rig.kept().join(&place);
        let mut bytes = std::fs::read(&path).expect("kept");
        bytes[30_000] ^= 1;
        std::fs::write(&path, bytes).expect("changed");
        let wrong = rig.runtime.block_on(archive.verify(there, manifest)).expect(&label);
        assert_eq!(wrong, ["its checksum is another one"], "{label}");
    }
}

/// A FLAC file's samples by another implementation, which also compares them with the file's MD5.
fn decoded(bytes: &[u8]) -> Vec<i16> {
    let mut reader = claxon::FlacReader::new(bytes).expect("FLAC");
    let info = reader.streaminfo();
    assert_eq!((info.channels, info.sample_rate, info.bits_per_sample), (2, 8_000, 16));
    assert_eq!(info.samples, Some(80_000));
    let samples: Vec<i16> =
        reader.samples().map(|sample| sample.expect("decodes") as i16).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    use md5::Digest as _;
    assert_eq!(<[u8; 16]>::from(md5::Md5::digest(&bytes)), info.md5sum);
    samples
}

#[test]
fn what_a_process_that_died_has_left_is_brought_to_an_end_and_kept() {
    for encrypted in [false, true] {
        let rig = Rig::new(encrypted, |_| {});
        let (beside, samples) = rig.recorded(false);
        let path = rig.keeper.folder.join(spool::name(ID, encrypted));
        // Its last write was cut in two.
        let file = File::options().write(true).open(&path).expect("opens");
        file.set_len(file.metadata().expect("a size").len() - 4_001).expect("cut");
        rig.keeper.recover().expect("recovered");
        let manifest = Manifest::read(&beside).expect("a manifest");
        assert_eq!(manifest.state, State::Recovered);
        assert!((9_400_000..10_000_000).contains(&manifest.length_us), "{}", manifest.length_us);
        assert!(rig.keep(&beside).expect("kept").is_some());
        let archive = rig.archive();
        let (place, manifest) = &rig.runtime.block_on(archive.all()).expect("listed")[0];
        let wrong = rig.runtime.block_on(archive.verify(place, manifest)).expect("verified");
        assert!(wrong.is_empty(), "{wrong:?}");
        let to = rig.data.path().join("exported.wav");
        rig.runtime.block_on(archive.export(place, &to)).expect("exported");
        let bytes = std::fs::read(&to).expect("exported");
        let (_, length) = Format::read(&bytes).expect("a header");
        assert_eq!(length, manifest.length_us * 16 / 1_000);
        assert!(bytes[wav::HEADER..] == samples[..length as usize]);
    }
}

#[test]
fn a_recording_of_which_there_is_only_the_audio_gets_a_manifest() {
    let rig = Rig::new(false, |_| {});
    let (beside, _) = rig.recorded(false);
    std::fs::remove_file(&beside).expect("removed");
    rig.keeper.recover().expect("recovered");
    let manifest = Manifest::read(&beside).expect("a manifest");
    assert_eq!(
        (manifest.state, manifest.length_us, manifest.call),
        (State::Recovered, 10_000_000, None)
    );
    assert!(manifest.started_us > BEGAN, "or its time would be over at once: {}", manifest.started);
}

#[test]
fn nothing_leaves_this_disk_before_the_store_has_it() {
    let rig = Rig::new(false, |_| {});
    let (beside, _) = rig.recorded(true);
    // The store is a file where a folder should be.
    std::fs::remove_dir_all(rig.kept()).expect("removed");
    std::fs::write(rig.kept(), b"").expect("written");
    let error = rig.keep(&beside).expect_err("not kept");
    assert_eq!(error.fault(), RecordingFault::Store);
    assert_eq!(rig.left_behind(), 2);
    std::fs::remove_file(rig.kept()).expect("removed");
    std::fs::create_dir(rig.kept()).expect("made");
    stored(rig.keep(&beside).expect("kept"));
    assert_eq!(rig.left_behind(), 0);
}

#[test]
fn a_start_removes_what_is_here_twice_and_copies_that_were_made_to_be_heard() {
    let rig = Rig::new(false, |settings| settings.format = KeptAs::Flac);
    let (beside, _) = rig.recorded(true);
    let (wav, copy) =
        (rig.keeper.folder.join(spool::name(ID, false)), rig.keeper.folder.join("a.listen"));
    let before = std::fs::read(&wav).expect("read");
    // The store is away: it is here as FLAC, and the process died before the other was removed.
    std::fs::remove_dir_all(rig.kept()).expect("removed");
    std::fs::write(rig.kept(), b"").expect("written");
    rig.keep(&beside).expect_err("not kept");
    std::fs::write(&wav, before).expect("here again");
    std::fs::write(&copy, b"a voice").expect("written");
    rig.keeper.recover().expect("recovered");
    assert!(!wav.exists() && !copy.exists());
    assert_eq!(rig.left_behind(), 2, "the recording and its manifest");
}

#[test]
fn a_process_that_died_between_the_last_two_steps_leaves_nothing_that_fails_for_ever() {
    let rig = Rig::new(true, |_| {});
    let (beside, _) = rig.recorded(true);
    stored(rig.keep(&beside).expect("kept"));
    let all = rig.runtime.block_on(rig.archive().all()).expect("listed");
    all[0].1.write(&beside).expect("it is here again");
    let place = stored(rig.keep(&beside).expect("kept"));
    assert_eq!((&place, rig.left_behind()), (&all[0].0, 0));
    // What is neither here nor there is said to be so.
    all[0].1.write(&beside).expect("it is here again");
    std::fs::remove_file(rig.kept().join(place)).expect("removed");
    assert_eq!(rig.keep(&beside).expect_err("gone").fault(), RecordingFault::Store);
    assert_eq!(rig.left_behind(), 1);
}

#[test]
fn recordings_whose_time_is_over_are_deleted_by_the_rule_of_their_queue() {
    let day = |n: i64| UnixMicros(BEGAN.0 + n * DAY_US);
    for (own, over_at) in [(None, 30), (Some(90), 90), (Some(0), i64::MAX)] {
        let rig = Rig::new(false, |settings| {
            settings.keep_days = 30;
            let rule = QueueRecording { keep_days: own, ..QueueRecording::default() };
            settings.queues.insert("waste".into(), rule);
        });
        let (beside, _) = rig.recorded(true);
        let place = stored(rig.keep(&beside).expect("kept"));
        let expire = |at| {
            let mut told = Vec::new();
            let done = rig.runtime.block_on(rig.keeper.expire(at, |news| told.push(news)));
            done.map(|()| told).expect("looked at")
        };
        for n in [29, 30, 89, 90, 91, 4_000] {
            let told = expire(day(n));
            let gone = !rig.kept().join(&place).exists();
            assert_eq!(gone, n >= over_at, "day {n}, {own:?}");
            let what = RecordingEvent::Deleted { place: place.clone() };
            assert!(told.iter().all(|news| news.what == what));
        }
        let deleted = u64::from(over_at < 4_000);
        assert_eq!(rig.keeper.counters.deleted.load(Ordering::Relaxed), deleted);
    }
}

#[test]
fn keys_are_made_once_and_named_when_they_cannot_be_read() {
    let data = tempfile::tempdir().expect("a folder");
    let read = |settings: &RecordingSettings| super::super::Keys::read(settings, data.path());
    let settings = RecordingSettings::default();
    let first = read(&settings).expect("made").signing.id();
    assert_eq!(read(&settings).expect("read").signing.id(), first);
    let path = data.path().join("bad.key");
    std::fs::write(&path, "secret").expect("written");
    let settings = RecordingSettings { key_file: Some(path), ..RecordingSettings::default() };
    let text = read(&settings).expect_err("no key").to_string();
    assert!(text.contains("bad.key") && text.contains("no key for recordings"), "{text}");
}
