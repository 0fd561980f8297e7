//! Rendering for real: what is spoken, kept and refused.

use std::fs;
use std::sync::{Arc, Mutex};

use super::*;

const FLOW: &str =
    "start: hello\nnodes:\n  hello: {say: Good day., then: bye}\n  bye: {hang_up: completed}\n";
const OWN: &str = "agent/signed-in: In.\nagent/signed-out: Out.\nagent/ready: Ready.\n\
                   agent/not-ready: Not ready.\nagent/refused: Sorry.\nagent/more-time: More.\n\
                   agent/extension: Who?\nagent/pin: PIN?\nagent/not-recognised: No.\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("is made");
    fs::create_dir_all(folder.path().join("flows")).expect("is made");
    fs::create_dir_all(folder.path().join("sounds/en-GB")).expect("is made");
    fs::write(folder.path().join("flows/main.yaml"), FLOW).expect("writes");
    fs::write(folder.path().join("sounds/en-GB/prompts.yaml"), OWN).expect("writes");
    folder
}

fn render_in(folder: &Path) -> Result<RenderReport, RenderError> {
    render_with(folder, &VoiceSettings::default())
}

fn files(folder: &Path) -> FileSettings {
    let (flows, sounds) = (folder.join("flows"), folder.join("sounds"));
    FileSettings { flows, sounds, ..FileSettings::default() }
}

fn render_with(folder: &Path, voice: &VoiceSettings) -> Result<RenderReport, RenderError> {
    render(&files(folder), voice, Vec::new(), false, &mut |_| {})
}

fn names(prompts: &[PromptName]) -> Vec<&str> {
    prompts.iter().map(PromptName::as_str).collect()
}

/// Whether the voice is here: it is optional on a machine that only serves.
fn has_voice() -> bool {
    let known = std::process::Command::new("espeak-ng").arg("--version").output().is_ok();
    if !known {
        println!("espeak-ng is not installed: rendering is not tried here");
    }
    known
}

#[test]
fn what_people_recorded_is_taken_over_and_needs_no_voice() {
    let folder = folder();
    let spoken = folder.path().join("sounds/en-GB");
    for prompt in ["main/hello"].iter().chain(&crate::flow::AGENT_PROMPTS) {
        let path = spoken.join(format!("{prompt}.wav"));
        fs::create_dir_all(path.parent().expect("has one")).expect("is made");
        fs::write(path, format!("recording of {prompt}")).expect("writes");
    }
    // They may as well be what a voice said once.
    let told = render_in(folder.path()).expect_err("nobody knows").to_string();
    assert!(
        told.contains("manifest.json: this is missing, and 10 sound files are there"),
        "{told}"
    );
    assert!(!spoken.join("manifest.json").exists());
    let voice = VoiceSettings::default();
    let report = render(&files(folder.path()), &voice, Vec::new(), true, &mut |_| {});
    let report = report.expect("renders");
    assert_eq!(report.adopted.len(), 10);
    assert!(report.rendered.is_empty());
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(report.kept, 10);
    // Another text: the recording is neither overwritten nor passed off as right.
    let flow = FLOW.replace("Good day.", "Good evening.");
    fs::write(folder.path().join("flows/main.yaml"), flow).expect("writes");
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(names(&report.record_anew), ["main/hello"]);
    let kept = fs::read_to_string(spoken.join("main/hello.wav")).expect("reads");
    assert_eq!(kept, "recording of main/hello");
    // A flow that is gone leaves its prompts unused.
    let flow = FLOW.replace("hello", "greeting");
    fs::write(folder.path().join("flows/main.yaml"), flow).expect("writes");
    fs::write(spoken.join("main/greeting.wav"), "recording").expect("writes");
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(names(&report.unused), ["main/hello"]);
}

