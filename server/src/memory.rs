//! The desk learns: each conversation that came to its end leaves one trace, with what is worth remembering of it.
//!
//! Invariant: what waits to be learned from stands in the database, in the commit that ended the conversation, so that
//! nothing is forgotten by a crash; and what is drawn from one conversation twice is the same.

mod distil;
mod private;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::domain::experience::Finished;
use crate::domain::failure::{Failure, Kind};
use crate::search::Memories;
use crate::store::StoreError;
use crate::store::failures::{Failures, reason};
use crate::store::writer::News;

/// What nobody told us of is found within this: conversations of another node, and judgements.
const LOOK: Duration = Duration::from_secs(10);
/// Conversations that are looked for together.
const PAGE: i64 = 100;
/// Between two conversations, so that messages get their turn on a database with one backend.
const BREATHE: Duration = Duration::from_millis(10);

/// Learns from whatever waits, for as long as it is polled. It may be dropped at any time.
pub async fn keep_learning(memories: Memories, failures: Failures, news: Arc<News>) {
    loop {
        match learn_all(&memories, &failures).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "nothing is learned; the database is away");
            }
            Err(error) => tracing::warn!(%error, "conversations that ended could not be read"),
        }
        // Until a conversation has ended, or may have.
        let _ = timeout(LOOK, news.finished.notified()).await;
    }
}

/// One after the other. One that cannot be learned from is let go of, and listed with the reason: the next try would
/// fail as well.
async fn learn_all(memories: &Memories, failures: &Failures) -> Result<(), StoreError> {
    let mut after = Uuid::nil();
    loop {
        let page = memories.archive().finished(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.conversation.uuid();
        for finished in page {
            match learn(memories, finished).await {
                Ok(()) => {
                    metrics::counter!("switchboard_memory_learned_total").increment(1);
                    let subject = finished.conversation.to_string();
                    failures.mend(finished.workspace, Kind::Learning, vec![subject]).await?;
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    let conversation = finished.conversation;
                    tracing::warn!(%conversation, %error, "nothing was learned from a conversation");
                    let failure = Failure::new(conversation.to_string(), reason(&error));
                    failures.record(finished.workspace, Kind::Learning, vec![failure]).await?;
                    memories.archive().learn(finished, None).await?;
                }
            }
            sleep(BREATHE).await;
        }
    }
}

async fn learn(memories: &Memories, from: Finished) -> Result<(), StoreError> {
    let archive = memories.archive();
    let found = archive.experience(from.workspace, from.conversation).await?;
    // What is only judged changes what was learned; where that was taken away, it does not bring it back.
    let trace = found.filter(|(_, known)| from.ended || *known).and_then(|(all, _)| distil::trace(&all));
    archive.learn(from, trace.as_ref()).await?;
    if trace.is_some() {
        memories.changed(from.workspace);
    }
    Ok(())
}
