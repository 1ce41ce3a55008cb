//! Keeps systems elsewhere up to date with what is known of people, apart from the writing of it.
//!
//! Invariant: what is asked for is a row before it is answered, and how far it has come is one after each parcel; so whoever
//! goes on after a crash repeats a few parcels, which changes nothing, and leaves out none. One process at a time sends to a
//! sink, by a turn that the database gives, and all jobs of a sink share its [`Pace`].

mod airtable;
mod delivery;
mod fields;
mod pace;
pub mod settings;
mod sink;
mod webhook;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use self::airtable::{Airtable, AirtableError};
use self::delivery::{Delivered, Patience, Shut, deliver};
pub use self::fields::Fields;
use self::pace::{Pace, Rules};
use self::settings::{Settings, Setup};
use self::sink::{BATCH, Parcel, Sink};
use self::webhook::Webhook;
use crate::domain::failpoint;
use crate::domain::failure::{Failure, Kind};
use crate::domain::sync::{Job, Order, SinkKind, Standing, Tally};
use crate::notify::SenderError;
use crate::store::StoreError;
use crate::store::accounts::Accounts;
use crate::store::administration::Administration;
use crate::store::failures::Failures;
use crate::store::insights::Insights;
use crate::store::sync::{SyncJobs, Turn};

/// Handle for whoever asks for syncs, and for the one who does them. The clones are the same.
#[derive(Clone)]
pub struct Syncs(Arc<Shared>);

struct Shared {
    jobs: SyncJobs,
    insights: Insights,
    accounts: Accounts,
    failures: Failures,
    settings: Settings,
    /// Whose syncs these are, once it was found.
    workspace: OnceLock<WorkspaceId>,
    outlets: [Setup<Outlet>; 2],
}

/// A sink with what is shared by all who send to it.
struct Outlet {
    kind: SinkKind,
    sink: Box<dyn Sink>,
    pace: Pace,
    patience: Patience,
    /// Something was asked for.
    news: Notify,
}

#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Webhook(#[from] SenderError),
    #[error(transparent)]
    Airtable(#[from] AirtableError),
}

/// Why a sync cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{0}")]
    NotSetUp(String),
    #[error("Too many syncs are open already; ask again when some have ended.")]
    Full,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a step has ended early.
enum Halt {
    Store(StoreError),
    Shut(String),
}

/// What nobody told us of is found within this: what another process was asked for, or has left when it died.
const LOOK: Duration = Duration::from_secs(5);
/// How often the schedule is looked at; it counts minutes.
const LOOK_AT_SCHEDULE: Duration = Duration::from_secs(30);
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

impl Syncs {
    pub fn new(desk: &Administration, settings: Settings) -> Result<Self, SyncError> {
        for name in [
            "switchboard_sync_contacts_total",
            "switchboard_sync_refused_total",
            "switchboard_sync_retries_total",
        ] {
            metrics::counter!(name).increment(0);
        }
        let private = settings.allow_private;
        let airtable = match &settings.airtable {
            Ok(airtable) => {
                let patience = Patience { busy: airtable.pause, ..Patience::default() };
                let sink = Box::new(Airtable::new(airtable, private)?);
                Ok(Outlet::new(SinkKind::Airtable, sink, patience))
            }
            Err(missing) => Err(missing.clone()),
        };
        let webhook = match &settings.webhook {
            Ok(webhook) => {
                let sink = Box::new(Webhook::new(webhook, private)?);
                Ok(Outlet::new(SinkKind::Webhook, sink, Patience::default()))
            }
            Err(missing) => Err(missing.clone()),
        };
        let outlets = [airtable, webhook];
        Ok(Self(Arc::new(Shared {
            jobs: desk.syncs(),
            insights: desk.insights().clone(),
            accounts: desk.accounts(),
            failures: desk.failures(),
            settings,
            workspace: OnceLock::new(),
            outlets,
        })))
    }

    /// Where to, if nobody says: the one that is set up, Airtable before the webhook.
    pub fn usual(&self) -> SinkKind {
        self.0.ready().next().map_or(SinkKind::Airtable, |outlet| outlet.kind)
    }

    /// Whose syncs these are; nothing where there is no such workspace.
    pub async fn workspace(&self) -> Result<Option<WorkspaceId>, StoreError> {
        self.0.workspace().await
    }

