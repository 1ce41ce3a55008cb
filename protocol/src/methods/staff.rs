//! What staff do beside escalations: conversations they join and take over, notes, short texts, and being there.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{named, rows};
use crate::chat::{Message, Position, ReadMarks, State, Streaming};
use crate::ids::{CannedId, ConversationId, Seq};
use crate::limits;
use crate::params::{Members, Params, Problems, at_most, limit_fits, within};
use crate::staff::{CannedResponse, Note, Presence, VisitorProfile};

/// From now on this socket hears what happens in the conversation, notes included. It may be in many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct ConversationJoin {
    pub conversation_id: ConversationId,
    /// The last position seen: the messages after it are sent.
    #[serde(default, deserialize_with = "named::optional", skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The same for notes.
    #[serde(default, deserialize_with = "named::optional", skip_serializing_if = "Option::is_none")]
    pub notes_position: Option<Position>,
}

/// As `session.open` answers, without what is the socket's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationJoined {
    pub conversation: State,
    pub visitor: VisitorProfile,
    pub position: Position,
    /// Whether `messages` are exactly those after the position that was sent; else they are a fresh last page.
    pub recovered: bool,
    pub messages: Vec<Arc<Message>>,
    /// Whether there are earlier messages than these to list.
    pub has_more: bool,
    pub read: ReadMarks,
    pub streaming: Option<Streaming>,
    /// Those after the position that was sent, else the latest ones.
    pub notes: Vec<Note>,
    pub notes_position: Position,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationLeave {
    pub conversation_id: ConversationId,
}

/// A person answers from here on: no word of the AI is committed after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationTakeover {
    pub conversation_id: ConversationId,
}

/// Notes in the order of their `seq`. Without `after_seq`: the last page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct NotesList {
    pub conversation_id: ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<Seq>,
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::LIST))]
    pub limit: Option<u32>,
}

impl NotesList {
    pub fn rows(&self) -> usize {
        rows(self.limit)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct NotesListed {
    pub notes: Vec<Note>,
}

/// The short texts of the workspace, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(type = "Record<string, never>")]
pub struct CannedList {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CannedListed {
    pub canned: Vec<CannedResponse>,
}

/// Adds a short text, or changes the one of this id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct CannedSave {
    /// The server names it where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CannedId>,
    /// What is typed after the slash: letters, digits, `-` and `_`; unique in the workspace, whatever its case.
    #[schemars(length(min = 1, max = limits::CANNED_NAME))]
    pub name: String,
    #[schemars(length(min = 1, max = limits::CONTENT))]
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CannedSaved {
    pub canned: CannedResponse,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CannedDelete {
    pub id: CannedId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CannedDeleted {
    /// False where there was none of this id.
    pub deleted: bool,
}

/// Says whether its sender is there. It holds as long as the socket; who has none left is offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct StaffPresence {
    pub status: Presence,
    /// How many conversations they want to have at most; as before when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limits::CAPACITY))]
    pub capacity: Option<u32>,
}

impl Params for ConversationJoin {
    fn within_limits(&self) -> bool {
        [&self.position, &self.notes_position]
            .into_iter()
            .flatten()
            .all(|position| at_most(limits::EPOCH, Some(&position.epoch)))
    }
}

impl Params for ConversationLeave {}

impl Params for ConversationTakeover {}

impl Params for NotesList {
    fn within_limits(&self) -> bool {
        limit_fits(self.limit)
    }
}

impl Params for CannedList {}

impl Params for CannedSave {
    fn within_limits(&self) -> bool {
        within(1, limits::CANNED_NAME, Some(&self.name))
            && is_name(&self.name)
            && within(1, limits::CONTENT, Some(&self.content))
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        if params.get("name").and_then(|name| name.as_str()).is_some_and(|name| !is_name(name)) {
            problems.add("name", "must be of letters, digits, - and _");
        }
    }
}

/// Whether it can be typed after a slash, and its end be seen.
fn is_name(text: &str) -> bool {
    text.chars().all(|sign| sign.is_alphanumeric() || sign == '-' || sign == '_')
}

impl Params for CannedDelete {}

impl Params for StaffPresence {
    fn within_limits(&self) -> bool {
        self.capacity.is_none_or(|capacity| capacity <= limits::CAPACITY)
    }
}
