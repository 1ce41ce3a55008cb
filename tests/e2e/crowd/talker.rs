//! One tab of one person: a client that pipelines, resumes and resends.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use switchboard_tests::prelude::*;
use switchboard_tests::socket::Closed;
use switchboard_tests::transcript::Transcript;
use tokio::time::{Instant, timeout_at};

use super::Board;

/// Messages that a tab sends before it waits for an answer.
const WINDOW: usize = 6;
/// While the server is away; a client of the real world takes its time.
const KNOCK_EVERY: Duration = Duration::from_millis(10);
/// More than this is not recovered but read from a page, as the protocol has it.
const RECOVERABLE: u64 = 300;

pub(crate) struct Talker {
    name: String,
    address: SocketAddr,
    resume: String,
    pub(crate) conversation: String,
    pub(crate) epoch: String,
    socket: Option<Socket>,
    transcript: Transcript,
    /// Said and not acknowledged, in the order in which it was said.
    outbox: VecDeque<Saying>,
    acknowledged: Vec<Acknowledged>,
    begun: u64,
    /// The server asked for patience until then.
    patient_until: Option<Instant>,
    /// How often it has opened the conversation.
    pub(crate) opened: usize,
    /// How often it was told `unavailable`.
    pub(crate) refused: u64,
    /// With what code it was closed each time; 1006 where it was cut.
    pub(crate) closes: Vec<u16>,
}

struct Saying {
    client_id: Uuid,
    content: String,
    /// The request that is out for it.
    request: Option<u64>,
}

struct Acknowledged {
    client_id: Uuid,
    id: String,
    seq: u64,
}

impl Talker {
    /// A new person, who has said a first word.
    pub(crate) async fn arrive(address: SocketAddr, name: &str) -> Result<Self> {
        let mut socket = Socket::connect(address, Upgrade::default()).await?;
        let opened = socket.call("session.open", json!({})).await?;
        let mut talker = Self::on(address, name, socket, &opened)?;
        talker.begin();
        talker.send_waiting().await?;
        while !talker.outbox.is_empty() {
            let frame = talker.frame().await?;
            talker.take(frame, None)?;
        }
        Ok(talker)
    }

    /// The same person in another tab.
    pub(crate) async fn tab(&self, name: &str) -> Result<Self> {
        let mut socket = Socket::connect(self.address, Upgrade::default()).await?;
        let params = json!({"resume": self.resume, "conversation_id": self.conversation});
        let opened = socket.call("session.open", params).await?;
        Self::on(self.address, name, socket, &opened)
    }

    fn on(address: SocketAddr, name: &str, socket: Socket, opened: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("session.open gave too little");
        Ok(Self {
            name: name.to_owned(),
            address,
            resume: text(&opened["resume"])?,
            conversation: text(&opened["conversation"]["conversation_id"])?,
            epoch: text(&opened["position"]["epoch"])?,
            socket: Some(socket),
            transcript: Transcript::of_opened(opened)?,
            outbox: VecDeque::new(),
            acknowledged: Vec::new(),
            begun: 0,
            patient_until: None,
            opened: 1,
            refused: 0,
            closes: Vec::new(),
        })
    }

    // ------------------------------------------------------------------------------------- talking

    /// Talks until the hush, and until all of it is acknowledged, whatever happens to the connection.
    pub(super) async fn talk(mut self, board: Arc<Board>) -> Result<Self> {
        let name = self.name.clone();
        let outcome = async {
            loop {
                let Err(error) = self.converse(&board).await else { return Ok(self) };
                let Some(closed) = error.downcast_ref::<Closed>() else { return Err(error) };
                ensure!(
                    closed.code == 1006 || (4000..4500).contains(&closed.code),
                    "a client that did nothing wrong was sent away: {closed}"
                );
                self.closes.push(closed.code);
                self.socket = None;
                self.come_back(&board).await?;
            }
        };
        outcome.await.with_context(|| format!("as {name} saw it"))
    }

