//! What is over is brought to where it is kept, round after round, for as long as the store is away.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::desk::News;
use super::keeper::{self, Keeper};
use super::manifest::Manifest;
use crate::event::{RecordingEvent, RecordingFault};
use crate::server::clock::Clock;
use crate::time::Time;

/// After a failure the store is tried again after this long, then twice as long, up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// How often retention is looked at.
const EXPIRE: Duration = Duration::from_secs(3_600);
/// A store that has failed so often in a row is left alone until the next round: each of its failures
/// may take minutes.
pub(super) const GIVE_UP: usize = 3;

/// See the module.
#[derive(Debug)]
pub(super) struct Rounds {
    keeper: Keeper,
    /// Those whose failure the journal knows.
    told: BTreeSet<PathBuf>,
    /// The last that was tried: the next round begins after it, so that none holds up others for ever.
    last: Option<PathBuf>,
    retry: Option<Retry>,
    expire_at: Time,
}

/// The store, or something else, does not take what it is given.
#[derive(Debug, Clone, Copy)]
struct Retry {
    at: Time,
    after: Duration,
}

impl Rounds {
    pub(super) fn new(keeper: Keeper, now: Time) -> Rounds {
        Rounds { keeper, told: BTreeSet::new(), last: None, retry: None, expire_at: now }
    }

    /// One round; how long until the next, if nothing is over before.
    pub(super) async fn go(&mut self, clock: Clock, tell: &impl Fn(News)) -> Duration {
        let failed = self.keep(tell).await;
        if clock.now() >= self.expire_at {
            self.expire_at = clock.now() + EXPIRE;
            if let Err(error) = self.keeper.expire(clock.wall(), tell).await {
                tracing::warn!(%error, "not all recordings whose time is over could be deleted");
            }
        }
        let now = clock.now();
        self.retry = match self.retry {
            _ if !failed => None,
            None => Some(Retry { at: now + FIRST_RETRY, after: FIRST_RETRY }),
            Some(retry) if now < retry.at => Some(retry),
            Some(Retry { after, .. }) => {
                let after = (after * 2).min(LONGEST_RETRY);
                Some(Retry { at: now + after, after })
            }
        };
        let next = self.retry.map_or(self.expire_at, |retry| retry.at);
        next.since(now)
    }

    /// Tries all that wait; whether any failed.
    async fn keep(&mut self, tell: &impl Fn(News)) -> bool {
        let mut waiting = match self.keeper.waiting() {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(%error, "recordings that are over cannot be found");
                return true;
            }
        };
        self.told.retain(|path| waiting.contains(path));
        let first = waiting.partition_point(|path| Some(path) <= self.last.as_ref());
        waiting.rotate_left(first);
        let counters = self.keeper.counters.clone();
        let mut left = waiting.len() as u64;
        counters.waiting.store(left, Ordering::Relaxed);
        let (mut failed, mut in_a_row) = (false, 0);
        for beside in waiting {
            let done = self.keeper.keep(&beside).await;
            self.last = Some(beside.clone());
            match done {
                Ok(news) => {
                    in_a_row = 0;
                    left -= u64::from(!beside.exists());
                    counters.waiting.store(left, Ordering::Relaxed);
                    news.into_iter().for_each(tell);
                }
                Err(error) => {
                    failed = true;
                    let reason = error.fault();
                    counters.failed(reason);
                    in_a_row = if reason == RecordingFault::Store { in_a_row + 1 } else { 0 };
                    if self.told.insert(beside.clone()) {
                        tracing::error!(path = %beside.display(), %error, "a recording is not kept yet");
                        let manifest = Manifest::read(&beside).ok();
                        let what = RecordingEvent::Failed { reason };
                        manifest
                            .and_then(|one| keeper::news(&one, what))
                            .into_iter()
                            .for_each(tell);
                    }
                }
            }
            if in_a_row == GIVE_UP {
                break;
            }
        }
        failed
    }
}
