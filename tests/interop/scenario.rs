//! What is tried with whom, over what.

use std::fmt;

use crate::place::Place;

/// What a peer's messages travel over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Wss,
}

impl Transport {
    /// What SIPp speaks, TLS with the help of stunnel.
    pub const SIPP: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

    /// Where it is spoken here. The ports lie below those that the system gives out by itself (32768
    /// and up), so that nobody holds one by chance.
    pub fn port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 30_060,
            Transport::Tls => 30_061,
            Transport::Wss => 30_081,
        }
    }

    /// As SIPp's `-t` wants it.
    pub fn sipp(self) -> &'static str {
        match self {
            Transport::Udp => "u1",
            Transport::Tcp | Transport::Tls | Transport::Wss => "t1",
        }
    }

    /// As a URI's `transport` names it.
    pub fn param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Wss => "ws",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Wss => "WSS",
        })
    }
}

/// One row of the table.
pub struct Scenario {
    /// Whose program it is.
    pub peer: &'static str,
    /// What its messages travel over.
    pub transport: Transport,
    /// What is tried, as a person would say it.
    pub feature: String,
    /// Tries it; panics if it does not go as it should.
    pub run: Box<dyn Fn(&Place) + Send + Sync>,
}

impl Scenario {
    /// A row.
    pub fn new(
        peer: &'static str,
        transport: Transport,
        feature: impl Into<String>,
        run: impl Fn(&Place) + Send + Sync + 'static,
    ) -> Self {
        Scenario { peer, transport, feature: feature.into(), run: Box::new(run) }
    }
}
