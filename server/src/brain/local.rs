//! The brain in this process: no key, no network. It knows intents by their examples, and answers in the words of the
//! passages it is given.

mod extract;
mod follow_up;
pub mod intents;
mod lessons;
mod words;

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Brain, BrainError, Case, Stream};
use crate::domain::turn::{Classified, Passage, Reply};

pub use follow_up::in_context;
pub use lessons::examples;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct LocalBrain {
    heads: Arc<RwLock<Vec<Lesson>>>,
}

/// What was learned from the intents of one mode of one desk.
struct Lesson {
    training: [u8; 32],
    head: Arc<dyn Classifier>,
}

/// Whatever tells intents apart.
pub trait Classifier: Send + Sync {
    fn classify(&self, case: &Case) -> Classified;
}

/// Desks whose lessons are kept: the running one in two modes, and the one before it while its last turns end.
const LESSONS: usize = 4;

impl LocalBrain {
    /// Takes a classifier into use for what it was trained on, in place of an earlier one.
    pub fn learn(&self, training: [u8; 32], head: Arc<dyn Classifier>) {
        let mut heads = self.heads.write().unwrap_or_else(PoisonError::into_inner);
        heads.retain(|lesson| lesson.training != training);
        heads.push(Lesson { training, head });
        let surplus = heads.len().saturating_sub(LESSONS);
        heads.drain(..surplus);
    }

    fn head(&self, case: &Case) -> Option<Arc<dyn Classifier>> {
        let training = case.preset.training_hash(case.mode);
        let heads = self.heads.read().unwrap_or_else(PoisonError::into_inner);
        heads.iter().find(|lesson| lesson.training == training).map(|lesson| lesson.head.clone())
    }
}

impl Brain for LocalBrain {
    fn name(&self) -> &'static str {
        "local"
    }

    /// Without a lesson nothing is understood, and the knowledge alone has to answer.
    fn classify<'a>(&'a self, case: &'a Case) -> BoxFuture<'a, Result<Classified, BrainError>> {
        let classified = self.head(case).map(|head| head.classify(case)).unwrap_or_default();
        std::future::ready(Ok(classified)).boxed()
    }

    fn respond<'a>(
        &'a self,
        case: &'a Case,
        passages: &'a [Passage],
        _memories: &'a [String],
        stream: Stream<'a>,
    ) -> BoxFuture<'a, Result<Reply, BrainError>> {
        let reply = extract::answer(&case.query, passages, case.preset.limits.answer_sentences);
        stream(&reply.text);
        std::future::ready(Ok(reply)).boxed()
    }
}
