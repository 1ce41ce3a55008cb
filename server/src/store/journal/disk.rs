//! The journal's folder: segments of frames, the oldest first, each removed once nothing in it waits.
//!
//! Invariant: what `append` has returned from well is on disk; a segment begun says how many bytes of the one before count,
//! so that neither a torn end nor a lost one is taken for the other.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::JournalError;
use super::accepted::{Accepted, Key, Line};
use super::frame;

pub struct Disk {
    folder: PathBuf,
    /// Open, to make what is in it durable.
    directory: File,
    /// Held for as long as this is; none where it is only looked at.
    lock: Option<File>,
    segments: VecDeque<Segment>,
    open: Option<File>,
    live: HashMap<Key, u64>,
    limit: u64,
}

struct Segment {
    number: u64,
    bytes: u64,
    live: usize,
}

/// A segment is full beyond this, and the next begins: what is settled is freed in such pieces.
const SEGMENT: u64 = 4 * 1024 * 1024;
const EXTENSION: &str = "journal";
/// What could not be stored, for a person to look at.
const REJECTED: &str = "rejected.jsonl";

impl Disk {
    /// Opens the folder, making it where it is not there, and reads what waits in it, in order.
    pub fn open(folder: &Path, limit: u64) -> Result<(Self, Vec<Accepted>), JournalError> {
        let at = |error| JournalError::Folder { folder: folder.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let lock = private().create(true).append(true).open(folder.join("lock")).map_err(at)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::Taken(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(at(error)),
        }
        let (mut disk, waiting) = Self::read(folder, limit)?;
        disk.lock = Some(lock);
        disk.free().map_err(at)?;
        Ok((disk, waiting))
    }

    /// Reads a folder that is there, and changes nothing.
    pub fn read(folder: &Path, limit: u64) -> Result<(Self, Vec<Accepted>), JournalError> {
        let directory =
            File::open(folder).map_err(|error| JournalError::Folder { folder: folder.to_owned(), error })?;
        let mut disk = Self {
            folder: folder.to_owned(),
            directory,
            lock: None,
            segments: VecDeque::new(),
            open: None,
            live: HashMap::new(),
            limit,
        };
        let waiting = disk.take_stock()?;
        Ok((disk, waiting))
    }

    /// Messages that wait, and the bytes that the journal takes.
    pub fn size(&self) -> (usize, u64) {
        (self.live.len(), self.segments.iter().map(|segment| segment.bytes).sum())
    }

    /// Whether so much more may be kept.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.size().1 + bytes as u64 <= self.limit
    }

    /// Puts the lines on disk as one frame: all of them or, where this fails, none.
    pub fn append(&mut self, lines: &[u8], keys: &[Key]) -> io::Result<()> {
        let written = self.write(lines);
        if written.is_err() {
            // What was left of it is not counted by the next segment; this one is not written to again.
            self.open = None;
            return written;
        }
        // One that is there already counts where it stands last.
        self.settle(keys.iter().copied());
        if let Some(segment) = self.segments.back_mut() {
            segment.live += keys.len();
            self.live.extend(keys.iter().map(|key| (*key, segment.number)));
        }
        Ok(())
    }

    /// Forgets messages that wait no longer, and returns those of them that it knew.
    pub fn settle(&mut self, keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
        let known = keys.into_iter().filter(|key| {
            let Some(number) = self.live.remove(key) else { return false };
            if let Some(segment) = self.segments.iter_mut().find(|segment| segment.number == number) {
                segment.live -= 1;
            }
            true
        });
        known.collect()
    }

    /// Removes the segments in which nothing waits, the oldest first: what says that something is settled goes after it.
    pub fn free(&mut self) -> io::Result<()> {
        let all_settled = self.live.is_empty();
        while let Some(segment) = self.segments.front() {
            let is_open = self.segments.len() == 1 && self.open.is_some();
            if segment.live > 0 || (is_open && !all_settled) {
                break;
            }
            fs::remove_file(self.path(segment.number))?;
            self.segments.pop_front();
            if is_open {
                self.open = None;
            }
        }
        Ok(())
    }

