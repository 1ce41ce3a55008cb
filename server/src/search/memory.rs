//! What every workspace has learned: the items of traces, found by words and by meaning.
//!
//! Invariant: an answer has as many items as were asked for, wherever so many pass the filter.

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
use crate::domain::memory::{Filter, Remembered, embedded};
use crate::domain::vector::{Sense, Vector};
use crate::store::StoreError;
use crate::store::memory::{Archive, Kept, Waiting};
use crate::store::pieces::Pieces;

/// Cheap to clone.
#[derive(Clone)]
pub struct Memories(Shelves<Archive>);

/// What somebody wants to be reminded of.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub text: &'a str,
    /// Its meaning, of the same embedder as that of the items.
    pub vector: Option<&'a Vector>,
    pub limit: usize,
    pub filter: Filter,
    pub least: f32,
}

/// A pass over so many takes some ten milliseconds, and misses none.
const LARGE: usize = 100_000;
/// A title says what it is about: its words count twice.
const TITLE: u16 = 2;

impl Memories {
    pub fn new(archive: Archive, mind: Mind) -> Self {
        Self(Shelves::new(archive, mind, LARGE))
    }

    pub fn archive(&self) -> &Archive {
        self.0.stored()
    }

    /// The meaning of what somebody asks; nothing while there is no model.
    pub async fn embed(&self, text: &str) -> Option<Vector> {
        self.0.mind().embed(text).await
    }

    /// What makes the vectors, once there is a model.
    pub fn embedder(&self) -> Option<&'static str> {
        self.0.mind().embedder().map(Embedder::name)
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

    /// The items that fit best, the best first, and how they were found.
    pub async fn search(
        &self,
        workspace: WorkspaceId,
        question: Question<'_>,
    ) -> Result<(Vec<Remembered>, Mode), StoreError> {
        let query = Query {
            text: question.text.to_owned(),
            vector: question.vector.cloned().zip(self.embedder()),
            limit: question.limit,
            filter: question.filter,
            mode: Mode::Hybrid,
            all: true,
            least: question.least,
        };
        let (items, mode) = self.0.search(workspace, query).await?;
        Ok((items.into_iter().map(|(item, score)| remembered(item, score)).collect(), mode))
    }

    /// What the agent is reminded of by a question, the best first. Words alone are trusted as far as an item holds the
    /// question: a word or two that it shares are no answer.
    pub async fn reminders(
        &self,
        workspace: WorkspaceId,
        question: &str,
        vector: Option<&Vector>,
        limit: usize,
    ) -> Result<Vec<Remembered>, StoreError> {
        let asked = |quotable| {
            let filter = Filter { quotable, ..Filter::default() };
            Question { text: question, vector, limit, filter, least: 0.0 }
        };
        let (mut found, mut mode) = self.search(workspace, asked(true)).await?;
        // To ask whether it may be shown costs as much as the whole search: so only where there is something to show.
        if found.iter().any(Remembered::is_quotable) && !self.archive().learns(workspace).await? {
            (found, mode) = self.search(workspace, asked(false)).await?;
        }
        if mode == Mode::Text {
            let words = Bag::of(&[(question, 1)]);
            for item in &mut found {
                let own = Bag::of(&[(&item.title, 1), (&item.description, 1), (&item.content, 1)]);
                item.score *= words.held_by(&own);
            }
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
        }
        Ok(found)
    }
}

impl Kind for Archive {
    type Piece = Kept;
    type Waiting = Waiting;

    const NAME: &'static str = "memory";
    // The first answers of a desk are to be found by their words too.
    const LEAST_TEXTS: usize = 50;
    #[expect(clippy::cast_precision_loss, reason = "gauges")]
    fn count(what: Counted) {
        match what {
            Counted::Waiting(count) => metrics::gauge!("switchboard_memory_waiting").set(count as f64),
            Counted::Embedded(count) => {
                metrics::counter!("switchboard_memory_embedded_total").increment(count as u64);
            }
            Counted::Bytes(bytes) => metrics::gauge!("switchboard_memory_bytes").set(bytes as f64),
        }
    }

    fn read(&self) -> &Pieces {
        self.pieces()
    }

    async fn pieces(
        &self,
        workspace: WorkspaceId,
        traces: &[Uuid],
        with_vectors: bool,
        take: impl FnMut(Kept) + Send,
    ) -> Result<(), StoreError> {
        self.items(workspace, traces, with_vectors, take).await
    }

    async fn pieces_at(&self, workspace: WorkspaceId, places: &[Place]) -> Result<Vec<Kept>, StoreError> {
        self.items_at(workspace, places).await
    }

    async fn nearest(
        &self,
        workspace: WorkspaceId,
        vector: &Vector,
        filter: &Filter,
        limit: i64,
    ) -> Result<Vec<Place>, StoreError> {
        self.nearest(workspace, vector, filter, limit).await
    }

    async fn waiting(&self, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        self.waiting(limit).await
    }

    fn facets(waiting: &Waiting) -> (WorkspaceId, Facets) {
        let text = embedded(&waiting.title, &waiting.description, &waiting.content);
        (waiting.workspace, Facets::whole(text))
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

impl Piece for Kept {
    type Filter = Filter;

    fn place(&self) -> Place {
        (self.trace, self.ordinal)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn bag(&self) -> Bag {
        let item = &self.item;
        Bag::of(&[(&item.title, TITLE), (&item.description, 1), (&item.content, 1)])
    }

    fn take_sense(&mut self) -> Option<Made> {
        self.item.vector.take().map(|(vector, embedder)| (vector.into(), embedder))
    }

    fn forget_texts(&mut self) {
        for text in [&mut self.item.title, &mut self.item.description, &mut self.item.content] {
            *text = String::new();
        }
        // Whether there is one is filtered by; what it says is not.
        self.item.error_context = self.item.error_context.take().map(|_| serde_json::Value::Null);
    }

    fn passes(&self, filter: &Filter) -> bool {
        let item = &self.item;
        filter.passes(item.error_context.is_some(), item.domain.as_deref(), &item.tags, item.purpose)
    }

    fn bytes(&self) -> usize {
        let item = &self.item;
        let tags: usize = item.tags.iter().map(|tag| tag.len() + 24).sum();
        item.title.len() + item.description.len() + item.content.len() + tags
    }
}

fn remembered(kept: Kept, score: f32) -> Remembered {
    let item = kept.item;
    Remembered {
        trace: kept.trace,
        id: item.id,
        title: item.title,
        description: item.description,
        content: item.content,
        error_context: item.error_context,
        tags: item.tags,
        domain: item.domain,
        purpose: item.purpose,
        outcome: kept.outcome,
        created_at: kept.created_at,
        score,
    }
}
