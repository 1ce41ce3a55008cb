//! How a request fails: the table of codes, and what each kind tells beside its sentence.
//!
//! Invariant: the code and the kind always belong together, because both come from the [`Fault`].

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use ts_rs::TS;

use crate::chat::Position;
use crate::ids::{Epoch, Seq};

/// The error of one request: a sentence for a person, and a fault for a program.
#[derive(Debug, Clone, PartialEq, Deserialize, TS)]
#[serde(from = "Wire")]
#[ts(as = "Wire")]
pub struct RpcError {
    pub message: Cow<'static, str>,
    pub fault: Fault,
}

/// What a program learns of a failure: the `data` of the error, told apart by its `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(rename = "ErrorData")]
pub enum Fault {
    ParseError,
    InvalidRequest,
    MethodNotFound {
        method: String,
    },
    /// Every bad field at once.
    InvalidParams {
        fields: Vec<FieldProblem>,
    },
    /// Tells nothing about the inside; the trace id finds it in the server's log.
    Internal {
        trace_id: String,
    },
    Unauthenticated,
    Forbidden,
    NotFound,
    /// `current` is what stands now: for a lost race the current row, for a closed conversation its State.
    Conflict {
        #[serde(default)]
        current: Value,
    },
    /// Where the log stands.
    PositionLost {
        epoch: Epoch,
        seq: Seq,
    },
    /// The limit in bytes.
    TooLarge {
        limit: u64,
    },
    RateLimited {
        retry_after_ms: u64,
    },
    Unavailable {
        retry_after_ms: u64,
    },
}

/// One field of the parameters that cannot be used, and why. Never echoes the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct FieldProblem {
    /// Dotted from the top, such as `user.email`.
    pub field: String,
    /// Reads after the field's name: "is required", "must be an integer".
    pub problem: String,
}

/// The rows of the table of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    ParseError,
    InvalidRequest,
    MethodNotFound,
    InvalidParams,
    Internal,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    PositionLost,
    TooLarge,
    RateLimited,
    Unavailable,
}

impl ErrorKind {
    pub const ALL: [Self; 13] = [
        Self::ParseError,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::PositionLost,
        Self::TooLarge,
        Self::RateLimited,
        Self::Unavailable,
    ];

    pub const fn code(self) -> i32 {
        match self {
            Self::ParseError => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::Unauthenticated => -32001,
            Self::Forbidden => -32003,
            Self::NotFound => -32004,
            Self::Conflict => -32009,
            Self::PositionLost => -32010,
            Self::TooLarge => -32013,
            Self::RateLimited => -32029,
            Self::Unavailable => -32050,
        }
    }

    /// The stable `kind`, which is also the label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ParseError => "parse_error",
            Self::InvalidRequest => "invalid_request",
            Self::MethodNotFound => "method_not_found",
            Self::InvalidParams => "invalid_params",
            Self::Internal => "internal",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::PositionLost => "position_lost",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Fault {
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::ParseError => ErrorKind::ParseError,
            Self::InvalidRequest => ErrorKind::InvalidRequest,
            Self::MethodNotFound { .. } => ErrorKind::MethodNotFound,
            Self::InvalidParams { .. } => ErrorKind::InvalidParams,
            Self::Internal { .. } => ErrorKind::Internal,
            Self::Unauthenticated => ErrorKind::Unauthenticated,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::PositionLost { .. } => ErrorKind::PositionLost,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}

impl RpcError {
    pub fn kind(&self) -> ErrorKind {
        self.fault.kind()
    }

    pub fn code(&self) -> i32 {
        self.kind().code()
    }

    pub fn parse_error() -> Self {
        Self::of("The frame is not valid JSON.", Fault::ParseError)
    }

    /// `sentence` says what is wrong with the envelope.
    pub fn invalid_request(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::of(sentence, Fault::InvalidRequest)
    }

    pub fn method_not_found(method: &str) -> Self {
        // A name of any length may have been sent; the answer stays small.
        let method = method.chars().take(100).collect();
        Self::of(
            "There is no such method here; /protocol.json lists the known ones.",
            Fault::MethodNotFound { method },
        )
    }

    /// Not empty: one problem a field, in the order in which a person should read them.
    pub fn invalid_params(fields: Vec<FieldProblem>) -> Self {
        let problems: Vec<_> = fields.iter().map(|bad| format!("{} {}", bad.field, bad.problem)).collect();
        Self::of(
            format!("The parameters cannot be used: {}.", problems.join("; ")),
            Fault::InvalidParams { fields },
        )
    }

    /// One field that was found wrong after its parameters were read.
    pub fn invalid_param(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::invalid_params(vec![FieldProblem { field: field.into(), problem: problem.into() }])
    }

    pub fn internal(trace_id: impl Into<String>) -> Self {
        let trace_id = trace_id.into();
        Self::of(
            format!("Something went wrong in the server; its log knows it as {trace_id}."),
            Fault::Internal { trace_id },
        )
    }

    pub fn unauthenticated(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::of(sentence, Fault::Unauthenticated)
    }

    pub fn forbidden(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::of(sentence, Fault::Forbidden)
    }

    /// `what` as in "There is no such conversation."; also for what the caller may not know to exist.
    pub fn not_found(what: &str) -> Self {
        Self::of(format!("There is no such {what}."), Fault::NotFound)
    }

    /// `current` is what stands now, whole.
    pub fn conflict(sentence: impl Into<Cow<'static, str>>, current: &impl Serialize) -> Self {
        let current = serde_json::to_value(current).unwrap_or(Value::Null);
        Self::of(sentence, Fault::Conflict { current })
    }

    pub fn position_lost(position: Position) -> Self {
        let Position { epoch, seq } = position;
        Self::of(
            "That place is not in the log as it stands; load the last page and go on from there.",
            Fault::PositionLost { epoch, seq },
        )
    }

    /// `limit` in bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::of(
            format!("The request is too large; at most {limit} bytes are accepted."),
            Fault::TooLarge { limit: limit as u64 },
        )
    }

    pub fn rate_limited(retry_after_ms: u64) -> Self {
        Self::of(
            "Too many requests; wait before the next one, as retry_after_ms says.",
            Fault::RateLimited { retry_after_ms },
        )
    }

    /// `sentence` says what is away, for example the database.
    pub fn unavailable(sentence: impl Into<Cow<'static, str>>, retry_after_ms: u64) -> Self {
        Self::of(sentence, Fault::Unavailable { retry_after_ms })
    }

    fn of(message: impl Into<Cow<'static, str>>, fault: Fault) -> Self {
        Self { message: message.into(), fault }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind().name(), self.message)
    }
}

impl std::error::Error for RpcError {}

impl Serialize for RpcError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("RpcError", 3)?;
        members.serialize_field("code", &self.code())?;
        members.serialize_field("message", &self.message)?;
        members.serialize_field("data", &self.fault)?;
        members.end()
    }
}

/// The members of an error on the wire.
#[derive(Deserialize, JsonSchema, TS)]
#[schemars(rename = "RpcError")]
#[ts(rename = "RpcError")]
#[expect(dead_code, reason = "the code is there for the schema; a reader takes it from the kind")]
struct Wire {
    code: i32,
    /// A sentence for a person.
    message: String,
    data: Fault,
}

impl From<Wire> for RpcError {
    fn from(wire: Wire) -> Self {
        Self { message: wire.message.into(), fault: wire.data }
    }
}

impl JsonSchema for RpcError {
    fn schema_name() -> Cow<'static, str> {
        Wire::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Wire::json_schema(generator)
    }
}
