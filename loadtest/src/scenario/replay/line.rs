//! A visitor's line to the server: it may end at any time, and goes on where it ended.
//!
//! Invariant: whatever comes over it passes through the transcript.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use super::{Network, Stage};
use crate::client::wire::log::{Entered, Owner, Page, Standing, StateTold, Stored, Told};
use crate::client::wire::{Frame, List, Position};
use crate::client::{CallError, Gone, Socket};
use crate::transcript::Transcript;
use crate::view::Fault;

/// Between two tries to come back, at most: each client at a moment of its own.
const PAUSE: Duration = Duration::from_millis(400);

/// How long a slow reader takes for a frame, at most.
const SLOWNESS: Duration = Duration::from_millis(250);

/// One message in so many of a visitor whose socket drops is followed by that at once.
const DROP_AFTER_SEND: u32 = 4;

/// What lets a visitor in again.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    pub conversation: Option<Uuid>,
    token: Option<String>,
    /// Good once something was stored; before, the token is the proof.
    resume: Option<String>,
}

pub struct Line {
    pub log: Transcript,
    pub pass: Pass,
    pub dice: StdRng,
    stage: Arc<Stage>,
    nth: u32,
    network: Network,
    state: Option<Standing>,
    socket: Option<Socket>,
}

#[derive(Serialize)]
struct Opening<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<&'a Position>,
}

/// What a message was answered with, and under which id it was asked.
type Answer = (u64, Result<Stored, CallError>);

impl Line {
    pub fn new(stage: Arc<Stage>, nth: u32, network: Network, dice: StdRng, pass: Pass) -> Self {
        Self { log: Transcript::default(), pass, dice, stage, nth, network, state: None, socket: None }
    }

    /// The agent answers here.
    pub fn is_with_agent(&self) -> bool {
        self.state.is_some_and(|state| state.owner == Owner::Ai)
    }

    /// Connected, on its conversation, with all that it missed.
    pub async fn connect(&mut self) -> Result<(), CallError> {
        let deadline = Instant::now() + self.stage.lifeline();
        while self.socket.is_none() {
            if let Err(error) = self.enter().await {
                self.bear(error, deadline)?;
                self.pause().await;
            }
        }
        Ok(())
    }

    /// One try.
    async fn enter(&mut self) -> Result<(), CallError> {
        let entrance = self.stage.entrance.clone();
        let mut socket = Socket::connect(&entrance.address, self.nth, entrance.patience).await?;
        let position = self.log.position();
        let resume = self.pass.resume.as_deref().filter(|_| self.log.has_stored());
        let opening = Opening {
            token: self.pass.token.as_deref().filter(|_| resume.is_none()),
            resume,
            workspace: entrance.workspace.as_deref(),
            conversation_id: self.pass.conversation,
            position: position.as_ref(),
        };
        let entered: Entered = socket.call("session.open", &opening).await?;
        let conversation = entered.conversation.conversation_id;
        if self.pass.conversation.is_some_and(|known| known != conversation) {
            self.log.faults.add(Fault::Altered, "another conversation was opened than was asked for");
        }
        if position.is_some() {
            let counts = &self.stage.counts;
            (if entered.recovered { &counts.recovered } else { &counts.fresh })
                .fetch_add(1, Ordering::Relaxed);
        }
        let first = entered.messages.first().map_or(entered.position.seq + 1, |message| message.seq);
        self.log.entered(&entered);
        self.pass.conversation = Some(conversation);
        self.pass.resume = entered.resume.or(self.pass.resume.take());
        self.pass.token = Some(entered.token);
        self.state = Some(entered.conversation);
        self.fill(&mut socket, conversation, first).await?;
        self.socket = Some(socket);
        Ok(())
    }

    /// What lies between the last message known and a fresh page.
    async fn fill(&mut self, socket: &mut Socket, conversation: Uuid, first: u64) -> Result<(), CallError> {
        while let Some(Position { seq, .. }) = self.log.position().filter(|whole| whole.seq + 1 < first) {
            let list = List { conversation_id: conversation, after_seq: Some(seq), limit: 200 };
            let page: Page = socket.call("message.list", &list).await?;
            let before: Vec<_> = page.messages.into_iter().filter(|message| message.seq < first).collect();
            self.log.all(&before);
            if self.log.position().is_none_or(|now| now.seq == seq) {
                self.log.faults.add(Fault::Missed, format!("message.list has nothing after {seq}"));
                break;
            }
        }
        Ok(())
    }

    /// Sends a message until it is acknowledged, over as many connections as it takes. Its number.
    pub async fn say(&mut self, content: &str, due: Instant) -> Result<u64, CallError> {
        let client_id = Uuid::new_v4();
        let deadline = Instant::now() + self.stage.lifeline();
        let mut tries = 0;
        loop {
            self.connect().await?;
            tries += 1;
            let drops =
                tries == 1 && self.network == Network::Drops && self.dice.random_ratio(1, DROP_AFTER_SEND);
            match self.attempt(client_id, content, drops).await {
                Err(_) if drops => self.pause().await,
                Ok(stored) => {
                    let counts = &self.stage.counts;
                    counts.repeats.fetch_add(u64::from(tries > 1), Ordering::Relaxed);
                    counts.duplicates.fetch_add(u64::from(stored.duplicate), Ordering::Relaxed);
                    counts.turns.fetch_add(1, Ordering::Relaxed);
                    // What a visitor's own network takes is no latency of the server.
                    if !matches!(self.network, Network::Drops | Network::Slow) {
                        self.stage.acknowledged.record(due.elapsed());
                    }
                    self.log.acknowledged(client_id, &stored);
                    return Ok(stored.seq.unwrap_or_default());
                }
                Err(error) => {
                    self.bear(error, deadline)?;
                    self.pause().await;
                }
            }
        }
    }

