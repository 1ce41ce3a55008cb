//! What those in a room are told of messages that the journal held.

use switchboard_protocol::ids::ClientId;

use super::Room;
use crate::domain::message::Message;
use crate::session::event::{Broadcast, Event};
use crate::session::{ConnectionId, Refusal};

impl Room {
    /// A message was in the log before it was accepted once more: its sender learns its number, and the others know it.
    pub(in crate::session) fn tell_known(&self, sender: Option<ConnectionId>, message: Message) {
        let inner = self.lock();
        if let Some(seat) = inner.members.iter().find(|seat| Some(seat.member.connection) == sender) {
            seat.member.listener.hear(&Broadcast::new(Event::Message(message.into())));
        }
    }

    /// A message that was acknowledged is refused after all. Its sender may have come back on another connection, and to
    /// nobody else does its client id mean anything.
    pub(in crate::session) fn tell_rejected(&self, client_id: ClientId, refusal: Refusal) {
        self.lock().tell_all(&Broadcast::new(Event::Rejected { client_id, refusal }), None);
    }
}
