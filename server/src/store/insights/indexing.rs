//! Words of insights on their way into the index that a search reads.
//!
//! Invariant: they are indexed in the order in which their groups were folded, whoever does it. A search first indexes
//! what waits, so that whoever brought something finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Notify;
use uuid::Uuid;

use super::Insights;
use crate::store::accounts::Accounts;
use crate::store::pool::step;
use crate::store::{StoreError, rows, statement};

/// What waits here; what another node left is found by looking.
#[derive(Clone, Default)]
pub(super) struct Unindexed(Arc<Inner>);

#[derive(Default)]
struct Inner {
    news: Notify,
    /// Batches that were committed here, and up to which of them everything is indexed.
    folded: AtomicU64,
    indexed: AtomicU64,
}

/// Groups that one step indexes at most: some 50 ms of work.
const PART: i64 = 1000;
/// Steps that a search waits for.
const BEFORE_SEARCHING: usize = 8;

impl Unindexed {
    /// A batch was committed.
    pub(super) fn add(&self) {
        self.0.folded.fetch_add(1, Ordering::AcqRel);
        self.0.news.notify_one();
    }

    fn folded(&self) -> u64 {
        self.0.folded.load(Ordering::Acquire)
    }
}

impl Insights {
    /// Until something waits here.
    pub async fn unindexed(&self) {
        self.unindexed.0.news.notified().await;
    }

    /// Indexes some of what waits in each workspace; false once there is nothing left.
    pub async fn index(&self) -> Result<bool, StoreError> {
        let upto = self.unindexed.folded();
        let all = Accounts::new(self.pools.clone()).workspaces().await?;
        let all: Vec<_> = all.into_iter().map(|workspace| workspace.id).collect();
        let waiting = self.pools.read(&all, step!(statement::INSIGHTS_UNINDEXED)).await?;
        for row in &waiting {
            self.index_of(rows::get::<Uuid>(row, "workspace_id")?.into()).await?;
        }
        if waiting.is_empty() {
            self.unindexed.0.indexed.fetch_max(upto, Ordering::AcqRel);
        }
        Ok(!waiting.is_empty())
    }

    /// Indexes what waits in one workspace, as far as a search may be kept waiting.
    pub(super) async fn catch_up(&self, workspace: WorkspaceId) -> Result<(), StoreError> {
        if self.unindexed.folded() == self.unindexed.0.indexed.load(Ordering::Acquire) {
            return Ok(());
        }
        for _ in 0..BEFORE_SEARCHING {
            if self.index_of(workspace).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn index_of(&self, workspace: WorkspaceId) -> Result<i64, StoreError> {
        let step = step!(statement::INSIGHTS_INDEX, workspace.uuid(), PART);
        let rows = self.pools.write(&[workspace], step).await?;
        rows::get(rows.first().ok_or(StoreError::Stale)?, "taken")
    }
}
