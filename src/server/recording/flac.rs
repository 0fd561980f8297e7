//! FLAC (RFC 9639) for recordings that are kept without loss in about half the room of their samples.
//!
//! The file is read twice, once for what the header says (how long it is, the MD5 of its samples) and
//! once to be encoded, a block at a time: an hour needs no more memory than a second.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, Stream, StreamInfo};
use flacenc::error::{Verified, Verify as _};
use flacenc::source::{Fill as _, FrameBuf};
use md5::{Digest as _, Md5};

use super::read::{self, Contents, ReadError};
use super::sealed::{Key, Sealer};
use super::wav::{CHANNELS, Format};
use crate::id::RecordingId;

/// Samples of each channel in a block.
const BLOCK: usize = 4_096;
/// Bytes of FLAC in a chunk of a container.
const CHUNK: usize = 16_384;

/// Why a recording cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It cannot be read.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// A file failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The encoder refuses it.
    #[error("it cannot be encoded as FLAC")]
    Refused,
    /// It holds FLAC already.
    #[error("it is FLAC already")]
    Already,
}

/// Encodes a recording into a new file, encrypted with `key` if there is one.
pub fn encode(from: &Path, to: &Path, keys: &[Key], key: Option<&Key>) -> Result<(), EncodeError> {
    let refused = |_| EncodeError::Refused;
    let (mut blocks, mut digest, mut frames) = (Blocks::open(from, keys)?, Md5::new(), 0);
    while let Some(block) = blocks.next()? {
        block.iter().for_each(|sample| digest.update(sample.to_le_bytes()));
        frames += block.len() / usize::from(CHANNELS);
    }
    let rate = blocks.format.rate_hz() as usize;
    let mut info = StreamInfo::new(rate, CHANNELS.into(), 16).map_err(|_| EncodeError::Refused)?;
    info.set_block_sizes(BLOCK, BLOCK).map_err(|_| EncodeError::Refused)?;
    // Not known beforehand, and nobody needs it.
    info.set_frame_sizes(0, 0).map_err(|_| EncodeError::Refused)?;
    info.set_total_samples(frames);
    info.set_md5_digest(&digest.finalize().into());

    let config =
        flacenc::config::Encoder::default().into_verified().map_err(|_| EncodeError::Refused)?;
    let mut out = Out::create(to, key)?;
    out.write(&bits(&Stream::with_stream_info(info.clone())).map_err(refused)?)?;
    let mut blocks = Blocks::open(from, keys)?;
    let mut number = 0;
    while let Some(block) = blocks.next()? {
        let samples: Vec<i32> = block.iter().map(|sample| i32::from(*sample)).collect();
        let frame = frame(&config, &info, &samples, number).ok_or(EncodeError::Refused)?;
        out.write(&frame)?;
        number += 1;
    }
    out.finish()?;
    Ok(())
}

fn frame(
    config: &Verified<flacenc::config::Encoder>,
    info: &StreamInfo,
    samples: &[i32],
    number: usize,
) -> Option<Vec<u8>> {
    // The last block may be shorter, but not by much for this library: it is filled up to its least.
    let mut buffer = FrameBuf::with_size(CHANNELS.into(), samples.len() / 2).ok()?;
    buffer.fill_interleaved(samples).ok()?;
    let frame = flacenc::encode_fixed_size_frame(config, &buffer, number, info).ok()?;
    bits(&frame).ok()
}

fn bits(part: &impl BitRepr) -> Result<Vec<u8>, flacenc::error::OutputError<ByteSink>> {
    let mut sink = ByteSink::new();
    part.write(&mut sink)?;
    Ok(sink.into_inner())
}

/// A recording's samples, a block at a time.
struct Blocks {
    source: read::Source,
    format: Format,
}

impl Blocks {
    fn open(path: &Path, keys: &[Key]) -> Result<Blocks, EncodeError> {
        let source = read::open(path, keys)?;
        match source.contents {
            Contents::Samples(format) => Ok(Blocks { source, format }),
            Contents::Flac => Err(EncodeError::Already),
        }
    }

    /// The next samples, both channels interleaved; the last block may be short.
    fn next(&mut self) -> io::Result<Option<Vec<i16>>> {
        let frame = self.format.sample_bytes() * usize::from(CHANNELS);
        let mut bytes = Vec::with_capacity(BLOCK * frame);
        self.source.by_ref().take((BLOCK * frame) as u64).read_to_end(&mut bytes)?;
        let mut samples = self.format.linear(&bytes);
        // A frame that was cut in two by a process that died.
        samples.truncate(samples.len() / 2 * 2);
        Ok(Some(samples).filter(|samples| !samples.is_empty()))
    }
}

/// A plain file, or a container.
enum Out {
    Plain(BufWriter<File>),
    Sealed(BufWriter<File>, Sealer, Vec<u8>),
}

impl Out {
    fn create(path: &Path, key: Option<&Key>) -> Result<Out, EncodeError> {
        // What a process that died left half done is done again from the beginning.
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let mut file = BufWriter::new(file);
        let Some(key) = key else { return Ok(Out::Plain(file)) };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let id = stem.and_then(|stem| u64::from_str_radix(&stem, 16).ok()).unwrap_or(0);
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| EncodeError::Refused)?;
        let (header, sealer) = Sealer::begin(key, salt, read::FLAC, RecordingId(id));
        file.write_all(&header)?;
        Ok(Out::Sealed(file, sealer, Vec::new()))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Out::Plain(file) => file.write_all(bytes),
            Out::Sealed(file, sealer, waiting) => {
                waiting.extend(bytes);
                while waiting.len() > CHUNK {
                    let rest = waiting.split_off(CHUNK);
                    file.write_all(&sealer.seal(waiting, false))?;
                    *waiting = rest;
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        let file = match self {
            Out::Plain(file) => file,
            Out::Sealed(mut file, mut sealer, waiting) => {
                file.write_all(&sealer.seal(&waiting, true))?;
                file
            }
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}
