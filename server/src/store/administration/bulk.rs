//! Conversations in and out by the thousand, a page or a part at a time.

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pool::{Step, step};
use super::super::{StoreError, rows, statement};
use super::Administration;
use crate::domain::clock::Timestamp;

/// Rows that one transaction of an import may write.
pub const PART: usize = 500;

/// Some of the rows of an import. What is stored already is left as it is.
#[derive(Debug, Default)]
pub struct Part {
    pub conversations: Vec<Opened>,
    pub messages: Vec<Said>,
}

/// A conversation with its visitor, who is nobody else's.
#[derive(Debug, Clone)]
pub struct Opened {
    pub id: Uuid,
    pub visitor: Uuid,
    /// Its name in the file.
    pub name: String,
    /// How many messages there are to come.
    pub head: i64,
}

#[derive(Debug, Clone)]
pub struct Said {
    pub conversation: Uuid,
    pub seq: i64,
    pub id: Uuid,
    pub role: &'static str,
    pub content: String,
}

/// What was new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    pub conversations: u64,
    pub messages: u64,
}

impl Part {
    pub fn rows(&self) -> usize {
        self.conversations.len() * 2 + self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.conversations.is_empty() && self.messages.is_empty()
    }
}

/// What can be leafed through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Messages,
    Conversations,
    Users,
    Workspaces,
}

/// The end of a page: the next one begins after it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor {
    id: Uuid,
    seq: i64,
}

/// Rows of a page. A message has up to 10,000 characters, and the page is held in memory.
const PAGE: i64 = 1_000;
const PAGE_OF_MESSAGES: i64 = 500;

impl Administration {
    /// All of the part, or an error and nothing of it.
    pub async fn import(
        &self,
        workspace: WorkspaceId,
        part: &Part,
        at: Timestamp,
    ) -> Result<Stored, StoreError> {
        let of = |value: fn(&Opened) -> Uuid| part.conversations.iter().map(value).collect::<Vec<_>>();
        let step = step!(
            statement::CONVERSATIONS_IMPORT,
            workspace.uuid(),
            at,
            of(|conversation| conversation.id),
            of(|conversation| conversation.visitor),
            part.conversations.iter().map(|conversation| conversation.name.clone()).collect::<Vec<_>>(),
            part.conversations.iter().map(|conversation| conversation.head).collect::<Vec<_>>(),
            part.messages.iter().map(|message| message.conversation).collect::<Vec<_>>(),
            part.messages.iter().map(|message| message.seq).collect::<Vec<_>>(),
            part.messages.iter().map(|message| message.id).collect::<Vec<_>>(),
            part.messages.iter().map(|message| message.role).collect::<Vec<_>>(),
            part.messages.iter().map(|message| message.content.clone()).collect::<Vec<_>>()
        );
        let rows = self.pools.write(&[workspace], step).await?;
        let count = |column| -> Result<u64, StoreError> {
            let row = rows.first().ok_or(StoreError::Stale)?;
            Ok(u64::try_from(rows::get::<i64>(row, column)?).unwrap_or_default())
        };
        Ok(Stored { conversations: count("conversations")?, messages: count("messages")? })
    }

    /// The lines of JSON after `cursor`, which is moved to the last of them; and whether they are the last ones. A
    /// busy conversation is followed only as far as one page goes.
    pub async fn page(&self, table: Table, cursor: &mut Cursor) -> Result<(Vec<String>, bool), StoreError> {
        let Cursor { id, seq } = *cursor;
        let rows = match table {
            Table::Messages => {
                self.seen(step!(statement::MESSAGES_EXPORT, id, seq, PAGE_OF_MESSAGES)).await?
            }
            Table::Conversations => self.seen(step!(statement::CONVERSATIONS_EXPORT, id, PAGE)).await?,
            Table::Users => self.known(step!(statement::USERS_EXPORT, id, PAGE)).await?,
            Table::Workspaces => self.known(step!(statement::WORKSPACES_EXPORT, id, PAGE)).await?,
        };
        if let Some(last) = rows.last() {
            *cursor = match table {
                Table::Messages => {
                    Cursor { id: rows::get(last, "conversation_id")?, seq: rows::get(last, "seq")? }
                }
                _ => Cursor { id: rows::get(last, "id")?, seq: 0 },
            };
        }
        let limit = if matches!(table, Table::Messages) { PAGE_OF_MESSAGES } else { PAGE };
        let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < limit);
        let lines = rows.iter().map(|row| rows::get(row, "line")).collect::<Result<_, _>>()?;
        Ok((lines, is_last))
    }

    /// The rows of every workspace.
    async fn seen(&self, step: Step<'static>) -> Result<Vec<Row>, StoreError> {
        self.pools.walk(&self.every_workspace().await?, step).await
    }

    /// Rows that belong to no workspace, or are one.
    async fn known(&self, step: Step<'static>) -> Result<Vec<Row>, StoreError> {
        self.pools.lookup(vec![step!(statement::BATCH_IN_ORDER), step]).await
    }
}
