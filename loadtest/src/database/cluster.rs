//! A private Postgres for one run: the installed binaries, Postgres' own settings, a folder that goes with it.
//!
//! Its defaults stay, `fsync` and `synchronous_commit` first of all; what differs is written in `SETTINGS`.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::process::Process;

/// Room for three pools of 20 and then some; no checkpoint in the middle of a round.
const SETTINGS: [&str; 2] = ["max_connections=200", "max_wal_size=4GB"];

/// Not /tmp, which may be memory, where a commit costs nothing.
const PARENT: &str = "/var/tmp";

const NAME: &str = "loadtest";

/// How long it may take until the last process of a killed Postgres has let go of its memory.
const AGAIN: Duration = Duration::from_secs(30);

// The process is dropped, and so stopped, before its folder is removed.
pub struct Cluster {
    pub url: String,
    process: Process,
    place: Place,
}

/// Where it is, and as whom it runs.
struct Place {
    binaries: PathBuf,
    owner: Option<User>,
    port: u16,
    folder: TempDir,
}

impl Cluster {
    pub async fn start(binaries: Option<&Path>) -> anyhow::Result<Self> {
        Self::start_in(Path::new(PARENT), binaries).await
    }

    /// In a new folder below `parent`, through which its user must be able to pass.
    pub async fn start_in(parent: &Path, binaries: Option<&Path>) -> anyhow::Result<Self> {
        let binaries = binaries.map_or_else(newest, |folder| Ok(folder.to_owned()))?;
        let folder = tempfile::Builder::new().prefix("switchboard-loadtest-").tempdir_in(parent)?;
        let owner = unprivileged()?;
        if let Some(owner) = &owner {
            chown(folder.path(), Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
        }
        let place = Place { binaries, owner, port: free_port()?, folder };
        let made = place
            .command("initdb")
            .args(["-D", "data", "-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .output()
            .with_context(|| format!("{}/initdb cannot be run", place.binaries.display()))?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());

        let mut process = place.start()?;
        let admin = url(place.port, "postgres");
        process
            .wait_until(Duration::from_secs(30), async || {
                execute(&admin, &format!("create database {NAME}")).await.is_ok()
            })
            .await?;
        Ok(Self { url: url(place.port, NAME), process, place })
    }

    /// The database of any cluster, by way of this port.
    pub fn url_by(port: u16) -> String {
        url(port, NAME)
    }

    pub fn socket(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.place.port))
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    pub async fn end(&mut self, signal: Signal) {
        self.process.end(signal).await;
    }

    /// After its end, also after one that left its processes and its lock behind.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + AGAIN;
        loop {
            self.process = self.place.start()?;
            let url = self.url.clone();
            let started =
                self.process.wait_until(AGAIN, async || execute(&url, "select 1").await.is_ok()).await;
            if started.is_ok() || Instant::now() > deadline {
                return started;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Place {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command.current_dir(self.folder.path());
        if let Some(owner) = &self.owner {
            command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
        }
        command
    }

    fn start(&self) -> anyhow::Result<Process> {
        let mut postgres = self.command("postgres");
        postgres.args(["-D", "data", "-c", "listen_addresses=127.0.0.1", "-c"]);
        postgres.arg(format!("port={}", self.port)).arg("-c");
        postgres.arg(format!("unix_socket_directories={}", self.folder.path().display()));
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        Process::start("Postgres", postgres, &self.folder.path().join("postgres.log"), Signal::SIGINT)
    }
}

fn url(port: u16, name: &str) -> String {
    format!("postgres://{NAME}@127.0.0.1:{port}/{name}")
}

/// A port that nobody has at this moment.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Postgres refuses to run as root: the user that its packages make takes over.
fn unprivileged() -> anyhow::Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres")?;
    Ok(Some(user.context("Postgres does not run as root, and there is no user `postgres` to run it as")?))
}

fn newest() -> anyhow::Result<PathBuf> {
    let version = |folder: &PathBuf| {
        let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = installed.map(|entry| entry.path().join("bin")).max_by_key(version);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = packaged.into_iter().chain(std::env::split_paths(&path));
    match folders.find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists()) {
        Some(folder) => Ok(folder),
        None => bail!("no Postgres is installed here; name one with --database URL or --postgres-bin DIR"),
    }
}

async fn execute(url: &str, sql: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::select! {
        done = client.batch_execute(sql) => Ok(done?),
        ended = connection => bail!("the connection ended: {ended:?}"),
    }
}
