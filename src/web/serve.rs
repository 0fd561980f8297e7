//! The server: routes, connections, limits, and a stop that leaves nobody hanging.
#![allow(clippy::disallowed_methods, reason = "the shell may wait")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post, put};
use axum::{Router, http};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::live::Hub;
use super::problem::Problem;
use super::{
    WebState, api, bans, bulletins, callbacks, guard, live, messages, notifications, pages,
    registry, supervise, wrap_up,
};
use crate::config::registry::Kind;

/// How long the engine may take over a request until the answer is 504.
pub(super) const REPLY_WITHIN: Duration = Duration::from_secs(5);
/// How long a sheet may take until the answer is 504: thousands of entries are checked and kept.
pub(super) const IMPORT_WITHIN: Duration = Duration::from_secs(60);
/// How long a request may take, body included, until its answer begins.
pub(super) const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// The longest body taken.
pub(super) const BODY_LIMIT_BYTES: usize = 4_096;
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 512;
/// How long a request's headers may take, and a connection may idle.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// How long requests under way may go on after the stop.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub web: Arc<WebState>,
    pub hub: Arc<Hub>,
    /// [`REPLY_WITHIN`], or less in tests.
    pub reply_within: Duration,
}

impl App {
    pub(super) fn new(state: WebState) -> Self {
        let hub = Arc::new(Hub::new(Arc::clone(&state.live), state.zone.clone()));
        App { web: Arc::new(state), hub, reply_within: REPLY_WITHIN }
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Everybody.
    Open,
    /// This machine, otherwise any token.
    Figures,
    /// The handler asks for a token itself.
    Token,
}

/// Every route: where, for whom, what.
pub(super) fn routes() -> Vec<(&'static str, Door, MethodRouter<App>)> {
    vec![
        ("/", Door::Open, get(pages::wallboard)),
        ("/desk", Door::Open, get(pages::desk)),
        ("/ui/{file}", Door::Open, get(pages::file)),
        ("/openapi.json", Door::Open, get(pages::openapi)),
        ("/healthz", Door::Open, get(pages::healthz)),
        ("/readyz", Door::Open, get(pages::readyz)),
        ("/metrics", Door::Figures, get(pages::metrics)),
        ("/api/v1/live", Door::Figures, get(live::live)),
        ("/api/v1/agents", Door::Token, registry::all(Kind::Agent)),
        ("/api/v1/agents/{agent}", Door::Token, registry::one(Kind::Agent)),
        ("/api/v1/agents/{agent}/state", Door::Token, post(api::set_state)),
        ("/api/v1/agents/{agent}/wrap-up/extend", Door::Token, post(wrap_up::extend)),
        ("/api/v1/audit", Door::Token, get(registry::audit)),
        ("/api/v1/bans", Door::Token, get(bans::list).post(bans::ban)),
        ("/api/v1/bans/{source}", Door::Token, delete(bans::lift)),
        ("/api/v1/bulletins", Door::Token, get(bulletins::list)),
        ("/api/v1/bulletins/{bulletin}", Door::Token, put(bulletins::set)),
        ("/api/v1/callbacks", Door::Token, get(callbacks::list)),
        ("/api/v1/callbacks/{callback}", Door::Token, delete(callbacks::cancel)),
        ("/api/v1/messages", Door::Token, get(messages::list)),
        ("/api/v1/messages/{message}/audio", Door::Token, get(messages::audio)),
        ("/api/v1/messages/{message}/state", Door::Token, post(messages::change)),
        ("/api/v1/notifications", Door::Token, get(notifications::list)),
        ("/api/v1/queues", Door::Token, registry::all(Kind::Queue)),
        ("/api/v1/queues/{queue}", Door::Token, registry::one(Kind::Queue)),
        ("/api/v1/skills", Door::Token, registry::all(Kind::Skill)),
        ("/api/v1/skills/{skill}", Door::Token, registry::one(Kind::Skill)),
        ("/api/v1/calls/{call}/facts", Door::Token, get(api::facts)),
        ("/api/v1/calls/{call}/hangup", Door::Token, post(api::hang_up)),
        ("/api/v1/calls/{call}/conference", Door::Token, post(supervise::confer)),
        (
            "/api/v1/calls/{call}/supervise",
            Door::Token,
            post(supervise::begin).delete(supervise::stop),
        ),
        ("/api/v1/calls/{call}/supervise/mode", Door::Token, post(supervise::change)),
        ("/api/v1/calls/{call}/recording/pause", Door::Token, post(api::pause_recording)),
        ("/api/v1/calls/{call}/recording/resume", Door::Token, post(api::resume_recording)),
        ("/api/v1/calls/{call}/transfer", Door::Token, post(api::transfer)),
        ("/api/v1/calls", Door::Token, get(api::calls)),
        ("/api/v1/calls/{call}/why", Door::Token, get(api::why)),
        ("/api/v1/calls/{call}/wrap-up", Door::Token, get(wrap_up::show).put(wrap_up::say)),
    ]
}

/// Every page and every part of the API. The peer's address must be in the requests' extensions as
/// [`ConnectInfo`], which [`serve`] does; a request without one counts as coming from elsewhere.
pub fn router(state: WebState) -> Router {
    routed(App::new(state))
}

pub(super) fn routed(app: App) -> Router {
    let mut router = Router::new();
    for (path, door, methods) in routes() {
        let methods = match door {
            Door::Open | Door::Token => methods,
            Door::Figures => methods.layer(from_fn_with_state(app.clone(), guard::figures)),
        };
        router = router.route(path, methods);
    }
    router
        .fallback(|| async { Problem::NotFound })
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(from_fn(guard::every_request))
        .with_state(app)
}

/// Serves until `shutdown` resolves; then live streams end, and requests under way have a moment
/// to finish. Fails only if the listener is unusable from the start.
pub async fn serve(
    listener: TcpListener,
    state: WebState,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "pages and API are up");
    let app = App::new(state);
    let hub = Arc::clone(&app.hub);
    let router = routed(app);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let connection = connection(stream, peer, router.clone(), stopped.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: trying again at once would only spin.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    hub.close();
    // Nobody listening any more is as good as told.
    let _ = stop.send(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, rest).await.is_err() {
        tracing::warn!("requests were still under way at the stop");
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    // Events are small and should leave at once; a socket that refuses this still works.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(32 * 1024);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = async { drop(stopped.wait_for(|stopped| *stopped).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}
