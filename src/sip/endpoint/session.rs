//! Session timers (RFC 4028): a call whose peer has vanished without a BYE ends by itself.

use std::time::Duration;

use crate::id::LegId;
use crate::sip::header::{Cause, CauseProtocol, HeaderName, SessionExpires, Side};
use crate::sip::message::Message;
use crate::sip::method::Method;
use crate::sip::session::timer::{self, Agreed, Asked, Policy, Refresher};
use crate::sip::transaction::table::TransactionId;
use crate::sip::transaction::timers::GIVE_UP;
use crate::sip::write::Draft;
use crate::time::Time;

use super::abilities::lists;
use super::ending::{Begun, Prepared};
use super::leg::{LegTimer, Stage, User};
use super::replies::Reply;
use super::response::{ALLOW, Inbound, SUPPORTED};
use super::{Endpoint, LegEnd, Reason, SipEvent};

/// A refresh that failed for the time being is tried again after so long.
const AGAIN: Duration = Duration::from_secs(10);
/// One that something else stands in the way of.
const SOON: Duration = Duration::from_secs(2);
/// The longest interval that a peer may ask for, in seconds: a day.
const LONGEST_S: u32 = 86_400;

impl Endpoint {
    fn policy(&self) -> Policy {
        Policy { interval_s: self.settings.session_s, min_s: self.limits.session_min_s }
    }

    /// What our INVITE says of the timer.
    pub(super) fn propose_session(&self, draft: Draft) -> Draft {
        let Policy { interval_s, min_s } = self.policy();
        draft.header(HeaderName::SessionExpires, interval_s).header(HeaderName::MinSe, min_s)
    }

    /// What a request of ours in a dialog says of the timer: that nothing changes.
    pub(super) fn keep_session(&self, leg: LegId, begun: Begun) -> Begun {
        let begun = begun.with(HeaderName::Supported, SUPPORTED);
        let Some(Agreed { interval_s, refresher }) =
            self.legs.get(&leg).and_then(|leg| leg.session)
        else {
            return begun;
        };
        let refresher = Some(match refresher {
            Refresher::Us => Side::Uac,
            Refresher::Them => Side::Uas,
        });
        begun
            .with(HeaderName::SessionExpires, SessionExpires { interval_s, refresher })
            .with(HeaderName::MinSe, self.limits.session_min_s)
    }

    /// Whether a request's session is not too short; it is refused if it is (422).
    pub(super) fn passes_session(&mut self, now: Time, request: &Inbound) -> bool {
        match timer::answer(self.policy(), asked(&request.message)) {
            Ok(_) => true,
            Err(min_s) => {
                self.refuse_with(now, request, 422, Reason::SessionTooShort, |draft| {
                    draft.header(HeaderName::MinSe, min_s)
                });
                false
            }
        }
    }

    /// What our 2xx to a request says of the timer.
    pub(super) fn answer_session(&self, request: &Inbound, draft: Draft) -> Draft {
        let asked = asked(&request.message);
        let Ok(Agreed { interval_s, refresher }) = timer::answer(self.policy(), asked) else {
            return draft;
        };
        let side = match refresher {
            Refresher::Us => Side::Uas,
            Refresher::Them => Side::Uac,
        };
        // Section 9: whoever is to refresh must know of it, and whoever could is to hang up if
        // nobody does.
        let draft = if asked.capable { draft.header(HeaderName::Require, "timer") } else { draft };
        let refresher = Some(side);
        draft.header(HeaderName::SessionExpires, SessionExpires { interval_s, refresher })
    }

    /// Our 2xx to a request in a dialog begins the interval anew.
    pub(super) fn session_answered(&mut self, now: Time, leg: LegId, request: &Message) {
        if let Ok(agreed) = timer::answer(self.policy(), asked(request)) {
            self.run_session(now, leg, agreed);
        }
    }

    /// And so does the peer's 2xx to ours.
    pub(super) fn session_taken(&mut self, now: Time, leg: LegId, response: &Message) {
        let found = session_expires(response);
        let refresher = found.and_then(|found| found.refresher).map(|side| match side {
            Side::Uac => Refresher::Us,
            Side::Uas => Refresher::Them,
        });
        let interval_s = found.map(|found| found.interval_s.min(LONGEST_S));
        let agreed = timer::agreed(self.policy(), interval_s, refresher);
        self.run_session(now, leg, agreed);
    }

