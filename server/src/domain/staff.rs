//! Who answers: whether they are there, how much they take, and the short texts they share.

use switchboard_protocol::ids::CannedId;
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Online,
    /// There, and not to be given more to do.
    Away,
    Offline,
}

stored_names!(Presence { Online = "online", Away = "away", Offline = "offline" });

/// Somebody who said whether they are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    pub id: Uuid,
    pub name: Option<String>,
    pub status: Presence,
    /// How many conversations they want to have at most.
    pub capacity: u32,
    pub since: Timestamp,
}

/// A short text for `/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canned {
    pub id: CannedId,
    pub name: String,
    pub content: String,
    pub updated_at: Timestamp,
}
