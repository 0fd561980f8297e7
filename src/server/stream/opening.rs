//! Connections that we open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::sip::transport::Protocol;

use super::connection::Connection;
use super::counters::Refusal;
use super::flows::{Admitted, Flow};
use super::listener::Side;
use super::{Shared, StreamEvent, accept};

/// Opens a connection for a message. Whether that succeeds or not, the caller does not wait.
pub(super) fn open(
    runtime: &Handle,
    shared: &Arc<Shared>,
    flow: Flow,
    host: Option<Arc<str>>,
    first: Bytes,
) {
    let fail = |why, detail: &str| {
        shared.refuse(flow, why, detail);
        (shared.tell)(StreamEvent::Closed { listener: flow.listener, peer: flow.peer });
    };
    let Some(side) = shared.sides.get(&flow.listener).cloned() else { return };
    match shared.protocol(flow.listener) {
        // A browser cannot be called back (RFC 7118 section 5).
        Protocol::Udp | Protocol::Ws | Protocol::Wss => {
            fail(Refusal::NotOpened, "the connection is gone");
        }
        Protocol::Tcp | Protocol::Tls if *shared.stop.borrow() => {}
        Protocol::Tcp | Protocol::Tls => match shared.flows.admit_opening() {
            Err(crowded) => fail(Refusal::Crowded(crowded), "too many connections"),
            Ok(room) => {
                let entered = shared.enter(flow);
                // It is empty.
                let _ = entered.outbox.push(first);
                runtime.spawn(run(Connecting { side, host, room }, entered));
            }
        },
    }
}

struct Connecting {
    side: Arc<Side>,
    host: Option<Arc<str>>,
    room: Admitted,
}

async fn run(connecting: Connecting, entered: super::Entered) {
    let Connecting { side, host, mut room } = connecting;
    let shared = entered.shared.clone();
    let _open = shared.counters.open(side.told.protocol);
    let flow = entered.flow;
    let opened = async {
        let socket = connect(side.local, flow.peer).await?;
        accept::prepare(&socket);
        let Some(tls) = side.tls.as_ref().map(|tls| tls.load_full()) else {
            return Ok((Stream::Plain(socket), Vec::new()));
        };
        let name = match &host {
            Some(host) => ServerName::try_from(host.to_string()).map_err(io::Error::other)?,
            None => ServerName::from(flow.peer.ip()),
        };
        let stream = TlsConnector::from(tls.client.clone()).connect(name, socket).await?;
        let names = host.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok::<_, io::Error>((Stream::Tls(Box::new(stream)), names))
    };
    match timeout(shared.patience.connect, opened).await {
        Ok(Ok((stream, names))) => {
            room.opened();
            let connection = Connection::opened(entered, names);
            match stream {
                Stream::Plain(stream) => drive(connection, stream).await,
                Stream::Tls(stream) => drive(connection, *stream).await,
            }
        }
        Ok(Err(error)) => shared.refuse(flow, Refusal::NotOpened, &error.to_string()),
        Err(_) => shared.refuse(flow, Refusal::NotOpened, "it took too long"),
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

async fn drive<S: AsyncRead + AsyncWrite + Unpin>(connection: Connection, stream: S) {
    connection.run(stream).await;
}

async fn connect(local: SocketAddr, peer: SocketAddr) -> io::Result<TcpStream> {
    let socket = if peer.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if !local.ip().is_unspecified() {
        socket.bind(SocketAddr::new(local.ip(), 0))?;
    }
    socket.connect(peer).await
}
