//! What has outlived its policy: found oldest first, a part at a time, and ended only as it was found.
//!
//! Invariant: a conversation's row goes after all that belongs to it, and what is open is never due: the statements say so.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::pool::{Param, Step, step};
use super::super::statement::{self, Role, Statement};
use super::super::{StoreError, rows};
use super::Administration;
use crate::domain::clock::Timestamp;

/// What grows, and may have a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Closed ones, with their messages and all else that belongs to them.
    Conversations,
    TurnSteps,
    Interactions,
    /// What was delivered.
    Outbox,
    /// What could not be processed, and has not been tried since.
    ProcessingFailures,
    AuditLog,
}

/// One table's share of a policy.
#[derive(Debug)]
pub struct Part {
    /// Of its archive.
    pub name: &'static str,
    find: &'static Statement,
    drop: &'static Statement,
}

/// Some rows of a part: what they are known by, and their lines.
#[derive(Debug, Default)]
pub struct Found {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    names: Vec<String>,
    pub lines: Vec<String>,
}

/// What is due by each policy, as far as it is counted.
pub const COUNTED: i64 = 10_000;

macro_rules! parts {
    ($($name:literal $find:ident $drop:ident),* $(,)?) => {
        {
            static PARTS: &[Part] =
                &[$(Part { name: $name, find: &statement::$find, drop: &statement::$drop }),*];
            PARTS
        }
    };
}

impl Kept {
    pub const ALL: [Self; 6] = [
        Self::Conversations,
        Self::TurnSteps,
        Self::Interactions,
        Self::Outbox,
        Self::ProcessingFailures,
        Self::AuditLog,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::TurnSteps => "turn_steps",
            Self::Interactions => "interactions",
            Self::Outbox => "outbox",
            Self::ProcessingFailures => "processing_failures",
            Self::AuditLog => "audit_log",
        }
    }

    /// In the order in which they go; the last one leads to the next rows of the others.
    pub fn parts(self) -> &'static [Part] {
        match self {
            Self::Conversations => parts![
                "messages" RETENTION_CONVERSATION_MESSAGES RETENTION_DROP_MESSAGES,
                "notes" RETENTION_CONVERSATION_NOTES RETENTION_DROP_NOTES,
                "message_feedback" RETENTION_CONVERSATION_FEEDBACK RETENTION_DROP_FEEDBACK,
                "turn_steps" RETENTION_CONVERSATION_STEPS RETENTION_DROP_STEPS,
                "interactions" RETENTION_CONVERSATION_INTERACTIONS RETENTION_DROP_INTERACTIONS,
                "escalations" RETENTION_CONVERSATION_ESCALATIONS RETENTION_DROP_ESCALATIONS,
                "conversations" RETENTION_CONVERSATIONS RETENTION_DROP_CONVERSATIONS,
            ],
            Self::TurnSteps => parts!["turn_steps" RETENTION_TURN_STEPS RETENTION_DROP_STEPS],
            Self::Interactions => parts!["interactions" RETENTION_INTERACTIONS RETENTION_DROP_INTERACTIONS],
            Self::Outbox => parts!["outbox" RETENTION_OUTBOX RETENTION_DROP_OUTBOX],
            Self::ProcessingFailures => {
                parts!["processing_failures" RETENTION_FAILURES RETENTION_DROP_FAILURES]
            }
            Self::AuditLog => parts!["audit_log" RETENTION_AUDIT_LOG RETENTION_DROP_AUDIT],
        }
    }
}

impl Found {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Administration {
    /// The next rows of a part that are older than `before`.
    pub async fn find_due(&self, part: &Part, before: Timestamp, limit: i64) -> Result<Found, StoreError> {
        let mut found = Found::default();
        for row in self
            .everywhere(Step { params: vec![Box::new(before), Box::new(limit)], statement: part.find })
            .await?
        {
            found.ids.push(rows::get(&row, "id")?);
            found.numbers.push(rows::get(&row, "number")?);
            found.names.push(rows::get(&row, "name")?);
            found.lines.push(rows::get(&row, "line")?);
        }
        Ok(found)
    }

    /// Ends the rows that were found.
    pub async fn drop_found(&self, part: &Part, found: Found) -> Result<(), StoreError> {
        let Found { ids, numbers, names, .. } = found;
        // A statement takes as much of the key as its table has.
        let mut step = Step { statement: part.drop, params: vec![Box::new(ids) as Param<'static>] };
        if part.drop.types.contains(&Type::INT8_ARRAY) {
            step.params.push(Box::new(numbers));
        }
        if part.drop.types.contains(&Type::TEXT_ARRAY) {
            step.params.push(Box::new(names));
        }
        self.everywhere(step).await.map(drop)
    }

    /// How many rows are due by a policy, up to [`COUNTED`].
    pub async fn count_due(&self, kept: Kept, before: Timestamp) -> Result<i64, StoreError> {
        let only = |wanted| (kept == wanted).then_some(before);
        let step = match kept {
            Kept::AuditLog => step!(statement::RETENTION_COUNT_AUDIT, before),
            _ => step!(
                statement::RETENTION_COUNT,
                only(Kept::Conversations),
                only(Kept::TurnSteps),
                only(Kept::Interactions),
                only(Kept::Outbox),
                only(Kept::ProcessingFailures)
            ),
        };
        let rows = self.everywhere(step).await?;
        rows::get(rows.first().ok_or(StoreError::Stale)?, kept.name())
    }

    /// In all workspaces, and for the audit log beyond them.
    async fn everywhere(&self, step: Step<'static>) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        match step.statement.role {
            Role::Lookup => self.pools.lookup(vec![step]).await,
            Role::App => self.pools.write(&self.every_workspace().await?, step).await,
        }
    }
}
