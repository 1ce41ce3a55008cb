//! The knowledge of every workspace, found by words and by meaning.
//!
//! Invariant: an answer is of the workspace that asked, and of its knowledge as it was stored at most `FRESH` ago; what
//! was changed through this handle is in it. What is held in memory has a bound.

mod embedding;
mod index;
mod stock;
#[cfg(test)]
mod tests;
pub(super) mod words;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Notify;
use uuid::Uuid;

use super::embedder::Embedder;
use crate::domain::knowledge::Topics;
use crate::domain::turn::Passage;
use crate::domain::vector::Vector;
use crate::store::StoreError;
use crate::store::knowledge::{Library, Shelved};
use index::{Document, Index, Query, passage, score};

pub use stock::stock;

/// Cheap to clone.
#[derive(Clone)]
pub struct Knowledge(Arc<Inner>);

struct Inner {
    library: Library,
    embedder: OnceLock<Embedder>,
    shelves: Mutex<HashMap<WorkspaceId, Arc<Shelf>>>,
    searches: AtomicU64,
    /// Chunks may wait for vectors.
    changed: Notify,
    /// With more chunks than this, and pgvector there, the database finds the nearest.
    large: usize,
}

/// What is searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Hybrid,
    Vector,
    Text,
}

/// What is known of one workspace, and when that was last found to be so.
#[derive(Default)]
struct Shelf {
    /// Held by the one who reads it again.
    state: tokio::sync::Mutex<State>,
    /// It is to be looked at again before it is believed.
    is_doubtful: AtomicBool,
    /// When it was last asked, counted in searches.
    used: AtomicU64,
}

#[derive(Default)]
struct State {
    index: Arc<Index>,
    checked: Option<Instant>,
}

/// How old what is known may be: another node, or a command beside the server, may have changed it.
const FRESH: Duration = Duration::from_secs(1);
/// All indexes together. One workspace's may be larger, and is then the only one.
const BUDGET: usize = 512 * 1024 * 1024;
/// A pass over so many takes some five milliseconds.
const LARGE: usize = 20_000;
/// Chunks that are scanned within the caller's own task, in half a millisecond.
const AT_ONCE: usize = 2_000;
/// Documents of which the changed chunks are read together.
const TOGETHER: usize = 500;
/// What each leg of a large search brings.
const LEG: i64 = 200;

impl Knowledge {
    pub fn new(library: Library) -> Self {
        Self::with(library, LARGE)
    }

    fn with(library: Library, large: usize) -> Self {
        Self(Arc::new(Inner {
            library,
            embedder: OnceLock::new(),
            shelves: Mutex::default(),
            searches: AtomicU64::new(0),
            changed: Notify::new(),
            large,
        }))
    }

    /// From now on texts have meanings. Only the first embedder counts.
    pub fn equip(&self, embedder: Embedder) {
        let _ = self.0.embedder.set(embedder);
        self.0.changed.notify_one();
    }

    pub fn embedder(&self) -> Option<&Embedder> {
        self.0.embedder.get()
    }

    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// The meaning of what somebody asks; nothing while there is no model.
    pub async fn embed(&self, text: &str) -> Option<Vector> {
        let embedder = self.embedder()?;
        match embedder.embed_one(text.to_owned()).await {
            Ok(vector) => Some(vector),
            Err(error) => {
                tracing::warn!(%error, "a question was not embedded; it is answered by its words");
                None
            }
        }
    }

    /// The meanings of what is quoted to somebody; nothing while there is no model.
    pub async fn embed_all(&self, texts: Vec<String>) -> Option<Vec<Vector>> {
        match self.embedder()?.embed_now(texts).await {
            Ok(vectors) => Some(vectors),
            Err(error) => {
                tracing::warn!(%error, "what is quoted was not embedded; it is chosen by its words");
                None
            }
        }
    }

    /// Told after a change, so that it is seen at once and embedded soon.
    pub fn changed(&self, workspace: WorkspaceId) {
        if let Some(known) = self.shelves().get(&workspace) {
            known.is_doubtful.store(true, Ordering::Release);
        }
        self.0.changed.notify_one();
    }

    /// The same where anything may have changed.
    pub fn may_have_changed(&self) {
        for shelf in self.shelves().values() {
            shelf.is_doubtful.store(true, Ordering::Release);
        }
        self.0.changed.notify_one();
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
        let started = Instant::now();
        let index = self.index(workspace).await?;
        let vector = vector.cloned().zip(self.embedder().map(Embedder::name));
        let query = Query { text: query.to_owned(), vector, limit, topics, mode };
        let answer = if index.is_slim {
            self.search_large(workspace, &index, &query).await?
        } else if index.chunks() <= AT_ONCE {
            index.search(&query)
        } else {
            // A pass over many, beside the tasks that must not wait.
            blocking(move || index.search(&query)).await
        };
        metrics::histogram!("switchboard_search_seconds").record(started.elapsed());
        Ok(answer)
    }

