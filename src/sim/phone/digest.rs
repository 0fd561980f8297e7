//! Digest credentials (RFC 7616, RFC 8760) as a phone computes them: written apart from the
//! engine's, so that each checks the other.

use std::collections::BTreeMap;
use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::id::Entropy;

/// A digest algorithm that a phone can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// What most phones on desks can do.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => hex(&Sha256::digest(text.as_bytes())),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A challenge that a phone has accepted, and how often its nonce has been used.
#[derive(Debug, Clone)]
pub(super) struct Challenge {
    algorithm: Algorithm,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: bool,
    stale: bool,
    uses: u32,
    proxy: bool,
}

impl Challenge {
    /// Reads the value of a `WWW-Authenticate` or `Proxy-Authenticate`; none if the scheme or the
    /// algorithm is not one of `known`.
    pub(super) fn read(value: &str, proxy: bool, known: &[Algorithm]) -> Option<Challenge> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut params = parameters(rest);
        let named = params.get("algorithm").map_or("MD5", String::as_str);
        let algorithm = *known.iter().find(|one| one.name().eq_ignore_ascii_case(named))?;
        Some(Challenge {
            algorithm,
            qop: params
                .get("qop")
                .is_some_and(|all| all.split(',').any(|one| one.trim() == "auth")),
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            realm: params.remove("realm")?,
            nonce: params.remove("nonce")?,
            opaque: params.remove("opaque"),
            uses: 0,
            proxy,
        })
    }

    /// Whether the server only wants a fresh nonce, not another password.
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether the credentials belong into `Proxy-Authorization`.
    pub(super) fn is_proxy(&self) -> bool {
        self.proxy
    }

    /// The credentials for a request; counts a use of the nonce.
    pub(super) fn credentials(
        &mut self,
        user: &str,
        password: &str,
        method: &str,
        uri: &str,
        entropy: &mut Entropy,
    ) -> String {
        self.uses += 1;
        let (nonce, realm) = (&self.nonce, &self.realm);
        let ha1 = self.algorithm.hash(&format!("{user}:{realm}:{password}"));
        let ha2 = self.algorithm.hash(&format!("{method}:{uri}"));
        let mut text = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             algorithm={}",
            self.algorithm.name()
        );
        let response = if self.qop {
            // The count is hexadecimal (RFC 7616 section 3.4).
            let (count, cnonce) = (format!("{:08x}", self.uses), entropy.token());
            let _ = write!(text, ", qop=auth, nc={count}, cnonce=\"{cnonce}\"");
            self.algorithm.hash(&format!("{ha1}:{nonce}:{count}:{cnonce}:auth:{ha2}"))
        } else {
            self.algorithm.hash(&format!("{ha1}:{nonce}:{ha2}"))
        };
        let _ = write!(text, ", response=\"{response}\"");
        if let Some(opaque) = &self.opaque {
            let _ = write!(text, ", opaque=\"{opaque}\"");
        }
        text
    }
}

/// `name=value` pairs separated by commas, values quoted or not; names in lower case.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        found.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        rest = left.trim_start().strip_prefix(',').unwrap_or("");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 section 3.9.1, with the client nonce of the example put in by hand.
    #[test]
    fn responses_are_those_of_the_rfc_example() {
        let expected = [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ];
        for (algorithm, response) in expected {
            let ha1 = algorithm.hash("Mufasa:http-auth@example.org:Circle of Life");
            let ha2 = algorithm.hash("GET:/dir/index.html");
            let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let text = format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}");
            assert_eq!(algorithm.hash(&text), response);
        }
    }

    #[test]
    fn the_count_of_uses_is_hexadecimal_and_grows() {
        let value = "Digest realm=\"council, south\", nonce=\"n1\", algorithm=SHA-256, \
                     qop=\"auth,auth-int\", stale=TRUE, opaque=\"\"";
        let known = [Algorithm::Sha256, Algorithm::Md5];
        let mut challenge = Challenge::read(value, false, &known).expect("a challenge");
        assert!(challenge.is_stale() && challenge.qop && challenge.realm == "council, south");
        let mut entropy = Entropy::from_seed([1; 32]);
        let mut last = String::new();
        for _ in 0..10 {
            last = challenge.credentials("amy", "pw", "REGISTER", "sip:a", &mut entropy);
        }
        assert!(last.contains("nc=0000000a"), "{last}");
        assert!(Challenge::read(value, false, &[Algorithm::Md5]).is_none());
        assert!(Challenge::read("Basic realm=\"x\"", false, &known).is_none());
    }
}
