//! Texts into vectors: a handle over the one thread that runs the model.
//!
//! Invariant: one thread computes, whatever the load, so that the model never takes the processors from the sockets.
//! A question that a visitor waits for goes ahead of texts that are embedded in bulk.

mod kernels;
mod minilm;
mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::sync::mpsc;

use crate::domain::vector::Vector;
use minilm::MiniLm;
use worker::{Job, Worker};

/// Cheap to clone. The thread ends with the last handle.
#[derive(Clone)]
pub struct Embedder {
    urgent: mpsc::Sender<Job>,
    bulk: mpsc::Sender<Job>,
}

#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error("cannot read {}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("the embedding model: {0}")]
    Model(String),
    #[error("no thread for the embedding model: {0}")]
    NoThread(io::Error),
    #[error("the embedding thread has ended")]
    Ended,
}

/// Stored beside each vector: vectors of different names cannot be compared.
pub const MINILM: &str = "minilm";

/// A question a turn, seldom the sentences of a page: more turns than this at once wait, and hold a text each meanwhile.
const URGENT: usize = 1_024;

/// Imports hold whole documents: the next waits until one is through.
const BULK: usize = 4;

/// What gives texts a meaning, once there is a model: one for all that is searched. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mind(Arc<OnceLock<Embedder>>);

impl Mind {
    /// From now on texts have meanings. Only the first embedder counts.
    pub fn wake(&self, embedder: Embedder) {
        let _ = self.0.set(embedder);
    }

    pub fn embedder(&self) -> Option<&Embedder> {
        self.0.get()
    }

    /// The meaning of what somebody asks; nothing while there is no model.
    pub async fn embed(&self, text: &str) -> Option<Vector> {
        match self.embedder()?.embed_one(text.to_owned()).await {
            Ok(vector) => Some(vector),
            Err(error) => {
                tracing::warn!(%error, "a question was not embedded; it is answered by its words");
                None
            }
        }
    }

    /// The meanings of a few texts that somebody waits for; nothing while there is no model.
    pub async fn embed_all(&self, texts: Vec<String>) -> Option<Vec<Vector>> {
        match self.embedder()?.embed_now(texts).await {
            Ok(vectors) => Some(vectors),
            Err(error) => {
                tracing::warn!(%error, "a few texts were not embedded; they are compared by their words");
                None
            }
        }
    }
}

impl Embedder {
    /// Reads the model from a folder (a tenth of a second) and starts its thread.
    pub fn load(folder: &Path) -> Result<Self, EmbedError> {
        let model = MiniLm::load(folder)?;
        let (urgent, urgent_jobs) = mpsc::channel(URGENT);
        let (bulk, bulk_jobs) = mpsc::channel(BULK);
        let worker = Worker::new(model, urgent_jobs, bulk_jobs);
        thread::Builder::new()
            .name("embedder".to_owned())
            .spawn(move || worker.run())
            .map_err(EmbedError::NoThread)?;
        Ok(Self { urgent, bulk })
    }

    #[expect(clippy::unused_self, reason = "the name belongs to what this handle leads to")]
    pub fn name(&self) -> &'static str {
        MINILM
    }

    /// Embeds what somebody waits for.
    pub async fn embed_one(&self, text: String) -> Result<Vector, EmbedError> {
        self.embed_now(vec![text]).await?.pop().ok_or(EmbedError::Ended)
    }

    /// The same for a few texts that somebody waits for.
    pub async fn embed_now(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let (job, answer) = Job::new(texts);
        self.urgent.send(job).await.map_err(|_| EmbedError::Ended)?;
        answer.await.map_err(|_| EmbedError::Ended)?
    }

    /// Embeds many texts, one vector each, in order, behind those that somebody waits for.
    /// A caller that goes away has its work dropped.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let (job, answer) = Job::new(texts);
        self.bulk.send(job).await.map_err(|_| EmbedError::Ended)?;
        answer.await.map_err(|_| EmbedError::Ended)?
    }

    /// The same for a thread without a runtime.
    pub fn embed_blocking(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let (job, answer) = Job::new(texts);
        self.bulk.blocking_send(job).map_err(|_| EmbedError::Ended)?;
        answer.blocking_recv().map_err(|_| EmbedError::Ended)?
    }
}

impl From<candle_core::Error> for EmbedError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.to_string())
    }
}

#[cfg(test)]
mod tests;
