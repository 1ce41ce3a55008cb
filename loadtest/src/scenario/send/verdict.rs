//! What the rounds of `send` amount to: medians, ratios, and a verdict on each bar.

use serde::Serialize;

use super::{Round, SWITCHBOARD};
use crate::cli::SendArgs;
use crate::database::Facts;
use crate::lab::Ground;
use crate::measure::Cores;
use crate::peers;
use crate::report::{Report, Table, grouped, known, median, spread};
use crate::view::Faults;

/// As much as the kernel's own work and a shell may take beside the measurement.
const QUIET: f64 = 0.2;

#[derive(Serialize)]
struct Figures<'a> {
    conns: u32,
    secs: u64,
    warmup: u64,
    bytes: u32,
    postgres: Option<&'a Facts>,
    rounds: &'a [Round],
    medians: Vec<Median>,
}

#[derive(Clone, Debug, Serialize)]
struct Median {
    contender: &'static str,
    acks_per_second: f64,
    spread: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    server_cores: Option<f64>,
    postgres_cores: Option<f64>,
    tester_cores: Option<f64>,
    /// Switchboard's rate over this one's.
    switchboard_is: Option<f64>,
}

pub fn report(args: &SendArgs, ground: &Ground, rounds: &[Round]) -> anyhow::Result<Report> {
    let medians = medians(rounds);
    let postgres = ground.database.as_ref().map(|database| &database.facts);
    let mut report = Report::new(
        "send",
        Figures {
            conns: args.conns,
            secs: args.secs,
            warmup: args.warmup,
            bytes: args.bytes,
            postgres,
            rounds,
            medians: medians.clone(),
        },
    )?;
    report.table(rounds_table(rounds));
    report.table(medians_table(&medians));
    report.note(format!(
        "{} visitors, one message of {} characters under way each, {} s measured after {} s of warm-up.",
        args.conns, args.bytes, args.secs, args.warmup
    ));
    if let Some(Facts { version, fsync, synchronous_commit, shared_buffers }) = postgres {
        report.note(format!(
            "Postgres {version}: fsync {fsync}, synchronous_commit {synchronous_commit}, shared_buffers {shared_buffers}."
        ));
    }
    let ours = rounds.iter().any(|round| round.contender == SWITCHBOARD);
    if ours && ground.servers_own && ground.database.is_some() {
        report.note("The server has a database of its own; that Postgres is the peers'.");
    }
    if rounds.iter().any(|round| round.contender != SWITCHBOARD) {
        report.note("A peer is one process with a pool of 20 connections and does one INSERT a message.");
    }
    let others = rounds.iter().filter_map(|round| round.other_cores).map(|cores| cores.0).fold(0.0, f64::max);
    if others > QUIET {
        report.note(format!(
            "Others took up to {others:.2} cores: these are not the figures of a quiet machine."
        ));
    }
    truth(&mut report, ground, rounds);
    for median in &medians {
        speed(&mut report, args, median);
    }
    Ok(report)
}

/// The checks that no speed makes up for.
fn truth(report: &mut Report, ground: &Ground, rounds: &[Round]) {
    let mut faults = Faults::default();
    for round in rounds {
        faults.merge(round.faults.clone());
    }
    report.check(
        "acknowledgements",
        faults.is_empty(),
        faults.describe(
            "each with the next number of its conversation, in Postgres, to no message but its own",
        ),
    );
    let counted: Vec<_> = rounds.iter().filter_map(|round| round.rows).collect();
    let acknowledged: u64 = counted.iter().map(|rows| rows.acknowledged).sum();
    let stored: u64 = counted.iter().map(|rows| rows.stored).sum();
    if counted.len() < rounds.len() {
        report.note("Rows that the tester may not see in a database are not counted.");
    }
    if !counted.is_empty() {
        let right = counted.iter().all(|rows| rows.acknowledged == rows.stored && rows.dense);
        report.check(
            "rows",
            right,
            format!("{acknowledged} acknowledged, {stored} stored, numbers without a hole"),
        );
    }
    if let Some(database) = &ground.database {
        let Facts { fsync, synchronous_commit, .. } = &database.facts;
        let detail = format!("fsync {fsync}, synchronous_commit {synchronous_commit}");
        report.check("commits reach the disk", database.is_durable(), detail);
    }
}

