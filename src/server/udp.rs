//! SIP listeners over UDP: sockets that never block the control thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as StdUdpSocket};

use mio::net::UdpSocket;

use crate::sip::transport;

/// What the kernel keeps for us while the control thread is busy: about 4,000 requests.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A bound listener.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: UdpSocket,
    /// What peers are told.
    pub told: transport::Listener,
}

impl Listener {
    /// Binds. `told` is what peers are told, with the port filled in here if it is 0.
    pub fn bind(address: SocketAddr, mut told: transport::Listener) -> io::Result<Listener> {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
        if address.is_ipv6() {
            // Both families can then be listened on side by side.
            socket.set_only_v6(true)?;
        }
        // The kernel caps this at net.core.rmem_max; less is no reason not to start.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into());
        if told.advertised.port() == 0 {
            told.advertised.set_port(socket.local_addr()?.port());
        }
        Ok(Listener { socket, told })
    }
}

/// The address under which others reach a socket bound to `ip`: itself, or that of the default
/// route if it is unspecified. Nothing is sent to find out.
pub fn reachable(ip: IpAddr) -> IpAddr {
    if !ip.is_unspecified() {
        return ip;
    }
    let (from, towards) = match ip {
        // Addresses kept for documentation (RFC 5737, RFC 3849): connecting a UDP socket only
        // looks up the route.
        IpAddr::V4(_) => ("0.0.0.0:0", "192.0.2.1:9"),
        IpAddr::V6(_) => ("[::]:0", "[2001:db8::1]:9"),
    };
    let route = || -> io::Result<IpAddr> {
        let socket = StdUdpSocket::bind(from)?;
        socket.connect(towards)?;
        Ok(socket.local_addr()?.ip())
    };
    match route() {
        Ok(found) if !found.is_unspecified() => found,
        Ok(_) | Err(_) => match ip {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_never_told_an_unspecified_address() {
        for ip in ["0.0.0.0", "::", "127.0.0.1", "::1"] {
            let ip: IpAddr = ip.parse().expect("an address");
            assert!(!reachable(ip).is_unspecified(), "{ip}");
        }
    }
}
