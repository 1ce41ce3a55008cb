//! How a preset is refused: every fault at once, each with its place, what is wrong and how to mend it.

use std::fmt;
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    #[error("there is no preset `{name}`: give {known}, or the path of a .toml file")]
    Unknown { name: String, known: String },
    #[error("the preset {file} cannot be read: {error}")]
    Unreadable { file: String, error: io::Error },
    #[error("the page {file} has no title: begin it with a line like `# Opening hours`")]
    Untitled { file: String },
    #[error("{}", Report { file, faults })]
    Faulty { file: String, faults: Vec<Fault> },
}

/// One thing that is wrong with a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub column: usize,
    pub what: String,
    pub mend: String,
}

impl Fault {
    pub(super) fn at(text: &str, offset: usize, what: String, mend: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            what,
            mend,
        }
    }
}

struct Report<'a> {
    file: &'a str,
    faults: &'a [Fault],
}

/// One line a fault: a terminal, an editor and a grep all take it.
impl fmt::Display for Report<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Fault { line, column, what, mend }) in self.faults.iter().enumerate() {
            let newline = if index > 0 { "\n" } else { "" };
            write!(out, "{newline}{}, line {line}, column {column}: {what}", self.file)?;
            if !mend.is_empty() {
                write!(out, ": {mend}")?;
            }
        }
        Ok(())
    }
}
