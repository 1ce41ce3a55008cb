//! A conversation that came to its end, as far as the desk learns from it.

use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, VisitorId, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::{Mode, Status};
use super::escalation::{self, Contact, Trigger};
use super::message::Role;
use super::turn::Passage;
use super::workflow::Outcome;

/// Each list has the earliest first.
#[derive(Clone, Debug)]
pub struct Experience {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    pub visitor: VisitorId,
    pub status: Status,
    pub mode: Option<Mode>,
    /// From 1 to 5.
    pub rating: Option<i16>,
    /// When it came to its end.
    pub at: Timestamp,
    /// What is known of who that was.
    pub known: Vec<Contact>,
    pub external_id: Option<String>,
    /// The host has signed the external id.
    pub verified: bool,
    /// The preset that answered.
    pub preset: Option<String>,
    pub lines: Vec<Line>,
    pub turns: Vec<Decided>,
    pub escalations: Vec<Asked>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Line {
    pub seq: i64,
    pub role: Role,
    pub author: Option<String>,
    pub content: String,
    /// The sources that it cites, in their order.
    pub cites: Vec<String>,
    /// What the visitor said of it.
    pub helpful: Option<bool>,
}

/// A turn of the agent.
#[derive(Clone, Debug)]
pub struct Decided {
    pub turn: i64,
    pub agent: Option<String>,
    pub intent: Option<String>,
    pub category: Option<String>,
    pub confidence: Option<f32>,
    pub outcome: Outcome,
    pub trigger: Option<String>,
    pub brain: Option<String>,
    pub ms: i64,
    /// What it could have quoted.
    pub passages: Vec<Passage>,
}

/// A person was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub trigger: Trigger,
    pub issue: Option<String>,
    pub request: Option<String>,
    pub contact: Option<Contact>,
    pub status: escalation::Status,
    pub assignee: Option<String>,
}

/// A conversation that waits to be learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    /// It came to its end; else it was only judged.
    pub ended: bool,
    /// Of how many additions it is the sum.
    pub pass: i64,
}

impl Experience {
    /// The document that a source names, as the agent had it before it.
    pub fn document(&self, source: &str) -> Option<&Passage> {
        let passages = self.turns.iter().rev().flat_map(|turn| &turn.passages);
        passages.into_iter().find(|passage| passage.source == source && passage.document != Uuid::nil())
    }
}

/// What a recorded step had found; nothing where it cannot be read.
pub fn passages(output: Option<Value>) -> Vec<Passage> {
    output.and_then(|output| serde_json::from_value(output).ok()).unwrap_or_default()
}
