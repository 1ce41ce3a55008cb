//! `soak`: visitors come and go for a long time, and what the server takes must not grow.
//!
//! The load is a replay that goes on: as many visitors as asked for, each new one in a conversation of its own. Memory,
//! handles, threads, tasks and connections are sampled each second; a line is fitted to each of them, and a line that
//! rises by more than is allowed is a leak.

use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use super::replay::{self, Play};
use crate::cli::{LabArgs, SoakArgs};
use crate::lab::Lab;
use crate::measure::{Target, Watches};
use crate::report::{Report, Table, known, per};
use crate::timeline::{Figure, Length, Recorder, Timeline, Trend};

/// Of so many visits one is compared with what is stored.
const KEEPS: u32 = 20;

/// A figure may rise by so much whatever its size: what is counted in ones moves by ones.
const SLACK: f64 = 4.0;

/// A line through fewer seconds says nothing.
const LEAST: usize = 20;

/// A server knows a conversation for so many seconds after everybody has left it; before that nothing can be said of
/// how many it knows.
const KEPT: f64 = 330.0;

/// What must not grow: its name in a sample, and in a sentence.
const FIGURES: [(Figure, &str); 6] = [
    (Figure::ServerMb, "server memory, MB"),
    (Figure::ServerHandles, "server handles"),
    (Figure::ServerThreads, "server threads"),
    (Figure::ServerTasks, "server tasks"),
    (Figure::ServerSessions, "server sessions"),
    (Figure::PostgresProcesses, "Postgres processes"),
];

#[derive(Serialize)]
struct Figures {
    growth: Vec<Growth>,
    replay: replay::Figures,
}

/// Where the line through a figure begins and ends.
#[derive(Clone, Debug, Serialize)]
struct Growth {
    figure: &'static str,
    seconds: usize,
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
    let mut lab = Lab::start(&lab_args, false).await?;
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
    let mut timeline = recorder.timeline();
    replay::settle(&mut figures, &stage, played, lab.store()).await?;

    let mut report = replay::report("soak", &figures, &stage, lab.database())?;
    let trends = trends(&timeline, args.warmup, args.secs);
    let mut table = Table::new(["figure", "line from", "to", "growth"]);
    let mut growth = Vec::new();
    for (figure, trend) in &trends {
        let Trend { from: (_, from), to: (_, to), of: seconds, .. } = *trend;
        let share = (from > 0.0).then(|| to / from - 1.0);
        let share = known(share, |share| format!("{:+.1}%", share * 100.0));
        table.row([(*figure).to_owned(), format!("{from:.1}"), format!("{to:.1}"), share]);
        let allowed = (from * args.growth).max(SLACK);
        let detail =
            format!("a line fitted to {seconds} s goes from {from:.1} to {to:.1}, by at most {allowed:.1}");
        report.check(*figure, to - from <= allowed, detail);
        growth.push(Growth { figure, seconds, from, to });
    }
    report.table(table);
    report.check("measured", growth.len() > 3, format!("{} figures over {} s", growth.len(), args.secs));
    timeline.trends = trends.into_iter().map(|(_, trend)| trend).collect();
    report.timeline = Some(timeline);
    report.figures = serde_json::to_value(Figures { growth, replay: figures })?;
    Ok(report)
}

/// The lines through what comes after the warm-up, while visitors come.
fn trends(timeline: &Timeline, warmup: u64, secs: u64) -> Vec<(&'static str, Trend)> {
    let (warmup, secs) = (per(warmup, 1.0), per(secs, 1.0));
    let fitted = |(figure, name): &(Figure, &'static str)| {
        let counts = *figure != Figure::ServerSessions || warmup > KEPT;
        let trend = counts.then(|| timeline.trend(*figure, warmup..secs)).flatten()?;
        (trend.of >= LEAST).then_some((*name, trend))
    };
    FIGURES.iter().filter_map(fitted).collect()
}

#[cfg(test)]
mod tests {
    use super::{SLACK, trends};
    use crate::timeline::{Sample, Timeline};

    fn growth(each_second: f64) -> f64 {
        let sample = |second: u32| {
            // The first seconds are a warm-up, whatever happens in them; and memory comes and goes.
            let (warm, swing) = (f64::from(second.min(20)), f64::from(second % 7));
            let server_mb = Some(50.0 + warm * 3.0 + swing + f64::from(second) * each_second);
            Sample { at_s: f64::from(second), server_mb, ..Sample::default() }
        };
        let timeline = Timeline { samples: (0..100).map(sample).collect(), ..Timeline::default() };
        let trends = trends(&timeline, 20, 100);
        assert_eq!(trends.len(), 1, "{trends:?}");
        trends[0].1.to.1 - trends[0].1.from.1
    }

    #[test]
    fn a_leak_is_told_from_a_warm_up_and_from_a_swing() {
        assert!(growth(0.0).abs() < 0.5 && growth(0.02) < SLACK);
        assert!((growth(0.2) - 0.2 * 79.0).abs() < 1.0, "{}", growth(0.2));
    }

    #[test]
    fn a_moment_says_nothing() {
        let sample = Sample { server_mb: Some(1.0), ..Sample::default() };
        let timeline = Timeline { samples: vec![sample; 5], ..Timeline::default() };
        assert!(trends(&timeline, 0, 100).is_empty());
    }
}
