//! The data folder of a database that runs here: held by one process, and made for one kind of database. The
//! lock is the system's, so a process that dies lets go of it. The kind is written once, and what was made as
//! one kind is never opened as another.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::{Kind, SourceError, embedded, local};

const MARKER: &str = "database-kind";
const LOCK: &str = "database.lock";

/// The folder, for as long as this process holds it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and takes it for a database of this kind.
    pub(super) fn hold(data: &Path, kind: Kind) -> Result<Self, SourceError> {
        let failed = |error| SourceError::Folder { folder: data.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
        let path = data.canonicalize().map_err(failed)?;
        let lock = lock(&path)?;
        check(&path, kind)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Refuses a folder that was made for another kind of database.
pub(super) fn check(data: &Path, kind: Kind) -> Result<(), SourceError> {
    match recorded(data)? {
        Some(made_as) if made_as != kind => {
            Err(SourceError::OtherKind { folder: data.to_owned(), made_as, asked: kind })
        }
        _ => Ok(()),
    }
}

/// Written when the database is there, so that a first start that failed binds nobody.
pub(super) fn record(data: &Path, kind: Kind) -> Result<(), SourceError> {
    let failed = |error| SourceError::Folder { folder: data.to_owned(), error };
    if fs::exists(data.join(MARKER)).map_err(failed)? {
        return Ok(());
    }
    let draft = data.join(format!("{MARKER}.new"));
    let written = (|| {
        let mut file = File::create(&draft)?;
        writeln!(file, "{kind}")?;
        file.sync_all()?;
        fs::rename(&draft, data.join(MARKER))?;
        File::open(data)?.sync_all()
    })();
    written.map_err(failed)
}

/// What the marker says or, where a first start was cut short before it was written, what lies there.
fn recorded(data: &Path) -> Result<Option<Kind>, SourceError> {
    match fs::read_to_string(data.join(MARKER)) {
        Ok(text) => match text.trim() {
            "embedded" => Ok(Some(Kind::Embedded)),
            "local" => Ok(Some(Kind::Local)),
            _ => Err(SourceError::Marker { file: data.join(MARKER) }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = [(embedded::FOLDER, Kind::Embedded), (local::FOLDER, Kind::Local)];
            Ok(made.into_iter().find(|(folder, _)| data.join(folder).is_dir()).map(|(_, kind)| kind))
        }
        Err(error) => Err(SourceError::Folder { folder: data.to_owned(), error }),
    }
}

fn lock(folder: &Path) -> Result<File, SourceError> {
    let failed = |error| SourceError::Folder { folder: folder.to_owned(), error };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join(LOCK))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).ok();
            return Err(SourceError::Held { folder: folder.to_owned(), process: holder.trim().parse().ok() });
        }
    }
    // For whoever is refused; nothing rests on it.
    let noted =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
    noted.map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn one_holder_at_a_time_who_is_named() {
        let data = folder();
        let held = Folder::hold(data.path(), Kind::Embedded).unwrap();
        let refused = Folder::hold(data.path(), Kind::Embedded).unwrap_err();
        let sentence = refused.to_string();
        assert!(matches!(refused, SourceError::Held { process: Some(id), .. } if id == std::process::id()));
        assert!(sentence.contains(&std::process::id().to_string()), "{sentence}");
        drop(held);
        Folder::hold(data.path(), Kind::Embedded).unwrap();
    }

    #[test]
    fn a_folder_stays_what_it_was_made_as() {
        let data = folder();
        drop(Folder::hold(data.path(), Kind::Local).unwrap());
        check(data.path(), Kind::Embedded).unwrap();
        record(data.path(), Kind::Embedded).unwrap();
        for asked in [Kind::Local, Kind::Url] {
            let sentence = check(data.path(), asked).unwrap_err().to_string();
            assert!(sentence.contains("switchboard export") && sentence.contains("import"), "{sentence}");
        }
        drop(Folder::hold(data.path(), Kind::Embedded).unwrap());
    }

    #[test]
    fn a_database_without_a_marker_counts_as_well() {
        let data = folder();
        fs::create_dir(data.path().join(local::FOLDER)).unwrap();
        assert!(matches!(
            check(data.path(), Kind::Embedded),
            Err(SourceError::OtherKind { made_as: Kind::Local, .. })
        ));
        check(data.path(), Kind::Local).unwrap();
    }

    #[test]
    fn a_url_needs_no_folder_and_a_strange_marker_is_refused() {
        let data = folder();
        check(&data.path().join("absent"), Kind::Url).unwrap();
        check(data.path(), Kind::Url).unwrap();
        fs::write(data.path().join(MARKER), "sqlite").unwrap();
        assert!(matches!(check(data.path(), Kind::Embedded), Err(SourceError::Marker { .. })));
    }
}
