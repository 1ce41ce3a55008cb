//! How pieces that are searched are read, of knowledge and of memory alike: by the stamps of their documents, a page at
//! a time, or by their places.

use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::accounts::Accounts;
use super::pool::{Pools, step};
use super::statement::Statement;
use super::{StoreError, rows};
use crate::domain::vector::{DIMENSIONS, Vector};

/// The document of a piece, and its number in it.
pub type Place = (Uuid, i32);

/// What one kind of piece is read by.
pub struct Statements {
    pub stamp: &'static Statement,
    pub versions: &'static Statement,
    pub pieces: &'static Statement,
    pub at: &'static Statement,
    pub indexed: &'static Statement,
    pub count_waiting: &'static Statement,
    /// Documents whose pieces are asked for by one statement.
    pub together: usize,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Pieces {
    pools: Pools,
    by: &'static Statements,
}

/// Rows of a page of small ones.
pub const PAGE: i64 = 1_000;
/// Pieces come with text and vector, some three kilobytes each.
const PAGE_OF_PIECES: i64 = 500;
/// What waits for a vector is counted no further.
const MOST_WAITING: i64 = 10_000;

impl Pieces {
    pub fn new(pools: Pools, by: &'static Statements) -> Self {
        Self { pools, by }
    }

    /// Raised by every change; zero before the first.
    pub async fn stamp(&self, workspace: WorkspaceId) -> Result<i64, StoreError> {
        let rows = self.pools.read(&[workspace], step!(*self.by.stamp, workspace.uuid())).await?;
        rows.first().map_or(Ok(0), |row| rows::get(row, "version"))
    }

    /// Every document that has pieces, with the stamp of its last change.
    pub async fn versions(&self, workspace: WorkspaceId) -> Result<Vec<(Uuid, i64)>, StoreError> {
        let mut found: Vec<(Uuid, i64)> = Vec::new();
        loop {
            let after = found.last().map_or(Uuid::nil(), |last| last.0);
            let step = step!(*self.by.versions, workspace.uuid(), after, PAGE);
            let rows = self.pools.read(&[workspace], step).await?;
            for row in &rows {
                found.push((rows::get(row, "id")?, rows::get(row, "version")?));
            }
            if is_last(&rows, PAGE) {
                return Ok(found);
            }
        }
    }

    /// All pieces of these documents, a page at a time into `take`, in the order of document and number.
    pub async fn of<T>(
        &self,
        workspace: WorkspaceId,
        documents: &[Uuid],
        with_vectors: bool,
        read: impl Fn(&Row) -> Result<(Place, T), StoreError>,
        mut take: impl FnMut(T),
    ) -> Result<(), StoreError> {
        for some in documents.chunks(self.by.together) {
            let mut last = (Uuid::nil(), 0_i32);
            loop {
                let step = step!(
                    *self.by.pieces,
                    workspace.uuid(),
                    some.to_vec(),
                    last.0,
                    last.1,
                    PAGE_OF_PIECES,
                    with_vectors
                );
                let rows = self.pools.read(&[workspace], step).await?;
                for row in &rows {
                    let (place, piece) = read(row)?;
                    last = place;
                    take(piece);
                }
                if is_last(&rows, PAGE_OF_PIECES) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The rows at these places, at most a thousand, in no order; those that are gone are left out.
    pub async fn at(&self, workspace: WorkspaceId, places: &[Place]) -> Result<Vec<Row>, StoreError> {
        let (documents, numbers): (Vec<_>, Vec<_>) = places.iter().copied().unzip();
        self.pools.read(&[workspace], step!(*self.by.at, workspace.uuid(), documents, numbers)).await
    }

    /// Whether pgvector's index can be asked.
    pub async fn is_indexed(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        let rows = self.pools.read(&[workspace], step!(*self.by.indexed)).await?;
        rows.first().map_or(Ok(false), |row| rows::get(row, "indexed"))
    }

    /// How many wait for a vector, `MOST_WAITING` meaning that many or more.
    pub async fn count_waiting(&self) -> Result<i64, StoreError> {
        let workspaces = self.workspaces().await?;
        let rows = self.pools.read(&workspaces, step!(*self.by.count_waiting, MOST_WAITING)).await?;
        rows.first().map_or(Ok(0), |row| rows::get(row, "waiting"))
    }

    /// Whoever's pieces may wait for a vector.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceId>, StoreError> {
        let workspaces = Accounts::new(self.pools.clone()).workspaces().await?;
        Ok(workspaces.into_iter().map(|workspace| workspace.id).collect())
    }
}

/// The numbers of all these vectors as one array.
pub fn end_to_end<'a>(vectors: impl Iterator<Item = &'a Vector>) -> Result<Vec<f32>, StoreError> {
    let mut numbers = Vec::new();
    for vector in vectors {
        if vector.as_slice().len() != DIMENSIONS {
            let message = format!("a vector has {} numbers, not {DIMENSIONS}", vector.as_slice().len());
            return Err(StoreError::Refused { code: "width".to_owned(), message });
        }
        numbers.extend_from_slice(vector.as_slice());
    }
    Ok(numbers)
}

pub fn is_last(rows: &[Row], page: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|rows| rows < page)
}
