//! The face of SIP: datagrams in, events and datagrams out, time as a parameter.
//!
//! An INVITE dialog with a peer is a *leg*, named by a [`LegId`]; nobody above this module sees
//! dialogs, transactions, tags or branches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::id::{Entropy, LegId};
use crate::time::{Deadlines, Time};

use super::dialog::{Dialog, DialogId};
use super::digest::Authenticator;
use super::guard::Guard;
use super::registrar::Registrar;
use super::transaction::table::{News, Table, TransactionId};
use super::{ListenerId, Transmit};

mod abilities;
mod answering;
mod arrival;
mod challenged;
mod change;
mod counters;
mod early;
mod ending;
mod event;
mod guarding;
mod in_dialog;
mod incoming;
mod info;
mod invite;
mod leg;
mod limits;
mod loops;
mod outgoing;
mod refer;
mod registration;
mod reliable;
mod replacing;
mod replies;
mod request;
mod response;
mod sending;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod told;

use leg::{Leg, LegTimer, Stage, User};

pub use super::digest::Login;
pub use super::header::{Cause, CauseProtocol, Replaces};
pub use counters::{Load, Reason, SipCounters};
pub use event::{Binding, LegEnd, Refer, ReplacedDialog, SipEvent};
pub use invite::{Authentication, Identity, IncomingInvite, InviteExtras, OutgoingInvite, Told};
pub use limits::Limits;
pub use request::{OutOfDialog, OutOfDialogMethod, RequestId, Response};
pub use settings::{Account, EndpointSettings};

/// Transactions, dialogs, registrations: SIP without sockets or clock.
#[derive(Debug)]
pub struct Endpoint {
    settings: EndpointSettings,
    limits: Limits,
    entropy: Entropy,
    authenticator: Authenticator,
    transactions: Table<User>,
    /// Boxed, here and below: a map moves its values when it grows and shrinks.
    legs: BTreeMap<LegId, Box<Leg>>,
    dialogs: BTreeMap<DialogId, LegId>,
    timers: Deadlines<(LegId, LegTimer)>,
    merges: incoming::Merges,
    /// Every 2xx that came for an INVITE of ours, until its transaction is over.
    accepted: BTreeMap<TransactionId, outgoing::Accepted>,
    /// Requests of ours outside any dialog.
    requests: BTreeMap<RequestId, request::Pending>,
    registrar: Registrar,
    guard: Guard,
    transmits: VecDeque<Transmit>,
    events: VecDeque<SipEvent>,
    counters: SipCounters,
    /// What certificates must say, by address.
    peer_names: BTreeMap<SocketAddr, Arc<str>>,
    /// What certificates have said, by connection.
    proved_names: BTreeMap<(ListenerId, SocketAddr), Vec<String>>,
    /// Open connections over which something came.
    flows: BTreeSet<(ListenerId, SocketAddr)>,
    /// Where nobody takes connections, until when that is believed.
    datagrams_only: Deadlines<SocketAddr>,
    /// No new calls are wanted: OPTIONS are answered so.
    closed: bool,
}

