//! The knowledge base, for those who keep it: documents in and out, and the search that the agent uses itself.

use std::str::FromStr;

use switchboard_protocol::RpcError;
use switchboard_protocol::ids::DocumentId;
use switchboard_protocol::methods::{
    self, KnowledgeAdd, KnowledgeAdded, KnowledgeChunk, KnowledgeDelete, KnowledgeDeleted, KnowledgeDocument,
    KnowledgeEntry, KnowledgeFound, KnowledgeGet, KnowledgeGot, KnowledgeList, KnowledgeListed,
    KnowledgeSearch, KnowledgeStatus, KnowledgeStored, SearchMode,
};
use uuid::Uuid;

use super::{Desk, Standing, wire};
use crate::domain::knowledge::{Chunk, Document, Kind, Status, Topics};
use crate::domain::turn::Passage;
use crate::domain::{clock, mint};
use crate::search::{Mode, chunk};
use crate::store::knowledge::{Filter, Listed};

impl Desk {
    pub(super) async fn add_knowledge(
        &self,
        standing: &Standing,
        params: KnowledgeAdd,
    ) -> Result<KnowledgeAdded, RpcError> {
        let workspace = standing.caller.workspace;
        let documents =
            tokio::task::spawn_blocking(|| params.documents.into_iter().map(chunked).collect::<Vec<_>>());
        let documents = documents.await.map_err(|crash| wire::crash(&crash.to_string()))?;
        for (index, (_, chunks)) in documents.iter().enumerate() {
            if chunks.is_empty() {
                return Err(RpcError::invalid_param(format!("documents.{index}.content"), "holds no text"));
            }
        }
        let states = self
            .knowledge
            .library()
            .used_by(standing.caller.actor())
            .put(workspace, &documents, clock::now())
            .await
            .map_err(wire::store_error)?;
        self.knowledge.changed(workspace);
        let stored = documents.iter().zip(states).map(|((document, chunks), status)| KnowledgeStored {
            id: DocumentId::from(document.id),
            chunks: count(chunks.len()),
            status: self::status(status),
        });
        Ok(KnowledgeAdded { documents: stored.collect() })
    }

    pub(super) async fn search_knowledge(
        &self,
        standing: &Standing,
        params: KnowledgeSearch,
    ) -> Result<KnowledgeFound, RpcError> {
        let limit = params.rows();
        let topics = params.topic_collection.map_or(Topics::All, Topics::Only);
        let mode = match params.mode.unwrap_or(SearchMode::Hybrid) {
            SearchMode::Hybrid => Mode::Hybrid,
            SearchMode::Vector => Mode::Vector,
            SearchMode::Text => Mode::Text,
        };
        let vector = if mode == Mode::Text { None } else { self.knowledge.embed(&params.query).await };
        let (passages, mode) = self
            .knowledge
            .search(standing.caller.workspace, &params.query, vector.as_ref(), limit, topics, mode)
            .await
            .map_err(wire::store_error)?;
        Ok(KnowledgeFound {
            chunks: passages.into_iter().map(found).collect(),
            mode: match mode {
                Mode::Hybrid => SearchMode::Hybrid,
                Mode::Vector => SearchMode::Vector,
                Mode::Text => SearchMode::Text,
            },
        })
    }

    pub(super) async fn list_knowledge(
        &self,
        standing: &Standing,
        params: KnowledgeList,
    ) -> Result<KnowledgeListed, RpcError> {
        let after = match &params.cursor {
            Some(cursor) => Uuid::from_str(cursor)
                .map_err(|_| RpcError::invalid_param("cursor", "is not one that a list has given"))?,
            None => Uuid::nil(),
        };
        let limit = params.rows();
        let filter = Filter { topic: params.topic_collection, kind: params.content_type.map(kind) };
        // One more than asked tells whether there is a next page.
        let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let library = self.knowledge.library();
        let mut listed = library
            .list(standing.caller.workspace, after, &filter, wanted)
            .await
            .map_err(wire::store_error)?;
        let more = listed.len() > limit;
        listed.truncate(limit);
        Ok(KnowledgeListed {
            next_cursor: listed.last().filter(|_| more).map(|last| last.id.to_string()),
            documents: listed.into_iter().map(entry).collect(),
        })
    }

    pub(super) async fn get_knowledge(
        &self,
        standing: &Standing,
        params: KnowledgeGet,
    ) -> Result<KnowledgeGot, RpcError> {
        let library = self.knowledge.library();
        let found =
            library.get(standing.caller.workspace, params.id.uuid()).await.map_err(wire::store_error)?;
        let (listed, content) = found.ok_or_else(|| RpcError::not_found("document"))?;
        Ok(KnowledgeGot { document: entry(listed), content })
    }

    pub(super) async fn delete_knowledge(
        &self,
        standing: &Standing,
        params: KnowledgeDelete,
    ) -> Result<KnowledgeDeleted, RpcError> {
        let workspace = standing.caller.workspace;
        let library = self.knowledge.library().used_by(standing.caller.actor());
        let gone = library.delete(workspace, vec![params.id.uuid()]).await.map_err(wire::store_error)?;
        self.knowledge.changed(workspace);
        Ok(KnowledgeDeleted { deleted: !gone.is_empty() })
    }
}

fn chunked(document: KnowledgeDocument) -> (Document, Vec<Chunk>) {
    let chunks = chunk::chunks(&document.title, &document.content);
    let document = Document {
        id: document.id.map_or_else(mint::id, DocumentId::uuid),
        source: None,
        title: document.title,
        url: document.source_url,
        content: document.content,
        kind: document.content_type.map_or(Kind::Public, kind),
        topic: document.topic_collection,
        metadata: document.metadata.map(Into::into),
    };
    (document, chunks)
}

fn found(passage: Passage) -> KnowledgeChunk {
    KnowledgeChunk {
        document_id: DocumentId::from(passage.document),
        title: passage.title,
        source_url: passage.url,
        text: passage.text,
        score: passage.score.into(),
    }
}

fn entry(listed: Listed) -> KnowledgeEntry {
    KnowledgeEntry {
        id: DocumentId::from(listed.id),
        title: listed.title,
        source: listed.source,
        source_url: listed.url,
        content_type: match listed.kind {
            Kind::Public => methods::ContentType::Public,
            Kind::Synthetic => methods::ContentType::Synthetic,
        },
        topic_collection: listed.topic,
        metadata: listed.metadata.and_then(|metadata| metadata.as_object().cloned()),
        status: status(listed.status),
        chunks: u32::try_from(listed.chunks).unwrap_or(u32::MAX),
        created_at: listed.created_at.into(),
        updated_at: listed.updated_at.into(),
    }
}

fn kind(kind: methods::ContentType) -> Kind {
    match kind {
        methods::ContentType::Public => Kind::Public,
        methods::ContentType::Synthetic => Kind::Synthetic,
    }
}

fn status(status: Status) -> KnowledgeStatus {
    match status {
        Status::Pending => KnowledgeStatus::Pending,
        Status::Ready => KnowledgeStatus::Ready,
    }
}

fn count(chunks: usize) -> u32 {
    u32::try_from(chunks).unwrap_or(u32::MAX)
}
