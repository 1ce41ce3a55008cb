//! Insights that are drawn from conversations: what waits to be distilled, where its contact stands meanwhile, and the group
//! that comes of it.
//!
//! Invariant: a part of a conversation is taken in once, with its group or without one, and nothing of a conversation that
//! is gone.

use switchboard_protocol::ids::{ConversationId, WorkspaceId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pool::{Step, step};
use super::super::{StoreError, rows, statement};
use super::{Insights, upsert};
use crate::domain::clock::Timestamp;
use crate::domain::insight::{Indexed, Status};

/// A conversation that waits to be distilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    /// When it ended; it may end anew meanwhile.
    seen: Timestamp,
    /// What was said up to here is taken in.
    pub after: i64,
}

impl Insights {
    /// A page of the conversations behind `after` that wait to be distilled, whosever they are.
    pub async fn waiting(&self, after: Uuid, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::DISTIL_WAITING, after, limit)]).await?;
        let waiting = |row: &Row| {
            Ok(Waiting {
                workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
                conversation: rows::get::<Uuid>(row, "conversation_id")?.into(),
                seen: rows::get(row, "due_at")?,
                after: rows::get(row, "upto_seq")?,
            })
        };
        rows.iter().map(waiting).collect()
    }

    /// Says where a contact stands while a conversation of theirs is distilled.
    pub async fn mark(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        contact: &str,
        status: Status,
    ) -> Result<(), StoreError> {
        let step = mark(workspace, conversation, contact, status);
        self.change(workspace, vec![contact.to_owned()], vec![step]).await.map(drop)
    }

    /// Takes a part of a conversation in with the group that was drawn from it. `Stale` where somebody else was first, or the
    /// conversation is gone.
    pub async fn take_in(&self, part: &Waiting, upto: i64, group: Indexed) -> Result<(), StoreError> {
        let contact = group.group.contact.clone();
        let steps = vec![take(part, upto), upsert(part.workspace, vec![group], false)];
        self.change(part.workspace, vec![contact], steps).await.map(drop)
    }

    /// The same for a part that says nothing of its contact, or has none.
    pub async fn pass_over(
        &self,
        part: &Waiting,
        upto: i64,
        contact: Option<String>,
    ) -> Result<(), StoreError> {
        let mut steps = vec![take(part, upto)];
        steps.extend(
            contact
                .iter()
                .map(|contact| step!(statement::INSIGHTS_UNMARK, part.workspace.uuid(), contact.to_owned())),
        );
        self.change(part.workspace, contact.into_iter().collect(), steps).await.map(drop)
    }

    /// The same for a part that will never be taken in.
    pub async fn give_up(
        &self,
        part: &Waiting,
        upto: i64,
        contact: Option<String>,
    ) -> Result<(), StoreError> {
        let mut steps = vec![take(part, upto)];
        let failed = |contact: &String| mark(part.workspace, part.conversation, contact, Status::Failed);
        steps.extend(contact.as_ref().map(failed));
        self.change(part.workspace, contact.into_iter().collect(), steps).await.map(drop)
    }

    /// Forgets all that is known under these names; how many contacts that were.
    pub async fn forget(&self, workspace: WorkspaceId, contacts: Vec<String>) -> Result<u64, StoreError> {
        let hold = |contact: &String| step!(statement::INSIGHTS_HOLD, workspace.uuid(), contact.clone());
        let mut steps: Vec<_> = contacts.iter().map(hold).collect();
        steps.push(step!(statement::INSIGHTS_FORGET, workspace.uuid(), contacts.clone()));
        let rows = self.change(workspace, contacts, steps).await?;
        let gone: i64 = rows::get(rows.first().ok_or(StoreError::Stale)?, "gone")?;
        Ok(u64::try_from(gone).unwrap_or_default())
    }
}

fn take(part: &Waiting, upto: i64) -> Step<'static> {
    step!(
        statement::DISTIL_TAKE,
        part.workspace.uuid(),
        part.conversation.uuid(),
        part.seen,
        part.after,
        upto
    )
}

fn mark(
    workspace: WorkspaceId,
    conversation: ConversationId,
    contact: &str,
    status: Status,
) -> Step<'static> {
    step!(statement::INSIGHTS_MARK, workspace.uuid(), conversation.uuid(), contact.to_owned(), status.name())
}
