//! The knowledge of all workspaces: documents in and out, and what a search and an embedder read of them.
//!
//! Invariant: every change of a workspace raises its stamp in the same transaction, under the stamp's row lock, so
//! that whoever sees a stamp sees all changes up to it. A document and its chunks change together or not at all.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::pieces::{PAGE, Pieces, Place, Statements, end_to_end, is_last};
use super::pool::{Pools, Step, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::knowledge::{Chunk, Document, Kind, Status, Topics};
use crate::domain::mint;
use crate::domain::vector::{DIMENSIONS, Parts, Sense, Vector};

/// Cheap to clone.
#[derive(Clone)]
pub struct Library {
    pools: Pools,
    pieces: Pieces,
    /// Who changes something, for the audit log; nobody where the server itself does, or a command that notes it.
    actor: Option<String>,
}

/// A document as it stands, without its text.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: Uuid,
    pub source: Option<String>,
    pub title: String,
    pub url: Option<String>,
    pub kind: Kind,
    pub topic: Option<String>,
    pub metadata: Option<Value>,
    pub status: Status,
    pub chunks: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What an import left here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub id: Uuid,
    pub source: String,
    pub hash: Vec<u8>,
}

/// A chunk with all that a search needs.
#[derive(Clone, Debug)]
pub struct Shelved {
    pub document: Uuid,
    pub ordinal: i32,
    pub heading: String,
    pub text: String,
    /// What it means, and to which embedder.
    pub sense: Option<(Sense, String)>,
    pub title: String,
    pub source: Option<String>,
    pub url: Option<String>,
    pub topic: Option<String>,
    /// Of its document.
    pub version: i64,
}

/// A chunk that has no vector yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub workspace: WorkspaceId,
    pub document: Uuid,
    pub ordinal: i32,
    pub title: String,
    pub heading: String,
    pub text: String,
    hash: Vec<u8>,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub topic: Option<String>,
    pub kind: Option<Kind>,
}

/// What its chunks are read by.
static CHUNKS: Statements = Statements {
    stamp: &statement::KNOWLEDGE_STAMP,
    versions: &statement::KNOWLEDGE_VERSIONS,
    pieces: &statement::KNOWLEDGE_CHUNKS,
    at: &statement::KNOWLEDGE_AT,
    indexed: &statement::KNOWLEDGE_INDEXED,
    count_waiting: &statement::KNOWLEDGE_COUNT_WAITING,
    together: DOCUMENTS,
};

/// Documents whose chunks are asked for, or cleared, by one statement.
const DOCUMENTS: usize = 100;
/// Chunks that one transaction of a change may write; a document beyond it goes alone.
const PART: usize = 1_000;

