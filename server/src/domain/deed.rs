//! What people do with a conversation: take it, give it, let go of it, settle it. And what that changes, all at once.
//!
//! Invariant: a conversation that people have is not the agent's, and each way from one to the other raises the owner's
//! epoch. An escalation outlives its conversation: in a closed one only the escalation itself goes on.

use std::sync::Arc;

use serde_json::{Value, json};
use switchboard_protocol::ids::EscalationId;
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::{Conversation, EscalationRef, Owner, Person, Status};
use super::escalation::{self, Advance, Escalation, Trigger};

#[derive(Clone, Debug)]
pub struct Deed {
    /// Who does it.
    pub by: Person,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    /// Takes an escalation that nobody has.
    Claim(EscalationId),
    /// Takes a conversation that nobody has. Where no escalation is open, one of this id begins.
    TakeOver(EscalationId),
    Assign(EscalationId, Person),
    /// Gives it to somebody by itself, while nobody has it.
    Offer(EscalationId, Person),
    /// Takes it from somebody who has gone, while it is still theirs.
    Requeue(EscalationId, Uuid),
    /// `hand_back`: the agent goes on, where one answers.
    Release {
        id: EscalationId,
        hand_back: bool,
    },
    Resolve {
        id: EscalationId,
        resolution: String,
        reopen_ai: bool,
    },
}

/// Why it cannot be done: somebody has it, or it is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// All that changes, in one commit.
#[derive(Clone, Debug)]
pub struct Consequence {
    pub state: Conversation,
    /// A takeover without an escalation begins one.
    pub begun: Option<Escalation>,
    pub advance: Option<Advance>,
    /// Nothing in a log that is closed.
    pub marker: Option<Marker>,
    pub record: Option<Record>,
}

impl Consequence {
    /// Of what changes the state alone.
    pub fn of(state: Conversation) -> Self {
        Self { state, begun: None, advance: None, marker: None, record: None }
    }
}

/// What everyone in the conversation reads of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    pub text: String,
    pub metadata: Value,
}

/// For the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub actor: Person,
    pub action: &'static str,
    pub subject: String,
    pub detail: Value,
}

impl Conversation {
    /// What a deed changes; nothing where it is done already.
    pub(super) fn after(
        &self,
        deed: &Deed,
        has_ai: bool,
        now: Timestamp,
    ) -> Result<Option<Consequence>, Lost> {
        let by = &deed.by;
        match &deed.what {
            What::Claim(id) => {
                self.free(*id).map(|()| Some(self.taken(*id, by, by, "escalation.claim", now)))
            }
            What::TakeOver(_) if self.status == Status::Closed => Err(Lost),
            What::TakeOver(_) if self.owner == Owner::Staff => {
                if self.assignee.as_ref().is_some_and(|holder| holder.id == by.id) {
                    Ok(None)
                } else {
                    Err(Lost)
                }
            }
            What::TakeOver(fresh) => Ok(Some(match self.escalation.as_ref().filter(|it| it.is_open()) {
                Some(open) => self.taken(open.id, by, by, "conversation.takeover", now),
                None => self.taken_unasked(*fresh, by, now),
            })),
            What::Assign(id, to) => {
                let open = self.open(*id)?;
                let has_it = self.assignee.as_ref().is_some_and(|holder| holder.id == to.id);
                if open.status == escalation::Status::InProgress && has_it {
                    return Ok(None);
                }
                Ok(Some(self.taken(*id, to, by, "escalation.assign", now)))
            }
            What::Offer(id, to) => {
                self.free(*id).map(|()| Some(self.taken(*id, to, by, "escalation.assign", now)))
            }
            What::Requeue(id, from) => {
                self.open(*id)?;
                let has_it = self.assignee.as_ref().is_some_and(|holder| holder.id == *from);
                has_it.then(|| self.released(*id, by, false, now)).ok_or(Lost).map(Some)
            }
            What::Release { id, hand_back } => {
                self.open(*id)?;
                Ok(Some(self.released(*id, by, *hand_back && has_ai, now)))
            }
            What::Resolve { id, resolution, reopen_ai } => {
                self.open(*id)?;
                Ok(Some(self.resolved(*id, by, resolution, *reopen_ai && has_ai, now)))
            }
        }
    }

    /// A live console or a webhook has the escalation, which nobody had before.
    pub(super) fn notified(&self, id: EscalationId, now: Timestamp) -> Option<Consequence> {
        let open = self.open(id).ok()?;
        let status = escalation::Status::Notified;
        (open.status == escalation::Status::Pending).then(|| Consequence {
            advance: Some(Advance { id, status, assignee: None, resolution: None }),
            ..Consequence::of(self.next(now, |next| next.escalation = Some(EscalationRef { id, status })))
        })
    }

    /// The conversation's escalation, if it is this one and not resolved.
    fn open(&self, id: EscalationId) -> Result<&EscalationRef, Lost> {
        self.escalation.as_ref().filter(|open| open.id == id && open.is_open()).ok_or(Lost)
    }

    /// It is open, and nobody has it.
    fn free(&self, id: EscalationId) -> Result<(), Lost> {
        let open = self.open(id)?;
        if open.status == escalation::Status::InProgress { Err(Lost) } else { Ok(()) }
    }

