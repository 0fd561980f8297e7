//! WebSocket (RFC 7118): handshakes good and bad, and frames.

use futures_util::{SinkExt, StreamExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::certificates::{Authority, files};
use super::*;

const UPGRADE: &str = "GET /sip HTTP/1.1\r\nHost: sbc.example\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, sip\r\n\r\n";

async fn browser<S>(stream: S) -> WebSocketStream<S>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut request = "ws://sbc.example/".into_client_request().expect("a request");
    let protocol = "sip".parse().expect("a value");
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    let connecting = tokio_tungstenite::client_async(request, stream);
    let (socket, answer) = timeout(LONG, connecting).await.expect("in time").expect("connects");
    let agreed = answer.headers().get("Sec-WebSocket-Protocol").and_then(|v| v.to_str().ok());
    assert_eq!(agreed, Some("sip"));
    socket
}

async fn next<S>(socket: &mut WebSocketStream<S>) -> Message
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    timeout(LONG, socket.next()).await.expect("in time").expect("a frame").expect("a sound frame")
}

#[tokio::test]
async fn a_browser_sends_one_message_in_each_frame_as_text_or_binary() {
    let mut bench = bench(Protocol::Ws, None);
    let mut socket = browser(TcpStream::connect(bench.at).await.expect("connects")).await;
    socket.send(Message::text(OPTIONS)).await.expect("sends");
    let (peer, bytes) = bench.message().await;
    assert_eq!(bytes, OPTIONS);
    socket.send(Message::binary(OPTIONS)).await.expect("sends");
    assert_eq!(bench.message().await, (peer, Bytes::from(OPTIONS)));

    bench.send(peer, "SIP/2.0 200 OK\r\n\r\n");
    assert_eq!(next(&mut socket).await, Message::text("SIP/2.0 200 OK\r\n\r\n"));
    socket.send(Message::text("\r\n\r\n")).await.expect("sends");
    assert_eq!(next(&mut socket).await, Message::text("\r\n"));
    socket.send(Message::Ping(Bytes::from_static(b"?"))).await.expect("sends");
    assert_eq!(next(&mut socket).await, Message::Pong(Bytes::from_static(b"?")));

    socket.close(None).await.expect("closes");
    assert_eq!(bench.closed().await, peer);
    // Nobody can call a browser back.
    bench.send(peer, "late");
    assert_eq!(bench.closed().await, peer);
}

#[tokio::test]
async fn a_secure_websocket_is_one_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let settings = files(folder.path(), &authority.vouch_for(&["sbc.example"]), &authority);
    let now = "2026-11-25T12:00:00Z".parse().expect("a time");
    let loaded = super::super::tls::load(&settings, now).expect("can be used");
    let mut bench = bench(Protocol::Wss, Some(loaded.configs));
    let stream = TcpStream::connect(bench.at).await.expect("connects");
    let name = ServerName::try_from("sbc.example").expect("a name");
    let stream = TlsConnector::from(authority.client(None)).connect(name, stream).await;
    let mut socket = browser(stream.expect("connects")).await;
    socket.send(Message::text(OPTIONS)).await.expect("sends");
    assert_eq!(bench.message().await.1, OPTIONS);
    assert_eq!(bench.streams.connections().get("wss"), Some(&1));
}

#[tokio::test]
async fn what_is_no_websocket_for_sip_is_told_why_not() {
    let mut bench = bench(Protocol::Ws, None);
    for (from, to, status) in [
        ("chat, sip", "chat", "400 Bad Request"),
        ("Sec-WebSocket-Protocol: chat, sip\r\n", "", "400 Bad Request"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400 Bad Request"),
        ("Version: 13", "Version: 8", "426 Upgrade Required"),
        ("Upgrade: websocket\r\n", "", "426 Upgrade Required"),
        ("GET", "POST", "426 Upgrade Required"),
    ] {
        let mut page = TcpStream::connect(bench.at).await.expect("connects");
        page.write_all(UPGRADE.replacen(from, to, 1).as_bytes()).await.expect("writes");
        let answer = read_to_end(&mut page).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{to}: {answer}");
    }
    assert_eq!(bench.refused("websocket_handshake"), 6);
    for garbage in ["\r\n\r\n", "OPTIONS sip:a SIP/2.0\r\n\r\n", &"x".repeat(9_000)] {
        let mut other = TcpStream::connect(bench.at).await.expect("connects");
        other.write_all(garbage.as_bytes()).await.expect("writes");
        assert_eq!(read_to_end(&mut other).await, "");
    }
    assert!(bench.events.try_recv().is_err());
}

#[tokio::test]
async fn what_follows_the_handshake_at_once_is_not_lost() {
    let mut bench = bench(Protocol::Ws, None);
    let mut stream = TcpStream::connect(bench.at).await.expect("connects");
    // An unmasked frame is refused (RFC 6455 section 5.1); a mask of zeros changes nothing.
    let length = u8::try_from(OPTIONS.len()).expect("short");
    let mut bytes = UPGRADE.as_bytes().to_vec();
    bytes.extend([0x81, 0x80 | 126, 0, length, 0, 0, 0, 0]);
    bytes.extend(OPTIONS.as_bytes());
    stream.write_all(&bytes).await.expect("writes");
    assert_eq!(bench.message().await.1, OPTIONS);
}

#[tokio::test]
async fn a_frame_that_no_message_can_fill_ends_the_connection() {
    let mut bench = bench(Protocol::Ws, None);
    let mut socket = browser(TcpStream::connect(bench.at).await.expect("connects")).await;
    socket.send(Message::text("x".repeat(70_000))).await.expect("sends");
    bench.unreadable().await;
    bench.closed().await;
    assert_eq!(bench.refused("too_large"), 1);
}
