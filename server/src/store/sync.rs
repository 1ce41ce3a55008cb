//! Syncs of insights: what was asked for, how far it has come, and whose turn it is to send.
//!
//! Invariant: a job moves on only for the process that holds the turn of its sink, so that no contact is counted by two; and
//! what was sent is recorded after it was, so that a crash repeats a little and leaves out nothing.

use switchboard_protocol::ids::WorkspaceId;
use switchboard_protocol::limits;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::failure::Failure;
use crate::domain::mint;
use crate::domain::sync::{Job, Order, SCHEDULE, Scope, SinkKind, Standing, Tally};

/// Cheap to clone.
#[derive(Clone)]
pub struct SyncJobs {
    pools: Pools,
}

/// The turn of a sink, as far as the database is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub workspace: WorkspaceId,
    pub sink: SinkKind,
    pub holder: Uuid,
}

/// What became of taking a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Another process holds it.
    Elsewhere,
    /// Another process may have had it a moment ago.
    Anew,
    Kept,
}

/// A contact that a pass meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    pub contact: String,
    /// It was updated since the time that the job looks back to.
    pub due: bool,
}

/// Jobs that may be open at once in a workspace; more are refused.
pub const MOST_OPEN: i64 = 1_000;
/// Failures of one job that are kept; all are counted.
const MOST_FAILURES: i64 = 1_000;

impl SyncJobs {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    /// The job that does what is asked for; nothing where too many are open.
    pub async fn ask(&self, workspace: WorkspaceId, order: &Order) -> Result<Option<Uuid>, StoreError> {
        let (contact, hours) = match &order.scope {
            Scope::All => (None, None),
            Scope::HoursBack(hours) => (None, Some(i32::try_from(*hours).unwrap_or(i32::MAX))),
            Scope::Contact(contact) => (Some(contact.clone()), None),
        };
        let step = step!(
            statement::SYNCS_ASK,
            workspace.uuid(),
            mint::id::<Uuid>(),
            order.sink.name(),
            order.scope.name(),
            order.dry_run,
            contact,
            hours,
            MOST_OPEN
        );
        let rows = self.pools.write(&[workspace], step).await?;
        rows.first().map(|row| rows::get(row, "id")).transpose()
    }

    /// Asks for the sync of the schedule; false where it is not due.
    pub async fn ask_due(
        &self,
        workspace: WorkspaceId,
        sink: SinkKind,
        hours_back: u32,
        minutes: u32,
    ) -> Result<bool, StoreError> {
        let step = step!(
            statement::SYNCS_ASK_DUE,
            workspace.uuid(),
            mint::id::<Uuid>(),
            sink.name(),
            SCHEDULE,
            i32::try_from(hours_back).unwrap_or(i32::MAX),
            i32::try_from(minutes).unwrap_or(i32::MAX)
        );
        Ok(!self.pools.write(&[workspace], step).await?.is_empty())
    }

    /// The open job whose step it is.
    pub async fn next(&self, workspace: WorkspaceId, sink: SinkKind) -> Result<Option<Job>, StoreError> {
        let step = step!(statement::SYNCS_NEXT, workspace.uuid(), sink.name());
        let rows = self.pools.read(&[workspace], step).await?;
        let job = |row: &Row| {
            Ok(Job {
                id: rows::get(row, "id")?,
                sink,
                dry_run: rows::get(row, "dry_run")?,
                contact: rows::get(row, "contact_id")?,
                since: rows::get(row, "since")?,
                cursor: rows::get(row, "cursor")?,
                processed: rows::get(row, "processed")?,
                failed: rows::get(row, "failed")?,
            })
        };
        rows.first().map(job).transpose()
    }

    /// Before the first step of a pass, and harmless before any other.
    pub async fn begin(&self, workspace: WorkspaceId, job: Uuid) -> Result<(), StoreError> {
        let step = step!(statement::SYNCS_BEGIN, workspace.uuid(), job);
        self.pools.write(&[workspace], step).await.map(drop)
    }

