//! What has to be known of an older desk before its conversations come: who its people are here, which conversations there
//! are, and what is open in them.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::plan::{Found, Link, Plan};
use super::shape::Kind;
use super::{Run, row};

#[derive(Default)]
pub(super) struct Book {
    /// The visitors that people of the older desk are here, by their keys.
    people: HashMap<Key, Uuid>,
    /// By what columns point to: the conversations that there are.
    conversations: Vec<(Link, HashMap<Key, Uuid>)>,
    /// Requests for a person that are still open, by conversation.
    pub(super) open: HashMap<Uuid, Vec<Value>>,
    /// Turns so far, of conversations where something is open.
    pub(super) turns: HashMap<Uuid, i64>,
}

/// A key takes little room, since there may be millions.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Id(Uuid),
    Text(Box<str>),
}

impl Book {
    pub(super) fn person(&self, key: &str) -> Option<Uuid> {
        self.people.get(&Key::from(key)).copied()
    }

    pub(super) fn meet(&mut self, key: &str, visitor: Uuid) {
        self.people.insert(Key::from(key), visitor);
    }

    fn conversation(&self, link: &Link, key: &str) -> Option<Uuid> {
        let (_, known) = self.conversations.iter().find(|(known, _)| known == link)?;
        known.get(&Key::from(key)).copied()
    }
}

impl Run {
    /// Learns which conversations there are, by every column that something points to.
    pub(super) async fn fill_book(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let speaks = |kind| {
            matches!(kind, Kind::Interactions | Kind::Escalations | Kind::AgentStates | Kind::WorkflowStates)
        };
        let mut links: Vec<Link> = Vec::new();
        for found in plan.found.iter().filter(|found| speaks(found.shape.kind)) {
            links.extend(plan.link(found).filter(|link| !links.contains(link)));
        }
        for link in links {
            let Some(found) = plan.of(Kind::Conversations).find(|found| found.name() == link.table) else {
                continue;
            };
            let Some(id) = found.column("id") else { continue };
            let mut known = HashMap::new();
            let mut pairs = self.foreign.columns(&found.table, &[id, &link.column]);
            while let Some(line) = pairs.next().await? {
                let Ok([Some(id), Some(key)]) = serde_json::from_str::<[Option<String>; 2]>(&line.json)
                else {
                    continue;
                };
                known.insert(Key::from(key.as_str()), self.id("conversation", found.name(), &id));
            }
            self.book.conversations.push((link, known));
        }
        Ok(())
    }

    /// The conversation that a row of a table speaks of, or why there is none.
    pub(super) fn conversation(&self, plan: &Plan, found: &Found, key: Option<&str>) -> Result<Uuid, String> {
        let key = key.ok_or("it names no conversation")?;
        match plan.link(found) {
            Some(link) => {
                let known = self.book.conversation(&link, key);
                known.ok_or_else(|| format!("its conversation {key} is not there"))
            }
            // Without a table of conversations, the keys are all that there is of them.
            None => Ok(self.id("conversation", "", key)),
        }
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        row::uuid(text).map_or_else(|| Self::Text(text.into()), Self::Id)
    }
}
