//! Encrypted voice of a phone (RFC 3711), with keys in its descriptions (RFC 4568): one suite,
//! AES_CM_128_HMAC_SHA1_80, as text. The packets themselves are encrypted by whoever sets the phone
//! up, with another implementation than the engine's.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Master key and salt.
pub type Key = [u8; 30];

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

/// The packets of one direction of a call.
pub trait PacketCipher: fmt::Debug + Send {
    /// Encrypts a packet.
    fn seal(&mut self, packet: &[u8]) -> Option<Vec<u8>>;
    /// Decrypts a packet; none if it is not authentic.
    fn open(&mut self, packet: &[u8]) -> Option<Vec<u8>>;
}

/// Whether and how a phone encrypts.
#[derive(Debug, Clone, Copy)]
pub struct Secrecy {
    /// Offers encrypted voice only and refuses plain. Otherwise it offers plain voice with a key
    /// beside it (RFC 8643), and takes either.
    pub insists: bool,
    /// Begins a direction under a key.
    pub cipher: fn(&Key) -> Box<dyn PacketCipher>,
}

/// The keys of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StreamKeys {
    /// What we send is encrypted with it.
    pub mine: Key,
    /// What we hear is encrypted with it.
    pub theirs: Key,
    tag: u32,
    secure_profile: bool,
}

impl fmt::Debug for StreamKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Adds a key to an offer.
pub(super) fn offered(text: &str, secrecy: Secrecy, mine: &Key) -> String {
    with_key(text, secrecy.insists, 1, mine)
}

/// Adds a key to an answer.
pub(super) fn answered(text: &str, keys: &StreamKeys) -> String {
    with_key(text, keys.secure_profile, keys.tag, &keys.mine)
}

fn with_key(text: &str, secure_profile: bool, tag: u32, mine: &Key) -> String {
    let profile = if secure_profile { "RTP/SAVP" } else { "RTP/AVP" };
    let line = format!("a=crypto:{tag} {SUITE} inline:{}|2^31\r\na=ptime", STANDARD.encode(mine));
    text.replace("RTP/AVP", profile).replace("a=ptime", &line)
}

/// What a description means to a phone with the key `mine`: none if it cannot take part.
pub(super) fn read(text: &str, secrecy: Option<Secrecy>, mine: &Key) -> Option<Option<StreamKeys>> {
    let secure_profile = text.contains(" RTP/SAVP ");
    let theirs = text.lines().find_map(|line| {
        let mut words = line.strip_prefix("a=crypto:")?.split(' ');
        let tag: u32 = words.next()?.parse().ok()?;
        let key = words.nth(1).filter(|_| line.contains(SUITE))?.strip_prefix("inline:")?;
        let key = STANDARD.decode(key.split('|').next()?).ok()?;
        Some((tag, Key::try_from(key).ok()?))
    });
    match (secrecy, theirs) {
        (Some(_), Some((tag, theirs))) => {
            Some(Some(StreamKeys { mine: *mine, theirs, tag, secure_profile }))
        }
        (Some(Secrecy { insists: true, .. }), None) => None,
        (Some(_) | None, _) if secure_profile => None,
        (Some(_) | None, _) => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl PacketCipher for Nothing {
        fn seal(&mut self, _packet: &[u8]) -> Option<Vec<u8>> {
            None
        }
        fn open(&mut self, _packet: &[u8]) -> Option<Vec<u8>> {
            None
        }
    }

    #[test]
    fn keys_are_written_and_read_and_decide_who_can_talk_to_whom() {
        let with = |insists| Secrecy { insists, cipher: |_| Box::new(Nothing) };
        let plain = "m=audio 4000 RTP/AVP 8\r\na=ptime:20\r\n";
        let (theirs, mine) = ([7; 30], [8; 30]);
        for (offer, takers) in [
            (plain.to_owned(), [Some(false), Some(false), None]),
            (offered(plain, with(false), &theirs), [Some(false), Some(true), Some(true)]),
            (offered(plain, with(true), &theirs), [None, Some(true), Some(true)]),
        ] {
            let readers = [None, Some(with(false)), Some(with(true))];
            let read = readers.map(|reader| read(&offer, reader, &mine));
            let encrypted = read.map(|keys| keys.map(|keys| keys.is_some()));
            assert_eq!(encrypted, takers, "{offer}");
            if let Some(Some(keys)) = read[1] {
                assert_eq!((keys.mine, keys.theirs), (mine, theirs));
                let answer = answered(plain, &keys);
                assert_eq!(answer.contains("RTP/SAVP"), offer.contains("RTP/SAVP"), "{answer}");
                assert!(answer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:CAgI"));
            }
        }
    }
}
