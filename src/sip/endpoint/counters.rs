//! What is counted on the wire, and how much an endpoint holds.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// What has been counted on the wire: (method, status) by direction, and refusals by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SipCounters {
    /// Requests (`status` 0) and responses by method, received.
    pub received: BTreeMap<(&'static str, u16), u64>,
    /// Requests (`status` 0) and responses by method, sent.
    pub sent: BTreeMap<(&'static str, u16), u64>,
    /// Datagrams and requests refused or dropped, by reason: [`Reason::as_str`] or
    /// [`Fault::label`](crate::sip::error::Fault::label).
    pub rejected: BTreeMap<&'static str, u64>,
    /// Whose message was the last to be refused for each reason.
    pub rejected_from: BTreeMap<&'static str, IpAddr>,
    /// Whose message is being dealt with.
    from: Option<IpAddr>,
}

impl SipCounters {
    pub(super) fn receive(&mut self, method: &'static str, status: u16) {
        *self.received.entry((method, bounded(status))).or_default() += 1;
    }

    pub(super) fn send(&mut self, method: &'static str, status: u16) {
        *self.sent.entry((method, status)).or_default() += 1;
    }

    pub(super) fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
        if let Some(from) = self.from {
            self.rejected_from.insert(reason, from);
        }
    }

    /// What is refused from now on came from there; or from nobody.
    pub(super) fn coming_from(&mut self, from: Option<IpAddr>) {
        self.from = from;
    }
}

/// A peer chooses the statuses that it sends: those without a name are counted as their class, so
/// that nobody can make the table grow.
fn bounded(status: u16) -> u16 {
    let class = status / 100 * 100;
    let known = status < 100 || crate::sip::write::reason_phrase(status) != fallback(class);
    if known { status } else { class }
}

fn fallback(class: u16) -> &'static str {
    // The phrase of a status that nobody defined, for each class.
    crate::sip::write::reason_phrase(class + 99)
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// Why a datagram or request was refused or dropped, besides what makes a message as a
        /// whole unreadable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason, for tables and metrics.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];

            /// The name in metrics' labels.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Reason::$variant => $name,)*
                }
            }
        }
    };
}

reasons! {
    /// From a source that is banned (dropped unread).
    Banned = "banned";
    /// More than its source may send (dropped unread).
    Flood = "flood";
    /// From a program that looks for systems to break into (dropped).
    Scanner = "scanner";
    /// As many calls as are allowed from addresses that may be forged (503).
    UnprovenCalls = "unproven_calls";
    /// A listener that the settings do not have.
    UnknownListener = "unknown_listener";
    /// A header that is needed is missing or broken (400; responses are dropped).
    BadHeader = "bad_header";
    /// A Request-URI that cannot be read (400).
    BadUri = "bad_uri";
    /// A Request-URI with another scheme than ours (416).
    UriScheme = "uri_scheme";
    /// A method that nobody defined (501).
    UnknownMethod = "unknown_method";
    /// A method that is not for us (405).
    MethodNotAllowed = "method_not_allowed";
    /// An extension that we do not have is required (420).
    BadExtension = "bad_extension";
    /// A body of a type that we do not read (415).
    MediaType = "media_type";
    /// The caller takes no SDP (406).
    NotAcceptable = "not_acceptable";
    /// A body that cannot be read (400).
    BadBody = "bad_body";
    /// A package of INFO that we do not have (469).
    InfoPackage = "info_package";
    /// A REFER that we do not carry out (403).
    ReferRefused = "refer_refused";
    /// A REFER while another is under way or nobody talks yet (491).
    ReferPending = "refer_pending";
    /// A dialog is to be replaced that does not exist (481), is answered (486) or ending (603).
    CannotReplace = "cannot_replace";
    /// A session interval shorter than the shortest (422).
    SessionTooShort = "session_too_short";
    /// No hops are left (483).
    TooManyHops = "too_many_hops";
    /// A call of ours has come back for the same number (482).
    Loop = "loop";
    /// The same request came by two ways (482).
    Merged = "merged";
    /// A request in a dialog that does not exist (481).
    UnknownDialog = "unknown_dialog";
    /// A CANCEL without its INVITE (481).
    UnknownTransaction = "unknown_transaction";
    /// A request in a dialog that was overtaken by a newer one (500).
    OutOfOrder = "out_of_order";
    /// A change of the session while another is under way (491 or 500).
    ChangePending = "change_pending";
    /// An ACK that nothing waits for.
    StrayAck = "stray_ack";
    /// A response that nothing waits for.
    StrayResponse = "stray_response";
    /// OPTIONS while we take no new calls (503).
    Closing = "closing";
    /// As many transactions exist as are allowed (503).
    TransactionLimit = "transaction_limit";
    /// As many legs exist as are allowed (503).
    LegLimit = "leg_limit";
    /// As many contacts are registered as are allowed (403 or 503).
    BindingLimit = "binding_limit";
    /// Digest credentials were wrong (403).
    WrongCredentials = "wrong_credentials";
    /// Somebody else's address of record (403).
    NotTheirAddress = "not_their_address";
    /// A contact that is a telephone number somewhere else (403).
    SomebodyElsesNumber = "somebody_elses_number";
    /// A registration shorter than the shortest (423).
    TooBrief = "too_brief";
}

/// How much an endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Transactions, client and server.
    pub transactions: usize,
    /// Legs: early and confirmed dialogs.
    pub legs: usize,
    /// Registered contacts.
    pub bindings: usize,
    /// Names of dialogs: some legs have several.
    pub dialogs: usize,
    /// What is due on legs.
    pub timers: usize,
    /// Requests of ours outside dialogs that wait for their response.
    pub requests: usize,
    /// What is remembered of requests and answers until their transactions are over.
    pub remembered: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_that_nobody_defined_are_counted_as_their_class() {
        let mut counters = SipCounters::default();
        for status in [0, 180, 486, 499, 498, 699, 603] {
            counters.receive("INVITE", status);
        }
        let seen: Vec<_> = counters.received.iter().map(|((_, s), n)| (*s, *n)).collect();
        assert_eq!(seen, [(0, 1), (180, 1), (400, 2), (486, 1), (600, 1), (603, 1)]);
    }
}
