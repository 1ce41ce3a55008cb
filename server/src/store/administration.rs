//! What commands work on, in a running server or without one: accounts, conversations in bulk, and what a doctor asks.
//!
//! Invariant: every step of long work is one short transaction, so that messages keep flowing beside it. No lease is
//! taken: nothing here writes to a conversation that a session may own.

pub mod bulk;
pub mod health;
pub mod pages;
pub mod people;
#[cfg(feature = "test-hooks")]
pub mod query;
pub mod retention;

use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;

use super::StoreError;
use super::accounts::{Accounts, audit};
use super::failures::Failures;
use super::insights::Insights;
use super::knowledge::Library;
use super::memory::Archive;
use super::outbox::Outbox;
use super::pool::Pools;
use super::source::Database;
use super::sync::SyncJobs;

/// Cheap to clone.
#[derive(Clone)]
pub struct Administration {
    pools: Pools,
    insights: Insights,
}

impl Administration {
    pub(super) fn new(pools: Pools, insights: Insights) -> Self {
        Self { pools, insights }
    }

    /// Without a server. The database must have been migrated.
    pub fn open(database: &Database) -> Result<Self, StoreError> {
        let pools = Pools::new(database)?;
        Ok(Self::new(pools.clone(), Insights::new(pools)))
    }

    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.pools.clone())
    }

    /// Those of the running server, so that it knows of what changes.
    pub fn insights(&self) -> &Insights {
        &self.insights
    }

    pub fn knowledge(&self) -> Library {
        Library::new(self.pools.clone())
    }

    pub fn memory(&self) -> Archive {
        Archive::new(self.pools.clone())
    }

    pub fn failures(&self) -> Failures {
        Failures::new(self.pools.clone())
    }

    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.pools.clone())
    }

    pub fn syncs(&self) -> SyncJobs {
        SyncJobs::new(self.pools.clone())
    }

    /// Notes in the audit log what was done.
    pub async fn note(
        &self,
        workspace: Option<WorkspaceId>,
        actor: &str,
        action: &'static str,
        subject: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        self.pools.lookup(vec![audit(workspace, actor, action, subject, Some(detail))]).await.map(drop)
    }

    /// Lets go of every connection.
    pub fn close(&self) {
        self.pools.close();
    }

    async fn every_workspace(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        Ok(self.accounts().workspaces().await?.into_iter().map(|workspace| workspace.id).collect())
    }
}
