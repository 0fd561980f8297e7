//! REFER from a peer, and the NOTIFYs that tell it how the new call goes (RFC 3515, RFC 3891, RFC
//! 3892, RFC 4488).

use crate::id::LegId;
use crate::sip::header::{HeaderName, NameAddr, Replaces};
use crate::sip::message::Message;
use crate::sip::method::Method;
use crate::sip::session::subscription::{Action, Ending, Input, State, Subscription};
use crate::sip::transaction::table::ServerKey;
use crate::sip::uri::{Uri, unescape};
use crate::sip::write::reason_phrase;
use crate::time::Time;

use super::leg::{LegTimer, Stage, User};
use super::response::{Inbound, packet};
use super::{Endpoint, Reason, Refer, ReplacedDialog, SipEvent};

/// The body of a NOTIFY about a REFER (RFC 3420).
const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// A REFER and what it led to.
#[derive(Debug)]
pub(super) struct Referral {
    subscription: Subscription,
    /// The REFER, until it is answered.
    request: Option<Box<Inbound>>,
    /// Its CSeq number, which tells the subscription from others in the dialog (section 2.4.6).
    seq: u32,
    /// Whether the peer asked for no subscription (RFC 4488 section 4).
    silent: bool,
}

/// Why a REFER cannot be put to our user.
struct Unusable {
    status: u16,
    why: &'static str,
    reason: Reason,
}

impl Unusable {
    const fn bad(why: &'static str) -> Unusable {
        Unusable { status: 400, why, reason: Reason::BadHeader }
    }
}

impl Endpoint {
    pub(super) fn receive_refer(
        &mut self,
        now: Time,
        leg: LegId,
        mut request: Inbound,
        key: ServerKey,
    ) {
        let refer = match self.read_refer(&request.message) {
            Ok(refer) => refer,
            Err(Unusable { status, why, reason }) => {
                self.counters.reject(reason.as_str());
                return self.refuse_because(now, &request, status, why, |draft| draft);
            }
        };
        let Some(found) = self.legs.get(&leg) else { return };
        if found.quiet || matches!(found.stage, Stage::Leaving) {
            return self.refuse(now, &request, 481, Reason::UnknownDialog);
        }
        if !matches!(found.stage, Stage::Up) || found.referral.is_some() {
            // Nobody talks yet, or an earlier REFER is not over.
            return self.refuse(now, &request, 491, Reason::ReferPending);
        }
        self.open(&mut request, key, User::Nobody);
        let referral = Referral {
            subscription: Subscription::asked(),
            seq: request.essentials.cseq.seq,
            silent: refuses_subscription(&request.message),
            request: Some(Box::new(request)),
        };
        if let Some(found) = self.legs.get_mut(&leg) {
            found.referral = Some(Box::new(referral));
        }
        self.events.push_back(SipEvent::Refer { leg, refer });
    }

    /// Section 2.4.2, and the Replaces that may be in the URI (RFC 3891 section 6.1).
    fn read_refer(&self, message: &Message) -> Result<Refer, Unusable> {
        let mut fields = message.headers(HeaderName::ReferTo);
        let refer_to = match (fields.next(), fields.next()) {
            (Some(one), None) => NameAddr::parse(one).map_err(|_| Unusable::bad("Bad Refer-To"))?,
            (Some(_), Some(_)) => return Err(Unusable::bad("More Than One Refer-To")),
            (None, _) => return Err(Unusable::bad("Missing Refer-To")),
        };
        let mut uri = refer_to.uri;
        let mut replaces = None;
        if let Uri::Sip(sip) = &mut uri {
            if sip.params.get("method").is_some_and(|method| method != Method::Invite.as_str()) {
                // We ring people, and do nothing else on a peer's word.
                return Err(Unusable {
                    status: 403,
                    why: reason_phrase(403),
                    reason: Reason::ReferRefused,
                });
            }
            sip.params.remove("method");
            replaces = replaced(sip.headers.take().as_deref())?;
        } else if matches!(uri, Uri::Other(_)) {
            let why = reason_phrase(416);
            return Err(Unusable { status: 416, why, reason: Reason::UriScheme });
        }
        let mut referred_by = message.fields(HeaderName::ReferredBy);
        let referred_by = match (referred_by.next(), referred_by.next()) {
            (Some(one), None) => Some(crate::sip::header::scan::text(one)),
            (Some(_), Some(_)) => return Err(Unusable::bad("More Than One Referred-By")),
            (None, _) => None,
        };
        Ok(Refer {
            target: uri.to_string(),
            replaces: replaces.map(|dialog| {
                // The dialog as its peer sees it: if that is us, it is a leg of ours.
                let leg = self.dialogs.get(&dialog.dialog_id()).copied();
                ReplacedDialog { leg, dialog }
            }),
            referred_by,
        })
    }

