//! A report as one page that needs nothing beside itself: figures, verdicts, charts, machine and versions.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::chart::{Axis, Chart, Line};
use super::{Check, Report, Table};
use crate::timeline::{Figure, Mark, Sample, Timeline};

/// Where the axis of shares ends: the last point, which is all of them, stands there.
const HALVINGS: f64 = 11.0;

const STYLE: &str = include_str!("page.css");

/// Writes `report.html` and `report.json` into the folder.
pub fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    fs::write(folder.join("report.json"), serde_json::to_string_pretty(report)?)?;
    fs::write(folder.join("report.html"), page(report)?)?;
    Ok(())
}

fn page(report: &Report) -> anyhow::Result<String> {
    let scenario = escaped(report.scenario);
    let verdict = if report.passed() { "held" } else { "failed" };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>loadtest {scenario}: {verdict}</title>\n<style>\n{STYLE}</style>\n\
         <h1>{scenario} <span class=\"{verdict}\">{verdict}</span></h1>\n<p>{}</p>\n",
        escaped(&report.circumstances())
    );
    checks(&mut page, &report.checks);
    for table in &report.tables {
        figures(&mut page, table);
    }
    for note in &report.notes {
        let _ = writeln!(page, "<p>{}</p>", escaped(note));
    }
    if let Some(timeline) = &report.timeline {
        for chart in over_time(timeline) {
            draw(&mut page, &chart)?;
        }
        if !timeline.trends.is_empty() {
            page.push_str("<p>The thin straight lines are the ones that were fitted.</p>\n");
        }
        marks(&mut page, &timeline.marks);
    }
    let curves = report.curves.iter().map(|(name, curve)| Line {
        name,
        points: curve.iter().map(|(share, ms)| (halvings(*share), Some(*ms))).collect(),
        trend: None,
    });
    let lines: Vec<Line<'_>> = curves.filter(|line| !line.points.is_empty()).collect();
    let title = "Latency by share of all";
    draw(
        &mut page,
        &Chart { title, unit: "ms", lines, marks: Vec::new(), x: Axis::Halvings, until: HALVINGS },
    )?;
    page.push_str("<h2>Machine and versions</h2>\n<table>\n");
    let machine = &report.machine;
    let mut rows = vec![
        ("processor", machine.cpu.clone()),
        ("cores", machine.cores.to_string()),
        ("memory", format!("{} GiB", machine.memory_gib)),
        ("Linux", machine.kernel.clone()),
        ("began", report.began.clone()),
    ];
    rows.extend(report.versions.iter().map(|(name, version)| (name.as_str(), version.clone())));
    for (name, value) in rows {
        let _ =
            writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(name), escaped(&value));
    }
    page.push_str("</table>\n</html>\n");
    Ok(page)
}

fn checks(page: &mut String, checks: &[Check]) {
    page.push_str("<ul class=\"checks\">\n");
    for Check { name, passed, detail } in checks {
        let (class, verdict) = if *passed { ("held", "held") } else { ("failed", "failed") };
        let (name, detail) = (escaped(name), escaped(detail));
        let _ = writeln!(page, "<li><span class=\"{class}\">{verdict}</span> <b>{name}</b>: {detail}</li>");
    }
    page.push_str("</ul>\n");
}

fn figures(page: &mut String, table: &Table) {
    page.push_str("<div class=\"wide\"><table>\n<tr>");
    for name in &table.header {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(name));
    }
    page.push_str("</tr>\n");
    for row in &table.rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escaped(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}

fn draw(page: &mut String, chart: &Chart<'_>) -> anyhow::Result<()> {
    if let Some(svg) = chart.svg()? {
        let _ = writeln!(page, "<h2>{}</h2>\n<p>{}</p>\n<figure>{svg}</figure>", chart.title, chart.legend());
    }
    Ok(())
}

fn marks(page: &mut String, marks: &[Mark]) {
    if marks.is_empty() {
        return;
    }
    page.push_str("<h2>What was done to it</h2>\n<ol class=\"marks\">\n");
    for Mark { at_s, what } in marks {
        let _ = writeln!(page, "<li>{at_s:.1} s: {}</li>", escaped(what));
    }
    page.push_str("</ol>\n");
}

