//! A server for the tests of the checker: it holds conversations in memory and is honest, or tells one lie.

mod desk;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use self::desk::Desk;
pub use self::desk::STAFF;

/// A lie is told with every message whose number this divides, so that the truth is around it.
const NOW_AND_THEN: usize = 7;

/// More than any test sends; a socket that falls further behind is forgotten.
const OUTBOX: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    None,
    /// A notification is not sent.
    Loses,
    Doubles,
    Reorders,
    /// A notification is of another message than was written.
    Alters,
    /// An acknowledgement says a number too many.
    Misnumbers,
    /// Says that a message is only in the journal.
    NotDurable,
    /// Stops answering.
    Hangs,
    /// Says "recovered" and leaves out the last message missed.
    FalseRecovery,
    /// Says "not recovered" to everybody.
    FalseLoss,
    /// Asks the database for each resume.
    Wasteful,
    /// A turn has no reply.
    Silent,
    /// A turn has two.
    Repeats,
    /// What is shown later is not what was told.
    Rewrites,
}

/// Who opens in this workspace is answered.
pub const WITH_AGENT: &str = "with-agent";

pub struct Fake {
    pub url: String,
    _tasks: JoinSet<()>,
}

struct Server {
    lie: Lie,
    conversations: Mutex<HashMap<Uuid, Conversation>>,
    desk: Mutex<Desk>,
    statements: AtomicU64,
}

#[derive(Default)]
struct Conversation {
    rows: Vec<Value>,
    sockets: Vec<Outbox>,
    held_back: Option<String>,
    answers: bool,
}

type Outbox = mpsc::Sender<String>;

impl Fake {
    pub async fn start(lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let server = Arc::new(Server {
            lie,
            conversations: Mutex::default(),
            desk: Mutex::default(),
            statements: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut sockets = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sockets.spawn(Arc::clone(&server).connection(stream));
            }
        });
        Self { url, _tasks: tasks }
    }
}

