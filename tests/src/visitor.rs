//! A visitor as a well-made client: opens, sends, resumes, and believes nothing: every message that reaches
//! it is checked against the protocol's promises as it comes.
//!
//! Invariant: its transcript holds each message once, in order and without a gap; a frame that would break
//! that is an error at once, at whatever call was reading.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::socket::{Socket, Upgrade};
use crate::transcript::Transcript;

/// One client of one conversation, with its own socket. Another tab is another `Visitor`, by
/// [`tab`](Self::tab).
#[derive(Debug)]
pub struct Visitor {
    pub address: SocketAddr,
    /// None between [`lose`](Self::lose) and [`resume`](Self::resume).
    socket: Option<Socket>,
    pub token: String,
    pub resume_secret: String,
    pub conversation: String,
    pub epoch: String,
    /// From the first message on, or from the page that a resume without recovery gave.
    transcript: Transcript,
    /// Sent and not yet acknowledged: sent again after a resume, under the same client id.
    outbox: Vec<(Uuid, String)>,
}

/// What a send was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub id: String,
    pub seq: u64,
    pub duplicate: bool,
}

impl Visitor {
    /// A visitor opened with `params` of `session.open`: `{}` makes a new one.
    pub async fn open(address: SocketAddr, params: Value) -> Result<Self> {
        let mut socket = Socket::connect(address, Upgrade::default()).await?;
        let opened = socket.call("session.open", params).await?;
        Self::on(address, socket, &opened)
    }

