//! The journal: messages accepted while the database is away, on this server's own disk until they are in the log.
//!
//! Invariant: what is reported as kept is on disk, and is read at each start until it is settled. One thread writes, and
//! what waits for it goes in one frame with one fsync.

mod accepted;
mod disk;
mod frame;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use accepted::Line;
pub use accepted::{Accepted, Beginning, Key};
use disk::Disk;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {folder}: {error}")]
    Folder { folder: PathBuf, error: io::Error },
    #[error("another server uses the journal {0}: give each server a folder of its own with --journal")]
    Taken(PathBuf),
    #[error("the journal holds {0}, which is none of its files: move it elsewhere")]
    Stranger(PathBuf),
    #[error(
        "{0} holds what this version does not understand: let the version that wrote it drain its journal, or move the \
         file elsewhere; its messages are then not stored"
    )]
    Unknown(PathBuf),
    #[error(
        "{segment} is damaged at byte {at}, and what follows was acknowledged: put the file back from a copy, or move it \
         elsewhere to start without its messages; each is a line of JSON in it"
    )]
    Damaged { segment: PathBuf, at: usize },
}

/// Handle to the journal.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Job>,
    settled: Arc<Mutex<Vec<Settled>>>,
}

/// A message that the journal held and that has come to its end.
#[derive(Debug)]
pub struct Settled {
    pub key: Key,
    /// It could not be stored, and why.
    pub rejected: Option<(Box<Accepted>, &'static str)>,
}

enum Job {
    Append(Vec<Accepted>, oneshot::Sender<bool>),
    /// Nothing but a look at what is settled.
    Wake,
    Flush(oneshot::Sender<()>),
}

/// Sessions that wait for the disk, each with a few messages. A full queue is a disk that does not keep up: what does not
/// fit is refused, and its sender keeps it.
const QUEUE: usize = 4096;
/// What goes into one frame.
const GROUP_JOBS: usize = 256;
const GROUP_BYTES: usize = 1024 * 1024;

impl Journal {
    /// Opens the folder and starts the thread; also returns what waits since the last start, in order.
    pub fn open(folder: &Path, limit: u64) -> Result<(Self, Vec<Accepted>), JournalError> {
        let (disk, waiting) = Disk::open(folder, limit)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let settled = Arc::new(Mutex::new(Vec::new()));
        for name in ["switchboard_journal_drained_total", "switchboard_journal_rejected_total"] {
            metrics::counter!(name).increment(0);
        }
        let keeper = Keeper { disk, settled: settled.clone(), refuses: false };
        keeper.measure();
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keeper.run(jobs))
            .map_err(|error| JournalError::Folder { folder: folder.to_owned(), error })?;
        Ok((Self { queue, settled }, waiting))
    }

    /// How many messages wait in this folder. Changes nothing.
    pub fn examine(folder: &Path) -> Result<usize, JournalError> {
        Disk::read(folder, 0).map(|(_, waiting)| waiting.len())
    }

    /// Keeps messages; the receiver learns whether they are on disk. All are, or none.
    pub fn append(&self, messages: Vec<Accepted>) -> oneshot::Receiver<bool> {
        let (done, kept) = oneshot::channel();
        // Where this fails `done` is dropped, and the receiver learns that nothing was kept.
        let _ = self.queue.try_send(Job::Append(messages, done));
        kept
    }

    /// Lets go of messages that were kept.
    pub fn settle(&self, settled: impl IntoIterator<Item = Settled>) {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).extend(settled);
        // A thread with a full queue looks by itself.
        let _ = self.queue.try_send(Job::Wake);
    }

    /// Returns when all that was handed in before is on disk.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.queue.send(Job::Flush(done)).await.is_ok() {
            // The thread ends only with the process.
            let _ = flushed.await;
        }
    }
}

/// The thread that writes.
struct Keeper {
    disk: Disk,
    settled: Arc<Mutex<Vec<Settled>>>,
    /// The last attempt to keep something failed.
    refuses: bool,
}

/// A line of the file of what could not be stored.
#[derive(Serialize)]
struct Rejection<'a> {
    reason: &'static str,
    #[serde(flatten)]
    message: &'a Accepted,
}

