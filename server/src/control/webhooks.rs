//! Webhooks by command: where a workspace is told of what happens, and what could not be delivered.
//!
//! Invariant: a signing secret is shown once, when it is made; an address of Slack, which is a secret itself, never in
//! full.

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::accounts;
use super::admin::{ACTOR, Context, Outcome};
use super::output::{Output, columns};
use crate::domain::outbox::{Event, EventKind, Webhook, WebhookKind};
use crate::domain::{clock, mint};
use crate::notify::address;
use crate::store::administration::Administration;
use crate::store::outbox::{Listed, MOST_WEBHOOKS};

/// What is to be added.
pub struct Order {
    pub workspace: String,
    pub url: String,
    pub kind: String,
    pub events: Vec<String>,
}

pub async fn add(context: &Context, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspace = accounts::find(desk, &order.workspace).await?;
    let kind = WebhookKind::from_name(&order.kind)
        .with_context(|| format!("`{}` is no kind of webhook: it is standard or slack", order.kind))?;
    for event in &order.events {
        let known = EventKind::ALL.map(EventKind::name);
        ensure!(known.contains(&event.as_str()), "`{event}` is no event: there is {}", known.join(", "));
    }
    address::check(&order.url, context.sender.allows_private())?;
    let secret = (kind == WebhookKind::Standard).then(mint::webhook_secret);
    let webhook = Webhook { id: mint::id(), workspace, url: order.url, kind, secret };
    if !desk.outbox().add(&webhook, order.events, clock::now()).await? {
        bail!("the workspace {} has {MOST_WEBHOOKS} webhooks, which is as many as it may", order.workspace);
    }
    let (id, subject) = (webhook.id, webhook.id.to_string());
    desk.note(Some(workspace), ACTOR, "webhook.add", &subject, json!({ "kind": kind.name() })).await?;
    output.note(format!("The webhook {id} is made. Try it with `switchboard webhook test {id}`.")).await?;
    match webhook.secret {
        Some(secret) => {
            output.note("This secret signs what it is sent, shown this once:").await?;
            output.line(secret).await?;
        }
        None => output.line(subject).await?,
    }
    Ok(Outcome::Well)
}

pub async fn list(
    desk: &Administration,
    workspace: Option<&str>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let rows: Vec<_> = desk.outbox().list(&named(desk, workspace).await?).await?.iter().map(line).collect();
    for line in columns(&rows) {
        output.line(line).await?;
    }
    Ok(Outcome::Well)
}

fn line(webhook: &Listed) -> [String; 7] {
    let events = if webhook.events.is_empty() { "all events".to_owned() } else { webhook.events.join(",") };
    let state = if webhook.enabled { "on" } else { "off" };
    let waiting = if webhook.waiting == 0 { String::new() } else { format!("{} waiting", webhook.waiting) };
    [
        webhook.workspace.clone(),
        webhook.id.to_string(),
        webhook.kind.name().to_owned(),
        state.to_owned(),
        events,
        shown(webhook),
        waiting,
    ]
}

fn shown(webhook: &Listed) -> String {
    if webhook.kind == WebhookKind::Standard {
        return webhook.url.clone();
    }
    let origin = address::check(&webhook.url, true).map(|url| url.origin().ascii_serialization());
    format!("{}/…", origin.unwrap_or_default())
}

pub async fn set(context: &Context, id: Uuid, enabled: bool, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspace = desk.outbox().enable(id, enabled).await?.with_context(|| unknown(id))?;
    desk.note(Some(workspace), ACTOR, "webhook.set", &id.to_string(), json!({ "enabled": enabled })).await?;
    (context.changed)();
    output.note(format!("The webhook is switched {}.", if enabled { "on" } else { "off" })).await?;
    Ok(Outcome::Well)
}

pub async fn remove(desk: &Administration, id: Uuid, output: &Output) -> anyhow::Result<Outcome> {
    let workspace = desk.outbox().remove(id).await?.with_context(|| unknown(id))?;
    desk.note(Some(workspace), ACTOR, "webhook.remove", &id.to_string(), json!({})).await?;
    output.note("The webhook is removed, and what was on its way to it.").await?;
    Ok(Outcome::Well)
}

/// Sends a test, once and at once, and says what came of it.
pub async fn test(context: &Context, id: Uuid, output: &Output) -> anyhow::Result<Outcome> {
    let webhook = context.administration.outbox().webhook(id).await?.with_context(|| unknown(id))?;
    let event = Event::test(mint::id(), webhook.workspace, id, clock::now());
    match context.sender.send(&webhook, &event).await {
        Ok(()) => {
            output.note(format!("The webhook has accepted the test {}.", event.id)).await?;
            Ok(Outcome::Well)
        }
        Err(fault) => {
            output.note(format!("The webhook has not accepted the test: {fault}.")).await?;
            Ok(Outcome::Failed)
        }
    }
}

/// What was given up, the oldest first.
pub async fn dead(
    desk: &Administration,
    workspace: Option<&str>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let dead = desk.outbox().dead(&named(desk, workspace).await?).await?;
    let rows: Vec<_> = dead
        .into_iter()
        .map(|dead| {
            [
                dead.workspace,
                dead.event.to_string(),
                dead.kind,
                dead.webhook.to_string(),
                format!("{} attempts", dead.attempts),
                dead.dead_at.format("until %Y-%m-%d %H:%M UTC").to_string(),
                dead.error,
            ]
        })
        .collect();
    for line in columns(&rows) {
        output.line(line).await?;
    }
    Ok(Outcome::Well)
}

/// Has what was given up tried for another day.
pub async fn replay(
    context: &Context,
    workspace: Option<&str>,
    event: Option<Uuid>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspaces = named(desk, workspace).await?;
    let count = desk.outbox().replay(&workspaces, event, clock::now()).await?;
    if let (Some(event), 0) = (event, count) {
        bail!("no dead delivery has the id {event}: `switchboard webhook dead` lists them");
    }
    let subject = event.map_or_else(|| "all".to_owned(), |event| event.to_string());
    desk.note(None, ACTOR, "webhook.replay", &subject, json!({ "deliveries": count })).await?;
    (context.changed)();
    output.note(format!("{count} deliveries begin anew, under the ids that they had.")).await?;
    Ok(Outcome::Well)
}

/// The one that is named, or all.
async fn named(desk: &Administration, workspace: Option<&str>) -> anyhow::Result<Vec<WorkspaceId>> {
    Ok(match workspace {
        Some(name) => vec![accounts::find(desk, name).await?],
        None => desk.accounts().workspaces().await?.into_iter().map(|workspace| workspace.id).collect(),
    })
}

fn unknown(id: Uuid) -> String {
    format!("there is no webhook {id}: `switchboard webhook list` shows those there are")
}
