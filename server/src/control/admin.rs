//! Every command, written once: a running server runs them for whoever asks at its socket, the command line itself
//! where no server runs.

use std::sync::Arc;

use switchboard_protocol::ids::{VisitorId, WorkspaceId};

use super::command::{Answer, Command};
use super::output::Output;
use super::{accounts, doctor, export, import, person, retention, sync, webhooks};
use crate::access::passwords::Passwords;
use crate::brain::distiller::Distiller;
use crate::notify::Sender;
use crate::search::embedder::MINILM;
use crate::store::administration::Administration;
use crate::store::migrate;
use crate::store::source::Database;
use crate::sync::Syncs;

/// What a command works on.
#[derive(Clone)]
pub struct Context {
    pub database: Database,
    pub administration: Administration,
    pub passwords: Passwords,
    /// Called after workspaces, accounts, keys or webhooks have changed, so that what is cached of them is read again.
    pub changed: Arc<dyn Fn() + Send + Sync>,
    /// Draws insights from what is imported.
    pub distiller: Distiller,
    /// Tries webhooks.
    pub sender: Sender,
    pub syncs: Syncs,
    /// Ends the sessions of a visitor who is to be forgotten.
    pub forget: Arc<dyn Fn(WorkspaceId, VisitorId) + Send + Sync>,
}

/// How a command that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Well,
    /// Not all of it could be done, and the output says what.
    Failed,
}

/// Who did it, for the audit log.
pub const ACTOR: &str = "command line";

/// Runs the command and says the last line.
pub async fn run(command: Command, context: &Context, output: &Output) {
    let last = match dispatch(command, context, output).await {
        Ok(outcome) => Answer::Done { done: true, failed: outcome == Outcome::Failed },
        Err(error) => Answer::Error { error: chain(&error) },
    };
    // Nobody is left to be told.
    let _ = output.send(last).await;
}

/// An error and its causes as one sentence; a cause that the one above has quoted already is left out.
pub fn chain(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !sentence.contains(&cause) {
            let joint = if sentence.is_empty() { "" } else { ": " };
            sentence.extend([joint, &cause]);
        }
    }
    sentence
}

