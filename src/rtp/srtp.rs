//! Secure RTP and RTCP (RFC 3711, RFC 7714): one [`Sender`] and one [`Receiver`] for a leg.
//!
//! Nothing is believed of a packet, and nothing is kept of it, before its tag has been verified.
//! A receiver refuses what has been before; a sender never uses a number twice, because two packets
//! under one number would give away what both of them say.

mod cipher;
mod key;
#[cfg(test)]
mod tests;
mod window;

use std::fmt;

use self::cipher::{Cipher, RTCP_LABELS, RTP_LABELS};
pub use self::key::{MasterKey, Suite};
use self::window::Window;

/// As many bytes a packet grows at most: the longest tag, and RTCP's index.
pub const OVERHEAD: usize = 20;

/// The fixed headers' lengths: of RTP, and of what stays readable of RTCP.
const RTP_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;
/// The word behind an RTCP packet (RFC 3711 section 3.4): the E bit and 31 bits of index.
const INDEX_LEN: usize = 4;
const ENCRYPTED: u32 = 1 << 31;
/// The most sources that one key is used by. A peer that goes on to more without a new key is not
/// heard: whoever forgets a source cannot tell its packets from replayed ones.
const MOST_SOURCES: usize = 64;

/// Why a packet is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// Not RTP (or RTCP), or too short to carry a tag, or there is no room for it.
    #[error("the packet is cut short")]
    Truncated,
    /// The tag is wrong: not encrypted, by another key, or changed on the way.
    #[error("the packet is not authentic")]
    Unauthentic,
    /// It has been, or is so old that it may have been.
    #[error("the packet has been before")]
    Replayed,
}

/// The master key identifier that a peer puts into its packets (RFC 3711 section 3.1): a number in 1
/// to 128 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mki {
    value: u32,
    len: u8,
}

impl Mki {
    /// The number `value` in `len` bytes; none if it does not fit, or in more than the RFCs allow.
    pub fn new(value: u32, len: usize) -> Option<Self> {
        let fits = len >= 4 || value >> (8 * len) == 0;
        (fits && (1..=128).contains(&len)).then_some(Mki { value, len: len as u8 })
    }

    /// Whether `bytes`, as many as it has, are it.
    fn is(self, bytes: &[u8]) -> bool {
        let mut value = 0u32;
        for byte in bytes {
            if value >> 24 != 0 {
                return false;
            }
            value = value << 8 | u32::from(*byte);
        }
        value == self.value
    }
}

/// Protects what we send under one key.
pub struct Sender {
    suite: Suite,
    rtp: Cipher,
    rtcp: Cipher,
    sources: Sources,
    next_rtcp: u32,
}

/// Verifies and decrypts what a peer sends under one key.
pub struct Receiver {
    suite: Suite,
    mki: Option<Mki>,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_sources: Sources,
    rtcp_sources: Sources,
}

impl Sender {
    /// Nothing has been sent under `key` yet.
    pub fn new(key: &MasterKey) -> Self {
        Sender {
            suite: key.suite(),
            rtp: Cipher::new(key, RTP_LABELS),
            rtcp: Cipher::new(key, RTCP_LABELS),
            sources: Sources::default(),
            next_rtcp: 0,
        }
    }

    /// Protects the RTP packet that is the first `len` bytes of `buffer`, in place, and returns its
    /// new length.
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let (packet, rest) = buffer.split_at_mut_checked(len).ok_or(SrtpError::Truncated)?;
        let Header { len: header, ssrc, seq } = Header::read(packet)?;
        let tag_len = self.suite.rtp_tag_len();
        let place = rest.get_mut(..tag_len).ok_or(SrtpError::Truncated)?;
        let index = self.sources.fresh(ssrc, seq)?;
        let (open, text) = packet.split_at_mut_checked(header).ok_or(SrtpError::Truncated)?;
        match &self.rtp {
            Cipher::Counter(counter) => {
                counter.keystream(ssrc, index, text);
                place.copy_from_slice(&counter.tag([packet, &roc(index)])[..tag_len]);
            }
            Cipher::Gcm(gcm) => place.copy_from_slice(&gcm.seal(ssrc, index, open, text)?),
        }
        self.sources.note(ssrc, index);
        Ok(len + tag_len)
    }

    /// Protects the RTCP packet that is the first `len` bytes of `buffer`, in place, and returns its
    /// new length.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let tag_len = self.suite.rtcp_tag_len();
        let whole = buffer.get_mut(..len + INDEX_LEN + tag_len).ok_or(SrtpError::Truncated)?;
        let (packet, rest) = whole.split_at_mut(len);
        let ssrc = rtcp_ssrc(packet)?;
        let index = u64::from(self.next_rtcp);
        let word = (self.next_rtcp | ENCRYPTED).to_be_bytes();
        let (open, text) = packet.split_at_mut_checked(RTCP_HEADER).ok_or(SrtpError::Truncated)?;
        match &self.rtcp {
            Cipher::Counter(counter) => {
                counter.keystream(ssrc, index, text);
                rest[..INDEX_LEN].copy_from_slice(&word);
                rest[INDEX_LEN..].copy_from_slice(&counter.tag([packet, &word])[..tag_len]);
            }
            Cipher::Gcm(gcm) => {
                let tag = gcm.seal(ssrc, index, &aad(open, word), text)?;
                rest[..tag_len].copy_from_slice(&tag);
                rest[tag_len..].copy_from_slice(&word);
            }
        }
        // 2^31 reports are more than a lifetime of them.
        self.next_rtcp = (self.next_rtcp + 1) & !ENCRYPTED;
        Ok(len + INDEX_LEN + tag_len)
    }
}

