//! A resident pays by card over real sockets: the flow asks another system over HTTP, sends it the
//! card, and nothing that is kept has it: no journal, no log, no recording.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::{Value, json};
use switchboard::media::dtmf::Detector;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;

use crate::clock::{free_port, wait_for};
use crate::server::{NUMBER, Server};
use crate::street::Street;

const CARD: &str = "4111111111111111";
const CODE: &str = "737";
const LONG: Duration = Duration::from_secs(20);
const ACCOUNT_HZ: u32 = 620;
const CARD_HZ: u32 = 740;
const CODE_HZ: u32 = 860;
const THANKS_HZ: u32 = 980;
const CALLER_HZ: u32 = 440;

const FLOW: &str = r#"
start: account
nodes:
  account: {collect: Your account., as: account, keys: 8, then: ask, otherwise: gone}
  ask:
    request: tax
    path: /accounts/{account}
    answer: {balance: money}
    then: card
    otherwise: gone
  card: {collect: Your card., as: card, form: card, secret: true, then: code, otherwise: gone}
  code: {collect: Its code., as: code, keys: 3, secret: true, then: pay, otherwise: gone}
  pay:
    request: tax
    method: POST
    path: /payments
    body: {account: "{account}", sum: "{balance}", card: "{card}", code: "{code}"}
    then: thanks
    otherwise: gone
  thanks: {say: Thank you., then: bye}
  bye: {hang_up: completed}
  gone: {hang_up: gave_up}
"#;

/// The council's other system.
struct Council {
    address: SocketAddr,
    payments: Arc<Mutex<Vec<Value>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Council {
    fn open() -> Council {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let address = listener.local_addr().expect("an address");
        let payments = Arc::<Mutex<Vec<Value>>>::default();
        let pay = |State(kept): State<Arc<Mutex<Vec<Value>>>>,
                   axum::Json(body): axum::Json<Value>| async move {
            kept.lock().expect("not poisoned").push(body);
            axum::Json(json!({"reference": "PAY-77"}))
        };
        let app = Router::new()
            .route("/accounts/12345678", get(|| async { axum::Json(json!({"balance": 99.5})) }))
            .route("/payments", post(pay))
            .with_state(Arc::clone(&payments));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await
        });
        Council { address, payments, _runtime: runtime }
    }
}

/// A second of a tone as the recording of a prompt.
fn record(folder: &Path, prompt: &str, hz: u32) {
    let path = folder.join(format!("{prompt}.wav"));
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a writer");
    for at in 0..8_000 {
        writer.write_sample(Sound::Tone(hz).sample(at)).expect("written");
    }
    writer.finalize().expect("finished");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(std::fs::copy(from, to).expect("copied")),
        }
    }
}

/// A server with the flow above, its prompts recorded by somebody, and every call recorded.
fn server(folder: &Path, council: &Council) -> Server {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (flows, sounds) = (folder.join("flows"), folder.join("sounds"));
    std::fs::create_dir_all(&flows).expect("made");
    std::fs::write(flows.join("main.yaml"), FLOW).expect("written");
    copy(&root.join("sounds"), &sounds);
    let spoken = sounds.join("en-GB");
    std::fs::remove_dir_all(spoken.join("main")).expect("removed");
    let prompts =
        [("account", ACCOUNT_HZ), ("card", CARD_HZ), ("code", CODE_HZ), ("thanks", THANKS_HZ)];
    for (prompt, hz) in prompts {
        record(&spoken, &format!("main/{prompt}"), hz);
    }
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let settings = format!(
        r#"
organisation = "Harbourside Council"
[sip]
listen = [{{ bind = "{sip}" }}]
[http]
bind = "{http}"
[rtp]
ports = "{voice}-{}"
[files]
flows = "{}"
sounds = "{}"
[numbers]
"{NUMBER}" = "main"
[backend.tax]
url = "http://{}"
[recording.flow.main]
record = "always"
"#,
        voice + 19,
        flows.display(),
        sounds.display(),
        council.address
    );
    let config = folder.join("config");
    std::fs::create_dir_all(&config).expect("made");
    std::fs::write(config.join("switchboard.toml"), &settings).expect("written");
    // Notes in the manifest that the files say the flow's words; nothing has to be spoken for it.
    let noted = Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .args(["prompts", "render", "--config"])
        .arg(config.join("switchboard.toml"))
        .output()
        .expect("runs");
    assert!(noted.status.success(), "{}", String::from_utf8_lossy(&noted.stderr));
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

fn pays() -> Vec<Step> {
    let hear =
        |hz| Step::UntilHears { what: Expect::Tone(hz), within: LONG, otherwise: Otherwise::Fail };
    let press = |keys: &str| Step::Press(keys.to_owned());
    vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: LONG },
        hear(ACCOUNT_HZ),
        press("12345678"),
        hear(CARD_HZ),
        press(&format!("{CARD}#")),
        hear(CODE_HZ),
        press(CODE),
        hear(THANKS_HZ),
        Step::UntilEnded { within: LONG },
    ]
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}

