//! The wire, held against golden files, against its own schema, and against nonsense.

#![expect(clippy::unwrap_used, reason = "what a test does not expect should stop it")]

mod envelope;
mod errors;
mod golden;
mod params;
mod schema;
mod typescript;