/// The bars on speed: Switchboard's own, and its lead over each peer.
fn speed(report: &mut Report, args: &SendArgs, median: &Median) {
    if median.contender == SWITCHBOARD {
        let bar = args.p99_factor * f64::from(args.conns) / median.acks_per_second * 1000.0;
        report.check(
            "p99",
            median.p99_ms <= bar,
            format!("{:.1} ms, at most {:.1} ms ({} × conns / rate)", median.p99_ms, bar, args.p99_factor),
        );
        if let (Some(tester), Some(server)) = (median.tester_cores, median.server_cores) {
            let detail =
                format!("the tester took {tester:.2} cores, the server {server:.2}; at most half of it");
            report.check("tester", tester <= server / 2.0, detail);
        }
    }
    let bar = match median.contender {
        title if title == peers::FASTAPI.title => args.over_fastapi,
        _ => args.over_node,
    };
    if let Some(ratio) = median.switchboard_is {
        let detail = format!("Switchboard is {ratio:.2} times as fast, at least {bar}");
        report.check(median.contender, ratio >= bar, detail);
    }
}

fn medians(rounds: &[Round]) -> Vec<Median> {
    let mut names: Vec<&'static str> = Vec::new();
    for round in rounds {
        if !names.contains(&round.contender) {
            names.push(round.contender);
        }
    }
    let mut medians: Vec<Median> = names.into_iter().map(|name| median_of(name, rounds)).collect();
    let ours =
        medians.iter().find(|median| median.contender == SWITCHBOARD).map(|median| median.acks_per_second);
    for median in medians.iter_mut().filter(|median| median.contender != SWITCHBOARD) {
        median.switchboard_is = ours.map(|ours| ours / median.acks_per_second);
    }
    medians
}

fn median_of(contender: &'static str, rounds: &[Round]) -> Median {
    let rounds: Vec<&Round> = rounds.iter().filter(|round| round.contender == contender).collect();
    let of =
        |figure: fn(&Round) -> f64| median(&rounds.iter().map(|round| figure(round)).collect::<Vec<_>>());
    let cores = |figure: fn(&Round) -> Option<Cores>| {
        let known: Option<Vec<f64>> = rounds.iter().map(|round| figure(round).map(|cores| cores.0)).collect();
        known.map(|known| median(&known))
    };
    Median {
        contender,
        acks_per_second: of(|round| round.acks_per_second),
        spread: spread(&rounds.iter().map(|round| round.acks_per_second).collect::<Vec<_>>()),
        p50_ms: of(|round| round.latency.p50_ms),
        p95_ms: of(|round| round.latency.p95_ms),
        p99_ms: of(|round| round.latency.p99_ms),
        server_cores: cores(|round| round.server_cores),
        postgres_cores: cores(|round| round.postgres_cores),
        tester_cores: cores(|round| round.tester_cores),
        switchboard_is: None,
    }
}

fn rounds_table(rounds: &[Round]) -> Table {
    let mut table = Table::new([
        "round",
        "acks/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "faults",
        "server cores",
        "postgres",
        "tester",
        "others",
        "server MB",
    ]);
    let cores = |cores: Option<Cores>| known(cores, |cores| format!("{:.2}", cores.0));
    for round in rounds {
        table.row([
            round.contender.to_owned(),
            grouped(round.acks_per_second),
            format!("{:.1}", round.latency.p50_ms),
            format!("{:.1}", round.latency.p95_ms),
            format!("{:.1}", round.latency.p99_ms),
            format!("{:.1}", round.latency.max_ms),
            round.faults.total().to_string(),
            cores(round.server_cores),
            cores(round.postgres_cores),
            cores(round.tester_cores),
            cores(round.other_cores),
            known(round.server_bytes, |bytes| (bytes / 1_000_000).to_string()),
        ]);
    }
    table
}

fn medians_table(medians: &[Median]) -> Table {
    let mut table =
        Table::new(["median", "acks/s", "spread", "p50 ms", "p95 ms", "p99 ms", "Switchboard is"]);
    for median in medians {
        table.row([
            median.contender.to_owned(),
            grouped(median.acks_per_second),
            format!("{:.0}%", median.spread * 100.0),
            format!("{:.1}", median.p50_ms),
            format!("{:.1}", median.p95_ms),
            format!("{:.1}", median.p99_ms),
            known(median.switchboard_is, |ratio| format!("{ratio:.2} ×")),
        ]);
    }
    table
}
