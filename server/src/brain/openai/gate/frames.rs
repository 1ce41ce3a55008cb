//! Cuts what comes over the wire into events: server-sent events as the standard has them, and as servers send
//! them, which may forget the empty line, the space, or all but the JSON itself.
//!
//! Invariant: takes time in proportion to the bytes, whatever they are.

use bytes::Bytes;

use super::super::chunk::Chunk;
use crate::brain::BrainError;

#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// Valid JSON on one line.
    Event(Bytes),
    /// The server says that this was all.
    Done,
}

#[derive(Debug, Default)]
pub struct Frames {
    form: Form,
    /// The line, or the JSON, that has not ended yet.
    pending: Vec<u8>,
    /// The lines of an event that has not ended yet.
    data: Vec<u8>,
    /// The last byte ended a line, and a line feed would only be the second half of that end.
    after_return: bool,
    depth: Depth,
}

#[derive(Clone, Copy, Debug, Default)]
enum Form {
    #[default]
    Unknown,
    Events,
    /// No events but JSON, one object or several.
    Json,
}

/// How deep in a JSON value the last byte stands.
#[derive(Debug, Default)]
struct Depth {
    open: u32,
    quoted: bool,
    escaped: bool,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, BrainError> {
        let mut frames = Vec::new();
        for &byte in bytes {
            match self.form {
                Form::Unknown => self.begin(byte),
                Form::Events => self.take(byte, &mut frames)?,
                Form::Json => self.take_json(byte, &mut frames)?,
            }
        }
        Ok(frames)
    }

    /// What the last bytes were, when no more come.
    pub fn finish(&mut self) -> Result<Vec<Frame>, BrainError> {
        let mut frames = Vec::new();
        match self.form {
            Form::Unknown => {}
            Form::Events => {
                self.end_line(&mut frames)?;
                self.end_event(&mut frames)?;
            }
            // Half a value: the connection was cut within it.
            Form::Json if self.pending.is_empty() => {}
            Form::Json => return Err(BrainError::Stalled),
        }
        Ok(frames)
    }

    fn begin(&mut self, byte: u8) {
        match byte {
            // White space, and the mark that some put before UTF-8.
            b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF => {}
            b'{' => {
                self.form = Form::Json;
                self.pending.push(byte);
                self.depth.take(byte);
            }
            _ => {
                self.form = Form::Events;
                self.pending.push(byte);
            }
        }
    }

    fn take(&mut self, byte: u8, frames: &mut Vec<Frame>) -> Result<(), BrainError> {
        let second_half = byte == b'\n' && self.after_return;
        self.after_return = byte == b'\r';
        match byte {
            _ if second_half => Ok(()),
            b'\r' | b'\n' if self.pending.is_empty() => self.end_event(frames),
            b'\r' | b'\n' => self.end_line(frames),
            byte => {
                self.pending.push(byte);
                Ok(())
            }
        }
    }

    fn end_line(&mut self, frames: &mut Vec<Frame>) -> Result<(), BrainError> {
        let line = std::mem::take(&mut self.pending);
        let Some(data) = line.strip_prefix(b"data:") else { return Ok(()) };
        let first = self.data.is_empty();
        if !first {
            self.data.push(b' ');
        }
        self.data.extend_from_slice(data.trim_ascii());
        // Hardly any event has a second line; many have no empty line behind them.
        if first && (self.data == DONE || is_json(&self.data)) { self.end_event(frames) } else { Ok(()) }
    }

    fn end_event(&mut self, frames: &mut Vec<Frame>) -> Result<(), BrainError> {
        let data = std::mem::take(&mut self.data);
        if data == DONE {
            frames.push(Frame::Done);
        } else if !data.is_empty() {
            frames.push(event(data)?);
        }
        Ok(())
    }

    fn take_json(&mut self, byte: u8, frames: &mut Vec<Frame>) -> Result<(), BrainError> {
        if self.pending.is_empty() && (byte.is_ascii_whitespace() || byte == b',') {
            return Ok(());
        }
        self.pending.push(if byte.is_ascii_whitespace() { b' ' } else { byte });
        if self.depth.take(byte) {
            frames.push(event(std::mem::take(&mut self.pending))?);
        }
        Ok(())
    }
}

