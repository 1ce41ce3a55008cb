//! What the agent decided: counted into rollups as it is committed, and read for the dashboard, the log and the trace.
//!
//! Invariant: an interaction is counted in the transaction that marks it as counted, so each is in the sums once.

use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, WorkspaceId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::accounts::Accounts;
use super::pool::{Pools, Step, step};
use super::{rows, statement};
use crate::domain::clock::Timestamp;
use crate::domain::report::{
    AgentMemory, Count, Histogram, Interaction, InteractionFilter, Metrics, Names, Period, RecordedTurn,
    StoredWorkflow, Sums, Trace,
};

/// Cheap to clone.
#[derive(Clone)]
pub struct Reports {
    pools: Pools,
}

/// Interactions that one step counts: some 10 ms of work.
const PART: i64 = 200;
/// Turns of a trace: the latest.
const TURNS: i64 = 200;

impl Reports {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    /// Counts some of what waits, in all workspaces; whether there may be more.
    pub async fn count(&self) -> Result<bool, StoreError> {
        let accounts = Accounts::new(self.pools.clone());
        let all: Vec<_> = accounts.workspaces().await?.into_iter().map(|workspace| workspace.id).collect();
        self.count_of(&all).await
    }

    /// The same for some of them.
    pub async fn count_of(&self, workspaces: &[WorkspaceId]) -> Result<bool, StoreError> {
        let rows = self.pools.write(workspaces, step!(statement::REPORTS_COUNT, PART)).await?;
        let counted: i64 = rows::get(rows.first().ok_or(StoreError::Stale)?, "counted")?;
        Ok(counted == PART)
    }

    /// The sums of a period bucket by bucket, and what is so now.
    pub async fn metrics(
        &self,
        workspace: WorkspaceId,
        mode: Option<&'static str>,
        period: Period,
    ) -> Result<Metrics, StoreError> {
        let all = mode.unwrap_or("*");
        let (from, to) = (period.from, period.to);
        let parts = period.cover();
        let grains: Vec<_> = parts.iter().map(|part| part.grain.name()).collect();
        let (begins, ends): (Vec<_>, Vec<_>) = parts.iter().map(|part| (part.from, part.to)).unzip();
        let id = workspace.uuid();
        let read = async |step: Step<'static>| self.pools.read(&[workspace], step).await;
        let (series, firsts, names, claims, standing) = tokio::try_join!(
            read(step!(statement::REPORTS_SERIES, id, all, period.grain.name(), from, to)),
            read(step!(
                statement::REPORTS_FIRST_RESPONSES,
                id,
                all,
                grains.clone(),
                begins.clone(),
                ends.clone()
            )),
            read(step!(statement::REPORTS_NAMES, id, mode, grains, begins, ends)),
            read(step!(statement::REPORTS_CLAIMS, id, mode, from, to)),
            read(step!(statement::REPORTS_STANDING, id, mode, period.first_id(), period.end_id())),
        )?;
        let claims = claims.first().ok_or(StoreError::Stale)?;
        let standing = standing.first().ok_or(StoreError::Stale)?;
        let mut first_response_ms = Histogram::default();
        for row in &firsts {
            first_response_ms.add(&Histogram(rows::get(row, "first_response_ms")?));
        }
        let mut names_of = Names::default();
        for row in &names {
            let dimension: String = rows::get(row, "dimension")?;
            let list = match dimension.as_str() {
                "intent" => &mut names_of.intents,
                "category" => &mut names_of.categories,
                _ => &mut names_of.triggers,
            };
            list.push(Count {
                name: rows::get(row, "name")?,
                interactions: rows::get(row, "interactions")?,
                escalated: rows::get(row, "escalated")?,
            });
        }
        Ok(Metrics {
            series: series.iter().map(sums).collect::<Result<_, _>>()?,
            first_response_ms,
            names: names_of,
            time_to_claim_p50_s: rows::get(claims, "claim_p50")?,
            time_to_claim_p95_s: rows::get(claims, "claim_p95")?,
            active_conversations: rows::get(standing, "active")?,
            open_escalations: rows::get(standing, "escalations")?,
            ratings: rows::get(standing, "ratings")?,
            rating: rows::get(standing, "average")?,
        })
    }