    pub(super) fn answer_refer(&mut self, now: Time, leg: LegId, answer: Option<u16>) {
        let silent = |leg: &super::leg::Leg| leg.referral.as_ref().is_some_and(|r| r.silent);
        let Some(found) = self.legs.get(&leg) else { return };
        let input = match answer {
            None => Input::Accept { subscribed: !silent(found) },
            Some(status @ 300..700) => Input::Refuse(status),
            Some(_) => Input::Refuse(603),
        };
        self.drive_referral(now, leg, input);
    }

    pub(super) fn tell_referral(&mut self, now: Time, leg: LegId, status: u16) {
        if (100..700).contains(&status) {
            self.drive_referral(now, leg, Input::Progress(status));
        }
    }

    pub(super) fn referral_expired(&mut self, now: Time, leg: LegId) {
        self.drive_referral(now, leg, Input::Expired);
    }

    /// A NOTIFY was answered, or not at all (408): only success keeps the subscription (RFC 6665
    /// section 4.2.2).
    pub(super) fn notify_replied(&mut self, now: Time, leg: LegId, status: u16) {
        if status >= 300 {
            self.drive_referral(now, leg, Input::NotifyRefused);
        }
    }

    /// The leg ends: a REFER that waits is answered, a subscription ended.
    pub(super) fn end_referral(&mut self, now: Time, leg: LegId) {
        self.drive_referral(now, leg, Input::Left);
    }

    fn drive_referral(&mut self, now: Time, leg: LegId, input: Input) {
        let Some(mut found) = self.legs.remove(&leg) else { return };
        let Some(mut referral) = found.referral.take() else {
            self.legs.insert(leg, found);
            return;
        };
        let mut actions = Vec::new();
        referral.subscription.on(input, &mut actions);
        for action in actions {
            match action {
                Action::Respond(status) => {
                    let Some(request) = referral.request.take() else { continue };
                    let tag = found.dialog.local.tag().unwrap_or("");
                    let mut draft = self.draft(&request, status, tag);
                    if status == 202 {
                        draft = draft.header_if(HeaderName::Contact, self.contact(&request));
                        if referral.silent {
                            draft = draft.named("Refer-Sub", "false");
                        }
                    }
                    let response = packet(&request, status, draft);
                    self.send(now, &request, response);
                }
                Action::Notify(status, ending) => {
                    self.send_notify(now, leg, &mut found, referral.seq, status, ending);
                }
                Action::Start => {
                    self.timers.set((leg, LegTimer::Referral), now + self.limits.referral);
                }
                Action::Stop => {
                    self.timers.cancel(&(leg, LegTimer::Referral));
                }
            }
        }
        if referral.subscription.state() != State::Over {
            found.referral = Some(referral);
        }
        self.legs.insert(leg, found);
    }

    fn send_notify(
        &mut self,
        now: Time,
        leg: LegId,
        found: &mut super::leg::Leg,
        seq: u32,
        status: u16,
        ending: Option<Ending>,
    ) {
        let left = self
            .timers
            .get(&(leg, LegTimer::Referral))
            .map_or(0, |at| super::response::seconds(at.since(now)));
        let cseq = found.dialog.next_seq();
        let Some(begun) = self.begin(&found.dialog, &Method::Notify, cseq) else { return };
        let begun = begun
            .with(HeaderName::Event, format_args!("refer;id={seq}"))
            .with_if(HeaderName::Contact, self.contact_in(&found.dialog));
        let begun = match ending {
            None => {
                begun.with(HeaderName::SubscriptionState, format_args!("active;expires={left}"))
            }
            Some(ending) => begun.with(
                HeaderName::SubscriptionState,
                format_args!("terminated;reason={}", ending.as_str()),
            ),
        };
        let fragment = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status));
        let prepared = begun.finish_with(SIPFRAG, &fragment);
        self.request(now, prepared, User::Notify(leg));
    }
}

/// Whether the peer wants no subscription (RFC 4488 section 4).
fn refuses_subscription(message: &Message) -> bool {
    let mut wishes = message.named("Refer-Sub");
    wishes.any(|wish| {
        let wish = wish.split(|b| *b == b';').next().unwrap_or_default();
        crate::sip::header::scan::trim(wish).eq_ignore_ascii_case(b"false")
    })
}

/// The Replaces among the headers of a Refer-To's URI; other headers are not for us to copy.
fn replaced(headers: Option<&str>) -> Result<Option<Replaces>, Unusable> {
    let mut values = headers
        .unwrap_or("")
        .split('&')
        .filter_map(|header| header.split_once('='))
        .filter(|(name, _)| unescape(name).eq_ignore_ascii_case("Replaces"))
        .map(|(_, value)| unescape(value));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Replaces::parse(one.as_bytes())
            .map(Some)
            .map_err(|_| Unusable::bad("Bad Replaces in Refer-To")),
        (Some(_), Some(_)) => Err(Unusable::bad("More Than One Replaces in Refer-To")),
    }
}
