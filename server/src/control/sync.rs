//! Syncs of insights by command: asked for, and followed to their end.

use std::time::Duration;

use anyhow::{Context as _, bail};
use switchboard_protocol::limits;
use tokio::time::{Instant, sleep};

use super::admin::{Context, Outcome};
use super::output::Output;
use crate::domain::sync::{self, Scope, SinkKind, Standing};

/// What is to be synced.
pub struct Order {
    pub sink: String,
    pub contact: Option<String>,
    pub hours_back: Option<u32>,
    pub dry_run: bool,
}

/// How often is looked how far it has come, and how often that is said.
const LOOK: Duration = Duration::from_millis(250);
const TOLD: Duration = Duration::from_secs(2);

pub async fn run(context: &Context, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let Order { sink, contact, hours_back, dry_run } = order;
    let sink = SinkKind::from_name(&sink).with_context(|| {
        format!("`{sink}` is nothing to sync to: there is {}", SinkKind::ALL.map(SinkKind::name).join(", "))
    })?;
    let workspace = context.syncs.workspace().await?;
    let workspace = workspace.context("there is no workspace of the name that sync_workspace says")?;
    let scope = match (contact, hours_back) {
        (Some(contact), _) => {
            let found = context.administration.insights().get(workspace, contact.clone()).await?;
            found.with_context(|| format!("there is no insight of the contact {contact}"))?;
            Scope::Contact(contact)
        }
        (None, Some(hours)) => Scope::HoursBack(hours),
        (None, None) => Scope::All,
    };
    let job = context.syncs.ask(workspace, sync::Order { sink, scope, dry_run }).await?;
    output.note(format!("The sync {job} goes on by itself; the same command looks at it again.")).await?;
    let (mut told, mut before) = (Instant::now(), 0);
    loop {
        let standing = context.syncs.standing(workspace, job).await?.context("the sync is gone")?;
        if standing.ended {
            return tell(&standing, output).await;
        }
        if told.elapsed() >= TOLD && standing.tally.processed > before {
            output.note(summary(&standing)).await?;
            (told, before) = (Instant::now(), standing.tally.processed);
        }
        sleep(LOOK).await;
    }
}

async fn tell(standing: &Standing, output: &Output) -> anyhow::Result<Outcome> {
    for failure in &standing.failures {
        output.note(format!("{}: {}", failure.subject, failure.reason)).await?;
    }
    if standing.failures.len() == limits::SYNC_FAILURES {
        output.note("… and those before").await?;
    }
    output.line(summary(standing)).await?;
    if let Some(error) = &standing.error {
        bail!("the sync has stopped: {error}. The same command goes on where it stopped");
    }
    Ok(if standing.tally.failed > 0 { Outcome::Failed } else { Outcome::Well })
}

fn summary(standing: &Standing) -> String {
    let sync::Tally { processed, created, updated, failed } = standing.tally;
    if standing.dry_run {
        return format!("{processed} contacts would be sent");
    }
    let rate = standing.tally.success_rate() * 100.0;
    format!(
        "{processed} contacts: {created} created, {updated} updated, {failed} failed; success rate {rate:.1}%"
    )
}
