//! What waits to be written to one socket.
//!
//! Invariant: what is told unasked is counted in bytes and bounded. Over the bound the ephemeral goes first, then the
//! connection: its client resumes from the log, so nothing is skipped. Answers are not counted, since a socket that
//! is owed too much of them is not read from.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use switchboard_protocol::ids::Epoch;
use switchboard_protocol::notifications::ServerDraining;
use switchboard_protocol::{CloseCode, Notice};
use uuid::Uuid;

use crate::domain::broadcast;
use crate::escalation::{Console, News};
use crate::rpc::{Line, wire};
use crate::session::ConnectionId;
use crate::session::event::{Broadcast, Listener};

pub struct Outbound {
    pub id: ConnectionId,
    epoch: Epoch,
    queue: Mutex<Queue>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Frame>,
    /// Told while an answer that must go first is being made.
    held: Vec<Frame>,
    holds: u8,
    told_bytes: usize,
    answer_bytes: usize,
    /// Sends handed to a session and not answered yet.
    sends: usize,
    fate: Option<CloseCode>,
    /// The key or log-in that the socket was opened with.
    credential: Option<Uuid>,
}

struct Frame {
    text: Bytes,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Answer,
    Told,
    Ephemeral,
}

/// Some seconds of a busy conversation; a client further behind is quicker served by a resume.
const TOLD_BYTES: usize = 1024 * 1024;
/// A client that has so much coming first reads that before it may ask for more.
const ANSWER_BYTES: usize = 1024 * 1024;

impl Outbound {
    pub fn new(id: ConnectionId, epoch: Epoch) -> Self {
        Self { id, epoch, queue: Mutex::default(), waker: AtomicWaker::new() }
    }

    pub fn answer(&self, text: String) {
        let mut queue = self.lock();
        if queue.fate == Some(CloseCode::SlowConsumer) {
            return;
        }
        queue.answer_bytes += text.len();
        queue.ready.push_back(Frame { text: Bytes::from(text), kind: Kind::Answer });
        drop(queue);
        self.waker.wake();
    }

    /// A send has been handed over; [`Outbound::answer_send`] follows for each.
    pub fn expect_send(&self) {
        self.lock().sends += 1;
    }

    pub fn answer_send(&self, text: Option<String>) {
        self.lock().sends -= 1;
        match text {
            Some(text) => self.answer(text),
            None => self.waker.wake(),
        }
    }

    pub fn sends(&self) -> usize {
        self.lock().sends
    }

    /// Keeps back what is told until [`Outbound::release`].
    pub fn hold(&self) {
        self.lock().holds += 1;
    }

    pub fn release(&self) {
        let mut queue = self.lock();
        queue.holds -= 1;
        if queue.holds == 0 {
            let held = std::mem::take(&mut queue.held);
            queue.ready.extend(held);
            drop(queue);
            self.waker.wake();
        }
    }

    /// Asks the client to come back later, after it has all its answers.
    pub fn drain(&self, reconnect_after_ms: u64) {
        self.tell(Bytes::from(ServerDraining { reconnect_after_ms }.frame()), Kind::Told);
        self.doom(CloseCode::Draining);
    }

    pub fn doom(&self, code: CloseCode) {
        self.lock().fate.get_or_insert(code);
        self.waker.wake();
    }

    pub fn opened_with(&self, credential: Option<Uuid>) {
        self.lock().credential = credential;
    }

    pub fn credential(&self) -> Option<Uuid> {
        self.lock().credential
    }

    pub fn fate(&self) -> Option<CloseCode> {
        self.lock().fate
    }

    /// The next frame to write.
    pub fn pop(&self) -> Option<Bytes> {
        let mut queue = self.lock();
        let Some(frame) = queue.ready.pop_front() else {
            // An idle socket keeps no memory of its busy times.
            if queue.ready.capacity() > 8 {
                queue.ready = VecDeque::new();
            }
            return None;
        };
        match frame.kind {
            Kind::Answer => queue.answer_bytes -= frame.text.len(),
            Kind::Told | Kind::Ephemeral => queue.told_bytes -= frame.text.len(),
        }
        Some(frame.text)
    }

