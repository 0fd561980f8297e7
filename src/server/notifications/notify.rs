//! GOV.UK Notify's HTTP API (<https://docs.notifications.service.gov.uk/rest-api.html>).
//!
//! Notify sends what it is asked for twice twice: the reference is for finding, not for telling the same
//! again. So whatever it may have is looked for by its reference before it is asked again.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::PostError;
use crate::event::{Channel, SendFault};
use crate::notification::{Bounce, Dispatch, NotifySettings};
use crate::server::http_client::{self, Cut};
use crate::server::secret_file;

/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1_024;

/// A service of GOV.UK Notify.
pub(super) struct Notify {
    client: reqwest::Client,
    url: String,
    key: Option<NotifyKey>,
    timeout: Duration,
}

/// What makes us known to Notify.
pub struct NotifyKey {
    service: String,
    secret: Zeroizing<String>,
}

impl fmt::Debug for NotifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(of {})", self.service)
    }
}

impl NotifyKey {
    /// `name-{the service's id}-{the secret}`, both of these UUIDs.
    pub fn read(written: &str) -> Option<NotifyKey> {
        const UUID: usize = 36;
        let secret = written.len().checked_sub(UUID).and_then(|at| written.get(at..))?;
        let rest = written.strip_suffix(secret)?.strip_suffix('-')?;
        let service = rest.len().checked_sub(UUID).and_then(|at| rest.get(at..))?;
        let uuid = |text: &str| text.parse::<uuid::Uuid>().is_ok();
        (uuid(service) && uuid(secret)).then(|| NotifyKey {
            service: service.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// A JSON Web Token with HS256 (RFC 7519, RFC 7518 section 3.2), which Notify takes for 30 seconds.
    fn token(&self, now_s: u64) -> String {
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let head = part(json!({"typ": "JWT", "alg": "HS256"}));
        let claims = part(json!({"iss": self.service, "iat": now_s}));
        let signed = format!("{head}.{claims}");
        let mut mac = match Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()) {
            Ok(mac) => mac,
            // HMAC takes keys of every length (RFC 2104 section 3).
            Err(_) => return signed,
        };
        mac.update(signed.as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signed}.{tag}")
    }
}

impl Notify {
    pub(super) fn new(settings: &NotifySettings) -> Result<Self, PostError> {
        let client = http_client::client().build().map_err(PostError::Client)?;
        let key = settings.key_file.as_deref().map(secret_file::notify_key).transpose();
        let key = key.map_err(PostError::Key)?;
        let url = settings.url.trim_end_matches('/').to_owned();
        let timeout = Duration::from_millis(settings.timeout_ms.into());
        Ok(Notify { client, url, key, timeout })
    }

    /// Sends something, unless it is there already.
    pub(super) async fn send(
        &self,
        dispatch: &Dispatch,
        by: Channel,
        template: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<Option<String>, Bounce> {
        if dispatch.perhaps_there
            && let Some(receipt) = self.find(dispatch).await?
        {
            return Ok(Some(receipt));
        }
        let (path, recipient) = match by {
            Channel::Text => ("sms", "phone_number"),
            Channel::Email => ("email", "email_address"),
        };
        let body = json!({
            recipient: dispatch.to,
            "template_id": template,
            "personalisation": fields,
            "reference": dispatch.reference(),
        });
        let request = self.client.post(format!("{}/v2/notifications/{path}", self.url));
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let (status, body) = self.ask(request).await?;
        match status {
            StatusCode::CREATED | StatusCode::OK => Ok(text_at(&body, "id")),
            status => Err(refusal(status, &body)),
        }
    }

    /// What Notify calls it, if it has it.
    async fn find(&self, dispatch: &Dispatch) -> Result<Option<String>, Bounce> {
        let reference = dispatch.reference();
        let request =
            self.client.get(format!("{}/v2/notifications?reference={reference}", self.url));
        // If that fails, it may be there as before.
        let unsure = |bounce| Bounce { arrived: true, ..bounce };
        let (status, body) = self.ask(request).await.map_err(unsure)?;
        match status {
            StatusCode::OK => {
                let found = body.get("notifications").and_then(|all| all.get(0));
                Ok(found.map(|one| text_at(one, "id").unwrap_or(reference)))
            }
            status => Err(unsure(refusal(status, &body))),
        }
    }

    async fn ask(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, serde_json::Value), Bounce> {
        let mut request = request.header(ACCEPT, "application/json");
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, format!("Bearer {}", key.token(now_s())));
        }
        match tokio::time::timeout(self.timeout, answer(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(Bounce { why: SendFault::TimedOut, words: None, arrived: true }),
        }
    }
}

async fn answer(
    request: reqwest::RequestBuilder,
) -> Result<(StatusCode, serde_json::Value), Bounce> {
    let lost = |arrived| Bounce { why: SendFault::Unreachable, words: None, arrived };
    // Only before there is a connection is it certain that nothing was sent.
    let response = request.send().await.map_err(|error| lost(!error.is_connect()))?;
    let status = response.status();
    let bytes = http_client::body(response, MAX_ANSWER).await.map_err(|cut| match cut {
        Cut::TooLong => Bounce { why: SendFault::Broken, words: None, arrived: true },
        Cut::Broke(_) => lost(true),
    })?;
    // Its status says whether it was taken; what else it says need not be readable.
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// Why it was not taken: `{"errors": [{"error": "RateLimitError", "message": "..."}]}`.
fn refusal(status: StatusCode, body: &serde_json::Value) -> Bounce {
    let first = body.get("errors").and_then(|errors| errors.get(0));
    let words = first.map(|error| {
        let part = |name| text_at(error, name).unwrap_or_default();
        format!("{}: {}", part("error"), part("message"))
    });
    let (why, arrived) = match status.as_u16() {
        401 | 403 => (SendFault::NotAllowed, false),
        429 => (SendFault::Busy, false),
        400..=499 => (SendFault::Refused, false),
        _ => (SendFault::Broken, true),
    };
    Bounce { why, words, arrived }
}

fn text_at(json: &serde_json::Value, name: &str) -> Option<String> {
    json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned)
}

/// Seconds since 1970. Notify refuses tokens of a clock that is more than 30 s wrong.
#[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "26785a09-ab16-4eb0-8407-a37497a57506";
    const SECRET: &str = "3d844edf-8d35-48ac-975b-e847b4f122b0";

    #[test]
    fn a_key_is_a_name_and_two_ids() {
        let key = NotifyKey::read(&format!("my-test-key-{SERVICE}-{SECRET}")).expect("a key");
        assert_eq!((key.service.as_str(), key.secret.as_str()), (SERVICE, SECRET));
        assert_eq!(format!("{key:?}"), format!("Key(of {SERVICE})"));
        for bad in ["", "a-b", SECRET, &format!("name-{SERVICE}-{}", &SECRET[1..]), "é"] {
            assert!(NotifyKey::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_the_one_that_others_make() {
        let key = NotifyKey::read(&format!("k-{SERVICE}-{SECRET}")).expect("a key");
        // By Python's hmac and base64.
        assert_eq!(
            key.token(1_790_000_000),
            concat!(
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
                "eyJpYXQiOjE3OTAwMDAwMDAsImlzcyI6IjI2Nzg1YTA5LWFiMTYtNGViMC04NDA3LWEzNzQ5N2E1NzUwNiJ9.",
                "GMBwOkHJaSQd_jnrzBeEKdzX4I_nUrAALvUceoW5cZg"
            )
        );
    }
}
