//! A WebSocket client that speaks JSON-RPC and hides nothing: every frame can be seen, and any bytes can be
//! sent.
//!
//! Invariant: frames are taken in the order in which they came. It reads only while it is asked for
//! something, so a socket that is left alone is a client that has stopped reading.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::patience;

/// The error member of a JSON-RPC answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    pub code: i64,
    pub kind: String,
    pub message: String,
    pub data: Value,
}

impl From<Value> for RpcError {
    fn from(mut error: Value) -> Self {
        Self {
            code: error["code"].as_i64().unwrap_or_default(),
            kind: error["data"]["kind"].as_str().unwrap_or_default().to_owned(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
            data: error["data"].take(),
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} {}", self.code, self.kind, self.message, self.data)
    }
}

impl std::error::Error for RpcError {}

/// The server's end of the socket is gone. 1006 stands for a connection that was cut without a close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub code: u16,
    pub reason: String,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the socket was closed: {} {}", self.code, self.reason)
    }
}

impl std::error::Error for Closed {}

/// What the request for the upgrade says.
#[derive(Clone, Debug)]
pub struct Upgrade<'a> {
    /// `Sec-WebSocket-Protocol`; none is sent where this is `None`.
    pub protocol: Option<&'a str>,
    pub origin: Option<&'a str>,
    /// The size of the kernel's receive buffer: a small one lets a slow reader be felt soon.
    pub receive_buffer: Option<u32>,
}

impl Default for Upgrade<'_> {
    fn default() -> Self {
        Self { protocol: Some("switchboard.v1"), origin: None, receive_buffer: None }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    next_id: u64,
    /// Notifications that came while something else was awaited, in order.
    notifications: VecDeque<Value>,
    /// Answers that came while another was awaited.
    answers: HashMap<u64, Value>,
    /// The subprotocol that the server agreed to.
    pub protocol: Option<String>,
}

impl Socket {
    /// Opens a socket at `/ws`.
    pub async fn connect(address: SocketAddr, upgrade: Upgrade<'_>) -> Result<Self> {
        patience::within("a WebSocket", Self::handshake(address, upgrade)).await
    }

    /// The HTTP status with which an upgrade is refused; fails when it is not.
    pub async fn refused(address: SocketAddr, upgrade: Upgrade<'_>) -> Result<u16> {
        match Self::connect(address, upgrade).await {
            Ok(_) => bail!("the upgrade was not refused"),
            Err(error) => match error.downcast::<SocketError>()? {
                SocketError::Http(response) => Ok(response.status().as_u16()),
                other => Err(other.into()),
            },
        }
    }

