//! What is known of people: one insight a contact, which group after group is folded into.

mod looking;
mod sync;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use ts_rs::TS;

pub use looking::{
    Direction, InsightCache, InsightCount, InsightCounted, InsightFound, InsightHighlight, InsightHit,
    InsightList, InsightListed, InsightOrder, InsightSearch, InsightStats, InsightStatsNow,
    ProcessingFailure, ProcessingFailures,
};
pub use sync::{
    InsightSync, InsightSyncBegun, InsightSyncFailure, InsightSyncStanding, InsightSyncStatus, SyncSink,
};

use super::named;
use crate::chat::Metadata;
use crate::error::FieldProblem;
use crate::limits;
use crate::params::{
    Members, Params, Problems, at_most, is_blank, json_fits, metadata_fits, read_quickly, read_value,
    unreadable, within,
};
use crate::time::Timestamp;

/// A group of insights as it is handed in. What the server counts and keeps itself (`eni_id`, `version`, the times of
/// its row) is ignored here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightDraft {
    #[schemars(length(min = 1, max = limits::CONTACT_ID))]
    pub contact_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub member_name: Option<String>,
    /// Those that are new are appended to the contact's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SOURCES), inner(length(min = 1, max = limits::SOURCE)))]
    pub eni_source_types: Option<Vec<String>>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SOURCES), inner(length(min = 1, max = limits::SOURCE)))]
    pub eni_source_subtypes: Option<Vec<String>>,
    /// Added to the contact's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = limits::RECORDS))]
    pub total_eni_ids: Option<i64>,
    /// Added to the contact's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = limits::RECORDS))]
    pub record_count: Option<i64>,
    /// At least one of them says something.
    #[serde(deserialize_with = "named::required")]
    pub insights: InsightFieldsDraft,
    /// `completed` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_status: Option<ProcessingStatus>,
    /// The contact keeps its first one; now, where that brings none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Timestamp>,
    /// At most 16 KiB as JSON; replaces what the contact had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// Text or any other JSON, at most 64 KiB each. One that is null or blank brings nothing, and what is known stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightFieldsDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub investing: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub three_i: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deals: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introductions: Option<Value>,
}

/// Text or any other JSON; null where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightFields {
    pub personal: Option<Value>,
    pub business: Option<Value>,
    pub investing: Option<Value>,
    pub three_i: Option<Value>,
    pub deals: Option<Value>,
    pub introductions: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum InsightField {
    Personal,
    Business,
    Investing,
    ThreeI,
    Deals,
    Introductions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingStatus {
    Pending,
    Processing,
    Completed,
    Failed,
}

/// All that is known of a contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Insight {
    pub contact_id: String,
    /// `COMBINED-{contact_id}-ALL`.
    pub eni_id: String,
    pub member_name: Option<String>,
    /// In the order of arrival, as the one below.
    pub eni_source_types: Vec<String>,
    pub eni_source_subtypes: Vec<String>,
    pub total_eni_ids: i64,
    pub record_count: i64,
    pub insights: InsightFields,
    pub processing_status: ProcessingStatus,
    pub generated_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// How many groups it was folded from.
    pub version: i64,
    pub metadata: Option<Metadata>,
}

/// Folds a group into its contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightUpsert {
    #[serde(deserialize_with = "named::required")]
    pub insight: InsightDraft,
    /// Names the group: what its contact has taken in already changes nothing, so that it is safe to repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::GROUP_KEY))]
    pub group_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightUpserted {
    /// As this group left it; as it stands, where the group was there already.
    pub insight: Insight,
    pub created: bool,
    pub duplicate: bool,
}

/// Many at once: good ones are stored, bad ones named. Those of one contact are folded in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightBatchUpsert {
    /// Each like the parameters of `insight.upsert`, or its `insight` alone.
    #[schemars(with = "Vec<Value>", length(max = limits::INSIGHTS))]
    #[ts(as = "Vec<Value>")]
    pub insights: Vec<InsightEntry>,
}

/// As it was sent: read by itself, so that a bad one leaves the others alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InsightEntry(Box<RawValue>);

