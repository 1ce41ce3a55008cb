//! What those who keep the desk see of the agent's work.

use std::collections::HashMap;
use std::str::FromStr;

use chrono::{Datelike as _, TimeDelta};
use switchboard_protocol::RpcError;
use switchboard_protocol::methods::{
    self, AgentState, Bucket, Csat, InteractionList, InteractionListed, MetricsCount, MetricsGet,
    MetricsPoint, ProcessingTimes, RecordedStatus, RecordedStep, Times, WorkflowCheckpoint, WorkflowGet,
    WorkflowTrace, WorkflowTurn,
};
use uuid::Uuid;

use super::{Desk, Standing, wire};
use crate::domain::clock::{self, Timestamp};
use crate::domain::report::{
    AgentMemory, Count, Grain, InteractionFilter, Metrics, Period, RecordedTurn, StoredWorkflow, Sums, float,
};
use crate::domain::workflow::{self, Awaiting, Recorded, StepStatus};
use crate::reports;

/// The period of who names none.
const WEEK: TimeDelta = TimeDelta::days(7);
/// Buckets of a series at most: 31 days of hours, five years of days.
const HOURS: usize = 31 * 24;
const DAYS: usize = 5 * 366;
/// When somebody who came while too many waited may come again.
const CROWDED_MS: u64 = 3000;
/// A year that a mistyped one is told by.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2200;

impl Desk {
    pub(super) async fn metrics(
        &self,
        standing: &Standing,
        params: MetricsGet,
    ) -> Result<methods::Metrics, RpcError> {
        let workspace = standing.caller.workspace;
        let period = period(&params, clock::now())?;
        let mode = params.mode.map(|mode| wire::mode(mode).name());
        let reports = self.registry.store().reports();
        let summing = async {
            reports::catch_up(&reports, workspace).await?;
            reports.metrics(workspace, mode, period).await
        };
        let metrics = self.pace.keep(summing).await.map_err(|reports::Crowded| crowded())?;
        Ok(shown(metrics.map_err(wire::store_error)?, period))
    }

    pub(super) async fn list_interactions(
        &self,
        standing: &Standing,
        params: InteractionList,
    ) -> Result<InteractionListed, RpcError> {
        let before = params.cursor.as_deref().map(cursor).transpose()?;
        let limit = params.rows();
        let filter = InteractionFilter {
            mode: params.mode.map(|mode| wire::mode(mode).name()),
            intent: params.intent,
            outcome: params.outcome.and_then(stored),
            from: params.from.map(Timestamp::from),
            to: params.to.map(Timestamp::from),
        };
        // One more than asked tells whether there is a next page.
        let wanted = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let reports = self.registry.store().reports();
        let mut found = reports
            .interactions(standing.caller.workspace, filter, before, wanted)
            .await
            .map_err(wire::store_error)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found
            .last()
            .filter(|_| more)
            .map(|last| format!("{}.{}", last.created_at.timestamp_millis(), last.id));
        Ok(InteractionListed {
            interactions: found.into_iter().filter_map(wire::staff::interaction).collect(),
            next_cursor,
        })
    }

    pub(super) async fn trace_workflow(
        &self,
        standing: &Standing,
        params: WorkflowGet,
    ) -> Result<WorkflowTrace, RpcError> {
        let room = self.room(standing, params.conversation_id).await?;
        let reports = self.registry.store().reports();
        let trace = reports.trace(room.workspace(), room.id()).await.map_err(wire::store_error)?;
        Ok(WorkflowTrace {
            workflow_state: trace.workflow.map(checkpoint),
            agent_states: trace.agents.into_iter().map(agent).collect(),
            turns: trace.turns.into_iter().map(turn).collect(),
        })
    }
}

fn crowded() -> RpcError {
    RpcError::unavailable(
        "Too many reports are being made at this moment; try again in a few seconds.",
        CROWDED_MS,
    )
}

/// The period that is asked for, in whole buckets.
fn period(params: &MetricsGet, now: Timestamp) -> Result<Period, RpcError> {
    let to = params.to.map_or(now, Timestamp::from);
    let from = params.from.map_or(to - WEEK, Timestamp::from);
    for (field, at) in [("to", to), ("from", from)] {
        if !YEARS.contains(&at.year()) {
            let years = format!("must be within the years {} to {}", YEARS.start(), YEARS.end());
            return Err(RpcError::invalid_param(field, years));
        }
    }
    if from > to {
        return Err(RpcError::invalid_param("from", "must not be after to"));
    }
    let by = |grain, most| {
        let period = Period::widened(grain, from, to);
        (period.buckets().nth(most).is_none()).then_some(period)
    };
    let hours = by(Grain::Hour, HOURS);
    if params.bucket == Some(Bucket::Hour) {
        let long = || RpcError::invalid_param("bucket", "must be day for a period of more than 31 days");
        return hours.ok_or_else(long);
    }
    let hours = hours.filter(|_| params.bucket.is_none());
    let long = || RpcError::invalid_param("from", "must be at most five years before to");
    hours.or_else(|| by(Grain::Day, DAYS)).ok_or_else(long)
}

