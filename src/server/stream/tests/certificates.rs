//! An authority and certificates, made for a test.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::settings::{ClientCertificate, TlsSettings};

/// Vouches for others.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub(super) struct Paper {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority { issuer: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(super) fn vouch_for(&self, names: &[&str]) -> Paper {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Paper { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// What a client trusts and shows.
    pub(super) fn client(&self, shows: Option<&Paper>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match shows {
            None => config.with_no_client_auth(),
            Some(paper) => {
                let chain = CertificateDer::pem_slice_iter(paper.certificate.as_bytes())
                    .collect::<Result<_, _>>()
                    .expect("a chain");
                let key = PrivateKeyDer::from_pem_slice(paper.key.as_bytes()).expect("a key");
                config.with_client_auth_cert(chain, key).expect("a client's certificate")
            }
        };
        Arc::new(config)
    }
}

/// Files in a folder, as settings name them.
pub(super) fn files(folder: &Path, paper: &Paper, authority: &Authority) -> TlsSettings {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("writes");
        path
    };
    TlsSettings {
        certificate: write("certificate.pem", &paper.certificate),
        private_key: write("key.pem", &paper.key),
        client_ca: None,
        client_certificate: ClientCertificate::Required,
        ca: Some(write("ca.pem", &authority.pem())),
    }
}
