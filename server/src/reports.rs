//! Keeps the sums that the dashboard reads: counts what the agent decided soon after it is committed, and sees that those
//! who look at it leave the processors to those who talk.
//!
//! Invariant: each step is one short transaction that counts some interactions and marks them; where it stops, the next
//! one goes on.

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::store::reports::Reports;
use crate::store::writer::News;
use crate::store::{Store, StoreError};

/// What nobody told us of is found within this: interactions of another node, or of a database that was filled by hand.
const LOOK: Duration = Duration::from_secs(10);
/// On a busy server, so many interactions gather that a step is worth its transaction.
const GATHER: Duration = Duration::from_secs(1);
/// Between two steps of a long way, so that messages get their turn on a database with one backend.
const BREATHE: Duration = Duration::from_millis(10);
/// Steps that a reader waits for, so that what was just decided is in what they read.
const BEFORE_READING: usize = 4;

/// Counts whatever waits, for as long as it is polled. It may be dropped at any time.
pub async fn keep_counting(store: &Store) {
    let (reports, news): (Reports, Arc<News>) = (store.reports(), store.writer.news().clone());
    loop {
        match reports.count().await {
            Ok(true) => {
                sleep(BREATHE).await;
                continue;
            }
            Ok(false) => {}
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "nothing is counted; the database is away");
            }
            Err(error) => {
                tracing::warn!(%error, "interactions could not be counted; the dashboard lags behind");
            }
        }
        // Until something has happened, or may have.
        if timeout(LOOK, news.interactions.notified()).await.is_ok() {
            sleep(GATHER).await;
        }
    }
}

/// Counts what waits in one workspace, as far as a reader may be kept waiting.
pub async fn catch_up(reports: &Reports, workspace: WorkspaceId) -> Result<(), StoreError> {
    for _ in 0..BEFORE_READING {
        if !reports.count_of(&[workspace]).await? {
            break;
        }
    }
    Ok(())
}

/// One report at a time, and a rest after each: however many look at dashboards, a quarter of a core goes into them. One who
/// looks alone does not notice.
pub struct Pace {
    places: Semaphore,
    /// When the next one may begin.
    free_at: Mutex<Instant>,
}

/// As many as are made in some seconds wait, in the order they came in. Beyond it, [`Crowded`].
const WAITING: usize = 32;
/// The rest, in the time that the report took.
const REST: u32 = 3;

/// More wait for a report than will be served soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded;

impl Pace {
    pub fn new() -> Self {
        Self { places: Semaphore::new(WAITING), free_at: Mutex::new(Instant::now()) }
    }

    /// Carries out some work when its turn has come.
    pub async fn keep<T>(&self, work: impl Future<Output = T>) -> Result<T, Crowded> {
        let _place = self.places.try_acquire().map_err(|_| Crowded)?;
        let mut free_at = self.free_at.lock().await;
        sleep_until(*free_at).await;
        let begin = Instant::now();
        let answer = work.await;
        *free_at = Instant::now() + begin.elapsed() * REST;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn reports_are_made_one_at_a_time_and_one_too_many_is_told_so() {
        let pace = Pace::new();
        let begun = AtomicUsize::new(0);
        let endless = || {
            pace.keep(async {
                begun.fetch_add(1, Ordering::Relaxed);
                pending::<()>().await;
            })
            .boxed()
        };
        let mut waiting: Vec<_> = (0..WAITING).map(|_| endless()).collect();
        while begun.load(Ordering::Relaxed) == 0 {
            assert!(waiting.iter_mut().all(|report| report.now_or_never().is_none()));
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert_eq!(endless().await, Err(Crowded));
        drop(waiting);
        assert_eq!(pace.keep(async {}).await, Ok(()), "who gave up leaves the turn to others");
    }

    #[tokio::test]
    async fn a_report_is_followed_by_a_rest() {
        let pace = Pace::new();
        let (begin, took) = (Instant::now(), Duration::from_millis(1));
        // Within, so that the whole of it is after the beginning.
        pace.keep(async { sleep(took).await }).await.unwrap();
        let free_at = *pace.free_at.lock().await;
        assert!(free_at >= begin + took * (1 + REST), "the rest is {:?}", free_at - begin);
        let next = pace.keep(async { Instant::now() }).await.unwrap();
        assert!(next >= free_at, "it began {:?} too early", free_at - next);
    }
}
