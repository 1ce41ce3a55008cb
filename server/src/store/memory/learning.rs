//! Conversations that came to an end: what is read of them to learn from, and the trace that each leaves.
//!
//! Invariant: a conversation leaves one trace, drawn anew when it goes on or is judged; one that is gone leaves none.

use serde_json::{Value, json};
use switchboard_protocol::ids::{ConversationId, WorkspaceId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pool::{Step, step};
use super::super::{StoreError, rows, statement};
use super::Archive;
use crate::domain::conversation::{Mode, Status};
use crate::domain::escalation::{self, Contact, Trigger};
use crate::domain::experience::{Asked, Decided, Experience, Finished, Line, passages};
use crate::domain::memory::{Item, Purpose, Trace};
use crate::domain::message::{Role, sources};
use crate::domain::workflow::Outcome;

/// What is looked at of a log, the latest: an answer is near the end.
const LINES: i64 = 300;
const TURNS: i64 = 100;
const ESCALATIONS: i64 = 20;

impl Archive {
    /// A page of the conversations behind `after` that wait to be learned from, whosever they are.
    pub async fn finished(&self, after: Uuid, limit: i64) -> Result<Vec<Finished>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::MEMORY_FINISHED, after, limit)]).await?;
        let finished = |row: &Row| {
            Ok(Finished {
                workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
                conversation: rows::get::<Uuid>(row, "conversation_id")?.into(),
                ended: rows::get(row, "ended")?,
                pass: rows::get(row, "pass")?,
            })
        };
        rows.iter().map(finished).collect()
    }

    /// What a conversation has to teach, and whether it has a trace already; nothing where it is gone.
    pub async fn experience(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
    ) -> Result<Option<(Experience, bool)>, StoreError> {
        let (id, named) = (conversation.uuid(), workspace.uuid());
        let read = async |step: Step<'static>| self.pools.read(&[workspace], step).await;
        let rows = read(step!(statement::MEMORY_CONVERSATION, named, id)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let profile = Contact {
            name: rows::get(row, "name")?,
            email: rows::get(row, "email")?,
            phone: rows::get(row, "phone")?,
        };
        let mode: Option<String> = rows::get(row, "mode")?;
        let mut experience = Experience {
            workspace,
            conversation,
            visitor: rows::get::<Uuid>(row, "user_id")?.into(),
            status: rows::named(row, "status", Status::from_name)?,
            mode: mode.as_deref().and_then(Mode::from_name),
            rating: rows::get(row, "rating")?,
            at: rows::get(row, "updated_at")?,
            known: [Some(profile), contact(rows::get(row, "told")?)].into_iter().flatten().collect(),
            external_id: rows::get(row, "external_id")?,
            verified: rows::get(row, "verified")?,
            preset: rows::get(row, "workflow_type")?,
            lines: Vec::new(),
            turns: Vec::new(),
            escalations: Vec::new(),
        };
        let known = rows::get(row, "known")?;
        // Each comes with the latest first.
        for row in read(step!(statement::MEMORY_SAID, named, id, LINES)).await?.iter().rev() {
            experience.lines.push(line(row)?);
        }
        for row in read(step!(statement::MEMORY_DECIDED, named, id, TURNS)).await?.iter().rev() {
            experience.turns.push(decided(row)?);
        }
        for row in read(step!(statement::MEMORY_ASKED, named, id, ESCALATIONS)).await?.iter().rev() {
            experience.escalations.push(asked(row)?);
        }
        Ok(Some((experience, known)))
    }

    /// Stores what was learned, if anything was, and that it was; unless the conversation is gone by now. With
    /// `distil`, insights are to be drawn from it next.
    pub async fn learn(&self, from: Finished, trace: Option<&Trace>, distil: bool) -> Result<(), StoreError> {
        let (workspace, conversation) = (from.workspace.uuid(), from.conversation.uuid());
        let mut done = vec![step!(statement::MEMORY_LEARNED, workspace, conversation, from.pass)];
        if distil {
            done.push(step!(statement::DISTIL_LATER, workspace, conversation));
        }
        let Some(trace) = trace else {
            return self.pools.write_all(&[from.workspace], done).await.map(drop);
        };
        let items = i32::try_from(trace.items.len()).unwrap_or(i32::MAX);
        let mut steps = vec![
            step!(
                statement::MEMORY_LEARN_TRACE,
                workspace,
                conversation,
                trace.id,
                trace.task.clone(),
                Value::Array(trace.trajectory.clone()),
                trace.outcome.name(),
                trace.metadata.clone(),
                trace.created_at
            ),
            step!(statement::MEMORY_TRIM_ITEMS, workspace, trace.id, items),
            learn_items(workspace, trace),
        ];
        steps.extend(done);
        self.change(from.workspace, steps).await.map(drop)
    }

    /// Whether this workspace lets the agent quote what staff answered.
    pub async fn learns(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::MEMORY_LEARNS, workspace.uuid())).await?;
        rows.first().map_or(Ok(false), |row| rows::get(row, "learns"))
    }
}

fn learn_items(workspace: Uuid, trace: &Trace) -> Step<'static> {
    fn column<T>(items: &[Item], value: impl Fn(&Item) -> T) -> Vec<T> {
        items.iter().map(value).collect()
    }
    let items = &trace.items;
    step!(
        statement::MEMORY_LEARN_ITEMS,
        workspace,
        trace.id,
        (1..).zip(items).map(|(ordinal, _)| ordinal).collect::<Vec<i32>>(),
        column(items, |item| item.id),
        column(items, |item| item.title.clone()),
        column(items, |item| item.description.clone()),
        column(items, |item| item.content.clone()),
        column(items, |item| item.error_context.clone()),
        column(items, |item| json!(item.tags)),
        column(items, |item| item.domain.clone()),
        column(items, |item| item.purpose.map(Purpose::name)),
        column(items, |item| item.purpose.and_then(Purpose::document))
    )
}

fn line(row: &Row) -> Result<Line, StoreError> {
    let citations: Option<Value> = rows::get(row, "citations")?;
    Ok(Line {
        seq: rows::get(row, "seq")?,
        role: rows::named(row, "role", Role::from_name)?,
        author: rows::get(row, "author_name")?,
        content: rows::get(row, "content")?,
        cites: citations.as_ref().map(sources).unwrap_or_default(),
        helpful: rows::get(row, "helpful")?,
    })
}

fn decided(row: &Row) -> Result<Decided, StoreError> {
    Ok(Decided {
        turn: rows::get(row, "turn")?,
        agent: rows::get(row, "agent_name")?,
        intent: rows::get(row, "intent")?,
        category: rows::get(row, "category")?,
        confidence: rows::get(row, "confidence")?,
        outcome: rows::named(row, "outcome", Outcome::from_name)?,
        trigger: rows::get(row, "trigger_type")?,
        brain: rows::get(row, "brain")?,
        ms: rows::get(row, "processing_time_ms")?,
        passages: passages(rows::get(row, "passages")?),
    })
}

fn asked(row: &Row) -> Result<Asked, StoreError> {
    Ok(Asked {
        trigger: rows::named(row, "trigger_type", Trigger::from_name)?,
        issue: rows::get(row, "issue_type")?,
        request: rows::get(row, "original_request")?,
        contact: contact(rows::get(row, "contact_info")?),
        status: rows::named(row, "status", escalation::Status::from_name)?,
        assignee: rows::get(row, "assignee_name")?,
    })
}

fn contact(told: Option<Value>) -> Option<Contact> {
    told.and_then(|told| serde_json::from_value(told).ok())
}
