//! Stands between the wire and the client library, and lets only whole, readable events through, each in time.
//!
//! Invariant: what passes is bounded in bytes, and every event of it is valid JSON. The library queues without a
//! bound and logs what it cannot read; behind the gate neither can happen.

mod frames;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};

use self::frames::{Frame, Frames};
use crate::brain::BrainError;

/// How an answer may come.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The longest silence.
    pub between: Duration,
    /// Of the whole, as it comes over the wire.
    pub bytes: usize,
}

/// Known when the stream has ended: that the server said so itself, or what went wrong. Nothing means that the
/// connection closed in good order, whatever that is worth.
pub type Ending = Arc<OnceLock<Result<(), BrainError>>>;

/// The bytes of an answer, or how the connection broke.
pub type Wire = Pin<Box<dyn Stream<Item = Result<Bytes, reqwest::Error>> + Send>>;

struct Gate {
    wire: Wire,
    frames: Frames,
    rule: Rule,
    passed: usize,
    ending: Ending,
}

/// What may pass of `wire`.
pub fn guard(
    wire: Wire,
    rule: Rule,
    ending: Ending,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let gate = Gate { wire, frames: Frames::default(), rule, passed: 0, ending };
    stream::unfold(Some(gate), |gate| async move {
        let mut gate = gate?;
        let mut ready = BytesMut::new();
        while ready.is_empty() {
            match gate.read().await {
                Ok(Some(frames)) => {
                    if gate.pass(frames, &mut ready) {
                        return Some((Ok(ready.freeze()), None));
                    }
                }
                Ok(None) => {
                    let rest = gate.frames.finish();
                    gate.end_with(rest, &mut ready);
                    return Some((Ok(ready.freeze()), None));
                }
                Err(error) => {
                    let _ = gate.ending.set(Err(error));
                    return None;
                }
            }
        }
        Some((Ok(ready.freeze()), Some(gate)))
    })
}

impl Gate {
    async fn read(&mut self) -> Result<Option<Vec<Frame>>, BrainError> {
        let read = tokio::time::timeout(self.rule.between, self.wire.next()).await;
        match read.map_err(|_| BrainError::Stalled)? {
            None => Ok(None),
            Some(Err(_)) => Err(BrainError::Stalled),
            Some(Ok(bytes)) => {
                self.passed = self.passed.saturating_add(bytes.len());
                if self.passed > self.rule.bytes {
                    return Err(BrainError::Garbled("an answer without an end".to_owned()));
                }
                self.frames.push(&bytes).map(Some)
            }
        }
    }

    /// Whether that was the last of it.
    fn pass(&self, frames: Vec<Frame>, ready: &mut BytesMut) -> bool {
        for frame in frames {
            match frame {
                Frame::Event(event) => {
                    ready.extend_from_slice(b"data: ");
                    ready.extend_from_slice(&event);
                    ready.extend_from_slice(b"\n\n");
                }
                Frame::Done => {
                    let _ = self.ending.set(Ok(()));
                    return true;
                }
            }
        }
        false
    }

    fn end_with(&self, rest: Result<Vec<Frame>, BrainError>, ready: &mut BytesMut) {
        match rest {
            Ok(frames) => {
                self.pass(frames, ready);
            }
            Err(error) => {
                let _ = self.ending.set(Err(error));
            }
        }
    }
}
