//! Conversations out of a file, a line each, in small transactions; and, beneath, documents and insights out of a folder.
//!
//! Invariant: every id follows from the workspace and the line, so that a run which was cut short, or is repeated,
//! stores what is missing and changes nothing else.

mod chroma;
mod folder;
mod insights;
mod knowledge;
mod line;

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::WorkspaceId;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

use super::accounts;
use super::admin::{ACTOR, Outcome};
use super::output::Output;
use crate::domain::clock;
use crate::domain::visitor::Workspace;
use crate::store::StoreError;
use crate::store::administration::Administration;
use crate::store::administration::bulk::{Opened, PART, Part, Said, Stored};
pub use chroma::{Order as ChromaOrder, chroma};
pub use insights::{InsightsOrder, insights};
pub use knowledge::{Order, knowledge};
use line::{Conversation, Turn};

/// A line beyond this is taken for a file of another kind.
const LINE: usize = 16 * 1024 * 1024;
/// Text of one transaction.
const PART_BYTES: usize = 4 * 1024 * 1024;
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(2);
/// An outage shorter than this is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Imports into the workspace `default`; what is wrong with a line is said, and the others go on.
pub async fn conversations(
    desk: &Administration,
    path: &Path,
    dry_run: bool,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let workspace = accounts::find(desk, Workspace::DEFAULT).await?;
    let mut lines = Lines::open(path).await?;
    let mut run =
        Import { desk, workspace, path, output, dry_run, seen: HashMap::new(), tally: Tally::default() };
    let mut batch = Batch::default();
    let mut told = Instant::now();
    while let Some((number, text)) = lines.next().await? {
        match text.and_then(|text| line::read(&text)) {
            Ok(conversation) => run.accept(number, conversation, &mut batch).await?,
            Err(why) => run.refuse(number, &why).await?,
        }
        if told.elapsed() >= TOLD {
            output.note(format!("{number} lines read, {}", run.tally.sentence(dry_run))).await?;
            told = Instant::now();
        }
    }
    run.store(&mut batch).await?;
    run.end().await
}

struct Import<'a> {
    desk: &'a Administration,
    workspace: WorkspaceId,
    path: &'a Path,
    output: &'a Output,
    dry_run: bool,
    /// On which line a conversation was first.
    seen: HashMap<Uuid, usize>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    /// What is stored or, in a dry run, could be: the part of it that was new is in `stored`.
    settled: Stored,
    stored: Stored,
    failed: u64,
}

/// The rows that wait for a transaction, and the lines that they come from.
#[derive(Default)]
struct Batch {
    part: Part,
    bytes: usize,
    lines: Vec<(usize, Conversation)>,
}

