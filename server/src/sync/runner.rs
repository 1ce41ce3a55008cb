//! The one who does what is asked for: takes the turn of a sink, and goes on with one job after the other, a step each.
//!
//! Invariant: a job's cursor moves only past contacts that were taken or named as refused, in their order.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use switchboard_protocol::ids::WorkspaceId;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::delivery::{Delivered, Shut, deliver};
use super::settings::Schedule;
use super::sink::{BATCH, Parcel};
use super::{Outlet, Shared};
use crate::domain::failpoint;
use crate::domain::failure::{Failure, Kind};
use crate::domain::sync::{Job, SinkKind, Tally};
use crate::store::StoreError;
use crate::store::sync::{Taken, Turn};

/// Why a step has ended early.
enum Halt {
    Store(StoreError),
    Shut(String),
}

/// What nobody told us of is found within this: what another process was asked for, or has left when it died.
const LOOK: Duration = Duration::from_secs(5);
/// How often the schedule is looked at; it counts minutes.
const LOOK_AT_SCHEDULE: Duration = Duration::from_secs(20);
/// How long a turn is held, and how often that is said anew.
const HOLD_SECONDS: u32 = 15;
const KEEP: Duration = Duration::from_secs(5);
/// Contacts that a step looks at, so that a walk past many that are not due holds up nobody on a database with one backend.
const LOOKED_AT: i64 = 1_000;
/// Contacts that a step sends, then other jobs of the sink get their turn.
const STEP: usize = 200;
/// Parcels under way at once, so that a slow answer does not slow the pace.
const AT_ONCE: usize = 4;
/// A job whose first contacts were refused, all of them, is not about contacts.
const ALL_REFUSED: i64 = 20;

impl Shared {
    /// Serves one sink, for as long as it is polled.
    pub(super) async fn serve(&self, outlet: &Outlet, holder: Uuid) {
        loop {
            if let Err(error) = self.round(outlet, holder).await {
                told(&error);
            }
            // Until something is asked for here, or may have been elsewhere.
            let _ = timeout(LOOK, outlet.news.notified()).await;
        }
    }

    /// Asks for the syncs of the schedule, whenever they are due.
    pub(super) async fn keep_to(&self, schedule: Schedule) {
        loop {
            for outlet in self.ready() {
                match self.ask_due(outlet.kind, schedule).await {
                    Ok(true) => outlet.news.notify_one(),
                    Ok(false) => {}
                    Err(error) => told(&error),
                }
            }
            sleep(LOOK_AT_SCHEDULE).await;
        }
    }

    async fn ask_due(&self, sink: SinkKind, schedule: Schedule) -> Result<bool, StoreError> {
        let Some(workspace) = self.workspace().await? else { return Ok(false) };
        self.jobs.ask_due(workspace, sink, schedule.hours_back, schedule.minutes).await
    }

    /// Does all that is open, if nobody else does.
    async fn round(&self, outlet: &Outlet, holder: Uuid) -> Result<(), StoreError> {
        let Some(workspace) = self.workspace().await? else { return Ok(()) };
        let turn = Turn { workspace, sink: outlet.kind, holder };
        if self.jobs.next(workspace, outlet.kind).await?.is_none() || !self.hold(outlet, turn).await? {
            return Ok(());
        }
        tokio::select! {
            done = self.work(outlet, turn) => done?,
            lost = self.keep(outlet, turn) => return Err(lost),
        }
        self.jobs.leave(turn).await
    }

    /// Takes the turn or keeps it. Nothing is sent later than it surely holds, nor in the second after another process had it.
    async fn hold(&self, outlet: &Outlet, turn: Turn) -> Result<bool, StoreError> {
        let asked = Instant::now();
        match self.jobs.take(turn, HOLD_SECONDS).await? {
            Taken::Elsewhere => return Ok(false),
            Taken::Anew => outlet.pace.begin_anew(),
            Taken::Kept => {}
        }
        outlet.pace.allow_until(asked + Duration::from_secs(HOLD_SECONDS.into()));
        Ok(true)
    }

    /// Ends when the turn is lost.
    async fn keep(&self, outlet: &Outlet, turn: Turn) -> StoreError {
        loop {
            sleep(KEEP).await;
            match self.hold(outlet, turn).await {
                Ok(true) => {}
                Ok(false) => return StoreError::Stale,
                Err(error) => return error,
            }
        }
    }

    async fn work(&self, outlet: &Outlet, turn: Turn) -> Result<(), StoreError> {
        while let Some(job) = self.jobs.next(turn.workspace, outlet.kind).await? {
            match self.step(outlet, turn, &job).await {
                Ok(()) => {}
                Err(Halt::Store(error)) => return Err(error),
                Err(Halt::Shut(why)) => {
                    tracing::warn!(job = %job.id, sink = outlet.kind.name(), why, "a sync has stopped");
                    self.jobs.stop(turn, job.id, &why).await?;
                }
            }
        }
        Ok(())
    }

