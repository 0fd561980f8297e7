//! Listening to a message: whatever it is kept as, and wherever, as sound that every player takes.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

use super::read::{self, Contents, ReadError};
use super::sealed::Key;
use super::shelf::{Shelf, ShelfError};
use super::wav::CHANNELS;
use crate::id::RecordingId;

/// The ending of copies that are made to be heard. None outlives the process.
pub(super) const COPY: &str = "listen";

/// Why a message cannot be heard.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is neither on this disk nor where it was kept.
    #[error("the message's recording is not there")]
    Gone,
    /// Where it is kept.
    #[error("{0}")]
    Shelf(#[from] ShelfError),
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] ReadError),
}

/// What reads messages.
#[derive(Debug)]
pub struct Listener {
    /// The folder of recordings that are not on the shelf yet.
    pub folder: PathBuf,
    /// What opens them.
    pub keys: Vec<Key>,
    /// Where the others are.
    pub shelf: Shelf,
}

impl Listener {
    /// What the caller said, as a WAV file of one channel and 16 bits. `kept_at` is the place that the
    /// journal names, once it does.
    pub async fn wav(
        &self,
        id: RecordingId,
        kept_at: Option<&str>,
    ) -> Result<Vec<u8>, ListenError> {
        let here = ["wav", "swrec"].map(|ending| self.folder.join(format!("{id}.{ending}")));
        if let Some(path) = here.iter().find(|path| path.exists()) {
            return mono(path, &self.keys);
        }
        let place = kept_at.ok_or(ListenError::Gone)?;
        let copy = self.folder.join(format!("{id}.{COPY}"));
        self.shelf.fetch(place, &copy).await?;
        let sound = mono(&copy, &self.keys);
        // One that stays is removed by the next start.
        let _ = std::fs::remove_file(&copy);
        sound
    }
}

/// The left channel of a recording.
fn mono(path: &Path, keys: &[Key]) -> Result<Vec<u8>, ListenError> {
    let mut source = read::open(path, keys)?;
    let Contents::Samples(format) = source.contents else {
        return Err(ReadError::NotARecording.into());
    };
    let mut samples = Vec::new();
    source.read_to_end(&mut samples).map_err(ReadError::Io)?;
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: format.rate_hz(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = Cursor::new(Vec::new());
    let written = hound::WavWriter::new(&mut wav, spec).and_then(|mut writer| {
        let left = format.linear(&samples).into_iter().step_by(usize::from(CHANNELS));
        left.into_iter().try_for_each(|sample| writer.write_sample(sample))?;
        writer.finalize()
    });
    written.map_err(|_| ReadError::NotARecording)?;
    Ok(wav.into_inner())
}
