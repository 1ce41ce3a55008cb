//! The scenarios: each brings its own load, checks its own view of it and ends in a report.

mod chaos;
mod fanout;
mod feed;
mod growth;
mod idle;
mod latency;
mod listeners;
mod load;
mod logins;
mod replay;
mod reports;
mod resume;
mod script;
mod send;
mod soak;
mod storm;
mod turns;

use std::path::Path;

pub use self::chaos::Fault;
pub use self::latency::Latency;
use crate::cli::{Cli, Command};
use crate::report::Report;
use crate::report::compare::compare;

/// The server under test, where others are measured beside it.
const SWITCHBOARD: &str = "Switchboard";

pub async fn run(cli: &Cli) -> anyhow::Result<Report> {
    let mut report = match &cli.command {
        Command::Send(args) => send::run(args).await,
        Command::Idle(args) => idle::run(args).await,
        Command::Storm(args) => storm::run(args).await,
        Command::Resume(args) => resume::run(args).await,
        Command::Listeners(args) => listeners::run(args).await,
        Command::Feed(args) => feed::run(args).await,
        Command::Fanout(args) => fanout::run(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Chaos(args) => chaos::run(args).await,
        Command::Soak(args) => soak::run(args).await,
        Command::Turns(args) => turns::run(args).await,
        Command::Growth(args) => growth::run(args).await,
        Command::Logins(args) => logins::run(args).await,
        Command::Reports(args) => reports::run(args).await,
        Command::Compare(args) => compare(&args.before, &args.after),
    }?;
    if let Some(server) = cli.lab().and_then(|lab| lab.server.as_deref()) {
        report.versions.extend(version(server).await.map(|version| ("server".to_owned(), version)));
    }
    Ok(report)
}

/// What a program says of itself.
async fn version(program: &Path) -> Option<String> {
    let said = tokio::process::Command::new(program).arg("--version").output().await.ok()?;
    Some(String::from_utf8_lossy(&said.stdout).trim().to_owned()).filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests;
