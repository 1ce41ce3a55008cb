//! What is told of the agent's work: sums of a period, the log of what it decided, the trace of a conversation.

use chrono::{DurationRound as _, TimeDelta};
use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, MessageId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;
use super::workflow::Recorded;

/// How finely sums are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Hour,
    Day,
}

stored_names!(Grain { Hour = "hour", Day = "day" });

impl Grain {
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }
}

/// A span of whole buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub grain: Grain,
    pub from: Timestamp,
    /// The first moment behind it.
    pub to: Timestamp,
}

impl Period {
    /// The buckets that these moments touch, and all between them.
    pub fn widened(grain: Grain, from: Timestamp, to: Timestamp) -> Self {
        let from = floor(from, grain);
        let floor_of_to = floor(to, grain);
        let to =
            if floor_of_to < to || floor_of_to == from { floor_of_to + grain.length() } else { floor_of_to };
        Self { grain, from, to }
    }

    pub fn buckets(&self) -> i64 {
        (self.to - self.from).num_seconds() / self.grain.length().num_seconds()
    }

    /// The days that lie wholly within; where none does, an empty span at the end.
    pub fn whole_days(&self) -> (Timestamp, Timestamp) {
        let first = floor(self.from, Grain::Day);
        let first = if first < self.from { first + Grain::Day.length() } else { first };
        let end = floor(self.to, Grain::Day);
        if first < end { (first, end) } else { (self.to, self.to) }
    }

    /// Ids begin with the time they were minted at: none from within is smaller.
    pub fn first_id(&self) -> Uuid {
        id_at(self.from)
    }

    /// And none from within is as large.
    pub fn end_id(&self) -> Uuid {
        id_at(self.to)
    }
}

fn floor(at: Timestamp, grain: Grain) -> Timestamp {
    // Fails only beyond the years that a nanosecond counter reaches, which parameters are kept from.
    at.duration_trunc(grain.length()).unwrap_or(at)
}

fn id_at(at: Timestamp) -> Uuid {
    let mut bytes = [0; 16];
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    pub interactions: i64,
    pub resolved: i64,
    pub escalated: i64,
    pub errors: i64,
    pub confidence: Option<f64>,
    pub processing_ms: Percentiles,
    pub first_response_ms: Percentiles,
    pub time_to_claim_s: Percentiles,
    pub active_conversations: i64,
    pub open_escalations: i64,
    pub ratings: i64,
    pub rating: Option<f64>,
    pub names: Names,
    /// Only the buckets in which something happened.
    pub series: Vec<Point>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    pub intents: Vec<Count>,
    pub categories: Vec<Count>,
    pub triggers: Vec<Count>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    pub name: String,
    pub interactions: i64,
    pub escalated: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: Timestamp,
    pub interactions: i64,
    pub escalated: i64,
    pub p95_ms: Option<f64>,
}

/// Which interactions are wanted.
#[derive(Clone, Debug, Default)]
pub struct InteractionFilter {
    pub mode: Option<&'static str>,
    pub intent: Option<String>,
    pub outcome: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// One turn as it is on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Interaction {
    pub id: Uuid,
    pub conversation: ConversationId,
    pub turn: i64,
    pub mode: Option<String>,
    pub agent: Option<String>,
    pub user_message: Option<String>,
    pub response: Option<String>,
    pub intent: Option<String>,
    pub category: Option<String>,
    pub confidence: Option<f32>,
    pub outcome: String,
    pub escalated: bool,
    pub trigger: Option<String>,
    pub reason: Option<String>,
    pub brain: Option<String>,
    pub processing_ms: i64,
    pub created_at: Timestamp,
}

/// Where the agent's work in a conversation stands, and how it came there.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Nothing where no AI has ever answered.
    pub workflow: Option<StoredWorkflow>,
    pub agents: Vec<AgentMemory>,
    /// The latest, in their order.
    pub turns: Vec<RecordedTurn>,
}

/// The checkpoint as it is stored, readable or not.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredWorkflow {
    pub kind: String,
    pub turn: i64,
    pub step: Option<String>,
    pub awaiting: Option<String>,
    /// Of the open turn.
    pub reply: Option<MessageId>,
    pub opened_at: Option<Timestamp>,
    pub checkpoint_version: i16,
    pub checkpoint: Value,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AgentMemory {
    pub agent: String,
    pub turn: i64,
    pub state: Value,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordedTurn {
    pub turn: i64,
    pub steps: Vec<Recorded>,
}

#[cfg(test)]
mod tests {
    use uuid::Builder;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_widened_to_its_buckets() {
        for (grain, from, to, wide) in [
            (Grain::Hour, "2026-03-01T09:30:00Z", "2026-03-01T10:00:00Z", ("09:00", "10:00")),
            (Grain::Hour, "2026-03-01T09:00:00Z", "2026-03-01T10:00:00.001Z", ("09:00", "11:00")),
            (Grain::Hour, "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z", ("09:00", "10:00")),
        ] {
            let period = Period::widened(grain, at(from), at(to));
            let clock = |at: Timestamp| at.format("%H:%M").to_string();
            assert_eq!((clock(period.from).as_str(), clock(period.to).as_str()), wide, "{from} {to}");
        }
        let days = Period::widened(Grain::Day, at("2026-03-01T09:30:00Z"), at("2026-03-03T00:00:00Z"));
        assert_eq!((days.from, days.to), (at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z")));
        assert_eq!(days.buckets(), 2);
    }

    #[test]
    fn whole_days_lie_within_and_hours_around_them() {
        let period = |from, to| Period::widened(Grain::Hour, at(from), at(to));
        assert_eq!(
            period("2026-03-01T09:00:00Z", "2026-03-03T11:00:00Z").whole_days(),
            (at("2026-03-02T00:00:00Z"), at("2026-03-03T00:00:00Z"))
        );
        assert_eq!(
            period("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z").whole_days(),
            (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"))
        );
        let none = period("2026-03-01T09:00:00Z", "2026-03-02T11:00:00Z");
        assert_eq!(none.whole_days(), (none.to, none.to));
    }

    #[test]
    fn ids_of_a_period_lie_between_its_ends() {
        let period = Period::widened(Grain::Hour, at("2026-03-01T09:00:00Z"), at("2026-03-01T10:00:00Z"));
        let id = |at: Timestamp| {
            Builder::from_unix_timestamp_millis(u64::try_from(at.timestamp_millis()).unwrap(), &[7; 10])
                .into_uuid()
        };
        assert!(period.first_id() <= id(period.from) && id(period.from) < period.end_id());
        assert!(id(period.to) >= period.end_id());
    }
}