#[test]
fn only_changed_texts_are_spoken_again() {
    if !has_voice() {
        return;
    }
    let folder = folder();
    let mut seen = Vec::new();
    let (flows, sounds) = (folder.path().join("flows"), folder.path().join("sounds"));
    let voice = VoiceSettings::default();
    let report = render(&files(folder.path()), &voice, Vec::new(), false, &mut |progress| {
        seen.push((progress.done, progress.of, progress.prompt.to_string()));
    })
    .expect("renders");
    assert_eq!(report.rendered.len(), 10);
    assert_eq!(seen.last(), Some(&(10, 10, "main/hello".to_owned())));
    let first = fs::read(sounds.join("en-GB/main/hello.wav")).expect("reads");
    assert_eq!(render_in(folder.path()).expect("renders").kept, 10);
    fs::write(flows.join("main.yaml"), FLOW.replace("Good day.", "Good evening.")).expect("writes");
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(names(&report.rendered), ["main/hello"]);
    assert_eq!(report.kept, 9);
    assert_ne!(fs::read(sounds.join("en-GB/main/hello.wav")).expect("reads"), first);
    let loaded = flows::load(&flows, &sounds, "en-GB", &crate::flow::Known::default());
    assert!(loaded.is_ok(), "what was rendered passes the check");
}

#[test]
fn what_is_said_before_answers_is_spoken_and_found_if_it_says_something_else() {
    if !has_voice() {
        return;
    }
    let folder = folder();
    let files = files(folder.path());
    let name = |text: &str| {
        let prompt = "greeting/adviser-amy".into();
        vec![SpokenText { prompt, text: text.to_owned(), language: None }]
    };
    let stale = |text: &str| {
        let (read, _) = flows::FlowFiles::read(&files.flows, &files.sounds, "en-GB");
        read.stale(&files, &name(text)).count()
    };
    let voice = VoiceSettings::default();
    assert_eq!(stale("Amy"), 0, "one that is missing is found with the other sounds");
    let report = render(&files, &voice, name("Amy"), false, &mut |_| {}).expect("renders");
    assert!(names(&report.rendered).contains(&"greeting/adviser-amy"));
    assert_eq!((stale("Amy"), stale("Amelia")), (0, 1));
    let report = render(&files, &voice, name("Amelia"), false, &mut |_| {}).expect("renders");
    assert_eq!(names(&report.rendered), ["greeting/adviser-amy"]);
    assert_eq!(stale("Amelia"), 0);
}

#[test]
fn an_unknown_language_is_an_error_of_the_voice() {
    if !has_voice() {
        return;
    }
    let folder = folder();
    let sounds = folder.path().join("sounds");
    fs::rename(sounds.join("en-GB"), sounds.join("xx-none")).expect("renames");
    let files = FileSettings { language: "xx-none".to_owned(), ..files(folder.path()) };
    let error = render(&files, &VoiceSettings::default(), Vec::new(), false, &mut |_| {});
    assert!(matches!(error, Err(RenderError::Voice(VoiceError::Failed { .. }))), "{error:?}");
}

#[test]
fn mistakes_in_flows_stop_rendering_with_all_findings() {
    let folder = folder();
    fs::write(folder.path().join("flows/main.yaml"), "nodes:\n  a: {sai: x}\n").expect("writes");
    match render_in(folder.path()) {
        Err(RenderError::Findings(findings)) => assert_eq!(findings.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_music_is_even_and_has_no_seam() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sounds/music/hold.wav");
    let mut reader = hound::WavReader::open(path).expect("is a sound file");
    assert_eq!((reader.spec().channels, reader.spec().bits_per_sample), (1, 16));
    let samples: Vec<f64> = reader
        .samples::<i16>()
        .map(|sample| f64::from(sample.expect("reads")) / 32_768.0)
        .collect();
    let count = samples.len() as f64;
    let level = (samples.iter().map(|sample| sample * sample).sum::<f64>() / count).sqrt();
    let level_dbfs = 20.0 * level.log10();
    assert!((-26.0..=-20.0).contains(&level_dbfs), "{level_dbfs}");
    assert!((samples.iter().sum::<f64>() / count).abs() < 1e-3, "no direct current");
    assert!(samples.iter().all(|sample| sample.abs() < 0.9), "no clipping");
    let largest = samples.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f64::max);
    let seam = (samples[0] - samples[samples.len() - 1]).abs();
    assert!(seam <= largest, "the end goes over into the beginning: {seam}");
}

/// The tokens and bodies of what was asked.
type Asked = Arc<Mutex<Vec<(Option<String>, serde_json::Value)>>>;

/// A speech service: refuses once, then speaks a second of a tone for whatever it is asked.
fn speaks() -> (String, Asked) {
    use axum::http::{HeaderMap, StatusCode};
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let answer = move |headers: HeaderMap, axum::Json(body): axum::Json<serde_json::Value>| {
        let seen = seen.clone();
        async move {
            let token = headers.get("authorization").and_then(|token| token.to_str().ok());
            let mut seen = seen.lock().expect("no panic");
            seen.push((token.map(str::to_owned), body));
            match seen.len() {
                1 => Err((StatusCode::TOO_MANY_REQUESTS, "one at a time")),
                _ => Ok(tone()),
            }
        }
    };
    let (at, bound) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
            at.send(listener.local_addr().expect("an address")).expect("somebody waits");
            let router = axum::Router::new().route("/v1/audio/speech", axum::routing::post(answer));
            axum::serve(listener, router).await.expect("serves");
        });
    });
    (format!("http://{}/v1/audio/speech", bound.recv().expect("bound")), asked)
}

