//! What becomes of a recording that is over: checksum and seal, on to the shelf, read back, and only
//! then off this disk; and in the end, when its time is over, off the shelf.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sha2::{Digest, Sha256};

use super::counters::Counters;
use super::desk::{News, fault};
use super::flac;
use super::listen::COPY;
use super::manifest::{Manifest, State, hex};
use super::read::{self, ReadError};
use super::rounds::GIVE_UP;
use super::sealed::{Key, SealedError};
use super::shelf::{Shelf, ShelfError};
use super::wav::{self, CHANNELS};
use crate::config::settings::{KeptAs, RecordingSettings};
use crate::event::{RecordingEvent, RecordingFault};
use crate::id::RecordingId;
use crate::time::UnixMicros;

const DAY_US: i64 = 86_400_000_000;
/// When a recording began of which there is only the audio.
const UNKNOWN: UnixMicros = UnixMicros(0);

/// See the module.
#[derive(Debug)]
pub struct Keeper {
    /// The folder of recordings that are not on the shelf.
    pub folder: PathBuf,
    /// What opens them, the one that seals first.
    pub keys: Vec<Key>,
    /// What manifests are signed with.
    pub signing: Key,
    /// The rules.
    pub settings: RecordingSettings,
    /// Where they go.
    pub shelf: Shelf,
    /// What is counted.
    pub counters: Arc<Counters>,
}

