//! Provisional responses of ours that must not get lost (RFC 3262 section 3), and the answers that
//! they carry.

use std::collections::VecDeque;

use crate::id::LegId;
use crate::sip::header::{HeaderName, scan};
use crate::sip::method::Method;
use crate::sip::session::reliable::{Action, Input, Sender, State};
use crate::sip::transaction::table::{Packet, ServerKey};
use crate::time::Time;

use super::abilities::lists;
use super::leg::{Leg, LegTimer, Stage, User};
use super::response::{ALLOW, Inbound, SDP, SUPPORTED};
use super::{Endpoint, LegEnd, Reason, SipEvent};

/// As many responses wait for the PRACK of the one before them.
const KEPT_LIMIT: usize = 8;

/// How far offer and answer are while an INVITE has no final response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Exchange {
    /// Nothing was said.
    #[default]
    Open,
    /// Our answer went out in a response that may have got lost: the 2xx says it again (RFC 3261
    /// section 13.2.1).
    Told(String),
    /// Our offer went out reliably: the PRACK brings the answer.
    Offered,
    /// Both are known.
    Done,
}

/// What was said on an incoming leg before its final response.
#[derive(Debug, Default)]
pub(super) struct Announced {
    sender: Sender,
    /// The INVITE's CSeq number.
    invite_seq: u32,
    /// The RSeq of the last reliable response.
    rseq: u32,
    /// The response that waits for its PRACK.
    packet: Option<Packet>,
    /// Responses that wait for their turn.
    kept: VecDeque<(u16, Option<String>)>,
    /// The answer that waits for the PRACK.
    answer: Option<String>,
    exchange: Exchange,
}

impl Announced {
    /// Whether offer and answer are exchanged, and nothing about it is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.exchange == Exchange::Done && self.sender.state() == State::Quiet
    }

    /// Whether the 2xx has overtaken a response that still waits for its PRACK.
    pub(super) fn is_overtaken(&self) -> bool {
        self.sender.state() == (State::Answered { waiting: true })
    }

    /// Whether SDP of ours may still get lost.
    pub(super) fn is_waiting(&self) -> bool {
        self.sender.state() == (State::Waiting { sdp: true })
    }
}

/// What is to be sent, or came.
enum Payload {
    Provisional(u16, Option<String>),
    Answer(String),
    Prack(Box<Inbound>),
    Nothing,
}

