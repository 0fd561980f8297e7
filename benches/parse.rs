//! Reading and writing a typical INVITE (ours against rsip), and writing the 200 that answers it.
//!
//! `cargo bench --bench parse`

use std::net::SocketAddr;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use switchboard::sip::header::HeaderName;
use switchboard::sip::message::Message;
use switchboard::sip::method::Method;
use switchboard::sip::write::Draft;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// As a provider's border controller sends it: three hops, identity, capabilities, SDP.
const HEADERS: &str = "INVITE sip:01708434343@203.0.113.10:5060;transport=udp SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK0cBf2a9e7d4b1c83f5;rport\r\n\
    Via: SIP/2.0/UDP 198.51.100.31:5080;branch=z9hG4bK-524287-1---a7c1f0e2;received=198.51.100.31\r\n\
    Record-Route: <sip:198.51.100.20:5060;transport=udp;lr;r2=on>\r\n\
    Max-Forwards: 68\r\n\
    From: \"Resident\" <sip:+441632960123@sip.example.net;user=phone>;tag=gK0c9a7f21\r\n\
    To: <sip:+441708434343@203.0.113.10;user=phone>\r\n\
    Call-ID: 8371920_119284736@198.51.100.31\r\n\
    CSeq: 29384 INVITE\r\n\
    Contact: <sip:+441632960123@198.51.100.31:5080;transport=udp>\r\n\
    P-Asserted-Identity: \"Resident\" <sip:+441632960123@sip.example.net;user=phone>\r\n\
    Allow: INVITE,ACK,CANCEL,BYE,REGISTER,REFER,INFO,SUBSCRIBE,NOTIFY,PRACK,UPDATE,OPTIONS\r\n\
    Accept: application/sdp, application/isup, application/dtmf-relay\r\n\
    Supported: timer,100rel\r\n\
    Session-Expires: 1800\r\n\
    Min-SE: 90\r\n\
    User-Agent: ExampleSBC/9.2.1\r\n\
    Content-Type: application/sdp\r\n";

const SDP: &str = "v=0\r\n\
    o=Sonus_UAC 72319 98216 IN IP4 198.51.100.31\r\n\
    s=SIP Media Capabilities\r\n\
    c=IN IP4 198.51.100.40\r\n\
    t=0 0\r\n\
    m=audio 49172 RTP/AVP 8 0 101\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\n\
    a=sendrecv\r\n\
    a=ptime:20\r\n";

fn invite() -> Bytes {
    Bytes::from(format!("{HEADERS}Content-Length: {}\r\n\r\n{SDP}", SDP.len()))
}

/// The index alone: what every datagram costs.
#[divan::bench]
fn ours_index(bencher: Bencher) {
    let bytes = invite();
    bencher.bench_local(|| Message::parse(black_box(bytes.clone())).map(|m| m.is_request()));
}

/// The index and the headers that match a transaction.
#[divan::bench]
fn ours_index_and_essentials(bencher: Bencher) {
    let bytes = invite();
    bencher.bench_local(|| {
        let message = Message::parse(black_box(bytes.clone())).ok();
        message.and_then(|message| message.essentials().ok())
    });
}

#[divan::bench]
fn rsip_parse(bencher: Bencher) {
    let bytes = invite();
    bencher.bench_local(|| rsip::Request::try_from(black_box(bytes.as_ref())).ok());
}

/// The same headers as [`ours_index_and_essentials`].
#[divan::bench]
fn rsip_parse_and_essentials(bencher: Bencher) {
    let bytes = invite();
    bencher.bench_local(|| {
        let request = rsip::Request::try_from(black_box(bytes.as_ref())).ok()?;
        let from = request.from_header().ok()?.typed().ok()?;
        let to = request.to_header().ok()?.typed().ok()?;
        let via = request.via_header().ok()?.typed().ok()?;
        let cseq = request.cseq_header().ok()?.typed().ok()?;
        let call_id = request.call_id_header().ok()?.value().to_owned();
        Some((from, to, via, cseq, call_id))
    });
}

#[divan::bench]
fn ours_build_200(bencher: Bencher) {
    let request = Message::parse(invite()).ok();
    let source = SocketAddr::from(([198, 51, 100, 20], 5060));
    bencher.bench_local(|| {
        let request = black_box(request.as_ref())?;
        let draft = Draft::response(request, source, 200, "7f3a9c21e5d80b46")
            .header(HeaderName::Contact, "<sip:203.0.113.10:5060>")
            .header(HeaderName::Server, "switchboard");
        Some(draft.finish_with("application/sdp", SDP))
    });
}

/// The INVITE written out from its headers.
#[divan::bench]
fn ours_print_invite(bencher: Bencher) {
    let request = Message::parse(invite()).ok();
    bencher.bench_local(|| {
        let request = black_box(request.as_ref())?;
        let uri = "sip:01708434343@203.0.113.10:5060;transport=udp";
        let draft = request
            .iter()
            .filter(|(name, _)| !is_of_the_body(name))
            .fold(Draft::request(&Method::Invite, uri), |draft, (name, value)| {
                draft.named_raw(name, value)
            });
        Some(draft.finish_with("application/sdp", SDP))
    });
}

fn is_of_the_body(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"Content-Type") || name.eq_ignore_ascii_case(b"Content-Length")
}

#[divan::bench]
fn rsip_print_invite(bencher: Bencher) {
    let request = rsip::Request::try_from(invite().as_ref()).ok();
    bencher.bench_local(|| Some(black_box(request.as_ref())?.to_string()));
}
