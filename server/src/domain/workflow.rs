//! Where the agent's work in a conversation stands, and what one turn of it leaves behind.
//!
//! Invariant: a checkpoint holds only what the log does not, so that it stays as small in the thousandth turn as in
//! the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, MessageId, Seq, WorkspaceId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::{Conversation, Mode, stored_names};
use super::escalation::{Contact, Escalation, Trigger};

#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// The preset that it runs by.
    pub kind: Arc<str>,
    /// Turns so far, the open one included.
    pub turn: i64,
    /// Where the last turn ended.
    pub step: Option<Step>,
    pub awaiting: Option<Awaiting>,
    pub open: Option<OpenTurn>,
    pub checkpoint: Checkpoint,
}

/// A turn that has begun, and ends in exactly one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTurn {
    /// The id that its reply will have, fixed before a word of it is streamed.
    pub reply: MessageId,
    /// The first and the last place in the log that it answers.
    pub from: Seq,
    pub upto: Seq,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Guard,
    Classify,
    Route,
    Retrieve,
    Respond,
    Assess,
    Finish,
    Escalate,
}

stored_names!(Step {
    Guard = "guard",
    Classify = "classify",
    Route = "route",
    Retrieve = "retrieve",
    Respond = "respond",
    Assess = "assess",
    Finish = "finish",
    Escalate = "escalate",
});

/// What the workflow cannot go on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaiting {
    ContactDetails,
    Confirmation,
    Staff,
}

stored_names!(Awaiting {
    ContactDetails = "contact_details",
    Confirmation = "confirmation",
    Staff = "staff",
});

/// What a conversation's workflow remembers from turn to turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Checkpoint {
    Known(Arc<Memory>),
    /// Written by another version, or broken: a person goes on from here, with the reason.
    Unreadable {
        version: i16,
        content: Arc<Value>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Who answered last.
    pub agent: Option<String>,
    /// What the visitor told of how to reach them.
    pub contact: Contact,
    /// Asked for so often without all of it.
    pub asked: usize,
    /// A hand-over that waits for contact details.
    pub pending: Option<Pending>,
    /// A security check that is under way.
    pub check: Option<Check>,
    /// The intent whose offer of a person waits for a yes.
    pub offered: Option<String>,
    /// Messages in a row that the guard stopped.
    pub stopped: usize,
}

/// Why somebody is to be handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    pub trigger: Trigger,
    pub reason: String,
    pub intent: Option<String>,
    pub priority: i16,
    pub request: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub intent: String,
    pub request: String,
    /// Names of the proofs that were told. What was told stands in the log alone.
    pub told: Vec<String>,
    pub asked: usize,
}

/// The version of [`Memory`] that this program writes, and the only one that it reads.
pub const CHECKPOINT_VERSION: i16 = 1;

impl Checkpoint {
    pub fn read(version: i16, content: Value) -> Self {
        match serde_json::from_value(content.clone()) {
            Ok(memory) if version == CHECKPOINT_VERSION => Self::Known(Arc::new(memory)),
            _ => Self::Unreadable { version, content: Arc::new(content) },
        }
    }

    /// As it is stored. What could not be read stays as it was.
    pub fn stored(&self) -> (i16, Value) {
        match self {
            Self::Known(memory) => {
                (CHECKPOINT_VERSION, serde_json::to_value(&**memory).unwrap_or(Value::Null))
            }
            Self::Unreadable { version, content } => (*version, Value::clone(content)),
        }
    }
}

impl Workflow {
    /// Before the first turn.
    pub fn fresh(kind: Arc<str>) -> Self {
        Self {
            kind,
            turn: 0,
            step: None,
            awaiting: None,
            open: None,
            checkpoint: Checkpoint::Known(Arc::default()),
        }
    }

    pub fn opened(&self, open: OpenTurn) -> Self {
        Self { turn: self.turn + 1, open: Some(open), ..self.clone() }
    }

    /// Without an end: cancelled, or closed with its conversation.
    pub fn abandoned(&self) -> Self {
        Self { open: None, awaiting: None, ..self.clone() }
    }

