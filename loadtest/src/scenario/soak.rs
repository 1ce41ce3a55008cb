//! `soak`: visitors come and go for a long time, and what the server takes must not grow.
//!
//! The load is a replay that goes on: as many visitors as asked for, each new one in a conversation of its own. Memory,
//! handles, threads, tasks and connections are sampled each second.

use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use super::replay::{self, Play};
use crate::cli::{LabArgs, SoakArgs};
use crate::lab::Lab;
use crate::measure::{Target, Watches};
use crate::report::{Report, Table, known, median};
use crate::timeline::{Length, Recorder, Sample, Timeline};

/// Of so many visits one is compared with what is stored.
const KEEPS: u32 = 20;

/// A figure may be larger by so much at the end whatever its size: what is counted in ones moves by ones.
const SLACK: f64 = 4.0;

/// A server knows a conversation for so many seconds after everybody has left it; before that nothing can be said of
/// how many it knows.
const KEPT: f64 = 330.0;
const SESSIONS: &str = "server sessions";

type Of = fn(&Sample) -> Option<f64>;

/// What must not grow.
const FIGURES: [(&str, Of); 6] = [
    ("server memory, MB", |sample| sample.server_mb),
    ("server handles", |sample| sample.server_handles.map(count)),
    ("server threads", |sample| sample.server_threads.map(count)),
    ("server tasks", |sample| sample.server_tasks.map(count)),
    (SESSIONS, |sample| sample.server_sessions.map(count)),
    ("Postgres processes", |sample| sample.postgres_processes.map(count)),
];

#[derive(Serialize)]
struct Figures {
    growth: Vec<Growth>,
    replay: replay::Figures,
}

/// A figure in the first third of the time after the warm-up, and in the last.
#[derive(Clone, Debug, Serialize)]
struct Growth {
    figure: &'static str,
    from: f64,
    to: f64,
}

pub async fn run(args: &SoakArgs) -> anyhow::Result<Report> {
    ensure!(
        args.warmup + 30 <= args.secs,
        "a warm-up of {} s leaves too little of {} s",
        args.warmup,
        args.secs
    );
    let lab_args = LabArgs { preset: args.play.preset.clone(), ..args.lab.clone() };
    let lab = Lab::start(&lab_args, false).await?;
    let play = Play {
        args: &args.play,
        entrance: lab.entrance.clone(),
        staff_keys: lab.staff_keys_if(args.play.staff).await?,
        seed: args.play.seed.unwrap_or(lab.run.seed),
        hostile: false,
        lasts: Some(Duration::from_secs(args.secs)),
        keeps: KEEPS,
    };
    let stage = play.stage();
    let server = lab.server.map(Target::Process);
    let metrics = Some(lab.entrance.address.clone());
    let length = Length::Seconds(args.secs);
    let recorder = Recorder::start(stage.acknowledged.clone(), server, lab.postgres(), length, metrics);
    let watches = Watches::start(server, lab.postgres());
    let (mut figures, played) = play.perform(&stage, &recorder).await?;
    figures.busy = watches.stop();
    let timeline = recorder.timeline();
    let database = lab.ground.database.as_ref().filter(|_| !lab.ground.servers_own);
    replay::settle(&mut figures, &stage, played, database).await?;

    let mut report = replay::report("soak", &figures, &stage, database)?;
    let growth = growths(&timeline, args.warmup, args.secs);
    let mut table = Table::new(["figure", "first third", "last third", "growth"]);
    for Growth { figure, from, to } in &growth {
        let share = (*from > 0.0).then(|| to / from - 1.0);
        let share = known(share, |share| format!("{:+.1}%", share * 100.0));
        table.row([(*figure).to_owned(), format!("{from:.1}"), format!("{to:.1}"), share]);
    }
    report.table(table);
    for growth in &growth {
        let Growth { figure, from, to } = growth;
        let detail = format!("{from:.1} and {to:.1}, the medians of the first and of the last third");
        report.check(*figure, growth.is_none(args.growth), detail);
    }
    report.check("measured", growth.len() > 3, format!("{} figures over {} s", growth.len(), args.secs));
    report.timeline = Some(timeline);
    report.figures = serde_json::to_value(Figures { growth, replay: figures })?;
    Ok(report)
}

/// Medians of what comes after the warm-up.
fn growths(timeline: &Timeline, warmup: u64, secs: u64) -> Vec<Growth> {
    let (warmup, secs) = (count(warmup), count(secs));
    let third = (secs - warmup) / 3.0;
    let within = |figure: Of, from: f64| {
        let samples = timeline.samples.iter().filter(|sample| (from..from + third).contains(&sample.at_s));
        let values: Vec<f64> = samples.filter_map(figure).collect();
        (!values.is_empty()).then(|| median(&values))
    };
    let growth = |(name, figure): &(&'static str, Of)| {
        let (from, to) = (within(*figure, warmup)?, within(*figure, secs - third)?);
        Some(Growth { figure: name, from, to })
    };
    FIGURES.iter().filter(|(name, _)| *name != SESSIONS || warmup > KEPT).filter_map(growth).collect()
}

impl Growth {
    fn is_none(&self, share: f64) -> bool {
        self.to <= (self.from * (1.0 + share)).max(self.from + SLACK)
    }
}

fn count(count: u64) -> f64 {
    crate::report::per(count, 1.0)
}

#[cfg(test)]
mod tests {
    use super::growths;
    use crate::timeline::{Sample, Timeline};

    fn leaks(each_second: f64) -> bool {
        let sample = |second: u32| {
            // The first seconds are a warm-up, whatever happens in them.
            let warm = f64::from(second.min(20));
            let server_mb = Some(50.0 + warm * 3.0 + f64::from(second) * each_second);
            Sample { at_s: f64::from(second), server_mb, ..Sample::default() }
        };
        let timeline = Timeline { samples: (0..100).map(sample).collect(), marks: Vec::new() };
        let growth = growths(&timeline, 20, 100);
        assert_eq!(growth.len(), 1, "{growth:?}");
        !growth[0].is_none(0.05)
    }

    #[test]
    fn a_leak_is_told_from_a_warm_up() {
        assert!(!leaks(0.0) && !leaks(0.02));
        assert!(leaks(0.2));
    }
}
