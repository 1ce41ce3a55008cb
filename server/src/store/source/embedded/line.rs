//! The line in front of the one backend: who is connected, and whose units run next. First come, first
//! served; but while a transaction is open only its owner is served. A client has one job in the line at a
//! time, so the line is no longer than there are clients.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::frames::{self, Unit};

/// Far above any pool: a bound on leaks, not on use.
const CLIENTS: usize = 256;
/// A job is answered in at most as many parts as it has units, before its client hands in the next; one more
/// tells a client that it is sent away. So an answer always finds room.
const ANSWERS: usize = frames::UNITS + 1;

/// The units that a client has ready, in order.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) client: u64,
    pub(super) units: VecDeque<Unit>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) chunks: Vec<Bytes>,
    /// How many units this answers.
    pub(super) units: usize,
}

/// What the owner of the backend is to do next.
#[derive(Debug)]
pub(super) enum Next {
    Run(Job),
    Left(Leaving),
    /// The client that holds the backend did nothing for too long while others waited, and was sent away.
    Overdue,
    Close,
}

#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) client: u64,
    /// Closes the statements that it had named.
    pub(super) forget: Option<Bytes>,
}

/// Whose transaction is open, and until when he may keep others waiting without doing anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) client: u64,
    pub(super) until: Instant,
    /// The last unit ended in Flush, so the backend is in the middle of the client's messages.
    pub(super) midway: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the embedded database takes no more clients")]
pub(super) struct Refused;

#[derive(Debug, Default)]
pub(super) struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    clients: HashMap<u64, mpsc::Sender<Answer>>,
    joined: u64,
    waiting: VecDeque<Waiting>,
    closing: bool,
}

#[derive(Debug)]
enum Waiting {
    Job(Job),
    Leaving(Leaving),
}

impl Waiting {
    fn client(&self) -> u64 {
        match self {
            Self::Job(job) => job.client,
            Self::Leaving(leaving) => leaving.client,
        }
    }
}

/// What a client does.
impl Line {
    pub(super) fn join(&self) -> Result<(u64, mpsc::Receiver<Answer>), Refused> {
        let mut state = self.state();
        if state.closing || state.clients.len() >= CLIENTS {
            return Err(Refused);
        }
        state.joined += 1;
        let client = state.joined;
        let (answers, answered) = mpsc::channel(ANSWERS);
        state.clients.insert(client, answers);
        Ok((client, answered))
    }

    /// Whoever was sent away is refused, so that no rest of a rolled back transaction runs by itself.
    pub(super) fn submit(&self, job: Job) -> Result<(), Refused> {
        let mut state = self.state();
        if state.closing || !state.clients.contains_key(&job.client) {
            return Err(Refused);
        }
        state.waiting.push_back(Waiting::Job(job));
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn leave(&self, client: u64, forget: Option<Bytes>) {
        let mut state = self.state();
        state.clients.remove(&client);
        if !state.closing {
            state.waiting.push_back(Waiting::Leaving(Leaving { client, forget }));
            self.changed.notify_one();
        }
    }

    /// Sends everyone away once the unit that runs has ended.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_one();
    }
}

/// What the owner of the backend does.
impl Line {
    pub(super) fn next(&self, hold: Option<Hold>) -> Next {
        let mut state = self.state();
        loop {
            if state.closing {
                return Next::Close;
            }
            let turn = match hold {
                None => (!state.waiting.is_empty()).then_some(0),
                Some(hold) => state.waiting.iter().position(|waiting| waiting.client() == hold.client),
            };
            match turn.and_then(|at| state.waiting.remove(at)) {
                Some(Waiting::Job(job)) => return Next::Run(job),
                Some(Waiting::Leaving(leaving)) => return Next::Left(leaving),
                None => {}
            }
            state = match hold {
                Some(hold) if !state.waiting.is_empty() => {
                    let patience = hold.until.saturating_duration_since(Instant::now());
                    if patience.is_zero() {
                        state.send_away(hold.client);
                        return Next::Overdue;
                    }
                    self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                _ => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    pub(super) fn is_crowded(&self) -> bool {
        let state = self.state();
        state.closing || !state.waiting.is_empty()
    }

    /// The rest of a job, behind those who came in the meantime.
    pub(super) fn again(&self, job: Job) {
        self.state().waiting.push_back(Waiting::Job(job));
    }

    pub(super) fn answer(&self, client: u64, answer: Answer) {
        // A client that has gone needs no answer.
        if let Some(answers) = self.state().clients.get(&client) {
            answers.try_send(answer).ok();
        }
    }

    /// The backend is gone: every client sees its connection end, and nobody joins any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.closing = true;
        state.clients.clear();
        state.waiting.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn send_away(&mut self, client: u64) {
        if let Some(answers) = self.clients.remove(&client) {
            let why = frames::fatal("25P03", "terminating connection due to idle-in-transaction timeout");
            answers.try_send(Answer { chunks: vec![why], units: 0 }).ok();
        }
    }
}
