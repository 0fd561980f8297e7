//! Where SIP is listened for, over what, and with which certificates.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::SipSettings;
use crate::sip::transport::Protocol;

/// The port of TLS if nobody says another (RFC 3261 section 19.1.2).
const TLS_PORT: u16 = 5061;

/// What is spoken at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportName {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// Secure WebSocket.
    Wss,
}

impl TransportName {
    /// What SIP calls it.
    pub fn protocol(self) -> Protocol {
        match self {
            TransportName::Udp => Protocol::Udp,
            TransportName::Tcp => Protocol::Tcp,
            TransportName::Tls => Protocol::Tls,
            TransportName::Ws => Protocol::Ws,
            TransportName::Wss => Protocol::Wss,
        }
    }

    /// Whether it needs a certificate.
    pub fn is_secure(self) -> bool {
        self.protocol().is_secure()
    }
}

/// One address and what is spoken there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenSettings {
    /// The local address and port.
    pub bind: SocketAddr,
    /// What is spoken there: UDP and one of the others can share a port.
    #[serde(default = "default_transports")]
    pub transports: Vec<TransportName>,
    /// The address that peers are told (Contact, Via, SDP). Needed behind NAT; if `bind` is
    /// unspecified (0.0.0.0) and this is not given, the address of the default route is taken at
    /// start.
    #[serde(default)]
    pub advertise: Option<IpAddr>,
    /// A name that peers are told instead of the address in Contact and Via, for those that check
    /// it against the certificate.
    #[serde(default)]
    pub host: Option<String>,
    /// Certificates of this address; those of `[sip.tls]` if it is not given.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn default_transports() -> Vec<TransportName> {
    vec![TransportName::Udp, TransportName::Tcp]
}

impl ListenSettings {
    /// An address at which these are spoken.
    pub fn new(bind: SocketAddr, transports: &[TransportName]) -> Self {
        ListenSettings {
            bind,
            transports: transports.to_vec(),
            advertise: None,
            host: None,
            tls: None,
        }
    }

    /// UDP and TCP at an address.
    pub fn plain(bind: SocketAddr) -> Self {
        ListenSettings::new(bind, &default_transports())
    }
}

/// Certificates and authorities, in PEM files. Relative paths are relative to the folder of the
/// settings file's parent. Read again by a reload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Our certificate, followed by those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
    /// Authorities that vouch for clients' certificates: clients are asked for one.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// What becomes of clients without a certificate where `client_ca` is given.
    #[serde(default)]
    pub client_certificate: ClientCertificate,
    /// Authorities that vouch for the peers that we connect to, instead of the public ones.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// What becomes of clients that show no certificate. One that cannot be trusted is always refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificate {
    /// They are refused.
    #[default]
    Required,
    /// They may speak, without a name.
    Optional,
}

impl SipSettings {
    /// Every address that is listened on: those of `listen`, and port 5061 for TLS beside the first
    /// of them if there is a certificate and none of them speaks TLS.
    pub fn addresses(&self) -> Vec<ListenSettings> {
        let mut addresses = self.listen.clone();
        let secure = |listen: &ListenSettings| listen.transports.iter().any(|t| t.is_secure());
        if let (Some(_), Some(first)) = (&self.tls, self.listen.first())
            && !self.listen.iter().any(secure)
        {
            addresses.push(ListenSettings {
                bind: SocketAddr::new(first.bind.ip(), TLS_PORT),
                transports: vec![TransportName::Tls],
                ..first.clone()
            });
        }
        addresses
    }
}
