//! What people are asked for and do, as statements of the batch that commits it with the state of its conversation.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::pool::{Step, step};
use super::super::statement;
use super::{Write, column, workspaces};
use crate::domain::conversation::Person;
use crate::domain::deed::Record;
use crate::domain::escalation::{Advance, Escalation};

pub(super) fn steps<'a>(writes: &[&'a Write]) -> impl Iterator<Item = Step<'a>> {
    [order(writes), begun(writes), advanced(writes), audit(writes)].into_iter().flatten()
}

fn order<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let touching: Vec<&Write> = writes
        .iter()
        .copied()
        .filter(|write| write.escalation.is_some() || write.advance.is_some())
        .collect();
    let workspaces = workspaces(&touching);
    if workspaces.is_empty() {
        return None;
    }
    Some(step!(statement::ESCALATIONS_ORDER, column!(workspaces, |workspace| workspace.uuid())))
}

fn begun<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<&Escalation> = writes.iter().filter_map(|write| write.escalation.as_ref()).collect();
    if rows.is_empty() {
        return None;
    }
    let contact = |escalation: &&Escalation| -> Option<Value> {
        let contact = escalation.contact.as_ref()?;
        Some(json!({"name": contact.name, "email": contact.email, "phone": contact.phone}))
    };
    Some(step!(
        statement::ESCALATIONS_INSERT,
        column!(rows, |escalation| escalation.id.uuid()),
        column!(rows, |escalation| escalation.workspace.uuid()),
        column!(rows, |escalation| escalation.conversation.uuid()),
        column!(rows, |escalation| escalation.trigger.name()),
        column!(rows, |escalation| escalation.reason.as_deref()),
        column!(rows, |escalation| escalation.status.name()),
        column!(rows, contact),
        column!(rows, |escalation| escalation.interaction),
        column!(rows, |escalation| escalation.issue.as_deref()),
        column!(rows, |escalation| escalation.original_request.as_deref()),
        column!(rows, |escalation| escalation.context.as_ref()),
        column!(rows, |escalation| escalation.summary.as_deref()),
        column!(rows, |escalation| escalation.priority),
        column!(rows, |escalation| id(escalation.assignee.as_ref())),
        column!(rows, |escalation| name(escalation.assignee.as_ref())),
        column!(rows, |escalation| escalation.claimed_at),
        column!(rows, |escalation| escalation.created_at),
    ))
}

fn advanced<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(&Advance, &Write)> =
        writes.iter().filter_map(|write| Some((write.advance.as_ref()?, *write))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::ESCALATIONS_ADVANCE,
        column!(rows, |(advance, _)| advance.id.uuid()),
        column!(rows, |(_, write)| write.write_id),
        column!(rows, |(advance, _)| advance.status.name()),
        column!(rows, |(advance, _)| id(advance.assignee.as_ref())),
        column!(rows, |(advance, _)| name(advance.assignee.as_ref())),
        column!(rows, |(advance, _)| advance.resolution.as_deref()),
        column!(rows, |(_, write)| write.at),
    ))
}

/// The write's own id names its record too, so that a repeat finds it.
fn audit<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(&Record, &Write)> =
        writes.iter().filter_map(|write| Some((write.audit.as_ref()?, *write))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::AUDIT_RECORD,
        column!(rows, |(_, write)| write.workspace.uuid()),
        column!(rows, |(_, write)| write.write_id),
        column!(rows, |(record, _)| record.actor.id.to_string()),
        column!(rows, |(record, _)| record.action),
        column!(rows, |(record, _)| record.subject.as_str()),
        column!(rows, |(record, _)| &record.detail),
        column!(rows, |(_, write)| write.at),
    ))
}

fn id(person: Option<&Person>) -> Option<Uuid> {
    person.map(|person| person.id)
}

fn name(person: Option<&Person>) -> Option<&str> {
    person.map(|person| &*person.name)
}
