//! A request for a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, EscalationId, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Notified,
    InProgress,
    Resolved,
}

stored_names!(Status {
    Pending = "pending",
    Notified = "notified",
    InProgress = "in_progress",
    Resolved = "resolved",
});

/// Why a person was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    HumanOnly,
    Sensitive,
    LowConfidence,
    InsufficientEvidence,
    UserRequest,
    AgentError,
    StaffTakeover,
    Guard,
}

stored_names!(Trigger {
    HumanOnly = "human_only",
    Sensitive = "sensitive",
    LowConfidence = "low_confidence",
    InsufficientEvidence = "insufficient_evidence",
    UserRequest = "user_request",
    AgentError = "agent_error",
    StaffTakeover = "staff_takeover",
    Guard = "guard",
});

/// What a visitor left so that somebody can reach them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Escalation {
    pub id: EscalationId,
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    /// The turn that it came from.
    pub interaction: Option<Uuid>,
    /// The intent, where one was understood.
    pub issue: Option<String>,
    pub trigger: Trigger,
    pub reason: Option<String>,
    pub original_request: Option<String>,
    /// What led to it: the tail of the log, and what the turn decided.
    pub context: Option<Value>,
    pub summary: Option<String>,
    pub priority: i16,
    pub contact: Option<Contact>,
    pub status: Status,
    pub assignee_name: Option<String>,
    pub created_at: Timestamp,
}
