//! SIP over WebSocket (RFC 7118): the upgrade of an HTTP request, and one message in each frame.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error as WebSocketError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use crate::sip::error::Fault;
use crate::sip::framing::{PING, PONG};
use crate::sip::message::MAX_MESSAGE_BYTES;

use super::Shared;
use super::connection::{Connection, End, LAST_WORDS};
use super::counters::Refusal;
use super::flows::Flow;

/// The longest request that asks for an upgrade: browsers send cookies.
const MOST_HEAD: usize = 8_192;
const MOST_HEADERS: usize = 64;
/// What is read at once, and kept for each connection.
const BUFFER: usize = 4_096;
/// What waits in the frame writer at most: an outbox and a message.
const MOST_UNSENT: usize = 1_024 * 1_024;
/// What RFC 7118 calls SIP (section 4).
const SUBPROTOCOL: &str = "sip";

/// Why an HTTP request does not become a WebSocket.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpgradeError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no HTTP, or too long.
    #[error("this is not an HTTP request")]
    NotHttp,
    /// It was answered with this.
    #[error("answered with {}: {}", .0.status, .0.why)]
    Refused(Answer),
}

/// An answer that is not 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    status: &'static str,
    header: &'static str,
    why: &'static str,
}

const NO_WEBSOCKET: Answer = Answer {
    status: "426 Upgrade Required",
    header: "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    why: "this is SIP over WebSocket (RFC 7118): there are no pages here",
};
const OTHER_VERSION: Answer = Answer {
    status: "426 Upgrade Required",
    header: "Sec-WebSocket-Version: 13\r\n",
    why: "only version 13 of the protocol is spoken here",
};
const NO_SUBPROTOCOL: Answer = Answer {
    status: "400 Bad Request",
    header: "",
    why: "the subprotocol `sip` must be offered (RFC 7118 section 4)",
};
const NO_KEY: Answer =
    Answer { status: "400 Bad Request", header: "", why: "Sec-WebSocket-Key is missing" };

/// Answers the request at the beginning of a stream, and makes a WebSocket of the rest.
pub(super) async fn upgrade<S>(mut stream: S) -> Result<WebSocketStream<S>, UpgradeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut head = Vec::with_capacity(1_024);
    let end = loop {
        let from = head.len().saturating_sub(3);
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let unseen = head.get(from..).unwrap_or_default();
        if let Some(end) = memchr::memmem::find(unseen, b"\r\n\r\n") {
            break from + end + 4;
        }
        if head.len() > MOST_HEAD {
            return Err(UpgradeError::NotHttp);
        }
    };
    let rest = head.split_off(end);
    match accepted(&head)? {
        Ok(key) => {
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            let config = WebSocketConfig::default()
                .read_buffer_size(BUFFER)
                .write_buffer_size(0)
                .max_write_buffer_size(MOST_UNSENT)
                .max_message_size(Some(MAX_MESSAGE_BYTES))
                .max_frame_size(Some(MAX_MESSAGE_BYTES));
            let socket =
                WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config));
            Ok(socket.await)
        }
        Err(refused) => {
            let Answer { status, header, why } = refused;
            let answer = format!(
                "HTTP/1.1 {status}\r\n{header}Content-Type: text/plain; charset=utf-8\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{why}\n",
                why.len() + 1
            );
            stream.write_all(answer.as_bytes()).await?;
            let _ = stream.shutdown().await;
            Err(UpgradeError::Refused(refused))
        }
    }
}

