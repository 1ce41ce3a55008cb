//! Nouns to wire types, and refusals to errors: the one place where the two meet.

pub mod staff;

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use switchboard_protocol::chat;
use switchboard_protocol::ids::{Epoch, VisitorId};
use switchboard_protocol::methods::{Durability, MessageSent};
use switchboard_protocol::notifications::{
    ConversationUpdated, MessageCreated, MessageDelta, MessageRejected, MessageWithdrawn, NoteCreated,
    ReadUpdated, StepStatus, TypingUpdated, WithdrawnReason, WorkflowStep,
};
use switchboard_protocol::{Notice, RpcError};

use crate::domain::conversation::{Conversation, Mode, Owner, ReadMarks, Status};
use crate::domain::escalation::{self, Escalation};
use crate::domain::message::{Author, Message, Receipt, Role};
use crate::domain::mint;
use crate::domain::workflow::{Awaiting, Workflow};
use crate::session::event::{Event, Phase, Withdrawal};
use crate::session::{Answer, Refusal};
use crate::store::StoreError;

/// How long a client should wait before it tries again while the database is away.
const RETRY_MS: u64 = 2_000;

const REUSED: &str = "This client_id names a message with other content; use a fresh one for a new message.";

/// The text of an event, for every visitor who hears it.
pub fn frame(event: &Event, epoch: &Epoch) -> Bytes {
    let text = match event {
        Event::Message(message) => MessageCreated { message: Arc::new(self::message(message)) }.frame(),
        Event::Rejected { client_id, refusal } => {
            MessageRejected { client_id: *client_id, error: refused(refusal.clone(), epoch) }.frame()
        }
        Event::State(conversation) => {
            ConversationUpdated { conversation: state(conversation, epoch) }.frame()
        }
        Event::Reads { conversation, marks } => {
            ReadUpdated { conversation_id: *conversation, user: marks.user, staff: marks.staff }.frame()
        }
        Event::Delta { conversation, message, offset, text } => MessageDelta {
            conversation_id: *conversation,
            message_id: *message,
            offset: u32::try_from(*offset).unwrap_or(u32::MAX),
            text: text.clone(),
        }
        .frame(),
        Event::Withdrawn { conversation, message, reason } => MessageWithdrawn {
            conversation_id: *conversation,
            message_id: *message,
            reason: match reason {
                Withdrawal::Cancelled => WithdrawnReason::Cancelled,
                Withdrawal::Restarted => WithdrawnReason::Restarted,
                Withdrawal::TakenOver => WithdrawnReason::Takeover,
            },
        }
        .frame(),
        Event::Step { conversation, turn, step, phase, detail } => WorkflowStep {
            conversation_id: *conversation,
            turn: *turn,
            step: step.name().to_owned(),
            status: match phase {
                Phase::Running => StepStatus::Running,
                Phase::Done => StepStatus::Done,
                Phase::Failed => StepStatus::Failed,
            },
            detail: detail.clone(),
        }
        .frame(),
        Event::Note(note) => NoteCreated { note: staff::note(note) }.frame(),
        Event::Typing { conversation, role, author, on } => TypingUpdated {
            conversation_id: *conversation,
            role: self::role(*role),
            author: author.as_ref().map(person),
            on: *on,
        }
        .frame(),
    };
    Bytes::from(text)
}

pub fn message(message: &Message) -> chat::Message {
    chat::Message {
        id: message.id,
        conversation_id: message.conversation,
        seq: message.seq,
        client_id: message.client_id,
        role: role(message.role),
        agent_name: message.agent_name.clone(),
        author: message.author.as_ref().map(person),
        content: message.content.clone(),
        citations: stored(message.citations.as_ref()),
        attachments: stored(message.attachments.as_ref()),
        metadata: message.metadata.as_ref().and_then(|metadata| metadata.as_object().cloned()),
        created_at: message.created_at.into(),
    }
}

pub fn messages(messages: &[Message]) -> Vec<Arc<chat::Message>> {
    messages.iter().map(|message| Arc::new(self::message(message))).collect()
}

pub fn state(conversation: &Conversation, epoch: &Epoch) -> chat::State {
    chat::State {
        conversation_id: conversation.id,
        session_id: conversation.session.as_deref().map(str::to_owned),
        epoch: epoch.clone(),
        version: conversation.version,
        status: match conversation.status {
            Status::Active => chat::Status::Active,
            Status::Waiting => chat::Status::Waiting,
            Status::WithStaff => chat::Status::WithStaff,
            Status::Resolved => chat::Status::Resolved,
            Status::Closed => chat::Status::Closed,
        },
        owner: match conversation.owner {
            Owner::Ai => chat::Owner::Ai,
            Owner::Staff => chat::Owner::Staff,
            Owner::None => chat::Owner::None,
        },
        assignee: conversation.assignee.as_ref().map(staff::holder),
        mode: conversation.mode.map(shown_mode),
        workflow: conversation.workflow.as_deref().map(workflow),
        escalation: conversation
            .escalation
            .as_ref()
            .map(|brief| chat::EscalationBrief { id: brief.id, status: escalation_status(brief.status) }),
        rating: conversation.rating.as_ref().and_then(|rating| u8::try_from(rating.score).ok()),
        created_at: conversation.created_at.into(),
        updated_at: conversation.updated_at.into(),
    }
}

fn workflow(workflow: &Workflow) -> chat::WorkflowState {
    chat::WorkflowState {
        r#type: workflow.kind.to_string(),
        step: workflow.step.map(|step| step.name().to_owned()),
        turn: workflow.turn,
        awaiting: workflow.awaiting.map(awaiting),
    }
}

