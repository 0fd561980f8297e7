//! The server's side: challenges, and what to make of the credentials in a request.

use std::fmt;

use subtle::ConstantTimeEq;

use super::nonce::Nonces;
use super::{Algorithm, ha1, response};
use crate::id::Entropy;
use crate::sip::endpoint::Account;
use crate::sip::error::{HeaderError, Why};
use crate::sip::header::{Challenge, Credentials, HeaderName};
use crate::sip::message::Message;
use crate::sip::uri::Uri;
use crate::time::Time;

/// What the credentials of a request are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Right, fresh, never seen before: this user sent it.
    Ok(String),
    /// The nonce is not one that we gave to this source and still take, or was used with this count
    /// before: challenge again with `stale`, and the phone will come back without asking its owner.
    /// Says nothing of the password: a nonce that does not count must not become a way to try some.
    Stale,
    /// The user is unknown or the proof is wrong, over a nonce that we gave to this source.
    Wrong,
    /// None for our realm in a scheme and algorithm that we speak: challenge.
    Missing,
    /// Not to be read: 400.
    Malformed(HeaderError),
}

/// Challenges and checks requests for one realm.
pub struct Authenticator {
    realm: String,
    nonces: Nonces,
    /// Stands in for an unknown user's secret, so that guessing names takes as long as guessing
    /// passwords.
    nobody: Account,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authenticator({})", self.realm)
    }
}

impl Authenticator {
    /// An authenticator with a fresh secret: nonces of an earlier run are stale.
    pub fn new(realm: &str, entropy: &mut Entropy) -> Self {
        let password = entropy.token();
        Authenticator {
            realm: realm.to_owned(),
            nonces: Nonces::new(entropy),
            nobody: Account {
                ha1_md5: Some(ha1(Algorithm::Md5, "", realm, &password)),
                ha1_sha256: Some(ha1(Algorithm::Sha256, "", realm, &password)),
                calls_only: false,
            },
        }
    }

    /// The values of WWW-Authenticate (or Proxy-Authenticate), one field each, in the order given,
    /// which should be SHA-256 first (RFC 8760 section 2.4). `source` is a number that is always the
    /// same for whoever is challenged, and another for others.
    pub fn challenges(
        &mut self,
        now: Time,
        source: u64,
        algorithms: &[Algorithm],
        stale: bool,
    ) -> Vec<Challenge> {
        let nonce = self.nonces.issue(now, source);
        let challenge = |algorithm: &Algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            opaque: None,
            stale,
            algorithm: Some(algorithm.to_string()),
            qop: vec!["auth".to_owned()],
        };
        algorithms.iter().map(challenge).collect()
    }

    /// Judges a request's Authorization (or Proxy-Authorization). Notes the use: the same request
    /// judged twice is [`Verdict::Stale`], so retransmissions must be absorbed before.
    ///
    /// Credentials without `qop` (RFC 2069) are taken, but their nonce is then good for one use:
    /// there is no count that could tell a replay.
    pub fn verify<'a>(
        &mut self,
        now: Time,
        source: u64,
        request: &Message,
        header: HeaderName,
        account: impl Fn(&str) -> Option<&'a Account>,
    ) -> Verdict {
        let mut verdict = Verdict::Missing;
        for credentials in request.credentials(header) {
            match credentials {
                Ok(given) if given.realm == self.realm => {
                    let Some(algorithm) = Algorithm::named(given.algorithm.as_deref()) else {
                        continue;
                    };
                    let at = (now, source);
                    match self.judge(at, request, algorithm, &given, account(&given.username)) {
                        Ok(good @ (Verdict::Ok(_) | Verdict::Stale)) => return good,
                        Ok(bad) => verdict = bad,
                        Err(why) => verdict = Verdict::Malformed(HeaderError { header, why }),
                    }
                }
                Ok(_) => {}
                Err(error) => verdict = Verdict::Malformed(error),
            }
        }
        verdict
    }

    fn judge(
        &mut self,
        (now, source): (Time, u64),
        request: &Message,
        algorithm: Algorithm,
        given: &Credentials,
        account: Option<&Account>,
    ) -> Result<Verdict, Why> {
        let Some(method) = request.method() else { return Ok(Verdict::Missing) };
        let count = match given.qop.as_deref() {
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                if given.cnonce.as_deref().is_none_or(str::is_empty) {
                    return Err(Why::Syntax);
                }
                given.count().ok_or(Why::Syntax)?
            }
            Some(_) => return Err(Why::Syntax),
            None if given.nc.is_some() => return Err(Why::Syntax),
            None => u32::MAX,
        };
        let digest_uri = Uri::parse(given.uri.as_bytes()).map_err(|_| Why::DigestUri)?;
        if !request.request_uri().is_ok_and(|uri| same_resource(&uri, &digest_uri)) {
            return Err(Why::DigestUri);
        }
        let Some(issue) = self.nonces.genuine(now, &given.nonce, source) else {
            return Ok(Verdict::Stale);
        };

        let known = account.and_then(|account| algorithm.secret(account));
        let secret = known.or(algorithm.secret(&self.nobody)).unwrap_or("");
        let expected = response(algorithm, secret, method, given);
        let right = expected.as_bytes().ct_eq(given.response.to_ascii_lowercase().as_bytes());
        if !bool::from(right) || known.is_none() {
            return Ok(Verdict::Wrong);
        }
        if self.nonces.note_use(now, issue, count) {
            Ok(Verdict::Ok(given.username.clone()))
        } else {
            Ok(Verdict::Stale)
        }
    }
}

