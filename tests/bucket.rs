//! Recordings in a bucket, over real sockets: the keeper and the running program against an S3 endpoint
//! that others wrote, whole and out of order.

#[path = "bucket/endpoint.rs"]
mod endpoint;
#[path = "peers/mod.rs"]
mod peers;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use endpoint::{Endpoint, Fault};
use hyper::StatusCode;
use serde_json::Value;
use switchboard::config::settings::{RecordingSettings, StoreSettings};
use switchboard::event::{RecordingEvent, RecordingFault};
use switchboard::id::{CallId, RecordingId};
use switchboard::server::recording::keeper::Keeper;
use switchboard::server::recording::manifest::{Manifest, State};
use switchboard::server::recording::sealed::Key;
use switchboard::server::recording::shelf::{Shelf, ShelfError};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;
use switchboard::time::UnixMicros;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::peers::clock::wait_for;
use crate::peers::server::{NUMBER, Server, password_of};
use crate::peers::street::Street;

/// 5 January 2026, 10:00.
const BEGAN: UnixMicros = UnixMicros(1_767_607_200_000_000);
const DAY_US: i64 = 86_400_000_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A keeper with its data and the bucket that it keeps in.
struct Rig {
    data: tempfile::TempDir,
    _root: tempfile::TempDir,
    endpoint: Endpoint,
    keeper: Keeper,
    runtime: tokio::runtime::Runtime,
}

