//! What the rounds of `fanout` amount to: the cost of a delivery beside Node's, and whether every one of them was true.

use serde::Serialize;

use super::Round;
use crate::cli::FanoutArgs;
use crate::database::Facts;
use crate::measure::Cores;
use crate::peers;
use crate::report::{Report, Table, grouped, known, median, per};
use crate::scenario::SWITCHBOARD;
use crate::scenario::load::outcome;
use crate::view::Faults;

#[derive(Serialize)]
struct Figures<'a> {
    consoles: u32,
    rate: u32,
    rounds: &'a [Round],
    /// Of Node's CPU for a delivery, and of its memory: medians of the pairs.
    share_of_cpu: Option<f64>,
    share_of_memory: Option<f64>,
}

pub fn report(args: &FanoutArgs, rounds: &[Round], facts: Option<&Facts>) -> anyhow::Result<Report> {
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory stay far below 2^53")]
    let bytes = |round: &Round| round.server_bytes.map(|bytes| bytes as f64);
    let (cpu, memory) = (shares(rounds, |round| round.micros_each), shares(rounds, bytes));
    let [share_of_cpu, share_of_memory] =
        [&cpu, &memory].map(|shares| (!shares.is_empty()).then(|| median(shares)));
    let figures = Figures { consoles: args.conns, rate: args.rate, rounds, share_of_cpu, share_of_memory };
    let mut report = Report::new("fanout", figures)?;
    report.table(table(rounds));
    report.note(format!(
        "{} consoles, {} changes a second for {} s; the time from the moment a change was due, its commit included.",
        args.conns, args.rate, args.secs
    ));
    outcome::circumstances(&mut report, facts, rounds.iter().map(|round| round.busy));

    let mut faults = Faults::default();
    for round in rounds {
        faults.merge(round.faults.clone());
    }
    report.check("truth", faults.is_empty(), faults.describe("each console ended equal to the table"));
    let few = rounds.iter().any(|round| round.deliveries < round.changes * u64::from(args.conns));
    let deliveries: u64 = rounds.iter().map(|round| round.deliveries).sum();
    report.check("deliveries", !few && deliveries > 0, format!("{deliveries}, each change to each console"));
    let listed =
        |shares: &[f64]| shares.iter().map(|share| format!("{share:.2}")).collect::<Vec<_>>().join(", ");
    if let Some(share) = share_of_cpu {
        let detail = format!(
            "{share:.2} of Node's CPU for a delivery, the median of {}; at most {}",
            listed(&cpu),
            args.share
        );
        report.check("CPU", share <= args.share, detail);
    }
    if let Some(share) = share_of_memory {
        let detail = format!("{share:.2} of Node's, the median of {}; at most 1", listed(&memory));
        report.check("memory", share <= 1.0, detail);
    }
    Ok(report)
}

/// Of a figure, Switchboard's over Node's in each pair of rounds.
fn shares(rounds: &[Round], figure: impl Fn(&Round) -> Option<f64>) -> Vec<f64> {
    let of = |name: &str| {
        let rounds = rounds.iter().filter(|round| round.contender == name);
        rounds.filter_map(&figure).collect::<Vec<_>>()
    };
    of(SWITCHBOARD).into_iter().zip(of(peers::NODE_FEED.title)).map(|(own, peer)| own / peer).collect()
}

fn table(rounds: &[Round]) -> Table {
    let mut table = Table::new([
        "round",
        "changes",
        "deliveries",
        "deliveries/s",
        "CPU µs each",
        "p50 ms",
        "p99 ms",
        "server cores",
        "Postgres",
        "tester",
        "others",
        "server MB",
    ]);
    let cores = |cores: Option<Cores>| known(cores, |cores| format!("{:.2}", cores.0));
    for round in rounds {
        table.row([
            round.contender.to_owned(),
            round.changes.to_string(),
            grouped(per(round.deliveries, 1.0)),
            grouped(round.deliveries_per_second),
            known(round.micros_each, |micros| format!("{micros:.1}")),
            format!("{:.1}", round.latency.p50_ms),
            format!("{:.1}", round.latency.p99_ms),
            cores(round.busy.server),
            cores(round.busy.postgres),
            cores(round.busy.tester),
            cores(round.busy.others),
            known(round.server_bytes, |bytes| (bytes / 1_000_000).to_string()),
        ]);
    }
    table
}