    /// Sends it and waits for its answer; where the network drops, for nothing.
    async fn attempt(&mut self, client_id: Uuid, content: &str, drops: bool) -> Result<Stored, CallError> {
        let deadline = Instant::now() + self.stage.entrance.patience;
        let send = json!({
            "conversation_id": self.pass.conversation, "client_id": client_id, "content": content,
        });
        self.log.writing(client_id, content);
        let id = self.socket()?.request("message.send", &send).await?;
        if drops {
            self.lose();
            return Err(Gone::Broken("its network dropped".into()).into());
        }
        loop {
            let frame = self.receive(deadline).await?;
            if let Some((answered, result)) = self.take(&frame)?
                && answered == id
            {
                return result;
            }
        }
    }

    /// Takes in what comes until then, coming back where the connection ends.
    pub async fn listen(&mut self, until: Instant) -> Result<(), CallError> {
        while Instant::now() < until {
            self.connect().await?;
            self.listen_once(until).await?;
        }
        Ok(())
    }

    /// Takes in what comes until the agent has answered message `seq`, or no longer answers here. Whether it has.
    pub async fn await_reply(&mut self, seq: u64) -> Result<bool, CallError> {
        let deadline = Instant::now() + self.stage.lifeline();
        while !self.log.is_answered_after(seq) {
            if !self.is_with_agent() {
                return Ok(false);
            }
            if Instant::now() > deadline {
                self.log.faults.add(Fault::Unanswered, format!("message {seq} had no reply in time"));
                return Ok(false);
            }
            self.connect().await?;
            self.listen_once(deadline).await?;
        }
        Ok(true)
    }

    /// The end of the visit: what the server says is the last message must have come over this line.
    pub async fn settle(&mut self) -> Result<(), CallError> {
        let deadline = Instant::now() + self.stage.lifeline();
        let last = loop {
            self.connect().await?;
            match self.last().await {
                Ok(last) => break last,
                Err(error) => self.bear(error, deadline)?,
            }
            self.pause().await;
        };
        while self.log.head() < last && Instant::now() < deadline {
            self.connect().await?;
            self.listen_once(deadline).await?;
        }
        if self.log.head() < last || !self.log.is_whole() {
            let head = self.log.head();
            self.log
                .faults
                .add(Fault::Missed, format!("the visit ended at {head} of {last}, or with a hole"));
        }
        Ok(())
    }

    async fn last(&mut self) -> Result<u64, CallError> {
        let conversation_id = self.pass.conversation.unwrap_or_default();
        let list = List { conversation_id, after_seq: None, limit: 1 };
        let page: Page = self.socket()?.call("message.list", &list).await?;
        Ok(page.messages.last().map_or(0, |message| message.seq))
    }

    /// The connection is gone, and nobody says so.
    pub fn lose(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.stage.counts.drops.fetch_add(1, Ordering::Relaxed);
            socket.cut();
        }
    }

    /// One frame, or the end of the connection, or nothing until then.
    async fn listen_once(&mut self, until: Instant) -> Result<(), CallError> {
        let taken = match self.receive(until).await {
            Ok(frame) => self.take(&frame).map(drop),
            Err(Gone::Silent(_)) => Ok(()),
            Err(gone) => Err(gone),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(gone) => self.bear(gone.into(), until + self.stage.lifeline()),
        }
    }

    async fn receive(&mut self, until: Instant) -> Result<Utf8Bytes, Gone> {
        if self.network == Network::Slow {
            sleep(SLOWNESS.mul_f64(self.dice.random())).await;
        }
        let patience = until.saturating_duration_since(Instant::now());
        timeout_at(until, self.socket()?.receive()).await.map_err(|_| Gone::Silent(patience))?
    }

    /// Looks at a frame; what it answers, if it is an answer to a message.
    fn take(&mut self, text: &str) -> Result<Option<Answer>, Gone> {
        let frame = Frame::parse(text)?;
        if let Some(id) = frame.id {
            return Ok(Some((id, frame.into_result())));
        }
        match frame.method {
            Some("message.created") => self.log.told(frame.told::<Told>()?.message),
            Some("conversation.updated") => {
                let told = frame.told::<StateTold>()?.conversation;
                if self.state.is_none_or(|known| known.version <= told.version) {
                    self.state = Some(told);
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// Whether the visitor tries again after this; if it does, a connection that ended is let go of.
    fn bear(&mut self, error: CallError, deadline: Instant) -> Result<(), CallError> {
        if let CallError::Gone(_) = error
            && self.socket.take().is_some()
        {
            self.stage.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        if !error.is_passing() || Instant::now() > deadline {
            return Err(error);
        }
        if !self.stage.hostile && self.network == Network::Fine {
            self.log.faults.add(Fault::of(&error), format!("visitor {}: {error}", self.nth));
        }
        Ok(())
    }

    async fn pause(&mut self) {
        sleep(PAUSE.mul_f64(self.dice.random())).await;
    }

    fn socket(&mut self) -> Result<&mut Socket, Gone> {
        self.socket.as_mut().ok_or_else(|| Gone::Broken("it was cut".into()))
    }
}
