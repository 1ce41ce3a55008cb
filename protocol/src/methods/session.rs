//! `session.open` and `session.refresh`: who is there, and which conversation they are in.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::named;
use crate::chat::{Message, Metadata, Mode, Position, ReadMarks, State, Streaming};
use crate::ids::ConversationId;
use crate::limits;
use crate::params::{Members, Params, Problems, at_most, metadata_fits, within};
use crate::secret::Secret;
use crate::time::Timestamp;

/// Opens a conversation, or changes to another one on the same socket.
///
/// Without token and resume it makes a new visitor with a new conversation; with either of them and
/// no conversation named, it opens the latest one that is not closed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct SessionOpen {
    /// A visitor's token, an access token or an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TOKEN))]
    pub token: Option<Secret>,
    /// The long-lived secret of an earlier open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RESUME))]
    pub resume: Option<Secret>,
    /// The public slug of the workspace in which a new visitor arrives; `default` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::WORKSPACE))]
    pub workspace: Option<String>,
    /// Not together with `session_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The client's own name for the conversation, looked up among this visitor's only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::SESSION_ID))]
    pub session_id: Option<String>,
    /// The last position seen: the messages after it are sent.
    #[serde(default, deserialize_with = "named::optional", skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    #[serde(default, deserialize_with = "named::optional", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserIdentity>,
    /// Kept with a new conversation. At most 16 KiB as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// What the embedding page says of its user; believed where `hash` proves it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct UserIdentity {
    /// The user's id in the customer's own systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::EXTERNAL_ID))]
    pub external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::EMAIL))]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::PHONE))]
    pub phone: Option<String>,
    /// Hex HMAC-SHA256 of `external_id` under the workspace's identity secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::HASH))]
    pub hash: Option<Secret>,
}

/// Everything a client needs to show the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionOpened {
    /// A visitor's token; null where the client brought credentials of its own.
    pub token: Option<Secret>,
    pub expires_at: Option<Timestamp>,
    /// Keep it: it brings a visitor back for 180 days after its last use.
    pub resume: Option<Secret>,
    /// Null for people and services that named none.
    pub conversation: Option<State>,
    /// There whenever a conversation is, also for an empty log.
    pub position: Option<Position>,
    /// Whether `messages` are exactly those after the position that was sent; else they are a fresh last page.
    pub recovered: bool,
    pub messages: Vec<Arc<Message>>,
    /// Whether there are earlier messages than these to list.
    pub has_more: bool,
    /// Null where no conversation was named.
    pub read: Option<ReadMarks>,
    pub streaming: Option<Streaming>,
    /// A text of the preset, not a message.
    pub greeting: Option<String>,
    pub server: ServerInfo,
}

/// What a client may want to know of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ServerInfo {
    pub version: String,
    pub node: String,
    /// Seconds between two pings.
    pub ping_s: u32,
    /// Bytes of the largest frame that this client may send.
    pub max_message_bytes: u32,
}

/// A fresh token for a visitor, before the old one expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionRefresh {
    #[schemars(length(max = limits::TOKEN))]
    pub token: Secret,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionRefreshed {
    pub token: Secret,
    pub expires_at: Timestamp,
}

impl Params for SessionOpen {
    fn within_limits(&self) -> bool {
        at_most(limits::TOKEN, self.token.as_ref())
            && at_most(limits::RESUME, self.resume.as_ref())
            && at_most(limits::WORKSPACE, self.workspace.as_ref())
            && within(1, limits::SESSION_ID, self.session_id.as_ref())
            && !(self.conversation_id.is_some() && self.session_id.is_some())
            && self.position.as_ref().is_none_or(|position| at_most(limits::EPOCH, Some(&position.epoch)))
            && self.user.as_ref().is_none_or(UserIdentity::within_limits)
            && metadata_fits(self.metadata.as_ref())
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        problems.either_or(params, "conversation_id", "session_id");
        problems.metadata(params);
    }
}

impl UserIdentity {
    fn within_limits(&self) -> bool {
        within(1, limits::EXTERNAL_ID, self.external_id.as_ref())
            && at_most(limits::EMAIL, self.email.as_ref())
            && at_most(limits::NAME, self.name.as_ref())
            && at_most(limits::PHONE, self.phone.as_ref())
            && at_most(limits::HASH, self.hash.as_ref())
    }
}

impl Params for SessionRefresh {
    fn within_limits(&self) -> bool {
        at_most(limits::TOKEN, Some(&self.token))
    }
}
