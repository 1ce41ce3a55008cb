//! The vectors of chunks that wait for one, made in the background.
//!
//! Invariant: each part is stored before the next is begun, so that a server which stops goes on where it was; what
//! somebody waits for is embedded first.

use std::time::{Duration, Instant};

use super::Knowledge;
use crate::domain::knowledge::embedded;
use crate::search::embedder::{EmbedError, Embedder};
use crate::store::StoreError;
use crate::store::knowledge::Waiting;

/// Chunks of one transaction: on the embedded database messages wait behind it.
const PART: usize = 32;
/// Chunks that are read together.
const READ: i64 = 128;
/// What is changed by another node, or by a command, is found within this.
const LOOK: Duration = Duration::from_secs(10);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Embedder(#[from] EmbedError),
}

impl Knowledge {
    /// Embeds whatever waits, for as long as it is polled; returns only when the embedder has ended. It may be dropped at
    /// any time.
    pub async fn keep_embedding(&self) {
        loop {
            match self.embed_waiting().await {
                Ok(()) => {
                    // Until something has changed, or may have.
                    let _ = tokio::time::timeout(LOOK, self.0.changed.notified()).await;
                }
                Err(Failure::Embedder(EmbedError::Ended)) => return,
                Err(Failure::Store(error)) if error.is_transient() => {
                    tracing::debug!(%error, "no chunks to embed; the database is away");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "chunks could not be embedded; they are found by their words");
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    async fn embed_waiting(&self) -> Result<(), Failure> {
        let library = &self.0.library;
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        let tell = |waiting: i64| metrics::gauge!("switchboard_knowledge_waiting").set(waiting as f64);
        let Some(embedder) = self.embedder() else {
            tell(library.count_waiting().await?);
            return Ok(());
        };
        let (mut done, mut told) = (0, Instant::now());
        loop {
            let waiting = library.waiting(READ).await?;
            if waiting.is_empty() {
                tell(0);
                if done > 0 {
                    tracing::info!(chunks = done, "the knowledge is embedded");
                }
                return Ok(());
            }
            for part in waiting.chunks(PART) {
                self.embed_part(embedder, part).await?;
                done += part.len();
                metrics::counter!("switchboard_knowledge_embedded_total").increment(part.len() as u64);
            }
            if told.elapsed() >= TOLD {
                let left = library.count_waiting().await?;
                tell(left);
                tracing::info!(chunks = done, left, "embedding the knowledge");
                told = Instant::now();
            }
        }
    }

    async fn embed_part(&self, embedder: &Embedder, part: &[Waiting]) -> Result<(), Failure> {
        let texts = part.iter().map(|chunk| embedded(&chunk.title, &chunk.heading, &chunk.text)).collect();
        let vectors = embedder.embed(texts).await?;
        let all: Vec<_> = part.iter().zip(vectors).collect();
        for own in all.chunk_by(|(a, _), (b, _)| a.workspace == b.workspace) {
            let Some((first, _)) = own.first() else { continue };
            self.0.library.embed(first.workspace, embedder.name(), own).await?;
        }
        Ok(())
    }
}
