//! A receiver of webhooks over real HTTP: remembers what it was sent, checks signatures by itself, and misbehaves on
//! request.
//!
//! Invariant: it remembers every call, also one that it answers badly, so that a test can say that one was made once, or
//! not at all.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::patience;
use crate::request::{self, Request};

/// A running receiver; dropping it ends it and cuts its connections.
#[derive(Debug)]
pub struct Hook {
    address: SocketAddr,
    stage: Arc<Stage>,
    accepting: JoinHandle<()>,
}

/// What it does about a call.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    /// 302 to here.
    Redirect(String),
    /// Bytes that are no HTTP.
    Garbage,
    /// A body that never ends behind a good status.
    Endless,
    /// Nothing, with the connection open.
    Hang,
    HangUp,
}

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub head: String,
    pub text: String,
    pub body: Value,
}

#[derive(Debug)]
struct Stage {
    next: Mutex<VecDeque<Answer>>,
    always: Mutex<Answer>,
    calls: watch::Sender<Vec<Heard>>,
    alive: watch::Sender<()>,
}

impl Hook {
    /// Accepts whatever comes, until it is told otherwise.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the listener of the hook")?;
        let address = listener.local_addr()?;
        let stage = Arc::new(Stage {
            next: Mutex::default(),
            always: Mutex::new(Answer::Status(204)),
            calls: watch::Sender::default(),
            alive: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&stage)));
        Ok(Self { address, stage, accepting })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers the next call like this, after those that were told before.
    pub fn next(&self, answer: Answer) {
        locked(&self.stage.next).push_back(answer);
    }

    /// Answers all calls like this that nothing else was told for.
    pub fn always(&self, answer: Answer) {
        *locked(&self.stage.always) = answer;
    }

    pub fn calls(&self) -> Vec<Heard> {
        self.stage.calls.borrow().clone()
    }

    /// Waits until there were so many calls, and gives all of them.
    pub async fn heard(&self, count: usize) -> Result<Vec<Heard>> {
        let mut calls = self.stage.calls.subscribe();
        patience::within(&format!("{count} calls of a webhook"), async move {
            Ok(calls.wait_for(|calls| calls.len() >= count).await?.clone())
        })
        .await
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.accepting.abort();
        self.stage.alive.send_replace(());
    }
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        request::header(&self.head, name)
    }

    /// The id that a receiver tells repeats by.
    pub fn id(&self) -> Result<String> {
        Ok(self.header("webhook-id").context("a webhook-id")?.to_owned())
    }

    /// Checks the signature as the specification of Standard Webhooks says, with nothing of the server's.
    pub fn verify(&self, secret: &str) -> Result<()> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").context("the prefix of a secret")?)?;
        let stamp = self.header("webhook-timestamp").context("a webhook-timestamp")?;
        let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        ensure!(age.abs_diff(stamp.parse()?) < 300, "the timestamp {stamp} is not of now");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
        mac.update(format!("{}.{stamp}.{}", self.id()?, self.text).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let signatures = self.header("webhook-signature").context("a webhook-signature")?;
        ensure!(
            signatures.split(' ').any(|signature| signature == expected),
            "{signatures} is not {expected}"
        );
        Ok(())
    }
}

async fn accept(listener: TcpListener, stage: Arc<Stage>) {
    while let Ok((socket, _)) = listener.accept().await {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            let mut alive = stage.alive.subscribe();
            // A client that goes away, or a hook that is dropped, ends it at any point.
            tokio::select! {
                _ = serve(socket, &stage) => {}
                _ = alive.changed() => {}
            }
        });
    }
}

/// One call a connection.
async fn serve(mut socket: TcpStream, stage: &Stage) -> Result<()> {
    let request = Request::read(&mut socket).await?;
    let text = String::from_utf8(request.body.clone())?;
    let heard = Heard {
        path: request.path()?.to_owned(),
        head: request.head,
        body: serde_json::from_str(&text)?,
        text,
    };
    stage.calls.send_modify(|calls| calls.push(heard));
    let next = locked(&stage.next).pop_front();
    let answer = next.unwrap_or_else(|| locked(&stage.always).clone());
    let empty = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let bytes = match answer {
        Answer::Status(status) => empty(&format!("{status} Hook")),
        Answer::Redirect(to) => empty(&format!("302 Found\r\nlocation: {to}")),
        Answer::Garbage => "\u{1}\u{2} no HTTP at all\r\n\r\n".to_owned(),
        Answer::Endless => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                socket.write_all(b"400\r\n").await?;
                socket.write_all(&[b'x'; 0x400]).await?;
                socket.write_all(b"\r\n").await?;
            }
        }
        Answer::Hang => std::future::pending().await,
        Answer::HangUp => return Ok(()),
    };
    socket.write_all(bytes.as_bytes()).await?;
    socket.shutdown().await?;
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