/// Whether both name the same user at the same host. Narrower than equality on purpose: phones leave
/// parameters and default ports out of the digest URI, and what this check is for (RFC 7616 section
/// 3.4.6: credentials made for one resource and used for another) needs no more.
fn same_resource(a: &Uri, b: &Uri) -> bool {
    match (a.as_sip(), b.as_sip()) {
        (Some(sip_a), Some(sip_b)) => {
            a.user() == b.user()
                && sip_a.host.equivalent(&sip_b.host)
                && sip_a.port_or_default() == sip_b.port_or_default()
        }
        (Some(_) | None, _) => a.equivalent(b),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::sip::digest::respond;
    use crate::sip::method::Method;

    const REALM: &str = "switchboard";
    const URI: &str = "sip:192.0.2.1";
    const SOURCE: u64 = 7;

    struct Phone {
        server: Authenticator,
        amy: Account,
    }

    impl Phone {
        fn new() -> Self {
            let secret = |algorithm| Some(ha1(algorithm, "amy", REALM, "pass: word"));
            Phone {
                server: Authenticator::new(REALM, &mut Entropy::from_seed([5; 32])),
                amy: Account {
                    ha1_md5: secret(Algorithm::Md5),
                    ha1_sha256: secret(Algorithm::Sha256),
                    calls_only: false,
                },
            }
        }

        fn challenge(&mut self, algorithm: Algorithm) -> Challenge {
            let challenges = self.server.challenges(Time::ZERO, SOURCE, &[algorithm], false);
            challenges.into_iter().next().unwrap_or_else(|| panic!("no challenge"))
        }

        fn send(&mut self, now: Time, value: &dyn fmt::Display) -> Verdict {
            self.send_from(now, SOURCE, value)
        }

        fn send_from(&mut self, now: Time, source: u64, value: &dyn fmt::Display) -> Verdict {
            let request = register(value);
            let amy = &self.amy;
            self.server.verify(now, source, &request, HeaderName::Authorization, |user| {
                (user == "amy").then_some(amy)
            })
        }
    }

    fn register(value: &dyn fmt::Display) -> Message {
        let text = format!("REGISTER {URI} SIP/2.0\r\nAuthorization: {value}\r\nl: 0\r\n\r\n");
        Message::parse(Bytes::from(text)).unwrap_or_else(|e| panic!("{e}"))
    }

    fn answer(challenge: &Challenge, user: &str, password: &str, nc: u32) -> Credentials {
        respond(challenge, user, password, &Method::Register, URI, nc, "c0ffee")
            .unwrap_or_else(|| panic!("no answer"))
    }

    #[test]
    fn the_right_password_opens_once_for_each_count() {
        for algorithm in Algorithm::ALL {
            let mut phone = Phone::new();
            let challenge = phone.challenge(algorithm);
            let first = answer(&challenge, "amy", "pass: word", 1);
            assert_eq!(phone.send(Time::ZERO, &first), Verdict::Ok("amy".to_owned()));
            assert_eq!(phone.send(Time::ZERO, &first), Verdict::Stale);
            let tenth = answer(&challenge, "amy", "pass: word", 10);
            assert_eq!(phone.send(Time::ZERO, &tenth), Verdict::Ok("amy".to_owned()));
        }
    }

    #[test]
    fn wrong_passwords_unknown_users_and_altered_requests_are_refused() {
        let mut phone = Phone::new();
        let challenge = phone.challenge(Algorithm::Sha256);
        assert_eq!(phone.send(Time::ZERO, &answer(&challenge, "amy", "x", 1)), Verdict::Wrong);
        assert_eq!(phone.send(Time::ZERO, &answer(&challenge, "bob", "x", 1)), Verdict::Wrong);
        let mut other_method = answer(&challenge, "amy", "pass: word", 1);
        other_method.response =
            respond(&challenge, "amy", "pass: word", &Method::Invite, URI, 1, "c0ffee")
                .map(|c| c.response)
                .unwrap_or_default();
        assert_eq!(phone.send(Time::ZERO, &other_method), Verdict::Wrong);
        let mut other_count = answer(&challenge, "amy", "pass: word", 1);
        other_count.nc = Some("00000002".to_owned());
        assert_eq!(phone.send(Time::ZERO, &other_count), Verdict::Wrong);
        let mut other_uri = answer(&challenge, "amy", "pass: word", 1);
        other_uri.uri = "sip:192.0.2.2".to_owned();
        let error = HeaderError { header: HeaderName::Authorization, why: Why::DigestUri };
        assert_eq!(phone.send(Time::ZERO, &other_uri), Verdict::Malformed(error));
        let right = answer(&challenge, "amy", "pass: word", 1);
        assert_eq!(phone.send(Time::ZERO, &right), Verdict::Ok("amy".to_owned()));
        let with_port = respond(
            &challenge,
            "amy",
            "pass: word",
            &Method::Register,
            "sip:192.0.2.1:5060;x",
            2,
            "c",
        )
        .unwrap_or_else(|| panic!("no answer"));
        assert_eq!(phone.send(Time::ZERO, &with_port), Verdict::Ok("amy".to_owned()));
    }

    #[test]
    fn a_nonce_that_does_not_count_tells_nothing_of_the_password() {
        let mut phone = Phone::new();
        let challenge = phone.challenge(Algorithm::Md5);
        let late = Time::ZERO + Duration::from_secs(301);
        let before_restart = Authenticator::new(REALM, &mut Entropy::from_seed([6; 32]))
            .challenges(Time::ZERO, SOURCE, &[Algorithm::Md5], false)
            .remove(0);
        for password in ["pass: word", "x"] {
            let given = answer(&challenge, "amy", password, 1);
            assert_eq!(phone.send(late, &given), Verdict::Stale);
            assert_eq!(phone.send_from(Time::ZERO, SOURCE + 1, &given), Verdict::Stale);
            let given = answer(&before_restart, "amy", password, 1);
            assert_eq!(phone.send(Time::ZERO, &given), Verdict::Stale);
        }
        let right = answer(&challenge, "amy", "pass: word", 1);
        assert_eq!(phone.send(Time::ZERO, &right), Verdict::Ok("amy".to_owned()));
    }

    #[test]
    fn credentials_without_qop_are_good_for_one_use_of_the_nonce() {
        let mut phone = Phone::new();
        let mut challenge = phone.challenge(Algorithm::Md5);
        challenge.qop.clear();
        challenge.algorithm = None;
        let given = answer(&challenge, "amy", "pass: word", 1);
        assert_eq!(given.qop, None);
        assert_eq!(phone.send(Time::ZERO, &given), Verdict::Ok("amy".to_owned()));
        assert_eq!(phone.send(Time::ZERO, &given), Verdict::Stale);
    }

    #[test]
    fn what_is_not_for_us_counts_as_missing_and_what_is_broken_as_malformed() {
        let mut phone = Phone::new();
        let challenge = phone.challenge(Algorithm::Md5);
        let right = answer(&challenge, "amy", "pass: word", 1);
        assert_eq!(phone.send(Time::ZERO, &"NoOneKnowsThisScheme x=y"), Verdict::Missing);
        let elsewhere = Credentials { realm: "elsewhere".to_owned(), ..right.clone() };
        assert_eq!(phone.send(Time::ZERO, &elsewhere), Verdict::Missing);
        let session = Credentials { algorithm: Some("MD5-sess".to_owned()), ..right.clone() };
        assert_eq!(phone.send(Time::ZERO, &session), Verdict::Missing);
        for broken in [
            Credentials { qop: Some("auth-int".to_owned()), ..right.clone() },
            Credentials { cnonce: None, ..right.clone() },
            Credentials { nc: None, ..right.clone() },
            Credentials { qop: None, ..right.clone() },
        ] {
            assert!(matches!(phone.send(Time::ZERO, &broken), Verdict::Malformed(_)), "{broken}");
        }
        assert!(matches!(phone.send(Time::ZERO, &"Digest x"), Verdict::Malformed(_)));
        let two = format!("{elsewhere}\r\nAuthorization: {right}");
        assert_eq!(phone.send(Time::ZERO, &two), Verdict::Ok("amy".to_owned()));
    }
}
