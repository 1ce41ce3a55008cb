//! What is stored about one visitor: read out whole, or taken away in small steps.
//!
//! Invariant: the row of a visitor goes last, so that an erasure which was cut short is found again and goes on.

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pool::{Step, step};
use super::super::{StoreError, rows, statement};
use super::Administration;
use crate::domain::clock::Timestamp;

/// A visitor that a name fits.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub id: Uuid,
    pub verified: bool,
    pub created_at: Timestamp,
}

/// How much an erasure took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    pub conversations: u64,
    pub messages: u64,
    pub turns: u64,
    /// Kept, and emptied of what was said.
    pub escalations: u64,
    /// What was learned from their conversations.
    pub traces: u64,
    /// What was known of them.
    pub insights: u64,
}

/// Rows of a page, and of a step: some 10 ms of work.
const PART: i64 = 500;

impl Administration {
    /// Visitors whose id, external id or e-mail address this is.
    pub async fn find_people(&self, workspace: WorkspaceId, who: &str) -> Result<Vec<Found>, StoreError> {
        let step = step!(statement::PEOPLE_FIND, workspace.uuid(), who.to_owned());
        let rows = self.pools.read(&[workspace], step).await?;
        rows.iter()
            .map(|row| {
                Ok(Found {
                    id: rows::get(row, "id")?,
                    verified: rows::get(row, "verified")?,
                    created_at: rows::get(row, "created_at")?,
                })
            })
            .collect()
    }

    pub async fn profile(&self, workspace: WorkspaceId, visitor: Uuid) -> Result<Vec<String>, StoreError> {
        let step = step!(statement::PERSON_PROFILE, workspace.uuid(), visitor);
        lines(&self.pools.read(&[workspace], step).await?)
    }

    /// A page of the visitor's conversations behind `after`; the last one is empty.
    pub async fn conversations_of(
        &self,
        workspace: WorkspaceId,
        visitor: Uuid,
        after: Uuid,
    ) -> Result<Vec<Uuid>, StoreError> {
        let step = step!(statement::PERSON_CONVERSATIONS, workspace.uuid(), visitor, after, PART);
        self.pools.read(&[workspace], step).await?.iter().map(|row| rows::get(row, "id")).collect()
    }

    /// The state of a conversation and what is stored around its log.
    pub async fn around(
        &self,
        workspace: WorkspaceId,
        conversation: Uuid,
    ) -> Result<Vec<String>, StoreError> {
        let step = step!(statement::PERSON_AROUND, workspace.uuid(), conversation);
        lines(&self.pools.read(&[workspace], step).await?)
    }

    /// A page of a conversation's log behind `after`, which is moved on; the last one is empty.
    pub async fn said(
        &self,
        workspace: WorkspaceId,
        conversation: Uuid,
        after: &mut i64,
    ) -> Result<Vec<String>, StoreError> {
        let step = step!(statement::PERSON_SAID, workspace.uuid(), conversation, *after, PART);
        self.lines_after(workspace, step, "seq", after).await
    }

    /// The same of its turns.
    pub async fn turns(
        &self,
        workspace: WorkspaceId,
        conversation: Uuid,
        after: &mut i64,
    ) -> Result<Vec<String>, StoreError> {
        let step = step!(statement::PERSON_TURNS, workspace.uuid(), conversation, *after, PART);
        self.lines_after(workspace, step, "turn", after).await
    }

    /// A page of what was learned from the visitor's conversations behind `after`, which is moved on; the last one is
    /// empty.
    pub async fn remembered(
        &self,
        workspace: WorkspaceId,
        visitor: Uuid,
        after: &mut Uuid,
    ) -> Result<Vec<String>, StoreError> {
        let step = step!(statement::PERSON_REMEMBERED, workspace.uuid(), visitor, *after, PART);
        let rows = self.pools.read(&[workspace], step).await?;
        if let Some(last) = rows.last() {
            *after = rows::get(last, "id")?;
        }
        lines(&rows)
    }

