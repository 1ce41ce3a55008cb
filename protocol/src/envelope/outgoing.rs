//! Writing frames: the server's answers and notifications, and a client's requests.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::RequestId;
use crate::error::RpcError;

/// The answer to a request that succeeded.
pub fn response<T: Serialize>(id: &RequestId, result: &T) -> String {
    write(&Answer { jsonrpc: VERSION, id, result })
}

/// The answer to a request that failed.
pub fn failure(id: &RequestId, error: &RpcError) -> String {
    write(&Failure { jsonrpc: VERSION, id, error })
}

/// What is told without being asked.
pub fn notification<T: Serialize>(method: &str, params: &T) -> String {
    write(&Call { jsonrpc: VERSION, id: None, method, params })
}

/// What a client asks.
pub fn request<T: Serialize>(id: &RequestId, method: &str, params: &T) -> String {
    write(&Call { jsonrpc: VERSION, id: Some(id), method, params })
}

/// The answer to a batch, from the answers to its requests. A batch of notifications has none: `None`.
pub fn batch<S: AsRef<str>>(answers: &[S]) -> Option<String> {
    if answers.is_empty() {
        return None;
    }
    let length: usize = answers.iter().map(|answer| answer.as_ref().len() + 1).sum();
    let mut frame = String::with_capacity(length + 1);
    for (index, answer) in answers.iter().enumerate() {
        frame.push(if index == 0 { '[' } else { ',' });
        frame.push_str(answer.as_ref());
    }
    frame.push(']');
    Some(frame)
}

/// One frame of the server, as a client reads it.
#[derive(Debug)]
pub enum Received<'a> {
    Answer { id: RequestId, result: Result<&'a RawValue, RpcError> },
    Notification { method: String, params: Option<&'a RawValue> },
}

impl<'a> Received<'a> {
    /// Not for batches: their answers come as an array of these.
    pub fn parse(text: &'a str) -> serde_json::Result<Self> {
        let members: ReceivedMembers<'a> = serde_json::from_str(text)?;
        Ok(match (members.method, members.error, members.result) {
            (Some(method), _, _) => Self::Notification { method, params: members.params },
            (None, Some(error), _) => Self::Answer { id: members.id, result: Err(error) },
            (None, None, Some(result)) => Self::Answer { id: members.id, result: Ok(result) },
            (None, None, None) => {
                return Err(serde::de::Error::custom("neither an answer nor a notification"));
            }
        })
    }
}

const VERSION: &str = "2.0";

#[derive(Serialize)]
struct Answer<'a, T> {
    jsonrpc: &'static str,
    id: &'a RequestId,
    result: &'a T,
}

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: &'static str,
    id: &'a RequestId,
    error: &'a RpcError,
}

#[derive(Serialize)]
struct Call<'a, T> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RequestId>,
    method: &'a str,
    params: &'a T,
}

#[derive(Deserialize)]
struct ReceivedMembers<'a> {
    #[serde(default = "null")]
    id: RequestId,
    method: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<RpcError>,
}

fn null() -> RequestId {
    RequestId::Null
}

fn write<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).expect("wire types have string keys and serialise without fail")
}
