//! What a session's agent thinks with: the desk that runs, its brains, its knowledge.
//!
//! Invariant: a turn keeps the desk that it began with, also when another one is loaded meanwhile.

mod reminders;

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::brain::distiller::Distiller;
use crate::brain::local::LocalBrain;
use crate::brain::{Brain, BrainError, Case, Meaning, Stream};
use crate::domain::preset::Preset;
use crate::domain::turn::{Classified, Passage, Reply};
use crate::domain::vector::Vector;
use crate::search::embedder::Embedder;
use crate::search::{Knowledge, Memories, Mind};
use crate::store::StoreError;
use crate::workflow::more_careful;
use reminders::Reminders;

/// Cheap to clone.
#[derive(Clone)]
pub struct Minds(Arc<Inner>);

struct Inner {
    preset: RwLock<Arc<Preset>>,
    local: LocalBrain,
    /// Asked first, where there is one.
    remote: Option<Arc<dyn Brain>>,
    knowledge: Knowledge,
    memories: Memories,
    mind: Mind,
}

/// An answer, and whose it is.
pub struct Thought<T> {
    pub value: T,
    pub brain: &'static str,
    /// It cost something, so it is recorded at once.
    pub paid: bool,
    /// Why it is not the remote brain's, where there is one.
    pub fell_back: Option<BrainError>,
}

/// What the local brain knows of meaning.
struct Meanings(Mind);

impl Meaning for Meanings {
    fn of(&self, texts: Vec<String>) -> BoxFuture<'_, Option<Vec<Vector>>> {
        self.0.embed_all(texts).boxed()
    }
}

/// What a question brings up.
pub struct Retrieved {
    pub passages: Vec<Passage>,
    /// What a brain should bear in mind, and shows nobody.
    pub hints: Vec<String>,
}

/// A passage of a page that the intent names is worth so much more.
const NAMED_PAGE: f32 = 0.15;
/// One of a document that has answered such a question before.
const KNOWN_PAGE: f32 = 0.05;
/// One of what the last answer was of: the talk is likely to be of it still.
const SPOKEN_OF: f32 = 0.05;
/// And surely where the question leans on that answer.
const LEANT_ON: f32 = 0.15;
/// A question that may lean stands alone where the local brain is so sure of what it is about.
const SURE: f32 = 0.6;
/// Items of the memory that are looked at.
const REMINDERS: usize = 10;

