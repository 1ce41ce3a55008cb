//! The things of one kind of every workspace, found by words and by meaning.
//!
//! Invariant: an answer is of the workspace that asked, and of its things as they were stored at most `FRESH` ago; what
//! was changed through this handle is in it. What is held in memory has a bound.

mod embedding;
pub mod index;
pub mod kind;
mod large;
pub mod words;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Notify;
use uuid::Uuid;

use super::embedder::Mind;
use crate::store::StoreError;
use index::{Document, Index, Mode, Query};
use kind::{Counted, Kind, Piece};

/// Cheap to clone.
pub struct Shelves<K: Kind>(Arc<Inner<K>>);

struct Inner<K: Kind> {
    stored: K,
    mind: Mind,
    shelves: Mutex<HashMap<WorkspaceId, Arc<Shelf<K>>>>,
    searches: AtomicU64,
    /// Something may wait for vectors.
    changed: Notify,
    /// With more pieces than this, and pgvector there, the database finds the nearest.
    large: usize,
}

/// What is known of one workspace, and when that was last found to be so.
struct Shelf<K: Kind> {
    /// Held by the one who reads it again.
    state: tokio::sync::Mutex<State<K>>,
    /// It is to be looked at again before it is believed.
    is_doubtful: AtomicBool,
    /// When it was last asked, counted in searches.
    used: AtomicU64,
}

struct State<K: Kind> {
    index: Arc<Index<K::Piece>>,
    checked: Option<Instant>,
}

/// What a search found, the best first, each with its score; and how: by words alone where there are no vectors.
pub type Found<K> = (Vec<(<K as Kind>::Piece, f32)>, Mode);

/// A question to the things of one kind.
type Asked<K> = Query<<<K as Kind>::Piece as Piece>::Filter>;

/// How old what is known may be: another node, or a command beside the server, may have changed it.
const FRESH: Duration = Duration::from_secs(1);
/// All indexes of a kind together. One workspace's may be larger, and is then the only one.
const BUDGET: usize = 512 * 1024 * 1024;
/// Pieces that are scanned within the caller's own task, in less than a millisecond.
const AT_ONCE: usize = 500;
/// Documents of which the changed pieces are read together.
const TOGETHER: usize = 500;

impl<K: Kind> Clone for Shelves<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Kind> Shelf<K> {
    fn empty() -> Arc<Self> {
        Arc::new(Self {
            state: tokio::sync::Mutex::new(State { index: Arc::default(), checked: None }),
            is_doubtful: AtomicBool::new(false),
            used: AtomicU64::new(0),
        })
    }
}

impl<K: Kind> Shelves<K> {
    /// Beyond `large` pieces of a workspace the database finds the nearest, where it can.
    pub fn new(stored: K, mind: Mind, large: usize) -> Self {
        Self(Arc::new(Inner {
            stored,
            mind,
            shelves: Mutex::default(),
            searches: AtomicU64::new(0),
            changed: Notify::new(),
            large,
        }))
    }

    pub fn stored(&self) -> &K {
        &self.0.stored
    }

    pub fn mind(&self) -> &Mind {
        &self.0.mind
    }

    /// Texts have meanings from now on: what waits is looked for.
    pub fn woken(&self) {
        self.0.changed.notify_one();
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

    pub async fn search(&self, workspace: WorkspaceId, query: Asked<K>) -> Result<Found<K>, StoreError> {
        let started = Instant::now();
        let index = self.index(workspace).await?;
        let answer = if index.is_slim {
            self.search_large(workspace, &index, &query).await?
        } else if index.pieces() <= AT_ONCE {
            index.search(&query)
        } else {
            // A pass over many, beside the tasks that must not wait.
            blocking(move || index.search(&query)).await
        };
        metrics::histogram!("switchboard_search_seconds", "of" => K::NAME).record(started.elapsed());
        Ok(answer)
    }

    /// The workspace's index, read again where it has changed.
    pub(in crate::search) async fn index(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Arc<Index<K::Piece>>, StoreError> {
        let kept = self.shelves().entry(workspace).or_insert_with(Shelf::empty).clone();
        let mut state = kept.state.lock().await;
        kept.used.store(self.0.searches.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let is_doubtful = kept.is_doubtful.swap(false, Ordering::AcqRel);
        if !is_doubtful && state.checked.is_some_and(|checked| checked.elapsed() < FRESH) {
            return Ok(state.index.clone());
        }
        // Until it is known again: a read that fails proves nothing.
        state.checked = None;
        let asked = Instant::now();
        let latest = self.0.stored.read().stamp(workspace).await?;
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
    async fn read(
        &self,
        workspace: WorkspaceId,
        stamp: i64,
        old: &Index<K::Piece>,
    ) -> Result<Arc<Index<K::Piece>>, StoreError> {
        let stored = &self.0.stored;
        let versions = stored.read().versions(workspace).await?;
        let mut is_slim = old.is_slim && old.pieces() > self.0.large / 2;
        let mut kept = Vec::with_capacity(versions.len());
        let mut changed: Vec<Uuid> = Vec::new();
        for (id, version) in versions {
            match old.kept(id, version).filter(|_| is_slim == old.is_slim) {
                Some(document) => kept.push(document.clone()),
                None => changed.push(id),
            }
        }
        let mut pieces: usize = kept.iter().map(|document| document.pieces()).sum();
        let mut from = 0;
        loop {
            if !is_slim && pieces > self.0.large && stored.read().is_indexed(workspace).await? {
                // What was kept whole is read again, for its words alone.
                is_slim = true;
                changed.extend(kept.drain(..).map(|document| document.id));
            }
            if from == changed.len() {
                break;
            }
            let some = &changed[from..changed.len().min(from + TOGETHER)];
            let mut documents = Gathered::new(is_slim);
            stored.pieces(workspace, some, !is_slim, |piece| documents.take(piece)).await?;
            from += some.len();
            for document in documents.end() {
                pieces += document.pieces();
                kept.push(Arc::new(document));
            }
        }
        let build = move || Arc::new(Index::new(stamp, kept, is_slim, K::LEAST_TEXTS));
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
        K::count(Counted::Bytes(total));
    }

    fn shelves(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Shelf<K>>>> {
        self.0.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pieces that come in order, document by document.
struct Gathered<P> {
    is_slim: bool,
    open: Vec<P>,
    documents: Vec<Document<P>>,
}

impl<P: Piece> Gathered<P> {
    fn new(is_slim: bool) -> Self {
        Self { is_slim, open: Vec::new(), documents: Vec::new() }
    }

    fn take(&mut self, piece: P) {
        if self.open.last().is_some_and(|last| last.place().0 != piece.place().0) {
            self.close();
        }
        self.open.push(piece);
    }

    fn close(&mut self) {
        let pieces = std::mem::take(&mut self.open);
        self.documents.extend(Document::of(pieces, self.is_slim));
    }

    fn end(mut self) -> Vec<Document<P>> {
        self.close();
        self.documents
    }
}

/// Work for a thread of its own. It panics only where the work does.
pub(in crate::search) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(crash) => std::panic::resume_unwind(crash.into_panic()),
    }
}
