//! An authority of the tests' own, and certificates for those who take part, made by openssl.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate and its key, as files.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// The authority.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    own: Certificate,
}

impl Authority {
    /// A new one, with its files in `folder`.
    pub fn new(folder: &Path, name: &str) -> Authority {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let own = Certificate { certificate: folder.join("ca.pem"), key: folder.join("ca.key") };
        openssl(
            &folder,
            &format!(
                "req -x509 {EC} -days 60 -subj /CN={name} -keyout ca.key -out ca.pem \
                 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
            ),
        );
        Authority { folder, own }
    }

    /// The file with the authority's own certificate.
    pub fn file(&self) -> &Path {
        &self.own.certificate
    }

    /// A certificate for a host.
    pub fn certify(&self, name: &str, ip: IpAddr) -> Certificate {
        let extensions = format!("subjectAltName=IP:{ip},DNS:{name}.harbourside.example\n");
        std::fs::write(self.folder.join(format!("{name}.ext")), extensions).expect("a file");
        openssl(
            &self.folder,
            &format!("req -new {EC} -subj /CN={name} -keyout {name}.key -out {name}.csr"),
        );
        openssl(
            &self.folder,
            &format!(
                "x509 -req -days 60 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                 -extfile {name}.ext -out {name}.pem"
            ),
        );
        self.certificate(name)
    }

    /// Where the certificate of a host is that has one.
    pub fn certificate(&self, name: &str) -> Certificate {
        let file = |kind: &str| self.folder.join(format!("{name}.{kind}"));
        Certificate { certificate: file("pem"), key: file("key") }
    }
}

const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl")
        .args(words.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{error}. Install it with: apt-get install openssl"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {words}:\n{said}");
}
