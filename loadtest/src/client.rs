//! One WebSocket to the server and the JSON-RPC on it.
//!
//! It stays small on purpose: 4 KiB of buffer a socket, no JSON tree on the way, and frames are handed out as they
//! came, so that a scenario parses no more than what it checks.

mod address;
mod socketio;
pub mod wire;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

pub use self::address::{Address, Dialect};
use self::socketio::Heard;
pub use self::socketio::Session;
use self::wire::{Frame, Refusal};

/// Large enough for an answer with a page of short messages, small enough for 15,000 sockets.
const READ_BUFFER: usize = 4 * 1024;

/// Notifications that arrive while a call waits for its answer. More of them than a page of history means that the
/// answer is not coming.
const BACKLOG: usize = 100_000;

/// Connections from one loopback address: well under the 28,000 ports that Linux gives out by default.
const PER_SOURCE: u32 = 10_000;

/// Why a socket is of no more use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Gone {
    #[error("the server closed the socket with {0}: {1}")]
    Closed(u16, String),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the server broke the protocol: {0}")]
    Nonsense(String),
}

/// Why a call has no result: the request failed, or the connection ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    #[error("the server refused it: {0}")]
    Refused(Refusal),
    #[error(transparent)]
    Gone(#[from] Gone),
}

impl CallError {
    /// Worth another try: the connection ended, or the server asked for patience.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Gone(Gone::Closed(code, _)) => !(4500..5000).contains(code),
            Self::Gone(Gone::Nonsense(_)) => false,
            Self::Gone(_) => true,
            Self::Refused(refusal) => {
                refusal.kind().is_some_and(|kind| matches!(kind, "rate_limited" | "unavailable"))
            }
        }
    }
}

pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Of a server that speaks Socket.IO.
    session: Option<Box<Session>>,
    next_id: u64,
    backlog: VecDeque<Utf8Bytes>,
    pings: u32,
    patience: Duration,
}

impl Socket {
    /// Connects as the `nth` client of this run, from a loopback address that still has ports.
    pub async fn connect(address: &Address, nth: u32, patience: Duration) -> Result<Self, Gone> {
        Self::reconnect(address, nth, patience, None).await
    }

    /// The same for a client that was there before, and knows what `cut` has left.
    pub async fn reconnect(
        address: &Address,
        nth: u32,
        patience: Duration,
        before: Option<Box<Session>>,
    ) -> Result<Self, Gone> {
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
        let handshake = async {
            let stream = tcp(address.socket, nth).await?;
            let (stream, _) =
                tokio_tungstenite::client_async_with_config(address.url(), stream, Some(config)).await?;
            Ok::<_, tungstenite::Error>(stream)
        };
        let stream = timeout(patience, handshake).await.map_err(|_| Gone::Silent(patience))??;
        let mut socket =
            Self { stream, session: None, next_id: 0, backlog: VecDeque::new(), pings: 0, patience };
        if address.dialect == Dialect::SocketIo {
            let hello = socketio::hello(before.as_deref());
            socket.session = Some(before.unwrap_or_default());
            socket.send(hello).await?;
            timeout(patience, socket.introduced()).await.map_err(|_| Gone::Silent(patience))??;
        }
        Ok(socket)
    }

    /// Sends a request and waits for its answer; what else arrives is kept for `receive`, in order.
    pub async fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, CallError> {
        let id = self.request(method, params).await?;
        let patience = self.patience;
        timeout(patience, self.answer(id)).await.map_err(|_| Gone::Silent(patience))?
    }

    /// Sends a request and does not wait.
    pub async fn request(&mut self, method: &str, params: &impl Serialize) -> Result<u64, Gone> {
        let params = serde_json::to_string(params).expect("parameters are plain data");
        self.ask(method, &params).await
    }

