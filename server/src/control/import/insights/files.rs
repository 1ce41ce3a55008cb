//! What a file holds, one thing after the other: an insight, or a row of a warehouse, or why it is neither.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value};

use super::super::{LINE, Lines};
use super::rows::{self, Row};
use super::shape;

/// A file beyond this holds no insight.
const FILE: u64 = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One insight, or a list of them.
    Json,
    /// An insight or a row a line.
    Lines,
    /// A row a line, under the names of the columns.
    Csv,
}

/// Something that was found, and where: the file with the line, or the place in a list.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) place: String,
    pub(super) what: Result<What, String>,
}

#[derive(Debug)]
pub(super) enum What {
    Insight(Value),
    Row(Row),
}

impl Kind {
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::Lines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// The insights of JSON files, each read whole.
pub(super) fn insights(paths: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.display().to_string();
        match whole(path) {
            Ok(Value::Array(list)) => {
                found.extend((0..).zip(list).map(|(at, value): (usize, _)| Found {
                    place: format!("{name}[{at}]"),
                    what: Ok(What::Insight(shape::draft(value))),
                }));
            }
            Ok(value) => found.push(Found { place: name, what: Ok(What::Insight(shape::draft(value))) }),
            Err((line, why)) => {
                let place = line.map_or(name.clone(), |line| format!("{name}:{line}"));
                found.push(Found { place, what: Err(why) });
            }
        }
    }
    found
}

fn whole(path: &Path) -> Result<Value, (Option<usize>, String)> {
    let unreadable = |error: std::io::Error| (None, error.to_string());
    if std::fs::metadata(path).map_err(unreadable)?.len() > FILE {
        return Err((None, format!("it is larger than {} MiB", FILE >> 20)));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        (Some(before + 1), "it is no UTF-8".to_owned())
    })?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err((None, "it is empty".to_owned()));
    }
    serde_json::from_str(text)
        .map_err(|error| (Some(error.line()), format!("it is no JSON: {}", reason(&error))))
}

/// What is wrong with a text that was to be JSON, without where: that is said before it.
fn reason(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or(&words).to_owned()
}

/// A file that is read line by line.
pub(super) enum Reader {
    Lines(Lines),
    Csv { columns: Vec<String>, records: csv::Reader<File> },
}

impl Reader {
    pub(super) async fn open(path: &Path, kind: Kind) -> anyhow::Result<Self> {
        if kind == Kind::Lines {
            return Ok(Self::Lines(Lines::open(path).await?));
        }
        let unreadable = || format!("{} cannot be read", path.display());
        let mut records =
            csv::ReaderBuilder::new().flexible(true).from_path(path).with_context(unreadable)?;
        let columns = records.headers().with_context(unreadable)?;
        let columns = columns.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        Ok(Self::Csv { columns, records })
    }

    /// The next one with its line.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<(usize, Result<What, String>)>> {
        match self {
            Self::Lines(lines) => {
                let Some((number, text)) = lines.next().await? else { return Ok(None) };
                Ok(Some((number, text.and_then(|text| line(&text)))))
            }
            Self::Csv { columns, records } => {
                let mut record = csv::StringRecord::new();
                match tokio::task::block_in_place(|| records.read_record(&mut record)) {
                    Ok(false) => Ok(None),
                    Ok(true) => {
                        let line = record.position().map_or(0, csv::Position::line);
                        Ok(Some((usize::try_from(line).unwrap_or_default(), cells(columns, &record))))
                    }
                    Err(error) => match error.into_kind() {
                        csv::ErrorKind::Utf8 { pos, .. } => {
                            let line = pos.map_or(0, |pos| pos.line());
                            Ok(Some((
                                usize::try_from(line).unwrap_or_default(),
                                Err("the line is no UTF-8".to_owned()),
                            )))
                        }
                        csv::ErrorKind::Io(error) => Err(error.into()),
                        other => anyhow::bail!("the file cannot be read on: {other:?}"),
                    },
                }
            }
        }
    }
}

fn line(text: &str) -> Result<What, String> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("the line is no JSON: {}", reason(&error)))?;
    match value {
        Value::Object(columns) if is_row(&columns) => rows::row(&columns).map(What::Row),
        Value::Object(members) => Ok(What::Insight(shape::draft(members.into()))),
        _ => Err("the line is no JSON object".to_owned()),
    }
}

/// A row has a text of its own; an insight has its insights.
fn is_row(columns: &Map<String, Value>) -> bool {
    let is_there = |name: &str| columns.keys().any(|column| column.eq_ignore_ascii_case(name));
    !is_there("insights") && !is_there("insight") && rows::TEXT.iter().any(|name| is_there(name))
}

fn cells(columns: &[String], record: &csv::StringRecord) -> Result<What, String> {
    if record.len() != columns.len() {
        return Err(format!("it has {} columns, and the first line names {}", record.len(), columns.len()));
    }
    if record.as_slice().len() > LINE {
        return Err(format!("the line is longer than {} MiB", LINE >> 20));
    }
    let named = columns.iter().zip(record).map(|(name, cell)| (name.clone(), Value::from(cell)));
    rows::row(&named.collect()).map(What::Row)
}