impl Server {
    async fn connection(self: Arc<Self>, mut stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut start = [0; 12];
        let Ok(_) = stream.peek(&mut start).await else { return };
        if &start == b"GET /metrics" {
            let count = self.statements.load(Ordering::Relaxed);
            let page = format!("HTTP/1.0 200 OK\r\n\r\nswitchboard_resume_statements_total {count}\n");
            // All of the request is read first: a socket closed before that answers with a reset.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let Ok(1..) = stream.read_buf(&mut request).await else { return };
            }
            let _ = stream.write_all(page.as_bytes()).await;
            return;
        }
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
        let (outbox, mut out) = mpsc::channel(OUTBOX);
        loop {
            tokio::select! {
                frame = socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.request(&text, &outbox),
                    Some(Ok(_)) => {}
                    _ => return,
                },
                Some(frame) = out.recv() => if socket.send(Message::text(frame)).await.is_err() { return },
            }
        }
    }

    fn request(&self, text: &str, outbox: &Outbox) {
        let request: Value = serde_json::from_str(text).unwrap();
        let (id, params) = (&request["id"], &request["params"]);
        let mut conversations = self.conversations.lock().unwrap();
        let result = match request["method"].as_str().unwrap() {
            "session.open" if params["token"] == STAFF => Some(json!({"conversation": null})),
            method if method.starts_with("escalation.") => {
                Some(self.desk.lock().unwrap().answer(self.lie, method, params, outbox))
            }
            "session.open" => Some(self.open(&mut conversations, params, outbox)),
            "message.send" => {
                self.send(conversations.get_mut(&conversation_id(params)).unwrap(), params, outbox)
            }
            "message.list" => Some(self.list(&conversations[&conversation_id(params)], params)),
            method => panic!("the tester asked for {method}"),
        };
        let is_new = result.as_ref().is_none_or(|result| result["duplicate"] != true);
        if let Some(result) = result {
            let _ = outbox.try_send(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string());
        }
        if request["method"] == "message.send" && is_new {
            self.reply(conversations.get_mut(&conversation_id(params)).unwrap());
        }
    }

    fn open(
        &self,
        conversations: &mut HashMap<Uuid, Conversation>,
        params: &Value,
        outbox: &Outbox,
    ) -> Value {
        let known = params["conversation_id"].as_str().map(|id| id.parse().unwrap());
        let id = known.unwrap_or_else(|| uuid::Builder::from_random_bytes(rand::random()).into_uuid());
        let conversation = conversations.entry(id).or_default();
        conversation.answers |= params["workspace"] == WITH_AGENT;
        let owner = if conversation.answers { "ai" } else { "none" };
        conversation.sockets.push(outbox.clone());
        let (rows, seen) = (&conversation.rows, params["position"]["seq"].as_u64());
        if seen.is_some() && self.lie == Lie::Wasteful {
            self.statements.fetch_add(1, Ordering::Relaxed);
        }
        let after = seen.map(|seen| usize::try_from(seen).unwrap());
        let near = after.filter(|after| rows.len() - after <= 300 && self.lie != Lie::FalseLoss);
        let mut messages = self.shown(&rows[near.unwrap_or(rows.len().saturating_sub(50))..]);
        if near.is_some() && self.lie == Lie::FalseRecovery {
            messages.pop();
        }
        json!({
            "token": "fake", "recovered": near.is_some(),
            "conversation": {"conversation_id": id, "owner": owner, "version": 1},
            "position": {"epoch": "1", "seq": rows.len()}, "messages": messages, "has_more": false,
        })
    }

    fn send(&self, conversation: &mut Conversation, params: &Value, outbox: &Outbox) -> Option<Value> {
        if let Some(row) = conversation.rows.iter().find(|row| row["client_id"] == params["client_id"]) {
            let (id, seq) = (&row["id"], &row["seq"]);
            return Some(json!({"id": id, "seq": seq, "duplicate": true, "durability": "postgres"}));
        }
        let client_id = &params["client_id"];
        let row = row(conversation, &params["conversation_id"], client_id, "user", &params["content"]);
        let mut seq = conversation.rows.len() + 1;
        let lying = seq.is_multiple_of(NOW_AND_THEN);
        self.tell(conversation, &row, lying, Some(outbox));
        let id = row["id"].clone();
        conversation.rows.push(row);
        if lying && self.lie == Lie::Hangs {
            return None;
        }
        if lying && self.lie == Lie::Misnumbers {
            seq += 1;
        }
        let durability = if lying && self.lie == Lie::NotDurable { "journal" } else { "postgres" };
        Some(json!({"id": id, "seq": seq, "duplicate": false, "durability": durability}))
    }

    fn list(&self, conversation: &Conversation, params: &Value) -> Value {
        let limit = usize::try_from(params["limit"].as_u64().unwrap()).unwrap();
        let last_page = || conversation.rows.len().saturating_sub(limit);
        let after =
            params["after_seq"].as_u64().map_or_else(last_page, |after| usize::try_from(after).unwrap());
        let rows = &conversation.rows[after..];
        json!({"messages": self.shown(&rows[..rows.len().min(limit)]), "has_more": rows.len() > limit})
    }

    fn shown(&self, rows: &[Value]) -> Vec<Value> {
        let mut rows = rows.to_vec();
        let lies = |row: &&mut Value| row["seq"].as_u64().unwrap().is_multiple_of(NOW_AND_THEN as u64);
        for row in rows.iter_mut().filter(lies).filter(|_| self.lie == Lie::Rewrites) {
            row["content"] = "something else".into();
        }
        rows
    }

    /// What the agent says to the last message.
    fn reply(&self, conversation: &mut Conversation) {
        let lying = conversation.rows.len().is_multiple_of(NOW_AND_THEN);
        let times = match (lying, self.lie) {
            _ if !conversation.answers => 0,
            (true, Lie::Silent) => 0,
            (true, Lie::Repeats) => 2,
            _ => 1,
        };
        for _ in 0..times {
            let to = conversation.rows[0]["conversation_id"].clone();
            let row = row(conversation, &to, &Value::Null, "assistant", &"I see.".into());
            let lying = (conversation.rows.len() + 1).is_multiple_of(NOW_AND_THEN);
            self.tell(conversation, &row, lying, None);
            conversation.rows.push(row);
        }
    }

    fn tell(&self, conversation: &mut Conversation, row: &Value, lying: bool, sender: Option<&Outbox>) {
        let mut row = row.clone();
        if lying && self.lie == Lie::Alters {
            row["content"] = "something else".into();
            row["client_id"] = Uuid::nil().to_string().into();
        }
        let frame =
            json!({"jsonrpc": "2.0", "method": "message.created", "params": {"message": row}}).to_string();
        let mut frames = match (lying, self.lie) {
            (true, Lie::Loses) => vec![],
            (true, Lie::Doubles) => vec![frame.clone(), frame],
            (true, Lie::Reorders) => {
                conversation.held_back = Some(frame);
                return;
            }
            _ => vec![frame],
        };
        frames.extend(conversation.held_back.take());
        conversation.sockets.retain(|socket| {
            let other = sender.is_none_or(|sender| !socket.same_channel(sender));
            !other || frames.iter().all(|frame| socket.try_send(frame.clone()).is_ok())
        });
    }
}

fn row(to: &Conversation, conversation_id: &Value, client_id: &Value, role: &str, content: &Value) -> Value {
    let seq = to.rows.len() + 1;
    json!({
        "id": Uuid::from_u128(seq as u128), "seq": seq, "conversation_id": conversation_id, "client_id": client_id,
        "role": role, "content": content,
    })
}

fn conversation_id(params: &Value) -> Uuid {
    params["conversation_id"].as_str().unwrap().parse().unwrap()
}
