//! A server that the tester starts, on a database and a data folder of the caller's choice.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

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
        command.arg("--data").arg(data).args(["--preset", args.preset, "--limits", "off"]);
        let mut process = Process::start("the server", command, &logs.join("server.log"), Signal::SIGTERM)?;
        process.wait_until(STARTED_WITHIN, async || address.get("/readyz").await.is_ok()).await?;
        let entrance = Entrance { address, workspace: args.workspace.clone(), patience: args.timeout() };
        Ok(Self { entrance, process })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}
