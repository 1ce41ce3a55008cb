//! What support staff see and visitors do not: escalations whole, notes, each other, and why a turn ended as it did.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::chat::{Attachment, EscalationStatus, Metadata, Person};
use crate::ids::{
    CannedId, ClientId, ConversationId, EscalationId, InteractionId, MessageId, Seq, VisitorId, WorkspaceId,
};
use crate::methods::Interaction;
use crate::time::Timestamp;

/// A request for a person, whole. The larger version wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Escalation {
    pub id: EscalationId,
    pub version: i64,
    pub workspace_id: WorkspaceId,
    pub conversation_id: ConversationId,
    /// The turn that it came from; null where a person began it.
    pub interaction_id: Option<InteractionId>,
    /// The intent, where one was understood.
    pub issue_type: Option<String>,
    pub trigger_type: Trigger,
    pub reason: Option<String>,
    pub original_request: Option<String>,
    pub status: EscalationStatus,
    pub contact_info: Option<ContactInfo>,
    /// The tail of the log that led to it, and what the turn decided.
    pub conversation_context: Option<Value>,
    pub summary: Option<String>,
    /// The larger is the more urgent.
    pub priority: i16,
    pub assignee: Option<Person>,
    pub resolution: Option<String>,
    pub created_at: Timestamp,
    pub notified_at: Option<Timestamp>,
    pub claimed_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// Why a person was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "TriggerType")]
#[schemars(rename = "TriggerType")]
pub enum Trigger {
    /// The preset leaves this to people.
    HumanOnly,
    Sensitive,
    LowConfidence,
    InsufficientEvidence,
    /// The visitor asked for it.
    UserRequest,
    AgentError,
    /// A person took over without being asked.
    StaffTakeover,
    /// The guard stopped the visitor.
    Guard,
}

/// How a person can reach the visitor, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ContactInfo {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

/// What became of an escalation: as it stands, or that it was erased.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly all are whole")]
pub enum EscalationNews {
    Whole(Escalation),
    Erased(ErasedEscalation),
}

/// The person whom it was about has asked to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ErasedEscalation {
    pub id: EscalationId,
    pub version: i64,
    /// Always true.
    pub deleted: bool,
}

/// What staff tell each other beside a conversation. Its `seq` counts the notes of the conversation alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Note {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub client_id: ClientId,
    pub author: Person,
    pub content: String,
    pub attachments: Vec<Attachment>,
    pub metadata: Option<Metadata>,
    /// Always true: no visitor ever sees it.
    pub private: bool,
    pub created_at: Timestamp,
}

/// A colleague, as the console shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Staff {
    pub id: VisitorId,
    pub name: Option<String>,
    pub status: Presence,
    /// How many conversations they want to have at most.
    pub capacity: u32,
    /// Since when they are what `status` says.
    pub since: Timestamp,
}

/// Who the visitor of a conversation is, as far as they or the page that they came from have told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct VisitorProfile {
    pub id: VisitorId,
    /// The page's server has vouched for `external_id`. All else is what was told.
    pub verified: bool,
    pub external_id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub metadata: Option<Metadata>,
}

/// Whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    Online,
    /// There, and not to be given more to do.
    Away,
    Offline,
}

/// A short text that the console writes for `/name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CannedResponse {
    pub id: CannedId,
    pub name: String,
    pub content: String,
    pub updated_at: Timestamp,
}

/// One turn of the agent, with what each of its steps decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InteractionTrace {
    #[serde(flatten)]
    pub interaction: Interaction,
    /// By the name of the step.
    pub steps: BTreeMap<String, StepTrace>,
}

/// A recorded step of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct StepTrace {
    pub status: String,
    pub started_at: Timestamp,
    pub ms: i64,
    pub output: Value,
}
