//! One line of an import as a conversation, or why it is none.

use std::fmt;

use serde::Deserialize;

use crate::domain::masking;
use crate::domain::message::Role;

/// What a line says; fields beyond these are passed over.
#[derive(Debug, PartialEq)]
pub struct Conversation {
    pub id: String,
    pub turns: Vec<Turn>,
}

#[derive(Debug, PartialEq)]
pub struct Turn {
    pub role: Role,
    /// Masked, as what visitors type is.
    pub content: String,
}

/// As for messages that are sent.
const CONTENT: usize = 10_000;
const ID: usize = 255;

pub fn read(text: &str) -> Result<Conversation, String> {
    let line: Line = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let kind = if error.is_data() { "" } else { "no JSON: " };
        // Its place in the line, not in the file.
        format!("{kind}{}", error.to_string().replace(" at line 1 column", ", at column"))
    })?;
    let id = line.id.to_string();
    if id.trim().is_empty() || id.chars().count() > ID || id.contains('\0') {
        return Err(format!("`id` has 1 to {ID} characters"));
    }
    if line.turns.is_empty() {
        return Err("`turns` is empty".to_owned());
    }
    let turns = (1..).zip(line.turns).map(|(number, turn)| turn.read(number)).collect::<Result<_, _>>()?;
    Ok(Conversation { id, turns })
}

#[derive(Deserialize)]
struct Line {
    id: Name,
    turns: Vec<Said>,
}

/// Some data sets count their conversations.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`id` is a text or a whole number")]
enum Name {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
struct Said {
    role: Speaker,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Assistant,
}

impl Said {
    fn read(self, number: usize) -> Result<Turn, String> {
        if self.content.trim().is_empty() {
            return Err(format!("turn {number} says nothing"));
        }
        if self.content.chars().count() > CONTENT {
            return Err(format!("turn {number} has more than {CONTENT} characters"));
        }
        if self.content.contains('\0') {
            return Err(format!("turn {number} holds a NUL character"));
        }
        let role = match self.role {
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
        };
        Ok(Turn { role, content: masking::mask(&self.content).into_owned() })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Number(number) => write!(out, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_conversation() {
        let text = r#"{"id": "a-1", "topic": "x", "turns": [{"role": "user", "content": "My card is 4111 1111 1111 1111"},
            {"role": "assistant", "content": "Thank you.", "at": 3}]}"#;
        let conversation = read(&text.replace('\n', "")).unwrap();
        assert_eq!(conversation.id, "a-1");
        assert_eq!(conversation.turns[1], Turn { role: Role::Assistant, content: "Thank you.".to_owned() });
        assert!(!conversation.turns[0].content.contains("4111"), "{:?}", conversation.turns[0]);
        assert_eq!(read(r#"{"id": 7, "turns": [{"role": "user", "content": "x"}]}"#).unwrap().id, "7");
    }

    #[test]
    fn a_bad_line_says_why() {
        let long = "x".repeat(CONTENT + 1);
        for (text, why) in [
            ("nonsense", "no JSON: expected"),
            ("[]", "expected"),
            (r#"{"turns": []}"#, "missing field `id`"),
            (r#"{"id": "a"}"#, "missing field `turns`"),
            (r#"{"id": true, "turns": []}"#, "`id` is a text"),
            (r#"{"id": " ", "turns": [{"role": "user", "content": "x"}]}"#, "`id` has 1 to 255"),
            (r#"{"id": "a", "turns": []}"#, "`turns` is empty"),
            (r#"{"id": "a", "turns": [{"role": "system", "content": "x"}]}"#, "unknown variant `system`"),
            (r#"{"id": "a", "turns": [{"role": "user"}]}"#, "missing field `content`"),
            (r#"{"id": "a", "turns": [{"role": "user", "content": " "}]}"#, "turn 1 says nothing"),
            (r#"{"id": "a", "turns": [{"role": "user", "content": "x\u0000"}]}"#, "turn 1 holds a NUL"),
            (
                &format!(r#"{{"id": "a", "turns": [{{"role": "user", "content": "{long}"}}]}}"#),
                "turn 1 has more than",
            ),
        ] {
            let sentence = read(text).unwrap_err();
            assert!(sentence.contains(why), "{sentence} does not say {why}");
            assert!(!sentence.contains("line 1"), "{sentence}");
        }
    }
}