/// A second of 440 Hz at 24 kHz, with a header that does not know its length, as services stream it.
fn tone() -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 24_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a writer");
    for at in 0..24_000 {
        let turns = f64::from(at) * 440.0 / 24_000.0;
        let sample = (turns * std::f64::consts::TAU).sin() * 3_000.0;
        writer.write_sample(sample as i16).expect("a sample");
    }
    writer.finalize().expect("finished");
    let mut bytes = bytes.into_inner();
    bytes[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes
}

#[test]
fn a_service_speaks_what_changed_and_is_asked_again_when_it_is_busy() {
    let folder = folder();
    let token = folder.path().join("token");
    fs::write(&token, "secret\n").expect("writes");
    let (url, asked) = speaks();
    let voice = VoiceSettings {
        url: Some(url.clone()),
        name: "alice".to_owned(),
        token_file: Some(token),
        ..VoiceSettings::default()
    };
    let spoken = folder.path().join("sounds/en-GB");
    // Whenever it is broken off, whoever spoke is known.
    let mut known = |progress: Progress<'_>| {
        let manifest = flows::manifest(&spoken).expect("a manifest");
        assert!(manifest.prompts.contains_key(progress.prompt), "{}", progress.prompt);
    };
    let report =
        render(&files(folder.path()), &voice, Vec::new(), false, &mut known).expect("renders");
    assert_eq!(report.rendered.len(), 10);
    let path = folder.path().join("sounds/en-GB/main/hello.wav");
    let reader = hound::WavReader::open(&path).expect("is a sound file");
    assert_eq!(reader.spec().sample_rate, SAMPLE_RATE_HZ);
    // A second, and the air around it.
    assert!((15_000..21_000).contains(&reader.len()), "{}", reader.len());
    {
        let asked = asked.lock().expect("no panic");
        assert_eq!(asked.len(), 11, "the one that was refused is asked again");
        assert!(asked.iter().all(|(token, _)| token.as_deref() == Some("Bearer secret")));
        let hello = asked.iter().find(|(_, body)| body["input"] == "Good day.").expect("asked");
        assert_eq!(hello.1["voice"], "alice");
        assert_eq!(hello.1["model"], "tts-1");
        assert_eq!(hello.1["response_format"], "wav");
    }
    let report = render_with(folder.path(), &voice).expect("renders");
    assert_eq!((report.rendered.len(), report.kept), (0, 10));
    // Another voice speaks all of it anew.
    let other = VoiceSettings { name: "bob".to_owned(), ..voice };
    assert_eq!(render_with(folder.path(), &other).expect("renders").rendered.len(), 10);
}

#[test]
fn a_service_that_says_no_is_named_with_its_words() {
    let folder = folder();
    let (url, _) = speaks();
    let elsewhere = VoiceSettings {
        url: Some(url.replace("/v1/audio/speech", "/v2")),
        ..VoiceSettings::default()
    };
    let error = render_with(folder.path(), &elsewhere).expect_err("not found");
    assert!(error.to_string().contains("/v2: the speech service refuses (404"), "{error}");
    let nowhere = VoiceSettings { url: Some("://".to_owned()), ..VoiceSettings::default() };
    let error = render_with(folder.path(), &nowhere).expect_err("no address");
    assert!(error.to_string().contains("is not the address of a speech service"), "{error}");
}