    /// What was decided, the latest first, before `before`.
    pub async fn interactions(
        &self,
        workspace: WorkspaceId,
        filter: InteractionFilter,
        before: Option<(Timestamp, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Interaction>, StoreError> {
        let step = step!(
            statement::INTERACTIONS_LIST,
            workspace.uuid(),
            filter.mode,
            filter.intent,
            filter.outcome,
            filter.from,
            filter.to,
            before.map(|(at, _)| at),
            before.map(|(_, id)| id),
            limit
        );
        self.pools.read(&[workspace], step).await?.iter().map(rows::interaction).collect()
    }

    /// Where the agent's work in a conversation stands, and how it came there.
    pub async fn trace(
        &self,
        workspace: WorkspaceId,
        conversation: ConversationId,
    ) -> Result<Trace, StoreError> {
        let (owner, id) = (workspace.uuid(), conversation.uuid());
        let read = async |step: Step<'static>| self.pools.read(&[workspace], step).await;
        let (workflow, agents, steps) = tokio::try_join!(
            read(step!(statement::WORKFLOW_GET, owner, id)),
            read(step!(statement::AGENT_STATES, owner, id)),
            read(step!(statement::TURN_STEPS_LATEST, owner, id, TURNS)),
        )?;
        let mut turns: Vec<RecordedTurn> = Vec::new();
        for row in &steps {
            let turn: i64 = rows::get(row, "turn")?;
            if turns.last().is_none_or(|last| last.turn != turn) {
                turns.push(RecordedTurn { turn, steps: Vec::new() });
            }
            if let (Some(last), Some(step)) = (turns.last_mut(), rows::recorded(row)?) {
                last.steps.push(step);
            }
        }
        for turn in &mut turns {
            turn.steps.sort_by_key(|recorded| recorded.step);
        }
        Ok(Trace {
            workflow: workflow.first().map(stored_workflow).transpose()?,
            agents: agents.iter().map(memory).collect::<Result<_, _>>()?,
            turns,
        })
    }
}

fn sums(row: &Row) -> Result<(Timestamp, Sums), StoreError> {
    let sums = Sums {
        interactions: rows::get(row, "interactions")?,
        resolved: rows::get(row, "resolved")?,
        escalated: rows::get(row, "escalated")?,
        errors: rows::get(row, "errors")?,
        confidences: rows::get(row, "confidences")?,
        confidence_sum: rows::get(row, "confidence_sum")?,
        processing_ms: Histogram(rows::get(row, "processing_ms")?),
    };
    Ok((rows::get(row, "at")?, sums))
}

fn stored_workflow(row: &Row) -> Result<StoredWorkflow, StoreError> {
    Ok(StoredWorkflow {
        kind: rows::get(row, "workflow_type")?,
        turn: rows::get(row, "turn")?,
        step: rows::get(row, "step")?,
        awaiting: rows::get(row, "awaiting")?,
        reply: rows::get::<Option<Uuid>>(row, "reply_id")?.map(Into::into),
        opened_at: rows::get(row, "opened_at")?,
        checkpoint_version: rows::get(row, "checkpoint_version")?,
        checkpoint: rows::get::<Value>(row, "checkpoint")?,
        updated_at: rows::get(row, "updated_at")?,
    })
}

fn memory(row: &Row) -> Result<AgentMemory, StoreError> {
    Ok(AgentMemory {
        agent: rows::get(row, "agent_name")?,
        turn: rows::get(row, "turn")?,
        state: rows::get(row, "state")?,
        updated_at: rows::get(row, "updated_at")?,
    })
}
