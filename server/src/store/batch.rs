//! Many conversations' writes as the few statements of one transaction.

mod agent;
mod people;

use std::sync::Arc;

use switchboard_protocol::ids::{ClientId, ConversationId, WorkspaceId};
use uuid::Uuid;

use super::pool::{Step, scope, step};
use super::statement;
use crate::domain::clock::Timestamp;
use crate::domain::conversation::{Conversation, Mode, ReadMarks};
use crate::domain::deed::Record;
use crate::domain::escalation::{Advance, Escalation};
use crate::domain::message::Message;
use crate::domain::outbox::OutboxEntry;
use crate::domain::visitor::Visitor;
use crate::domain::workflow::Records;

/// What one conversation has to store: all of it or nothing. A conversation has one write in flight at a time.
#[derive(Debug)]
pub struct Write {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    /// Kept in the row that the write advances, so that a repeat finds itself.
    pub write_id: Uuid,
    /// The visitor's row, with the digest of their resume secret: it comes with the first act.
    pub visitor: Option<(Arc<Visitor>, [u8; 32])>,
    /// The new version of the state.
    pub state: Option<Arc<Conversation>>,
    /// One that begins.
    pub escalation: Option<Escalation>,
    /// One that goes on.
    pub advance: Option<Advance>,
    pub audit: Option<Record>,
    pub reads: Option<ReadMarks>,
    pub messages: Vec<Arc<Message>>,
    pub records: Option<Box<Records>>,
    /// What is to be told outside of it.
    pub event: Option<Box<OutboxEntry>>,
    pub at: Timestamp,
}

impl Write {
    pub fn rows(&self) -> usize {
        self.messages.len() + 1 + self.records.as_ref().map_or(0, |records| records.steps.len() + 3)
    }

    pub fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len() + 200).sum()
    }
}

/// The statements of a batch, in the order of their foreign keys; those that have nothing to write are left out.
pub fn steps<'a>(node: Uuid, incarnation: i64, writes: &[&'a Write]) -> Vec<Step<'a>> {
    let workspaces = workspaces(writes);
    let mut steps = vec![step!(statement::BATCH_BEGIN, node, incarnation, scope(&workspaces))];
    steps.extend(visitors(writes));
    steps.extend(states(writes));
    steps.extend(messages(writes));
    steps.extend(agent::steps(writes));
    steps.extend(people::steps(writes));
    steps.extend(events(writes));
    steps.extend(reads(writes));
    steps
}

pub fn workspaces(writes: &[&Write]) -> Vec<WorkspaceId> {
    let mut workspaces: Vec<_> = writes.iter().map(|write| write.workspace).collect();
    workspaces.sort_unstable();
    workspaces.dedup();
    workspaces
}

/// Collects one column, boxed as a parameter.
macro_rules! column {
    ($items:expr, $value:expr) => {
        $items.iter().map($value).collect::<Vec<_>>()
    };
}
use column;

fn visitors<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let mut rows: Vec<_> = writes
        .iter()
        .filter_map(|write| write.visitor.as_ref().map(|(visitor, digest)| (&**visitor, digest, write.at)))
        .collect();
    // Two first acts of one visitor may share a batch, and a statement may touch a row once.
    rows.sort_by_key(|(visitor, ..)| visitor.id);
    rows.dedup_by_key(|(visitor, ..)| visitor.id);
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::VISITORS_UPSERT,
        column!(rows, |(visitor, ..)| visitor.id.uuid()),
        column!(rows, |(visitor, ..)| visitor.workspace.uuid()),
        column!(rows, |(visitor, ..)| visitor.profile.external_id.as_deref()),
        column!(rows, |(visitor, ..)| visitor.verified),
        column!(rows, |(visitor, ..)| visitor.profile.email.as_deref()),
        column!(rows, |(visitor, ..)| visitor.profile.name.as_deref()),
        column!(rows, |(visitor, ..)| visitor.profile.phone.as_deref()),
        column!(rows, |(visitor, ..)| visitor.profile.metadata.as_ref()),
        column!(rows, |(_, digest, _)| &digest[..]),
        column!(rows, |(.., at)| *at),
    ))
}

