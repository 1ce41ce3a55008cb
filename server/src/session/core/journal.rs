//! Messages that the journal holds: acknowledged while the database is away, told of once they are in the log.
//!
//! Invariant: a message that is held waits in the queue or is in the write in flight, and it is let go of only after the
//! journal has answered for it: what is settled was appended before.

use std::collections::HashMap;

use chrono::TimeDelta;
use switchboard_protocol::ids::ClientId;

use super::{Act, Core, Effect, Repeat, Speaking, WAITING, repeated};
use crate::domain::clock::Timestamp;
use crate::domain::conversation::Status;
use crate::domain::message::{Draft, Fingerprint, Message, Receipt};
use crate::session::{Answer, ConnectionId, Refusal};

#[derive(Debug)]
pub(super) struct Journaling<R> {
    held: HashMap<ClientId, Held<R>>,
    /// Not yet handed to the journal.
    unwritten: Vec<Entry>,
    /// Handed to it, without an answer so far.
    appending: Vec<ClientId>,
    ends: Vec<End>,
}

/// A message on its way into the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    pub draft: Draft,
    pub at: Timestamp,
}

/// How a message that the journal holds has ended.
#[derive(Debug)]
pub enum End {
    /// It is in the log, and everyone was told with the commit.
    Stored(ClientId),
    /// It was in the log already: its sender is told of that one.
    Known(ClientId, Option<ConnectionId>, Message),
    Rejected(Entry, Refusal),
    /// Another session has the conversation: that one is to store it.
    Displaced(Entry),
}

#[derive(Debug)]
struct Held<R> {
    fingerprint: Fingerprint,
    at: Timestamp,
    /// Who said it last.
    from: Option<ConnectionId>,
    /// On disk, and acknowledged as such.
    kept: bool,
    /// Those who wait for that.
    replies: Vec<R>,
}

/// A database that has not answered for so long is away, whatever its connection says.
const JOURNAL_AFTER: TimeDelta = TimeDelta::seconds(2);
/// Of one conversation: its share of a disk that is everyone's.
const HELD: usize = 1_000;
/// Handed over at once: what goes into one frame.
const APPENDED: usize = 32;

impl<R> Default for Journaling<R> {
    fn default() -> Self {
        Self { held: HashMap::new(), unwritten: Vec::new(), appending: Vec::new(), ends: Vec::new() }
    }
}

impl<R> Journaling<R> {
    /// Messages that wait beyond what a session takes while the database is up.
    pub(super) fn room(&self) -> usize {
        WAITING + self.held.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.unwritten.is_empty() && self.appending.is_empty()
    }

    pub(super) fn holds(&self, act: &Act<R>) -> bool {
        matches!(act, Act::Say { draft, .. } if self.held.contains_key(&draft.client_id))
    }

    /// Whether one of this id has come to its end while the journal was about to keep it: its answer comes first.
    fn is_ending(&self, client_id: ClientId) -> bool {
        self.appending.contains(&client_id) && !self.held.contains_key(&client_id)
    }

    /// When a message was accepted, if the journal holds it.
    pub(super) fn accepted_at(&self, client_id: ClientId) -> Option<Timestamp> {
        self.held.get(&client_id).map(|held| held.at)
    }

    /// Holds a message from now on.
    fn hold(&mut self, draft: Draft, at: Timestamp, from: Option<ConnectionId>, reply: R) {
        let held = Held { fingerprint: draft.fingerprint(), at, from, kept: false, replies: vec![reply] };
        self.held.insert(draft.client_id, held);
        self.unwritten.push(Entry { draft, at });
    }

    /// Lets go of a message; those who still wait for the journal are to be answered otherwise. `end` is told where the
    /// journal has it.
    pub(super) fn release(
        &mut self,
        client_id: Option<ClientId>,
        end: impl FnOnce(Timestamp, Option<ConnectionId>) -> End,
    ) -> (Option<ConnectionId>, Vec<R>) {
        let Some((client_id, held)) = client_id.and_then(|id| self.held.remove_entry(&id)) else {
            return (None, Vec::new());
        };
        self.unwritten.retain(|entry| entry.draft.client_id != client_id);
        if held.kept {
            self.ends.push(end(held.at, held.from));
        }
        (held.from, held.replies)
    }

    /// Where a repeat goes while the first is held: nobody's time is spent on the log.
    fn repeat(&mut self, draft: &Draft, from: Option<ConnectionId>, reply: R, effects: &mut Vec<Effect<R>>) {
        let Some(held) = self.held.get_mut(&draft.client_id) else { return };
        if held.fingerprint != draft.fingerprint() {
            effects.push(Effect::Tell(reply, Err(Refusal::ReusedUnstored(held.at))));
        } else if held.kept {
            held.from = from;
            effects.push(Effect::Tell(reply, Ok(Answer::Journaled { at: held.at, duplicate: true })));
        } else {
            held.replies.push(reply);
        }
    }
}

impl<R> Core<R> {
    /// Takes in what an earlier process or another session had acknowledged.
    pub(super) fn replay(&mut self, entry: Entry, now: Timestamp) {
        let Entry { draft, at } = entry;
        let held = Held { fingerprint: draft.fingerprint(), at, from: None, kept: true, replies: Vec::new() };
        self.journal.held.insert(draft.client_id, held);
        self.waiting.push_back((Box::new(Act::Say { draft, from: None, reply: None }), now));
    }

