//! Who is there: said by each of the staff, and true as long as one of their sockets is open.
//!
//! Invariant: whoever has no socket left that said they are there is offline, in the table and on every console.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::feed::{Feed, News};
use crate::domain::conversation::Person;
use crate::domain::staff::Presence;
use crate::store::staff::Staff;
use crate::store::{Store, StoreError};

/// Cheap to clone.
#[derive(Clone)]
pub struct Presences {
    staff: Staff,
    node: Uuid,
    feed: Feed,
    sockets: Arc<DashMap<(WorkspaceId, Uuid), HashSet<u64>>>,
}

/// What somebody takes at once who has not said how much.
const USUAL: i32 = 4;
/// Between two tries to say that somebody has gone, while the database is away.
const RETRY: Duration = Duration::from_secs(2);

impl Presences {
    pub fn new(store: &Store, feed: Feed) -> Self {
        Self { staff: store.staff(), node: store.node().node(), feed, sockets: Arc::default() }
    }

    /// Nobody has a socket here yet.
    pub async fn begin(&self) -> Result<(), StoreError> {
        self.staff.forget_node(self.node).await
    }

    /// Somebody says it on a socket.
    pub async fn set(
        &self,
        workspace: WorkspaceId,
        person: &Person,
        socket: u64,
        status: Presence,
        capacity: Option<u32>,
    ) -> Result<(), StoreError> {
        let key = (workspace, person.id);
        if status == Presence::Offline {
            self.sockets.remove(&key);
        } else {
            self.sockets.entry(key).or_default().insert(socket);
        }
        let capacity = capacity.map(|capacity| i32::try_from(capacity).unwrap_or(i32::MAX));
        self.write(workspace, person, status, capacity).await
    }

    /// A socket has closed on which they said that they are there.
    pub fn gone(&self, workspace: WorkspaceId, person: Person, socket: u64) {
        let key = (workspace, person.id);
        if let Some(mut sockets) = self.sockets.get_mut(&key) {
            sockets.remove(&socket);
        }
        if self.sockets.remove_if(&key, |_, sockets| sockets.is_empty()).is_none() {
            return;
        }
        let presences = self.clone();
        self.feed.spawn(async move {
            while !presences.sockets.contains_key(&key) {
                match presences.write(workspace, &person, Presence::Offline, None).await {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(%error, "it could not be noted that somebody has gone"),
                }
                tokio::time::sleep(RETRY).await;
            }
        });
    }

    async fn write(
        &self,
        workspace: WorkspaceId,
        person: &Person,
        status: Presence,
        capacity: Option<i32>,
    ) -> Result<(), StoreError> {
        let colleague =
            self.staff.set_presence(workspace, person, status, (capacity, USUAL), self.node).await?;
        self.feed.tell(workspace, News::Presence(colleague));
        Ok(())
    }
}
