//! Between a session and the journal: what is to be kept, and how what was kept has ended.

use super::super::core::{End, Entry};
use super::super::{Refusal, replay};
use super::Actor;
use crate::domain::clock;
use crate::store::journal::{Accepted, Beginning, Key, Settled};

impl Actor {
    /// Keeps what cannot be stored now, where there is a journal: with every act what is said while the database is known
    /// to be away; `also_late` what it has not answered for either.
    pub(super) fn journal(&mut self, also_late: bool) {
        let store = &self.room.shared.store;
        if store.journal.is_none() {
            return;
        }
        let is_away = !store.writer.is_up(self.room.id());
        if is_away || also_late {
            let effects = self.core.journal(is_away, clock::now());
            self.carry_out(effects);
        }
    }

    pub(super) fn append(&mut self, entries: Vec<Entry>) {
        let Some(journal) = &self.room.shared.store.journal else { return };
        let view = self.core.view();
        let beginning = (!view.stored).then(|| Beginning::of(&view.conversation, &self.room.visitor()));
        let accepted = entries.into_iter().map(|entry| self.accepted(entry, beginning.clone()));
        self.journaling = Some(journal.append(accepted.collect()));
    }

    /// Tells whom it concerns what has become of messages that the journal holds, and lets go of them there.
    pub(super) fn end_journaled(&mut self) {
        let ends = self.core.take_ends();
        if ends.is_empty() {
            return;
        }
        let key = |client_id| Key { conversation: self.room.id(), client_id };
        let (mut settled, mut displaced) = (Vec::with_capacity(ends.len()), Vec::new());
        for end in ends {
            match end {
                End::Stored(client_id) => settled.push(Settled { key: key(client_id), rejected: None }),
                End::Known(client_id, sender, message) => {
                    self.room.tell_known(sender, message);
                    settled.push(Settled { key: key(client_id), rejected: None });
                }
                End::Rejected(entry, refusal) => {
                    let client_id = entry.draft.client_id;
                    let rejected = Some((Box::new(self.accepted(entry, None)), reason(&refusal)));
                    self.room.tell_rejected(client_id, refusal);
                    settled.push(Settled { key: key(client_id), rejected });
                }
                End::Displaced(entry) => displaced.push(self.accepted(entry, None)),
            }
        }
        if let Some(journal) = &self.room.shared.store.journal {
            journal.settle(settled);
        }
        if !displaced.is_empty() {
            replay::elsewhere(&self.room.shared, displaced);
        }
    }

    fn accepted(&self, entry: Entry, beginning: Option<Beginning>) -> Accepted {
        let Entry { draft, at } = entry;
        let (workspace, conversation) = (self.room.workspace(), self.room.id());
        Accepted { workspace, conversation, at, draft, beginning }
    }
}

/// For the person who looks at what could not be stored.
fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Closed(_) => "the conversation is closed",
        Refusal::Reused(_) | Refusal::ReusedUnstored(_) => "its client_id names a message with other content",
        Refusal::Rejected(_) => "the database refused it",
        Refusal::AgentAnswers(_) => "the agent answers in the conversation",
        Refusal::Unavailable | Refusal::Moved | Refusal::Lost(_) => "the conversation moved",
    }
}
