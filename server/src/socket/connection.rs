//! One socket's task: reads, writes, keeps the heart beating, and knows when to close.
//!
//! Invariant: requests of one socket take effect in the order sent. Sends are handed over one behind the other
//! without waiting for their commits; anything else first waits for what came before it.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use switchboard_protocol::CloseCode;
use switchboard_protocol::limits::{OPEN_WITHIN, PING, PONG};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode as WsCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::outbound::Outbound;
use super::requests::Guard;
use crate::domain::clock::{self, Timestamp};
use crate::rpc::{Desk, Peer, Standing};

type Socket = WebSocketStream<TcpStream>;

pub struct Connection {
    socket: Socket,
    pub(super) outbound: Arc<Outbound>,
    pub(super) desk: Arc<Desk>,
    pub(super) peer: Arc<Peer>,
    pub(super) standing: Option<Standing>,
    pub(super) guard: Guard,
    /// The request in hand, when it takes longer than a look.
    pub(super) work: Option<Work>,
    backlog: VecDeque<Utf8Bytes>,
    backlog_bytes: usize,
    heart: Heart,
    alarm: Pin<Box<Sleep>>,
    unflushed: bool,
    closed_by_peer: bool,
}

pub(super) type Work = Pin<Box<dyn Future<Output = Done> + Send>>;

/// What a request changed for its socket.
pub(super) enum Done {
    Nothing,
    Opened(Box<Standing>),
    Refreshed(Timestamp),
}

struct Heart {
    opened_by: Option<Instant>,
    ping_at: Instant,
    pong_by: Option<Instant>,
    expires: Option<Instant>,
}

enum Event {
    Text(Utf8Bytes),
    Done(Done),
    Alarm,
    Fate(CloseCode),
    /// The other side, or the network, is at an end.
    Over,
    Broken(Error),
    Violation,
}

/// Requests that wait for the one in hand; beyond that the socket is not read, and the client's TCP waits.
const BACKLOG: usize = 64;
const BACKLOG_BYTES: usize = 512 * 1024;
/// How long a close frame may take to be written. A slow reader gets longer: it should learn why.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
const SLOW_CLOSE_WITHIN: Duration = Duration::from_mins(1);
/// How long the other side may take to answer a close frame.
const FAREWELL: Duration = Duration::from_millis(500);

impl Connection {
    pub fn new(socket: Socket, outbound: Arc<Outbound>, desk: Arc<Desk>, peer: Peer) -> Self {
        let now = Instant::now();
        let heart =
            Heart { opened_by: Some(now + OPEN_WITHIN), ping_at: now + PING, pong_by: None, expires: None };
        Self {
            socket,
            outbound,
            guard: Guard::new(desk.limits),
            desk,
            peer: Arc::new(peer),
            standing: None,
            work: None,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            alarm: Box::pin(sleep_until(heart.next())),
            heart,
            unflushed: false,
            closed_by_peer: false,
        }
    }

