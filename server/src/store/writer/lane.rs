//! One lane: takes all that waits, commits it, answers everyone; finds the one bad row in a refused batch.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use switchboard_protocol::ids::ClientId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;
use uuid::Uuid;

use super::super::batch::{self, Write};
use super::super::error::StoreError;
use super::super::node::Lease;
use super::super::pool::{Pools, scope, step, transact};
use super::super::{rows, statement};
use super::{Gauge, News, Outcome};
use crate::domain::conversation::Status;
use crate::domain::message::Message;

pub struct Job {
    pub write: Write,
    pub done: oneshot::Sender<Outcome>,
}

pub struct Lane {
    pools: Pools,
    lease: Arc<Lease>,
    gauge: Arc<Gauge>,
    fence: watch::Sender<bool>,
    news: Arc<News>,
    connection: Option<Object>,
}

/// A batch is bounded by what one transaction should hold, not by a timer.
const BATCH_JOBS: usize = 512;
const BATCH_ROWS: usize = 2_000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Lane {
    pub fn new(
        pools: Pools,
        lease: Arc<Lease>,
        gauge: Arc<Gauge>,
        fence: watch::Sender<bool>,
        news: Arc<News>,
    ) -> Self {
        Self { pools, lease, gauge, fence, news, connection: None }
    }

    pub async fn run(mut self, mut queue: mpsc::Receiver<Job>, mut closing: watch::Receiver<bool>) {
        let mut jobs = Vec::new();
        let mut closed = false;
        loop {
            if jobs.is_empty() {
                tokio::select! {
                    biased;
                    received = queue.recv_many(&mut jobs, BATCH_JOBS) => {
                        if received == 0 {
                            return;
                        }
                    }
                    // Closed, the queue still yields what was handed in before it ends.
                    _ = closing.wait_for(|closing| *closing), if !closed => {
                        queue.close();
                        closed = true;
                        continue;
                    }
                }
            }
            let batch = first_batch(&mut jobs);
            self.gauge.depth.fetch_sub(batch.len(), Ordering::Relaxed);
            if self.settle(batch).await.is_err() {
                self.fence.send_replace(true);
                return;
            }
        }
    }

    /// Finds out, for every job, what became of it. Fails only when the lease is lost.
    async fn settle(&mut self, batch: Vec<Job>) -> Result<(), StoreError> {
        let mut groups = vec![batch];
        let mut pause = BACKOFF.0;
        while let Some(group) = groups.pop() {
            let committed = self.commit(&group).await;
            // One that was refused has reached the database too: without this a lane whose last write turned out to
            // be stored already would be taken for down, and get no other that could show the contrary.
            if !matches!(committed, Err(StoreError::Unavailable(_))) {
                self.recovered(&mut pause);
            }
            let (group, reason) = match committed {
                Ok(()) => {
                    answer(group, || Outcome::Committed);
                    continue;
                }
                Err(error @ StoreError::LeaseLost) => return Err(error),
                Err(StoreError::Unavailable(reason)) => (group, reason),
                Err(error) => match self.sort_out(group, &error).await {
                    Ok(rest) => {
                        groups.extend(rest);
                        continue;
                    }
                    Err((group, StoreError::Unavailable(reason))) => (group, reason),
                    Err((group, other)) => {
                        answer(group, || Outcome::Refused(other.to_string()));
                        continue;
                    }
                },
            };
            groups.push(group);
            self.lost(&reason);
            sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
        Ok(())
    }

    async fn commit(&mut self, group: &[Job]) -> Result<(), StoreError> {
        let writes: Vec<&Write> = group.iter().map(|job| &job.write).collect();
        let steps = batch::steps(self.lease.node(), self.lease.incarnation(), &writes);
        let started = Instant::now();
        let connection = match &mut self.connection {
            Some(connection) if !connection.is_closed() => connection,
            slot => slot.insert(self.pools.writer().await?),
        };
        let outcome = transact(connection, &steps).await;
        drop(steps);
        if let Err(StoreError::Unavailable(_)) = &outcome {
            self.discard();
        }
        outcome?;
        metrics::histogram!("switchboard_commit_seconds").record(started.elapsed());
        metrics::histogram!("switchboard_batch_writes")
            .record(f64::from(u32::try_from(group.len()).unwrap_or(u32::MAX)));
        let messages: usize = group.iter().map(|job| job.write.messages.len()).sum();
        metrics::counter!("switchboard_messages_committed_total").increment(messages as u64);
        self.tell(group);
        Ok(())
    }

    fn tell(&self, committed: &[Job]) {
        if committed.iter().any(|job| job.write.event.is_some()) {
            self.news.events.notify_one();
        }
        let ended = |job: &Job| {
            let state = job.write.state.as_ref();
            state.is_some_and(|state| matches!(state.status, Status::Resolved | Status::Closed))
        };
        if committed.iter().any(ended) {
            self.news.finished.notify_one();
        }
        let decided =
            |job: &Job| job.write.records.as_ref().is_some_and(|records| records.interaction.is_some());
        if committed.iter().any(decided) {
            self.news.interactions.notify_one();
        }
    }

    /// A refused batch: answers what can be told already, and returns what is to be tried again, in parts.
    async fn sort_out(
        &mut self,
        group: Vec<Job>,
        error: &StoreError,
    ) -> Result<Vec<Vec<Job>>, (Vec<Job>, StoreError)> {
        let standing = match self.standing(&group).await {
            Ok(standing) => standing,
            Err(error) => {
                self.discard();
                return Err((group, error));
            }
        };
        let whole = group.len();
        let mut rest = Vec::with_capacity(whole);
        for job in group {
            match standing.judge(&job.write) {
                Some(outcome) => {
                    let _ = job.done.send(outcome);
                }
                None => rest.push(job),
            }
        }
        if rest.len() < whole {
            return Ok(if rest.is_empty() { Vec::new() } else { vec![rest] });
        }
        if whole == 1 {
            metrics::counter!("switchboard_persistence_failures_total").increment(1);
            tracing::warn!(%error, "a write was refused by the database");
            answer(rest, || Outcome::Refused(error.to_string()));
            return Ok(Vec::new());
        }
        let second = rest.split_off(whole / 2);
        Ok(vec![second, rest])
    }

    /// What stands in the database where these jobs wanted to write.
    async fn standing(&mut self, group: &[Job]) -> Result<Standing, StoreError> {
        let writes: Vec<&Write> = group.iter().map(|job| &job.write).collect();
        let scope = scope(&batch::workspaces(&writes));
        let conversations: Vec<Uuid> = writes
            .iter()
            .filter(|write| write.state.is_some())
            .map(|write| write.conversation.uuid())
            .collect();
        let messages: Vec<&Message> =
            writes.iter().flat_map(|write| &write.messages).map(|message| &**message).collect();
        let connection = self.pools.writer().await?;
        let versions = transact(
            &connection,
            &[
                step!(statement::BATCH_SCOPE, scope.as_str()),
                step!(statement::CONVERSATIONS_STANDING, conversations),
            ],
        )
        .await?;
        let stored = transact(
            &connection,
            &[
                step!(statement::BATCH_SCOPE, scope.as_str()),
                step!(
                    statement::MESSAGES_STANDING,
                    messages.iter().map(|message| message.conversation.uuid()).collect::<Vec<_>>(),
                    messages.iter().map(|message| message.client_id.map(ClientId::uuid)).collect::<Vec<_>>(),
                    messages.iter().map(|message| message.seq.get()).collect::<Vec<_>>()
                ),
            ],
        )
        .await?;
        let mut standing = Standing::default();
        for row in &versions {
            standing
                .versions
                .insert(rows::get(row, "id")?, (rows::get(row, "version")?, rows::get(row, "write_id")?));
        }
        for row in &stored {
            let message = rows::message(row)?;
            standing.messages.entry(message.conversation.uuid()).or_default().push(message);
        }
        Ok(standing)
    }

    fn recovered(&mut self, pause: &mut Duration) {
        *pause = BACKOFF.0;
        if !self.gauge.up.swap(true, Ordering::Relaxed) {
            tracing::info!("the database is back");
        }
    }

    fn lost(&mut self, reason: &str) {
        metrics::counter!("switchboard_persistence_retries_total").increment(1);
        if self.gauge.up.swap(false, Ordering::Relaxed) {
            tracing::warn!(reason, "the database is away; writes wait");
        }
    }

    /// A connection in an unknown state goes back to nobody.
    fn discard(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

#[derive(Default)]
struct Standing {
    versions: HashMap<Uuid, (i64, Uuid)>,
    messages: HashMap<Uuid, Vec<Message>>,
}

impl Standing {
    /// What can be told of a write from what stands already; nothing, when it is not the culprit.
    fn judge(&self, write: &Write) -> Option<Outcome> {
        let stored = self.messages.get(&write.conversation.uuid()).map_or(&[][..], Vec::as_slice);
        let version = self.versions.get(&write.conversation.uuid());
        let itself =
            |message: &Arc<Message>| stored.iter().any(|old| old.id == message.id && old.seq == message.seq);
        let advanced =
            write.state.is_none() || version.is_some_and(|(_, write_id)| *write_id == write.write_id);
        // Of a state or of messages, one is enough to know the write by: it was all or nothing.
        if advanced
            && write.messages.iter().all(itself)
            && (write.state.is_some() || !write.messages.is_empty())
        {
            return Some(Outcome::Committed);
        }
        let known: Vec<_> = write
            .messages
            .iter()
            .enumerate()
            .filter_map(|(index, message)| {
                let old = stored
                    .iter()
                    .find(|old| old.client_id.is_some() && old.client_id == message.client_id)?;
                Some((index, old.clone()))
            })
            .collect();
        if !known.is_empty() {
            return Some(Outcome::Known(known));
        }
        let taken = write.messages.iter().any(|message| stored.iter().any(|old| old.seq == message.seq));
        let overtaken = match (&write.state, version) {
            (Some(state), Some((version, _))) => *version != state.version - 1,
            // A first row may be one version on: an act may come with it.
            (Some(state), None) => state.version > 1,
            (None, _) => false,
        };
        (taken || overtaken).then_some(Outcome::Stale)
    }
}

/// Splits off as many jobs as one transaction should hold; at least one.
fn first_batch(jobs: &mut Vec<Job>) -> Vec<Job> {
    let (mut rows, mut bytes) = (0, 0);
    let fitting = jobs
        .iter()
        .take_while(|job| {
            let fits = rows == 0
                || (rows + job.write.rows() <= BATCH_ROWS && bytes + job.write.bytes() <= BATCH_BYTES);
            rows += job.write.rows();
            bytes += job.write.bytes();
            fits
        })
        .count();
    jobs.drain(..fitting).collect()
}

fn answer(group: Vec<Job>, outcome: impl Fn() -> Outcome) {
    for job in group {
        // A session that no longer waits has ended with the process.
        let _ = job.done.send(outcome());
    }
}
