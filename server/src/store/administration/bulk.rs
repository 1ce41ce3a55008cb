//! Conversations and what belongs to them, from elsewhere, by the thousand.
//!
//! Invariant: nothing is written of a conversation that is here. Its row comes in the transaction of its last message, so
//! that before the last nobody can open it, and after the last nothing comes: no session is ever written beside.

use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pool::{Step, step};
use super::super::{StoreError, rows, statement};
use super::Administration;
use crate::domain::clock::Timestamp;
use crate::domain::conversation::{Mode, Owner, Status};
use crate::domain::escalation;
use crate::domain::message::Role;

/// Rows that one transaction of an import may write.
pub const PART: usize = 1_000;
/// Messages of a log that were left behind, and are taken away in one transaction.
const FORGOTTEN: i64 = 1_000;

/// What one transaction writes: logs or parts of them, and the conversations whose logs end with it.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub messages: Vec<Said>,
    pub conversations: Vec<Opened>,
    /// Open requests for a person in these conversations, and where their workflows stand.
    pub escalations: Vec<Value>,
    pub workflows: Vec<Value>,
}

/// A conversation as it comes into being here.
#[derive(Debug, Clone)]
pub struct Opened {
    pub id: Uuid,
    pub visitor: Uuid,
    /// Of the visitor, where it is nobody whom we know.
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub status: Status,
    pub owner: Owner,
    pub mode: Option<Mode>,
    pub escalation: Option<(Uuid, escalation::Status)>,
    pub rating: Option<i16>,
    pub rating_comment: Option<String>,
    /// How many messages its log has.
    pub head: i64,
    pub metadata: Value,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Said {
    pub conversation: Uuid,
    pub seq: i64,
    pub id: Uuid,
    pub role: Role,
    pub agent_name: Option<String>,
    pub author: Option<(Uuid, String)>,
    pub content: String,
    pub metadata: Option<Value>,
    pub at: Timestamp,
}

/// A conversation that is here, and how long its log was when it came; unknown for one that did not come so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub id: Uuid,
    pub messages: Option<i64>,
}

/// What else belongs to conversations and people; each row an object, as its statement has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brought {
    Visitors,
    AgentStates,
    Workflows,
    Interactions,
    Escalations,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    /// It was here.
    Known,
    /// Another has its place, or its conversation is here and is left as it is.
    Taken,
}

impl Part {
    pub fn rows(&self) -> usize {
        self.conversations.len() * 2 + self.messages.len() + self.escalations.len() + self.workflows.len()
    }

    /// Keeps what is of these conversations.
    pub fn retain(&mut self, keep: impl Fn(Uuid) -> bool) {
        self.messages.retain(|said| keep(said.conversation));
        self.conversations.retain(|opened| keep(opened.id));
        self.escalations.retain(|row| keep(conversation_of(row)));
        self.workflows.retain(|row| keep(conversation_of(row)));
    }
}

