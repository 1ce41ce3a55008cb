//! Many clients on one backend. One thread owns the backend and runs one unit at a time; while a transaction
//! is open, it belongs to the client that opened it. A client that goes away in a transaction is rolled back,
//! and one that forgets its transaction is sent away. When the backend ends, so does every connection.
//!
//! What clients share, because the backend has one session: `SET` outside a transaction, advisory locks of
//! the session, temporary tables, LISTEN and `DEALLOCATE ALL`. A transaction that takes long holds everyone
//! else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::frames::{self, Ends};
use super::line::{Answer, Hold, Job, Line, Next};
use super::stream::ClientStream;

/// The one backend, on the thread that owns it.
pub(super) trait Engine {
    /// Its answer to the startup packet.
    fn startup(&mut self) -> Result<Vec<u8>, String>;
    /// The answer to whole messages. After an error the backend is lost.
    fn run(&mut self, unit: &[u8]) -> Result<Vec<u8>, String>;
    fn close(self) -> Result<(), String>;
}

/// How the backend ended.
pub(super) type Ended = Result<(), String>;

/// Hands out connections to the backend, until it ends.
#[derive(Debug, Clone)]
pub(super) struct Mux {
    line: Arc<Line>,
    startup: Bytes,
    ended: watch::Receiver<Option<Ended>>,
}

impl Mux {
    /// Opens the backend on its own thread. `held` is let go of when the backend is closed.
    pub(super) async fn start<E: Engine>(
        open: impl FnOnce() -> Result<E, String> + Send + 'static,
        patience: Duration,
        held: impl Send + 'static,
    ) -> Result<Self, String> {
        let line = Arc::new(Line::default());
        let (opened, opening) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        let owner = Owner { line: line.clone(), patience };
        std::thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| owner.own(open, opened)))
                    .unwrap_or_else(|_| Err("the thread of the embedded database panicked".to_owned()));
                owner.line.end();
                drop(held);
                end.send_replace(Some(outcome));
            })
            .map_err(|error| format!("no thread for the embedded database: {error}"))?;
        let startup = match opening.await {
            Ok(startup) => startup?,
            Err(_) => return Err("the thread of the embedded database panicked".to_owned()),
        };
        Ok(Self { line, startup, ended })
    }

    /// A connection, at once; it ends at once when the backend has ended.
    pub(super) fn connect(&self) -> ClientStream {
        ClientStream::new(self.line.clone(), self.startup.clone())
    }

    /// Rolls back what is open, sends the clients away and closes the backend.
    pub(super) fn close(&self) {
        self.line.close();
    }

    pub(super) async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            Err(_) => Err("the thread of the embedded database is gone".to_owned()),
        }
    }
}

struct Owner {
    line: Arc<Line>,
    patience: Duration,
}

impl Owner {
    fn own<E: Engine>(
        &self,
        open: impl FnOnce() -> Result<E, String>,
        opened: oneshot::Sender<Result<Bytes, String>>,
    ) -> Ended {
        let mut engine = match open() {
            Ok(engine) => engine,
            Err(why) => {
                opened.send(Err(why)).ok();
                return Ok(());
            }
        };
        let startup = engine.startup();
        let usable = startup.is_ok();
        let waited_for = opened.send(startup.map(Bytes::from)).is_ok();
        if usable && waited_for {
            // A backend that failed in the middle of something is not asked to write a checkpoint: what is
            // committed is in its log.
            self.serve(&mut engine)?;
        }
        engine.close()
    }

    fn serve(&self, engine: &mut impl Engine) -> Ended {
        let mut hold: Option<Hold> = None;
        loop {
            match self.line.next(hold) {
                Next::Run(job) => hold = self.run(engine, job)?,
                Next::Left(leaving) => {
                    if let Some(held) = hold.take_if(|hold| hold.client == leaving.client) {
                        release(engine, held)?;
                    }
                    if let Some(forget) = leaving.forget {
                        engine.run(&forget)?;
                    }
                }
                Next::Overdue => {
                    tracing::warn!(
                        "a transaction was rolled back: it was idle for too long while others waited"
                    );
                    if let Some(held) = hold.take() {
                        release(engine, held)?;
                    }
                }
                Next::Close => return hold.map_or(Ok(()), |held| release(engine, held)),
            }
        }
    }

    /// Runs the units of one client, as long as they belong together or nobody else waits.
    fn run(&self, engine: &mut impl Engine, mut job: Job) -> Result<Option<Hold>, String> {
        let client = job.client;
        let (mut chunks, mut units) = (Vec::new(), 0);
        let mut hold = None;
        while let Some(unit) = job.units.pop_front() {
            let answer = engine.run(&unit.bytes)?;
            let (open, midway) = match unit.ends {
                Ends::Flush => (true, true),
                Ends::Ready => (is_open(&answer)?, false),
            };
            chunks.push(Bytes::from(answer));
            units += 1;
            hold = open.then(|| Hold { client, until: Instant::now() + self.patience, midway });
            if hold.is_none() && !job.units.is_empty() && self.line.is_crowded() {
                break;
            }
        }
        self.line.answer(client, Answer { chunks, units });
        if !job.units.is_empty() {
            self.line.again(job);
        }
        Ok(hold)
    }
}

/// Brings the backend back to where any client can go on.
fn release(engine: &mut impl Engine, hold: Hold) -> Result<(), String> {
    let open = if hold.midway { is_open(&engine.run(frames::SYNC)?)? } else { true };
    if open && is_open(&engine.run(&frames::query("ROLLBACK"))?)? {
        return Err("the embedded database did not roll back".to_owned());
    }
    Ok(())
}

fn is_open(answer: &[u8]) -> Result<bool, String> {
    match frames::ready_state(answer) {
        Some(state) => Ok(state != b'I'),
        None => Err("the embedded database stopped in the middle of an answer".to_owned()),
    }
}

#[cfg(test)]
mod tests;