/// Why a recording is not kept yet.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The disk.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The shelf.
    #[error("{0}")]
    Shelf(#[from] ShelfError),
    /// The encoder.
    #[error("{0}")]
    Encode(#[from] flac::EncodeError),
}

impl KeepError {
    /// Its name in journal and metrics.
    pub fn fault(&self) -> RecordingFault {
        match self {
            KeepError::Read(ReadError::Io(error)) | KeepError::Io(error) => fault(error),
            KeepError::Read(ReadError::Sealed(_)) => RecordingFault::Sealed,
            KeepError::Read(ReadError::NotARecording) | KeepError::Encode(_) => {
                RecordingFault::Encode
            }
            KeepError::Shelf(ShelfError::Io(error)) => fault(error),
            KeepError::Shelf(ShelfError::Differs(_)) => RecordingFault::NotVerified,
            KeepError::Shelf(
                ShelfError::Store(_) | ShelfError::StillThere(_) | ShelfError::Credentials(_),
            ) => RecordingFault::Store,
        }
    }
}

impl Keeper {
    /// The manifests of what is not on the shelf.
    pub fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Brings whatever the last process left to an end. Audio files without a manifest get one.
    pub fn recover(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let (Some(name), Some(extension)) = (path.file_stem(), path.extension()) else {
                continue;
            };
            if extension == COPY {
                std::fs::remove_file(&path)?;
                continue;
            }
            let name = name.to_string_lossy().into_owned();
            let (Ok(id), true) = (
                u64::from_str_radix(&name, 16).map(RecordingId),
                extension == "wav" || extension == "swrec",
            ) else {
                continue;
            };
            let beside = self.folder.join(format!("{name}.json"));
            let mut manifest =
                Manifest::read(&beside).unwrap_or_else(|_| Manifest::new(id, UNKNOWN));
            if manifest.started_us == UNKNOWN {
                // Nobody noted when it began; without a date its time would be over at once.
                let changed = jiff::Timestamp::try_from(std::fs::metadata(&path)?.modified()?);
                manifest.began(UnixMicros(changed.unwrap_or_default().as_microsecond()));
            }
            if manifest.state != State::Recording {
                // The same in another format is here already: the process died before it removed this.
                if manifest.file != file_name(&path) && self.folder.join(&manifest.file).exists() {
                    std::fs::remove_file(&path)?;
                }
                continue;
            }
            match self.close(&path, &mut manifest) {
                Ok(()) => manifest.write(&beside)?,
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "a recording of the last run cannot be closed");
                    self.counters.failed(error.fault());
                }
            }
        }
        Ok(())
    }

    /// Ends a file whose process died.
    fn close(&self, path: &Path, manifest: &mut Manifest) -> Result<(), KeepError> {
        let mut source = read::open(path, &self.keys)?;
        let read::Contents::Samples(format) = source.contents else {
            return Err(ReadError::NotARecording.into());
        };
        let mut samples = io::copy(&mut source, &mut io::sink()).map_err(sealed)?;
        let file = File::options().write(true).open(path)?;
        let frame = u64::from(CHANNELS) * format.sample_bytes() as u64;
        match source.cut_off {
            Some(end) => {
                use std::os::unix::fs::FileExt as _;
                file.set_len(end)?;
                if let Some(mut sealer) = source.into_sealer() {
                    file.write_all_at(&sealer.seal(&[], true), end)?;
                }
            }
            None if path.extension().is_some_and(|extension| extension == "wav") => {
                use std::os::unix::fs::FileExt as _;
                samples -= samples % frame;
                file.set_len(wav::HEADER as u64 + samples)?;
                file.write_all_at(&format.header(samples), 0)?;
            }
            None => {}
        }
        file.sync_all()?;
        manifest.state = State::Recovered;
        manifest.codec = format.as_str().to_owned();
        manifest.encrypted = path.extension().is_some_and(|extension| extension == "swrec");
        manifest.file =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        manifest.length_us = samples / frame * 1_000_000 / u64::from(format.rate_hz());
        Ok(())
    }

    /// Puts a recording that is over on the shelf. What has been done already is not done again.
    pub async fn keep(&self, beside: &Path) -> Result<Option<News>, KeepError> {
        let mut manifest = Manifest::read(beside)?;
        if manifest.state == State::Recording {
            return Ok(None);
        }
        let mut path = self.folder.join(&manifest.file);
        if !path.exists() && !manifest.sha256.is_empty() {
            // The process died between the last two steps.
            let place = place(&manifest);
            if self.shelf.digest(&place).await? == (manifest.sha256.clone(), manifest.bytes) {
                return self.kept(beside, &manifest, place);
            }
        }
        // Messages are for listening soon, by whatever plays WAV.
        let flac = self.settings.format == KeptAs::Flac && !manifest.message;
        if flac && manifest.format != read::FLAC {
            let to = self.folder.join(format!("{}.flac", manifest.recording));
            let key = self.keys.first().filter(|_| manifest.encrypted);
            flac::encode(&path, &to, &self.keys, key)?;
            manifest.format = read::FLAC.to_owned();
            manifest.file = file_name(&to);
            manifest.write(beside)?;
            std::fs::remove_file(&path)?;
            path = to;
        }
        (manifest.sha256, manifest.bytes) = digest(&path)?;
        manifest.seal(&self.signing);
        manifest.write(beside)?;
        let place = place(&manifest);
        let (sha256, _) = self.shelf.put(&path, &place).await?;
        if sha256 != manifest.sha256 {
            return Err(ShelfError::Differs(place).into());
        }
        self.shelf.put(beside, &format!("{place}.json")).await?;
        std::fs::remove_file(&path)?;
        self.kept(beside, &manifest, place)
    }

    /// The shelf has it: nothing of it stays here, and the journal is told.
    fn kept(
        &self,
        beside: &Path,
        manifest: &Manifest,
        place: String,
    ) -> Result<Option<News>, KeepError> {
        std::fs::remove_file(beside)?;
        self.counters.stored.fetch_add(1, Ordering::Relaxed);
        let what = RecordingEvent::Stored {
            place,
            sha256: manifest.sha256.clone(),
            bytes: manifest.bytes,
            length_us: manifest.length_us,
            lost: manifest.lost,
        };
        Ok(news(manifest, what))
    }

    /// Deletes from the shelf what has been there long enough, and tells of each. What cannot be
    /// deleted stays for the next time, and holds up nothing else.
    pub async fn expire(
        &self,
        now: UnixMicros,
        mut tell: impl FnMut(News),
    ) -> Result<(), KeepError> {
        let own = self.settings.queues.values().filter_map(|queue| queue.keep_days);
        let days = own.chain([self.settings.keep_days]).filter(|days| *days > 0).min();
        let Some(days) = days else { return Ok(()) };
        let newest = day(UnixMicros(now.0.saturating_sub(i64::from(days) * DAY_US)));
        let (mut failed, mut in_a_row) = (None, 0);
        for place in self.shelf.list(".json").await? {
            // What is younger than all rules ask for need not be looked into.
            if place.starts_with(|first: char| first.is_ascii_digit())
                && place.get(..newest.len()) > Some(&newest)
            {
                continue;
            }
            match self.expire_one(now, &place).await {
                Ok(gone) => {
                    in_a_row = 0;
                    gone.into_iter().for_each(&mut tell);
                }
                Err(error) => {
                    self.counters.failed(error.fault());
                    tracing::warn!(place, %error, "a recording whose time is over stays for now");
                    failed = Some(error);
                    in_a_row += 1;
                }
            }
            if in_a_row == GIVE_UP {
                break;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn expire_one(&self, now: UnixMicros, beside: &str) -> Result<Option<News>, KeepError> {
        let text = self.shelf.read(beside).await?;
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&text) else { return Ok(None) };
        let queue = manifest.queues.last().map(String::as_str);
        let days = self.settings.keep_days_of(queue);
        let over = manifest.started_us.0.saturating_add(i64::from(days) * DAY_US);
        if days == 0 || now.0 < over {
            return Ok(None);
        }
        let audio = beside.strip_suffix(".json").unwrap_or(beside);
        // The manifest last: whatever comes between, the next time finds it.
        self.shelf.delete(audio).await?;
        self.shelf.delete(beside).await?;
        self.counters.deleted.fetch_add(1, Ordering::Relaxed);
        Ok(news(&manifest, RecordingEvent::Deleted { place: audio.to_owned() }))
    }
}

/// What the journal is told of a recording.
pub fn news(manifest: &Manifest, what: RecordingEvent) -> Option<News> {
    let recording = u64::from_str_radix(&manifest.recording, 16).ok().map(RecordingId)?;
    manifest.call.map(|call| News { call, recording, what })
}

/// Where a recording is kept: by day, call and recording.
pub fn place(manifest: &Manifest) -> String {
    let day = day(manifest.started_us);
    let call = manifest.call.map_or_else(|| "unknown".to_owned(), |call| call.to_string());
    let kind = match (manifest.encrypted, manifest.format.as_str()) {
        (true, format) => format!("{format}.swrec"),
        (false, format) => format.to_owned(),
    };
    format!("{day}/{call}-{}.{kind}", manifest.recording)
}

/// A day's folder.
fn day(at: UnixMicros) -> String {
    at.timestamp().to_string().get(..10).unwrap_or("unknown").replace('-', "/")
}

/// A file's SHA-256 and its size.
pub fn digest(path: &Path) -> io::Result<(String, u64)> {
    let (mut file, mut digest, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut part = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut part)?;
        let Some(read) = part.get(..count).filter(|read| !read.is_empty()) else { break };
        digest.update(read);
        bytes += count as u64;
    }
    Ok((hex(&digest.finalize()), bytes))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What the container says of its bytes, where reading came through as an error of the disk.
fn sealed(error: io::Error) -> KeepError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<SealedError>()) {
        Some(sealed) => KeepError::Read(ReadError::Sealed(*sealed)),
        None => KeepError::Io(error),
    }
}

#[cfg(test)]
mod tests;
