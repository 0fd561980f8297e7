//! What can be wrong with a secret that stands in a file of its own.

/// What is wrong. None of it tells the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's text says what it is; fields are what the text names"
)]
pub enum SecretProblem {
    #[error("`{path}` cannot be read: {error}")]
    Unreadable { path: String, error: String },
    #[error("`{path}` is empty")]
    Empty { path: String },
    #[error("`{path}` has more than one line in it, or control characters")]
    NotOneLine { path: String },
    #[error("`{path}` has characters in it that no token has")]
    NotAToken { path: String },
    #[error("`{path}` has no API key of GOV.UK Notify in it")]
    NotOfNotify { path: String },
    #[error("`{path}` has no key for recordings in it")]
    NotAKey { path: String },
    #[error("`{path}` has no access key of an object store in it")]
    NotAnAccessKey { path: String },
}

impl SecretProblem {
    /// What would be right.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            SecretProblem::Unreadable { .. } => {
                "a relative path begins at the folder above the settings file's; the user that runs \
                 switchboard must be able to read the file"
            }
            SecretProblem::Empty { .. } | SecretProblem::NotOneLine { .. } => {
                "write the secret into it as one line, and nothing else"
            }
            SecretProblem::NotAToken { .. } => {
                "a token has letters, digits and signs, without spaces (RFC 6750 section 2.1)"
            }
            SecretProblem::NotOfNotify { .. } => {
                "copy the key as Notify shows it: it ends in two UUIDs with a hyphen between them"
            }
            SecretProblem::NotAKey { .. } => "make one with `openssl rand -hex 32`",
            SecretProblem::NotAnAccessKey { .. } => {
                "write the access key's id on the first line and its secret on the second"
            }
        }
    }
}
