//! What a desk owes a person who asks: all that is stored about them, or nothing of it any more.
//!
//! Invariant: the audit log says that it was done and to which row, and nothing of who that was.

use anyhow::bail;
use serde_json::json;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::accounts;
use super::admin::{ACTOR, Context, Outcome};
use super::output::Output;
use crate::store::administration::Administration;
use crate::store::administration::people::Erased;

/// Writes a line of JSON for each row that is stored about a visitor.
pub async fn export(
    desk: &Administration,
    workspace: &str,
    who: &str,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let workspace = accounts::find(desk, workspace).await?;
    let visitor = the_one(desk, workspace, who, output).await?;
    let mut count = 0;
    let mut write = async |lines: Vec<String>| -> anyhow::Result<bool> {
        let more = !lines.is_empty();
        count += lines.len();
        for line in lines {
            output.line(line).await?;
        }
        Ok(more)
    };
    write(desk.profile(workspace, visitor).await?).await?;
    let mut after = Uuid::nil();
    loop {
        let page = desk.conversations_of(workspace, visitor, after).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        for conversation in page {
            write(desk.around(workspace, conversation).await?).await?;
            let (mut seq, mut turn) = (0, 0);
            while write(desk.said(workspace, conversation, &mut seq).await?).await? {}
            while write(desk.turns(workspace, conversation, &mut turn).await?).await? {}
        }
    }
    write(desk.insights_of(workspace, visitor).await?).await?;
    let mut trace = Uuid::nil();
    while write(desk.remembered(workspace, visitor, &mut trace).await?).await? {}
    let detail = json!({ "lines": count });
    desk.note(Some(workspace), ACTOR, "person.export", &visitor.to_string(), detail).await?;
    output.note(format!("{count} lines: all that is stored about this visitor.")).await?;
    Ok(Outcome::Well)
}

/// Takes away what is stored about a visitor. What was cut short goes on when it is run again.
pub async fn erase(
    context: &Context,
    workspace: &str,
    who: &str,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspace = accounts::find(desk, workspace).await?;
    let visitor = the_one(desk, workspace, who, output).await?;
    let mut erased = Erased::default();
    // A write that was under way when a session was ended may still bring a row: then there is another pass.
    for _ in 0..PASSES {
        (context.forget)(workspace, visitor.into());
        loop {
            let page = desk.conversations_of(workspace, visitor, Uuid::nil()).await?;
            if page.is_empty() {
                break;
            }
            for conversation in page {
                desk.forget_conversation(workspace, conversation, &mut erased).await?;
            }
        }
        desk.forget_learned(workspace, visitor, &mut erased).await?;
        desk.forget_insights(workspace, visitor, &mut erased).await?;
        if desk.forget_visitor(workspace, visitor).await? {
            let detail = json!({
                "conversations": erased.conversations,
                "messages": erased.messages,
                "turns": erased.turns,
                "escalations": erased.escalations,
                "traces": erased.traces,
                "insights": erased.insights,
            });
            desk.note(Some(workspace), ACTOR, "person.erase", &visitor.to_string(), detail).await?;
            output
                .note(format!(
                    "The visitor is erased: {} conversations with {} messages and {} turns. What was learned \
                     from {} of them is forgotten, and {} insights. {} escalations stay, without a word of theirs.",
                    erased.conversations,
                    erased.messages,
                    erased.turns,
                    erased.traces,
                    erased.insights,
                    erased.escalations
                ))
                .await?;
            return Ok(Outcome::Well);
        }
    }
    bail!("the visitor keeps writing, and not all of it is gone yet: run this again")
}

/// How often rows may come back before the command gives up.
const PASSES: usize = 10;

async fn the_one(
    desk: &Administration,
    workspace: WorkspaceId,
    who: &str,
    output: &Output,
) -> anyhow::Result<Uuid> {
    let found = desk.find_people(workspace, who).await?;
    match found.as_slice() {
        [] => bail!("no visitor of this workspace has this id, external id or e-mail address"),
        [one] => Ok(one.id),
        several => {
            for person in several {
                let kind = if person.verified { "verified" } else { "not verified" };
                let since = person.created_at.format("%Y-%m-%d %H:%M UTC");
                output.note(format!("{}  {kind}, first seen {since}", person.id)).await?;
            }
            bail!("{} visitors gave this address: name one of them by id", several.len())
        }
    }
}
