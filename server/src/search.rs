//! What is known, made findable: texts into chunks, chunks into vectors, questions into passages.

pub mod chunk;
pub mod embedder;
pub mod eval;
pub mod insights;
pub mod knowledge;
pub mod model;
mod passage;
mod rank;

pub use knowledge::{Knowledge, stock};
