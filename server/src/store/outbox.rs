//! Events on their way out, and the webhooks that they go to.
//!
//! Invariant: whoever has claimed a delivery is alone with it until the claim runs out, and what was delivered stays
//! delivered. All workspaces are served by one statement each, as the role that sees those alone which it was told of.

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::accounts::Accounts;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::outbox::{Event, EventKind, Webhook, WebhookKind};

/// Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    pools: Pools,
}

/// What a claim may take.
#[derive(Clone, Debug)]
pub struct Claim {
    pub node: Uuid,
    pub now: Timestamp,
    /// Then it runs out.
    pub until: Timestamp,
    pub most: i64,
    pub most_of_each: i64,
    /// Webhooks that have enough to do.
    pub except: Vec<Uuid>,
}

/// An event for one webhook, claimed.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub event: Event,
    pub webhook: Webhook,
    /// This one included.
    pub attempt: u32,
    /// Since when it is tried.
    pub since: Timestamp,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Delivered,
    /// Why, and when it is tried again.
    Again(String, Timestamp),
    /// Why it is given up.
    Dead(String),
}

/// What waits.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub next_at: Option<Timestamp>,
    /// Counted no further than [`MOST_WAITING`].
    pub waiting: i64,
}

/// One line of `webhook list`.
#[derive(Clone, Debug)]
pub struct Listed {
    pub workspace: String,
    pub id: Uuid,
    pub url: String,
    pub kind: WebhookKind,
    pub events: Vec<String>,
    pub enabled: bool,
    pub waiting: i64,
}

/// One line of `webhook dead`.
#[derive(Clone, Debug)]
pub struct Dead {
    pub workspace: String,
    pub event: Uuid,
    pub webhook: Uuid,
    pub kind: String,
    pub attempts: i32,
    pub dead_at: Timestamp,
    pub error: String,
}

/// Webhooks of one workspace at most: each event is sent to all of them.
pub const MOST_WEBHOOKS: i64 = 20;
/// Waiting deliveries are counted no further.
pub const MOST_WAITING: i64 = 10_000;
/// Rows of one step.
const PART: i64 = 500;

impl Outbox {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    /// Gives new events to their webhooks; true when there may be more.
    pub async fn spread(&self, now: Timestamp) -> Result<bool, StoreError> {
        let all = self.workspaces().await?;
        let rows = self.pools.write(&all, step!(statement::OUTBOX_SPREAD, now, PART)).await?;
        Ok(i64::try_from(rows.len()).is_ok_and(|rows| rows == PART))
    }

    pub async fn claim(&self, claim: Claim) -> Result<Vec<Delivery>, StoreError> {
        let all = self.workspaces().await?;
        let step = step!(
            statement::OUTBOX_CLAIM,
            claim.now,
            claim.most_of_each,
            claim.most,
            claim.until,
            claim.except,
            claim.node
        );
        self.pools.write(&all, step).await?.iter().map(delivery).collect()
    }

    /// What this node had claimed when it died is due again.
    pub async fn release(&self, node: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let all = self.workspaces().await?;
        self.pools.write(&all, step!(statement::OUTBOX_RELEASE, node, now)).await.map(drop)
    }

