//! Recorded conversations to be played again: JSONL of `{"id", "turns": [{"role", "content"}]}`, a conversation a line.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Conversation {
    turns: Vec<Spoken>,
}

#[derive(Deserialize)]
struct Spoken {
    role: String,
    content: String,
}

/// What visitors say where no file is named.
const OWN: [&[&str]; 4] = [
    &["Hello, where is my parcel?", "It was to arrive on Tuesday.", "Thank you, I will wait for it then."],
    &["How do I change my address?", "And my phone number?", "I see. Is there a fee for that?", "Thanks!"],
    &[
        "My card was declined in a shop this morning.",
        "No, I have not changed anything.",
        "I want to talk to a person.",
    ],
    &["What are your opening hours?", "Also on Sundays?"],
];

/// What the visitor says in each conversation.
pub fn of(file: Option<&Path>) -> anyhow::Result<Vec<Vec<String>>> {
    match file {
        Some(file) => read(file),
        None => Ok(OWN.iter().map(|turns| turns.iter().map(|&turn| turn.to_owned()).collect()).collect()),
    }
}

pub fn read(file: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut conversations = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let conversation: Conversation =
            serde_json::from_str(line).with_context(|| format!("{}, line {}", file.display(), at + 1))?;
        let turns = conversation.turns.into_iter().filter(|turn| turn.role == "user");
        conversations.push(turns.map(|turn| turn.content).collect());
    }
    ensure!(!conversations.is_empty(), "{} holds no conversation", file.display());
    Ok(conversations)
}