    /// The same with parameters that are JSON already.
    pub async fn ask(&mut self, method: &str, params: &str) -> Result<u64, Gone> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(match self.session {
            Some(_) => socketio::request(id, method, params),
            None => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#),
        })
        .await?;
        Ok(id)
    }

    /// The next text frame. Pings are answered on the way.
    pub async fn receive(&mut self) -> Result<Utf8Bytes, Gone> {
        match self.backlog.pop_front() {
            Some(frame) => Ok(frame),
            None => self.read().await,
        }
    }

    /// The next text frame, of a server that owes one.
    pub async fn receive_in_time(&mut self) -> Result<Utf8Bytes, Gone> {
        let patience = self.patience;
        timeout(patience, self.receive()).await.map_err(|_| Gone::Silent(patience))?
    }

    pub fn pings(&self) -> u32 {
        self.pings
    }

    /// What Socket.IO brought before it answered, as it does to whoever is recovered; nothing else is so early.
    pub fn early(&mut self) -> VecDeque<Utf8Bytes> {
        std::mem::take(&mut self.backlog)
    }

    /// Ends the connection as a dead battery does: no close frame, no FIN, a reset.
    pub fn cut(self) -> Option<Box<Session>> {
        // It fails only where the connection is gone already.
        let _ = self.stream.get_ref().set_zero_linger();
        self.session
    }

    async fn send(&mut self, frame: String) -> Result<(), Gone> {
        Ok(self.stream.send(Message::text(frame)).await?)
    }

    /// Socket.IO brings missed events first, and then says whose session it is.
    async fn introduced(&mut self) -> Result<(), Gone> {
        loop {
            match self.hear().await? {
                Heard::Connected => return Ok(()),
                Heard::Frame(frame) => self.backlog.push_back(frame),
                Heard::Ping | Heard::Nothing => {}
            }
        }
    }

    async fn answer<T: DeserializeOwned>(&mut self, id: u64) -> Result<T, CallError> {
        loop {
            let text = self.read().await?;
            let frame = Frame::parse(&text)?;
            if frame.id == Some(id) {
                return frame.into_result();
            }
            if self.backlog.len() == BACKLOG {
                return Err(Gone::Nonsense(format!("{BACKLOG} frames came before an answer")).into());
            }
            self.backlog.push_back(text);
        }
    }

    async fn read(&mut self) -> Result<Utf8Bytes, Gone> {
        if self.session.is_none() {
            return self.text().await;
        }
        loop {
            if let Heard::Frame(frame) = self.hear().await? {
                return Ok(frame);
            }
        }
    }

    /// A packet of Socket.IO; its pings are answered on the way.
    async fn hear(&mut self) -> Result<Heard, Gone> {
        let packet = self.text().await?;
        let heard = self.session.get_or_insert_default().hear(&packet)?;
        if heard == Heard::Ping {
            self.pings += 1;
            self.send(socketio::PONG.into()).await?;
        }
        Ok(heard)
    }

    async fn text(&mut self) -> Result<Utf8Bytes, Gone> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                // The library has queued the pong; the next read sends it.
                Some(Ok(Message::Ping(_))) => self.pings += 1,
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err(Gone::Closed(close.code.into(), close.reason.to_string()));
                }
                Some(Ok(Message::Close(None))) => return Err(Gone::Closed(1005, String::new())),
                Some(Ok(Message::Binary(_))) => return Err(Gone::Nonsense("a binary frame".into())),
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(Gone::Broken("it ended without a close frame".into())),
            }
        }
    }
}

impl From<tungstenite::Error> for Gone {
    fn from(error: tungstenite::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Where the server is on loopback, later clients come from 127.0.0.2 and so on: each address has its own ports.
async fn tcp(server: SocketAddr, nth: u32) -> std::io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    let source = u8::try_from(nth / PER_SOURCE).unwrap_or(u8::MAX - 1);
    if source > 0 && server.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        socket.bind((Ipv4Addr::new(127, 0, 0, source + 1), 0).into())?;
    }
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
