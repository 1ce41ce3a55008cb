//! What is known, made findable: texts into chunks, chunks into vectors, questions into passages.

pub mod chunk;
