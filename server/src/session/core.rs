//! What a session decides, without a runtime: acts come in, one write at a time goes out, its outcome comes back.
//!
//! Invariants: numbers are dense and given only in the one write in flight; nothing is told as done before its
//! commit; every reply is told exactly once.

mod journal;
mod outcome;
mod turns;

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::TimeDelta;
use switchboard_protocol::ids::Seq;
use uuid::Uuid;

use self::journal::Journaling;
pub use self::journal::{End, Entry};
use super::event::Withdrawal;
use super::recent::Recent;
use super::{Answer, ConnectionId, Refusal};
use crate::domain::clock::Timestamp;
use crate::domain::conversation::{Change, Conversation, Owner, ReadMarks, Status};
use crate::domain::deed::{Consequence, Lost, Record};
use crate::domain::escalation::{Advance, Escalation};
use crate::domain::message::{Draft, Fingerprint, Message, Role};
use crate::domain::outbox::OutboxEntry;
use crate::domain::workflow::{Ending, Outcome, Records};
use crate::store::writer::Write;

/// What is committed, as everyone in the conversation may know it.
#[derive(Clone, Debug)]
pub struct View {
    pub conversation: Arc<Conversation>,
    pub head: Seq,
    pub reads: ReadMarks,
    /// Whether the conversation has its row: it comes with the first act.
    pub stored: bool,
}

/// Something that somebody wants done. `R` is how they are told.
#[expect(clippy::large_enum_variant, reason = "an act is boxed as a whole")]
#[derive(Debug)]
pub enum Act<R> {
    Say {
        draft: Draft,
        from: Option<ConnectionId>,
        reply: Option<R>,
    },
    Change {
        change: Change,
        escalation: Option<Escalation>,
        reply: Option<R>,
    },
    Read {
        marks: ReadMarks,
    },
    /// The agent has come to the end of its turn.
    Conclude(Ending),
    /// The journal holds it.
    Replay(Entry),
    /// Acts that nothing may come between.
    Many(Vec<Act<R>>),
}

/// What the actor is to do.
#[expect(clippy::large_enum_variant, reason = "carried out at once, and kept nowhere")]
#[derive(Debug)]
pub enum Effect<R> {
    Write(Write),
    /// Keep these on this server's disk; [`Core::journaled`] hears of it.
    Journal(Vec<Entry>),
    Tell(R, Result<Answer, Refusal>),
    /// Show everyone what was committed, in this order.
    Publish(Commit<R>),
    /// A turn is open: let the agent work on it.
    Think,
    /// The turn that the agent works on is over without it.
    Abandon(Withdrawal),
    /// Somebody else wrote this conversation: give it up.
    GiveUp,
}

#[derive(Debug)]
pub struct Commit<R> {
    pub view: View,
    pub messages: Vec<Committed<R>>,
    pub state_changed: bool,
    /// An escalation began or went on.
    pub escalated: bool,
    pub reads_changed: bool,
    /// Told after the messages: the answer to a change, and to repeats of what has just been committed.
    pub told: Vec<(R, Result<Answer, Refusal>)>,
}

#[derive(Debug)]
pub struct Committed<R> {
    pub message: Arc<Message>,
    /// The connection that sent it, while it still waits for its answer: it gets that and no notification.
    pub reply: Option<(Option<ConnectionId>, R)>,
}

/// The decisions of one session.
#[derive(Debug)]
pub struct Core<R> {
    view: View,
    recent: Recent,
    /// Boxed: the queue keeps room for several from the first one on.
    waiting: VecDeque<(Box<Act<R>>, Timestamp)>,
    /// Boxed, as most of a session's life it has nothing in it.
    writing: Option<Box<Writing<R>>>,
    reads: ReadMarks,
    reads_since: Option<Timestamp>,
    /// So many of the messages that wait were in a refused write: they go one by one, to find the culprit.
    singly: usize,
    /// The workflow that answers here, where one does.
    workflow: Option<Arc<str>>,
    /// The turn that the agent works on.
    thinking: Option<i64>,
    /// The visitor's last message: a turn that ends with a later one unanswered is followed by another. Not known
    /// after a crash until [`Core::remember`] says; until a turn is open nobody asks.
    asked: Seq,
    journal: Journaling<R>,
}

