//! What the tester reads of the staff's side: escalations as they are told, listed and answered.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// As much of an escalation as the tester goes by; the whole of it is compared as it came.
#[derive(Clone, Debug, Deserialize)]
pub struct Escalation {
    pub id: Uuid,
    pub version: u64,
    /// None where the escalation was erased.
    #[serde(default)]
    pub status: Option<Status>,
    #[serde(default)]
    pub conversation_id: Option<Uuid>,
    #[serde(default)]
    pub assignee: Option<Assignee>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Notified,
    InProgress,
    Resolved,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Assignee {
    pub id: Uuid,
}

/// The result of what changes an escalation.
#[derive(Debug, Deserialize)]
pub struct Held {
    pub escalation: Escalation,
}

/// The result of `escalation.request`, as its visitor has it.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pub escalation: AskedEscalation,
}

#[derive(Debug, Deserialize)]
pub struct AskedEscalation {
    pub id: Uuid,
}

/// The result of `escalation.subscribe`.
#[derive(Deserialize)]
pub struct Subscribed {
    pub escalations: Vec<Box<RawValue>>,
    pub cursor: String,
    pub snapshot: bool,
}

/// The parameters of `escalation.updated`.
#[derive(Deserialize)]
pub struct Updated<'a> {
    #[serde(borrow)]
    pub escalation: &'a RawValue,
    #[serde(borrow)]
    pub cursor: &'a str,
}

/// The result of `escalation.list`.
#[derive(Deserialize)]
pub struct EscalationsListed {
    pub escalations: Vec<Box<RawValue>>,
    pub next_cursor: Option<String>,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Notified => "notified",
            Self::InProgress => "in_progress",
            Self::Resolved => "resolved",
        }
    }
}
