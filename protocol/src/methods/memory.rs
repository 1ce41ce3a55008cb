//! What was learned from how things went: traces of work, each with the items worth remembering, and the search in them.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::knowledge::SearchMode;
use super::named;
use crate::chat::Metadata;
use crate::ids::{MemoryItemId, TraceId};
use crate::limits;
use crate::params::{Members, Params, Problems, is_blank, json_fits, metadata_fits, within};
use crate::time::Timestamp;

/// Adds a trace with its items, or neither. A trace that is known already stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryAddTrace {
    #[serde(deserialize_with = "named::required")]
    pub trace: NewTrace,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct NewTrace {
    /// The server names it where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TraceId>,
    /// What was to be done.
    #[schemars(length(min = 1, max = limits::TASK))]
    pub task: String,
    /// The steps that were taken, in order: any JSON, at most 256 KiB together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TRAJECTORY_STEPS))]
    pub trajectory: Option<Vec<Value>>,
    pub outcome: TraceOutcome,
    #[serde(default, deserialize_with = "named::maybe_list", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MEMORY_ITEMS))]
    pub memory_items: Option<Vec<NewMemoryItem>>,
    /// At most 16 KiB as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct NewMemoryItem {
    /// The server names it where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MemoryItemId>,
    #[schemars(length(min = 1, max = limits::TITLE))]
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MEMORY_DESCRIPTION))]
    pub description: Option<String>,
    #[schemars(length(min = 1, max = limits::MEMORY_CONTENT))]
    pub content: String,
    /// What went wrong, where this was learned from an error: any JSON of at most 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_context: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    pub pattern_tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::TAG))]
    pub domain_category: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum TraceOutcome {
    Success,
    Failure,
    Partial,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryTraceAdded {
    pub trace_id: TraceId,
    /// In the order of the items.
    pub item_ids: Vec<MemoryItemId>,
    /// A trace of this id was there: its items are named, and nothing was written.
    pub duplicate: bool,
}

/// The items that fit best: as many as the limit, wherever so many match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct MemoryQuery {
    /// Any text: no sign in it is an operator.
    #[schemars(length(min = 1, max = limits::QUERY))]
    pub query: String,
    /// 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::MEMORIES))]
    pub limit: Option<u32>,
    /// False leaves out the items with an `error_context`; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_errors: Option<bool>,
    /// Only items of this `domain_category`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::TAG))]
    pub domain: Option<String>,
    /// Only items with one of these `pattern_tags`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    pub tags: Option<Vec<String>>,
    /// Only items with at least this score.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_score: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryFound {
    /// The best first.
    pub memories: Vec<Memory>,
    /// `text` while there are no vectors to compare, else `hybrid`.
    pub mode: SearchMode,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Memory {
    pub id: MemoryItemId,
    pub trace_id: TraceId,
    pub title: String,
    pub description: String,
    pub content: String,
    pub error_context: Option<Value>,
    pub pattern_tags: Vec<String>,
    pub domain_category: Option<String>,
    /// That of its trace.
    pub outcome: TraceOutcome,
    /// 0 to 1; comparable within one mode.
    pub score: f64,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryGetTrace {
    pub id: TraceId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryTraceGot {
    pub trace: Trace,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Trace {
    pub id: TraceId,
    pub task: String,
    pub trajectory: Vec<Value>,
    pub outcome: TraceOutcome,
    pub memory_items: Vec<MemoryItem>,
    pub metadata: Option<Metadata>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryItem {
    pub id: MemoryItemId,
    pub title: String,
    pub description: String,
    pub content: String,
    pub error_context: Option<Value>,
    pub pattern_tags: Vec<String>,
    pub domain_category: Option<String>,
}

/// Takes a trace away with its items, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryDeleteTrace {
    pub id: TraceId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryTraceDeleted {
    pub deleted: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryStats {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoryCounts {
    pub total_traces: i64,
    pub total_memories: i64,
    /// The share of all traces that ended in success; 0 where there are none.
    pub success_rate: f64,
    pub by_outcome: TracesByOutcome,
    /// Items of each domain, the most first; those of none are in no row.
    pub by_domain: Vec<MemoriesOfDomain>,
    /// What makes the vectors; null while there is no model.
    pub embedder: Option<String>,
    /// Items that wait for a vector, and are found by their words until then.
    pub pending_vectors: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TracesByOutcome {
    pub success: i64,
    pub failure: i64,
    pub partial: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MemoriesOfDomain {
    pub domain: String,
    pub memories: i64,
}

impl MemoryQuery {
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(limits::CHUNKS_DEFAULT) as usize
    }
}

impl Params for MemoryAddTrace {
    fn within_limits(&self) -> bool {
        let trace = &self.trace;
        let items = trace.memory_items.as_deref().unwrap_or_default();
        let mut ids = HashSet::new();
        within(1, limits::TASK, Some(&trace.task))
            && !is_blank(&trace.task)
            && trace.trajectory.as_ref().is_none_or(|steps| {
                steps.len() <= limits::TRAJECTORY_STEPS && json_fits(steps, limits::TRAJECTORY)
            })
            && items.len() <= limits::MEMORY_ITEMS
            && items.iter().all(NewMemoryItem::within_limits)
            && items.iter().filter_map(|item| item.id).all(|id| ids.insert(id))
            && metadata_fits(trace.metadata.as_ref())
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        let Some(Value::Object(trace)) = params.get("trace") else { return };
        if trace.get("task").and_then(Value::as_str).is_some_and(is_blank) {
            problems.add("trace.task", "must not be blank");
        }
        let too_large = |most: usize| format!("must be at most {} KiB as JSON", most / 1024);
        if trace.get("trajectory").is_some_and(|steps| !json_fits(steps, limits::TRAJECTORY)) {
            problems.add("trace.trajectory", too_large(limits::TRAJECTORY));
        }
        if let Some(Value::Object(metadata)) = trace.get("metadata")
            && !metadata_fits(Some(metadata))
        {
            problems.add("trace.metadata", too_large(limits::METADATA));
        }
        let mut ids = HashSet::new();
        let items = trace.get("memory_items").and_then(Value::as_array).into_iter().flatten();
        for (index, item) in items.enumerate() {
            let field = |name: &str| format!("trace.memory_items.{index}.{name}");
            let text = |name: &str| item.get(name).and_then(Value::as_str);
            for name in ["title", "content"] {
                if text(name).is_some_and(is_blank) {
                    problems.add(field(name), "must not be blank");
                }
            }
            if text("id").is_some_and(|id| !ids.insert(id.to_ascii_lowercase())) {
                problems.add(field("id"), "is that of an earlier one");
            }
            if item.get("error_context").is_some_and(|context| !json_fits(context, limits::METADATA)) {
                problems.add(field("error_context"), too_large(limits::METADATA));
            }
        }
    }
}

impl NewMemoryItem {
    fn within_limits(&self) -> bool {
        within(1, limits::TITLE, Some(&self.title))
            && within(1, limits::MEMORY_CONTENT, Some(&self.content))
            && !is_blank(&self.title)
            && !is_blank(&self.content)
            && within(0, limits::MEMORY_DESCRIPTION, self.description.as_ref())
            && within(1, limits::TAG, self.domain_category.as_ref())
            && self.pattern_tags.as_deref().is_none_or(tags_fit)
            && self.error_context.as_ref().is_none_or(|context| json_fits(context, limits::METADATA))
    }
}

impl Params for MemoryQuery {
    fn within_limits(&self) -> bool {
        within(1, limits::QUERY, Some(&self.query))
            && self.limit.is_none_or(|limit| (1..=limits::MEMORIES).contains(&limit))
            && within(1, limits::TAG, self.domain.as_ref())
            && self.tags.as_deref().is_none_or(tags_fit)
            && self.min_score.is_none_or(|score| (0.0..=1.0).contains(&score))
    }
}

impl Params for MemoryGetTrace {}

impl Params for MemoryDeleteTrace {}

impl Params for MemoryStats {}

fn tags_fit(tags: &[String]) -> bool {
    tags.len() <= limits::TAGS && tags.iter().all(|tag| within(1, limits::TAG, Some(tag)))
}
