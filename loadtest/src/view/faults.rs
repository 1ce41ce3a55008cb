//! The ways in which a server can break its word, counted, with a few examples of each.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::client::CallError;

/// Examples kept: enough to see what went wrong, few enough to read.
const EXAMPLES: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A message that was stored did not come.
    Missed,
    /// A message came, or was counted, twice.
    Doubled,
    /// A message came after a later one.
    Disordered,
    /// A message is not the one that was written under its number.
    Altered,
    /// A message was acknowledged without being said to be in Postgres.
    NotDurable,
    /// Somebody was told that they recovered, and had not.
    FalseRecovery,
    /// Somebody was told that they did not recover, with nothing in the way.
    FalseLoss,
    /// The log's epoch changed under a run that restored no backup.
    Epoch,
    /// A turn of the agent ended without a reply.
    Unanswered,
    /// A request failed.
    Refused,
    /// A socket ended that should have stayed.
    Gone,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Faults {
    counts: BTreeMap<Fault, u64>,
    examples: Vec<String>,
}

impl Faults {
    pub fn add(&mut self, fault: Fault, example: impl Into<String>) {
        *self.counts.entry(fault).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example.into());
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (fault, count) in other.counts {
            *self.counts.entry(fault).or_default() += count;
        }
        let room = EXAMPLES - self.examples.len();
        self.examples.extend(other.examples.into_iter().take(room));
    }

    #[cfg(test)]
    pub fn count(&self, fault: Fault) -> u64 {
        self.counts.get(&fault).copied().unwrap_or_default()
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// "3 missed, 1 doubled: message 7 never came; …", or the given words where there is nothing.
    pub fn describe(&self, none: &str) -> String {
        if self.is_empty() {
            return none.to_owned();
        }
        let counts: Vec<_> =
            self.counts.iter().map(|(fault, count)| format!("{count} {}", fault.name())).collect();
        format!("{}: {}", counts.join(", "), self.examples.join("; "))
    }
}

impl Fault {
    /// What a failed call counts as.
    pub fn of(error: &CallError) -> Self {
        match error {
            CallError::Refused(_) => Self::Refused,
            CallError::Gone(_) => Self::Gone,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Doubled => "doubled",
            Self::Disordered => "out of order",
            Self::Altered => "altered",
            Self::NotDurable => "not durable",
            Self::FalseRecovery => "falsely told recovered",
            Self::FalseLoss => "falsely told not recovered",
            Self::Epoch => "changes of epoch",
            Self::Unanswered => "without a reply",
            Self::Refused => "refused",
            Self::Gone => "sockets lost",
        }
    }
}