    /// The database finds the nearest, the memory those that share words; both are then scored together.
    async fn search_large(
        &self,
        workspace: WorkspaceId,
        index: &Index,
        query: &Query,
    ) -> Result<(Vec<Passage>, Mode), StoreError> {
        let limit = i64::try_from(query.limit).unwrap_or(LEG);
        let mut by_words = if query.mode == Mode::Vector { HashMap::new() } else { index.by_words(query) };
        let nearest = match &query.vector {
            Some((vector, _)) if query.mode != Mode::Text => {
                self.0.library.nearest(workspace, vector, &query.topics, LEG.max(limit)).await?
            }
            _ => Vec::new(),
        };
        let mode = if nearest.is_empty() { Mode::Text } else { query.mode };
        if mode == Mode::Text && query.mode == Mode::Vector {
            by_words = index.by_words(query);
        }
        let mut worded: Vec<_> = by_words.iter().map(|(place, words)| (*words, *place)).collect();
        worded.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        worded.truncate(usize::try_from(LEG).unwrap_or(usize::MAX).max(query.limit));
        let places: HashSet<_> =
            nearest.into_iter().chain(worded.into_iter().map(|(_, place)| place)).collect();
        let places: Vec<_> = places.into_iter().collect();
        let chunks = self.0.library.chunks_at(workspace, &places).await?;
        let mut found: Vec<_> = chunks
            .into_iter()
            .filter(|chunk| query.topics.include(chunk.topic.as_deref()))
            .map(|chunk| {
                let cosine = query.cosine(chunk.vector.as_ref());
                let words = by_words.get(&(chunk.document, chunk.ordinal)).copied().unwrap_or(0.0);
                passage(chunk, score(mode, cosine, words))
            })
            .collect();
        found.sort_unstable_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| (a.document, a.ordinal).cmp(&(b.document, b.ordinal)))
        });
        found.truncate(query.limit);
        Ok((found, mode))
    }

    /// The workspace's index, read again where it has changed.
    async fn index(&self, workspace: WorkspaceId) -> Result<Arc<Index>, StoreError> {
        let kept = self.shelves().entry(workspace).or_default().clone();
        let mut state = kept.state.lock().await;
        kept.used.store(self.0.searches.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let is_doubtful = kept.is_doubtful.swap(false, Ordering::AcqRel);
        if !is_doubtful && state.checked.is_some_and(|checked| checked.elapsed() < FRESH) {
            return Ok(state.index.clone());
        }
        // Until it is known again: a read that fails proves nothing.
        state.checked = None;
        let asked = Instant::now();
        let latest = self.0.library.stamp(workspace).await?;
        let has_changed = latest != state.index.stamp;
        if has_changed {
            state.index = self.read(workspace, latest, &state.index).await?;
        }
        state.checked = Some(asked);
        let index = state.index.clone();
        drop(state);
        if has_changed {
            self.make_room(workspace);
        }
        Ok(index)
    }

    /// A new index, of what the old one has that has not changed and what is read of the rest.
    async fn read(&self, workspace: WorkspaceId, stamp: i64, old: &Index) -> Result<Arc<Index>, StoreError> {
        let library = &self.0.library;
        let versions = library.versions(workspace).await?;
        let mut is_slim = old.is_slim && old.chunks() > self.0.large / 2;
        let mut kept = Vec::with_capacity(versions.len());
        let mut changed: Vec<Uuid> = Vec::new();
        for (id, version) in versions {
            match old.kept(id, version).filter(|_| is_slim == old.is_slim) {
                Some(document) => kept.push(document.clone()),
                None => changed.push(id),
            }
        }
        let mut chunks: usize = kept.iter().map(|document| document.pieces()).sum();
        let mut from = 0;
        loop {
            if !is_slim && chunks > self.0.large && library.is_indexed(workspace).await? {
                // What was kept whole is read again, for its words alone.
                is_slim = true;
                changed.extend(kept.drain(..).map(|document| document.id));
            }
            if from == changed.len() {
                break;
            }
            let some = &changed[from..changed.len().min(from + TOGETHER)];
            let mut documents = Gathered { is_slim, ..Gathered::default() };
            library.chunks(workspace, some, !is_slim, |chunk| documents.take(chunk)).await?;
            from += some.len();
            for document in documents.end() {
                chunks += document.pieces();
                kept.push(Arc::new(document));
            }
        }
        let build = move || Arc::new(Index::new(stamp, kept, is_slim));
        Ok(blocking(build).await)
    }

    /// Lets go of the workspaces that were asked for the longest ago, until the rest fits.
    fn make_room(&self, but: WorkspaceId) {
        let shelves: Vec<_> = self.shelves().iter().map(|(id, shelf)| (*id, shelf.clone())).collect();
        let mut sizes = Vec::with_capacity(shelves.len());
        let mut total = 0;
        for (id, shelf) in shelves {
            // One that is being read now is in use.
            let Ok(state) = shelf.state.try_lock() else { continue };
            let bytes = state.index.bytes();
            drop(state);
            total += bytes;
            if id != but {
                sizes.push((shelf.used.load(Ordering::Relaxed), id, bytes));
            }
        }
        sizes.sort_unstable_by_key(|(used, ..)| *used);
        for (_, id, bytes) in sizes {
            if total <= BUDGET {
                break;
            }
            self.shelves().remove(&id);
            total -= bytes;
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("switchboard_knowledge_bytes").set(total as f64);
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Shelf>>> {
        self.0.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Chunks that come in order, document by document.
#[derive(Default)]
struct Gathered {
    is_slim: bool,
    open: Vec<Shelved>,
    documents: Vec<Document>,
}

impl Gathered {
    fn take(&mut self, chunk: Shelved) {
        if self.open.last().is_some_and(|last| last.document != chunk.document) {
            self.close();
        }
        self.open.push(chunk);
    }

    fn close(&mut self) {
        let chunks = std::mem::take(&mut self.open);
        self.documents.extend(Document::of(chunks, self.is_slim));
    }

    fn end(mut self) -> Vec<Document> {
        self.close();
        self.documents
    }
}

/// Work for a thread of its own. It panics only where the work does.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(crash) => std::panic::resume_unwind(crash.into_panic()),
    }
}