    fn run_session(&mut self, now: Time, leg: LegId, agreed: Agreed) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if !matches!(found.stage, Stage::Up) || found.quiet {
            return;
        }
        found.session = Some(agreed);
        self.timers.set((leg, LegTimer::Expire), now + agreed.expire_after());
        match agreed.refresher {
            Refresher::Us => {
                self.timers.set((leg, LegTimer::Refresh), now + agreed.refresh_after());
            }
            Refresher::Them => {
                self.timers.cancel(&(leg, LegTimer::Refresh));
            }
        }
    }

    /// Section 7.4: an UPDATE without an offer if the peer knows it, else a re-INVITE with the
    /// description that it has.
    pub(super) fn refresh(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.quiet || !matches!(found.stage, Stage::Up) {
            return;
        }
        // Tried again until something is heard, or the session is over.
        if found.unacknowledged.is_some() {
            self.timers.set((leg, LegTimer::Refresh), now + SOON);
            return;
        }
        self.timers.set((leg, LegTimer::Refresh), now + GIVE_UP + AGAIN);
        if !found.peer.update {
            return self.refresh_by_invite(now, leg);
        }
        let seq = found.dialog.next_seq();
        let dialog = found.dialog.clone();
        let Some(begun) = self.begin(&dialog, &Method::Update, seq) else { return };
        let begun = begun
            .with_if(HeaderName::Contact, self.contact_in(&dialog))
            .with(HeaderName::Allow, ALLOW);
        let update = self.keep_session(leg, begun).finish();
        self.request(now, update, User::Refresh(leg));
    }

    /// A response to the UPDATE that refreshes.
    pub(super) fn refresh_replied(
        &mut self,
        now: Time,
        leg: LegId,
        id: TransactionId,
        reply: &Reply,
    ) {
        if reply.status < 200 {
            return;
        }
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.quiet {
            return;
        }
        match reply.status {
            ..300 => {
                if let Ok(contact) = reply.message.contact() {
                    found.dialog.remote_target = contact.uri;
                }
                self.session_taken(now, leg, &reply.message);
            }
            401 | 407 => {
                let user = User::Refresh(leg);
                if self.answer_challenge_in(now, leg, id, reply, user).is_none() {
                    self.refresh_again(now, leg);
                }
            }
            422 => {
                let seq = found.dialog.next_seq();
                if let Some(prepared) = self.raise_session(id, reply, seq) {
                    self.request(now, prepared, User::Refresh(leg));
                }
            }
            408 | 481 => self.lose(now, leg, reply.cause()),
            405 | 501 => {
                found.peer.update = false;
                self.refresh_by_invite(now, leg);
            }
            // The session goes on, and its end is set.
            _ => self.refresh_again(now, leg),
        }
    }

    /// A refresh was refused for now.
    pub(super) fn refresh_again(&mut self, now: Time, leg: LegId) {
        self.timers.set((leg, LegTimer::Refresh), now + AGAIN);
    }

    /// The refused request with the interval that a 422 asks for (section 7.3); none if that is no
    /// more than it had.
    pub(super) fn raise_session(
        &mut self,
        id: TransactionId,
        reply: &Reply,
        seq: u32,
    ) -> Option<Prepared> {
        let min_s = reply.message.number(HeaderName::MinSe).ok().flatten()?;
        let refused = Message::parse(self.transactions.request_of(id)?.1.bytes.clone()).ok()?;
        let had_s = refused.number(HeaderName::MinSe).ok().flatten().unwrap_or(0);
        if min_s <= had_s || min_s > LONGEST_S {
            return None;
        }
        let old = session_expires(&refused)?;
        let interval_s = old.interval_s.max(min_s);
        let session = SessionExpires { interval_s, refresher: old.refresher }.to_string();
        let replaced = [
            (HeaderName::SessionExpires, session.as_str()),
            (HeaderName::MinSe, &min_s.to_string()),
        ];
        self.again(id, &refused, &replaced, seq)
    }

    /// Section 10: nobody refreshed.
    pub(super) fn session_expired(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        if found.quiet || !matches!(found.stage, Stage::Up) {
            return;
        }
        found.quiet = true;
        found.cause = Some(Cause { protocol: CauseProtocol::Sip, code: 408 });
        let end = LegEnd::SessionExpired;
        self.events.push_back(SipEvent::Ended { leg, end, cause: None });
        self.send_bye(now, leg);
    }
}

/// What a request says of the timer. What cannot be read counts as not said.
fn asked(message: &Message) -> Asked {
    let found = session_expires(message);
    Asked {
        interval_s: found.map(|found| found.interval_s),
        refresher: found.and_then(|found| found.refresher).map(|side| match side {
            Side::Uac => Refresher::Them,
            Side::Uas => Refresher::Us,
        }),
        min_s: message.number(HeaderName::MinSe).ok().flatten().filter(|min_s| *min_s <= LONGEST_S),
        capable: lists(message, HeaderName::Supported, "timer")
            || lists(message, HeaderName::Require, "timer"),
    }
}

fn session_expires(message: &Message) -> Option<SessionExpires> {
    message.header(HeaderName::SessionExpires).and_then(|value| SessionExpires::parse(value).ok())
}
