//! The schema's numbered migrations: up, down, and where the database stands.
//!
//! Invariant: each migration is one transaction under one advisory lock, and one that has run is never edited: its
//! checksum is compared at every start.

use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Transaction};

use crate::domain::clock::Timestamp;

struct Migration {
    number: i32,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            up: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/migrations/", $name, ".up.sql")),
            down: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/migrations/", $name, ".down.sql")),
        }),*]
    };
}

static MIGRATIONS: &[Migration] = migrations![
    1 "0001_foundation",
    2 "0002_conversations",
    3 "0003_row_level_security",
    4 "0004_agent",
    5 "0005_knowledge",
    6 "0006_accounts",
    7 "0007_people",
    8 "0008_reports",
    9 "0009_retention",
    10 "0010_insights",
    11 "0011_memory",
    12 "0012_processing",
    13 "0013_sync",
    14 "0014_months",
    15 "0015_indexing",
    16 "0016_words",
    17 "0017_counting",
    18 "0018_sentences",
    19 "0019_lighter_upkeep",
];

#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("the database is unavailable: {0}")]
    Database(#[from] tokio_postgres::Error),
    #[error("migration {name} failed: {reason}{hint}")]
    Failed { name: &'static str, reason: String, hint: &'static str },
    #[error(
        "migration {0} was edited after it ran here; restore its file, and write a new migration instead"
    )]
    Edited(&'static str),
    #[error(
        "the database has migration {0}, which this version of switchboard does not know: use the newer version"
    )]
    Unknown(i32),
    #[error("the database stands at migration {0}; `down` goes to a lower number")]
    NotBelow(i32),
    #[error("migrations {0} have not run: run `switchboard migrate up`")]
    Pending(String),
}

/// One line of `migrate status`.
#[derive(Debug)]
pub struct Standing {
    pub number: i32,
    pub name: &'static str,
    pub applied_at: Option<Timestamp>,
}

pub async fn status(client: &mut Client) -> Result<Vec<Standing>, MigrationError> {
    let transaction = begin(client).await?;
    let applied = applied(&transaction).await?;
    transaction.commit().await?;
    Ok(MIGRATIONS
        .iter()
        .map(|migration| Standing {
            number: migration.number,
            name: migration.name,
            applied_at: applied.iter().find(|row| row.0 == migration.number).map(|row| row.1),
        })
        .collect())
}

/// Fails, with the way out, unless every migration has run.
pub async fn check(client: &mut Client) -> Result<(), MigrationError> {
    let pending: Vec<_> = status(client)
        .await?
        .into_iter()
        .filter(|standing| standing.applied_at.is_none())
        .map(|standing| standing.number.to_string())
        .collect();
    if pending.is_empty() { Ok(()) } else { Err(MigrationError::Pending(pending.join(", "))) }
}

/// Runs what has not run yet; the names of those.
pub async fn up(client: &mut Client) -> Result<Vec<&'static str>, MigrationError> {
    let mut ran = Vec::new();
    for migration in MIGRATIONS {
        let transaction = begin(client).await?;
        if applied(&transaction).await?.iter().any(|row| row.0 == migration.number) {
            transaction.rollback().await?;
            continue;
        }
        run(&transaction, migration, migration.up).await?;
        transaction
            .execute_typed(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                &[
                    (&migration.number, tokio_postgres::types::Type::INT4),
                    (&migration.name, tokio_postgres::types::Type::TEXT),
                    (&checksum(migration), tokio_postgres::types::Type::BYTEA),
                ],
            )
            .await?;
        transaction.commit().await?;
        ran.push(migration.name);
    }
    Ok(ran)
}

/// Undoes everything above `target`, the newest first; the names of what was undone.
pub async fn down(client: &mut Client, target: i32) -> Result<Vec<&'static str>, MigrationError> {
    let mut undone = Vec::new();
    for migration in MIGRATIONS.iter().rev().filter(|migration| migration.number > target) {
        let transaction = begin(client).await?;
        if !applied(&transaction).await?.iter().any(|row| row.0 == migration.number) {
            transaction.rollback().await?;
            continue;
        }
        run(&transaction, migration, migration.down).await?;
        transaction
            .execute_typed(
                "DELETE FROM schema_migrations WHERE number = $1",
                &[(&migration.number, tokio_postgres::types::Type::INT4)],
            )
            .await?;
        transaction.commit().await?;
        undone.push(migration.name);
    }
    if undone.is_empty() { Err(MigrationError::NotBelow(target)) } else { Ok(undone) }
}

/// The lock is the transaction's, so that it works behind a pooler and ends with a crash.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, MigrationError> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "SELECT pg_advisory_xact_lock(7305462011);
             CREATE TABLE IF NOT EXISTS schema_migrations (
               number integer PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL,
               applied_at timestamptz NOT NULL DEFAULT now());",
        )
        .await?;
    Ok(transaction)
}

async fn applied(transaction: &Transaction<'_>) -> Result<Vec<(i32, Timestamp)>, MigrationError> {
    let rows = transaction
        .query_typed("SELECT number, checksum, applied_at FROM schema_migrations ORDER BY number", &[])
        .await?;
    rows.iter()
        .map(|row| {
            let number: i32 = row.try_get("number")?;
            let known = MIGRATIONS
                .iter()
                .find(|migration| migration.number == number)
                .ok_or(MigrationError::Unknown(number))?;
            if row.try_get::<_, Vec<u8>>("checksum")? != checksum(known) {
                return Err(MigrationError::Edited(known.name));
            }
            Ok((number, row.try_get("applied_at")?))
        })
        .collect()
}

async fn run(transaction: &Transaction<'_>, migration: &Migration, sql: &str) -> Result<(), MigrationError> {
    transaction.batch_execute(sql).await.map_err(|error| {
        let Some(refusal) = error.as_db_error() else { return MigrationError::Database(error) };
        let hint = if refusal.code().code() == "42501" {
            "; the database user needs CREATEROLE and the right to create in schema public"
        } else {
            ""
        };
        MigrationError::Failed { name: migration.name, reason: refusal.message().to_owned(), hint }
    })
}

fn checksum(migration: &Migration) -> Vec<u8> {
    Sha256::new().chain_update(migration.up).chain_update(migration.down).finalize().to_vec()
}