impl Endpoint {
    /// An endpoint with nothing going on.
    pub fn new(settings: EndpointSettings, mut entropy: Entropy) -> Self {
        Endpoint {
            limits: Limits::default(),
            transactions: Table::new(entropy.secret()),
            authenticator: Authenticator::new(&settings.realm, &mut entropy),
            guard: Guard::new(settings.guard.clone(), &mut entropy),
            settings,
            entropy,
            legs: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            timers: Deadlines::new(),
            merges: incoming::Merges::default(),
            accepted: BTreeMap::new(),
            requests: BTreeMap::new(),
            registrar: Registrar::new(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            counters: SipCounters::default(),
            peer_names: BTreeMap::new(),
            proved_names: BTreeMap::new(),
            flows: BTreeSet::new(),
            datagrams_only: Deadlines::new(),
            closed: false,
        }
    }

    /// The same with other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes new settings; transactions and dialogs stay, and so do the bindings of whoever still has
    /// an account.
    pub fn reconfigure(&mut self, settings: EndpointSettings) {
        if settings.realm != self.settings.realm {
            self.authenticator = Authenticator::new(&settings.realm, &mut self.entropy);
        }
        self.settings = settings;
        let guard = self.settings.guard.clone();
        self.reconfigure_guard(&guard);
        let accounts = &self.settings.accounts;
        self.events.extend(self.registrar.retain_users(|user| accounts.contains_key(user)));
    }

    /// Takes in one datagram. Never panics, whatever the bytes.
    pub fn handle_datagram(
        &mut self,
        now: Time,
        listener: ListenerId,
        from: SocketAddr,
        bytes: Bytes,
    ) {
        self.counters.coming_from(Some(from.ip()));
        if self.turned_away(now, listener, from) {
            return;
        }
        self.receive(now, listener, from, bytes);
        self.settle(now);
    }

    /// The far end of a connection has proved these names with its certificate.
    pub fn handle_named(&mut self, listener: ListenerId, peer: SocketAddr, names: Vec<String>) {
        self.proved_names.insert((listener, peer), names);
    }

    /// The names, in lower case, that the far end of an open connection has proved.
    pub fn proved_names(&self, listener: ListenerId, peer: SocketAddr) -> &[String] {
        self.proved_names.get(&(listener, peer)).map_or(&[], Vec::as_slice)
    }

    /// The connection to `peer` is closed, or could not be opened: what went over it has failed, and
    /// phones that were reached through it are no longer registered.
    pub fn handle_closed(&mut self, now: Time, listener: ListenerId, peer: SocketAddr) {
        self.flows.remove(&(listener, peer));
        self.proved_names.remove(&(listener, peer));
        self.transactions.closed(now, listener, peer);
        self.settle(now);
        self.events.extend(self.registrar.closed(listener, peer));
    }

    /// The names that peers' certificates must carry, by the address that each is reached at.
    pub fn name_peers(&mut self, names: BTreeMap<SocketAddr, Arc<str>>) {
        self.peer_names = names;
    }

    /// No new calls are wanted from now on: whoever asks whether we live (OPTIONS) is told 503, so
    /// that a carrier sends its calls elsewhere. Refusing INVITEs is our user's.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Lets everything happen that is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        self.counters.coming_from(None);
        self.transactions.handle_timeout(now);
        self.settle(now);
        while let Some((_, (leg, timer))) = self.timers.pop_due(now) {
            match timer {
                LegTimer::Repeat => self.repeat_answer(now, leg),
                LegTimer::NoAck => self.give_up_on_ack(now, leg),
                LegTimer::Cancelled => self.give_up_on_cancelled(now, leg),
                LegTimer::Ring => self.give_up_on_ringing(now, leg),
                LegTimer::Reliable => self.repeat_provisional(now, leg),
                LegTimer::NoPrack => self.give_up_on_prack(now, leg),
                LegTimer::Refresh => self.refresh(now, leg),
                LegTimer::Expire => self.session_expired(now, leg),
                LegTimer::Retry => self.try_change(now, leg),
                LegTimer::Overdue => self.give_up_on_change(now, leg),
                LegTimer::Referral => self.referral_expired(now, leg),
                LegTimer::Trying => self.send_trying(now, leg),
            }
            self.settle(now);
        }
        self.events.extend(self.registrar.expire(now));
        self.guard.handle_timeout(now);
    }

    /// When [`Endpoint::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        [
            self.transactions.poll_timeout(),
            self.timers.next(),
            self.registrar.poll_timeout(),
            self.guard.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<SipEvent> {
        self.events.pop_front().or_else(|| self.guard.poll_notice().map(SipEvent::Guard))
    }

    /// Sends a provisional response on an incoming leg: 180, or 183 with an answer for early media.
    pub fn provisional(&mut self, now: Time, leg: LegId, status: u16, sdp: Option<&str>) {
        self.send_provisional(now, leg, status, sdp);
        self.settle(now);
    }

