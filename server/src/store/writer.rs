//! The way to disk: a few lanes, each of which commits all that waits as one transaction.
//!
//! Invariant: an outcome is told only once it is known. A write whose connection broke is tried again until the
//! database says what became of it; every statement may be repeated.

mod lane;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

pub use super::batch::Write;
use super::node::Lease;
use super::pool::Pools;
use crate::domain::message::Message;
use lane::{Job, Lane};
use switchboard_protocol::ids::ConversationId;

/// What became of a write.
#[derive(Debug)]
pub enum Outcome {
    Committed,
    /// Messages of it stand in the log already, under the same client ids: their place in the write, and themselves.
    /// Nothing of the write was stored.
    Known(Vec<(usize, Message)>),
    /// The database will never accept it; nothing of it was stored.
    Refused(String),
    /// The conversation stands at another version or head than its session believed.
    Stale,
}

/// Handle to the lanes.
#[derive(Clone)]
pub struct Writer {
    lanes: Arc<[Entrance]>,
    tasks: TaskTracker,
    fenced: watch::Receiver<bool>,
    news: Arc<News>,
}

/// Wakes those who work on what was committed. One that is told of while nobody listens is not forgotten.
#[derive(Debug, Default)]
pub struct News {
    /// There are events in the outbox.
    pub events: Notify,
    /// There are interactions to be counted.
    pub interactions: Notify,
    /// There are conversations that came to an end.
    pub finished: Notify,
}

struct Entrance {
    queue: mpsc::Sender<Job>,
    gauge: Arc<Gauge>,
    close: watch::Sender<bool>,
}

/// What others may know of a lane.
pub(super) struct Gauge {
    up: AtomicBool,
    depth: AtomicUsize,
}

/// Conversations that wait for one lane. A full queue makes sessions wait, and they their senders: memory stays
/// bounded and nothing is dropped.
const QUEUE: usize = 2048;

/// A place in a lane's queue.
pub struct Place<'a> {
    permit: mpsc::Permit<'a, Job>,
    gauge: &'a Gauge,
}

impl Writer {
    pub fn start(pools: &Pools, lease: &Arc<Lease>, lanes: usize) -> Self {
        // There at 0 before anything has failed.
        for name in ["switchboard_persistence_failures_total", "switchboard_persistence_retries_total"] {
            metrics::counter!(name).increment(0);
        }
        let (fence, fenced) = watch::channel(false);
        let tasks = TaskTracker::new();
        let news = Arc::new(News::default());
        let lanes = (0..lanes)
            .map(|_| {
                let (queue, jobs) = mpsc::channel(QUEUE);
                let (close, closing) = watch::channel(false);
                let gauge = Arc::new(Gauge { up: AtomicBool::new(true), depth: AtomicUsize::new(0) });
                let lane =
                    Lane::new(pools.clone(), lease.clone(), gauge.clone(), fence.clone(), news.clone());
                tasks.spawn(lane.run(jobs, closing));
                Entrance { queue, gauge, close }
            })
            .collect();
        tasks.close();
        Self { lanes, tasks, fenced, news }
    }

    /// Waits for a place in the conversation's lane: always the same one, so its writes keep their order.
    pub async fn reserve(&self, conversation: ConversationId) -> Option<Place<'_>> {
        let entrance = self.entrance(conversation);
        let permit = entrance.queue.reserve().await.ok()?;
        Some(Place { permit, gauge: &entrance.gauge })
    }

    /// Whether the conversation's lane reaches the database, as far as it knows.
    pub fn is_up(&self, conversation: ConversationId) -> bool {
        self.entrance(conversation).gauge.up.load(Ordering::Relaxed)
    }

    /// Writes that wait, over all lanes.
    pub fn depth(&self) -> usize {
        self.lanes.iter().map(|lane| lane.gauge.depth.load(Ordering::Relaxed)).sum()
    }

    pub fn news(&self) -> &Arc<News> {
        &self.news
    }

    /// Returns when this node has lost its lease and must not go on.
    pub async fn fenced(&self) {
        let mut fenced = self.fenced.clone();
        if fenced.wait_for(|fenced| *fenced).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Writes what waits, then ends the lanes.
    pub async fn close(&self) {
        for lane in &*self.lanes {
            lane.close.send_replace(true);
        }
        self.tasks.wait().await;
    }

    fn entrance(&self, conversation: ConversationId) -> &Entrance {
        // The last bits of an id are random, whatever its version.
        let bits = conversation.uuid().as_bytes()[15];
        &self.lanes[usize::from(bits) % self.lanes.len()]
    }
}

impl Place<'_> {
    /// Hands the write over; the receiver learns what became of it.
    pub fn submit(self, write: Write) -> oneshot::Receiver<Outcome> {
        let (done, outcome) = oneshot::channel();
        self.gauge.depth.fetch_add(1, Ordering::Relaxed);
        self.permit.send(Job { write, done });
        outcome
    }
}
