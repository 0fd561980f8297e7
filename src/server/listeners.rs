//! Every address that SIP is served at: bound before anything else begins, so that peers can be
//! told the ports and a port in use is an error at the start.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use crate::config::settings::{ListenSettings, TransportName};
use crate::sip::ListenerId;
use crate::sip::transport::{self, Protocol};

use super::stream::StreamListener;
use super::stream::tls::TlsConfigs;
use super::udp;

/// How often another free port is tried where the settings leave the port to the system, and UDP
/// and TCP must agree on it.
const TRIES: u32 = 16;

/// Bound listeners.
#[derive(Debug, Default)]
pub struct Listeners {
    /// What peers are told, in the order of ids.
    pub told: Vec<transport::Listener>,
    /// In the order of ids; none where a stream is.
    pub datagrams: Vec<Option<udp::Listener>>,
    /// Streams.
    pub streams: BTreeMap<ListenerId, StreamListener>,
    /// Where each stream was bound in the settings, to find its certificates again.
    pub bound: BTreeMap<ListenerId, SocketAddr>,
}

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for SIP on {address} ({protocol}): {source}. Is another telephone server running there? Choose another with --sip ADDRESS:PORT or `sip.listen` in the settings"
)]
pub struct ListenError {
    address: SocketAddr,
    protocol: Protocol,
    source: io::Error,
}

impl Listeners {
    /// Binds what the settings say; `tls` is by the address as it stands in the settings. Needs a
    /// tokio runtime.
    pub fn bind(
        addresses: &[ListenSettings],
        tls: &BTreeMap<SocketAddr, TlsConfigs>,
    ) -> Result<Listeners, ListenError> {
        let mut listeners = Listeners::default();
        for settings in addresses {
            let free = settings.bind.port() == 0;
            let mut tries = if free { TRIES } else { 1 };
            let bound = loop {
                tries -= 1;
                match bind_all(settings, tls.get(&settings.bind)) {
                    Err(error) if tries > 0 && error.source.kind() == io::ErrorKind::AddrInUse => {}
                    done => break done?,
                }
            };
            for one in bound {
                listeners.add(settings.bind, one);
            }
        }
        Ok(listeners)
    }

    fn add(&mut self, bind: SocketAddr, one: Bound) {
        let id = ListenerId(u8::try_from(self.told.len()).unwrap_or(u8::MAX));
        match one {
            Bound::Datagrams(listener) => {
                self.told.push(listener.told.clone());
                self.datagrams.push(Some(listener));
            }
            Bound::Stream(listener) => {
                self.told.push(listener.told().clone());
                self.datagrams.push(None);
                self.bound.insert(id, bind);
                self.streams.insert(id, listener);
            }
        }
    }
}

enum Bound {
    Datagrams(udp::Listener),
    Stream(StreamListener),
}

/// Everything that is spoken at one address, at one port where there is a choice.
fn bind_all(
    settings: &ListenSettings,
    tls: Option<&TlsConfigs>,
) -> Result<Vec<Bound>, ListenError> {
    let mut address = settings.bind;
    let mut bound = Vec::new();
    for name in &settings.transports {
        let protocol = name.protocol();
        let one = match protocol {
            Protocol::Udp => udp::Listener::bind(address, told(settings, protocol, address))
                .map(Bound::Datagrams),
            Protocol::Tcp | Protocol::Tls | Protocol::Ws | Protocol::Wss => {
                StreamListener::bind(address, told(settings, protocol, address), tls.cloned())
                    .map(Bound::Stream)
            }
        };
        let one = one.map_err(|source| ListenError { address, protocol, source })?;
        if address.port() == 0 {
            address.set_port(match &one {
                Bound::Datagrams(listener) => listener.told.advertised.port(),
                Bound::Stream(listener) => listener.told().advertised.port(),
            });
        }
        bound.push(one);
    }
    Ok(bound)
}

/// What peers would be told, without binding anything.
pub fn foreseen(addresses: &[ListenSettings]) -> Vec<transport::Listener> {
    let one = |settings: &ListenSettings, name: &TransportName| {
        told(settings, name.protocol(), settings.bind)
    };
    addresses
        .iter()
        .flat_map(|settings| settings.transports.iter().map(move |name| one(settings, name)))
        .collect()
}

fn told(settings: &ListenSettings, protocol: Protocol, at: SocketAddr) -> transport::Listener {
    let ip = settings.advertise.unwrap_or_else(|| udp::reachable(at.ip()));
    let advertised = SocketAddr::new(ip, at.port());
    transport::Listener { protocol, advertised, host: settings.host.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(addresses: &[ListenSettings]) -> Result<Listeners, ListenError> {
        Listeners::bind(addresses, &BTreeMap::new())
    }

    #[tokio::test]
    async fn peers_are_never_told_an_unspecified_address_and_a_free_port_is_one_for_all() {
        let any = ListenSettings::plain(([0, 0, 0, 0], 0).into());
        let listeners = bind(&[any]).expect("binds");
        let [udp, tcp] = &listeners.told[..] else { panic!("{:?}", listeners.told) };
        assert_eq!((udp.protocol, tcp.protocol), (Protocol::Udp, Protocol::Tcp));
        assert_eq!(udp.advertised, tcp.advertised);
        assert!(!udp.advertised.ip().is_unspecified() && udp.advertised.port() != 0);
        assert!(listeners.datagrams[0].is_some() && listeners.datagrams[1].is_none());
        assert!(listeners.streams.contains_key(&ListenerId(1)));
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_says_what_to_do() {
        let here = ([127, 0, 0, 1], 0).into();
        for (name, word) in [(TransportName::Udp, "(udp)"), (TransportName::Tcp, "(tcp)")] {
            let first = bind(&[ListenSettings::new(here, &[name])]).expect("binds");
            let taken = first.told[0].advertised;
            let error = bind(&[ListenSettings::plain(taken)]).expect_err("is in use").to_string();
            assert!(error.contains("--sip") && error.contains(word), "{error}");
        }
    }
}
