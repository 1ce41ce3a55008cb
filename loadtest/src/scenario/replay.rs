//! `replay`: recorded conversations, played by visitors of all kinds on networks of all kinds, and staff who answer some.
//!
//! Each visitor checks its own view all along; in the end every transcript is compared with the history as the server
//! gives it, and with the rows where they can be seen.

mod audit;
mod clerk;
mod guest;
mod line;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use self::audit::Audit;
use self::clerk::{Clerk, Said};
use self::guest::{Guest, Visit};
use super::latency::{Latency, Percentiles};
use super::script;
use crate::cli::{LabArgs, PlayArgs, ReplayArgs};
use crate::lab::{Lab, Store};
use crate::measure::{Busy, Target, Watches};
use crate::report::Report;
use crate::timeline::{Length, Recorder};
use crate::view::Faults;
use crate::visitor::Entrance;

pub use self::verdict::report;

/// How long a client tries to come back while the server is being hurt: longer than any one fault lasts.
const HOSTILE_PATIENCE: Duration = Duration::from_mins(2);

/// How the visitor's network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    Fine,
    /// Its socket drops, also between a message and its acknowledgement.
    Drops,
    /// Reads slowly.
    Slow,
    /// Two tabs of one visitor.
    Tabs,
    /// The phone sleeps now and then: nothing is read and no ping is answered.
    Asleep,
}

const BAD: [Network; 4] = [Network::Drops, Network::Slow, Network::Tabs, Network::Asleep];

/// What all visitors and all of the staff share.
pub struct Stage {
    pub entrance: Entrance,
    pub speed: f64,
    /// The server is being hurt on purpose: connections end, and requests are refused for a while.
    pub hostile: bool,
    pub acknowledged: Latency,
    pub replied: Latency,
    pub counts: Counts,
}

#[derive(Default)]
pub struct Counts {
    turns: AtomicU64,
    /// Connections that visitors have lost by themselves, and those that were taken from them.
    drops: AtomicU64,
    lost: AtomicU64,
    /// Messages sent once more, and those of them that were there already.
    repeats: AtomicU64,
    duplicates: AtomicU64,
    recovered: AtomicU64,
    fresh: AtomicU64,
}

#[derive(Debug, Default, Serialize)]
pub struct Figures {
    pub conversations: usize,
    pub on_bad_networks: usize,
    pub seed: u64,
    pub seconds: f64,
    /// Messages of visitors, and those that the script holds.
    pub turns: u64,
    pub scripted: u64,
    pub replies: u64,
    pub drops: u64,
    pub lost_connections: u64,
    pub repeats: u64,
    pub duplicates: u64,
    pub recovered: u64,
    pub fresh: u64,
    pub staff_messages: usize,
    pub acknowledged: Percentiles,
    pub replied: Percentiles,
    pub busy: Busy,
    pub truth: Faults,
    pub history: Faults,
    pub messages_compared: u64,
    pub rows: Option<Faults>,
}

/// What is played, on which server.
pub struct Play<'a> {
    pub args: &'a PlayArgs,
    pub entrance: Entrance,
    pub staff_keys: Vec<String>,
    pub seed: u64,
    pub hostile: bool,
    /// Goes on for so long, however many conversations that are.
    pub lasts: Option<Duration>,
    /// Of so many visits one is kept whole, to be compared with what is stored.
    pub keeps: u32,
}

pub async fn run(args: &ReplayArgs) -> anyhow::Result<Report> {
    let lab_args = LabArgs { preset: args.play.preset.clone(), ..args.lab.clone() };
    let mut lab = Lab::start(&lab_args, false).await?;
    let play = Play {
        args: &args.play,
        entrance: lab.entrance.clone(),
        staff_keys: lab.staff_keys_if(args.play.staff).await?,
        seed: args.play.seed.unwrap_or(lab.run.seed),
        hostile: false,
        lasts: None,
        keeps: 1,
    };
    let stage = play.stage();
    let server = lab.server.map(Target::Process);
    let length = Length::Conversations(play.conversations()?);
    let recorder = Recorder::start(stage.acknowledged.clone(), server, lab.postgres(), length, None);
    let watches = Watches::start(server, lab.postgres());
    let (mut figures, visits) = play.perform(&stage, &recorder).await?;
    figures.busy = watches.stop();
    let timeline = recorder.timeline();
    settle(&mut figures, &stage, visits, lab.store()).await?;
    let mut report = report("replay", &figures, &stage, lab.database())?;
    report.timeline = Some(timeline);
    Ok(report)
}

/// All that was played, to be looked at once it is over.
#[derive(Default)]
pub struct Played {
    visits: Vec<Visit>,
    said: Vec<Said>,
}

/// Compares everything with everything. Where only the server can reach its database, this ends it.
pub async fn settle(
    figures: &mut Figures,
    stage: &Arc<Stage>,
    played: Played,
    store: Store<'_>,
) -> anyhow::Result<()> {
    let audit = Audit::begin(stage, played).await?;
    figures.rows = audit.rows(store).await?;
    figures.messages_compared = audit.messages;
    figures.truth.merge(audit.seen);
    figures.history = audit.stored;
    Ok(())
}

