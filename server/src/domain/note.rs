//! What staff tell each other beside a conversation.

use serde_json::Value;
use switchboard_protocol::ids::{ClientId, ConversationId, MessageId, Seq};

use super::clock::Timestamp;
use super::message::{Author, Fingerprint, Receipt};

/// A committed note. Its number counts the notes of its conversation alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub id: MessageId,
    pub conversation: ConversationId,
    pub seq: Seq,
    pub client_id: ClientId,
    pub author: Author,
    pub content: String,
    pub attachments: Option<Value>,
    pub metadata: Option<Value>,
    pub created_at: Timestamp,
}

impl Note {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.content, self.metadata.as_ref(), self.attachments.as_ref())
    }

    pub fn receipt(&self, duplicate: bool) -> Receipt {
        Receipt { id: self.id, seq: self.seq, created_at: self.created_at, duplicate }
    }
}
