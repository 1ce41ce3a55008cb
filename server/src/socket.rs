//! The WebSocket transport: from an upgrade to a close code.
//!
//! Invariant: a socket costs bounded memory whatever its client sends or fails to read.

mod batch;
mod connection;
mod outbound;
mod requests;
mod upgrade;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use switchboard_protocol::CloseCode;
use tokio_util::task::TaskTracker;

use crate::access::directory::FRESH;
use crate::rpc::Desk;
use crate::session::ConnectionId;
use outbound::Outbound;

pub use upgrade::{Forwarding, Place, peer, upgrade};

/// Every open socket.
#[derive(Clone)]
pub struct Sockets {
    desk: Arc<Desk>,
    open: Arc<DashMap<ConnectionId, Arc<Outbound>>>,
    next: Arc<AtomicU64>,
    draining: Arc<AtomicBool>,
    tasks: TaskTracker,
}

/// Sockets told to leave at a time, and the pause between two such groups: whoever takes them is not flooded.
const DRAIN_GROUP: usize = 500;
const DRAIN_PAUSE: Duration = Duration::from_millis(50);

/// Credentials looked for by one statement.
const CHECK_GROUP: usize = 1_000;

/// When a client that came in during the drain may come again.
const LATECOMER_MS: u64 = 1_000;

impl Sockets {
    pub fn new(desk: Arc<Desk>) -> Self {
        Self {
            desk,
            open: Arc::default(),
            next: Arc::default(),
            draining: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Tells every client to come back, in groups, and waits until each has its answers and has gone.
    pub async fn drain(&self) {
        self.tasks.close();
        self.draining.store(true, Ordering::SeqCst);
        let all: Vec<_> = self.open.iter().map(|entry| entry.value().clone()).collect();
        for (index, group) in all.chunks(DRAIN_GROUP).enumerate() {
            if index > 0 {
                tokio::time::sleep(DRAIN_PAUSE).await;
            }
            // Spread over as long as the groups take, so that they do not all knock at once.
            let spread = u64::try_from(all.len() / 5).unwrap_or(u64::MAX).clamp(250, 10_000);
            for outbound in group {
                outbound.drain(rand::random_range(100..spread));
            }
        }
        self.tasks.wait().await;
    }

    /// Closes the sockets whose key or log-in holds no longer. Called after these have changed.
    pub async fn check_credentials(&self) {
        let held: Vec<_> = self
            .open
            .iter()
            .filter_map(|entry| Some((entry.value().clone(), entry.value().credential()?)))
            .collect();
        for group in held.chunks(CHECK_GROUP) {
            let credentials = group.iter().map(|(_, credential)| *credential).collect();
            match self.desk.directory.working(credentials).await {
                Ok(working) => {
                    for (outbound, _) in group.iter().filter(|(_, credential)| !working.contains(credential))
                    {
                        outbound.doom(CloseCode::CredentialsRevoked);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "revoked credentials could not be looked for; they will be again");
                }
            }
        }
    }

    /// Does so now and then, for what was revoked by others: another server, or a command while none ran.
    pub async fn keep_checking(&self) {
        loop {
            tokio::time::sleep(FRESH).await;
            self.check_credentials().await;
        }
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Closes every socket with this code.
    pub fn dismiss(&self, code: CloseCode) {
        for entry in self.open.iter() {
            entry.value().doom(code);
        }
    }

    fn enter(&self) -> Arc<Outbound> {
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let outbound = Arc::new(Outbound::new(id, self.desk.epoch.clone()));
        self.open.insert(id, outbound.clone());
        // Who came in while the others were being told has not been told.
        if self.is_draining() {
            outbound.drain(LATECOMER_MS);
        }
        metrics::gauge!("switchboard_connections").increment(1);
        outbound
    }

    fn leave(&self, id: ConnectionId) {
        self.open.remove(&id);
        metrics::gauge!("switchboard_connections").decrement(1);
    }
}
