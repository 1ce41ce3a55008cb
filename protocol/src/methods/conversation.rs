//! What a visitor does with a conversation as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::rows;
use crate::chat::{State, Status};
use crate::ids::{ConversationId, VisitorId};
use crate::limits;
use crate::params::{Params, at_most, limit_fits};

/// Stops the answer that is being written: no reply is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TurnCancel {
    pub conversation_id: ConversationId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TurnCancelled {
    /// False where no turn was open.
    pub cancelled: bool,
}

/// Ends the conversation for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationClose {
    pub conversation_id: ConversationId,
}

/// The visitor's score for the whole conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct ConversationRate {
    pub conversation_id: ConversationId,
    /// 1 is the worst, 5 the best.
    #[schemars(range(min = 1, max = limits::SCORE))]
    pub score: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::COMMENT))]
    pub comment: Option<String>,
}

/// The conversation as it stands after the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationNow {
    pub conversation: State,
}

/// Conversations, the latest first: a visitor's or member's own, and for staff those of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct ConversationList {
    /// For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// For staff: whose they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<VisitorId>,
    /// For staff: those of this visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
    /// For staff: part of the visitor's name, e-mail address, phone number or external id, or of the session id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::LOOKUP))]
    pub query: Option<String>,
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::LIST))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::CURSOR))]
    pub cursor: Option<String>,
}

impl ConversationList {
    pub fn rows(&self) -> usize {
        rows(self.limit)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConversationListed {
    pub conversations: Vec<State>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}

impl Params for TurnCancel {}

impl Params for ConversationClose {}

impl Params for ConversationRate {
    fn within_limits(&self) -> bool {
        (1..=limits::SCORE).contains(&self.score) && at_most(limits::COMMENT, self.comment.as_ref())
    }
}

impl Params for ConversationList {
    fn within_limits(&self) -> bool {
        limit_fits(self.limit)
            && at_most(limits::CURSOR, self.cursor.as_ref())
            && at_most(limits::LOOKUP, self.query.as_ref())
    }
}
