//! Keeps indexing the words of insights, soon after they are folded in.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::store::insights::Insights;

/// What nobody told us of is found within this: insights that another node folded in.
const LOOK: Duration = Duration::from_secs(10);
/// Between two steps of a long way, so that others get their turn on a database with one backend.
const BREATHE: Duration = Duration::from_millis(5);

/// Indexes whatever waits, for as long as it is polled. It may be dropped at any time.
pub async fn keep_indexing(insights: Insights) {
    loop {
        match insights.index().await {
            Ok(true) => {
                sleep(BREATHE).await;
                continue;
            }
            Ok(false) => {}
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "no insight is indexed; the database is away");
            }
            Err(error) => {
                tracing::warn!(%error, "insights could not be indexed; searches do it before they look");
            }
        }
        let _ = timeout(LOOK, insights.unindexed()).await;
    }
}
