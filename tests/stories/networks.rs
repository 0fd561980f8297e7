//! A server with a foot in two networks.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use switchboard::engine::io::{Input, Output};
use switchboard::engine::{Engine, Start};
use switchboard::id::Entropy;
use switchboard::media::command::{Command, Event};
use switchboard::sip::ListenerId;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::time::{Time, UnixMicros};

use crate::town::*;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\n\
                   t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";

#[test]
fn each_network_is_told_the_address_by_which_it_knows_us() {
    let at = |text: &str| -> SocketAddr { text.parse().expect("an address") };
    let plan = plan_for(
        [at("10.0.0.1:5060"), at("192.0.2.10:5060")]
            .map(|at| Listener::new(Protocol::Udp, at))
            .to_vec(),
    );
    let start = Start::default();
    let entropy = Entropy::from_seed([7; 32]);
    let mut engine = Engine::new(Time::ZERO, UnixMicros(0), Arc::new(plan), entropy, start);
    for (listener, known_by) in [(0, "10.0.0.1"), (1, "192.0.2.10")] {
        let invite = format!(
            "INVITE sip:{NUMBER}@{known_by} SIP/2.0\r\n\
             Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK{listener}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:ann@198.51.100.7>;tag=a\r\n\
             To: <sip:{NUMBER}@{known_by}>\r\nCall-ID: {listener}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:ann@198.51.100.7>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        );
        let datagram = Input::Datagram {
            listener: ListenerId(listener),
            from: at("198.51.100.7:5060"),
            bytes: Bytes::from(invite),
        };
        engine.handle_input(Time::ZERO, datagram);
        let leg = std::iter::from_fn(|| engine.poll_output())
            .find_map(|output| match output {
                Output::Media(Command::Open { leg, .. }) => Some(leg),
                _ => None,
            })
            .expect("the caller's leg");
        // Media are known by the first listener's address, unless somebody knows better.
        let opened = Event::Opened { leg, local: at("10.0.0.1:20000") };
        engine.handle_input(Time::ZERO, Input::Media(opened));
        let answer = std::iter::from_fn(|| engine.poll_output())
            .filter_map(|output| match output {
                Output::Transmit(sent) => Some(String::from_utf8_lossy(&sent.bytes).into_owned()),
                _ => None,
            })
            .find(|sent| sent.starts_with("SIP/2.0 200 "))
            .expect("the answer");
        assert!(answer.contains(&format!("\r\nc=IN IP4 {known_by}\r\n")), "{answer}");
        assert!(answer.contains("\r\nm=audio 20000 "), "{answer}");
    }
}
