//! A server that speaks OpenAI's API over real HTTP, answers what a test tells it to, and misbehaves on request.
//!
//! Invariant: it remembers every call, also one that it answers badly, so that a test can say that a call was made
//! once, or not at all.
//!
//! ```text
//! let model = FakeOpenAi::start().await?;
//! model.always(Asked::Intent, Act::object(&json!({"intent": "prices", "confidence": 0.9})));
//! model.next(Asked::Answer, Act::status(500));
//! model.always(Asked::Answer, Act::text("It costs ten euros [1]."));
//! … model.base_url() … model.count(Asked::Answer) …
//! ```

mod act;
mod request;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use act::Act;
use act::Step;

/// A running server; dropping it ends it and cuts its connections.
#[derive(Debug)]
pub struct FakeOpenAi {
    address: SocketAddr,
    stage: Arc<Stage>,
    accepting: JoinHandle<()>,
}

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// A classification.
    Intent,
    /// A distillation.
    Insights,
    /// An answer to a visitor, and any other chat.
    Answer,
    Embeddings,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub asked: Asked,
    pub path: String,
    pub authorization: Option<String>,
    pub body: Value,
}

#[derive(Debug)]
struct Stage {
    play: Mutex<Play>,
    calls: Mutex<Vec<Call>>,
    open: AtomicUsize,
    alive: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Play {
    next: HashMap<Asked, VecDeque<Act>>,
    always: HashMap<Asked, Act>,
}

impl FakeOpenAi {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the listener of the fake model")?;
        let address = listener.local_addr()?;
        let stage = Arc::new(Stage {
            play: Mutex::default(),
            calls: Mutex::default(),
            open: AtomicUsize::new(0),
            alive: watch::Sender::new(()),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&stage)));
        Ok(Self { address, stage, accepting })
    }

    /// For `OPENAI_BASE_URL`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Answers the next such call like this, after those that were told before.
    pub fn next(&self, asked: Asked, act: Act) {
        locked(&self.stage.play).next.entry(asked).or_default().push_back(act);
    }

    /// Answers all such calls like this that nothing else was told for.
    pub fn always(&self, asked: Asked, act: Act) {
        locked(&self.stage.play).always.insert(asked, act);
    }

    /// Every call so far, in their order.
    pub fn calls(&self) -> Vec<Call> {
        locked(&self.stage.calls).clone()
    }

    pub fn count(&self, asked: Asked) -> usize {
        locked(&self.stage.calls).iter().filter(|call| call.asked == asked).count()
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.stage.open.load(Ordering::SeqCst)
    }
}

impl Drop for FakeOpenAi {
    fn drop(&mut self) {
        self.accepting.abort();
        self.stage.alive.send_replace(());
    }
}

impl Stage {
    /// What to do about a call.
    fn act(&self, call: &Call) -> Act {
        let mut play = locked(&self.play);
        let next = play.next.get_mut(&call.asked).and_then(VecDeque::pop_front);
        next.or_else(|| play.always.get(&call.asked).cloned()).unwrap_or_else(|| unasked(call))
    }
}

/// An answer where no test said anything.
fn unasked(call: &Call) -> Act {
    match call.asked {
        Asked::Intent => {
            Act::object(&json!({"intent": "none", "confidence": 0.5, "reason": "nothing was said"}))
        }
        Asked::Insights => Act::object(&json!({"personal": []})),
        Asked::Answer => Act::object(&json!({"text": "", "action": "insufficient", "confidence": 0.0})),
        Asked::Embeddings => Act::json(&request::embeddings(&call.body)),
    }
}

async fn accept(listener: TcpListener, stage: Arc<Stage>) {
    while let Ok((socket, _)) = listener.accept().await {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            let mut alive = stage.alive.subscribe();
            stage.open.fetch_add(1, Ordering::SeqCst);
            // A client that goes away, or a server that is dropped, ends it at any point.
            tokio::select! {
                _ = serve(socket, &stage) => {}
                _ = alive.changed() => {}
            }
            stage.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// One call a connection.
async fn serve(mut socket: TcpStream, stage: &Stage) -> Result<()> {
    let call = request::read(&mut socket).await?;
    locked(&stage.calls).push(call.clone());
    let act = stage.act(&call);
    let (mut reading, mut writing) = socket.split();
    tokio::select! {
        written = perform(&act, &mut writing) => written,
        gone = request::gone(&mut reading) => gone,
    }
}

async fn perform(act: &Act, socket: &mut (impl tokio::io::AsyncWrite + Unpin)) -> Result<()> {
    for step in act.steps() {
        match step {
            Step::Wait(pause) => tokio::time::sleep(*pause).await,
            Step::Send(bytes) => socket.write_all(bytes).await?,
            Step::Forever(bytes) => loop {
                socket.write_all(bytes).await?;
            },
            Step::Hang => std::future::pending().await,
        }
    }
    socket.shutdown().await?;
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
