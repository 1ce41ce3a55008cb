//! The insights that were asked for lately, at hand without the database.
//!
//! Invariant: from before a write of its contact until it is over nothing of it is here, and what was read meanwhile is not put
//! here after it: whoever knows of the write is told what it wrote. What another server writes is seen once an entry has grown
//! old.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use switchboard_protocol::ids::WorkspaceId;

use crate::domain::insight::Insight;

/// Cheap to clone; the clones share it.
#[derive(Clone, Default)]
pub(super) struct Cache(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    entries: HashMap<(WorkspaceId, String), Entry>,
    /// The keys by when they were last asked for.
    order: BTreeMap<u64, (WorkspaceId, String)>,
    /// Counts every use.
    turn: u64,
    /// Counts the beginnings and the ends of writes.
    writes: u64,
    /// Writes that are under way.
    open: usize,
    hits: u64,
    misses: u64,
}

struct Entry {
    insight: Insight,
    turn: u64,
    since: Instant,
}

/// A write that is under way; it is over, however it ended, when this is dropped.
pub(super) struct Write(Cache);

/// When a reader began: how many writes there had been.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

/// How the cache does, since the server started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    pub items: usize,
    pub most: usize,
    pub hits: u64,
    pub misses: u64,
}

/// Insights at hand. Beyond it the one goes that was not asked for the longest.
const ITEMS: usize = 1_000;
/// One with more text than this is not kept: a thousand of them would be a memory of their own.
const BYTES: usize = 32 * 1024;
/// How long another server's write may go unnoticed.
const FRESH: Duration = Duration::from_secs(30);

impl Cache {
    /// The insight, if it is at hand; and what to bring along with it otherwise.
    pub(super) fn get(&self, workspace: WorkspaceId, contact: &str) -> (Option<Insight>, Ticket) {
        let mut held = self.lock();
        let ticket = Ticket(held.writes);
        let key = (workspace, contact.to_owned());
        held.turn += 1;
        let turn = held.turn;
        let known = held.entries.get_mut(&key).filter(|entry| entry.since.elapsed() < FRESH);
        let known = known.map(|entry| (std::mem::replace(&mut entry.turn, turn), entry.insight.clone()));
        let Some((last, insight)) = known else {
            held.misses += 1;
            return (None, ticket);
        };
        held.order.remove(&last);
        held.order.insert(turn, key);
        held.hits += 1;
        (Some(insight), ticket)
    }

    /// Keeps what was read, unless something was written since.
    pub(super) fn put(&self, workspace: WorkspaceId, insight: &Insight, ticket: Ticket) {
        if insight.fields.values().map(|value| value.to_string().len()).sum::<usize>() > BYTES {
            return;
        }
        let mut held = self.lock();
        if held.writes != ticket.0 || held.open > 0 {
            return;
        }
        let key = (workspace, insight.contact.clone());
        held.drop_entry(&key);
        held.turn += 1;
        let turn = held.turn;
        held.order.insert(turn, key.clone());
        held.entries.insert(key, Entry { insight: insight.clone(), turn, since: Instant::now() });
        if held.entries.len() > ITEMS
            && let Some((_, eldest)) = held.order.pop_first()
        {
            held.entries.remove(&eldest);
        }
    }

    /// Before a write of these contacts.
    pub(super) fn write(&self, workspace: WorkspaceId, contacts: Vec<String>) -> Write {
        let mut held = self.lock();
        held.writes += 1;
        held.open += 1;
        for contact in contacts {
            held.drop_entry(&(workspace, contact));
        }
        drop(held);
        Write(self.clone())
    }

    pub(super) fn status(&self) -> CacheStatus {
        let held = self.lock();
        CacheStatus { items: held.entries.len(), most: ITEMS, hits: held.hits, misses: held.misses }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        let mut held = self.0.lock();
        held.writes += 1;
        held.open -= 1;
    }
}

impl Held {
    fn drop_entry(&mut self, key: &(WorkspaceId, String)) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::mint;

    fn insight(contact: &str, text: &str) -> Insight {
        Insight::example(contact, &json!({"personal": text}))
    }

    #[test]
    fn what_was_read_before_a_write_is_not_kept_after_it() {
        let (cache, workspace) = (Cache::default(), mint::id());
        let (none, ticket) = cache.get(workspace, "a");
        assert_eq!(none, None);
        cache.put(workspace, &insight("a", "x"), ticket);
        let (known, ticket) = cache.get(workspace, "a");
        assert_eq!(known.unwrap().fields["personal"], "x");
        assert_eq!(cache.get(mint::id(), "a").0, None, "of another workspace");
        let write = cache.write(workspace, vec!["a".to_owned()]);
        cache.put(workspace, &insight("a", "old"), ticket);
        let (none, meanwhile) = cache.get(workspace, "a");
        assert_eq!(none, None, "it is being written");
        cache.put(workspace, &insight("a", "old"), meanwhile);
        drop(write);
        cache.put(workspace, &insight("a", "old"), meanwhile);
        let (none, after) = cache.get(workspace, "a");
        assert_eq!(none, None);
        cache.put(workspace, &insight("a", "new"), after);
        assert_eq!(cache.get(workspace, "a").0.unwrap().fields["personal"], "new");
        assert_eq!(cache.status(), CacheStatus { items: 1, most: ITEMS, hits: 2, misses: 4 });
    }

    #[test]
    fn the_one_that_was_not_asked_for_the_longest_goes_first() {
        let (cache, workspace) = (Cache::default(), mint::id());
        let put = |contact: &str| {
            let (_, ticket) = cache.get(workspace, contact);
            cache.put(workspace, &insight(contact, "x"), ticket);
        };
        (0..ITEMS).for_each(|n| put(&n.to_string()));
        assert!(cache.get(workspace, "0").0.is_some());
        put("one more");
        assert!(cache.get(workspace, "0").0.is_some() && cache.get(workspace, "1").0.is_none());
        assert_eq!(cache.status().items, ITEMS);
        let (_, ticket) = cache.get(workspace, "large");
        cache.put(workspace, &insight("large", &"x".repeat(BYTES)), ticket);
        assert!(cache.get(workspace, "large").0.is_none());
    }
}
