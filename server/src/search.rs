//! What is known, made findable: texts into chunks, chunks into vectors, questions into passages.

pub mod chunk;
pub mod embedder;
pub mod knowledge;
pub mod model;

pub use knowledge::{Knowledge, stock};
