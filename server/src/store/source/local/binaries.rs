//! Finds an installed Postgres: the folder that was named, or the one on the PATH, or the newest of those
//! that distributions keep side by side. A cluster that exists is served by the version that made it, and no
//! other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::LocalError;
use super::cluster::Made;

#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    pub(super) fn find(given: Option<&Path>, made: Option<Made>) -> Result<Self, LocalError> {
        let found = match given {
            Some(folder) => match Self::at(folder) {
                Some(binaries) => vec![binaries],
                None => return Err(LocalError::NotBinaries { folder: folder.to_owned() }),
            },
            None => {
                on_path().into_iter().chain(on_shelves()).filter_map(|folder| Self::at(&folder)).collect()
            }
        };
        let Some(made) = made else { return found.into_iter().next().ok_or(LocalError::NoBinaries) };
        let versions: Vec<_> = found.iter().map(|binaries| binaries.major.to_string()).collect();
        found.into_iter().find(|binaries| binaries.major == made.by).ok_or_else(|| LocalError::OtherVersion {
            folder: made.folder,
            made_by: made.by,
            found: if versions.is_empty() { "none".to_owned() } else { versions.join(", ") },
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn at(folder: &Path) -> Option<Self> {
        // Links are followed, since Postgres looks for its other files beside the real one.
        let postgres = folder.join("postgres").canonicalize().ok()?;
        let folder = postgres.parent()?.to_owned();
        let major = major(&output(Command::new(&postgres).arg("--version"))?)?;
        folder.join("initdb").is_file().then_some(Self { folder, major })
    }
}

fn on_path() -> Vec<PathBuf> {
    let configured = output(Command::new("pg_config").arg("--bindir")).map(|folder| folder.trim().into());
    let named = output(Command::new("sh").args(["-c", "command -v postgres"]));
    let beside = named.and_then(|program| Path::new(program.trim()).parent().map(Path::to_owned));
    configured.into_iter().chain(beside).collect()
}

/// One folder for each version, the newest first.
fn on_shelves() -> Vec<PathBuf> {
    let entries = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten();
    let debian = entries("/usr/lib/postgresql").map(|entry| entry.path());
    let redhat = entries("/usr")
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pgsql-")));
    let version = |path: &Path| -> Option<u32> {
        path.file_name()?.to_str()?.trim_start_matches("pgsql-").split('.').next()?.parse().ok()
    };
    let mut shelves: Vec<_> =
        debian.chain(redhat).filter_map(|path| Some((version(&path)?, path.join("bin")))).collect();
    shelves.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    shelves.into_iter().map(|(_, folder)| folder).collect()
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, the 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta2"), Some(19));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn a_folder_without_postgres_is_refused_by_name() {
        let refused = Binaries::find(Some(Path::new("/nowhere/bin")), None).unwrap_err();
        assert!(refused.to_string().contains("/nowhere/bin"), "{refused}");
    }
}
