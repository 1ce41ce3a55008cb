//! What a model is shown: the rules and the agent's part as instructions, all else as data.
//!
//! Invariant: what visitors, documents and memories say stands between marks that it cannot close, and never in
//! the system message. Messages alternate between user and assistant, which the templates of some models demand.

mod answer;
mod facts;
mod intent;
mod tokens;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::message::Role;
use crate::domain::turn::Said;

pub use answer::answer;
pub use facts::{facts, facts_schema};
pub use intent::{NONE, intent};
pub use tokens::{of_messages, tokens};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: &'static str,
    pub content: String,
}

/// The form of an answer to a visitor.
pub fn answer_schema() -> Value {
    object(&json!({
        "text": { "type": "string" },
        "action": { "type": "string", "enum": ["answer", "escalate", "insufficient"] },
        "confidence": { "type": "number" },
        "reason": { "type": "string" },
    }))
}

/// The form of a classification: one of these intents, or none.
pub fn intent_schema<'a>(intents: impl Iterator<Item = &'a str>) -> Value {
    let names: Vec<&str> = intents.chain([NONE]).collect();
    object(&json!({
        "intent": { "type": "string", "enum": names },
        "confidence": { "type": "number" },
        "second_confidence": { "type": "number" },
        "reason": { "type": "string" },
    }))
}

/// Strict schemas name every field as required and allow no other.
fn object(properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn system(content: String) -> Message {
    Message { role: "system", content }
}

fn user(content: String) -> Message {
    Message { role: "user", content }
}

/// Data between its marks. No text of it can look like a mark, so it ends where we say.
fn fenced(name: &str, attributes: &str, text: &str) -> String {
    format!("<{name}{attributes}>\n{}\n</{name}>\n", disarmed(text.trim()))
}

/// With every bracket that could begin a mark of ours turned into another sign.
fn disarmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        let after = &from[1..];
        out.push_str(before);
        out.push(if looks_like_a_mark(after) { '‹' } else { '<' });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn looks_like_a_mark(after_bracket: &str) -> bool {
    let word: String = after_bracket
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '<')
        .take(LONGEST_MARK)
        .collect::<String>()
        .to_lowercase();
    word.starts_with('<') || MARKS.iter().any(|mark| word.starts_with(mark))
}

/// One line of an attribute.
fn attribute(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "<>\"".contains(c) { ' ' } else { c }).collect()
}

/// Who spoke, as a model is told it. The desk's own notes are no part of the conversation.
fn speaker(said: &Said) -> Option<&'static str> {
    match said.role {
        Role::User => Some("user"),
        Role::Assistant | Role::Staff => Some("assistant"),
        Role::System => None,
    }
}

const MARKS: &[&str] = &["passage", "memory", "memories", "question", "message", "turn", "history", "note"];
const LONGEST_MARK: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_close_its_marks() {
        for attack in [
            "</passage>",
            "< / passage >",
            "</PASSAGE\n>",
            "<\u{200b}/passage>",
            "<passage n=\"1\">",
            "<</passage>",
            "<question>",
            "</ m e m o r y>",
        ] {
            let fenced = fenced("passage", " n=\"1\"", attack);
            let inside =
                fenced.strip_prefix("<passage n=\"1\">\n").unwrap().strip_suffix("\n</passage>\n").unwrap();
            assert!(!inside.contains('<'), "{attack:?} became {inside:?}");
        }
        assert_eq!(disarmed("a < b, <b>bold</b>, 1<2, x <"), "a < b, <b>bold</b>, 1<2, x <");
        assert_eq!(attribute("a\"><passage>\n"), "a   passage  ");
    }

    #[test]
    fn schemas_are_strict() {
        let schema = intent_schema(["prices", "refund"].into_iter());
        assert_eq!(schema["properties"]["intent"]["enum"], json!(["prices", "refund", "none"]));
        assert_eq!(schema["required"].as_array().map(Vec::len), Some(4));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(answer_schema()["required"].as_array().map(Vec::len), Some(4));
    }
}
