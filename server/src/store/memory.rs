//! What the desk learned, of all workspaces: traces in and out, and what a search and an embedder read of them.
//!
//! Invariant: every change of a workspace raises its stamp in the same transaction, under the stamp's row lock, so
//! that whoever sees a stamp sees all changes up to it. A trace and its items come and go together; an item never
//! changes what it says.

mod items;
mod learning;

use serde_json::{Value, json};
use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::pieces::{Pieces, end_to_end};
use super::pool::{Pools, Step, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::memory::{Item, Outcome, Purpose, Trace};
use crate::domain::mint;
use crate::domain::vector::DIMENSIONS;

pub use items::{Kept, Waiting};

/// Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    pools: Pools,
    pieces: Pieces,
}

/// What became of a trace that was to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    pub trace: Uuid,
    /// Those that stand, in their order.
    pub items: Vec<Uuid>,
    /// It was there before, and stays as it was.
    pub duplicate: bool,
}

/// A trace as it stands.
#[derive(Clone, Debug)]
pub struct Stored {
    pub trace: Trace,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traces by their outcome.
    pub outcomes: Vec<(Outcome, i64)>,
    /// Items by their domain, the most first.
    pub domains: Vec<(String, i64)>,
    pub items: i64,
    /// Items without a vector.
    pub waiting: i64,
}

impl Archive {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pieces: Pieces::new(pools.clone(), &items::ITEMS), pools }
    }

    /// Stores traces with their items, all of them or none; what became of each, in the same order. No two may have the
    /// same id.
    pub async fn add(&self, workspace: WorkspaceId, traces: &[Trace]) -> Result<Vec<Added>, StoreError> {
        let ids: Vec<Uuid> = traces.iter().map(|trace| trace.id).collect();
        let steps = vec![
            add_traces(workspace, traces),
            add_items(workspace, traces)?,
            step!(statement::MEMORY_KNOWN, workspace.uuid(), ids),
        ];
        let rows = self.change(workspace, steps).await?;
        let mut known = Vec::with_capacity(rows.len());
        for row in &rows {
            known.push(Added {
                trace: rows::get(row, "id")?,
                items: rows::get(row, "items")?,
                duplicate: !rows::get::<bool>(row, "added")?,
            });
        }
        let of = |trace: &Trace| known.iter().find(|added| added.trace == trace.id).cloned();
        traces.iter().map(|trace| of(trace).ok_or(StoreError::Stale)).collect()
    }

    pub async fn get(&self, workspace: WorkspaceId, id: Uuid) -> Result<Option<Stored>, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::MEMORY_GET, workspace.uuid(), id)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let trajectory: Value = rows::get(row, "trajectory")?;
        let Value::Array(trajectory) = trajectory else { return Err(StoreError::Stale) };
        let mut trace = Trace {
            id: rows::get(row, "id")?,
            task: rows::get(row, "task")?,
            trajectory,
            outcome: rows::named(row, "outcome", Outcome::from_name)?,
            items: Vec::new(),
            metadata: rows::get(row, "metadata")?,
            created_at: rows::get(row, "created_at")?,
        };
        let updated_at = rows::get(row, "updated_at")?;
        let step = step!(statement::MEMORY_ITEMS, workspace.uuid(), id);
        for row in &self.pools.read(&[workspace], step).await? {
            trace.items.push(item(row)?);
        }
        Ok(Some(Stored { trace, updated_at }))
    }

    /// Whether it was there. Its items go with it, and nothing else.
    pub async fn delete(&self, workspace: WorkspaceId, id: Uuid, actor: &str) -> Result<bool, StoreError> {
        let (by, subject) = (actor.to_owned(), id.to_string());
        let steps = vec![
            step!(
                statement::AUDIT_NOTE,
                workspace.uuid(),
                mint::id::<Uuid>(),
                by,
                "memory.delete_trace",
                subject,
                None::<Value>
            ),
            step!(statement::MEMORY_DELETE_ITEMS, workspace.uuid(), id),
            step!(statement::MEMORY_DELETE, workspace.uuid(), id),
        ];
        Ok(!self.change(workspace, steps).await?.is_empty())
    }

    pub async fn counts(&self, workspace: WorkspaceId) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let step = step!(statement::MEMORY_COUNTS, workspace.uuid());
        for row in &self.pools.read(&[workspace], step).await? {
            let (kind, total): (String, i64) = (rows::get(row, "kind")?, rows::get(row, "total")?);
            if kind == "outcome" {
                counts.outcomes.push((rows::named(row, "name", Outcome::from_name)?, total));
                continue;
            }
            let name: String = rows::get(row, "name")?;
            if !name.is_empty() {
                counts.domains.push((name, total));
            }
        }
        let rows = self.pools.read(&[workspace], step!(statement::MEMORY_TOTAL, workspace.uuid())).await?;
        let row = rows.first().ok_or(StoreError::Stale)?;
        (counts.items, counts.waiting) = (rows::get(row, "items")?, rows::get(row, "waiting")?);
        Ok(counts)
    }

    /// The rows of the last step.
    async fn change(
        &self,
        workspace: WorkspaceId,
        mut steps: Vec<Step<'static>>,
    ) -> Result<Vec<Row>, StoreError> {
        steps.insert(0, step!(statement::MEMORY_ADVANCE, workspace.uuid()));
        self.pools.write_all(&[workspace], steps).await
    }
}

