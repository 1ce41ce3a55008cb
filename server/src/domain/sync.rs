//! Sending what is known of people to a system elsewhere: what is asked for, and how far it has come.

use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;
use super::failure::Failure;

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkKind {
    Airtable,
    Webhook,
}

stored_names!(SinkKind { Airtable = "airtable", Webhook = "webhook" });

impl SinkKind {
    pub const ALL: [Self; 2] = [Self::Airtable, Self::Webhook];
}

/// Whom a sync is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    All,
    HoursBack(u32),
    Contact(String),
}

impl Scope {
    /// What it is known by: who asks for the same means the same job. That of the schedule is [`SCHEDULE`].
    pub fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::HoursBack(hours) => format!("hours {hours}"),
            Self::Contact(contact) => format!("contact {contact}"),
        }
    }
}

/// The scope of what nobody asked for.
pub const SCHEDULE: &str = "schedule";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub sink: SinkKind,
    pub scope: Scope,
    /// Only reads and counts.
    pub dry_run: bool,
}

/// A job that is open, as it stands at the beginning of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: Uuid,
    pub sink: SinkKind,
    pub dry_run: bool,
    pub contact: Option<String>,
    pub since: Option<Timestamp>,
    /// The contact that it is through with; empty before the first.
    pub cursor: String,
    pub processed: i64,
    pub failed: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The failed ones included.
    pub processed: i64,
    pub created: i64,
    pub updated: i64,
    pub failed: i64,
}

impl Tally {
    /// The share that was not refused; all of nothing is 1.
    #[expect(clippy::cast_precision_loss, reason = "numbers of contacts")]
    pub fn success_rate(&self) -> f64 {
        if self.processed == 0 { 1.0 } else { 1.0 - self.failed as f64 / self.processed as f64 }
    }
}

/// How far a job has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub sink: SinkKind,
    pub dry_run: bool,
    pub tally: Tally,
    /// Contacts that were refused: the latest, and not all of them.
    pub failures: Vec<Failure>,
    pub ended: bool,
    /// Why it ended before its end.
    pub error: Option<String>,
}