    /// Takes away what was learned from the visitor's conversations. Once those are gone, no more comes.
    pub async fn forget_learned(
        &self,
        workspace: WorkspaceId,
        visitor: Uuid,
        erased: &mut Erased,
    ) -> Result<(), StoreError> {
        loop {
            let steps = vec![
                step!(statement::MEMORY_ADVANCE, workspace.uuid()),
                step!(statement::PERSON_FORGET_LEARNED, workspace.uuid(), visitor, PART),
            ];
            let gone = count(&self.pools.write_all(&[workspace], steps).await?, "gone")?;
            erased.traces += gone;
            if gone == 0 {
                return Ok(());
            }
        }
    }

    /// What is known of the visitor as a contact.
    pub async fn insights_of(
        &self,
        workspace: WorkspaceId,
        visitor: Uuid,
    ) -> Result<Vec<String>, StoreError> {
        let contacts = self.contacts(workspace, visitor).await?;
        lines(
            &self
                .pools
                .read(&[workspace], step!(statement::PERSON_INSIGHTS, workspace.uuid(), contacts))
                .await?,
        )
    }

    /// Takes away what is known of the visitor as a contact, whoever brought it. Once their conversations are gone, no more
    /// is drawn from those.
    pub async fn forget_insights(
        &self,
        workspace: WorkspaceId,
        visitor: Uuid,
        erased: &mut Erased,
    ) -> Result<(), StoreError> {
        let contacts = self.contacts(workspace, visitor).await?;
        erased.insights += self.insights.forget(workspace, contacts).await?;
        Ok(())
    }

    async fn contacts(&self, workspace: WorkspaceId, visitor: Uuid) -> Result<Vec<String>, StoreError> {
        let step = step!(statement::PERSON_CONTACTS, workspace.uuid(), visitor);
        self.pools.read(&[workspace], step).await?.iter().map(|row| rows::get(row, "contact_id")).collect()
    }

    /// Takes a conversation away: its log, what the agent made of it, and its state. What was asked of the desk stays as
    /// an escalation without its words.
    pub async fn forget_conversation(
        &self,
        workspace: WorkspaceId,
        conversation: Uuid,
        erased: &mut Erased,
    ) -> Result<(), StoreError> {
        let id = workspace.uuid();
        loop {
            let step = step!(statement::PERSON_FORGET_SAID, id, conversation, PART);
            let gone = self.gone(workspace, step).await?;
            erased.messages += gone;
            if gone == 0 {
                break;
            }
        }
        while self.gone(workspace, step!(statement::PERSON_FORGET_STEPS, id, conversation, PART)).await? > 0 {
        }
        loop {
            let step = step!(statement::PERSON_FORGET_TURNS, id, conversation, PART);
            let gone = self.gone(workspace, step).await?;
            erased.turns += gone;
            if gone == 0 {
                break;
            }
        }
        let step = step!(statement::PERSON_FORGET_CONVERSATION, id, conversation);
        let rows = self.pools.write(&[workspace], step).await?;
        erased.conversations += count(&rows, "gone")?;
        erased.escalations += count(&rows, "escalations")?;
        Ok(())
    }

    /// False while a conversation of theirs is left, and where there is no such visitor.
    pub async fn forget_visitor(&self, workspace: WorkspaceId, visitor: Uuid) -> Result<bool, StoreError> {
        let step = step!(statement::PERSON_FORGET_VISITOR, workspace.uuid(), visitor);
        Ok(!self.pools.write(&[workspace], step).await?.is_empty())
    }

    async fn lines_after(
        &self,
        workspace: WorkspaceId,
        step: Step<'static>,
        key: &str,
        after: &mut i64,
    ) -> Result<Vec<String>, StoreError> {
        let rows = self.pools.read(&[workspace], step).await?;
        if let Some(last) = rows.last() {
            *after = rows::get(last, key)?;
        }
        lines(&rows)
    }

    async fn gone(&self, workspace: WorkspaceId, step: Step<'static>) -> Result<u64, StoreError> {
        count(&self.pools.write(&[workspace], step).await?, "gone")
    }
}

fn lines(rows: &[Row]) -> Result<Vec<String>, StoreError> {
    rows.iter().map(|row| rows::get(row, "line")).collect()
}

fn count(rows: &[Row], column: &str) -> Result<u64, StoreError> {
    let count: i64 = rows::get(rows.first().ok_or(StoreError::Stale)?, column)?;
    Ok(u64::try_from(count).unwrap_or_default())
}