    /// A visitor on a socket on which `session.open` gave `opened`.
    pub fn on(address: SocketAddr, socket: Socket, opened: &Value) -> Result<Self> {
        let text = |value: &Value, what: &str| {
            value
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("session.open gave no {what}: {opened}"))
        };
        Ok(Self {
            address,
            socket: Some(socket),
            token: text(&opened["token"], "token")?,
            resume_secret: text(&opened["resume"], "resume")?,
            conversation: text(&opened["conversation"]["conversation_id"], "conversation")?,
            epoch: text(&opened["position"]["epoch"], "epoch")?,
            transcript: Transcript::of_opened(opened)?,
            outbox: Vec::new(),
        })
    }

    /// The same person in another tab or on another device.
    pub async fn tab(&self) -> Result<Self> {
        self.tab_at(self.address).await
    }

    /// The same by another way to the server: around a proxy, or through one.
    pub async fn tab_at(&self, address: SocketAddr) -> Result<Self> {
        let params = json!({"resume": self.resume_secret, "conversation_id": self.conversation});
        Self::open(address, params).await
    }

    // ------------------------------------------------------------------------------------- sending

    /// Sends a message and waits for its acknowledgement.
    pub async fn send(&mut self, content: &str) -> Result<Acknowledged> {
        self.send_as(Uuid::new_v4(), content).await
    }

    /// The same under a client id of the test's choice.
    pub async fn send_as(&mut self, client_id: Uuid, content: &str) -> Result<Acknowledged> {
        self.outbox.push((client_id, content.to_owned()));
        let acknowledged = self.deliver(client_id, content).await?;
        self.outbox.retain(|(waiting, _)| *waiting != client_id);
        Ok(acknowledged)
    }

    /// Sends again all that was never acknowledged, as a client does when it is back.
    pub async fn send_outbox(&mut self) -> Result<Vec<Acknowledged>> {
        let mut acknowledged = Vec::new();
        while let Some((client_id, content)) = self.outbox.first().cloned() {
            acknowledged.push(self.deliver(client_id, &content).await?);
            self.outbox.remove(0);
        }
        Ok(acknowledged)
    }

    async fn deliver(&mut self, client_id: Uuid, content: &str) -> Result<Acknowledged> {
        let params =
            json!({"conversation_id": self.conversation, "client_id": client_id, "content": content});
        let answer = self.socket()?.call("message.send", params).await?;
        // What came before the answer is older than it.
        self.take_in()?;
        let seq =
            answer["seq"].as_u64().with_context(|| format!("an acknowledgement without seq: {answer}"))?;
        let duplicate = answer["duplicate"] == true;
        if !duplicate || seq > self.head() {
            self.transcript.note(json!({
                "id": answer["id"], "seq": seq, "client_id": client_id, "role": "user", "content": content,
                "created_at": answer["created_at"],
            }))?;
        }
        let id = answer["id"].as_str().context("an acknowledgement names its message")?.to_owned();
        Ok(Acknowledged { id, seq, duplicate })
    }

    // ------------------------------------------------------------------------------------- receiving

    /// The next message that the server told of: another's, or one of its own whose acknowledgement was lost.
    pub async fn next_message(&mut self) -> Result<Value> {
        self.take_in()?;
        loop {
            if let Some(message) = self.transcript.next_heard() {
                return Ok(message);
            }
            let mut params = self.socket()?.notification("message.created").await?;
            self.transcript.hear(params["message"].take())?;
        }
    }

    /// Reads on until the message of this number has come.
    pub async fn read_to(&mut self, seq: u64) -> Result<()> {
        self.take_in()?;
        while self.head() < seq {
            let here = self.head();
            let params = self.socket()?.notification("message.created").await;
            let mut params = params.with_context(|| format!("reading on to {seq}, at {here}"))?;
            self.transcript.hear(params["message"].take())?;
        }
        Ok(())
    }

    /// What has been seen, in order.
    pub fn transcript(&self) -> &[Value] {
        self.transcript.messages()
    }

    /// The contents of it, for short assertions.
    pub fn said(&self) -> Vec<&str> {
        self.transcript().iter().filter_map(|message| message["content"].as_str()).collect()
    }

    /// The number of the last message seen.
    pub fn head(&self) -> u64 {
        self.transcript.head()
    }

    /// The position as `session.open` takes it.
    pub fn position(&self) -> Value {
        json!({"epoch": self.epoch, "seq": self.head()})
    }

    /// The number of messages sent and never acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.outbox.len()
    }

    // ------------------------------------------------------------------------------------- the connection

    /// The socket, for anything that is not here.
    pub fn socket(&mut self) -> Result<&mut Socket> {
        self.socket.as_mut().context("the visitor is not connected")
    }

    /// The connection is lost, without a word.
    pub fn lose(&mut self) {
        self.socket = None;
    }

    /// Comes back on a new socket with the position last seen, and takes in what was missed. True when
    /// nothing was lost in between; otherwise the transcript begins anew with the page that came.
    pub async fn resume(&mut self) -> Result<bool> {
        let mut socket = Socket::connect(self.address, Upgrade::default()).await?;
        let params = json!({
            "resume": self.resume_secret, "conversation_id": self.conversation, "position": self.position(),
        });
        let opened = socket.call("session.open", params).await?;
        self.socket = Some(socket);
        ensure!(
            opened["conversation"]["conversation_id"] == *self.conversation,
            "the resume ended in another conversation: {opened}"
        );
        opened["token"].as_str().context("session.open gives a token")?.clone_into(&mut self.token);
        if opened["recovered"] == true {
            self.transcript.recover(&opened)?;
            return Ok(true);
        }
        opened["position"]["epoch"].as_str().context("a position has an epoch")?.clone_into(&mut self.epoch);
        self.transcript = Transcript::of_opened(&opened)?;
        Ok(false)
    }

    /// Takes in the messages that have come and nobody has taken.
    fn take_in(&mut self) -> Result<()> {
        let socket = self.socket.as_mut().context("the visitor is not connected")?;
        let waiting = socket.take_notifications();
        let (created, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|note| note["method"] == "message.created");
        socket.put_back(others);
        for mut note in created {
            self.transcript.hear(note["params"]["message"].take())?;
        }
        Ok(())
    }
}
