//! What happens in a conversation, told to everyone who is in it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use switchboard_protocol::ids::ConversationId;

use crate::domain::conversation::{Conversation, ReadMarks};
use crate::domain::message::{Author, Message, Role};

#[derive(Debug)]
pub enum Event {
    Message(Arc<Message>),
    State(Arc<Conversation>),
    Reads { conversation: ConversationId, marks: ReadMarks },
    Typing { conversation: ConversationId, role: Role, author: Option<Author>, on: bool },
}

impl Event {
    /// What may be dropped for a slow reader: it is stale a moment later anyway.
    pub fn is_ephemeral(&self) -> bool {
        matches!(self, Self::Typing { .. })
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
