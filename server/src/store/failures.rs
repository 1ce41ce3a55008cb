//! What could not be processed: counted, kept with its reason until it could be, and told to the webhooks.
//!
//! Invariant: one row a kind and subject, and one event a kind and hour, however much fails; a workspace keeps its newest.

use std::collections::BTreeMap;

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::StoreError;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::clock::{self, Timestamp};
use crate::domain::failure::{Failure, Kind, Standing, subject_of};
use crate::domain::mint;
use crate::domain::outbox::EventKind;

/// Cheap to clone.
#[derive(Clone)]
pub struct Failures {
    pools: Pools,
}

/// What a workspace keeps; older ones go.
const KEPT: i64 = 1_000;
/// Seconds in which one event of a kind is enough.
const WINDOW: i64 = 3_600;

impl Failures {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    /// There at 0 before anything has failed.
    pub(super) fn begin() {
        for kind in Kind::ALL {
            count(kind, 0);
        }
    }

    /// Notes what has just failed: at most some hundreds at once.
    pub async fn record(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        failed: Vec<Failure>,
    ) -> Result<(), StoreError> {
        if failed.is_empty() {
            return Ok(());
        }
        let now = clock::now();
        let ids: Vec<Uuid> = failed.iter().map(|_| mint::id()).collect();
        let event = mint::failure_event(workspace, kind.name(), now.timestamp().div_euclid(WINDOW));
        let many = failed.len() as u64;
        let (subjects, reasons): (Vec<_>, Vec<_>) =
            failed.into_iter().map(|failure| (failure.subject, failure.reason)).unzip();
        let steps = vec![
            step!(statement::FAILURES_RECORD, workspace.uuid(), kind.name(), now, ids, subjects, reasons),
            step!(statement::FAILURES_TRIM, workspace.uuid(), KEPT),
            step!(
                statement::OUTBOX_INSERT,
                vec![workspace.uuid()],
                vec![event],
                vec![EventKind::ProcessingFailed.name()],
                vec![event],
                vec![serde_json::json!({ "kind": kind.name() })],
                vec![now]
            ),
        ];
        self.pools.write_all(&[workspace], steps).await?;
        count(kind, many);
        Ok(())
    }

    /// The next try has succeeded.
    pub async fn mend(
        &self,
        workspace: WorkspaceId,
        kind: Kind,
        subjects: Vec<String>,
    ) -> Result<(), StoreError> {
        let subjects: Vec<String> = subjects.into_iter().map(subject_of).collect();
        let step = step!(statement::FAILURES_MEND, workspace.uuid(), kind.name(), subjects);
        self.pools.write(&[workspace], step).await.map(drop)
    }

    /// A file, or a folder, was gone through from its beginning to its end: what failed in it before has not failed again.
    pub async fn mend_beneath(
        &self,
        workspace: WorkspaceId,
        path: String,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let step = step!(statement::FAILURES_MEND_BENEATH, workspace.uuid(), path, before);
        self.pools.write(&[workspace], step).await.map(drop)
    }

    /// How many stand of each kind, without those of which none does, and the newest of all, at most `limit`.
    pub async fn standing(
        &self,
        workspace: WorkspaceId,
        limit: i64,
    ) -> Result<(BTreeMap<String, i64>, Vec<Standing>), StoreError> {
        let standing = |row: &Row| {
            Ok(Standing {
                id: rows::get(row, "id")?,
                kind: rows::named(row, "kind", Kind::from_name)?,
                subject: rows::get(row, "subject")?,
                reason: rows::get(row, "reason")?,
                times: rows::get(row, "times")?,
                first_at: rows::get(row, "first_at")?,
                last_at: rows::get(row, "last_at")?,
            })
        };
        let step = step!(statement::FAILURES_STANDING, workspace.uuid(), limit);
        let rows = self.pools.read(&[workspace], step).await?;
        let by_kind = rows.first().map(|row| rows::get::<Json<_>>(row, "by_kind")).transpose()?;
        let newest: Result<_, StoreError> = rows.iter().map(standing).collect();
        Ok((by_kind.map(|Json(by_kind)| by_kind).unwrap_or_default(), newest?))
    }
}

/// Why the store could not do something, for those who keep the desk: the database's own words are for the log.
pub fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Refused { code, .. } => {
            format!("The database refused it (code {code}); the log has its words.")
        }
        other => format!("It could not be stored: {other}."),
    }
}

fn count(kind: Kind, many: u64) {
    metrics::counter!("switchboard_processing_failures_total", "kind" => kind.name()).increment(many);
}
