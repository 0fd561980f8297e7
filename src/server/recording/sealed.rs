//! Encryption at rest: a container of chunks, each of at most a second, so that a process that dies
//! loses no more than that, and that nobody can shorten, reorder or change unseen.
//!
//! ```text
//! header   "swrec\0\0\1"  key's id (8)  salt (16)  format (8, padded with 0)  recording (8, big-endian)
//! chunk    length of what follows (4, little-endian)  AES-256-GCM ciphertext and tag (16)
//! ```
//!
//! - The file's key is HMAC-SHA256 of the header under the key in the settings: no two files share one.
//! - Chunks are encrypted as STREAM does ("Online Authenticated-Encryption and its Nonce-Reuse
//!   Misuse-Resistance", CRYPTO 2015): the nonce is seven zeros, the chunk's number (4, big-endian) and
//!   1 for the last chunk, else 0.
//! - The last chunk may be empty. A file without one was cut off.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::id::RecordingId;

/// Bytes in front of the first chunk.
pub const HEADER: usize = 48;
const MAGIC: [u8; 8] = *b"swrec\0\0\x01";
const TAG: usize = 16;
/// The longest chunk that is read, in bytes of ciphertext.
const MOST: usize = 1 << 20;

/// A key of 256 bits. It is never shown.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Why text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 64 hexadecimal digits, as `openssl rand -hex 32` prints them")]
pub struct NotAKey;

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Key, NotAKey> {
        let text = text.trim().as_bytes();
        let mut key = Zeroizing::new([0; 32]);
        if text.len() != 64 {
            return Err(NotAKey);
        }
        for (byte, digits) in key.iter_mut().zip(text.chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| NotAKey)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(NotAKey);
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAKey)?;
        }
        Ok(Key(key))
    }

    /// What names the key without giving it away.
    pub fn id(&self) -> [u8; 8] {
        let digest = Sha256::new().chain_update(b"switchboard key id").chain_update(*self.0);
        let mut id = [0; 8];
        id.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        id
    }

    /// HMAC-SHA256 of what the parts say, one after the other.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.0) else {
            unreachable!("HMAC takes keys of any length");
        };
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

/// What a container says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Which key opens it.
    pub key_id: [u8; 8],
    /// What it holds, as text.
    format: [u8; 8],
    /// Which recording.
    pub recording: RecordingId,
}

impl About {
    /// What it holds: a format's name.
    pub fn format(&self) -> &str {
        let end = self.format.iter().position(|byte| *byte == 0).unwrap_or(self.format.len());
        std::str::from_utf8(self.format.get(..end).unwrap_or_default()).unwrap_or_default()
    }
}

/// Why a container cannot be opened or read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// It does not begin as one.
    #[error("this is not an encrypted recording")]
    NotSealed,
    /// None of the keys at hand is the one.
    #[error("it was encrypted with another key")]
    OtherKey,
    /// A chunk does not verify.
    #[error("chunk {0} does not verify: it was changed, or the key is wrong")]
    Changed(u32),
    /// Bytes follow the last chunk.
    #[error("something was added at its end")]
    Added,
}

/// A file's cipher and where it stands.
struct Stream {
    cipher: Box<Aes256Gcm>,
    next: u32,
}

impl Stream {
    fn new(key: &Key, header: &[u8; HEADER]) -> Stream {
        let key = Zeroizing::new(key.mac(&[b"switchboard recording 1", header]));
        let Ok(cipher) = Aes256Gcm::new_from_slice(&*key) else {
            unreachable!("the key has 32 bytes");
        };
        Stream { cipher: Box::new(cipher), next: 0 }
    }

    fn nonce(&self, last: bool) -> Nonce<aes_gcm::aead::consts::U12> {
        let mut nonce = [0; 12];
        nonce[7..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        nonce.into()
    }
}

/// Seals a file, chunk by chunk.
pub struct Sealer(Stream);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("next", &self.0.next).finish_non_exhaustive()
    }
}