impl Library {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pieces: Pieces::new(pools.clone(), &CHUNKS), pools, actor: None }
    }

    /// How its chunks are read.
    pub fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// The same in the hands of somebody whose changes are audited.
    #[must_use]
    pub fn used_by(&self, actor: String) -> Self {
        Self { actor: Some(actor), ..self.clone() }
    }

    /// Stores documents under their ids with all of their chunks, each document wholly or not at all; their states,
    /// in the same order. No two may have the same id.
    pub async fn put(
        &self,
        workspace: WorkspaceId,
        documents: &[(Document, Vec<Chunk>)],
        at: Timestamp,
    ) -> Result<Vec<Status>, StoreError> {
        let mut states = Vec::with_capacity(documents.len());
        let mut rest = documents;
        while !rest.is_empty() {
            let mut chunks = 0;
            let fits = rest.iter().take_while(|(_, own)| {
                chunks += own.len();
                chunks <= PART
            });
            let (part, after) = rest.split_at(fits.count().max(1));
            let mut steps =
                self.audited(workspace, "knowledge.add", part.iter().map(|(document, _)| document.id));
            steps.push(put(workspace, part, at));
            let rows = self.change(workspace, steps).await?;
            let mut stored = HashMap::new();
            for row in &rows {
                stored.insert(rows::get::<Uuid>(row, "id")?, rows::named(row, "status", Status::from_name)?);
            }
            for (document, _) in part {
                states.push(*stored.get(&document.id).ok_or(StoreError::Stale)?);
            }
            rest = after;
        }
        Ok(states)
    }

    /// Which of these were there, and are no more.
    pub async fn delete(&self, workspace: WorkspaceId, ids: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
        let mut steps = self.audited(workspace, "knowledge.delete", ids.iter().copied());
        steps.push(step!(statement::KNOWLEDGE_DELETE, workspace.uuid(), ids));
        let rows = self.change(workspace, steps).await?;
        rows.iter().map(|row| rows::get(row, "id")).collect()
    }

    /// At most `limit` documents behind `after`, in the order of their ids.
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        after: Uuid,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        let step = step!(
            statement::KNOWLEDGE_LIST,
            workspace.uuid(),
            after,
            filter.topic.clone(),
            filter.kind.map(Kind::name),
            limit.min(PAGE)
        );
        self.pools.read(&[workspace], step).await?.iter().map(listed).collect()
    }

    /// A document and its text.
    pub async fn get(
        &self,
        workspace: WorkspaceId,
        id: Uuid,
    ) -> Result<Option<(Listed, String)>, StoreError> {
        let rows =
            self.pools.read(&[workspace], step!(statement::KNOWLEDGE_GET, workspace.uuid(), id)).await?;
        rows.first().map(|row| Ok((listed(row)?, rows::get(row, "content")?))).transpose()
    }

    /// Everything whose source begins with `place`.
    pub async fn imported(&self, workspace: WorkspaceId, place: &str) -> Result<Vec<Imported>, StoreError> {
        let mut found: Vec<Imported> = Vec::new();
        loop {
            let after = found.last().map(|last| last.source.clone()).unwrap_or_default();
            let step = step!(statement::KNOWLEDGE_IMPORTED, workspace.uuid(), place.to_owned(), after, PAGE);
            let rows = self.pools.read(&[workspace], step).await?;
            for row in &rows {
                found.push(Imported {
                    id: rows::get(row, "id")?,
                    source: rows::get(row, "source")?,
                    hash: rows::get(row, "content_hash")?,
                });
            }
            if is_last(&rows, PAGE) {
                return Ok(found);
            }
        }
    }

    /// All chunks of these documents, a page at a time into `take`, in the order of document and place.
    pub async fn chunks(
        &self,
        workspace: WorkspaceId,
        documents: &[Uuid],
        with_vectors: bool,
        take: impl FnMut(Shelved) + Send,
    ) -> Result<(), StoreError> {
        let read = |row: &Row| shelved(row).map(|chunk| ((chunk.document, chunk.ordinal), chunk));
        self.pieces.of(workspace, documents, with_vectors, read, take).await
    }

    /// The chunks at these places, at most a thousand, in no order; those that are gone are left out.
    pub async fn chunks_at(
        &self,
        workspace: WorkspaceId,
        places: &[Place],
    ) -> Result<Vec<Shelved>, StoreError> {
        self.pieces.at(workspace, places).await?.iter().map(shelved).collect()
    }

    /// The places of the nearest chunks by pgvector's index, the nearest first: as many as `limit`, if there are.
    pub async fn nearest(
        &self,
        workspace: WorkspaceId,
        vector: &Vector,
        topics: &Topics,
        limit: i64,
    ) -> Result<Vec<Place>, StoreError> {
        let (named, with_untold) = match topics {
            Topics::All => (None, true),
            Topics::Quotable(topics) => (Some(topics.clone()), true),
            Topics::Only(topic) => (Some(vec![topic.clone()]), false),
        };
        let nearest = step!(
            statement::KNOWLEDGE_NEAREST,
            workspace.uuid(),
            vector.as_slice().to_vec(),
            named,
            with_untold,
            limit.min(PAGE)
        );
        let steps = vec![step!(statement::KNOWLEDGE_WALK_INDEX), nearest];
        let rows = self.pools.read_all(&[workspace], steps).await?;
        rows.iter().map(|row| Ok((rows::get(row, "document_id")?, rows::get(row, "ordinal")?))).collect()
    }

    /// At most `limit` chunks that wait for a vector, whosever they are.
    pub async fn waiting(&self, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let workspaces = self.pieces.workspaces().await?;
        let step = step!(statement::KNOWLEDGE_WAITING, limit.min(PAGE));
        let rows = self.pools.read(&workspaces, step).await?;
        let waiting = |row: &Row| {
            Ok(Waiting {
                workspace: rows::get::<Uuid>(row, "workspace_id")?.into(),
                document: rows::get(row, "document_id")?,
                ordinal: rows::get(row, "ordinal")?,
                title: rows::get(row, "title")?,
                heading: rows::get(row, "heading")?,
                text: rows::get(row, "content")?,
                hash: rows::get(row, "content_hash")?,
            })
        };
        rows.iter().map(waiting).collect()
    }

    /// Stores what each of these chunks of one workspace means, unless the chunk has changed meanwhile.
    pub async fn embed(
        &self,
        workspace: WorkspaceId,
        embedder: &str,
        senses: &[(&Waiting, Sense)],
    ) -> Result<(), StoreError> {
        let numbers = end_to_end(senses.iter().map(|(_, sense)| &sense.whole))?;
        let documents: HashSet<Uuid> = senses.iter().map(|(chunk, _)| chunk.document).collect();
        let embed = step!(
            statement::KNOWLEDGE_EMBED,
            workspace.uuid(),
            senses.iter().map(|(chunk, _)| chunk.document).collect::<Vec<_>>(),
            senses.iter().map(|(chunk, _)| chunk.ordinal).collect::<Vec<_>>(),
            senses.iter().map(|(chunk, _)| chunk.hash.clone()).collect::<Vec<_>>(),
            embedder.to_owned(),
            numbers,
            i32::try_from(DIMENSIONS).unwrap_or(i32::MAX),
            senses.iter().map(|(_, sense)| sense.parts.as_bytes().to_vec()).collect::<Vec<_>>()
        );
        let settle =
            step!(statement::KNOWLEDGE_SETTLE, workspace.uuid(), documents.into_iter().collect::<Vec<_>>());
        self.change(workspace, vec![embed, settle]).await.map(drop)
    }

    /// Takes away the vectors of all embedders but this one; how many.
    pub async fn forget_others(&self, workspace: WorkspaceId, embedder: &str) -> Result<i64, StoreError> {
        let documents: Vec<Uuid> =
            self.pieces.versions(workspace).await?.into_iter().map(|(id, _)| id).collect();
        let mut cleared = 0;
        for some in documents.chunks(DOCUMENTS) {
            let forget =
                step!(statement::KNOWLEDGE_FORGET, workspace.uuid(), some.to_vec(), embedder.to_owned());
            let rows = self.change(workspace, vec![forget]).await?;
            let mut changed = Vec::with_capacity(rows.len());
            for row in &rows {
                changed.push(rows::get::<Uuid>(row, "id")?);
                cleared += rows::get::<i64>(row, "chunks")?;
            }
            if !changed.is_empty() {
                self.change(workspace, vec![step!(statement::KNOWLEDGE_SETTLE, workspace.uuid(), changed)])
                    .await?;
            }
        }
        Ok(cleared)
    }

    /// The workspaces whose knowledge a preset's pages belong to.
    pub async fn workspaces_running(&self, preset: &str) -> Result<Vec<WorkspaceId>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::WORKSPACES_RUNNING, preset.to_owned())]).await?;
        rows.iter().map(|row| Ok(rows::get::<Uuid>(row, "id")?.into())).collect()
    }

    /// What is to be noted of a change beside it, a row a document.
    fn audited(
        &self,
        workspace: WorkspaceId,
        action: &'static str,
        documents: impl Iterator<Item = Uuid>,
    ) -> Vec<Step<'static>> {
        let note = |actor: &str, document: Uuid| {
            step!(
                statement::AUDIT_NOTE,
                workspace.uuid(),
                mint::id::<Uuid>(),
                actor.to_owned(),
                action,
                document.to_string(),
                None::<Value>
            )
        };
        let actor = self.actor.as_deref();
        documents.filter_map(|document| Some(note(actor?, document))).collect()
    }

    /// The rows of the last step.
    async fn change(
        &self,
        workspace: WorkspaceId,
        mut steps: Vec<Step<'static>>,
    ) -> Result<Vec<Row>, StoreError> {
        steps.insert(0, step!(statement::KNOWLEDGE_ADVANCE, workspace.uuid()));
        self.pools.write_all(&[workspace], steps).await
    }
}

