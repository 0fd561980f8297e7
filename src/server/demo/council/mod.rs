//! The council's other systems, small and real: an HTTP service with a store of its own, for the
//! flows of the demo to do business with. Its residents, accounts and permits are made up.

mod api;
mod card;
mod order;
mod page;
mod reference;
mod seed;
mod store;
mod texts;
mod trouble;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::DateTime;
use sqlx::{Connection as _, SqliteConnection};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

/// The name of its file in the data folder.
pub const FILE: &str = "council.sqlite";

/// What day and time it is where the council is.
pub type Calendar = Arc<dyn Fn() -> DateTime + Send + Sync>;

/// The calendar where the council is; UTC's if there is no such time zone.
pub fn calendar(time_zone: &str) -> Calendar {
    let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
    let now = move || jiff::Timestamp::now().to_zoned(zone.clone()).datetime();
    Arc::new(now)
}

/// What every request can reach.
#[derive(Clone)]
struct Council {
    store: Arc<Mutex<SqliteConnection>>,
    keys: Keys,
    now: Calendar,
    /// Seconds since 1970, for what is good for seconds.
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl Council {
    /// The service and the secret of the key for texts.
    fn key(&self) -> (&str, &str) {
        const UUID: usize = 36;
        let key = &*self.keys.texts;
        let secret = key.len().checked_sub(UUID).and_then(|at| key.get(at..)).unwrap_or_default();
        let rest = key.strip_suffix(secret).unwrap_or_default().trim_end_matches('-');
        let service = rest.len().checked_sub(UUID).and_then(|at| rest.get(at..));
        (service.unwrap_or_default(), secret)
    }
}

/// What whoever asks must know.
#[derive(Clone)]
pub struct Keys {
    /// For the council's business, as `Authorization: Bearer`.
    pub token: Arc<str>,
    /// For texts, as GOV.UK Notify gives them: a name and two UUIDs.
    pub texts: Arc<str>,
}

impl Keys {
    /// New ones.
    pub fn draw() -> Result<Keys, getrandom::Error> {
        let mut drawn = [[0; 16]; 4];
        for bytes in &mut drawn {
            getrandom::fill(bytes)?;
        }
        let [one, other, service, secret] = drawn.map(uuid::Uuid::from_bytes);
        let token = format!("{}{}", one.simple(), other.simple());
        Ok(Keys { token: token.into(), texts: format!("demo-{service}-{secret}").into() })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(not shown)")
    }
}

/// The service while it runs. It ends when this is dropped.
pub struct Running {
    /// Where it answers.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    store: Arc<Mutex<SqliteConnection>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({})", self.address)
    }
}

/// Why the service cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CouncilError {
    /// Its store cannot be opened.
    #[error("the demo's back end cannot keep anything: {0}")]
    Store(#[from] sqlx::Error),
    /// It has no address.
    #[error("the demo's back end cannot be reached: {0}")]
    Address(#[from] std::io::Error),
}

/// Opens the store at `path`, filled if it is new, and answers whoever knows the keys.
pub async fn start(
    path: &Path,
    listener: TcpListener,
    keys: Keys,
    now: Calendar,
) -> Result<Running, CouncilError> {
    let address = listener.local_addr()?;
    let connection = store::open(path, now().date()).await?;
    let store = Arc::new(Mutex::new(connection));
    #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
    let clock = Arc::new(|| jiff::Timestamp::now().as_second());
    let router = api::router(Council { store: Arc::clone(&store), keys, now, clock });
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let until = async move {
            let _ = stopped.await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
            tracing::error!(%error, "the demo's back end has ended");
        }
    });
    Ok(Running { address, stop: Some(stop), task, store })
}

impl Running {
    /// Answers what is under way, and ends. Its file is whole then.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
        if let Some(store) = Arc::into_inner(self.store)
            && let Err(error) = store.into_inner().close().await
        {
            tracing::error!(%error, "the demo's back end");
        }
    }
}

#[cfg(test)]
mod tests;
