//! Prompts and music from files, read once at the start.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::resume_unwind;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use soundfile::resample::Converter;
use soundfile::wav::{self, WavError};

use crate::flow::{RENDER_COMMAND, speak};
use crate::id::PromptName;
use crate::media::bank::{Bank, Clip};
use crate::media::command::Codec;
use crate::media::tone::Tone;

/// The folder below `sounds` whose recordings are the same in every language.
const MUSIC: &str = "music";

/// Why a recording cannot be used.
#[derive(Debug)]
pub enum SoundProblem {
    /// The name leads out of the sounds' folder.
    Name,
    /// There is no such file.
    Missing,
    /// The file cannot be read.
    Unreadable(std::io::Error),
    /// The file is not a recording that we can play.
    Wav(WavError),
}

/// A recording that cannot be used.
#[derive(Debug)]
pub struct SoundError {
    /// As flows and settings name it.
    pub name: PromptName,
    /// Where it should be.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: SoundProblem,
}

impl std::error::Error for SoundError {}

// The message says what would be right; there is no place in a text to show.
impl miette::Diagnostic for SoundError {}

impl fmt::Display for SoundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, path) = (&self.name, self.path.display());
        match &self.problem {
            SoundProblem::Name => write!(
                f,
                "`{name}` is not a prompt's name; write its path below the sounds' folder \
                 without `.wav`, as in `main/welcome`"
            ),
            SoundProblem::Missing if name.as_str().starts_with("music/") => {
                write!(
                    f,
                    "{path}: the music `{name}` is missing; put a WAV file there, or a folder of that name with several"
                )
            }
            SoundProblem::Missing => write!(
                f,
                "{path}: the prompt `{name}` is missing; record it, or render it with \
                 `{RENDER_COMMAND}`"
            ),
            SoundProblem::Unreadable(error) => write!(
                f,
                "{path}: the recording `{name}` cannot be read ({error}); check the file's \
                 permissions"
            ),
            SoundProblem::Wav(error) => write!(
                f,
                "{path}: the recording `{name}` cannot be played: {error}; {}",
                error.remedy()
            ),
        }
    }
}

/// Where a recording is: `music/hold` at `sounds/music/hold.wav`, `main/welcome` at
/// `sounds/<language>/main/welcome.wav`. None if the name leads out of there.
pub fn path(sounds: &Path, language: &str, name: &PromptName) -> Option<PathBuf> {
    let below = Path::new(name.as_str());
    let inside = below.components().all(|part| matches!(part, Component::Normal(_)));
    let last = below.file_name()?.to_str()?;
    if !inside || name.as_str().ends_with('/') {
        return None;
    }
    let folder = if below.starts_with(MUSIC) { sounds.to_owned() } else { sounds.join(language) };
    Some(folder.join(below).with_file_name(format!("{last}.wav")))
}

/// Reads every recording, or says of each that cannot be used why.
pub fn load<'a>(
    sounds: &Path,
    language: &str,
    names: impl IntoIterator<Item = &'a PromptName>,
) -> Result<Bank, Vec<SoundError>> {
    let mut seen = BTreeSet::new();
    let names: Vec<&PromptName> = names.into_iter().filter(|name| seen.insert(*name)).collect();
    let one = |name: &PromptName, converter: &mut Converter| {
        if name.as_str() == speak::PAUSE {
            return Ok(pause());
        }
        let path = path(sounds, language, name);
        let path = path.ok_or_else(|| (sounds.to_owned(), SoundProblem::Name))?;
        one_or_several(name, path, converter)
    };
    // Most of the time goes into bringing them to our rates.
    let share = names.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from));
    let read: Vec<_> = std::thread::scope(|scope| {
        let shares: Vec<_> = names
            .chunks(share.max(1))
            .map(|names| {
                scope.spawn(|| {
                    let mut converter = Converter::default();
                    names.iter().map(|name| one(name, &mut converter)).collect::<Vec<_>>()
                })
            })
            .collect();
        // A panic in a share is a panic here, as if there were no threads.
        shares
            .into_iter()
            .flat_map(|share| share.join().unwrap_or_else(|it| resume_unwind(it)))
            .collect()
    });
    let mut bank = Bank::new();
    let mut errors = Vec::new();
    for (name, read) in names.into_iter().zip(read) {
        match read {
            Ok(clip) => bank.insert(name.clone(), clip),
            Err((path, problem)) => errors.push(SoundError { name: name.clone(), path, problem }),
        }
    }
    let beep = Clip::new(&Tone::Beep.samples(crate::media::SAMPLE_RATE_HZ));
    bank.insert(crate::call::tone(), beep);
    if errors.is_empty() { Ok(bank) } else { Err(errors) }
}

/// Silence between groups of digits.
fn pause() -> Clip {
    const PAUSE_MS: usize = 200;
    Clip::new(&vec![0; crate::media::SAMPLE_RATE_HZ as usize * PAUSE_MS / 1_000])
}

