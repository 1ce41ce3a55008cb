//! Every table that is worth keeping, a page of lines of JSON at a time. Without secrets, and without what is made anew from
//! the rest: chunks, vectors, words, sums.

use uuid::Uuid;

use super::super::pool::step;
use super::super::statement::{self, Role, Statement};
use super::super::{StoreError, rows};
use super::Administration;

/// What can be leafed through.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub name: &'static str,
    statement: &'static Statement,
    /// Rows of a page, which is held in memory.
    page: i64,
}

/// The end of a page: the next one begins behind it.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    id: Uuid,
    place: String,
}

const fn table(name: &'static str, statement: &'static Statement, page: i64) -> Table {
    Table { name, statement, page }
}

/// What points to another comes before it, so that nothing that is read points to what is missing.
pub static TABLES: [Table; 16] = [
    table("turn_steps", &statement::TURN_STEPS_EXPORT, 500),
    table("interactions", &statement::INTERACTIONS_EXPORT, 500),
    table("agent_states", &statement::AGENT_STATES_EXPORT, 500),
    table("workflow_states", &statement::WORKFLOWS_EXPORT, 500),
    table("message_feedback", &statement::FEEDBACK_EXPORT, 1_000),
    table("notes", &statement::NOTES_EXPORT, 500),
    table("messages", &statement::MESSAGES_EXPORT, 500),
    table("escalations", &statement::ESCALATIONS_EXPORT, 500),
    table("conversations", &statement::CONVERSATIONS_EXPORT, 1_000),
    table("reasoning_traces", &statement::MEMORY_EXPORT, 100),
    table("structured_insights", &statement::INSIGHTS_EXPORT, 100),
    table("knowledge_documents", &statement::KNOWLEDGE_EXPORT, 20),
    table("canned_responses", &statement::CANNED_EXPORT, 1_000),
    table("audit_log", &statement::AUDIT_EXPORT, 1_000),
    table("users", &statement::USERS_EXPORT, 1_000),
    table("workspaces", &statement::WORKSPACES_EXPORT, 1_000),
];

impl Administration {
    /// The lines behind `cursor`, which is moved to the last of them; and whether they are the last ones. A busy
    /// conversation is followed only as far as one page goes.
    pub async fn page(&self, table: &Table, cursor: &mut Cursor) -> Result<(Vec<String>, bool), StoreError> {
        let Cursor { id, place } = cursor.clone();
        let step = step!(*table.statement, id, place, table.page);
        let rows = match table.statement.role {
            Role::App => self.pools.walk(&self.every_workspace().await?, step).await?,
            Role::Lookup => self.pools.lookup(vec![step!(statement::BATCH_IN_ORDER), step]).await?,
        };
        if let Some(last) = rows.last() {
            *cursor = Cursor { id: rows::get(last, "id")?, place: rows::get(last, "place")? };
        }
        let is_last = i64::try_from(rows.len()).is_ok_and(|rows| rows < table.page);
        let lines = rows.iter().map(|row| rows::get(row, "line")).collect::<Result<_, _>>()?;
        Ok((lines, is_last))
    }
}
