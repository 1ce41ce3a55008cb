//! Sending a parcel until it was taken: again after a fault, in halves where it is refused.
//!
//! Invariant: every contact of a parcel is taken or named as refused, unless the whole job has to stop; and each
//! request waits for its slot.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::pace::Pace;
use super::sink::{Fault, Parcel, Put, Sink};
use crate::domain::failure::Failure;
use crate::domain::insight::Insight;
use crate::domain::sync::Tally;

/// How long is waited, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After a sink was asked too often and did not say when to come again.
    pub busy: Duration,
    /// After the first fault; each further one doubles it.
    pub least: Duration,
    pub most: Duration,
    /// A sink that has taken nothing of a parcel for so long is given up.
    pub give_up: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            busy: Duration::from_secs(30),
            least: Duration::from_secs(1),
            most: Duration::from_secs(30),
            give_up: Duration::from_hours(1),
        }
    }
}

/// What became of a parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub tally: Tally,
    pub failures: Vec<Failure>,
}

/// Why nothing more can be delivered, with what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shut(pub String);

/// Nobody is kept waiting for longer because a sink says so.
const LONGEST_BUSY: Duration = Duration::from_mins(5);

pub async fn deliver(
    sink: &dyn Sink,
    pace: &Pace,
    patience: &Patience,
    parcel: Parcel<'_>,
) -> Result<Delivered, Shut> {
    let mut delivered = Delivered::default();
    // What is left of it, the part that is next at the end.
    let mut parts: Vec<&[Insight]> = vec![parcel.insights];
    while let Some(part) = parts.pop() {
        let [first, rest @ ..] = part else { continue };
        delivered.add(match settle(sink, pace, patience, Parcel { insights: part, ..parcel }).await? {
            Ok(put) => Delivered::taken(put),
            Err(reason) if rest.is_empty() => Delivered::refused(&first.contact, &reason),
            Err(_) => {
                let (head, tail) = part.split_at(part.len() / 2);
                parts.extend([tail, head]);
                continue;
            }
        });
    }
    Ok(delivered)
}

/// Sends one part until it is taken or refused.
async fn settle(
    sink: &dyn Sink,
    pace: &Pace,
    patience: &Patience,
    parcel: Parcel<'_>,
) -> Result<Result<Put, String>, Shut> {
    let (begun, mut attempt) = (Instant::now(), 0);
    loop {
        let slot = pace.slot().await;
        let outcome = sink.put(parcel).await;
        drop(slot);
        let why = match outcome {
            Ok(put) => return Ok(Ok(put)),
            Err(Fault::Refused(reason)) => return Ok(Err(reason)),
            Err(Fault::Shut(why)) => return Err(Shut(why)),
            Err(Fault::Busy(wait)) => {
                pace.pause(wait.unwrap_or(patience.busy).min(LONGEST_BUSY));
                "it says that it is asked too often".to_owned()
            }
            Err(Fault::Away(why)) => {
                sleep(pause(patience, attempt, rand::random())).await;
                why
            }
        };
        attempt += 1;
        metrics::counter!("switchboard_sync_retries_total").increment(1);
        tracing::debug!(why, attempt, "a parcel of insights is sent again");
        if begun.elapsed() >= patience.give_up {
            let minutes = patience.give_up.as_secs() / 60;
            return Err(Shut(format!(
                "for {minutes} minutes nothing was taken ({why}): look what is wrong there, and ask for the sync again"
            )));
        }
    }
}

/// `chance` is from 0 to 1, so that many do not come again at the same moment.
fn pause(patience: &Patience, attempt: u32, chance: f64) -> Duration {
    let doubled = patience.least.saturating_mul(2_u32.saturating_pow(attempt.min(16)));
    doubled.min(patience.most).mul_f64(0.75 + chance / 2.0)
}

impl Delivered {
    fn taken(put: Put) -> Self {
        let Put { created, updated } = put;
        let tally = Tally { processed: created + updated, created, updated, failed: 0 };
        Self { tally, failures: Vec::new() }
    }

    fn refused(contact: &str, reason: &str) -> Self {
        Self {
            tally: Tally { processed: 1, failed: 1, ..Tally::default() },
            failures: vec![Failure::new(contact, reason)],
        }
    }

    fn add(&mut self, other: Self) {
        self.tally.processed += other.tally.processed;
        self.tally.created += other.tally.created;
        self.tally.updated += other.tally.updated;
        self.tally.failed += other.tally.failed;
        self.failures.extend(other.failures);
    }
}

#[cfg(test)]
mod tests;
