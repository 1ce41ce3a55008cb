//! The turns of the agent: when one opens, how it ends, and what is left of one that cannot be stored.
//!
//! Invariant: a turn opens in the write that accepts its messages, and ends in the one that holds its reply.

use std::sync::Arc;

use uuid::Uuid;

use super::{Act, Core, Effect, Speaking, Withdrawal, Writing};
use crate::domain::clock::Timestamp;
use crate::domain::conversation::Owner;
use crate::domain::deed::Marker;
use crate::domain::message::{Message, Role};
use crate::domain::workflow::{Ending, OpenTurn};

/// Said where the database refuses what the agent has said.
const UNWRITABLE: &str = "Something went wrong on our side. Please write that again.";

impl<R> Core<R> {
    /// A turn that is open and that nobody works on: after a commit that opened it, or after a crash.
    pub fn attend(&mut self) -> Option<Effect<R>> {
        let turn = self.view.conversation.workflow.as_ref().filter(|workflow| workflow.open.is_some());
        let turn = turn.map(|workflow| workflow.turn);
        if turn == self.thinking {
            return None;
        }
        self.thinking = turn;
        let reason = match self.view.conversation.owner {
            Owner::Staff => Withdrawal::TakenOver,
            Owner::Ai | Owner::None => Withdrawal::Cancelled,
        };
        Some(if turn.is_some() { Effect::Think } else { Effect::Abandon(reason) })
    }

    /// What everyone reads where the conversation changes hands.
    pub(super) fn marker(
        &self,
        marker: Marker,
        now: Timestamp,
        mint: &mut impl FnMut() -> Uuid,
    ) -> Speaking<R> {
        Self::own(Message {
            id: mint().into(),
            conversation: self.view.conversation.id,
            seq: self.view.head.next(),
            client_id: None,
            role: Role::System,
            agent_name: None,
            author: None,
            content: marker.text,
            citations: None,
            attachments: None,
            metadata: Some(marker.metadata),
            created_at: now,
        })
    }

    /// A message of the server itself: nobody waits for it.
    fn own(message: Message) -> Speaking<R> {
        let (fingerprint, since) = (message.fingerprint(), message.created_at);
        let message = Arc::new(message);
        Speaking { message, fingerprint, from: None, reply: None, followers: Vec::new(), since }
    }

    /// Opens a turn on what the visitor says in this write, where the agent answers and is free to.
    pub(super) fn open_turn(
        &self,
        writing: &mut Writing<R>,
        now: Timestamp,
        mint: &mut impl FnMut() -> Uuid,
    ) {
        let Some(kind) = &self.workflow else { return };
        let state = writing.state.as_ref().unwrap_or(&self.view.conversation);
        if state.owner != Owner::Ai || state.open_turn().is_some() || writing.ending.is_some() {
            return;
        }
        let asked = writing.messages.iter().filter(|speaking| speaking.message.role == Role::User);
        let mut seqs = asked.map(|speaking| speaking.message.seq);
        let Some(from) = seqs.next() else { return };
        let upto = seqs.next_back().unwrap_or(from);
        let turn = OpenTurn { reply: mint().into(), from, upto, at: now };
        writing.state = Some(Arc::new(state.with_turn(kind, turn, now)));
    }

    /// A turn on what came in while this one was open.
    pub(super) fn queued(
        &self,
        open: &OpenTurn,
        now: Timestamp,
        mint: &mut impl FnMut() -> Uuid,
    ) -> Option<OpenTurn> {
        (self.asked > open.upto).then(|| OpenTurn {
            reply: mint().into(),
            from: open.upto.next(),
            upto: self.asked,
            at: now,
        })
    }

    /// Puts the end of the open turn into the write; false when there is nothing left to end.
    pub(super) fn conclude(
        &mut self,
        writing: &mut Writing<R>,
        mut ending: Ending,
        now: Timestamp,
        mint: &mut impl FnMut() -> Uuid,
    ) -> bool {
        let state = self.view.conversation.clone();
        let open = state.workflow.as_ref().filter(|workflow| workflow.turn == ending.turn);
        let Some(open) = open.and_then(|workflow| workflow.open) else { return false };
        if state.owner_epoch != ending.owner_epoch {
            return false;
        }
        // Somebody else has asked for a person meanwhile: what the agent says stands, its own request does not.
        if state.owner != Owner::Ai {
            ending.escalation = None;
        }
        let goes_on = state.owner == Owner::Ai && ending.escalation.is_none();
        let next_turn = goes_on.then(|| self.queued(&open, now, mint)).flatten();
        if let Some(said) = &ending.said {
            writing.messages.push(Self::own(Message {
                id: open.reply,
                conversation: state.id,
                seq: self.view.head.next(),
                client_id: None,
                role: Role::Assistant,
                agent_name: Some(said.agent.clone()),
                author: None,
                content: said.content.clone(),
                citations: said.citations.clone(),
                attachments: None,
                metadata: None,
                created_at: now,
            }));
        }
        writing.state = Some(Arc::new(state.after_turn(&ending, next_turn, now)));
        writing.records = Some(ending.records.clone());
        writing.ending = Some(ending);
        true
    }

    /// What the agent wanted to say cannot be stored: it says the least that can be, and stops there.
    pub(super) fn unwritable(&mut self, mut ending: Ending) -> Vec<Effect<R>> {
        let Some(said) = ending.said.as_mut().filter(|said| said.content != UNWRITABLE) else {
            tracing::error!("the end of a turn cannot be stored; it is left open for the next start");
            return Vec::new();
        };
        UNWRITABLE.clone_into(&mut said.content);
        said.citations = None;
        ending.records.steps.clear();
        ending.records.agent = None;
        ending.records.interaction = None;
        self.waiting.push_front((Box::new(Act::Conclude(ending)), Timestamp::UNIX_EPOCH));
        Vec::new()
    }
}
