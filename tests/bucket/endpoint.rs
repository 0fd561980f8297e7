//! An S3 endpoint that others wrote, on a port of its own, signatures checked, its bucket a folder; and
//! what can go wrong with one.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::peers::clock::wait_for;

/// The bucket's name.
pub const BUCKET: &str = "harbourside-calls";
const ID: &str = "the-id";
const SECRET: &str = "the-secret";
const MOST: usize = 64 << 20;

/// What is wrong with the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers with this status, and does nothing.
    Says(StatusCode),
    /// What it gives back is not what it was given: one byte of everything is another.
    Forgets,
    /// The connection is gone after so many bytes of the request.
    HangsUp(usize),
    /// It takes the connection and never answers.
    Mute,
    /// It says that it has deleted, and has not.
    KeepsDeleted,
}

#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    requests: Vec<String>,
}

/// See the module. Gone when dropped, with every connection.
pub struct Endpoint {
    folder: PathBuf,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
    tls: Option<TlsAcceptor>,
}

impl Endpoint {
    /// An endpoint whose bucket lies below `folder`.
    pub fn start(folder: &Path) -> Endpoint {
        Endpoint::start_with(folder, None)
    }

    /// The same over TLS.
    pub fn start_with(folder: &Path, tls: Option<TlsAcceptor>) -> Endpoint {
        std::fs::create_dir_all(folder.join(BUCKET)).expect("a bucket");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let mut endpoint = Endpoint {
            folder: folder.to_owned(),
            address,
            state: Arc::default(),
            runtime: None,
            tls,
        };
        endpoint.serve(listener);
        endpoint
    }

    /// As the settings say it.
    pub fn settings(&self, credentials: &Path) -> String {
        self.settings_with(credentials, SECRET)
    }

    /// The same with another secret.
    pub fn settings_with(&self, credentials: &Path, secret: &str) -> String {
        std::fs::write(credentials, format!("{ID}\n{secret}\n")).expect("written");
        let (scheme, port) = match self.tls {
            Some(_) => ("https://localhost", self.address.port()),
            None => ("http://127.0.0.1", self.address.port()),
        };
        format!(
            "bucket = \"{BUCKET}\"\nprefix = \"calls\"\nendpoint = \"{scheme}:{port}\"\n\
             credentials_file = \"{}\"\n",
            credentials.display()
        )
    }

    /// From now on this is wrong with it, or nothing.
    pub fn fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    /// What it was asked for since the last time: methods and paths.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state().requests)
    }

    /// The files in the bucket, in order.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut folders, mut files) = (vec![self.folder.join(BUCKET)], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// It dies, in the middle of whatever it does.
    pub fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// It is there again, where it was.
    pub fn start_again(&mut self) {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_reuse_address(true).expect("an option");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.address.port()));
        let bound = wait_for(Duration::from_secs(10), || socket.bind(&address.into()).ok());
        assert!(bound.is_some(), "{address} is taken");
        socket.listen(64).expect("listens");
        self.serve(socket.into());
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&mut self, listener: TcpListener) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
        let files = s3s_fs::FileSystem::new(&self.folder).expect("a file system");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ID, SECRET));
        let (service, state, tls) = (service.build(), self.state.clone(), self.tls.clone());
        listener.set_nonblocking(true).expect("does not block");
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                let (service, state, tls) = (service.clone(), state.clone(), tls.clone());
                tokio::spawn(async move {
                    let fault = state.lock().unwrap_or_else(PoisonError::into_inner).fault;
                    let mut socket = socket;
                    match fault {
                        Some(Fault::HangsUp(after)) => {
                            let mut some = vec![0; after];
                            let read = socket.read_exact(&mut some);
                            // Whether so much comes or not: it hangs up.
                            let _ = tokio::time::timeout(Duration::from_millis(500), read).await;
                            return;
                        }
                        Some(Fault::Mute) => return std::future::pending().await,
                        Some(Fault::Says(_) | Fault::Forgets | Fault::KeepsDeleted) | None => {}
                    }
                    match tls {
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                talk(TokioIo::new(socket), service, state).await;
                            }
                        }
                        None => talk(TokioIo::new(socket), service, state).await,
                    }
                });
            }
        });
        self.runtime = Some(runtime);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Serves one connection for one request: what is wrong holds from the next on.
async fn talk(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin,
    service: S3Service,
    state: Arc<Mutex<State>>,
) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, state) = (service.clone(), state.clone());
        async move { Ok::<_, Infallible>(respond(request, &service, &state).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    // A client that goes away is none of this endpoint's business.
    let _ = http.keep_alive(false).serve_connection(io, answer).await;
}

async fn respond(
    request: Request<Incoming>,
    service: &S3Service,
    state: &Mutex<State>,
) -> HttpResponse {
    let method = request.method().clone();
    let fault = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let path = request.uri().path_and_query().map(|path| path.as_str()).unwrap_or_default();
        state.requests.push(format!("{method} {path}"));
        state.fault
    };
    let plain = |status: StatusCode| {
        Response::builder().status(status).body(Body::empty()).expect("an answer")
    };
    let deletes = method == Method::POST && request.uri().query() == Some("delete");
    match fault {
        Some(Fault::Says(status)) => return plain(status),
        Some(Fault::KeepsDeleted) if deletes => {
            return Response::new(Body::from("<DeleteResult></DeleteResult>".to_owned()));
        }
        Some(Fault::KeepsDeleted | Fault::Forgets | Fault::HangsUp(_) | Fault::Mute) | None => {}
    }
    let answer = service.call(request.map(Body::from)).await;
    let answer = answer.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR));
    if fault != Some(Fault::Forgets) {
        return answer;
    }
    let (head, body) = answer.into_parts();
    let mut bytes = to_bytes(axum::body::Body::new(body), MOST).await.unwrap_or_default().to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    Response::from_parts(head, Body::from(bytes))
}
