//! Ids are types, so that a message id never lands where a conversation id belongs.
//!
//! Nothing here mints an id: one is read from the wire or the database, or handed in by the
//! server's id mint. On the wire an id is a hyphenated UUID and no other spelling of one.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ts_rs::TS;
use uuid::Uuid;

uuid_newtypes! {
    /// One conversation: an append-only log of messages and a small state.
    ConversationId,
    /// One message, named by the server.
    MessageId,
    /// The idempotency key of a send, named by the client and unique in its conversation.
    ClientId,
    /// A person: a visitor or a member of staff.
    VisitorId,
    /// One account of a person, in all of its workspaces.
    AccountId,
    /// One tenant.
    WorkspaceId,
    /// One request for a person's help.
    EscalationId,
    /// One turn of the agent, as it is on record.
    InteractionId,
    /// One stored document, for example an attachment.
    DocumentId,
    /// One short text of the staff.
    CannedId,
    /// One trace of work that was done.
    TraceId,
    /// One thing worth remembering of a trace.
    MemoryItemId,
    /// One sync of insights to a system elsewhere.
    SyncJobId,
}

/// The place of a message in its conversation's log: 1, 2, 3 … without gaps; 0 stands before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, TS)]
#[serde(transparent)]
#[ts(type = "number")]
pub struct Seq(i64);

impl Seq {
    /// The head of an empty log.
    pub const ZERO: Self = Self(0);
    /// The largest integer that every JSON reader keeps exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// `None` where the number cannot be a place in a log.
    pub const fn new(number: i64) -> Option<Self> {
        if 0 <= number && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Seq> for i64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        Self::new(number)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Signed(number), &"a sequence number"))
    }
}

impl JsonSchema for Seq {
    fn schema_name() -> Cow<'static, str> {
        "Seq".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The place of a message in its conversation's log; 0 stands before the first.",
            "type": "integer",
            "minimum": 0,
            "maximum": Seq::MAX.0,
        })
    }
}

/// Opaque: changes only when earlier positions can no longer be trusted.
// Shared, because every State and Position carries it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(transparent)]
#[schemars(transparent)]
#[ts(type = "string")]
pub struct Epoch(#[schemars(length(max = crate::limits::EPOCH))] Arc<str>);

impl Epoch {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Epoch {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Epoch {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl AsRef<str> for Epoch {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Accepts the hyphenated spelling only; `Uuid` itself would also take braces, URNs and bare digits.
fn hyphenated(text: &str) -> Option<Uuid> {
    if text.len() == uuid::fmt::Hyphenated::LENGTH { Uuid::try_parse(text).ok() } else { None }
}

struct HyphenatedVisitor;

impl Visitor<'_> for HyphenatedVisitor {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hyphenated UUID")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Uuid, E> {
        hyphenated(text).ok_or_else(|| E::invalid_value(Unexpected::Other("text"), &self))
    }
}

/// The text is not a hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hyphenated UUID")
    }
}

impl std::error::Error for NotAnId {}

macro_rules! uuid_newtypes {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, TS)]
        #[ts(type = "string")]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                hyphenated(text).map(Self).ok_or(NotAnId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(HyphenatedVisitor).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                Uuid::json_schema(generator)
            }
        }
    )*};
}
use uuid_newtypes;
