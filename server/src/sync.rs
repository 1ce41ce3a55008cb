//! Keeps systems elsewhere up to date with what is known of people, apart from the writing of it.
//!
//! Invariant: what is asked for is a row before it is answered, and how far it has come is one after each parcel; so whoever
//! goes on after a crash repeats a few parcels, which changes nothing, and leaves out none. One process at a time sends to a
//! sink, by a turn that the database gives, and all jobs of a sink share its [`Pace`].

mod airtable;
mod delivery;
mod fields;
mod pace;
mod runner;
pub mod settings;
mod sink;
mod webhook;

use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Notify;
use uuid::Uuid;

use self::airtable::{Airtable, AirtableError};
use self::delivery::Patience;
pub use self::fields::Fields;
use self::pace::{Pace, Rules};
use self::settings::{Settings, Setup};
use self::sink::Sink;
use self::webhook::Webhook;
use crate::domain::sync::{Order, SinkKind, Standing};
use crate::notify::SenderError;
use crate::store::StoreError;
use crate::store::accounts::Accounts;
use crate::store::administration::Administration;
use crate::store::failures::Failures;
use crate::store::insights::Insights;
use crate::store::sync::SyncJobs;

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

    /// Asks for the syncs of the schedule, if there is one, for as long as it is polled.
    pub async fn keep_to_schedule(self) {
        if let Some(schedule) = self.0.settings.schedule {
            self.0.keep_to(schedule).await;
        }
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
}
