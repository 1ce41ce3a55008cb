//! Escalations: a visitor asks for a person, and people take them up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{named, rows};
use crate::chat::{EscalationStatus, State, VisitorEscalation};
use crate::ids::{ConversationId, EscalationId, VisitorId};
use crate::limits;
use crate::params::{Params, at_most, limit_fits};
use crate::staff::{Escalation, EscalationNews, InteractionTrace, Staff, Trigger};

/// Asks for a person; also as the very first act. While one is open, asking again answers with that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct EscalationRequest {
    pub conversation_id: ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::COMMENT))]
    pub reason: Option<String>,
    #[serde(default, deserialize_with = "named::optional", skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
}

/// How a person can reach the visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct Contact {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::EMAIL))]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::PHONE))]
    pub phone: Option<String>,
}

/// The escalation as its visitor sees it after the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationNow {
    pub escalation: VisitorEscalation,
}

/// From now on this socket is told of every change to an escalation of the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct EscalationSubscribe {
    /// Of the snapshot only; changes are told whatever their status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::STATUSES))]
    pub statuses: Option<Vec<EscalationStatus>>,
    /// The last cursor that was told: what changed after it comes, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::CURSOR))]
    pub since: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationSubscribed {
    pub escalations: Vec<EscalationNews>,
    /// For `since`, as long as no later one was told with an `escalation.updated`.
    pub cursor: String,
    /// Whether this is all there is, to be shown instead of what was known: without `since`, and where it was too
    /// long ago or of another database.
    pub snapshot: bool,
    /// The colleagues who are there.
    pub staff: Vec<Staff>,
}

/// Escalations, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct EscalationList {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::STATUSES))]
    pub statuses: Option<Vec<EscalationStatus>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_type: Option<Trigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<VisitorId>,
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::LIST))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::CURSOR))]
    pub cursor: Option<String>,
}

impl EscalationList {
    pub fn rows(&self) -> usize {
        rows(self.limit)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationListed {
    pub escalations: Vec<Escalation>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}

/// One escalation, its conversation, and why it came to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationGet {
    pub id: EscalationId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationGot {
    pub escalation: Escalation,
    pub conversation: State,
    /// The conversation's latest turns in their order, with the trace of their steps.
    pub interactions: Vec<InteractionTrace>,
}

/// Takes an escalation that nobody has, and the conversation with it. One wins; the others get `conflict`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationClaim {
    pub id: EscalationId,
}

/// Gives it to somebody, whoever has it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct EscalationAssign {
    pub id: EscalationId,
    /// When absent: whoever is online and has the least to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<VisitorId>,
}

/// Lets go of it: the AI answers again, or it waits for the next person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct EscalationRelease {
    pub id: EscalationId,
    /// True when absent: back to the AI, which settles the escalation. False, or where no AI answers: back to `pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand_back: Option<bool>,
}

/// It is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct EscalationResolve {
    pub id: EscalationId,
    /// What came of it, for colleagues.
    #[schemars(length(max = limits::COMMENT))]
    pub resolution: String,
    /// The AI answers on; else the conversation is `resolved` until the visitor writes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen_ai: Option<bool>,
}

/// The escalation as it stands after the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationHeld {
    pub escalation: Escalation,
}

impl Params for EscalationRequest {
    fn within_limits(&self) -> bool {
        at_most(limits::COMMENT, self.reason.as_ref())
            && self.contact.as_ref().is_none_or(Contact::within_limits)
    }
}

impl Contact {
    fn within_limits(&self) -> bool {
        at_most(limits::NAME, self.name.as_ref())
            && at_most(limits::EMAIL, self.email.as_ref())
            && at_most(limits::PHONE, self.phone.as_ref())
    }
}

impl Params for EscalationSubscribe {
    fn within_limits(&self) -> bool {
        few(self.statuses.as_ref()) && at_most(limits::CURSOR, self.since.as_ref())
    }
}

impl Params for EscalationList {
    fn within_limits(&self) -> bool {
        few(self.statuses.as_ref()) && limit_fits(self.limit) && at_most(limits::CURSOR, self.cursor.as_ref())
    }
}

fn few(statuses: Option<&Vec<EscalationStatus>>) -> bool {
    statuses.is_none_or(|statuses| statuses.len() <= limits::STATUSES)
}

impl Params for EscalationGet {}

impl Params for EscalationClaim {}

impl Params for EscalationAssign {}

impl Params for EscalationRelease {}

impl Params for EscalationResolve {
    fn within_limits(&self) -> bool {
        at_most(limits::COMMENT, Some(&self.resolution))
    }
}
