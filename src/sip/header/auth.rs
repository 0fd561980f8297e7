//! Authorization, WWW-Authenticate and their proxy twins (RFC 3261 section 20.7, RFC 7616).

use std::fmt;

use super::params::MOST_PARAMS;
use super::scan::{self, Scan};
use crate::sip::error::Why;

/// The comma-separated parameters after the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct AuthParams(Vec<(String, String)>);

impl AuthParams {
    /// Values without quotes and escapes; a parameter that occurs twice is an error, lest two
    /// readers take different ones.
    fn parse(mut scan: Scan<'_>) -> Result<AuthParams, Why> {
        let mut list: Vec<(String, String)> = Vec::new();
        loop {
            scan.skip_lws();
            let name = scan.token()?.to_ascii_lowercase();
            if !scan.eat_separator(b'=') {
                return Err(Why::Syntax);
            }
            let value = match scan.peek() {
                Some(b'"') => scan::unquote(scan.quoted()?),
                _ => {
                    let value = scan.take_while(|b| b != b',' && b != b'"' && !scan::is_lws(b));
                    let value = std::str::from_utf8(value).map_err(|_| Why::Syntax)?;
                    if value.is_empty() {
                        return Err(Why::Syntax);
                    }
                    value.to_owned()
                }
            };
            if list.iter().any(|(known, _)| *known == name) {
                return Err(Why::Repeated);
            }
            // Each is compared with each: a datagram full of them would take a tenth of a second.
            if list.len() == MOST_PARAMS {
                return Err(Why::Syntax);
            }
            list.push((name, value));
            if !scan.eat_separator(b',') {
                scan.done()?;
                return Ok(AuthParams(list));
            }
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<String, Why> {
        self.get(name).map(str::to_owned).ok_or(Why::Syntax)
    }
}

/// Reads the scheme; none if it is not Digest.
fn digest_params(value: &[u8]) -> Result<Option<AuthParams>, Why> {
    let mut scan = Scan::new(value);
    scan.skip_lws();
    if !scan.token()?.eq_ignore_ascii_case("Digest") {
        return Ok(None);
    }
    AuthParams::parse(scan).map(Some)
}

/// Digest credentials in a request (RFC 7616 section 3.4). Values are without quotes and escapes.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub username: String,
    /// For which realm.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// The digest URI.
    pub uri: String,
    /// The proof, in hexadecimal.
    pub response: String,
    /// The algorithm; MD5 if none is named.
    pub algorithm: Option<String>,
    /// The client's nonce.
    pub cnonce: Option<String>,
    /// The server's opaque value.
    pub opaque: Option<String>,
    /// The quality of protection; none in RFC 2069's way.
    pub qop: Option<String>,
    /// How often the client used the nonce: 8 hexadecimal digits, as written, since they are hashed.
    pub nc: Option<String>,
}

impl fmt::Debug for Credentials {
    /// Without the proof: passwords can be tried against it at leisure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} in {})", self.username, self.realm)
    }
}

impl Credentials {
    /// Reads a header's value; `Ok(None)` if its scheme is not Digest.
    pub fn parse(value: &[u8]) -> Result<Option<Credentials>, Why> {
        let Some(params) = digest_params(value)? else { return Ok(None) };
        let nc = params.get("nc").map(str::to_owned);
        // RFC 7616 section 3.4: exactly eight hexadecimal digits.
        if nc.as_ref().is_some_and(|nc| nc.len() != 8 || !nc.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            return Err(Why::Syntax);
        }
        Ok(Some(Credentials {
            username: params.required("username")?,
            realm: params.required("realm")?,
            nonce: params.required("nonce")?,
            uri: params.required("uri")?,
            response: params.required("response")?,
            algorithm: params.get("algorithm").map(str::to_owned),
            cnonce: params.get("cnonce").map(str::to_owned),
            opaque: params.get("opaque").map(str::to_owned),
            qop: params.get("qop").map(str::to_owned),
            nc,
        }))
    }

    /// The nonce count as a number.
    pub fn count(&self) -> Option<u32> {
        self.nc.as_deref().and_then(|nc| u32::from_str_radix(nc, 16).ok())
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest username=")?;
        scan::write_quoted(f, &self.username)?;
        for (name, value) in [
            (", realm=", Some(&self.realm)),
            (", nonce=", Some(&self.nonce)),
            (", uri=", Some(&self.uri)),
            (", response=", Some(&self.response)),
            (", cnonce=", self.cnonce.as_ref()),
            (", opaque=", self.opaque.as_ref()),
        ] {
            if let Some(value) = value {
                f.write_str(name)?;
                scan::write_quoted(f, value)?;
            }
        }
        let bare = [(", algorithm=", &self.algorithm), (", qop=", &self.qop), (", nc=", &self.nc)];
        for (name, value) in bare {
            if let Some(value) = value {
                f.write_str(name)?;
                write_word(f, value)?;
            }
        }
        Ok(())
    }
}

/// A token as it is, and in quotes what a peer had in quotes where a token belongs.
fn write_word(f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
    match !word.is_empty() && word.bytes().all(scan::is_token) {
        true => f.write_str(word),
        false => scan::write_quoted(f, word),
    }
}

