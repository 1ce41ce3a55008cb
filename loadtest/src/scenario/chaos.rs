//! `chaos`: a replay on a server that is being hurt: killed, stopped, robbed of its database and of its network.
//!
//! The verdict is binary: nothing acknowledged is lost, nothing is there twice, and nobody was told anything untrue.

mod disk;
mod fault;
mod ground;

use std::time::Duration;

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use tokio::time::{Instant, sleep};

pub use self::fault::Fault;
use self::ground::{Aftermath, Ground};
use super::replay::{self, Play};
use crate::cli::{ChaosArgs, LabArgs};
use crate::database::Database;
use crate::lab::{Store, is_servers_own};
use crate::report::{Report, Table};
use crate::timeline::{Length, Recorder};

/// Calm before the first fault, so that there is something to hurt.
const CALM: Duration = Duration::from_secs(2);

/// How often the visitors who have gone are counted.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Serialize)]
struct Figures {
    faults: Vec<(&'static str, u32)>,
    replay: replay::Figures,
}

pub async fn run(args: &ChaosArgs) -> anyhow::Result<Report> {
    ensure!(
        args.lab.server.is_some() && args.lab.data.is_none(),
        "chaos kills the server that it starts: name the binary with --server, and leave out --data"
    );
    ensure!(
        args.lab.database.as_deref().is_none_or(is_servers_own),
        "chaos kills Postgres as well: leave out --database, or say `--database embedded` or `--database local`"
    );
    let wanted = if args.kills.is_some() { vec![Fault::Kill] } else { args.fault.clone() };
    let lab = LabArgs { preset: args.play.preset.clone(), ..args.lab.clone() };
    let mut ground = Ground::prepare(&lab, wanted.contains(&Fault::FillDisk)).await?;
    let kinds: Vec<Fault> = wanted.into_iter().filter(|fault| ground.can(*fault)).collect();
    ensure!(
        !kinds.is_empty(),
        "none of these faults can happen here: a server on a database of its own has no Postgres to be hurt, and a \
         small disk is made by root alone"
    );

    let seed = args.play.seed.unwrap_or_else(rand::random);
    let play = Play {
        args: &args.play,
        entrance: ground.entrance.clone(),
        staff_keys: ground.staff_keys(args.play.staff).await?,
        seed,
        hostile: true,
        lasts: None,
        keeps: 1,
    };
    let stage = play.stage();
    let (server, postgres) = ground.targets();
    let conversations = play.conversations()?;
    let length = Length::Conversations(conversations);
    let recorder = Recorder::start(stage.acknowledged.clone(), server, postgres, length, None);
    let pace = match args.kills {
        Some(kills) => Pace::Spread { times: kills, over: conversations },
        None => Pace::Every(Duration::from_secs_f64(args.every)),
    };
    let most = args.kills.or(args.faults);
    let dice = StdRng::seed_from_u64(seed);
    let mut hurting = Hurting { kinds, order: Vec::new(), dice, done: Vec::new(), pace, most };
    let (mut figures, played) = tokio::select! {
        performed = play.perform(&stage, &recorder) => performed?,
        broken = hurting.go_on(&mut ground, &recorder) => {
            broken.context("the server could not be brought back")?;
            anyhow::bail!("faults ended before the visitors did");
        }
    };
    // It may have been in the middle of one.
    ground.heal().await.context("the server could not be brought back")?;
    let timeline = recorder.timeline();
    let database = match ground.database_url() {
        Some(url) => Some(Database::connect(&url).await?),
        None => None,
    };
    let store = database.as_ref().map_or(Store::Within(&mut ground.served), Store::Database);
    replay::settle(&mut figures, &stage, played, store).await?;

    let mut report = replay::report("chaos", &figures, &stage, database.as_ref())?;
    let faults: Vec<(&'static str, u32)> = hurting.counted();
    let mut table = Table::new(["fault", "times"]);
    for (fault, times) in &faults {
        table.row([(*fault).to_owned(), times.to_string()]);
    }
    report.table(table);
    report.timeline = Some(timeline);
    let times: u32 = faults.iter().map(|(_, times)| times).sum();
    let wanted = most.unwrap_or(1);
    report.check("put to the test", times >= wanted, format!("{times} faults, at least {wanted}"));
    let verdict = report.passed();
    let sentence = if verdict {
        "nothing acknowledged is lost, nothing is there twice, and nobody was told anything untrue"
    } else {
        "it did not hold"
    };
    report.check("verdict", verdict, sentence);
    report.figures = serde_json::to_value(Figures { faults, replay: figures })?;
    Ok(report)
}

/// What is done to the server, one thing after the other, in rounds in which each has its turn.
struct Hurting {
    kinds: Vec<Fault>,
    order: Vec<Fault>,
    dice: StdRng,
    done: Vec<Fault>,
    pace: Pace,
    most: Option<u32>,
}

/// When it is done.
#[derive(Clone, Copy)]
enum Pace {
    /// From one fault to the next, about.
    Every(Duration),
    /// Each time that another equal part of the conversations is over; what follows the last one is such a part too.
    Spread { times: u32, over: u32 },
}

impl Hurting {
    /// Until it is dropped. It returns only where the server cannot be brought back.
    async fn go_on(&mut self, ground: &mut Ground, recorder: &Recorder) -> anyhow::Result<()> {
        sleep(CALM).await;
        loop {
            if self.most.is_some_and(|most| self.done.len() >= most as usize) {
                std::future::pending::<()>().await;
            }
            self.due(recorder).await;
            let begin = Instant::now();
            if self.order.is_empty() {
                self.order.clone_from(&self.kinds);
                self.order.shuffle(&mut self.dice);
            }
            let Some(fault) = self.order.pop() else { continue };
            recorder.mark(fault.name());
            self.done.push(fault);
            if ground.hurt(fault, &mut self.dice).await? == Aftermath::Revived {
                recorder.mark("the server had ended, and was started again");
            }
            let (server, postgres) = ground.targets();
            recorder.watch(server, postgres);
            if let Pace::Every(time) = self.pace {
                let pause = time.mul_f64(self.dice.random_range(0.5..1.5));
                sleep(pause.saturating_sub(begin.elapsed())).await;
            }
        }
    }

    /// Until so many conversations are over as the next fault waits for.
    async fn due(&self, recorder: &Recorder) {
        let Pace::Spread { times, over } = self.pace else { return };
        let part = u64::from(over) * (self.done.len() as u64 + 1) / (u64::from(times) + 1);
        while recorder.bar.position() < part {
            sleep(LOOK).await;
        }
    }

    fn counted(&self) -> Vec<(&'static str, u32)> {
        let times = |kind: &Fault| u32::try_from(self.done.iter().filter(|done| *done == kind).count());
        self.kinds.iter().map(|kind| (kind.name(), times(kind).unwrap_or(u32::MAX))).collect()
    }
}