    fn taken(
        &self,
        id: EscalationId,
        to: &Person,
        by: &Person,
        action: &'static str,
        now: Timestamp,
    ) -> Consequence {
        let status = escalation::Status::InProgress;
        let before = self.assignee.as_ref().filter(|before| before.id != to.id);
        let text = match before {
            Some(before) => format!("{} has taken over from {}.", to.name, before.name),
            None => format!("{} has joined the conversation.", to.name),
        };
        Consequence {
            state: self.with(now, Self::hold, EscalationRef { id, status }, Some(to)),
            begun: None,
            advance: Some(Advance { id, status, assignee: Some(to.clone()), resolution: None }),
            marker: self.marker(text, "taken", Some(to)),
            record: Some(self.record(by, action, id, json!({ "assignee": to.id }))),
        }
    }

    fn taken_unasked(&self, id: EscalationId, by: &Person, now: Timestamp) -> Consequence {
        let status = escalation::Status::InProgress;
        let begun = Escalation {
            status,
            assignee: Some(by.clone()),
            claimed_at: Some(now),
            ..Escalation::new(id, self.workspace, self.id, Trigger::StaffTakeover, now)
        };
        let taken = self.taken(id, by, by, "conversation.takeover", now);
        Consequence { begun: Some(begun), advance: None, ..taken }
    }

    fn released(&self, id: EscalationId, by: &Person, hand_back: bool, now: Timestamp) -> Consequence {
        let status = if hand_back { escalation::Status::Resolved } else { escalation::Status::Pending };
        let (text, kind) = if hand_back {
            (
                format!("{} has left the conversation; the assistant answers again.", self.holder(by).name),
                "handed_back",
            )
        } else {
            (
                format!(
                    "{} has left the conversation; somebody else will be with you.",
                    self.holder(by).name
                ),
                "queued",
            )
        };
        let resolution = hand_back.then(|| "Handed back to the assistant.".to_owned());
        let assignee = hand_back.then(|| self.holder(by).clone());
        Consequence {
            state: self.with(now, |next| next.let_go(hand_back), EscalationRef { id, status }, None),
            begun: None,
            advance: Some(Advance { id, status, assignee, resolution }),
            marker: self.marker(text, kind, None),
            record: Some(self.record(by, "escalation.release", id, json!({ "hand_back": hand_back }))),
        }
    }

    fn resolved(
        &self,
        id: EscalationId,
        by: &Person,
        resolution: &str,
        reopen_ai: bool,
        now: Timestamp,
    ) -> Consequence {
        let status = escalation::Status::Resolved;
        let edit = |next: &mut Self| {
            next.let_go(reopen_ai);
            if !reopen_ai {
                next.status = Status::Resolved;
            }
        };
        let (text, kind) = if reopen_ai {
            (
                format!("{} has left the conversation; the assistant answers again.", self.holder(by).name),
                "handed_back",
            )
        } else {
            (format!("{} has marked this as resolved.", by.name), "resolved")
        };
        Consequence {
            state: self.with(now, edit, EscalationRef { id, status }, None),
            begun: None,
            advance: Some(Advance {
                id,
                status,
                assignee: Some(self.holder(by).clone()),
                resolution: Some(resolution.to_owned()),
            }),
            marker: self.marker(text, kind, None),
            record: Some(self.record(by, "escalation.resolve", id, json!({ "reopen_ai": reopen_ai }))),
        }
    }

    /// Who has it; where nobody does, whoever acts on it.
    fn holder<'a>(&'a self, by: &'a Person) -> &'a Person {
        self.assignee.as_ref().unwrap_or(by)
    }

    /// The next version. Of a closed conversation only the escalation and its assignee change.
    fn with(
        &self,
        now: Timestamp,
        edit: impl FnOnce(&mut Self),
        escalation: EscalationRef,
        assignee: Option<&Person>,
    ) -> Self {
        self.next(now, |next| {
            if next.status != Status::Closed {
                edit(next);
            }
            next.escalation = Some(escalation);
            next.assignee = assignee.cloned();
        })
    }

    fn hold(&mut self) {
        self.status = Status::WithStaff;
        self.change_owner(Owner::Staff);
    }

    fn let_go(&mut self, to_ai: bool) {
        self.status = if to_ai { Status::Active } else { Status::Waiting };
        self.change_owner(if to_ai { Owner::Ai } else { Owner::None });
    }

    /// What the agent was about is over, also what it still wanted to know: it must not take up an old hand-over.
    fn change_owner(&mut self, owner: Owner) {
        self.owner = owner;
        self.owner_epoch += 1;
        self.workflow = self.workflow.as_ref().map(|workflow| Arc::new(workflow.relieved()));
    }

    fn marker(&self, text: String, kind: &str, person: Option<&Person>) -> Option<Marker> {
        let person = person.map(|person| json!({ "id": person.id, "name": person.name }));
        (self.status != Status::Closed)
            .then(|| Marker { text, metadata: json!({ "marker": kind, "assignee": person }) })
    }

    fn record(&self, by: &Person, action: &'static str, id: EscalationId, mut detail: Value) -> Record {
        detail["conversation_id"] = json!(self.id);
        Record { actor: by.clone(), action, subject: id.to_string(), detail }
    }
}

#[cfg(test)]
mod tests;
