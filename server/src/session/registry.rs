//! Where sessions live: from a conversation to its entry. Nothing else knows.
//!
//! Invariant: a conversation has at most one entry, so its session wakes once, however many knock at the same time.

mod outside;

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use dashmap::DashMap;
use switchboard_protocol::ids::{ConversationId, Seq, VisitorId, WorkspaceId};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::core::View;
use super::minds::Minds;
use super::room::Room;
use crate::domain::conversation::{Change, Conversation, ReadMarks, Status};
use crate::domain::visitor::Visitor;
use crate::escalation::Feed;
use crate::store::escalations::Place;
use crate::store::reader::{Stored, Wanted};
use crate::store::{Store, StoreError};

/// What every room has at hand.
pub struct Shared {
    pub store: Store,
    pub(super) feed: Feed,
    pub(super) minds: Minds,
    pub(super) closing: CancellationToken,
    tasks: TaskTracker,
    resume_digest: Box<dyn Fn(VisitorId) -> [u8; 32] + Send + Sync>,
    rooms: OnceLock<Weak<Rooms>>,
}

#[derive(Default)]
struct Rooms {
    by_id: DashMap<ConversationId, Arc<Room>>,
    /// Each visitor's conversations that this process began, and the latest it has looked up: those without a row can
    /// be found nowhere else.
    begun: DashMap<VisitorId, Vec<ConversationId>>,
}

#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
    rooms: Arc<Rooms>,
}

/// How often empty entries are looked at, and how many times in a row they must be empty: whoever comes back within
/// five minutes needs no database.
const SWEEP: Duration = Duration::from_secs(30);
const IDLE_SWEEPS: u8 = 10;
/// Between two tries to find the open turns while the database is away.
pub(super) const RETRY: Duration = Duration::from_secs(2);

