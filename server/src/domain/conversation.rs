//! A conversation's state: the small object beside the log, and how it may change.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, EscalationId, Seq, VisitorId, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::deed::{Consequence, Deed, Lost};
use super::workflow::{Ending, OpenTurn, Workflow};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Customer,
    Banker,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: Uuid,
    pub name: Box<str>,
}

impl Person {
    /// Who did what nobody did: the server itself.
    pub fn server() -> Self {
        Self { id: Uuid::nil(), name: "Switchboard".into() }
    }
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

/// One change of state.
#[derive(Clone, Debug)]
pub enum Change {
    Close,
    Rate(Rating),
    Escalate(EscalationRef),
    /// Ends the open turn without an answer.
    Cancel,
    /// A live console or a webhook has the escalation.
    Notified(EscalationId),
    /// Somebody of the staff does something.
    Deed(Box<Deed>),
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

    /// Of a desk where an AI answers first.
    pub fn answered_by_ai(self) -> Self {
        Self { status: Status::Active, owner: Owner::Ai, ..self }
    }

    /// The state after a visitor's message, when it differs: a resolved conversation comes back to life.
    pub fn reopened(&self, has_ai: bool, now: Timestamp) -> Option<Self> {
        (self.status == Status::Resolved).then(|| {
            self.next(now, |next| {
                next.status = if has_ai { Status::Active } else { Status::Waiting };
                next.owner = if has_ai { Owner::Ai } else { Owner::None };
                next.assignee = None;
            })
        })
    }

    pub fn open_turn(&self) -> Option<&OpenTurn> {
        self.workflow.as_ref()?.open.as_ref()
    }

    /// The state with a turn on these messages begun.
    pub fn with_turn(&self, kind: &Arc<str>, turn: OpenTurn, now: Timestamp) -> Self {
        let workflow = self.workflow.as_deref().cloned().unwrap_or_else(|| Workflow::fresh(kind.clone()));
        self.next(now, |next| next.workflow = Some(Arc::new(workflow.opened(turn))))
    }

    /// The state after the open turn, and after a hand-over where it ended in one. `next_turn` begins in the same moment.
    pub fn after_turn(&self, ending: &Ending, next_turn: Option<OpenTurn>, now: Timestamp) -> Self {
        self.next(now, |next| {
            if let Some(workflow) = &self.workflow {
                let closed = workflow.closed(ending.step, ending.awaiting, ending.memory.clone());
                next.workflow = Some(Arc::new(match next_turn {
                    Some(turn) => closed.opened(turn),
                    None => closed,
                }));
            }
            if let Some(escalation) = &ending.escalation {
                next.status = Status::Waiting;
                next.owner = Owner::None;
                next.escalation = Some(EscalationRef { id: escalation.id, status: escalation.status });
            }
        })
    }

    /// What `change` brings with it, or nothing when it already stands. `has_ai`: an agent answers here.
    pub fn changed(
        &self,
        change: &Change,
        has_ai: bool,
        now: Timestamp,
    ) -> Result<Option<Consequence>, Lost> {
        match change {
            Change::Deed(deed) => self.after(deed, has_ai, now),
            Change::Notified(id) => Ok(self.notified(*id, now)),
            other => Ok(self.restated(other, now).map(Consequence::of)),
        }
    }

    /// The state after a change of nothing but the state.
    fn restated(&self, change: &Change, now: Timestamp) -> Option<Self> {
        match change {
            Change::Deed(_) | Change::Notified(_) => None,
            Change::Close if self.status == Status::Closed => None,
            Change::Close => Some(self.next(now, |next| {
                next.status = Status::Closed;
                next.owner = Owner::None;
                next.assignee = None;
                // Nobody waits for its answer any more.
                next.workflow = next.workflow.as_ref().map(|workflow| Arc::new(workflow.abandoned()));
            })),
            Change::Rate(rating) if self.rating.as_ref() == Some(rating) => None,
            Change::Rate(rating) => Some(self.next(now, |next| next.rating = Some(rating.clone()))),
            Change::Cancel => {
                self.open_turn()?;
                Some(self.without_turn(None, now))
            }
            Change::Escalate(_) if self.escalation.as_ref().is_some_and(EscalationRef::is_open) => None,
            Change::Escalate(escalation) => Some(self.next(now, |next| {
                next.status = Status::Waiting;
                next.owner = Owner::None;
                next.escalation = Some(escalation.clone());
            })),
        }
    }

    /// The state after the open turn was ended without an answer.
    pub fn without_turn(&self, next_turn: Option<OpenTurn>, now: Timestamp) -> Self {
        self.next(now, |next| {
            next.workflow = self.workflow.as_ref().map(|workflow| {
                let abandoned = workflow.abandoned();
                Arc::new(match next_turn {
                    Some(turn) => abandoned.opened(turn),
                    None => abandoned,
                })
            });
        })
    }

    pub(super) fn next(&self, now: Timestamp, edit: impl FnOnce(&mut Self)) -> Self {
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
