//! The embedding thread: which texts come next.
//!
//! Invariant: a batch is short, so that a question never waits long behind bulk work; and bulk work, however busy
//! the questions, always gets its share.

use std::collections::VecDeque;

use tokio::sync::{mpsc, oneshot};

use super::EmbedError;
use super::minilm::{MiniLm, Tokens};
use crate::domain::vector::Vector;

/// Texts to embed, and who wants to know.
pub(super) struct Job {
    texts: Vec<String>,
    /// As many as are done, in order.
    vectors: Vec<Vector>,
    answer: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Vec<Vector>, EmbedError>;

pub(super) struct Worker {
    model: MiniLm,
    urgent: Line,
    bulk: Line,
    /// Batches of urgent work since the last of bulk work.
    ahead: usize,
}

/// A queue, and what was taken from it and is not done.
struct Line {
    queue: mpsc::Receiver<Job>,
    jobs: VecDeque<Job>,
}

/// A batch ends with the text that fills it. Of more the products gain nothing, and a question would wait for it.
const MOST_TEXTS: usize = 32;
const ENOUGH_TOKENS: usize = 256;

/// Bulk work gets a batch after so many urgent ones.
const PATIENCE: usize = 8;

impl Job {
    pub fn new(texts: Vec<String>) -> (Self, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        (Self { vectors: Vec::with_capacity(texts.len()), texts, answer }, receiver)
    }

    fn is_done(&self) -> bool {
        self.vectors.len() == self.texts.len() || self.answer.is_closed()
    }
}

impl Worker {
    pub fn new(model: MiniLm, urgent: mpsc::Receiver<Job>, bulk: mpsc::Receiver<Job>) -> Self {
        let line = |queue| Line { queue, jobs: VecDeque::new() };
        Self { model, urgent: line(urgent), bulk: line(bulk), ahead: 0 }
    }

    /// Runs until the last handle is gone.
    pub fn run(mut self) {
        // A runtime without timers or I/O: only a way to wait for two queues at once.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
        loop {
            self.urgent.fill();
            self.bulk.fill();
            let bulk_waits = !self.bulk.jobs.is_empty();
            if bulk_waits && (self.urgent.jobs.is_empty() || self.ahead >= PATIENCE) {
                self.ahead = 0;
                self.bulk.batch(&self.model);
            } else if !self.urgent.jobs.is_empty() {
                self.ahead += usize::from(bulk_waits);
                self.urgent.batch(&self.model);
            } else if !runtime.block_on(self.wait()) {
                return;
            }
        }
    }

    /// Waits for a job; false says that none will ever come.
    async fn wait(&mut self) -> bool {
        let (line, job) = tokio::select! {
            biased;
            Some(job) = self.urgent.queue.recv() => (&mut self.urgent, job),
            Some(job) = self.bulk.queue.recv() => (&mut self.bulk, job),
            else => return false,
        };
        line.jobs.push_back(job);
        true
    }
}

impl Line {
    /// Takes what a batch may need from the queue; the rest stays there, where its bound counts.
    fn fill(&mut self) {
        self.finish();
        let mut texts: usize = self.jobs.iter().map(|job| job.texts.len() - job.vectors.len()).sum();
        while texts < MOST_TEXTS {
            let Ok(job) = self.queue.try_recv() else { break };
            texts += job.texts.len();
            self.jobs.push_back(job);
        }
    }

    /// Embeds the next texts, of as many jobs as it takes to fill a batch.
    fn batch(&mut self, model: &MiniLm) {
        let mut owners: Vec<usize> = Vec::new();
        let mut batch: Vec<Tokens> = Vec::new();
        let mut tokens = 0;
        'full: for (at, job) in self.jobs.iter().enumerate() {
            for text in &job.texts[job.vectors.len()..] {
                if batch.len() == MOST_TEXTS || tokens >= ENOUGH_TOKENS {
                    break 'full;
                }
                match model.tokens(text) {
                    Ok(read) => {
                        tokens += read.len();
                        batch.push(read);
                        owners.push(at);
                    }
                    Err(error) => return self.refuse(at, error),
                }
            }
        }
        match model.vectors(&batch) {
            Ok(vectors) => {
                for (at, vector) in owners.into_iter().zip(vectors) {
                    self.jobs[at].vectors.push(vector);
                }
                self.finish();
            }
            Err(error) => self.refuse(0, error),
        }
    }

    /// Fails one job; the others are taken up again.
    fn refuse(&mut self, at: usize, error: EmbedError) {
        if let Some(job) = self.jobs.remove(at) {
            // Whoever asked may have gone.
            let _ = job.answer.send(Err(error));
        }
    }

    /// Answers what is done, and forgets what nobody waits for any more.
    fn finish(&mut self) {
        for job in std::mem::take(&mut self.jobs) {
            if job.is_done() {
                let _ = job.answer.send(Ok(job.vectors));
            } else {
                self.jobs.push_back(job);
            }
        }
    }
}
