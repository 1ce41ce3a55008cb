//! The services that a team would write itself: started on loopback, on the same Postgres, for the same load.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::client::{Address, Dialect};
use crate::database::{Database, free_port};
use crate::process::Process;
use crate::visitor::Entrance;

/// A peer is a folder with a script `run` that installs it and becomes it, and a schema of its own.
pub struct Kind {
    pub name: &'static str,
    pub title: &'static str,
    /// What `run` is asked to become, where the folder holds more than one service.
    service: Option<&'static str>,
    schema: &'static str,
    pub table: &'static str,
    dialect: Dialect,
}

pub const FASTAPI: Kind = Kind {
    name: "fastapi",
    title: "FastAPI + asyncpg",
    service: None,
    schema: "peer_fastapi",
    table: "peer_fastapi.messages",
    dialect: Dialect::JsonRpc,
};

pub const NODE: Kind = Kind {
    name: "node",
    title: "Node ws + pg",
    service: None,
    schema: "peer_node",
    table: "peer_node.messages",
    dialect: Dialect::JsonRpc,
};

/// The one that knows how to resume: connection state recovery, in memory for two minutes.
pub const SOCKETIO: Kind = Kind {
    name: "socketio",
    title: "Socket.IO + pg",
    service: None,
    schema: "peer_socketio",
    table: "peer_socketio.messages",
    dialect: Dialect::SocketIo,
};

/// The libraries of `NODE`, as a feed of escalations to consoles.
pub const NODE_FEED: Kind = Kind { service: Some("feed"), table: "peer_node.escalations", ..NODE };

pub struct Peer {
    pub kind: &'static Kind,
    address: Address,
    process: Process,
    _folder: TempDir,
}

impl Peer {
    pub async fn start(kind: &'static Kind, folder: &Path, database: &Database) -> anyhow::Result<Self> {
        let script = folder.join(kind.name).join("run");
        let installed = Command::new(&script)
            .arg("--install")
            .output()
            .with_context(|| format!("{} cannot be run", script.display()))?;
        let problem = String::from_utf8_lossy(&installed.stderr);
        ensure!(installed.status.success(), "{} cannot be installed: {}", kind.title, problem.trim());

        database.drop_schema(kind.schema).await?;
        let address = Address::loopback(free_port()?).speaking(kind.dialect);
        let mut command = Command::new(script);
        command.args(kind.service);
        command.env("DATABASE_URL", &database.url).env("PORT", address.socket.port().to_string());
        let logs = TempDir::new()?;
        let log = logs.path().join("log");
        let mut process = Process::start(kind.title, command, &log, Signal::SIGKILL)?;
        process.wait_until(Duration::from_secs(30), async || address.get("/healthz").await.is_ok()).await?;
        Ok(Self { kind, address, process, _folder: logs })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn entrance(&self, patience: Duration) -> Entrance {
        Entrance { address: self.address.clone(), workspace: None, patience }
    }

    /// Ends the peer and takes its table with it.
    pub async fn stop(self, database: &Database) -> anyhow::Result<()> {
        let schema = self.kind.schema;
        drop(self);
        database.drop_schema(schema).await
    }
}
