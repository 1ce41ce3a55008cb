//! What becomes of the write in flight: everyone who waits for it is told, or goes back into the queue.

use super::{Act, Commit, Committed, Core, Effect, Repeat, Writing, repeated};
use crate::domain::conversation::Change;
use crate::domain::message::{Message, Role};
use crate::session::{Answer, Refusal};
use crate::store::writer::Outcome;

impl<R> Core<R> {
    /// What became of the write in flight.
    pub fn settled(&mut self, outcome: Outcome) -> Vec<Effect<R>> {
        let Some(writing) = self.writing.take().map(|writing| *writing) else { return Vec::new() };
        match outcome {
            Outcome::Committed => {
                let published = Effect::Publish(self.committed(writing));
                match self.attend() {
                    // What was streamed goes before what stands instead of it.
                    Some(abandon @ Effect::Abandon(_)) => vec![abandon, published],
                    next => std::iter::once(published).chain(next).collect(),
                }
            }
            Outcome::Known(known) => self.known(writing, known),
            Outcome::Refused(reason) => self.refused(writing, &reason),
            Outcome::Stale => self.give_up(writing),
        }
    }

    fn committed(&mut self, writing: Writing<R>) -> Commit<R> {
        self.singly = self.singly.saturating_sub(writing.messages.len());
        let was_stored = self.view.stored;
        let escalated = writing.escalation().is_some() || writing.advance.is_some();
        let mut told = Vec::new();
        let mut messages = Vec::with_capacity(writing.messages.len());
        for mut speaking in writing.messages {
            let repeats = speaking.settle(&mut self.journal);
            told.extend(
                repeats.into_iter().map(|reply| (reply, Ok(Answer::Said(speaking.message.receipt(true))))),
            );
            self.recent.add(&speaking.message, speaking.fingerprint);
            self.view.head = speaking.message.seq;
            if speaking.message.role == Role::User {
                self.asked = speaking.message.seq;
            }
            for repeat in speaking.followers {
                let same = repeat.draft.fingerprint() == speaking.fingerprint;
                let answer = repeated(same, speaking.message.receipt(true));
                told.extend(repeat.reply.map(|reply| (reply, answer)));
            }
            let reply = speaking.reply.map(|reply| (speaking.from, reply));
            messages.push(Committed { message: speaking.message, reply });
        }
        let mut state_changed = false;
        if let Some(state) = writing.state {
            state_changed = was_stored || state.version != self.view.conversation.version;
            self.view.conversation = state;
            self.view.stored = true;
        }
        let reads_changed = writing.reads.is_some();
        if let Some(reads) = writing.reads {
            self.view.reads = reads;
        }
        if let Some((change, escalation, reply)) = writing.change {
            let answer = match (change, escalation) {
                (Change::Cancel, _) => Answer::Cancelled,
                (_, Some(escalation)) => Answer::Escalated(escalation),
                (_, None) => Answer::State(self.view.conversation.clone()),
            };
            told.extend(reply.map(|reply| (reply, Ok(answer))));
        }
        Commit { view: self.view.clone(), messages, state_changed, escalated, reads_changed, told }
    }

    /// Some messages stand in the log already: they are answered from it, the others are numbered anew.
    fn known(&mut self, mut writing: Writing<R>, known: Vec<(usize, Message)>) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        // From the last, so that the places of the others stay.
        let mut known = known;
        known.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
        for (place, stored) in known {
            if place >= writing.messages.len() {
                continue;
            }
            let speaking = writing.messages.remove(place);
            let stored_as = stored.fingerprint();
            if let Some(draft) = speaking.message.to_draft() {
                effects.extend(self.end_as_known(draft, stored_as, stored.receipt(true)));
            }
            self.recent.add(&stored, stored_as);
            let repeats =
                speaking.followers.into_iter().map(|repeat| (repeat.draft.fingerprint(), repeat.reply));
            for (fingerprint, reply) in std::iter::once((speaking.fingerprint, speaking.reply)).chain(repeats)
            {
                let answer = repeated(fingerprint == stored_as, stored.receipt(true));
                effects.extend(reply.map(|reply| Effect::Tell(reply, answer)));
            }
        }
        self.put_back(writing);
        effects
    }

    fn refused(&mut self, mut writing: Writing<R>, reason: &str) -> Vec<Effect<R>> {
        if writing.messages.len() > 1 {
            self.singly += writing.messages.len();
            self.put_back(writing);
            return Vec::new();
        }
        self.singly = self.singly.saturating_sub(1);
        if let Some(ending) = writing.ending.take() {
            return self.unwritable(ending);
        }
        let mut effects = Vec::new();
        let refused = writing.messages.first().and_then(|speaking| speaking.message.to_draft());
        if let Some(draft) = refused {
            effects.extend(self.end_as_rejected(&draft, &Refusal::Rejected(reason.to_owned())));
        }
        let mut reject = |reply: Option<R>| {
            let refusal = Refusal::Rejected(reason.to_owned());
            effects.extend(reply.map(|reply| Effect::Tell(reply, Err(refusal))));
        };
        if let Some(speaking) = writing.messages.pop() {
            reject(speaking.reply);
            speaking.followers.into_iter().for_each(|repeat| reject(repeat.reply));
        }
        if let Some((.., reply)) = writing.change.take() {
            reject(reply);
        }
        effects
    }

    /// Another writer was here: what this session believes is worth nothing, so nobody is told anything else.
    fn give_up(&mut self, writing: Writing<R>) -> Vec<Effect<R>> {
        self.put_back(writing);
        let mut effects = Vec::new();
        for (act, _) in std::mem::take(&mut self.waiting) {
            let reply = match *act {
                Act::Say { draft, reply, .. } => {
                    effects.extend(self.end_as_displaced(draft));
                    reply
                }
                Act::Change { reply, .. } => reply,
                Act::Read { .. } | Act::Conclude(_) | Act::Replay(_) | Act::Many(_) => None,
            };
            effects.extend(reply.map(|reply| Effect::Tell(reply, Err(Refusal::Moved))));
        }
        effects.push(Effect::GiveUp);
        effects
    }

    /// Back to the front of those who wait, in their order.
    fn put_back(&mut self, writing: Writing<R>) {
        if writing.reads.is_some() {
            self.reads_since.get_or_insert(writing.since);
        }
        if let Some(ending) = writing.ending {
            self.waiting.push_front((Box::new(Act::Conclude(ending)), writing.since));
            return;
        }
        if let Some((change, escalation, reply)) = writing.change {
            self.waiting.push_front((Box::new(Act::Change { change, escalation, reply }), writing.since));
        }
        for speaking in writing.messages.into_iter().rev() {
            let since = speaking.since;
            for Repeat { draft, from, reply } in speaking.followers.into_iter().rev() {
                self.waiting.push_front((Box::new(Act::Say { draft, from, reply }), since));
            }
            if let Some(draft) = speaking.message.to_draft() {
                let act = Act::Say { draft, from: speaking.from, reply: speaking.reply };
                self.waiting.push_front((Box::new(act), since));
            }
        }
    }
}
