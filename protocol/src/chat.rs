//! What a conversation is made of: its messages, its state, and the place a client has read up to.
//!
//! A field that may be missing is always there as `null`, so that a client need not tell the two apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::ids::{ClientId, ConversationId, DocumentId, Epoch, EscalationId, MessageId, Seq, VisitorId};
use crate::time::Timestamp;

/// Whatever a client wants to keep beside a message or a conversation: any JSON object.
pub type Metadata = Map<String, Value>;

/// One entry of a conversation's log. Written once, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub seq: Seq,
    /// The idempotency key that its sender chose; null for what the server wrote.
    pub client_id: Option<ClientId>,
    pub role: Role,
    /// Which of the preset's agents wrote it; null for people.
    pub agent_name: Option<String>,
    pub author: Option<Person>,
    pub content: String,
    pub citations: Vec<Citation>,
    pub attachments: Vec<Attachment>,
    pub metadata: Option<Metadata>,
    pub created_at: Timestamp,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
    Staff,
    System,
}

/// A person as others in the conversation see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Person {
    pub id: VisitorId,
    pub name: Option<String>,
}

/// Where a numbered claim of the assistant comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Citation {
    /// The number in the text.
    pub number: u32,
    /// Names the document within the knowledge base.
    pub source: String,
    pub title: String,
    pub url: Option<String>,
}

/// A document that belongs to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Attachment {
    pub id: DocumentId,
    pub name: String,
    /// The media type, as sniffed by the server.
    pub r#type: String,
    /// Bytes.
    pub size: i64,
    /// A signed link that expires.
    pub url: String,
}

/// All of a conversation that is not its log. Sent whole; the larger (epoch, version) wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct State {
    pub conversation_id: ConversationId,
    /// The client's own name for the conversation.
    pub session_id: Option<String>,
    pub epoch: Epoch,
    pub version: i64,
    pub status: Status,
    pub owner: Owner,
    pub assignee: Option<Person>,
    pub mode: Option<Mode>,
    pub workflow: Option<WorkflowState>,
    pub escalation: Option<EscalationBrief>,
    /// The visitor's score, 1 to 5.
    pub rating: Option<u8>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The AI answers.
    Active,
    /// A person is asked for, and none has it yet.
    Waiting,
    /// A person has it.
    WithStaff,
    /// Done; a message of the visitor reopens it.
    Resolved,
    /// Done; a message of the visitor is a `conflict`.
    Closed,
}

/// Who may answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    Ai,
    Staff,
    None,
}

/// Whose words a preset with two audiences uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Customer,
    Banker,
}

/// Where the agent's work stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WorkflowState {
    pub r#type: String,
    /// The step that runs or ran last; null before the first.
    pub step: Option<String>,
    pub turn: i64,
    pub awaiting: Option<Awaiting>,
}

/// What the workflow cannot go on without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Awaiting {
    ContactDetails,
    Confirmation,
    Staff,
}

/// An escalation as the state of its conversation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationBrief {
    pub id: EscalationId,
    pub status: EscalationStatus,
}

/// An escalation as its visitor sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct VisitorEscalation {
    pub id: EscalationId,
    pub status: EscalationStatus,
    pub created_at: Timestamp,
    pub assignee_name: Option<String>,
}

/// How far an escalation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum EscalationStatus {
    /// Nobody knows of it yet.
    Pending,
    /// A webhook or a live console has it.
    Notified,
    /// A person has it.
    InProgress,
    /// A person is done with it.
    Resolved,
}

/// A place in a conversation's log that a client can resume from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
pub struct Position {
    pub epoch: Epoch,
    pub seq: Seq,
}

/// Up to where each side has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReadMarks {
    pub user: Seq,
    pub staff: Seq,
}

/// The reply being written while a client opens: what it would have seen of the deltas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Streaming {
    pub message_id: MessageId,
    pub text: String,
}
