//! Digest: whatever the challenges and the credentials are, nobody is let in without the password,
//! and no proof is good twice.

use std::time::Duration;

use bytes::Bytes;
use switchboard::id::Entropy;
use switchboard::sip::digest::{Algorithm, Authenticator, Verdict, ha1, respond};
use switchboard::sip::endpoint::Account;
use switchboard::sip::header::{Challenge, Credentials, HeaderName};
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::time::Time;

use super::source::Source;

const REALM: &str = "switchboard";
const URI: &str = "sip:amy@192.0.2.1";
const PASSWORD: &str = "secret";

/// Decisions, then the value of a header.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let mut server = Server::new();
    match source.below(4) {
        0 => challenge(&mut source),
        1 => strange(&mut server, &mut source),
        2 => spoilt(&mut server, &mut source),
        _ => proved(&mut server, &mut source),
    }
}

struct Server {
    now: Time,
    authenticator: Authenticator,
    amy: Account,
}

impl Server {
    fn new() -> Server {
        let secret = |algorithm| Some(ha1(algorithm, "amy", REALM, PASSWORD));
        Server {
            now: Time::ZERO,
            authenticator: Authenticator::new(REALM, &mut Entropy::from_seed([5; 32])),
            amy: Account {
                ha1_md5: secret(Algorithm::Md5),
                ha1_sha256: secret(Algorithm::Sha256),
                calls_only: false,
            },
        }
    }

    fn challenge(&mut self, who: u64) -> Vec<Challenge> {
        self.authenticator.challenges(self.now, who, &Algorithm::ALL, false)
    }

    fn verify(&mut self, who: u64, value: &[u8]) -> Verdict {
        let head = format!("INVITE {URI} SIP/2.0\r\nAuthorization: ");
        let bytes = [head.as_bytes(), value, b"\r\n\r\n"].concat();
        let Ok(request) = Message::parse(Bytes::from(bytes)) else { return Verdict::Missing };
        let (now, amy) = (self.now, &self.amy);
        self.authenticator.verify(now, who, &request, HeaderName::Authorization, |user| {
            (user == "amy").then_some(amy)
        })
    }
}

/// Somebody challenges us.
fn challenge(source: &mut Source<'_>) {
    let count = u32::from(source.u16());
    let Ok(Some(challenge)) = Challenge::parse(source.rest()) else { return };
    let text = challenge.to_string();
    assert_eq!(Challenge::parse(text.as_bytes()), Ok(Some(challenge.clone())), "{text}");
    let answer = respond(&challenge, "amy", PASSWORD, &Method::Invite, URI, count, "c");
    if let Some(answer) = answer {
        let text = answer.to_string();
        assert_eq!(Credentials::parse(text.as_bytes()), Ok(Some(answer)), "{text}");
        assert!(!text.contains(PASSWORD) && !text.contains(['\r', '\n']), "{text}");
    }
}

/// Credentials that were made without the password. A `$` stands for a nonce that is good.
fn strange(server: &mut Server, source: &mut Source<'_>) {
    let nonce = server.challenge(1).first().map(|one| one.nonce.clone()).unwrap_or_default();
    let mut value = Vec::new();
    for byte in source.rest() {
        match byte {
            b'$' => value.extend_from_slice(nonce.as_bytes()),
            byte => value.push(*byte),
        }
    }
    let verdict = server.verify(1, &value);
    assert!(!matches!(verdict, Verdict::Ok(_)), "{}", String::from_utf8_lossy(&value));
}

fn right(server: &mut Server, source: &mut Source<'_>, count: u32) -> Credentials {
    let challenges = server.challenge(1);
    let challenge = &challenges[source.below(challenges.len())];
    respond(challenge, "amy", PASSWORD, &Method::Invite, URI, count, "c").expect("we speak both")
}

/// Credentials one part of which is not what was proved.
fn spoilt(server: &mut Server, source: &mut Source<'_>) {
    let mut given = right(server, source, 1);
    let part = source.below(7);
    let words = String::from_utf8_lossy(source.rest()).into_owned();
    let kept = match part {
        0 => std::mem::replace(&mut given.username, words.clone()),
        1 => std::mem::replace(&mut given.realm, words.clone()),
        2 => std::mem::replace(&mut given.nonce, words.clone()),
        3 => std::mem::replace(&mut given.uri, words.clone()),
        4 => std::mem::replace(&mut given.response, words.clone()),
        5 => given.cnonce.replace(words.clone()).unwrap_or_default(),
        _ => given.nc.replace(words.clone()).unwrap_or_default(),
    };
    let same = if part == 4 { kept.eq_ignore_ascii_case(&words) } else { kept == words };
    let verdict = server.verify(1, given.to_string().as_bytes());
    assert!(same || !matches!(verdict, Verdict::Ok(_)), "{part}: {kept} became {words}");
}

/// Credentials that are right, used again and again, by others and too late.
fn proved(server: &mut Server, source: &mut Source<'_>) {
    let mut uses = Vec::new();
    for _ in 0..8 {
        let count = u32::from(source.byte());
        let given = right(server, source, count);
        uses.push(given.to_string());
        server.now += Duration::from_secs(u64::from(source.u16() % 600));
        let again = uses[source.below(uses.len())].clone();
        let who = u64::from(!source.one_in(4));
        let first = server.verify(who, again.as_bytes());
        if who == 0 {
            assert_eq!(first, Verdict::Stale, "a nonce is good for whom it was given to");
        }
        if let Verdict::Ok(user) = first {
            assert_eq!(user, "amy");
            assert_eq!(
                server.verify(who, again.as_bytes()),
                Verdict::Stale,
                "a proof is good once"
            );
        }
    }
}
