//! `chaos`: a replay on a server that is being hurt: killed, stopped, robbed of its database and of its network.
//!
//! The verdict is binary: nothing acknowledged is lost, nothing is there twice, and nobody was told anything untrue.

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
use self::ground::Ground;
use super::replay::{self, Play};
use crate::cli::{ChaosArgs, LabArgs};
use crate::database::Database;
use crate::report::{Report, Table};
use crate::timeline::{Length, Recorder};

/// Calm before the first fault, so that there is something to hurt.
const CALM: Duration = Duration::from_secs(2);

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
        args.lab.database.as_deref().is_none_or(|name| name == "embedded"),
        "chaos kills Postgres as well: leave out --database, or say `--database embedded`"
    );
    let lab = LabArgs { preset: args.play.preset.clone(), ..args.lab.clone() };
    let mut ground = Ground::prepare(&lab).await?;
    let kinds: Vec<Fault> = args.fault.iter().copied().filter(|fault| ground.can(*fault)).collect();
    ensure!(!kinds.is_empty(), "none of these faults can happen to a server on its embedded database");

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
    let length = Length::Conversations(play.conversations()?);
    let recorder = Recorder::start(stage.acknowledged.clone(), server, postgres, length, None);
    let mut hurting = Hurting {
        kinds,
        order: Vec::new(),
        dice: StdRng::seed_from_u64(seed),
        done: Vec::new(),
        every: Duration::from_secs_f64(args.every),
        most: args.faults,
    };
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
    replay::settle(&mut figures, &stage, played, database.as_ref()).await?;

    let mut report = replay::report("chaos", &figures, &stage, database.as_ref())?;
    let faults: Vec<(&'static str, u32)> = hurting.counted();
    let mut table = Table::new(["fault", "times"]);
    for (fault, times) in &faults {
        table.row([(*fault).to_owned(), times.to_string()]);
    }
    report.table(table);
    report.timeline = Some(timeline);
    let times: u32 = faults.iter().map(|(_, times)| times).sum();
    let wanted = args.faults.unwrap_or(1);
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
    every: Duration,
    most: Option<u32>,
}

impl Hurting {
    /// Until it is dropped. It returns only where the server cannot be brought back.
    async fn go_on(&mut self, ground: &mut Ground, recorder: &Recorder) -> anyhow::Result<()> {
        sleep(CALM).await;
        loop {
            if self.most.is_some_and(|most| self.done.len() >= most as usize) {
                std::future::pending::<()>().await;
            }
            let begin = Instant::now();
            if self.order.is_empty() {
                self.order.clone_from(&self.kinds);
                self.order.shuffle(&mut self.dice);
            }
            let Some(fault) = self.order.pop() else { continue };
            recorder.mark(fault.name());
            self.done.push(fault);
            ground.hurt(fault, &mut self.dice).await?;
            let (server, postgres) = ground.targets();
            recorder.watch(server, postgres);
            let pause = self.every.mul_f64(self.dice.random_range(0.5..1.5));
            sleep(pause.saturating_sub(begin.elapsed())).await;
        }
    }

    fn counted(&self) -> Vec<(&'static str, u32)> {
        let times = |kind: &Fault| u32::try_from(self.done.iter().filter(|done| *done == kind).count());
        self.kinds.iter().map(|kind| (kind.name(), times(kind).unwrap_or(u32::MAX))).collect()
    }
}
