//! What somebody outside is told of, and where: events, and the webhooks that hear them.
//!
//! Invariant: an event holds ids and names of kinds, never what a person wrote.

use serde_json::{Value, json};
use switchboard_protocol::ids::{ConversationId, EscalationId, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;
use super::escalation::Escalation;

/// What can happen; a webhook may ask for some of these only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    EscalationCreated,
    /// Something could not be processed; told once an hour of each kind.
    ProcessingFailed,
    /// Sent by hand, to see whether a webhook hears.
    WebhookTest,
}

stored_names!(EventKind {
    EscalationCreated = "escalation.created",
    ProcessingFailed = "processing.failed",
    WebhookTest = "webhook.test",
});

impl EventKind {
    /// Those that a webhook can ask for.
    pub const ALL: [Self; 2] = [Self::EscalationCreated, Self::ProcessingFailed];
}

/// An event on its way into the outbox, committed with what it tells of.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    pub id: Uuid,
    pub kind: EventKind,
    pub subject: Uuid,
    pub payload: Value,
}

impl OutboxEntry {
    pub fn escalation_created(id: Uuid, escalation: &Escalation) -> Self {
        Self {
            id,
            kind: EventKind::EscalationCreated,
            subject: escalation.id.uuid(),
            payload: json!({
                "escalation_id": escalation.id,
                "conversation_id": escalation.conversation,
                "trigger_type": escalation.trigger.name(),
                "issue_type": escalation.issue,
                "priority": escalation.priority,
            }),
        }
    }
}

/// An event as it stands in the outbox. Its id is the same in every attempt, for the receiver to tell a repeat by.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub id: Uuid,
    pub workspace: WorkspaceId,
    pub kind: EventKind,
    pub subject: Uuid,
    pub payload: Value,
    pub at: Timestamp,
}

impl Event {
    /// The escalation that it announces, with its conversation.
    pub fn announces(&self) -> Option<(ConversationId, EscalationId)> {
        if self.kind != EventKind::EscalationCreated {
            return None;
        }
        let conversation: Uuid = self.payload.get("conversation_id")?.as_str()?.parse().ok()?;
        Some((conversation.into(), self.subject.into()))
    }

    /// Sent by hand to one webhook.
    pub fn test(id: Uuid, workspace: WorkspaceId, webhook: Uuid, at: Timestamp) -> Self {
        let payload = json!({ "webhook_id": webhook });
        Self { id, workspace, kind: EventKind::WebhookTest, subject: webhook, payload, at }
    }
}

/// How a webhook wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookKind {
    /// Signed, as <https://www.standardwebhooks.com> has it.
    Standard,
    /// A sentence, for Slack and what understands the same.
    Slack,
}

stored_names!(WebhookKind { Standard = "standard", Slack = "slack" });

/// Where to.
#[derive(Clone)]
pub struct Webhook {
    pub id: Uuid,
    pub workspace: WorkspaceId,
    pub url: String,
    pub kind: WebhookKind,
    /// Nothing for one of Slack, whose address is the secret.
    pub secret: Option<String>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Webhook").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