impl Minds {
    pub fn new(
        preset: Preset,
        local: LocalBrain,
        remote: Option<Arc<dyn Brain>>,
        knowledge: Knowledge,
        memories: Memories,
        mind: Mind,
    ) -> Self {
        local.equip(Box::new(Meanings(mind.clone())));
        let preset = RwLock::new(Arc::new(preset));
        Self(Arc::new(Inner { preset, local, remote, knowledge, memories, mind }))
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

    /// Draws insights, with the same remote brain.
    pub fn distiller(&self) -> Distiller {
        Distiller::new(self.0.remote.clone())
    }

    pub fn knowledge(&self) -> &Knowledge {
        &self.0.knowledge
    }

    pub fn memories(&self) -> &Memories {
        &self.0.memories
    }

    pub fn embedder(&self) -> Option<&Embedder> {
        self.0.mind.embedder()
    }

    /// From now on texts have meanings.
    pub fn equip(&self, embedder: Embedder) {
        self.0.mind.wake(embedder);
        self.0.knowledge.woken();
        self.0.memories.woken();
    }

    /// The workflow that answers here; nothing where people alone do.
    pub fn workflow(&self) -> Option<Arc<str>> {
        let preset = self.preset();
        preset.ai.then(|| preset.name.as_str().into())
    }

    /// The meaning of a text, where there is a model for it.
    pub async fn embed(&self, text: &str) -> Option<Vector> {
        self.0.mind.embed(text).await
    }

    /// The same of several that belong together.
    pub async fn embed_all(&self, texts: Vec<String>) -> Option<Vec<Vector>> {
        self.0.mind.embed_all(texts).await
    }

    /// What the local brain makes of this without what was said before; nothing where it is not sure.
    pub async fn known(&self, case: &Case) -> Option<Classified> {
        let known = self.0.local.classify(case).await.ok()?;
        (known.intent.is_some() && known.confidence >= SURE).then_some(known)
    }

    /// The remote brain's opinion, as far as the local one lets it; the local one's where there is none, or it fails.
    pub async fn classify(&self, case: &Case) -> Result<Thought<Classified>, BrainError> {
        let Some(remote) = &self.0.remote else {
            return Ok(self.by_itself(self.0.local.classify(case).await?, None));
        };
        let advised = remote.classify(case).await;
        let own = self.0.local.classify(case).await?;
        match advised {
            Ok(advised) => {
                let value = more_careful(advised, own, &case.preset, case.mode);
                Ok(Thought { value, brain: remote.name(), paid: true, fell_back: None })
            }
            Err(error) => Ok(self.by_itself(own, Some(("classify", error)))),
        }
    }

    /// What may be quoted, the best first; passages of the named pages are preferred, those of what the talk is of, and
    /// those that have answered such a question before. Where the workspace allows it, what staff answered is among them.
    pub async fn retrieve(&self, case: &Case, pages: &[String]) -> Result<Retrieved, StoreError> {
        let limit = case.preset.limits.passages;
        let topics = case.preset.mode(case.mode).and_then(|desk| desk.topics.as_deref());
        let (workspace, query, vector) = (case.workspace, case.query.as_str(), case.vector.as_ref());
        let found = self.0.knowledge.passages(workspace, query, vector, limit * 2, topics);
        let reminders = self.0.memories.reminders(workspace, query, vector, REMINDERS);
        let (mut passages, reminders) = futures_util::try_join!(found, reminders)?;
        let reminders = Reminders::of(reminders, case);
        let spoken_of = if case.leans() { LEANT_ON } else { SPOKEN_OF };
        for passage in &mut passages {
            if pages.iter().any(|page| passage.source.ends_with(page.as_str())) {
                passage.score += NAMED_PAGE;
            }
            if reminders.pages.contains(&passage.document) {
                passage.score += KNOWN_PAGE;
            }
            if case.spoken_of.contains(&passage.source) {
                passage.score += spoken_of;
            }
        }
        passages.extend(reminders.answers);
        passages.sort_by(|a, b| b.score.total_cmp(&a.score));
        passages.truncate(limit);
        Ok(Retrieved { passages, hints: reminders.hints })
    }

    /// `restarted` is told when what was streamed is worth nothing.
    pub async fn respond(
        &self,
        case: &Case,
        passages: &[Passage],
        hints: &[String],
        stream: Stream<'_>,
        restarted: &(dyn Fn() + Send + Sync),
    ) -> Result<Thought<Reply>, BrainError> {
        let failure = match &self.0.remote {
            None => None,
            Some(remote) => match remote.respond(case, passages, hints, stream).await {
                Ok(value) => {
                    return Ok(Thought { value, brain: remote.name(), paid: true, fell_back: None });
                }
                Err(error) => {
                    restarted();
                    Some(("respond", error))
                }
            },
        };
        Ok(self.by_itself(self.0.local.respond(case, passages, hints, stream).await?, failure))
    }

    /// What the local brain thinks, and in which step and why the remote one did not.
    fn by_itself<T>(&self, value: T, failure: Option<(&'static str, BrainError)>) -> Thought<T> {
        if let Some((step, error)) = &failure {
            metrics::counter!("switchboard_brain_fallbacks_total", "step" => *step).increment(1);
            tracing::warn!(step, %error, "the remote brain failed; the local one goes on");
        }
        let fell_back = failure.map(|(_, error)| error);
        Thought { value, brain: self.0.local.name(), paid: false, fell_back }
    }
}
