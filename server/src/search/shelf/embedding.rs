//! The vectors of what waits for one, made in the background.
//!
//! Invariant: each part is stored before the next is begun, so that a server which stops goes on where it was; what
//! somebody waits for is embedded first.

use std::time::{Duration, Instant};

use super::Shelves;
use super::kind::{Counted, Kind};
use crate::search::embedder::{EmbedError, Embedder};
use crate::search::facets::Facets;
use crate::store::StoreError;

/// Vectors of one transaction: on the embedded database messages wait behind it.
const PART: usize = 32;
/// Texts that are read together.
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

impl<K: Kind> Shelves<K> {
    /// Embeds whatever waits, for as long as it is polled; returns only when the embedder has ended. It may be dropped at
    /// any time.
    pub async fn keep_embedding(&self) {
        let what = K::NAME;
        loop {
            match self.embed_waiting().await {
                Ok(()) => {
                    // Until something has changed, or may have.
                    let _ = tokio::time::timeout(LOOK, self.0.changed.notified()).await;
                }
                Err(Failure::Embedder(EmbedError::Ended)) => return,
                Err(Failure::Store(error)) if error.is_transient() => {
                    tracing::debug!(what, %error, "nothing is embedded; the database is away");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(what, %error, "some could not be embedded; they are found by their words");
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    async fn embed_waiting(&self) -> Result<(), Failure> {
        let (what, stored) = (K::NAME, &self.0.stored);
        let tell = |waiting| K::count(Counted::Waiting(waiting));
        let Some(embedder) = self.0.mind.embedder() else {
            tell(stored.read().count_waiting().await?);
            return Ok(());
        };
        let (mut done, mut told) = (0, Instant::now());
        loop {
            let waiting = stored.waiting(READ).await?;
            if waiting.is_empty() {
                tell(0);
                if done > 0 {
                    tracing::info!(what, done, "all of it is embedded");
                }
                return Ok(());
            }
            for part in waiting.chunks(PART) {
                self.embed_part(embedder, part).await?;
                done += part.len();
                K::count(Counted::Embedded(part.len()));
            }
            if told.elapsed() >= TOLD {
                let left = stored.read().count_waiting().await?;
                tell(left);
                tracing::info!(what, done, left, "embedding");
                told = Instant::now();
            }
        }
    }

    async fn embed_part(&self, embedder: &Embedder, part: &[K::Waiting]) -> Result<(), Failure> {
        let (owners, facets): (Vec<_>, Vec<_>) = part.iter().map(K::facets).unzip();
        let vectors = embedder.embed(Facets::texts(&facets)).await?;
        let senses = Facets::join(&facets, &vectors);
        let all: Vec<_> = owners.into_iter().zip(part.iter().zip(senses)).collect();
        for own in all.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((owner, _)) = own.first() else { continue };
            let senses: Vec<_> = own.iter().map(|(_, (waiting, sense))| (*waiting, sense.clone())).collect();
            self.0.stored.embed(*owner, embedder.name(), &senses).await?;
        }
        Ok(())
    }
}
