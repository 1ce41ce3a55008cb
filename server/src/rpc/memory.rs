//! What the desk learned, for those who keep it: traces in and out, and the search that the agent uses itself.

use serde_json::Value;
use switchboard_protocol::RpcError;
use switchboard_protocol::ids::{MemoryItemId, TraceId};
use switchboard_protocol::methods::{
    MemoriesOfDomain, Memory, MemoryAddTrace, MemoryCounts, MemoryDeleteTrace, MemoryFound, MemoryGetTrace,
    MemoryItem, MemoryQuery, MemoryStats, MemoryTraceAdded, MemoryTraceDeleted, MemoryTraceGot,
    NewMemoryItem, NewTrace, SearchMode, Trace, TraceOutcome, TracesByOutcome,
};

use super::{Desk, Standing, wire};
use crate::domain::memory::{self, Filter, Item, Outcome, Remembered};
use crate::domain::{clock, mint};
use crate::search::memory::Question;
use crate::search::{Memories, Mode};
use crate::store::StoreError;
use crate::store::memory::Stored;

impl Desk {
    fn memories(&self) -> &Memories {
        self.registry.minds().memories()
    }

    pub(super) async fn add_trace(
        &self,
        standing: &Standing,
        params: MemoryAddTrace,
    ) -> Result<MemoryTraceAdded, RpcError> {
        let workspace = standing.caller.workspace;
        let trace = new_trace(params.trace);
        let added = self.memories().archive().add(workspace, &[trace]).await.map_err(refused)?;
        let added = added.into_iter().next().ok_or_else(|| wire::crash("a trace was not stored"))?;
        self.memories().changed(workspace);
        Ok(MemoryTraceAdded {
            trace_id: added.trace.into(),
            item_ids: added.items.into_iter().map(MemoryItemId::from).collect(),
            duplicate: added.duplicate,
        })
    }

    pub(super) async fn query_memory(
        &self,
        standing: &Standing,
        params: MemoryQuery,
    ) -> Result<MemoryFound, RpcError> {
        let limit = params.rows();
        let vector = self.memories().embed(&params.query).await;
        let question = Question {
            text: &params.query,
            vector: vector.as_ref(),
            limit,
            filter: Filter {
                errors: params.include_errors.unwrap_or(true),
                domain: params.domain,
                tags: params.tags.unwrap_or_default(),
                quotable: true,
            },
            #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
            least: params.min_score.unwrap_or(0.0) as f32,
        };
        let found = self.memories().search(standing.caller.workspace, question).await;
        let (memories, mode) = found.map_err(wire::store_error)?;
        Ok(MemoryFound {
            memories: memories.into_iter().map(found_item).collect(),
            mode: if mode == Mode::Text { SearchMode::Text } else { SearchMode::Hybrid },
        })
    }

    pub(super) async fn get_trace(
        &self,
        standing: &Standing,
        params: MemoryGetTrace,
    ) -> Result<MemoryTraceGot, RpcError> {
        let archive = self.memories().archive();
        let found = archive.get(standing.caller.workspace, params.id.uuid()).await;
        let stored = found.map_err(wire::store_error)?.ok_or_else(|| RpcError::not_found("trace"))?;
        Ok(MemoryTraceGot { trace: trace(stored) })
    }

    pub(super) async fn delete_trace(
        &self,
        standing: &Standing,
        params: MemoryDeleteTrace,
    ) -> Result<MemoryTraceDeleted, RpcError> {
        let workspace = standing.caller.workspace;
        let archive = self.memories().archive();
        let deleted = archive.delete(workspace, params.id.uuid(), &standing.caller.actor()).await;
        if !deleted.map_err(wire::store_error)? {
            return Err(RpcError::not_found("trace"));
        }
        self.memories().changed(workspace);
        Ok(MemoryTraceDeleted { deleted: true })
    }

