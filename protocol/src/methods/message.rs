//! Writing, listing and judging messages; who has read them, and who is typing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::rows;
use crate::chat::{Message, Metadata};
use crate::ids::{ClientId, ConversationId, DocumentId, MessageId, Seq};
use crate::limits;
use crate::params::{Members, Params, Problems, at_most, limit_fits, metadata_fits, within};
use crate::time::Timestamp;

/// Writes a message. Safe to repeat: the same `client_id` gives the first result again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct MessageSend {
    pub conversation_id: ConversationId,
    pub client_id: ClientId,
    #[schemars(length(min = 1, max = limits::CONTENT))]
    pub content: String,
    /// At most 16 KiB as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Documents uploaded to this conversation before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::ATTACHMENTS))]
    pub attachments: Option<Vec<DocumentId>>,
    /// From staff: a note, which no visitor ever sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// Over HTTP: wait so long for the reply, and return it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::WAIT_REPLY_MS))]
    pub wait_reply_ms: Option<u32>,
}

/// A message was accepted, and where it is safe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageSent {
    /// Null until the journal is drained.
    pub id: Option<MessageId>,
    /// Null until the journal is drained.
    pub seq: Option<Seq>,
    pub created_at: Timestamp,
    /// Whether this `client_id` had been accepted before.
    pub duplicate: bool,
    pub durability: Durability,
    /// Only where `wait_reply_ms` was sent and the reply came in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub reply: Option<Arc<Message>>,
}

/// Which disk holds an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Committed to the database.
    Postgres,
    /// In this server's own journal while the database is away.
    Journal,
}

/// A page of the log, in the order of `seq`. With neither bound: the last page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct MessageList {
    pub conversation_id: ConversationId,
    /// 1 to head + 1. Not together with `after_seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_seq: Option<Seq>,
    /// 0 to head. Not together with `before_seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<Seq>,
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::LIST))]
    pub limit: Option<u32>,
}

impl MessageList {
    pub fn rows(&self) -> usize {
        rows(self.limit)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageListed {
    pub messages: Vec<Arc<Message>>,
    /// Whether more lie in the direction of the request; without one, whether earlier ones do.
    pub has_more: bool,
}

/// The reader has seen everything up to here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageRead {
    pub conversation_id: ConversationId,
    pub seq: Seq,
}

/// Whether an answer helped; it reaches the trace of the turn that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct MessageFeedback {
    pub message_id: MessageId,
    pub helpful: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::COMMENT))]
    pub comment: Option<String>,
}

/// Sent as a notification: somebody is typing, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Typing {
    pub conversation_id: ConversationId,
    pub on: bool,
}

impl Params for MessageSend {
    fn within_limits(&self) -> bool {
        within(1, limits::CONTENT, Some(&self.content))
            && metadata_fits(self.metadata.as_ref())
            && self.attachments.as_ref().is_none_or(|ids| ids.len() <= limits::ATTACHMENTS)
            && self.wait_reply_ms.is_none_or(|ms| ms <= limits::WAIT_REPLY_MS)
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        problems.metadata(params);
    }
}

impl Params for MessageList {
    fn within_limits(&self) -> bool {
        limit_fits(self.limit) && !(self.before_seq.is_some() && self.after_seq.is_some())
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        problems.either_or(params, "before_seq", "after_seq");
    }
}

impl Params for MessageRead {}

impl Params for MessageFeedback {
    fn within_limits(&self) -> bool {
        at_most(limits::COMMENT, self.comment.as_ref())
    }
}

impl Params for Typing {}
