//! What is known of people, for those who keep the desk: brought in, looked up, listed, found and counted.

mod cursor;
mod sync;

use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use serde_json::Value;
use serde_json::value::RawValue;
use switchboard_protocol::methods::{
    self, Direction, InsightBatchUpsert, InsightBatchUpserted, InsightCache, InsightCount, InsightCounted,
    InsightDelete, InsightDeleted, InsightDraft, InsightField, InsightFields, InsightFound, InsightGet,
    InsightGot, InsightHighlight, InsightHit, InsightList, InsightListed, InsightOrder, InsightSearch,
    InsightStats, InsightStatsNow, InsightUpsert, InsightUpserted, InsightValidate, ProcessingFailure,
    ProcessingFailures, ProcessingStatus,
};
use switchboard_protocol::{FieldProblem, Method, RequestId, RpcError, params, response};

use super::{Desk, Standing, wire};
use crate::domain::clock;
use crate::domain::failure::{Kind, Standing as Failed};
use crate::domain::insight::{Group, Insight, Order, Place, Status};
use crate::search;
use crate::search::insights::{Highlight, Question};
use crate::store::insights::{Asked, Filter, From, Insights, Page};

impl Desk {
    /// Carries out any method of insights.
    pub(super) async fn call_insight(
        &self,
        standing: &Standing,
        method: Method,
        id: &RequestId,
        raw: Option<&RawValue>,
    ) -> Result<String, RpcError> {
        Ok(match method {
            Method::InsightUpsert => response(id, &self.upsert_insight(standing, params::read(raw)?).await?),
            Method::InsightBatchUpsert => {
                response(id, &self.upsert_insights(standing, params::read(raw)?).await?)
            }
            Method::InsightGet => response(id, &self.get_insight(standing, params::read(raw)?).await?),
            Method::InsightList => response(id, &self.list_insights(standing, params::read(raw)?).await?),
            Method::InsightSearch => response(id, &self.search_insights(standing, params::read(raw)?).await?),
            Method::InsightCount => response(id, &self.count_insights(standing, params::read(raw)?).await?),
            Method::InsightStats => response(id, &self.insight_stats(standing, params::read(raw)?).await?),
            Method::InsightDelete => response(id, &self.delete_insight(standing, params::read(raw)?).await?),
            Method::InsightSync => response(id, &self.sync_insights(standing, params::read(raw)?).await?),
            Method::InsightSyncStatus => {
                response(id, &self.sync_standing(standing, params::read(raw)?).await?)
            }
            Method::InsightValidate => response(id, &params::read::<InsightValidate>(raw)?.outcome()),
            _ => unreachable!("the table of methods sends only these here"),
        })
    }

    async fn upsert_insight(
        &self,
        standing: &Standing,
        params: InsightUpsert,
    ) -> Result<InsightUpserted, RpcError> {
        let workspace = standing.caller.workspace;
        let upserted = self.insights().upsert(workspace, group(params)).await.map_err(wire::store_error)?;
        Ok(InsightUpserted {
            insight: shown(upserted.insight),
            created: upserted.created,
            duplicate: upserted.duplicate,
        })
    }

    async fn upsert_insights(
        &self,
        standing: &Standing,
        params: InsightBatchUpsert,
    ) -> Result<InsightBatchUpserted, RpcError> {
        let workspace = standing.caller.workspace;
        let read = move || {
            let (mut groups, mut failed): (Vec<Group>, _) = (Vec::new(), Vec::new());
            for entry in params.read() {
                match entry {
                    Ok(entry) => groups.push(group(entry)),
                    Err(bad) => failed.push(bad),
                }
            }
            (groups, failed)
        };
        let (groups, failed) = prepared(read).await?;
        let processed = groups.len();
        let folded = self.insights().fold(workspace, groups).await.map_err(wire::store_error)?;
        Ok(InsightBatchUpserted {
            processed,
            created: folded.created,
            updated: folded.updated,
            duplicates: folded.duplicates,
            failed,
        })
    }

    async fn get_insight(&self, standing: &Standing, params: InsightGet) -> Result<InsightGot, RpcError> {
        let found = self.insights().get(standing.caller.workspace, params.contact_id).await;
        let insight = found.map_err(wire::store_error)?.ok_or_else(|| RpcError::not_found("insight"))?;
        Ok(InsightGot { insight: shown(insight) })
    }

