//! What a doctor asks: of the server that holds the database, of its schema and roles, and of the stored logs.

use tokio_postgres::Client;
use uuid::Uuid;

use super::super::migrate::{self, MigrationError, Standing};
use super::super::pool::{step, transact};
use super::super::source::{Database, SourceError};
use super::super::{StoreError, rows, statement};
use super::Administration;
use crate::domain::clock::{self, Timestamp};

/// What a database answered.
#[derive(Debug)]
pub struct Health {
    pub facts: Facts,
    pub migrations: Result<Vec<Standing>, MigrationError>,
    /// Whether both roles can be taken; meaningless before the migrations have run.
    pub roles: Result<(), StoreError>,
    pub protection: Result<Protection, StoreError>,
}

#[derive(Debug, Clone)]
pub struct Facts {
    pub version: String,
    /// As Postgres counts: 180001 is 18.1.
    pub number: i32,
    pub read_only: bool,
    /// Whether a commit survives a power cut.
    pub durable: bool,
    pub missing_extensions: Vec<String>,
    /// How many milliseconds the database's clock is ahead of ours.
    pub clock_ahead: i64,
}

/// How far row-level security holds.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    /// Tables that it does not cover by force.
    pub unforced: Vec<String>,
    /// Policies that are not ours and open a table.
    pub opened: Vec<String>,
    /// Whether the role that serves clients may pass it by.
    pub bypassed: bool,
    /// Whether that role saw a workspace that it did not name.
    pub leaks: bool,
}

/// Asks over one connection of its own, without the roles of the server: it must work where they are missing.
pub async fn health(database: &Database) -> Result<Health, HealthError> {
    let mut client = database.connect().await?;
    let facts = facts(&client).await?;
    let migrations = migrate::status(&mut client).await;
    let roles = roles(&client).await;
    let protection = protection(&client).await;
    Ok(Health { facts, migrations, roles, protection })
}

#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error(transparent)]
    Unreachable(#[from] SourceError),
    #[error(transparent)]
    Refused(#[from] StoreError),
}

async fn facts(client: &Client) -> Result<Facts, StoreError> {
    let before = clock::now();
    let answer = client.query_typed(statement::SERVER_FACTS.sql, &[]).await?;
    let after = clock::now();
    let row = answer.first().ok_or(StoreError::Stale)?;
    let clock: Timestamp = rows::get(row, "clock")?;
    Ok(Facts {
        version: rows::get(row, "version")?,
        number: rows::get(row, "number")?,
        read_only: rows::get(row, "read_only")?,
        durable: rows::get(row, "durable")?,
        missing_extensions: rows::get(row, "missing")?,
        clock_ahead: (clock - (before + (after - before) / 2)).num_milliseconds(),
    })
}

/// Takes each of the two roles, as every transaction of the server does.
async fn roles(client: &Client) -> Result<(), StoreError> {
    transact(client, &[step!(statement::LOG_EPOCH)]).await?;
    transact(client, &[step!(statement::WORKSPACES_VISIBLE)]).await?;
    Ok(())
}

async fn protection(client: &Client) -> Result<Protection, StoreError> {
    let answer = client.query_typed(statement::SERVER_PROTECTION.sql, &[]).await?;
    let row = answer.first().ok_or(StoreError::Stale)?;
    let seen = transact(client, &[step!(statement::WORKSPACES_VISIBLE)]).await?;
    Ok(Protection {
        unforced: rows::get(row, "unforced")?,
        opened: rows::get(row, "opened")?,
        bypassed: rows::get(row, "bypassed")?,
        leaks: rows::get(seen.first().ok_or(StoreError::Stale)?, "visible")?,
    })
}

/// Where an examination of the logs has come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    conversation: Uuid,
    seq: i64,
}

/// What a log must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Messages of a conversation that is not there.
    Orphans(Uuid),
    /// A log that does not count 1, 2, 3 …
    Gap(Uuid),
}

/// One step of an examination.
#[derive(Debug, Default)]
pub struct Step {
    /// None at the end.
    pub messages: u64,
    pub conversations: u64,
    pub faults: Vec<Fault>,
}

impl Administration {
    /// Reads on for at most `limit` messages; `place` is moved behind them.
    pub async fn examine(&self, place: &mut Place, limit: i64) -> Result<Step, StoreError> {
        let workspaces = self.every_workspace().await?;
        let step = step!(statement::MESSAGES_EXAMINE, place.conversation, place.seq, limit);
        let rows = self.pools.walk(&workspaces, step).await?;
        let mut step = Step::default();
        for row in &rows {
            let stretch = Stretch {
                conversation: rows::get(row, "conversation_id")?,
                first: rows::get(row, "first")?,
                last: rows::get(row, "last")?,
                entries: rows::get(row, "entries")?,
                owned: rows::get(row, "owned")?,
            };
            stretch.judge(place, &mut step);
        }
        Ok(step)
    }
}

/// A stretch of one log.
struct Stretch {
    conversation: Uuid,
    first: i64,
    last: i64,
    entries: i64,
    owned: bool,
}

impl Stretch {
    /// Adds to the step what is wrong, each log once, and moves the place to the end of the stretch.
    fn judge(&self, place: &mut Place, step: &mut Step) {
        let goes_on = place.conversation == self.conversation;
        let due = if goes_on { place.seq + 1 } else { 1 };
        if !goes_on {
            step.conversations += 1;
        }
        if !self.owned && !goes_on {
            step.faults.push(Fault::Orphans(self.conversation));
        }
        if self.first != due || self.last - self.first + 1 != self.entries {
            step.faults.push(Fault::Gap(self.conversation));
        }
        step.messages += u64::try_from(self.entries).unwrap_or_default();
        *place = Place { conversation: self.conversation, seq: self.last };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);

    #[track_caller]
    fn check(stretches: &[(Uuid, i64, i64, i64, bool)], expected: &[Fault]) {
        let (mut place, mut step) = (Place::default(), Step::default());
        for &(conversation, first, last, entries, owned) in stretches {
            Stretch { conversation, first, last, entries, owned }.judge(&mut place, &mut step);
        }
        assert_eq!(step.faults, expected);
    }

    #[test]
    fn a_log_may_be_cut_anywhere_by_a_step() {
        check(&[(A, 1, 5, 5, true), (B, 1, 1, 1, true)], &[]);
        check(&[(A, 1, 5, 5, true), (A, 6, 7, 2, true), (B, 1, 9, 9, true)], &[]);
    }

    #[test]
    fn gaps_and_orphans_are_told() {
        check(&[(A, 2, 5, 4, true)], &[Fault::Gap(A)]);
        check(&[(A, 1, 5, 4, true)], &[Fault::Gap(A)]);
        check(&[(A, 1, 5, 5, true), (A, 7, 7, 1, true)], &[Fault::Gap(A)]);
        check(&[(A, 1, 5, 5, false), (A, 6, 6, 1, false)], &[Fault::Orphans(A)]);
    }
}