fn conversation_of(row: &Value) -> Uuid {
    row["conversation_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
}

impl Administration {
    /// All of the part, or an error and nothing of it; the conversations that are new.
    pub async fn import(&self, workspace: WorkspaceId, part: &Part) -> Result<Vec<Uuid>, StoreError> {
        let mut steps = Vec::with_capacity(4);
        if !part.escalations.is_empty() {
            let rows = Value::Array(part.escalations.clone());
            steps.push(step!(statement::ESCALATIONS_IMPORT, workspace.uuid(), rows));
        }
        if !part.workflows.is_empty() {
            let rows = Value::Array(part.workflows.clone());
            steps.push(step!(statement::WORKFLOWS_IMPORT, workspace.uuid(), rows));
        }
        steps.push(said(workspace, &part.messages));
        steps.push(opened(workspace, &part.conversations));
        let rows = self.pools.write_all(&[workspace], steps).await?;
        rows.iter().map(|row| rows::get(row, "id")).collect()
    }

    /// Which of these conversations are here.
    pub async fn known(&self, workspace: WorkspaceId, ids: Vec<Uuid>) -> Result<Vec<Known>, StoreError> {
        let step = step!(statement::CONVERSATIONS_KNOWN, workspace.uuid(), ids);
        let known =
            |row: &Row| Ok(Known { id: rows::get(row, "id")?, messages: rows::get(row, "messages")? });
        self.pools.read(&[workspace], step).await?.iter().map(known).collect()
    }

    /// Takes away what a run that was cut short has left of a long log; whether there may be more.
    pub async fn forget_unopened(&self, workspace: WorkspaceId, id: Uuid) -> Result<bool, StoreError> {
        let step = step!(statement::MESSAGES_FORGET_UNOPENED, workspace.uuid(), id, FORGOTTEN);
        let rows = self.pools.write(&[workspace], step).await?;
        Ok(i64::try_from(rows.len()).is_ok_and(|rows| rows == FORGOTTEN))
    }

    /// What became of each of these rows, in their order.
    pub async fn bring(
        &self,
        workspace: WorkspaceId,
        what: Brought,
        rows: Vec<Value>,
    ) -> Result<Vec<State>, StoreError> {
        let statement = match what {
            Brought::Visitors => &statement::VISITORS_IMPORT,
            Brought::AgentStates => &statement::AGENT_STATES_IMPORT,
            Brought::Workflows => &statement::WORKFLOWS_IMPORT,
            Brought::Interactions => &statement::INTERACTIONS_IMPORT,
            Brought::Escalations => &statement::ESCALATIONS_IMPORT,
        };
        let mut states = vec![State::Taken; rows.len()];
        let step = step!(*statement, workspace.uuid(), numbered(rows));
        for row in &self.pools.write(&[workspace], step).await? {
            let state = match rows::get::<String>(row, "state")?.as_str() {
                "new" => State::New,
                "known" => State::Known,
                _ => State::Taken,
            };
            if let Some(place) = states.get_mut(place(row)?) {
                *place = state;
            }
        }
        Ok(states)
    }

    /// Accounts without passwords, each with a role in the workspace: the account of each address, and whether it is new;
    /// nothing where its id is somebody else's.
    pub async fn bring_accounts(
        &self,
        workspace: WorkspaceId,
        rows: Vec<Value>,
    ) -> Result<Vec<Option<(Uuid, bool)>>, StoreError> {
        let mut accounts = vec![None; rows.len()];
        let step = step!(statement::ACCOUNTS_IMPORT, workspace.uuid(), numbered(rows));
        for row in &self.pools.lookup(vec![step]).await? {
            let account: Option<Uuid> = rows::get(row, "account")?;
            let is_new = rows::get(row, "is_new")?;
            if let Some(place) = accounts.get_mut(place(row)?) {
                *place = account.map(|account| (account, is_new));
            }
        }
        Ok(accounts)
    }
}

/// Each with its place in the list.
fn numbered(rows: Vec<Value>) -> Value {
    (0..)
        .zip(rows)
        .map(|(ord, mut row): (i32, Value)| {
            row["ord"] = ord.into();
            row
        })
        .collect()
}

fn place(row: &Row) -> Result<usize, StoreError> {
    Ok(usize::try_from(rows::get::<i32>(row, "ord")?).unwrap_or(usize::MAX))
}

fn said(workspace: WorkspaceId, messages: &[Said]) -> Step<'static> {
    fn column<T>(messages: &[Said], value: impl Fn(&Said) -> T) -> Vec<T> {
        messages.iter().map(value).collect()
    }
    step!(
        statement::MESSAGES_IMPORT,
        workspace.uuid(),
        column(messages, |it| it.conversation),
        column(messages, |it| it.seq),
        column(messages, |it| it.id),
        column(messages, |it| it.role.name()),
        column(messages, |it| it.agent_name.clone()),
        column(messages, |it| it.author.as_ref().map(|(id, _)| *id)),
        column(messages, |it| it.author.as_ref().map(|(_, name)| name.clone())),
        column(messages, |it| it.content.clone()),
        column(messages, |it| it.metadata.clone()),
        column(messages, |it| it.at)
    )
}

fn opened(workspace: WorkspaceId, conversations: &[Opened]) -> Step<'static> {
    fn column<T>(conversations: &[Opened], value: impl Fn(&Opened) -> T) -> Vec<T> {
        conversations.iter().map(value).collect()
    }
    step!(
        statement::CONVERSATIONS_IMPORT,
        workspace.uuid(),
        column(conversations, |it| it.id),
        column(conversations, |it| it.visitor),
        column(conversations, |it| it.name.clone()),
        column(conversations, |it| it.email.clone()),
        column(conversations, |it| it.phone.clone()),
        column(conversations, |it| it.status.name()),
        column(conversations, |it| it.owner.name()),
        column(conversations, |it| it.mode.map(Mode::name)),
        column(conversations, |it| it.escalation.map(|(id, _)| id)),
        column(conversations, |it| it.escalation.map(|(_, status)| status.name())),
        column(conversations, |it| it.rating),
        column(conversations, |it| it.rating_comment.clone()),
        column(conversations, |it| it.head),
        column(conversations, |it| it.metadata.clone()),
        column(conversations, |it| it.created_at),
        column(conversations, |it| it.updated_at)
    )
}
