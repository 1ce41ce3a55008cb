//! `fanout`: one feed, many consoles, and what each delivery costs the server; beside it the same in Node, in turns.
//!
//! A hand of the staff takes escalations and lets go of them at a set pace. What a console is told is checked, and
//! compared with the table in the end.

mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use uuid::Uuid;

use super::SWITCHBOARD;
use super::feed::request;
use super::latency::{Latency, Percentiles};
use crate::cli::FanoutArgs;
use crate::client::wire::staff::{Held, Status};
use crate::client::{CallError, Gone, Socket};
use crate::console::{self, Catalogue, Console, Known};
use crate::lab::{Lab, Run};
use crate::measure::{Busy, Target, Watches};
use crate::peers::{self, Peer};
use crate::report::{Report, per};
use crate::view::{Fault, Faults};
use crate::visitor::Entrance;

/// Quiet between the last subscription and the first change: what opening costs is not what is measured.
const REST: Duration = Duration::from_secs(2);

/// Somebody who keeps a feed.
struct Contender {
    name: &'static str,
    entrance: Entrance,
    server: Target,
    postgres: Option<Target>,
    key: String,
    /// Its escalations, of one round after the other.
    escalations: Vec<Uuid>,
}

#[derive(Clone, Serialize)]
struct Round {
    contender: &'static str,
    changes: u64,
    deliveries: u64,
    deliveries_per_second: f64,
    /// Microseconds of the server's CPU.
    micros_each: Option<f64>,
    server_bytes: Option<u64>,
    #[serde(flatten)]
    latency: Percentiles,
    #[serde(flatten)]
    busy: Busy,
    faults: Faults,
}

/// What the consoles of one round share.
struct Stage {
    deliveries: AtomicU64,
    latency: Latency,
    /// When the change that is under way was due.
    due: watch::Receiver<Option<Instant>>,
    truth: watch::Receiver<Option<Arc<Known>>>,
    patience: Duration,
}

pub async fn run(args: &FanoutArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, args.peers).await?;
    let server = lab.server.map(Target::Process);
    let server = server.context("the server is no process of this machine; name it with --pid")?;
    let mut contenders = vec![Contender {
        name: SWITCHBOARD,
        entrance: lab.entrance.clone(),
        server,
        postgres: lab.postgres(),
        key: lab.staff_keys(1).await?.remove(0),
        escalations: Vec::new(),
    }];
    let database = lab.ground.database.as_ref();
    let peer = match database {
        Some(database) if args.peers => {
            Some(Peer::start(&peers::NODE_FEED, &args.peers_dir, database).await?)
        }
        _ => None,
    };
    contenders.extend(peer.iter().map(|peer| Contender {
        name: peer.kind.title,
        entrance: peer.entrance(args.lab.timeout()),
        server: Target::Process(peer.pid()),
        postgres: database.and_then(|database| database.pid).map(Target::Family),
        key: "peer".into(),
        escalations: Vec::new(),
    }));
    for contender in &mut contenders {
        contender.prepare(lab.run, args).await?;
    }
    let rounds = args.rounds.unwrap_or(if contenders.len() > 1 { 3 } else { 1 });
    let mut played = Vec::new();
    for nth in 0..rounds {
        let mut order: Vec<_> = contenders.iter().collect();
        if nth % 2 == 1 {
            order.reverse();
        }
        for contender in order {
            played.push(contender.round(lab.run, args).await?);
        }
    }
    if let (Some(peer), Some(database)) = (peer, database) {
        peer.stop(database).await?;
    }
    verdict::report(args, &played, database.map(|database| &database.facts))
}

impl Contender {
    async fn prepare(&mut self, run: Run, args: &FanoutArgs) -> anyhow::Result<()> {
        for mut visitor in run.visitors(&self.entrance, args.escalations, "escalating").await? {
            let asked = request(&mut visitor).await.context("a visitor could not ask for a person")?;
            self.escalations.push(asked.escalation.id);
        }
        Ok(())
    }

    async fn round(&self, run: Run, args: &FanoutArgs) -> anyhow::Result<Round> {
        let catalogue = Catalogue::default();
        let (now_due, due) = watch::channel(None);
        let (tell, truth) = watch::channel(None);
        let stage = Arc::new(Stage {
            deliveries: AtomicU64::new(0),
            latency: Latency::new(),
            due,
            truth,
            patience: args.lab.timeout(),
        });
        let mut consoles = self.consoles(run, args, &catalogue, &stage).await?;
        let mut hand = console::sit_down(&self.entrance, args.conns, &self.key).await?;
        sleep(REST).await;

        let before = stage.deliveries.load(Ordering::Relaxed);
        let (begin, cpu) = (Instant::now(), self.server.cpu());
        let watches = Watches::start(Some(self.server), self.postgres);
        let mut faults = Faults::default();
        let changes = match self.change(&mut hand, args, &now_due).await {
            Ok(changes) => changes,
            Err(error) => {
                faults.add(Fault::of(&error), format!("the hand: {error}"));
                0
            }
        };
        // What is let go of from here on is tidied up, and not measured.
        now_due.send_replace(None);
        let table = Arc::new(self.settled(&mut hand, &catalogue, args.lab.timeout()).await?);
        tell.send_replace(Some(table));
        while let Some(found) = consoles.join_next().await {
            faults.merge(found?);
        }
        let busy = watches.stop();
        let deliveries = stage.deliveries.load(Ordering::Relaxed) - before;
        let spent = cpu.zip(self.server.cpu()).map(|(before, after)| after.saturating_sub(before));
        Ok(Round {
            contender: self.name,
            changes,
            deliveries,
            deliveries_per_second: per(deliveries, begin.elapsed().as_secs_f64()),
            micros_each: spent.map(|spent| spent.as_secs_f64() * 1e6 / per(deliveries.max(1), 1.0)),
            server_bytes: self.server.memory(),
            latency: stage.latency.percentiles(),
            busy,
            faults,
        })
    }