fn states<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(&Conversation, Uuid)> = writes
        .iter()
        .filter_map(|write| write.state.as_deref().map(|state| (state, write.write_id)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::CONVERSATIONS_ADVANCE,
        column!(rows, |(state, _)| state.id.uuid()),
        column!(rows, |(state, _)| state.workspace.uuid()),
        column!(rows, |(state, _)| state.visitor.uuid()),
        column!(rows, |(state, _)| state.session.as_deref()),
        column!(rows, |(state, _)| state.status.name()),
        column!(rows, |(state, _)| state.owner.name()),
        column!(rows, |(state, _)| state.mode.map(Mode::name)),
        column!(rows, |(state, _)| state.assignee.as_ref().map(|person| person.id)),
        column!(rows, |(state, _)| state.assignee.as_ref().map(|person| &*person.name)),
        column!(rows, |(state, _)| state.escalation.as_ref().map(|escalation| escalation.id.uuid())),
        column!(rows, |(state, _)| state.escalation.as_ref().map(|escalation| escalation.status.name())),
        column!(rows, |(state, _)| state.rating.as_ref().map(|rating| rating.score)),
        column!(rows, |(state, _)| state.rating.as_ref().and_then(|rating| rating.comment.as_deref())),
        column!(rows, |(state, _)| state.version),
        column!(rows, |(state, _)| state.owner_epoch),
        column!(rows, |(_, write_id)| *write_id),
        column!(rows, |(state, _)| state.metadata.as_deref()),
        column!(rows, |(state, _)| state.created_at),
        column!(rows, |(state, _)| state.updated_at),
    ))
}

fn messages<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(&Message, WorkspaceId)> = writes
        .iter()
        .flat_map(|write| write.messages.iter().map(|message| (&**message, write.workspace)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::MESSAGES_INSERT,
        column!(rows, |(message, _)| message.conversation.uuid()),
        column!(rows, |(message, _)| message.seq.get()),
        column!(rows, |(message, _)| message.id.uuid()),
        column!(rows, |(message, _)| message.client_id.map(ClientId::uuid)),
        column!(rows, |(_, workspace)| workspace.uuid()),
        column!(rows, |(message, _)| message.role.name()),
        column!(rows, |(message, _)| message.agent_name.as_deref()),
        column!(rows, |(message, _)| message.author.as_ref().map(|author| author.id)),
        column!(rows, |(message, _)| message.author.as_ref().and_then(|author| author.name.as_deref())),
        column!(rows, |(message, _)| message.content.as_str()),
        column!(rows, |(message, _)| message.citations.as_ref()),
        column!(rows, |(message, _)| message.attachments.as_ref()),
        column!(rows, |(message, _)| message.metadata.as_ref()),
        column!(rows, |(message, _)| message.created_at),
    ))
}

fn events<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(&'a Write, &'a OutboxEntry)> =
        writes.iter().filter_map(|write| Some((*write, write.event.as_deref()?))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::OUTBOX_INSERT,
        column!(rows, |(write, _)| write.workspace.uuid()),
        column!(rows, |(_, event)| event.id),
        column!(rows, |(_, event)| event.kind.name()),
        column!(rows, |(_, event)| event.subject),
        column!(rows, |(_, event)| &event.payload),
        column!(rows, |(write, _)| write.at),
    ))
}

fn reads<'a>(writes: &[&'a Write]) -> Option<Step<'a>> {
    let rows: Vec<(ConversationId, ReadMarks)> =
        writes.iter().filter_map(|write| write.reads.map(|reads| (write.conversation, reads))).collect();
    if rows.is_empty() {
        return None;
    }
    Some(step!(
        statement::CONVERSATIONS_MARK_READ,
        column!(rows, |(id, _)| id.uuid()),
        column!(rows, |(_, reads)| reads.user.get()),
        column!(rows, |(_, reads)| reads.staff.get()),
    ))
}
