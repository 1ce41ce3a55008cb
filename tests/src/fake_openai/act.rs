//! What the server does about a call: the bytes that it sends, and when.

use std::time::Duration;

use serde_json::{Value, json};

/// Steps in their order; after the last one the connection is closed.
#[derive(Clone, Debug, Default)]
pub struct Act {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait(Duration),
    Send(Vec<u8>),
    /// As fast as they are taken.
    Forever(Vec<u8>),
    Hang,
}

impl Act {
    /// Streams a text, a word at a time, as OpenAI does.
    pub fn text(text: &str) -> Self {
        Self::stream().words(text, Duration::ZERO).finish("stop")
    }

    /// Streams an object as a text.
    pub fn object(object: &Value) -> Self {
        Self::text(&object.to_string())
    }

    /// Streams a text with a pause before each word.
    pub fn drip(text: &str, pause: Duration) -> Self {
        Self::stream().words(text, pause).finish("stop")
    }

    /// Answers in one piece, although a stream was asked for.
    pub fn json(body: &Value) -> Self {
        Self::response(200, JSON, body.to_string().as_bytes())
    }

    pub fn status(status: u16) -> Self {
        Self::refusal(status, "the fake model says so")
    }

    /// Refuses with a reason, as OpenAI words it.
    pub fn refusal(status: u16, message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": "fake", "param": null, "code": null}});
        Self::response(status, JSON, body.to_string().as_bytes())
    }

    pub fn rate_limited(retry_after: &str) -> Self {
        Self::response(429, ("retry-after", retry_after), b"{\"error\":{\"message\":\"slow down\"}}")
    }

    /// Streams a text and breaks off before its end.
    pub fn cut(text: &str) -> Self {
        Self::stream().words(text, Duration::ZERO)
    }

    /// Streams a text and then says nothing more, with the connection open.
    pub fn stalled(text: &str) -> Self {
        Self::stream().words(text, Duration::ZERO).hang()
    }

    /// A stream of events that are no JSON.
    pub fn garbage() -> Self {
        Self::stream().event("{\"choices\":[{\"delta\":{\"content\":\"Ten eu").event("\u{1}\u{2}nonsense")
    }

    /// A stream of one word that never ends.
    pub fn endless() -> Self {
        Self::forever(&chunked(&event(&piece("again and again "))))
    }

    /// One line that never ends, so that no event ever does.
    pub fn endless_line() -> Self {
        Self::forever(&chunked(&[b'x'; 4096]))
    }

    /// Streams a text whose last piece has an empty `finish_reason`.
    pub fn empty_finish_reason(text: &str) -> Self {
        Self::stream().words(text, Duration::ZERO).finish("")
    }

    /// Streams a text without ids, roles, indexes, finish reason, usage and the event that ends it, and with empty
    /// and null fields in between.
    pub fn bare_fields(text: &str) -> Self {
        let mut act = Self::stream().event("{\"choices\":[{\"delta\":{\"content\":null}}]}");
        for word in text.split_inclusive(' ') {
            act = act.event(&json!({"choices": [{"delta": {"content": word}}]}).to_string()).event("{}");
        }
        act.event("[DONE]").end()
    }

    /// Takes the call and closes the connection.
    pub fn hang_up() -> Self {
        Self::default()
    }

    /// Takes the call and never answers.
    pub fn silence() -> Self {
        Self::default().hang()
    }

    /// Says nothing for a while, and then acts like this.
    pub fn after(pause: Duration, act: Self) -> Self {
        let mut slow = Self::default().wait(pause);
        slow.steps.extend(act.steps);
        slow
    }

    /// The beginning of a stream, to be put together by hand.
    pub fn stream() -> Self {
        Self::default().send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        )
    }

    /// One event of a stream.
    #[must_use]
    pub fn event(self, data: &str) -> Self {
        self.send(&chunked(&event(data)))
    }

    /// Bytes of a stream, whatever they are.
    #[must_use]
    pub fn raw(self, bytes: &[u8]) -> Self {
        self.send(&chunked(bytes))
    }

    #[must_use]
    pub fn wait(mut self, pause: Duration) -> Self {
        self.steps.push(Step::Wait(pause));
        self
    }

    #[must_use]
    pub fn hang(mut self) -> Self {
        self.steps.push(Step::Hang);
        self
    }

    /// Each word of a text as an event, after a pause.
    #[must_use]
    pub fn words(mut self, text: &str, pause: Duration) -> Self {
        for word in text.split_inclusive(' ') {
            if !pause.is_zero() {
                self = self.wait(pause);
            }
            self = self.event(&piece(word));
        }
        self
    }

    /// The events that end an answer, and the end of the stream.
    #[must_use]
    pub fn finish(self, reason: &str) -> Self {
        let last = json!({"id": "x", "object": "chat.completion.chunk", "model": "fake",
            "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
        let usage = json!({"id": "x", "choices": [],
            "usage": {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}});
        self.event(&last.to_string()).event(&usage.to_string()).event("[DONE]").end()
    }

    /// The end of the stream, in good order.
    #[must_use]
    pub fn end(self) -> Self {
        self.send(b"0\r\n\r\n")
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn forever(bytes: &[u8]) -> Self {
        let mut act = Self::stream();
        act.steps.push(Step::Forever(bytes.repeat(16)));
        act
    }

    fn response(status: u16, (name, value): (&str, &str), body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Fake\r\n{name}: {value}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        Self::default().send(head.as_bytes()).send(body)
    }

    fn send(mut self, bytes: &[u8]) -> Self {
        self.steps.push(Step::Send(bytes.to_vec()));
        self
    }
}

fn piece(text: &str) -> String {
    json!({"id": "x", "object": "chat.completion.chunk", "model": "fake",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": null}]})
    .to_string()
}

fn event(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

fn chunked(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

const JSON: (&str, &str) = ("content-type", "application/json");
