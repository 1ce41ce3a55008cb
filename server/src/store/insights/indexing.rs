//! Contacts whose words are on their way into the index that a search reads.
//!
//! Invariant: the words of a contact are those of one version of it, and never of an earlier one than were there; every
//! change leaves a mark until the words of that version, or a later one, are indexed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Notify;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Insights;
use crate::domain::clock::Timestamp;
use crate::store::accounts::Accounts;
use crate::store::pool::step;
use crate::store::{StoreError, rows, statement};

/// Batches that were committed here, and up to which of them everything is indexed. What another node left is found by
/// looking.
#[derive(Clone, Default)]
pub(super) struct Marks(Arc<Counts>);

#[derive(Default)]
struct Counts {
    news: Notify,
    folded: AtomicU64,
    indexed: AtomicU64,
}

/// A contact that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Unindexed {
    pub mark: i64,
    pub contact: String,
    /// Nothing where it was deleted.
    pub stands: Option<Stands>,
}

/// What a contact is to be found by.
#[derive(Clone, Debug, PartialEq)]
pub struct Stands {
    pub created_at: Timestamp,
    pub version: i64,
    pub member_name: Option<String>,
    pub fields: Map<String, Value>,
}

/// The words of a contact at a version: the hash of each and, in its last three bits, its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub contact: String,
    pub created_at: Timestamp,
    pub version: i64,
    pub words: Vec<i64>,
}

/// Marks of one step at most: some 50 ms of work.
const PART: i64 = 1000;

impl Marks {
    pub(super) fn folded(&self) {
        self.0.folded.fetch_add(1, Ordering::AcqRel);
        self.0.news.notify_one();
    }
}

impl Insights {
    /// Until something was folded in here.
    pub async fn folded(&self) {
        self.marks.0.news.notified().await;
    }

    /// Batches that were folded in here.
    pub fn batches(&self) -> u64 {
        self.marks.0.folded.load(Ordering::Acquire)
    }

    /// Whether all of them are indexed.
    pub fn is_indexed(&self) -> bool {
        self.batches() == self.marks.0.indexed.load(Ordering::Acquire)
    }

    /// The workspaces in which contacts wait.
    pub async fn unindexed_workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let upto = self.batches();
        let all = Accounts::new(self.pools.clone()).workspaces().await?;
        let all: Vec<_> = all.into_iter().map(|workspace| workspace.id).collect();
        let rows = self.pools.read(&all, step!(statement::INSIGHTS_UNINDEXED_WORKSPACES)).await?;
        if rows.is_empty() {
            self.marks.0.indexed.fetch_max(upto, Ordering::AcqRel);
        }
        rows.iter().map(|row| Ok(rows::get::<Uuid>(row, "workspace_id")?.into())).collect()
    }

    /// The first that wait in a workspace, as they stand now.
    pub async fn unindexed(&self, workspace: WorkspaceId) -> Result<Vec<Unindexed>, StoreError> {
        let step = step!(statement::INSIGHTS_UNINDEXED, workspace.uuid(), PART);
        self.pools.read(&[workspace], step).await?.iter().map(unindexed).collect()
    }

    /// Puts words into the index and takes these marks away.
    pub async fn index(
        &self,
        workspace: WorkspaceId,
        marks: Vec<i64>,
        found: Vec<Words>,
    ) -> Result<(), StoreError> {
        let (mut contacts, mut created, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        // The words of all come end to end, each list with the place where it ends.
        let (mut words, mut ends) = (Vec::new(), Vec::new());
        for found in found {
            contacts.push(found.contact);
            created.push(found.created_at);
            versions.push(found.version);
            words.extend(found.words);
            ends.push(i32::try_from(words.len()).unwrap_or(i32::MAX));
        }
        let step = step!(
            statement::INSIGHTS_INDEX,
            workspace.uuid(),
            marks,
            contacts,
            created,
            versions,
            words,
            ends
        );
        self.pools.write(&[workspace], step).await.map(drop)
    }
}

fn unindexed(row: &Row) -> Result<Unindexed, StoreError> {
    let stands = match rows::get::<Option<Timestamp>>(row, "created_at")? {
        None => None,
        Some(created_at) => Some(Stands {
            created_at,
            version: rows::get(row, "version")?,
            member_name: rows::get(row, "member_name")?,
            fields: rows::get::<Value>(row, "insights")?.as_object().cloned().unwrap_or_default(),
        }),
    };
    Ok(Unindexed { mark: rows::get(row, "id")?, contact: rows::get(row, "contact_id")?, stands })
}
