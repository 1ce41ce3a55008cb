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

/// What the visitor says in each conversation.
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
