//! What those who keep the desk see of the agent's work: sums for the dashboard, the log of what it decided, the trace of
//! one conversation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::rows;
use crate::chat::{Awaiting, Mode};
use crate::ids::{ConversationId, InteractionId, MessageId};
use crate::limits;
use crate::params::{Params, at_most, limit_fits, within};
use crate::time::Timestamp;

/// Sums of a period, in which `from` and `to` are widened to whole buckets, in UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct MetricsGet {
    /// Of one mode; all of them when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Seven days before `to` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Now when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Of the series: an hour when absent, and a day where the period is longer than 31 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "MetricsBucket")]
#[schemars(rename = "MetricsBucket")]
pub enum Bucket {
    /// For periods of up to 31 days.
    Hour,
    /// For periods of up to five years.
    Day,
}

/// What cannot be said is null: a percentile of nothing, the average of no score. Rates are 0 where nothing happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Metrics {
    /// Turns of the agent.
    pub total_interactions: i64,
    /// Those that ended in an answer.
    pub resolved: i64,
    /// Those that ended in a hand-over to a person.
    pub escalated: i64,
    /// The share that was handed over.
    pub escalation_rate: f64,
    /// The share that was not.
    pub containment_rate: f64,
    pub avg_confidence: Option<f64>,
    /// From a message to its answer.
    pub processing_ms: ProcessingTimes,
    /// The same of each conversation's first turn, where it came to an answer.
    pub first_response_ms: Times,
    /// Now: those that are neither resolved nor closed.
    pub active_conversations: i64,
    /// Now: those that are not resolved.
    pub open_escalations: i64,
    /// From a hand-over until a person took it, in seconds, of those taken in the period.
    pub time_to_claim_s: Times,
    /// Of conversations that began in the period.
    pub csat: Csat,
    /// The most frequent first, as in the two below.
    pub by_intent: Vec<MetricsCount>,
    pub by_category: Vec<MetricsCount>,
    /// By what a hand-over was triggered by.
    pub by_trigger: Vec<MetricsCount>,
    /// Hand-overs because the agent had failed.
    pub errors: i64,
    /// Every bucket of the period, the earliest first.
    pub series: Vec<MetricsPoint>,
}

/// Percentiles are off by 5% at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ProcessingTimes {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

/// Percentiles of answers are off by 5% at most; those of claims are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Times {
    pub p50: Option<f64>,
    pub p95: Option<f64>,
}

/// What visitors thought of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Csat {
    pub count: i64,
    /// From 1 to 5.
    pub average: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MetricsCount {
    pub name: String,
    pub interactions: i64,
    pub escalated: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MetricsPoint {
    /// When the bucket begins.
    pub at: Timestamp,
    pub interactions: i64,
    pub escalated: i64,
    pub p95_ms: Option<f64>,
}

/// The log of what the agent decided, the latest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InteractionList {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::INTENT))]
    pub intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::LIST))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::CURSOR))]
    pub cursor: Option<String>,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With an answer.
    Resolved,
    /// Something was asked back.
    Asked,
    /// The guard stopped it.
    Refused,
    /// With a hand-over to a person.
    Escalated,
    /// The visitor ended it.
    Cancelled,
    /// A person took the conversation over.
    TakenOver,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InteractionListed {
    pub interactions: Vec<Interaction>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}

/// What the agent decided in one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Interaction {
    pub id: InteractionId,
    pub conversation_id: ConversationId,
    pub turn: i64,
    pub mode: Option<Mode>,
    pub agent_name: Option<String>,
    /// Null once its visitor was erased, as are the response and the reason.
    pub user_message: Option<String>,
    pub response: Option<String>,
    pub intent: Option<String>,
    pub category: Option<String>,
    pub confidence: Option<f32>,
    pub outcome: Outcome,
    pub escalated: bool,
    pub trigger_type: Option<String>,
    pub reason: Option<String>,
    /// What answered: `local`, or the remote one.
    pub brain: Option<String>,
    pub processing_time_ms: i64,
    pub created_at: Timestamp,
}

/// Where the agent's work in a conversation stands, and each step that led there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WorkflowGet {
    pub conversation_id: ConversationId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WorkflowTrace {
    /// Null where no AI has ever answered.
    pub workflow_state: Option<WorkflowCheckpoint>,
    pub agent_states: Vec<AgentState>,
    /// The latest 200, in their order.
    pub turns: Vec<WorkflowTurn>,
}

/// The checkpoint, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WorkflowCheckpoint {
    pub workflow_type: String,
    /// Where the last turn ended; null before the first.
    pub step: Option<String>,
    pub turn: i64,
    pub awaiting: Option<Awaiting>,
    /// Of the turn that is open: the message that it will end in. Null between turns.
    pub reply_id: Option<MessageId>,
    pub opened_at: Option<Timestamp>,
    pub checkpoint_version: i16,
    pub checkpoint: Value,
    pub updated_at: Timestamp,
}

/// What an agent remembers of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AgentState {
    pub agent_name: String,
    /// The turn that it remembers it from.
    pub turn: i64,
    pub state: Value,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WorkflowTurn {
    pub turn: i64,
    pub steps: Vec<RecordedStep>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RecordedStep {
    pub step: String,
    pub status: RecordedStatus,
    pub started_at: Timestamp,
    pub ms: i64,
    /// What it came to.
    pub output: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecordedStatus {
    Done,
    Failed,
    Skipped,
}

impl InteractionList {
    pub fn rows(&self) -> usize {
        rows(self.limit)
    }
}

impl Params for MetricsGet {}

impl Params for InteractionList {
    fn within_limits(&self) -> bool {
        within(1, limits::INTENT, self.intent.as_ref())
            && limit_fits(self.limit)
            && at_most(limits::CURSOR, self.cursor.as_ref())
    }
}

impl Params for WorkflowGet {}
