//! What can be wrong with a file of TLS.

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's text says what it is; fields are what the text names"
)]
pub enum CertificateProblem {
    #[error("`{path}` cannot be read: {error}")]
    Unreadable { path: String, error: String },
    #[error("`{path}` has no certificate in it, or a broken one")]
    NoCertificate { path: String },
    #[error("`{path}` has no private key in it, or a broken one")]
    NoKey { path: String },
    #[error("this is not the key of `{certificate}`")]
    OtherKey { certificate: String },
    #[error("the certificate cannot be used: {error}")]
    Unusable { error: String },
    #[error("the certificate has ended on {on}")]
    Expired { on: String },
    #[error("the certificate ends on {on}")]
    ExpiresSoon { on: String },
    #[error("the certificate is valid from {from}")]
    NotYetValid { from: String },
}

impl CertificateProblem {
    /// What would be right.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            CertificateProblem::Unreadable { .. } => {
                "a relative path begins at the folder above the settings file's; the user that runs \
                 switchboard must be able to read the file"
            }
            CertificateProblem::NoCertificate { .. } => {
                "a PEM file with `-----BEGIN CERTIFICATE-----` is needed: ours first, then those of \
                 the authorities between it and the root"
            }
            CertificateProblem::NoKey { .. } => {
                "a PEM file with an unencrypted private key (PKCS #8, RSA or EC) is needed"
            }
            CertificateProblem::OtherKey { .. } => {
                "give the key for which the first certificate in that file was made"
            }
            CertificateProblem::Unusable { .. } => {
                "give one with an RSA key of 2048 bits or more, or an EC key"
            }
            CertificateProblem::Expired { .. } | CertificateProblem::ExpiresSoon { .. } => {
                "renew it, then send SIGHUP: nobody is cut off"
            }
            CertificateProblem::NotYetValid { .. } => "is this machine's clock right?",
        }
    }
}