fn shown(metrics: Metrics, period: Period) -> methods::Metrics {
    let mut sums = Sums::default();
    for (_, bucket) in &metrics.series {
        sums.add(bucket);
    }
    let total = sums.interactions;
    let share = |part: i64| if total == 0 { 0.0 } else { float(part) / float(total) };
    let known: HashMap<Timestamp, Sums> = metrics.series.into_iter().collect();
    let point = |at: Timestamp| {
        let sums = known.get(&at);
        MetricsPoint {
            at: at.into(),
            interactions: sums.map_or(0, |sums| sums.interactions),
            escalated: sums.map_or(0, |sums| sums.escalated),
            p95_ms: sums.and_then(|sums| sums.processing_ms.percentile(0.95)),
        }
    };
    methods::Metrics {
        total_interactions: total,
        resolved: sums.resolved,
        escalated: sums.escalated,
        escalation_rate: share(sums.escalated),
        containment_rate: share(total - sums.escalated),
        avg_confidence: sums.confidence(),
        processing_ms: ProcessingTimes {
            p50: sums.processing_ms.percentile(0.5),
            p95: sums.processing_ms.percentile(0.95),
            p99: sums.processing_ms.percentile(0.99),
        },
        first_response_ms: Times {
            p50: metrics.first_response_ms.percentile(0.5),
            p95: metrics.first_response_ms.percentile(0.95),
        },
        active_conversations: metrics.active_conversations,
        open_escalations: metrics.open_escalations,
        time_to_claim_s: Times { p50: metrics.time_to_claim_p50_s, p95: metrics.time_to_claim_p95_s },
        csat: Csat { count: metrics.ratings, average: metrics.rating },
        by_intent: counts(metrics.names.intents),
        by_category: counts(metrics.names.categories),
        by_trigger: counts(metrics.names.triggers),
        errors: sums.errors,
        series: period.buckets().map(point).collect(),
    }
}

fn counts(counts: Vec<Count>) -> Vec<MetricsCount> {
    let count = |count: Count| MetricsCount {
        name: count.name,
        interactions: count.interactions,
        escalated: count.escalated,
    };
    counts.into_iter().map(count).collect()
}

/// Where a page ended: the time and the id of its last row.
fn cursor(text: &str) -> Result<(Timestamp, Uuid), RpcError> {
    let read = || {
        let (at, id) = text.split_once('.')?;
        Some((Timestamp::from_timestamp_millis(at.parse().ok()?)?, Uuid::from_str(id).ok()?))
    };
    read().ok_or_else(|| RpcError::invalid_param("cursor", "is not one that a list has given"))
}

/// Outcomes are stored under the names that they have on the wire.
fn stored(outcome: methods::Outcome) -> Option<String> {
    serde_json::to_value(outcome).ok()?.as_str().map(str::to_owned)
}

fn checkpoint(stored: StoredWorkflow) -> WorkflowCheckpoint {
    WorkflowCheckpoint {
        workflow_type: stored.kind,
        step: stored.step,
        turn: stored.turn,
        awaiting: stored.awaiting.as_deref().and_then(Awaiting::from_name).map(wire::awaiting),
        reply_id: stored.reply,
        opened_at: stored.opened_at.map(Into::into),
        checkpoint_version: stored.checkpoint_version,
        checkpoint: stored.checkpoint,
        updated_at: stored.updated_at.into(),
    }
}

fn agent(memory: AgentMemory) -> AgentState {
    AgentState {
        agent_name: memory.agent,
        turn: memory.turn,
        state: memory.state,
        updated_at: memory.updated_at.into(),
    }
}

fn turn(turn: RecordedTurn) -> WorkflowTurn {
    WorkflowTurn { turn: turn.turn, steps: turn.steps.into_iter().map(step).collect() }
}

fn step(step: Recorded) -> RecordedStep {
    RecordedStep {
        step: workflow::Step::name(step.step).to_owned(),
        status: match step.status {
            StepStatus::Done => RecordedStatus::Done,
            StepStatus::Failed => RecordedStatus::Failed,
            StepStatus::Skipped => RecordedStatus::Skipped,
        },
        started_at: step.started_at.into(),
        ms: step.ms,
        output: step.output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(from: Option<&str>, to: Option<&str>, bucket: Option<Bucket>) -> MetricsGet {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().into();
        MetricsGet { mode: None, from: from.map(at), to: to.map(at), bucket }
    }

    fn now() -> Timestamp {
        "2026-03-10T09:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_period_that_is_not_named_is_the_last_week_by_the_hour() {
        let period = period(&params(None, None, None), now()).unwrap();
        assert_eq!((period.grain, period.buckets().count()), (Grain::Hour, 7 * 24 + 1));
        assert_eq!(period.to, "2026-03-10T10:00:00Z".parse::<Timestamp>().unwrap());
    }

    #[test]
    fn long_periods_go_by_the_day() {
        let year = params(Some("2025-03-10T00:00:00Z"), None, None);
        assert_eq!(period(&year, now()).unwrap().grain, Grain::Day);
        let hours = MetricsGet { bucket: Some(Bucket::Hour), ..year };
        assert!(period(&hours, now()).is_err());
        let ages = params(Some("2005-01-01T00:00:00Z"), None, None);
        assert!(period(&ages, now()).is_err());
    }

    #[test]
    fn a_period_that_makes_no_sense_is_refused() {
        for wrong in [
            params(Some("2026-03-10T09:30:00.001Z"), None, None),
            params(Some("1970-01-01T00:00:00Z"), None, Some(Bucket::Day)),
            params(None, Some("9999-01-01T00:00:00Z"), None),
        ] {
            assert!(period(&wrong, now()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_given() {
        let id = "0198c0de-7a00-7000-8000-000000000020";
        let (at, read) = cursor(&format!("1772357400250.{id}")).unwrap();
        assert_eq!((at.timestamp_millis(), read.to_string()), (1_772_357_400_250, id.to_owned()));
        for wrong in ["", ".", id, "x.y", "1.2", "99999999999999999999.0198c0de-7a00-7000-8000-000000000020"]
        {
            assert!(cursor(wrong).is_err(), "{wrong}");
        }
    }
}