impl PartialEq for InsightEntry {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightBatchUpserted {
    /// All but the failed ones.
    pub processed: usize,
    /// Contacts that are new.
    pub created: usize,
    /// Groups that were folded into what was there.
    pub updated: usize,
    /// Groups that had been taken in before.
    pub duplicates: usize,
    pub failed: Vec<InsightFailed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightFailed {
    /// In the list as it was sent, from 0.
    pub index: usize,
    /// Null where none can be read.
    pub contact_id: Option<String>,
    pub errors: Vec<FieldProblem>,
}

/// Says what would be wrong with it, and stores nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightValidate {
    /// Anything.
    pub insight: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightValidated {
    pub valid: bool,
    /// All of them.
    pub errors: Vec<FieldProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightGet {
    #[schemars(length(min = 1, max = limits::CONTACT_ID))]
    pub contact_id: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightGot {
    pub insight: Insight,
}

/// Forgets a contact with all that was known of it, and which groups it had taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightDelete {
    #[schemars(length(min = 1, max = limits::CONTACT_ID))]
    pub contact_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightDeleted {
    /// Always true: where there was none, the answer is `not_found`.
    pub deleted: bool,
}

impl InsightDraft {
    /// A draft by itself, or all that is wrong with it.
    pub fn read(draft: &Value) -> Result<Self, Vec<FieldProblem>> {
        if draft.is_object() {
            return read_value(draft);
        }
        Err(vec![FieldProblem { field: "insight".to_owned(), problem: "must be an object".to_owned() }])
    }

    fn fits(&self) -> bool {
        let sources = |list: Option<&Vec<String>>| {
            list.is_none_or(|list| {
                list.len() <= limits::SOURCES
                    && list.iter().all(|source| within(1, limits::SOURCE, Some(source)))
            })
        };
        let counts = |count: Option<i64>| count.is_none_or(|count| (0..=limits::RECORDS).contains(&count));
        within(1, limits::CONTACT_ID, Some(&self.contact_id))
            && !is_blank(&self.contact_id)
            && at_most(limits::NAME, self.member_name.as_ref())
            && sources(self.eni_source_types.as_ref())
            && sources(self.eni_source_subtypes.as_ref())
            && counts(self.total_eni_ids)
            && counts(self.record_count)
            && self.insights.fit()
            && metadata_fits(self.metadata.as_ref())
    }

    /// Adds what is wrong with a draft below the place of its name.
    fn examine(draft: &Members, place: &str, problems: &mut Problems) {
        if draft.get("contact_id").and_then(Value::as_str).is_some_and(is_blank) {
            problems.add(format!("{place}contact_id"), "must not be blank");
        }
        if let Some(Value::Object(fields)) = draft.get("insights") {
            let field = |name: &str| fields.get(name).filter(|value| !says_nothing(value));
            for name in InsightFieldsDraft::NAMES {
                if field(name).is_some_and(|value| !json_fits(value, limits::INSIGHT_FIELD)) {
                    let most = limits::INSIGHT_FIELD / 1024;
                    problems.add(
                        format!("{place}insights.{name}"),
                        format!("must be at most {most} KiB as JSON"),
                    );
                }
            }
            if InsightFieldsDraft::NAMES.iter().all(|name| field(name).is_none()) {
                let names = InsightFieldsDraft::NAMES.join(", ");
                problems.add(
                    format!("{place}insights"),
                    format!("must say something in at least one of {names}"),
                );
            }
        }
        if let Some(Value::Object(metadata)) = draft.get("metadata")
            && !metadata_fits(Some(metadata))
        {
            let most = limits::METADATA / 1024;
            problems.add(format!("{place}metadata"), format!("must be at most {most} KiB as JSON"));
        }
    }
}

impl InsightFieldsDraft {
    pub const NAMES: [&str; 6] = ["personal", "business", "investing", "three_i", "deals", "introductions"];

    /// Those that say something, by their names.
    pub fn said(self) -> Map<String, Value> {
        let Self { personal, business, investing, three_i, deals, introductions } = self;
        let values = [personal, business, investing, three_i, deals, introductions];
        let named = Self::NAMES.into_iter().zip(values);
        named
            .filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| !says_nothing(value))?)))
            .collect()
    }

    fn all(&self) -> [&Option<Value>; 6] {
        [&self.personal, &self.business, &self.investing, &self.three_i, &self.deals, &self.introductions]
    }

    fn fit(&self) -> bool {
        let mut said = self.all().into_iter().flatten().filter(|value| !says_nothing(value)).peekable();
        said.peek().is_some() && said.all(|value| json_fits(value, limits::INSIGHT_FIELD))
    }
}

/// Null, blank, or a list or an object with nothing in it.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_blank(text),
        Value::Array(list) => list.iter().all(says_nothing),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Params for InsightDraft {
    fn within_limits(&self) -> bool {
        self.fits()
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        Self::examine(params, "", problems);
    }
}

impl Params for InsightUpsert {
    fn within_limits(&self) -> bool {
        self.insight.fits() && within(1, limits::GROUP_KEY, self.group_key.as_ref())
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        if let Some(Value::Object(draft)) = params.get("insight") {
            InsightDraft::examine(draft, "insight.", problems);
        }
    }
}

impl Params for InsightBatchUpsert {
    fn within_limits(&self) -> bool {
        self.insights.len() <= limits::INSIGHTS
    }
}

impl InsightBatchUpsert {
    /// Each entry by itself, or what is wrong with it.
    pub fn read(self) -> impl Iterator<Item = Result<InsightUpsert, InsightFailed>> {
        let read = |(index, entry): (usize, InsightEntry)| {
            entry.read().map_err(|(contact_id, errors)| InsightFailed { index, contact_id, errors })
        };
        self.insights.into_iter().enumerate().map(read)
    }
}

impl InsightEntry {
    /// What it says, or whom it is about, as far as that can be read, and what is wrong.
    fn read(&self) -> Result<InsightUpsert, (Option<String>, Vec<FieldProblem>)> {
        let text = self.0.get();
        if let Some(upsert) = read_quickly(text) {
            return Ok(upsert);
        }
        let entry: Value =
            serde_json::from_str(text).map_err(|error| (None, unreadable("insight", &error)))?;
        let wrapped = entry.get("insight");
        let read = if wrapped.is_some() {
            read_value(&entry)
        } else {
            InsightDraft::read(&entry).map(|insight| InsightUpsert { insight, group_key: None })
        };
        read.map_err(|errors| {
            let contact = wrapped.unwrap_or(&entry).get("contact_id").and_then(Value::as_str);
            (contact.map(str::to_owned), errors)
        })
    }
}

impl InsightValidate {
    pub fn outcome(&self) -> InsightValidated {
        let errors = InsightDraft::read(&self.insight).err().unwrap_or_default();
        InsightValidated { valid: errors.is_empty(), errors }
    }
}

impl Params for InsightValidate {}

impl Params for InsightGet {
    fn within_limits(&self) -> bool {
        within(1, limits::CONTACT_ID, Some(&self.contact_id))
    }
}

impl Params for InsightDelete {
    fn within_limits(&self) -> bool {
        within(1, limits::CONTACT_ID, Some(&self.contact_id))
    }
}