#[derive(Debug)]
struct Writing<R> {
    messages: Vec<Speaking<R>>,
    state: Option<Arc<Conversation>>,
    change: Option<(Change, Option<Escalation>, Option<R>)>,
    /// What the change brings beside the state: an escalation that begins with it, or one that goes on.
    begun: Option<Escalation>,
    advance: Option<Advance>,
    audit: Option<Record>,
    ending: Option<Ending>,
    records: Option<Box<Records>>,
    reads: Option<ReadMarks>,
    since: Timestamp,
}

#[derive(Debug)]
struct Speaking<R> {
    message: Arc<Message>,
    fingerprint: Fingerprint,
    from: Option<ConnectionId>,
    reply: Option<R>,
    /// Repeats that came while it was on its way.
    followers: Vec<Repeat<R>>,
    since: Timestamp,
}

#[derive(Debug)]
struct Repeat<R> {
    draft: Draft,
    from: Option<ConnectionId>,
    reply: Option<R>,
}

/// Messages of one write; the rest wait for the next.
const WRITE_MESSAGES: usize = 100;
/// Acts that may wait behind the write in flight; beyond that the inbox fills and senders wait.
const WAITING: usize = 128;
/// After this a sender is told that nothing is acknowledged; their client keeps the message.
const ANSWER_WITHIN: TimeDelta = TimeDelta::seconds(5);
/// Read marks are written with the next write, or after this.
const READS_WITHIN: TimeDelta = TimeDelta::seconds(1);

impl<R> Core<R> {
    /// `workflow` names the one that answers here, where one does.
    pub fn new(view: View, recent: Recent, workflow: Option<Arc<str>>) -> Self {
        let reads = view.reads;
        Self {
            view,
            recent,
            waiting: VecDeque::new(),
            writing: None,
            reads,
            reads_since: None,
            singly: 0,
            workflow,
            thinking: None,
            asked: Seq::ZERO,
            journal: Journaling::default(),
        }
    }

    pub fn view(&self) -> &View {
        &self.view
    }

    pub fn has_room(&self) -> bool {
        self.waiting.len() < self.journal.room()
    }

    /// Nothing waits, nothing is on its way: the session may sleep.
    pub fn is_idle(&self) -> bool {
        let is_quiet = self.waiting.is_empty() && self.writing.is_none() && self.reads_since.is_none();
        is_quiet && self.journal.is_idle()
    }

    /// Writes the read marks with the next step, due or not: the process ends.
    pub fn hurry(&mut self) {
        if let Some(since) = &mut self.reads_since {
            *since = Timestamp::UNIX_EPOCH;
        }
    }

    /// What is worth keeping while the session sleeps.
    pub fn take_recent(&mut self) -> Recent {
        std::mem::take(&mut self.recent).for_sleep()
    }

    /// What was said last, oldest first, once it is read from the store.
    pub fn remember(&mut self, messages: &[Message]) {
        self.recent = Recent::of(messages);
        let asked = messages.iter().rev().find(|message| message.role == Role::User);
        self.asked = asked.map_or(Seq::ZERO, |message| message.seq);
    }

    /// Takes an act in; [`Core::proceed`] acts on it.
    pub fn accept(&mut self, act: Box<Act<R>>, now: Timestamp) {
        match *act {
            Act::Read { marks } => {
                let marks = ReadMarks {
                    user: self.reads.user.max(marks.user.min(self.view.head)),
                    staff: self.reads.staff.max(marks.staff.min(self.view.head)),
                };
                if marks != self.reads {
                    self.reads = marks;
                    self.reads_since.get_or_insert(now);
                }
            }
            Act::Many(acts) => acts.into_iter().for_each(|act| self.accept(Box::new(act), now)),
            // Before what came in since: the next turn begins with it.
            Act::Conclude(_) => self.waiting.push_front((act, now)),
            Act::Replay(entry) => self.replay(entry, now),
            Act::Say { .. } | Act::Change { .. } => self.waiting.push_back((act, now)),
        }
    }

