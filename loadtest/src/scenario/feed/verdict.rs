//! What `feed` found: how quickly consoles were told, and whether each of them ended with the truth.

use super::Figures;
use crate::cli::FeedArgs;
use crate::database::Database;
use crate::measure::Cores;
use crate::report::{Report, Table, grouped, known, per};
use crate::scenario::latency::Percentiles;
use crate::scenario::load::outcome;

pub fn report(args: &FeedArgs, figures: &Figures, database: Option<&Database>) -> anyhow::Result<Report> {
    let mut report = Report::new("feed", figures)?;
    let cores = |cores: Option<Cores>| known(cores, |cores| format!("{:.2}", cores.0));
    let mut table = Table::new([
        "consoles",
        "escalations",
        "changes",
        "drops",
        "live",
        "caught up",
        "snapshots",
        "server cores",
        "Postgres",
        "tester",
        "others",
        "server MB",
    ]);
    let busy = figures.busy;
    table.row([
        figures.consoles.to_string(),
        figures.escalations.to_string(),
        grouped(per(figures.made.total(), 1.0)),
        figures.console.drops.to_string(),
        grouped(per(figures.console.live, 1.0)),
        grouped(per(figures.console.caught_up, 1.0)),
        figures.console.snapshots.to_string(),
        cores(busy.server),
        cores(busy.postgres),
        cores(busy.tester),
        cores(busy.others),
        known(figures.server_bytes, |bytes| (bytes / 1_000_000).to_string()),
    ]);
    report.table(table);
    let mut latency = Table::new(["told, from", "times", "p50 ms", "p95 ms", "p99 ms", "max ms"]);
    for (from, Percentiles { count, p50_ms, p95_ms, p99_ms, max_ms }) in
        [("the request", figures.from_request), ("its answer", figures.from_answer)]
    {
        let [p50, p95, p99, max] = [p50_ms, p95_ms, p99_ms, max_ms].map(|ms| format!("{ms:.1}"));
        latency.row([from.to_owned(), grouped(per(count, 1.0)), p50, p95, p99, max]);
    }
    report.table(latency);
    let made = figures.made;
    report.note(format!(
        "{} claims, {} assignments, {} releases, {} resolutions, {} reopened, in {:.0} s; seed {}.",
        made.claims,
        made.assignments,
        made.releases,
        made.resolutions,
        made.reopened,
        figures.seconds,
        figures.seed
    ));
    report.note(
        "The time from the request holds the commit too; a console may be told before the answer is there.",
    );
    outcome::circumstances(&mut report, database.map(|database| &database.facts), std::iter::once(busy));

    let fine = format!("each console ended equal to the table of {} escalations", figures.escalations);
    report.check("truth", figures.faults.is_empty(), figures.faults.describe(&fine));
    match &figures.rows {
        Some(faults) => {
            report.check("rows", faults.is_empty(), faults.describe("the table is what the database has"));
        }
        None => report.note("The rows cannot be seen by this tester, and are not compared."),
    }
    let detail = format!("{} are still pending, with consoles that have them", figures.pending);
    report.check("notified", figures.pending == 0, detail);
    let detail = format!(
        "{} drops, {} rows caught up with, {} told live, {} changes",
        figures.console.drops,
        figures.console.caught_up,
        figures.console.live,
        made.total()
    );
    let tried = figures.console.caught_up > 0 && figures.console.live > 0 && made.total() > 0;
    report.check("put to the test", tried, detail);
    let p99 = figures.from_answer.p99_ms;
    let detail = format!("{p99:.1} ms from the answer that proves the commit, at most {} ms", args.p99);
    report.check("p99", p99 <= args.p99, detail);
    Ok(report)
}
