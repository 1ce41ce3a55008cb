//! Reading one text frame.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::RequestId;
use crate::error::RpcError;
use crate::limits;

/// One text frame: a single item, or a batch, whose answers go out together.
#[derive(Debug)]
pub enum Frame<'a> {
    One(Item<'a>),
    Batch(Vec<Item<'a>>),
}

/// One thing that a client sent.
#[derive(Debug)]
pub enum Item<'a> {
    /// A request, or a notification where it has no id.
    Call(Incoming<'a>),
    /// Not JSON-RPC 2.0: answered with its error.
    Invalid(Invalid),
    /// An answer, though this server asks nothing of its clients: ignored in silence.
    Response,
}

/// A request or a notification, borrowed from its frame.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// `None`: a notification, which is never answered.
    pub id: Option<RequestId>,
    pub method: Cow<'a, str>,
    /// An object or an array; `None` also for null.
    pub params: Option<&'a RawValue>,
}

/// What was sent in place of a request, and the error to answer it with.
#[derive(Debug)]
pub struct Invalid {
    /// Null where no id can be read.
    pub id: RequestId,
    pub error: RpcError,
}

impl<'a> Frame<'a> {
    /// Fails where nothing in the frame can be answered on its own; the error then goes out with a null id.
    pub fn parse(text: &'a str) -> Result<Self, RpcError> {
        let batched = text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[');
        if !batched {
            let members = whole(text, Members::default())?;
            return Ok(Self::One(members.judge()));
        }
        let Batch { items, sent } = whole(text, Batch::default())?;
        match sent {
            0 => Err(RpcError::invalid_request("A batch must hold at least one request.")),
            1..=limits::BATCH => Ok(Self::Batch(items)),
            _ => Err(RpcError::invalid_request(format!(
                "A batch may hold at most {} requests; send it in parts.",
                limits::BATCH
            ))),
        }
    }
}

/// The id of a frame that is refused unread, for its size: that of an object whose JSON is valid, else null.
pub fn readable_id(text: &str) -> RequestId {
    whole(text, Members::default())
        .ok()
        .and_then(|members| members.id.and_then(RequestId::of))
        .unwrap_or(RequestId::Null)
}

/// Reads all of the text into what `start` becomes.
fn whole<'a, T: DeserializeSeed<'a>>(text: &'a str, start: T) -> Result<T::Value, RpcError> {
    let mut json = serde_json::Deserializer::from_str(text);
    start
        .deserialize(&mut json)
        .and_then(|read| json.end().map(|()| read))
        .map_err(|_| RpcError::parse_error())
}

const NOT_AN_OBJECT: &str = "A request must be a JSON object.";

/// The members of a request as they were sent. Kept raw, so that one of a wrong type does not hide the others.
#[derive(Default)]
struct Members<'a> {
    is_object: bool,
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    answers: bool,
}

impl<'a> Members<'a> {
    fn judge(self) -> Item<'a> {
        let id = match self.id.map(RequestId::of) {
            None => None,
            Some(Some(id)) => Some(id),
            Some(None) => {
                return invalid(RequestId::Null, "The id of a request must be a string, a number or null.");
            }
        };
        let refuse = |sentence| invalid(id.clone().unwrap_or(RequestId::Null), sentence);
        if !self.is_object {
            return refuse(NOT_AN_OBJECT);
        }
        if self.answers && self.method.is_none() {
            return Item::Response;
        }
        if self.jsonrpc.is_none_or(|version| version.get() != "\"2.0\"") {
            return refuse("A request must say \"jsonrpc\": \"2.0\".");
        }
        let Some(method) = self.method.and_then(string) else {
            return refuse("A request must name its method, as a string.");
        };
        let params = self.params.filter(|params| params.get() != "null");
        if params.is_some_and(|params| !params.get().starts_with(['{', '['])) {
            return refuse("The params of a request must be an object.");
        }
        Item::Call(Incoming { id, method, params })
    }
}

fn invalid<'a>(id: RequestId, sentence: &'static str) -> Item<'a> {
    Item::Invalid(Invalid { id, error: RpcError::invalid_request(sentence) })
}

/// Borrowed where it has no escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = raw.get();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(quoted).ok().map(Cow::Owned) } else { Some(inner.into()) }
}

impl<'de> DeserializeSeed<'de> for Members<'de> {
    type Value = Self;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Takes a value of any type, because one bad item must not spoil its batch.
impl<'de> Visitor<'de> for Members<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        self.is_object = true;
        while let Some(key) = members.next_key::<Key>()? {
            match key {
                Key::Jsonrpc => self.jsonrpc = Some(members.next_value()?),
                Key::Id => self.id = Some(members.next_value()?),
                Key::Method => self.method = Some(members.next_value()?),
                Key::Params => self.params = Some(members.next_value()?),
                Key::Result | Key::Error => {
                    self.answers = true;
                    members.next_value::<IgnoredAny>()?;
                }
                Key::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    #[serde(other)]
    Other,
}

/// The items of a batch, as many of them as are allowed, and how many were sent.
#[derive(Default)]
struct Batch<'a> {
    items: Vec<Item<'a>>,
    sent: usize,
}

impl<'de> DeserializeSeed<'de> for Batch<'de> {
    type Value = Self;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Batch<'de> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self, A::Error> {
        while self.sent < limits::BATCH {
            let Some(members) = items.next_element_seed(Members::default())? else { return Ok(self) };
            self.items.push(members.judge());
            self.sent += 1;
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            self.sent += 1;
        }
        Ok(self)
    }
}