    pub(super) async fn count_memory(
        &self,
        standing: &Standing,
        _: MemoryStats,
    ) -> Result<MemoryCounts, RpcError> {
        let counts = self.memories().archive().counts(standing.caller.workspace).await;
        let counts = counts.map_err(wire::store_error)?;
        let of = |wanted| {
            let found = counts.outcomes.iter().find(|(outcome, _)| *outcome == wanted);
            found.map_or(0, |(_, total)| *total)
        };
        let by_outcome = TracesByOutcome {
            success: of(Outcome::Success),
            failure: of(Outcome::Failure),
            partial: of(Outcome::Partial),
        };
        let total = by_outcome.success + by_outcome.failure + by_outcome.partial;
        let domains = counts.domains.into_iter();
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let success_rate = if total == 0 { 0.0 } else { by_outcome.success as f64 / total as f64 };
        Ok(MemoryCounts {
            total_traces: total,
            total_memories: counts.items,
            success_rate,
            by_outcome,
            by_domain: domains.map(|(domain, memories)| MemoriesOfDomain { domain, memories }).collect(),
            embedder: self.memories().embedder().map(str::to_owned),
            pending_vectors: counts.waiting,
        })
    }
}

/// An id of an item may be another trace's.
fn refused(error: StoreError) -> RpcError {
    match error {
        StoreError::Refused { code, .. } if code == "23505" => {
            RpcError::invalid_param("trace.memory_items", "hold the id of an item of another trace")
        }
        other => wire::store_error(other),
    }
}

fn new_trace(trace: NewTrace) -> memory::Trace {
    memory::Trace {
        id: trace.id.map_or_else(mint::id, TraceId::uuid),
        task: trace.task,
        trajectory: trace.trajectory.unwrap_or_default(),
        outcome: match trace.outcome {
            TraceOutcome::Success => Outcome::Success,
            TraceOutcome::Failure => Outcome::Failure,
            TraceOutcome::Partial => Outcome::Partial,
        },
        items: trace.memory_items.unwrap_or_default().into_iter().map(new_item).collect(),
        metadata: trace.metadata.map(Value::from),
        created_at: clock::now(),
    }
}

fn new_item(item: NewMemoryItem) -> Item {
    Item {
        id: item.id.map_or_else(mint::id, MemoryItemId::uuid),
        title: item.title,
        description: item.description.unwrap_or_default(),
        content: item.content,
        error_context: item.error_context,
        tags: item.pattern_tags.unwrap_or_default(),
        domain: item.domain_category,
        purpose: None,
        vector: None,
    }
}

fn trace(stored: Stored) -> Trace {
    let trace = stored.trace;
    Trace {
        id: trace.id.into(),
        task: trace.task,
        trajectory: trace.trajectory,
        outcome: outcome(trace.outcome),
        memory_items: trace.items.into_iter().map(item).collect(),
        metadata: trace.metadata.and_then(|metadata| metadata.as_object().cloned()),
        created_at: trace.created_at.into(),
        updated_at: stored.updated_at.into(),
    }
}

fn item(item: Item) -> MemoryItem {
    MemoryItem {
        id: item.id.into(),
        title: item.title,
        description: item.description,
        content: item.content,
        error_context: item.error_context,
        pattern_tags: item.tags,
        domain_category: item.domain,
    }
}

fn found_item(found: Remembered) -> Memory {
    Memory {
        id: found.id.into(),
        trace_id: found.trace.into(),
        title: found.title,
        description: found.description,
        content: found.content,
        error_context: found.error_context,
        pattern_tags: found.tags,
        domain_category: found.domain,
        outcome: outcome(found.outcome),
        score: found.score.into(),
        created_at: found.created_at.into(),
    }
}

fn outcome(outcome: Outcome) -> TraceOutcome {
    match outcome {
        Outcome::Success => TraceOutcome::Success,
        Outcome::Failure => TraceOutcome::Failure,
        Outcome::Partial => TraceOutcome::Partial,
    }
}