    pub fn is_empty(&self) -> bool {
        let queue = self.lock();
        queue.ready.is_empty() && queue.held.is_empty()
    }

    /// Whether the client may ask for more.
    pub fn may_ask(&self) -> bool {
        self.lock().answer_bytes < ANSWER_BYTES
    }

    pub fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    fn tell(&self, text: Bytes, kind: Kind) {
        self.lock().take(text, kind);
        self.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn take(&mut self, text: Bytes, kind: Kind) {
        // A socket that is to close still gets all that comes before its last answer: a gap would go unseen.
        if self.fate == Some(CloseCode::SlowConsumer) {
            return;
        }
        if self.told_bytes + text.len() > TOLD_BYTES {
            self.drop_ephemeral();
        }
        if self.told_bytes + text.len() > TOLD_BYTES {
            // Nothing of it is skipped: all of it is dropped, and the client told to resume.
            *self = Self {
                fate: Some(CloseCode::SlowConsumer),
                sends: self.sends,
                holds: self.holds,
                credential: self.credential,
                ..Self::default()
            };
            return;
        }
        self.told_bytes += text.len();
        let frame = Frame { text, kind };
        if self.holds > 0 {
            self.held.push(frame);
        } else {
            self.ready.push_back(frame);
        }
    }

    fn drop_ephemeral(&mut self) {
        self.ready.retain(|frame| frame.kind != Kind::Ephemeral);
        self.held.retain(|frame| frame.kind != Kind::Ephemeral);
        let told = |frame: &Frame| if frame.kind == Kind::Answer { 0 } else { frame.text.len() };
        self.told_bytes = self.ready.iter().chain(&self.held).map(told).sum();
    }
}

impl Listener for Outbound {
    fn hear(&self, broadcast: &Broadcast) {
        let text = broadcast.frame(|event| wire::frame(event, &self.epoch));
        self.tell(text, if broadcast.event.is_ephemeral() { Kind::Ephemeral } else { Kind::Told });
    }

    fn moved(&self) {
        self.doom(CloseCode::SessionMoved);
    }
}

impl Console for Outbound {
    fn tell(&self, news: &[broadcast::Broadcast<News>]) {
        let mut queue = self.lock();
        for news in news {
            queue.take(news.frame(|news| wire::staff::frame(news, &self.epoch)), Kind::Told);
        }
        drop(queue);
        self.waker.wake();
    }
}

impl Line for Outbound {
    fn id(&self) -> ConnectionId {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound() -> Outbound {
        Outbound::new(ConnectionId(1), Epoch::from("e"))
    }

    fn told(outbound: &Outbound, bytes: usize, kind: Kind) {
        outbound.tell(Bytes::from(vec![b'x'; bytes]), kind);
    }

    #[test]
    fn over_the_bound_the_ephemeral_goes_first_and_then_the_connection() {
        let outbound = outbound();
        told(&outbound, TOLD_BYTES / 2, Kind::Ephemeral);
        told(&outbound, TOLD_BYTES / 2, Kind::Told);
        told(&outbound, TOLD_BYTES / 2, Kind::Told);
        assert_eq!(outbound.fate(), None);
        told(&outbound, 1, Kind::Told);
        assert_eq!(outbound.fate(), Some(CloseCode::SlowConsumer));
        assert!(outbound.is_empty(), "its memory is given back at once");
    }

    #[test]
    fn answers_never_count() {
        let outbound = outbound();
        outbound.answer("x".repeat(2 * TOLD_BYTES));
        told(&outbound, 10, Kind::Told);
        assert_eq!(outbound.fate(), None);
        assert!(!outbound.may_ask());
    }

    #[test]
    fn what_is_held_leaves_after_the_answer() {
        let outbound = outbound();
        outbound.hold();
        told(&outbound, 3, Kind::Told);
        assert!(outbound.pop().is_none());
        outbound.answer("answer".to_owned());
        outbound.release();
        assert_eq!(outbound.pop().unwrap(), "answer");
        assert_eq!(outbound.pop().unwrap(), "xxx");
    }
}
