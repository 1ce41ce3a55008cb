//! `feed`: consoles of the staff that come and go while escalations change, and each of them ends equal to the table.
//!
//! Every console is compared with what `escalation.list` says, row by row, and with the database where its rows can be
//! seen. Latency runs from the moment a change was due to be asked for, so it holds the commit as well as the way from
//! there to the console; beside it stands the time from the answer, which proves the commit.

mod changes;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use self::changes::{Changes, Hand, Made};
use super::latency::{Latency, Percentiles};
use crate::cli::FeedArgs;
use crate::client::wire::staff::{Asked, Status};
use crate::client::{CallError, Gone};
use crate::console::{self, Catalogue, Console, Known};
use crate::database::Database;
use crate::lab::{Lab, progress};
use crate::measure::{Busy, Target, Watches};
use crate::report::Report;
use crate::view::{Fault, Faults};
use crate::visitor::{Credentials, Visitor};

/// Who changes escalations: as many of the staff, each one change at a time.
const HANDS: u32 = 8;

/// How long a console looks for news, once no more changes are made, before it compares itself with the table.
const SETTLING: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct Figures {
    consoles: u32,
    escalations: usize,
    seed: u64,
    seconds: f64,
    made: Made,
    console: Log,
    /// From the moment a change was due to be asked for.
    from_request: Percentiles,
    /// From the answer that proved its commit; what was told before that counts as nothing.
    from_answer: Percentiles,
    busy: Busy,
    server_bytes: Option<u64>,
    pending: u64,
    faults: Faults,
    rows: Option<Faults>,
}

/// What consoles have been through.
#[derive(Clone, Copy, Default, Serialize)]
struct Log {
    drops: u64,
    /// Rows that came live, and those that came with a return.
    live: u64,
    caught_up: u64,
    snapshots: u64,
}

/// What every console of the run needs.
struct Stage {
    changes: Changes,
    from_request: Latency,
    from_answer: Latency,
    stay: u64,
    away: u64,
    patience: Duration,
    /// The table as it stands in the end.
    truth: watch::Receiver<Option<Arc<Known>>>,
    /// No more changes come.
    over: watch::Receiver<bool>,
}

pub async fn run(args: &FeedArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, false).await?;
    let keys = lab.staff_keys(HANDS).await?;
    let pace = lab.run.pace(args.conns + args.escalations)?;
    let visitors = ask(&lab, args.escalations).await?;

    let (tell, truth) = watch::channel(None);
    let (end, over) = watch::channel(false);
    let stage = Arc::new(Stage {
        changes: Changes::default(),
        from_request: Latency::new(),
        from_answer: Latency::new(),
        stay: args.stay,
        away: args.away,
        patience: args.lab.timeout(),
        truth,
        over: over.clone(),
    });
    let catalogue = Catalogue::default();
    let bar = progress(args.conns, "subscribing");
    let mut opening = JoinSet::new();
    for nth in 0..args.conns {
        let (entrance, pace, catalogue) = (lab.entrance.clone(), pace.clone(), catalogue.clone());
        let key = keys[nth as usize % keys.len()].clone();
        opening.spawn(async move {
            let _turn = pace.turn(nth).await;
            Console::open(&entrance, nth, &key, &catalogue).await.map(|console| (nth, console))
        });
    }
    let mut consoles = JoinSet::new();
    while let Some(opened) = opening.join_next().await {
        let (nth, console) = opened?.context("a console could not subscribe")?;
        let dice = StdRng::seed_from_u64(lab.run.seed ^ u64::from(nth));
        let watching = Watching { console, stage: stage.clone(), dice, log: Log::default() };
        consoles.spawn(watching.run());
        bar.inc(1);
    }
    bar.finish_and_clear();

    let mut desk = console::sit_down(&lab.entrance, 0, &keys[0]).await?;
    let table = console::list(&mut desk, &catalogue).await?;
    stage.changes.begin(visitors, &table);
    let mut hands = JoinSet::new();
    let begin = Instant::now();
    let watches = Watches::start(lab.server.map(Target::Process), lab.postgres());
    for (nth, key) in (0..).zip(&keys) {
        let hand = Hand::new(&lab, nth, key, begin, args).await?;
        hands.spawn(hand.work(stage.clone()));
    }
    let (mut made, mut faults) = (Made::default(), Faults::default());
    while let Some(hand) = hands.join_next().await {
        let (did, found) = hand?;
        made.add(&did);
        faults.merge(found);
    }
    let (seconds, busy) = (begin.elapsed().as_secs_f64(), watches.stop());
    let server_bytes = lab.server.map(Target::Process).and_then(Target::memory);
    end.send_replace(true);

    // The first one has not answered the server's pings meanwhile.
    let mut desk = console::sit_down(&lab.entrance, 0, &keys[0]).await?;
    let (table, pending) = settled(&mut desk, &catalogue, args.lab.timeout()).await?;
    let table = Arc::new(table);
    tell.send_replace(Some(table.clone()));
    let mut console = Log::default();
    while let Some(watched) = consoles.join_next().await {
        let (log, found) = watched?;
        console.add(&log);
        faults.merge(found);
    }
    let database = lab.database();
    let rows = match database {
        Some(database) => compare(database, &table).await?,
        None => None,
    };
    let figures = Figures {
        consoles: args.conns,
        escalations: table.len(),
        seed: lab.run.seed,
        seconds,
        made,
        console,
        from_request: stage.from_request.percentiles(),
        from_answer: stage.from_answer.percentiles(),
        busy,
        server_bytes,
        pending,
        faults,
        rows,
    };
    verdict::report(args, &figures, database)
}

