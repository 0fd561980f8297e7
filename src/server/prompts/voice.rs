//! The voice: espeak-ng, run as a program, or a speech service.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::level;
use super::service::{Service, ServiceError};
use crate::config::settings::VoiceSettings;
use crate::id::LanguageName;

/// Words in a minute: a little slower than the voice's own pace, for callers who listen hard.
const WORDS_PER_MINUTE: u32 = 150;

/// Why a text could not be spoken.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// The program is not installed.
    #[error(
        "the voice espeak-ng is not installed; on Debian and Ubuntu: sudo apt install espeak-ng"
    )]
    Missing,
    /// The program cannot be run.
    #[error("the voice espeak-ng cannot be run: {0}")]
    Unusable(io::Error),
    /// The program failed.
    #[error("the voice espeak-ng failed for {}: {said}", path.display())]
    Failed {
        /// For which sound file.
        path: PathBuf,
        /// Its words.
        said: String,
    },
    /// What came out is no sound.
    #[error("the voice {voice} gave no sound for {}", path.display())]
    NoSound {
        /// Which voice.
        voice: String,
        /// For which sound file.
        path: PathBuf,
    },
    /// The service cannot be used.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// A voice and its settings.
#[derive(Debug)]
pub enum Voice {
    /// espeak-ng, in one of its voices.
    Program(Program),
    /// A service.
    Service(Box<Service>),
}

impl Voice {
    /// The voice of a language (`en-GB`).
    pub fn of(language: &str, settings: &VoiceSettings) -> Result<Self, VoiceError> {
        match &settings.url {
            Some(url) => Ok(Voice::Service(Box::new(Service::new(url, settings)?))),
            None => Ok(Voice::Program(Program::of(language))),
        }
    }

    /// Its name in the manifest: another name renders everything anew.
    pub fn name(&self) -> String {
        let voice = match self {
            Voice::Program(program) => {
                format!("espeak-ng {} {WORDS_PER_MINUTE} wpm", program.voice)
            }
            Voice::Service(service) => service.name(),
        };
        format!("{voice}, {} Hz, {} dBFS", level::SAMPLE_RATE_HZ, level::ACTIVE_LEVEL_DBFS)
    }

    /// Speaks a text: the bytes of a WAV file, levelled and trimmed. `path` is for errors only.
    pub fn speak(&self, text: &str, path: &Path) -> Result<Vec<u8>, VoiceError> {
        let raw = match self {
            Voice::Program(program) => program.run(text, path)?,
            Voice::Service(service) => service.speak(text)?,
        };
        level::finish(&raw)
            .ok_or_else(|| VoiceError::NoSound { voice: self.name(), path: path.to_owned() })
    }
}

/// The voices of the languages that are spoken, each made when it is needed.
pub struct Voices<'s> {
    own: &'s str,
    settings: &'s VoiceSettings,
    by_language: BTreeMap<String, Voice>,
}

impl<'s> Voices<'s> {
    /// `own` is the council's language.
    pub fn new(own: &'s str, settings: &'s VoiceSettings) -> Self {
        Voices { own, settings, by_language: BTreeMap::new() }
    }

    /// That of a language; the council's if none is said.
    pub fn of(&mut self, language: Option<&LanguageName>) -> Result<&Voice, VoiceError> {
        let language = language.map_or(self.own, LanguageName::as_str);
        match self.by_language.entry(language.to_owned()) {
            Entry::Occupied(voice) => Ok(voice.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Voice::of(language, self.settings)?)),
        }
    }
}

/// espeak-ng and what it is asked for.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    voice: String,
}

impl Program {
    fn of(language: &str) -> Self {
        Program { name: "espeak-ng", voice: language.to_ascii_lowercase() }
    }

    fn run(&self, text: &str, path: &Path) -> Result<Vec<u8>, VoiceError> {
        let mut child = Command::new(self.name)
            .args(["-v", &self.voice, "-s", &WORDS_PER_MINUTE.to_string()])
            // The text goes in by the standard input, so that no text is taken for an option.
            .args(["--stdin", "--stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => VoiceError::Missing,
                _ => VoiceError::Unusable(error),
            })?;
        // A text is far smaller than a pipe's buffer and errors are a line or two, so writing all,
        // then reading all, cannot block.
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes()).map_err(VoiceError::Unusable)?;
        }
        let mut sound = Vec::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_end(&mut sound).map_err(VoiceError::Unusable)?;
        }
        let end = child.wait_with_output().map_err(VoiceError::Unusable)?;
        if end.status.success() && !sound.is_empty() {
            return Ok(sound);
        }
        let said = String::from_utf8_lossy(&end.stderr).trim().to_owned();
        Err(VoiceError::Failed { path: path.to_owned(), said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_voice_is_named_with_the_package_that_has_it() {
        let voice = Voice::Program(Program { name: "no-such-voice-here", ..Program::of("en-GB") });
        let error = voice.speak("Good day.", Path::new("x.wav")).expect_err("is missing");
        assert!(matches!(error, VoiceError::Missing));
        assert!(error.to_string().contains("apt install espeak-ng"));
    }
}
