//! Connections that peers open.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::sip::ListenerId;
use crate::sip::guard::Source;
use crate::sip::transport::Protocol;

use super::connection::Connection;
use super::counters::Refusal;
use super::flows::{Admitted, Flow};
use super::listener::Side;
use super::{Shared, certificate, websocket};

/// How long nobody is accepted after the kernel could not give a connection: it has no file
/// descriptors left.
const PAUSE: Duration = Duration::from_millis(100);
/// When a silent connection is asked whether its far end is there, how often, and how many times.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(15);
const PROBES: u32 = 4;

/// Accepts until the server stops.
pub(super) async fn run(
    shared: Arc<Shared>,
    id: ListenerId,
    listener: TcpListener,
    side: Arc<Side>,
) {
    let mut stop = shared.stop.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((socket, peer)) => {
                let flow = Flow { listener: id, peer };
                let source = Source::of(peer.ip());
                if shared.flows.is_banned(source) {
                    shared.refuse(flow, Refusal::Banned, "its source is banned");
                    continue;
                }
                match shared.flows.admit(source) {
                    Ok(room) => {
                        tokio::spawn(serve(shared.clone(), side.clone(), flow, socket, room));
                    }
                    Err(crowded) => {
                        shared.refuse(flow, Refusal::Crowded(crowded), "too many connections");
                    }
                }
            }
            Err(error) => {
                tracing::warn!("no connection can be accepted: {error}");
                let _ = tokio::time::timeout(PAUSE, stop.wait_for(|stop| *stop)).await;
            }
        }
    }
}

/// What every connection of ours and of others is set to.
pub(super) fn prepare(socket: &TcpStream) {
    let socket = socket2::SockRef::from(socket);
    let probing = socket2::TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_EVERY)
        .with_retries(PROBES);
    // A connection on which these cannot be set works all the same.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&probing);
}

async fn serve(
    shared: Arc<Shared>,
    side: Arc<Side>,
    flow: Flow,
    socket: TcpStream,
    _room: Admitted,
) {
    let protocol = side.told.protocol;
    let _open = shared.counters.open(protocol);
    prepare(&socket);
    let within = shared.patience.handshake;
    let Some(tls) = side.tls.as_ref().map(|tls| tls.load_full()) else {
        return agreed(&shared, flow, protocol, socket, Vec::new()).await;
    };
    let acceptor = TlsAcceptor::from(tls.server.clone());
    match tokio::time::timeout(within, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates();
            let names =
                shown.and_then(|chain| chain.first()).map(|first| certificate::names(first));
            agreed(&shared, flow, protocol, stream, names.unwrap_or_default()).await;
        }
        Ok(Err(error)) => shared.refuse(flow, Refusal::TlsHandshake, &error.to_string()),
        Err(_) => shared.refuse(flow, Refusal::SlowHandshake, "the handshake took too long"),
    }
}

/// TLS is agreed on, if it is wanted.
async fn agreed<S>(
    shared: &Arc<Shared>,
    flow: Flow,
    protocol: Protocol,
    stream: S,
    names: Vec<String>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match protocol {
        Protocol::Ws | Protocol::Wss => {
            let upgraded = websocket::upgrade(stream);
            match tokio::time::timeout(shared.patience.handshake, upgraded).await {
                Ok(Ok(socket)) => websocket::run(shared, flow, socket, names).await,
                Ok(Err(error)) => {
                    shared.refuse(flow, Refusal::WebSocketHandshake, &error.to_string());
                }
                Err(_) => {
                    shared.refuse(flow, Refusal::SlowHandshake, "the handshake took too long");
                }
            }
        }
        Protocol::Udp | Protocol::Tcp | Protocol::Tls => {
            Connection::accepted(shared.enter(flow), names).run(stream).await;
        }
    }
}