impl Rig {
    fn new() -> Rig {
        let (root, data) = (tempfile::tempdir(), tempfile::tempdir());
        let (root, data) = (root.expect("a folder"), data.expect("another"));
        let endpoint = Endpoint::start(root.path());
        let text = endpoint.settings(&data.path().join("credentials"));
        let store: StoreSettings = toml::from_str(&text).expect("settings");
        let folder = data.path().join("recordings/open");
        std::fs::create_dir_all(&folder).expect("a folder in it");
        let keeper = Keeper {
            folder,
            keys: Vec::new(),
            signing: Key::new([8; 32]),
            shelf: Shelf::open(&store, data.path()).expect("a shelf"),
            settings: RecordingSettings { store, keep_days: 30, ..RecordingSettings::default() },
            counters: Arc::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Rig { data, _root: root, endpoint, keeper, runtime: runtime.expect("a runtime") }
    }

    /// A recording of so many bytes that is over; its manifest.
    fn recorded(&self, id: u64, bytes: usize) -> PathBuf {
        let id = RecordingId(id);
        let mut manifest = Manifest::new(id, BEGAN);
        manifest.call = Some(CallId(uuid::Uuid::from_u128(9)));
        (manifest.state, manifest.file) = (State::Finished, format!("{id}.wav"));
        let voice: Vec<u8> = (0..bytes).map(|at| (at * 7 / 3) as u8).collect();
        std::fs::write(self.keeper.folder.join(&manifest.file), voice).expect("written");
        let beside = self.keeper.folder.join(format!("{id}.json"));
        manifest.write(&beside).expect("written");
        beside
    }

    /// Tries once: where it is kept, or why not.
    fn keep(&self, beside: &Path) -> Result<String, RecordingFault> {
        match self.runtime.block_on(self.keeper.keep(beside)) {
            Ok(news) => match news.expect("news").what {
                RecordingEvent::Stored { place, .. } => Ok(place),
                other => panic!("{other:?}"),
            },
            Err(error) => Err(error.fault()),
        }
    }

    fn left_behind(&self) -> usize {
        std::fs::read_dir(&self.keeper.folder).expect("a folder").count()
    }

    fn expire(&self, days: i64) -> (Vec<RecordingEvent>, Option<RecordingFault>) {
        let mut told = Vec::new();
        let now = UnixMicros(BEGAN.0 + days * DAY_US);
        let done = self.keeper.expire(now, |news| told.push(news.what));
        let done = self.runtime.block_on(done);
        (told, done.err().map(|error| error.fault()))
    }
}

#[test]
fn a_recording_is_sent_in_parts_read_back_listed_and_fetched_as_it_was() {
    let rig = Rig::new();
    let (shelf, on) = (&rig.keeper.shelf, |path: &str| rig.data.path().join(path));
    // Less than a part, exactly one, and two and a bit; the sum of the last is not one of its bytes.
    for (name, bytes) in [("none", 0), ("a", 70_000), ("b", 5 << 20), ("c", 12_000_000)] {
        let voice: Vec<u8> = (0..bytes).map(|at: u32| (at * 7 / 3) as u8).collect();
        std::fs::write(on("voice"), &voice).expect("written");
        let (there, back) = rig.runtime.block_on(async {
            let place = format!("2026/01/05/{name}.wav");
            let kept = shelf.put(&on("voice"), &place).await.expect(name);
            assert_eq!(kept, shelf.digest(&place).await.expect(name));
            shelf.fetch(&place, &on("back")).await.expect(name);
            (kept.1, std::fs::read(on("back")).expect("read"))
        });
        assert_eq!(there, u64::from(bytes));
        assert!(back == voice, "{name}: {} bytes", back.len());
    }
    let sent = rig.endpoint.requests();
    let parts = sent.iter().filter(|line| line.starts_with("PUT ") && line.contains("partNumber="));
    assert_eq!(parts.count(), 1 + 3, "{sent:#?}");
    let listed = rig.runtime.block_on(shelf.list(".wav")).expect("listed");
    assert_eq!(listed, ["a", "b", "c", "none"].map(|name| format!("2026/01/05/{name}.wav")));
    rig.runtime.block_on(async {
        shelf.delete("2026/01/05/c.wav").await.expect("deleted");
        let gone = shelf.digest("2026/01/05/c.wav").await;
        assert!(matches!(gone, Err(ShelfError::Store(object_store::Error::NotFound { .. }))));
        shelf.delete("2026/01/05/c.wav").await.expect("gone is gone");
    });
}

#[test]
fn whatever_the_bucket_does_the_recording_stays_here_until_it_is_there_and_whole() {
    let (store, differs) = (RecordingFault::Store, RecordingFault::NotVerified);
    for (fault, is) in [
        (Fault::Says(StatusCode::FORBIDDEN), store),
        (Fault::Says(StatusCode::INTERNAL_SERVER_ERROR), store),
        (Fault::Says(StatusCode::SERVICE_UNAVAILABLE), store),
        (Fault::Forgets, differs),
        (Fault::HangsUp(1_000), store),
        (Fault::HangsUp(60_000), store),
    ] {
        // Long enough for two parts, and short enough for one request.
        for bytes in [100_000, 6_000_000] {
            let rig = Rig::new();
            let beside = rig.recorded(1, bytes);
            rig.endpoint.fault(Some(fault));
            for _ in 0..2 {
                assert_eq!(rig.keep(&beside), Err(is), "{fault:?}, {bytes}");
                assert_eq!(rig.left_behind(), 2, "{fault:?}, {bytes}");
            }
            rig.endpoint.fault(None);
            let place = rig.keep(&beside).unwrap_or_else(|is| panic!("{fault:?}: {is:?}"));
            assert_eq!(rig.left_behind(), 0);
            let (_, size) = rig.runtime.block_on(rig.keeper.shelf.digest(&place)).expect("there");
            assert_eq!(size, bytes as u64);
        }
    }
}

#[test]
fn an_endpoint_that_is_gone_has_what_it_missed_when_it_is_back() {
    let mut rig = Rig::new();
    let beside = rig.recorded(1, 100_000);
    rig.endpoint.stop();
    assert_eq!(rig.keep(&beside), Err(RecordingFault::Store));
    assert_eq!(rig.left_behind(), 2);
    rig.endpoint.start_again();
    rig.keep(&beside).expect("kept");
    assert_eq!((rig.left_behind(), rig.endpoint.files().len()), (0, 2));
}

#[test]
fn nothing_leaves_this_disk_before_all_of_it_was_read_back() {
    let rig = Rig::new();
    let beside = rig.recorded(1, 100_000);
    rig.keep(&beside).expect("kept");
    let requests = rig.endpoint.requests();
    let order: Vec<_> = requests
        .iter()
        .map(|line| (line.split(' ').next().unwrap_or_default(), line.contains(".json")))
        .collect();
    let once = |json| [("PUT", json), ("HEAD", json), ("GET", json)];
    assert_eq!(order, [once(false), once(true)].concat(), "{requests:#?}");
}

#[test]
fn what_is_over_its_time_is_deleted_in_the_bucket_and_looked_for() {
    let rig = Rig::new();
    let places: Vec<_> =
        (1..=3).map(|id| rig.keep(&rig.recorded(id, 50_000)).expect("kept")).collect();
    let deleted: Vec<_> =
        places.iter().map(|place| RecordingEvent::Deleted { place: place.clone() }).collect();
    rig.endpoint.requests();
    assert_eq!(rig.expire(29), (vec![], None));
    let asked = rig.endpoint.requests();
    assert_eq!(asked.len(), 1, "what is younger than every rule is not read: {asked:?}");
    // It says that it is gone, and it is not.
    rig.endpoint.fault(Some(Fault::KeepsDeleted));
    assert_eq!(rig.expire(31), (vec![], Some(RecordingFault::Store)));
    assert_eq!(
        (rig.endpoint.files().len(), rig.keeper.counters.deleted.load(Ordering::Relaxed)),
        (6, 0)
    );
    let failures: u64 = rig.keeper.counters.failures().map(|(_, count)| count).sum();
    assert_eq!(failures, 3);
    rig.endpoint.fault(Some(Fault::Says(StatusCode::FORBIDDEN)));
    assert_eq!(rig.expire(31), (vec![], Some(RecordingFault::Store)));
    rig.endpoint.fault(None);
    assert_eq!(rig.expire(31), (deleted, None));
    assert!(rig.endpoint.files().is_empty(), "{:?}", rig.endpoint.files());
    assert_eq!(rig.keeper.counters.deleted.load(Ordering::Relaxed), 3);
}

#[test]
fn whoever_has_the_wrong_secret_keeps_nothing_there() {
    let rig = Rig::new();
    let text = rig.endpoint.settings_with(&rig.data.path().join("other"), "another secret");
    let store: StoreSettings = toml::from_str(&text).expect("settings");
    let shelf = Shelf::open(&store, rig.data.path()).expect("a shelf");
    let file = rig.data.path().join("a.wav");
    std::fs::write(&file, b"voice").expect("written");
    let refused = rig.runtime.block_on(shelf.put(&file, "a.wav"));
    assert!(matches!(refused, Err(ShelfError::Store(_))), "{refused:?}");
    assert!(rig.endpoint.files().is_empty());
}

// ---- the running program -------------------------------------------------------------------------

/// `switchboard recordings` in an installation.
fn recordings(folder: &Path, words: &[&str], change: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command.arg("recordings").args(words);
    command.arg("--config").arg(folder.join("config/switchboard.toml"));
    command.arg("--data").arg(folder.join("data"));
    change(&mut command);
    command.output().expect("runs")
}

fn said(output: &Output) -> (bool, String) {
    // What the settings are warned of is no part of an answer.
    let worked = output.status.success();
    let aside = if worked { &[][..] } else { &*output.stderr };
    let text = [&*output.stdout, aside].concat();
    (worked, String::from_utf8_lossy(&text).into_owned())
}

fn until(server: &Server, metric: &str, so: impl Fn(f64) -> bool) {
    let there = wait_for(MINUTE, || so(server.metric(metric)).then_some(()));
    assert!(there.is_some(), "{metric}\n{}\n{}", server.get("/metrics"), server.story());
}

/// A street on which Amy has signed in.
fn street(server: &Server) -> Street {
    let mut street = Street::new();
    let signs_in = Some("*70".to_owned());
    let habits = Habits { registers_s: 60, signs_in, ..Habits::default() };
    let phone = |phone: &mut PhoneSettings| {
        (phone.server, phone.password) = (server.sip, Some(password_of("amy")));
        phone.sound = Sound::Tone(620);
    };
    street.adviser("amy", phone, habits);
    street
}

/// A caller talks with Amy for some seconds.
fn a_call(street: &mut Street, server: &Server) {
    let ready = street.live(MINUTE, |_| server.live()["agents"]["ready"] == 1);
    assert!(ready, "{}", server.story());
    let hears = |what| Step::UntilHears { what, within: MINUTE, otherwise: Otherwise::Fail };
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: MINUTE },
        hears(Expect::Sound),
        Step::Press("13".to_owned()),
        hears(Expect::Tone(620)),
        Step::Wait(Duration::from_secs(2)),
        Step::HangUp,
    ];
    let tone = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(440);
    let caller = street.caller("01632960001", server.sip, tone, steps);
    let done = street.live(MINUTE, |street| street.is_done(caller));
    assert!(done && !street.has_failed(caller), "{:#?}", street.diary(caller));
    street.live(Duration::from_millis(500), |_| false);
}