    /// Goes on with a job for a bit.
    async fn step(&self, outlet: &Outlet, turn: Turn, job: &Job) -> Result<(), Halt> {
        self.jobs.begin(turn.workspace, job.id).await?;
        let Some((due, upto)) = self.due(turn.workspace, job).await? else {
            return Ok(self.jobs.finish(turn, job.id).await?);
        };
        if job.dry_run || due.is_empty() {
            let processed = i64::try_from(due.len()).unwrap_or(i64::MAX);
            let tally = Tally { processed, ..Tally::default() };
            return Ok(self.jobs.advance(turn, job.id, upto, tally, Vec::new()).await?);
        }
        let (mut processed, mut failed) = (job.processed, job.failed);
        let parcels: Vec<_> = due.chunks(BATCH).map(<[String]>::to_vec).collect();
        let send = |contacts| self.send(outlet, turn.workspace, job.id, contacts);
        // In their order, so that none is behind the cursor that was not sent.
        let mut deliveries = stream::iter(parcels).map(send).buffered(AT_ONCE);
        while let Some(delivery) = deliveries.next().await {
            let (contacts, Delivered { tally, failures }) = delivery?;
            failpoint::hit("sync.sent");
            let last = contacts.last().cloned().unwrap_or_default();
            let reason = failures.last().map(|failure| failure.reason.clone()).unwrap_or_default();
            self.list(turn.workspace, contacts, &failures).await?;
            self.jobs.advance(turn, job.id, last, tally, failures).await?;
            processed += tally.processed;
            failed += tally.failed;
            if failed == processed && failed >= ALL_REFUSED {
                return Err(Halt::Shut(format!(
                    "each of the first {failed} contacts was refused, the last one with: {reason}"
                )));
            }
        }
        Ok(())
    }

    /// Lists contacts that were refused with all that could not be processed, and takes the others off that list.
    async fn list(
        &self,
        workspace: WorkspaceId,
        mut contacts: Vec<String>,
        refused: &[Failure],
    ) -> Result<(), StoreError> {
        contacts.retain(|contact| refused.iter().all(|failure| failure.subject != *contact));
        self.failures.mend(workspace, Kind::Sync, contacts).await?;
        self.failures.record(workspace, Kind::Sync, refused.to_vec()).await
    }

    /// The next contacts of a job, and the one that it is through with after them; nothing at the end of the pass.
    async fn due(
        &self,
        workspace: WorkspaceId,
        job: &Job,
    ) -> Result<Option<(Vec<String>, String)>, StoreError> {
        if let Some(contact) = &job.contact {
            let is_ahead = job.cursor != *contact;
            return Ok(is_ahead.then(|| (vec![contact.clone()], contact.clone())));
        }
        let met = self.jobs.walk(workspace, job.cursor.clone(), job.since, LOOKED_AT).await?;
        let Some(last) = met.last().map(|met| met.contact.clone()) else { return Ok(None) };
        let mut due: Vec<_> = met.into_iter().filter(|met| met.due).map(|met| met.contact).collect();
        if due.len() <= STEP {
            return Ok(Some((due, last)));
        }
        due.truncate(STEP);
        Ok(due.last().cloned().map(|last| (due, last)))
    }

    /// Sends some contacts as they stand now, and gives them back; one that is gone by now is left out.
    async fn send(
        &self,
        outlet: &Outlet,
        workspace: WorkspaceId,
        job: Uuid,
        contacts: Vec<String>,
    ) -> Result<(Vec<String>, Delivered), Halt> {
        let insights = self.insights.some(workspace, contacts.clone()).await?;
        let parcel = Parcel { workspace, job, insights: &insights };
        let delivered = deliver(&*outlet.sink, &outlet.pace, &outlet.patience, parcel).await?;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        metrics::counter!("switchboard_sync_contacts_total").increment(count(delivered.tally.processed));
        metrics::counter!("switchboard_sync_refused_total").increment(count(delivered.tally.failed));
        Ok((contacts, delivered))
    }
}

/// It is tried again.
fn told(error: &StoreError) {
    match error {
        StoreError::Stale => tracing::debug!("another process has taken the turn of a sync"),
        error if error.is_transient() => tracing::debug!(%error, "nothing is synced; the database is away"),
        error => tracing::warn!(%error, "a sync could not be read or recorded; it waits"),
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Shut> for Halt {
    fn from(Shut(why): Shut) -> Self {
        Self::Shut(why)
    }
}
