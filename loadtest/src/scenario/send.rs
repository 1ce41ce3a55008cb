//! `send`: N visitors, each waiting for its acknowledgement before the next message; beside it the same load on the
//! peers, in turns.
//!
//! Only acknowledgements within the measured window count, and every one of them is checked.

mod verdict;

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;

use super::latency::{Latency, Percentiles};
use crate::cli::SendArgs;
use crate::client::CallError;
use crate::database::{Database, Stored};
use crate::lab::{Ground, Lab, Run};
use crate::measure::{Cores, Stopwatch, Target};
use crate::peers::{self, Peer};
use crate::report::{Report, per};
use crate::view::{Fault, Faults};
use crate::visitor::{Entrance, Visitor, text};

const SWITCHBOARD: &str = "Switchboard";

/// Somebody who takes the load: Switchboard or a peer.
struct Contender<'a> {
    name: &'static str,
    entrance: Entrance,
    server: Option<Target>,
    postgres: Option<Target>,
    /// Where its rows can be counted.
    rows: Option<(&'a Database, &'static str)>,
}

/// What one contender did in one round.
#[derive(Clone, Debug, Serialize)]
struct Round {
    contender: &'static str,
    acks_per_second: f64,
    #[serde(flatten)]
    latency: Percentiles,
    faults: Faults,
    /// Rows that are in the database against those acknowledged; None where they cannot be seen.
    rows: Option<Rows>,
    server_cores: Option<Cores>,
    postgres_cores: Option<Cores>,
    tester_cores: Option<Cores>,
    /// What all others on the machine took, the kernel's share included.
    other_cores: Option<Cores>,
    server_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Rows {
    acknowledged: u64,
    stored: u64,
    dense: bool,
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

pub async fn run(args: &SendArgs) -> anyhow::Result<Report> {
    let with_peers = args.peers || args.only_peers;
    let (lab, ground) = if args.only_peers {
        (None, Some(Ground::prepare(&args.lab, true).await?))
    } else {
        (Some(Lab::start(&args.lab, args.peers).await?), None)
    };
    let ground = lab.as_ref().map(|lab| &lab.ground).or(ground.as_ref()).context("there is no ground")?;

    let mut started = Vec::new();
    if with_peers {
        let database = ground.database.as_ref().context("the peers have no database")?;
        for kind in [&peers::FASTAPI, &peers::NODE] {
            started.push(Peer::start(kind, &args.peers_dir, database).await?);
        }
    }
    let mut contenders: Vec<Contender<'_>> = lab.iter().map(Contender::switchboard).collect();
    for peer in &started {
        contenders
            .extend(ground.database.as_ref().map(|database| Contender::peer(peer, database, &args.lab)));
    }

    let run = Run::new(&args.lab);
    let mut rounds = Vec::new();
    for _ in 0..args.rounds.unwrap_or(if with_peers { 3 } else { 1 }) {
        for contender in &contenders {
            rounds.push(contender.round(run, args).await?);
        }
    }
    let report = verdict::report(args, ground, &rounds)?;
    drop(contenders);
    for peer in started {
        if let Some(database) = &ground.database {
            peer.stop(database).await?;
        }
    }
    Ok(report)
}

impl<'a> Contender<'a> {
    fn switchboard(lab: &'a Lab) -> Self {
        let database = lab.ground.database.as_ref().filter(|_| !lab.ground.servers_own);
        Self {
            name: SWITCHBOARD,
            entrance: lab.entrance.clone(),
            server: lab.server.map(Target::Process),
            postgres: lab.postgres(),
            rows: database.map(|database| (database, "messages")),
        }
    }

    fn peer(peer: &Peer, database: &'a Database, args: &crate::cli::LabArgs) -> Self {
        Self {
            name: peer.kind.title,
            entrance: Entrance { address: peer.address.clone(), workspace: None, patience: args.timeout() },
            server: Some(Target::Process(peer.pid())),
            postgres: database.pid.map(Target::Family),
            rows: Some((database, peer.kind.table)),
        }
    }

    async fn round(&self, run: Run, args: &SendArgs) -> anyhow::Result<Round> {
        if let Some((database, _)) = self.rows {
            database.checkpoint().await;
        }
        let visitors = run.visitors(&self.entrance, args.conns, self.name).await?;
        let conversations: Vec<Uuid> =
            visitors.iter().map(|visitor| visitor.credentials.conversation_id).collect();

        let latency = Latency::new();
        let (announce, window) = watch::channel(None);
        let mut tasks = JoinSet::new();
        let content = text(args.bytes);
        for visitor in visitors {
            tasks.spawn(talk(visitor, content.clone(), window.clone(), latency.clone()));
        }
        let start = Instant::now() + Duration::from_secs(args.warmup);
        let window = Window { start, end: start + Duration::from_secs(args.secs) };
        announce.send_replace(Some(window));

        sleep_until(window.start).await;
        let watches = [self.server, self.postgres, Some(Target::myself()), Some(Target::Machine)]
            .map(|target| target.and_then(Stopwatch::start));
        sleep_until(window.end).await;
        let [server_cores, postgres_cores, tester_cores, machine] =
            watches.map(|watch| watch.and_then(Stopwatch::stop));
        let server_bytes = self.server.and_then(Target::memory);

        let (faults, acknowledged) = finish(tasks, window.end + args.lab.timeout()).await?;
        let latency = latency.percentiles();
        Ok(Round {
            contender: self.name,
            acks_per_second: per(latency.count, window.secs()),
            latency,
            rows: self.count(&conversations, acknowledged).await?,
            faults,
            server_cores,
            postgres_cores,
            tester_cores,
            other_cores: machine.map(|Cores(all)| {
                let ours = [server_cores, postgres_cores, tester_cores].into_iter().flatten();
                Cores((all - ours.map(|cores| cores.0).sum::<f64>()).max(0.0))
            }),
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