    /// Answers an incoming leg with 200 and SDP; retransmitted until the ACK (RFC 3261 13.3.1.4).
    pub fn answer(&mut self, now: Time, leg: LegId, sdp: &str) {
        self.send_answer(now, leg, sdp);
        self.settle(now);
    }

    /// Refuses an incoming leg with a final status. The leg is gone; no event follows.
    pub fn reject(&mut self, now: Time, leg: LegId, status: u16, retry_after: Option<Duration>) {
        self.send_refusal(now, leg, status, retry_after);
        self.settle(now);
    }

    /// Refuses an incoming leg as [`Endpoint::reject`] does, with words that say why.
    pub fn forbid(&mut self, now: Time, leg: LegId, status: u16, words: &str) {
        self.send_forbidden(now, leg, status, words);
        self.settle(now);
    }

    /// Refuses an incoming leg with 401 and a challenge for every algorithm of the accounts
    /// (SHA-256 first, RFC 8760). The leg is gone; the peer comes back with a new INVITE.
    pub fn challenge(&mut self, now: Time, leg: LegId) {
        self.send_challenge(now, leg);
        self.settle(now);
    }

    /// Rings a peer. Results arrive as events.
    pub fn invite(&mut self, now: Time, invite: OutgoingInvite) {
        self.send_invite(now, invite);
        self.settle(now);
    }

    /// Rings a phone no longer (CANCEL), and goes on telling of it: if a 2xx crosses the CANCEL,
    /// whoever answered is there ([`SipEvent::Answered`]); else it fails. Idempotent.
    pub fn cancel(&mut self, now: Time, leg: LegId) {
        self.cancel_leg(now, leg);
        self.settle(now);
    }

    /// Ends a leg in whatever way its state asks for: BYE, CANCEL (or ACK and BYE if a 2xx crosses
    /// it), 487 or 480 for an incoming leg that was not answered. No event follows, except
    /// [`SipEvent::Failed`] never for a leg hung up by us. Idempotent.
    pub fn hang_up(&mut self, now: Time, leg: LegId) {
        self.end_leg(now, leg, None);
        self.settle(now);
    }

    /// The same, and the BYE or CANCEL tells why (RFC 3326): [`Cause::ANSWERED_ELSEWHERE`] spares a
    /// phone that rang a missed call.
    pub fn hang_up_because(&mut self, now: Time, leg: LegId, cause: Cause) {
        self.end_leg(now, leg, Some(cause));
        self.settle(now);
    }

    /// Accepts a change with an SDP answer.
    pub fn accept_change(&mut self, now: Time, leg: LegId, sdp: &str) {
        self.answer_change(now, leg, sdp);
        self.settle(now);
    }

    /// Refuses a change (488); the session stays as it was.
    pub fn reject_change(&mut self, now: Time, leg: LegId, status: u16) {
        self.refuse_change(now, leg, status);
        self.settle(now);
    }

    /// Asks the peer of a leg that is up to take another description: a re-INVITE, sent as soon as
    /// nothing else is under way, and again if it meets the peer's own (491). The newest wish counts.
    /// [`SipEvent::Changed`] or [`SipEvent::ChangeRefused`] follows, unless the leg ends before.
    pub fn change(&mut self, now: Time, leg: LegId, sdp: &str) {
        self.want_change(now, leg, sdp);
        self.settle(now);
    }

    /// Takes a REFER: 202, and the peer is told that the new call is being tried.
    pub fn accept_refer(&mut self, now: Time, leg: LegId) {
        self.answer_refer(now, leg, None);
        self.settle(now);
    }

    /// Refuses a REFER with a final status; 603 if it is none.
    pub fn reject_refer(&mut self, now: Time, leg: LegId, status: u16) {
        self.answer_refer(now, leg, Some(status));
        self.settle(now);
    }

    /// Tells a peer whose REFER was accepted how the new call goes; a final status is the end of
    /// it. A leg that ends before is told the last status as the end.
    pub fn notify_refer(&mut self, now: Time, leg: LegId, status: u16) {
        self.tell_referral(now, leg, status);
        self.settle(now);
    }

