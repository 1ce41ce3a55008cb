//! What happens in a conversation, told to everyone who is in it.

use std::sync::Arc;

use serde_json::Value;
use switchboard_protocol::ids::{ClientId, ConversationId, MessageId};

use super::Refusal;
use crate::domain::broadcast;
use crate::domain::conversation::{Conversation, ReadMarks};
use crate::domain::message::{Author, Message, Role};
use crate::domain::note::Note;
use crate::domain::workflow::Step;

#[derive(Debug)]
pub enum Event {
    Message(Arc<Message>),
    /// What the journal had accepted was refused at the drain.
    Rejected {
        client_id: ClientId,
        refusal: Refusal,
    },
    State(Arc<Conversation>),
    Reads {
        conversation: ConversationId,
        marks: ReadMarks,
    },
    /// A piece of a reply that is being written; `offset` counts the characters before it.
    Delta {
        conversation: ConversationId,
        message: MessageId,
        offset: usize,
        text: String,
    },
    Withdrawn {
        conversation: ConversationId,
        message: MessageId,
        reason: Withdrawal,
    },
    Step {
        conversation: ConversationId,
        turn: i64,
        step: Step,
        phase: Phase,
        /// What it decided, for staff alone.
        detail: Option<Value>,
    },
    /// For staff alone.
    Note(Arc<Note>),
    Typing {
        conversation: ConversationId,
        role: Role,
        author: Option<Author>,
        on: bool,
    },
}

/// Why text that was streamed will not become a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    Cancelled,
    Restarted,
    TakenOver,
}

/// How far a step of the agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Running,
    Done,
    Failed,
}

impl Event {
    /// What may be dropped for a slow reader: it is stale a moment later anyway.
    pub fn is_ephemeral(&self) -> bool {
        matches!(self, Self::Typing { .. } | Self::Delta { .. } | Self::Step { .. })
    }
}

/// One event on its way to everyone in the conversation.
pub type Broadcast = broadcast::Broadcast<Event>;

/// A socket, as a session sees it. Must not block.
pub trait Listener: Send + Sync {
    fn hear(&self, broadcast: &Broadcast);

    /// The session lives elsewhere now: the client should come back and will find it.
    fn moved(&self);
}
