//! The timers of RFC 3261 (table 4) and RFC 6026, and their values.
//!
//! Timer C belongs to proxies. What is not here on purpose: timer N (RFC 6665), which belongs to
//! subscriptions.

use std::time::Duration;

/// Estimate of the round trip (RFC 3261 section 17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// Longest gap between retransmissions of a non-INVITE request and of an INVITE response.
pub const T2: Duration = Duration::from_secs(4);
/// How long a message may stay in the network.
pub const T4: Duration = Duration::from_secs(5);
/// 64 * T1: how long a transaction waits for its peer (timers B, F, H, J, L, M).
pub const GIVE_UP: Duration = Duration::from_secs(32);
/// Timer D on unreliable transports: at least 32 s.
pub const ABSORB_FAILURES: Duration = Duration::from_secs(32);

/// Why a transaction wakes up. Named as in RFC 3261 table 4; L and M are from RFC 6026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Retransmits an INVITE.
    A,
    /// Gives up on an INVITE.
    B,
    /// Absorbs retransmitted failures of an INVITE.
    D,
    /// Retransmits a request that is no INVITE.
    E,
    /// Gives up on a request that is no INVITE.
    F,
    /// Retransmits a failure of an INVITE.
    G,
    /// Gives up waiting for an ACK.
    H,
    /// Absorbs retransmitted ACKs.
    I,
    /// Absorbs retransmitted requests that are no INVITE.
    J,
    /// Absorbs retransmitted responses to a request that is no INVITE.
    K,
    /// Absorbs retransmitted INVITEs after a 2xx was sent (RFC 6026 section 7.1).
    L,
    /// Lets retransmitted and forked 2xx through (RFC 6026 section 7.2).
    M,
}

impl Timer {
    /// Every timer, for tables.
    pub const ALL: [Timer; 12] = [
        Timer::A,
        Timer::B,
        Timer::D,
        Timer::E,
        Timer::F,
        Timer::G,
        Timer::H,
        Timer::I,
        Timer::J,
        Timer::K,
        Timer::L,
        Timer::M,
    ];
}

/// What the transport promises, which decides whether we retransmit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Transport {
    /// Datagrams: UDP.
    #[default]
    Unreliable,
    /// Streams: TCP, TLS, WebSocket.
    Reliable,
}

impl Transport {
    /// `on_datagrams` where messages can be lost or repeated, nothing where they cannot: the rule
    /// for timers D, I, J and K (RFC 3261 table 4).
    pub fn linger(self, on_datagrams: Duration) -> Duration {
        match self {
            Transport::Unreliable => on_datagrams,
            Transport::Reliable => Duration::ZERO,
        }
    }
}

/// The next gap of a retransmission that doubles up to T2.
pub fn doubled(gap: Duration) -> Duration {
    (gap * 2).min(T2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_double_up_to_t2() {
        let gaps: Vec<_> = std::iter::successors(Some(T1), |gap| Some(doubled(*gap)))
            .take(6)
            .map(|gap| gap.as_millis())
            .collect();
        assert_eq!(gaps, [500, 1000, 2000, 4000, 4000, 4000]);
    }

    #[test]
    fn nothing_lingers_on_a_reliable_transport() {
        assert_eq!(Transport::Reliable.linger(T4), Duration::ZERO);
        assert_eq!(Transport::Unreliable.linger(T4), T4);
    }
}
