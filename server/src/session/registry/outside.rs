//! What reaches conversations from outside of any socket: somebody was told of an escalation, a visitor is forgotten.

use std::sync::Arc;

use switchboard_protocol::ids::{ConversationId, EscalationId, VisitorId, WorkspaceId};
use tokio::sync::oneshot;

use super::Registry;
use crate::domain::conversation::Change;
use crate::session::Room;

impl Registry {
    /// An escalation was taken note of: its conversation's state says so, and its row follows. Once it was claimed,
    /// this changes nothing.
    pub async fn notified(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        escalation: EscalationId,
    ) {
        let room = match self.find(workspace, conversation).await {
            Ok(Some(room)) => room,
            // Erased meanwhile.
            Ok(None) => return,
            Err(error) => {
                return tracing::debug!(%error, "an escalation that was taken note of could not be looked up");
            }
        };
        let (told, answer) = oneshot::channel();
        let reply = Box::new(move |outcome| {
            let _ = told.send(outcome);
        });
        room.change(Change::Notified(escalation), None, reply).await;
        if !matches!(answer.await, Ok(Ok(_))) {
            tracing::debug!("the state of an escalation that was taken note of was not written");
        }
    }

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
