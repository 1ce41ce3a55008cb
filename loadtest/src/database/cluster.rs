//! A private Postgres for one run: the installed binaries, Postgres' own settings, a folder that goes with it.
//!
//! Its defaults stay, `fsync` and `synchronous_commit` first of all; what differs is written in `SETTINGS`.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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

// The process is dropped, and so stopped, before its folder is removed.
pub struct Cluster {
    pub url: String,
    _process: Process,
    _folder: TempDir,
}

impl Cluster {
    pub async fn start(binaries: Option<&Path>) -> anyhow::Result<Self> {
        let binaries = binaries.map_or_else(newest, |folder| Ok(folder.to_owned()))?;
        let folder = tempfile::Builder::new().prefix("switchboard-loadtest-").tempdir_in(PARENT)?;
        let owner = unprivileged()?;
        if let Some(owner) = &owner {
            chown(folder.path(), Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))?;
        }
        let command = |program: &str| {
            let mut command = Command::new(binaries.join(program));
            command.current_dir(folder.path());
            if let Some(owner) = &owner {
                command.uid(owner.uid.as_raw()).gid(owner.gid.as_raw());
            }
            command
        };

        let made = command("initdb")
            .args(["-D", "data", "-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .output()
            .with_context(|| format!("{}/initdb cannot be run", binaries.display()))?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());

        let port = free_port()?;
        let mut postgres = command("postgres");
        postgres.args(["-D", "data", "-c", "listen_addresses=127.0.0.1", "-c"]).arg(format!("port={port}"));
        postgres.arg("-c").arg(format!("unix_socket_directories={}", folder.path().display()));
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        let log = folder.path().join("postgres.log");
        let mut process = Process::start("Postgres", postgres, &log, Signal::SIGINT)?;
        let url = |name: &str| format!("postgres://{NAME}@127.0.0.1:{port}/{name}");
        let admin = url("postgres");
        process
            .wait_until(Duration::from_secs(30), async || {
                execute(&admin, &format!("create database {NAME}")).await.is_ok()
            })
            .await?;
        Ok(Self { url: url(NAME), _process: process, _folder: folder })
    }
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
