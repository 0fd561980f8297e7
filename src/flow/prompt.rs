//! What must be spoken, in which file it is kept, and whether the file still says it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fault::FaultKind;
use super::fields::{self, Faults, Fields};
use super::yaml::{At, Place, Tree};
use crate::id::{FlowName, LanguageName, NodeName, PromptName};

/// What agents hear who dial a star code. Their texts are in `sounds/<language>/prompts.yaml`.
pub const AGENT_PROMPTS: [&str; 9] = [
    "agent/signed-in",
    "agent/signed-out",
    "agent/ready",
    "agent/not-ready",
    "agent/more-time",
    "agent/refused",
    "agent/extension",
    "agent/pin",
    "agent/not-recognised",
];

/// A text and the prompt that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenText {
    /// The prompt: its file is `sounds/<language>/<prompt>.wav`.
    pub prompt: PromptName,
    /// What is said, its white space evened out.
    pub text: String,
    /// In which language, if it is not the council's.
    pub language: Option<LanguageName>,
}

impl SpokenText {
    /// The fingerprint of the text.
    pub fn hash(&self) -> Fingerprint {
        Fingerprint::of(self.text.as_bytes())
    }
}

/// SHA-256 of a text or a file, in hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Fingerprint(hex)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A sound file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The fingerprint of the text that it says; none if nothing is known of it.
    pub text_hash: Option<Fingerprint>,
}

/// The text of a node, or of a part of it (`no-input`); in another language its file is beside that in the
/// council's (`main/welcome.cy.wav`).
pub fn spoken(
    flow: &FlowName,
    node: &NodeName,
    part: Option<&str>,
    text: String,
    language: Option<&LanguageName>,
) -> SpokenText {
    let part = part.map_or(String::new(), |part| format!("-{part}"));
    let other = language.map_or(String::new(), |language| format!(".{language}"));
    let prompt = format!("{flow}/{node}{part}{other}").into();
    SpokenText { prompt, text, language: language.cloned() }
}

/// Reads `prompts.yaml`: texts by prompt, for what no flow says (`agent/signed-in: You are ...`).
pub fn read_texts(tree: &Tree, faults: &mut Faults) -> Vec<At<SpokenText>> {
    let top = Place { line: 1, column: 1, offset: 0, len: 0 };
    let owner = "the prompts".to_owned();
    let Some(fields) = Fields::open(owner, "the file", top, tree, faults) else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    for (name, tree) in fields.iter() {
        let mut parts = name.value.split('/');
        let two = (parts.next(), parts.next(), parts.next());
        if !matches!(two, (Some(a), Some(b), None) if fields::is_name(a) && fields::is_name(b)) {
            faults.note(FaultKind::BadName { name: name.value.clone() }, name.place);
        } else if let Some(text) = fields::text(&name.value, tree, faults) {
            fields::not_too_long(&text, faults);
            let prompt = PromptName::from(name.value.as_str());
            texts.push(At {
                place: text.place,
                value: SpokenText { prompt, text: text.value, language: None },
            });
        }
    }
    for (field, example) in AGENT_PROMPTS.iter().map(|name| (*name, "agent/ready: You are ready."))
    {
        fields.need(field, example, faults);
    }
    texts
}

/// What is known of the sound files of a language: `sounds/<language>/manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// By prompt.
    pub prompts: BTreeMap<PromptName, ManifestEntry>,
}

/// What is known of a sound file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// What it says.
    pub text: String,
    /// The voice and its settings, or [`RECORDED`].
    pub voice: String,
    /// The fingerprint of the file.
    pub wav: Fingerprint,
}

/// The voice of a file that a person put there.
pub const RECORDED: &str = "recorded";

impl ManifestEntry {
    /// The fingerprint of the text that the file says.
    pub fn text_hash(&self) -> Fingerprint {
        Fingerprint::of(self.text.as_bytes())
    }
}

/// What rendering has to do for a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The file says the text: nothing.
    Keep,
    /// Speak the text and write the file.
    Render,
    /// A person put a file there: note in the manifest that it says the text.
    Adopt,
    /// A person's recording says an older text. It is not ours to overwrite.
    RecordAnew,
}

/// Decides what to do for a prompt: `file` is the fingerprint of the sound file that is there now.
/// What a person recorded is never overwritten.
pub fn step(
    text: &SpokenText,
    voice: &str,
    entry: Option<&ManifestEntry>,
    file: Option<&Fingerprint>,
) -> Step {
    let Some(file) = file else { return Step::Render };
    let Some(entry) = entry else { return Step::Adopt };
    let ours = entry.wav == *file;
    let same_text = entry.text == text.text;
    match (ours, entry.voice == RECORDED) {
        (false, _) => Step::Adopt,
        (true, true) if same_text => Step::Keep,
        (true, true) => Step::RecordAnew,
        (true, false) if same_text && entry.voice == voice => Step::Keep,
        (true, false) => Step::Render,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> SpokenText {
        SpokenText { prompt: "main/welcome".into(), text: text.to_owned(), language: None }
    }

    fn entry(text: &str, voice: &str, wav: &str) -> ManifestEntry {
        ManifestEntry {
            text: text.to_owned(),
            voice: voice.to_owned(),
            wav: Fingerprint::of(wav.as_bytes()),
        }
    }

    #[test]
    fn only_what_changed_is_rendered() {
        let wav = Fingerprint::of(b"wav");
        let decide = |now: &str, was: &ManifestEntry| step(&text(now), "v1", Some(was), Some(&wav));
        assert_eq!(step(&text("Hello."), "v1", None, None), Step::Render);
        assert_eq!(decide("Hello.", &entry("Hello.", "v1", "wav")), Step::Keep);
        assert_eq!(decide("Good day.", &entry("Hello.", "v1", "wav")), Step::Render);
        assert_eq!(decide("Hello.", &entry("Hello.", "v0", "wav")), Step::Render);
        let lost = step(&text("Hello."), "v1", Some(&entry("Hello.", "v1", "wav")), None);
        assert_eq!(lost, Step::Render);
    }

    #[test]
    fn what_a_person_recorded_is_never_overwritten() {
        let wav = Fingerprint::of(b"wav");
        let decide = |now: &str, was: &ManifestEntry| step(&text(now), "v1", Some(was), Some(&wav));
        assert_eq!(step(&text("Hello."), "v1", None, Some(&wav)), Step::Adopt);
        assert_eq!(decide("Hello.", &entry("Hello.", "v1", "ours")), Step::Adopt);
        assert_eq!(decide("Good day.", &entry("Hello.", "v1", "ours")), Step::Adopt);
        assert_eq!(decide("Hello.", &entry("Hello.", RECORDED, "wav")), Step::Keep);
        assert_eq!(decide("Good day.", &entry("Hello.", RECORDED, "wav")), Step::RecordAnew);
        assert_eq!(decide("Good day.", &entry("Hello.", RECORDED, "older")), Step::Adopt);
    }

    #[test]
    fn a_fingerprint_is_sha_256_in_hexadecimal() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(format!("{:?}", Fingerprint::of(b"abc")), abc);
    }
}
