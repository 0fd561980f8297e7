//! What is tried with whom, over what.

use std::fmt;

use crate::place::Place;

/// What a peer's messages travel over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// Those that SIPp speaks by itself.
    pub const SIPP: [Transport; 1] = [Transport::Udp];

    /// As SIPp's `-t` wants it.
    pub fn sipp(self) -> &'static str {
        match self {
            Transport::Udp => "u1",
            Transport::Tcp => "t1",
        }
    }

    /// As a URI's `transport` names it.
    pub fn param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
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