pub fn awaiting(awaiting: Awaiting) -> chat::Awaiting {
    match awaiting {
        Awaiting::ContactDetails => chat::Awaiting::ContactDetails,
        Awaiting::Confirmation => chat::Awaiting::Confirmation,
        Awaiting::Staff => chat::Awaiting::Staff,
    }
}

pub fn escalation(escalation: &Escalation) -> chat::VisitorEscalation {
    chat::VisitorEscalation {
        id: escalation.id,
        status: escalation_status(escalation.status),
        created_at: escalation.created_at.into(),
        assignee_name: escalation.assignee.as_ref().map(|assignee| assignee.name.to_string()),
    }
}

pub fn reads(marks: ReadMarks) -> chat::ReadMarks {
    chat::ReadMarks { user: marks.user, staff: marks.staff }
}

pub fn status(status: chat::Status) -> Status {
    match status {
        chat::Status::Active => Status::Active,
        chat::Status::Waiting => Status::Waiting,
        chat::Status::WithStaff => Status::WithStaff,
        chat::Status::Resolved => Status::Resolved,
        chat::Status::Closed => Status::Closed,
    }
}

/// The place in a list that a client gives back.
pub fn cursor<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>, RpcError> {
    let wrong = |_| RpcError::invalid_param("cursor", "is not one that a list has given");
    cursor.map(|cursor| cursor.parse().map_err(wrong)).transpose()
}

pub fn mode(mode: chat::Mode) -> Mode {
    match mode {
        chat::Mode::Customer => Mode::Customer,
        chat::Mode::Banker => Mode::Banker,
    }
}

pub fn shown_mode(mode: Mode) -> chat::Mode {
    match mode {
        Mode::Customer => chat::Mode::Customer,
        Mode::Banker => chat::Mode::Banker,
    }
}

/// What a sender is told.
pub fn sent(answer: Result<Answer, Refusal>, epoch: &Epoch) -> Result<MessageSent, RpcError> {
    match answer {
        Ok(Answer::Said(Receipt { id, seq, created_at, duplicate })) => Ok(MessageSent {
            id: Some(id),
            seq: Some(seq),
            created_at: created_at.into(),
            duplicate,
            durability: Durability::Postgres,
            reply: None,
        }),
        Ok(Answer::Journaled { at, duplicate }) => Ok(MessageSent {
            id: None,
            seq: None,
            created_at: at.into(),
            duplicate,
            durability: Durability::Journal,
            reply: None,
        }),
        Ok(Answer::State(_) | Answer::Escalated(_) | Answer::Cancelled) => {
            Err(crash("a message was answered with a state"))
        }
        Err(refusal) => Err(refused(refusal, epoch)),
    }
}

pub fn refused(refusal: Refusal, epoch: &Epoch) -> RpcError {
    match refusal {
        Refusal::Closed(conversation) => RpcError::conflict(
            "This conversation is closed; open a new one to go on.",
            &state(&conversation, epoch),
        ),
        Refusal::Reused(receipt) => RpcError::conflict(
            REUSED,
            &serde_json::json!({
                "id": receipt.id,
                "seq": receipt.seq,
                "created_at": switchboard_protocol::Timestamp::from(receipt.created_at),
            }),
        ),
        Refusal::ReusedUnstored(at) => RpcError::conflict(
            REUSED,
            &serde_json::json!({
                "id": null, "seq": null, "created_at": switchboard_protocol::Timestamp::from(at),
            }),
        ),
        Refusal::Unavailable => RpcError::unavailable(
            "The database is away; nothing was stored. Send it again shortly.",
            RETRY_MS,
        ),
        Refusal::Moved => RpcError::unavailable("The conversation moved; open it again and resend.", 0),
        Refusal::AgentAnswers(conversation) => RpcError::conflict(
            "The assistant answers here; take the conversation over first.",
            &state(&conversation, epoch),
        ),
        Refusal::Lost(conversation) => RpcError::conflict(
            match &conversation.assignee {
                Some(holder) => format!("{} has this conversation.", holder.name),
                None => "This conversation cannot be taken over: it is closed.".to_owned(),
            },
            &state(&conversation, epoch),
        ),
        Refusal::Rejected(reason) => crash(&reason),
    }
}

pub fn store_error(error: StoreError) -> RpcError {
    match error {
        StoreError::Unavailable(reason) => {
            tracing::debug!(reason, "a read met no database");
            RpcError::unavailable("The database is away; try again shortly.", RETRY_MS)
        }
        other => crash(&other.to_string()),
    }
}

/// How long a client should wait, in whole milliseconds that are never none.
pub fn millis(wait: std::time::Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Something that should not happen: the log knows what, the client only where to look.
pub fn crash(reason: &str) -> RpcError {
    let trace_id = mint::id::<uuid::Uuid>().simple().to_string();
    tracing::error!(trace_id, reason, "a request failed");
    RpcError::internal(trace_id)
}

fn person(author: &Author) -> chat::Person {
    chat::Person { id: VisitorId::from(author.id), name: author.name.clone() }
}

fn role(role: Role) -> chat::Role {
    match role {
        Role::User => chat::Role::User,
        Role::Assistant => chat::Role::Assistant,
        Role::Staff => chat::Role::Staff,
        Role::System => chat::Role::System,
    }
}

fn escalation_status(status: escalation::Status) -> chat::EscalationStatus {
    match status {
        escalation::Status::Pending => chat::EscalationStatus::Pending,
        escalation::Status::Notified => chat::EscalationStatus::Notified,
        escalation::Status::InProgress => chat::EscalationStatus::InProgress,
        escalation::Status::Resolved => chat::EscalationStatus::Resolved,
    }
}

/// A list kept as wire-shaped JSON; one that an older version wrote otherwise is shown as empty.
fn stored<T: DeserializeOwned>(list: Option<&Value>) -> Vec<T> {
    list.and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default()
}
