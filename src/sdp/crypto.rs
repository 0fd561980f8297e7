//! `a=crypto` (RFC 4568): a key in a description, read and written.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroize;

use crate::media::command::{MasterKey, Mki, Suite};

/// Some phones leave out the padding, or do not clear what is left over of the last digit.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// One `a=crypto` that we can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Crypto {
    /// Tells the lines of one description apart; the answer repeats it.
    pub(super) tag: u32,
    /// The writer's key: what the writer sends is encrypted with it.
    pub(super) key: MasterKey,
    /// The identifier of the key, if the writer's packets carry one.
    pub(super) mki: Option<Mki>,
}

impl Crypto {
    /// Reads an attribute's value; none if it cannot be read, or asks for what we do not do: an
    /// unknown suite, several keys, a session parameter that must be understood (section 6.3).
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9)?;
        let tag = digits(tag)?;
        let suite = words.next()?;
        let suite =
            Suite::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(suite))?;
        let (key, mki) = key(suite, words.next()?)?;
        words.all(is_harmless).then_some(Crypto { tag, key, mki })
    }

    /// Whether a line of an answer takes this one of the offer (section 5.1.3).
    pub(super) fn is_answered_by(&self, answer: &Crypto) -> bool {
        self.tag == answer.tag && self.key.suite() == answer.key.suite()
    }

    /// The attribute's value. Our keys carry neither lifetime nor identifier: they last for longer
    /// than any call, and there is one.
    pub(super) fn value(&self) -> String {
        let key = STANDARD.encode(self.key.reveal());
        format!("{} {} inline:{key}", self.tag, self.key.suite().name())
    }
}

/// `inline:` key and salt, perhaps a lifetime, perhaps an identifier and its length (section 6.1).
fn key(suite: Suite, text: &str) -> Option<(MasterKey, Option<Mki>)> {
    let (method, info) = text.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") || info.contains(';') {
        return None;
    }
    let mut parts = info.split('|');
    let mut bytes = LENIENT.decode(parts.next()?).ok()?;
    let key = MasterKey::new(suite, &bytes);
    bytes.zeroize();
    let (lifetime, mki) = match (parts.next(), parts.next(), parts.next()) {
        (Some(mki), None, None) if mki.contains(':') => (None, Some(mki)),
        (lifetime, mki, None) => (lifetime, mki),
        (_, _, Some(_)) => return None,
    };
    // A lifetime tells when the peer must send another key. It is the peer's to keep.
    if !lifetime.is_none_or(is_lifetime) {
        return None;
    }
    let mki = match mki {
        Some(mki) => {
            let (value, len) = mki.split_once(':')?;
            Some(Mki::new(digits(value)?, usize::try_from(digits(len)?).ok()?)?)
        }
        None => None,
    };
    Some((key?, mki))
}

