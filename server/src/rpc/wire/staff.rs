//! What only staff see, as wire types.

use bytes::Bytes;
use switchboard_protocol::chat::{EscalationStatus, Person};
use switchboard_protocol::ids::{Epoch, VisitorId};
use switchboard_protocol::notifications::{EscalationUpdated, PresenceUpdated};
use switchboard_protocol::staff::{
    CannedResponse, ContactInfo, ErasedEscalation, Escalation, EscalationNews, InteractionTrace, Note,
    Presence, Staff, Trigger, VisitorProfile,
};
use switchboard_protocol::{Notice, methods};

use super::{escalation_status, person, stored};
use crate::domain::conversation::{self, Mode};
use crate::domain::report::Interaction;
use crate::domain::visitor::Visitor;
use crate::domain::{escalation, note, staff};
use crate::escalation::News;
use crate::store::escalations::Trace;

/// The text of what consoles are told.
pub fn frame(told: &News, epoch: &Epoch) -> Bytes {
    Bytes::from(match told {
        News::Escalation(changed) => {
            EscalationUpdated { escalation: news(changed), cursor: feed_cursor(epoch, changed.number) }
                .frame()
        }
        News::Presence(colleague) => PresenceUpdated { staff: self::colleague(colleague) }.frame(),
    })
}

/// A number of the feed, worth nothing in a database that was restored.
pub fn feed_cursor(epoch: &Epoch, number: i64) -> String {
    format!("{epoch}.{number}")
}

pub fn news(changed: &escalation::Changed) -> EscalationNews {
    let escalation = &changed.escalation;
    if changed.erased {
        let (id, version) = (escalation.id, escalation.version);
        return EscalationNews::Erased(ErasedEscalation { id, version, deleted: true });
    }
    EscalationNews::Whole(self::escalation(escalation))
}

pub fn escalation(escalation: &escalation::Escalation) -> Escalation {
    Escalation {
        id: escalation.id,
        version: escalation.version,
        workspace_id: escalation.workspace,
        conversation_id: escalation.conversation,
        interaction_id: escalation.interaction.map(Into::into),
        issue_type: escalation.issue.clone(),
        trigger_type: named_trigger(escalation.trigger),
        reason: escalation.reason.clone(),
        original_request: escalation.original_request.clone(),
        status: escalation_status(escalation.status),
        contact_info: escalation.contact.clone().map(|contact| ContactInfo {
            name: contact.name,
            email: contact.email,
            phone: contact.phone,
        }),
        conversation_context: escalation.context.clone(),
        summary: escalation.summary.clone(),
        priority: escalation.priority,
        assignee: escalation.assignee.as_ref().map(holder),
        resolution: escalation.resolution.clone(),
        created_at: escalation.created_at.into(),
        notified_at: escalation.notified_at.map(Into::into),
        claimed_at: escalation.claimed_at.map(Into::into),
        resolved_at: escalation.resolved_at.map(Into::into),
        updated_at: escalation.updated_at.into(),
    }
}

pub fn holder(person: &conversation::Person) -> Person {
    Person { id: person.id.into(), name: Some(person.name.to_string()) }
}

pub fn note(note: &note::Note) -> Note {
    Note {
        id: note.id,
        conversation_id: note.conversation,
        seq: note.seq,
        client_id: note.client_id,
        author: person(&note.author),
        content: note.content.clone(),
        attachments: stored(note.attachments.as_ref()),
        metadata: note.metadata.as_ref().and_then(|metadata| metadata.as_object().cloned()),
        private: true,
        created_at: note.created_at.into(),
    }
}

pub fn colleague(colleague: &staff::Colleague) -> Staff {
    Staff {
        id: VisitorId::from(colleague.id),
        name: colleague.name.clone(),
        status: match colleague.status {
            staff::Presence::Online => Presence::Online,
            staff::Presence::Away => Presence::Away,
            staff::Presence::Offline => Presence::Offline,
        },
        capacity: colleague.capacity,
        since: colleague.since.into(),
    }
}

