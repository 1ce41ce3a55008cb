//! The brain in this process: no key, no network. It knows intents by their examples, and answers in the words of the
//! passages it is given.

mod extract;
mod facts;
mod follow_up;
pub mod intents;
mod lessons;
mod quotes;
mod sought;
mod words;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Brain, BrainError, Case, Meaning, Stream};
use crate::domain::insight::{Fact, Notes};
use crate::domain::message::Role;
use crate::domain::turn::{Classified, Passage, Reply};

use extract::{Added, Asked};
use quotes::Quotes;

pub use facts::stated;
pub use follow_up::{FollowUp, follow_up};
pub use lessons::examples;

/// Cheap to clone.
#[derive(Clone)]
pub struct LocalBrain {
    lessons: Arc<watch::Sender<Vec<Lesson>>>,
    quotes: Arc<Quotes>,
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
        Self { lessons: Arc::new(watch::Sender::new(Vec::new())), quotes: Arc::default() }
    }
}

impl LocalBrain {
    /// From now on sentences are compared by what they mean, as soon as there is a model. Only the first one counts.
    pub fn equip(&self, meaning: Box<dyn Meaning>) {
        self.quotes.equip(meaning);
    }

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
            if let Some(known) = &case.known {
                return Ok(known.clone());
            }
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
        async move {
            let mut sentences = Vec::with_capacity(extract::SOURCES);
            for passage in passages.iter().take(extract::SOURCES) {
                sentences.push(self.quotes.of(passage).await);
            }
            let said = case.history.iter().rfind(|said| said.role == Role::Assistant);
            let added = case.leans().then(|| Added {
                text: &case.question,
                vector: case.own.as_ref(),
                said: said.map_or("", |said| &said.content),
            });
            let asked = Asked { text: &case.query, vector: case.vector.as_ref(), added };
            let reply = extract::answer(&asked, passages, &sentences, case.preset.limits.answer_sentences);
            stream(&reply.text);
            Ok(reply)
        }
        .boxed()
    }
    fn distil<'a>(&'a self, notes: &'a Notes) -> BoxFuture<'a, Result<Vec<Fact>, BrainError>> {
        async move { Ok(stated(notes)) }.boxed()
    }
}
