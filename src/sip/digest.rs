//! Digest authentication (RFC 7616, RFC 8760): the hashes, the client's answer, and in
//! [`Authenticator`] the server's nonces and checks.

use std::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::endpoint::Account;
use super::header::{Challenge, Credentials};
use super::method::Method;

mod client;
mod nonce;
mod server;

pub use client::Login;
pub(in crate::sip) use client::answers;
pub use server::{Authenticator, Verdict};

/// A hash algorithm of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, to be offered first (RFC 8760 section 2.4).
    Sha256,
    /// MD5, for phones that know no better.
    Md5,
}

impl Algorithm {
    /// Both, in the order of preference.
    pub const ALL: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

    /// The algorithm of a header: MD5 if none is named, none if we do not speak it (the `-sess`
    /// variants among them).
    pub fn named(name: Option<&str>) -> Option<Algorithm> {
        let Some(name) = name else { return Some(Algorithm::Md5) };
        Algorithm::ALL.into_iter().find(|known| name.eq_ignore_ascii_case(known.as_str()))
    }

    /// The name in headers.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The algorithms that every account has a secret for, else those that any has: with the
    /// former, no phone can choose one that must fail for it.
    pub fn of_accounts<'a>(accounts: impl Iterator<Item = &'a Account> + Clone) -> Vec<Algorithm> {
        let having = |wanted: &dyn Fn(Algorithm) -> bool| {
            Algorithm::ALL.into_iter().filter(|a| wanted(*a)).collect::<Vec<_>>()
        };
        let common = having(&|a| accounts.clone().all(|account| a.secret(account).is_some()));
        if common.is_empty() {
            having(&|a| accounts.clone().any(|account| a.secret(account).is_some()))
        } else {
            common
        }
    }

    /// Whether a phone takes the challenge that it knows where several are offered, as RFC 8760
    /// section 2.4 asks. Some break off at the first one that they do not know, in whatever order
    /// they come, and can then not register at all: baresip before 2.0. JsSIP and SIP.js look at
    /// the first challenge alone, and know MD5 alone.
    pub fn chosen_by(user_agent: &str) -> bool {
        const OTHERS: [&str; 4] = ["baresip v0.", "baresip v1.", "JsSIP ", "SIP.js/"];
        !OTHERS.iter().any(|phone| user_agent.starts_with(phone))
    }

    /// The account's hash of user, realm and password.
    fn secret(self, account: &Account) -> Option<&str> {
        match self {
            Algorithm::Sha256 => account.ha1_sha256.as_deref(),
            Algorithm::Md5 => account.ha1_md5.as_deref(),
        }
    }

    /// The hash in lower-case hexadecimal.
    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Sha256 => hex(&Sha256::digest(text.as_bytes())),
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| {
        char::from(b"0123456789abcdef".get(usize::from(nibble)).copied().unwrap_or(b'0'))
    };
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The hash of `user:realm:password` (RFC 7616 section 3.4.2), for [`Account`].
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&format!("{user}:{realm}:{password}"))
}

/// The `response` of the credentials (RFC 7616 section 3.4.1; without qop as in RFC 2069).
fn response(algorithm: Algorithm, ha1: &str, method: &Method, given: &Credentials) -> String {
    let ha2 = algorithm.hash(&format!("{method}:{}", given.uri));
    let nonce = &given.nonce;
    let data = match (&given.qop, &given.nc, &given.cnonce) {
        (Some(qop), Some(nc), Some(cnonce)) => {
            format!("{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}")
        }
        _ => format!("{ha1}:{nonce}:{ha2}"),
    };
    algorithm.hash(&data)
}

/// The client's answer to a challenge: the value of Authorization or Proxy-Authorization. None if
/// the challenge wants an algorithm or a quality of protection that we do not speak.
pub fn respond(
    challenge: &Challenge,
    user: &str,
    password: &str,
    method: &Method,
    uri: &str,
    nc: u32,
    cnonce: &str,
) -> Option<Credentials> {
    let algorithm = Algorithm::named(challenge.algorithm.as_deref())?;
    let protected = challenge.qop.iter().any(|qop| qop == "auth");
    if !protected && !challenge.qop.is_empty() {
        return None;
    }
    let mut credentials = Credentials {
        username: user.to_owned(),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
        uri: uri.to_owned(),
        response: String::new(),
        algorithm: challenge.algorithm.clone(),
        cnonce: protected.then(|| cnonce.to_owned()),
        opaque: challenge.opaque.clone(),
        qop: protected.then(|| "auth".to_owned()),
        nc: protected.then(|| format!("{nc:08x}")),
    };
    let ha1 = ha1(algorithm, user, &challenge.realm, password);
    credentials.response = response(algorithm, &ha1, method, &credentials);
    Some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(algorithm: &str) -> Challenge {
        Challenge {
            realm: "http-auth@example.org".to_owned(),
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".to_owned(),
            opaque: Some("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS".to_owned()),
            stale: false,
            algorithm: Some(algorithm.to_owned()),
            qop: vec!["auth".to_owned(), "auth-int".to_owned()],
        }
    }

    #[test]
    fn the_examples_of_rfc_7616_section_3_9_1_come_out() {
        for (algorithm, expected) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let answer = respond(
                &challenge(algorithm),
                "Mufasa",
                "Circle of Life",
                &Method::Other("GET".into()),
                "/dir/index.html",
                1,
                "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            );
            assert_eq!(answer.map(|a| a.response).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_example_of_rfc_2069_as_corrected_comes_out() {
        let mut challenge = challenge("MD5");
        challenge.realm = "testrealm@host.com".to_owned();
        challenge.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093".to_owned();
        challenge.algorithm = None;
        challenge.qop.clear();
        let get = Method::Other("GET".into());
        let answer = respond(&challenge, "Mufasa", "CircleOfLife", &get, "/dir/index.html", 1, "");
        let answer = answer.map(|a| a.response);
        assert_eq!(answer.as_deref(), Some("1949323746fe6a43ef61f9606e7febea"));
    }

    #[test]
    fn what_we_do_not_speak_is_not_answered() {
        let get = Method::Other("GET".into());
        for (algorithm, qop) in [("MD5-sess", "auth"), ("SHA-512-256", "auth"), ("MD5", "auth-int")]
        {
            let mut challenge = challenge(algorithm);
            challenge.qop = vec![qop.to_owned()];
            assert_eq!(respond(&challenge, "a", "b", &get, "/", 1, "c"), None);
        }
    }

    #[test]
    fn algorithms_that_would_fail_for_an_account_are_not_offered() {
        let account = |md5: bool, sha: bool| Account {
            ha1_md5: md5.then(|| "x".to_owned()),
            ha1_sha256: sha.then(|| "x".to_owned()),
            calls_only: false,
        };
        let both = account(true, true);
        let (md5, sha) = (account(true, false), account(false, true));
        assert_eq!(Algorithm::of_accounts([&both].into_iter()), Algorithm::ALL);
        assert_eq!(Algorithm::of_accounts([&both, &md5].into_iter()), [Algorithm::Md5]);
        assert_eq!(Algorithm::of_accounts([&sha, &md5].into_iter()), Algorithm::ALL);
        assert_eq!(Algorithm::of_accounts(std::iter::empty()), Algorithm::ALL);
    }
}