pub fn canned(canned: &staff::Canned) -> CannedResponse {
    CannedResponse {
        id: canned.id,
        name: canned.name.clone(),
        content: canned.content.clone(),
        updated_at: canned.updated_at.into(),
    }
}

/// As of an interaction.
pub fn trace(trace: Trace) -> Option<InteractionTrace> {
    let steps = trace.steps.and_then(|steps| serde_json::from_value(steps).ok()).unwrap_or_default();
    Some(InteractionTrace { interaction: interaction(trace.interaction)?, steps })
}

/// One of a later version, whose outcome is not known here, is passed over.
pub fn interaction(it: Interaction) -> Option<methods::Interaction> {
    Some(methods::Interaction {
        id: it.id.into(),
        conversation_id: it.conversation,
        turn: it.turn,
        mode: it.mode.as_deref().and_then(Mode::from_name).map(super::shown_mode),
        agent_name: it.agent,
        user_message: it.user_message,
        response: it.response,
        intent: it.intent,
        category: it.category,
        confidence: it.confidence,
        outcome: serde_json::from_value(it.outcome.into()).ok()?,
        escalated: it.escalated,
        trigger_type: it.trigger,
        reason: it.reason,
        brain: it.brain,
        processing_time_ms: it.processing_ms,
        created_at: it.created_at.into(),
    })
}

pub fn status(status: EscalationStatus) -> escalation::Status {
    match status {
        EscalationStatus::Pending => escalation::Status::Pending,
        EscalationStatus::Notified => escalation::Status::Notified,
        EscalationStatus::InProgress => escalation::Status::InProgress,
        EscalationStatus::Resolved => escalation::Status::Resolved,
    }
}

pub fn visitor(visitor: &Visitor) -> VisitorProfile {
    let profile = &visitor.profile;
    VisitorProfile {
        id: visitor.id,
        verified: visitor.verified,
        external_id: profile.external_id.clone(),
        name: profile.name.clone(),
        email: profile.email.clone(),
        phone: profile.phone.clone(),
        metadata: profile.metadata.as_ref().and_then(|metadata| metadata.as_object().cloned()),
    }
}

pub fn presence(presence: Presence) -> staff::Presence {
    match presence {
        Presence::Online => staff::Presence::Online,
        Presence::Away => staff::Presence::Away,
        Presence::Offline => staff::Presence::Offline,
    }
}

pub fn trigger(trigger: Trigger) -> escalation::Trigger {
    match trigger {
        Trigger::HumanOnly => escalation::Trigger::HumanOnly,
        Trigger::Sensitive => escalation::Trigger::Sensitive,
        Trigger::LowConfidence => escalation::Trigger::LowConfidence,
        Trigger::InsufficientEvidence => escalation::Trigger::InsufficientEvidence,
        Trigger::UserRequest => escalation::Trigger::UserRequest,
        Trigger::AgentError => escalation::Trigger::AgentError,
        Trigger::StaffTakeover => escalation::Trigger::StaffTakeover,
        Trigger::Guard => escalation::Trigger::Guard,
    }
}

fn named_trigger(trigger: escalation::Trigger) -> Trigger {
    match trigger {
        escalation::Trigger::HumanOnly => Trigger::HumanOnly,
        escalation::Trigger::Sensitive => Trigger::Sensitive,
        escalation::Trigger::LowConfidence => Trigger::LowConfidence,
        escalation::Trigger::InsufficientEvidence => Trigger::InsufficientEvidence,
        escalation::Trigger::UserRequest => Trigger::UserRequest,
        escalation::Trigger::AgentError => Trigger::AgentError,
        escalation::Trigger::StaffTakeover => Trigger::StaffTakeover,
        escalation::Trigger::Guard => Trigger::Guard,
    }
}