/// Visitors who each ask for a person, and hang up.
pub(super) async fn ask(lab: &Lab, count: u32) -> anyhow::Result<Vec<Credentials>> {
    let mut asked = Vec::new();
    for mut visitor in lab.run.visitors(&lab.entrance, count, "escalating").await? {
        request(&mut visitor).await.context("a visitor could not ask for a person")?;
        asked.push(visitor.credentials);
    }
    Ok(asked)
}

pub(super) async fn request(visitor: &mut Visitor) -> Result<Asked, CallError> {
    let conversation = visitor.credentials.conversation_id;
    let reason = "My parcel has not arrived, and nobody could tell me where it is.";
    let params = serde_json::json!({"conversation_id": conversation, "reason": reason});
    visitor.call("escalation.request", &params).await
}

/// The table once nothing is `pending` any more, which a live console ends; and how many still are.
async fn settled(
    desk: &mut crate::client::Socket,
    catalogue: &Catalogue,
    patience: Duration,
) -> anyhow::Result<(Known, u64)> {
    let deadline = Instant::now() + patience;
    loop {
        let table = console::list(desk, catalogue).await?;
        let pending = table.values().filter(|row| row.escalation.status == Some(Status::Pending)).count();
        if pending == 0 || Instant::now() > deadline {
            return Ok((table, u64::try_from(pending)?));
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Id, version and status of each row against the table that the server gave; None where the rows cannot be seen.
async fn compare(database: &Database, table: &Known) -> anyhow::Result<Option<Faults>> {
    if database.hides("escalations").await? {
        return Ok(None);
    }
    let ids: Vec<uuid::Uuid> = table.keys().copied().collect();
    let rows = database
        .client()
        .query("select id, version::bigint, status from escalations where id = any($1)", &[&ids])
        .await?;
    let mut faults = Faults::default();
    if rows.len() != table.len() {
        faults.add(Fault::Missed, format!("{} rows where the list has {}", rows.len(), table.len()));
    }
    for row in rows {
        let (id, version, status): (uuid::Uuid, i64, &str) = (row.get(0), row.get(1), row.get(2));
        let listed = &table[&id].escalation;
        if u64::try_from(version)? != listed.version || listed.status.is_none_or(|it| it.name() != status) {
            faults.add(Fault::Altered, format!("{id} is {status} in version {version} in the database"));
        }
    }
    Ok(Some(faults))
}

/// One console and its day.
struct Watching {
    console: Console,
    stage: Arc<Stage>,
    dice: StdRng,
    log: Log,
}

impl Watching {
    async fn run(mut self) -> (Log, Faults) {
        if let Err(error) = self.come_and_go().await {
            self.console.faults.add(Fault::of(&error), format!("a console: {error}"));
        }
        let truth =
            self.stage.truth.clone().wait_for(Option::is_some).await.ok().and_then(|truth| truth.clone());
        let mut faults = std::mem::take(&mut self.console.faults);
        if let Some(truth) = truth {
            faults.merge(self.console.differences(&truth));
        }
        self.log.snapshots = u64::from(self.console.snapshots);
        (self.log, faults)
    }

    async fn come_and_go(&mut self) -> Result<(), CallError> {
        while !*self.stage.over.borrow() {
            let leave = Instant::now() + Duration::from_millis(self.dice.random_range(0..=self.stage.stay));
            self.watch(leave).await?;
            self.console.lose();
            self.log.drops += 1;
            sleep(Duration::from_millis(self.dice.random_range(0..=self.stage.away))).await;
            self.come_back().await?;
        }
        // What is still on its way comes within the time that a server may take to answer.
        let mut deadline = None;
        loop {
            if let Some(truth) = self.stage.truth.borrow().clone() {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.stage.patience);
                if self.console.differences(&truth).is_empty() || Instant::now() > deadline {
                    return Ok(());
                }
            }
            self.watch(Instant::now() + SETTLING).await?;
        }
    }

    /// Takes in what comes until then. A server that closes the socket asks for a return.
    async fn watch(&mut self, until: Instant) -> Result<(), CallError> {
        loop {
            match timeout_at(until, self.console.receive()).await {
                Err(_) => return Ok(()),
                Ok(Ok(frame)) => self.take(&frame)?,
                Ok(Err(Gone::Closed(4000..4500, _))) => self.come_back().await?,
                Ok(Err(gone)) => return Err(gone.into()),
            }
        }
    }

    fn take(&mut self, frame: &str) -> Result<(), Gone> {
        let now = Instant::now();
        if let Some(row) = self.console.take(frame)? {
            self.log.live += 1;
            if let Some(change) = self.stage.changes.behind(&row.escalation) {
                self.stage.from_request.record(now.saturating_duration_since(change.due));
                let answered = change.answered.unwrap_or(now);
                self.stage.from_answer.record(now.saturating_duration_since(answered));
            }
        }
        Ok(())
    }

    async fn come_back(&mut self) -> Result<(), CallError> {
        self.log.caught_up += self.console.come_back().await?;
        Ok(())
    }
}

impl Log {
    fn add(&mut self, other: &Self) {
        self.drops += other.drops;
        self.live += other.live;
        self.caught_up += other.caught_up;
        self.snapshots += other.snapshots;
    }
}
