//! Flows on the disk: what is found, and where.

use std::fs;
use std::path::Path;

use super::*;
use crate::flow::{Flows, Node, RENDER_COMMAND};
use crate::id::NodeName;

/// What the shipped settings have.
fn known() -> Known {
    let names = ["waste", "council-tax", "housing", "general"];
    Known {
        queues: names.map(Into::into).to_vec(),
        unserved: Vec::new(),
        no_trunk: false,
        calendars: vec!["main".into()],
        skills: names.map(Into::into).to_vec(),
        backends: vec!["council".into()],
        templates: templates(),
        reach: Default::default(),
        entered: Default::default(),
        intents: assistant::of_flows(&shipped("ivr-flows")).expect("reads").expect("some").names(),
        prompts: None,
    }
}

/// What the shipped settings let callers be sent.
fn templates() -> std::collections::BTreeMap<crate::id::TemplateName, crate::notification::Needs> {
    let read = crate::server::settings_file::read(&shipped("config/switchboard.toml"));
    let (settings, _) = read.unwrap_or_else(|faults| panic!("{faults:?}"));
    settings.notifications.needs()
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

fn all_flows() -> (Flows, Vec<SpokenText>) {
    let (flows, sounds) = (shipped("ivr-flows"), shipped("sounds"));
    let loaded = load(&flows, &sounds, "en-GB", &known());
    let loaded = loaded.unwrap_or_else(|findings| panic!("{}", shown(&findings)));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let texts = texts(&flows, &sounds, "en-GB", Vec::new()).expect("reads");
    (loaded.flows, texts)
}

#[test]
fn the_shipped_flows_have_no_findings_and_every_prompt_has_its_sound() {
    let (flows, texts) = all_flows();
    assert_eq!(flows["main"].start.as_str(), "opening-hours");
    for text in texts {
        let path = wav_path(&shipped("sounds/en-GB"), &text.prompt);
        let reader = hound::WavReader::open(&path).expect("is a sound file");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.bits_per_sample), (1, 16), "{}", path.display());
        // A comma and two letters between two values are short.
        let millis = u64::from(reader.duration()) * 1_000 / u64::from(spec.sample_rate);
        assert!((300..=20_000).contains(&millis), "{}: {millis} ms", path.display());
    }
}

/// The rules for menus: at most four choices, the option first and then its key, in the order of
/// the keys, said twice at most, and a person for whoever presses nothing.
#[test]
fn the_shipped_menus_are_easy_to_follow() {
    let (flows, texts) = all_flows();
    let mut menus = 0;
    for (flow, (name, node)) in
        flows.values().flat_map(|flow| flow.nodes.iter().map(move |node| (flow, node)))
    {
        // A survey's scores are no choices.
        let Node::Menu(menu) = node else { continue };
        if menu.rates.is_some() {
            continue;
        }
        menus += 1;
        assert!(menu.keys.len() <= 4, "{name} has too many choices");
        assert!(menu.asking.tries <= 2, "{name} is said too often");
        let said = |prompt: &PromptName| {
            texts.iter().find(|text| text.prompt == *prompt).expect("is spoken")
        };
        let words: Vec<&str> = menu.words.prompts().map(|it| said(it).text.as_str()).collect();
        let words = words.join(" ");
        let mut after = 0;
        for key in menu.keys.keys() {
            let choice = format!("press {}", key.as_char());
            let at = words.find(&choice).unwrap_or_else(|| panic!("{name}: {choice}"));
            assert!(at > after, "{name}: {choice} is out of order");
            after = at;
        }
        for sentence in words.split_inclusive('.').filter(|text| text.contains("press")) {
            let first = sentence.split_whitespace().find(|word| *word != ".").unwrap_or_default();
            assert!(["For", "To", "If"].contains(&first), "the option first: {sentence}");
        }
        assert!(leads_to_a_person(flow, &menu.asking.otherwise), "{name} leads to no person");
    }
    assert!(menus > 10);
}

/// Whether words and facts lead to a queue, to whoever led here, or to the end of a call for which
/// nobody is there.
fn leads_to_a_person<'f>(flow: &'f flow::Flow, mut at: &'f NodeName) -> bool {
    loop {
        match flow.nodes.get(at) {
            Some(Node::Say(say)) => at = &say.then,
            Some(Node::Note(note)) => at = &note.then,
            Some(Node::Queue(_) | Node::Return(_)) => return true,
            Some(Node::HangUp(reason)) => return *reason == flow::Reason::Closed,
            Some(_) | None => return false,
        }
    }
}

#[test]
fn a_missing_sound_file_is_a_finding_with_its_place() {
    let folder = copy();
    fs::remove_file(folder.path().join("sounds/en-GB/main/welcome.wav")).expect("removes");
    fs::remove_file(folder.path().join("sounds/en-GB/agent/ready.wav")).expect("removes");
    let found = shown(&load_copy(folder.path()).expect_err("is refused"));
    assert!(found.contains("prompts.yaml:6:14: the prompt `agent/ready` has no sound"), "{found}");
    assert!(found.contains("main.yaml:16:10: the prompt `main/welcome` has no sound"), "{found}");
}

#[test]
fn a_changed_text_is_a_finding_until_it_is_rendered() {
    let folder = copy();
    let path = folder.path().join("ivr-flows/main.yaml");
    let text = fs::read_to_string(&path).expect("reads");
    fs::write(&path, text.replace("Welcome to", "Good day from")).expect("writes");
    let findings = load_copy(folder.path()).expect_err("is refused");
    let found = shown(&findings);
    assert!(found.contains("main.yaml:16:10:") && found.contains("another text"), "{found}");
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
    fs::write(root.join("ivr-flows/latin.yaml"), b"\nstart: caf\xe9").expect("writes");
    let wide: Vec<u8> = "\u{feff}start: x".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(root.join("ivr-flows/wide.yaml"), wide).expect("writes");
    fs::write(root.join("sounds/en-GB/manifest.json"), "{]").expect("writes");
    fs::remove_file(root.join("sounds/en-GB/prompts.yaml")).expect("removes");
    let found = shown(&load_copy(root).expect_err("is refused"));
    for part in [
        "other.yml: this file would not be read",
        "latin.yaml:2:11: this cannot be read as YAML: this letter is not in UTF-8",
        "wide.yaml:1:1: this cannot be read as YAML: it is UTF-16, not UTF-8",
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

#[test]
fn a_warning_says_its_place_once_and_shows_it() {
    let folder = copy();
    let path = folder.path().join("ivr-flows/main.yaml");
    let text = fs::read_to_string(&path).expect("reads");
    fs::write(&path, text.replacen("fly-tipping, press 1.", "fly-tipping, press 7.", 1))
        .expect("writes");
    let (files, _) =
        FlowFiles::read(&folder.path().join("ivr-flows"), &folder.path().join("sounds"), "en-GB");
    let known = Known { prompts: None, ..known() };
    let loaded = flow::load(&files.files, &known).expect("runs nevertheless");
    let report = miette::Report::new(loaded.warnings[0].clone());
    let told = crate::config::problem::Told::of(&report).to_string();
    assert_eq!(told.matches("main.yaml:").count(), 1, "{told}");
    assert!(told.contains("\"press 7\" is said here, and there is no key `7`"), "{told}");
    assert!(format!("{report:?}").contains("here"), "{report:?}");
}