fn over_time(timeline: &Timeline) -> Vec<Chart<'_>> {
    let until = timeline.samples.last().map_or(0.0, |sample| sample.at_s);
    let chart = |title, unit, figures: &[(&'static str, Curve)]| {
        let lines = figures.iter().map(|(name, curve)| Line {
            name,
            points: timeline.samples.iter().map(|sample| (sample.at_s, curve.at(sample))).collect(),
            trend: timeline
                .trends
                .iter()
                .find(|trend| curve.is(trend.figure))
                .map(|trend| [trend.from, trend.to]),
        });
        // A line of which nothing is known is not drawn, nor explained.
        let lines = lines.filter(|line| line.points.iter().any(|(_, value)| value.is_some())).collect();
        let marks = timeline.marks.iter().map(|mark| mark.at_s).collect();
        Chart { title, unit, lines, marks, x: Axis::Seconds, until }
    };
    let by = |curve: fn(&Sample) -> Option<f64>| Curve::By(curve);
    vec![
        chart("Throughput", "/s", &[("each second", by(|sample| Some(sample.rate)))]),
        chart("Latency", "ms", &[("p50", by(|sample| sample.p50_ms)), ("p99", by(|sample| sample.p99_ms))]),
        chart(
            "Processor, in cores",
            "",
            &[
                ("server", by(|sample| sample.server_cores)),
                ("Postgres", by(|sample| sample.postgres_cores)),
                ("tester", by(|sample| sample.tester_cores)),
            ],
        ),
        chart(
            "Memory",
            "MB",
            &[("server", Curve::Of(Figure::ServerMb)), ("Postgres", Curve::Of(Figure::PostgresMb))],
        ),
        chart(
            "Handles, threads, processes",
            "",
            &[
                ("files and sockets of the server", Curve::Of(Figure::ServerHandles)),
                ("threads of the server", Curve::Of(Figure::ServerThreads)),
                ("processes of Postgres", Curve::Of(Figure::PostgresProcesses)),
            ],
        ),
        chart(
            "Tasks and sessions of the server",
            "",
            &[("tasks", Curve::Of(Figure::ServerTasks)), ("sessions", Curve::Of(Figure::ServerSessions))],
        ),
    ]
}

/// What a line shows of each sample.
#[derive(Clone, Copy)]
enum Curve {
    By(fn(&Sample) -> Option<f64>),
    /// Something that may grow.
    Of(Figure),
}

impl Curve {
    fn at(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::By(curve) => curve(sample),
            Self::Of(figure) => sample.of(figure),
        }
    }

    fn is(self, figure: Figure) -> bool {
        matches!(self, Self::Of(of) if of == figure)
    }
}

/// How often what is left was halved before this share; the last one stands at the end of the axis.
fn halvings(share: f64) -> f64 {
    (-(1.0 - share).log2()).min(HALVINGS)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{page, write};
    use crate::report::{Report, Table};
    use crate::timeline::{Mark, Sample, Timeline};

    fn report() -> Report {
        let mut report = Report::new("replay", serde_json::json!({"turns": 3})).unwrap();
        let mut table = Table::new(["who <b>", "rate"]);
        table.row(["a & b".into(), "1,000".into()]);
        report.table(table);
        report.check("truth", true, "each <once>");
        let sample = |at_s| Sample { at_s, rate: 5.0, p50_ms: Some(1.0), ..Sample::default() };
        let marks = vec![Mark { at_s: 1.5, what: "kill -9 of the server".into() }];
        let samples = vec![sample(1.0), sample(2.0)];
        report.timeline = Some(Timeline { samples, marks, trends: Vec::new() });
        report.curves = vec![("acknowledged".into(), vec![(0.5, 1.0), (1.0, 9.0)])];
        report
    }

    #[test]
    fn a_page_holds_everything_and_needs_nothing_else() {
        let page = page(&report()).unwrap();
        for part in
            ["a &amp; b", "each &lt;once&gt;", "<svg", "kill -9 of the server", "acknowledged", "held"]
        {
            assert!(page.contains(part), "{part}");
        }
        for foreign in ["<script", "<link", "src=", "@import"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn both_files_are_written() {
        let folder = tempfile::TempDir::new().unwrap();
        write(&report(), &folder.path().join("new")).unwrap();
        let text = std::fs::read_to_string(folder.path().join("new/report.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["figures"]["turns"], &value["scenario"]), (&3.into(), &"replay".into()));
    }
}
