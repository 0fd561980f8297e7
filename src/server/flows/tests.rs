//! Flows on the disk: what is found, and where.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::flow::{Node, RENDER_COMMAND};

/// What the shipped settings have.
fn known() -> Known {
    let names = ["waste", "council-tax", "housing", "general"];
    Known {
        queues: names.map(Into::into).to_vec(),
        unserved: Vec::new(),
        calendars: vec!["main".into()],
        skills: names.map(Into::into).to_vec(),
        backends: Vec::new(),
        intents: Default::default(),
        prompts: None,
    }
}

fn shipped(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// The shipped flows and sounds in a folder that a test may spoil.
fn copy() -> tempfile::TempDir {
    fn all(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("is made");
        for path in list(from).expect("reads") {
            let to = to.join(path.file_name().expect("has a name"));
            if path.is_dir() {
                all(&path, &to);
            } else {
                fs::copy(&path, &to).expect("copies");
            }
        }
    }
    let folder = tempfile::tempdir().expect("is made");
    all(&shipped("ivr-flows"), &folder.path().join("ivr-flows"));
    all(&shipped("sounds/en-GB"), &folder.path().join("sounds/en-GB"));
    folder
}

fn load_copy(folder: &Path) -> Result<Loaded, Vec<Finding>> {
    load(&folder.join("ivr-flows"), &folder.join("sounds"), "en-GB", &known())
}

fn main_flow() -> (Arc<flow::Flow>, Vec<SpokenText>) {
    let (flows, sounds) = (shipped("ivr-flows"), shipped("sounds"));
    let loaded = load(&flows, &sounds, "en-GB", &known());
    let loaded = loaded.unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    let texts = texts(&flows, &sounds, "en-GB").expect("reads");
    (Arc::clone(&loaded.flows["main"]), texts)
}

#[test]
fn the_shipped_flows_have_no_findings_and_every_prompt_has_its_sound() {
    let (flow, texts) = main_flow();
    assert_eq!(flow.start.as_str(), "opening-hours");
    for text in texts {
        let path = wav_path(&shipped("sounds/en-GB"), &text.prompt);
        let reader = hound::WavReader::open(&path).expect("is a sound file");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.bits_per_sample), (1, 16), "{}", path.display());
        let seconds = reader.duration() / spec.sample_rate;
        assert!((1..=20).contains(&seconds), "{}: {seconds} s", path.display());
    }
}

/// The rules for menus: at most four choices, the option first and then its key, in the order of
/// the keys, said twice at most, and a person for whoever presses nothing.
#[test]
fn the_shipped_menus_are_easy_to_follow() {
    let (flow, texts) = main_flow();
    let mut menus = 0;
    for (name, node) in &flow.nodes {
        let Node::Menu(menu) = node else { continue };
        menus += 1;
        assert!(menu.keys.len() <= 4, "{name} has too many choices");
        assert!(menu.asking.tries <= 2, "{name} is said too often");
        let text = texts
            .iter()
            .find(|text| Some(&text.prompt) == menu.words.prompts().next())
            .expect("is spoken");
        let mut after = 0;
        for key in menu.keys.keys() {
            let choice = format!("press {}", key.as_char());
            let at = text.text.find(&choice).unwrap_or_else(|| panic!("{name}: {choice}"));
            assert!(at > after, "{name}: {choice} is out of order");
            after = at;
        }
        for sentence in text.text.split_inclusive('.').filter(|text| text.contains("press")) {
            assert!(sentence.trim().starts_with("For "), "the option first: {sentence}");
        }
        let mut next = &menu.asking.otherwise;
        while let Some(Node::Say(say)) = flow.nodes.get(next) {
            next = &say.then;
        }
        assert!(matches!(flow.nodes.get(next), Some(Node::Queue(_))), "{name} leads to no person");
    }
    assert!(menus > 0);
}

#[test]
fn a_missing_sound_file_is_a_finding_with_its_place() {
    let folder = copy();
    fs::remove_file(folder.path().join("sounds/en-GB/main/welcome.wav")).expect("removes");
    fs::remove_file(folder.path().join("sounds/en-GB/agent/ready.wav")).expect("removes");
    let found = shown(&load_copy(folder.path()).expect_err("is refused"));
    assert!(found.contains("prompts.yaml:6:14: the prompt `agent/ready` has no sound"), "{found}");
    assert!(found.contains("main.yaml:14:10: the prompt `main/welcome` has no sound"), "{found}");
}

#[test]
fn a_changed_text_is_a_finding_until_it_is_rendered() {
    let folder = copy();
    let path = folder.path().join("ivr-flows/main.yaml");
    let text = fs::read_to_string(&path).expect("reads");
    fs::write(&path, text.replace("Welcome to", "Good day from")).expect("writes");
    let findings = load_copy(folder.path()).expect_err("is refused");
    let found = shown(&findings);
    assert!(found.contains("main.yaml:14:10:") && found.contains("another text"), "{found}");
    assert!(format!("{:?}", findings[0]).contains(RENDER_COMMAND));
}

#[test]
fn a_sound_file_changed_behind_the_manifests_back_is_a_finding() {
    let folder = copy();
    let path = folder.path().join("sounds/en-GB/main/welcome.wav");
    let mut bytes = fs::read(&path).expect("reads");
    bytes[1_000] ^= 1;
    fs::write(&path, bytes).expect("writes");
    let found = shown(&load_copy(folder.path()).expect_err("is refused"));
    assert!(found.contains("`main/welcome` was made from another text"), "{found}");
}

#[test]
fn folders_and_files_that_cannot_be_read_are_findings() {
    let folder = copy();
    let root = folder.path();
    fs::write(root.join("ivr-flows/other.yml"), "start: x").expect("writes");
    fs::write(root.join("ivr-flows/latin.yaml"), b"start: caf\xe9").expect("writes");
    fs::write(root.join("sounds/en-GB/manifest.json"), "{]").expect("writes");
    fs::remove_file(root.join("sounds/en-GB/prompts.yaml")).expect("removes");
    let found = shown(&load_copy(root).expect_err("is refused"));
    for part in [
        "other.yml: this file would not be read",
        "latin.yaml: this cannot be read",
        "manifest.json: this is not a manifest",
        "prompts.yaml: this cannot be read",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    let empty = tempfile::tempdir().expect("is made");
    let found = load(empty.path(), &root.join("sounds"), "en-GB", &known());
    assert!(shown(&found.expect_err("is refused")).contains("there is no flow in this folder"));
    let nowhere = load(&root.join("nowhere"), &root.join("nowhere"), "en-GB", &known());
    assert!(!nowhere.expect_err("is refused").is_empty());
}

#[test]
fn the_flow_in_the_documentation_is_a_good_one() {
    let text = fs::read_to_string(shipped("docs/flows.md")).expect("reads");
    let block = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.expect("has an example");
    let loaded = flow::load_text(&"main".into(), "docs/flows.md", block, &known());
    assert!(loaded.is_ok(), "{loaded:?}");
}