    /// Starts the next write, when none is in flight and something waits.
    pub fn proceed(&mut self, now: Timestamp, mint: &mut impl FnMut() -> Uuid) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        if self.writing.is_some() {
            return effects;
        }
        let mut writing = Writing {
            messages: Vec::new(),
            state: None,
            change: None,
            begun: None,
            advance: None,
            audit: None,
            ending: None,
            records: None,
            reads: None,
            since: now,
        };
        while let Some((act, since)) = self.waiting.pop_front() {
            match *act {
                Act::Say { draft, from, reply } => {
                    let turned = self.speak(&mut writing, draft, from, reply, since, now, mint, &mut effects);
                    let limit = if self.singly > 0 { 1 } else { WRITE_MESSAGES };
                    if turned && writing.messages.len() >= limit {
                        break;
                    }
                }
                // A change depends on the state after what was said before it, so it goes alone.
                change @ (Act::Change { .. } | Act::Conclude(_)) if !writing.messages.is_empty() => {
                    self.waiting.push_front((Box::new(change), since));
                    break;
                }
                Act::Change { change, escalation, reply } => {
                    if self.change(&mut writing, change, escalation, reply, now, mint, &mut effects) {
                        break;
                    }
                }
                Act::Conclude(ending) => {
                    if self.conclude(&mut writing, ending, now, mint) {
                        break;
                    }
                }
                Act::Read { .. } | Act::Replay(_) | Act::Many(_) => {}
            }
        }
        self.open_turn(&mut writing, now, mint);
        let due = self.reads_since.is_some_and(|since| now - since >= READS_WITHIN);
        let acts = !writing.messages.is_empty() || writing.change.is_some() || writing.ending.is_some();
        if self.reads_since.is_some() && (acts || due) {
            writing.reads = Some(self.reads);
            self.reads_since = None;
        }
        if acts || writing.reads.is_some() {
            if !self.view.stored && writing.state.is_none() {
                writing.state = Some(self.view.conversation.clone());
            }
            effects.push(Effect::Write(Write {
                workspace: self.view.conversation.workspace,
                conversation: self.view.conversation.id,
                write_id: mint(),
                visitor: None,
                state: writing.state.clone(),
                escalation: writing.escalation().cloned(),
                advance: writing.advance.clone(),
                audit: writing.audit.clone(),
                reads: writing.reads,
                messages: writing.messages.iter().map(|speaking| speaking.message.clone()).collect(),
                records: writing.records.clone(),
                event: writing
                    .escalation()
                    .map(|escalation| Box::new(OutboxEntry::escalation_created(mint(), escalation))),
                at: now,
            }));
            self.writing = Some(Box::new(writing));
        }
        effects
    }

    /// Puts one message into the write; false when it was answered otherwise.
    #[expect(clippy::too_many_arguments, reason = "the parts of one act, taken apart by its caller")]
    fn speak(
        &mut self,
        writing: &mut Writing<R>,
        draft: Draft,
        from: Option<ConnectionId>,
        reply: Option<R>,
        since: Timestamp,
        now: Timestamp,
        mint: &mut impl FnMut() -> Uuid,
        effects: &mut Vec<Effect<R>>,
    ) -> bool {
        let fingerprint = draft.fingerprint();
        if let Some(known) = self.recent.find(draft.client_id) {
            let (stored_as, receipt) = (known.fingerprint, known.receipt);
            let told = repeated(stored_as == fingerprint, receipt);
            effects.extend(reply.map(|reply| Effect::Tell(reply, told)));
            effects.extend(self.end_as_known(draft, stored_as, receipt));
            return false;
        }
        let same_id = |first: &&mut Speaking<R>| first.message.client_id == Some(draft.client_id);
        if let Some(first) = writing.messages.iter_mut().find(same_id) {
            first.followers.push(Repeat { draft, from, reply });
            return false;
        }
        let state = writing.state.as_ref().unwrap_or(&self.view.conversation);
        if state.status == Status::Closed {
            let refusal = Refusal::Closed(state.clone());
            effects.extend(self.end_as_rejected(&draft, &refusal));
            effects.extend(reply.map(|reply| Effect::Tell(reply, Err(refusal))));
            return false;
        }
        // Both answering at once is what a takeover is there to prevent.
        if draft.role == Role::Staff && state.owner == Owner::Ai {
            let refusal = Refusal::AgentAnswers(state.clone());
            effects.extend(reply.map(|reply| Effect::Tell(reply, Err(refusal))));
            return false;
        }
        if draft.role == Role::User
            && let Some(reopened) = state.reopened(self.workflow.is_some(), now)
        {
            writing.state = Some(Arc::new(reopened));
        }
        let seq = writing.messages.last().map_or(self.view.head, |last| last.message.seq).next();
        let message = Arc::new(Message {
            id: mint().into(),
            conversation: self.view.conversation.id,
            seq,
            client_id: Some(draft.client_id),
            role: draft.role,
            agent_name: None,
            author: draft.author,
            content: draft.content,
            citations: None,
            attachments: draft.attachments,
            metadata: draft.metadata,
            created_at: self.journal.accepted_at(draft.client_id).unwrap_or(now),
        });
        writing.messages.push(Speaking { message, fingerprint, from, reply, followers: Vec::new(), since });
        true
    }

    /// Puts a change into the write; false when nothing is to be written.
    #[expect(clippy::too_many_arguments, reason = "the parts of one act, taken apart by its caller")]
    fn change(
        &mut self,
        writing: &mut Writing<R>,
        change: Change,
        escalation: Option<Escalation>,
        reply: Option<R>,
        now: Timestamp,
        mint: &mut impl FnMut() -> Uuid,
        effects: &mut Vec<Effect<R>>,
    ) -> bool {
        let state = &self.view.conversation;
        if matches!(change, Change::Escalate(_)) && state.status == Status::Closed {
            let refusal = Refusal::Closed(state.clone());
            effects.extend(reply.map(|reply| Effect::Tell(reply, Err(refusal))));
            return false;
        }
        let consequence = match state.changed(&change, self.workflow.is_some(), now) {
            Ok(Some(consequence)) => consequence,
            stands => {
                let answer =
                    stands.map(|_| Answer::State(state.clone())).map_err(|Lost| Refusal::Lost(state.clone()));
                effects.extend(reply.map(|reply| Effect::Tell(reply, answer)));
                return false;
            }
        };
        let Consequence { state: mut next, begun, advance, marker, record } = consequence;
        if let (Some(workflow), Some(open)) = (&state.workflow, state.open_turn()) {
            if matches!(change, Change::Cancel) {
                next = state.without_turn(self.queued(open, now, mint), now);
            }
            let goes_on = next.open_turn().is_some_and(|still| still.reply == open.reply);
            if !goes_on {
                let outcome =
                    if next.owner == Owner::Staff { Outcome::TakenOver } else { Outcome::Cancelled };
                let records = Records::of_abandoned(state, workflow.turn, outcome, mint(), now);
                writing.records = Some(Box::new(records));
            }
        }
        writing.messages.extend(marker.map(|marker| self.marker(marker, now, mint)));
        // A row begins at version 0; the first act may at once be a change to it.
        writing.state = Some(Arc::new(next));
        (writing.begun, writing.advance, writing.audit) =
            (begun.or_else(|| escalation.clone()), advance, record);
        writing.change = Some((change, escalation, reply));
        true
    }

    /// Tells those who have waited too long that nothing is acknowledged. What is on its way stays on its way, and
    /// comes to its sender as a notification if it is committed after all.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        let late = |since: Timestamp| now - since >= ANSWER_WITHIN;
        let mut tell = |reply: Option<R>| {
            effects.extend(reply.map(|reply| Effect::Tell(reply, Err(Refusal::Unavailable))));
        };
        if let Some(writing) = &mut self.writing {
            for speaking in writing.messages.iter_mut().filter(|speaking| late(speaking.since)) {
                tell(speaking.reply.take());
                speaking.followers.drain(..).for_each(|repeat| tell(repeat.reply));
            }
            if let Some((.., reply)) = &mut writing.change
                && late(writing.since)
            {
                tell(reply.take());
            }
        }
        // The end of a turn has nobody waiting for it, and is as true later; so is what the journal holds.
        let stays = |act: &Act<R>| matches!(act, Act::Conclude(_)) || self.journal.holds(act);
        self.waiting.retain_mut(|(act, since)| {
            if stays(act) || !late(*since) {
                return true;
            }
            if let Act::Say { reply, .. } | Act::Change { reply, .. } = &mut **act {
                tell(reply.take());
            }
            false
        });
        effects
    }
}

impl<R> Writing<R> {
    fn escalation(&self) -> Option<&Escalation> {
        self.begun.as_ref().or_else(|| self.ending.as_ref()?.escalation.as_ref())
    }
}

/// The answer to a client id that was used before.
fn repeated(same: bool, receipt: crate::domain::message::Receipt) -> Result<Answer, Refusal> {
    if same { Ok(Answer::Said(receipt)) } else { Err(Refusal::Reused(receipt)) }
}

#[cfg(test)]
mod tests;
