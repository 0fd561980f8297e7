//! The two transforms: AES in counter mode with HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1), and
//! AES in Galois/counter mode (RFC 7714). Both work in place.

use aes::cipher::{InnerIvInit, StreamCipher};
use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInOut, AesGcm, KeyInit};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::SrtpError;
use super::key::{MasterKey, Suite};

/// What session keys are for (RFC 3711 section 4.3.2): encryption, authentication, salt.
pub(super) const RTP_LABELS: [u8; 3] = [0, 1, 2];
pub(super) const RTCP_LABELS: [u8; 3] = [3, 4, 5];

/// Bytes of the longest tag.
const TAG: usize = 16;

/// The session keys of RTP, or those of RTCP.
pub(super) enum Cipher {
    Counter(Box<Counter>),
    Gcm(Box<Gcm>),
}

/// Counter mode, and a keyed HMAC.
pub(super) struct Counter {
    aes: Aes128Enc,
    mac: Hmac<Sha1>,
    salt: [u8; 14],
}

/// Galois/counter mode.
pub(super) struct Gcm {
    aead: Aead,
    salt: [u8; 12],
}

enum Aead {
    Aes128(AesGcm<Aes128Enc, U12>),
    Aes256(AesGcm<Aes256Enc, U12>),
}

impl Cipher {
    pub(super) fn new(master: &MasterKey, labels: [u8; 3]) -> Self {
        let [encryption, authentication, salt] = labels;
        let aead = match master.suite() {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => {
                // HMAC fills a short key up with zeros (RFC 2104 section 2).
                let mut padded = [0; 64];
                padded[..20].copy_from_slice(&master.derive::<20>(authentication));
                return Cipher::Counter(Box::new(Counter {
                    aes: Aes128Enc::new(&master.derive::<16>(encryption).into()),
                    mac: Hmac::new(&padded.into()),
                    salt: master.derive(salt),
                }));
            }
            Suite::AeadAes128Gcm => {
                Aead::Aes128(AesGcm::new(&master.derive::<16>(encryption).into()))
            }
            Suite::AeadAes256Gcm => {
                Aead::Aes256(AesGcm::new(&master.derive::<32>(encryption).into()))
            }
        };
        Cipher::Gcm(Box::new(Gcm { aead, salt: master.derive(salt) }))
    }
}

impl Counter {
    /// Encrypts or decrypts (RFC 3711 section 4.1.1).
    pub(super) fn keystream(&self, ssrc: u32, index: u64, text: &mut [u8]) {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        blend(&mut iv[4..14], ssrc, index);
        let core = CtrCore::inner_iv_init(&self.aes, &iv.into());
        Ctr128BE::from_core(core).apply_keystream(text);
    }

    /// The tag over `parts`, not yet cut to its length (RFC 3711 section 4.2).
    pub(super) fn tag(&self, parts: [&[u8]; 2]) -> [u8; 20] {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Whether `tag` is the tag over `parts`, in constant time.
    pub(super) fn verify(&self, parts: [&[u8]; 2], tag: &[u8]) -> Result<(), SrtpError> {
        let right = self.tag(parts);
        let right = right.get(..tag.len()).ok_or(SrtpError::Truncated)?;
        if right.ct_eq(tag).into() { Ok(()) } else { Err(SrtpError::Unauthentic) }
    }
}

impl Gcm {
    fn nonce(&self, ssrc: u32, index: u64) -> [u8; 12] {
        let mut nonce = self.salt;
        blend(&mut nonce[2..], ssrc, index);
        nonce
    }

    /// Encrypts `text` and returns the tag that covers it and `open`.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        open: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG], SrtpError> {
        let nonce = self.nonce(ssrc, index).into();
        let tag = match &self.aead {
            Aead::Aes128(aead) => aead.encrypt_inout_detached(&nonce, open, text.into()),
            Aead::Aes256(aead) => aead.encrypt_inout_detached(&nonce, open, text.into()),
        };
        // Texts of more than 64 GiB cannot be encrypted.
        tag.map(Into::into).map_err(|_| SrtpError::Truncated)
    }

    /// Decrypts `text` if the tag is right; otherwise nothing is changed.
    pub(super) fn open(
        &self,
        ssrc: u32,
        index: u64,
        open: &[u8],
        text: &mut [u8],
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        let nonce = self.nonce(ssrc, index).into();
        let tag: [u8; TAG] = tag.try_into().map_err(|_| SrtpError::Truncated)?;
        let opened = match &self.aead {
            Aead::Aes128(aead) => {
                aead.decrypt_inout_detached(&nonce, open, text.into(), &tag.into())
            }
            Aead::Aes256(aead) => {
                aead.decrypt_inout_detached(&nonce, open, text.into(), &tag.into())
            }
        };
        opened.map_err(|_| SrtpError::Unauthentic)
    }
}

/// Exclusive-ors SSRC and the 48-bit index onto the ten bytes of the salt that they stand under
/// (RFC 3711 section 4.1.1, RFC 7714 sections 8.1 and 9.1).
fn blend(salt: &mut [u8], ssrc: u32, index: u64) {
    let ssrc = ssrc.to_be_bytes();
    let index = index.to_be_bytes();
    for (byte, with) in salt.iter_mut().zip(ssrc.iter().chain(&index[2..])) {
        *byte ^= with;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 7714 sections 16 and 17: the text, and its ciphertext with the tag.
    #[test]
    fn packets_in_galois_mode_are_those_of_the_rfc() {
        let bytes: Vec<u8> = (0..32).collect();
        let salt: [u8; 12] = *b"Quid pro quo";
        let (short, long) = (*bytes.first_chunk().expect("16"), *bytes.first_chunk().expect("32"));
        let (short, long): ([u8; 16], [u8; 32]) = (short, long);
        let short = Gcm { aead: Aead::Aes128(AesGcm::new(&short.into())), salt };
        let long = Gcm { aead: Aead::Aes256(AesGcm::new(&long.into())), salt };
        let open = hex("8040f17b 8041f8d3 5501a0b2");
        let text = b"Gallia est omnis divisa in partes tres";
        for (gcm, secret) in [
            (
                &short,
                "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b
                 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
            ),
            (
                &long,
                "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f
                 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
            ),
        ] {
            let mut sealed = text.to_vec();
            let tag = gcm.seal(0x5501_a0b2, 0xf17b, &open, &mut sealed).expect("is sealed");
            sealed.extend(tag);
            assert_eq!(sealed, hex(secret));
        }
        let open = hex("81c8000d 4d617273 800005d4");
        let mut sealed = hex("4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef
             deadbeef deadbeef deadbeef deadbeef");
        let tag = short.seal(0x4d61_7273, 0x5d4, &open, &mut sealed).expect("is sealed");
        sealed.extend(tag);
        assert_eq!(
            sealed,
            hex("63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
                 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade")
        );
    }
}
