//! Connections over real loopback sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::tls::TlsConfigs;
use super::{Patience, StreamEvent, StreamLimits, StreamListener, Streams};
use crate::sip::transport::{Listener, Protocol};
use crate::sip::{ListenerId, Transmit};

mod certificates;
mod limits;
mod secure;
mod websocket;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);
const ID: ListenerId = ListenerId(3);

const OPTIONS: &str = "OPTIONS sip:127.0.0.1 SIP/2.0\r\n\
    Via: SIP/2.0/TCP 127.0.0.1:5062;branch=z9hG4bK1\r\n\
    From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: i\r\n\
    CSeq: 1 OPTIONS\r\nContent-Length: 2\r\n\r\nhi";

/// Connections, and what they told.
struct Bench {
    streams: Streams,
    at: SocketAddr,
    events: mpsc::UnboundedReceiver<StreamEvent>,
}

fn bench(protocol: Protocol, tls: Option<TlsConfigs>) -> Bench {
    let limits = StreamLimits { connections: 100, per_source: 100, opening: 10 };
    bench_with(protocol, tls, limits, Patience::default())
}

fn bench_with(
    protocol: Protocol,
    tls: Option<TlsConfigs>,
    limits: StreamLimits,
    patience: Patience,
) -> Bench {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = StreamListener::bind(any, Listener::new(protocol, any), tls).expect("binds");
    let at = listener.told().advertised;
    let (tell, events) = mpsc::unbounded_channel();
    let tell = Arc::new(move |event| {
        let _ = tell.send(event);
    });
    let streams = Streams::start(BTreeMap::from([(ID, listener)]), limits, patience, tell);
    Bench { streams, at, events }
}

impl Bench {
    async fn event(&mut self) -> StreamEvent {
        timeout(LONG, self.events.recv()).await.expect("in time").expect("an event")
    }

    /// The next message and who sent it.
    async fn message(&mut self) -> (SocketAddr, Bytes) {
        match self.event().await {
            StreamEvent::Message { listener: ID, peer, bytes, .. } => (peer, bytes),
            other => panic!("no message: {other:?}"),
        }
    }

    async fn unreadable(&mut self) {
        let event = self.event().await;
        assert!(matches!(event, StreamEvent::Unreadable { listener: ID, .. }), "{event:?}");
    }

    async fn closed(&mut self) -> SocketAddr {
        match self.event().await {
            StreamEvent::Closed { listener: ID, peer } => peer,
            other => panic!("not closed: {other:?}"),
        }
    }

    fn send(&self, to: SocketAddr, text: &'static str) {
        self.send_to(to, None, text);
    }

    fn send_to(&self, to: SocketAddr, host: Option<&str>, text: &'static str) {
        let host = host.map(Arc::from);
        self.streams.send(Transmit { listener: ID, to, host, bytes: text.into() });
    }

    fn refused(&self, reason: &str) -> u64 {
        self.streams.refused().get(reason).copied().unwrap_or(0)
    }
}

async fn read_exactly(from: &mut (impl tokio::io::AsyncRead + Unpin), length: usize) -> String {
    let mut bytes = vec![0; length];
    timeout(LONG, from.read_exact(&mut bytes)).await.expect("in time").expect("bytes");
    String::from_utf8(bytes).expect("text")
}

