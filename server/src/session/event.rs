//! What happens in a conversation, told to everyone who is in it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use switchboard_protocol::ids::{ClientId, ConversationId, MessageId};

use super::Refusal;
use crate::domain::conversation::{Conversation, ReadMarks};
use crate::domain::message::{Author, Message, Role};
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
    },
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

/// One event on its way to many: the first listener that needs its frame makes it, the others share it.
#[derive(Debug)]
pub struct Broadcast {
    pub event: Event,
    frame: OnceLock<Bytes>,
}

impl Broadcast {
    pub fn new(event: Event) -> Self {
        Self { event, frame: OnceLock::new() }
    }

    pub fn frame(&self, encode: impl FnOnce(&Event) -> Bytes) -> Bytes {
        self.frame.get_or_init(|| encode(&self.event)).clone()
    }
}

/// A socket, as a session sees it. Must not block.
pub trait Listener: Send + Sync {
    fn hear(&self, broadcast: &Broadcast);

    /// The session lives elsewhere now: the client should come back and will find it.
    fn moved(&self);
}
