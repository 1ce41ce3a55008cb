//! Many callers, one statement: questions of the same kind that wait at the same time are asked together.
//!
//! A lone question goes at once. After a batch that carried several, the next one waits a moment for more, so that
//! ten thousand resumes are hundreds of statements and not ten thousand.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::StoreError;

/// A kind of question that can be asked for many at once.
pub trait Bulk: Send + 'static {
    type Key: Send + 'static;
    type Answer: Send + 'static;

    /// One answer a key, in their order.
    fn ask(&self, keys: Vec<Self::Key>)
    -> impl Future<Output = Result<Vec<Self::Answer>, StoreError>> + Send;
}

type Waiting<B> = (<B as Bulk>::Key, oneshot::Sender<Result<<B as Bulk>::Answer, StoreError>>);

/// Handle to the task that gathers.
pub struct Gather<B: Bulk> {
    queue: mpsc::Sender<Waiting<B>>,
}

impl<B: Bulk> Clone for Gather<B> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

/// Callers beyond this wait for a place: each holds a socket open, so they are bounded already.
const QUEUE: usize = 4096;
/// Keys of one statement.
const BATCH: usize = 512;
/// A batch of more than this says that many are coming.
const CROWD: usize = 4;
/// How long a crowd may gather.
const GATHERING: Duration = Duration::from_millis(40);

impl<B: Bulk> Gather<B> {
    #[expect(clippy::disallowed_methods, reason = "ends with its last handle")]
    pub fn start(bulk: B) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(bulk, waiting));
        Self { queue }
    }

    pub async fn ask(&self, key: B::Key) -> Result<B::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the reader has stopped".to_owned());
        self.queue.send((key, answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

async fn run<B: Bulk>(bulk: B, mut queue: mpsc::Receiver<Waiting<B>>) {
    let mut waiting = Vec::new();
    let mut crowded = false;
    while queue.recv_many(&mut waiting, BATCH).await > 0 {
        if crowded {
            let until = Instant::now() + GATHERING;
            while waiting.len() < BATCH {
                let room = BATCH - waiting.len();
                match timeout_at(until, queue.recv_many(&mut waiting, room)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
        }
        crowded = waiting.len() > CROWD;
        let (keys, callers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        match bulk.ask(keys).await {
            Ok(answers) => {
                // Whoever no longer listens has gone away; their answer is nobody's loss.
                for (caller, answer) in callers.into_iter().zip(answers) {
                    let _ = caller.send(Ok(answer));
                }
            }
            Err(error) => {
                let message = error.to_string();
                for caller in callers {
                    let _ = caller.send(Err(StoreError::Unavailable(message.clone())));
                }
            }
        }
    }
}