    /// The contacts behind one, in the order in which a pass meets them.
    pub async fn walk(
        &self,
        workspace: WorkspaceId,
        behind: String,
        since: Option<Timestamp>,
        most: i64,
    ) -> Result<Vec<Met>, StoreError> {
        let step = step!(statement::SYNCS_WALK, workspace.uuid(), behind, since, most);
        let rows = self.pools.walk(&[workspace], step).await?;
        let met = |row: &Row| Ok(Met { contact: rows::get(row, "contact_id")?, due: rows::get(row, "due")? });
        rows.iter().map(met).collect()
    }

    /// A job is through with all contacts up to one. Stale, where the turn was lost.
    pub async fn advance(
        &self,
        turn: Turn,
        job: Uuid,
        upto: String,
        tally: Tally,
        failures: Vec<Failure>,
    ) -> Result<(), StoreError> {
        let (contacts, reasons): (Vec<_>, Vec<_>) =
            failures.into_iter().map(|failure| (failure.subject, failure.reason)).unzip();
        let step = step!(
            statement::SYNCS_ADVANCE,
            turn.workspace.uuid(),
            job,
            turn.sink.name(),
            upto,
            tally.processed,
            tally.created,
            tally.updated,
            tally.failed,
            turn.holder,
            contacts,
            reasons,
            MOST_FAILURES
        );
        let moved = self.pools.write(&[turn.workspace], step).await?;
        if moved.is_empty() { Err(StoreError::Stale) } else { Ok(()) }
    }

    /// A pass came to its end. What ended long ago is forgotten on the way.
    pub async fn finish(&self, turn: Turn, job: Uuid) -> Result<(), StoreError> {
        let workspace = turn.workspace.uuid();
        let steps = vec![
            step!(statement::SYNCS_FINISH, workspace, job, turn.sink.name(), turn.holder),
            step!(statement::SYNCS_PRUNE, workspace),
        ];
        self.pools.write_all(&[turn.workspace], steps).await.map(drop)
    }

    /// A job waits for somebody who does something about it.
    pub async fn stop(&self, turn: Turn, job: Uuid, error: &str) -> Result<(), StoreError> {
        let workspace = turn.workspace.uuid();
        let step =
            step!(statement::SYNCS_STOP, workspace, job, turn.sink.name(), turn.holder, error.to_owned());
        self.pools.write(&[turn.workspace], step).await.map(drop)
    }

    pub async fn standing(&self, workspace: WorkspaceId, job: Uuid) -> Result<Option<Standing>, StoreError> {
        let rows =
            self.pools.read(&[workspace], step!(statement::SYNCS_STATUS, workspace.uuid(), job)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let most = i64::try_from(limits::SYNC_FAILURES).unwrap_or(i64::MAX);
        let failures = step!(statement::SYNCS_FAILURES, workspace.uuid(), job, most);
        let failures = self.pools.read(&[workspace], failures).await?;
        let failure = |row: &Row| {
            Ok(Failure { subject: rows::get(row, "contact_id")?, reason: rows::get(row, "reason")? })
        };
        Ok(Some(Standing {
            sink: rows::named(row, "sink", SinkKind::from_name)?,
            dry_run: rows::get(row, "dry_run")?,
            tally: Tally {
                processed: rows::get(row, "processed")?,
                created: rows::get(row, "created")?,
                updated: rows::get(row, "updated")?,
                failed: rows::get(row, "failed")?,
            },
            failures: failures.iter().map(failure).collect::<Result<_, StoreError>>()?,
            ended: rows::get::<String>(row, "state")? != "open",
            error: rows::get(row, "error")?,
        }))
    }

    /// Takes a turn or keeps it, for so many seconds.
    pub async fn take(&self, turn: Turn, seconds: u32) -> Result<Taken, StoreError> {
        let (workspace, seconds) = (turn.workspace.uuid(), f64::from(seconds));
        let step = step!(statement::SYNCS_TAKE_TURN, workspace, turn.sink.name(), turn.holder, seconds);
        let rows = self.pools.write(&[turn.workspace], step).await?;
        let Some(row) = rows.first() else { return Ok(Taken::Elsewhere) };
        Ok(if rows::get(row, "is_kept")? { Taken::Kept } else { Taken::Anew })
    }

    pub async fn leave(&self, turn: Turn) -> Result<(), StoreError> {
        let step = step!(statement::SYNCS_LEAVE_TURN, turn.workspace.uuid(), turn.sink.name(), turn.holder);
        self.pools.write(&[turn.workspace], step).await.map(drop)
    }
}
