//! The council's other systems, small and real: an HTTP service with a store of its own, for the
//! flows of the demo to do business with. Its residents, accounts and permits are made up.

mod api;
mod card;
mod order;
mod page;
mod reference;
mod seed;
mod store;
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
    token: Arc<str>,
    now: Calendar,
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

/// Opens the store at `path`, filled if it is new, and answers whoever shows the token.
pub async fn start(
    path: &Path,
    listener: TcpListener,
    token: &str,
    now: Calendar,
) -> Result<Running, CouncilError> {
    let address = listener.local_addr()?;
    let connection = store::open(path, now().date()).await?;
    let store = Arc::new(Mutex::new(connection));
    let router = api::router(Council { store: Arc::clone(&store), token: token.into(), now });
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