impl Keeper {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, GROUP_JOBS) > 0 {
            let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
            let mut group = Group::default();
            // Taken after the jobs: what is settled was appended before it.
            group.settle(&mut self.disk, &self.settled);
            for job in jobs.drain(..) {
                match job {
                    Job::Append(messages, done) => {
                        group.add(messages, done);
                        if group.lines.len() >= GROUP_BYTES {
                            self.keep(std::mem::take(&mut group));
                        }
                    }
                    Job::Wake => {}
                    Job::Flush(done) => waiting.push(done),
                }
            }
            self.keep(group);
            if let Err(error) = self.disk.free() {
                tracing::warn!(%error, "a drained segment of the journal could not be removed");
            }
            self.measure();
            for done in waiting {
                let _ = done.send(());
            }
        }
    }

    fn keep(&mut self, group: Group) {
        // Where nothing waits any more the whole is removed, marks and all.
        if group.lines.is_empty() || (group.keys.is_empty() && self.disk.size().0 == 0) {
            return;
        }
        // What is settled alone may go over the bound: it makes room.
        let fits = group.keys.is_empty() || self.disk.has_room(group.lines.len());
        let outcome = if fits {
            self.disk.append(&group.lines, &group.keys)
        } else {
            Err(io::Error::other("it is as large as it may be; see --journal-mib"))
        };
        match &outcome {
            Err(error) if !self.refuses => {
                tracing::warn!(%error, "the journal takes no more; what cannot be stored is refused");
            }
            Ok(()) if self.refuses => tracing::info!("the journal takes messages again"),
            _ => {}
        }
        self.refuses = outcome.is_err();
        for done in group.done {
            // Whoever asked may have gone.
            let _ = done.send(outcome.is_ok());
        }
    }

    fn measure(&self) {
        let (messages, bytes) = self.disk.size();
        metrics::gauge!("switchboard_journal_messages").set(u32::try_from(messages).unwrap_or(u32::MAX));
        metrics::gauge!("switchboard_journal_bytes").set(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

/// What goes into one frame.
#[derive(Default)]
struct Group {
    lines: Vec<u8>,
    keys: Vec<Key>,
    done: Vec<oneshot::Sender<bool>>,
}

impl Group {
    fn add(&mut self, messages: Vec<Accepted>, done: oneshot::Sender<bool>) {
        for message in messages {
            self.keys.push(message.key());
            self.write(&Line::Accepted(Box::new(message)));
        }
        self.done.push(done);
    }

    /// Lets go of what is settled. That it is so matters to the next start alone, which finds out by itself if it must.
    fn settle(&mut self, disk: &mut Disk, settled: &Mutex<Vec<Settled>>) {
        let settled = std::mem::take(&mut *settled.lock().unwrap_or_else(PoisonError::into_inner));
        let mut unstored = Vec::new();
        let keys = settled.iter().map(|settled| settled.key);
        let known = disk.settle(keys);
        for rejected in settled.iter().filter_map(|settled| settled.rejected.as_ref()) {
            let (message, reason) = (&rejected.0, rejected.1);
            if let Ok(line) = serde_json::to_vec(&Rejection { reason, message }) {
                unstored.extend(line);
                unstored.push(b'\n');
            }
        }
        let rejections = settled.iter().filter(|settled| settled.rejected.is_some()).count();
        metrics::counter!("switchboard_journal_rejected_total").increment(rejections as u64);
        metrics::counter!("switchboard_journal_drained_total").increment((settled.len() - rejections) as u64);
        if !unstored.is_empty() {
            match disk.reject(&unstored) {
                Ok(()) => tracing::warn!(
                    messages = rejections,
                    "messages of the journal could not be stored; they are in its rejected.jsonl"
                ),
                Err(error) => {
                    tracing::error!(%error, messages = rejections, "rejected messages could not be kept");
                }
            }
        }
        for key in known {
            self.write(&Line::Settled(key));
        }
    }

    fn write(&mut self, line: &Line) {
        // Nouns of ours always have a form in JSON.
        self.lines.extend(disk::line(line).unwrap_or_default());
    }
}
