//! The id of a request, which its answer echoes exactly.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A request's id: a string, a number, or null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RequestId {
    Null,
    Integer(i64),
    /// Any other number, as it was spelled: reading `1e2` or twenty digits as a number would change it.
    Number(Box<str>),
    String(Box<str>),
}

impl RequestId {
    /// `None` where the JSON is neither a string, nor a number, nor null.
    pub(super) fn of(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b'n' => Some(Self::Null),
            b'"' => serde_json::from_str(text).ok().map(Self::String),
            b'-' | b'0'..=b'9' => Some(match text.parse() {
                Ok(integer) if text != "-0" => Self::Integer(integer),
                _ => Self::Number(text.into()),
            }),
            _ => None,
        }
    }
}

impl From<i64> for RequestId {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for RequestId {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(spelling) => serde_json::from_str::<&RawValue>(spelling)
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::of(&raw).ok_or_else(|| serde::de::Error::custom("an id is a string, a number or null"))
    }
}
