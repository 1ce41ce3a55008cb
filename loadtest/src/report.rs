//! What a run found: figures for machines, tables for people, and a verdict on each check.

mod chart;
pub mod compare;
pub mod page;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde::Serialize;
use serde_json::Value;

use crate::timeline::Timeline;

/// One run, whatever its scenario.
#[derive(Serialize)]
pub struct Report {
    pub scenario: &'static str,
    /// When it was begun, as people write it.
    pub began: String,
    pub machine: Machine,
    /// Of the tester, of the server and of Postgres, as far as they are known.
    pub versions: BTreeMap<String, String>,
    pub figures: Value,
    pub checks: Vec<Check>,
    pub notes: Vec<String>,
    /// How the run went, second by second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Latencies in milliseconds at rising shares, by what was measured.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
    #[serde(skip)]
    pub tables: Vec<Table>,
}

#[derive(Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub kernel: String,
}

#[derive(Serialize)]
pub struct Check {
    pub name: String,
    pub passed: bool,
    pub detail: String,
}

/// Columns are as wide as they must be; the first is text, the others are figures.
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Report {
    pub fn new(scenario: &'static str, figures: impl Serialize) -> anyhow::Result<Self> {
        let figures = serde_json::to_value(figures)?;
        let machine = Machine::this();
        Ok(Self {
            scenario,
            began: chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string(),
            machine,
            versions: BTreeMap::from([("loadtest".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            figures,
            checks: Vec::new(),
            notes: Vec::new(),
            timeline: None,
            curves: Vec::new(),
            tables: Vec::new(),
        })
    }

    pub fn check(&mut self, name: impl Into<String>, passed: bool, detail: impl Into<String>) {
        self.checks.push(Check { name: name.into(), passed, detail: detail.into() });
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }

    pub fn print(&self, json: bool) {
        if json {
            println!("{}", serde_json::to_string(self).expect("a report is plain data"));
        } else {
            print!("{}", self.text());
        }
    }

    fn circumstances(&self) -> String {
        let Machine { cpu, cores, memory_gib, kernel } = &self.machine;
        format!("{} on {cores} cores of {cpu}, {memory_gib} GiB, Linux {kernel}", self.scenario)
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.circumstances());
        for table in &self.tables {
            text.push('\n');
            text.push_str(&table.text());
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}");
        }
        text.push_str(if self.notes.is_empty() { "\n" } else { "\n\n" });
        for Check { name, passed, detail } in &self.checks {
            let verdict = if *passed { "ok  " } else { "FAIL" };
            let _ = writeln!(text, "{verdict}  {name}: {detail}");
        }
        text
    }
}

impl Table {
    pub fn new<const N: usize>(header: [&'static str; N]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.header.len());
        self.rows.push(cells.into());
    }

    fn text(&self) -> String {
        let header: Vec<String> = self.header.iter().map(ToString::to_string).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(&self.rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = width(column);
                let _ = if column == 0 {
                    write!(text, "{cell:width$}")
                } else {
                    write!(text, "  {cell:>width$}")
                };
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }
}

impl Machine {
    fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':'))
                .map_or_else(String::new, |(_, value)| value.trim().into())
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        let kibibytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self {
            cpu: value(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: (kibibytes + (1 << 19)) >> 20,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// The middle one, or the mean of the middle two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}

/// How far apart the rounds are, as a share of their median.
pub fn spread(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (largest - smallest) / median(values)
}

/// A count a second, or in relation to whatever else.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub fn per(count: u64, whole: f64) -> f64 {
    count as f64 / whole
}

/// 12345.6 as "12,346".
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure that may not be known.
pub fn known<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::{Table, grouped, median, spread};

    #[test]
    fn medians_and_spread() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0]) - 2.5).abs() < 1e-9);
        assert!((spread(&[90.0, 100.0, 110.0]) - 0.2).abs() < 1e-9);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,568", "-12,345"],
            [grouped(0.4), grouped(999.0), grouped(1000.0), grouped(1_234_567.8), grouped(-12345.0)]
        );
    }

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::new(["who", "rate"]);
        table.row(["a".into(), "1,000".into()]);
        table.row(["longer".into(), "9".into()]);
        assert_eq!(table.text(), "who      rate\na       1,000\nlonger      9\n");
    }
}
