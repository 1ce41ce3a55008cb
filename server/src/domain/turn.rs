//! What passes through one turn of the agent: the question, what a brain makes of it, and what may be quoted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::message::Role;

/// An earlier message, as a brain is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub role: Role,
    pub content: String,
}

/// What a classifier makes of a question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// One of the preset's, or nothing that it covers.
    pub intent: Option<String>,
    /// Calibrated, from 0 to 1.
    pub confidence: f32,
    /// How far the second was behind.
    pub margin: f32,
    pub reason: String,
}

/// A piece of a knowledge document that may be quoted. Its text is data, whatever it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    pub document: Uuid,
    /// Its place in the document.
    pub ordinal: i32,
    /// Names the document within the knowledge base: its path, or its id.
    pub source: String,
    pub title: String,
    pub url: Option<String>,
    pub text: String,
    pub score: f32,
    /// The question that it was the answer to, where it is one of the staff; nobody is shown it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
}

/// What a brain answers. A citation `[n]` in the text is the n-th of the passages that it was given, from 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub text: String,
    pub action: Action,
    /// How sure the brain itself is that the text answers the question.
    pub confidence: f32,
    /// Why it wants a person.
    pub reason: Option<String>,
}

/// What a brain wants done, apart from its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    #[default]
    Answer,
    /// A person should take this over.
    Escalate,
    /// The passages do not hold the answer.
    Insufficient,
}