impl Sealer {
    /// A new file's header, and what seals its chunks. The salt must never have been used before.
    pub fn begin(
        key: &Key,
        salt: [u8; 16],
        format: &str,
        recording: RecordingId,
    ) -> ([u8; HEADER], Sealer) {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&MAGIC);
        header[8..16].copy_from_slice(&key.id());
        header[16..32].copy_from_slice(&salt);
        header[32..40].iter_mut().zip(format.bytes()).for_each(|(to, from)| *to = from);
        header[40..].copy_from_slice(&recording.0.to_be_bytes());
        let sealer = Sealer(Stream::new(key, &header));
        (header, sealer)
    }

    /// The next chunk, with its length in front.
    pub fn seal(&mut self, plain: &[u8], last: bool) -> Vec<u8> {
        let nonce = self.0.nonce(last);
        let Ok(sealed) = self.0.cipher.encrypt(&nonce, plain) else {
            unreachable!("a chunk is far shorter than what AES-GCM takes");
        };
        self.0.next += 1;
        let mut chunk = Vec::with_capacity(4 + sealed.len());
        chunk.extend((sealed.len() as u32).to_le_bytes());
        chunk.extend(sealed);
        chunk
    }
}

/// What a look at the rest of a container gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// More follows.
    More(Zeroizing<Vec<u8>>),
    /// The last one.
    Last(Zeroizing<Vec<u8>>),
    /// The file ends without a last chunk: its writer died. So many bytes of it are whole.
    CutOff(u64),
}

/// Opens a container, chunk by chunk.
pub struct Opener {
    stream: Stream,
    about: About,
    at: u64,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("about", &self.about).finish_non_exhaustive()
    }
}

impl Opener {
    /// Begins with a file's first bytes. Whichever of the keys is the one is taken.
    pub fn begin(keys: &[Key], header: &[u8; HEADER]) -> Result<Opener, SealedError> {
        let about = about(header)?;
        let key = keys.iter().find(|key| key.id() == about.key_id).ok_or(SealedError::OtherKey)?;
        Ok(Opener { stream: Stream::new(key, header), about, at: HEADER as u64 })
    }

    /// What the container says of itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Reads the next chunk.
    pub fn next(
        &mut self,
        file: &mut impl std::io::Read,
    ) -> std::io::Result<Result<Chunk, SealedError>> {
        let mut length = [0; 4];
        let length = match fill(file, &mut length)? {
            4 => u32::from_le_bytes(length) as usize,
            _ => return Ok(Ok(Chunk::CutOff(self.at))),
        };
        let number = self.stream.next;
        if !(TAG..=MOST).contains(&length) {
            return Ok(Err(SealedError::Changed(number)));
        }
        let mut sealed = vec![0; length];
        if fill(file, &mut sealed)? < length {
            return Ok(Ok(Chunk::CutOff(self.at)));
        }
        let open = |last| {
            let nonce = self.stream.nonce(last);
            self.stream.cipher.decrypt(&nonce, &*sealed).ok().map(Zeroizing::new)
        };
        let chunk = match (open(false), open(true)) {
            (Some(plain), _) => Chunk::More(plain),
            (None, Some(plain)) => Chunk::Last(plain),
            (None, None) => return Ok(Err(SealedError::Changed(number))),
        };
        self.stream.next += 1;
        self.at += 4 + length as u64;
        if matches!(chunk, Chunk::Last(_)) && fill(file, &mut [0])? > 0 {
            return Ok(Err(SealedError::Added));
        }
        Ok(Ok(chunk))
    }

    /// What seals the chunks that are missing in a file that was cut off.
    pub fn into_sealer(self) -> Sealer {
        Sealer(self.stream)
    }
}

/// What a header says, whoever has the key.
pub fn about(header: &[u8; HEADER]) -> Result<About, SealedError> {
    let (magic, rest) = header.split_first_chunk::<8>().ok_or(SealedError::NotSealed)?;
    let (key_id, rest) = rest.split_first_chunk::<8>().ok_or(SealedError::NotSealed)?;
    let (_, rest) = rest.split_first_chunk::<16>().ok_or(SealedError::NotSealed)?;
    let (format, rest) = rest.split_first_chunk::<8>().ok_or(SealedError::NotSealed)?;
    let (recording, _) = rest.split_first_chunk::<8>().ok_or(SealedError::NotSealed)?;
    if *magic != MAGIC {
        return Err(SealedError::NotSealed);
    }
    let recording = RecordingId(u64::from_be_bytes(*recording));
    Ok(About { key_id: *key_id, format: *format, recording })
}

