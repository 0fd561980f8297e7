//! What every request passes: where it comes from, whom it asks for, how long it may take, and
//! the headers that keep a browser from harm.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, FORWARDED, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::serve::{App, IMPORT_WITHIN, REQUEST_WITHIN};
use super::{auth, registry};

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// This machine itself.
    Local,
    /// Another machine, perhaps through a proxy on this one.
    Remote,
}

fn origin(peer: Option<SocketAddr>, headers: &HeaderMap) -> Origin {
    // A proxy on this machine says for whom it asks; then the request is as remote as that.
    let proxied = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
    match peer {
        Some(peer) if !proxied && peer.ip().to_canonical().is_loopback() => Origin::Local,
        Some(_) | None => Origin::Remote,
    }
}

/// Whether the request asks for this machine by a name that no foreign site can take for itself.
/// A page of a foreign site whose name was made to resolve to 127.0.0.1 (DNS rebinding) still
/// sends the foreign name.
fn asks_for_us(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_loopback_name),
        _ => false,
    };
    named && uri.authority().is_none_or(|authority| is_loopback_name(authority.as_str()))
}

fn is_loopback_name(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// How long a request may take until its answer begins: sheets may take longer.
fn within(request: &Request) -> Duration {
    let is_sheet = request.method() == Method::POST && registry::is_csv(request.headers());
    if is_sheet { REQUEST_WITHIN + IMPORT_WITHIN } else { REQUEST_WITHIN }
}

/// Outermost: the time limit, the host's name, the security headers, and bodies for the statuses
/// that the router gives by itself.
pub(super) async fn every_request(mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let origin = origin(peer, request.headers());
    let mut response = if origin == Origin::Local && !asks_for_us(request.uri(), request.headers())
    {
        Problem::WrongHost.into_response()
    } else {
        request.extensions_mut().insert(origin);
        match tokio::time::timeout(within(&request), next.run(request)).await {
            Ok(response) => response,
            Err(_elapsed) => Problem::TooSlow.into_response(),
        }
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(ALLOW).cloned();
        response = Problem::MethodNotAllowed(allow).into_response();
    }
    harden(response.headers_mut());
    response
}

fn harden(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, &str); 6] = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Figures without personal data: open to this machine, otherwise to any token.
pub(super) async fn figures(State(app): State<App>, request: Request, next: Next) -> Response {
    let local = request.extensions().get::<Origin>() == Some(&Origin::Local);
    if !local && let Err(problem) = auth::actor(&app.web.tokens.load(), request.headers()) {
        return problem.into_response();
    }
    next.run(request).await
}
