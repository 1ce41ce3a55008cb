//! What the tester reads and writes of the protocol: its own types, so that a mistake in the server's is not shared.
//!
//! They are parsed from a borrowed frame and hold only what is checked.

pub mod log;
pub mod staff;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{CallError, Gone};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub epoch: String,
    pub seq: u64,
}

/// One message of a conversation's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub seq: u64,
    pub client_id: Option<Uuid>,
    pub content: String,
}

/// The parameters of `session.open`.
#[derive(Default, Serialize)]
pub struct Open<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<&'a Position>,
}

/// The result of `session.open`.
#[derive(Debug, Deserialize)]
pub struct Opened {
    pub token: String,
    /// Where it is not wanted it need not be there.
    #[serde(default)]
    pub resume: Option<String>,
    pub conversation: Conversation,
    pub position: Position,
    pub recovered: bool,
    pub messages: Vec<Row>,
    pub has_more: bool,
}

#[derive(Debug, Deserialize)]
pub struct Conversation {
    pub conversation_id: Uuid,
}

/// The parameters of `message.list`: the messages after a number, or the last ones.
#[derive(Serialize)]
pub struct List {
    pub conversation_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<u64>,
    pub limit: u32,
}

#[derive(Debug, Deserialize)]
pub struct Listed {
    pub messages: Vec<Row>,
    pub has_more: bool,
}

/// The result of `message.send`.
#[derive(Debug, Deserialize)]
pub struct Sent<'a> {
    pub seq: Option<u64>,
    pub duplicate: bool,
    #[serde(borrow)]
    pub durability: &'a str,
}

/// The parameters of `message.created`.
#[derive(Debug, Deserialize)]
pub struct Created<'a> {
    #[serde(borrow)]
    pub message: CreatedRow<'a>,
}

#[derive(Debug, Deserialize)]
pub struct CreatedRow<'a> {
    pub conversation_id: Uuid,
    pub seq: u64,
    pub client_id: Option<Uuid>,
    /// Borrowed: the tester writes no text that JSON would escape, and a server must not add any.
    #[serde(borrow)]
    pub content: &'a str,
}

impl From<CreatedRow<'_>> for Row {
    fn from(row: CreatedRow<'_>) -> Self {
        Self { seq: row.seq, client_id: row.client_id, content: row.content.to_owned() }
    }
}

/// Any frame from the server, its inside left as it came.
#[derive(Deserialize)]
pub struct Frame<'a> {
    #[serde(default)]
    pub id: Option<u64>,
    #[serde(borrow, default)]
    pub method: Option<&'a str>,
    #[serde(borrow, default)]
    pub params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Refusal>,
}

/// The answer to a `message.send`, read in one pass.
#[derive(Deserialize)]
pub struct Acknowledgement<'a> {
    #[serde(default)]
    pub id: Option<u64>,
    #[serde(borrow, default)]
    pub method: Option<&'a str>,
    #[serde(borrow, default)]
    pub result: Option<Sent<'a>>,
    #[serde(default)]
    pub error: Option<Refusal>,
}

/// A request that failed.
#[derive(Clone, Debug, Deserialize)]
pub struct Refusal {
    pub code: i64,
    pub message: String,
    #[serde(default)]
    pub data: Option<RefusalData>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RefusalData {
    pub kind: String,
}

impl<'a> Frame<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Gone> {
        parse(text)
    }

    /// The message of a `message.created`; None for any other frame.
    pub fn created(&self) -> Result<Option<CreatedRow<'a>>, Gone> {
        match (self.method, self.params) {
            (Some("message.created"), Some(params)) => Ok(Some(parse::<Created>(params.get())?.message)),
            _ => Ok(None),
        }
    }

    /// The parameters of a notification.
    pub fn told<T: DeserializeOwned>(&self) -> Result<T, Gone> {
        let params = self.params.map_or("null", RawValue::get);
        serde_json::from_str(params).map_err(|error| Gone::Nonsense(format!("{error} in {}", start(params))))
    }

    pub fn into_result<T: DeserializeOwned>(self) -> Result<T, CallError> {
        if let Some(refusal) = self.error {
            return Err(CallError::Refused(refusal));
        }
        let result = self.result.map_or("null", RawValue::get);
        Ok(serde_json::from_str(result)
            .map_err(|error| Gone::Nonsense(format!("{error} in {}", start(result))))?)
    }
}

impl<'a> Acknowledgement<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Gone> {
        parse(text)
    }
}

impl Refusal {
    pub fn kind(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.kind.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some("rate_limited") => write!(f, "rate_limited; start the server with --limits off"),
            Some(kind) => write!(f, "{} {kind}: {}", self.code, self.message),
            None => write!(f, "{}: {}", self.code, self.message),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Gone> {
    serde_json::from_str(text).map_err(|error| Gone::Nonsense(format!("{error} in {}", start(text))))
}

/// As much of a frame as a person wants to read in an error.
pub fn start(text: &str) -> String {
    text.chars().take(200).collect()
}
