//! One client's end: a byte stream that speaks the Postgres protocol with the line in front of the backend.
//! It is a stream rather than a task with two pipes, so a statement passes from the client's buffer to the
//! backend without being copied on the way, and a client that is dropped leaves the line at once.
//! Bounded: with a job under way it takes no more than `BACKLOG` bytes of the next.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use super::frames::{self, Cutter, Opening};
use super::line::{Answer, Job, Line};

const BACKLOG: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct ClientStream {
    line: Arc<Line>,
    startup: Bytes,
    stage: Stage,
    /// From the client, not yet cut.
    inbound: BytesMut,
    /// For the client, not yet read.
    outbound: VecDeque<Bytes>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
enum Stage {
    Opening,
    Joined(Member),
    /// What is left in `outbound` is the last that the client reads.
    Ended,
}

#[derive(Debug)]
struct Member {
    client: u64,
    cutter: Cutter,
    answers: mpsc::Receiver<Answer>,
    /// Units handed in and not yet answered.
    owed: usize,
}

impl ClientStream {
    pub(super) fn new(line: Arc<Line>, startup: Bytes) -> Self {
        Self {
            line,
            startup,
            stage: Stage::Opening,
            inbound: BytesMut::new(),
            outbound: VecDeque::new(),
            reader: None,
            writer: None,
        }
    }

    /// Does what can be done with the bytes that are there.
    fn advance(&mut self) {
        if let Err(end) = self.try_advance() {
            self.outbound.extend(end.last_words());
            self.leave();
        }
        if (!self.outbound.is_empty() || matches!(self.stage, Stage::Ended))
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    fn try_advance(&mut self) -> Result<(), End> {
        if matches!(self.stage, Stage::Opening) {
            match frames::opening(&mut self.inbound)? {
                None => return Ok(()),
                Some(Opening::Encryption) => {
                    self.outbound.push_back(Bytes::from_static(b"N"));
                    return Ok(());
                }
                // The backend cannot be interrupted, and the protocol promises nothing.
                Some(Opening::Cancel) => return Err(End::Gone),
                Some(Opening::Start) => {
                    let (client, answers) = self.line.join().map_err(|_| End::Refused)?;
                    self.outbound.push_back(frames::greeting(&self.startup, client));
                    self.stage =
                        Stage::Joined(Member { client, cutter: Cutter::new(client), answers, owed: 0 });
                }
            }
        }
        let Stage::Joined(member) = &mut self.stage else { return Ok(()) };
        if member.owed > 0 {
            return Ok(());
        }
        let units = member.cutter.cut(&mut self.inbound)?;
        if !units.is_empty() {
            member.owed = units.len();
            self.line.submit(Job { client: member.client, units }).map_err(|_| End::Gone)
        } else if member.cutter.ended() {
            Err(End::Gone)
        } else {
            Ok(())
        }
    }

    fn leave(&mut self) {
        if let Stage::Joined(mut member) = std::mem::replace(&mut self.stage, Stage::Ended) {
            while let Ok(answer) = member.answers.try_recv() {
                self.outbound.extend(answer.chunks);
            }
            self.line.leave(member.client, member.cutter.forget());
        }
        self.inbound.clear();
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.outbound.is_empty() {
            match &mut this.stage {
                Stage::Ended => return Poll::Ready(Ok(())),
                Stage::Opening => {
                    this.reader = Some(context.waker().clone());
                    return Poll::Pending;
                }
                Stage::Joined(member) => {
                    let Poll::Ready(answer) = member.answers.poll_recv(context) else {
                        // A write that ends the connection wakes the reader too.
                        this.reader = Some(context.waker().clone());
                        return Poll::Pending;
                    };
                    match answer {
                        None => this.leave(),
                        Some(answer) => {
                            this.outbound.extend(answer.chunks);
                            member.owed = member.owed.saturating_sub(answer.units);
                            if member.owed == 0 {
                                this.reader = None;
                                this.advance();
                                if let Some(writer) = this.writer.take() {
                                    writer.wake();
                                }
                            }
                        }
                    }
                }
            }
        }
        while let Some(chunk) = this.outbound.front_mut()
            && into.remaining() > 0
        {
            let taken = chunk.len().min(into.remaining());
            into.put_slice(&chunk[..taken]);
            chunk.advance(taken);
            if chunk.is_empty() {
                this.outbound.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &self.stage {
            Stage::Ended => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Stage::Joined(member) if member.owed > 0 && self.inbound.len() >= BACKLOG => {
                self.writer = Some(context.waker().clone());
                return Poll::Pending;
            }
            _ => {}
        }
        self.inbound.extend_from_slice(bytes);
        self.advance();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.leave();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Why a connection ends.
enum End {
    Gone,
    Refused,
    Protocol,
}

impl End {
    fn last_words(&self) -> Option<Bytes> {
        match self {
            Self::Gone => None,
            Self::Refused => {
                Some(frames::fatal("57P03", "the embedded database is closed, or has too many clients"))
            }
            Self::Protocol => Some(frames::fatal("08P01", "not the Postgres protocol")),
        }
    }
}

impl From<frames::NotProtocol> for End {
    fn from(_: frames::NotProtocol) -> Self {
        Self::Protocol
    }
}
