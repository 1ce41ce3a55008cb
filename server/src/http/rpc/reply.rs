//! A request that waits for the reply: a listener in the room until it comes, or the time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchboard_protocol::ids::Seq;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::domain::message::{Message, Role};
use crate::session::event::{Broadcast, Event, Listener};
use crate::session::room::Member;
use crate::session::{ConnectionId, Room};

pub struct Waiting {
    room: Arc<Room>,
    connection: ConnectionId,
    replies: mpsc::Receiver<Arc<Message>>,
}

/// Replies that come before the request knows its own number; more are not waited for.
const REPLIES: usize = 16;

struct Ear(mpsc::Sender<Arc<Message>>);

impl Listener for Ear {
    fn hear(&self, broadcast: &Broadcast) {
        if let Event::Message(message) = &broadcast.event
            && matches!(message.role, Role::Assistant | Role::Staff)
        {
            // Full: enough has come already.
            let _ = self.0.try_send(message.clone());
        }
    }

    fn moved(&self) {}
}

impl Waiting {
    /// Listens from before the message is sent, so that no reply is too quick.
    pub fn in_room(room: &Arc<Room>) -> Self {
        /// Counts down from the end of what sockets count up to.
        static NEXT: AtomicU64 = AtomicU64::new(u64::MAX);
        let connection = ConnectionId(NEXT.fetch_sub(1, Ordering::Relaxed));
        let (heard, replies) = mpsc::channel(REPLIES);
        room.join(Member { connection, listener: Arc::new(Ear(heard)) });
        Self { room: room.clone(), connection, replies }
    }

    /// The first reply after the message with this number.
    pub async fn after(mut self, seq: Seq, patience: Duration) -> Option<Arc<Message>> {
        let reply = async {
            loop {
                let reply = self.replies.recv().await?;
                if reply.seq > seq {
                    return Some(reply);
                }
            }
        };
        timeout(patience, reply).await.ok().flatten()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.room.leave(self.connection);
    }
}