impl Play<'_> {
    pub fn stage(&self) -> Arc<Stage> {
        Arc::new(Stage {
            entrance: self.entrance.clone(),
            speed: self.args.speed,
            hostile: self.hostile,
            acknowledged: Latency::new(),
            replied: Latency::new(),
            counts: Counts::default(),
        })
    }

    pub fn conversations(&self) -> anyhow::Result<u32> {
        Ok(match (self.args.conversations, self.lasts) {
            (_, Some(_)) => u32::MAX,
            (Some(count), None) => count,
            (None, None) => u32::try_from(script::of(self.args.file.as_deref())?.len())?,
        })
    }

    /// Plays it from the first visitor to the last.
    pub async fn perform(
        &self,
        stage: &Arc<Stage>,
        recorder: &Recorder,
    ) -> anyhow::Result<(Figures, Played)> {
        let script = script::of(self.args.file.as_deref())?;
        let count = self.conversations()?;
        let (end, over) = watch::channel(false);
        let mut clerks = JoinSet::new();
        for (nth, key) in (0..).zip(&self.staff_keys) {
            let dice = StdRng::seed_from_u64(self.seed.rotate_right(nth + 1));
            let pace = Duration::from_secs_f64(self.args.staff_pace / self.args.speed);
            clerks.spawn(Clerk::new(stage.clone(), nth, key.clone(), pace, dice).work(over.clone()));
        }

        let begin = Instant::now();
        let mut guests = JoinSet::new();
        let (mut played, mut figures) = (Played::default(), Figures::default());
        let mut take = |visit: Visit, played: &mut Played| {
            recorder.bar.inc(1);
            figures.conversations += 1;
            figures.on_bad_networks += usize::from(visit.network != Network::Fine);
            figures.scripted += visit.scripted;
            played.visits.extend(self.kept(visit, &mut figures.truth));
        };
        for nth in 0..count {
            if self.lasts.is_some_and(|lasts| begin.elapsed() > lasts) {
                break;
            }
            if let Some(rate) = self.args.arrival {
                sleep_until(begin + arrival(nth, rate, self.args.ramp)).await;
            } else if nth >= self.args.users {
                // One comes as soon as another has gone.
                if let Some(visit) = guests.join_next().await {
                    take(visit?, &mut played);
                }
            } else {
                let share = f64::from(nth) / f64::from(self.args.users);
                sleep_until(begin + Duration::from_secs_f64(self.args.ramp * share)).await;
            }
            let mut dice = StdRng::seed_from_u64(self.seed ^ (u64::from(nth) << 20));
            let is_bad = dice.random_bool(self.args.bad.clamp(0.0, 1.0));
            let network = if is_bad { BAD[nth as usize % BAD.len()] } else { Network::Fine };
            let lines = script[nth as usize % script.len()].clone();
            guests.spawn(Guest::new(stage.clone(), nth, network, dice, lines).visit());
        }
        while let Some(visit) = guests.join_next().await {
            take(visit?, &mut played);
        }
        let seconds = begin.elapsed().as_secs_f64();
        end.send_replace(true);
        while let Some(clerk) = clerks.join_next().await {
            let (said, faults) = clerk?;
            played.said.extend(said);
            figures.truth.merge(faults);
        }
        figures.count(stage);
        (figures.seed, figures.seconds) = (self.seed, seconds);
        figures.staff_messages = played.said.len();
        Ok((figures, played))
    }

    /// Of a visit that is not kept only its faults remain.
    fn kept(&self, mut visit: Visit, truth: &mut Faults) -> Option<Visit> {
        if visit.nth.is_multiple_of(self.keeps) {
            return Some(visit);
        }
        truth.merge(std::mem::take(&mut visit.log.faults));
        if let Some(tab) = visit.tab {
            truth.merge(tab.faults);
        }
        None
    }
}

impl Figures {
    fn count(&mut self, stage: &Stage) {
        let counted = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &stage.counts;
        self.turns = counted(&counts.turns);
        self.drops = counted(&counts.drops);
        self.lost_connections = counted(&counts.lost);
        self.repeats = counted(&counts.repeats);
        self.duplicates = counted(&counts.duplicates);
        self.recovered = counted(&counts.recovered);
        self.fresh = counted(&counts.fresh);
        self.acknowledged = stage.acknowledged.percentiles();
        self.replied = stage.replied.percentiles();
        self.replies = self.replied.count;
    }
}

impl Stage {
    /// How long a client keeps trying.
    fn lifeline(&self) -> Duration {
        if self.hostile { HOSTILE_PATIENCE } else { self.entrance.patience }
    }
}

/// When the nth visitor comes, if `rate` come each second once the ramp of so many seconds is over.
fn arrival(nth: u32, rate: f64, ramp: f64) -> Duration {
    let nth = f64::from(nth);
    let on_the_ramp = rate * ramp / 2.0;
    let at = if nth < on_the_ramp { (2.0 * nth * ramp / rate).sqrt() } else { ramp / 2.0 + nth / rate };
    Duration::from_secs_f64(at)
}

#[cfg(test)]
mod tests {
    use super::arrival;

    #[test]
    fn visitors_come_more_and_more_quickly_until_the_ramp_is_over() {
        let at = |nth| arrival(nth, 10.0, 4.0).as_secs_f64();
        assert!(at(0).abs() < 1e-9 && (at(20) - 4.0).abs() < 1e-9 && (at(30) - 5.0).abs() < 1e-9);
        assert!(at(2) - at(1) > at(12) - at(11));
        assert!((arrival(5, 10.0, 0.0).as_secs_f64() - 0.5).abs() < 1e-9);
    }
}