/// The keys that are heard in a side of a recording.
fn keys_in(wav: &Path) -> String {
    let mono = wav.with_extension("left.wav");
    let made = Command::new("sox")
        .arg(wav)
        .args(["-r", "8000", "-b", "16", "-e", "signed-integer", "-c", "1"])
        .arg(&mono)
        .args(["remix", "1"])
        .status();
    assert!(made.is_ok_and(|status| status.success()), "sox takes the caller's side");
    let mut reader = hound::WavReader::open(&mono).expect("a WAV file");
    let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
    let mut ear = Detector::new();
    samples
        .chunks(160)
        .filter_map(|frame| ear.hear(frame.iter().copied()))
        .map(|key| key.as_char())
        .collect()
}

#[test]
fn a_card_is_paid_with_and_kept_nowhere() {
    for tones in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let council = Council::open();
        let server = server(folder.path(), &council);
        let mut street = Street::new();
        let phone = |phone: &mut PhoneSettings| {
            phone.sound = Sound::Tone(CALLER_HZ);
            phone.quirks.no_keys = tones;
        };
        let resident = street.caller("01632960001", server.sip, phone, pays());
        let done = street.live(Duration::from_secs(90), |street| street.is_done(resident));
        assert!(
            done && !street.has_failed(resident),
            "{:#?}\n{}",
            street.diary(resident),
            server.story()
        );
        let paid = council.payments.lock().expect("not poisoned").clone();
        let expected = json!({"account": "12345678", "sum": "99.50", "card": CARD, "code": CODE});
        assert_eq!(paid, [expected]);
        let stored = wait_for(LONG, || {
            (server.metric("switchboard_recordings_stored_total") >= 1.0).then_some(())
        });
        assert!(stored.is_some(), "{}", server.get("/metrics"));
        assert!(
            server.metric("switchboard_backend_requests_total{backend=\"tax\",outcome=\"2xx\"}")
                >= 2.0
        );
        server.stop();
        let kept: Vec<PathBuf> = files(folder.path())
            .into_iter()
            .filter(|path| !path.starts_with(folder.path().join("sounds")))
            .collect();
        for path in &kept {
            let bytes = std::fs::read(path).expect("a file");
            for secret in [CARD, &CARD[..8], "\"737\""] {
                let found = bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes());
                assert!(!found, "{} has {secret}", path.display());
            }
        }
        let recordings: Vec<&PathBuf> =
            kept.iter().filter(|path| path.extension().is_some_and(|it| it == "wav")).collect();
        let [recording] = recordings[..] else { panic!("{kept:?}") };
        let heard = keys_in(recording);
        if tones {
            assert_eq!(heard, "12345678", "the account is heard in the voice, the card is not");
        } else {
            assert_eq!(heard, "");
        }
    }
}
