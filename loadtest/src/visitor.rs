//! A visitor: credentials, a conversation, a socket that may be away, and the checked view of what came over it.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

use crate::client::wire::{Acknowledgement, CreatedRow, Frame, List, Listed, Open, Opened, Position, Row};
use crate::client::{Address, CallError, Dialect, Gone, Session, Socket};
use crate::view::{Author, Fault, Faults, Resumed, View};

/// The door through which visitors come.
#[derive(Clone)]
pub struct Entrance {
    pub address: Address,
    pub workspace: Option<String>,
    pub patience: Duration,
}

/// What lets further sockets in as the same visitor, into the same conversation.
#[derive(Clone)]
pub struct Credentials {
    pub token: String,
    pub conversation_id: Uuid,
    pub author: Author,
}

pub struct Visitor {
    pub credentials: Credentials,
    pub view: View,
    socket: Option<Socket>,
    /// What the last socket has left for the next one.
    session: Option<Box<Session>>,
    /// Requests of messages whose acknowledgement is due, in the order in which it must come.
    unanswered: VecDeque<u64>,
}

impl Visitor {
    /// A new anonymous visitor with a new conversation.
    pub async fn open(entrance: &Entrance, nth: u32, author: Author) -> Result<Self, CallError> {
        let open = Open { workspace: entrance.workspace.as_deref(), ..Open::default() };
        Self::enter(entrance, nth, author, &open).await
    }

    /// A further socket of a visitor, in the same conversation, from its last page on.
    pub async fn join(entrance: &Entrance, nth: u32, credentials: &Credentials) -> Result<Self, CallError> {
        let open = Open {
            token: Some(&credentials.token),
            conversation_id: Some(credentials.conversation_id),
            ..Open::default()
        };
        Self::enter(entrance, nth, credentials.author, &open).await
    }

    async fn enter(
        entrance: &Entrance,
        nth: u32,
        author: Author,
        open: &Open<'_>,
    ) -> Result<Self, CallError> {
        let mut socket = Socket::connect(&entrance.address, nth, entrance.patience).await?;
        let opened: Opened = socket.call("session.open", open).await?;
        let view = View::new(author, &opened);
        let conversation_id = opened.conversation.conversation_id;
        let credentials = Credentials { token: opened.token, conversation_id, author };
        Ok(Self { credentials, view, socket: Some(socket), session: None, unanswered: VecDeque::new() })
    }

    /// Sends the next message of the conversation and waits until it is acknowledged.
    pub async fn say(&mut self, content: &str) -> Result<(), CallError> {
        self.post(content).await?;
        loop {
            let text = self.receive_in_time().await?;
            if self.take(&text)? {
                return Ok(());
            }
        }
    }

    /// Sends the next message; `take` sees its acknowledgement. Only one may be under way.
    pub async fn post(&mut self, content: &str) -> Result<(), CallError> {
        let client_id = self.credentials.author.client_id(self.view.head() + 1);
        self.post_as(client_id, content).await
    }

    pub async fn post_as(&mut self, client_id: Uuid, content: &str) -> Result<(), CallError> {
        let conversation_id = self.credentials.conversation_id;
        let message = message(conversation_id, client_id, content);
        let id = self.socket()?.ask("message.send", &message).await?;
        self.unanswered.push_back(id);
        Ok(())
    }

    /// Looks at a frame: true where it acknowledges a message of this client.
    pub fn take(&mut self, text: &str) -> Result<bool, CallError> {
        let answer = Acknowledgement::parse(text)?;
        if let Some(refusal) = answer.error {
            return Err(CallError::Refused(refusal));
        }
        if let Some(sent) = answer.result {
            let asked = self.unanswered.pop_front();
            if asked != answer.id {
                let got = answer.id;
                return Err(Gone::Nonsense(format!("{got:?} was answered where {asked:?} was due")).into());
            }
            self.view.acknowledged(&sent);
            return Ok(true);
        }
        if answer.method == Some("message.created")
            && let Some(row) = Frame::parse(text)?.created()?
        {
            self.heard(&row);
        }
        Ok(false)
    }

    /// A message of somebody else in this conversation.
    pub fn heard(&mut self, row: &CreatedRow<'_>) {
        if row.conversation_id != self.credentials.conversation_id {
            self.view.faults.add(Fault::Altered, format!("message {} is of another conversation", row.seq));
        }
        self.view.created(row.seq, row.client_id);
    }

    /// Any other request; what else comes meanwhile is kept for `receive`.
    pub async fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, CallError> {
        self.socket()?.call(method, params).await
    }

    pub async fn receive(&mut self) -> Result<Utf8Bytes, Gone> {
        self.socket()?.receive().await
    }

    /// The next frame, of a server that owes one.
    pub async fn receive_in_time(&mut self) -> Result<Utf8Bytes, Gone> {
        self.socket()?.receive_in_time().await
    }

    pub fn pings(&self) -> u32 {
        self.socket.as_ref().map_or(0, Socket::pings)
    }