    /// All consoles, subscribed and listening.
    async fn consoles(
        &self,
        run: Run,
        args: &FanoutArgs,
        catalogue: &Catalogue,
        stage: &Arc<Stage>,
    ) -> anyhow::Result<JoinSet<Faults>> {
        let pace = run.pace(args.conns)?;
        let bar = crate::lab::progress(args.conns, self.name);
        let mut opening = JoinSet::new();
        for nth in 0..args.conns {
            let (entrance, pace, catalogue) = (self.entrance.clone(), pace.clone(), catalogue.clone());
            let key = self.key.clone();
            opening.spawn(async move {
                let _turn = pace.turn(nth).await;
                Console::open(&entrance, nth, &key, &catalogue).await
            });
        }
        let mut consoles = JoinSet::new();
        while let Some(opened) = opening.join_next().await {
            let console = opened?.context("a console could not subscribe")?;
            consoles.spawn(watch(console, stage.clone()));
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(consoles)
    }

    /// Takes and lets go, one after the other, at the pace asked for. How many changes that were.
    async fn change(
        &self,
        hand: &mut Socket,
        args: &FanoutArgs,
        now_due: &watch::Sender<Option<Instant>>,
    ) -> Result<u64, CallError> {
        let begin = Instant::now();
        let end = begin + Duration::from_secs(args.secs);
        let step = Duration::from_secs(1) / args.rate;
        let mut changes: u32 = 0;
        loop {
            let due = begin + step * changes;
            if due >= end {
                return Ok(changes.into());
            }
            sleep_until(due).await;
            now_due.send_replace(Some(due));
            let turn = changes as usize;
            let id = self.escalations[turn % self.escalations.len()];
            if (turn / self.escalations.len()).is_multiple_of(2) {
                hand.call::<Held>("escalation.claim", &json!({"id": id})).await?;
            } else {
                hand.call::<Held>("escalation.release", &json!({"id": id, "hand_back": false})).await?;
            }
            changes += 1;
        }
    }

    /// The table once nothing is pending: the next round begins where nobody has anything.
    async fn settled(
        &self,
        hand: &mut Socket,
        catalogue: &Catalogue,
        patience: Duration,
    ) -> Result<Known, CallError> {
        for row in console::list(hand, catalogue).await?.values() {
            if row.escalation.status == Some(Status::InProgress) {
                let release = json!({"id": row.escalation.id, "hand_back": false});
                hand.call::<Held>("escalation.release", &release).await?;
            }
        }
        let deadline = Instant::now() + patience;
        loop {
            let table = console::list(hand, catalogue).await?;
            let mut rows = table.values().map(|row| row.escalation.status);
            if rows.all(|status| status != Some(Status::Pending)) || Instant::now() > deadline {
                return Ok(table);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// One console that stays: what it was told wrongly, if anything.
async fn watch(mut console: Console, stage: Arc<Stage>) -> Faults {
    let mut told = stage.truth.clone();
    let truth = tokio::select! {
        biased;
        truth = told.wait_for(Option::is_some) => truth.ok().and_then(|truth| truth.clone()),
        gone = listen(&mut console, &stage) => {
            console.faults.add(Fault::Gone, format!("a console: {gone}"));
            None
        }
    };
    if let Some(truth) = truth {
        let deadline = Instant::now() + stage.patience;
        while !console.differences(&truth).is_empty() {
            let Ok(Ok(frame)) = timeout_at(deadline, console.receive()).await else { break };
            if let Err(gone) = take(&mut console, &frame, &stage) {
                console.faults.add(Fault::of(&gone.into()), "a console was told nonsense");
            }
        }
        console.faults.merge(console.differences(&truth));
    }
    console.faults
}

/// Takes in what comes until the connection ends.
async fn listen(console: &mut Console, stage: &Stage) -> Gone {
    loop {
        let taken = console.receive().await.and_then(|frame| take(console, &frame, stage));
        if let Err(gone) = taken {
            return gone;
        }
    }
}

fn take(console: &mut Console, frame: &str, stage: &Stage) -> Result<(), Gone> {
    if let Some(row) = console.take(frame)? {
        stage.deliveries.fetch_add(1, Ordering::Relaxed);
        let by_hand = row.escalation.status != Some(Status::Notified);
        if by_hand && let Some(due) = *stage.due.borrow() {
            stage.latency.record(due.elapsed());
        }
    }
    Ok(())
}