    /// Keeps what cannot be stored where a person finds it.
    pub fn reject(&self, line: &[u8]) -> io::Result<()> {
        let mut file = private().create(true).append(true).open(self.folder.join(REJECTED))?;
        file.write_all(line)?;
        file.sync_data()
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.segments.back().is_some_and(|segment| segment.bytes > SEGMENT) {
            self.open = None;
        }
        if self.open.is_none() {
            self.begin()?;
        }
        let (Some(file), Some(segment)) = (&mut self.open, self.segments.back_mut()) else {
            return Err(io::Error::other("no segment is open"));
        };
        let frame = frame::encode(lines);
        let started = Instant::now();
        file.write_all(&frame)?;
        file.sync_data()?;
        metrics::histogram!("switchboard_journal_fsync_seconds").record(started.elapsed());
        segment.bytes += frame.len() as u64;
        Ok(())
    }

    /// Begins a segment. One that comes to nothing is an empty file at the end, and is read as such.
    fn begin(&mut self) -> io::Result<()> {
        let (number, after) = self.segments.back().map_or((1, 0), |last| (last.number + 1, last.bytes));
        let path = self.path(number);
        let begun = private().create(true).write(true).truncate(true).open(&path).and_then(|mut file| {
            let head = frame::encode(&line(&Line::After(after))?);
            file.write_all(&head)?;
            file.sync_data()?;
            self.directory.sync_all()?;
            Ok((file, head.len() as u64))
        });
        let (file, bytes) = begun.inspect_err(|_| {
            // Nothing was kept in it.
            let _ = fs::remove_file(&path);
        })?;
        self.segments.push_back(Segment { number, bytes, live: 0 });
        self.open = Some(file);
        Ok(())
    }

    fn take_stock(&mut self) -> Result<Vec<Accepted>, JournalError> {
        let mut numbers = Vec::new();
        let at = |error| JournalError::Folder { folder: self.folder.clone(), error };
        for entry in fs::read_dir(&self.folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                numbers.push(number.ok_or_else(|| JournalError::Stranger(path.clone()))?);
            }
        }
        numbers.sort_unstable();
        // In the order in which they were accepted.
        let mut waiting: Vec<Option<Accepted>> = Vec::new();
        let mut places: HashMap<Key, (usize, u64)> = HashMap::new();
        let mut contents = Vec::with_capacity(numbers.len());
        for number in numbers {
            let path = self.path(number);
            let bytes = fs::read(&path).map_err(|error| JournalError::Folder { folder: path, error })?;
            contents.push((number, bytes));
        }
        for (at, (number, bytes)) in contents.iter().enumerate() {
            let next = contents.get(at + 1).filter(|(next, _)| *next == number + 1);
            let counted =
                next.and_then(|(_, next)| after(next)).and_then(|counted| usize::try_from(counted).ok());
            let bytes = bytes
                .get(..counted.unwrap_or(bytes.len()))
                .ok_or_else(|| self.damaged(*number, bytes.len()))?;
            let scan = frame::scan(bytes);
            if scan.stray.is_some() || (counted.is_some() && scan.whole < bytes.len()) {
                return Err(self.damaged(*number, scan.whole));
            }
            for frame in scan.frames {
                for line in frame.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    match serde_json::from_slice(line)
                        .map_err(|_| JournalError::Unknown(self.path(*number)))?
                    {
                        Line::After(_) => {}
                        Line::Accepted(accepted) => {
                            if let Some((place, _)) = places.insert(accepted.key(), (waiting.len(), *number))
                            {
                                waiting[place] = None;
                            }
                            waiting.push(Some(*accepted));
                        }
                        Line::Settled(key) => {
                            if let Some((place, _)) = places.remove(&key) {
                                waiting[place] = None;
                            }
                        }
                    }
                }
            }
            self.segments.push_back(Segment { number: *number, bytes: scan.whole as u64, live: 0 });
        }
        for (key, (_, number)) in places {
            self.live.insert(key, number);
            if let Some(segment) = self.segments.iter_mut().find(|segment| segment.number == number) {
                segment.live += 1;
            }
        }
        Ok(waiting.into_iter().flatten().collect())
    }

    fn damaged(&self, number: u64, at: usize) -> JournalError {
        JournalError::Damaged { segment: self.path(number), at }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:010}.{EXTENSION}"))
    }
}

/// As it stands in a frame.
pub fn line(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

/// What a segment says of the one before it.
fn after(segment: &[u8]) -> Option<u64> {
    let first = frame::scan(segment).frames.first().copied()?;
    match serde_json::from_slice(first.trim_ascii_end()).ok()? {
        Line::After(bytes) => Some(bytes),
        Line::Accepted(_) | Line::Settled(_) => None,
    }
}

/// It is full of what people said: for its owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}
