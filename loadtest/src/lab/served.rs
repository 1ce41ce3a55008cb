//! A server that the tester starts, on a database and a data folder of the caller's choice.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;

use crate::cli::LabArgs;
use crate::client::Address;
use crate::database::free_port;
use crate::process::Process;
use crate::visitor::Entrance;

/// An embedded database that is made first takes its time on a slow machine.
const STARTED_WITHIN: Duration = Duration::from_mins(2);

pub struct Served {
    pub entrance: Entrance,
    process: Process,
    binary: PathBuf,
    data: PathBuf,
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
        let mut command = Command::new(binary);
        command.arg("serve").arg("--listen").arg(address.socket.to_string()).args(["--database", database]);
        command.arg("--data").arg(data).args(["--preset", &args.preset, "--limits", "off"]);
        let mut process = Process::start("the server", command, &logs.join("server.log"), Signal::SIGTERM)?;
        process.wait_until(STARTED_WITHIN, async || address.get("/readyz").await.is_ok()).await?;
        let entrance = Entrance { address, workspace: args.workspace.clone(), patience: args.timeout() };
        Ok(Self { entrance, process, binary: binary.to_owned(), data: data.to_owned() })
    }

    /// A key of somebody of the staff, made as an administrator makes one.
    pub async fn staff_key(&self, name: &str) -> anyhow::Result<String> {
        let mut command = tokio::process::Command::new(&self.binary);
        command.args(["key", "add", "--role", "staff", "--name", name]);
        command.args(["--workspace", self.entrance.workspace.as_deref().unwrap_or("default")]);
        let made = command.arg("--data").arg(&self.data).output().await?;
        let problem = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "a key for the staff cannot be made: {}", problem.trim());
        let printed = String::from_utf8_lossy(&made.stdout);
        Ok(printed.lines().last().context("no key was printed")?.trim().to_owned())
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
