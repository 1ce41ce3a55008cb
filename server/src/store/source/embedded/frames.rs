//! The frontend messages of one client, cut into units that the backend can run without waiting for more.
//! A unit ends in Sync or Query, after which the backend says whether a transaction is open, or in Flush,
//! after which it does not. Bytes are cut, not copied; only a unit that names a statement or a portal is
//! rewritten, since all clients share one backend and would otherwise share their names too.

use std::collections::{HashSet, VecDeque};

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Postgres itself refuses a message of a gigabyte; nothing of ours comes near this.
const MESSAGE_LIMIT: usize = 256 << 20;
/// How many units one cut hands over at most: what a client waits for at a time.
pub(super) const UNITS: usize = 64;

/// What the backend is to run in one go.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) bytes: Bytes,
    pub(super) ends: Ends,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// In Sync, Query or a function call: the backend answers with `ReadyForQuery`.
    Ready,
    /// In Flush: the client goes on, and the backend is still in the middle of its messages.
    Flush,
}

/// The first packet of a connection, which has no tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Start,
    /// TLS or GSS encryption, which a stream inside one process does not need.
    Encryption,
    Cancel,
}

#[derive(Debug, thiserror::Error)]
#[error("a client of the embedded database sent bytes that are not the Postgres protocol")]
pub(super) struct NotProtocol;

/// Takes the opening packet off `bytes`, once all of it is there.
pub(super) fn opening(bytes: &mut BytesMut) -> Result<Option<Opening>, NotProtocol> {
    const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];
    const CANCEL: u32 = 80_877_102;
    const MAJOR: u32 = 3;
    let Some(header) = bytes.get(..8) else { return Ok(None) };
    let length = number(&header[..4]);
    let code = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    if !(8..=10_000).contains(&length) {
        return Err(NotProtocol);
    }
    if bytes.len() < length {
        return Ok(None);
    }
    bytes.advance(length);
    match code {
        CANCEL => Ok(Some(Opening::Cancel)),
        code if ENCRYPTION.contains(&code) => Ok(Some(Opening::Encryption)),
        code if code >> 16 == MAJOR => Ok(Some(Opening::Start)),
        _ => Err(NotProtocol),
    }
}

/// Cuts one client's messages and keeps its names apart from everyone else's.
#[derive(Debug)]
pub(super) struct Cutter {
    /// Put before each name of this client.
    prefix: String,
    /// Statements that it has named and not closed.
    named: HashSet<Bytes>,
    /// How far the unit at the front has been looked at.
    seen: usize,
    rewrite: bool,
    ended: bool,
}

impl Cutter {
    pub(super) fn new(client: u64) -> Self {
        Self { prefix: format!("{client}:"), named: HashSet::new(), seen: 0, rewrite: false, ended: false }
    }

    /// Takes the whole units at the front of `bytes`.
    pub(super) fn cut(&mut self, bytes: &mut BytesMut) -> Result<VecDeque<Unit>, NotProtocol> {
        let mut units = VecDeque::new();
        while units.len() < UNITS && !self.ended {
            let Some(header) = bytes.get(self.seen..self.seen + 5) else { break };
            let (tag, length) = (header[0], number(&header[1..]));
            if !(4..=MESSAGE_LIMIT).contains(&length) {
                return Err(NotProtocol);
            }
            let end = self.seen + 1 + length;
            if bytes.len() < end {
                bytes.reserve(end - bytes.len());
                break;
            }
            self.rewrite |= must_change(tag, &bytes[self.seen + 5..end]);
            self.seen = end;
            match tag {
                b'Q' | b'S' | b'F' => units.push_back(self.take(bytes, Ends::Ready)?),
                b'H' => units.push_back(self.take(bytes, Ends::Flush)?),
                b'X' => self.ended = true,
                _ => {}
            }
        }
        Ok(units)
    }

    /// Whether the client has said that it goes.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The unit that closes the statements which the client has left open.
    pub(super) fn forget(&mut self) -> Option<Bytes> {
        if self.named.is_empty() {
            return None;
        }
        let mut out = BytesMut::new();
        for name in self.named.drain() {
            message(&mut out, b'C', |body| {
                body.put_u8(b'S');
                body.put_slice(&name);
                body.put_u8(0);
            });
        }
        out.put_slice(SYNC);
        Some(out.freeze())
    }

    fn take(&mut self, bytes: &mut BytesMut, ends: Ends) -> Result<Unit, NotProtocol> {
        let unit = bytes.split_to(std::mem::take(&mut self.seen)).freeze();
        let bytes = if std::mem::take(&mut self.rewrite) { self.rewritten(unit)? } else { unit };
        Ok(Unit { bytes, ends })
    }

