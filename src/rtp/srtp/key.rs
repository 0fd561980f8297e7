//! Crypto suites (RFC 4568 section 6.2, RFC 7714 section 14.2), master keys and what is derived from
//! them (RFC 3711 section 4.3).

use std::fmt;

use aes::cipher::{KeyIvInit, StreamCipher};
use aes::{Aes128Enc, Aes256Enc};
use ctr::Ctr128BE;
use zeroize::Zeroize;

use crate::id::Entropy;

/// Bytes of the longest master key with its salt.
const LONGEST: usize = 44;

/// How packets are encrypted and authenticated, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// AES-256 in Galois/counter mode (RFC 7714).
    AeadAes256Gcm,
    /// AES-128 in Galois/counter mode (RFC 7714).
    AeadAes128Gcm,
    /// AES-128 in counter mode with an 80-bit tag of HMAC-SHA1: every phone with SRTP has it.
    AesCm128HmacSha1_80,
    /// The same with a 32-bit tag on RTP.
    AesCm128HmacSha1_32,
}

impl Suite {
    /// Every suite, the strongest first.
    pub const ALL: [Suite; 4] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80,
        Suite::AesCm128HmacSha1_32,
    ];

    /// Its name in `a=crypto`.
    pub const fn name(self) -> &'static str {
        match self {
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Bytes of the master key.
    pub const fn key_len(self) -> usize {
        match self {
            Suite::AeadAes256Gcm => 32,
            Suite::AeadAes128Gcm | Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 16,
        }
    }

    /// Bytes of the master salt.
    pub const fn salt_len(self) -> usize {
        match self {
            Suite::AeadAes256Gcm | Suite::AeadAes128Gcm => 12,
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 14,
        }
    }

    /// Bytes of the tag at an RTP packet's end.
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Suite::AeadAes256Gcm | Suite::AeadAes128Gcm => 16,
            Suite::AesCm128HmacSha1_80 => 10,
            Suite::AesCm128HmacSha1_32 => 4,
        }
    }

    /// Bytes of the tag of an RTCP packet: the short tag is for RTP alone.
    pub const fn rtcp_tag_len(self) -> usize {
        match self {
            Suite::AeadAes256Gcm | Suite::AeadAes128Gcm => 16,
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 10,
        }
    }
}

/// A master key with its salt: what SDP carries of one direction. Never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    /// Key, then salt; the rest is zero.
    bytes: [u8; LONGEST],
}

impl MasterKey {
    /// The key of `suite` whose key and salt are `bytes`; none if there are too many or too few.
    pub fn new(suite: Suite, bytes: &[u8]) -> Option<Self> {
        let mut key = MasterKey { suite, bytes: [0; LONGEST] };
        if bytes.len() != suite.key_len() + suite.salt_len() {
            return None;
        }
        key.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(key)
    }

    /// A new key.
    pub fn draw(suite: Suite, entropy: &mut Entropy) -> Self {
        let mut key = MasterKey { suite, bytes: [0; LONGEST] };
        entropy.fill(&mut key.bytes[..suite.key_len() + suite.salt_len()]);
        key
    }

    /// What it is for.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Key and salt, for the one place that writes them.
    pub fn reveal(&self) -> &[u8] {
        &self.bytes[..self.suite.key_len() + self.suite.salt_len()]
    }

    /// The session key that `label` names (RFC 3711 section 4.3.1; the key derivation rate is 0). A
    /// salt of 12 bytes is followed by zeros (RFC 7714 section 11).
    pub(super) fn derive<const N: usize>(&self, label: u8) -> [u8; N] {
        let (key_len, salt_len) = (self.suite.key_len(), self.suite.salt_len());
        let mut input = [0; 16];
        input[..salt_len].copy_from_slice(&self.bytes[key_len..key_len + salt_len]);
        input[7] ^= label;
        let mut derived = [0; N];
        if key_len == 32 {
            let mut key = [0; 32];
            key.copy_from_slice(&self.bytes[..32]);
            Ctr128BE::<Aes256Enc>::new(&key.into(), &input.into()).apply_keystream(&mut derived);
            key.zeroize();
        } else {
            let mut key = [0; 16];
            key.copy_from_slice(&self.bytes[..16]);
            Ctr128BE::<Aes128Enc>::new(&key.into(), &input.into()).apply_keystream(&mut derived);
            key.zeroize();
        }
        derived
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (secret)", self.suite.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_are_those_of_the_rfc() {
        let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
        let master = MasterKey::new(Suite::AesCm128HmacSha1_80, &master).expect("a key");
        assert_eq!(master.derive::<16>(0)[..], hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(master.derive::<14>(2)[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(master.derive::<20>(1)[..], hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }

    #[test]
    fn a_key_is_never_printed_and_must_be_as_long_as_its_suite_says() {
        for suite in Suite::ALL {
            let len = suite.key_len() + suite.salt_len();
            let key = MasterKey::new(suite, &vec![0xab; len]).expect("a key");
            assert_eq!(key.reveal(), vec![0xab; len]);
            assert_eq!(format!("{key:?}"), format!("{} (secret)", suite.name()));
            assert_eq!(MasterKey::new(suite, &vec![0; len - 1]), None);
            assert_eq!(MasterKey::new(suite, &vec![0; len + 1]), None);
        }
        let mut entropy = Entropy::from_seed([1; 32]);
        let drawn = [0; 2].map(|_| MasterKey::draw(Suite::AeadAes256Gcm, &mut entropy));
        assert_ne!(drawn[0], drawn[1]);
    }
}
