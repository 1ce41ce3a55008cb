//! Live conversations: one actor each while something happens, a small entry while nothing does.
//!
//! Invariant: the registry alone knows where a session lives, and a session is the only writer of its conversation.

mod actor;
pub mod core;
pub mod event;
mod minds;
pub mod queue;
pub mod recent;
pub mod registry;
mod replay;
pub mod room;
mod turn;

use std::sync::Arc;

use crate::domain::clock::Timestamp;
use crate::domain::conversation::Conversation;
use crate::domain::escalation::Escalation;
use crate::domain::message::Receipt;

pub use minds::Minds;
pub use registry::Registry;
pub use room::Room;

/// What an act came to.
#[expect(clippy::large_enum_variant, reason = "told at once, and kept nowhere")]
#[derive(Clone, Debug)]
pub enum Answer {
    Said(Receipt),
    /// Accepted, and on this server's disk: its number comes once the database is back.
    Journaled {
        at: Timestamp,
        duplicate: bool,
    },
    State(Arc<Conversation>),
    Escalated(Escalation),
    /// The open turn was ended.
    Cancelled,
}

/// Why an act was not carried out.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The conversation is closed; what stands.
    Closed(Arc<Conversation>),
    /// The client id names a message of other content; which.
    Reused(Receipt),
    /// The same of one that has no number yet; when that was accepted.
    ReusedUnstored(Timestamp),
    /// The database is away or busy; nothing was acknowledged.
    Unavailable,
    /// The session lives elsewhere now, or its conversation was written by somebody else: open again.
    Moved,
    /// The agent answers here; what stands.
    AgentAnswers(Arc<Conversation>),
    /// Somebody else was quicker, or it is done with; what stands.
    Lost(Arc<Conversation>),
    /// The database will never accept it.
    Rejected(String),
}

/// Told once, in the order of the log.
pub type Reply = Box<dyn FnOnce(Result<Answer, Refusal>) + Send>;

/// Tells one socket from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);
