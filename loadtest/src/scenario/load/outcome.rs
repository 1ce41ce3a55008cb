//! What rounds amount to, whoever played them: medians, ratios of rounds side by side, tables, and whether it was true.

use serde::Serialize;

use super::{Busy, Round};
use crate::database::{Database, Facts};
use crate::measure::Cores;
use crate::report::{Report, Table, grouped, known, median, spread};
use crate::view::Faults;

/// As much as the kernel's own work and a shell may take beside the measurement.
const QUIET: f64 = 0.2;

#[derive(Clone, Debug, Serialize)]
pub struct Median {
    pub contender: &'static str,
    pub acks_per_second: f64,
    pub spread: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub server_cores: Option<f64>,
    pub postgres_cores: Option<f64>,
    pub tester_cores: Option<f64>,
}

/// The contenders in the order of their first round.
pub fn medians(rounds: &[Round]) -> Vec<Median> {
    let mut names: Vec<&'static str> = Vec::new();
    for round in rounds {
        if !names.contains(&round.contender) {
            names.push(round.contender);
        }
    }
    names.into_iter().map(|name| median_of(name, rounds)).collect()
}

/// How many times the rate of `base` the rate of `contender` was, in each pair of their rounds: what slows the whole
/// machine slows both of a pair.
pub fn ratios(rounds: &[Round], contender: &str, base: &str) -> Vec<f64> {
    let rates = |name: &str| {
        let rounds = rounds.iter().filter(|round| round.contender == name);
        rounds.map(|round| round.acks_per_second).collect::<Vec<_>>()
    };
    rates(contender).into_iter().zip(rates(base)).map(|(rate, base)| rate / base).collect()
}

/// The checks that no speed makes up for.
pub fn truth(report: &mut Report, database: Option<&Database>, rounds: &[Round]) {
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
    if let Some(database) = database {
        let Facts { fsync, synchronous_commit, .. } = &database.facts;
        let detail = format!("fsync {fsync}, synchronous_commit {synchronous_commit}");
        report.check("commits reach the disk", database.is_durable(), detail);
    }
}

/// What must be said of the machine and of Postgres, so that nobody takes the figures for more than they are.
pub fn circumstances(report: &mut Report, facts: Option<&Facts>, busy: impl Iterator<Item = Busy>) {
    if let Some(Facts { version, fsync, synchronous_commit, shared_buffers }) = facts {
        report.versions.insert("Postgres".to_owned(), version.clone());
        report.note(format!(
            "Postgres {version}: fsync {fsync}, synchronous_commit {synchronous_commit}, shared_buffers {shared_buffers}."
        ));
    }
    let others = busy.filter_map(|busy| busy.others).map(|cores| cores.0).fold(0.0, f64::max);
    if others > QUIET {
        report.note(format!(
            "Others took up to {others:.2} cores: these are not the figures of a quiet machine."
        ));
    }
}

pub fn rounds_table(rounds: &[Round]) -> Table {
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
            cores(round.busy.server),
            cores(round.busy.postgres),
            cores(round.busy.tester),
            cores(round.busy.others),
            known(round.server_bytes, |bytes| (bytes / 1_000_000).to_string()),
        ]);
    }
    table
}

/// `relation` heads the last column: what each contender is beside the first.
pub fn medians_table(
    medians: &[Median],
    relation: &'static str,
    of: impl Fn(&Median) -> Option<String>,
) -> Table {
    let mut table = Table::new(["median", "acks/s", "spread", "p50 ms", "p95 ms", "p99 ms", relation]);
    for median in medians {
        table.row([
            median.contender.to_owned(),
            grouped(median.acks_per_second),
            format!("{:.0}%", median.spread * 100.0),
            format!("{:.1}", median.p50_ms),
            format!("{:.1}", median.p95_ms),
            format!("{:.1}", median.p99_ms),
            known(of(median), |relation| relation),
        ]);
    }
    table
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
        server_cores: cores(|round| round.busy.server),
        postgres_cores: cores(|round| round.busy.postgres),
        tester_cores: cores(|round| round.busy.tester),
    }
}

#[cfg(test)]
mod tests;
