//! A dialog as a peer keeps it, and the messages that the peer makes of it.

use std::fmt::Write as _;

use switchboard::sip::header::HeaderName;
use switchboard::sip::message::Message;

use super::place::Peer;

/// Descriptions of all kinds.
pub const DESCRIPTIONS: [&str; 10] = [
    "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
    "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n",
    "m=audio 4000 RTP/AVP 8\r\na=inactive\r\n",
    "c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 8\r\n",
    "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
     inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n",
    "m=audio 4000 RTP/AVP 18\r\n",
    "m=audio 0 RTP/AVP 8\r\n",
    "m=video 4000 RTP/AVP 96\r\nm=audio 4002 RTP/AVP 8\r\n",
    "m=audio 4000 RTP/AVP 8\r\na=recvonly\r\nc=IN IP6 2001:db8::2\r\n",
    "nonsense",
];

/// A whole description.
pub fn description(kind: usize) -> String {
    let rest = DESCRIPTIONS.get(kind).copied().unwrap_or_default();
    if rest.is_empty() {
        return String::new();
    }
    format!("v=0\r\no=- 1 {kind} IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n{rest}")
}

/// A dialog of a peer.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Whose.
    pub peer: Peer,
    /// Call-ID.
    pub id: String,
    /// Our side, with its tag.
    pub local: String,
    /// The other side, with its tag once it is known.
    pub remote: String,
    /// Where requests go.
    pub target: String,
    /// The last CSeq of ours.
    pub seq: u32,
    /// Our INVITE's CSeq and branch, if the peer rang.
    pub invite: Option<(u32, String)>,
    /// The last reliable provisional response: RSeq and CSeq.
    pub reliable: Option<(String, String)>,
    /// The other side's requests that have no final answer yet.
    pub open: Vec<Message>,
    /// A 2xx came or went.
    pub up: bool,
}

impl Talk {
    /// A peer rings `called`.
    pub fn calling(peer: Peer, number: usize, called: &str) -> Talk {
        let Peer { at, user, .. } = peer;
        Talk {
            peer,
            id: format!("{number}@{}", at.ip()),
            local: format!("<sip:{user}@{at}>;tag=c{number}"),
            remote: format!("<sip:{called}@10.0.0.1>"),
            target: format!("sip:{called}@10.0.0.1"),
            seq: 0,
            invite: None,
            reliable: None,
            open: Vec::new(),
            up: false,
        }
    }

    /// A peer is rung.
    pub fn called(peer: Peer, number: usize, invite: &Message) -> Talk {
        let text = |name| invite.text(name).unwrap_or_default();
        let target = invite.contact().map(|contact| contact.uri.to_string());
        Talk {
            peer,
            id: text(HeaderName::CallId),
            local: format!("{};tag=p{number}", text(HeaderName::To)),
            remote: text(HeaderName::From),
            target: target.unwrap_or_default(),
            seq: 100,
            invite: None,
            reliable: None,
            open: vec![invite.clone()],
            up: false,
        }
    }

    /// The header section of a request; the body follows with [`bodied`].
    fn head(&self, method: &str, target: &str, seq: u32, branch: &str) -> String {
        let Peer { at, user, .. } = self.peer;
        let transport = match self.peer.listener.0 {
            1 => "TCP",
            2 => "TLS",
            _ => "UDP",
        };
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{transport} {at};branch={branch};rport\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {seq} {method}\r\nMax-Forwards: 70\r\n\
             Contact: <sip:{user}@{at}>\r\n",
            self.local, self.remote, self.id
        )
    }

    /// The next request of this dialog.
    pub fn request(&mut self, method: &str, more: &str, body: &str) -> String {
        self.seq += 1;
        let branch = format!("z9hG4bK{}{method}{}", self.id.replace(['@', ':'], "x"), self.seq);
        let text = self.head(method, &self.target, self.seq, &branch);
        if method == "INVITE" {
            self.invite = Some((self.seq, branch));
        }
        bodied(text, more, body)
    }

    /// What belongs to our INVITE: a CANCEL, or the ACK of its failure.
    pub fn of_invite(&self, method: &str) -> Option<String> {
        let (seq, branch) = self.invite.as_ref()?;
        Some(bodied(self.head(method, &self.target, *seq, branch), "", ""))
    }

    /// The ACK of a 2xx.
    pub fn acknowledge(&self, seq: u32, body: &str) -> String {
        let branch = format!("z9hG4bKack{}{seq}", self.id.replace(['@', ':'], "x"));
        bodied(self.head("ACK", &self.target, seq, &branch), "", body)
    }

    /// The dialog's name for Replaces, as whoever we speak to knows it.
    pub fn name(&self) -> String {
        let tag = |text: &str| text.split(";tag=").nth(1).unwrap_or_default().to_owned();
        format!("{};to-tag={};from-tag={}", self.id, tag(&self.remote), tag(&self.local))
    }

    /// An answer to a request of the other side.
    pub fn answer(&self, request: &Message, status: u16, more: &str, body: &str) -> String {
        let text = |name| request.text(name).unwrap_or_default();
        let mut answer = format!("SIP/2.0 {status} Words\r\n");
        for via in request.fields(HeaderName::Via) {
            let _ = write!(answer, "Via: {}\r\n", String::from_utf8_lossy(via));
        }
        let to = match text(HeaderName::To) {
            to if to.contains(";tag=") || status == 100 => to,
            _ => self.local.clone(),
        };
        let _ = write!(
            answer,
            "From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:{}@{}>\r\n",
            text(HeaderName::From),
            text(HeaderName::CallId),
            text(HeaderName::CSeq),
            self.peer.user,
            self.peer.at,
        );
        bodied(answer, more, body)
    }
}

/// Ends a message.
pub fn bodied(mut head: String, more: &str, body: &str) -> String {
    head.push_str(more);
    if !body.is_empty() && !more.contains("Content-Type") {
        head.push_str("Content-Type: application/sdp\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n{body}", body.len());
    head
}