/// A digest challenge in a 401 or 407 (RFC 7616 section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The realm.
    pub realm: String,
    /// The nonce.
    pub nonce: String,
    /// To be sent back unchanged.
    pub opaque: Option<String>,
    /// The credentials were right but their nonce too old.
    pub stale: bool,
    /// The algorithm; MD5 if none is named.
    pub algorithm: Option<String>,
    /// The qualities of protection on offer; empty in RFC 2069's way.
    pub qop: Vec<String>,
}

impl Challenge {
    /// Reads a header's value; `Ok(None)` if its scheme is not Digest.
    pub fn parse(value: &[u8]) -> Result<Option<Challenge>, Why> {
        let Some(params) = digest_params(value)? else { return Ok(None) };
        Ok(Some(Challenge {
            realm: params.required("realm")?,
            nonce: params.required("nonce")?,
            opaque: params.get("opaque").map(str::to_owned),
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            algorithm: params.get("algorithm").map(str::to_owned),
            qop: params
                .get("qop")
                .map(|qop| qop.split(',').map(|q| q.trim().to_ascii_lowercase()).collect())
                .unwrap_or_default(),
        }))
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest realm=")?;
        scan::write_quoted(f, &self.realm)?;
        f.write_str(", nonce=")?;
        scan::write_quoted(f, &self.nonce)?;
        if let Some(opaque) = &self.opaque {
            f.write_str(", opaque=")?;
            scan::write_quoted(f, opaque)?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        if let Some(algorithm) = &self.algorithm {
            f.write_str(", algorithm=")?;
            write_word(f, algorithm)?;
        }
        if !self.qop.is_empty() {
            f.write_str(", qop=")?;
            scan::write_quoted(f, &self.qop.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_read_with_escapes_and_a_hexadecimal_count() {
        let value = b"Digest username=\"a\\\"b\", realm=\"r\",nonce=\"n\" , uri=\"sip:x\",\r\n response=\"00ff\", qop=auth, nc=0000000A, cnonce=\"c\", algorithm=SHA-256";
        let Ok(Some(read)) = Credentials::parse(value) else { panic!() };
        assert_eq!((read.username.as_str(), read.count()), ("a\"b", Some(10)));
        assert_eq!(Credentials::parse(read.to_string().as_bytes()), Ok(Some(read)));
    }

    #[test]
    fn other_schemes_are_not_ours_and_broken_ones_are_errors() {
        assert_eq!(Credentials::parse(b"NoOneKnowsThisScheme opaque-data=here"), Ok(None));
        for value in [
            "Digest",
            "Digest username=\"a\"",
            "Digest username=\"a\", username=\"b\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"",
            "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", nc=1",
            "Digest username=\"a, realm=",
            "",
        ] {
            assert!(Credentials::parse(value.as_bytes()).is_err(), "{value}");
        }
    }

    #[test]
    fn there_may_be_many_parameters_but_not_any_number() {
        let given = "Digest username=\"a\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"";
        let read = |more: usize| {
            let more: String = (0..more).map(|at| format!(", p{at}=1")).collect();
            Credentials::parse(format!("{given}{more}").as_bytes()).map(|read| read.is_some())
        };
        assert_eq!(read(MOST_PARAMS - 5), Ok(true));
        assert_eq!(read(MOST_PARAMS - 4), Err(Why::Syntax));
    }

    #[test]
    fn a_challenge_reads_back_as_printed() {
        let challenge = Challenge {
            realm: "switch \"board\"".to_owned(),
            nonce: "abc".to_owned(),
            opaque: Some("o".to_owned()),
            stale: true,
            algorithm: Some("SHA-256".to_owned()),
            qop: vec!["auth".to_owned()],
        };
        assert_eq!(Challenge::parse(challenge.to_string().as_bytes()), Ok(Some(challenge)));
        let odd = b"Digest realm=\"r\", nonce=\"n\", algorithm=\"\"";
        let odd = Challenge::parse(odd).unwrap().unwrap();
        assert_eq!(Challenge::parse(odd.to_string().as_bytes()), Ok(Some(odd)));
    }

    proptest! {
        #[test]
        fn printed_credentials_and_challenges_read_back_the_same(
            texts in proptest::collection::vec("[^\r\n]{0,12}", 6), response in "[0-9a-f]{32}",
            nc in proptest::option::of("[0-9a-f]{8}"), auth: bool, stale: bool,
        ) {
            let text = |nth: usize| texts.get(nth).cloned().unwrap_or_default();
            let token = |token: &str| auth.then(|| token.to_owned());
            let credentials = Credentials {
                username: text(0),
                realm: text(1),
                nonce: text(2),
                uri: text(3),
                response,
                algorithm: token("SHA-256"),
                cnonce: auth.then(|| text(4)),
                opaque: stale.then(|| text(5)),
                qop: token("auth"),
                nc,
            };
            let challenge = Challenge {
                realm: text(0),
                nonce: text(1),
                opaque: stale.then(|| text(2)),
                stale,
                algorithm: token("MD5"),
                qop: token("auth").into_iter().collect(),
            };
            prop_assert_eq!(Credentials::parse(credentials.to_string().as_bytes()), Ok(Some(credentials)));
            prop_assert_eq!(Challenge::parse(challenge.to_string().as_bytes()), Ok(Some(challenge)));
        }

        #[test]
        fn any_bytes_are_credentials_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let bytes = [b"Digest ", bytes.as_slice()].concat();
            let _ = (Credentials::parse(&bytes), Challenge::parse(&bytes));
        }
    }
}
