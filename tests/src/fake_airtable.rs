//! A server that speaks Airtable's API over real HTTP, holds one table, keeps its limits, and misbehaves on request.
//!
//! Invariant: it counts as Airtable does. Every request that was read counts for the limit of five in any second, also
//! one that is refused; a batch is taken whole or not at all; and a row is found by the field that the request merges on.
//!
//! ```text
//! let airtable = FakeAirtable::start().await?;
//! airtable.next(Act::CutAfter);
//! airtable.poison("C-7");
//! … airtable.variables() … airtable.rows() … airtable.most_in_a_second() …
//! ```

mod table;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::table::Table;
use crate::patience;
use crate::request::Request;

/// A running server; dropping it ends it and cuts its connections.
#[derive(Debug)]
pub struct FakeAirtable {
    address: SocketAddr,
    stage: Arc<Stage>,
    accepting: JoinHandle<()>,
}

/// What it does about a request instead of answering it well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Status(u16),
    /// 429, with or without a word on when to come again.
    Busy(Option<u64>),
    /// 429, because the requests of a month are used up.
    UsedUp,
    /// Takes the request, stores nothing and closes the connection.
    CutBefore,
    /// Stores the rows, and closes the connection instead of answering.
    CutAfter,
    /// Stores the rows, and answers with what is no JSON.
    Garbage,
}

/// A request as it was taken.
#[derive(Clone, Debug)]
pub struct Call {
    pub at: Instant,
    /// Of the answer; none where the connection was cut.
    pub status: Option<u16>,
    pub head: String,
    pub body: Value,
}

#[derive(Debug)]
struct Stage {
    play: Mutex<Play>,
    calls: watch::Sender<Vec<Call>>,
    alive: watch::Sender<()>,
}

#[derive(Debug)]
struct Play {
    table: Table,
    next: VecDeque<Act>,
    /// How likely a request goes wrong, and the plan that says which.
    faults: Option<(f64, StdRng)>,
    token: String,
    arrivals: Vec<Instant>,
}

const TOKEN: &str = "patTEST.0123456789";
const BASE: &str = "appTEST0123456789";
const TABLE: &str = "Our people";
/// What Airtable allows a base.
const A_SECOND: usize = 5;
/// Rows of one request.
const BATCH: usize = 10;

impl FakeAirtable {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the listener of the fake Airtable")?;
        let address = listener.local_addr()?;
        let play = Play {
            table: Table::default(),
            next: VecDeque::new(),
            faults: None,
            token: TOKEN.to_owned(),
            arrivals: Vec::new(),
        };
        let stage = Arc::new(Stage {
            play: Mutex::new(play),
            calls: watch::Sender::default(),
            alive: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&stage)));
        Ok(Self { address, stage, accepting })
    }

    /// What a server's environment says to sync here.
    pub fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("SWITCHBOARD_AIRTABLE_URL", format!("http://{}", self.address)),
            ("SWITCHBOARD_AIRTABLE_TOKEN", TOKEN.to_owned()),
            ("SWITCHBOARD_AIRTABLE_BASE", BASE.to_owned()),
            ("SWITCHBOARD_AIRTABLE_TABLE", TABLE.to_owned()),
            ("SWITCHBOARD_ALLOW_PRIVATE_WEBHOOKS", "on".to_owned()),
        ]
    }

    /// What no log and no answer may show.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Treats the next request like this, after those that were told before.
    pub fn next(&self, act: Act) {
        self.play().next.push_back(act);
    }

    /// Of all that nothing else was told for, such a share goes wrong, each in a way that the seed decides.
    pub fn misbehave(&self, share: f64, seed: u64) {
        self.play().faults = Some((share, StdRng::seed_from_u64(seed)));
    }

    /// Knows another token from now on, and then this one again.
    pub fn forget_the_token(&self, forget: bool) {
        TOKEN.clone_into(&mut self.play().token);
        if forget {
            self.play().token.push('x');
        }
    }

    /// Refuses this contact.
    pub fn poison(&self, contact: &str) {
        self.play().table.poison.insert(contact.to_owned());
    }

    /// Takes it again.
    pub fn cure(&self, contact: &str) {
        self.play().table.poison.remove(contact);
    }

    /// Has these columns and no others; without this, any.
    pub fn columns(&self, columns: &[&str]) {
        self.play().table.columns = Some(columns.iter().map(ToString::to_string).collect());
    }

    /// The rows of the table in the order in which they were made.
    pub fn rows(&self) -> Vec<Map<String, Value>> {
        self.play().table.rows.clone()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.stage.calls.borrow().clone()
    }

    /// Waits until there were so many requests.
    pub async fn heard(&self, count: usize) -> Result<Vec<Call>> {
        let mut calls = self.stage.calls.subscribe();
        patience::within(&format!("{count} requests to Airtable"), async move {
            Ok(calls.wait_for(|calls| calls.len() >= count).await?.clone())
        })
        .await
    }

    /// The most requests that came within any second.
    pub fn most_in_a_second(&self) -> usize {
        let arrivals = self.play().arrivals.clone();
        let until = |from: &Instant| *from + Duration::from_secs(1);
        let within = |from: &Instant| arrivals.iter().filter(|at| (*from..until(from)).contains(*at)).count();
        arrivals.iter().map(within).max().unwrap_or_default()
    }

    fn play(&self) -> MutexGuard<'_, Play> {
        self.stage.play()
    }
}

