//! The knowledge of every workspace: documents, cut into the chunks that are searched and quoted.

mod stock;
#[cfg(test)]
mod tests;

use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::embedder::{Embedder, Mind};
use super::facets::Facets;
use super::shelf::Shelves;
use super::shelf::index::{Mode, Query};
use super::shelf::kind::{Counted, Kind, Made, Piece, Place};
use super::shelf::words::Bag;
use crate::domain::knowledge::Topics;
use crate::domain::turn::Passage;
use crate::domain::vector::{Sense, Vector};
use crate::store::StoreError;
use crate::store::knowledge::{Library, Shelved, Waiting};
use crate::store::pieces::Pieces;

pub use stock::stock;

/// Cheap to clone.
#[derive(Clone)]
pub struct Knowledge(Shelves<Library>);

/// A pass takes some 1.4 microseconds a chunk, most of it for its sentences.
const LARGE: usize = 20_000;
/// A title is a promise: its words count twice.
const TITLE: u16 = 2;

impl Knowledge {
    pub fn new(library: Library, mind: Mind) -> Self {
        Self(Shelves::new(library, mind, LARGE))
    }

    pub fn library(&self) -> &Library {
        self.0.stored()
    }

    /// The meaning of what somebody asks; nothing while there is no model.
    pub async fn embed(&self, text: &str) -> Option<Vector> {
        self.0.mind().embed(text).await
    }

    /// Texts have meanings from now on.
    pub fn woken(&self) {
        self.0.woken();
    }

    /// Told after a change, so that it is seen at once and embedded soon.
    pub fn changed(&self, workspace: WorkspaceId) {
        self.0.changed(workspace);
    }

    /// The same where anything may have changed.
    pub fn may_have_changed(&self) {
        self.0.may_have_changed();
    }

    /// Embeds what waits, for as long as it is polled.
    pub async fn keep_embedding(&self) {
        self.0.keep_embedding().await;
    }

    /// What may be quoted to a visitor, the best first: of these topics and of none, or of all.
    pub async fn passages(
        &self,
        workspace: WorkspaceId,
        query: &str,
        vector: Option<&Vector>,
        limit: usize,
        topics: Option<&[String]>,
    ) -> Result<Vec<Passage>, StoreError> {
        let topics = topics.map_or(Topics::All, |topics| Topics::Quotable(topics.to_vec()));
        let (passages, _) = self.search(workspace, query, vector, limit, topics, Mode::Hybrid).await?;
        Ok(passages)
    }

    /// The best passages, the best first, and how they were found: by words alone where there are no vectors. `vector`
    /// is this handle's own, of `query`.
    pub async fn search(
        &self,
        workspace: WorkspaceId,
        query: &str,
        vector: Option<&Vector>,
        limit: usize,
        topics: Topics,
        mode: Mode,
    ) -> Result<(Vec<Passage>, Mode), StoreError> {
        let query = Query {
            text: query.to_owned(),
            vector: vector.cloned().zip(self.0.mind().embedder().map(Embedder::name)),
            limit,
            filter: topics,
            mode,
            all: false,
            least: 0.0,
        };
        let (chunks, mode) = self.0.search(workspace, query).await?;
        Ok((chunks.into_iter().map(|(chunk, score)| passage(chunk, score)).collect(), mode))
    }
}

impl Kind for Library {
    type Piece = Shelved;
    type Waiting = Waiting;

    const NAME: &'static str = "knowledge";
    #[expect(clippy::cast_precision_loss, reason = "gauges")]
    fn count(what: Counted) {
        match what {
            Counted::Waiting(count) => metrics::gauge!("switchboard_knowledge_waiting").set(count as f64),
            Counted::Embedded(count) => {
                metrics::counter!("switchboard_knowledge_embedded_total").increment(count as u64);
            }
            Counted::Bytes(bytes) => metrics::gauge!("switchboard_knowledge_bytes").set(bytes as f64),
        }
    }

    fn read(&self) -> &Pieces {
        self.pieces()
    }

    async fn pieces(
        &self,
        workspace: WorkspaceId,
        documents: &[Uuid],
        with_vectors: bool,
        take: impl FnMut(Shelved) + Send,
    ) -> Result<(), StoreError> {
        self.chunks(workspace, documents, with_vectors, take).await
    }

    async fn pieces_at(&self, workspace: WorkspaceId, places: &[Place]) -> Result<Vec<Shelved>, StoreError> {
        self.chunks_at(workspace, places).await
    }

    async fn nearest(
        &self,
        workspace: WorkspaceId,
        vector: &Vector,
        topics: &Topics,
        limit: i64,
    ) -> Result<Vec<Place>, StoreError> {
        self.nearest(workspace, vector, topics, limit).await
    }

    async fn waiting(&self, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        self.waiting(limit).await
    }

    fn facets(chunk: &Waiting) -> (WorkspaceId, Facets) {
        (chunk.workspace, Facets::of_chunk(&chunk.title, &chunk.heading, &chunk.text))
    }

    async fn embed(
        &self,
        workspace: WorkspaceId,
        embedder: &str,
        senses: &[(&Waiting, Sense)],
    ) -> Result<(), StoreError> {
        self.embed(workspace, embedder, senses).await
    }
}

impl Piece for Shelved {
    type Filter = Topics;

    fn place(&self) -> Place {
        (self.document, self.ordinal)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn bag(&self) -> Bag {
        Bag::of(&[(&self.title, TITLE), (&self.heading, 1), (&self.text, 1)])
    }

    fn take_sense(&mut self) -> Option<Made> {
        self.sense.take()
    }

    fn forget_texts(&mut self) {
        for text in [&mut self.heading, &mut self.text, &mut self.title] {
            *text = String::new();
        }
        (self.source, self.url) = (None, None);
    }

    fn passes(&self, topics: &Topics) -> bool {
        topics.include(self.topic.as_deref())
    }

    fn bytes(&self) -> usize {
        self.title.len() + self.heading.len() + self.text.len()
    }
}

/// A chunk as it is quoted: under its headings.
fn passage(chunk: Shelved, score: f32) -> Passage {
    let text =
        if chunk.heading.is_empty() { chunk.text } else { format!("## {}\n\n{}", chunk.heading, chunk.text) };
    Passage {
        document: chunk.document,
        ordinal: chunk.ordinal,
        source: shown(chunk.source.as_deref(), chunk.document),
        title: chunk.title,
        url: chunk.url,
        text,
        score,
        asked: None,
    }
}

/// Of a file only its name: where it is on the server is nobody's business.
fn shown(source: Option<&str>, id: Uuid) -> String {
    match source {
        None => id.to_string(),
        Some(path) if path.starts_with('/') => path.rsplit('/').next().unwrap_or(path).to_owned(),
        Some(source) => source.to_owned(),
    }
}