    async fn handshake(address: SocketAddr, upgrade: Upgrade<'_>) -> Result<Self> {
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        for (name, value) in [("sec-websocket-protocol", upgrade.protocol), ("origin", upgrade.origin)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse()?);
            }
        }
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = upgrade.receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        let tcp = socket.connect(address).await?;
        tcp.set_nodelay(true)?;
        let (stream, response) = tokio_tungstenite::client_async(request, tcp).await?;
        let protocol = response.headers().get("sec-websocket-protocol");
        let protocol = protocol.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { stream, next_id: 1, notifications: VecDeque::new(), answers: HashMap::new(), protocol })
    }

    // ------------------------------------------------------------------------------------- requests

    /// Sends a request and waits for its result. A JSON-RPC error is an [`RpcError`] within the error.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let id = self.request(method, params).await?;
        self.answer(id).await?.with_context(|| format!("{method} was refused"))
    }

    /// Sends a request that must be refused, and gives the error.
    pub async fn call_refused(&mut self, method: &str, params: Value) -> Result<RpcError> {
        let id = self.request(method, params).await?;
        match self.answer(id).await? {
            Err(error) => Ok(error),
            Ok(result) => bail!("{method} was to be refused, and gave {result}"),
        }
    }

    /// Sends a request without waiting; its id is for [`answer`](Self::answer).
    pub async fn request(&mut self, method: &str, params: Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.send_json(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await?;
        Ok(id)
    }

    /// The answer to a request, whenever it comes.
    pub async fn answer(&mut self, id: u64) -> Result<Result<Value, RpcError>> {
        loop {
            if let Some(mut answer) = self.answers.remove(&id) {
                return Ok(match answer.get_mut("error") {
                    Some(error) => Err(RpcError::from(error.take())),
                    None => Ok(answer["result"].take()),
                });
            }
            let frame =
                self.frame().await.with_context(|| format!("waiting for the answer to request {id}"))?;
            self.sort(frame);
        }
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) -> Result<()> {
        self.send_json(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }

    // ------------------------------------------------------------------------------------- notifications

    /// The params of the next notification of this method, one that came earlier included. Others keep their
    /// turn.
    pub async fn notification(&mut self, method: &str) -> Result<Value> {
        loop {
            if let Some(at) = self.notifications.iter().position(|note| note["method"] == method) {
                let mut note = self.notifications.remove(at).context("its place was just found")?;
                return Ok(note["params"].take());
            }
            let frame = self.frame().await.with_context(|| format!("waiting for {method}"))?;
            self.sort(frame);
        }
    }

    /// The next notification of any method, as `{method, params}`.
    pub async fn next_notification(&mut self) -> Result<Value> {
        loop {
            if let Some(note) = self.notifications.pop_front() {
                return Ok(note);
            }
            let frame = self.frame().await.context("waiting for a notification")?;
            self.sort(frame);
        }
    }

    /// The notifications that have come so far and nobody has taken. To say "nothing came" make a
    /// [`call`](Self::call) first: what the server sent before its answer has then been read.
    pub fn waiting_notifications(&self) -> impl Iterator<Item = &Value> {
        self.notifications.iter()
    }

    /// Takes all of those.
    pub fn take_notifications(&mut self) -> Vec<Value> {
        self.notifications.drain(..).collect()
    }

    /// Gives back what was taken and not used, before all that came later.
    pub fn put_back(&mut self, notifications: Vec<Value>) {
        for note in notifications.into_iter().rev() {
            self.notifications.push_front(note);
        }
    }

    // ------------------------------------------------------------------------------------- frames

    /// The next text frame as it is, answers and batches included. The end of the connection is a [`Closed`]
    /// within the error.
    pub async fn frame(&mut self) -> Result<Value> {
        patience::within("a frame", async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return serde_json::from_str(&text)
                            .with_context(|| format!("a frame that is no JSON: {text}"));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(close))) => return Err(closed(close).into()),
                    Some(Ok(other)) => bail!("an unexpected frame: {other:?}"),
                    Some(Err(
                        SocketError::ConnectionClosed | SocketError::Protocol(_) | SocketError::Io(_),
                    ))
                    | None => {
                        return Err(closed(None).into());
                    }
                    Some(Err(error)) => return Err(error.into()),
                }
            }
        })
        .await
    }

    /// Reads on until the server closes, and gives the code.
    pub async fn expect_close(&mut self) -> Result<Closed> {
        loop {
            if let Err(error) = self.frame().await {
                return error.downcast::<Closed>().context("waiting for the server to close");
            }
        }
    }

    pub async fn send_json(&mut self, message: &Value) -> Result<()> {
        self.send_text(&message.to_string()).await
    }

    /// Any text frame.
    pub async fn send_text(&mut self, text: &str) -> Result<()> {
        self.send(Message::text(text)).await
    }

    pub async fn send_binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(Message::binary(bytes.to_vec())).await
    }

    /// A text frame of bytes that need be no text.
    pub async fn send_text_of_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), true))).await
    }

    /// Bytes that need be no frame, straight to the connection: half a frame, a wrong mask.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let tcp = self.stream.get_mut();
        tcp.write_all(bytes).await?;
        Ok(tcp.flush().await?)
    }

    async fn send(&mut self, message: Message) -> Result<()> {
        patience::within("a frame to be taken", async { Ok(self.stream.send(message).await?) }).await
    }

    /// Says good-bye properly. Dropping the socket instead is a connection that is lost.
    pub async fn close(mut self) -> Result<()> {
        self.stream.close(None).await?;
        let closed = self.expect_close().await?;
        ensure!(matches!(closed.code, 1000 | 1005), "a proper close was answered with {closed}");
        Ok(())
    }

    fn sort(&mut self, frame: Value) {
        match frame {
            Value::Array(batch) => batch.into_iter().for_each(|one| self.sort(one)),
            frame => match frame["id"].as_u64() {
                Some(id) => drop(self.answers.insert(id, frame)),
                None => self.notifications.push_back(frame),
            },
        }
    }
}

fn closed(frame: Option<CloseFrame>) -> Closed {
    match frame {
        Some(frame) => Closed { code: frame.code.into(), reason: frame.reason.to_string() },
        None => Closed { code: 1006, reason: "without a close frame".into() },
    }
}
