//! Reading what was recorded: WAV, FLAC, or an encrypted container of either, bit by bit.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::sealed::{self, Chunk, Key, Opener, SealedError};
use super::wav::{self, Format};

/// What a file holds once it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Samples, both channels interleaved.
    Samples(Format),
    /// A FLAC file.
    Flac,
}

/// How FLAC is named in containers and manifests.
pub const FLAC: &str = "flac";

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system says so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The container does.
    #[error("{0}")]
    Sealed(#[from] SealedError),
    /// It is none of ours.
    #[error("this is not a recording")]
    NotARecording,
}

/// What a file holds, decrypted, as it is read.
#[derive(Debug)]
pub struct Source {
    /// What.
    pub contents: Contents,
    /// Where the last whole chunk ends, if there is one of an encrypted file that was cut off; known
    /// once all has been read.
    pub cut_off: Option<u64>,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Plain(BufReader<File>),
    Sealed(Box<Unsealing>),
}

#[derive(Debug)]
struct Unsealing {
    file: BufReader<File>,
    opener: Opener,
    chunk: Zeroizing<Vec<u8>>,
    read: usize,
    over: bool,
}

/// Opens a file. Whichever of the keys is the one is taken.
pub fn open(path: &Path, keys: &[Key]) -> Result<Source, ReadError> {
    let mut file = BufReader::new(File::open(path)?);
    let mut start = [0; 4];
    file.read_exact(&mut start)?;
    let rest = |file: &mut BufReader<File>, header: &mut [u8]| {
        header.iter_mut().zip(start).for_each(|(to, from)| *to = from);
        file.read_exact(header.get_mut(4..).unwrap_or_default())
    };
    match &start {
        b"fLaC" => {
            file.seek_relative(-4)?;
            Ok(Source { contents: Contents::Flac, cut_off: None, inner: Inner::Plain(file) })
        }
        b"RIFF" => {
            let mut header = [0; wav::HEADER];
            rest(&mut file, &mut header)?;
            let (format, _) = Format::read(&header).map_err(|_| ReadError::NotARecording)?;
            let contents = Contents::Samples(format);
            Ok(Source { contents, cut_off: None, inner: Inner::Plain(file) })
        }
        b"swre" => {
            let mut header = [0; sealed::HEADER];
            rest(&mut file, &mut header)?;
            let opener = Opener::begin(keys, &header)?;
            let contents = match opener.about().format() {
                FLAC => Contents::Flac,
                name => Contents::Samples(Format::named(name).ok_or(ReadError::NotARecording)?),
            };
            let (chunk, read, over) = (Zeroizing::default(), 0, false);
            let inner = Inner::Sealed(Box::new(Unsealing { file, opener, chunk, read, over }));
            Ok(Source { contents, cut_off: None, inner })
        }
        _ => Err(ReadError::NotARecording),
    }
}

impl Source {
    /// What seals the rest of an encrypted file that was cut off.
    pub fn into_sealer(self) -> Option<sealed::Sealer> {
        match self.inner {
            Inner::Plain(_) => None,
            Inner::Sealed(unsealing) => Some(unsealing.opener.into_sealer()),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Plain(file) => file.read(buffer),
            Inner::Sealed(unsealing) => unsealing.read(buffer, &mut self.cut_off),
        }
    }
}

impl Unsealing {
    fn read(&mut self, buffer: &mut [u8], cut_off: &mut Option<u64>) -> io::Result<usize> {
        while self.read == self.chunk.len() && !self.over {
            let chunk = self.opener.next(&mut self.file)?;
            let chunk = chunk.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            self.read = 0;
            self.chunk = match chunk {
                Chunk::More(plain) => plain,
                Chunk::Last(plain) => {
                    self.over = true;
                    plain
                }
                Chunk::CutOff(at) => {
                    self.over = true;
                    *cut_off = Some(at);
                    Zeroizing::default()
                }
            };
        }
        let rest = self.chunk.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.read += count;
        Ok(count)
    }
}