    async fn converse(&mut self, board: &Board) -> Result<()> {
        let mut hushed = board.hushed.subscribe();
        loop {
            self.patient_until = self.patient_until.filter(|until| *until > Instant::now());
            if self.patient_until.is_none() {
                while !*hushed.borrow_and_update() && self.outbox.len() < WINDOW {
                    self.begin();
                }
                self.send_waiting().await?;
            }
            if *hushed.borrow_and_update() && self.outbox.is_empty() {
                return Ok(());
            }
            // Whoever was asked for patience listens meanwhile.
            let listen_until = self.patient_until.unwrap_or_else(|| Instant::now() + 2 * PATIENCE);
            tokio::select! {
                heard = timeout_at(listen_until, self.frame()) => {
                    if let Ok(frame) = heard {
                        self.take(frame?, Some(board))?;
                    }
                }
                _ = hushed.changed() => {}
            }
        }
    }

    /// One more thing to say.
    fn begin(&mut self) {
        self.begun += 1;
        let content = format!("{} says {}", self.name, self.begun);
        self.outbox.push_back(Saying { client_id: Uuid::new_v4(), content, request: None });
    }

    async fn send_waiting(&mut self) -> Result<()> {
        let socket = self.socket.as_mut().context("the talker is not connected")?;
        for at in 0..self.outbox.len() {
            let Saying { client_id, content, request } = &self.outbox[at];
            if request.is_some() {
                continue;
            }
            let params =
                json!({"conversation_id": self.conversation, "client_id": client_id, "content": content});
            match socket.request("message.send", params).await {
                Ok(request) => self.outbox[at].request = Some(request),
                // The connection is at its end; what the server said before is still to be read.
                Err(_) => break,
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------- listening

    async fn frame(&mut self) -> Result<Value> {
        self.socket.as_mut().context("the talker is not connected")?.frame().await
    }

    fn take(&mut self, mut frame: Value, board: Option<&Board>) -> Result<()> {
        if let Some(request) = frame["id"].as_u64() {
            return self.answered(request, &frame, board);
        }
        match frame["method"].as_str() {
            Some("message.created") => self.transcript.note(frame["params"]["message"].take())?,
            Some("server.draining") => {
                ensure!(frame["params"]["reconnect_after_ms"].is_u64(), "when to come back: {frame}");
                if let Some(board) = board {
                    board.warned.send_modify(|count| *count += 1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answered(&mut self, request: u64, answer: &Value, board: Option<&Board>) -> Result<()> {
        let at = self.outbox.iter().position(|saying| saying.request == Some(request));
        let at = at.with_context(|| format!("an answer that nobody waits for: {answer}"))?;
        if !answer["error"].is_null() {
            let error = &answer["error"];
            ensure!(error["code"] == -32050 && error["data"]["kind"] == "unavailable", "refused: {error}");
            let wait = error["data"]["retry_after_ms"].as_u64().context("when to try again")?;
            self.outbox[at].request = None;
            self.patient_until = Some(Instant::now() + Duration::from_millis(wait));
            self.refused += 1;
            if let Some(board) = board {
                board.refused.send_modify(|count| *count += 1);
            }
            return Ok(());
        }
        let result = &answer["result"];
        ensure!(result["durability"] == "postgres", "an acknowledgement of what is on disk: {result}");
        let seq =
            result["seq"].as_u64().with_context(|| format!("an acknowledgement without seq: {result}"))?;
        let id = result["id"].as_str().context("an acknowledgement names its message")?.to_owned();
        let Saying { client_id, content, .. } = self.outbox.remove(at).context("its place was just found")?;
        if result["duplicate"] != true || seq > self.transcript.head() {
            self.transcript
                .note(json!({"id": id, "seq": seq, "client_id": client_id, "content": content}))?;
        }
        self.acknowledged.push(Acknowledged { client_id, id, seq });
        if let Some(board) = board {
            board.acknowledged.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Reads on until the message of this number has come.
    pub(super) async fn read_to(&mut self, seq: u64) -> Result<()> {
        while self.transcript.head() < seq {
            let here = self.transcript.head();
            let frame =
                self.frame().await.with_context(|| format!("{} reads on to {seq}, at {here}", self.name))?;
            self.take(frame, None)?;
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------- coming back

    /// Tries until the server takes it, and goes on from the position last seen.
    async fn come_back(&mut self, board: &Board) -> Result<()> {
        let params = json!({
            "resume": self.resume,
            "conversation_id": self.conversation,
            "position": {"epoch": self.epoch, "seq": self.transcript.head()},
        });
        let mut tick = tokio::time::interval(KNOCK_EVERY);
        let taken_back = async {
            loop {
                tick.tick().await;
                let address = *board.address.borrow();
                if let Some(opened) = knock(address, &params).await? {
                    return Ok(opened);
                }
            }
        };
        let (mut socket, opened) = within("the server to take a client back", taken_back).await?;
        self.opened += 1;
        self.patient_until = None;
        ensure!(opened["position"]["epoch"] == *self.epoch, "the epoch stays what it was: {opened}");
        if opened["recovered"] == true {
            self.transcript.recover(&opened)?;
        } else {
            self.leaf(&mut socket, &opened).await?;
        }
        // What was told after the answer to the open.
        let told = socket.take_notifications();
        self.socket = Some(socket);
        told.into_iter().try_for_each(|frame| self.take(frame, Some(board)))?;
        for saying in &mut self.outbox {
            saying.request = None;
        }
        Ok(())
    }

    /// More was missed than a resume gives: reads it from the pages.
    async fn leaf(&mut self, socket: &mut Socket, opened: &Value) -> Result<()> {
        let head = opened["position"]["seq"].as_u64().context("a position has a number")?;
        let missed = head - self.transcript.head();
        ensure!(missed > RECOVERABLE, "{missed} messages missed in {} are recovered: {opened}", self.epoch);
        while self.transcript.head() < head {
            let params = json!({
                "conversation_id": self.conversation, "after_seq": self.transcript.head(), "limit": 200,
            });
            let mut page = socket.call("message.list", params).await?;
            let messages = page["messages"].as_array_mut().context("a page of messages")?;
            ensure!(!messages.is_empty(), "the pages end before the head, {head}");
            // What came after the open is told as well.
            messages.retain(|message| message["seq"].as_u64() <= Some(head));
            messages.drain(..).try_for_each(|message| self.transcript.note(message))?;
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------- afterwards

    /// How many messages it has begun to send, each of which was acknowledged by the hush.
    pub(crate) fn said(&self) -> u64 {
        self.begun
    }

    /// What it was told is what is stored, from the first message to the last.
    pub(super) fn saw_exactly(&self, stored: &[Value]) -> Result<()> {
        let seen = self.transcript.messages();
        ensure!(seen.len() == stored.len(), "{} saw {} of {} messages", self.name, seen.len(), stored.len());
        for (seen, stored) in seen.iter().zip(stored) {
            for field in ["seq", "id", "client_id", "content"] {
                ensure!(seen[field] == stored[field], "{} saw {seen}, and stored is {stored}", self.name);
            }
        }
        Ok(())
    }

    /// All that it said is stored where its acknowledgement says, in the order in which it was said, unless it
    /// was asked to send something later.
    pub(super) fn was_told_the_truth(&self, stored: &[Value]) -> Result<()> {
        ensure!(self.acknowledged.len() as u64 == self.begun, "all of it is acknowledged, once");
        let mut last = 0;
        for Acknowledged { client_id, id, seq } in &self.acknowledged {
            let place = usize::try_from(*seq)?.checked_sub(1).and_then(|place| stored.get(place));
            let place =
                place.with_context(|| format!("{} was told of {seq}, which is not stored", self.name))?;
            ensure!(place["id"] == **id, "{} was told that {id} is {seq}, and stored is {place}", self.name);
            ensure!(place["client_id"] == client_id.to_string(), "{client_id} is not {place}");
            ensure!(*seq > last || self.refused > 0, "{} said {seq} after {last}", self.name);
            last = *seq;
        }
        Ok(())
    }
}

/// A connection with the conversation opened, if the server is there and its database answers.
async fn knock(address: SocketAddr, params: &Value) -> Result<Option<(Socket, Value)>> {
    let Ok(mut socket) = Socket::connect(address, Upgrade::default()).await else { return Ok(None) };
    match socket.call("session.open", params.clone()).await {
        Ok(opened) => Ok(Some((socket, opened))),
        Err(error) => match error.downcast_ref::<RpcError>() {
            Some(refusal) if refusal.kind != "unavailable" => Err(error),
            _ => Ok(None),
        },
    }
}