impl Import<'_> {
    async fn accept(
        &mut self,
        number: usize,
        conversation: Conversation,
        batch: &mut Batch,
    ) -> anyhow::Result<()> {
        let id = derived(self.workspace, "conversation", &conversation.id);
        if let Some(first) = self.seen.insert(id, number) {
            self.seen.insert(id, first);
            return self
                .refuse(number, &format!("the id `{}` is that of line {first}", conversation.id))
                .await;
        }
        if self.dry_run {
            self.tally.settle(conversation.turns.len());
            return Ok(());
        }
        if batch.part.rows() + conversation.turns.len() + 2 > PART || batch.bytes >= PART_BYTES {
            self.store(batch).await?;
        }
        if conversation.turns.len() + 2 > PART {
            return self.store_alone(number, &conversation).await;
        }
        batch.bytes += conversation.bytes();
        batch.part.conversations.push(self.opened(&conversation));
        batch.part.messages.extend(self.said(&conversation, 0..conversation.turns.len()));
        batch.lines.push((number, conversation));
        Ok(())
    }

    /// Writes what waits. Where the database refuses it, each line by itself, so that one bad line is one failure.
    async fn store(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        let Batch { part, lines, .. } = std::mem::take(batch);
        if part.is_empty() {
            return Ok(());
        }
        if self.write(&part).await?.is_ok() {
            for (_, conversation) in &lines {
                self.tally.settle(conversation.turns.len());
            }
            return Ok(());
        }
        for (number, conversation) in lines {
            self.store_alone(number, &conversation).await?;
        }
        Ok(())
    }

    /// One conversation by itself, in as many transactions as it takes: the first brings its row.
    async fn store_alone(&mut self, number: usize, conversation: &Conversation) -> anyhow::Result<()> {
        let mut conversations = vec![self.opened(conversation)];
        let mut from = 0;
        while from < conversation.turns.len() {
            let upto = conversation.turns.len().min(from + PART - 2);
            let messages = self.said(conversation, from..upto).collect();
            let part = Part { conversations: std::mem::take(&mut conversations), messages };
            if let Err(why) = self.write(&part).await? {
                return self.refuse(number, &why).await;
            }
            from = upto;
        }
        self.tally.settle(conversation.turns.len());
        Ok(())
    }

    /// Whether the database took the part, or why not.
    async fn write(&mut self, part: &Part) -> anyhow::Result<Result<(), String>> {
        match patiently(|| self.desk.import(self.workspace, part, clock::now())).await {
            Ok(stored) => {
                self.tally.stored.conversations += stored.conversations;
                self.tally.stored.messages += stored.messages;
                Ok(Ok(()))
            }
            Err(error @ StoreError::Refused { .. }) => Ok(Err(error.to_string())),
            Err(error) => {
                let so_far = self.tally.sentence(false);
                Err(error).with_context(|| {
                    format!("the import stopped ({so_far}); run it again to go on from there")
                })
            }
        }
    }

    async fn refuse(&mut self, number: usize, why: &str) -> anyhow::Result<()> {
        self.tally.failed += 1;
        Ok(self.output.note(format!("{}:{number}: {why}", self.path.display())).await?)
    }

    async fn end(self) -> anyhow::Result<Outcome> {
        let Tally { settled, stored, failed } = &self.tally;
        if !self.dry_run && settled.conversations > 0 {
            let detail =
                json!({"conversations": stored.conversations, "messages": stored.messages, "failed": failed});
            let subject = self.path.display().to_string();
            self.desk.note(Some(self.workspace), ACTOR, "import.conversations", &subject, detail).await?;
        }
        self.output.line(self.tally.sentence(self.dry_run)).await?;
        if settled.conversations == 0 && *failed == 0 {
            bail!("{} holds no conversation", self.path.display());
        }
        Ok(if *failed > 0 { Outcome::Failed } else { Outcome::Well })
    }

    fn opened(&self, conversation: &Conversation) -> Opened {
        Opened {
            id: derived(self.workspace, "conversation", &conversation.id),
            visitor: derived(self.workspace, "visitor", &conversation.id),
            name: conversation.id.clone(),
            head: i64::try_from(conversation.turns.len()).unwrap_or(i64::MAX),
        }
    }

    fn said<'c>(
        &self,
        conversation: &'c Conversation,
        turns: std::ops::Range<usize>,
    ) -> impl Iterator<Item = Said> + use<'c> {
        let workspace = self.workspace;
        let id = derived(workspace, "conversation", &conversation.id);
        let numbered = (1_i64..).zip(&conversation.turns).skip(turns.start).take(turns.len());
        numbered.map(move |(seq, Turn { role, content })| Said {
            conversation: id,
            seq,
            id: derived(workspace, "message", &format!("{seq} {}", conversation.id)),
            role: role.name(),
            content: content.clone(),
        })
    }
}

impl Tally {
    fn settle(&mut self, turns: usize) {
        self.settled.conversations += 1;
        self.settled.messages += turns as u64;
    }

