//! Reads a call from a socket.

use anyhow::Result;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{Asked, Call};
use crate::request::Request;

pub(super) async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Result<Call> {
    let request = Request::read(socket).await?;
    let path = request.path()?.to_owned();
    let body: Value = serde_json::from_slice(&request.body)?;
    let authorization = request.header("authorization").map(str::to_owned);
    Ok(Call { asked: asked(&path, &body), authorization, path, body })
}

/// Returns when the client has closed its side.
pub(super) async fn gone(socket: &mut (impl AsyncRead + Unpin)) -> Result<()> {
    let mut bytes = [0; 64];
    while socket.read(&mut bytes).await? > 0 {}
    Ok(())
}

/// A classification asks for an intent, in its schema or in words, and a distillation for the fields of an insight.
fn asked(path: &str, body: &Value) -> Asked {
    let instructions = body["messages"][0]["content"].as_str().unwrap_or_default();
    if path.ends_with("/embeddings") {
        Asked::Embeddings
    } else if instructions.contains("\"intent\":") {
        Asked::Intent
    } else if instructions.contains("\"introductions\":") {
        Asked::Insights
    } else {
        Asked::Answer
    }
}

/// Of each text a vector in which texts with words in common are near each other.
pub(super) fn embeddings(body: &Value) -> Value {
    let texts: Vec<&str> = match &body["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let dimensions = body["dimensions"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(384).max(1);
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text, dimensions)}))
        .collect();
    json!({"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 1, "total_tokens": 1}})
}

fn vector(text: &str, dimensions: usize) -> Vec<f64> {
    let mut vector = vec![0.0; dimensions];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let digest = Sha256::digest(word.as_bytes());
        vector[usize::from(u16::from_le_bytes([digest[0], digest[1]])) % dimensions] += 1.0;
    }
    let length = vector.iter().map(|x: &f64| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    vector.into_iter().map(|x| x / length).collect()
}