impl Depth {
    /// Whether the value ends with this byte.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            _ if self.quoted => {}
            b'{' | b'[' => self.open += 1,
            b'}' | b']' => {
                self.open = self.open.saturating_sub(1);
                return self.open == 0;
            }
            _ => {}
        }
        false
    }
}

fn event(data: Vec<u8>) -> Result<Frame, BrainError> {
    if is_json(&data) {
        Ok(Frame::Event(data.into()))
    } else {
        Err(BrainError::Garbled("an event that is no JSON".to_owned()))
    }
}

/// For the type that it will be read as: there are numbers that only some types can hold.
fn is_json(data: &[u8]) -> bool {
    serde_json::from_slice::<Chunk>(data).is_ok()
}

const DONE: &[u8] = b"[DONE]";

#[cfg(test)]
mod tests {
    use super::*;

    /// What `wire` is cut into, whichever pieces it comes in; the error's kind where it is none.
    #[track_caller]
    fn check(wire: &str, expected: &[&str]) {
        for cut in 0..=wire.len() {
            let mut frames = Frames::default();
            let mut read = || {
                let mut found = frames.push(&wire.as_bytes()[..cut])?;
                found.extend(frames.push(&wire.as_bytes()[cut..])?);
                found.extend(frames.finish()?);
                Ok::<_, BrainError>(found)
            };
            let found: Vec<String> = match read() {
                Ok(found) => found.into_iter().map(shown).collect(),
                Err(BrainError::Stalled) => vec!["cut".to_owned()],
                Err(_) => vec!["garbled".to_owned()],
            };
            assert_eq!(found, expected, "{wire:?} in two at {cut}");
        }
    }

    fn shown(frame: Frame) -> String {
        match frame {
            Frame::Event(data) => String::from_utf8(data.to_vec()).unwrap(),
            Frame::Done => "done".to_owned(),
        }
    }

    #[test]
    fn events_as_the_standard_has_them() {
        check("data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n", &["{\"a\":1}", "{\"b\":2}", "done"]);
        check("data: {\"a\":1}\r\n\r\ndata: [DONE]\r\n\r\n", &["{\"a\":1}", "done"]);
        check("data: {\"a\":1}\r\rdata: [DONE]\r\r", &["{\"a\":1}", "done"]);
        check(": still here\n\nevent: x\nid: 1\ndata: {\"a\":\ndata: 1}\n\n", &["{\"a\": 1}"]);
        check("data: {\"a\":\r\ndata: 1}\r\n\r\n", &["{\"a\": 1}"]);
        check("retry: 10\n\ndata\n\ndata:\n\n", &[]);
    }

    #[test]
    fn events_as_servers_send_them() {
        check("\u{feff}data:{\"a\":1}\ndata:{\"b\":2}\ndata:[DONE]", &["{\"a\":1}", "{\"b\":2}", "done"]);
        check("\n\n data: {\"a\":1}\n", &["{\"a\":1}"]);
        check("data: \"ü\"\n\n", &["\"ü\""]);
    }

    #[test]
    fn json_without_any_events() {
        check("{\"a\":\n  {\"b\": \"}\\\"\"}\n}\n", &["{\"a\":   {\"b\": \"}\\\"\"} }"]);
        check("{\"a\":1}\n{\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]);
        check("{\"a\":1", &["cut"]);
        check("{a}", &["garbled"]);
    }

    #[test]
    fn garbage_is_told_from_silence() {
        check("data: {\"a\":\n\n", &["garbled"]);
        check("data: {\"a\":1e999}\n\n", &["garbled"]);
        check("data: hello\n\n", &["garbled"]);
        check("<html>Bad gateway</html>\n", &[]);
        check("", &[]);
    }

    #[test]
    fn hostile_bytes_take_no_more_time_than_others() {
        for line in ["data: [1,\n", "{\"a\":[{}\n,", "data: \"\n", "\r", "{", "}"] {
            let wire = line.repeat(1_000_000 / line.len());
            let _ = Frames::default().push(wire.as_bytes());
        }
    }
}
