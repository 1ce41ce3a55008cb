//! What becomes of each table: how many rows came over, and which did not, by name.

use anyhow::Result;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::super::output::Output;
use super::super::TOLD;
use super::super::faults::Faults;

pub(super) struct Ledger {
    output: Output,
    faults: Faults,
    dry_run: bool,
    entries: Vec<Entry>,
    told: Instant,
}

/// Of one table, or of several that are read as one.
#[derive(Debug, Default)]
struct Entry {
    name: String,
    /// What its rows become.
    into: &'static str,
    rows: u64,
    read: u64,
    new: u64,
    known: u64,
    failed: u64,
    /// Rows that later ones of the same have overtaken.
    overtaken: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page(usize);

impl Ledger {
    pub(super) fn new(output: &Output, faults: Faults, dry_run: bool) -> Self {
        Self { output: output.clone(), faults, dry_run, entries: Vec::new(), told: Instant::now() }
    }

    pub(super) fn open(&mut self, name: &str, into: &'static str, rows: u64) -> Page {
        self.entries.push(Entry { name: name.to_owned(), into, rows, ..Entry::default() });
        Page(self.entries.len() - 1)
    }

    /// One more row was read; now and then that is told.
    pub(super) async fn read(&mut self, page: Page) -> Result<()> {
        let entry = &mut self.entries[page.0];
        entry.read += 1;
        if !entry.read.is_multiple_of(64) || self.told.elapsed() < TOLD {
            return Ok(());
        }
        self.told = Instant::now();
        Ok(self.output.note(entry.progress()).await?)
    }

    pub(super) fn new_rows(&mut self, page: Page, rows: u64) {
        self.entries[page.0].new += rows;
    }

    pub(super) fn known_rows(&mut self, page: Page, rows: u64) {
        self.entries[page.0].known += rows;
    }

    pub(super) fn overtaken(&mut self, page: Page) {
        self.entries[page.0].overtaken += 1;
    }

    /// Failures that were named elsewhere.
    pub(super) fn failed_rows(&mut self, page: Page, rows: u64) {
        self.entries[page.0].failed += rows;
    }

    /// Names a row of a table that does not come over.
    pub(super) async fn refuse(&mut self, page: Page, place: &str, why: &str) -> Result<()> {
        self.entries[page.0].failed += 1;
        self.faults.name(place, why).await
    }

    /// Nothing more fails; the source, where all of it was gone through.
    pub(super) async fn end(&mut self, source: Option<&str>) -> Result<()> {
        self.faults.end(source).await
    }

    pub(super) async fn note(&self, note: String) -> Result<()> {
        Ok(self.output.note(note).await?)
    }

    pub(super) fn failed(&self) -> u64 {
        self.entries.iter().map(|entry| entry.failed).sum()
    }

    pub(super) fn changed(&self) -> u64 {
        self.entries.iter().map(|entry| entry.new).sum()
    }

    /// For the audit log.
    pub(super) fn detail(&self) -> Value {
        let of = |entry: &Entry| {
            let counts = json!({"new": entry.new, "known": entry.known, "failed": entry.failed});
            (entry.name.clone(), counts)
        };
        self.entries.iter().map(of).collect::<Map<_, _>>().into()
    }

    /// Table by table.
    pub(super) async fn summary(&self) -> Result<()> {
        for entry in &self.entries {
            self.output.line(entry.sentence(self.dry_run)).await?;
        }
        Ok(())
    }
}

impl Entry {
    fn progress(&self) -> String {
        const WIDTH: u64 = 24;
        let Self { name, rows, read, .. } = self;
        let rows = (*rows).max(*read).max(1);
        let full = read * WIDTH / rows;
        let bar: String = (0..WIDTH).map(|at| if at < full { '#' } else { '.' }).collect();
        format!("[{bar}] {:>3}%  {name}: {read} of {rows} rows", read * 100 / rows)
    }

    fn sentence(&self, dry_run: bool) -> String {
        let Self { name, into, read, new, known, failed, overtaken, .. } = self;
        let came = if dry_run { "could come over" } else { "came over" };
        let behind = if *overtaken > 0 {
            format!(", {overtaken} were overtaken by later ones")
        } else {
            String::new()
        };
        format!(
            "{name} ({into}): {read} rows, {new} {came}, {known} were there already, {failed} failed{behind}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_as_rows_are_read() {
        let mut entry = Entry { name: "messages".to_owned(), rows: 200, read: 50, ..Entry::default() };
        assert_eq!(entry.progress(), "[######..................]  25%  messages: 50 of 200 rows");
        entry.read = 300;
        assert_eq!(entry.progress(), "[########################] 100%  messages: 300 of 300 rows");
        entry.rows = 0;
        entry.read = 0;
        assert!(entry.progress().contains("0 of 1 rows"));
    }
}
