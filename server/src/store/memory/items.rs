//! What a search reads of the items, and what an embedder brings.

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::accounts::Accounts;
use super::super::pool::step;
use super::super::{StoreError, rows, statement};
use super::{Archive, end_to_end, item};
use crate::domain::clock::Timestamp;
use crate::domain::memory::{Filter, Item, Outcome};
use crate::domain::vector::{DIMENSIONS, Vector};

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

/// Rows of a page of small ones.
const PAGE: i64 = 1_000;
/// Items come with text and vector, some three kilobytes each.
const PAGE_OF_ITEMS: i64 = 500;
/// Traces whose items are asked for, or cleared, by one statement.
const TRACES: usize = 200;
/// Waiting items are counted no further.
pub const MOST_WAITING: i64 = 10_000;

impl Archive {
    /// Raised by every change; zero before the first.
    pub async fn stamp(&self, workspace: WorkspaceId) -> Result<i64, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::MEMORY_STAMP, workspace.uuid())).await?;
        rows.first().map_or(Ok(0), |row| rows::get(row, "version"))
    }

    /// Every trace that has items, with the stamp of its last change.
    pub async fn versions(&self, workspace: WorkspaceId) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let mut found: Vec<(Uuid, i64)> = Vec::new();
        loop {
            let after = found.last().map_or(Uuid::nil(), |last| last.0);
            let step = step!(statement::MEMORY_VERSIONS, workspace.uuid(), after, PAGE);
            let rows = self.pools.read(&[workspace], step).await?;
            for row in &rows {
                found.push((rows::get(row, "id")?, rows::get(row, "version")?));
            }
            if is_last(&rows, PAGE) {
                return Ok(found);
            }
        }
    }

    /// All items of these traces, a page at a time into `take`, in the order of trace and place.
    pub async fn items(
        &self,
        workspace: WorkspaceId,
        traces: &[Uuid],
        with_vectors: bool,
        mut take: impl FnMut(Kept) + Send,
    ) -> Result<(), StoreError> {
        for some in traces.chunks(TRACES) {
            let (mut trace, mut ordinal) = (Uuid::nil(), 0_i32);
            loop {
                let step = step!(
                    statement::MEMORY_PIECES,
                    workspace.uuid(),
                    some.to_vec(),
                    trace,
                    ordinal,
                    PAGE_OF_ITEMS,
                    with_vectors
                );
                let rows = self.pools.read(&[workspace], step).await?;
                for row in &rows {
                    let item = kept(row)?;
                    (trace, ordinal) = (item.trace, item.ordinal);
                    take(item);
                }
                if is_last(&rows, PAGE_OF_ITEMS) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The items at these places, at most a thousand, in no order; those that are gone are left out.
    pub async fn items_at(
        &self,
        workspace: WorkspaceId,
        places: &[(Uuid, i32)],
    ) -> Result<Vec<Kept>, StoreError> {
        let (traces, ordinals): (Vec<_>, Vec<_>) = places.iter().copied().unzip();
        let step = step!(statement::MEMORY_AT, workspace.uuid(), traces, ordinals);
        self.pools.read(&[workspace], step).await?.iter().map(kept).collect()
    }

    /// Whether pgvector's index can be asked.
    pub async fn is_indexed(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let rows = self.pools.read(&[workspace], step!(statement::MEMORY_INDEXED)).await?;
        rows.first().map_or(Ok(false), |row| rows::get(row, "indexed"))
    }

    /// The places of the nearest items by pgvector's index, the nearest first: as many as `limit`, if there are.
    pub async fn nearest(
        &self,
        workspace: WorkspaceId,
        vector: &Vector,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<(Uuid, i32)>, StoreError> {
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
        let workspaces = self.workspaces().await?;
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

    /// How many items wait, `MOST_WAITING` meaning that many or more.
    pub async fn count_waiting(&self) -> Result<i64, StoreError> {
        let workspaces = self.workspaces().await?;
        let rows = self.pools.read(&workspaces, step!(statement::MEMORY_COUNT_WAITING, MOST_WAITING)).await?;
        rows.first().map_or(Ok(0), |row| rows::get(row, "waiting"))
    }

    /// Stores a vector for each of these items of one workspace, unless it has one by now.
    pub async fn embed(
        &self,
        workspace: WorkspaceId,
        embedder: &str,
        vectors: &[(&Waiting, Vector)],
    ) -> Result<(), StoreError> {
        let embed = step!(
            statement::MEMORY_EMBED,
            workspace.uuid(),
            vectors.iter().map(|(item, _)| item.trace).collect::<Vec<_>>(),
            vectors.iter().map(|(item, _)| item.ordinal).collect::<Vec<_>>(),
            vectors.iter().map(|(item, _)| item.digest.clone()).collect::<Vec<_>>(),
            embedder.to_owned(),
            end_to_end(vectors.iter().map(|(_, vector)| vector))?,
            i32::try_from(DIMENSIONS).unwrap_or(i32::MAX)
        );
        self.change(workspace, vec![embed]).await.map(drop)
    }

    /// Takes away the vectors of all embedders but this one; of how many items.
    pub async fn forget_others(&self, workspace: WorkspaceId, embedder: &str) -> Result<i64, StoreError> {
        let traces: Vec<Uuid> = self.versions(workspace).await?.into_iter().map(|(id, _)| id).collect();
        let mut cleared = 0;
        for some in traces.chunks(TRACES) {
            let forget =
                step!(statement::MEMORY_FORGET, workspace.uuid(), some.to_vec(), embedder.to_owned());
            let rows = self.change(workspace, vec![forget]).await?;
            cleared += rows.first().map_or(Ok(0), |row| rows::get::<i64>(row, "items"))?;
        }
        Ok(cleared)
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let workspaces = Accounts::new(self.pools.clone()).workspaces().await?;
        Ok(workspaces.into_iter().map(|workspace| workspace.id).collect())
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

fn is_last(rows: &[Row], page: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|rows| rows < page)
}