    pub async fn settle(
        &self,
        delivery: &Delivery,
        settled: Settled,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (delivered, dead, next, error) = match settled {
            Settled::Delivered => (Some(now), None, None, None),
            Settled::Again(error, next) => (None, None, Some(next), Some(error)),
            Settled::Dead(error) => (None, Some(now), None, Some(error)),
        };
        let workspace = delivery.event.workspace;
        let step = step!(
            statement::OUTBOX_SETTLE,
            workspace.uuid(),
            delivery.event.id,
            delivery.webhook.id,
            delivered,
            dead,
            next,
            error
        );
        self.pools.write(&[workspace], step).await.map(drop)
    }

    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let all = self.workspaces().await?;
        let rows = self.pools.read(&all, step!(statement::OUTBOX_STANDING, MOST_WAITING)).await?;
        let row = rows.first().ok_or(StoreError::Stale)?;
        Ok(Standing { next_at: rows::get(row, "next_at")?, waiting: rows::get(row, "waiting")? })
    }

    // ----------------------------------------------------------------------------------- for commands

    /// False where the workspace has as many as it may.
    pub async fn add(
        &self,
        webhook: &Webhook,
        events: Vec<String>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let step = step!(
            statement::WEBHOOK_ADD,
            webhook.workspace.uuid(),
            webhook.id,
            webhook.url.clone(),
            webhook.kind.name(),
            webhook.secret.clone(),
            events,
            MOST_WEBHOOKS,
            at
        );
        Ok(!self.pools.write(&[webhook.workspace], step).await?.is_empty())
    }

    pub async fn list(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Listed>, StoreError> {
        let rows = self.pools.read(workspaces, step!(statement::WEBHOOKS_LIST)).await?;
        rows.iter()
            .map(|row| {
                Ok(Listed {
                    workspace: rows::get(row, "slug")?,
                    id: rows::get(row, "id")?,
                    url: rows::get(row, "url")?,
                    kind: rows::named(row, "kind", WebhookKind::from_name)?,
                    events: rows::get(row, "events")?,
                    enabled: rows::get(row, "enabled")?,
                    waiting: rows::get(row, "waiting")?,
                })
            })
            .collect()
    }

    pub async fn webhook(&self, id: Uuid) -> Result<Option<Webhook>, StoreError> {
        let all = self.workspaces().await?;
        let rows = self.pools.read(&all, step!(statement::WEBHOOK_GET, id)).await?;
        rows.first().map(|row| webhook(row, "id")).transpose()
    }

    /// Whose it is; nothing where there is none.
    pub async fn enable(&self, id: Uuid, on: bool) -> Result<Option<WorkspaceId>, StoreError> {
        let all = self.workspaces().await?;
        owner(&self.pools.write(&all, step!(statement::WEBHOOK_ENABLE, id, on)).await?)
    }

    /// Whose it was; nothing where there is none.
    pub async fn remove(&self, id: Uuid) -> Result<Option<WorkspaceId>, StoreError> {
        let all = self.workspaces().await?;
        owner(&self.pools.write(&all, step!(statement::WEBHOOK_REMOVE, id)).await?)
    }

    /// The oldest of those that were given up.
    pub async fn dead(&self, workspaces: &[WorkspaceId]) -> Result<Vec<Dead>, StoreError> {
        let rows = self.pools.read(workspaces, step!(statement::OUTBOX_DEAD, PART)).await?;
        rows.iter()
            .map(|row| {
                Ok(Dead {
                    workspace: rows::get(row, "slug")?,
                    event: rows::get(row, "outbox_id")?,
                    webhook: rows::get(row, "webhook_id")?,
                    kind: rows::get(row, "event")?,
                    attempts: rows::get(row, "attempts")?,
                    dead_at: rows::get(row, "dead_at")?,
                    error: rows::get::<Option<String>>(row, "last_error")?.unwrap_or_default(),
                })
            })
            .collect()
    }

    /// How many begin anew: those of one event, or all.
    pub async fn replay(
        &self,
        workspaces: &[WorkspaceId],
        event: Option<Uuid>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut replayed = 0;
        loop {
            let step = step!(statement::OUTBOX_REPLAY, event, now, PART);
            let part = self.pools.write(workspaces, step).await?.len();
            replayed += part;
            if i64::try_from(part).is_ok_and(|part| part < PART) {
                return Ok(replayed);
            }
        }
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let accounts = Accounts::new(self.pools.clone());
        Ok(accounts.workspaces().await?.into_iter().map(|workspace| workspace.id).collect())
    }
}

fn owner(rows: &[Row]) -> Result<Option<WorkspaceId>, StoreError> {
    rows.first().map(|row| Ok(rows::get::<Uuid>(row, "workspace_id")?.into())).transpose()
}

/// `id` names the column of its id, which differs where rows are joined.
fn webhook(row: &Row, id: &str) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: rows::get(row, id)?,
        workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
        url: rows::get(row, "url")?,
        kind: rows::named(row, "kind", WebhookKind::from_name)?,
        secret: rows::get(row, "secret")?,
    })
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let attempts: i32 = rows::get(row, "attempts")?;
    Ok(Delivery {
        event: Event {
            id: rows::get(row, "id")?,
            workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
            kind: rows::named(row, "event", EventKind::from_name)?,
            subject: rows::get(row, "subject_id")?,
            payload: rows::get(row, "payload")?,
            at: rows::get(row, "created_at")?,
        },
        webhook: webhook(row, "webhook_id")?,
        attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
        since: rows::get(row, "since")?,
    })
}