impl Registry {
    pub fn new(
        store: Store,
        minds: Minds,
        feed: Feed,
        resume_digest: impl Fn(VisitorId) -> [u8; 32] + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            store,
            minds,
            feed,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            resume_digest: Box::new(resume_digest),
            rooms: OnceLock::new(),
        });
        let rooms = Arc::new(Rooms::default());
        let _ = shared.rooms.set(Arc::downgrade(&rooms));
        let registry = Self { shared, rooms };
        registry.shared.spawn(registry.clone().sweep());
        registry
    }

    /// The conversation with this id, if it exists in this workspace.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: ConversationId,
    ) -> Result<Option<Arc<Room>>, StoreError> {
        if let Some(room) = self.live(id) {
            return Ok((room.workspace == workspace).then_some(room));
        }
        let stored = self.shared.store.reader.find(workspace, Wanted::ById(id)).await?;
        Ok(stored.map(|stored| self.admit(stored)))
    }

    /// The conversation of this visitor that they name themselves.
    pub async fn named(&self, visitor: &Visitor, session: &str) -> Result<Option<Arc<Room>>, StoreError> {
        let own = |state: &Conversation| state.session.as_deref() == Some(session);
        if let Some(room) = self.begun_by(visitor, own) {
            return Ok(Some(room));
        }
        let wanted = Wanted::BySession(visitor.id, session.to_owned());
        let stored = self.shared.store.reader.find(visitor.workspace, wanted).await?;
        Ok(stored.map(|stored| self.admit(stored)))
    }

    /// The visitor's latest conversation that is not closed.
    pub async fn latest(&self, visitor: &Visitor) -> Result<Option<Arc<Room>>, StoreError> {
        let open = |state: &Conversation| state.status != Status::Closed;
        if let Some(room) = self.begun_by(visitor, open) {
            return Ok(Some(room));
        }
        let stored = self.shared.store.reader.find(visitor.workspace, Wanted::Latest(visitor.id)).await?;
        let Some(room) = stored.map(|stored| self.admit(stored)) else { return Ok(None) };
        let mut begun = self.rooms.begun.entry(visitor.id).or_default();
        if !begun.contains(&room.id) {
            begun.push(room.id);
        }
        drop(begun);
        // Closed, but not yet known to the database as such.
        let is_open = open(&room.view().conversation);
        Ok(is_open.then_some(room))
    }

    /// A conversation that has no row yet. When two ask for one visitor at once, both get the first one's.
    pub fn fresh(&self, conversation: Conversation, visitor: &Arc<Visitor>) -> Arc<Room> {
        let (id, session) = (conversation.id, conversation.session.clone());
        let room = self.room(conversation, visitor.clone(), Seq::ZERO, ReadMarks::default(), false);
        // Both maps are changed under the lock of the visitor's entry: whoever finds the id finds the room.
        let mut begun = self.rooms.begun.entry(visitor.id).or_default();
        let same = |state: &Conversation| state.status != Status::Closed && state.session == session;
        if let Some(first) = self.newest(&begun, visitor, same) {
            return first;
        }
        begun.reserve_exact(1);
        begun.push(id);
        self.rooms.by_id.entry(id).or_insert(room).clone()
    }

    /// A conversation without a row that an earlier process began.
    pub(super) fn enter(&self, conversation: Conversation, visitor: &Arc<Visitor>) -> Arc<Room> {
        let id = conversation.id;
        let room = self.room(conversation, visitor.clone(), Seq::ZERO, ReadMarks::default(), false);
        let mut begun = self.rooms.begun.entry(visitor.id).or_default();
        if !begun.contains(&id) {
            begun.push(id);
        }
        self.rooms.by_id.entry(id).or_insert(room).clone()
    }

    /// The registry that a session belongs to, unless it is gone.
    pub(super) fn of(shared: &Arc<Shared>) -> Option<Self> {
        let rooms = shared.rooms.get().and_then(Weak::upgrade)?;
        Some(Self { shared: shared.clone(), rooms })
    }

    /// Finishes the turns that the last process left open, with or without their visitors.
    pub async fn finish_turns(&self) {
        let mut after = ConversationId::from(uuid::Uuid::nil());
        loop {
            match self.finish_turns_after(after).await {
                Ok(Some(last)) => after = last,
                Ok(None) => return,
                Err(error) => {
                    // That the database is away is told where something is to be written.
                    if !error.is_transient() {
                        tracing::warn!(%error, "open turns could not be looked for; trying again");
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// A page of them. Returns the last of it; fails where the database is away.
    async fn finish_turns_after(&self, after: ConversationId) -> Result<Option<ConversationId>, StoreError> {
        let page = self.shared.store.reader.open_turns(after).await?;
        for (conversation, workspace) in &page {
            match self.find(*workspace, *conversation).await {
                Ok(Some(room)) => room.rouse(),
                Ok(None) => {}
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => tracing::warn!(%error, "a conversation with an open turn could not be read"),
            }
        }
        Ok(page.last().map(|(conversation, _)| *conversation))
    }

    /// A live console or a webhook has this escalation: it is `notified`, where nobody had it before. Whoever waits for what
    /// this returns waits until that is written.
    pub async fn notified(&self, place: Place) -> oneshot::Receiver<()> {
        let (told, written) = oneshot::channel();
        let reply = Box::new(move |_| {
            // Not everybody waits.
            let _ = told.send(());
        });
        match self.find(place.workspace, place.conversation).await {
            Ok(Some(room)) => room.change(Change::Notified(place.id), None, reply).await,
            // Erased meanwhile.
            Ok(None) => {}
            // It stays `pending`, and is told again to the next console.
            Err(error) => tracing::debug!(%error, "it could not be noted that an escalation was seen"),
        }
        written
    }

    pub fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    pub fn minds(&self) -> &Minds {
        &self.shared.minds
    }

    /// Entries, awake or not.
    pub fn count(&self) -> usize {
        self.rooms.by_id.len()
    }

    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Waits until every session has written what it accepted. Nothing may come in any more.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    fn live(&self, id: ConversationId) -> Option<Arc<Room>> {
        self.rooms.by_id.get(&id).map(|room| room.clone())
    }

    /// The newest of this visitor's conversations in memory whose state is as wanted.
    fn begun_by(&self, visitor: &Visitor, wanted: impl Fn(&Conversation) -> bool) -> Option<Arc<Room>> {
        self.newest(&self.rooms.begun.get(&visitor.id)?, visitor, wanted)
    }

    fn newest(
        &self,
        begun: &[ConversationId],
        visitor: &Visitor,
        wanted: impl Fn(&Conversation) -> bool,
    ) -> Option<Arc<Room>> {
        begun
            .iter()
            .filter_map(|id| self.live(*id))
            .filter(|room| room.workspace == visitor.workspace && wanted(&room.view().conversation))
            .max_by_key(|room| room.id)
    }

    /// The entry of a stored conversation: the one that stands, if somebody was quicker.
    fn admit(&self, stored: Stored) -> Arc<Room> {
        let Stored { conversation, visitor, head, reads } = stored;
        let id = conversation.id;
        let room = self.room(conversation, Arc::new(visitor), head, reads, true);
        self.rooms.by_id.entry(id).or_insert(room).clone()
    }

    fn room(
        &self,
        conversation: Conversation,
        visitor: Arc<Visitor>,
        head: Seq,
        reads: ReadMarks,
        stored: bool,
    ) -> Arc<Room> {
        let view = View { conversation: Arc::new(conversation), head, reads, stored };
        Arc::new(Room::new(self.shared.clone(), view, visitor))
    }

    /// Lets go of entries that nobody has come back to.
    async fn sweep(self) {
        loop {
            tokio::select! {
                () = self.shared.closing.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
            // The map's own reference is the only one, so nobody is about to join.
            self.rooms
                .by_id
                .retain(|_, room| room.idle_sweeps() < IDLE_SWEEPS || Arc::strong_count(room) > 1);
            self.rooms.begun.retain(|_, ids| {
                ids.retain(|id| self.rooms.by_id.contains_key(id));
                !ids.is_empty()
            });
        }
    }
}

impl Shared {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    pub(super) fn resume_digest(&self, visitor: VisitorId) -> [u8; 32] {
        (self.resume_digest)(visitor)
    }

    pub(super) fn forget(&self, id: ConversationId) {
        if let Some(rooms) = self.rooms.get().and_then(Weak::upgrade) {
            rooms.by_id.remove(&id);
        }
    }
}
