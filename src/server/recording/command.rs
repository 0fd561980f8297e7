//! `switchboard recordings`: what is kept, whether it is whole, and how to get it out.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use super::keeper;
use super::manifest::Manifest;
use super::read::{self, Contents};
use super::shelf::{Shelf, ShelfError};
use super::wav;
use super::{Keys, RecordingError};
use crate::config::settings::Settings;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Keys or store.
    #[error("{0}")]
    Recording(#[from] RecordingError),
    /// The store.
    #[error("{0}")]
    Shelf(#[from] ShelfError),
    /// A recording cannot be read.
    #[error("{place}: {source}")]
    Read {
        /// Which.
        place: String,
        /// Why.
        source: read::ReadError,
    },
    /// A file.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Some of what was looked at is not whole.
    #[error("{0} of {1} recordings are not what they were")]
    NotWhole(usize, usize),
    /// No such recording.
    #[error("no recording at `{0}`; `switchboard recordings list` prints those that there are")]
    NoSuch(String),
}

/// What a command works on.
#[derive(Debug)]
pub struct Archive {
    shelf: Shelf,
    keys: Keys,
}

impl Archive {
    /// The archive of an installation.
    pub fn open(settings: &Settings) -> Result<Archive, CommandError> {
        let data = &settings.files.data;
        let keys = Keys::read(&settings.recording, data)?;
        Ok(Archive { shelf: Shelf::open(&settings.recording.store, data)?, keys })
    }

    /// The archive on a shelf.
    pub fn of(shelf: Shelf, keys: Keys) -> Archive {
        Archive { shelf, keys }
    }

    /// Everything that is kept, the oldest first: places and manifests.
    pub async fn all(&self) -> Result<Vec<(String, Manifest)>, CommandError> {
        let mut all = Vec::new();
        for beside in self.shelf.list(".json").await? {
            let place = beside.trim_end_matches(".json").to_owned();
            let text = self.shelf.read(&beside).await?;
            match serde_json::from_slice(&text) {
                Ok(manifest) => all.push((place, manifest)),
                Err(error) => tracing::warn!(place, %error, "not a manifest"),
            }
        }
        all.sort_by_key(|(_, manifest): &(String, Manifest)| manifest.started_us);
        Ok(all)
    }

    /// What is wrong with a recording; nothing if it is what it was.
    pub async fn verify(
        &self,
        place: &str,
        manifest: &Manifest,
    ) -> Result<Vec<String>, CommandError> {
        let mut wrong = Vec::new();
        if let Err(error) = manifest.verify(&self.keys.signing) {
            wrong.push(error.to_string());
        }
        if keeper::place(manifest) != place {
            wrong.push("the manifest belongs to another place".to_owned());
        }
        match self.shelf.digest(place).await {
            Ok((sha256, bytes)) if (&sha256, bytes) == (&manifest.sha256, manifest.bytes) => {}
            Ok(_) => wrong.push("its checksum is another one".to_owned()),
            Err(error) => wrong.push(error.to_string()),
        }
        Ok(wrong)
    }

    /// Writes a recording to `to`, decrypted: a WAV or FLAC file that any program opens.
    pub async fn export(&self, place: &str, to: &Path) -> Result<(), CommandError> {
        let fetched = to.with_extension("part");
        let missing = |error| match error {
            ShelfError::Store(object_store::Error::NotFound { .. }) => {
                CommandError::NoSuch(place.to_owned())
            }
            error => CommandError::Shelf(error),
        };
        self.shelf.fetch(place, &fetched).await.map_err(missing)?;
        let done = self.decrypt(place, &fetched, to);
        std::fs::remove_file(&fetched)?;
        done
    }

    fn decrypt(&self, place: &str, from: &Path, to: &Path) -> Result<(), CommandError> {
        let place = place.to_owned();
        let mut source = read::open(from, &self.keys.open)
            .map_err(|source| CommandError::Read { place, source })?;
        let mut file = File::create(to)?;
        match source.contents {
            Contents::Flac => {
                io::copy(&mut source, &mut file)?;
            }
            Contents::Samples(format) => {
                file.write_all(&format.header(0))?;
                let samples = io::copy(&mut source.by_ref(), &mut file)?;
                file.seek(io::SeekFrom::Start(0))?;
                file.write_all(&format.header(samples))?;
                debug_assert!(samples.is_multiple_of(u64::from(wav::CHANNELS)));
            }
        }
        Ok(file.sync_all()?)
    }
}

/// `switchboard recordings list`.
pub async fn list(settings: &Settings, json: bool) -> Result<(), CommandError> {
    let all = Archive::open(settings)?.all().await?;
    let mut out = io::stdout().lock();
    for (place, one) in all {
        if json {
            let line = serde_json::json!({ "place": place, "manifest": one });
            writeln!(out, "{line}")?;
            continue;
        }
        let seconds = one.length_us / 1_000_000;
        let (queues, agents) = (one.queues.join(","), one.agents.join(","));
        let paused = one.gaps.len();
        writeln!(
            out,
            "{started}  {minutes:>3}:{rest:02}  {codec:<5} {queues:<16} {agents:<20} {paused} gaps  {place}",
            started = one.started.get(..19).unwrap_or_default(),
            minutes = seconds / 60,
            rest = seconds % 60,
            codec = one.codec,
        )?;
    }
    Ok(())
}

/// `switchboard recordings verify`: all, or those that are named.
pub async fn verify(settings: &Settings, places: &[String]) -> Result<(), CommandError> {
    let archive = Archive::open(settings)?;
    let all = archive.all().await?;
    if let Some(missing) = places.iter().find(|place| all.iter().all(|(there, _)| there != *place))
    {
        return Err(CommandError::NoSuch(missing.clone()));
    }
    let (mut looked_at, mut bad) = (0, 0);
    for (place, manifest) in
        all.iter().filter(|(place, _)| places.is_empty() || places.contains(place))
    {
        looked_at += 1;
        let wrong = archive.verify(place, manifest).await?;
        bad += usize::from(!wrong.is_empty());
        let verdict = if wrong.is_empty() { "whole".to_owned() } else { wrong.join("; ") };
        writeln!(io::stdout().lock(), "{place}: {verdict}")?;
    }
    match bad {
        0 => Ok(()),
        bad => Err(CommandError::NotWhole(bad, looked_at)),
    }
}

/// `switchboard recordings export`.
pub async fn export(settings: &Settings, place: &str, to: &Path) -> Result<(), CommandError> {
    Archive::open(settings)?.export(place, to).await
}
