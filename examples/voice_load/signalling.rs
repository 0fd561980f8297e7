//! Just enough SIP: calls are made and hung up, and whoever is rung answers.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::Asked;

/// A request without an answer is sent again after this (RFC 3261's T1).
const AGAIN: Duration = Duration::from_millis(500);
/// The keys of those who ask for SRTP (the example of RFC 4568 section 9.1).
const KEYS: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 \
                    inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";

/// Somebody whose voice begins: where the server receives it, and in which payload type.
pub struct Joined {
    pub to: SocketAddr,
    pub payload_type: u8,
}

/// One of our calls.
struct Call {
    answered: bool,
    again: Instant,
    to: String,
    contact: String,
}

pub struct Signalling<'a> {
    asked: &'a Asked,
    pub socket: UdpSocket,
    local: SocketAddr,
    voice: SocketAddr,
    began: Instant,
    calls: Vec<Call>,
    /// What was answered to those who rang us, by Call-ID: its 200, and the dialog for our BYE.
    answers: BTreeMap<String, String>,
    /// Whose voice is to begin.
    pub joined: Vec<Joined>,
}

impl<'a> Signalling<'a> {
    pub fn new(asked: &'a Asked, socket: UdpSocket, voice: SocketAddr) -> Self {
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        let _ = socket.set_nonblocking(true);
        let local = socket.local_addr().unwrap_or(asked.bind);
        Signalling {
            asked,
            socket,
            local,
            voice,
            began: Instant::now(),
            calls: Vec::new(),
            answers: BTreeMap::new(),
            joined: Vec::new(),
        }
    }

    fn next_call(&self) -> Option<Instant> {
        let at = self.began + Duration::from_secs_f64(self.calls.len() as f64 / self.asked.rate);
        (self.calls.len() < self.asked.calls).then_some(at)
    }

    /// How long nothing is to be done.
    pub fn due(&self, now: Instant) -> Duration {
        let again = self.calls.iter().rev().take(64).filter(|call| !call.answered);
        let next = self.next_call().into_iter().chain(again.map(|call| call.again)).min();
        next.map_or(Duration::from_millis(100), |at| at.saturating_duration_since(now))
    }

    /// Makes the calls that are due, and repeats what was not answered.
    pub fn act(&mut self, now: Instant) {
        while self.next_call().is_some_and(|at| at <= now) {
            let (server, number) = (self.asked.server, &self.asked.number);
            self.calls.push(Call {
                answered: false,
                again: now + AGAIN,
                to: format!("<sip:{number}@{server}>"),
                contact: format!("sip:{number}@{server}"),
            });
            self.invite(self.calls.len() - 1);
        }
        for id in self.calls.len().saturating_sub(64)..self.calls.len() {
            if !self.calls[id].answered && self.calls[id].again <= now {
                self.calls[id].again = now + AGAIN * 2;
                self.invite(id);
            }
        }
    }

    pub fn receive(&mut self) {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with("SIP/2.0 200") {
                self.answered(&text);
            } else if !text.starts_with("SIP/2.0") {
                self.requested(&text, from);
            }
        }
    }

    /// A call of ours is up.
    fn answered(&mut self, text: &str) {
        let id = field(text, "Call-ID").and_then(|id| id.split('@').next()?.parse::<usize>().ok());
        let invite = field(text, "CSeq").is_some_and(|cseq| cseq.ends_with("INVITE"));
        let Some(id) = id.filter(|id| invite && *id < self.calls.len()) else { return };
        let call = &mut self.calls[id];
        call.to = field(text, "To").unwrap_or_default().to_owned();
        if let Some(contact) = field(text, "Contact").and_then(|c| c.split(['<', '>']).nth(1)) {
            call.contact = contact.to_owned();
        }
        if !std::mem::replace(&mut call.answered, true) {
            self.joined.extend(joined(text));
        }
        self.send(id, "ACK", 1, "", "");
    }

    /// Somebody rings one of the advisers, acknowledges, or hangs up.
    fn requested(&mut self, text: &str, from: SocketAddr) {
        let method = text.split(' ').next().unwrap_or_default();
        let id = field(text, "Call-ID").unwrap_or_default().to_owned();
        let answer = match method {
            "ACK" => return,
            "INVITE" if self.answers.contains_key(&id) => self.answers[&id].clone(),
            "INVITE" => {
                self.joined.extend(joined(text));
                let codec = self.asked.codecs.get(1).copied().unwrap_or(8);
                let answer = self.reply(text, &self.description(codec));
                self.answers.insert(id, answer.clone());
                answer
            }
            _ => self.reply(text, ""),
        };
        let _ = self.socket.send_to(answer.as_bytes(), from);
    }

    fn reply(&self, request: &str, body: &str) -> String {
        let mut reply = String::from("SIP/2.0 200 OK\r\n");
        for line in request.split("\r\n") {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            let tag = if name == "to" && !line.contains(";tag=") { ";tag=load" } else { "" };
            if ["via", "from", "to", "call-id", "cseq", "record-route"].contains(&name.as_str()) {
                reply += &format!("{line}{tag}\r\n");
            }
        }
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let (local, length) = (self.local, body.len());
        reply
            + &format!(
                "Contact: <sip:load@{local}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}"
            )
    }

    fn description(&self, codec: u8) -> String {
        let (ip, port) = (self.voice.ip(), self.voice.port());
        let name = match codec {
            0 => "PCMU/8000",
            9 => "G722/8000",
            111 => "opus/48000/2",
            _ => "PCMA/8000",
        };
        let events = if codec == 111 { 48_000 } else { 8_000 };
        let (profile, keys) = if self.asked.srtp { ("RTP/SAVP", KEYS) } else { ("RTP/AVP", "") };
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} {profile} {codec} 101\r\na=rtpmap:{codec} {name}\r\n\
             a=rtpmap:101 telephone-event/{events}\r\n{keys}"
        )
    }

    fn invite(&self, id: usize) {
        let codec = self.asked.codecs.first().copied().unwrap_or(8);
        let headers =
            format!("Contact: <sip:load@{}>\r\nContent-Type: application/sdp\r\n", self.local);
        self.send(id, "INVITE", 1, &headers, &self.description(codec));
    }

    /// Ends every call of ours, and does not wait for the answers.
    pub fn hang_up(&self) {
        for id in 0..self.calls.len() {
            self.send(id, "BYE", 2, "", "");
        }
    }

    fn send(&self, id: usize, method: &str, cseq: u32, headers: &str, body: &str) {
        let (call, local) = (&self.calls[id], self.local);
        let (tag, length) = (std::process::id(), body.len());
        let (uri, to, last) = (&call.contact, &call.to, id % 1_000);
        let message = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{tag}-{id}{method}\r\n\
             From: <sip:01632960{last:03}@{local}>;tag={tag}c{id}\r\nTo: {to}\r\n\
             Call-ID: {id}@{local}.{tag}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let _ = self.socket.send_to(message.as_bytes(), self.asked.server);
    }
}

/// A header's value.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// What a description says of where its side receives voice, and as what.
fn joined(text: &str) -> Option<Joined> {
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let ip = line("c=IN IP4 ")?.trim().parse().ok()?;
    let mut words = line("m=audio ")?.split_whitespace();
    let port = words.next()?.parse().ok()?;
    Some(Joined { to: SocketAddr::new(ip, port), payload_type: words.nth(1)?.parse().ok()? })
}
