//! Session timers (RFC 4028): how long a session lives without a sign of life, and who gives it.

use std::time::Duration;

/// Which side refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refresher {
    /// We do.
    Us,
    /// The peer does.
    Them,
}

/// What we want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a session may live without a refresh, in seconds.
    pub interval_s: u32,
    /// The shortest interval that we accept, in seconds: at least 90 (section 4).
    pub min_s: u32,
}

/// What a request says of the timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// Session-Expires, in seconds.
    pub interval_s: Option<u32>,
    /// Its `refresher`, from the side of whoever receives the request.
    pub refresher: Option<Refresher>,
    /// Min-SE, in seconds: what everybody on the way accepts at the least.
    pub min_s: Option<u32>,
    /// Whether whoever sent it can refresh (`Supported: timer`).
    pub capable: bool,
}

/// What holds for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// How long it lives without a refresh, in seconds.
    pub interval_s: u32,
    /// Who refreshes.
    pub refresher: Refresher,
}

impl Agreed {
    /// When the refresher refreshes: half way (section 7.4).
    pub fn refresh_after(self) -> Duration {
        Duration::from_secs(u64::from(self.interval_s) / 2)
    }

    /// When either side gives up: a little before the end (section 10).
    pub fn expire_after(self) -> Duration {
        Duration::from_secs(u64::from(self.interval_s - (self.interval_s / 3).min(32)))
    }
}

/// What we answer a request with (section 9, table 2); `Err` with the shortest interval if it is
/// refused (422). Only who can raise an interval is refused: a short one that a proxy put on a peer
/// that knows nothing of timers is raised, as the next proxy would do (section 8.1).
pub fn answer(policy: Policy, asked: Asked) -> Result<Agreed, u32> {
    let min_s = policy.min_s.max(asked.min_s.unwrap_or(0));
    let interval_s = match asked.interval_s {
        Some(wanted) if wanted < policy.min_s && asked.capable => return Err(policy.min_s),
        // Ours may be shorter than what was asked for, never longer, and not below what others on the
        // way need.
        Some(wanted) => wanted.max(policy.min_s).min(policy.interval_s.max(min_s)),
        None => policy.interval_s.max(min_s),
    };
    let refresher = match (asked.capable, asked.refresher) {
        (false, _) => Refresher::Us,
        (true, Some(refresher)) => refresher,
        // Either could. A refresh of ours proves that the peer is there.
        (true, None) => Refresher::Us,
    };
    Ok(Agreed { interval_s, refresher })
}

/// What a 2xx to our request has agreed to (section 7.2). A peer that says nothing knows nothing of
/// timers: we refresh all the same, and so learn whether it is there.
pub fn agreed(policy: Policy, interval_s: Option<u32>, refresher: Option<Refresher>) -> Agreed {
    match interval_s {
        Some(interval_s) => Agreed {
            interval_s: interval_s.max(policy.min_s),
            // Section 7.2: a 2xx must say who; if it does not, we do.
            refresher: refresher.unwrap_or(Refresher::Us),
        },
        None => Agreed { interval_s: policy.interval_s, refresher: Refresher::Us },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { interval_s: 1_800, min_s: 90 };

    fn asked(interval_s: Option<u32>, refresher: Option<Refresher>, capable: bool) -> Asked {
        Asked { interval_s, refresher, min_s: None, capable }
    }

    #[test]
    fn table_2_says_who_refreshes() {
        use Refresher::{Them, Us};
        for (capable, wish, refresher) in [
            (false, None, Us),
            // Not applicable in the table: it cannot, whatever it wishes.
            (false, Some(Us), Us),
            (false, Some(Them), Us),
            (true, None, Us),
            (true, Some(Us), Us),
            (true, Some(Them), Them),
        ] {
            let answer = answer(POLICY, asked(Some(600), wish, capable));
            assert_eq!(answer, Ok(Agreed { interval_s: 600, refresher }), "{capable} {wish:?}");
        }
    }

    #[test]
    fn intervals_are_shortened_never_lengthened_and_refused_if_they_are_too_short() {
        let interval = |wanted, min_s, capable| {
            let asked = Asked { interval_s: wanted, refresher: None, min_s, capable };
            answer(POLICY, asked).map(|agreed| agreed.interval_s)
        };
        assert_eq!(interval(Some(7_200), None, true), Ok(1_800));
        assert_eq!(interval(Some(7_200), Some(3_600), true), Ok(3_600));
        assert_eq!(interval(Some(90), None, true), Ok(90));
        assert_eq!(interval(Some(89), None, true), Err(90));
        assert_eq!(interval(Some(60), None, false), Ok(90));
        assert_eq!(interval(None, None, true), Ok(1_800));
        assert_eq!(interval(None, Some(3_600), true), Ok(3_600));
    }

    #[test]
    fn a_session_works_with_one_side_that_can() {
        use Refresher::{Them, Us};
        let of = |interval_s, refresher| {
            let agreed = agreed(POLICY, interval_s, refresher);
            (agreed.interval_s, agreed.refresher)
        };
        assert_eq!(of(Some(600), Some(Them)), (600, Them));
        assert_eq!(of(Some(600), Some(Us)), (600, Us));
        assert_eq!(of(Some(600), None), (600, Us));
        assert_eq!(of(None, None), (1_800, Us));
        // A peer must not make us send without end.
        assert_eq!(of(Some(1), Some(Us)), (90, Us));
    }

    #[test]
    fn a_refresh_is_half_way_and_the_end_a_little_before_the_interval() {
        let of = |interval_s| Agreed { interval_s, refresher: Refresher::Them };
        assert_eq!(of(1_800).refresh_after().as_secs(), 900);
        assert_eq!(of(1_800).expire_after().as_secs(), 1_768);
        assert_eq!(of(90).expire_after().as_secs(), 60);
    }
}
