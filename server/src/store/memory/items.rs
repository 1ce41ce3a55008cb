//! What a search reads of the items, and what an embedder brings.

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::pieces::{PAGE, Pieces, Place, Statements, end_to_end};
use super::super::pool::step;
use super::super::{StoreError, rows, statement};
use super::{Archive, item};
use crate::domain::clock::Timestamp;
use crate::domain::memory::{Filter, Item, Outcome};
use crate::domain::vector::{DIMENSIONS, Sense, Vector};

/// An item with all that a search needs.
#[derive(Clone, Debug)]
pub struct Kept {
    pub trace: Uuid,
    pub ordinal: i32,
    pub item: Item,
    /// Both are the trace's.
    pub outcome: Outcome,
    pub version: i64,
    pub created_at: Timestamp,
}

/// An item that has no vector yet; with ordinal 0 the task of a trace.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub workspace: WorkspaceId,
    pub trace: Uuid,
    pub ordinal: i32,
    pub title: String,
    pub description: String,
    pub content: String,
    /// Of what it says: it is found again only while it says that.
    digest: String,
}

/// What its items are read by.
pub(super) static ITEMS: Statements = Statements {
    stamp: &statement::MEMORY_STAMP,
    versions: &statement::MEMORY_VERSIONS,
    pieces: &statement::MEMORY_PIECES,
    at: &statement::MEMORY_AT,
    indexed: &statement::MEMORY_INDEXED,
    count_waiting: &statement::MEMORY_COUNT_WAITING,
    together: TRACES,
};

/// Traces whose items are asked for, or cleared, by one statement.
const TRACES: usize = 200;

impl Archive {
    /// How its items are read.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// All items of these traces, a page at a time into `take`, in the order of trace and place.
    pub async fn items(
        &self,
        workspace: WorkspaceId,
        traces: &[Uuid],
        with_vectors: bool,
        take: impl FnMut(Kept) + Send,
    ) -> Result<(), StoreError> {
        let read = |row: &Row| kept(row).map(|item| ((item.trace, item.ordinal), item));
        self.pieces.of(workspace, traces, with_vectors, read, take).await
    }

    /// The items at these places, at most a thousand, in no order; those that are gone are left out.
    pub async fn items_at(&self, workspace: WorkspaceId, places: &[Place]) -> Result<Vec<Kept>, StoreError> {
        self.pieces.at(workspace, places).await?.iter().map(kept).collect()
    }

    /// The places of the nearest items by pgvector's index, the nearest first: as many as `limit`, if there are.
    pub async fn nearest(
        &self,
        workspace: WorkspaceId,
        vector: &Vector,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<Place>, StoreError> {
        let nearest = step!(
            statement::MEMORY_NEAREST,
            workspace.uuid(),
            vector.as_slice().to_vec(),
            filter.errors,
            filter.domain.clone(),
            (!filter.tags.is_empty()).then(|| filter.tags.clone()),
            filter.quotable,
            limit.min(PAGE)
        );
        let steps = vec![step!(statement::KNOWLEDGE_WALK_INDEX), nearest];
        let rows = self.pools.read_all(&[workspace], steps).await?;
        rows.iter().map(|row| Ok((rows::get(row, "trace_id")?, rows::get(row, "ordinal")?))).collect()
    }

    /// At most `limit` items and tasks that wait for a vector, whosever they are.
    pub async fn waiting(&self, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let workspaces = self.pieces.workspaces().await?;
        let step = step!(statement::MEMORY_WAITING, limit.min(PAGE));
        let rows = self.pools.read(&workspaces, step).await?;
        let waiting = |row: &Row| {
            Ok(Waiting {
                workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
                trace: rows::get(row, "trace_id")?,
                ordinal: rows::get(row, "ordinal")?,
                title: rows::get(row, "title")?,
                description: rows::get(row, "description")?,
                content: rows::get(row, "content")?,
                digest: rows::get(row, "digest")?,
            })
        };
        rows.iter().map(waiting).collect()
    }

    /// Stores a vector for each of these items of one workspace, unless it has one by now.
    pub async fn embed(
        &self,
        workspace: WorkspaceId,
        embedder: &str,
        senses: &[(&Waiting, Sense)],
    ) -> Result<(), StoreError> {
        let embed = step!(
            statement::MEMORY_EMBED,
            workspace.uuid(),
            senses.iter().map(|(item, _)| item.trace).collect::<Vec<_>>(),
            senses.iter().map(|(item, _)| item.ordinal).collect::<Vec<_>>(),
            senses.iter().map(|(item, _)| item.digest.clone()).collect::<Vec<_>>(),
            embedder.to_owned(),
            end_to_end(senses.iter().map(|(_, sense)| &sense.whole))?,
            i32::try_from(DIMENSIONS).unwrap_or(i32::MAX)
        );
        self.change(workspace, vec![embed]).await.map(drop)
    }

    /// Takes away the vectors of all embedders but this one; of how many items.
    pub async fn forget_others(&self, workspace: WorkspaceId, embedder: &str) -> Result<i64, StoreError> {
        let traces: Vec<Uuid> =
            self.pieces.versions(workspace).await?.into_iter().map(|(id, _)| id).collect();
        let mut cleared = 0;
        for some in traces.chunks(TRACES) {
            let forget =
                step!(statement::MEMORY_FORGET, workspace.uuid(), some.to_vec(), embedder.to_owned());
            let rows = self.change(workspace, vec![forget]).await?;
            cleared += rows.first().map_or(Ok(0), |row| rows::get::<i64>(row, "items"))?;
        }
        Ok(cleared)
    }
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    let vector: Option<Vec<f32>> = rows::get(row, "embedding")?;
    let embedder: Option<String> = rows::get(row, "embedder")?;
    Ok(Kept {
        trace: rows::get(row, "trace_id")?,
        ordinal: rows::get(row, "ordinal")?,
        item: Item { vector: vector.map(Vector::from).zip(embedder), ..item(row)? },
        outcome: rows::named(row, "outcome", Outcome::from_name)?,
        version: rows::get(row, "version")?,
        created_at: rows::get(row, "created_at")?,
    })
}
