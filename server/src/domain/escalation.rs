//! A request for a person, and the steps of its life.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, EscalationId, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::{Person, stored_names};

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
    pub version: i64,
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
    pub assignee: Option<Person>,
    pub resolution: Option<String>,
    pub created_at: Timestamp,
    pub notified_at: Option<Timestamp>,
    pub claimed_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

impl Escalation {
    /// One that nobody has seen yet, of which no more is known.
    pub fn new(
        id: EscalationId,
        workspace: WorkspaceId,
        conversation: ConversationId,
        trigger: Trigger,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            version: 1,
            workspace,
            conversation,
            interaction: None,
            issue: None,
            trigger,
            reason: None,
            original_request: None,
            context: None,
            summary: None,
            priority: 0,
            contact: None,
            status: Status::Pending,
            assignee: None,
            resolution: None,
            created_at: now,
            notified_at: None,
            claimed_at: None,
            resolved_at: None,
            updated_at: now,
        }
    }
}

/// One step in the life of an escalation that is stored already.
#[derive(Clone, Debug, PartialEq)]
pub struct Advance {
    pub id: EscalationId,
    pub status: Status,
    pub assignee: Option<Person>,
    /// Nothing where what was said before stays.
    pub resolution: Option<String>,
}

/// An escalation with the number of its last change, by which a console asks for what it missed.
#[derive(Clone, Debug)]
pub struct Changed {
    pub number: i64,
    pub escalation: Escalation,
    /// Nothing is left of it but its id and version.
    pub erased: bool,
}

impl Changed {
    /// Nobody is known to have it yet.
    pub fn is_unseen(&self) -> bool {
        self.escalation.status == Status::Pending && !self.erased
    }
}