async fn read_to_end(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = timeout(LONG, from.read_to_end(&mut bytes)).await.expect("in time");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn messages_come_whole_and_answers_go_back_over_the_same_connection() {
    let mut bench = bench(Protocol::Tcp, None);
    let mut phone = TcpStream::connect(bench.at).await.expect("connects");
    let (first, second) = OPTIONS.split_at(70);
    phone.write_all(first.as_bytes()).await.expect("writes");
    phone.write_all(format!("{second}\r\n\r\n{OPTIONS}").as_bytes()).await.expect("writes");
    let (peer, bytes) = bench.message().await;
    assert_eq!(peer, phone.local_addr().expect("an address"));
    assert_eq!(bytes, OPTIONS);
    assert_eq!(bench.message().await, (peer, Bytes::from(OPTIONS)));
    assert_eq!(read_exactly(&mut phone, 2).await, "\r\n");
    bench.send(peer, "SIP/2.0 200 OK\r\n\r\n");
    assert_eq!(read_exactly(&mut phone, 18).await, "SIP/2.0 200 OK\r\n\r\n");
    assert_eq!(bench.streams.connections().get("tcp"), Some(&1));
    drop(phone);
    assert_eq!(bench.closed().await, peer);
}

#[tokio::test]
async fn a_connection_is_opened_for_a_peer_that_has_none_and_used_both_ways() {
    let mut bench = bench(Protocol::Tcp, None);
    let trunk = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let to = trunk.local_addr().expect("an address");
    bench.send(to, "one");
    bench.send(to, "two");
    let (mut peer, _) = timeout(LONG, trunk.accept()).await.expect("in time").expect("accepts");
    assert_eq!(read_exactly(&mut peer, 6).await, "onetwo");
    peer.write_all(OPTIONS.as_bytes()).await.expect("writes");
    assert_eq!(bench.message().await, (to, Bytes::from(OPTIONS)));
    drop(peer);
    assert_eq!(bench.closed().await, to);
}

#[tokio::test]
async fn a_peer_that_cannot_be_reached_is_told_as_closed() {
    let mut bench = bench(Protocol::Tcp, None);
    let nobody = {
        let gone = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        gone.local_addr().expect("an address")
    };
    bench.send(nobody, "one");
    assert_eq!(bench.closed().await, nobody);
    assert_eq!(bench.refused("not_connected"), 1);
}

#[tokio::test]
async fn a_stream_that_cannot_be_cut_is_refused_and_closed() {
    let mut bench = bench(Protocol::Tcp, None);
    let mut phone = TcpStream::connect(bench.at).await.expect("connects");
    let broken = OPTIONS.replace("Content-Length: 2\r\n", "");
    phone.write_all(broken.as_bytes()).await.expect("writes");
    let answer = read_to_end(&mut phone).await;
    assert!(answer.starts_with("SIP/2.0 400 Missing Content-Length\r\n"), "{answer}");
    bench.unreadable().await;
    bench.closed().await;
    assert_eq!(bench.refused("no_content_length"), 1);

    let mut scanner = TcpStream::connect(bench.at).await.expect("connects");
    scanner.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("writes");
    assert_eq!(read_to_end(&mut scanner).await, "");
    bench.unreadable().await;
    bench.closed().await;
    assert_eq!(bench.refused("not_sip"), 1);
}

#[tokio::test]
async fn at_the_end_what_waits_is_sent_and_connections_are_closed() {
    let mut bench = bench(Protocol::Tcp, None);
    let mut phone = TcpStream::connect(bench.at).await.expect("connects");
    phone.write_all(OPTIONS.as_bytes()).await.expect("writes");
    let (peer, _) = bench.message().await;
    bench.send(peer, "BYE");
    bench.streams.close(LONG).await;
    assert_eq!(read_to_end(&mut phone).await, "BYE");
    assert!(TcpStream::connect(bench.at).await.is_err(), "nobody is accepted any more");
}

#[tokio::test]
async fn both_families_are_listened_on_side_by_side() {
    let four = SocketAddr::from(([0, 0, 0, 0], 0));
    let bound = StreamListener::bind(four, Listener::new(Protocol::Tcp, four), None);
    let port = bound.as_ref().expect("binds").told().advertised.port();
    let six: SocketAddr = format!("[::]:{port}").parse().expect("an address");
    let also = StreamListener::bind(six, Listener::new(Protocol::Tcp, six), None);
    assert!(also.is_ok(), "{also:?}");
}
