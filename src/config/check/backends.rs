//! Other systems that flows ask.

use std::net::IpAddr;

use crate::config::problem::Problem;

use super::Check;

impl Check<'_> {
    pub(super) fn backends(&mut self) {
        let settings = self.settings;
        for (name, backend) in &settings.backends {
            let at = |key| ["backend", name.as_str(), key];
            self.service(&at("url"), &backend.url);
            for (key, what, value) in [
                ("failures", "the number of failures", backend.failures),
                ("rest_s", "the time that it is left alone", backend.rest_s),
                ("at_once", "the number of requests at once", backend.at_once),
            ] {
                self.not_zero(&at(key), what, u64::from(value));
            }
            let timeout_ms = backend.timeout_ms.into();
            self.within(&at("timeout_ms"), "the time for an answer", timeout_ms, LONGEST_ANSWER_MS);
            if backend.retries > MOST_RETRIES {
                let (value, most) = (backend.retries.into(), MOST_RETRIES.into());
                let what = "the number of further tries";
                self.error(&at("retries"), Problem::TooMuch { what, value, most });
            }
            let (patience_s, retries) = (backend.timeout_ms / 1_000, backend.retries);
            if patience_s.saturating_mul(retries.saturating_add(1)) > LONGEST_WAIT_S {
                self.warning(&at("timeout_ms"), Problem::ImpatientCallers { patience_s, retries });
            }
        }
    }

    /// The address of a service over HTTP.
    pub(super) fn service(&mut self, at: &[&str], address: &str) {
        match reqwest::Url::parse(address) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.query().is_none()
                    && url.fragment().is_none() =>
            {
                if url.scheme() == "http" && !is_this_machine(url.host_str().unwrap_or_default()) {
                    self.warning(at, Problem::PlainBackend);
                }
            }
            Ok(_) | Err(_) => {
                self.error(at, Problem::BadBackendUrl { url: address.to_owned() });
            }
        }
    }
}

/// No caller waits for an answer that takes longer, in milliseconds.
pub(super) const LONGEST_ANSWER_MS: u64 = 60_000;
/// A system that has failed so often in a row does not answer.
const MOST_RETRIES: u32 = 10;
/// Callers who hear nothing but music for longer hang up.
const LONGEST_WAIT_S: u32 = 20;

/// Whether a host's name or address is this machine's own.
pub(super) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