    async fn list_insights(
        &self,
        standing: &Standing,
        params: InsightList,
    ) -> Result<InsightListed, RpcError> {
        let workspace = standing.caller.workspace;
        let order = order(params.order_by.unwrap_or(InsightOrder::UpdatedAt));
        // Names and ids are read from A to Z, times from now backwards.
        let by_time = !matches!(order, Order::ContactId | Order::MemberName);
        let descending = params.order.map_or(by_time, |order| order == Direction::Desc);
        let limit = params.rows();
        let from = match &params.cursor {
            Some(cursor) => From::Behind(cursor::read_row(cursor, order, descending)?),
            None => From::After(params.offset.unwrap_or(0).into()),
        };
        let filter = Filter { status: params.processing_status.map(status), source_type: params.source_type };
        // One more than asked tells whether there is a next page.
        let page = Page { order, descending, from, limit: i64::try_from(limit + 1).unwrap_or(i64::MAX) };
        let insights = self.insights();
        let read =
            tokio::try_join!(insights.list(workspace, &filter, page), insights.count(workspace, &filter));
        let (mut found, total) = read.map_err(wire::store_error)?;
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(InsightListed {
            next_cursor: found.last().filter(|_| more).map(|last| cursor::of_row(last, order, descending)),
            insights: found.into_iter().map(shown).collect(),
            total,
        })
    }

    async fn search_insights(
        &self,
        standing: &Standing,
        params: InsightSearch,
    ) -> Result<InsightFound, RpcError> {
        let workspace = standing.caller.workspace;
        let limit = params.rows();
        let places = params.fields.map_or_else(|| Place::ALL.to_vec(), places);
        let question = Question::of(&params.query);
        let words = question.asked(workspace, &places);
        let behind = params.cursor.as_deref().map(|cursor| cursor::read_found(cursor, question.len()));
        let asked = Asked {
            words,
            places: i32::try_from(places.len()).unwrap_or(i32::MAX),
            behind: behind.transpose()?,
            limit: i64::try_from(limit + 1).unwrap_or(i64::MAX),
        };
        if question.len() == 0 {
            return Ok(InsightFound { results: Vec::new(), next_cursor: None });
        }
        search::catch_up(self.insights(), workspace).await.map_err(wire::store_error)?;
        let mut found = self.insights().find(workspace, asked).await.map_err(wire::store_error)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(cursor::of_found);
        let contacts = found.iter().map(|found| found.contact.clone()).collect();
        let insights = self.insights().some(workspace, contacts).await.map_err(wire::store_error)?;
        let scores: BTreeMap<_, _> =
            found.into_iter().map(|it| (it.contact, share(it.score, &it.weights))).collect();
        let results = prepared(move || {
            let hit = |insight: Insight| {
                let highlights = question.highlights(&insight, &places);
                InsightHit {
                    score: scores.get(&insight.contact).copied().unwrap_or_default(),
                    highlights: highlights.into_iter().map(highlight).collect(),
                    insight: shown(insight),
                }
            };
            insights.into_iter().map(hit).collect()
        });
        Ok(InsightFound { results: results.await?, next_cursor })
    }

    async fn count_insights(
        &self,
        standing: &Standing,
        params: InsightCount,
    ) -> Result<InsightCounted, RpcError> {
        let filter = Filter { status: params.processing_status.map(status), source_type: None };
        let count = self.insights().count(standing.caller.workspace, &filter).await;
        Ok(InsightCounted { count: count.map_err(wire::store_error)? })
    }

    async fn insight_stats(&self, standing: &Standing, _: InsightStats) -> Result<InsightStatsNow, RpcError> {
        let workspace = standing.caller.workspace;
        let insights = self.insights();
        let yesterday = clock::now() - TimeDelta::hours(24);
        let failures = self.registry.store().failures();
        let read = tokio::try_join!(
            insights.counts(workspace),
            insights.updated_since(workspace, yesterday),
            failures.standing(workspace, NEWEST_FAILURES),
        );
        let (counts, updated_last_24h, (failed, newest)) = read.map_err(wire::store_error)?;
        let mut by_status: BTreeMap<String, i64> =
            Status::ALL.into_iter().map(|status| (status.name().to_owned(), 0)).collect();
        let mut by_source_type: BTreeMap<String, i64> = BTreeMap::new();
        for count in counts {
            match count.source_type {
                Some(source) => *by_source_type.entry(source).or_default() += count.contacts,
                None => *by_status.entry(count.status.name().to_owned()).or_default() += count.contacts,
            }
        }
        let cache = insights.cache();
        Ok(InsightStatsNow {
            total: by_status.values().sum(),
            by_status,
            by_source_type,
            updated_last_24h,
            cache: InsightCache {
                cached_items: cache.items,
                max_items: cache.most,
                hits: cache.hits,
                misses: cache.misses,
            },
            failures: failures_now(failed, newest),
        })
    }

    async fn delete_insight(
        &self,
        standing: &Standing,
        params: InsightDelete,
    ) -> Result<InsightDeleted, RpcError> {
        let Standing { caller, .. } = standing;
        let deleted = self.insights().delete(caller.workspace, params.contact_id, caller.actor()).await;
        if !deleted.map_err(wire::store_error)? {
            return Err(RpcError::not_found("insight"));
        }
        Ok(InsightDeleted { deleted: true })
    }

    fn insights(&self) -> &Insights {
        self.registry.store().insights()
    }
}

/// Failures that `insight.stats` lists.
const NEWEST_FAILURES: i64 = 20;

