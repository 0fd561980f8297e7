//! What the API asks of queues, agents and skills: carried out one after the other, between reloads.

use tokio::sync::{mpsc, oneshot};

use crate::config::problem::Told;
use crate::id::PromptName;
use crate::media::Bank;
use crate::server::installation::{Installation, Problems};
use crate::server::registry::{self, Answer, Order, Prepared, Refusal, Summary};

use super::{Installed, Server};

/// Orders that may wait; beyond, whoever asks waits with theirs.
const WAITING: usize = 64;

/// An order, and where its answer goes.
pub struct Ordered {
    order: Order,
    answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// The way in.
#[derive(Clone)]
pub(super) struct Orders(mpsc::Sender<Ordered>);

pub(super) fn orders() -> (Orders, mpsc::Receiver<Ordered>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Orders(sender), receiver)
}

impl Orders {
    /// Gives an order; none if nobody takes orders any more.
    pub(super) async fn give(&self, order: Order) -> Option<Result<Answer, Refusal>> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Ordered { order, answer }).await.ok()?;
        answered.await.ok()
    }
}

impl Server {
    /// The next order; for ever none once orders are no longer taken.
    pub async fn ordered(&mut self) -> Ordered {
        match self.orders.recv().await {
            Some(ordered) => ordered,
            None => std::future::pending().await,
        }
    }

    /// Takes no more orders: whoever gives one is told that the server is stopping.
    pub fn refuse_orders(&mut self) {
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
    }

    /// Carries out an order.
    pub async fn carry_out(&mut self, ordered: Ordered) {
        let Ordered { order, answer } = ordered;
        let done = self.answer_to(order).await;
        // Whoever has gone meanwhile finds it done all the same.
        let _ = answer.send(done);
    }

    async fn answer_to(&mut self, order: Order) -> Result<Answer, Refusal> {
        let installation = &self.installation;
        match order {
            Order::List { kind, after, limit } => {
                let (shown, next) = registry::list(installation, kind, after.as_deref(), limit);
                Ok(Answer::Entries(shown, next))
            }
            Order::Show(key) => {
                let shown = registry::show(installation, &key).ok_or(Refusal::Unknown(key))?;
                Ok(Answer::Entry(Box::new(shown), false))
            }
            Order::Export(kind) => Ok(Answer::Sheet(registry::export(installation, kind))),
            Order::Put { key, body, condition, by } => {
                let created = !installation.entries.contains_key(&key);
                let prepared = registry::put(installation, &key, body, &condition)?;
                self.adopt(prepared, &by).await?;
                let shown = registry::show(&self.installation, &key);
                let shown = shown.ok_or(Refusal::Unknown(key))?;
                Ok(Answer::Entry(Box::new(shown), created))
            }
            Order::Delete { key, condition, by } => {
                let used = || registry::in_use(&self.live(), &key);
                let prepared = registry::delete(installation, &key, &condition, used)?;
                self.adopt(prepared, &by).await?;
                Ok(Answer::Deleted)
            }
            Order::Import { kind, sheet, dry_run, by } => {
                // Thousands of rows take their time: who asks for something else goes on meanwhile.
                let read = || registry::import(installation, kind, "sheet", &sheet);
                let (prepared, unchanged) = tokio::task::block_in_place(read)?;
                let summary = Summary::of(&prepared.changes, unchanged, dry_run);
                match dry_run {
                    true => drop(self.ready(&prepared.installation)?),
                    false => self.adopt(prepared, &by).await?,
                }
                Ok(Answer::Imported(summary))
            }
            Order::Audit(asked) => {
                self.registry.audit(&asked).await.map(Answer::Audit).map_err(not_kept)
            }
        }
    }

    /// What is needed to put other entries to work; sounds that are known are not read again.
    fn ready(&self, installation: &Installation) -> Result<Installed, Refusal> {
        let told = |Problems(found): Problems| found.iter().map(Told::of).collect();
        self.install(installation, Some(&self.bank)).map_err(|found| Refusal::Wrong(told(found)))
    }

    /// Keeps a change, and puts it to work.
    async fn adopt(&mut self, mut prepared: Prepared, by: &str) -> Result<(), Refusal> {
        if prepared.changes.is_empty() {
            return Ok(());
        }
        let installed = self.ready(&prepared.installation)?;
        let at = self.clock.wall();
        prepared.keep(&self.registry, by, at).await.map_err(not_kept)?;
        match prepared.changes.as_slice() {
            [change] => tracing::info!(by, "{} is another in the database now", change.key),
            changes => {
                tracing::info!(by, "{} entries are others in the database now", changes.len())
            }
        }
        self.put_to_work(prepared.installation, installed);
        Ok(())
    }
}

fn not_kept(error: registry::RegistryError) -> Refusal {
    tracing::error!("nothing was changed: {error}");
    Refusal::Store
}

/// Every sound that a plan needs besides those that are known.
pub(super) fn missing(sounds: Vec<PromptName>, known: &Bank) -> Vec<PromptName> {
    sounds.into_iter().filter(|name| known.get(name).is_none()).collect()
}
