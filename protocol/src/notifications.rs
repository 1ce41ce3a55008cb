//! What the server tells without being asked.
//!
//! One table, [`NOTIFICATIONS`], is the source of the names, of the JSON Schema and of the TypeScript.

use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::chat::{Message, Person, Role, State};
use crate::error::RpcError;
use crate::ids::{ClientId, ConversationId, MessageId, Seq};
use crate::staff::{EscalationNews, Note, Staff};
use crate::typescript::Declarations;

notifications! {
    MessageCreated       "message.created",
    MessageDelta         "message.delta",
    MessageWithdrawn     "message.withdrawn",
    MessageRejected      "message.rejected",
    ConversationUpdated  "conversation.updated",
    ReadUpdated          "read.updated",
    WorkflowStep         "workflow.step",
    TypingUpdated        "typing",
    ServerDraining       "server.draining",
    EscalationUpdated    "escalation.updated",
    NoteCreated          "note.created",
    PresenceUpdated      "presence.updated",
}

/// The parameters of a notification, which know its name.
pub trait Notice: Serialize {
    const METHOD: &'static str;

    /// The text frame, serialised once for all who get it.
    fn frame(&self) -> String
    where
        Self: Sized,
    {
        crate::envelope::notification(Self::METHOD, self)
    }
}

/// One row of the table of notifications.
pub struct Entry {
    pub name: &'static str,
    pub(crate) params_schema: fn(&mut SchemaGenerator) -> Schema,
    /// Declares the type and gives its name.
    pub(crate) declare: fn(&mut Declarations) -> String,
}

/// A message was committed. Its sender has the response instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageCreated {
    pub message: Arc<Message>,
}

/// More of a reply that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageDelta {
    pub conversation_id: ConversationId,
    /// The id that the message will have.
    pub message_id: MessageId,
    /// The characters sent before; one that is not the length held is ignored.
    pub offset: u32,
    pub text: String,
}

/// Discard the text streamed under this id: it will not become a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageWithdrawn {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub reason: WithdrawnReason,
}

/// Why streamed text was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawnReason {
    /// A person took the conversation over.
    Takeover,
    /// Somebody asked for it.
    Cancelled,
    /// The turn starts again from its last recorded step.
    Restarted,
}

/// A message that the journal had accepted was refused by the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MessageRejected {
    pub client_id: ClientId,
    pub error: RpcError,
}

/// The state of a conversation, whole, after the commit of its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationUpdated {
    pub conversation: State,
}

/// Up to where each side has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReadUpdated {
    pub conversation_id: ConversationId,
    pub user: Seq,
    pub staff: Seq,
}

/// A step of the agent's work began or ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WorkflowStep {
    pub conversation_id: ConversationId,
    pub turn: i64,
    pub step: String,
    pub status: StepStatus,
    /// What the step decided; visitors are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub detail: Option<Value>,
}

/// How a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    Running,
    Done,
    Failed,
    Skipped,
}

/// Somebody else is typing, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TypingUpdated {
    pub conversation_id: ConversationId,
    pub role: Role,
    pub author: Option<Person>,
    pub on: bool,
}

/// The server is about to stop: reconnect after this long, and resume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ServerDraining {
    pub reconnect_after_ms: u64,
}

/// To staff who subscribed: an escalation as it stands after a change, its first one included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationUpdated {
    pub escalation: EscalationNews,
    /// For `since` of the next `escalation.subscribe`: all that changed up to here has been told.
    pub cursor: String,
}

/// To staff in the conversation: a colleague left a note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct NoteCreated {
    pub note: Note,
}

/// To staff who subscribed: a colleague came, went, or changed how much they take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct PresenceUpdated {
    pub staff: Staff,
}

macro_rules! notifications {
    ($($params:ident $name:literal,)*) => {
        $(impl Notice for $params {
            const METHOD: &'static str = $name;
        })*

        /// Every notification of the server, in the order of the contract.
        pub const NOTIFICATIONS: &[Entry] = &[$(Entry {
            name: $name,
            params_schema: |generator| generator.subschema_for::<$params>(),
            declare: |declarations| declarations.add::<$params>(),
        },)*];
    };
}
use notifications;
