//! Where a scenario happens: a loopback network of its own, with an address for each who takes part.
//!
//! The whole of 127.0.0.0/8 is this machine, so everybody has the same ports at an address of their
//! own: traces read like those of a real network, and scenarios that run side by side do not meet.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use switchboard::event::{CallEvent, EndCause};
use tempfile::TempDir;

use crate::certificates::Authority;
use crate::peers::clock::wait_for;
use crate::peers::server::Server;
use crate::scenario::Transport;

/// Who takes part, by the last number of their address, or by that above 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// switchboard.
    Server = 1,
    /// The session border of the carrier.
    Border = 2,
    /// The carrier behind it.
    Carrier = 3,
    /// Another server of the carrier's.
    Spare = 4,
    /// Who rings.
    Caller = 10,
    /// stunnel, which speaks TLS for who rings.
    Tunnel = 11,
    /// A softphone that registers.
    Softphone = 12,
    /// The phone of the adviser Amy, at a fixed address.
    Amy = 20,
    /// The phone of the adviser Ben, likewise.
    Ben = 21,
    /// The phones of the adviser Ellie, who has two.
    Ellie = 22,
    EllieAtHome = 23,
}

/// The networks of one run: 127.x.0.0/16.
pub struct Network {
    x: u8,
    /// Holds the network as long as we run.
    _held: TcpListener,
}

impl Network {
    /// One that no other run holds.
    pub fn of_our_own() -> Network {
        let found = (16..=250).find_map(|x| {
            let held =
                TcpListener::bind((Ipv4Addr::new(127, x, 0, 1), Transport::Udp.port())).ok()?;
            Some(Network { x, _held: held })
        });
        found.expect("a loopback network that is free")
    }

    /// The place of a scenario: 64 addresses of 127.x.y.0/24.
    pub fn place(&self, scenario: usize) -> Place {
        let number = u16::try_from(scenario).ok().filter(|number| *number < 500);
        Place {
            x: self.x,
            number: number.expect("at most 500 scenarios"),
            folder: tempfile::tempdir().expect("a folder"),
            authority: OnceCell::new(),
        }
    }
}

/// A scenario's own network and folder.
pub struct Place {
    x: u8,
    number: u16,
    folder: TempDir,
    authority: OnceCell<Authority>,
}

impl Place {
    /// Where everything of the scenario lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody's address.
    pub fn ip(&self, host: Host) -> IpAddr {
        let [third, block] = [self.number % 250 + 1, self.number / 250];
        let [third, fourth] = [third, block * 64 + host as u16].map(|part| part as u8);
        Ipv4Addr::new(127, self.x, third, fourth).into()
    }

    /// Where somebody is rung.
    pub fn sip(&self, host: Host) -> SocketAddr {
        self.at(host, Transport::Udp)
    }

    /// Where somebody is reached over a transport.
    pub fn at(&self, host: Host, over: Transport) -> SocketAddr {
        (self.ip(host), over.port()).into()
    }

    /// A caller's and the server's addresses of IPv6, which has one loopback address: the ports tell
    /// scenarios apart.
    pub fn v6(&self) -> (SocketAddr, SocketAddr) {
        let first = 30_100 + self.number % 400 * 2;
        let at = |port| SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        (at(first), at(first + 1))
    }

    /// An address of 127.0.0.1, with the port above, for a program that sends voice from there whatever
    /// address it is given. `which` of the scenario's.
    pub fn plain(&self, which: u16) -> SocketAddr {
        let first = 22_000 + u16::from(self.x % 2) * 4_000 + self.number * 8;
        (Ipv4Addr::LOCALHOST, first + which * 2).into()
    }

    /// The authority that vouches for everybody here.
    pub fn authority(&self) -> &Authority {
        self.authority.get_or_init(|| Authority::new(self.folder(), "authority"))
    }
}

/// Whether somebody listens there, as the kernel tells.
pub fn listens(transport: Transport, at: SocketAddr) -> bool {
    let IpAddr::V4(ip) = at.ip() else { return false };
    let wanted = format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), at.port());
    let (file, state) = match transport {
        Transport::Udp => ("/proc/net/udp", "07"),
        Transport::Tcp | Transport::Tls | Transport::Wss => ("/proc/net/tcp", "0A"),
    };
    let table = std::fs::read_to_string(file).unwrap_or_default();
    table.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some(&wanted) && words.nth(1) == Some(state)
    })
}

/// Waits until no call is up and the journal has why each ended.
pub fn assert_ended(server: &Server, expected: &[EndCause]) {
    let causes = || -> Vec<EndCause> {
        let ended = |event| match event {
            CallEvent::Ended { cause, .. } => Some(cause),
            _ => None,
        };
        server.calls().into_iter().filter_map(ended).collect()
    };
    // The figures are ahead of the file by the moment that a commit takes.
    let done = wait_for(Duration::from_secs(10), || {
        (server.live()["calls_active"] == 0 && causes() == expected).then_some(())
    });
    assert!(done.is_some(), "{:?} instead of {expected:?}\n{}", causes(), server.story());
}

/// Waits until a metric has a value: it is shown a moment after what it counts.
pub fn assert_counts(server: &Server, metric: &str, expected: u32) {
    let shows = || (server.metric(metric) - f64::from(expected)).abs() < 0.1;
    let counted = wait_for(Duration::from_secs(10), || shows().then_some(()));
    assert!(counted.is_some(), "{metric} is not {expected}\n{}", server.get("/metrics"));
}
