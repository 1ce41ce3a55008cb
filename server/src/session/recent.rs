//! The client ids of the latest messages, so that a repeat is answered without asking the database.
//!
//! Older repeats are found by the unique index: this is a shortcut, not the guarantee.

use std::collections::VecDeque;

use switchboard_protocol::ids::ClientId;

use crate::domain::message::{Fingerprint, Message, Receipt};

/// Kept while the session is awake: what a client may have in its outbox after a crash.
pub const AWAKE: usize = 64;
/// Kept while it sleeps: an idle visitor should cost little.
const ASLEEP: usize = 4;

#[derive(Debug, Default)]
pub struct Recent(VecDeque<Known>);

#[derive(Clone, Copy, Debug)]
pub struct Known {
    client_id: ClientId,
    pub fingerprint: Fingerprint,
    pub receipt: Receipt,
}

impl Recent {
    pub fn of(messages: &[Message]) -> Self {
        let mut recent = Self::default();
        for message in messages {
            recent.add(message, message.fingerprint());
        }
        recent
    }

    pub fn add(&mut self, message: &Message, fingerprint: Fingerprint) {
        let Some(client_id) = message.client_id else { return };
        if self.0.len() == AWAKE {
            self.0.pop_front();
        }
        self.0.push_back(Known { client_id, fingerprint, receipt: message.receipt(true) });
    }

    pub fn find(&self, client_id: ClientId) -> Option<&Known> {
        self.0.iter().rev().find(|known| known.client_id == client_id)
    }

    pub fn for_sleep(mut self) -> Self {
        let surplus = self.0.len().saturating_sub(ASLEEP);
        self.0.drain(..surplus);
        self.0.shrink_to_fit();
        self
    }
}
