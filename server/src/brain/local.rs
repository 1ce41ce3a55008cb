//! The brain in this process: no key, no network. It knows intents by their examples, and answers in the words of the
//! passages it is given.

mod extract;
mod follow_up;
pub mod intents;
mod lessons;
mod words;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Brain, BrainError, Case, Stream};
use crate::domain::turn::{Classified, Passage, Reply};

pub use follow_up::in_context;
pub use lessons::examples;

/// Cheap to clone.
#[derive(Clone)]
pub struct LocalBrain {
    lessons: Arc<watch::Sender<Vec<Lesson>>>,
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

impl Default for LocalBrain {
    fn default() -> Self {
        Self { lessons: Arc::new(watch::Sender::new(Vec::new())) }
    }
}

impl LocalBrain {
    /// Takes a classifier into use for what it was trained on, in place of an earlier one.
    pub fn learn(&self, training: [u8; 32], head: Arc<dyn Classifier>) {
        self.lessons.send_modify(|lessons| {
            lessons.retain(|lesson| lesson.training != training);
            lessons.push(Lesson { training, head });
            let surplus = lessons.len().saturating_sub(LESSONS);
            lessons.drain(..surplus);
        });
    }

    /// What was learned for this case; waits for it, since nothing may be answered that might be for people alone.
    async fn head(&self, case: &Case) -> Option<Arc<dyn Classifier>> {
        let training = case.preset.training_hash(case.mode);
        let mut lessons = self.lessons.subscribe();
        let known =
            lessons.wait_for(|lessons| lessons.iter().any(|lesson| lesson.training == training)).await;
        let known = known.ok()?;
        known.iter().find(|lesson| lesson.training == training).map(|lesson| lesson.head.clone())
    }
}

impl Brain for LocalBrain {
    fn name(&self) -> &'static str {
        "local"
    }

    fn classify<'a>(&'a self, case: &'a Case) -> BoxFuture<'a, Result<Classified, BrainError>> {
        async move {
            let Some(head) = self.head(case).await else { return Ok(Classified::default()) };
            let case = case.clone();
            // A pass over thousands of features, beside the tasks that must not wait.
            let judged = tokio::task::spawn_blocking(move || head.classify(&case)).await;
            judged.map_err(|crash| BrainError::Unreachable(crash.to_string()))
        }
        .boxed()
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
