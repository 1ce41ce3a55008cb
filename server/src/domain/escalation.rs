//! A request for a person.

use switchboard_protocol::ids::{ConversationId, EscalationId, WorkspaceId};

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

/// What a visitor left so that somebody can reach them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    pub trigger: &'static str,
    pub reason: Option<String>,
    pub contact: Option<Contact>,
    pub status: Status,
    pub assignee_name: Option<String>,
    pub created_at: Timestamp,
}
