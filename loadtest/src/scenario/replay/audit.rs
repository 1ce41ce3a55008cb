//! The end of a replay: every transcript against the history as the server gives it, and that against the rows.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::clerk::Said;
use super::guest::Visit;
use super::line::Line;
use super::{Network, Played, Stage};
use crate::client::wire::log::{Entry, Role};
use crate::lab::Store;
use crate::transcript;
use crate::view::{Fault, Faults};

/// Histories that are asked for at once.
const AT_ONCE: usize = 16;

/// Conversations of one statement.
const CHUNK: usize = 200;

pub struct Audit {
    /// What clients saw and should not have, or the other way round.
    pub seen: Faults,
    /// Where the histories differ from what was acknowledged and shown.
    pub stored: Faults,
    pub messages: u64,
    histories: HashMap<Uuid, Vec<Entry>>,
}

impl Audit {
    pub async fn begin(stage: &Arc<Stage>, played: Played) -> anyhow::Result<Self> {
        let Played { visits, said } = played;
        let read = visits.into_iter().map(|visit| async {
            let history = history(stage.clone(), &visit).await;
            history.map(|history| (visit, history))
        });
        let read: Vec<anyhow::Result<(Visit, Vec<Entry>)>> =
            stream::iter(read).buffer_unordered(AT_ONCE).collect().await;
        let mut audit = Self {
            seen: Faults::default(),
            stored: Faults::default(),
            messages: 0,
            histories: HashMap::new(),
        };
        for read in read {
            let (visit, history) = read?;
            audit.messages += history.len() as u64;
            if let Some(conversation) = visit.pass.conversation {
                audit.look(visit, &history);
                audit.histories.insert(conversation, history);
            }
        }
        for said in &said {
            audit.look_for(said);
        }
        Ok(audit)
    }

    fn look(&mut self, mut visit: Visit, history: &[Entry]) {
        self.seen.merge(std::mem::take(&mut visit.log.faults));
        visit.log.against(history, "the server");
        self.stored.merge(visit.log.faults);
        if let Some(mut tab) = visit.tab {
            self.seen.merge(std::mem::take(&mut tab.faults));
            tab.against(history, "the server");
            self.stored.merge(tab.faults);
        }
        for turn in visit.turns.iter().filter(|turn| turn.is_clean) {
            let after = history.iter().skip_while(|entry| entry.seq <= turn.seq);
            let replies = after.take_while(|entry| entry.role != Role::User);
            let replies = replies.filter(|entry| entry.role == Role::Assistant).count();
            if replies > 1 {
                self.stored.add(Fault::Doubled, format!("message {} has {replies} replies", turn.seq));
            } else if replies == 0 && turn.is_answered {
                self.stored.add(Fault::Missed, format!("the reply to message {} is gone", turn.seq));
            }
        }
        transcript::replies(history, &mut self.stored);
    }

    fn look_for(&mut self, said: &Said) {
        let Some(history) = self.histories.get(&said.conversation) else { return };
        let found: Vec<&Entry> =
            history.iter().filter(|entry| entry.client_id == Some(said.client_id)).collect();
        match found[..] {
            [entry] if Some(entry.seq) == said.seq && entry.content == said.content => {}
            [_] => self.stored.add(Fault::Altered, "a message of the staff is not what was acknowledged"),
            [] => self.stored.add(Fault::Missed, "a message of the staff that was acknowledged is not there"),
            _ => self.stored.add(Fault::Doubled, "a message of the staff is there twice"),
        }
    }

    /// The histories against the rows; None where the rows cannot be seen.
    pub async fn rows(&self, store: Store<'_>) -> anyhow::Result<Option<Faults>> {
        let mut faults = Faults::default();
        let conversations: Vec<Uuid> = self.histories.keys().copied().collect();
        match store {
            Store::Database(database) => {
                for chunk in conversations.chunks(CHUNK) {
                    let Some(rows) = database.log(chunk).await? else { return Ok(None) };
                    self.compare(chunk, rows, &mut faults);
                }
            }
            Store::Within(served) => self.compare(&conversations, served.rows().await?, &mut faults),
            Store::Unseen => return Ok(None),
        }
        Ok(Some(faults))
    }

    fn compare(&self, conversations: &[Uuid], mut rows: HashMap<Uuid, Vec<Entry>>, faults: &mut Faults) {
        for conversation in conversations {
            let stored = rows.remove(conversation).unwrap_or_default();
            compare(&self.histories[conversation], &stored, faults);
        }
    }
}

fn compare(shown: &[Entry], stored: &[Entry], faults: &mut Faults) {
    if shown.len() != stored.len() {
        let (shown, stored) = (shown.len(), stored.len());
        faults.add(Fault::Missed, format!("{stored} rows where the server shows {shown} messages"));
    }
    for (shown, stored) in shown.iter().zip(stored) {
        if shown != stored {
            faults.add(Fault::Altered, format!("message {} is another in its row", shown.seq));
        }
    }
}

/// Everything from the first message on, as whoever comes back sees it.
async fn history(stage: Arc<Stage>, visit: &Visit) -> anyhow::Result<Vec<Entry>> {
    if visit.pass.conversation.is_none() {
        return Ok(Vec::new());
    }
    let dice = rand::SeedableRng::seed_from_u64(u64::from(visit.nth));
    let mut line = Line::new(stage, visit.nth, Network::Fine, dice, visit.pass.clone());
    line.connect().await.with_context(|| format!("visitor {} could not come back", visit.nth))?;
    line.log.into_history().context("a history has holes")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::{Entry, compare};
    use crate::client::wire::log::Exported;
    use crate::view::{Fault, Faults};

    /// As `switchboard export` writes it, which is more than is looked at.
    fn row(seq: u64, content: &str) -> Entry {
        let line = json!({
            "conversation_id": Uuid::nil(), "seq": seq, "id": Uuid::from_u128(seq.into()), "client_id": null,
            "workspace_id": Uuid::nil(), "role": "assistant", "content": content, "metadata": {},
        });
        let Exported { conversation_id, entry } = serde_json::from_str(&line.to_string()).unwrap();
        assert!(conversation_id.is_nil());
        entry
    }

    #[test]
    fn rows_that_are_not_what_was_shown_are_noticed() {
        let shown = [row(1, "a"), row(2, "b"), row(3, "c")];
        let caught = |stored: &[Entry]| {
            let mut faults = Faults::default();
            compare(&shown, stored, &mut faults);
            [Fault::Missed, Fault::Altered].map(|fault| faults.count(fault) > 0)
        };
        let [first, second, third] = shown.clone();
        assert_eq!(caught(&shown), [false, false]);
        assert_eq!(caught(&[first.clone(), second.clone()]), [true, false], "lost at the end");
        assert_eq!(caught(&[first.clone(), third.clone()]), [true, true], "lost in the middle");
        let doubled = [first.clone(), second.clone(), third.clone(), third.clone()];
        assert_eq!(caught(&doubled), [true, false], "there twice");
        assert_eq!(
            caught(&[second.clone(), first.clone(), third.clone()]),
            [false, true],
            "in another order"
        );
        assert_eq!(caught(&[first, row(2, "x"), third]), [false, true], "other words");
        assert_eq!(caught(&[]), [true, false], "all gone");
    }
}