/// A recording; or music that is a folder instead of a file, `music/hold/` instead of `music/hold.wav`:
/// its files one after the other, in the order of their names.
fn one_or_several(
    name: &PromptName,
    path: PathBuf,
    converter: &mut Converter,
) -> Result<Clip, (PathBuf, SoundProblem)> {
    let folder = path.with_extension("");
    if path.exists() || !name.as_str().starts_with("music/") || !folder.is_dir() {
        return read(&path, converter).map_err(|problem| (path, problem));
    }
    let listed = std::fs::read_dir(&folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    let mut files = match listed {
        Ok(files) => files,
        Err(error) => return Err((folder, SoundProblem::Unreadable(error))),
    };
    files.retain(|file| file.extension().is_some_and(|ending| ending == "wav"));
    files.sort();
    let mut clips = Vec::new();
    for file in files {
        clips.push(read(&file, converter).map_err(|problem| (file, problem))?);
    }
    Clip::joined(&clips).ok_or((path, SoundProblem::Missing))
}

fn read(path: &Path, converter: &mut Converter) -> Result<Clip, SoundProblem> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => SoundProblem::Missing,
        _ => SoundProblem::Unreadable(error),
    })?;
    wav::read(&bytes, converter).map(Clip::from).map_err(SoundProblem::Wav)
}

/// Encodes every recording for `codecs`, on a thread of its own that ends with it: starting need not
/// wait, and until then they are encoded while they are played.
pub fn encode(bank: &Arc<Bank>, codecs: impl IntoIterator<Item = Codec>) {
    let (bank, codecs) = (bank.clone(), Vec::from_iter(codecs));
    let work = move || {
        for codec in codecs {
            bank.iter().for_each(|(_, clip)| clip.encode(codec));
        }
    };
    if let Err(error) = std::thread::Builder::new().name("sounds".to_owned()).spawn(work) {
        tracing::warn!(%error, "prompts are encoded while they are played: no thread to do it before");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_wav(path: &Path, channels: u16, sample: i16) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        let spec = hound::WavSpec {
            channels,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).expect("a writer");
        for _ in 0..320 * u32::from(channels) {
            writer.write_sample(sample).expect("a sample");
        }
        writer.finalize().expect("finished");
    }

    #[test]
    fn prompts_come_from_the_language_and_music_from_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        write_wav(&dir.path().join("en-GB/main/welcome.wav"), 1, 1_000);
        write_wav(&dir.path().join("music/hold.wav"), 2, -500);
        let names = ["main/welcome".into(), "music/hold".into(), "main/welcome".into()];
        let bank = load(dir.path(), "en-GB", &names).expect("all are good");
        // And the tone before a message.
        assert_eq!(bank.len(), 3);
        assert_eq!(bank.get(&names[0]).expect("there").linear(), [1_000; 320]);
        assert_eq!(bank.get(&names[1]).expect("there").linear(), [-500; 320]);
    }

    #[test]
    fn music_may_be_several_files_in_the_order_of_their_names() {
        let sounds = tempfile::tempdir().expect("a folder");
        for (file, sample) in [("b", 2_000), ("a", 1_000), ("c", 3_000)] {
            write_wav(&sounds.path().join(format!("music/hold/{file}.wav")), 1, sample);
        }
        std::fs::write(sounds.path().join("music/hold/notes.txt"), "by Ms Bach").expect("written");
        let bank = load(sounds.path(), "en-GB", &["music/hold".into()]).expect("a playlist");
        let clip = bank.get(&"music/hold".into()).expect("music");
        let each = clip.linear().len() / 3;
        let heard: Vec<i16> = clip.linear().iter().step_by(each).copied().collect();
        assert_eq!(heard[..3], [1_000, 2_000, 3_000]);
        std::fs::write(sounds.path().join("music/hold/d.wav"), "none").expect("written");
        let errors = load(sounds.path(), "en-GB", &["music/hold".into()]).expect_err("bad");
        assert!(errors[0].path.ends_with("music/hold/d.wav"));
        std::fs::create_dir_all(sounds.path().join("music/empty")).expect("created");
        let errors = load(sounds.path(), "en-GB", &["music/empty".into()]).expect_err("empty");
        assert!(matches!(errors[0].problem, SoundProblem::Missing));
    }

    #[test]
    fn every_bad_recording_is_named_with_its_file_and_what_would_be_right() {
        let dir = tempfile::tempdir().expect("a folder");
        write_wav(&dir.path().join("en-GB/main/wide.wav"), 3, 1);
        std::fs::write(dir.path().join("en-GB/main/text.wav"), "hello").expect("written");
        let names =
            ["main/wide".into(), "main/text".into(), "main/gone".into(), "../../etc/passwd".into()];
        let errors = load(dir.path(), "en-GB", &names).expect_err("all are bad");
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 4);
        assert!(texts[0].contains("en-GB/main/wide.wav") && texts[0].contains("3 channels"));
        assert!(texts[1].contains("not a WAV file") && texts[1].contains("16-bit PCM"));
        assert!(texts[2].contains("main/gone.wav") && texts[2].contains("switchboard prompts"));
        assert!(texts[3].contains("is not a prompt's name"));
    }

    #[test]
    fn a_name_stays_below_the_folder() {
        let sounds = Path::new("sounds");
        let of = |name: &str| path(sounds, "cy", &name.into());
        assert_eq!(of("main/a.b"), Some("sounds/cy/main/a.b.wav".into()));
        assert_eq!(of("music/hold"), Some("sounds/music/hold.wav".into()));
        for name in ["", "/etc/passwd", "a/../../b", "a/"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
