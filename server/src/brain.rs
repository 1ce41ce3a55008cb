//! What thinks: one trait, so that a turn does not know whether a model in this process or one far away answers.
//!
//! Invariant: a brain is asked, and never acts: what is done about its answers is the workflow's to decide.

pub mod distiller;
pub mod eval;
pub mod local;
pub mod openai;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use switchboard_protocol::ids::WorkspaceId;

use crate::domain::conversation::Mode;
use crate::domain::insight::{Fact, Notes};
use crate::domain::preset::Preset;
use crate::domain::turn::{Classified, Passage, Reply, Said};
use crate::domain::vector::Vector;

/// All that a brain may know of one turn.
#[derive(Clone, Debug)]
pub struct Case {
    pub preset: Arc<Preset>,
    pub mode: Mode,
    pub workspace: WorkspaceId,
    /// Which of the preset's agents answers.
    pub agent: String,
    /// The visitor's messages that this turn is about, as one text.
    pub question: String,
    /// The question as it reads without what was said before; mostly the question itself.
    pub query: String,
    /// Of the query, where there is an embedder.
    pub vector: Option<Vector>,
    /// Of the question, where that is not the query.
    pub own: Option<Vector>,
    /// What the local brain has made of the query, where it was asked already.
    pub known: Option<Classified>,
    /// The tail of the log before the question, the oldest first.
    pub history: Vec<Said>,
    /// What the last answer that had sources was of, by their names.
    pub spoken_of: Vec<String>,
}

impl Case {
    /// Whether the question means nothing without what was said before.
    pub fn leans(&self) -> bool {
        self.query != self.question
    }
}

/// Takes the text of a reply as it grows, piece by piece.
pub type Stream<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Gives texts a meaning; nothing while there is no model.
pub trait Meaning: Send + Sync {
    fn of(&self, texts: Vec<String>) -> BoxFuture<'_, Option<Vec<Vector>>>;
}

pub trait Brain: Send + Sync {
    fn name(&self) -> &'static str;

    fn classify<'a>(&'a self, case: &'a Case) -> BoxFuture<'a, Result<Classified, BrainError>>;

    /// Answers from the passages alone. What was streamed is a beginning of the reply's text.
    fn respond<'a>(
        &'a self,
        case: &'a Case,
        passages: &'a [Passage],
        memories: &'a [String],
        stream: Stream<'a>,
    ) -> BoxFuture<'a, Result<Reply, BrainError>>;

    /// What the notes say of the person that they are about, each fact with the notes that say it.
    fn distil<'a>(&'a self, notes: &'a Notes) -> BoxFuture<'a, Result<Vec<Fact>, BrainError>>;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrainError {
    #[error("the model did not begin to answer in time")]
    NoFirstByte,
    #[error("the model stopped in the middle of its answer")]
    Stalled,
    #[error("the model took longer than a turn may last")]
    TooSlow,
    #[error("the model cannot be reached: {0}")]
    Unreachable(String),
    #[error("the model refused the request: {0}")]
    Refused(String),
    #[error("the model is asked too often")]
    RateLimited { retry_after: Option<Duration> },
    #[error("the model answered something unreadable: {0}")]
    Garbled(String),
    #[error("the workspace has used up its budget for the model")]
    OverBudget,
    #[error("the model has failed too often lately and is left alone for a while")]
    Resting,
}
