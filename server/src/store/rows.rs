//! Rows to nouns, and back: the one place that knows columns by name.

use std::sync::Arc;

use serde_json::Value;
use switchboard_protocol::ids::Seq;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use super::StoreError;
use crate::domain::conversation::{
    Conversation, EscalationRef, Mode, Owner, Person, Rating, ReadMarks, Status,
};
use crate::domain::escalation;
use crate::domain::message::{Author, Message, Role};
use crate::domain::note::Note;
use crate::domain::report::Interaction;
use crate::domain::visitor::{Profile, Visitor};
use crate::domain::workflow::{Awaiting, Checkpoint, OpenTurn, Recorded, Step, StepStatus, Workflow};

/// A column that a later or broken schema lacks is a refusal, never a panic.
pub fn get<T: FromSqlOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| unreadable(column, &error))
}

fn unreadable(column: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Refused { code: "unreadable".to_owned(), message: format!("column {column}: {why}") }
}

pub fn named<T>(row: &Row, column: &str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let name: String = get(row, column)?;
    parse(&name).ok_or_else(|| unreadable(column, &"a name this version does not know"))
}

pub fn seq(row: &Row, column: &str) -> Result<Seq, StoreError> {
    Seq::new(get(row, column)?).ok_or_else(|| unreadable(column, &"not a place in a log"))
}

pub fn message(row: &Row) -> Result<Message, StoreError> {
    let author: Option<Uuid> = get(row, "author_id")?;
    let author_name = get(row, "author_name")?;
    Ok(Message {
        id: get::<Uuid>(row, "id")?.into(),
        conversation: get::<Uuid>(row, "conversation_id")?.into(),
        seq: seq(row, "seq")?,
        client_id: get::<Option<Uuid>>(row, "client_id")?.map(Into::into),
        role: named(row, "role", Role::from_name)?,
        agent_name: get(row, "agent_name")?,
        author: author.map(|id| Author { id, name: author_name }),
        content: get(row, "content")?,
        citations: get(row, "citations")?,
        attachments: get(row, "attachments")?,
        metadata: get(row, "metadata")?,
        created_at: get(row, "created_at")?,
    })
}