/// The accepting key for a request (RFC 6455 section 4.2), or how it is refused.
fn accepted(head: &[u8]) -> Result<Result<String, Answer>, UpgradeError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(_) => return Err(UpgradeError::NotHttp),
    }
    let values = |name: &'static str| {
        request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name))
    };
    let says = |name, word: &str| {
        values(name).any(|header| {
            header
                .value
                .split(|byte| *byte == b',')
                .any(|element| element.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    let key = values("Sec-WebSocket-Key").next().map(|header| header.value.trim_ascii());
    Ok(match key {
        _ if request.method != Some("GET") => Err(NO_WEBSOCKET),
        _ if !says("Upgrade", "websocket") || !says("Connection", "upgrade") => Err(NO_WEBSOCKET),
        _ if !says("Sec-WebSocket-Version", "13") => Err(OTHER_VERSION),
        _ if !says("Sec-WebSocket-Protocol", SUBPROTOCOL) => Err(NO_SUBPROTOCOL),
        None | Some([]) => Err(NO_KEY),
        Some(key) => Ok(derive_accept_key(key)),
    })
}

/// Runs a WebSocket to its end.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    flow: Flow,
    socket: WebSocketStream<S>,
    names: Vec<String>,
) {
    let connection = Connection::accepted(shared.enter(flow), names);
    let (sink, stream) = socket.split();
    let mut writing = std::pin::pin!(write(&connection, sink));
    let end = tokio::select! {
        end = read(&connection, stream) => end,
        end = &mut writing => return connection.over(end),
        () = connection.stopped() => End::Ours,
    };
    connection.entered.outbox.close();
    let _ = timeout(LAST_WORDS, writing).await;
    connection.over(end);
}

async fn read<T>(connection: &Connection, mut from: T) -> End
where
    T: Stream<Item = Result<Message, WebSocketError>> + Unpin,
{
    let patience = connection.entered.shared.patience;
    let began_at = Instant::now();
    let mut heard_at: Option<Instant> = None;
    loop {
        let (until, late) = match heard_at {
            None => (
                began_at + patience.first_message,
                End::Refused(Refusal::Silent, "no message came"),
            ),
            Some(at) => (at + patience.idle, End::Ours),
        };
        // We ask once in this time: whoever is there answers. A frame that does not end has no room
        // for an answer.
        let lively = Instant::now() + 2 * patience.ping;
        let frame = match timeout_at(until.min(lively), from.next()).await {
            Err(_) if until <= lively => return late,
            Err(_) => return End::Refused(Refusal::Dead, "no answer to a ping"),
            Ok(None) => return End::Peer,
            Ok(Some(Err(WebSocketError::Capacity(_)))) => {
                let why = Refusal::Unframed(Fault::TooLarge);
                return End::Refused(why, "the frame is too large");
            }
            Ok(Some(Err(_))) => return End::Peer,
            Ok(Some(Ok(frame))) => frame,
        };
        let bytes: Bytes = match frame {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
            // Answered by the frame layer.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            Message::Close(_) => return End::Peer,
        };
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            if bytes.starts_with(PING) {
                let _ = connection.entered.outbox.push(Bytes::from_static(PONG));
            }
            continue;
        }
        heard_at = Some(Instant::now());
        connection.deliver(bytes).await;
    }
}

async fn write<T>(connection: &Connection, mut to: T) -> End
where
    T: Sink<Message, Error = WebSocketError> + Unpin,
{
    let patience = connection.entered.shared.patience;
    let mut ping_at = Instant::now() + patience.ping;
    loop {
        let messages = match timeout_at(ping_at, connection.entered.outbox.take()).await {
            Ok(Some(messages)) => messages.into_iter().map(frame).collect(),
            Ok(None) => {
                let _ = timeout(LAST_WORDS, to.close()).await;
                return End::Ours;
            }
            Err(_) => {
                ping_at = Instant::now() + patience.ping;
                vec![Message::Ping(Bytes::new())]
            }
        };
        let written = async {
            for message in messages {
                to.feed(message).await?;
            }
            to.flush().await
        };
        match timeout(patience.write, written).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Peer,
            Err(_) => return End::Refused(Refusal::SlowReader, "the peer does not read"),
        }
    }
}

/// Text wherever it is text (RFC 7118 section 5.3 allows either): it can be read in a browser's
/// tools.
fn frame(bytes: Bytes) -> Message {
    match bytes.clone().try_into() {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes),
    }
}
