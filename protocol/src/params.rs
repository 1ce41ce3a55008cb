//! Turns the parameters of a call into the type of its method.
//!
//! The fast path is serde and a look at the lengths. Only when that fails are the parameters held
//! against the published JSON Schema, to name every bad field at once. Invariant: both paths accept
//! the same parameters, and neither an error nor its message echoes a submitted value.

mod examine;
mod problems;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use ts_rs::TS;

pub use problems::Problems;

use crate::chat::Metadata;
use crate::error::{FieldProblem, RpcError};
use crate::limits;

/// Parameters as they were sent, by name.
pub type Members = Map<String, Value>;

/// The parameters of one method.
pub trait Params: DeserializeOwned + JsonSchema + TS + 'static {
    /// Whether all that serde cannot see is right: lengths, ranges, and what must not come together.
    fn within_limits(&self) -> bool {
        true
    }

    /// Names the bad fields that the JSON Schema cannot see.
    fn beyond_schema(_params: &Members, _problems: &mut Problems) {}
}

/// Reads a value by itself that came within parameters, or with no call at all, and names what is wrong with it.
pub fn read_value<T: Params>(value: &Value) -> Result<T, Vec<FieldProblem>> {
    if !examine::holds_nul(value)
        && let Ok(read) = T::deserialize(value)
        && read.within_limits()
    {
        return Ok(read);
    }
    examine::read(&value.to_string())
}

/// Reads the parameters of a call; a call without any is one with none of its fields.
pub fn read<T: Params>(raw: Option<&RawValue>) -> Result<T, RpcError> {
    let text = raw.map_or("{}", RawValue::get);
    read_quickly(text).map_or_else(|| examine::read(text).map_err(RpcError::invalid_params), Ok)
}

/// Reads what is as it should be; of anything else it says nothing.
pub(crate) fn read_quickly<T: Params>(text: &str) -> Option<T> {
    // U+0000 can only come escaped, and no Postgres text holds it.
    if !text.starts_with('{') || text.contains(r"\u0000") {
        return None;
    }
    serde_json::from_str::<T>(text).ok().filter(T::within_limits)
}

/// What is wrong with a field that is well-formed JSON and still cannot be read.
pub(crate) fn unreadable(field: &str, error: &serde_json::Error) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    problems.add(field, examine::unreadable(error));
    problems.into_fields()
}

/// Whether a text that may be absent has at most so many characters.
pub(crate) fn at_most<S: AsRef<str>>(most: usize, text: Option<S>) -> bool {
    within(0, most, text)
}

/// Whether a text that may be absent has a number of characters in these bounds.
pub(crate) fn within<S: AsRef<str>>(least: usize, most: usize, text: Option<S>) -> bool {
    text.is_none_or(|text| {
        let text = text.as_ref();
        // A character is one to four bytes: most texts need no counting.
        if text.len() <= most && least <= 1 {
            return text.len() >= least;
        }
        (least..=most).contains(&text.chars().count())
    })
}

pub(crate) fn limit_fits(limit: Option<u32>) -> bool {
    limit.is_none_or(|limit| (1..=limits::LIST).contains(&limit))
}

pub(crate) fn metadata_fits(metadata: Option<&Metadata>) -> bool {
    metadata.is_none_or(|metadata| json_fits(metadata, limits::METADATA))
}

/// Whether a value has at most so many bytes as compact JSON.
pub(crate) fn json_fits(value: &impl Serialize, most: usize) -> bool {
    problems::json_bytes(value) <= most
}

pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
