//! What signalling costs: whole calls through an endpoint, and timers under load.
//!
//! `cargo bench --bench transaction`

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use switchboard::id::{Entropy, LegId};
use switchboard::sip::ListenerId;
use switchboard::sip::endpoint::{Endpoint, EndpointSettings, OutgoingInvite, SipEvent};
use switchboard::sip::guard::GuardSettings;
use switchboard::sip::message::Message;
use switchboard::sip::range::AddressRange;
use switchboard::sip::transaction::table::{Packet, Path, Table};
use switchboard::sip::transaction::timers::Transport;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::time::Time;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const LISTENER: ListenerId = ListenerId(0);
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 5060))
}

fn endpoint() -> Endpoint {
    let settings = EndpointSettings {
        listeners: vec![Listener::new(Protocol::Udp, SocketAddr::from(([192, 0, 2, 1], 5060)))],
        realm: "switchboard".to_owned(),
        product: "switchboard".to_owned(),
        expires_s: (60, 3600),
        session_s: 1800,
        accounts: BTreeMap::new(),
        guard: GuardSettings { allow: vec![AddressRange::host(peer().ip())], ..Default::default() },
    };
    Endpoint::new(settings, Entropy::from_seed([1; 32]))
}

fn request(method: &str, call: u64, seq: u32, tag: &str, more: &str) -> Bytes {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    Bytes::from(format!(
        "{method} sip:01708434343@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{method}{call}x{seq};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Resident\" <sip:07700900123@192.0.2.2>;tag=c{call}\r\n\
         To: <sip:01708434343@192.0.2.1>{tag}\r\n\
         Call-ID: {call}@192.0.2.2\r\n\
         CSeq: {seq} {method}\r\n\
         Contact: <sip:07700900123@192.0.2.2:5060>\r\n{more}"
    ))
}

fn invite(call: u64) -> Bytes {
    let length = SDP.len();
    let body = format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{SDP}");
    request("INVITE", call, 1, "", &body)
}

/// A call from its INVITE to its 200 OK for BYE; the caller may hold the line and resume.
fn call(endpoint: &mut Endpoint, now: Time, nth: u64, holds: bool) {
    let mut seq = 0;
    let mut tag = String::new();
    let mut ask = |endpoint: &mut Endpoint, method: &str, body: &str| {
        seq += u32::from(method != "ACK");
        let body = match body {
            "" => "Content-Length: 0\r\n\r\n".to_owned(),
            _ => format!(
                "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        endpoint.handle_datagram(now, LISTENER, peer(), request(method, nth, seq, &tag, &body));
        while let Some(event) = endpoint.poll_event() {
            match event {
                SipEvent::Invite(invite) => {
                    endpoint.provisional(now, invite.leg, 180, None);
                    endpoint.answer(now, invite.leg, SDP);
                }
                SipEvent::Change { leg, .. } => endpoint.accept_change(now, leg, SDP),
                event => drop(black_box(event)),
            }
        }
        while let Some(sent) = endpoint.poll_transmit() {
            if tag.is_empty() {
                let to = Message::parse(sent.bytes).ok().and_then(|message| message.to().ok());
                tag = to.and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
            }
        }
    };
    ask(endpoint, "INVITE", SDP);
    ask(endpoint, "ACK", "");
    if holds {
        for direction in ["a=sendonly\r\n", "a=sendrecv\r\n"] {
            ask(endpoint, "INVITE", &format!("{SDP}{direction}"));
            ask(endpoint, "ACK", "");
        }
    }
    ask(endpoint, "BYE", "");
}

/// A dialog's life at 100 a second: answered, perhaps held and resumed, and ended at once; what is
/// left over lives on for its 32 seconds, so that the tables are as full as in that hour.
#[divan::bench(args = [false, true])]
fn dialog_that_is_held(bencher: Bencher<'_, '_>, holds: bool) {
    let mut endpoint = endpoint();
    let (mut now, mut nth) = (Time::ZERO, 0);
    let mut next = move |endpoint: &mut Endpoint| {
        now += Duration::from_millis(10);
        nth += 1;
        endpoint.handle_timeout(now);
        call(endpoint, now, nth, holds);
    };
    for _ in 0..3_500 {
        next(&mut endpoint);
    }
    bencher.bench_local(|| next(&mut endpoint));
}

/// An INVITE that is refused without keeping anything.
#[divan::bench]
fn stateless_refusal(bencher: Bencher<'_, '_>) {
    let mut endpoint = endpoint();
    let bytes = request("INVITE", 1, 1, "", "Require: nothing\r\n\r\n");
    bencher.bench_local(|| {
        endpoint.handle_datagram(Time::ZERO, LISTENER, peer(), bytes.clone());
        endpoint.poll_transmit()
    });
}

/// The repetition of an INVITE that is being answered.
#[divan::bench]
fn absorbed_retransmission(bencher: Bencher<'_, '_>) {
    let mut endpoint = endpoint();
    let bytes = invite(1);
    endpoint.handle_datagram(Time::ZERO, LISTENER, peer(), bytes.clone());
    bencher.bench_local(|| {
        endpoint.handle_datagram(Time::ZERO, LISTENER, peer(), bytes.clone());
        endpoint.poll_transmit()
    });
}

/// An INVITE of ours, sent.
#[divan::bench]
fn outgoing_invite(bencher: Bencher<'_, '_>) {
    let mut nth = 0;
    bencher.with_inputs(endpoint).bench_local_refs(|endpoint| {
        nth += 1;
        endpoint.invite(
            Time::ZERO,
            OutgoingInvite {
                leg: LegId(nth),
                listener: LISTENER,
                uri: "sip:amy@192.0.2.2:5062".to_owned(),
                to: peer(),
                from_display: "Waste".to_owned(),
                from_user: "07700900123".to_owned(),
                offer: SDP.to_owned(),
                extras: Box::default(),
            },
        );
        endpoint.poll_transmit()
    });
}

/// One transaction opened, answered and timed out among 10,000 others.
#[divan::bench]
fn transaction_among_ten_thousand(bencher: Bencher<'_, '_>) {
    let path = Path {
        listener: LISTENER,
        to: peer(),
        transport: Transport::Unreliable,
        direct: true,
        otherwise: None,
    };
    let packet = Packet { method: "OPTIONS", status: 200, bytes: Bytes::from_static(b"SIP/2.0") };
    let mut table = Table::new([1; 32]);
    let (mut now, mut nth) = (Time::ZERO, 0_u64);
    let mut next = move |table: &mut Table<()>| {
        // 32 s (timer J) times 3.2 ms: ten thousand at any time.
        now += Duration::from_micros(3_200);
        nth += 1;
        let key = table.keys().server(&format!("z9hG4bK{nth}"), &"192.0.2.2:5060", "OPTIONS");
        let id = table.receive(key, path, false, ());
        table.respond(now, id, packet.clone());
        table.handle_timeout(now);
        while table.poll_outgoing().is_some() || table.poll_news().is_some() {}
    };
    for _ in 0..11_000 {
        next(&mut table);
    }
    assert!(table.len() >= 10_000);
    bencher.bench_local(|| next(&mut table));
}