/// Reads until the buffer is full or the file ends; how much there was.
fn fill(file: &mut impl std::io::Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: RecordingId = RecordingId(5);

    fn key(seed: u8) -> Key {
        Key::new([seed; 32])
    }

    fn sealed(chunks: &[&[u8]], finished: bool) -> Vec<u8> {
        let (header, mut sealer) = Sealer::begin(&key(1), [9; 16], "pcma", ID);
        let mut file = header.to_vec();
        for (at, chunk) in chunks.iter().enumerate() {
            file.extend(sealer.seal(chunk, finished && at + 1 == chunks.len()));
        }
        file
    }

    /// What a file holds, and whether it was cut off.
    fn open(file: &[u8], keys: &[Key]) -> Result<(Vec<u8>, bool), SealedError> {
        let (header, mut rest) =
            file.split_first_chunk::<HEADER>().ok_or(SealedError::NotSealed)?;
        let mut opener = Opener::begin(keys, header)?;
        let mut all = Vec::new();
        loop {
            match opener.next(&mut rest).expect("memory is read")? {
                Chunk::More(plain) => all.extend(&*plain),
                Chunk::Last(plain) => {
                    all.extend(&*plain);
                    return Ok((all, false));
                }
                Chunk::CutOff(_) => return Ok((all, true)),
            }
        }
    }

    #[test]
    fn what_was_sealed_is_opened_with_its_key_alone() {
        let file = sealed(&[b"hello, ", b"", b"world"], true);
        assert_eq!(open(&file, &[key(7), key(1)]), Ok((b"hello, world".to_vec(), false)));
        assert_eq!(open(&file, &[key(7)]), Err(SealedError::OtherKey));
        let about = about(file.first_chunk().expect("a header")).expect("a header");
        assert_eq!((about.format(), about.recording), ("pcma", ID));
        assert!(!file.windows(5).any(|bytes| bytes == b"hello"));
    }

    #[test]
    fn a_file_cut_off_anywhere_opens_up_to_its_last_whole_chunk_and_says_so() {
        let file = sealed(&[b"hello, ", b"world"], false);
        let first = HEADER + 4 + 7 + TAG;
        for end in HEADER..file.len() {
            let whole = if end < first { &b""[..] } else { b"hello, " };
            assert_eq!(open(&file[..end], &[key(1)]), Ok((whole.to_vec(), true)), "{end}");
        }
        assert_eq!(open(&file, &[key(1)]), Ok((b"hello, world".to_vec(), true)));
    }

    #[test]
    fn a_file_that_was_cut_off_can_be_brought_to_an_end() {
        let mut file = sealed(&[b"hello, ", b"world"], false);
        file.truncate(file.len() - 3);
        let (header, mut rest) = file.split_first_chunk::<HEADER>().expect("a header");
        let mut opener = Opener::begin(&[key(1)], header).expect("opens");
        let end = loop {
            match opener.next(&mut rest).expect("memory").expect("verifies") {
                Chunk::CutOff(at) => break at,
                Chunk::More(_) | Chunk::Last(_) => {}
            }
        };
        let last = opener.into_sealer().seal(b"", true);
        file.truncate(end as usize);
        file.extend(last);
        assert_eq!(open(&file, &[key(1)]), Ok((b"hello, ".to_vec(), false)));
    }

    #[test]
    fn nothing_can_be_changed_left_out_swapped_or_added_unseen() {
        let file = sealed(&[b"one", b"two", b"end"], true);
        let chunk = 4 + 3 + TAG;
        let at = |n: usize| HEADER + n * chunk;
        for byte in 8..file.len() {
            let mut changed = file.clone();
            changed[byte] ^= 1;
            let opened = open(&changed, &[key(1)]);
            // A longer length looks like a file that ends too early.
            assert!(
                opened.as_ref().map_or(true, |(_, cut_off)| *cut_off),
                "byte {byte}: {opened:?}"
            );
        }
        let without = [&file[..at(1)], &file[at(2)..]].concat();
        assert_eq!(open(&without, &[key(1)]), Err(SealedError::Changed(1)));
        let swapped = [&file[..at(0)], &file[at(1)..at(2)], &file[at(0)..at(1)]].concat();
        assert_eq!(open(&swapped, &[key(1)]), Err(SealedError::Changed(0)));
        let more = [&file[..], b"x"].concat();
        assert_eq!(open(&more, &[key(1)]), Err(SealedError::Added));
    }

    #[test]
    fn a_key_is_64_digits_and_is_not_shown() {
        let text = "00ff".repeat(16);
        let key = Key::parse(&format!("{text}\n")).expect("a key");
        assert_eq!(key.0[..4], [0, 255, 0, 255]);
        assert_eq!(format!("{key:?}"), "Key(..)");
        for text in ["", "zz", &"0".repeat(63), &"+0".repeat(32), &"é".repeat(32)] {
            assert_eq!(Key::parse(text).map(|_| ()), Err(NotAKey), "{text}");
        }
    }
}
