//! A process that the tester starts and owns: its output goes to a file, and it ends with its owner.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Time for an orderly end before a process is killed.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    stop: Signal,
}

impl Process {
    pub fn start(name: &str, mut command: Command, log: &Path, stop: Signal) -> anyhow::Result<Self> {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("{} cannot be written", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), stop })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends the signal and waits until the process has ended, which it is made to in the end.
    pub async fn end(&mut self, signal: Signal) {
        self.signal(signal);
        let end = Instant::now() + PATIENCE;
        while self.is_running() {
            if Instant::now() > end {
                self.signal(Signal::SIGKILL);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until `ready` says so, as long as the process lives and `patience` lasts.
    pub async fn wait_until(
        &mut self,
        patience: Duration,
        ready: impl AsyncFn() -> bool,
    ) -> anyhow::Result<()> {
        let end = Instant::now() + patience;
        while !ready().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}; the end of its log:\n{}", self.name, self.log_end());
            }
            if Instant::now() > end {
                let seconds = patience.as_secs();
                bail!(
                    "{} was not ready within {seconds} s; the end of its log:\n{}",
                    self.name,
                    self.log_end()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn log_end(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// Of a process that has ended, the id may be somebody else's by now.
    fn signal(&mut self, signal: Signal) {
        if self.is_running()
            && let Ok(pid) = i32::try_from(self.child.id())
        {
            // It fails only where the process is gone already.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(self.stop);
        let end = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                self.signal(Signal::SIGKILL);
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
