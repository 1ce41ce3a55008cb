//! What is known and what was learned, made findable: texts into chunks, chunks into vectors, questions into passages.

pub mod chunk;
pub mod embedder;
pub mod eval;
mod facets;
mod indexing;
pub mod insights;
pub mod knowledge;
pub mod memory;
pub mod model;
mod shelf;

pub use embedder::Mind;
pub use indexing::{catch_up, keep_indexing};
pub use knowledge::{Knowledge, stock};
pub use memory::Memories;
pub use shelf::index::Mode;