    /// By reference, and with its farewells boxed: a task is as large as all that it might ever hold at once, and this
    /// one mostly waits.
    pub async fn run(&mut self) {
        let label = loop {
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Text(text) => {
                    if let Some(code) = self.request(&text) {
                        break self.close(code, CLOSE_WITHIN).await;
                    }
                }
                Event::Done(done) => {
                    self.work = None;
                    self.apply(done);
                }
                Event::Alarm => {
                    if let Some(code) = self.beat() {
                        break self.close(code, CLOSE_WITHIN).await;
                    }
                }
                Event::Fate(code @ CloseCode::SlowConsumer) => {
                    break self.close(code, SLOW_CLOSE_WITHIN).await;
                }
                Event::Fate(code) => break self.close(code, CLOSE_WITHIN).await,
                Event::Violation => break self.close(CloseCode::ProtocolViolation, CLOSE_WITHIN).await,
                Event::Broken(error) => break Box::pin(self.broken(&error)).await,
                Event::Over => break "gone",
            }
        };
        metrics::counter!("switchboard_closes_total", "code" => label).increment(1);
        // What is in hand is carried to its end: it may have been accepted already.
        if let Some(work) = self.work.take() {
            let _ = timeout(CLOSE_WITHIN, work).await;
        }
        if let Some(room) = self.standing.take().and_then(|standing| standing.room) {
            room.leave(self.outbound.id);
        }
        self.desk.gone(self.outbound.id, None);
    }

    fn apply(&mut self, done: Done) {
        match done {
            Done::Nothing => {}
            Done::Opened(standing) => {
                let before = self.standing.take().and_then(|standing| standing.room);
                let changed = |room: &Arc<crate::session::Room>| {
                    standing.room.as_ref().is_none_or(|now| now.id() != room.id())
                };
                if let Some(room) = before.filter(changed) {
                    room.leave(self.outbound.id);
                }
                self.heart.opened_by = None;
                self.heart.expires = standing.expires_at.map(instant);
                self.outbound.opened_with(standing.credential());
                self.standing = Some(*standing);
            }
            Done::Refreshed(expires_at) => {
                self.heart.expires = Some(instant(expires_at));
                if let Some(standing) = &mut self.standing {
                    standing.expires_at = Some(expires_at);
                }
            }
        }
        self.alarm.as_mut().reset(self.heart.next());
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        self.outbound.register(cx.waker());
        if let Err(error) = self.write(cx) {
            return Poll::Ready(Event::Broken(error));
        }
        if let Some(work) = &mut self.work
            && let Poll::Ready(done) = work.as_mut().poll(cx)
        {
            return Poll::Ready(Event::Done(done));
        }
        let fate = self.outbound.fate();
        if let Some(code) = fate {
            let finished = self.work.is_none() && self.outbound.sends() == 0 && self.outbound.is_empty();
            if code == CloseCode::SlowConsumer || (finished && !self.unflushed) {
                return Poll::Ready(Event::Fate(code));
            }
        }
        if fate.is_none()
            && self.work.is_none()
            && self.outbound.may_ask()
            && let Some(text) = self.next_waiting()
        {
            return Poll::Ready(Event::Text(text));
        }
        if self.alarm.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Event::Alarm);
        }
        if fate.is_none() && self.backlog.len() < BACKLOG && self.backlog_bytes < BACKLOG_BYTES {
            return self.read(cx);
        }
        Poll::Pending
    }

    /// Moves what waits into the socket, and flushes once for all of it.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            match Pin::new(&mut self.socket).poll_ready(cx) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(()),
            }
            let Some(text) = self.outbound.pop() else { break };
            // The text was made from a `String`: it need not be looked through again.
            let frame = Frame::message(text, OpCode::Data(Data::Text), true);
            Pin::new(&mut self.socket).start_send(Message::Frame(frame))?;
            self.unflushed = true;
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.socket).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Event::Over),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Event::Broken(error)),
                Poll::Ready(Some(Ok(Message::Text(text)))) => {
                    // Whoever must wait goes behind those who wait already.
                    if self.work.is_none()
                        && self.backlog.is_empty()
                        && self.outbound.may_ask()
                        && !self.must_wait(&text)
                    {
                        return Poll::Ready(Event::Text(text));
                    }
                    self.backlog_bytes += text.len();
                    self.backlog.push_back(text);
                    // Woken again by the answer that is awaited.
                    if self.backlog.len() >= BACKLOG || self.backlog_bytes >= BACKLOG_BYTES {
                        return Poll::Pending;
                    }
                }
                Poll::Ready(Some(Ok(Message::Binary(_)))) => return Poll::Ready(Event::Violation),
                Poll::Ready(Some(Ok(Message::Pong(_)))) => self.heart.pong_by = None,
                Poll::Ready(Some(Ok(Message::Close(_)))) => self.closed_by_peer = true,
                Poll::Ready(Some(Ok(Message::Ping(_) | Message::Frame(_)))) => {}
            }
        }
    }

    fn next_waiting(&mut self) -> Option<Utf8Bytes> {
        if self.must_wait(self.backlog.front()?) {
            return None;
        }
        let text = self.backlog.pop_front()?;
        self.backlog_bytes -= text.len();
        if self.backlog.is_empty() {
            self.backlog = VecDeque::new();
        }
        Some(text)
    }

    /// Anything but a send waits until the sends before it are committed, so that it sees them.
    fn must_wait(&self, text: &str) -> bool {
        self.outbound.sends() > 0 && !Self::looks_like_send(text)
    }

    /// A look, not a reading: a request that mentions the method elsewhere only waits less than it might.
    fn looks_like_send(text: &str) -> bool {
        text.contains("\"message.send\"") && !text.trim_start().starts_with('[')
    }

    /// What is due now: a ping, or the end.
    fn beat(&mut self) -> Option<CloseCode> {
        let now = Instant::now();
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.heart.opened_by) && self.work.is_none() {
            return Some(CloseCode::NothingOpened);
        }
        if due(self.heart.pong_by) {
            return Some(CloseCode::HeartbeatMissed);
        }
        if due(self.heart.expires) {
            return Some(CloseCode::TokenExpired);
        }
        if self.heart.ping_at <= now {
            self.heart.ping_at = now + PING;
            self.heart.pong_by = Some(now + PONG);
            // A socket that takes no ping now has the write to show for it; the answer is missed either way.
            if Pin::new(&mut self.socket).start_send(Message::Ping(bytes::Bytes::new())).is_ok() {
                self.unflushed = true;
            }
        }
        self.alarm.as_mut().reset(self.heart.next());
        None
    }

    async fn close(&mut self, code: CloseCode, within: Duration) -> &'static str {
        Box::pin(self.say_goodbye(code.code(), code.reason(), within)).await;
        code.label()
    }

    /// What the transport itself could not read.
    async fn broken(&mut self, error: &Error) -> &'static str {
        match error {
            Error::Capacity(_) => {
                self.say_goodbye(1009, "The frame is larger than 1 MiB.", CLOSE_WITHIN).await;
                "too_large"
            }
            Error::Utf8(_) => {
                self.say_goodbye(1007, "The frame is not UTF-8.", CLOSE_WITHIN).await;
                "not_utf8"
            }
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "gone",
            Error::Protocol(_) => {
                self.say_goodbye(1002, "The frame breaks the WebSocket protocol.", CLOSE_WITHIN).await;
                "not_websocket"
            }
            _ => "gone",
        }
    }

    /// Sends a close frame and waits a little for its answer, so that it is not lost with the connection.
    async fn say_goodbye(&mut self, code: u16, reason: &'static str, within: Duration) {
        if self.closed_by_peer {
            return;
        }
        let frame = CloseFrame { code: WsCode::from(code), reason: Utf8Bytes::from_static(reason) };
        let sent = timeout(within, async {
            self.socket.send(Message::Close(Some(frame))).await?;
            self.socket.flush().await
        });
        if matches!(sent.await, Ok(Ok(()))) {
            let rest = async { while let Some(Ok(_)) = self.socket.next().await {} };
            let _ = timeout(FAREWELL, rest).await;
        }
    }
}

impl Heart {
    fn next(&self) -> Instant {
        [self.opened_by, self.pong_by, self.expires].into_iter().flatten().fold(self.ping_at, Instant::min)
    }
}

/// The moment of the runtime's clock that is this one of the calendar.
fn instant(at: Timestamp) -> Instant {
    Instant::now() + (at - clock::now()).to_std().unwrap_or(Duration::ZERO)
}
