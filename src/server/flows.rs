//! Flows and their sound files on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, NamedSource};

use crate::config::settings::FileSettings;
use crate::flow::prompt::{Fingerprint, Manifest, Rendered, SpokenText};
use crate::flow::{self, Fault, FaultKind, Finding, FlowFile, Known, Loaded, Place};
use crate::id::PromptName;

use super::assistant;

/// The texts that no flow says, below `sounds/<language>/`.
const OWN_TEXTS: &str = "prompts.yaml";
/// What is known of the sound files, below `sounds/<language>/`.
const MANIFEST: &str = "manifest.json";
/// Folders below `sounds/<language>/` deeper than this hold no prompts.
const MAX_FOLDERS: usize = 4;

/// What is wrong with a folder or file as a whole.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum FileError {
    /// It cannot be read.
    #[error("{}: this cannot be read: {error}", path.display())]
    #[diagnostic(help("check that it is there and that this user may read it"))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
    /// The folder of flows has none.
    #[error("{}: there is no flow in this folder", path.display())]
    #[diagnostic(help("a flow is a file that ends in `.yaml`, as in `main.yaml`"))]
    NoFlow {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of intents has none.
    #[error("{}: there are no intents in this folder", path.display())]
    #[diagnostic(help("intents are in files that end in `.yaml`, as in `waste.yaml`"))]
    NoIntents {
        /// The folder.
        path: PathBuf,
    },
    /// A flow's file has another ending.
    #[error("{}: this file would not be read", path.display())]
    #[diagnostic(help("rename it so that it ends in `.yaml`"))]
    WrongEnding {
        /// The file.
        path: PathBuf,
    },
    /// A sound file says something else than the settings do.
    #[error("{}: this says something else than the settings: {text}", path.display())]
    #[diagnostic(severity(Warning), help("record it anew, or run `{}`", flow::RENDER_COMMAND))]
    Stale {
        /// The file.
        path: PathBuf,
        /// What is to be said.
        text: String,
    },
    /// There are sound files, and nothing that says what they say.
    #[error(
        "{}: this is missing, and {sounds} sound files are there: nobody knows what they say; put it back from \
         where you keep copies, or, if people recorded all of them and they say what the flows do, run `{} \
         --adopt`, or remove the sound files and run `{}`",
        path.display(), flow::RENDER_COMMAND, flow::RENDER_COMMAND
    )]
    NoManifest {
        /// The file.
        path: PathBuf,
        /// How many.
        sounds: usize,
    },
    /// The manifest is not what rendering writes.
    #[error("{}: this is not a manifest of prompts: {error}", path.display())]
    #[diagnostic(help("remove it and run `{}`", flow::RENDER_COMMAND))]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

/// Flows' files as they were read, and the sound files of what they say.
#[derive(Debug, Clone, Default)]
pub struct FlowFiles {
    files: Vec<FlowFile>,
    prompts: BTreeMap<PromptName, Rendered>,
}

impl FlowFiles {
    /// Reads every `*.yaml` of `folder` and the texts of `sounds/<language>/prompts.yaml`, with what is
    /// known of the sound files below `sounds/<language>`; and whatever is wrong with them.
    pub fn read(folder: &Path, sounds: &Path, language: &str) -> (Self, Vec<Finding>) {
        let spoken = sounds.join(language);
        let mut findings: Vec<Finding> = Vec::new();
        let prompts = match rendered(&spoken) {
            Ok(prompts) => prompts,
            Err(error) => {
                findings.push(error.into());
                BTreeMap::new()
            }
        };
        if let Err(errors) = own_texts(&spoken, Some(&prompts)) {
            findings.extend(errors);
        }
        let (files, errors) = sources(folder);
        findings.extend(errors);
        (FlowFiles { files, prompts }, findings)
    }

    /// The flows, checked; all findings at once, each with file, line and column, what is wrong and
    /// what would be right. `known.prompts` is filled in here.
    pub fn load(&self, known: &Known) -> Result<Loaded, Vec<Finding>> {
        let known = Known { prompts: Some(self.prompts.clone()), ..known.clone() };
        let faults = flow::load(&self.files, &known);
        faults.map_err(|faults| faults.into_iter().map(Finding::new).collect())
    }
}