#[expect(clippy::too_many_lines, reason = "an arm a command")]
async fn dispatch(command: Command, context: &Context, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    match command {
        Command::WorkspaceAdd { name, origins, require_verification } => {
            accounts::add_workspace(context, &name, origins, require_verification, output).await
        }
        Command::WorkspaceList => accounts::list_workspaces(desk, output).await,
        Command::WorkspaceSet {
            name,
            origins,
            require_verification,
            registration_open,
            learns,
            new_secret,
        } => {
            let edit =
                accounts::Edit { origins, require_verification, registration_open, learns, new_secret };
            accounts::set_workspace(context, &name, edit, output).await
        }
        Command::UserAdd { email, role, workspace, password } => {
            accounts::add_user(context, &email, &role, &workspace, password, output).await
        }
        Command::UserList => accounts::list_users(desk, output).await,
        Command::UserRevoke { email } => accounts::revoke_user(context, &email, output).await,
        Command::KeyAdd { name, role, workspace } => {
            accounts::add_key(context, &name, &role, workspace.as_deref(), output).await
        }
        Command::KeyList => accounts::list_keys(desk, output).await,
        Command::KeyRevoke { name, workspace } => {
            accounts::revoke_key(context, &name, workspace.as_deref(), output).await
        }
        Command::ImportConversations { path, workspace, dry_run } => {
            let order = import::ConversationsOrder { path, workspace, dry_run };
            import::conversations(desk, order, output).await
        }
        Command::ImportDeployment {
            address,
            schema,
            source,
            workspace,
            backup,
            only_conversations,
            dry_run,
        } => {
            let order = import::DeploymentOrder {
                address,
                schema,
                source,
                workspace,
                backup,
                only_conversations,
                dry_run,
            };
            import::deployment(context, order, output).await
        }
        Command::ImportKnowledge { path, workspace, topic, dry_run } => {
            let order = import::Order { path, workspace, topic, dry_run };
            import::knowledge(context, order, output).await
        }
        Command::ImportInsights { path, workspace, backup, dry_run } => {
            let order = import::InsightsOrder { path, workspace, backup, dry_run };
            import::insights(context, order, output).await
        }
        Command::ImportChroma { path, traces, workspace, dry_run } => {
            let order = import::ChromaOrder { path, traces, workspace, dry_run };
            import::chroma(context, order, output).await
        }
        Command::Reembed { workspace } => reembed(context, workspace.as_deref(), output).await,
        Command::Export { folder } => export::run(desk, &folder, output).await,
        Command::WebhookAdd { workspace, url, kind, events } => {
            webhooks::add(context, webhooks::Order { workspace, url, kind, events }, output).await
        }
        Command::WebhookList { workspace } => webhooks::list(desk, workspace.as_deref(), output).await,
        Command::WebhookSet { id, enabled } => webhooks::set(context, id, enabled, output).await,
        Command::WebhookRemove { id } => webhooks::remove(desk, id, output).await,
        Command::WebhookTest { id } => webhooks::test(context, id, output).await,
        Command::WebhookDead { workspace } => webhooks::dead(desk, workspace.as_deref(), output).await,
        Command::WebhookReplay { workspace, event } => {
            webhooks::replay(context, workspace.as_deref(), event, output).await
        }
        Command::PersonExport { workspace, who } => person::export(desk, &workspace, &who, output).await,
        Command::PersonErase { workspace, who } => person::erase(context, &workspace, &who, output).await,
        Command::RetentionRun { policies, archive, dry_run } => {
            retention::run(desk, retention::Order { policies, archive, dry_run }, output).await
        }
        Command::Sync { sink, contact, hours_back, dry_run } => {
            sync::run(context, sync::Order { sink, contact, hours_back, dry_run }, output).await
        }
        Command::Restored => accounts::restored(desk, output).await,
        Command::MigrateStatus => migrations(&context.database, output).await,
        Command::Doctor => doctor::database(&context.database, output).await,
        Command::DoctorData => doctor::data(desk, output).await,
        #[cfg(feature = "test-hooks")]
        Command::Query { sql } => {
            let rows = crate::store::administration::query::query(&context.database, &sql).await?;
            output.send(Answer::Rows { rows }).await?;
            Ok(Outcome::Well)
        }
        #[cfg(feature = "test-hooks")]
        Command::Arm { place } => {
            crate::domain::failpoint::arm(&place);
            Ok(Outcome::Well)
        }
    }
}

/// Takes away the vectors that are not of the embedder in use; the server makes them anew.
async fn reembed(context: &Context, workspace: Option<&str>, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspaces = match workspace {
        Some(name) => vec![accounts::find(desk, name).await?],
        None => desk.accounts().workspaces().await?.into_iter().map(|workspace| workspace.id).collect(),
    };
    let mut cleared = 0;
    for workspace in workspaces {
        cleared += desk.knowledge().forget_others(workspace, MINILM).await?;
        cleared += desk.memory().forget_others(workspace, MINILM).await?;
    }
    (context.changed)();
    output
        .line(format!(
            "{cleared} chunks and items had vectors of another embedder and are embedded anew while the server runs"
        ))
        .await?;
    Ok(Outcome::Well)
}

async fn migrations(database: &Database, output: &Output) -> anyhow::Result<Outcome> {
    for standing in migrate::status(&mut database.connect().await?).await? {
        let ran = standing.applied_at.map(|at| at.format("ran %Y-%m-%d %H:%M UTC").to_string());
        output.line(format!("{:<28} {}", standing.name, ran.as_deref().unwrap_or("has not run"))).await?;
    }
    Ok(Outcome::Well)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_chain_says_nothing_twice() {
        let inner = std::io::Error::other("no room");
        let outer = Err::<(), _>(inner).context("writing the file").context("exporting").unwrap_err();
        assert_eq!(chain(&outer), "exporting: writing the file: no room");
        let quoted = anyhow::Error::msg("no room").context("the disk said: no room");
        assert_eq!(chain(&quoted), "the disk said: no room");
    }
}
