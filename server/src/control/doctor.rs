//! The doctor's questions to a database and to what is stored in it, with how to mend what is wrong.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::admin::Outcome;
use super::output::Output;
use crate::store::administration::Administration;
use crate::store::administration::health::{self, Facts, Fault, Health, Place, Protection};
use crate::store::source::Database;

/// One line of the doctor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub verdict: Verdict,
    pub what: &'static str,
    /// How it stands and, where it should not stand like that, what to do.
    pub finding: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Warning,
    Fails,
}

impl Check {
    pub fn ok(what: &'static str, finding: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, what, finding: finding.into() }
    }

    pub fn warning(what: &'static str, finding: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, what, finding: finding.into() }
    }

    pub fn fails(what: &'static str, finding: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fails, what, finding: finding.into() }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Fails => "fails",
        };
        write!(out, "{verdict:<8} {:<18} {}", self.what, self.finding)
    }
}

/// The checks of a database that answers, or that it does not.
pub async fn database(database: &Database, output: &Output) -> anyhow::Result<Outcome> {
    let checks = match health::health(database).await {
        Ok(health) => checks(&health),
        Err(error) => vec![Check::fails("database", error.to_string())],
    };
    for check in &checks {
        output.line(check.to_string()).await?;
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fails);
    Ok(if failed { Outcome::Failed } else { Outcome::Well })
}

/// The oldest server that our statements are tried on.
const OLDEST: i32 = 140_000;
/// A clock that is off by more shows in the order of times; by much more, in tokens that have expired.
const CLOCK: (i64, i64) = (2_000, 60_000);

fn checks(health: &Health) -> Vec<Check> {
    let Health { facts, migrations, roles, protection } = health;
    let mut checks = vec![version(facts), durability(facts), extensions(facts), clock(facts)];
    let pending: Vec<_> = match migrations {
        Ok(all) => all
            .iter()
            .filter(|standing| standing.applied_at.is_none())
            .map(|standing| standing.name)
            .collect(),
        Err(error) => {
            checks.push(Check::fails("migrations", error.to_string()));
            return checks;
        }
    };
    if !pending.is_empty() {
        let finding = format!(
            "{} have not run: the next start runs them, or `switchboard migrate up` does now",
            pending.join(", ")
        );
        checks.push(Check::warning("migrations", finding));
        return checks;
    }
    checks.push(Check::ok("migrations", "all have run"));
    checks.push(match roles {
        Ok(()) => Check::ok("roles", "switchboard_app and switchboard_lookup can be taken"),
        Err(error) => Check::fails(
            "roles",
            format!(
                "{error}. As a superuser: `GRANT switchboard_app, switchboard_lookup TO` the user of the address, and \
                 `GRANT USAGE ON SCHEMA public TO switchboard_app, switchboard_lookup`"
            ),
        ),
    });
    checks.push(match protection {
        Ok(protection) => row_level_security(protection),
        Err(error) => Check::fails("row-level security", error.to_string()),
    });
    checks
}

fn version(facts: &Facts) -> Check {
    let Facts { version, .. } = facts;
    if facts.number < OLDEST {
        let finding = format!("Postgres {version} is too old: use {} or newer", OLDEST / 10_000);
        return Check::fails("database", finding);
    }
    if facts.read_only {
        let finding =
            format!("Postgres {version} takes no writes: is this a replica? Name the primary in --database");
        return Check::fails("database", finding);
    }
    Check::ok("database", format!("Postgres {version}"))
}

fn durability(facts: &Facts) -> Check {
    if facts.durable {
        return Check::ok("durability", "what is acknowledged survives a power cut");
    }
    Check::warning(
        "durability",
        "acknowledged messages can be lost in a power cut: set fsync, full_page_writes and synchronous_commit to on",
    )
}

fn extensions(facts: &Facts) -> Check {
    if facts.missing_extensions.is_empty() {
        return Check::ok("extensions", "vector, pg_trgm and unaccent are available");
    }
    let lost = |name: &String| match name.as_str() {
        "vector" => {
            "vector (search by meaning then scans in memory; package postgresql-NN-pgvector)".to_owned()
        }
        "pg_trgm" => "pg_trgm (no search by parts of words; package postgresql-contrib)".to_owned(),
        "unaccent" => "unaccent (search tells accents apart; package postgresql-contrib)".to_owned(),
        other => other.to_owned(),
    };
    let lost: Vec<_> = facts.missing_extensions.iter().map(lost).collect();
    Check::warning("extensions", format!("not installed on the database's machine: {}", lost.join(", ")))
}

