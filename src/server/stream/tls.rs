//! TLS of listeners and of connections that we open: certificates and authorities read from files.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::problem::CertificateProblem;
use crate::config::settings::{ClientCertificate, TlsSettings};

use super::certificate;

/// Sessions that phones can resume without a whole handshake.
const SESSIONS: usize = 10_000;
/// A certificate that ends sooner is spoken of.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);

/// What TLS needs on both sides. Cheap to copy.
#[derive(Debug, Clone)]
pub struct TlsConfigs {
    /// Where peers connect to us.
    pub(super) server: Arc<ServerConfig>,
    /// Where we connect to peers.
    pub(super) client: Arc<ClientConfig>,
}

/// What is to be said of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key of the settings that names it.
    pub key: Key,
    /// What is wrong.
    pub problem: CertificateProblem,
}

/// A key of [`TlsSettings`].
pub type Key = &'static str;

/// What the settings' files come to.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Ready to be used.
    pub configs: TlsConfigs,
    /// What works and is hardly meant.
    pub warnings: Vec<Fault>,
}

/// Clients of HTTP take their cryptography from the process: to be called before one is made. Whoever
/// was first chose the same.
pub fn provide_for_clients() {
    let _ = ring::default_provider().install_default();
}

/// Reads the files that settings name. `now` is what the calendar shows.
pub fn load(settings: &TlsSettings, now: Timestamp) -> Result<Loaded, Fault> {
    let chain = certificates("certificate", &settings.certificate)?;
    let mut warnings = Vec::new();
    if let Some(problem) = chain.first().and_then(|first| age(first, now)) {
        warnings.push(Fault { key: "certificate", problem });
    }
    let key = private_key(&settings.private_key)?;
    let provider = Arc::new(ring::default_provider());
    let certified = certified(chain, key, &provider, settings)?;
    let resolver = Arc::new(SingleCertAndKey::from(certified));

    let unusable = |key: Key| {
        move |error: &dyn std::error::Error| Fault {
            key,
            problem: CertificateProblem::Unusable { error: error.to_string() },
        }
    };
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .map_err(|error| unusable("certificate")(&error))?;
    let server = match &settings.client_ca {
        None => server.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(authorities("client_ca", path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
            let verifier = match settings.client_certificate {
                ClientCertificate::Required => verifier,
                ClientCertificate::Optional => verifier.allow_unauthenticated(),
            };
            let verifier = verifier.build().map_err(|error| unusable("client_ca")(&error))?;
            server.with_client_cert_verifier(verifier)
        }
    };
    let mut server = server.with_cert_resolver(resolver.clone());
    server.session_storage = ServerSessionMemoryCache::new(SESSIONS);

    let roots = match &settings.ca {
        Some(path) => authorities("ca", path)?,
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
    };
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| unusable("certificate")(&error))?
        .with_root_certificates(roots)
        // A peer that asks who we are gets the same certificate.
        .with_client_cert_resolver(resolver);
    let configs = TlsConfigs { server: server.into(), client: client.into() };
    Ok(Loaded { configs, warnings })
}

fn unreadable(key: Key, path: &Path, error: &std::io::Error) -> Fault {
    let path = path.display().to_string();
    Fault { key, problem: CertificateProblem::Unreadable { path, error: error.to_string() } }
}

fn certificates(key: Key, path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let text = std::fs::read(path).map_err(|error| unreadable(key, path, &error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => {
            let path = path.display().to_string();
            Err(Fault { key, problem: CertificateProblem::NoCertificate { path } })
        }
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let text = std::fs::read(path).map_err(|error| unreadable("private_key", path, &error))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        let path = path.display().to_string();
        Fault { key: "private_key", problem: CertificateProblem::NoKey { path } }
    })
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
    settings: &TlsSettings,
) -> Result<CertifiedKey, Fault> {
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let certificate = settings.certificate.display().to_string();
            Fault { key: "private_key", problem: CertificateProblem::OtherKey { certificate } }
        }
        other => {
            let problem = CertificateProblem::Unusable { error: other.to_string() };
            Fault { key: "certificate", problem }
        }
    })
}

fn authorities(key: Key, path: &Path) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, path)? {
        roots.add(certificate).map_err(|error| Fault {
            key,
            problem: CertificateProblem::Unusable { error: error.to_string() },
        })?;
    }
    Ok(roots)
}

/// What is to be said of a certificate's time.
fn age(certificate: &CertificateDer<'_>, now: Timestamp) -> Option<CertificateProblem> {
    let (from, until) = certificate::validity(certificate)?;
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    if now < from {
        Some(CertificateProblem::NotYetValid { from: day(from) })
    } else if now > until {
        Some(CertificateProblem::Expired { on: day(until) })
    } else if until.duration_since(now) < SOON {
        Some(CertificateProblem::ExpiresSoon { on: day(until) })
    } else {
        None
    }
}
