//! Pairs of ports for legs: an even one for RTP and the odd one above for RTCP (RFC 3550
//! section 11).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Mutex;

use socket2::{Domain, Protocol, Socket, Type};

use super::locked;
use crate::config::settings::PortRange;
use crate::id::Entropy;
use crate::media::command::OpenError;

/// About a second of voice: what waits longer in a socket is of no use to anybody.
const RECEIVE_BUFFER_BYTES: usize = 64 * 1_024;
/// Expedited forwarding (RFC 3246), in the position of the TOS byte.
const EXPEDITED_FORWARDING: u32 = 46 << 2;
/// Pairs that are tried before the range counts as used up: other programs may hold some.
const MAX_TRIES: usize = 256;

/// The pairs that no leg uses. The pair that was given back longest ago is handed out next, so that
/// a late packet for an old leg hardly ever meets a new one.
#[derive(Debug)]
pub(super) struct PortPool {
    bind: IpAddr,
    free: Mutex<VecDeque<u16>>,
}

/// The sockets of a leg.
#[derive(Debug)]
pub(super) struct Pair {
    /// The RTP port.
    pub(super) port: u16,
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
}

impl PortPool {
    /// All pairs of the range, beginning anywhere in it: ports are then harder to guess, and several
    /// instances with one range get in each other's way less.
    pub(super) fn new(bind: IpAddr, range: PortRange, entropy: &mut Entropy) -> io::Result<Self> {
        let first = range.first.next_multiple_of(2);
        let mut free: VecDeque<u16> =
            (first..range.last).step_by(2).filter(|port| *port != 0).collect();
        if free.is_empty() {
            let text = format!(
                "the RTP port range {} holds no even port with the odd one above it",
                String::from(range)
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let pairs = u32::try_from(free.len()).unwrap_or(u32::MAX);
        free.rotate_left(entropy.below(pairs) as usize);
        Ok(PortPool { bind, free: Mutex::new(free) })
    }

    /// Binds a free pair. Ports that another program holds are passed over.
    pub(super) fn open(&self) -> Result<Pair, OpenError> {
        let tries = locked(&self.free).len().min(MAX_TRIES);
        for _ in 0..tries {
            let Some(port) = locked(&self.free).pop_front() else { break };
            let sockets =
                bind(self.bind, port).and_then(|rtp| Ok((rtp, bind(self.bind, port + 1)?)));
            match sockets {
                Ok((rtp, rtcp)) => return Ok(Pair { port, rtp, rtcp }),
                Err(error) => {
                    self.give_back(port);
                    if error.kind() != io::ErrorKind::AddrInUse {
                        tracing::warn!(%error, port, "no socket for RTP");
                        return Err(OpenError::Refused);
                    }
                }
            }
        }
        Err(OpenError::NoFreePort)
    }

    /// Whether its pairs serve IPv4 and IPv6.
    pub(super) fn serves_both(&self) -> bool {
        serves_both(self.bind)
    }

    /// Takes a pair back whose sockets are closed.
    pub(super) fn give_back(&self, port: u16) {
        locked(&self.free).push_back(port);
    }
}

/// A socket that never blocks, bound and set up for voice. One that is bound to `[::]` serves IPv4
/// too, under mapped addresses (RFC 4291 section 2.5.5.2): see [`heard_from`] and [`sent_to`].
pub(super) fn bind(ip: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let address = SocketAddr::new(ip, port);
    let kind = Type::DGRAM.nonblocking();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP))?;
    if serves_both(ip) {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    // All are improvements only: voice flows without them.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    if ip.is_ipv4() || serves_both(ip) {
        let _ = socket.set_tos_v4(EXPEDITED_FORWARDING);
    }
    if ip.is_ipv6() {
        let _ = socket.set_tclass_v6(EXPEDITED_FORWARDING);
    }
    Ok(socket.into())
}

/// Whether a socket bound there serves IPv4 and IPv6.
pub(super) fn serves_both(ip: IpAddr) -> bool {
    ip.is_ipv6() && ip.is_unspecified()
}

/// Who sent a packet, as signalling speaks of them.
pub(super) fn heard_from(from: SocketAddr) -> SocketAddr {
    SocketAddr::new(from.ip().to_canonical(), from.port())
}

/// How a socket that serves both sends to a peer.
pub(super) fn sent_to(to: SocketAddr) -> SocketAddr {
    match to {
        SocketAddr::V4(to) => SocketAddr::from((to.ip().to_ipv6_mapped(), to.port())),
        SocketAddr::V6(_) => to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn pool(first: u16, last: u16) -> io::Result<PortPool> {
        PortPool::new(LOOPBACK, PortRange { first, last }, &mut Entropy::from_seed([1; 32]))
    }

    #[test]
    fn a_range_is_cut_into_even_and_odd_pairs() {
        let pool = pool(41_001, 41_008).expect("a pool");
        let mut ports: Vec<u16> = locked(&pool.free).iter().copied().collect();
        ports.sort_unstable();
        assert_eq!(ports, [41_002, 41_004, 41_006]);
        let error = self::pool(41_001, 41_002).expect_err("no pair");
        assert!(error.to_string().contains("41001-41002"));
        assert_eq!(locked(&self::pool(65_530, 65_535).expect("a pool").free).len(), 3);
    }

    #[test]
    fn ports_that_are_taken_are_passed_over_and_a_used_up_range_says_so() {
        // Any range that is free at this moment on this machine serves.
        let (pool, first) = (0..200u16)
            .map(|at| 41_100 + at * 8)
            .find_map(|first| {
                let pool = pool(first, first + 5).ok()?;
                let free = (first..=first + 5).all(|port| bind(LOOPBACK, port).is_ok());
                free.then_some((pool, first))
            })
            .expect("six free ports");
        let other = bind(LOOPBACK, first + 3).expect("taken by another program");
        let (one, two) = (pool.open().expect("a pair"), pool.open().expect("a pair"));
        let mut ports = [one.port, two.port];
        ports.sort_unstable();
        assert_eq!(ports, [first, first + 4]);
        assert_eq!(pool.open().expect_err("none left"), OpenError::NoFreePort);
        drop(other);
        assert_eq!(pool.open().expect("a pair").port, first + 2);
    }
}