    /// Hands to the journal what waits for an answer: all of it while the database is away, else what has waited for long.
    pub fn journal(&mut self, is_away: bool, now: Timestamp) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        let due = |since: Timestamp| is_away || now - since >= JOURNAL_AFTER;
        for speaking in self.writing.iter_mut().flat_map(|writing| &mut writing.messages) {
            if due(speaking.since)
                && speaking.reply.is_some()
                && let Some(draft) = speaking.message.to_draft()
                && !self.journal.is_ending(draft.client_id)
                && let Some(reply) = speaking.reply.take()
            {
                self.journal.hold(draft, speaking.message.created_at, speaking.from, reply);
                for Repeat { draft, from, reply } in speaking.followers.drain(..) {
                    if let Some(reply) = reply {
                        self.journal.repeat(&draft, from, reply, &mut effects);
                    }
                }
            }
        }
        let (journal, recent) = (&mut self.journal, &self.recent);
        let state = &self.view.conversation;
        self.waiting.retain_mut(|(act, since)| {
            let Act::Say { draft, from, reply } = &mut **act else { return true };
            let client_id = draft.client_id;
            if !due(*since) || journal.is_ending(client_id) {
                return true;
            }
            let Some(reply) = reply.take() else { return true };
            if journal.held.contains_key(&client_id) {
                journal.repeat(draft, *from, reply, &mut effects);
                return false;
            }
            if let Some(known) = recent.find(client_id) {
                let same = known.fingerprint == draft.fingerprint();
                effects.push(Effect::Tell(reply, repeated(same, known.receipt)));
                return false;
            }
            if state.status == Status::Closed {
                effects.push(Effect::Tell(reply, Err(Refusal::Closed(state.clone()))));
                return false;
            }
            if journal.held.len() >= HELD {
                effects.push(Effect::Tell(reply, Err(Refusal::Unavailable)));
                return false;
            }
            journal.hold(draft.clone(), *since, *from, reply);
            true
        });
        if journal.appending.is_empty() && !journal.unwritten.is_empty() {
            let next = journal.unwritten.len().min(APPENDED);
            let entries: Vec<_> = journal.unwritten.drain(..next).collect();
            journal.appending = entries.iter().map(|entry| entry.draft.client_id).collect();
            effects.push(Effect::Journal(entries));
        }
        effects
    }

    /// The journal has answered for what was last handed to it.
    pub fn journaled(&mut self, are_kept: bool) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        for client_id in std::mem::take(&mut self.journal.appending) {
            let Some(held) = self.journal.held.get_mut(&client_id) else {
                // In the log meanwhile, or refused: nobody was told that the journal has it.
                if are_kept {
                    self.journal.ends.push(End::Stored(client_id));
                }
                continue;
            };
            held.kept = are_kept;
            let (at, replies) = (held.at, std::mem::take(&mut held.replies));
            let answers = replies.into_iter().enumerate().map(|(nth, reply)| {
                let journaled = Answer::Journaled { at, duplicate: nth > 0 };
                Effect::Tell(reply, if are_kept { Ok(journaled) } else { Err(Refusal::Unavailable) })
            });
            effects.extend(answers);
            if !are_kept {
                self.journal.held.remove(&client_id);
                // A repeat that came since has an answer of its own coming.
                let is_it = |act: &Act<R>| matches!(act, Act::Say { draft, reply: None, .. } if draft.client_id == client_id);
                self.waiting.retain(|(act, _)| !is_it(act));
            }
        }
        effects
    }

    /// What has come to its end since this was last asked.
    pub fn take_ends(&mut self) -> Vec<End> {
        std::mem::take(&mut self.journal.ends)
    }

    /// A message stands in the log already; who waits for the journal is answered from there.
    pub(super) fn end_as_known(
        &mut self,
        draft: Draft,
        stored_as: Fingerprint,
        receipt: Receipt,
    ) -> Vec<Effect<R>> {
        let client_id = draft.client_id;
        let same = stored_as == draft.fingerprint();
        let conversation = self.view.conversation.id;
        let (_, replies) = self.journal.release(Some(client_id), |at, from| {
            if same {
                End::Known(client_id, from, draft.into_message(conversation, receipt))
            } else {
                End::Rejected(Entry { draft, at }, Refusal::Reused(receipt))
            }
        });
        replies.into_iter().map(|reply| Effect::Tell(reply, repeated(same, receipt))).collect()
    }

    /// A message will never be stored.
    pub(super) fn end_as_rejected(&mut self, draft: &Draft, refusal: &Refusal) -> Vec<Effect<R>> {
        let end = |at, _| End::Rejected(Entry { draft: draft.clone(), at }, refusal.clone());
        let (_, replies) = self.journal.release(Some(draft.client_id), end);
        replies.into_iter().map(|reply| Effect::Tell(reply, Err(refusal.clone()))).collect()
    }

    /// Another session has the conversation, and is to have what is acknowledged too.
    pub(super) fn end_as_displaced(&mut self, draft: Draft) -> Vec<Effect<R>> {
        let client_id = draft.client_id;
        let (_, replies) = self.journal.release(Some(client_id), |at, _| End::Displaced(Entry { draft, at }));
        replies.into_iter().map(|reply| Effect::Tell(reply, Err(Refusal::Moved))).collect()
    }
}

impl<R> Speaking<R> {
    /// Once it is committed: who is answered with it, and who as for a repeat. None of them waits for the journal then.
    pub(super) fn settle(&mut self, journal: &mut Journaling<R>) -> Vec<R> {
        let Some(client_id) = self.message.client_id else { return Vec::new() };
        let (from, mut replies) = journal.release(Some(client_id), |_, _| End::Stored(client_id));
        if self.reply.is_none() && !replies.is_empty() {
            self.reply = Some(replies.remove(0));
            self.from = from;
        }
        replies
    }
}
