//! Conversations out of a file, a line each.
//!
//! Invariant: every id follows from the workspace and the line, so that a run which was cut short, or is repeated,
//! stores what is missing and changes nothing else.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde_json::json;
use switchboard_protocol::ids::WorkspaceId;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::accounts;
use super::super::admin::{ACTOR, Outcome};
use super::super::output::Output;
use super::faults::Faults;
use super::line::{self, Conversation, Turn};
use super::writer::{Fault, Tally, Whole, Writer};
use super::{Lines, TOLD, derived};
use crate::domain::clock::{self, Timestamp};
use crate::domain::conversation::{Owner, Status};
use crate::store::administration::Administration;
use crate::store::administration::bulk::{Opened, Said};

/// What is imported, and whereto.
#[derive(Debug)]
pub struct Order {
    pub path: PathBuf,
    pub workspace: String,
    pub dry_run: bool,
}

/// What is wrong with a line is said, and the others go on.
pub async fn conversations(desk: &Administration, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let Order { path, workspace, dry_run } = order;
    let workspace = accounts::find(desk, &workspace).await?;
    let mut lines = Lines::open(&path).await?;
    let mut run = Import {
        writer: Writer::new(desk, workspace, dry_run),
        workspace,
        at: clock::now(),
        path: &path,
        seen: HashMap::new(),
        faults: Faults::new(desk, workspace, dry_run, output),
    };
    let mut told = Instant::now();
    while let Some((number, text)) = lines.next().await? {
        match text.and_then(|text| line::read(&text)) {
            Ok(conversation) => run.accept(number, conversation).await?,
            Err(why) => run.refuse(number, &why).await?,
        }
        run.name_faults().await?;
        if told.elapsed() >= TOLD {
            output.note(format!("{number} lines read, {}", run.sentence(dry_run))).await?;
            told = Instant::now();
        }
    }
    run.writer.finish().await?;
    run.name_faults().await?;
    run.faults.end(Some(&path.display().to_string())).await?;
    let failed = run.faults.count();
    let Tally { conversations, messages, known, .. } = run.writer.tally();
    if !dry_run && conversations > 0 {
        let detail = json!({"conversations": conversations, "messages": messages, "failed": failed});
        desk.note(Some(workspace), ACTOR, "import.conversations", &path.display().to_string(), detail)
            .await?;
    }
    output.line(run.sentence(dry_run)).await?;
    if conversations + known + failed == 0 {
        bail!("{} holds no conversation", path.display());
    }
    Ok(if failed > 0 { Outcome::Failed } else { Outcome::Well })
}

struct Import<'a> {
    writer: Writer,
    workspace: WorkspaceId,
    /// A line tells no times.
    at: Timestamp,
    path: &'a Path,
    /// On which line a conversation was first.
    seen: HashMap<Uuid, usize>,
    faults: Faults,
}

impl Import<'_> {
    async fn accept(&mut self, number: usize, conversation: Conversation) -> anyhow::Result<()> {
        let Conversation { id: name, turns } = conversation;
        let id = derived(self.workspace, "conversation", &name);
        if let Some(first) = self.seen.get(&id) {
            let why = format!("the id `{name}` is that of line {first}");
            return self.refuse(number, &why).await;
        }
        self.seen.insert(id, number);
        let head = i64::try_from(turns.len()).unwrap_or(i64::MAX);
        for (seq, Turn { role, content }) in (1_i64..).zip(turns) {
            let id_of_message = derived(self.workspace, "message", &format!("{seq} {name}"));
            let said = Said {
                conversation: id,
                seq,
                id: id_of_message,
                role,
                agent_name: None,
                author: None,
                content,
                metadata: None,
                at: self.at,
            };
            self.writer.say(said).await?;
        }
        let opened = Opened {
            id,
            visitor: derived(self.workspace, "visitor", &name),
            name: None,
            email: None,
            phone: None,
            status: Status::Closed,
            owner: Owner::None,
            mode: None,
            escalation: None,
            rating: None,
            rating_comment: None,
            head,
            metadata: json!({"import_id": name, "import_messages": head}),
            created_at: self.at,
            updated_at: self.at,
        };
        let place = format!("{}:{number}", self.path.display());
        self.writer.end(Whole { place, opened, escalations: Vec::new(), workflow: None }).await
    }

    async fn refuse(&mut self, number: usize, why: &str) -> anyhow::Result<()> {
        self.faults.name(&format!("{}:{number}", self.path.display()), why).await
    }

    async fn name_faults(&mut self) -> anyhow::Result<()> {
        for Fault { place, why, .. } in self.writer.faults() {
            self.faults.name(&place, &why).await?;
        }
        Ok(())
    }

    fn sentence(&self, dry_run: bool) -> String {
        let Tally { conversations, messages, known, .. } = self.writer.tally();
        let wrong = match self.faults.count() {
            0 => String::new(),
            1 => "; 1 line failed".to_owned(),
            n => format!("; {n} lines failed"),
        };
        let done = if dry_run { "could be imported" } else { "imported" };
        format!(
            "{conversations} conversations with {messages} messages {done}, {known} were there already{wrong}"
        )
    }
}
