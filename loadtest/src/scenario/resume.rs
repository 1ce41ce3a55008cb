//! `resume`: readers drop at random moments and come back, while somebody writes into their conversation.
//!
//! Some drop between their request to resume and its answer. At the end each has seen every message once, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::SWITCHBOARD;
use super::latency::{Latency, Percentiles};
use crate::cli::ResumeArgs;
use crate::client::{CallError, Gone};
use crate::lab::{Lab, Run};
use crate::peers::{self, Peer};
use crate::report::{Report, Table, grouped};
use crate::view::{Fault, Faults};
use crate::visitor::{Entrance, Visitor, text};

/// One drop in so many happens before the answer to a resume is there.
const KNOCKS: u32 = 4;

#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    switchboard: Course,
    peer: Option<Course>,
}

/// How it went on one server.
#[derive(Default, Serialize)]
struct Course {
    name: &'static str,
    readers: u32,
    seed: u64,
    written: u64,
    drops: u64,
    knocks: u64,
    recovered: u64,
    fresh: u64,
    closed_by_server: u64,
    caught_up: u64,
    live: u64,
    latency: Percentiles,
    faults: Faults,
}

/// What one reader has been through.
#[derive(Default)]
struct Log {
    drops: u64,
    knocks: u64,
    recovered: u64,
    fresh: u64,
    closed_by_server: u64,
    /// Messages that a resume brought, and those that came while a reader was there.
    caught_up: u64,
    live: u64,
}

/// What the readers know of the writer.
#[derive(Clone)]
struct Writing {
    acknowledged: Arc<AtomicU64>,
    /// The last number, once there will be no more.
    last: watch::Receiver<Option<u64>>,
}

pub async fn run(args: &ResumeArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, args.rival.peers).await?;
    let switchboard = course(SWITCHBOARD, &lab.entrance, lab.run, args).await?;
    let mut peer = None;
    if let Some(database) = lab.ground.database.as_ref().filter(|_| args.rival.peers) {
        let rival = Peer::start(&peers::SOCKETIO, &args.rival.peers_dir, database).await?;
        let entrance = rival.entrance(args.lab.timeout());
        peer = Some(course(rival.kind.title, &entrance, lab.run, args).await?);
        rival.stop(database).await?;
    }
    report(&Figures { switchboard, peer })
}

async fn course(
    name: &'static str,
    entrance: &Entrance,
    run: Run,
    args: &ResumeArgs,
) -> anyhow::Result<Course> {
    let pace = run.pace(args.conns)?;
    let opened = Visitor::open(entrance, 0, run.author(0)).await;
    let writer = opened.context("the writer could not open a conversation")?;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let (end, last) = watch::channel(None);
    let writing = Writing { acknowledged: Arc::clone(&acknowledged), last };
    let latency = Latency::new();

    let mut readers = JoinSet::new();
    for nth in 1..=args.conns {
        let (entrance, credentials) = (entrance.clone(), writer.credentials.clone());
        let (pace, writing, latency) = (pace.clone(), writing.clone(), latency.clone());
        let (stay, away) = (args.stay, args.away);
        let chance = StdRng::seed_from_u64(run.seed ^ u64::from(nth));
        readers.spawn(async move {
            let turn = pace.turn(nth).await;
            let visitor = Visitor::join(&entrance, nth, &credentials).await?;
            drop(turn);
            let log = Log::default();
            let reader = Reader { visitor, entrance, nth, writing, latency, chance, stay, away, log };
            Ok::<_, CallError>(reader.run().await)
        });
    }
    let (mut faults, written) = write(writer, args, &acknowledged).await;
    end.send_replace(Some(written));

    let mut course = Course { name, readers: args.conns, seed: run.seed, written, ..Course::default() };
    while let Some(reader) = readers.join_next().await {
        let (log, found) = reader?.context("a reader could not join the conversation")?;
        faults.merge(found);
        course.add(&log);
    }
    course.faults = faults;
    course.latency = latency.percentiles();
    Ok(course)
}

/// Writes at the given rate, each message after the acknowledgement of the one before. Returns how many there are.
async fn write(mut writer: Visitor, args: &ResumeArgs, acknowledged: &AtomicU64) -> (Faults, u64) {
    let content = text(100);
    let start = Instant::now();
    let end = start + Duration::from_secs(args.secs);
    let step = Duration::from_secs(1) / args.rate;
    let mut due = start;
    while Instant::now() < end {
        sleep_until(due).await;
        if let Err(error) = writer.say(&content).await {
            writer.view.faults.add(Fault::of(&error), format!("the writer: {error}"));
            break;
        }
        acknowledged.store(writer.view.head(), Ordering::Release);
        // A writer that cannot keep up does not hurry afterwards: this is no test of throughput.
        due = (due + step).max(Instant::now());
    }
    let written = writer.view.head();
    (writer.close(written), written)
}