impl FlowFiles {
    /// Whether a prompt has a sound file.
    pub fn has(&self, prompt: &PromptName) -> bool {
        self.prompts.contains_key(prompt)
    }

    /// Of what is said before answers, the sound files that say something else, as far as the manifest knows.
    /// Those that are missing are found when sounds are read.
    pub fn stale<'a>(
        &'a self,
        files: &FileSettings,
        prefaces: &'a [SpokenText],
    ) -> impl Iterator<Item = FileError> + use<'a> {
        let spoken = files.sounds.join(&files.language);
        let other = |text: &&SpokenText| {
            let known = self.prompts.get(&text.prompt).and_then(|file| file.text_hash.clone());
            known.is_some_and(|known| known != text.hash())
        };
        prefaces.iter().filter(other).map(move |text| FileError::Stale {
            path: wav_path(&spoken, &text.prompt),
            text: text.text.clone(),
        })
    }
}

/// Reads and checks flows: see [`FlowFiles`].
pub fn load(
    folder: &Path,
    sounds: &Path,
    language: &str,
    known: &Known,
) -> Result<Loaded, Vec<Finding>> {
    let (files, mut findings) = FlowFiles::read(folder, sounds, language);
    match files.load(known) {
        Ok(loaded) if findings.is_empty() => Ok(loaded),
        Ok(_) => Err(findings),
        Err(faults) => {
            findings.extend(faults);
            Err(findings)
        }
    }
}

/// Every text that must be spoken: what the flows of `folder` say, what no flow says, and what is said
/// before an answer (`prefaces`).
pub fn texts(
    folder: &Path,
    sounds: &Path,
    language: &str,
    prefaces: Vec<SpokenText>,
) -> Result<Vec<SpokenText>, Vec<Finding>> {
    let (sources, mut findings) = sources(folder);
    let intents = match assistant::of_flows(folder) {
        Ok(understanding) => understanding.map(|known| known.names()).unwrap_or_default(),
        Err(errors) => {
            findings.extend(errors);
            BTreeMap::new()
        }
    };
    let mut texts = prefaces;
    match own_texts(&sounds.join(language), None) {
        Ok(own) => texts.extend(own),
        Err(errors) => findings.extend(errors),
    }
    match flow::texts(&sources, &intents) {
        Ok(said) => texts.extend(said),
        Err(faults) => findings.extend(faults.into_iter().map(Finding::new)),
    }
    // Numbers are said before answers and by flows.
    let mut known = BTreeSet::new();
    texts.retain(|text| known.insert(text.prompt.clone()));
    if findings.is_empty() { Ok(texts) } else { Err(findings) }
}

/// The manifest of a language's folder; an empty one if there is none yet.
pub fn manifest(spoken: &Path) -> Result<Manifest, FileError> {
    let path = spoken.join(MANIFEST);
    match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| FileError::BadManifest { path, error })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(FileError::Unreadable { path, error }),
    }
}

/// Where the manifest of a language's folder is.
pub fn manifest_path(spoken: &Path) -> PathBuf {
    spoken.join(MANIFEST)
}

/// The sound file of a prompt.
pub fn wav_path(spoken: &Path, prompt: &PromptName) -> PathBuf {
    spoken.join(format!("{prompt}.wav"))
}

/// A file of YAML.
pub struct YamlFile {
    /// Its name without the ending.
    pub stem: String,
    /// As shown to people.
    pub shown: String,
    /// What is in it.
    pub text: String,
}

/// The flows' files of a folder.
pub(super) fn sources(folder: &Path) -> (Vec<FlowFile>, Vec<Finding>) {
    let (files, mut findings) = yaml_files(folder);
    if files.is_empty() && findings.is_empty() {
        findings.push(FileError::NoFlow { path: folder.to_owned() }.into());
    }
    let source =
        |file: YamlFile| FlowFile { name: file.stem.into(), shown: file.shown, text: file.text };
    (files.into_iter().map(source).collect(), findings)
}