fn put(workspace: WorkspaceId, documents: &[(Document, Vec<Chunk>)], at: Timestamp) -> Step<'static> {
    fn column<T>(documents: &[(Document, Vec<Chunk>)], value: impl Fn(&Document) -> T) -> Vec<T> {
        documents.iter().map(|(document, _)| value(document)).collect()
    }
    let chunks = || {
        documents.iter().flat_map(|(document, chunks)| {
            (1_i32..).zip(chunks).map(move |(ordinal, chunk)| (document, ordinal, chunk))
        })
    };
    step!(
        statement::KNOWLEDGE_PUT,
        workspace.uuid(),
        at,
        column(documents, |document| document.id),
        column(documents, |document| document.source.clone()),
        column(documents, |document| document.title.clone()),
        column(documents, |document| document.url.clone()),
        column(documents, |document| document.content.clone()),
        column(documents, |document| document.kind.name()),
        column(documents, |document| document.topic.clone()),
        column(documents, |document| document.metadata.clone()),
        column(documents, |document| document.hash().to_vec()),
        chunks().map(|(document, ..)| document.id).collect::<Vec<_>>(),
        chunks().map(|(_, ordinal, _)| ordinal).collect::<Vec<_>>(),
        chunks().map(|(.., chunk)| chunk.heading.clone()).collect::<Vec<_>>(),
        chunks().map(|(.., chunk)| chunk.text.clone()).collect::<Vec<_>>(),
        chunks().map(|(document, _, chunk)| chunk.hash(&document.title).to_vec()).collect::<Vec<_>>()
    )
}

