//! A server that the tester starts, on a database and a data folder of the caller's choice.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;
use uuid::Uuid;

use crate::cli::LabArgs;
use crate::client::Address;
use crate::client::wire::log::{Entry, Exported};
use crate::database::free_port;
use crate::process::Process;
use crate::visitor::Entrance;

/// An embedded database that is made first takes its time on a slow machine.
const STARTED_WITHIN: Duration = Duration::from_mins(2);

pub struct Served {
    pub entrance: Entrance,
    process: Process,
    launch: Launch,
}

/// How it is started, and started again.
struct Launch {
    binary: PathBuf,
    database: String,
    data: PathBuf,
    preset: String,
    log: PathBuf,
}

impl Served {
    /// Started on the same `data` once more, it knows the tokens that it gave out before. Its log goes to `logs`.
    pub async fn start(
        binary: &Path,
        args: &LabArgs,
        database: &str,
        data: &Path,
        logs: &Path,
    ) -> anyhow::Result<Self> {
        let address = Address::loopback(free_port()?);
        let launch = Launch {
            binary: binary.to_owned(),
            database: database.to_owned(),
            data: data.to_owned(),
            preset: args.preset.clone(),
            log: logs.join("server.log"),
        };
        let process = launch.start(&address)?;
        let entrance = Entrance { address, workspace: args.workspace.clone(), patience: args.timeout() };
        let mut served = Self { entrance, process, launch };
        served.ready().await?;
        Ok(served)
    }

    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let address = self.entrance.address.clone();
        self.process.wait_until(STARTED_WITHIN, async || address.get("/readyz").await.is_ok()).await
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    pub async fn end(&mut self, signal: Signal) {
        self.process.end(signal).await;
    }

    /// After its end, at the same address with the same data. Ready when it has its database, which is not waited for.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = self.launch.start(&self.entrance.address)?;
        let address = self.entrance.address.clone();
        self.process.wait_until(STARTED_WITHIN, async || address.get("/healthz").await.is_ok()).await
    }

    pub async fn staff_keys(&self, count: u32) -> anyhow::Result<Vec<String>> {
        let mut keys = Vec::new();
        for nth in 1..=count {
            keys.push(self.staff_key(&format!("staff {nth}")).await?);
        }
        Ok(keys)
    }

    /// A key of somebody of the staff, made as an administrator makes one.
    async fn staff_key(&self, name: &str) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::new(&self.launch.binary);
        command.args(["key", "add", "--role", "staff", "--name", name]);
        command.args(["--workspace", self.entrance.workspace.as_deref().unwrap_or("default")]);
        let made = command.arg("--data").arg(&self.launch.data).output().await?;
        let problem = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "a key for the staff cannot be made: {}", problem.trim());
        let printed = String::from_utf8_lossy(&made.stdout);
        Ok(printed.lines().last().context("no key was printed")?.trim().to_owned())
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends the server and reads the rows that it leaves: `switchboard export`, a process that knows nothing of what
    /// the server held in memory, opens the database anew and copies the table out.
    pub async fn rows(&mut self) -> anyhow::Result<HashMap<Uuid, Vec<Entry>>> {
        self.end(Signal::SIGTERM).await;
        let folder = self.launch.log.with_file_name("rows");
        let mut command = tokio::process::Command::new(&self.launch.binary);
        command.arg("export").arg(&folder).arg("--database").arg(&self.launch.database);
        let done = command.arg("--data").arg(&self.launch.data).output().await?;
        let problem = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "the rows cannot be read: {}", problem.trim());
        let mut rows: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for line in BufReader::new(File::open(folder.join("messages.jsonl"))?).lines() {
            let Exported { conversation_id, entry } = serde_json::from_str(&line?)?;
            rows.entry(conversation_id).or_default().push(entry);
        }
        Ok(rows)
    }
}

impl Launch {
    fn start(&self, address: &Address) -> anyhow::Result<Process> {
        let mut command = Command::new(&self.binary);
        command.arg("serve").arg("--listen").arg(address.socket.to_string());
        command.arg("--database").arg(&self.database).arg("--data").arg(&self.data);
        command.args(["--preset", &self.preset, "--limits", "off"]);
        Process::start("the server", command, &self.log, Signal::SIGTERM)
    }
}
