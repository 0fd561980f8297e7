//! Who may change a session when (RFC 3261 sections 14.1 and 14.2, RFC 3311 sections 5.1 and 5.2,
//! RFC 6337 section 2): one offer at a time, and never two INVITEs at once.

/// What stands between an offer and its answer in a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing: either side may offer.
    Settled,
    /// The INVITE that began the dialog has an offer, theirs, that we have not answered.
    Arriving,
    /// Our INVITE that began the dialog has no answer in this dialog.
    Calling,
    /// A request of theirs that changes the session has no final response.
    Theirs,
    /// A request of ours that changes it has no final response.
    Ours,
    /// Our 2xx to an INVITE has no ACK, or our reliable provisional response with SDP no PRACK.
    Unacknowledged,
    /// The dialog is ending, or we want no more of it.
    Ending,
}

/// What a peer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// A re-INVITE, with or without an offer.
    Invite,
    /// An UPDATE with an offer.
    Offer,
    /// An UPDATE without one: a new target, or a refreshed session.
    Refresh,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is dealt with.
    Take,
    /// 500 with Retry-After of 0 to 10 s: theirs came before it was its turn.
    TryLater,
    /// 491: it has met ours.
    Meets,
    /// 481.
    Gone,
}

/// What becomes of a peer's request.
pub fn verdict(standing: Standing, asked: Asked) -> Verdict {
    match (standing, asked) {
        (Standing::Ending, _) => Verdict::Gone,
        (Standing::Settled, _) => Verdict::Take,
        // Changes no session.
        (
            Standing::Arriving | Standing::Calling | Standing::Ours | Standing::Unacknowledged,
            Asked::Refresh,
        ) => Verdict::Take,
        // Section 14.2 and RFC 3311 section 5.2: the answer to their last comes first.
        (Standing::Arriving | Standing::Theirs, _) => Verdict::TryLater,
        (
            Standing::Calling | Standing::Ours | Standing::Unacknowledged,
            Asked::Invite | Asked::Offer,
        ) => Verdict::Meets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_has_its_verdict_on_everything_asked() {
        use Verdict::*;
        for (standing, expected) in [
            // Invite, Offer, Refresh.
            (Standing::Settled, [Take, Take, Take]),
            (Standing::Arriving, [TryLater, TryLater, Take]),
            (Standing::Calling, [Meets, Meets, Take]),
            (Standing::Theirs, [TryLater, TryLater, TryLater]),
            (Standing::Ours, [Meets, Meets, Take]),
            (Standing::Unacknowledged, [Meets, Meets, Take]),
            (Standing::Ending, [Gone, Gone, Gone]),
        ] {
            let asked = [Asked::Invite, Asked::Offer, Asked::Refresh];
            assert_eq!(asked.map(|asked| verdict(standing, asked)), expected, "{standing:?}");
        }
    }
}