fn listed(row: &Row) -> Result<Listed, StoreError> {
    Ok(Listed {
        id: rows::get(row, "id")?,
        source: rows::get(row, "source")?,
        title: rows::get(row, "title")?,
        url: rows::get(row, "source_url")?,
        kind: rows::named(row, "content_type", Kind::from_name)?,
        topic: rows::get(row, "topic_collection")?,
        metadata: rows::get(row, "metadata")?,
        status: rows::named(row, "status", Status::from_name)?,
        chunks: rows::get(row, "chunks")?,
        created_at: rows::get(row, "created_at")?,
        updated_at: rows::get(row, "updated_at")?,
    })
}

fn shelved(row: &Row) -> Result<Shelved, StoreError> {
    let whole: Option<Vec<f32>> = rows::get(row, "embedding")?;
    let parts: Option<Vec<u8>> = rows::get(row, "sentences")?;
    let embedder: Option<String> = rows::get(row, "embedder")?;
    let parts = parts.map(Parts::from_bytes).unwrap_or_default();
    let sense = whole.map(|whole| Sense { whole: Vector::from(whole), parts });
    Ok(Shelved {
        document: rows::get(row, "document_id")?,
        ordinal: rows::get(row, "ordinal")?,
        heading: rows::get(row, "heading")?,
        text: rows::get(row, "content")?,
        sense: sense.zip(embedder),
        title: rows::get(row, "title")?,
        source: rows::get(row, "source")?,
        url: rows::get(row, "source_url")?,
        topic: rows::get(row, "topic_collection")?,
        version: rows::get(row, "version")?,
    })
}