struct Reader {
    visitor: Visitor,
    entrance: Entrance,
    nth: u32,
    writing: Writing,
    latency: Latency,
    chance: StdRng,
    stay: u64,
    away: u64,
    log: Log,
}

impl Reader {
    async fn run(mut self) -> (Log, Faults) {
        if let Err(error) = self.read().await {
            self.visitor.view.faults.add(Fault::of(&error), format!("reader {}: {error}", self.nth));
        }
        let last = self.writing.last.wait_for(Option::is_some).await.ok().and_then(|last| *last);
        (self.log, self.visitor.close(last.unwrap_or_default()))
    }

    async fn read(&mut self) -> Result<(), CallError> {
        while self.writing.last.borrow().is_none() {
            let leave = Instant::now() + Duration::from_millis(self.chance.random_range(0..=self.stay));
            self.listen(leave, None).await?;
            self.visitor.cut();
            self.log.drops += 1;
            self.pause().await;
            if self.chance.random_ratio(1, KNOCKS) {
                self.visitor.knock(&self.entrance, self.nth).await?;
                self.log.knocks += 1;
                self.pause().await;
            }
            self.resume().await?;
        }
        let last = *self.writing.last.borrow();
        self.listen(Instant::now() + self.entrance.patience, last).await
    }

    /// Takes in what comes until then, or until it has seen `last`. A server that closes asks for a resume.
    async fn listen(&mut self, until: Instant, last: Option<u64>) -> Result<(), CallError> {
        while last.is_none_or(|last| self.visitor.view.head() < last) {
            match timeout_at(until, self.visitor.receive()).await {
                Err(_) => break,
                Ok(Ok(frame)) => {
                    let before = self.visitor.view.head();
                    self.visitor.take(&frame)?;
                    self.log.live += self.visitor.view.head() - before;
                }
                Ok(Err(Gone::Closed(4000..4500, _))) => {
                    self.log.closed_by_server += 1;
                    self.resume().await?;
                }
                Ok(Err(gone)) => return Err(gone.into()),
            }
        }
        Ok(())
    }

    async fn resume(&mut self) -> Result<(), CallError> {
        let (start, before) = (Instant::now(), self.visitor.view.head());
        // Read before the request goes out: this much is stored for certain.
        let acknowledged = self.writing.acknowledged.load(Ordering::Acquire);
        let recovered = self.visitor.resume(&self.entrance, self.nth, acknowledged).await?;
        self.latency.record(start.elapsed());
        self.log.caught_up += self.visitor.view.head() - before;
        *(if recovered { &mut self.log.recovered } else { &mut self.log.fresh }) += 1;
        Ok(())
    }

    async fn pause(&mut self) {
        sleep(Duration::from_millis(self.chance.random_range(0..=self.away))).await;
    }
}

impl Course {
    fn add(&mut self, log: &Log) {
        self.drops += log.drops;
        self.knocks += log.knocks;
        self.recovered += log.recovered;
        self.fresh += log.fresh;
        self.closed_by_server += log.closed_by_server;
        self.caught_up += log.caught_up;
        self.live += log.live;
    }
}

fn report(figures: &Figures) -> anyhow::Result<Report> {
    let mut report = Report::new("resume", figures)?;
    let mut table = Table::new([
        "who",
        "readers",
        "written",
        "drops",
        "in mid-resume",
        "recovered",
        "fresh",
        "caught up",
        "live",
        "p50 ms",
        "p99 ms",
        "closed",
    ]);
    for course in std::iter::once(&figures.switchboard).chain(&figures.peer) {
        table.row([
            course.name.to_owned(),
            course.readers.to_string(),
            grouped(crate::report::per(course.written, 1.0)),
            course.drops.to_string(),
            course.knocks.to_string(),
            course.recovered.to_string(),
            course.fresh.to_string(),
            course.caught_up.to_string(),
            course.live.to_string(),
            format!("{:.1}", course.latency.p50_ms),
            format!("{:.1}", course.latency.p99_ms),
            course.closed_by_server.to_string(),
        ]);
    }
    report.table(table);
    let Course { seed, faults, caught_up, live, .. } = &figures.switchboard;
    report.note(format!("Seed {seed}."));
    let fine =
        |course: &Course| format!("each reader saw all {} messages, once and in order", course.written);
    if let Some(peer) = &figures.peer {
        report.note(format!("{}: {}.", peer.name, peer.faults.describe(&fine(peer))));
    }
    report.check("truth", faults.is_empty(), faults.describe(&fine(&figures.switchboard)));
    let detail = format!("{caught_up} messages came with a resume, {live} live");
    report.check("put to the test", *caught_up > 0 && *live > 0, detail);
    Ok(report)
}
