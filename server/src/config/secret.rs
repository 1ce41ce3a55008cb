//! The secret that signs tokens: given, or made once and kept in the data folder.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ConfigError, Origin};
use super::layers::Given;
use super::setting;
use crate::domain::mint;

/// At least `LEAST` characters, which nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// Fewer could be guessed.
pub const LEAST: usize = 32;

const FILE: &str = "secret";

impl Secret {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What was given or, where nothing was, what is kept; made when there is none yet.
    pub fn settle(given: Option<Given>, data: &Path) -> Result<Self, ConfigError> {
        if let Some(secret) = Self::standing(given, data)? {
            return Ok(secret);
        }
        let failed = |error| ConfigError::Data { path: file(data), error };
        create_folder(data).map_err(|error| ConfigError::Data { path: data.to_owned(), error })?;
        match make(data).map_err(failed)? {
            Some(secret) => Ok(secret),
            // Another process was quicker.
            None => Self::standing(None, data)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into())),
        }
    }

    /// What was given or is kept, without making any.
    pub fn standing(given: Option<Given>, data: &Path) -> Result<Option<Self>, ConfigError> {
        match given {
            Some(given) => Self::checked(given.text, given.origin).map(Some),
            None => match read(data).map_err(|error| ConfigError::Data { path: file(data), error })? {
                Some(text) => Self::checked(text, Origin::Kept(file(data))).map(Some),
                None => Ok(None),
            },
        }
    }

    /// One that nobody keeps.
    pub fn unkept() -> Self {
        Self(mint::secret().into())
    }

    fn checked(text: String, origin: Origin) -> Result<Self, ConfigError> {
        let characters = text.chars().count();
        if characters < LEAST {
            let given = match characters {
                1 => "1 character long".to_owned(),
                n => format!("{n} characters long"),
            };
            return Err(ConfigError::Wrong {
                origin,
                given,
                takes: setting::JWT_SECRET_KEY.takes.to_owned(),
            });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// Makes the folder of the data where there is none, for its owner alone.
pub fn create_folder(data: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)
}

fn file(data: &Path) -> PathBuf {
    data.join(FILE)
}

fn read(data: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(file(data)).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Complete under its own name or not there at all; nothing when there is one already.
fn make(data: &Path) -> io::Result<Option<Secret>> {
    let secret = Secret::unkept();
    let draft = data.join(format!("{FILE}.{}.new", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        writeln!(file, "{}", secret.as_str())?;
        file.sync_all()?;
        // Unlike a rename, a link fails where there is a file already.
        std::fs::hard_link(&draft, self::file(data))
    })();
    let removed = std::fs::remove_file(&draft);
    match written {
        Ok(()) => {
            removed?;
            File::open(data)?.sync_all()?;
            Ok(Some(secret))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}
