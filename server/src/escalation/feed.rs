//! The feed of a workspace: every change to an escalation, to every console that subscribed.
//!
//! Why nothing is missed: a change is numbered while the row of its workspace's feed is locked (see the migration), so
//! numbers become visible in their order, whichever writer lane, node or command made them. The feed reads what comes
//! after the last number that it told, and so do consoles that were away: a cursor is such a number. Whoever commits a
//! change only pokes; what another node changed is found by looking now and then.
//!
//! Invariant: a console joins before its snapshot is read, and each is told every change after the one that the feed
//! stood at then, in order.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::broadcast::Broadcast;
use crate::domain::escalation::Changed;
use crate::domain::staff::Colleague;
use crate::store::escalations::{Escalations, Place};
use crate::store::{Store, StoreError};

/// What consoles are told.
#[expect(clippy::large_enum_variant, reason = "told at once, and nearly always the large one")]
#[derive(Debug)]
pub enum News {
    Escalation(Changed),
    Presence(Colleague),
}

/// A socket that subscribed. Must not block.
pub trait Console: Send + Sync {
    /// All at once, so that they leave together.
    fn tell(&self, news: &[Broadcast<News>]);
}

/// Handle to the feeds of all workspaces.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    escalations: Escalations,
    channels: DashMap<WorkspaceId, Arc<Channel>>,
    delivered: mpsc::Sender<Place>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

struct Channel {
    workspace: WorkspaceId,
    poked: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    consoles: Vec<(u64, Arc<dyn Console>)>,
    /// The last number that was told; nothing before the first console.
    upto: Option<i64>,
    /// The task has ended: the next console begins another channel.
    over: bool,
}

/// Escalations that consoles have and the database does not know it of yet. Full, the feed waits for the sessions that
/// note it.
const DELIVERED: usize = 256;
/// Changes of one read.
const PAGE: i64 = 200;
/// What changes within this leaves together. Handing a frame to the kernel is most of what a console costs: at sixty
/// changes a second this halves it, and nobody at a console sees the difference.
const GATHER: Duration = Duration::from_millis(20);
/// How often it is looked for what other nodes and commands changed.
const LOOK: Duration = Duration::from_secs(1);

impl Feed {
    /// The receiver yields what a live console has been told of while it was `pending`.
    pub fn new(store: &Store) -> (Self, mpsc::Receiver<Place>) {
        let (delivered, deliveries) = mpsc::channel(DELIVERED);
        let inner = Inner {
            escalations: store.escalations(),
            channels: DashMap::new(),
            delivered,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        (Self(Arc::new(inner)), deliveries)
    }

    /// From now on the console is told of every change. What changed before is for the caller to read, after this.
    pub async fn subscribe(
        &self,
        workspace: WorkspaceId,
        key: u64,
        console: Arc<dyn Console>,
    ) -> Result<(), StoreError> {
        let head = self.0.escalations.head(workspace).await?;
        loop {
            let channel = self.channel(workspace);
            let mut state = channel.lock();
            if state.over {
                drop(state);
                self.0.channels.remove_if(&workspace, |_, there| Arc::ptr_eq(there, &channel));
                continue;
            }
            state.upto.get_or_insert(head);
            state.remove(key);
            state.consoles.push((key, console));
            metrics::gauge!("switchboard_feed_consoles").increment(1);
            return Ok(());
        }
    }

    pub fn leave(&self, workspace: WorkspaceId, key: u64) {
        if let Some(channel) = self.0.channels.get(&workspace) {
            channel.lock().remove(key);
        }
    }

    /// Something was committed here.
    pub fn poke(&self, workspace: WorkspaceId) {
        if let Some(channel) = self.0.channels.get(&workspace) {
            channel.poked.notify_one();
        }
    }

    /// Tells what is in no table's order.
    pub fn tell(&self, workspace: WorkspaceId, news: News) {
        if let Some(channel) = self.0.channels.get(&workspace) {
            channel.lock().tell(&[Broadcast::new(news)]);
        }
    }

    /// A console has these, by a snapshot.
    pub fn delivered(&self, places: Vec<Place>) {
        if places.is_empty() {
            return;
        }
        let delivered = self.0.delivered.clone();
        self.spawn(async move {
            for place in places {
                // Closed: the process ends, and the next one tells again.
                if delivered.send(place).await.is_err() {
                    return;
                }
            }
        });
    }

    /// Ends its tasks.
    pub async fn close(&self) {
        self.0.closing.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Something that ends with the feed.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.0.closing.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = work => {}
            }
        });
    }

    fn channel(&self, workspace: WorkspaceId) -> Arc<Channel> {
        let begin = || {
            let channel = Arc::new(Channel { workspace, poked: Notify::new(), state: Mutex::default() });
            self.spawn(self.clone().follow(channel.clone()));
            channel
        };
        self.0.channels.entry(workspace).or_insert_with(begin).clone()
    }

    /// Reads and tells, until nobody listens.
    async fn follow(self, channel: Arc<Channel>) {
        loop {
            if tokio::time::timeout(LOOK, channel.poked.notified()).await.is_ok() {
                tokio::time::sleep(GATHER).await;
            }
            if let Err(error) = self.catch_up(&channel).await {
                tracing::debug!(%error, "escalations could not be read; looking again");
            }
            if channel.lock().is_over() {
                self.0.channels.remove_if(&channel.workspace, |_, there| Arc::ptr_eq(there, &channel));
                return;
            }
        }
    }

    async fn catch_up(&self, channel: &Channel) -> Result<(), StoreError> {
        loop {
            let Some(upto) = channel.lock().upto else { return Ok(()) };
            let changes = self.0.escalations.changes(channel.workspace, upto, PAGE).await?;
            let is_last = changes.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            let delivered = channel.lock().publish(changes);
            for place in delivered {
                let _ = self.0.delivered.send(place).await;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells the changes; those that nobody was known to have, and now somebody has.
    fn publish(&mut self, changes: Vec<Changed>) -> Vec<Place> {
        let unseen = changes.iter().filter(|changed| changed.is_unseen() && !self.consoles.is_empty());
        let delivered = unseen.map(|changed| Place::of(&changed.escalation)).collect();
        self.upto = changes.last().map(|changed| changed.number).or(self.upto);
        let news: Vec<_> = changes.into_iter().map(|it| Broadcast::new(News::Escalation(it))).collect();
        self.tell(&news);
        delivered
    }

    fn remove(&mut self, key: u64) {
        let before = self.consoles.len();
        self.consoles.retain(|(other, _)| *other != key);
        if self.consoles.len() < before {
            metrics::gauge!("switchboard_feed_consoles").decrement(1);
        }
    }

    fn tell(&self, news: &[Broadcast<News>]) {
        for (_, console) in &self.consoles {
            console.tell(news);
        }
    }

    /// The last one has left; nobody joins this channel any more.
    fn is_over(&mut self) -> bool {
        self.over = self.consoles.is_empty() && self.upto.is_some();
        self.over
    }
}
