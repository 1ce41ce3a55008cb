//! `switchboard migrate`: the schema, without a server.

use std::process::ExitCode;

use super::{Migrate, complain, say};
use crate::config::{Layers, LogConfig, Place};
use crate::store::{Database, migrate};
use crate::telemetry;

pub async fn run(command: Migrate, layers: &Layers) -> anyhow::Result<ExitCode> {
    telemetry::start(&LogConfig::resolve(layers, "warn")?)?;
    let place = Place::resolve(layers)?;
    let database = Database::start(&place.source, &place.data, &place.database_options()).await?;
    let result = on(&database, command).await;
    let stopped = database.stop().await;
    result?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

async fn on(database: &Database, command: Migrate) -> anyhow::Result<()> {
    let mut client = database.connect().await?;
    match command {
        Migrate::Status => {
            for standing in migrate::status(&mut client).await? {
                let ran = standing.applied_at.map(|at| at.format("ran %Y-%m-%d %H:%M UTC").to_string());
                say(&format!("{:<28} {}", standing.name, ran.as_deref().unwrap_or("has not run")));
            }
        }
        Migrate::Up => {
            let ran = migrate::up(&mut client).await?;
            if ran.is_empty() {
                complain("All migrations had run.");
            }
            for name in ran {
                say(&format!("ran {name}"));
            }
        }
        Migrate::Down { number } => {
            for name in migrate::down(&mut client, number).await? {
                say(&format!("undid {name}"));
            }
        }
    }
    Ok(())
}
