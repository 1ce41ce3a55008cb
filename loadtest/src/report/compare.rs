//! Two runs side by side: every figure that both have, and what held in one of them and not in the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Report, Table};

/// Reads what `--report DIR` has written, twice.
pub fn compare(before: &Path, after: &Path) -> anyhow::Result<Report> {
    let (old, new) = (read(before)?, read(after)?);
    let [scenario, other] = [&old, &new].map(|run| run["scenario"].as_str().unwrap_or_default());
    ensure!(scenario == other, "{scenario} and {other} cannot be compared");
    let [figures, others] = [&old, &new].map(|run| {
        let mut figures = BTreeMap::new();
        flatten("", &run["figures"], &mut figures);
        figures
    });
    let rows: Vec<Row> = figures
        .into_iter()
        .filter_map(|(figure, before)| {
            let after = *others.get(&figure)?;
            Some(Row { figure, before, after, ratio: (before != 0.0).then(|| after / before) })
        })
        .collect();

    let mut report = Report::new("compare", json!({"of": scenario, "figures": &rows}))?;
    let mut table = Table::new(["figure", "A", "B", "B / A"]);
    for Row { figure, before, after, ratio } in &rows {
        let ratio = super::known(*ratio, |ratio| format!("{ratio:.2}"));
        table.row([figure.clone(), short(*before), short(*after), ratio]);
    }
    report.table(table);
    for (name, run) in [("A", &old), ("B", &new)] {
        report.note(format!("{name}: {scenario}, {}", run["began"].as_str().unwrap_or("some time ago")));
    }
    let (held, failed) = (checks(&old, true), checks(&new, false));
    let lost: Vec<&str> = failed.into_iter().filter(|name| held.contains(name)).collect();
    let detail =
        if lost.is_empty() { "everything that held in A holds in B".into() } else { lost.join(", ") };
    report.check("held", lost.is_empty(), detail);
    Ok(report)
}

#[derive(Serialize)]
struct Row {
    figure: String,
    before: f64,
    after: f64,
    ratio: Option<f64>,
}

/// A folder, or the file in it.
fn read(path: &Path) -> anyhow::Result<Value> {
    let file: PathBuf = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let run: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))?;
    ensure!(run["figures"].is_object(), "{} is no report of a run", file.display());
    Ok(run)
}

fn flatten(path: &str, value: &Value, figures: &mut BTreeMap<String, f64>) {
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Number(number) => {
            figures.extend(number.as_f64().map(|number| (path.to_owned(), number)));
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&within(name), value, figures);
            }
        }
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(nth, value)| flatten(&within(&nth.to_string()), value, figures));
        }
        _ => {}
    }
}

fn checks(run: &Value, passed: bool) -> Vec<&str> {
    let checks = run["checks"].as_array().into_iter().flatten();
    checks.filter(|check| check["passed"] == passed).filter_map(|check| check["name"].as_str()).collect()
}

/// Whole numbers as such, others with as many digits as say something.
fn short(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 { super::grouped(value) } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::compare;
    use crate::report::{Report, page};

    fn run(folder: &std::path::Path, p99: f64, held: bool) {
        let mut report = Report::new("send", json!({"rounds": [{"p99_ms": p99}], "note": "text"})).unwrap();
        report.check("p99", held, "");
        page::write(&report, folder).unwrap();
    }

    #[test]
    fn a_run_is_set_beside_another() {
        let folder = tempfile::TempDir::new().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        run(&a, 20.0, true);
        run(&b, 30.0, true);
        let report = compare(&a, &b).unwrap();
        assert_eq!(report.figures["figures"][0]["figure"], "rounds.0.p99_ms");
        assert_eq!(report.figures["figures"][0]["ratio"], 1.5);
        assert!(report.passed());
        run(&b, 30.0, false);
        assert!(!compare(&a, &b.join("report.json")).unwrap().passed());
        let error = compare(&a, folder.path()).err().unwrap();
        assert!(format!("{error:#}").contains("report.json"), "{error:#}");
    }
}
