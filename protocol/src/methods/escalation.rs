//! A visitor asks for a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::named;
use crate::chat::VisitorEscalation;
use crate::ids::ConversationId;
use crate::limits;
use crate::params::{Params, at_most};

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

/// The escalation as it stands after the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct EscalationNow {
    pub escalation: VisitorEscalation,
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