pub fn conversation(row: &Row) -> Result<Conversation, StoreError> {
    let optional = |column, parse: fn(&str) -> Option<Mode>| -> Result<Option<Mode>, StoreError> {
        let name: Option<String> = get(row, column)?;
        Ok(name.as_deref().and_then(parse))
    };
    let escalation_id: Option<Uuid> = get(row, "escalation_id")?;
    let escalation = match escalation_id {
        Some(id) => Some(EscalationRef {
            id: id.into(),
            status: named(row, "escalation_status", escalation::Status::from_name)?,
        }),
        None => None,
    };
    let rating: Option<i16> = get(row, "rating")?;
    let rating_comment: Option<String> = get(row, "rating_comment")?;
    Ok(Conversation {
        id: get::<Uuid>(row, "id")?.into(),
        workspace: get::<Uuid>(row, "workspace_id")?.into(),
        visitor: get::<Uuid>(row, "user_id")?.into(),
        session: get::<Option<String>>(row, "session_id")?.map(Into::into),
        version: get(row, "version")?,
        owner_epoch: get(row, "owner_epoch")?,
        status: named(row, "status", Status::from_name)?,
        owner: named(row, "owner", Owner::from_name)?,
        assignee: person(row, "assignee_id", "assignee_name")?,
        mode: optional("mode", Mode::from_name)?,
        escalation,
        rating: rating.map(|score| Rating { score, comment: rating_comment.map(Into::into) }),
        metadata: get::<Option<Value>>(row, "metadata")?.map(Box::new),
        workflow: workflow(row)?.map(Arc::new),
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

fn workflow(row: &Row) -> Result<Option<Workflow>, StoreError> {
    let Some(kind) = get::<Option<String>>(row, "workflow_type")? else { return Ok(None) };
    let name = |column| get::<Option<String>>(row, column);
    let open = match get::<Option<Uuid>>(row, "reply_id")? {
        Some(reply) => Some(OpenTurn {
            reply: reply.into(),
            from: seq(row, "from_seq")?,
            upto: seq(row, "upto_seq")?,
            at: get(row, "opened_at")?,
        }),
        None => None,
    };
    Ok(Some(Workflow {
        kind: kind.into(),
        turn: get(row, "turn")?,
        step: name("step")?.as_deref().and_then(Step::from_name),
        awaiting: name("awaiting")?.as_deref().and_then(Awaiting::from_name),
        open,
        checkpoint: Checkpoint::read(get(row, "checkpoint_version")?, get(row, "checkpoint")?),
    }))
}

pub fn recorded(row: &Row) -> Result<Option<Recorded>, StoreError> {
    // A step of a later version is not one of ours to repeat or to skip.
    let Some(step) = Step::from_name(&get::<String>(row, "step")?) else { return Ok(None) };
    Ok(Some(Recorded {
        step,
        status: named(row, "status", StepStatus::from_name)?,
        started_at: get(row, "started_at")?,
        ms: get(row, "ms")?,
        output: get(row, "output")?,
    }))
}

pub fn read_marks(row: &Row) -> Result<ReadMarks, StoreError> {
    Ok(ReadMarks { user: seq(row, "user_read_seq")?, staff: seq(row, "staff_read_seq")? })
}

/// `id` names the column of the visitor's id, which differs where rows are joined.
pub fn visitor(row: &Row, id: &str) -> Result<Visitor, StoreError> {
    Ok(Visitor {
        id: get::<Uuid>(row, id)?.into(),
        workspace: get::<Uuid>(row, "workspace_id")?.into(),
        verified: get(row, "verified")?,
        profile: Profile {
            external_id: get(row, "external_id")?,
            email: get(row, "email")?,
            name: get(row, "name")?,
            phone: get(row, "phone")?,
            metadata: None,
        },
    })
}

/// What was left of a number, whatever became of the escalation.
pub fn changed(row: &Row) -> Result<escalation::Changed, StoreError> {
    Ok(escalation::Changed {
        number: get(row, "change")?,
        erased: get(row, "erased")?,
        escalation: escalation(row)?,
    })
}

pub fn escalation(row: &Row) -> Result<escalation::Escalation, StoreError> {
    let contact: Option<Value> = get(row, "contact_info")?;
    Ok(escalation::Escalation {
        id: get::<Uuid>(row, "id")?.into(),
        version: get(row, "version")?,
        workspace: get::<Uuid>(row, "workspace_id")?.into(),
        conversation: get::<Uuid>(row, "conversation_id")?.into(),
        interaction: get(row, "interaction_id")?,
        issue: get(row, "issue_type")?,
        trigger: named(row, "trigger_type", escalation::Trigger::from_name)?,
        reason: get(row, "reason")?,
        original_request: get(row, "original_request")?,
        context: get(row, "conversation_context")?,
        summary: get(row, "summary")?,
        priority: get(row, "priority")?,
        contact: contact.and_then(|contact| serde_json::from_value(contact).ok()),
        status: named(row, "status", escalation::Status::from_name)?,
        assignee: person(row, "assignee_id", "assignee_name")?,
        resolution: get(row, "resolution")?,
        created_at: get(row, "created_at")?,
        notified_at: get(row, "notified_at")?,
        claimed_at: get(row, "claimed_at")?,
        resolved_at: get(row, "resolved_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

pub fn note(row: &Row) -> Result<Note, StoreError> {
    Ok(Note {
        id: get::<Uuid>(row, "id")?.into(),
        conversation: get::<Uuid>(row, "conversation_id")?.into(),
        seq: seq(row, "seq")?,
        client_id: get::<Uuid>(row, "client_id")?.into(),
        author: Author { id: get(row, "author_id")?, name: get(row, "author_name")? },
        content: get(row, "content")?,
        attachments: get(row, "attachments")?,
        metadata: get(row, "metadata")?,
        created_at: get(row, "created_at")?,
    })
}

fn person(row: &Row, id: &str, name: &str) -> Result<Option<Person>, StoreError> {
    let (id, name): (Option<Uuid>, Option<String>) = (get(row, id)?, get(row, name)?);
    Ok(id.map(|id| Person { id, name: name.unwrap_or_default().into() }))
}

/// A turn as it is on record.
pub fn interaction(row: &Row) -> Result<Interaction, StoreError> {
    Ok(Interaction {
        id: get(row, "id")?,
        conversation: get::<Uuid>(row, "conversation_id")?.into(),
        turn: get(row, "turn")?,
        mode: get(row, "mode")?,
        agent: get(row, "agent_name")?,
        user_message: get(row, "user_message")?,
        response: get(row, "response")?,
        intent: get(row, "intent")?,
        category: get(row, "category")?,
        confidence: get(row, "confidence")?,
        outcome: get(row, "outcome")?,
        escalated: get(row, "escalated")?,
        trigger: get(row, "trigger_type")?,
        reason: get(row, "reason")?,
        brain: get(row, "brain")?,
        processing_ms: get(row, "processing_time_ms")?,
        created_at: get(row, "created_at")?,
    })
}
