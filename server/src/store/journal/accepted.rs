//! What the journal keeps: messages as they were accepted, and that they are settled. One line of JSON each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard_protocol::ids::{ClientId, ConversationId, WorkspaceId};

use crate::domain::clock::Timestamp;
use crate::domain::conversation::{Conversation, Mode, Owner};
use crate::domain::message::Draft;
use crate::domain::visitor::Visitor;

/// A message that was accepted while the database was away: masked, and all that it takes to store it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    pub at: Timestamp,
    pub draft: Draft,
    /// Of a conversation without a row.
    pub beginning: Option<Beginning>,
}

/// Names a message within a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    pub conversation: ConversationId,
    pub client_id: ClientId,
}

/// What becomes the row of a visitor and of a conversation with the first message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beginning {
    visitor: Visitor,
    session: Option<Box<str>>,
    mode: Option<Mode>,
    metadata: Option<Box<Value>>,
    answered_by_ai: bool,
    created_at: Timestamp,
}

/// One line of a frame.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Begins a segment: how many bytes of the one before count.
    After(u64),
    Accepted(Box<Accepted>),
    Settled(Key),
}

impl Accepted {
    pub fn key(&self) -> Key {
        Key { conversation: self.conversation, client_id: self.draft.client_id }
    }
}

impl Beginning {
    pub fn of(conversation: &Conversation, visitor: &Visitor) -> Self {
        Self {
            visitor: visitor.clone(),
            session: conversation.session.clone(),
            mode: conversation.mode,
            metadata: conversation.metadata.clone(),
            answered_by_ai: conversation.owner == Owner::Ai,
            created_at: conversation.created_at,
        }
    }

    /// As it was when its first message was accepted.
    pub fn conversation(self, id: ConversationId) -> (Conversation, Arc<Visitor>) {
        let Self { visitor, session, mode, metadata, answered_by_ai, created_at } = self;
        let fresh = Conversation::fresh(id, visitor.workspace, visitor.id, created_at);
        let fresh = if answered_by_ai { fresh.answered_by_ai() } else { fresh };
        (Conversation { session, mode, metadata, ..fresh }, Arc::new(visitor))
    }
}
