//! What one client has seen of one conversation, checked as it arrives.
//!
//! The tester writes every message of its conversations itself, one author a conversation, so the message with number
//! n is known beforehand: a view needs no memory of what it saw to notice one that is missing, doubled, out of order
//! or not the one that was written.

mod faults;

use std::collections::BTreeSet;

use uuid::Uuid;

pub use self::faults::{Fault, Faults};
use crate::client::wire::{Opened, Position, Row, Sent};

/// A resume carries at most so many messages; whoever missed more starts from a fresh page.
const RESUME_LIMIT: u64 = 300;

/// Holes are remembered one by one up to here; a larger jump is counted as missed at once.
const HOLES: u64 = 100_000;

/// Who writes a conversation: message n always has the same `client_id`.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    seed: u64,
}

pub struct View {
    author: Author,
    epoch: String,
    head: u64,
    holes: BTreeSet<u64>,
    pub faults: Faults,
}

/// What an open with a position led to.
#[derive(Debug)]
pub enum Resumed {
    /// The view goes on where it stood.
    Recovered,
    /// The server gave its last page instead: what lies before it must be listed, then the page applies.
    Fresh(Vec<Row>),
}

impl Author {
    pub fn new(run: u64, nth: u32) -> Self {
        Self { seed: mix(run ^ mix(u64::from(nth))) }
    }

    /// The `client_id` of the message that is to get number `seq`.
    pub fn client_id(self, seq: u64) -> Uuid {
        let (high, low) = (mix(self.seed ^ seq), mix(self.seed.rotate_left(32) ^ seq));
        let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

impl View {
    /// A view that begins with what an open without a position gave.
    pub fn new(author: Author, opened: &Opened) -> Self {
        let head = opened.messages.first().map_or(opened.position.seq, |row| row.seq.saturating_sub(1));
        let epoch = opened.position.epoch.clone();
        let mut view = Self { author, epoch, head, holes: BTreeSet::new(), faults: Faults::default() };
        if opened.recovered {
            view.faults.add(Fault::FalseRecovery, "an open without a position was told it recovered");
        }
        view.rows(&opened.messages);
        if view.head != opened.position.seq {
            let (seq, head) = (opened.position.seq, view.head);
            view.faults.add(Fault::Missed, format!("opened at {seq} with a page that ends at {head}"));
        }
        view
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    pub fn position(&self) -> Position {
        Position { epoch: self.epoch.clone(), seq: self.head }
    }

    /// A message as a notification brings it.
    pub fn created(&mut self, seq: u64, client_id: Option<Uuid>) {
        if client_id != Some(self.author.client_id(seq)) {
            self.faults.add(Fault::Altered, format!("message {seq} is not the one that was written"));
        }
        self.arrived(seq);
    }

    pub fn rows(&mut self, rows: &[Row]) {
        for row in rows {
            self.created(row.seq, row.client_id);
        }
    }

    /// The answer to this client's own next message.
    pub fn acknowledged(&mut self, sent: &Sent<'_>) {
        if sent.durability != "postgres" {
            let durability = sent.durability;
            self.faults.add(Fault::NotDurable, format!("a message was acknowledged as {durability}"));
        }
        if sent.duplicate {
            self.faults.add(Fault::Doubled, "a new message was answered as a duplicate");
        }
        match sent.seq {
            Some(seq) => self.arrived(seq),
            None => self.faults.add(Fault::NotDurable, "a message was acknowledged without a number"),
        }
    }

    /// The answer to an open with this view's position, at a time when `acknowledged` was the newest message known
    /// to be stored.
    pub fn resumed(&mut self, acknowledged: u64, opened: Opened) -> Resumed {
        let Opened { position, recovered, messages, has_more, .. } = opened;
        if position.epoch != self.epoch {
            self.faults
                .add(Fault::Epoch, format!("the epoch went from {} to {}", self.epoch, position.epoch));
        }
        if recovered {
            let wanted = self.head + 1..=position.seq.max(self.head);
            if has_more || position.seq < acknowledged || !wanted.eq(messages.iter().map(|row| row.seq)) {
                self.faults.add(
                    Fault::FalseRecovery,
                    format!(
                        "told recovered from {} to {} with {} messages, {acknowledged} being stored",
                        self.head,
                        position.seq,
                        messages.len()
                    ),
                );
            }
            self.rows(&messages);
            return Resumed::Recovered;
        }
        let missed = position.seq.saturating_sub(self.head);
        if missed <= RESUME_LIMIT && position.epoch == self.epoch {
            let head = self.head;
            self.faults.add(Fault::FalseLoss, format!("not recovered from {head} with {missed} missed"));
        }
        let first = messages.first().map_or(position.seq + 1, |row| row.seq);
        if position.seq < acknowledged || !(first..=position.seq).eq(messages.iter().map(|row| row.seq)) {
            self.faults
                .add(Fault::Missed, format!("a fresh page up to {} is not its last page", position.seq));
        }
        let head = self.head;
        Resumed::Fresh(messages.into_iter().filter(|row| row.seq > head).collect())
    }

    /// The end: everything up to `last` must have been seen.
    pub fn close(mut self, last: u64) -> Faults {
        if self.head != last {
            let head = self.head;
            self.faults.add(Fault::Missed, format!("ended at {head} where the conversation ends at {last}"));
        }
        for hole in &self.holes {
            self.faults.add(Fault::Missed, format!("message {hole} never came"));
        }
        self.faults
    }

    fn arrived(&mut self, seq: u64) {
        if seq == self.head + 1 {
            self.head = seq;
        } else if seq > self.head {
            if seq - self.head > HOLES {
                self.faults.add(Fault::Missed, format!("{seq} came after {}", self.head));
            } else {
                self.holes.extend(self.head + 1..seq);
            }
            self.head = seq;
        } else if self.holes.remove(&seq) {
            self.faults.add(Fault::Disordered, format!("message {seq} came after {}", self.head));
        } else {
            self.faults.add(Fault::Doubled, format!("message {seq} came again"));
        }
    }
}

/// One round of splitmix64: good enough to tell any two messages apart, quick enough for the hot path.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests;
