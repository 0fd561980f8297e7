//! The client's side: a password, and the answers to challenges that it makes.

use std::fmt;

use super::{Algorithm, respond};
use crate::id::Entropy;
use crate::sip::header::HeaderName;
use crate::sip::message::Message;

/// Who we are to a peer that challenges us. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(secret)")
    }
}

/// The answers to the challenges in a 401 or 407 to `request`: for each realm one, to the best
/// algorithm that we speak (RFC 7616 section 3.7, RFC 3261 section 22.3). Empty if there is none
/// that can be answered.
pub(in crate::sip) fn answers(
    login: &Login,
    refusal: &Message,
    request: &Message,
    entropy: &mut Entropy,
) -> Vec<(HeaderName, String)> {
    let Some(method) = request.method() else { return Vec::new() };
    let uri = String::from_utf8_lossy(request.request_uri_bytes()).into_owned();
    let mut answers = Vec::new();
    for (asked, given) in [
        (HeaderName::WwwAuthenticate, HeaderName::Authorization),
        (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
    ] {
        let mut challenges: Vec<_> = refusal
            .challenges(asked)
            .filter_map(Result::ok)
            .filter_map(|one| Some((Algorithm::named(one.algorithm.as_deref())?, one)))
            .collect();
        // The best first; equal ones stay in the peer's order.
        challenges.sort_by_key(|(algorithm, _)| *algorithm);
        let mut realms: Vec<String> = Vec::new();
        for (_, challenge) in challenges {
            // Credentials that were refused once are not sent again, unless only their nonce was old.
            let refused = request
                .credentials(given)
                .filter_map(Result::ok)
                .any(|sent| sent.realm == challenge.realm);
            if realms.contains(&challenge.realm) || (refused && !challenge.stale) {
                continue;
            }
            let cnonce = entropy.token();
            let answer =
                respond(&challenge, &login.user, &login.password, method, &uri, 1, &cnonce);
            if let Some(answer) = answer {
                realms.push(challenge.realm);
                answers.push((given, answer.to_string()));
            }
        }
    }
    answers
}
