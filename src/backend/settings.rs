//! How a back end is reached, and how patiently.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A back end of the settings (`[backend.council-tax]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendSettings {
    /// Its address, to which a request's path is added: `https://tax.example.gov.uk/api`.
    pub url: String,
    /// A file with the token that it asks for (`Authorization: Bearer`, RFC 6750 section 2.1).
    pub token_file: Option<PathBuf>,
    /// How long an answer may take, in milliseconds.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
    /// How often a request is repeated that got no answer. One that changes something (POST) is
    /// repeated only if it cannot have arrived, or if the back end knows keys.
    #[serde(default = "retries")]
    pub retries: u32,
    /// Whether it carries out once what it gets twice with the same `Idempotency-Key`.
    #[serde(default)]
    pub idempotency_keys: bool,
    /// Failures in a row after which it is left alone.
    #[serde(default = "failures")]
    pub failures: u32,
    /// How long it is left alone then, in seconds.
    #[serde(default = "rest_s")]
    pub rest_s: u32,
    /// How many requests may be under way at once.
    #[serde(default = "at_once")]
    pub at_once: u32,
}

impl BackendSettings {
    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.into())
    }

    /// How long it is left alone after it has failed too often.
    pub fn rest(&self) -> Duration {
        Duration::from_secs(self.rest_s.into())
    }
}

const fn timeout_ms() -> u32 {
    3_000
}

const fn retries() -> u32 {
    1
}

const fn failures() -> u32 {
    5
}

const fn rest_s() -> u32 {
    30
}

const fn at_once() -> u32 {
    50
}
