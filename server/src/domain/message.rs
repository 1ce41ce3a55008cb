//! One entry of the log, what it is before it has a number, and how a repeat is told from a reuse.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::{ClientId, ConversationId, MessageId, Seq};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
    Staff,
    System,
}

stored_names!(Role { User = "user", Assistant = "assistant", Staff = "staff", System = "system" });

/// A committed message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub conversation: ConversationId,
    pub seq: Seq,
    pub client_id: Option<ClientId>,
    pub role: Role,
    pub agent_name: Option<String>,
    pub author: Option<Author>,
    pub content: String,
    /// Wire-shaped JSON: written once by the agent, only ever shown.
    pub citations: Option<Value>,
    pub attachments: Option<Value>,
    pub metadata: Option<Value>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub id: Uuid,
    pub name: Option<String>,
}

/// The names of what a message's citations are of, in their order.
pub fn sources(citations: &Value) -> Vec<String> {
    #[derive(Deserialize)]
    struct Citation {
        source: String,
    }
    let citations = Vec::<Citation>::deserialize(citations).unwrap_or_default();
    citations.into_iter().map(|citation| citation.source).collect()
}

/// A message as it was accepted: masked, within its limits, by somebody who may write here. The journal keeps it as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub client_id: ClientId,
    pub role: Role,
    pub author: Option<Author>,
    pub content: String,
    pub metadata: Option<Value>,
    pub attachments: Option<Value>,
    /// A note among staff: it goes into no log.
    pub private: bool,
}

/// What a sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub id: MessageId,
    pub seq: Seq,
    pub created_at: Timestamp,
    pub duplicate: bool,
}

/// Equal for the same content, metadata and attachments; 128 bits, so that it can be kept for many messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub fn of(content: &str, metadata: Option<&Value>, attachments: Option<&Value>) -> Self {
        let mut hash = Sha256::new();
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content.as_bytes());
        for part in [metadata, attachments] {
            fold(&mut hash, part.unwrap_or(&Value::Null));
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hash.finalize()[..16]);
        Self(short)
    }
}

impl Draft {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.content, self.metadata.as_ref(), self.attachments.as_ref())
    }

    /// What became of it, as the receipt says.
    pub fn into_message(self, conversation: ConversationId, receipt: Receipt) -> Message {
        Message {
            id: receipt.id,
            conversation,
            seq: receipt.seq,
            client_id: Some(self.client_id),
            role: self.role,
            agent_name: None,
            author: self.author,
            content: self.content,
            citations: None,
            attachments: self.attachments,
            metadata: self.metadata,
            created_at: receipt.created_at,
        }
    }
}

impl Message {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.content, self.metadata.as_ref(), self.attachments.as_ref())
    }

    /// What it was before it had a number; nothing for what the server itself wrote.
    pub fn to_draft(&self) -> Option<Draft> {
        Some(Draft {
            client_id: self.client_id?,
            role: self.role,
            author: self.author.clone(),
            content: self.content.clone(),
            metadata: self.metadata.clone(),
            attachments: self.attachments.clone(),
            private: false,
        })
    }

    pub fn receipt(&self, duplicate: bool) -> Receipt {
        Receipt { id: self.id, seq: self.seq, created_at: self.created_at, duplicate }
    }
}

/// Numbers are folded by their value: the database writes `1e3` back as `1000`.
fn fold(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(yes) => hash.update(if *yes { b"t" } else { b"f" }),
        Value::Number(number) => {
            hash.update(b"#");
            hash.update(number.as_f64().unwrap_or(0.0).to_le_bytes());
        }
        Value::String(text) => {
            hash.update(b"s");
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Value::Array(items) => {
            hash.update(b"[");
            hash.update((items.len() as u64).to_le_bytes());
            for item in items {
                fold(hash, item);
            }
        }
        Value::Object(fields) => {
            hash.update(b"{");
            hash.update((fields.len() as u64).to_le_bytes());
            // The database returns keys in an order of its own.
            let mut keys: Vec<_> = fields.keys().collect();
            keys.sort_unstable();
            for key in keys {
                hash.update((key.len() as u64).to_le_bytes());
                hash.update(key.as_bytes());
                fold(hash, &fields[key]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fingerprint_sees_values_and_not_their_spelling() {
        let of = |metadata: Value| Fingerprint::of("hello", Some(&metadata), None);
        assert_eq!(of(json!({"a": 1e3, "b": [1, 2]})), of(json!({"b": [1, 2], "a": 1000})));
        assert_ne!(of(json!({"a": "1"})), of(json!({"a": 1})));
        assert_ne!(of(json!({"a": []})), of(json!({"a": {}})));
        assert_ne!(Fingerprint::of("hello", None, None), Fingerprint::of("hello ", None, None));
        assert_eq!(Fingerprint::of("hello", Some(&Value::Null), None), Fingerprint::of("hello", None, None));
    }
}