impl Endpoint {
    pub(super) fn send_provisional(
        &mut self,
        now: Time,
        leg: LegId,
        status: u16,
        sdp: Option<&str>,
    ) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Stage::Arriving(invite) = &found.stage else { return };
        if !(101..200).contains(&status) {
            return;
        }
        let message = &invite.message;
        let required = lists(message, HeaderName::Require, "100rel");
        let able = required || lists(message, HeaderName::Supported, "100rel");
        if sdp.is_none() && !required {
            return self.send_unreliably(now, leg, status, None);
        }
        let offered = invite.offer().is_some();
        let announced = found.announced.get_or_insert_default();
        announced.invite_seq = invite.essentials.cseq.seq;
        let sdp = match (&announced.exchange, sdp) {
            // Section 5: an offer must not get lost.
            (Exchange::Open, Some(sdp)) if offered || able => Some(sdp.to_owned()),
            (Exchange::Told(sdp), Some(_)) => Some(sdp.clone()),
            (Exchange::Open | Exchange::Told(_) | Exchange::Offered | Exchange::Done, _) => None,
        };
        if required || (able && sdp.is_some()) {
            let payload = Payload::Provisional(status, sdp);
            self.drive_reliable(now, leg, payload);
        } else {
            if let Some(sdp) = &sdp {
                announced.exchange = Exchange::Told(sdp.clone());
            }
            self.send_unreliably(now, leg, status, sdp.as_deref());
        }
    }

    fn send_unreliably(&mut self, now: Time, leg: LegId, status: u16, sdp: Option<&str>) {
        let Some(found) = self.legs.get(&leg) else { return };
        if let Some(response) = self.provisional_packet(found, status, sdp, None)
            && let Stage::Arriving(invite) = &found.stage
        {
            let transaction = invite.transaction;
            self.respond_in(now, transaction, response);
        }
    }

    fn provisional_packet(
        &self,
        found: &Leg,
        status: u16,
        sdp: Option<&str>,
        rseq: Option<u32>,
    ) -> Option<Packet> {
        let Stage::Arriving(invite) = &found.stage else { return None };
        let tag = found.dialog.local.tag().unwrap_or("");
        let mut draft =
            self.draft(invite, status, tag).header_if(HeaderName::Contact, self.contact(invite));
        if let Some(rseq) = rseq {
            draft = draft
                .header(HeaderName::Allow, ALLOW)
                .header(HeaderName::Supported, SUPPORTED)
                .header(HeaderName::Require, "100rel")
                .header(HeaderName::RSeq, rseq);
        }
        let bytes = match sdp {
            Some(sdp) => draft.finish_with(SDP, sdp),
            None => draft.finish(),
        };
        Some(Packet { method: Method::Invite.as_str(), status, bytes })
    }

    /// Our user answers: at once, or when the PRACK of what was said before has come.
    pub(super) fn send_answer(&mut self, now: Time, leg: LegId, sdp: &str) {
        let Some(found) = self.legs.get(&leg) else { return };
        if !matches!(found.stage, Stage::Arriving(_)) {
            return;
        }
        match found.announced {
            Some(_) => self.drive_reliable(now, leg, Payload::Answer(sdp.to_owned())),
            None => self.send_2xx(now, leg, Some(sdp)),
        }
    }

    pub(super) fn repeat_provisional(&mut self, now: Time, leg: LegId) {
        self.drive_sender(now, leg, Input::Repeat, Payload::Nothing);
    }

    /// Section 3: no PRACK within 64*T1.
    pub(super) fn give_up_on_prack(&mut self, now: Time, leg: LegId) {
        self.drive_sender(now, leg, Input::GiveUp, Payload::Nothing);
    }

    fn drive_reliable(&mut self, now: Time, leg: LegId, payload: Payload) {
        let input = match &payload {
            Payload::Provisional(_, sdp) => Input::Provisional { sdp: sdp.is_some() },
            Payload::Answer(_) => Input::Answer,
            Payload::Prack(_) | Payload::Nothing => return,
        };
        self.drive_sender(now, leg, input, payload);
    }

    fn drive_sender(&mut self, now: Time, leg: LegId, input: Input, payload: Payload) {
        let Some(announced) = self.legs.get_mut(&leg).and_then(|leg| leg.announced.as_mut()) else {
            return;
        };
        let mut actions = Vec::new();
        announced.sender.on(input, &mut actions);
        let mut payload = Some(payload);
        for action in actions {
            match action {
                Action::Send(gap) => {
                    if let Some(Payload::Provisional(status, sdp)) = payload.take() {
                        self.make_reliable(leg, status, sdp.as_deref());
                    }
                    self.transmit_reliable(now, leg);
                    self.timers.set((leg, LegTimer::Reliable), now + gap);
                }
                Action::StartGiveUp(after) => {
                    self.timers.set((leg, LegTimer::NoPrack), now + after);
                }
                Action::Stop => {
                    if let Some(announced) =
                        self.legs.get_mut(&leg).and_then(|leg| leg.announced.as_mut())
                    {
                        announced.packet = None;
                    }
                    self.timers.cancel(&(leg, LegTimer::Reliable));
                    self.timers.cancel(&(leg, LegTimer::NoPrack));
                }
                Action::Keep => self.keep(leg, payload.take()),
                Action::Next => self.send_kept(now, leg),
                Action::Answer => {
                    if let Some(Payload::Answer(sdp)) = payload.take() {
                        self.answer_announced(now, leg, sdp);
                    }
                }
                Action::Accept => {
                    if let Some(Payload::Prack(request)) = payload.take() {
                        self.accept_prack(now, leg, request);
                    }
                }
                Action::Refuse => {
                    if let Some(Payload::Prack(request)) = payload.take() {
                        self.refuse(now, &request, 481, Reason::UnknownDialog);
                    }
                }
                Action::Fail => {
                    self.refuse_arrival(now, leg, 504, |draft| draft);
                    let (end, cause) = (LegEnd::NoPrack, None);
                    self.events.push_back(SipEvent::Ended { leg, end, cause });
                }
            }
        }
    }

    /// Numbers a response and keeps it until its PRACK.
    fn make_reliable(&mut self, leg: LegId, status: u16, sdp: Option<&str>) {
        // Section 3: the first number is drawn from the lower half.
        let first = self.entropy.u32() >> 2;
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let offered = matches!(&found.stage, Stage::Arriving(invite) if invite.offer().is_some());
        let Some(announced) = found.announced.as_mut() else { return };
        announced.rseq = if announced.rseq == 0 { first.max(1) } else { announced.rseq + 1 };
        if sdp.is_some() {
            announced.exchange = if offered { Exchange::Done } else { Exchange::Offered };
        }
        let rseq = announced.rseq;
        let packet = self
            .legs
            .get(&leg)
            .and_then(|found| self.provisional_packet(found, status, sdp, Some(rseq)));
        if let Some(announced) = self.legs.get_mut(&leg).and_then(|leg| leg.announced.as_mut()) {
            announced.packet = packet;
        }
    }

    fn transmit_reliable(&mut self, now: Time, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else { return };
        let Stage::Arriving(invite) = &found.stage else { return };
        let packet = found.announced.as_ref().and_then(|announced| announced.packet.clone());
        let transaction = invite.transaction;
        if let Some(packet) = packet {
            self.respond_in(now, transaction, packet);
        }
    }

    fn keep(&mut self, leg: LegId, payload: Option<Payload>) {
        let Some(announced) = self.legs.get_mut(&leg).and_then(|leg| leg.announced.as_mut()) else {
            return;
        };
        match payload {
            Some(Payload::Provisional(status, sdp)) if announced.kept.len() < KEPT_LIMIT => {
                announced.kept.push_back((status, sdp));
            }
            Some(Payload::Answer(sdp)) => announced.answer = Some(sdp),
            Some(Payload::Provisional(..) | Payload::Prack(_) | Payload::Nothing) | None => {}
        }
    }

    /// The PRACK came: what waited for it goes out. With the answer there, nobody needs to ring.
    fn send_kept(&mut self, now: Time, leg: LegId) {
        let Some(announced) = self.legs.get_mut(&leg).and_then(|leg| leg.announced.as_mut()) else {
            return;
        };
        announced.packet = None;
        if let Some(sdp) = announced.answer.take() {
            self.drive_reliable(now, leg, Payload::Answer(sdp));
        } else if let Some((status, sdp)) = announced.kept.pop_front() {
            self.send_provisional(now, leg, status, sdp.as_deref());
        }
    }

    fn answer_announced(&mut self, now: Time, leg: LegId, sdp: String) {
        let announced = self.legs.get(&leg).and_then(|leg| leg.announced.as_ref());
        let sdp = match announced.map(|announced| announced.exchange.clone()) {
            Some(Exchange::Open) | None => Some(sdp),
            Some(Exchange::Told(told)) => Some(told),
            Some(Exchange::Offered | Exchange::Done) => None,
        };
        self.send_2xx(now, leg, sdp.as_deref());
    }

    pub(super) fn receive_prack(
        &mut self,
        now: Time,
        leg: LegId,
        mut request: Inbound,
        key: ServerKey,
    ) {
        self.open(&mut request, key, User::Change(leg));
        if !self.passes_body(now, &request) {
            return;
        }
        let announced = self.legs.get(&leg).and_then(|leg| leg.announced.as_ref());
        let Some(announced) = announced else {
            return self.refuse(now, &request, 481, Reason::UnknownDialog);
        };
        let rack = request.message.header(HeaderName::RAck).and_then(read_rack);
        let matches = rack == Some((announced.rseq, announced.invite_seq));
        self.drive_sender(now, leg, Input::Prack { matches }, Payload::Prack(Box::new(request)));
    }

    fn accept_prack(&mut self, now: Time, leg: LegId, request: Box<Inbound>) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(announced) = found.announced.as_mut() else { return };
        let sdp = request.offer();
        let answer = if announced.exchange == Exchange::Offered {
            announced.exchange = Exchange::Done;
            sdp
        } else if sdp.is_some() {
            // Section 5: a new offer, if none is under way. The PRACK is answered with our user's word
            // on it.
            if !self.may_change(now, leg, &request) {
                return;
            }
            let Some(found) = self.legs.get_mut(&leg) else { return };
            found.change = Some(request);
            self.events.push_back(SipEvent::ProvisionalAcknowledged { leg, answer: None });
            return self.events.push_back(SipEvent::Change { leg, offer: sdp });
        } else {
            None
        };
        self.respond(now, &request, 200, "");
        self.events.push_back(SipEvent::ProvisionalAcknowledged { leg, answer });
    }
}

/// RAck: the RSeq and the CSeq number of an INVITE's response (section 7.2).
fn read_rack(value: &[u8]) -> Option<(u32, u32)> {
    let text = scan::text(value);
    let mut words = text.split_whitespace();
    let rseq = words.next()?.parse().ok()?;
    let seq = words.next()?.parse().ok()?;
    let invite = words.next() == Some(Method::Invite.as_str());
    (invite && words.next().is_none()).then_some((rseq, seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rack_is_two_numbers_and_invite() {
        assert_eq!(read_rack(b"776656  1 INVITE"), Some((776_656, 1)));
        for broken in ["1 INVITE", "1 2 ACK", "x 2 INVITE", "1 2 INVITE x", "1 4294967296 INVITE"] {
            assert_eq!(read_rack(broken.as_bytes()), None, "{broken}");
        }
    }
}
