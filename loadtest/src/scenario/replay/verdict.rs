//! What a replay found.

use super::{Figures, Stage};
use crate::database::Database;
use crate::measure::Cores;
use crate::report::{Report, Table, grouped, known, per};
use crate::scenario::load::outcome;

pub fn report(
    scenario: &'static str,
    figures: &Figures,
    stage: &Stage,
    database: Option<&Database>,
) -> anyhow::Result<Report> {
    let mut report = Report::new(scenario, figures)?;
    let cores = |cores: Option<Cores>| known(cores, |cores| format!("{:.2}", cores.0));
    let mut table = Table::new([
        "conversations",
        "turns",
        "replies",
        "by staff",
        "ack p50 ms",
        "p99 ms",
        "reply p50 ms",
        "p99 ms",
        "server cores",
        "Postgres",
        "tester",
        "others",
    ]);
    table.row([
        grouped(per(figures.conversations as u64, 1.0)),
        grouped(per(figures.turns, 1.0)),
        grouped(per(figures.replies, 1.0)),
        figures.staff_messages.to_string(),
        format!("{:.1}", figures.acknowledged.p50_ms),
        format!("{:.1}", figures.acknowledged.p99_ms),
        format!("{:.1}", figures.replied.p50_ms),
        format!("{:.1}", figures.replied.p99_ms),
        cores(figures.busy.server),
        cores(figures.busy.postgres),
        cores(figures.busy.tester),
        cores(figures.busy.others),
    ]);
    report.table(table);
    let mut network =
        Table::new(["bad networks", "drops", "lost", "recovered", "fresh", "sent again", "there already"]);
    network.row([
        figures.on_bad_networks.to_string(),
        figures.drops.to_string(),
        figures.lost_connections.to_string(),
        figures.recovered.to_string(),
        figures.fresh.to_string(),
        figures.repeats.to_string(),
        figures.duplicates.to_string(),
    ]);
    report.table(network);
    report.note(format!("{:.0} s; seed {}.", figures.seconds, figures.seed));
    report.note("Latency runs from the moment at which a visitor had thought and typed enough.");
    outcome::circumstances(
        &mut report,
        database.map(|database| &database.facts),
        std::iter::once(figures.busy),
    );
    report.curves = vec![
        ("acknowledged".to_owned(), stage.acknowledged.curve()),
        ("replied".to_owned(), stage.replied.curve()),
    ];

    let fine = "each visitor saw each message once, in order, and a reply to each turn";
    report.check("truth", figures.truth.is_empty(), figures.truth.describe(fine));
    let fine = format!("{} messages, each what its visitor saw", figures.messages_compared);
    report.check("history", figures.history.is_empty(), figures.history.describe(&fine));
    match &figures.rows {
        Some(rows) => {
            report.check("rows", rows.is_empty(), rows.describe("each message is what its row holds"));
        }
        None => report.note("The rows cannot be seen by this tester: name their database with --database."),
    }
    let detail = format!("{} of {} messages were acknowledged", figures.turns, figures.scripted);
    report.check("all said", figures.turns == figures.scripted && figures.turns > 0, detail);
    Ok(report)
}