impl Drop for FakeAirtable {
    fn drop(&mut self) {
        self.accepting.abort();
        self.stage.alive.send_replace(());
    }
}

impl Stage {
    fn play(&self) -> MutexGuard<'_, Play> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Play {
    /// The answer to a request that was read just now; nothing where the connection is cut.
    fn answer(&mut self, at: Instant, head: &str, body: &Value) -> Option<(u16, Value, Option<u64>)> {
        let recent = self.arrivals.iter().rev().take_while(|one| at - **one < Duration::from_secs(1)).count();
        self.arrivals.push(at);
        if recent >= A_SECOND {
            return Some((429, json!({"errors": [{"error": "RATE_LIMIT_REACHED"}]}), None));
        }
        let act = self.next.pop_front().or_else(|| self.mishap());
        match act {
            Some(Act::Status(status)) => return Some((status, json!({"error": "FAKE"}), None)),
            Some(Act::Busy(after)) => {
                return Some((429, json!({"errors": [{"error": "RATE_LIMIT_REACHED"}]}), after));
            }
            Some(Act::UsedUp) => {
                return Some((
                    429,
                    json!({"errors": [{"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED"}]}),
                    None,
                ));
            }
            Some(Act::CutBefore) => return None,
            Some(Act::CutAfter | Act::Garbage) | None => {}
        }
        let (status, answer) = self.take(head, body);
        match act {
            Some(Act::CutAfter) => None,
            Some(Act::Garbage) => Some((status, Value::Null, None)),
            _ => Some((status, answer, None)),
        }
    }

    /// Whether this one goes wrong, and how.
    fn mishap(&mut self) -> Option<Act> {
        let (share, plan) = self.faults.as_mut()?;
        if !plan.random_bool(*share) {
            return None;
        }
        let acts = [
            Act::Busy(Some(1)),
            Act::Busy(None),
            Act::Status(500),
            Act::Status(503),
            Act::CutBefore,
            Act::CutAfter,
        ];
        Some(acts[plan.random_range(0..acts.len())])
    }

    fn take(&mut self, head: &str, body: &Value) -> (u16, Value) {
        let line = head.lines().next().unwrap_or_default();
        let says = |name: &str, value: &str| {
            let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            lines.any(|(key, said)| key.eq_ignore_ascii_case(name) && said.trim() == value)
        };
        if !says("authorization", &format!("Bearer {}", self.token)) {
            let message = "Invalid authentication token";
            return (401, json!({"error": {"type": "AUTHENTICATION_REQUIRED", "message": message}}));
        }
        if line != format!("PATCH /v0/{BASE}/{} HTTP/1.1", TABLE.replace(' ', "%20")) {
            return (404, json!({"error": "NOT_FOUND"}));
        }
        match body["records"].as_array() {
            Some(records) if records.len() <= BATCH && !records.is_empty() => {
                self.table.upsert(body, records)
            }
            _ => (422, json!({"error": {"type": "INVALID_RECORDS", "message": "1 to 10 records"}})),
        }
    }
}

async fn accept(listener: TcpListener, stage: Arc<Stage>) {
    while let Ok((socket, _)) = listener.accept().await {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            let mut alive = stage.alive.subscribe();
            // A client that goes away, or a server that is dropped, ends it at any point.
            tokio::select! {
                _ = serve(socket, &stage) => {}
                _ = alive.changed() => {}
            }
        });
    }
}

/// One request a connection.
async fn serve(mut socket: TcpStream, stage: &Stage) -> Result<()> {
    let Request { head, body } = Request::read(&mut socket).await?;
    let body = serde_json::from_slice(&body)?;
    let at = Instant::now();
    let answer = stage.play().answer(at, &head, &body);
    let status = answer.as_ref().map(|(status, ..)| *status);
    stage.calls.send_modify(|calls| calls.push(Call { at, status, head, body }));
    let Some((status, answer, after)) = answer else { return Ok(()) };
    // Null stands for what is no JSON.
    let answer = if answer.is_null() { "<html>".to_owned() } else { answer.to_string() };
    let after = after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} Fake\r\ncontent-type: application/json\r\n{after}content-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await?;
    Ok(())
}
