//! What a session's agent thinks with: the desk that runs, its brains, its knowledge.
//!
//! Invariant: a turn keeps the desk that it began with, also when another one is loaded meanwhile.

use std::sync::{Arc, PoisonError, RwLock};

use crate::brain::local::LocalBrain;
use crate::brain::{Brain, BrainError, Case, Stream};
use crate::domain::preset::Preset;
use crate::domain::turn::{Classified, Passage, Reply};
use crate::domain::vector::Vector;
use crate::search::Knowledge;

/// Cheap to clone.
#[derive(Clone)]
pub struct Minds(Arc<Inner>);

struct Inner {
    preset: RwLock<Arc<Preset>>,
    local: LocalBrain,
    /// Asked first, where there is one.
    remote: Option<Box<dyn Brain>>,
    knowledge: Knowledge,
}

/// An answer, and whose it is.
pub struct Thought<T> {
    pub value: T,
    pub brain: &'static str,
    /// It cost something, so it is recorded at once.
    pub paid: bool,
}

/// A passage of a page that the intent names is worth so much more.
const NAMED_PAGE: f32 = 0.15;

impl Minds {
    pub fn new(
        preset: Preset,
        local: LocalBrain,
        remote: Option<Box<dyn Brain>>,
        knowledge: Knowledge,
    ) -> Self {
        Self(Arc::new(Inner { preset: RwLock::new(Arc::new(preset)), local, remote, knowledge }))
    }

    pub fn preset(&self) -> Arc<Preset> {
        self.0.preset.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another desk into use, for the turns that begin from now on.
    pub fn reload(&self, preset: Preset) {
        *self.0.preset.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(preset);
    }

    pub fn local(&self) -> &LocalBrain {
        &self.0.local
    }

    pub fn knowledge(&self) -> &Knowledge {
        &self.0.knowledge
    }

    /// The workflow that answers here; nothing where people alone do.
    pub fn workflow(&self) -> Option<Arc<str>> {
        let preset = self.preset();
        preset.ai.then(|| preset.name.as_str().into())
    }

    /// The meaning of a text, where there is a model for it.
    pub async fn embed(&self, text: &str) -> Option<Vector> {
        self.0.knowledge.embed(text).await
    }

    /// The remote brain's opinion; the local one's where there is none, or it fails.
    pub async fn classify(&self, case: &Case) -> Result<Thought<Classified>, BrainError> {
        if let Some(remote) = &self.0.remote {
            match remote.classify(case).await {
                Ok(value) => return Ok(Thought { value, brain: remote.name(), paid: true }),
                Err(error) => fell_back("classify", &error),
            }
        }
        let value = self.0.local.classify(case).await?;
        Ok(Thought { value, brain: self.0.local.name(), paid: false })
    }

    /// What may be quoted, the best first; passages of the named pages are preferred.
    pub async fn retrieve(
        &self,
        case: &Case,
        pages: &[String],
    ) -> Result<Vec<Passage>, crate::store::StoreError> {
        let limit = case.preset.limits.passages;
        let topics = case.preset.mode(case.mode).and_then(|desk| desk.topics.as_deref());
        let mut found = self
            .0
            .knowledge
            .passages(case.workspace, &case.query, case.vector.as_ref(), limit * 2, topics)
            .await?;
        for passage in &mut found {
            if pages.iter().any(|page| passage.source.ends_with(page.as_str())) {
                passage.score += NAMED_PAGE;
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(limit);
        Ok(found)
    }

    /// `restarted` is told when what was streamed is worth nothing.
    pub async fn respond(
        &self,
        case: &Case,
        passages: &[Passage],
        stream: Stream<'_>,
        restarted: &(dyn Fn() + Send + Sync),
    ) -> Result<Thought<Reply>, BrainError> {
        if let Some(remote) = &self.0.remote {
            match remote.respond(case, passages, &[], stream).await {
                Ok(value) => return Ok(Thought { value, brain: remote.name(), paid: true }),
                Err(error) => {
                    fell_back("respond", &error);
                    restarted();
                }
            }
        }
        let value = self.0.local.respond(case, passages, &[], stream).await?;
        Ok(Thought { value, brain: self.0.local.name(), paid: false })
    }
}

fn fell_back(step: &'static str, error: &BrainError) {
    metrics::counter!("switchboard_brain_fallbacks_total", "step" => step).increment(1);
    tracing::warn!(step, %error, "the remote brain failed; the local one goes on");
}