/// The `*.yaml` files of a folder in the order of their names, and what is wrong with the folder.
pub fn yaml_files(folder: &Path) -> (Vec<YamlFile>, Vec<Finding>) {
    let mut findings: Vec<Finding> = Vec::new();
    let mut sources = Vec::new();
    let files = match list(folder) {
        Ok(files) => files,
        Err(error) => return (sources, vec![error.into()]),
    };
    for path in files {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        match (ending, stem) {
            (Some("yaml"), Some(stem)) if !stem.starts_with('.') => {
                let shown = path.display().to_string();
                match std::fs::read(&path).map(|bytes| text(&shown, bytes)) {
                    Ok(Ok(text)) => {
                        sources.push(YamlFile { stem: stem.to_owned(), shown, text });
                    }
                    Ok(Err(fault)) => findings.push(Finding::new(*fault)),
                    Err(error) => findings.push(FileError::Unreadable { path, error }.into()),
                }
            }
            (Some("yml" | "YAML" | "YML"), _) => {
                findings.push(FileError::WrongEnding { path }.into());
            }
            _ => {}
        }
    }
    (sources, findings)
}

/// What is in a file, if it is UTF-8; the place of the first byte that is not otherwise.
fn text(shown: &str, bytes: Vec<u8>) -> Result<String, Box<Fault>> {
    let (valid, bytes) = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => (error.utf8_error().valid_up_to(), error.into_bytes()),
    };
    let words = |two: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
        let units: Vec<u16> = pairs.map(two).collect();
        String::from_utf16_lossy(&units)
    };
    let (text, encoding) = match bytes.as_slice() {
        [0xff, 0xfe, ..] => (words(u16::from_le_bytes), "it is UTF-16, not UTF-8"),
        [0xfe, 0xff, ..] => (words(u16::from_be_bytes), "it is UTF-16, not UTF-8"),
        _ => (String::from_utf8_lossy(&bytes).into_owned(), "this letter is not in UTF-8"),
    };
    let before = text.get(..valid).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let place = Place {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        offset: before.len(),
        len: text
            .get(before.len()..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8),
    };
    let right = Some("save the file as UTF-8: editors ask for the encoding at \"Save as\"");
    let kind = FaultKind::NotYaml { why: encoding.to_owned(), right };
    let source = Arc::new(NamedSource::new(shown, Arc::<str>::from(text)));
    Err(Box::new(Fault::new(kind, place, &source)))
}

fn own_texts(
    spoken: &Path,
    prompts: Option<&BTreeMap<PromptName, Rendered>>,
) -> Result<Vec<SpokenText>, Vec<Finding>> {
    let path = spoken.join(OWN_TEXTS);
    match std::fs::read_to_string(&path) {
        Ok(text) => flow::own_texts(&path.display().to_string(), &text, prompts)
            .map_err(|faults| faults.into_iter().map(Finding::new).collect()),
        Err(error) => Err(vec![FileError::Unreadable { path, error }.into()]),
    }
}

/// The sound files that are there, and what they say as far as the manifest knows. A file that was
/// changed since the manifest was written counts as unknown.
fn rendered(spoken: &Path) -> Result<BTreeMap<PromptName, Rendered>, FileError> {
    let manifest = manifest(spoken)?;
    let mut found = BTreeMap::new();
    let mut folders = vec![(spoken.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for path in list(&folder)? {
            let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if path.is_dir() && depth < MAX_FOLDERS {
                folders.push((path.clone(), format!("{prefix}{stem}/"), depth + 1));
            } else if path.extension().is_some_and(|ending| ending == "wav") {
                let prompt = PromptName::from(format!("{prefix}{stem}"));
                let bytes = std::fs::read(&path)
                    .map_err(|error| FileError::Unreadable { path: path.clone(), error })?;
                let entry = manifest.prompts.get(&prompt);
                let text_hash = entry
                    .filter(|entry| entry.wav == Fingerprint::of(&bytes))
                    .map(|entry| entry.text_hash());
                found.insert(prompt, Rendered { text_hash });
            }
        }
    }
    Ok(found)
}

/// What is in a folder, in the order of names: the order of a folder is anybody's guess.
fn list(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let unreadable = |error| FileError::Unreadable { path: folder.to_owned(), error };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
