//! What one client has seen of a conversation in which others speak too, kept whole and checked as it arrives.
//!
//! Invariant: line n holds the message with number n, or nothing where it has not come yet.

use std::collections::HashMap;

use uuid::Uuid;

use crate::client::wire::Position;
use crate::client::wire::log::{Entered, Entry, Role, Stored};
use crate::view::{Fault, Faults};

/// A resume carries at most so many messages; whoever missed more starts from a fresh page.
const RESUME_LIMIT: u64 = 300;

/// How the server marks what it has taken out of a text.
const REMOVED: &str = " removed]";

#[derive(Debug, Default)]
pub struct Transcript {
    pub faults: Faults,
    epoch: String,
    lines: Vec<Option<Entry>>,
    /// What this client has written, by its `client_id`.
    written: HashMap<Uuid, Written>,
}

#[derive(Debug)]
struct Written {
    content: String,
    /// Sent more than once: the connection ended before an answer came.
    repeated: bool,
    seq: Option<u64>,
}

impl Transcript {
    pub fn head(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Where a resume goes on: before the first hole, if there is one.
    pub fn position(&self) -> Option<Position> {
        let whole = self.lines.iter().take_while(|line| line.is_some()).count();
        (!self.epoch.is_empty()).then(|| Position { epoch: self.epoch.clone(), seq: whole as u64 })
    }

    /// Something that this client wrote is in the log.
    pub fn has_stored(&self) -> bool {
        self.written.values().any(|written| written.seq.is_some())
    }

    /// All of it, if nothing is missing.
    pub fn into_history(self) -> Option<Vec<Entry>> {
        self.lines.into_iter().collect()
    }

    /// Something came after this number that the agent said.
    pub fn is_answered_after(&self, seq: u64) -> bool {
        let after = usize::try_from(seq).unwrap_or(usize::MAX).min(self.lines.len());
        self.lines[after..].iter().flatten().any(|line| line.role == Role::Assistant)
    }

    /// This client is about to send it, for the first time or again.
    pub fn writing(&mut self, client_id: Uuid, content: &str) {
        let written = self.written.entry(client_id);
        written.and_modify(|written| written.repeated = true).or_insert_with(|| Written {
            content: content.to_owned(),
            repeated: false,
            seq: None,
        });
    }

    /// The answer to an open, with or without this transcript's position.
    pub fn entered(&mut self, entered: &Entered) {
        let Entered { position, recovered, messages, .. } = entered;
        let Some(before) = self.position() else {
            self.epoch.clone_from(&position.epoch);
            if *recovered {
                self.faults.add(Fault::FalseRecovery, "an open without a position was told it recovered");
            }
            // A page that does not begin at the beginning is completed by whoever opened.
            self.all(messages);
            return;
        };
        if position.epoch != before.epoch {
            let (was, is) = (&before.epoch, &position.epoch);
            self.faults.add(Fault::Epoch, format!("the epoch went from {was} to {is}"));
        }
        let missed = position.seq.saturating_sub(before.seq);
        if *recovered {
            let exactly = (before.seq + 1..=position.seq).eq(messages.iter().map(|message| message.seq));
            if !exactly || position.seq < before.seq {
                let (from, to, count) = (before.seq, position.seq, messages.len());
                let what = format!("told recovered from {from} to {to} with {count} messages");
                self.faults.add(Fault::FalseRecovery, what);
            }
        } else if missed <= RESUME_LIMIT {
            self.faults.add(Fault::FalseLoss, format!("not recovered with {missed} missed"));
        }
        self.all(messages);
    }

    /// A message as a notification brings it.
    pub fn told(&mut self, entry: Entry) {
        // Who sent a message again from another socket may be told of the first one, and answered for the second.
        let again = self.known(entry.seq).is_some_and(|known| *known == entry)
            && entry.client_id.and_then(|id| self.written.get(&id)).is_some_and(|written| written.repeated);
        if !again {
            self.arrived(entry);
        }
    }

    /// The answer to something that this client wrote.
    pub fn acknowledged(&mut self, client_id: Uuid, stored: &Stored) {
        if stored.durability != "postgres" {
            self.faults
                .add(Fault::NotDurable, format!("a message was acknowledged as {}", stored.durability));
        }
        let (Some(seq), Some(id)) = (stored.seq, stored.id) else {
            self.faults.add(Fault::NotDurable, "a message was acknowledged without a number");
            return;
        };
        let Some(written) = self.written.get(&client_id) else { return };
        if stored.duplicate && !written.repeated {
            self.faults.add(Fault::Doubled, format!("a new message was answered as a duplicate of {seq}"));
            return;
        }
        match written.seq {
            Some(known) if known != seq => {
                let what = format!("a message has number {known}, and was acknowledged with {seq}");
                self.faults.add(Fault::Altered, what);
            }
            Some(_) if !stored.duplicate => {
                self.faults.add(Fault::Doubled, format!("message {seq} was stored again as if it were new"));
            }
            Some(_) => {}
            None => {
                let content = written.content.clone();
                self.arrived(Entry { id, seq, client_id: Some(client_id), role: Role::User, content });
            }
        }
    }

    /// What `message.list` gave to fill up what lies before a page.
    pub fn all(&mut self, entries: &[Entry]) {
        for entry in entries {
            match self.known(entry.seq) {
                Some(_) => self.same(entry, "shown again"),
                None => self.put(entry.clone()),
            }
        }
    }

    /// Everything up to the number that the server says is the last: was it seen?
    pub fn is_whole(&self) -> bool {
        self.lines.iter().all(Option::is_some)
    }

    /// Against the history as somebody else gives it, from its first message on. What came after this client left is
    /// no matter of its own.
    pub fn against(&mut self, history: &[Entry], who: &str) {
        let (seen, stored) = (self.lines.len(), history.len());
        if stored < seen {
            self.faults.add(Fault::Missed, format!("{seen} messages were seen, and {who} has {stored}"));
        }
        for (nth, entry) in history.iter().enumerate() {
            if entry.seq != nth as u64 + 1 {
                self.faults.add(Fault::Missed, format!("{who} has {} where {} is due", entry.seq, nth + 1));
                return;
            }
            match self.lines.get(nth) {
                Some(Some(_)) => self.same(entry, who),
                Some(None) => self.faults.add(Fault::Missed, format!("message {} never came", nth + 1)),
                None => {}
            }
        }
        let acknowledged: Vec<(Uuid, Option<u64>)> =
            self.written.iter().map(|(id, written)| (*id, written.seq)).collect();
        for (client_id, seq) in acknowledged {
            let times = history.iter().filter(|entry| entry.client_id == Some(client_id)).count();
            if times > 1 {
                self.faults.add(Fault::Doubled, format!("{who} has message {seq:?} {times} times"));
            }
        }
    }

    fn known(&self, seq: u64) -> Option<&Entry> {
        let nth = usize::try_from(seq).ok()?.checked_sub(1)?;
        self.lines.get(nth)?.as_ref()
    }

    /// A message that must be the next one.
    fn arrived(&mut self, entry: Entry) {
        let (seq, head) = (entry.seq, self.head());
        if self.known(seq).is_some() {
            self.faults.add(Fault::Doubled, format!("message {seq} came again"));
            self.same(&entry, "it came again and");
        } else if seq <= head {
            self.faults.add(Fault::Disordered, format!("message {seq} came after {head}"));
            self.put(entry);
        } else {
            if seq > head + 1 {
                self.faults.add(Fault::Missed, format!("message {seq} came after {head}"));
            }
            self.put(entry);
        }
    }

    fn put(&mut self, entry: Entry) {
        let Some(nth) = usize::try_from(entry.seq).ok().and_then(|seq| seq.checked_sub(1)) else {
            self.faults.add(Fault::Altered, "a message has number 0");
            return;
        };
        if let Some(written) = entry.client_id.and_then(|id| self.written.get_mut(&id)) {
            written.seq = Some(entry.seq);
            if !is_text_of(&written.content, &entry.content) {
                self.faults.add(Fault::Altered, format!("message {} is not what was written", entry.seq));
            }
        }
        if self.lines.len() <= nth {
            self.lines.resize(nth + 1, None);
        }
        self.lines[nth] = Some(entry);
    }

    fn same(&mut self, entry: &Entry, who: &str) {
        let Some(known) = self.known(entry.seq) else { return };
        let same = known.id == entry.id
            && known.client_id == entry.client_id
            && known.role == entry.role
            && is_text_of(&known.content, &entry.content);
        if !same {
            self.faults.add(Fault::Altered, format!("message {}: {who} has another", entry.seq));
        }
    }
}

/// Exactly what was written, or that without what looked like a secret.
fn is_text_of(written: &str, stored: &str) -> bool {
    written == stored || (stored.contains(REMOVED) && !written.contains(REMOVED))
}

/// The agent never speaks more often than it was spoken to.
pub fn replies(history: &[Entry], faults: &mut Faults) {
    let mut owed = 0_u32;
    for entry in history {
        match entry.role {
            Role::User => owed += 1,
            Role::Assistant if owed == 0 => {
                faults.add(Fault::Doubled, format!("message {} is a reply to nothing", entry.seq));
            }
            Role::Assistant => owed -= 1,
            Role::Staff | Role::System => {}
        }
    }
}

#[cfg(test)]
mod tests;
