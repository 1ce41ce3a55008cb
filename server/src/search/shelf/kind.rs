//! What a kind of thing has to say for itself to be searched: where it is stored, and what its pieces are.

use std::fmt::Debug;
use std::future::Future;

use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::words::Bag;
use crate::domain::vector::{Sense, Vector};
use crate::search::facets::Facets;
use crate::store::StoreError;
use crate::store::pieces::Pieces;
pub use crate::store::pieces::Place;

/// What a piece means, and to which embedder.
pub type Made = (Sense, String);

/// One kind of thing, as it is stored. Every change of a workspace raises its stamp, and sets that of what it changes.
pub trait Kind: Clone + Send + Sync + 'static {
    type Piece: Piece;
    /// A piece, or something beside them, that has no vector yet.
    type Waiting: Send + Sync;

    /// In logs, and as a label of metrics.
    const NAME: &'static str;
    /// A word is as rare as among so many texts, where there are fewer.
    const LEAST_TEXTS: usize = 0;

    /// Into the metrics of this kind.
    fn count(what: Counted);

    /// How its pieces are read, whatever they are.
    fn read(&self) -> &Pieces;

    /// All pieces of these documents into `take`, in the order of document and number.
    fn pieces(
        &self,
        workspace: WorkspaceId,
        documents: &[Uuid],
        with_vectors: bool,
        take: impl FnMut(Self::Piece) + Send,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The pieces at these places, at most [`TOGETHER`], in no order; those that are gone are left out.
    fn pieces_at(
        &self,
        workspace: WorkspaceId,
        places: &[Place],
    ) -> impl Future<Output = Result<Vec<Self::Piece>, StoreError>> + Send;

    /// The nearest by the database's index, as many as `limit` if so many pass the filter.
    fn nearest(
        &self,
        workspace: WorkspaceId,
        vector: &Vector,
        filter: &<Self::Piece as Piece>::Filter,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Place>, StoreError>> + Send;

    /// At most `limit` that wait for a vector, whosever they are, those of a workspace together.
    fn waiting(&self, limit: i64) -> impl Future<Output = Result<Vec<Self::Waiting>, StoreError>> + Send;

    /// Whose it is, and what is to be embedded.
    fn facets(waiting: &Self::Waiting) -> (WorkspaceId, Facets);

    /// Stores what some of one workspace mean.
    fn embed(
        &self,
        workspace: WorkspaceId,
        embedder: &str,
        senses: &[(&Self::Waiting, Sense)],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What is measured of a kind.
#[derive(Clone, Copy, Debug)]
pub enum Counted {
    /// So many wait for a vector.
    Waiting(i64),
    /// So many more were given one.
    Embedded(usize),
    /// So many bytes are held in memory, about.
    Bytes(usize),
}

/// What is found: a part of a document.
pub trait Piece: Clone + Debug + Send + Sync + 'static {
    type Filter: Clone + Debug + Send + Sync + 'static;

    fn place(&self) -> Place;
    /// The stamp of its document's last change.
    fn version(&self) -> i64;
    /// The words that it is found by.
    fn bag(&self) -> Bag;
    /// Takes what it means out of it.
    fn take_sense(&mut self) -> Option<Made>;
    /// Forgets all but what a filter looks at.
    fn forget_texts(&mut self);
    fn passes(&self, filter: &Self::Filter) -> bool;
    /// What it takes in memory, about.
    fn bytes(&self) -> usize;
}

/// Pieces that are asked for by their places in one statement.
pub const TOGETHER: usize = 1_000;
