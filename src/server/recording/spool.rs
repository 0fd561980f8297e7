//! The file that a recording is written to while the call goes on: plain WAV or an encrypted container.
//!
//! It grows by at most a second at a time and is whole after each step, whenever its process dies. What
//! a failing disk did not take is tried once more with the next step; what comes meanwhile is written as
//! silence later, so that everything after it stays in its place.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::sealed::{self, Key, Sealer};
use super::wav::{self, CHANNELS, Format};
use crate::id::RecordingId;

/// The most samples that are written at once, in bytes: a second of the widest format.
const STEP: usize = 16_000 * 2 * CHANNELS as usize;

/// See the module.
#[derive(Debug)]
pub struct Spool {
    file: Arc<File>,
    path: PathBuf,
    format: Format,
    /// None for plain WAV.
    sealer: Option<Sealer>,
    /// Where the file ends.
    end: u64,
    /// Bytes of samples in it.
    samples: u64,
    /// What the disk did not take, as it is to be written, and how many samples' bytes it holds.
    refused: Option<(Vec<u8>, usize)>,
    /// Bytes of silence to be written before anything else.
    owed: u64,
}

/// The name of a recording's file while it is written.
pub fn name(recording: RecordingId, encrypted: bool) -> String {
    match encrypted {
        true => format!("{recording}.swrec"),
        false => format!("{recording}.wav"),
    }
}

impl Spool {
    /// Creates the file, encrypted if there is a key.
    pub fn create(
        folder: &Path,
        recording: RecordingId,
        format: Format,
        key: Option<(&Key, [u8; 16])>,
    ) -> io::Result<Spool> {
        let path = folder.join(name(recording, key.is_some()));
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let sealer = match key {
            Some((key, salt)) => {
                let (header, sealer) = Sealer::begin(key, salt, format.as_str(), recording);
                file.write_all_at(&header, 0)?;
                Some(sealer)
            }
            None => {
                file.write_all_at(&format.header(0), 0)?;
                None
            }
        };
        let end = if sealer.is_some() { sealed::HEADER } else { wav::HEADER } as u64;
        let file = Arc::new(file);
        Ok(Spool { file, path, format, sealer, end, samples: 0, refused: None, owed: 0 })
    }

    /// Appends samples. An error leaves the file whole: see the module for what becomes of them.
    pub fn append(&mut self, samples: &[u8]) -> io::Result<()> {
        let appended = self.catch_up();
        if appended.is_err() {
            // Nothing can overtake what was refused.
            self.owed += samples.len() as u64;
            return appended;
        }
        let mut left = samples.len();
        for step in samples.chunks(STEP) {
            left -= step.len();
            if let Err(error) = self.step(step) {
                self.owed += left as u64;
                return Err(error);
            }
        }
        Ok(())
    }

    /// So much is missing before what is appended next.
    pub fn owe(&mut self, bytes: u64) {
        self.owed += bytes;
    }

    /// Ends the file; nothing may be appended any more.
    pub fn finish(&mut self) -> io::Result<()> {
        self.catch_up()?;
        if let Some(mut sealer) = self.sealer.take() {
            let last = sealer.seal(&[], true);
            self.file.write_all_at(&last, self.end)?;
            self.end += last.len() as u64;
        }
        self.file.sync_all()
    }

    /// Bytes of samples that are in the file.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// What will be silence because the disk did not take it: from where to where, in bytes of samples.
    pub fn owed(&self) -> Option<(u64, u64)> {
        let refused = self.refused.as_ref().map_or(0, |(_, samples)| *samples as u64);
        let from = self.samples + refused;
        (self.owed > 0).then_some((from, from + self.owed))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to be brought to the disk by somebody who may wait for it.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    fn catch_up(&mut self) -> io::Result<()> {
        if let Some((bytes, samples)) = self.refused.take() {
            self.put(bytes.into(), samples)?;
        }
        while self.owed > 0 {
            let length = self.owed.min(STEP as u64) as usize;
            let silence = self.format.silence();
            let silent: Vec<u8> = silence.iter().copied().cycle().take(length).collect();
            self.owed -= length as u64;
            self.step(&silent)?;
        }
        Ok(())
    }

    fn step(&mut self, samples: &[u8]) -> io::Result<()> {
        let bytes: Cow<'_, [u8]> = match &mut self.sealer {
            Some(sealer) => sealer.seal(samples, false).into(),
            None => samples.into(),
        };
        self.put(bytes, samples.len())
    }

    /// Writes bytes as they are. If the disk refuses them they are kept as they are: a chunk must never
    /// be sealed twice.
    fn put(&mut self, bytes: Cow<'_, [u8]>, samples: usize) -> io::Result<()> {
        let written = self.file.write_all_at(&bytes, self.end).and_then(|()| {
            match self.sealer {
                Some(_) => Ok(()),
                // The samples first: the header never promises what is not there.
                None => {
                    let header = self.format.header(self.samples + samples as u64);
                    self.file.write_all_at(&header, 0)
                }
            }
        });
        if let Err(error) = written {
            self.refused = Some((bytes.into_owned(), samples));
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.samples += samples as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_after_every_step() {
        let folder = tempfile::tempdir().expect("a folder");
        let id = RecordingId(1);
        let mut spool = Spool::create(folder.path(), id, Format::ALaw, None).expect("created");
        for seconds in 0..4_u64 {
            let bytes = std::fs::read(spool.path()).expect("read");
            let (format, samples) = Format::read(&bytes).expect("a header");
            assert_eq!((format, samples), (Format::ALaw, seconds * 16_000));
            assert_eq!(bytes.len() as u64, wav::HEADER as u64 + samples);
            spool.append(&[seconds as u8; 16_000]).expect("appended");
        }
        spool.finish().expect("finished");
        let again = Spool::create(folder.path(), id, Format::ALaw, None);
        assert!(again.is_err(), "nothing is ever overwritten");
    }

    #[test]
    fn what_the_disk_refuses_is_written_later_or_is_silence_of_its_length() {
        let folder = tempfile::tempdir().expect("a folder");
        for encrypted in [false, true] {
            let id = RecordingId(u64::from(encrypted));
            let key = Key::new([1; 32]);
            let with = encrypted.then_some((&key, [2; 16]));
            let mut spool = Spool::create(folder.path(), id, Format::MuLaw, with).expect("created");
            spool.append(&[1; 16_000]).expect("appended");
            // Opened for reading only: every write fails.
            let readable = Arc::new(File::open(spool.path()).expect("opens"));
            let writable = std::mem::replace(&mut spool.file, readable);
            assert!(spool.append(&[2; 16_000]).is_err());
            assert!(spool.append(&[3; 16_000]).is_err());
            assert_eq!((spool.samples(), spool.owed()), (16_000, Some((32_000, 48_000))));
            spool.file = writable;
            spool.append(&[4; 16_000]).expect("appended");
            spool.finish().expect("finished");
            let samples = if encrypted {
                {
                    let keys = [key.clone()];
                    let mut source =
                        crate::server::recording::read::open(spool.path(), &keys).expect("opens");
                    let mut samples = Vec::new();
                    std::io::Read::read_to_end(&mut source, &mut samples).expect("verifies");
                    assert_eq!(source.cut_off, None);
                    samples
                }
            } else {
                let bytes = std::fs::read(spool.path()).expect("read");
                bytes.get(wav::HEADER..).expect("samples").to_vec()
            };
            let seconds: Vec<u8> = samples.chunks(16_000).map(|second| second[15_999]).collect();
            assert_eq!(seconds, [1, 2, 0xff, 4]);
        }
    }
}