    /// Drops the socket as a dead battery does.
    pub fn cut(&mut self) {
        self.unanswered.clear();
        if let Some(socket) = self.socket.take() {
            self.session = socket.cut();
        }
    }

    /// Comes back with the last position seen, while messages up to `acknowledged` are known to be stored. True where
    /// the server could go on from there; otherwise the gap is listed, as any client has to.
    pub async fn resume(
        &mut self,
        entrance: &Entrance,
        nth: u32,
        acknowledged: u64,
    ) -> Result<bool, CallError> {
        let mut socket = self.reconnect(entrance, nth).await?;
        let mut opened: Opened = socket.call("session.open", &self.opening(&self.view.position())).await?;
        if entrance.address.dialect == Dialect::SocketIo {
            for frame in socket.early() {
                opened.messages.extend(Frame::parse(&frame)?.created()?.map(Row::from));
            }
        }
        match self.view.resumed(acknowledged, opened) {
            Resumed::Recovered => {
                self.socket = Some(socket);
                Ok(true)
            }
            Resumed::Fresh(page) => {
                let before = page.first().map_or(self.view.head() + 1, |row| row.seq);
                let listed = self.list(&mut socket, before).await;
                self.socket = Some(socket);
                listed?;
                self.view.rows(&page);
                Ok(false)
            }
        }
    }

    /// Comes back and is gone again before the answer is there.
    pub async fn knock(&self, entrance: &Entrance, nth: u32) -> Result<(), Gone> {
        let mut socket = self.reconnect(entrance, nth).await?;
        socket.request("session.open", &self.opening(&self.view.position())).await?;
        // What it has heard is forgotten with it.
        socket.cut();
        Ok(())
    }

    /// Stays connected, answering pings and checking what comes, until `end`. A socket that ends is a fault.
    pub async fn stay_until<T>(&mut self, end: impl Future<Output = T>) -> T {
        let mut end = pin!(end);
        while self.socket.is_some() {
            let problem = tokio::select! {
                biased;
                done = &mut end => return done,
                frame = self.receive() => match frame {
                    Ok(frame) => self.take(&frame).err(),
                    Err(gone) => Some(gone.into()),
                },
            };
            if let Some(problem) = problem {
                self.view.faults.add(Fault::of(&problem), problem.to_string());
                self.socket = None;
            }
        }
        end.await
    }

    /// Ends the visit: everything up to `last` must have been seen.
    pub fn close(self, last: u64) -> Faults {
        self.view.close(last)
    }

    async fn reconnect(&self, entrance: &Entrance, nth: u32) -> Result<Socket, Gone> {
        Socket::reconnect(&entrance.address, nth, entrance.patience, self.session.clone()).await
    }

    fn opening<'a>(&'a self, position: &'a Position) -> Open<'a> {
        let Credentials { token, conversation_id, .. } = &self.credentials;
        Open {
            token: Some(token),
            conversation_id: Some(*conversation_id),
            position: Some(position),
            ..Open::default()
        }
    }

    async fn list(&mut self, socket: &mut Socket, before: u64) -> Result<(), CallError> {
        while self.view.head() + 1 < before {
            let after_seq = self.view.head();
            let conversation_id = self.credentials.conversation_id;
            let list = List { conversation_id, after_seq: Some(after_seq), limit: 200 };
            let listed: Listed = socket.call("message.list", &list).await?;
            let rows: Vec<_> = listed.messages.into_iter().filter(|row| row.seq < before).collect();
            self.view.rows(&rows);
            if self.view.head() == after_seq {
                self.view.faults.add(Fault::Missed, format!("message.list has nothing after {after_seq}"));
                break;
            }
        }
        Ok(())
    }

    fn socket(&mut self) -> Result<&mut Socket, Gone> {
        self.socket.as_mut().ok_or_else(|| Gone::Broken("it was cut".into()))
    }
}

/// Text of the given length as a visitor might write it, with nothing that JSON would escape.
pub fn text(characters: u32) -> String {
    "I would like to know when the parcel with my order arrives, please, and what it is going to cost me. "
        .chars()
        .cycle()
        .take(characters as usize)
        .collect()
}

/// The parameters of a `message.send`, written by hand: on the hot path there is no tree to build. `content` needs no
/// escapes.
fn message(conversation_id: Uuid, client_id: Uuid, content: &str) -> String {
    format!(r#"{{"conversation_id":"{conversation_id}","client_id":"{client_id}","content":"{content}"}}"#)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use uuid::Uuid;

    use super::{message, text};

    #[test]
    fn the_handwritten_parameters_are_json() {
        let client_id = Uuid::from_u128(7);
        let params: Value = serde_json::from_str(&message(Uuid::nil(), client_id, &text(100))).unwrap();
        assert_eq!(params["client_id"], client_id.to_string());
        assert_eq!(params["content"].as_str().unwrap().len(), 100);
    }
}
