//! What reaches conversations from outside of any socket: a visitor is forgotten.

use std::sync::Arc;

use switchboard_protocol::ids::{VisitorId, WorkspaceId};

use super::Registry;
use crate::session::Room;

impl Registry {
    /// Ends this visitor's sessions at once, whatever they were about to write, and lets go of all that is held of them.
    pub fn forget(&self, workspace: WorkspaceId, visitor: VisitorId) {
        self.rooms.begun.remove(&visitor);
        let theirs = |room: &Room| room.visitor_id == visitor && room.workspace == workspace;
        // Collected first: giving a room up takes it out of the map.
        let rooms: Vec<Arc<Room>> =
            self.rooms.by_id.iter().filter(|room| theirs(room)).map(|room| room.clone()).collect();
        for room in rooms {
            room.give_up();
        }
    }
}
