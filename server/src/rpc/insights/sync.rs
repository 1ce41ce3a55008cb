//! Syncs of insights, for those who keep the desk: asked for, and looked at.

use serde_json::Value;
use switchboard_protocol::RpcError;
use switchboard_protocol::ids::SyncJobId;
use switchboard_protocol::methods::{
    InsightSync, InsightSyncBegun, InsightSyncFailure, InsightSyncStanding, InsightSyncStatus, SyncSink,
};

use super::super::{Desk, Standing, wire};
use crate::domain::failure::Failure;
use crate::domain::sync::{self, Order, Scope, SinkKind};
use crate::sync::AskError;

/// How long a client should wait while as many syncs are open as may be.
const RETRY_MS: u64 = 10_000;

impl Desk {
    pub(super) async fn sync_insights(
        &self,
        standing: &Standing,
        params: InsightSync,
    ) -> Result<InsightSyncBegun, RpcError> {
        let workspace = standing.caller.workspace;
        let InsightSync { contact_id, hours_back, all: _, dry_run, sink } = params;
        let scope = match (contact_id, hours_back) {
            (Some(contact), _) => {
                let found = self.insights().get(workspace, contact.clone()).await;
                found.map_err(wire::store_error)?.ok_or_else(|| RpcError::not_found("insight"))?;
                Scope::Contact(contact)
            }
            (None, Some(hours)) => Scope::HoursBack(hours),
            (None, None) => Scope::All,
        };
        let sink = match sink {
            Some(SyncSink::Airtable) => SinkKind::Airtable,
            Some(SyncSink::Webhook) => SinkKind::Webhook,
            None => self.syncs.usual(),
        };
        let order = Order { sink, scope, dry_run: dry_run.unwrap_or(false) };
        let job = self.syncs.ask(workspace, order).await.map_err(refused)?;
        Ok(InsightSyncBegun { job_id: job.into() })
    }

    pub(super) async fn sync_standing(
        &self,
        standing: &Standing,
        params: InsightSyncStatus,
    ) -> Result<InsightSyncStanding, RpcError> {
        let job = params.job_id;
        let found = self.syncs.standing(standing.caller.workspace, job.uuid()).await;
        let found = found.map_err(wire::store_error)?.ok_or_else(|| RpcError::not_found("sync"))?;
        Ok(shown(job, found))
    }
}

fn shown(job: SyncJobId, standing: sync::Standing) -> InsightSyncStanding {
    let sync::Standing { sink, dry_run, tally, failures, ended, error } = standing;
    let failure = |Failure { subject, reason }: Failure| InsightSyncFailure { contact_id: subject, reason };
    InsightSyncStanding {
        job_id: job,
        sink: match sink {
            SinkKind::Airtable => SyncSink::Airtable,
            SinkKind::Webhook => SyncSink::Webhook,
        },
        dry_run,
        processed: tally.processed,
        created: tally.created,
        updated: tally.updated,
        failed: failures.into_iter().map(failure).collect(),
        failed_total: tally.failed,
        success_rate: tally.success_rate(),
        done: ended,
        error,
    }
}

fn refused(error: AskError) -> RpcError {
    match error {
        AskError::NotSetUp(sentence) => RpcError::conflict(sentence, &Value::Null),
        AskError::Full => RpcError::rate_limited(RETRY_MS),
        AskError::Store(error) => wire::store_error(error),
    }
}
