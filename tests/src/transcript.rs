//! What a client has seen of a conversation's log.
//!
//! Invariant: dense and in order, each message once, as guarantees 3 and 4 of the protocol say. A message
//! that would break that is an error, at the moment it comes.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

#[derive(Debug, Default)]
pub struct Transcript {
    messages: Vec<Value>,
    /// The number of the last message.
    head: u64,
    /// Heard, and not yet taken by [`next_heard`](Self::next_heard).
    heard: VecDeque<Value>,
}

impl Transcript {
    /// The page that `session.open` gave, which has to end at the position that it gave.
    pub fn of_opened(opened: &Value) -> Result<Self> {
        let head = opened["position"]["seq"]
            .as_u64()
            .with_context(|| format!("an open without position: {opened}"))?;
        let page = page(opened)?;
        let first = page.first().and_then(|message| message["seq"].as_u64());
        let before = first.map_or(head, |first| first.saturating_sub(1));
        let mut transcript = Self { head: before, ..Self::default() };
        for message in page {
            transcript.note(message.clone())?;
        }
        ensure!(transcript.head == head, "the page of an open ends at its position: {opened}");
        Ok(transcript)
    }

    /// The messages missed, which `session.open` gave because of a position.
    pub fn recover(&mut self, opened: &Value) -> Result<()> {
        for message in page(opened)? {
            self.hear(message.clone())?;
        }
        ensure!(opened["position"]["seq"] == self.head, "a recovery ends at the position given: {opened}");
        Ok(())
    }

    /// A message that the server told of.
    pub fn hear(&mut self, message: Value) -> Result<()> {
        self.note(message.clone())?;
        self.heard.push_back(message);
        Ok(())
    }

    /// A message of one's own, which was acknowledged.
    pub fn note(&mut self, message: Value) -> Result<()> {
        let seq = message["seq"].as_u64().with_context(|| format!("a message without seq: {message}"))?;
        if seq <= self.head {
            bail!("message {seq} came again, or out of order, after {}: {message}", self.head);
        }
        ensure!(seq == self.head + 1, "a gap: message {seq} came after {}: {message}", self.head);
        self.head = seq;
        self.messages.push(message);
        Ok(())
    }

    /// Hands out what was heard, one by one.
    pub fn next_heard(&mut self) -> Option<Value> {
        self.heard.pop_front()
    }

    pub fn messages(&self) -> &[Value] {
        &self.messages
    }

    pub fn head(&self) -> u64 {
        self.head
    }
}

fn page(opened: &Value) -> Result<&Vec<Value>> {
    opened["messages"].as_array().with_context(|| format!("an open without messages: {opened}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn opened(messages: &[u64], head: u64) -> Value {
        let messages: Vec<Value> = messages.iter().map(|seq| json!({"seq": seq})).collect();
        json!({"messages": messages, "position": {"epoch": "e", "seq": head}})
    }

    #[test]
    fn each_message_once_in_order_without_a_gap() {
        let mut transcript = Transcript::of_opened(&opened(&[4, 5], 5)).unwrap();
        transcript.hear(json!({"seq": 6})).unwrap();
        transcript.note(json!({"seq": 7})).unwrap();
        assert!(transcript.hear(json!({"seq": 7})).is_err(), "a repeat");
        assert!(transcript.hear(json!({"seq": 9})).is_err(), "a gap");
        assert_eq!(transcript.head(), 7);
        assert_eq!(transcript.messages().len(), 4);
        assert_eq!(transcript.next_heard(), Some(json!({"seq": 6})));
        assert_eq!(transcript.next_heard(), None);
    }

    #[test]
    fn a_page_that_does_not_reach_its_position_is_found_out() {
        assert!(Transcript::of_opened(&opened(&[1, 2], 3)).is_err());
        assert!(Transcript::of_opened(&opened(&[1, 3], 3)).is_err());
        assert_eq!(Transcript::of_opened(&opened(&[], 0)).unwrap().head(), 0);
        let mut transcript = Transcript::of_opened(&opened(&[1], 1)).unwrap();
        assert!(transcript.recover(&opened(&[2], 3)).is_err());
    }
}