    /// Asks for a sync; the job that does it.
    pub async fn ask(&self, workspace: WorkspaceId, order: Order) -> Result<Uuid, AskError> {
        let outlet = self.0.outlet(order.sink)?;
        if self.0.workspace().await? != Some(workspace) {
            let name = order.sink.name();
            return Err(AskError::NotSetUp(format!(
                "On this server the {name} sync is of another workspace."
            )));
        }
        let job = self.0.jobs.ask(workspace, &order).await?.ok_or(AskError::Full)?;
        outlet.news.notify_one();
        Ok(job)
    }

    pub async fn standing(&self, workspace: WorkspaceId, job: Uuid) -> Result<Option<Standing>, StoreError> {
        self.0.jobs.standing(workspace, job).await
    }

    /// Does whatever is asked for, for as long as it is polled. It may be dropped at any time: whoever is next goes on.
    pub async fn keep_syncing(self, holder: Uuid) {
        join_all(self.0.ready().map(|outlet| self.0.serve(outlet, holder))).await;
    }
}

impl Outlet {
    fn new(kind: SinkKind, sink: Box<dyn Sink>, patience: Patience) -> Self {
        Self { kind, sink, pace: Pace::new(Rules::default()), patience, news: Notify::new() }
    }
}

impl Shared {
    fn ready(&self) -> impl Iterator<Item = &Outlet> {
        self.outlets.iter().filter_map(|setup| setup.as_ref().ok())
    }

    fn outlet(&self, kind: SinkKind) -> Result<&Outlet, AskError> {
        let [airtable, webhook] = &self.outlets;
        let setup = match kind {
            SinkKind::Airtable => airtable,
            SinkKind::Webhook => webhook,
        };
        setup.as_ref().map_err(|missing| {
            let (name, missing) = (kind.name(), missing.join(", "));
            AskError::NotSetUp(format!("The {name} sync is not set up on this server: missing {missing}."))
        })
    }

    async fn workspace(&self) -> Result<Option<WorkspaceId>, StoreError> {
        if let Some(known) = self.workspace.get() {
            return Ok(Some(*known));
        }
        let all = self.accounts.workspaces().await?;
        let found = all.into_iter().find(|workspace| workspace.slug == self.settings.workspace);
        Ok(found.map(|workspace| *self.workspace.get_or_init(|| workspace.id)))
    }

    async fn serve(&self, outlet: &Outlet, holder: Uuid) {
        let mut schedule_seen = None::<Instant>;
        loop {
            let see_schedule = schedule_seen.is_none_or(|at| at.elapsed() >= LOOK_AT_SCHEDULE);
            match self.round(outlet, holder, see_schedule).await {
                Ok(()) if see_schedule => schedule_seen = Some(Instant::now()),
                Ok(()) => {}
                Err(StoreError::Stale) => tracing::debug!("another process has taken the turn of a sync"),
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "nothing is synced; the database is away");
                }
                Err(error) => tracing::warn!(%error, "a sync could not be read or recorded; it waits"),
            }
            // Until something is asked for here, or may have been elsewhere.
            let _ = timeout(LOOK, outlet.news.notified()).await;
        }
    }

    /// Does all that is open, if nobody else does.
    async fn round(&self, outlet: &Outlet, holder: Uuid, see_schedule: bool) -> Result<(), StoreError> {
        let Some(workspace) = self.workspace().await? else { return Ok(()) };
        if let Some(schedule) = self.settings.schedule.filter(|_| see_schedule) {
            self.jobs.ask_due(workspace, outlet.kind, schedule.hours_back, schedule.minutes).await?;
        }
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

    /// Takes the turn or keeps it. Nothing is sent later than it surely holds.
    async fn hold(&self, outlet: &Outlet, turn: Turn) -> Result<bool, StoreError> {
        let asked = Instant::now();
        let held = self.jobs.take(turn, HOLD_SECONDS).await?;
        if held {
            outlet.pace.allow_until(asked + Duration::from_secs(HOLD_SECONDS.into()));
        }
        Ok(held)
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
        let mut sent = stream::iter(parcels).map(send).buffered(AT_ONCE);
        while let Some(parcel) = sent.next().await {
            let (contacts, Delivered { tally, failures }) = parcel?;
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