    /// Sends a request outside any dialog; [`SipEvent::Response`] follows.
    pub fn request_outside(&mut self, now: Time, request: OutOfDialog) {
        self.send_out_of_dialog(now, request);
        self.settle(now);
    }

    /// The registered contacts of a user, in the order of their registration.
    pub fn bindings(&self, user: &str) -> &[Binding] {
        self.registrar.bindings(user)
    }

    /// Restores a binding that the journal knows; no event follows.
    pub fn restore_binding(&mut self, now: Time, user: &str, binding: Binding) {
        self.proved_credentials(now, binding.source, binding.expires_at - now);
        self.registrar.restore(user, binding);
    }

    /// What has been counted on the wire.
    pub fn counters(&self) -> &SipCounters {
        &self.counters
    }

    /// Over which listener a leg's peer speaks with us; none if there is no such leg.
    pub fn listener_of(&self, leg: LegId) -> Option<ListenerId> {
        self.legs.get(&leg).map(|leg| leg.dialog.listener)
    }

    /// How much there is of everything: all zero when nothing goes on.
    pub fn load(&self) -> Load {
        Load {
            transactions: self.transactions.len(),
            legs: self.legs.len(),
            bindings: self.registrar.len(),
            dialogs: self.dialogs.len(),
            timers: self.timers.len(),
            requests: self.requests.len(),
            remembered: self.merges.len() + self.accepted.len(),
        }
    }

    /// Carries out what the transactions ask for until they ask for nothing more.
    fn settle(&mut self, now: Time) {
        loop {
            if let Some(outgoing) = self.transactions.poll_outgoing() {
                self.transmit(outgoing);
            } else if let Some(news) = self.transactions.poll_news() {
                self.take_news(now, news);
            } else {
                return;
            }
        }
    }

    fn take_news(&mut self, now: Time, news: News<User>) {
        match news {
            // RFC 3261 section 8.1.3.1: a time-out counts as 408, a failed transport as 503.
            News::TimedOut { id, user } => self.request_failed(now, id, user, 408),
            News::TransportFailed { id, user } => self.request_failed(now, id, user, 503),
            News::FellBack { to } => self.note_datagrams_only(now, to),
            News::Over { id, user: _ } => {
                self.merges.forget(id);
                self.accepted.remove(&id);
            }
        }
    }

    fn request_failed(&mut self, now: Time, id: TransactionId, user: User, status: u16) {
        match user {
            User::Invite(leg) => self.invite_failed(leg, id, status, None),
            User::Reinvite(leg) | User::Update(leg) => {
                self.change_unanswered(now, leg, id, status);
            }
            // A connection that broke is no proof that nobody is there: the next try is set.
            User::Refresh(leg) if status == 408 => self.lose(now, leg, None),
            User::Refresh(_) => {}
            User::Bye(leg) => self.forget_leg(leg),
            User::Notify(leg) => self.notify_replied(now, leg, status),
            User::Request(request) => self.request_unanswered(request, status),
            // A failure that was never acknowledged, or a response that could not be sent: the
            // leg's own timers deal with what is left.
            User::Arrival(_) | User::Change(_) | User::Nobody => {}
        }
    }

    fn unlist(&mut self, leg: LegId, dialog: &Dialog) {
        let id = dialog.id();
        if self.dialogs.get(&id) == Some(&leg) {
            self.dialogs.remove(&id);
        }
    }

    /// Removes a leg, whatever it still waited for.
    fn forget_leg(&mut self, leg: LegId) {
        let Some(gone) = self.legs.remove(&leg) else { return };
        self.unlist(leg, &gone.dialog);
        if let Stage::Calling(calling) = &gone.stage {
            calling.early.iter().for_each(|early| self.unlist(leg, &early.dialog));
        }
        if let (true, Some(from)) = (gone.on_trial, gone.called_from) {
            self.guard.call_settled(from);
        }
        self.timers.cancel_all(LegTimer::all_of(leg));
    }
}
