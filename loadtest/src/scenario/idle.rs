//! `idle`: N visitors who have said something and gone quiet, and what each costs the server in memory.
//!
//! The server is weighed only when it has come to rest, and only sockets that still live count.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::cli::IdleArgs;
use crate::client::CallError;
use crate::lab::{Lab, progress};
use crate::measure::Target;
use crate::report::{Report, Table, grouped, per};
use crate::view::{Fault, Faults};
use crate::visitor::{Visitor, text};

/// Memory that stays within this share of itself is at rest.
const STEADY: f64 = 0.005;

/// Of so many visitors one speaks again at the end, to see that its conversation has only slept.
const SAMPLE: u32 = 100;

/// The tester's own bound: 300 MB for 15,000 visitors.
const OWN_BYTES_EACH: u64 = 20_000;
const OWN_BYTES_LEAST: u64 = 300_000_000;

#[derive(Serialize)]
struct Figures {
    visitors: u32,
    before_bytes: u64,
    after_bytes: u64,
    bytes_each: f64,
    settled_after_s: f64,
    pings_each: f64,
    woken: u64,
    tester_bytes: u64,
    faults: Faults,
}

/// What a visitor leaves behind.
struct Visit {
    opened: bool,
    faults: Faults,
    pings: u32,
    woken: bool,
}

pub async fn run(args: &IdleArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, false).await?;
    let server = lab.server.map(Target::Process);
    let server =
        server.context("the server is no process of this machine that can be weighed; name it with --pid")?;
    let (before, _) = at_rest(server, args, Duration::ZERO).await?;

    let pace = lab.run.pace(args.conns)?;
    let bar = progress(args.conns, "opening");
    let meeting = Arc::new(Barrier::new(args.conns as usize + 1));
    let content = text(100);
    let mut visits = JoinSet::new();
    for nth in 0..args.conns {
        let (entrance, author) = (lab.entrance.clone(), lab.run.author(nth));
        let (pace, bar, meeting, content) =
            (pace.clone(), bar.clone(), Arc::clone(&meeting), content.clone());
        visits.spawn(async move {
            let turn = pace.turn(nth).await;
            let visitor = async {
                let mut visitor = Visitor::open(&entrance, nth, author).await?;
                visitor.say(&content).await?;
                Ok(visitor)
            };
            let visitor = visitor.await;
            drop(turn);
            bar.inc(1);
            visit(visitor, nth, &meeting, &content).await
        });
    }
    meeting.wait().await;
    bar.finish_and_clear();
    let quiet = Instant::now();
    let (after, settled) = at_rest(server, args, Duration::from_secs(args.secs)).await?;
    let tester_bytes = Target::myself().memory().unwrap_or(0);
    let settled_after_s = quiet.elapsed().as_secs_f64();
    meeting.wait().await;

    let mut figures = Figures {
        visitors: args.conns,
        before_bytes: before,
        after_bytes: after,
        bytes_each: per(after.saturating_sub(before), f64::from(args.conns)),
        settled_after_s,
        pings_each: 0.0,
        woken: 0,
        tester_bytes,
        faults: Faults::default(),
    };
    let (mut pings, mut present) = (0, 0);
    while let Some(visit) = visits.join_next().await {
        let visit = visit?;
        figures.faults.merge(visit.faults);
        present += u32::from(visit.opened);
        figures.woken += u64::from(visit.woken);
        pings += u64::from(visit.pings);
    }
    figures.pings_each = per(pings, f64::from(present.max(1)));
    report(args, &figures, settled)
}

/// The visitor's side: quiet, but alive.
async fn visit(visitor: Result<Visitor, CallError>, nth: u32, meeting: &Barrier, content: &str) -> Visit {
    let mut visitor = match visitor {
        Ok(visitor) => visitor,
        Err(error) => {
            let mut faults = Faults::default();
            faults.add(Fault::of(&error), format!("visitor {nth}: {error}"));
            meeting.wait().await;
            meeting.wait().await;
            return Visit { opened: false, faults, pings: 0, woken: false };
        }
    };
    visitor.stay_until(meeting.wait()).await;
    visitor.stay_until(meeting.wait()).await;
    let speaks = nth.is_multiple_of(SAMPLE);
    if speaks && let Err(error) = visitor.say(content).await {
        visitor.view.faults.add(Fault::of(&error), format!("visitor {nth} could not speak again: {error}"));
    }
    let (pings, last) = (visitor.pings(), if speaks { 2 } else { 1 });
    Visit { opened: true, faults: visitor.close(last), pings, woken: speaks }
}

/// The server's memory once it has stopped moving, `least` after now at the earliest; false where it never did.
async fn at_rest(server: Target, args: &IdleArgs, least: Duration) -> anyhow::Result<(u64, bool)> {
    let start = Instant::now();
    let most = least.max(Duration::from_secs(args.settle));
    let mut recent = VecDeque::new();
    loop {
        let bytes = server.memory().context("the server is gone")?;
        recent.push_back(bytes);
        if recent.len() > args.steady + 1 {
            recent.pop_front();
        }
        let [largest, smallest] =
            [recent.iter().max(), recent.iter().min()].map(|end| *end.unwrap_or(&bytes));
        let still = recent.len() > args.steady && per(largest - smallest, per(bytes, 1.0)) < STEADY;
        if still && start.elapsed() >= least {
            return Ok((bytes, true));
        }
        if start.elapsed() > most {
            return Ok((bytes, false));
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn report(args: &IdleArgs, figures: &Figures, settled: bool) -> anyhow::Result<Report> {
    let mut report = Report::new("idle", figures)?;
    let megabytes = |bytes: u64| format!("{:.1}", per(bytes, 1e6));
    let mut table =
        Table::new(["visitors", "server before MB", "after MB", "bytes each", "pings each", "tester MB"]);
    table.row([
        grouped(f64::from(figures.visitors)),
        megabytes(figures.before_bytes),
        megabytes(figures.after_bytes),
        grouped(figures.bytes_each),
        format!("{:.1}", figures.pings_each),
        megabytes(figures.tester_bytes),
    ]);
    report.table(table);
    report.note(format!(
        "Resident memory of the server process, weighed after {:.0} s of quiet.",
        figures.settled_after_s
    ));

    let woken = figures.woken;
    let fine = format!("all still there, and the {woken} that spoke again went on with message 2");
    report.check("visitors", figures.faults.is_empty(), figures.faults.describe(&fine));
    let seconds = figures.settled_after_s;
    let detail = format!("memory within {}% for {} s, after {seconds:.0} s", STEADY * 100.0, args.steady);
    report.check("at rest", settled, detail);
    if args.secs > 33 {
        let detail = format!("{:.1} pings a visitor came and were answered", figures.pings_each);
        report.check("heartbeat", figures.pings_each >= 1.0, detail);
    }
    if args.bar > 0.0 {
        let kilobytes = figures.bytes_each / 1000.0;
        let detail = format!("{kilobytes:.2} KB a visitor, at most {}", args.bar);
        report.check("memory", kilobytes <= args.bar, detail);
    }
    let bound = OWN_BYTES_LEAST.max(OWN_BYTES_EACH * u64::from(figures.visitors));
    let detail = format!("{} MB of its own, at most {}", megabytes(figures.tester_bytes), megabytes(bound));
    report.check("tester", figures.tester_bytes <= bound, detail);
    Ok(report)
}
