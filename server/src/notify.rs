//! Tells others of what was committed: a worker that takes events from the outbox to webhooks.
//!
//! Invariant: at least once, under one id. An attempt is claimed before it is made and recorded after it was answered;
//! a server that dies in between leaves it to be made again, and the receiver tells a repeat by its id.

pub mod address;
mod backoff;
mod payload;
mod sender;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use switchboard_protocol::ids::{ConversationId, EscalationId, WorkspaceId};
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;
use uuid::Uuid;

pub use sender::{Fault, Sender, SenderError, client, fault};

use crate::domain::{clock, failpoint};
use crate::store::outbox::{Claim, Delivery, Outbox, Settled};
use crate::store::writer::News;
use crate::store::{Store, StoreError};

/// Called for each escalation that a webhook has accepted, before that is recorded: after a crash in between it is
/// called again.
pub type Notified =
    Box<dyn Fn(WorkspaceId, ConversationId, EscalationId) -> BoxFuture<'static, ()> + Send + Sync>;

/// The worker. One a process; several share an outbox without getting into each other's way.
pub struct Notifier {
    shared: Arc<Shared>,
    news: Arc<News>,
    node: Uuid,
}

struct Shared {
    outbox: Outbox,
    sender: Sender,
    notified: Notified,
}

/// Attempts at once. Beyond that, deliveries wait in the outbox.
const AT_ONCE: usize = 32;
/// And of one webhook, so that one which hangs takes no more than this.
const OF_EACH: usize = 4;
/// Longer than an attempt can take. Then a claim runs out, and the delivery is due again.
const CLAIM: TimeDelta = TimeDelta::seconds(60);
/// What nobody told us of is found within this: events of another node, a webhook that was switched on.
const LOOK: Duration = Duration::from_secs(5);
/// On a busy server, so many events gather that a round is worth its transactions.
const GATHER: Duration = Duration::from_millis(200);
/// Between two tries while the database is away.
const PAUSE: Duration = Duration::from_secs(2);

/// Attempts under way, by their task.
#[derive(Default)]
struct AtWork {
    tasks: JoinSet<()>,
    webhooks: HashMap<Id, Uuid>,
}

impl Notifier {
    pub fn new(store: &Store, sender: Sender, notified: Notified) -> Self {
        // There at 0 before anything has happened.
        for name in [
            "switchboard_webhook_deliveries_total",
            "switchboard_webhook_failures_total",
            "switchboard_webhook_dead_total",
        ] {
            metrics::counter!(name).increment(0);
        }
        Self {
            shared: Arc::new(Shared { outbox: store.outbox(), sender, notified }),
            news: store.writer.news().clone(),
            node: store.node().node(),
        }
    }

    /// Delivers whatever is due, for as long as it is polled. It may be dropped at any time: what it was at is made
    /// again by the next one.
    pub async fn keep_delivering(self) {
        let mut at_work = AtWork::default();
        let mut released = false;
        loop {
            let pause = match self.round(&mut at_work, &mut released).await {
                Ok(pause) => pause,
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "nothing is delivered; the database is away");
                    PAUSE
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read; events wait in it");
                    LOOK
                }
            };
            tokio::select! {
                Some(done) = at_work.tasks.join_next_with_id(), if !at_work.tasks.is_empty() => at_work.ended(&done),
                () = self.news.events.notified() => sleep(GATHER).await,
                () = sleep(pause) => {}
            }
        }
    }

    /// Begins what is due; how long until more is.
    async fn round(&self, at_work: &mut AtWork, released: &mut bool) -> Result<Duration, StoreError> {
        let outbox = &self.shared.outbox;
        let now = clock::now();
        if !*released {
            outbox.release(self.node, now).await?;
            *released = true;
        }
        while outbox.spread(now).await? {}
        let free = AT_ONCE.saturating_sub(at_work.tasks.len());
        if free > 0 {
            let claim = Claim {
                node: self.node,
                now,
                until: now + CLAIM,
                most: i64::try_from(free).unwrap_or(i64::MAX),
                most_of_each: i64::try_from(OF_EACH).unwrap_or(i64::MAX),
                except: at_work.busy(),
            };
            for delivery in outbox.claim(claim).await? {
                at_work.begin(self.shared.clone(), delivery);
            }
        }
        let standing = outbox.standing().await?;
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("switchboard_outbox_depth").set(standing.waiting as f64);
        // What is due already waits for an attempt under way, whose end is heard.
        let until_next = standing.next_at.and_then(|next| (next - now).to_std().ok());
        Ok(until_next.filter(|pause| !pause.is_zero()).unwrap_or(LOOK).min(LOOK))
    }
}

impl AtWork {
    fn begin(&mut self, shared: Arc<Shared>, delivery: Delivery) {
        let webhook = delivery.webhook.id;
        let task = self.tasks.spawn(async move { shared.attempt(&delivery).await });
        self.webhooks.insert(task.id(), webhook);
    }

    fn ended(&mut self, done: &Result<(Id, ()), tokio::task::JoinError>) {
        let id = match done {
            Ok((id, ())) => *id,
            Err(crash) => {
                tracing::error!(%crash, "an attempt to deliver has crashed; it is made again");
                crash.id()
            }
        };
        self.webhooks.remove(&id);
    }

    /// Webhooks with as many attempts under way as one may have.
    fn busy(&self) -> Vec<Uuid> {
        let mut counts: HashMap<Uuid, usize> = HashMap::new();
        for webhook in self.webhooks.values() {
            *counts.entry(*webhook).or_default() += 1;
        }
        counts.into_iter().filter(|(_, count)| *count >= OF_EACH).map(|(webhook, _)| webhook).collect()
    }
}

impl Shared {
    async fn attempt(&self, delivery: &Delivery) {
        let Delivery { event, webhook, attempt, since } = delivery;
        let settled = match self.sender.send(webhook, event).await {
            Ok(()) => {
                failpoint::hit("webhook.accepted");
                metrics::counter!("switchboard_webhook_deliveries_total").increment(1);
                if let Some((conversation, escalation)) = event.announces() {
                    (self.notified)(event.workspace, conversation, escalation).await;
                }
                Settled::Delivered
            }
            Err(fault) => {
                metrics::counter!("switchboard_webhook_failures_total").increment(1);
                if let Some(next) = backoff::next(*attempt, *since, clock::now(), rand::random()) {
                    Settled::Again(fault.to_string(), next)
                } else {
                    metrics::counter!("switchboard_webhook_dead_total").increment(1);
                    tracing::warn!(
                        event = %event.id,
                        webhook = %webhook.id,
                        %fault,
                        "a delivery is given up after a day; see `switchboard webhook dead`"
                    );
                    Settled::Dead(fault.to_string())
                }
            }
        };
        if let Err(error) = self.outbox.settle(delivery, settled, clock::now()).await {
            tracing::debug!(%error, "an attempt could not be recorded; it is made again when its claim runs out");
        }
    }
}
