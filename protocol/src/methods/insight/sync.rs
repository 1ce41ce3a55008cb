//! Sending insights to a system elsewhere, and how far that has come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::ids::SyncJobId;
use crate::limits;
use crate::params::{Members, Params, Problems, within};

/// Sends one contact, those that were updated lately, or all: exactly one of the three. The work goes on after the answer; a
/// sync like this one that has not ended is the same job, and whatever was committed before this request is part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct InsightSync {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::CONTACT_ID))]
    pub contact_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::SYNC_HOURS))]
    pub hours_back: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// Only reads and counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `airtable` when absent, or the one that is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<SyncSink>,
}

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SyncSink {
    Airtable,
    Webhook,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightSyncBegun {
    pub job_id: SyncJobId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightSyncStatus {
    pub job_id: SyncJobId,
}

/// How far a sync has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightSyncStanding {
    pub job_id: SyncJobId,
    pub sink: SyncSink,
    pub dry_run: bool,
    /// Contacts that it is through with, the failed ones included.
    pub processed: i64,
    pub created: i64,
    pub updated: i64,
    /// Contacts that were refused, the latest first, at most 100.
    pub failed: Vec<InsightSyncFailure>,
    /// How many were refused in all.
    pub failed_total: i64,
    /// Of those processed, the share that was not refused; 1 where none was processed.
    pub success_rate: f64,
    /// It has ended, whether or not it came to its end.
    pub done: bool,
    /// Why it ended before its end, and what to do; the same request then goes on where it stopped.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct InsightSyncFailure {
    pub contact_id: String,
    pub reason: String,
}

impl InsightSync {
    fn scopes(&self) -> usize {
        [self.contact_id.is_some(), self.hours_back.is_some(), self.all == Some(true)]
            .into_iter()
            .filter(|given| *given)
            .count()
    }
}

impl Params for InsightSync {
    fn within_limits(&self) -> bool {
        within(1, limits::CONTACT_ID, self.contact_id.as_ref())
            && self.hours_back.is_none_or(|hours| (1..=limits::SYNC_HOURS).contains(&hours))
            && self.scopes() == 1
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        problems.either_or(params, "contact_id", "hours_back");
        let all = params.get("all") == Some(&Value::Bool(true));
        let narrowed = ["contact_id", "hours_back"]
            .iter()
            .any(|name| params.get(*name).is_some_and(|value| !value.is_null()));
        if all && narrowed {
            problems.add("all", "cannot come together with contact_id or hours_back");
        } else if !all && !narrowed {
            problems.add("all", "must be true where neither contact_id nor hours_back is there");
        }
    }
}

impl Params for InsightSyncStatus {}
