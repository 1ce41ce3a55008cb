//! How a configuration is refused: with the name of what is wrong, where it stands, and what it takes.
//! No sentence repeats a secret or an address of a database.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::setting::Setting;
use crate::store::source::SourceError;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{origin} is {given}: it takes {takes}")]
    Wrong { origin: Origin, given: String, takes: String },
    #[error("{origin}: {error}")]
    Database { origin: Origin, error: SourceError },
    #[error("{}, line {line}: there is no setting `{key}`; there are {known}", file.display())]
    UnknownKey { file: PathBuf, line: usize, key: String, known: String },
    #[error("{}, line {line}: {why}", file.display())]
    File { file: PathBuf, line: usize, why: String },
    #[error("the configuration {} cannot be read: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error(
        "{0} asks for a journal, and the embedded database is on the same disk, in the same process: it is never away. Leave \
         it out, or name a database with --database"
    )]
    JournalOfEmbedded(Origin),
    #[error("{} cannot be used: {error}", path.display())]
    Data { path: PathBuf, error: io::Error },
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static Setting),
    Variable(&'static Setting),
    File {
        setting: &'static Setting,
        file: PathBuf,
        line: usize,
    },
    /// A file that this program made.
    Kept(PathBuf),
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Setting {}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(setting) => write!(out, "`{}`", setting.flag()),
            Self::Variable(setting) => write!(out, "the variable {}", setting.variable),
            Self::File { setting, file, line } => {
                write!(out, "`{}` in {}, line {line},", setting.name, file.display())
            }
            Self::Kept(file) => write!(out, "what {} holds", file.display()),
        }
    }
}
