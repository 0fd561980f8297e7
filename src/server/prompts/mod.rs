//! `switchboard prompts render`: speaks what changed and writes the sound files.

mod level;
mod service;
mod voice;

use std::io;
use std::path::{Path, PathBuf};

use crate::config::settings::{FileSettings, VoiceSettings};
use crate::flow::Finding;
use crate::flow::prompt::{Fingerprint, Manifest, ManifestEntry, RECORDED, SpokenText, Step, step};
use crate::id::PromptName;
use crate::server::flows::{self, FileError};

pub use self::level::{ACTIVE_LEVEL_DBFS, SAMPLE_RATE_HZ};
pub use self::service::ServiceError;
pub use self::voice::VoiceError;
use self::voice::Voices;

/// Something that rendering has done, for whoever watches.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Which prompt.
    pub prompt: &'a PromptName,
    /// What was done for it.
    pub step: Step,
    /// Prompts done, this one included.
    pub done: usize,
    /// Prompts in all.
    pub of: usize,
}

/// What rendering did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenderReport {
    /// Spoken and written.
    pub rendered: Vec<PromptName>,
    /// Left as they were.
    pub kept: usize,
    /// A person's recordings that are now in the manifest.
    pub adopted: Vec<PromptName>,
    /// A person's recordings that say an older text: record them anew, or remove the files.
    pub record_anew: Vec<PromptName>,
    /// In the manifest, and said by nothing any more.
    pub unused: Vec<PromptName>,
}

/// Why prompts could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The flows or texts cannot be read; all findings.
    #[error("the flows or prompts have mistakes")]
    Findings(Vec<Finding>),
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] FileError),
    /// No voice.
    #[error(transparent)]
    Voice(#[from] VoiceError),
    /// A file cannot be written.
    #[error("{}: this cannot be written: {error}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
}

/// Speaks every text of the flows, of `prompts.yaml` and of `prefaces` that has no sound file or one that
/// says something else. What a person recorded is kept. Sound files without any manifest are taken for a
/// person's only if it is said that they are (`adopt`): they may be old ones of a voice's.
pub fn render(
    files: &FileSettings,
    voice: &VoiceSettings,
    prefaces: Vec<SpokenText>,
    adopt: bool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<RenderReport, RenderError> {
    let FileSettings { flows: flows_dir, sounds: sounds_dir, language, .. } = files;
    let spoken = sounds_dir.join(language);
    let texts =
        flows::texts(flows_dir, sounds_dir, language, prefaces).map_err(RenderError::Findings)?;
    let path = flows::manifest_path(&spoken);
    let sounds = texts.iter().filter(|text| flows::wav_path(&spoken, &text.prompt).exists());
    let sounds = if adopt || path.exists() { 0 } else { sounds.count() };
    if sounds > 0 {
        return Err(FileError::NoManifest { path, sounds }.into());
    }
    let mut manifest = flows::manifest(&spoken)?;
    let mut report = RenderReport::default();
    // What was done before a failure is kept: the manifest is written in any case.
    let mut voices = Voices::new(language, voice);
    let outcome = render_all(&spoken, &texts, &mut manifest, &mut report, &mut voices, progress);
    report.unused = manifest
        .prompts
        .keys()
        .filter(|prompt| !texts.iter().any(|text| text.prompt == **prompt))
        .cloned()
        .collect();
    write_manifest(&spoken, &manifest)?;
    outcome.map(|()| report)
}

fn render_all(
    spoken: &Path,
    texts: &[SpokenText],
    manifest: &mut Manifest,
    report: &mut RenderReport,
    voices: &mut Voices<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), RenderError> {
    for (at, text) in texts.iter().enumerate() {
        let prompt = &text.prompt;
        let path = flows::wav_path(spoken, prompt);
        let file = fingerprint(&path)?;
        let voice = voices.of(text.language.as_ref())?;
        let step = step(text, &voice.name(), manifest.prompts.get(prompt), file.as_ref());
        let entry = |voice: String, wav| ManifestEntry { text: text.text.clone(), voice, wav };
        match step {
            Step::Keep => report.kept += 1,
            Step::Render => {
                let wav = voice.speak(&text.text, &path)?;
                let entry = entry(voice.name(), Fingerprint::of(&wav));
                manifest.prompts.insert(prompt.clone(), entry);
                // Before the sound: one that the manifest does not know would be taken for a person's by the
                // next run, if this one is broken off.
                write_manifest(spoken, manifest)?;
                write(&path, &wav)?;
                report.rendered.push(prompt.clone());
            }
            Step::Adopt => {
                if let Some(wav) = file {
                    manifest.prompts.insert(prompt.clone(), entry(RECORDED.to_owned(), wav));
                }
                report.adopted.push(prompt.clone());
            }
            Step::RecordAnew => report.record_anew.push(prompt.clone()),
        }
        progress(Progress { prompt, step, done: at + 1, of: texts.len() });
    }
    Ok(())
}

fn fingerprint(path: &Path) -> Result<Option<Fingerprint>, RenderError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(Fingerprint::of(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::Unreadable { path: path.to_owned(), error }.into()),
    }
}

fn write_manifest(spoken: &Path, manifest: &Manifest) -> Result<(), RenderError> {
    let path = flows::manifest_path(spoken);
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|error| RenderError::Unwritable { path: path.clone(), error: error.into() })?;
    write(&path, format!("{text}\n").as_bytes())
}

/// Writes a file whole or not at all: a server that reads it meanwhile sees the old one.
fn write(path: &Path, bytes: &[u8]) -> Result<(), RenderError> {
    let unwritable = |error| RenderError::Unwritable { path: path.to_owned(), error };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let part = path.with_extension("part");
    std::fs::write(&part, bytes).map_err(unwritable)?;
    std::fs::rename(&part, path).map_err(unwritable)
}

#[cfg(test)]
mod tests;
