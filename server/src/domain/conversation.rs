//! A conversation's state: the small object beside the log, and how it may change.

use std::sync::Arc;

use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, EscalationId, Seq, VisitorId, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::workflow::Workflow;

/// The state of one conversation. A new version is a new value: what was handed out stays as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub id: ConversationId,
    pub workspace: WorkspaceId,
    pub visitor: VisitorId,
    /// The client's own name for it.
    pub session: Option<Box<str>>,
    pub version: i64,
    pub owner_epoch: i64,
    pub status: Status,
    pub owner: Owner,
    pub assignee: Option<Person>,
    pub mode: Option<Mode>,
    pub escalation: Option<EscalationRef>,
    pub rating: Option<Rating>,
    pub metadata: Option<Box<Value>>,
    /// Nothing where no AI has ever answered.
    pub workflow: Option<Arc<Workflow>>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Waiting,
    WithStaff,
    Resolved,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Ai,
    Staff,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Customer,
    Banker,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: Uuid,
    pub name: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationRef {
    pub id: EscalationId,
    pub status: super::escalation::Status,
}

impl EscalationRef {
    pub fn is_open(&self) -> bool {
        self.status != super::escalation::Status::Resolved
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rating {
    pub score: i16,
    pub comment: Option<Box<str>>,
}

/// How far each side has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadMarks {
    pub user: Seq,
    pub staff: Seq,
}

/// One change of state, as the visitor's side can ask for it.
#[derive(Clone, Debug)]
pub enum Change {
    Close,
    Rate(Rating),
    Escalate(EscalationRef),
}

impl Conversation {
    /// A conversation nobody has acted in yet: version 0, no row. Where no AI runs it waits for a person at once.
    pub fn fresh(id: ConversationId, workspace: WorkspaceId, visitor: VisitorId, now: Timestamp) -> Self {
        Self {
            id,
            workspace,
            visitor,
            session: None,
            version: 0,
            owner_epoch: 0,
            status: Status::Waiting,
            owner: Owner::None,
            assignee: None,
            mode: None,
            escalation: None,
            rating: None,
            metadata: None,
            workflow: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The state after a visitor's message, when it differs: a resolved conversation comes back to life.
    pub fn reopened(&self, now: Timestamp) -> Option<Self> {
        (self.status == Status::Resolved).then(|| self.next(now, |next| next.status = Status::Waiting))
    }

    /// The state after `change`, or nothing when it already stands.
    pub fn changed(&self, change: &Change, now: Timestamp) -> Option<Self> {
        match change {
            Change::Close if self.status == Status::Closed => None,
            Change::Close => Some(self.next(now, |next| {
                next.status = Status::Closed;
                next.owner = Owner::None;
                next.assignee = None;
            })),
            Change::Rate(rating) if self.rating.as_ref() == Some(rating) => None,
            Change::Rate(rating) => Some(self.next(now, |next| next.rating = Some(rating.clone()))),
            Change::Escalate(_) if self.escalation.as_ref().is_some_and(EscalationRef::is_open) => None,
            Change::Escalate(escalation) => Some(self.next(now, |next| {
                next.status = Status::Waiting;
                next.owner = Owner::None;
                next.escalation = Some(escalation.clone());
            })),
        }
    }

    fn next(&self, now: Timestamp, edit: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        edit(&mut next);
        next.version += 1;
        // A clock that steps back must not make a newer version look older.
        next.updated_at = now.max(self.updated_at);
        next
    }
}

/// Names of the variants as they are stored; the wire has its own.
macro_rules! stored_names {
    ($type:ty { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $type {
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use stored_names;

stored_names!(Status {
    Active = "active",
    Waiting = "waiting",
    WithStaff = "with_staff",
    Resolved = "resolved",
    Closed = "closed",
});
stored_names!(Owner { Ai = "ai", Staff = "staff", None = "none" });
stored_names!(Mode { Customer = "customer", Banker = "banker" });
