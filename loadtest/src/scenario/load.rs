//! The load of `send`, for every scenario that needs it: N visitors, each waiting for its acknowledgement before the
//! next message, put on one contender for one round.
//!
//! Only acknowledgements within the measured window count, and every one of them is checked.

pub mod outcome;

use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

use super::latency::{Latency, Percentiles};
use crate::cli::LoadArgs;
use crate::client::CallError;
use crate::database::{Database, Stored};
use crate::lab::{Run, Served};
use crate::measure::{Busy, Target, Watches};
use crate::peers::Peer;
use crate::report::per;
use crate::view::{Fault, Faults};
use crate::visitor::{Entrance, Visitor, text};

/// Somebody who takes the load: Switchboard or a peer.
pub struct Contender<'a> {
    pub name: &'static str,
    pub entrance: Entrance,
    pub server: Option<Target>,
    pub postgres: Option<Target>,
    /// Where its rows can be counted.
    pub rows: Option<(&'a Database, &'static str)>,
}

/// What one contender did in one round.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    pub contender: &'static str,
    pub acks_per_second: f64,
    #[serde(flatten)]
    pub latency: Percentiles,
    pub faults: Faults,
    /// Rows that are in the database against those acknowledged; None where they cannot be seen.
    pub rows: Option<Rows>,
    #[serde(flatten)]
    pub busy: Busy,
    pub server_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rows {
    pub acknowledged: u64,
    pub stored: u64,
    pub dense: bool,
}

/// From when to when acknowledgements count.
#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    end: Instant,
}

impl Window {
    fn secs(&self) -> f64 {
        (self.end - self.start).as_secs_f64()
    }
}

/// All contenders in turns, in every second round the other way round: what the machine does meanwhile, and what a
/// round leaves behind, then falls on each of them.
pub async fn play(
    contenders: &[Contender<'_>],
    rounds: u32,
    run: Run,
    load: &LoadArgs,
) -> anyhow::Result<Vec<Round>> {
    let mut played = Vec::new();
    for nth in 0..rounds {
        let mut order: Vec<_> = contenders.iter().collect();
        if nth % 2 == 1 {
            order.reverse();
        }
        for contender in order {
            played.push(contender.round(run, load).await?);
        }
    }
    Ok(played)
}

impl<'a> Contender<'a> {
    /// A server on a database in which its rows can be counted.
    pub fn served(name: &'static str, served: &Served, database: &'a Database) -> Self {
        Self {
            name,
            entrance: served.entrance.clone(),
            server: Some(Target::Process(served.pid())),
            postgres: database.pid.map(Target::Family),
            rows: Some((database, "messages")),
        }
    }

    pub fn peer(peer: &Peer, database: &'a Database, patience: Duration) -> Self {
        Self {
            name: peer.kind.title,
            entrance: peer.entrance(patience),
            server: Some(Target::Process(peer.pid())),
            postgres: database.pid.map(Target::Family),
            rows: Some((database, peer.kind.table)),
        }
    }

    async fn round(&self, run: Run, load: &LoadArgs) -> anyhow::Result<Round> {
        if let Some((database, _)) = self.rows {
            database.checkpoint().await;
        }
        let visitors = run.visitors(&self.entrance, load.conns, self.name).await?;
        let conversations: Vec<Uuid> =
            visitors.iter().map(|visitor| visitor.credentials.conversation_id).collect();

        let latency = Latency::new();
        let (announce, window) = watch::channel(None);
        let mut tasks = JoinSet::new();
        let content = text(load.bytes);
        for visitor in visitors {
            tasks.spawn(talk(visitor, content.clone(), window.clone(), latency.clone()));
        }
        let start = Instant::now() + Duration::from_secs(load.warmup);
        let window = Window { start, end: start + Duration::from_secs(load.secs) };
        announce.send_replace(Some(window));

        sleep_until(window.start).await;
        let watches = Watches::start(self.server, self.postgres);
        sleep_until(window.end).await;
        let busy = watches.stop();
        let server_bytes = self.server.and_then(Target::memory);

        let (faults, acknowledged) = finish(tasks, window.end + self.entrance.patience).await?;
        let latency = latency.percentiles();
        Ok(Round {
            contender: self.name,
            acks_per_second: per(latency.count, window.secs()),
            latency,
            rows: self.count(&conversations, acknowledged).await?,
            faults,
            busy,
            server_bytes,
        })
    }

    /// Compares what was acknowledged with what is in the database, where the database shows it.
    async fn count(&self, conversations: &[Uuid], acknowledged: u64) -> anyhow::Result<Option<Rows>> {
        let Some((database, table)) = self.rows else { return Ok(None) };
        let stored = database.stored(table, conversations).await?;
        Ok(stored.map(|Stored { messages: stored, dense }| Rows { acknowledged, stored, dense }))
    }
}

/// One visitor: message, acknowledgement, message, until the window closes.
async fn talk(
    mut visitor: Visitor,
    content: String,
    mut window: watch::Receiver<Option<Window>>,
    latency: Latency,
) -> (Faults, u64) {
    let window = match window.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(window)) => *window,
        _ => return (Faults::default(), 0),
    };
    let mut sent = Instant::now();
    while sent < window.end {
        if let Err(error) = exchange(&mut visitor, &content).await {
            visitor.view.faults.add(Fault::of(&error), error.to_string());
            break;
        }
        let now = Instant::now();
        if (window.start..window.end).contains(&now) {
            latency.record(now - sent);
        }
        sent = now;
    }
    let head = visitor.view.head();
    (visitor.close(head), head)
}

async fn exchange(visitor: &mut Visitor, content: &str) -> Result<(), CallError> {
    visitor.post(content).await?;
    loop {
        let frame = visitor.receive().await?;
        if visitor.take(&frame)? {
            return Ok(());
        }
    }
}

/// Waits for the last acknowledgements. Whoever still has none by then has lost a message.
async fn finish(mut tasks: JoinSet<(Faults, u64)>, deadline: Instant) -> anyhow::Result<(Faults, u64)> {
    let mut faults = Faults::default();
    let mut acknowledged = 0;
    while let Ok(Some(done)) = timeout_at(deadline, tasks.join_next()).await {
        let (found, head) = done?;
        faults.merge(found);
        acknowledged += head;
    }
    for _ in 0..tasks.len() {
        faults.add(Fault::Missed, "an acknowledgement never came");
    }
    Ok((faults, acknowledged))
}
