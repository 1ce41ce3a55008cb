//! What the journal holds, on its way back to the sessions: at the start of a server, or where a session was given up.
//!
//! Invariant: it is in a session's queue before anything that is said later, and nothing of it is let go of here but what
//! belongs nowhere, which is kept for a person to look at.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, TryStreamExt as _};
use switchboard_protocol::ids::ConversationId;

use super::core::{Act, Entry};
use super::registry::{RETRY, Registry, Shared};
use super::room::Room;
use crate::store::StoreError;
use crate::store::journal::{Accepted, Beginning, Settled};

/// Conversations that are looked for at once; the store asks for them together.
const AT_ONCE: usize = 64;

/// Why nobody can store a message.
const HOMELESS: &str = "its conversation is not in this database";

impl Registry {
    /// Hands messages to their sessions, in the order in which they were accepted.
    pub async fn replay(&self, accepted: Vec<Accepted>) -> Result<(), StoreError> {
        let mut by_conversation: HashMap<ConversationId, Vec<Accepted>> = HashMap::new();
        for message in accepted {
            by_conversation.entry(message.conversation).or_default().push(message);
        }
        stream::iter(by_conversation.into_values().map(Ok))
            .try_for_each_concurrent(AT_ONCE, |messages| self.replay_in_one(messages))
            .await
    }

    async fn replay_in_one(&self, messages: Vec<Accepted>) -> Result<(), StoreError> {
        let Some(Accepted { workspace, conversation, .. }) = messages.first() else { return Ok(()) };
        let found = self.find(*workspace, *conversation).await?;
        let beginning = || messages.iter().find_map(|message| message.beginning.clone());
        let room = found.or_else(|| Some(self.begin(*conversation, beginning()?)));
        let Some(room) = room else {
            if let Some(journal) = &self.store().journal {
                journal.settle(messages.into_iter().map(|message| Settled {
                    key: message.key(),
                    rejected: Some((Box::new(message), HOMELESS)),
                }));
            }
            return Ok(());
        };
        let replays =
            messages.into_iter().map(|Accepted { draft, at, .. }| Act::Replay(Entry { draft, at })).collect();
        room.send(Box::new(Act::Many(replays))).await;
        Ok(())
    }

    /// The conversation that was to have its row with its first message.
    fn begin(&self, id: ConversationId, beginning: Beginning) -> Arc<Room> {
        let (conversation, visitor) = beginning.conversation(id);
        self.enter(conversation, &visitor)
    }
}

/// The conversation was written by somebody else, and its session is gone: the next one is to store what this one had
/// acknowledged. Should the process end first, the next start does.
pub(super) fn elsewhere(shared: &Arc<Shared>, accepted: Vec<Accepted>) {
    let Some(registry) = Registry::of(shared) else { return };
    let closing = shared.closing.clone();
    shared.spawn(async move {
        let replay = async {
            while let Err(error) = registry.replay(accepted.clone()).await {
                tracing::debug!(%error, "what the journal holds found no session; trying again");
                tokio::time::sleep(RETRY).await;
            }
        };
        tokio::select! {
            () = closing.cancelled() => {}
            () = replay => {}
        }
    });
}
