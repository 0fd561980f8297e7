//! Rendering for real: what is spoken, kept and refused.

use std::fs;

use super::*;

const FLOW: &str =
    "start: hello\nnodes:\n  hello: {say: Good day., then: bye}\n  bye: {hang_up: completed}\n";
const OWN: &str = "agent/signed-in: In.\nagent/signed-out: Out.\nagent/ready: Ready.\n\
                   agent/not-ready: Not ready.\nagent/refused: Sorry.\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("is made");
    fs::create_dir_all(folder.path().join("flows")).expect("is made");
    fs::create_dir_all(folder.path().join("sounds/en-GB")).expect("is made");
    fs::write(folder.path().join("flows/main.yaml"), FLOW).expect("writes");
    fs::write(folder.path().join("sounds/en-GB/prompts.yaml"), OWN).expect("writes");
    folder
}

fn render_in(folder: &Path) -> Result<RenderReport, RenderError> {
    render(&folder.join("flows"), &folder.join("sounds"), "en-GB", &mut |_| {})
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
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(report.adopted.len(), 6);
    assert!(report.rendered.is_empty());
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(report.kept, 6);
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
    let report = render(&flows, &sounds, "en-GB", &mut |progress| {
        seen.push((progress.done, progress.of, progress.prompt.to_string()));
    })
    .expect("renders");
    assert_eq!(report.rendered.len(), 6);
    assert_eq!(seen.last(), Some(&(6, 6, "main/hello".to_owned())));
    let first = fs::read(sounds.join("en-GB/main/hello.wav")).expect("reads");
    assert_eq!(render_in(folder.path()).expect("renders").kept, 6);
    fs::write(flows.join("main.yaml"), FLOW.replace("Good day.", "Good evening.")).expect("writes");
    let report = render_in(folder.path()).expect("renders");
    assert_eq!(names(&report.rendered), ["main/hello"]);
    assert_eq!(report.kept, 5);
    assert_ne!(fs::read(sounds.join("en-GB/main/hello.wav")).expect("reads"), first);
    let loaded = flows::load(&flows, &sounds, "en-GB", &crate::flow::Known::default());
    assert!(loaded.is_ok(), "what was rendered passes the check");
}

#[test]
fn an_unknown_language_is_an_error_of_the_voice() {
    if !has_voice() {
        return;
    }
    let folder = folder();
    let sounds = folder.path().join("sounds");
    fs::rename(sounds.join("en-GB"), sounds.join("xx-none")).expect("renames");
    let error = render(&folder.path().join("flows"), &sounds, "xx-none", &mut |_| {});
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
