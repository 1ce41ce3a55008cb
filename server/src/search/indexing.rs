//! Indexes the words of insights, soon after they are folded in; a search first does what waits.

use std::collections::HashMap;
use std::time::Duration;

use switchboard_protocol::ids::WorkspaceId;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::insights::words;
use crate::store::StoreError;
use crate::store::insights::{Insights, Unindexed, Words};

/// What nobody told us of is found within this: insights that another node folded in.
const LOOK: Duration = Duration::from_secs(10);
/// Between two steps of a long way, so that others get their turn on a database with one backend.
const BREATHE: Duration = Duration::from_millis(5);
/// While somebody brings more, it rests so many times as long as it worked: they go first.
const REST: u32 = 8;
/// Steps that a search waits for. Where more is on its way, somebody is bringing a great deal.
const BEFORE_SEARCHING: usize = 2;

/// Indexes whatever waits, for as long as it is polled. It may be dropped at any time.
pub async fn keep_indexing(insights: Insights) {
    loop {
        let (begin, before) = (Instant::now(), insights.batches());
        match everywhere(&insights).await {
            Ok(true) => {
                let more = insights.batches() > before;
                sleep(if more { begin.elapsed() * REST } else { BREATHE }).await;
                continue;
            }
            Ok(false) => {}
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "no insight is indexed; the database is away");
            }
            Err(error) => {
                tracing::warn!(%error, "insights could not be indexed; a search tries again before it looks");
            }
        }
        let _ = timeout(LOOK, insights.folded()).await;
    }
}

/// Indexes what waits in a workspace, as far as a search may be kept waiting.
pub async fn catch_up(insights: &Insights, workspace: WorkspaceId) -> Result<(), StoreError> {
    if insights.is_indexed() {
        return Ok(());
    }
    for _ in 0..BEFORE_SEARCHING {
        if !step(insights, workspace).await? {
            break;
        }
    }
    Ok(())
}

/// Indexes some of what waits; false where nothing does.
async fn everywhere(insights: &Insights) -> Result<bool, StoreError> {
    let workspaces = insights.unindexed_workspaces().await?;
    for workspace in &workspaces {
        step(insights, *workspace).await?;
    }
    Ok(!workspaces.is_empty())
}

async fn step(insights: &Insights, workspace: WorkspaceId) -> Result<bool, StoreError> {
    let waiting = insights.unindexed(workspace).await?;
    if waiting.is_empty() {
        return Ok(false);
    }
    let marks = waiting.iter().map(|waiting| waiting.mark).collect();
    let found = spawn_blocking(move || found(workspace, waiting)).await;
    let found = found.map_err(|crash| StoreError::Unavailable(format!("words were not found: {crash}")))?;
    insights.index(workspace, marks, found).await?;
    Ok(true)
}

/// Each contact once, however often it waits.
fn found(workspace: WorkspaceId, waiting: Vec<Unindexed>) -> Vec<Words> {
    let stand: HashMap<_, _> = waiting.into_iter().map(|waiting| (waiting.contact, waiting.stands)).collect();
    let found = stand.into_iter().filter_map(|(contact, stands)| {
        let stands = stands?;
        let words = words(workspace, stands.member_name.as_deref(), &stands.fields);
        Some(Words { contact, created_at: stands.created_at, version: stands.version, words })
    });
    found.collect()
}