impl Receiver {
    /// Nothing has come under `key` yet.
    pub fn new(key: &MasterKey, mki: Option<Mki>) -> Self {
        Receiver {
            suite: key.suite(),
            mki,
            rtp: Cipher::new(key, RTP_LABELS),
            rtcp: Cipher::new(key, RTCP_LABELS),
            rtp_sources: Sources::default(),
            rtcp_sources: Sources::default(),
        }
    }

    /// Verifies an RTP packet and decrypts it to the front of `out`.
    pub fn unprotect_rtp<'a>(
        &mut self,
        bytes: &[u8],
        out: &'a mut [u8],
    ) -> Result<&'a [u8], SrtpError> {
        let Header { len: header, ssrc, seq } = Header::read(bytes)?;
        let tag_len = self.suite.rtp_tag_len();
        let (body, tag) = match &self.rtp {
            Cipher::Counter(_) => {
                let (body, tag) = split_end(bytes, tag_len)?;
                (self.without_mki(body)?, tag)
            }
            Cipher::Gcm(_) => split_end(self.without_mki(bytes)?, tag_len)?,
        };
        let index = self.rtp_sources.fresh(ssrc, seq)?;
        let packet = out.get_mut(..body.len()).ok_or(SrtpError::Truncated)?;
        packet.copy_from_slice(body);
        let (open, text) = packet.split_at_mut_checked(header).ok_or(SrtpError::Truncated)?;
        match &self.rtp {
            Cipher::Counter(counter) => {
                counter.verify([body, &roc(index)], tag)?;
                counter.keystream(ssrc, index, text);
            }
            Cipher::Gcm(gcm) => gcm.open(ssrc, index, open, text, tag)?,
        }
        self.rtp_sources.note(ssrc, index);
        Ok(packet)
    }

    /// Verifies an RTCP packet and decrypts it to the front of `out`. One that is authentic but not
    /// encrypted is not taken: nobody has agreed on that.
    pub fn unprotect_rtcp<'a>(
        &mut self,
        bytes: &[u8],
        out: &'a mut [u8],
    ) -> Result<&'a [u8], SrtpError> {
        let ssrc = rtcp_ssrc(bytes)?;
        let tag_len = self.suite.rtcp_tag_len();
        let (signed, body, word, tag) = match &self.rtcp {
            Cipher::Counter(_) => {
                let (rest, tag) = split_end(bytes, tag_len)?;
                let signed = self.without_mki(rest)?;
                let (body, word) = split_end(signed, INDEX_LEN)?;
                (signed, body, word, tag)
            }
            Cipher::Gcm(_) => {
                let (rest, word) = split_end(self.without_mki(bytes)?, INDEX_LEN)?;
                let (body, tag) = split_end(rest, tag_len)?;
                (body, body, word, tag)
            }
        };
        let word = word.first_chunk().copied().ok_or(SrtpError::Truncated)?;
        let numbered = u32::from_be_bytes(word);
        if numbered & ENCRYPTED == 0 {
            return Err(SrtpError::Unauthentic);
        }
        let index = u64::from(numbered & !ENCRYPTED);
        if !self.rtcp_sources.is_fresh(ssrc, index) {
            return Err(SrtpError::Replayed);
        }
        let packet = out.get_mut(..body.len()).ok_or(SrtpError::Truncated)?;
        packet.copy_from_slice(body);
        let (open, text) = packet.split_at_mut_checked(RTCP_HEADER).ok_or(SrtpError::Truncated)?;
        match &self.rtcp {
            Cipher::Counter(counter) => {
                counter.verify([signed, &[]], tag)?;
                counter.keystream(ssrc, index, text);
            }
            Cipher::Gcm(gcm) => gcm.open(ssrc, index, &aad(open, word), text, tag)?,
        }
        self.rtcp_sources.note(ssrc, index);
        Ok(packet)
    }

    /// What stands before the key's identifier, if packets carry one: it must be the right one.
    fn without_mki<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], SrtpError> {
        let Some(mki) = self.mki else { return Ok(bytes) };
        let (before, found) = split_end(bytes, usize::from(mki.len))?;
        if mki.is(found) { Ok(before) } else { Err(SrtpError::Unauthentic) }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender {} (secret)", self.suite.name())
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver {} (secret)", self.suite.name())
    }
}

