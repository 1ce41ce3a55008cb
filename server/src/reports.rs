//! Keeps the sums that the dashboard reads: counts what the agent decided soon after it is committed.
//!
//! Invariant: each step is one short transaction that counts some interactions and marks them; where it stops, the next
//! one goes on.

use std::sync::Arc;
use std::time::Duration;

use switchboard_protocol::ids::WorkspaceId;
use tokio::time::{sleep, timeout};

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
