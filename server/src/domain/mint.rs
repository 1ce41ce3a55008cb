//! The one place that makes ids and secrets.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::SubsecRound;
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::{AccountId, ConversationId, VisitorId, WorkspaceId};
use uuid::{Builder, Uuid};

use super::clock::{self, Timestamp};

/// A fresh id, ordered by the time it was minted.
#[expect(clippy::disallowed_methods, reason = "the mint itself")]
pub fn id<T: From<Uuid>>() -> T {
    T::from(Uuid::now_v7())
}

/// When an id of this mint was made; now, for one that was not.
pub fn minted_at(id: Uuid) -> Timestamp {
    let minted = id.get_timestamp().map(|stamp| stamp.to_unix());
    minted
        .and_then(|(seconds, nanos)| Timestamp::from_timestamp(i64::try_from(seconds).ok()?, nanos))
        .map_or_else(clock::now, |at| at.trunc_subsecs(3))
}

/// 256 random bits, as text that fits a header or a URL.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The same as the libraries of Standard Webhooks read it.
pub fn webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()))
}

/// A password that a person can copy from a terminal: 20 characters, none of them easily mistaken, 115 bits.
pub fn password() -> String {
    const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    (0..20).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// How a secret is stored: it has 256 bits of its own, so it needs neither salt nor stretching.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The id of a document follows from where it was imported from, so that it is the same one when it comes again. Its
/// first six bytes are zero: it sorts before those that were added here, whose ids begin with the time.
pub fn imported_document(workspace: WorkspaceId, source: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(b"switchboard document\0");
    hash.update(workspace.uuid().as_bytes());
    hash.update(source.as_bytes());
    let mut bytes = [0; 16];
    bytes[6..].copy_from_slice(&hash.finalize()[..10]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Who an account is to the conversations of one workspace: accounts are of all workspaces, and visitors of one.
pub fn member(workspace: WorkspaceId, account: AccountId) -> VisitorId {
    derived(b"switchboard member\0", workspace, account.uuid().as_bytes()).into()
}

/// The id of a verified visitor follows from who they are, so that two devices that open at once are one person
/// before either of them has written a row.
pub fn verified_visitor(workspace: WorkspaceId, external_id: &str) -> VisitorId {
    derived(b"switchboard visitor\0", workspace, external_id.as_bytes()).into()
}

/// A conversation leaves one trace, and each of its items keeps its place in it, however often it is drawn anew.
pub fn learned(workspace: WorkspaceId, conversation: ConversationId, item: Option<u8>) -> Uuid {
    let mut name = conversation.uuid().as_bytes().to_vec();
    name.extend(item);
    derived(b"switchboard trace\0", workspace, &name)
}

/// The event that tells of failures of a kind in one window of time: one, however many there are.
pub fn failure_event(workspace: WorkspaceId, kind: &str, window: i64) -> Uuid {
    derived(b"switchboard failures\0", workspace, format!("{kind} {window}").as_bytes())
}

fn derived(kind: &[u8], workspace: WorkspaceId, name: &[u8]) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(kind);
    hash.update(workspace.uuid().as_bytes());
    hash.update(name);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