/// What is known of each source that a key is used by; they are few.
#[derive(Debug, Default)]
struct Sources(Vec<(u32, Window)>);

impl Sources {
    fn window(&self, ssrc: u32) -> Option<&Window> {
        self.0.iter().find(|(known, _)| *known == ssrc).map(|(_, window)| window)
    }

    /// The index of the RTP packet with sequence number `seq`, if it has not been.
    fn fresh(&self, ssrc: u32, seq: u16) -> Result<u64, SrtpError> {
        let index = self.window(ssrc).map_or(u64::from(seq), |window| window.index_of(seq));
        // 2^48 packets are more than a lifetime of them.
        let index = index & 0xffff_ffff_ffff;
        if self.is_fresh(ssrc, index) { Ok(index) } else { Err(SrtpError::Replayed) }
    }

    fn is_fresh(&self, ssrc: u32, index: u64) -> bool {
        match self.window(ssrc) {
            Some(window) => window.is_fresh(index),
            None => self.0.len() < MOST_SOURCES,
        }
    }

    fn note(&mut self, ssrc: u32, index: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == ssrc) {
            Some((_, window)) => window.note(index),
            None => self.0.push((ssrc, Window::beginning_with(index))),
        }
    }
}

/// What an RTP packet's header says, and how long it is with contributing sources and extension.
struct Header {
    len: usize,
    ssrc: u32,
    seq: u16,
}

impl Header {
    fn read(packet: &[u8]) -> Result<Self, SrtpError> {
        let fixed: &[u8; RTP_HEADER] = packet.first_chunk().ok_or(SrtpError::Truncated)?;
        let [first, _, seq @ .., _, _, _, _, s0, s1, s2, s3] = fixed;
        if first >> 6 != 2 {
            return Err(SrtpError::Truncated);
        }
        let mut len = RTP_HEADER + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let extension: &[u8; 4] =
                packet.get(len..).and_then(<[u8]>::first_chunk).ok_or(SrtpError::Truncated)?;
            let [_, _, words @ ..] = *extension;
            len += 4 + 4 * usize::from(u16::from_be_bytes(words));
        }
        let (seq, ssrc) = (u16::from_be_bytes(*seq), u32::from_be_bytes([*s0, *s1, *s2, *s3]));
        if len > packet.len() {
            return Err(SrtpError::Truncated);
        }
        Ok(Header { len, ssrc, seq })
    }
}

fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let header: &[u8; RTCP_HEADER] = packet.first_chunk().ok_or(SrtpError::Truncated)?;
    let [first, _, _, _, ssrc @ ..] = *header;
    if first >> 6 == 2 { Ok(u32::from_be_bytes(ssrc)) } else { Err(SrtpError::Truncated) }
}

/// The rollover counter, the upper 32 bits of a packet's index.
fn roc(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// What Galois/counter mode authenticates of RTCP beside the text (RFC 7714 section 9.2).
fn aad(open: &[u8], word: [u8; INDEX_LEN]) -> [u8; RTCP_HEADER + INDEX_LEN] {
    let mut aad = [0; RTCP_HEADER + INDEX_LEN];
    aad[..RTCP_HEADER].copy_from_slice(open);
    aad[RTCP_HEADER..].copy_from_slice(&word);
    aad
}

fn split_end(bytes: &[u8], len: usize) -> Result<(&[u8], &[u8]), SrtpError> {
    let at = bytes.len().checked_sub(len).ok_or(SrtpError::Truncated)?;
    bytes.split_at_checked(at).ok_or(SrtpError::Truncated)
}
