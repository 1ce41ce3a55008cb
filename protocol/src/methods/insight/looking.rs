//! Looking for insights, and how many there are.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use super::{Insight, InsightField, ProcessingStatus};
use crate::limits;
use crate::params::{Members, Params, Problems, at_most, within};
use crate::time::Timestamp;

/// A page of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightList {
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::INSIGHT_LIST))]
    pub limit: Option<u32>,
    /// How many to pass over; further on goes only the cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = limits::OFFSET))]
    pub offset: Option<u32>,
    /// The `next_cursor` of the page before, which goes on after the last row seen whatever has changed meanwhile. The order
    /// and the filters are to be those of the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::INSIGHT_CURSOR))]
    pub cursor: Option<String>,
    /// `updated_at` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_by: Option<InsightOrder>,
    /// The latest first when absent, or the first of the alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_status: Option<ProcessingStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::SOURCE))]
    pub source_type: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum InsightOrder {
    UpdatedAt,
    CreatedAt,
    GeneratedAt,
    ContactId,
    /// Those without a name come before those with one.
    MemberName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Asc,
    Desc,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightListed {
    pub insights: Vec<Insight>,
    /// How many there are on all pages.
    pub total: i64,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}

/// Insights that hold any of the words: those first that hold more and rarer ones, then the ones updated last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightSearch {
    /// Any text: no sign in it is an operator.
    #[schemars(length(min = 1, max = limits::QUERY))]
    pub query: String,
    /// 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::CHUNKS))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before, with the same query and fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::INSIGHT_CURSOR))]
    pub cursor: Option<String>,
    /// Look in these alone; in all of them and the member's name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 6))]
    pub fields: Option<Vec<InsightField>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightFound {
    /// The best first.
    pub results: Vec<InsightHit>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightHit {
    pub insight: Insight,
    /// How much of the query it holds: 1 is every word.
    pub score: f64,
    pub highlights: Vec<InsightHighlight>,
}

/// A passage that holds words of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightHighlight {
    /// `personal`, `member_name` and so on.
    pub field: String,
    /// Plain text.
    pub text: String,
    /// Where in the text the words are: the first character of each, and the one behind it.
    pub marks: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightCount {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_status: Option<ProcessingStatus>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightCounted {
    pub count: i64,
}

/// How many there are, and how the cache does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightStats {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightStatsNow {
    pub total: i64,
    /// Every status, also those that none has.
    pub by_status: BTreeMap<String, i64>,
    /// By source type; a contact counts under each that it has.
    pub by_source_type: BTreeMap<String, i64>,
    pub updated_last_24h: i64,
    pub cache: InsightCache,
    /// What could not be processed, and was not mended since.
    pub failures: ProcessingFailures,
}

/// Imports, distillations, what was to be learned from conversations, and syncs that have failed. One that succeeds
/// later is no longer among them, and the oldest go where there are more than a thousand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ProcessingFailures {
    pub total: i64,
    /// Every kind, also those of which nothing has failed: `import`, `distillation`, `learning`, `sync`.
    pub by_kind: BTreeMap<String, i64>,
    /// The last twenty, the newest first.
    pub newest: Vec<ProcessingFailure>,
}

/// Something that failed, once or several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ProcessingFailure {
    pub id: Uuid,
    pub kind: String,
    /// The id of a conversation, a contact's, or a file with its line.
    pub subject: String,
    /// A sentence, of the last time.
    pub reason: String,
    pub times: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Insights that are at hand without asking the database, since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightCache {
    pub cached_items: usize,
    pub max_items: usize,
    pub hits: u64,
    pub misses: u64,
}

impl InsightList {
    pub fn rows(&self) -> usize {
        super::super::rows(self.limit)
    }
}

impl InsightSearch {
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(limits::CHUNKS_DEFAULT) as usize
    }
}

impl Params for InsightList {
    fn within_limits(&self) -> bool {
        self.limit.is_none_or(|limit| (1..=limits::INSIGHT_LIST).contains(&limit))
            && self.offset.is_none_or(|offset| offset <= limits::OFFSET)
            && at_most(limits::INSIGHT_CURSOR, self.cursor.as_ref())
            && within(1, limits::SOURCE, self.source_type.as_ref())
            && (self.offset.is_none() || self.cursor.is_none())
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        problems.either_or(params, "offset", "cursor");
    }
}

impl Params for InsightSearch {
    fn within_limits(&self) -> bool {
        within(1, limits::QUERY, Some(&self.query))
            && self.limit.is_none_or(|limit| (1..=limits::CHUNKS).contains(&limit))
            && at_most(limits::INSIGHT_CURSOR, self.cursor.as_ref())
            && self.fields.as_ref().is_none_or(|fields| (1..=6).contains(&fields.len()))
    }
}

impl Params for InsightCount {}

impl Params for InsightStats {}
