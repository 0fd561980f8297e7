//! A peer made of plain text, for what no well-behaved endpoint would send.

use std::net::SocketAddr;

use bytes::Bytes;

use super::super::*;
use super::network::{ANSWER, LISTENER, settings};
use crate::id::Entropy;
use crate::sip::header::HeaderName;
use crate::sip::message::Message;
use crate::sip::method::Method;

/// One endpoint and a peer at the other end of the wire.
pub(super) struct Desk {
    pub(super) now: Time,
    pub(super) end: Endpoint,
    pub(super) peer: SocketAddr,
    /// Over which of our listeners it speaks.
    pub(super) listener: ListenerId,
    branches: u32,
}

/// What the peer got back.
pub(super) struct Got {
    pub(super) message: Message,
    pub(super) to: SocketAddr,
    pub(super) listener: ListenerId,
}

impl Got {
    pub(super) fn status(&self) -> u16 {
        self.message.status().unwrap_or(0)
    }

    pub(super) fn text(&self, name: HeaderName) -> String {
        self.message.text(name).unwrap_or_default()
    }

    pub(super) fn to_tag(&self) -> String {
        self.message.to().unwrap().tag().unwrap_or("").to_owned()
    }
}

impl Desk {
    pub(super) fn new() -> Desk {
        Desk::with(settings(1), Limits::default())
    }

    pub(super) fn with(settings: EndpointSettings, limits: Limits) -> Desk {
        Desk {
            now: Time::ZERO,
            end: Endpoint::new(settings, Entropy::from_seed([9; 32])).with_limits(limits),
            peer: SocketAddr::from(([192, 0, 2, 2], 5060)),
            listener: LISTENER,
            branches: 0,
        }
    }

    /// Sends lines; CRLFs and the empty line are added.
    pub(super) fn send(&mut self, text: &str) -> Vec<Got> {
        let text = text.lines().map(str::trim_start).collect::<Vec<_>>().join("\r\n");
        self.send_raw(format!("{text}\r\n\r\n"))
    }

    pub(super) fn send_raw(&mut self, bytes: impl Into<Bytes>) -> Vec<Got> {
        self.end.handle_datagram(self.now, self.listener, self.peer, bytes.into());
        self.got()
    }

    pub(super) fn got(&mut self) -> Vec<Got> {
        std::iter::from_fn(|| self.end.poll_transmit())
            .map(|sent| Got {
                message: Message::parse(sent.bytes).expect("we sent what cannot be read"),
                to: sent.to,
                listener: sent.listener,
            })
            .collect()
    }

    /// The statuses that came back.
    pub(super) fn statuses(&mut self, text: &str) -> Vec<u16> {
        self.send(text).iter().map(Got::status).collect()
    }

    pub(super) fn events(&mut self) -> Vec<SipEvent> {
        std::iter::from_fn(|| self.end.poll_event()).collect()
    }

    pub(super) fn branch(&mut self) -> String {
        self.branches += 1;
        format!("z9hG4bK-peer-{}", self.branches)
    }

    /// The head of a request outside a dialog; more lines may follow.
    pub(super) fn head(&mut self, method: &str, call_id: &str, seq: u32) -> String {
        let branch = self.branch();
        format!(
            "{method} sip:01708434343@192.0.2.1 SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.2:5060;branch={branch};rport
            Max-Forwards: 70
            From: \"Ann\" <sip:07700900123@192.0.2.2>;tag=p1
            To: <sip:01708434343@192.0.2.1>
            Call-ID: {call_id}
            CSeq: {seq} {method}"
        )
    }

    /// The head of a request in the dialog with this tag of ours.
    pub(super) fn head_in(&mut self, method: &str, call_id: &str, seq: u32, tag: &str) -> String {
        self.head(method, call_id, seq).replace(
            "To: <sip:01708434343@192.0.2.1>",
            &format!("To: <sip:01708434343@192.0.2.1>;tag={tag}"),
        )
    }

    /// An INVITE without an offer; our leg.
    pub(super) fn ring(&mut self, call_id: &str) -> LegId {
        let invite = self.head("INVITE", call_id, 1);
        self.send(&format!("{invite}\nContact: <sip:ann@192.0.2.2:5070>"));
        self.events()
            .into_iter()
            .find_map(|event| match event {
                SipEvent::Invite(invite) => Some(invite.leg),
                _ => None,
            })
            .expect("no INVITE arrived")
    }

    /// A call that is up; our leg and our tag.
    pub(super) fn talk(&mut self, call_id: &str) -> (LegId, String) {
        let leg = self.ring(call_id);
        self.end.answer(self.now, leg, super::network::ANSWER);
        let tag = self.got().last().map(Got::to_tag).unwrap_or_default();
        let ack = self.head_in("ACK", call_id, 1, &tag);
        self.send(&ack);
        self.events();
        (leg, tag)
    }

    /// Lets ten minutes pass; nothing may be left.
    pub(super) fn run_out(&mut self) -> Vec<Got> {
        let end = self.now + Duration::from_secs(600);
        let mut got = self.got();
        while let Some(due) = self.end.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.end.handle_timeout(due);
            got.extend(self.got());
        }
        self.now = end;
        let load = self.end.load();
        assert_eq!((load.transactions, load.legs), (0, 0), "something leaked");
        got
    }
}

/// A leg that we make.
pub(super) const LEG: LegId = LegId(5);

/// Our INVITE, as the peer got it.
pub(super) fn ring(desk: &mut Desk) -> Got {
    desk.end.invite(desk.now, outgoing(desk));
    desk.got().pop().unwrap()
}

/// A call of ours to the peer.
pub(super) fn outgoing(desk: &Desk) -> OutgoingInvite {
    OutgoingInvite {
        leg: LEG,
        listener: LISTENER,
        uri: "sip:amy@192.0.2.2:5062;transport=udp?X=y".to_owned(),
        to: desk.peer,
        from_display: "Waste: \"withheld\" <\r\n".to_owned(),
        from_user: "anonymous".to_owned(),
        offer: ANSWER.to_owned(),
        extras: Box::default(),
    }
}

/// A response of the peer with this tag.
pub(super) fn reply(to: &Got, status: u16, tag: &str, more: &str) -> String {
    let of = |name| to.text(name);
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    format!(
        "SIP/2.0 {status} X
        Via: {}
        From: {}
        To: {}{tag}
        Call-ID: {}
        CSeq: {}{more}",
        of(HeaderName::Via),
        of(HeaderName::From),
        of(HeaderName::To),
        of(HeaderName::CallId),
        of(HeaderName::CSeq),
    )
}

/// The methods of what the peer got.
pub(super) fn methods(got: &[Got]) -> Vec<Method> {
    got.iter().filter_map(|got| got.message.method().cloned()).collect()
}

/// A message with a body; raw, since the lines of the body stay as they are.
pub(super) fn bodied(head: &str, content_type: &str, body: &str) -> String {
    let head = head.lines().map(str::trim_start).collect::<Vec<_>>().join("\r\n");
    let length = body.len();
    format!("{head}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The statuses of what the peer got.
pub(super) fn statuses(got: &[Got]) -> Vec<u16> {
    got.iter().map(Got::status).collect()
}
