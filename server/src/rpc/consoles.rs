//! What each socket of the staff has begun and not ended: rooms it is in, the feed, and being there.
//!
//! Invariant: nothing of it outlives the socket, nor the person who opened it.

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use switchboard_protocol::RpcError;
use switchboard_protocol::ids::{ConversationId, WorkspaceId};

use super::Desk;
use crate::domain::conversation::Person;
use crate::session::{ConnectionId, Room};

#[derive(Default)]
pub struct Consoles(DashMap<ConnectionId, Console>);

#[derive(Default)]
struct Console {
    rooms: HashMap<ConversationId, Arc<Room>>,
    feed: Option<WorkspaceId>,
    present: Option<(WorkspaceId, Person)>,
}

/// Conversations that one socket is in at once: more than anybody reads.
const ROOMS: usize = 200;

impl Consoles {
    pub(super) fn enter(&self, connection: ConnectionId, room: &Arc<Room>) -> Result<(), RpcError> {
        let mut console = self.0.entry(connection).or_default();
        if console.rooms.len() >= ROOMS && !console.rooms.contains_key(&room.id()) {
            let full = format!("A socket may be in {ROOMS} conversations at once; leave one first.");
            return Err(RpcError::conflict(full, &console.rooms.keys().collect::<Vec<_>>()));
        }
        console.rooms.insert(room.id(), room.clone());
        Ok(())
    }

    pub(super) fn exit(&self, connection: ConnectionId, conversation: ConversationId) {
        if let Some(mut console) = self.0.get_mut(&connection) {
            console.rooms.remove(&conversation);
        }
    }

    pub(super) fn subscribed(&self, connection: ConnectionId, workspace: WorkspaceId) {
        self.0.entry(connection).or_default().feed = Some(workspace);
    }

    pub(super) fn present(&self, connection: ConnectionId, workspace: WorkspaceId, person: &Person) {
        self.0.entry(connection).or_default().present = Some((workspace, person.clone()));
    }
}

impl Desk {
    /// The socket has closed, or somebody else has opened it; they stay in the room that they `keep`.
    pub fn gone(&self, connection: ConnectionId, keep: Option<ConversationId>) {
        let Some((_, console)) = self.consoles.0.remove(&connection) else { return };
        for room in console.rooms.into_values().filter(|room| Some(room.id()) != keep) {
            room.leave(connection);
        }
        if let Some(workspace) = console.feed {
            self.registry.feed().leave(workspace, connection.0);
        }
        if let Some((workspace, person)) = console.present {
            self.presences.gone(workspace, person, connection.0);
        }
    }
}
