//! The running Postgres. A thread of its own starts it and waits for it: the kernel interrupts Postgres when
//! the thread that started it ends, so that thread must live as long as the database.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::time::timeout;

use super::LocalError;
use super::binaries::Binaries;
use super::cluster::Cluster;

/// For the last checkpoint.
const STOP: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Postmaster {
    id: Pid,
    log: PathBuf,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Postmaster {
    /// Starts it; it is not ready yet. `held` is let go of when it has ended.
    pub(super) fn start(
        cluster: &Cluster,
        binaries: &Binaries,
        fsync: bool,
        held: impl Send + 'static,
    ) -> Result<Self, LocalError> {
        let program = binaries.program("postgres");
        let failed = |error| LocalError::Program { program: program.display().to_string(), error };
        let command = command(cluster, &program, fsync)?;
        let (starts, started) = sync_channel(1);
        let (end, ended) = watch::channel(None);
        std::thread::Builder::new()
            .name("postmaster".to_owned())
            .spawn(move || {
                let status = run(command, &starts);
                drop(held);
                end.send_replace(status);
            })
            .map_err(failed)?;
        let id = started.recv().map_err(io::Error::other).flatten().map_err(failed)?;
        Ok(Self { id, log: cluster.log.clone(), ended })
    }

    /// Waits until it has ended, whatever the reason.
    pub(super) async fn ended(&self) -> LocalError {
        let mut ended = self.ended.clone();
        let how = match ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(status)) => status.to_string(),
            Ok(None) | Err(_) => "nobody saw how".to_owned(),
        };
        LocalError::Ended { how, log: self.last_words() }
    }

    /// Ends its sessions, waits for its checkpoint and for its end.
    pub(super) async fn stop(&self) -> Result<(), LocalError> {
        self.signal(Signal::SIGINT);
        let mut ended = self.ended.clone();
        if let Ok(status) = timeout(STOP, ended.wait_for(Option::is_some)).await {
            return match status.as_deref() {
                Ok(Some(status)) if status.success() => Ok(()),
                _ => Err(self.ended().await),
            };
        }
        self.signal(Signal::SIGQUIT);
        self.ended().await;
        Err(LocalError::NotStopped { seconds: STOP.as_secs() })
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        const BYTES: u64 = 4096;
        const LINES: usize = 15;
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
            let mut end = Vec::new();
            file.read_to_end(&mut end).map(|_| end)
        };
        let text =
            read().map_or_else(|error| error.to_string(), |end| String::from_utf8_lossy(&end).into_owned());
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }

    fn signal(&self, signal: Signal) {
        if self.ended.borrow().is_none() {
            kill(self.id, signal).ok();
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        self.signal(Signal::SIGINT);
    }
}

fn command(cluster: &Cluster, program: &Path, fsync: bool) -> Result<Command, LocalError> {
    let mut log = OpenOptions::new();
    let log = log.create(true).append(true).open(&cluster.log);
    let log = log.and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = log.map_err(|error| LocalError::File { path: cluster.log.clone(), error })?;
    let mut command = cluster.account.command(program);
    command.arg("-D").arg(&cluster.data).stdout(out).stderr(err);
    // Ctrl-C at a terminal goes to the group of the server, which then decides when its database stops.
    command.process_group(0);
    let folders = format!("\"{}\"", cluster.socket.display().to_string().replace('"', "\"\""));
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        "port=5432".to_owned(),
        "unix_socket_permissions=0700".to_owned(),
        format!("unix_socket_directories={folders}"),
        "logging_collector=off".to_owned(),
    ];
    if !fsync {
        settings.extend(["fsync", "full_page_writes"].map(|name| format!("{name}=off")));
    }
    for setting in settings {
        command.args(["-c", &setting]);
    }
    Ok(command)
}

fn run(mut command: Command, starts: &SyncSender<io::Result<Pid>>) -> Option<ExitStatus> {
    match command.spawn() {
        Ok(mut child) => {
            let id = i32::try_from(child.id()).map(Pid::from_raw).map_err(io::Error::other);
            starts.send(id).ok();
            child.wait().ok()
        }
        Err(error) => {
            starts.send(Err(error)).ok();
            None
        }
    }
}
