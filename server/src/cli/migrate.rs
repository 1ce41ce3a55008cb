//! `switchboard migrate`: where the schema stands, and moving it while no server runs.

use std::process::ExitCode;

use super::{Migrate, complain, errand, say};
use crate::config::{Layers, LogConfig, Place};
use crate::control::client::Server;
use crate::control::command::Command;
use crate::store::{Database, migrate};
use crate::telemetry;

pub async fn run(command: Migrate, layers: &Layers) -> anyhow::Result<ExitCode> {
    let target = match command {
        Migrate::Status => return errand::run(Command::MigrateStatus, layers).await,
        Migrate::Up => None,
        Migrate::Down { number } => Some(number),
    };
    telemetry::start(&LogConfig::resolve(layers, "warn")?)?;
    let place = Place::resolve(layers)?;
    anyhow::ensure!(
        Server::find(&place.data).await?.is_none(),
        "a server runs on the folder {} and has run all migrations that it knows: stop it first",
        place.data.display()
    );
    let database = Database::start(&place.source, &place.data, &place.database_options()).await?;
    let moved = to(target, &database).await;
    let stopped = database.stop().await;
    moved?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

/// Down to a number or, without one, all the way up.
async fn to(target: Option<i32>, database: &Database) -> anyhow::Result<()> {
    let mut client = database.connect().await?;
    if let Some(number) = target {
        for name in migrate::down(&mut client, number).await? {
            say(&format!("undid {name}"));
        }
        return Ok(());
    }
    let ran = migrate::up(&mut client).await?;
    if ran.is_empty() {
        complain("All migrations had run.");
    }
    for name in ran {
        say(&format!("ran {name}"));
    }
    Ok(())
}