/// `2^48`, or a number.
fn is_lifetime(text: &str) -> bool {
    let number = text.strip_prefix("2^").unwrap_or(text);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a session parameter may be read over: it says so itself by its first character, or it is
/// a hint about how far packets are reordered (section 6.3.7).
fn is_harmless(parameter: &str) -> bool {
    let is_hint = |name: &str| name.eq_ignore_ascii_case("WSH");
    parameter.starts_with('-') || parameter.split_once('=').is_some_and(|(name, _)| is_hint(name))
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::Entropy;

    /// RFC 4568 section 6.1, RFC 7714 section 14.2 (keys of our own), and what phones send.
    #[test]
    fn examples_of_the_rfcs_and_of_phones_are_read() {
        let long = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
        for (value, tag, suite, mki) in [
            (
                format!("1 AES_CM_128_HMAC_SHA1_80 inline:{long}|2^20|1:32"),
                1,
                Suite::AesCm128HmacSha1_80,
                Mki::new(1, 32),
            ),
            (
                format!("1 AES_CM_128_HMAC_SHA1_80 inline:{long}|2^20|1:4"),
                1,
                Suite::AesCm128HmacSha1_80,
                Mki::new(1, 4),
            ),
            (
                format!("3 AES_CM_128_HMAC_SHA1_80 inline:{long}|2^31|1:1"),
                3,
                Suite::AesCm128HmacSha1_80,
                Mki::new(1, 1),
            ),
            (
                format!("2 AES_CM_128_HMAC_SHA1_32 inline:{long}|1:4"),
                2,
                Suite::AesCm128HmacSha1_32,
                Mki::new(1, 4),
            ),
            (
                format!("12345 AES_CM_128_HMAC_SHA1_80 inline:{long}|2^48"),
                12_345,
                Suite::AesCm128HmacSha1_80,
                None,
            ),
            (
                format!("4 aes_cm_128_hmac_sha1_80 Inline:{long}|281474976710656"),
                4,
                Suite::AesCm128HmacSha1_80,
                None,
            ),
            (
                format!("5 AES_CM_128_HMAC_SHA1_80  inline:{long} WSH=128 -X-vendor=1"),
                5,
                Suite::AesCm128HmacSha1_80,
                None,
            ),
            (format!("1 AEAD_AES_128_GCM inline:{}==", &long[..38]), 1, Suite::AeadAes128Gcm, None),
            (format!("1 AEAD_AES_128_GCM inline:{}", &long[..38]), 1, Suite::AeadAes128Gcm, None),
            (
                format!("1 AEAD_AES_256_GCM inline:{long}{}=", &long[..19]),
                1,
                Suite::AeadAes256Gcm,
                None,
            ),
        ] {
            let read = Crypto::parse(&value);
            let read = read.unwrap_or_else(|| panic!("{value}"));
            assert_eq!((read.tag, read.key.suite(), read.mki), (tag, suite, mki), "{value}");
            assert!(!format!("{read:?}").contains(&long[..8]), "{read:?}");
        }
    }

    #[test]
    fn what_we_do_not_do_or_cannot_read_is_not_chosen() {
        let key = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
        let good = format!("1 AES_CM_128_HMAC_SHA1_80 {key}");
        assert!(Crypto::parse(&good).is_some());
        for value in [
            "",
            "1",
            "1 AES_CM_128_HMAC_SHA1_80",
            "1 AES_CM_128_HMAC_SHA1_80 inline:",
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
            "1 AES_CM_128_HMAC_SHA1_80 inline:!S1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR",
            &good.replace("inline", "prompt"),
            &good.replace("_80", "_81"),
            &good.replace("AES_CM_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80"),
            &good.replace("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"),
            &good.replacen('1', "-1", 1),
            &good.replacen('1', "1234567890", 1),
            &format!("{good};inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|2:4"),
            &format!("{good}|2^"),
            &format!("{good}|forever"),
            &format!("{good}|2^20|1"),
            &format!("{good}|2^20|1:0"),
            &format!("{good}|2^20|256:1"),
            &format!("{good}|2^20|1:129"),
            &format!("{good}|2^20|1:4|more"),
            &format!("{good} UNENCRYPTED_SRTP"),
            &format!("{good} UNENCRYPTED_SRTCP"),
            &format!("{good} UNAUTHENTICATED_SRTP"),
            &format!("{good} KDR=1"),
            &format!("{good} FEC_ORDER=FEC_SRTP"),
            &format!("{good} WSH=64 NEW=1"),
        ] {
            assert_eq!(Crypto::parse(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_we_write_is_read_back(
            tag in 0u32..1_000_000_000, suite in 0usize..4, seed: [u8; 32],
        ) {
            let key = MasterKey::draw(Suite::ALL[suite], &mut Entropy::from_seed(seed));
            let line = Crypto { tag, key, mki: None };
            prop_assert_eq!(Crypto::parse(&line.value()), Some(line));
        }

        #[test]
        fn any_text_is_a_key_or_none(
            text in "[ -~]{0,60}",
            tail in "[|:;0-9^ A-Z=_-]{0,24}",
        ) {
            let _ = Crypto::parse(&text);
            let good = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
            let _ = Crypto::parse(&(good.to_owned() + &tail));
        }
    }
}