#[test]
fn a_call_is_kept_in_a_bucket_that_was_down_when_it_ended() {
    let (root, folder) = (tempfile::tempdir(), tempfile::tempdir());
    let (root, folder) = (root.expect("a folder"), folder.expect("another"));
    let mut endpoint = Endpoint::start(root.path());
    let store = endpoint.settings(&folder.path().join("credentials"));
    let at = folder.path();
    let config = at.join("config");
    std::fs::create_dir_all(&config).expect("a folder in it");
    std::fs::write(config.join("recording.key"), "c0ffee00".repeat(8)).expect("a key");
    let rules = format!(
        "[recording]\nrecord = \"always\"\nformat = \"flac\"\nkey_file = \"config/recording.key\"\n\
         [recording.store]\n{store}"
    );
    endpoint.stop();
    let server = Server::start_where(at, &rules);
    let mut street = street(&server);
    a_call(&mut street, &server);
    until(&server, "switchboard_recording_failures_total{reason=\"store\"}", |count| count >= 2.0);
    assert_eq!(server.metric("switchboard_recordings_waiting"), 1.0);
    assert_eq!(server.metric("switchboard_recordings_stored_total"), 0.0);
    let here = || std::fs::read_dir(at.join("data/recordings/open")).expect("a folder").count();
    assert_eq!(here(), 2, "the recording and its manifest");
    let (worked, text) = said(&recordings(at, &["list"], |_| {}));
    assert!(!worked && text.contains("127.0.0.1") && text.contains("refused"), "{text}");

    endpoint.start_again();
    until(&server, "switchboard_recordings_stored_total", |count| count == 1.0);
    assert_eq!(server.metric("switchboard_recordings_waiting"), 0.0);
    assert_eq!((here(), endpoint.files().len()), (0, 2));
    let (worked, listed) = said(&recordings(at, &["list", "--json"], |_| {}));
    let listed: Value = serde_json::from_str(&listed).unwrap_or_else(|_| panic!("{listed}"));
    let place = listed["place"].as_str().expect("a place");
    assert!(worked && place.ends_with(".flac.swrec"), "{place}");
    let whole = said(&recordings(at, &["verify"], |_| {}));
    assert_eq!(whole, (true, format!("{place}: whole\n")));
    let to = at.join("call.flac");
    let exported = said(&recordings(at, &["export", place, "--to", &to.to_string_lossy()], |_| {}));
    assert!(exported.0, "{}", exported.1);
    let flac = claxon::FlacReader::open(&to).expect("FLAC");
    let samples = flac.streaminfo().samples.expect("a length");
    let length_us = listed["manifest"]["length_us"].as_u64().expect("a length");
    assert!(length_us > 2_000_000 && samples == length_us * 8 / 1_000, "{samples} {length_us}");

    // What the journal tells of it, in order; and one byte in the bucket becomes another.
    let events = server.calls();
    let told: Vec<_> = events.iter().map(|event| format!("{event:?}")).collect();
    let when = |what: &str| told.iter().position(|event| event.contains(what)).expect(what);
    assert!(when("Failed { reason: Store }") < when("Stored {"), "{}", server.story());
    let audio =
        endpoint.files().into_iter().find(|file| file.extension().is_some_and(|e| e == "swrec"));
    let audio = audio.expect("the audio");
    let mut bytes = std::fs::read(&audio).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&audio, bytes).expect("changed");
    let (whole, text) = said(&recordings(at, &["verify"], |_| {}));
    assert!(!whole && text.contains("its checksum is another one"), "{text}");
    let (exported, text) =
        said(&recordings(at, &["export", place, "--to", &to.to_string_lossy()], |_| {}));
    assert!(!exported, "{text}");

    // A bucket that says nothing does not hold up a stop: the next start has it.
    endpoint.fault(Some(Fault::Mute));
    a_call(&mut street, &server);
    until(&server, "switchboard_recordings_waiting", |waiting| waiting == 1.0);
    server.stop();
    assert_eq!(here(), 2);
    endpoint.stop();
    endpoint.fault(None);
    endpoint.start_again();
    let server = Server::start_where(at, &rules);
    until(&server, "switchboard_recordings_stored_total", |count| count == 1.0);
    assert_eq!((here(), endpoint.files().len()), (0, 4));
    server.stop();
}

#[test]
fn a_bucket_behind_tls_is_believed_if_its_authority_is_the_systems() {
    let (root, folder) = (tempfile::tempdir(), tempfile::tempdir());
    let (root, folder) = (root.expect("a folder"), folder.expect("another"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, made.cert.pem()).expect("written");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate");
    let endpoint = Endpoint::start_with(root.path(), Some(TlsAcceptor::from(Arc::new(config))));
    let store = endpoint.settings(&folder.path().join("credentials"));
    // It writes the settings, and does not know the authority.
    let server = Server::start_where(folder.path(), &format!("[recording.store]\n{store}"));
    server.stop();
    let listed = |believes: bool| {
        said(&recordings(folder.path(), &["list"], |command| {
            if believes {
                command.env("SSL_CERT_FILE", &authority);
            }
        }))
    };
    assert_eq!(listed(true), (true, String::new()));
    assert!(!endpoint.requests().is_empty());
    let (worked, text) = listed(false);
    assert!(!worked && text.contains("certificate"), "{text}");
    assert!(endpoint.requests().is_empty());
}
