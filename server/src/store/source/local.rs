//! The local source: a private cluster of installed Postgres binaries that this process starts, owns and
//! stops. It listens on a socket in a folder that only its user can enter, and trusts whoever gets there. It
//! dies with this process: the kernel interrupts it when the thread that started it is gone.

mod account;
mod binaries;
mod cluster;
mod postmaster;

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};

use super::error::LocalError;
use super::marker::Folder;
use super::{Options, SourceError};
use binaries::Binaries;
use cluster::Cluster;
use postmaster::Postmaster;

/// Where the cluster lies in the data folder.
pub(super) const FOLDER: &str = "postgres-local";

/// The running cluster. It is told to stop when this is dropped; `stop` waits until it has.
#[derive(Debug)]
pub(super) struct Local {
    postmaster: Postmaster,
}

impl Local {
    /// Starts it, and says how to connect to it.
    pub(super) async fn start(
        folder: Folder,
        given: Option<&Path>,
        options: &Options,
    ) -> Result<(Self, Config), SourceError> {
        let (given, fsync) = (given.map(Path::to_owned), options.fsync);
        let prepared = tokio::task::spawn_blocking(move || {
            let place = folder.path().join(FOLDER);
            let binaries = Binaries::find(given.as_deref(), cluster::made(&place)?)?;
            let cluster = Cluster::prepare(&place, &binaries, fsync)?;
            Postmaster::start(&cluster, &binaries, fsync, folder).map(|postmaster| (cluster, postmaster))
        });
        let (cluster, postmaster) = prepared.await.map_err(|error| LocalError::Program {
            program: "postgres".to_owned(),
            error: std::io::Error::other(error),
        })??;
        let mut config = Config::new();
        config.host_path(&cluster.socket).user(cluster::USER).dbname("postgres");
        config.application_name(&options.application_name).connect_timeout(options.connect_timeout);
        let local = Self { postmaster };
        local.ready(&config, options.ready_within).await?;
        Ok((local, config))
    }

    pub(super) async fn stop(&self) -> Result<(), LocalError> {
        self.postmaster.stop().await
    }

    pub(super) async fn ended(&self) -> LocalError {
        self.postmaster.ended().await
    }

    /// Waits until it takes connections, which it does not while it recovers from a crash.
    async fn ready(&self, config: &Config, within: Duration) -> Result<(), LocalError> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let attempt = async {
                let connected = config.connect(NoTls).await;
                if connected.is_err() {
                    sleep(pause).await;
                }
                connected
            };
            let failure = tokio::select! {
                ended = self.postmaster.ended() => return Err(ended),
                attempt = attempt => match attempt {
                    Ok(_) => return Ok(()),
                    Err(failure) => failure,
                },
            };
            let hopeless = failure.code().is_some_and(|code| *code != SqlState::CANNOT_CONNECT_NOW);
            if hopeless || started.elapsed() > within {
                return Err(LocalError::NotReady {
                    seconds: started.elapsed().as_secs(),
                    log: self.postmaster.last_words(),
                });
            }
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }
}

#[cfg(test)]
mod tests;
