//! What the tester reads of a conversation in which others speak too: the visitor, the agent, people, the system.

use serde::Deserialize;
use uuid::Uuid;

use super::Position;

/// One message of the log, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    pub id: Uuid,
    pub seq: u64,
    pub client_id: Option<Uuid>,
    pub role: Role,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
    Staff,
    System,
}

/// A row of the log as `switchboard export` writes it.
#[derive(Debug, Deserialize)]
pub struct Exported {
    pub conversation_id: Uuid,
    #[serde(flatten)]
    pub entry: Entry,
}

/// The result of `session.open`.
#[derive(Debug, Deserialize)]
pub struct Entered {
    pub token: String,
    #[serde(default)]
    pub resume: Option<String>,
    pub conversation: Standing,
    pub position: Position,
    pub recovered: bool,
    pub messages: Vec<Entry>,
}

/// As much of a State as the tester goes by.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Standing {
    pub conversation_id: Uuid,
    pub owner: Owner,
    pub version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    Ai,
    Staff,
    None,
}

/// The parameters of `conversation.updated`.
#[derive(Debug, Deserialize)]
pub struct StateTold {
    pub conversation: Standing,
}

/// The parameters of `message.created`.
#[derive(Debug, Deserialize)]
pub struct Told {
    pub message: Entry,
}

/// The result of `message.list`.
#[derive(Debug, Deserialize)]
pub struct Page {
    pub messages: Vec<Entry>,
}

/// The result of `message.send`.
#[derive(Clone, Debug, Deserialize)]
pub struct Stored {
    pub id: Option<Uuid>,
    pub seq: Option<u64>,
    pub duplicate: bool,
    pub durability: String,
}

impl Role {
    pub fn named(name: &str) -> Option<Self> {
        [Self::User, Self::Assistant, Self::Staff, Self::System].into_iter().find(|role| role.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Staff => "staff",
            Self::System => "system",
        }
    }
}
