//! `switchboard serve`: the settings, the log, room for sockets, and then the server.

use std::process::ExitCode;

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::app;
use crate::config::{Config, Layers, create_folder};
use crate::telemetry;

/// Files beside the sockets: the database's, the log, the listeners.
pub const OTHER_FILES: u64 = 200;

pub async fn run(layers: &Layers) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(layers)?;
    telemetry::start(&config.log)?;
    create_folder(&config.data).with_context(|| format!("the data folder {}", config.data.display()))?;
    tracing::debug!(?config, "the settings");
    if !config.limits {
        tracing::warn!("rate limits are off: anybody may open and send as fast as they can");
    }
    make_room(config.max_connections);
    app::serve(config).await?;
    Ok(ExitCode::SUCCESS)
}

/// How many files this process may open: now, and at most if it asks.
pub fn open_files() -> (u64, u64) {
    getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX))
}

/// Every socket is an open file, and the system's default is far below what we can serve.
fn make_room(connections: usize) {
    let (soft, hard) = open_files();
    let wanted = connections as u64 + OTHER_FILES;
    if soft < wanted && soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard.min(wanted), hard).is_err() {
        tracing::info!(open_files = soft, "the system did not allow more open files");
    }
    let (soft, _) = open_files();
    if soft < wanted {
        tracing::info!(
            open_files = soft,
            connections,
            "fewer sockets fit than --max-connections: see `switchboard doctor`"
        );
    }
}
