//! Escalations read: one, a page, a snapshot, and what changed after a number. They are written with the state of their
//! conversation, by the writer.

use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, EscalationId, WorkspaceId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::conversation::Person;
use crate::domain::escalation::{Changed, Escalation, Status, Trigger};
use crate::domain::report::Interaction;

/// Handle to the table.
#[derive(Clone)]
pub struct Escalations {
    pools: Pools,
}

/// Which ones a page is of.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub statuses: Option<Vec<Status>>,
    pub trigger: Option<Trigger>,
    pub assignee: Option<Uuid>,
    pub before: Option<EscalationId>,
}

/// Where an escalation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub id: EscalationId,
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
}

impl Place {
    pub fn of(escalation: &Escalation) -> Self {
        Self { id: escalation.id, workspace: escalation.workspace, conversation: escalation.conversation }
    }
}

/// One turn of the agent, as staff are shown why it ended as it did.
#[derive(Clone, Debug)]
pub struct Trace {
    pub interaction: Interaction,
    /// By name, wire-shaped.
    pub steps: Option<Value>,
}

impl Escalations {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    pub async fn get(
        &self,
        workspace: WorkspaceId,
        id: EscalationId,
    ) -> Result<Option<Escalation>, StoreError> {
        let step = step!(statement::ESCALATION_GET, workspace.uuid(), id.uuid());
        self.pools.read(&[workspace], step).await?.first().map(rows::escalation).transpose()
    }

    /// The latest first.
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        wanted: Wanted,
        limit: i64,
    ) -> Result<Vec<Escalation>, StoreError> {
        let statuses = wanted
            .statuses
            .map(|statuses| statuses.into_iter().map(|status| status.name().to_owned()).collect::<Vec<_>>());
        let step = step!(
            statement::ESCALATIONS_LIST,
            workspace.uuid(),
            statuses,
            wanted.trigger.map(Trigger::name),
            wanted.assignee,
            wanted.before.map(EscalationId::uuid),
            limit
        );
        self.pools.read(&[workspace], step).await?.iter().map(rows::escalation).collect()
    }

    /// The number of the workspace's latest change.
    pub async fn head(&self, workspace: WorkspaceId) -> Result<i64, StoreError> {
        let rows =
            self.pools.read(&[workspace], step!(statement::ESCALATIONS_HEAD, workspace.uuid())).await?;
        rows.first().map_or(Ok(0), |row| rows::get(row, "head"))
    }

    /// What changed after a number, in the order of the changes: each escalation once, as it stands.
    pub async fn changes(
        &self,
        workspace: WorkspaceId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Changed>, StoreError> {
        let step = step!(statement::ESCALATIONS_CHANGES, workspace.uuid(), after, limit);
        self.pools.read(&[workspace], step).await?.iter().map(rows::changed).collect()
    }

    /// What nobody has yet, in all workspaces.
    pub async fn waiting(&self) -> Result<Vec<Place>, StoreError> {
        self.pools.lookup(vec![step!(statement::ESCALATIONS_WAITING)]).await?.iter().map(place).collect()
    }

    /// What people have who were there and have been gone since before a moment.
    pub async fn left(&self, before: Timestamp) -> Result<Vec<(Place, Person)>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::ESCALATIONS_LEFT, before)]).await?;
        let left = |row: &Row| {
            let name: Option<String> = rows::get(row, "name")?;
            let person = Person { id: rows::get(row, "assignee_id")?, name: name.unwrap_or_default().into() };
            Ok((place(row)?, person))
        };
        rows.iter().map(left).collect()
    }

    /// The latest turns of a conversation, in their order.
    pub async fn traces(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        limit: i64,
    ) -> Result<Vec<Trace>, StoreError> {
        let step = step!(statement::INTERACTIONS_TRACES, workspace.uuid(), conversation.uuid(), limit);
        let mut traces: Vec<Trace> =
            self.pools.read(&[workspace], step).await?.iter().map(trace).collect::<Result<_, _>>()?;
        traces.reverse();
        Ok(traces)
    }
}

fn place(row: &Row) -> Result<Place, StoreError> {
    Ok(Place {
        id: rows::get::<Uuid>(row, "id")?.into(),
        workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
        conversation: rows::get::<Uuid>(row, "conversation_id")?.into(),
    })
}

fn trace(row: &Row) -> Result<Trace, StoreError> {
    Ok(Trace { interaction: rows::interaction(row)?, steps: rows::get(row, "steps")? })
}
