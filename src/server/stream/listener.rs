//! Listeners for connections.

use std::io;
use std::net::SocketAddr;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;

use crate::sip::transport;

use super::tls::TlsConfigs;

/// Connections that the kernel holds until they are accepted: every phone of a building may come
/// back at once.
const BACKLOG: i32 = 1_024;

/// A bound listener. Nothing is accepted before [`super::Streams::start`].
#[derive(Debug)]
pub struct StreamListener {
    pub(super) socket: TcpListener,
    pub(super) side: Side,
}

/// Our side of a listener's connections.
#[derive(Debug)]
pub(super) struct Side {
    /// Where connections of ours are opened from.
    pub(super) local: SocketAddr,
    /// What peers are told.
    pub(super) told: transport::Listener,
    pub(super) tls: Option<ArcSwap<TlsConfigs>>,
}

impl StreamListener {
    /// Binds. Needs a tokio runtime. `told` is what peers are told, with the port filled in here if
    /// it is 0. TLS and secure WebSocket need `tls`.
    pub fn bind(
        address: SocketAddr,
        mut told: transport::Listener,
        tls: Option<TlsConfigs>,
    ) -> io::Result<StreamListener> {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
        if address.is_ipv6() {
            // Both families can then be listened on side by side.
            socket.set_only_v6(true)?;
        }
        // A restart must not wait for connections of the last run to be forgotten.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let socket = TcpListener::from_std(socket.into())?;
        let local = socket.local_addr()?;
        if told.advertised.port() == 0 {
            told.advertised.set_port(local.port());
        }
        let tls = match (told.protocol.is_secure(), tls) {
            (true, None) => return Err(io::Error::other("there is no certificate")),
            (true, tls @ Some(_)) => tls,
            (false, _) => None,
        };
        let side = Side { local, told, tls: tls.map(ArcSwap::from_pointee) };
        Ok(StreamListener { socket, side })
    }

    /// What peers are told.
    pub fn told(&self) -> &transport::Listener {
        &self.side.told
    }
}

impl Side {
    pub(super) fn renew(&self, tls: &TlsConfigs) {
        if let Some(held) = &self.tls {
            held.store(tls.clone().into());
        }
    }
}