fn add_traces(workspace: WorkspaceId, traces: &[Trace]) -> Step<'static> {
    fn column<T>(traces: &[Trace], value: impl Fn(&Trace) -> T) -> Vec<T> {
        traces.iter().map(value).collect()
    }
    step!(
        statement::MEMORY_ADD_TRACES,
        workspace.uuid(),
        column(traces, |trace| trace.id),
        column(traces, |trace| trace.task.clone()),
        column(traces, |trace| Value::Array(trace.trajectory.clone())),
        column(traces, |trace| trace.outcome.name()),
        column(traces, |trace| trace.metadata.clone()),
        column(traces, |trace| trace.created_at)
    )
}

fn add_items(workspace: WorkspaceId, traces: &[Trace]) -> Result<Step<'static>, StoreError> {
    fn column<T>(items: &[(Uuid, i32, &Item)], value: impl Fn(&Item) -> T) -> Vec<T> {
        items.iter().map(|(.., item)| value(item)).collect()
    }
    let items: Vec<(Uuid, i32, &Item)> = traces
        .iter()
        .flat_map(|trace| (1..).zip(&trace.items).map(|(ordinal, item)| (trace.id, ordinal, item)))
        .collect();
    let mut vectors = 0;
    let places: Vec<Option<i32>> = column(&items, |item| item.vector.is_some())
        .into_iter()
        .map(|has_one| {
            vectors += i32::from(has_one);
            has_one.then_some(vectors)
        })
        .collect();
    Ok(step!(
        statement::MEMORY_ADD_ITEMS,
        workspace.uuid(),
        items.iter().map(|(trace, ..)| *trace).collect::<Vec<_>>(),
        items.iter().map(|(_, ordinal, _)| *ordinal).collect::<Vec<_>>(),
        column(&items, |item| item.id),
        column(&items, |item| item.title.clone()),
        column(&items, |item| item.description.clone()),
        column(&items, |item| item.content.clone()),
        column(&items, |item| item.error_context.clone()),
        column(&items, |item| json!(item.tags)),
        column(&items, |item| item.domain.clone()),
        column(&items, |item| item.purpose.map(Purpose::name)),
        column(&items, |item| item.purpose.and_then(Purpose::document)),
        places,
        column(&items, |item| item.vector.as_ref().map(|(_, embedder)| embedder.clone())),
        end_to_end(items.iter().filter_map(|(.., item)| item.vector.as_ref().map(|(vector, _)| vector)))?,
        i32::try_from(DIMENSIONS).unwrap_or(i32::MAX)
    ))
}

/// Without its vector.
fn item(row: &Row) -> Result<Item, StoreError> {
    let document: Option<Uuid> = rows::get(row, "document_id")?;
    Ok(Item {
        id: rows::get(row, "id")?,
        title: rows::get(row, "title")?,
        description: rows::get(row, "description")?,
        content: rows::get(row, "content")?,
        error_context: rows::get(row, "error_context")?,
        tags: rows::get(row, "pattern_tags")?,
        domain: rows::get(row, "domain_category")?,
        purpose: rows::get::<Option<String>>(row, "use")?.and_then(|name| Purpose::stored(&name, document)),
        vector: None,
    })
}