fn clock(facts: &Facts) -> Check {
    let off = facts.clock_ahead.abs();
    let side = if facts.clock_ahead > 0 { "ahead of" } else { "behind" };
    let finding = format!(
        "the database's clock is {}.{} s {side} this machine's: run a time service (NTP) on both",
        off / 1_000,
        off % 1_000 / 100
    );
    if off > CLOCK.1 {
        Check::fails("clock", finding)
    } else if off > CLOCK.0 {
        Check::warning("clock", finding)
    } else {
        Check::ok("clock", "the database and this machine agree")
    }
}

fn row_level_security(protection: &Protection) -> Check {
    let mut found = Vec::new();
    if protection.bypassed {
        found.push(
            "the role switchboard_app passes it by: `ALTER ROLE switchboard_app NOSUPERUSER NOBYPASSRLS`"
                .to_owned(),
        );
    }
    if !protection.unforced.is_empty() {
        found.push(format!(
            "{} are not under it: `ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY` for each",
            protection.unforced.join(", ")
        ));
    }
    if !protection.opened.is_empty() {
        found
            .push(format!("policies that are not ours open it, drop them: {}", protection.opened.join(", ")));
    }
    if protection.leaks && found.is_empty() {
        found.push("a workspace was seen that was not named".to_owned());
    }
    if found.is_empty() {
        return Check::ok("row-level security", "without a workspace, no row is seen");
    }
    Check::fails("row-level security", format!("it does not hold: {}", found.join("; ")))
}

/// How long a step may hold up messages on a database with a single backend.
const STEP: Duration = Duration::from_millis(50);
const MESSAGES: (i64, i64) = (100, 10_000);
/// Faults beyond these are counted, not named.
const NAMED: u64 = 100;
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(2);

/// Reads every log: each must count 1, 2, 3 … and belong to a conversation.
pub async fn data(desk: &Administration, output: &Output) -> anyhow::Result<Outcome> {
    let (mut place, mut limit, mut told) = (Place::default(), 1_000, Instant::now());
    let (mut messages, mut conversations, mut orphans, mut gaps) = (0, 0, 0_u64, 0_u64);
    loop {
        let started = Instant::now();
        let step = desk.examine(&mut place, limit).await?;
        if step.messages == 0 {
            break;
        }
        messages += step.messages;
        conversations += step.conversations;
        for fault in step.faults {
            let sentence = match fault {
                Fault::Orphans(id) => {
                    orphans += 1;
                    format!("{id}: messages of a conversation that is not there")
                }
                Fault::Gap(id) => {
                    gaps += 1;
                    format!("{id}: its messages do not count 1, 2, 3 …")
                }
            };
            if orphans + gaps <= NAMED {
                output.note(sentence).await?;
            }
        }
        limit = next_limit(limit, started.elapsed());
        if told.elapsed() >= TOLD {
            output.note(format!("{messages} messages of {conversations} conversations read")).await?;
            told = Instant::now();
        }
    }
    let read = format!("{messages} messages of {conversations} conversations");
    let counted = |what, count: u64, finding: &str| match count {
        0 => Check::ok(what, format!("none in {read}")),
        _ => Check::fails(
            what,
            format!("{count} found, {finding}: restore a backup, or ask for help with the list above"),
        ),
    };
    let checks = [
        counted("orphans", orphans, "messages of conversations that are not there"),
        counted("gaps", gaps, "conversations whose messages do not count 1, 2, 3 …"),
    ];
    for check in &checks {
        output.line(check.to_string()).await?;
    }
    Ok(if orphans + gaps > 0 { Outcome::Failed } else { Outcome::Well })
}

/// As many messages as fit the time of a step, going by the last one.
fn next_limit(limit: i64, took: Duration) -> i64 {
    let next = if took > STEP * 2 {
        limit / 4
    } else if took > STEP {
        limit / 2
    } else if took < STEP / 2 {
        limit * 2
    } else {
        limit
    };
    next.clamp(MESSAGES.0, MESSAGES.1)
}

#[cfg(test)]
mod tests;
