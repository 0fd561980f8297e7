//! Calls of ours that come back to us (RFC 3261 section 16.3 item 4, RFC 5393).
//!
//! Whoever we ring may send the call on to a number of ours. That is a spiral, and allowed: it is
//! another number, and its hops run out in the end. A call that comes back for the very number that
//! we rang would be rung again the same way: that is a loop, and ends here. Our branch says which
//! number that was, in a way that nobody else can write.

use crate::sip::header::Via;
use crate::sip::header::via::BRANCH_COOKIE;
use crate::sip::uri::Uri;

use super::Endpoint;
use super::response::Inbound;

/// Hexadecimal digits of a branch: drawn, and the mark.
const DRAWN: usize = 16;
const MARK: usize = 12;

impl Endpoint {
    /// A branch that nobody used and nobody can guess (section 8.1.1.7), for a request that begins a
    /// call to `target`.
    pub(super) fn branch_to(&mut self, target: &Uri) -> String {
        format!("{BRANCH_COOKIE}{}{}", self.entropy.token(), self.mark(target))
    }

    /// Whether a request is our own, come back for the same number.
    pub(super) fn is_loop(&self, request: &Inbound) -> bool {
        let vias = request.message.vias().filter_map(Result::ok);
        let ours: Vec<Via> = vias.filter(|via| self.is_ours(via)).collect();
        // Nearly always none.
        if ours.is_empty() {
            return false;
        }
        let mark = request.message.request_uri().map(|target| self.mark(&target));
        mark.is_ok_and(|mark| ours.iter().any(|via| mark_of(via) == Some(&mark)))
    }

    fn is_ours(&self, via: &Via) -> bool {
        self.settings.listeners.iter().any(|listener| {
            let port = via.port.unwrap_or(listener.protocol.default_port());
            port == listener.advertised.port() && via.host.equivalent(&listener.told_host())
        })
    }

    /// Which number a call is to. The host does not count: proxies change it on the way.
    fn mark(&self, target: &Uri) -> String {
        self.transactions.keys().mark(&target.user().unwrap_or_default())
    }
}

fn mark_of(via: &Via) -> Option<&str> {
    let branch = via.branch()?.strip_prefix(BRANCH_COOKIE)?;
    branch.get(DRAWN..).filter(|mark| mark.len() == MARK)
}
