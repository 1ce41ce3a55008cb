//! What `growth` found: rates beside each other, opening times beside each other, and a verdict on both.

use super::opening::{Cell, Openings, REQUESTS};
use super::{EMPTY, FULL, Figures};
use crate::cli::GrowthArgs;
use crate::database::Database;
use crate::report::{Report, Table, grouped, median, per};
use crate::scenario::load::outcome::{self, ratios};

pub fn report(args: &GrowthArgs, database: &Database, figures: Figures<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("growth", &figures)?;
    let Figures { load, filled, rounds, openings, .. } = figures;
    let medians = outcome::medians(&rounds);
    let shares = ratios(&rounds, FULL, EMPTY);
    let share = median(&shares);
    report.table(outcome::rounds_table(&rounds));
    report.table(outcome::medians_table(&medians, "of the empty", |median| {
        (median.contender == FULL).then(|| format!("{:.1}%", share * 100.0))
    }));
    report.table(openings_table(&openings));
    report.note(load.to_string());
    let [conversations, messages] =
        [filled.conversations, filled.messages].map(|count| grouped(per(count, 1.0)));
    let gigabytes = |bytes: u64| format!("{:.1} GB", per(bytes, 1e9));
    report.note(format!(
        "The full database began with {conversations} conversations and {messages} messages, written in {:.0} s: {}, of \
         which messages {} and their indexes {}.",
        filled.seconds,
        gigabytes(filled.database_bytes),
        gigabytes(filled.messages_bytes),
        gigabytes(filled.messages_index_bytes)
    ));
    report.note(format!(
        "Each conversation was opened on a server started for it, {} times: nothing of it was in memory, but much of \
         the database in Postgres' and the system's caches.",
        args.restarts
    ));
    let busy = rounds.iter().map(|round| round.busy).chain(openings.busy.iter().copied());
    outcome::circumstances(&mut report, Some(&database.facts), busy);

    report.check("filled", filled.whole, format!("{conversations} conversations and {messages} messages"));
    outcome::truth(&mut report, Some(database), &rounds);
    report.check(
        "answers",
        openings.faults.is_empty(),
        openings.faults.describe("each with exactly the messages asked for"),
    );
    let pairs: Vec<String> = shares.iter().map(|share| format!("{share:.2}")).collect();
    let detail = format!(
        "{:.1}% of the empty database's rate, the median of {}; at least {:.0}%",
        share * 100.0,
        pairs.join(", "),
        args.share * 100.0
    );
    report.check("rate", share >= args.share, detail);
    for request in REQUESTS {
        let cells: Vec<&Cell> = openings.of(request).collect();
        if let [short, .., long] = cells[..] {
            let ratio = ratio(long, short);
            let (from, to) = (short.shape.length, long.shape.length);
            let detail =
                format!("{to} messages cost {ratio:.2} × as much as {from}, at most {} ×", args.open_factor);
            report.check(request.name(), ratio <= args.open_factor, detail);
        }
    }
    Ok(report)
}

fn ratio(cell: &Cell, base: &Cell) -> f64 {
    cell.percentiles().p50_ms / base.percentiles().p50_ms
}

fn openings_table(openings: &Openings) -> Table {
    let mut table =
        Table::new(["opening", "messages stored", "sent", "times", "p50 ms", "p95 ms", "of the short"]);
    for request in REQUESTS {
        let mut base = None;
        for cell in openings.of(request) {
            let base = *base.get_or_insert(cell);
            let percentiles = cell.percentiles();
            table.row([
                request.name().to_owned(),
                grouped(f64::from(cell.shape.length)),
                cell.messages.to_string(),
                percentiles.count.to_string(),
                format!("{:.2}", percentiles.p50_ms),
                format!("{:.2}", percentiles.p95_ms),
                format!("{:.2} ×", ratio(cell, base)),
            ]);
        }
    }
    table
}
