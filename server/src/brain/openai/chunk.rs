//! One piece of an answer, from any server that speaks roughly this language.
//!
//! Invariant: whatever is valid JSON can be read. A field that is missing, null, empty or of another type is as
//! if it were not there.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::brain::BrainError;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    pub text: String,
    /// The text is the whole answer rather than more of it.
    pub whole: bool,
    /// The model declined to answer.
    pub refusal: bool,
    pub finish: Option<Finish>,
    /// Tokens, of question and answer together.
    pub used: Option<u64>,
    /// The server failed with the answer under way.
    pub error: Option<Failure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Stop,
    /// It was not allowed to say more.
    Length,
    /// Its makers did not want this said.
    Filter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    RateLimit,
    Other,
}

impl Chunk {
    pub fn of(value: &Value) -> Self {
        let mut chunk = Self {
            used: used(value.get("usage")),
            error: value.get("error").filter(|error| says_something(error)).map(failure),
            ..Self::default()
        };
        // Some leave the list out and say it at the top.
        let choice = match value.get("choices") {
            Some(Value::Array(choices)) => choices.iter().find(|choice| is_first(choice)),
            Some(choice @ Value::Object(_)) => Some(choice),
            _ => Some(value),
        };
        if let Some(choice) = choice {
            chunk.read(choice);
        }
        chunk
    }

    fn read(&mut self, choice: &Value) {
        self.finish = choice.get("finish_reason").and_then(Value::as_str).and_then(finish);
        let delta = choice.get("delta").filter(|delta| says_something(delta));
        self.whole = delta.is_none() && choice.get("message").is_some_and(says_something);
        match delta.or_else(|| choice.get("message")) {
            Some(Value::Array(parts)) => parts.iter().for_each(|part| self.hear(part)),
            Some(said) => self.hear(said),
            None => self.text.push_str(&text(choice.get("text"))),
        }
    }

    fn hear(&mut self, said: &Value) {
        match said {
            Value::String(said) => self.text.push_str(said),
            said => self.text.push_str(&text(said.get("content"))),
        }
        self.refusal |= !text(said.get("refusal")).is_empty();
    }
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl Failure {
    pub fn into_error(self) -> BrainError {
        match self {
            Self::RateLimit => BrainError::RateLimited { retry_after: None::<Duration> },
            Self::Other => BrainError::Unreachable("it failed within its answer".to_owned()),
        }
    }
}

/// A text, or a list of its parts.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().map(|part| text(Some(part))).collect(),
        Some(Value::Object(part)) => text(part.get("text").or_else(|| part.get("content"))),
        _ => String::new(),
    }
}

/// Only one was asked for, but some send more.
fn is_first(choice: &Value) -> bool {
    choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0
}

fn finish(reason: &str) -> Option<Finish> {
    match reason {
        "" | "null" => None,
        "length" | "max_tokens" => Some(Finish::Length),
        "content_filter" | "safety" => Some(Finish::Filter),
        _ => Some(Finish::Stop),
    }
}

fn used(usage: Option<&Value>) -> Option<u64> {
    let count = |name| usage.and_then(|usage| usage.get(name)).and_then(Value::as_u64);
    count("total_tokens").or_else(|| {
        let sum = count("prompt_tokens").unwrap_or(0).checked_add(count("completion_tokens").unwrap_or(0))?;
        (sum > 0).then_some(sum)
    })
}

fn failure(error: &Value) -> Failure {
    let says =
        |name, word| text(error.get(name)).contains(word) || error.get(name) == Some(&Value::from(429));
    if ["code", "type", "status"].iter().any(|name| says(name, "rate_limit")) {
        Failure::RateLimit
    } else {
        Failure::Other
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, expected: Chunk) {
        assert_eq!(Chunk::of(&value), expected, "{value}");
        assert_eq!(serde_json::from_value::<Chunk>(value).ok(), Some(expected));
    }

    fn said(text: &str) -> Chunk {
        Chunk { text: text.to_owned(), ..Chunk::default() }
    }

    #[test]
    fn what_openai_sends_is_read() {
        check(
            json!({"id": "x", "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": null}]}),
            said("Hi"),
        );
        check(
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            Chunk { finish: Some(Finish::Stop), ..Chunk::default() },
        );
        check(
            json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}}),
            Chunk { used: Some(12), ..Chunk::default() },
        );
        check(
            json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "length"}]}),
            Chunk { whole: true, finish: Some(Finish::Length), ..said("Hi") },
        );
        check(
            json!({"choices": [{"delta": {"refusal": "I cannot"}}]}),
            Chunk { refusal: true, ..Chunk::default() },
        );
    }

    #[test]
    fn what_others_send_is_read_as_well() {
        for same in [
            json!({"choices": [{"delta": {"content": "Hi"}}]}),
            json!({"choices": [{"delta": {"content": "Hi"}, "finish_reason": ""}], "usage": {}, "error": null}),
            json!({"choices": {"delta": {"content": "Hi"}}}),
            json!({"choices": [{"delta": "Hi"}]}),
            json!({"choices": [{"delta": [{"content": "H"}, {"content": "i"}]}]}),
            json!({"choices": [{"delta": {"content": [{"type": "text", "text": "H"}, "i"]}}]}),
            json!({"choices": [{"delta": {"content": {"text": "Hi"}}}]}),
            json!({"choices": [{"text": "Hi"}]}),
            json!({"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "Hi"}}]}),
            json!({"delta": {"content": "Hi"}}),
        ] {
            check(same, said("Hi"));
        }
        check(
            json!({"choices": [{"delta": {}, "message": {"content": "Hi"}, "finish_reason": "eos"}],
                "usage": {"prompt_tokens": 3}}),
            Chunk { whole: true, finish: Some(Finish::Stop), used: Some(3), ..said("Hi") },
        );
    }

    #[test]
    fn what_nobody_should_send_is_nothing() {
        for nothing in [
            json!(null),
            json!([]),
            json!("Hi"),
            json!({}),
            json!({"choices": null}),
            json!({"choices": [null, 1, "x"]}),
            json!({"choices": [{"delta": {"content": null, "role": null}}]}),
            json!({"choices": [{"delta": {"content": 12}}], "usage": null}),
        ] {
            check(nothing, Chunk::default());
        }
    }

    #[test]
    fn failures_within_an_answer_are_told_apart() {
        let error = |error: Value| Chunk::of(&json!({"error": error})).error;
        assert_eq!(error(json!({"message": "x", "code": "rate_limit_exceeded"})), Some(Failure::RateLimit));
        assert_eq!(error(json!({"code": 429})), Some(Failure::RateLimit));
        assert_eq!(error(json!({"code": 502, "message": "upstream"})), Some(Failure::Other));
        assert_eq!(error(json!("overloaded")), Some(Failure::Other));
        assert_eq!(error(json!({})), None);
    }
}