    fn sentence(&self, dry_run: bool) -> String {
        let Stored { conversations, messages } = if dry_run { self.settled } else { self.stored };
        let wrong = match self.failed {
            0 => String::new(),
            1 => "; 1 line failed".to_owned(),
            n => format!("; {n} lines failed"),
        };
        if dry_run {
            return format!(
                "{conversations} conversations with {messages} messages could be imported{wrong}"
            );
        }
        let known = self.settled.conversations.saturating_sub(conversations);
        format!(
            "{conversations} conversations and {messages} messages imported, {known} were there already{wrong}"
        )
    }
}

/// Does the work again for a while where the database is away.
async fn patiently<T, F>(mut work: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let since = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match work().await {
            Err(StoreError::Unavailable(_)) if since.elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            outcome => return outcome,
        }
    }
}

/// The id of what a file calls `name`. Its first six bytes are zero: it sorts before everything that was said here,
/// whose ids begin with the time.
fn derived(workspace: WorkspaceId, kind: &str, name: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(b"switchboard import\0");
    hash.update(workspace.uuid().as_bytes());
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(name.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes[6..].copy_from_slice(&digest[..10]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The lines of a file with their numbers, blank ones left out, none longer than the bound in memory.
struct Lines {
    file: BufReader<File>,
    number: usize,
}

impl Lines {
    async fn open(path: &Path) -> anyhow::Result<Self> {
        let open = async {
            let file = File::open(path).await?;
            let is_file = file.metadata().await?.is_file();
            Ok::<_, std::io::Error>((file, is_file))
        };
        let (file, is_file) = open.await.with_context(|| format!("{} cannot be read", path.display()))?;
        if !is_file {
            bail!("{} is no file: name one with a conversation a line", path.display());
        }
        Ok(Self { file: BufReader::with_capacity(64 * 1024, file), number: 0 })
    }

    async fn next(&mut self) -> anyhow::Result<Option<(usize, Result<String, String>)>> {
        loop {
            let mut bytes = Vec::new();
            let limit = LINE as u64 + 1;
            if (&mut self.file).take(limit).read_until(b'\n', &mut bytes).await? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.len() > LINE {
                self.skip_rest().await?;
                return Ok(Some((self.number, Err(format!("the line is longer than {} MiB", LINE >> 20)))));
            }
            match String::from_utf8(bytes) {
                Ok(text) if text.trim_start_matches('\u{feff}').trim().is_empty() => {}
                Ok(text) => return Ok(Some((self.number, Ok(text)))),
                Err(_) => return Ok(Some((self.number, Err("the line is no UTF-8".to_owned())))),
            }
        }
    }

    async fn skip_rest(&mut self) -> anyhow::Result<()> {
        loop {
            let buffer = self.file.fill_buf().await?;
            let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.file.consume(length);
            if ended {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mint;

    #[tokio::test]
    async fn lines_are_numbered_as_an_editor_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut text = b"\xef\xbb\xbf{}\r\n\n  \nb\xff\n".to_vec();
        text.extend(vec![b'x'; LINE + 10]);
        text.extend(b"\nlast");
        std::fs::write(&path, text).unwrap();
        let mut lines = Lines::open(&path).await.unwrap();
        assert_eq!(lines.next().await.unwrap(), Some((1, Ok("\u{feff}{}\r\n".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), Some((4, Err("the line is no UTF-8".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), Some((5, Err("the line is longer than 16 MiB".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), Some((6, Ok("last".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), None);
        assert!(Lines::open(folder.path()).await.is_err());
    }

    #[test]
    fn ids_follow_from_the_file_and_sort_before_our_own() {
        let workspace = mint::id();
        let id = derived(workspace, "conversation", "a");
        assert_eq!(id, derived(workspace, "conversation", "a"));
        assert_ne!(id, derived(workspace, "conversation", "b"));
        assert_ne!(id, derived(workspace, "visitor", "a"));
        assert_ne!(id, derived(mint::id(), "conversation", "a"));
        assert_eq!(id.get_version_num(), 8);
        assert!(id < mint::id::<Uuid>());
    }
}
