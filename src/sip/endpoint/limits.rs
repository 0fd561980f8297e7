//! What an endpoint allows itself. Reaching a limit is an answer (503 with Retry-After, 403 for one
//! user's contacts) and a count, never silence.

use std::time::Duration;

/// Bounds on everything that a peer could make grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions, client and server.
    pub transactions: usize,
    /// Legs.
    pub legs: usize,
    /// Requests of ours outside dialogs.
    pub requests: usize,
    /// Registered contacts of all users.
    pub bindings: usize,
    /// Registered contacts of one user.
    pub bindings_per_user: usize,
    /// Peers whose 2xx to one INVITE of ours are acknowledged (forks).
    pub forks: usize,
    /// What Retry-After says when a limit is reached.
    pub retry_after: Duration,
    /// How long a peer may ring after its last provisional response before we withdraw.
    pub ring: Duration,
    /// The shortest session interval that a peer may ask for, in seconds (RFC 4028 section 4).
    pub session_min_s: u32,
    /// How long we tell a peer what became of its REFER.
    pub referral: Duration,
}

impl Limits {
    /// Transactions up to which a request is taken. Calls that are up go on, and end, where new ones
    /// are refused: a BYE that is refused would make room for nobody.
    pub(super) fn transactions_for(&self, in_dialog: bool) -> usize {
        let reserve = if in_dialog { self.transactions / 4 } else { 0 };
        self.transactions + reserve
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            // A call's transactions live on for 32 seconds: room for 3,000 calls a second.
            transactions: 200_000,
            legs: 20_000,
            requests: 1_000,
            bindings: 50_000,
            bindings_per_user: 10,
            forks: 10,
            retry_after: Duration::from_secs(5),
            ring: Duration::from_secs(180),
            session_min_s: 90,
            referral: Duration::from_secs(180),
        }
    }
}