fn failures_now(standing: BTreeMap<String, i64>, newest: Vec<Failed>) -> ProcessingFailures {
    let mut by_kind: BTreeMap<String, i64> =
        Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), 0)).collect();
    by_kind.extend(standing);
    let shown = |failed: Failed| ProcessingFailure {
        id: failed.id,
        kind: failed.kind.name().to_owned(),
        subject: failed.subject,
        reason: failed.reason,
        times: failed.times,
        first_at: failed.first_at.into(),
        last_at: failed.last_at.into(),
    };
    ProcessingFailures {
        total: by_kind.values().sum(),
        by_kind,
        newest: newest.into_iter().map(shown).collect(),
    }
}

/// What was handed in, by a request or in a file, as a group; or all that is wrong with it.
pub fn read(insight: &Value, group_key: Option<String>) -> Result<Group, Vec<FieldProblem>> {
    Ok(group(InsightUpsert { insight: InsightDraft::read(insight)?, group_key }))
}

/// Work that takes its time, where it holds up nobody.
async fn prepared<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RpcError> {
    tokio::task::spawn_blocking(work).await.map_err(|crash| wire::crash(&crash.to_string()))
}

fn group(params: InsightUpsert) -> Group {
    let InsightUpsert { insight, group_key } = params;
    Group {
        contact: insight.contact_id,
        key: group_key,
        member_name: insight.member_name.filter(|name| !name.trim().is_empty()),
        source_types: set(insight.eni_source_types),
        source_subtypes: set(insight.eni_source_subtypes),
        total_eni_ids: insight.total_eni_ids.unwrap_or(0),
        record_count: insight.record_count.unwrap_or(0),
        fields: insight.insights.said(),
        status: insight.processing_status.map_or(Status::Completed, status),
        generated_at: insight.generated_at.map(Into::into),
        metadata: insight.metadata.map(Into::into),
    }
}

/// Without repetitions, in the order given.
fn set(list: Option<Vec<String>>) -> Vec<String> {
    let mut known = HashSet::new();
    list.unwrap_or_default().into_iter().filter(|value| known.insert(value.clone())).collect()
}

/// What is known of a contact, as the protocol says it.
pub fn shown(insight: Insight) -> methods::Insight {
    let mut fields = insight.fields;
    let mut field = |name: &str| fields.remove(name);
    methods::Insight {
        contact_id: insight.contact,
        eni_id: insight.eni_id,
        member_name: insight.member_name,
        eni_source_types: insight.source_types,
        eni_source_subtypes: insight.source_subtypes,
        total_eni_ids: insight.total_eni_ids,
        record_count: insight.record_count,
        insights: InsightFields {
            personal: field("personal"),
            business: field("business"),
            investing: field("investing"),
            three_i: field("three_i"),
            deals: field("deals"),
            introductions: field("introductions"),
        },
        processing_status: match insight.status {
            Status::Pending => ProcessingStatus::Pending,
            Status::Processing => ProcessingStatus::Processing,
            Status::Completed => ProcessingStatus::Completed,
            Status::Failed => ProcessingStatus::Failed,
        },
        generated_at: insight.generated_at.into(),
        created_at: insight.created_at.into(),
        updated_at: insight.updated_at.into(),
        version: insight.version,
        metadata: insight.metadata.and_then(|metadata| metadata.as_object().cloned()),
    }
}

fn highlight(highlight: Highlight) -> InsightHighlight {
    let Highlight { place, text, marks } = highlight;
    InsightHighlight { field: place.name().to_owned(), text, marks }
}

/// How much of the question was found: rare words are more of it.
#[expect(clippy::cast_precision_loss, reason = "sums of a few small numbers")]
fn share(score: i64, weights: &[i32]) -> f64 {
    let all: i64 = weights.iter().copied().map(i64::from).sum();
    if all > 0 { score as f64 / all as f64 } else { 0.0 }
}

fn places(fields: Vec<InsightField>) -> Vec<Place> {
    let place = |field| match field {
        InsightField::Personal => Place::Personal,
        InsightField::Business => Place::Business,
        InsightField::Investing => Place::Investing,
        InsightField::ThreeI => Place::ThreeI,
        InsightField::Deals => Place::Deals,
        InsightField::Introductions => Place::Introductions,
    };
    fields.into_iter().map(place).collect()
}

fn status(status: ProcessingStatus) -> Status {
    match status {
        ProcessingStatus::Pending => Status::Pending,
        ProcessingStatus::Processing => Status::Processing,
        ProcessingStatus::Completed => Status::Completed,
        ProcessingStatus::Failed => Status::Failed,
    }
}

fn order(order: InsightOrder) -> Order {
    match order {
        InsightOrder::UpdatedAt => Order::UpdatedAt,
        InsightOrder::CreatedAt => Order::CreatedAt,
        InsightOrder::GeneratedAt => Order::GeneratedAt,
        InsightOrder::ContactId => Order::ContactId,
        InsightOrder::MemberName => Order::MemberName,
    }
}
