//! What is told of the agent's work: sums of a period, the log of what it decided, the trace of a conversation.

use std::iter;

use chrono::{Datelike as _, DurationRound as _, TimeDelta};
use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, MessageId};
use uuid::Uuid;

use super::clock::Timestamp;
use super::conversation::stored_names;
use super::workflow::Recorded;

/// How long a time one sum is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Hour,
    Day,
    Month,
}

stored_names!(Grain { Hour = "hour", Day = "day", Month = "month" });

impl Grain {
    /// The beginning of the bucket that a moment is in.
    fn floor(self, at: Timestamp) -> Timestamp {
        // Fails only beyond the years that a nanosecond counter reaches, which parameters are kept from.
        let floor = |length| at.duration_trunc(length).unwrap_or(at);
        match self {
            Self::Hour => floor(TimeDelta::hours(1)),
            Self::Day => floor(TimeDelta::days(1)),
            Self::Month => floor(TimeDelta::days(1)) - TimeDelta::days(i64::from(at.day0())),
        }
    }

    /// The beginning of the bucket after one that begins here.
    fn next(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Hour => at + TimeDelta::hours(1),
            Self::Day => at + TimeDelta::days(1),
            // The longest month has as many days, and the shortest one after it has not passed.
            Self::Month => self.floor(at + TimeDelta::days(31)),
        }
    }

    /// The first beginning of a bucket that is not before.
    fn ceiling(self, at: Timestamp) -> Timestamp {
        let floor = self.floor(at);
        if floor == at { at } else { self.next(floor) }
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
        let from = grain.floor(from);
        Self { grain, from, to: grain.ceiling(to).max(grain.next(from)) }
    }

    /// Where its buckets begin.
    pub fn buckets(self) -> impl Iterator<Item = Timestamp> {
        iter::successors(Some(self.from), move |at| Some(self.grain.next(*at)))
            .take_while(move |at| *at < self.to)
    }

    /// The fewest buckets that cover it: whole months where there are some, whole days around them, hours around those.
    pub fn cover(self) -> Vec<Self> {
        let mut parts = Vec::new();
        cover(self.from, self.to, &[Grain::Month, Grain::Day, Grain::Hour], &mut parts);
        parts
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

fn cover(from: Timestamp, to: Timestamp, grains: &[Grain], parts: &mut Vec<Period>) {
    let Some((&grain, finer)) = grains.split_first() else { return };
    let (first, end) = (grain.ceiling(from), grain.floor(to));
    if first < end {
        cover(from, first, finer, parts);
        parts.push(Period { grain, from: first, to: end });
        cover(end, to, finer, parts);
    } else {
        cover(from, to, finer, parts);
    }
}

fn id_at(at: Timestamp) -> Uuid {
    let mut bytes = [0; 16];
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    Uuid::from_bytes(bytes)
}

/// How many values fell where: the first place is of those below one, the n-th of those from 1.08^(n-2) up to 1.08^(n-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(pub Vec<i64>);

impl Histogram {
    pub fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    /// The value below which this share lies. Of a place from a to b it is 2ab / (a + b), which is off by
    /// (b - a) / (a + b) at most: 3.9%.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let total: i64 = self.0.iter().sum();
        let wanted = part(share, total).max(1);
        let mut seen = 0;
        let place = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        let begin = i32::try_from(place).ok()?;
        Some(if place == 0 { 0.0 } else { (2.0 * 1.08_f64.powi(begin) / 2.08 * 100.0).round() / 100.0 })
    }
}

/// How many of all a share is, rounded up.
#[expect(clippy::cast_possible_truncation, reason = "at most as many as there are")]
fn part(share: f64, all: i64) -> i64 {
    (share * float(all)).ceil() as i64
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
pub fn float(count: i64) -> f64 {
    count as f64
}

/// What was decided within a bucket, or within several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    pub interactions: i64,
    pub resolved: i64,
    pub escalated: i64,
    pub errors: i64,
    /// Of how many the confidence is known, and what it adds up to.
    pub confidences: i64,
    pub confidence_sum: f64,
    pub processing_ms: Histogram,
}

impl Sums {
    pub fn add(&mut self, other: &Self) {
        self.interactions += other.interactions;
        self.resolved += other.resolved;
        self.escalated += other.escalated;
        self.errors += other.errors;
        self.confidences += other.confidences;
        self.confidence_sum += other.confidence_sum;
        self.processing_ms.add(&other.processing_ms);
    }

    pub fn confidence(&self) -> Option<f64> {
        (self.confidences > 0).then(|| self.confidence_sum / float(self.confidences))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The buckets in which something happened, and where they begin.
    pub series: Vec<(Timestamp, Sums)>,
    pub first_response_ms: Histogram,
    pub names: Names,
    pub time_to_claim_p50_s: Option<f64>,
    pub time_to_claim_p95_s: Option<f64>,
    pub active_conversations: i64,
    pub open_escalations: i64,
    pub ratings: i64,
    pub rating: Option<f64>,
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
        assert_eq!(days.buckets().count(), 2);
    }

    #[test]
    fn a_period_is_covered_by_months_days_and_hours_without_a_gap() {
        let cover = |from, to| {
            let period = Period::widened(Grain::Hour, at(from), at(to));
            let mut reached = period.from;
            let parts = period.cover().into_iter().map(|part| {
                assert!(part.from == reached && part.from < part.to, "{part:?} does not begin at {reached}");
                reached = part.to;
                format!("{} {}", part.grain.name(), part.from.format("%m-%dT%H"))
            });
            let parts = parts.collect::<Vec<_>>().join(", ");
            assert_eq!(reached, period.to);
            parts
        };
        assert_eq!(
            cover("2026-01-30T09:00:00Z", "2026-04-02T11:00:00Z"),
            "hour 01-30T09, day 01-31T00, month 02-01T00, day 04-01T00, hour 04-02T00"
        );
        assert_eq!(
            cover("2026-03-01T09:00:00Z", "2026-03-03T11:00:00Z"),
            "hour 03-01T09, day 03-02T00, hour 03-03T00"
        );
        assert_eq!(cover("2026-03-01T09:00:00Z", "2026-03-02T11:00:00Z"), "hour 03-01T09");
        assert_eq!(cover("2027-12-01T00:00:00Z", "2028-03-01T00:00:00Z"), "month 12-01T00");
        assert_eq!(cover("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), "day 03-01T00");
    }

    #[test]
    fn percentiles_of_a_histogram_are_those_of_its_values_within_their_places() {
        let mut histogram = Histogram(vec![1, 0, 2]);
        histogram.add(&Histogram(vec![0, 0, 0, 6, 1]));
        assert_eq!(histogram, Histogram(vec![1, 0, 2, 6, 1]));
        let middle = |place| Some((2.0 * 1.08_f64.powi(place) / 2.08 * 100.0).round() / 100.0);
        for (share, value) in
            [(0.05, Some(0.0)), (0.3, middle(2)), (0.31, middle(3)), (0.9, middle(3)), (1.0, middle(4))]
        {
            assert_eq!(histogram.percentile(share), value, "{share}");
        }
        assert_eq!(Histogram::default().percentile(0.5), None);
        assert_eq!(Histogram(vec![0, 0]).percentile(0.5), None);
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
