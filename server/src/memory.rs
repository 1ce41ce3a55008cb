//! The desk learns: each conversation that came to its end leaves one trace, with what is worth remembering of it.
//!
//! Invariant: what waits to be learned from stands in the database, in the commit that ended the conversation, so that
//! nothing is forgotten by a crash; and what is drawn from one conversation twice is the same.

mod contact;
mod distil;
mod insights;
mod private;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use self::insights::Distillery;
use crate::brain::distiller::Distiller;
use crate::domain::experience::Finished;
use crate::domain::failure::{Failure, Kind};
use crate::domain::insight::Status;
use crate::search::Memories;
use crate::store::failures::{Failures, reason};
use crate::store::insights::Insights;
use crate::store::writer::News;
use crate::store::{Store, StoreError};

/// What nobody told us of is found within this: conversations of another node, and judgements.
const LOOK: Duration = Duration::from_secs(10);
/// Conversations that are looked for together.
const PAGE: i64 = 100;
/// Between two conversations, so that messages get their turn on a database with one backend.
const BREATHE: Duration = Duration::from_millis(10);

/// What learns from conversations that ended.
pub struct Learner {
    memories: Memories,
    insights: Insights,
    failures: Failures,
    distiller: Distiller,
    /// Told of each conversation that is to be distilled.
    ended: Arc<Notify>,
}

impl Learner {
    pub fn new(store: &Store, memories: Memories, distiller: Distiller) -> Self {
        Self {
            memories,
            insights: store.insights().clone(),
            failures: store.failures(),
            distiller,
            ended: Arc::default(),
        }
    }

    /// Learns from whatever waits, for as long as it is polled. It may be dropped at any time. Insights are drawn beside it:
    /// a remote model that takes its time keeps no memory waiting.
    pub async fn keep_learning(self, news: Arc<News>) {
        let distillery = Distillery {
            insights: self.insights.clone(),
            archive: self.memories.archive().clone(),
            failures: self.failures.clone(),
            distiller: self.distiller.clone(),
        };
        let distilling = distillery.keep_distilling(self.ended.clone());
        futures_util::join!(distilling, self.learn_on(news));
    }

    async fn learn_on(&self, news: Arc<News>) {
        loop {
            match self.learn_all().await {
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
    async fn learn_all(&self) -> Result<(), StoreError> {
        let Self { memories, failures, .. } = self;
        let mut after = Uuid::nil();
        loop {
            let page = memories.archive().finished(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.conversation.uuid();
            for finished in page {
                match self.learn(finished).await {
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
                        memories.archive().learn(finished, None, finished.ended).await?;
                    }
                }
                if finished.ended {
                    self.ended.notify_one();
                }
                sleep(BREATHE).await;
            }
        }
    }

    async fn learn(&self, from: Finished) -> Result<(), StoreError> {
        let archive = self.memories.archive();
        let found = archive.experience(from.workspace, from.conversation).await?;
        let contact = found.as_ref().filter(|_| from.ended).and_then(|(all, _)| contact::of(all));
        // What is only judged changes what was learned; where that was taken away, it does not bring it back.
        let trace = found.filter(|(_, known)| from.ended || *known).and_then(|(all, _)| distil::trace(&all));
        if let Some(known) = &contact {
            self.insights.mark(from.workspace, from.conversation, &known.contact, Status::Pending).await?;
        }
        archive.learn(from, trace.as_ref(), contact.is_some()).await?;
        if trace.is_some() {
            self.memories.changed(from.workspace);
        }
        Ok(())
    }
}
