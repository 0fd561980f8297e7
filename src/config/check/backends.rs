//! Other systems that flows ask.

use std::net::IpAddr;

use crate::config::problem::Problem;

use super::Check;

impl Check<'_> {
    pub(super) fn backends(&mut self) {
        let settings = self.settings;
        for (name, backend) in &settings.backends {
            let at = |key| ["backend", name.as_str(), key];
            match reqwest::Url::parse(&backend.url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                    if url.query().is_some() || url.fragment().is_some() {
                        let url = backend.url.clone();
                        self.error(&at("url"), Problem::BadBackendUrl { url });
                    } else if url.scheme() == "http" && !is_this_machine(&url) {
                        self.warning(&at("url"), Problem::PlainBackend);
                    }
                }
                Ok(_) | Err(_) => {
                    let url = backend.url.clone();
                    self.error(&at("url"), Problem::BadBackendUrl { url });
                }
            }
            for (key, what, value) in [
                ("timeout_ms", "the time for an answer", backend.timeout_ms),
                ("failures", "the number of failures", backend.failures),
                ("rest_s", "the time that it is left alone", backend.rest_s),
                ("at_once", "the number of requests at once", backend.at_once),
            ] {
                self.not_zero(&at(key), what, u64::from(value));
            }
            let (patience_s, retries) = (backend.timeout_ms / 1_000, backend.retries);
            if patience_s.saturating_mul(retries.saturating_add(1)) > LONGEST_WAIT_S {
                self.warning(&at("timeout_ms"), Problem::ImpatientCallers { patience_s, retries });
            }
        }
    }
}

/// Callers who hear nothing but music for longer hang up.
const LONGEST_WAIT_S: u32 = 20;

fn is_this_machine(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