    fn rewritten(&mut self, mut unit: Bytes) -> Result<Bytes, NotProtocol> {
        let mut out = BytesMut::with_capacity(unit.len() + 64);
        while unit.has_remaining() {
            let (tag, length) = (unit[0], number(&unit[1..5]));
            let mut body = unit.split_to(1 + length).slice(5..);
            match tag {
                b'P' => {
                    let name = self.prefixed(&take_string(&mut body)?);
                    if !name.is_empty() {
                        self.named.insert(name.clone());
                    }
                    let refused = copies_in(&body);
                    message(&mut out, tag, |out| {
                        put_string(out, &name);
                        if refused {
                            put_string(out, NO_COPY.as_bytes());
                            out.put_u16(0);
                        } else {
                            out.put_slice(&body);
                        }
                    });
                }
                b'B' => {
                    let portal = self.prefixed(&take_string(&mut body)?);
                    let statement = self.prefixed(&take_string(&mut body)?);
                    message(&mut out, tag, |out| {
                        put_string(out, &portal);
                        put_string(out, &statement);
                        out.put_slice(&body);
                    });
                }
                b'D' | b'C' if body.has_remaining() => {
                    let what = body.get_u8();
                    let name = self.prefixed(&take_string(&mut body)?);
                    if (tag, what) == (b'C', b'S') {
                        self.named.remove(&name);
                    }
                    message(&mut out, tag, |out| {
                        out.put_u8(what);
                        put_string(out, &name);
                    });
                }
                b'E' => {
                    let portal = self.prefixed(&take_string(&mut body)?);
                    message(&mut out, tag, |out| {
                        put_string(out, &portal);
                        out.put_slice(&body);
                    });
                }
                b'Q' if copies_in(&body) => message(&mut out, tag, |out| put_string(out, NO_COPY.as_bytes())),
                _ => message(&mut out, tag, |out| out.put_slice(&body)),
            }
        }
        Ok(out.freeze())
    }

    /// The unnamed statement and portal stay unnamed: they live no longer than their unit.
    fn prefixed(&self, name: &Bytes) -> Bytes {
        if name.is_empty() { name.clone() } else { [self.prefix.as_bytes(), name].concat().into() }
    }
}

/// The last message of an answer to a whole unit: `I`dle, in a `T`ransaction, or in a failed one (`E`).
pub(super) fn ready_state(answer: &[u8]) -> Option<u8> {
    match answer.last_chunk()? {
        [b'Z', 0, 0, 0, 5, state @ (b'I' | b'T' | b'E')] => Some(*state),
        _ => None,
    }
}

pub(super) const SYNC: &[u8] = b"S\0\0\0\x04";

/// The packet that opens a connection, in version 3.0 of the protocol.
pub(super) fn startup(parameters: &[(&str, &str)]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u32(0);
    out.put_u32(3 << 16);
    for (name, value) in parameters {
        put_string(&mut out, name.as_bytes());
        put_string(&mut out, value.as_bytes());
    }
    out.put_u8(0);
    let length = u32::try_from(out.len()).expect("a few short parameters");
    out[..4].copy_from_slice(&length.to_be_bytes());
    out.freeze()
}

pub(super) fn query(sql: &str) -> Bytes {
    let mut out = BytesMut::new();
    message(&mut out, b'Q', |body| put_string(body, sql.as_bytes()));
    out.freeze()
}

/// An error that ends the connection.
pub(super) fn fatal(code: &str, text: &str) -> Bytes {
    let mut out = BytesMut::new();
    message(&mut out, b'E', |body| {
        for (field, value) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', text)] {
            body.put_u8(field);
            put_string(body, value.as_bytes());
        }
        body.put_u8(0);
    });
    out.freeze()
}

/// What a client is told when it connects: the backend's own parameters, and that it is ready.
pub(super) fn greeting(startup: &[u8], client: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(startup.len() + 32);
    let mut rest = startup;
    while let Some(header) = rest.get(..5) {
        let Some((frame, after)) = rest.split_at_checked(1 + number(&header[1..])) else { break };
        if matches!(frame[0], b'R' | b'S') {
            out.put_slice(frame);
        }
        rest = after;
    }
    message(&mut out, b'K', |body| body.put_u64(client));
    message(&mut out, b'Z', |body| body.put_u8(b'I'));
    out.freeze()
}

/// The backend would wait inside `COPY … FROM STDIN` for data that can only come after its answer, and die.
/// This runs in its place: an error that says so already when it is parsed, as a client expects of a bad
/// statement.
const NO_COPY: &str =
    "SELECT 'COPY FROM STDIN does not work on the embedded database: insert from unnest() instead'::int";

fn must_change(tag: u8, body: &[u8]) -> bool {
    let named = |at: usize| body.get(at).is_some_and(|first| *first != 0);
    match tag {
        // An unnamed Parse has its text from the second byte on.
        b'P' => named(0) || copies_in(&body[1.min(body.len())..]),
        // An unnamed portal is one zero byte, and the name of the statement follows it.
        b'B' => named(0) || named(1),
        b'D' | b'C' => named(1),
        b'E' => named(0),
        b'Q' => copies_in(body),
        _ => false,
    }
}

/// Whether one of the statements of `sql` is a `COPY … FROM STDIN`.
fn copies_in(sql: &[u8]) -> bool {
    sql.split(|byte| *byte == b';').any(|statement| {
        let statement = statement.trim_ascii_start();
        statement.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"copy"))
            && statement.windows(5).any(|word| word.eq_ignore_ascii_case(b"stdin"))
    })
}

fn message(out: &mut BytesMut, tag: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(tag);
    let at = out.len();
    out.put_u32(0);
    body(out);
    let length = u32::try_from(out.len() - at).expect("messages are shorter than their limit");
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn put_string(out: &mut BytesMut, text: &[u8]) {
    out.put_slice(text);
    out.put_u8(0);
}

fn take_string(body: &mut Bytes) -> Result<Bytes, NotProtocol> {
    let end = body.iter().position(|byte| *byte == 0).ok_or(NotProtocol)?;
    let text = body.split_to(end);
    body.advance(1);
    Ok(text)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests;
