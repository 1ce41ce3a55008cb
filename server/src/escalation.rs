//! What waits for people, and the people who are there for it: shown live to every console that asked.
//!
//! Invariant: the table is the truth. A console is told what was read from it, in the order of its changes.

pub mod feed;
pub mod people;
pub mod presence;

pub use feed::{Console, Feed, News};
pub use people::People;
pub use presence::Presences;