    /// A person has it, or gives it back: nothing of what the agent was about goes on, and nobody is handed over for
    /// what was said before. How to reach the visitor stays known. A checkpoint that nobody could read has had its
    /// person.
    pub fn relieved(&self) -> Self {
        let memory = match &self.checkpoint {
            Checkpoint::Known(memory) => {
                let (agent, contact) = (memory.agent.clone(), memory.contact.clone());
                Memory { agent, contact, ..Memory::default() }
            }
            Checkpoint::Unreadable { .. } => Memory::default(),
        };
        Self { checkpoint: Checkpoint::Known(Arc::new(memory)), ..self.abandoned() }
    }

    pub fn closed(&self, step: Step, awaiting: Option<Awaiting>, memory: Option<Memory>) -> Self {
        let checkpoint =
            memory.map_or_else(|| self.checkpoint.clone(), |memory| Checkpoint::Known(Arc::new(memory)));
        Self { step: Some(step), awaiting, open: None, checkpoint, ..self.clone() }
    }
}

/// The end of an open turn, ready to be committed: all of it or nothing.
#[derive(Clone, Debug)]
pub struct Ending {
    pub turn: i64,
    /// The owner's epoch that it began in: after a takeover it is worth nothing.
    pub owner_epoch: i64,
    /// Nothing where there was no question in it.
    pub said: Option<AgentMessage>,
    pub step: Step,
    pub awaiting: Option<Awaiting>,
    /// Nothing where the checkpoint stays as it was.
    pub memory: Option<Memory>,
    pub escalation: Option<Escalation>,
    pub records: Box<Records>,
}

impl Records {
    /// Of a turn that was ended without an answer.
    pub fn of_abandoned(
        conversation: &Conversation,
        turn: i64,
        outcome: Outcome,
        id: Uuid,
        at: Timestamp,
    ) -> Self {
        let opened = conversation.open_turn().map_or(at, |open| open.at);
        Self {
            workspace: conversation.workspace,
            conversation: conversation.id,
            turn,
            steps: Vec::new(),
            agent: None,
            interaction: Some(Interaction {
                id,
                mode: conversation.mode,
                agent: None,
                user_message: None,
                response: None,
                intent: None,
                category: None,
                confidence: None,
                outcome,
                trigger: None,
                reason: None,
                brain: None,
                processing_ms: (at - opened).num_milliseconds().max(0),
                detail: None,
            }),
            at,
        }
    }
}

/// What the agent says, before it has its place in the log.
#[derive(Clone, Debug)]
pub struct AgentMessage {
    pub agent: String,
    pub content: String,
    /// Wire-shaped.
    pub citations: Option<Value>,
}

/// A step as it is recorded: it never runs again.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub step: Step,
    pub status: StepStatus,
    pub started_at: Timestamp,
    pub ms: i64,
    pub output: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStatus {
    Done,
    Failed,
    Skipped,
}

stored_names!(StepStatus { Done = "done", Failed = "failed", Skipped = "skipped" });

/// The steps of one turn.
pub type Steps = BTreeMap<Step, Recorded>;

/// What a turn leaves behind beside its message and the state: written in the same commit.
#[derive(Clone, Debug)]
pub struct Records {
    pub workspace: WorkspaceId,
    pub conversation: ConversationId,
    pub turn: i64,
    pub steps: Vec<Recorded>,
    /// The agent that answered, and what it remembers.
    pub agent: Option<(String, Value)>,
    pub interaction: Option<Interaction>,
    pub at: Timestamp,
}

/// One turn, for audit and for the dashboard.
#[derive(Clone, Debug)]
pub struct Interaction {
    pub id: Uuid,
    pub mode: Option<Mode>,
    pub agent: Option<String>,
    /// Nothing for a turn that ended before it was read.
    pub user_message: Option<String>,
    pub response: Option<String>,
    pub intent: Option<String>,
    pub category: Option<&'static str>,
    pub confidence: Option<f32>,
    pub outcome: Outcome,
    pub trigger: Option<Trigger>,
    pub reason: Option<String>,
    pub brain: Option<String>,
    pub processing_ms: i64,
    pub detail: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Resolved,
    /// Something was asked back.
    Asked,
    Refused,
    Escalated,
    Cancelled,
    TakenOver,
}

stored_names!(Outcome {
    Resolved = "resolved",
    Asked = "asked",
    Refused = "refused",
    Escalated = "escalated",
    Cancelled = "cancelled",
    TakenOver = "taken_over",
});
