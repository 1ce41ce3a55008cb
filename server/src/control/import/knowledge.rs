//! Files into the knowledge base: a folder of them again and again, each file only when it has changed.
//!
//! Invariant: a file that cannot be read is named, and what was imported from it before stays; what has vanished from a
//! folder is deleted, and nothing else is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use switchboard_protocol::ids::WorkspaceId;
use switchboard_protocol::limits::{TITLE, TOPIC};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::accounts;
use super::super::admin::{ACTOR, Context, Outcome};
use super::super::output::Output;
use super::folder::{Found, files};
use super::{TOLD, patiently};
use crate::domain::knowledge::{Chunk, Document, Kind};
use crate::domain::{clock, mint};
use crate::search::chunk::{self, Format};
use crate::store::StoreError;
use crate::store::knowledge::{Imported, Library};

/// What is imported, and whereto.
#[derive(Debug)]
pub struct Order {
    /// A file or a folder.
    pub path: PathBuf,
    pub workspace: String,
    pub topic: Option<String>,
    pub dry_run: bool,
}

/// A file beyond this is no page of text.
const FILE: u64 = 32 * 1024 * 1024;
/// Chunks and bytes of text that wait for one transaction: on the embedded database messages wait behind it.
const PART: usize = 200;
const PART_BYTES: usize = 1024 * 1024;
/// Documents of one deletion.
const DELETED: usize = 100;

pub async fn knowledge(context: &Context, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let Order { path, workspace, topic, dry_run } = order;
    if let Some(topic) = &topic {
        let length = topic.chars().count();
        ensure!((1..=TOPIC).contains(&length), "a topic collection's name has 1 to {TOPIC} characters");
    }
    let desk = &context.administration;
    let workspace = accounts::find(desk, &workspace).await?;
    let unreadable = || format!("{} cannot be read", path.display());
    let path = tokio::fs::canonicalize(&path).await.with_context(unreadable)?;
    let is_folder = tokio::fs::metadata(&path).await.with_context(unreadable)?.is_dir();
    let found = if is_folder {
        files(path.clone(), |file| Format::of(file).is_some()).await.with_context(unreadable)?
    } else {
        one(&path)?
    };
    ensure!(
        !found.files.is_empty(),
        "{} holds no Markdown, HTML, text or PDF; what was imported from it before is left as it is",
        path.display()
    );
    let library = desk.knowledge();
    let place = format!("{}{}", path.display(), if is_folder { "/" } else { "" });
    let mut known: HashMap<String, Imported> = HashMap::new();
    for imported in library.imported(workspace, &place).await? {
        if is_folder || imported.source == place {
            known.insert(imported.source.clone(), imported);
        }
    }
    let mut run = Import { library, workspace, topic, dry_run, output, known, tally: Tally::default() };
    let (all, mut part, mut told) = (found.files.len(), Part::default(), Instant::now());
    for (index, file) in found.files.into_iter().enumerate() {
        run.take(file, &mut part).await?;
        if told.elapsed() >= TOLD {
            output
                .note(format!("{} of {all} files read, {}", index + 1, run.tally.sentence(dry_run)))
                .await?;
            told = Instant::now();
        }
    }
    run.store(&mut part).await?;
    run.delete_vanished().await?;
    let Tally { added, changed, deleted, failed, .. } = run.tally;
    if !dry_run && added + changed + deleted > 0 {
        let detail = json!({"added": added, "changed": changed, "deleted": deleted, "failed": failed});
        let subject = path.display().to_string();
        desk.note(Some(workspace), ACTOR, "import.knowledge", &subject, detail).await?;
        (context.changed)();
    }
    if found.passed_over > 0 {
        output.note(format!("{} files of other kinds were passed over", found.passed_over)).await?;
    }
    output.line(run.tally.sentence(dry_run)).await?;
    Ok(if failed > 0 { Outcome::Failed } else { Outcome::Well })
}

struct Import<'a> {
    library: Library,
    workspace: WorkspaceId,
    topic: Option<String>,
    dry_run: bool,
    output: &'a Output,
    /// What was imported from there before; what is left in the end has vanished.
    known: HashMap<String, Imported>,
    tally: Tally,
}

/// In a dry run, what would be.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    added: usize,
    changed: usize,
    chunks: usize,
    unchanged: usize,
    deleted: usize,
    failed: usize,
}

/// Documents that wait for a transaction; whether each is new.
#[derive(Default)]
struct Part {
    documents: Vec<(Document, Vec<Chunk>)>,
    is_new: Vec<bool>,
    chunks: usize,
    bytes: usize,
}

impl Import<'_> {
    async fn take(&mut self, file: PathBuf, part: &mut Part) -> anyhow::Result<()> {
        let Some(source) = file.to_str().map(str::to_owned) else {
            return self.refuse(&file.display().to_string(), "its name is no UTF-8").await;
        };
        let known = self.known.remove(&source);
        let (workspace, topic) = (self.workspace, self.topic.clone());
        let read = tokio::task::spawn_blocking(move || read(&file, workspace, topic));
        let (document, chunks) = match read.await.context("a file was not read to its end")? {
            Ok(read) => read,
            Err(why) => return self.refuse(&source, &why).await,
        };
        if known.as_ref().is_some_and(|known| known.hash[..] == document.hash()) {
            self.tally.unchanged += 1;
            return Ok(());
        }
        let waits = !part.documents.is_empty();
        if waits && (part.chunks + chunks.len() > PART || part.bytes + document.content.len() > PART_BYTES) {
            self.store(part).await?;
        }
        part.chunks += chunks.len();
        part.bytes += document.content.len();
        part.is_new.push(known.is_none());
        part.documents.push((document, chunks));
        Ok(())
    }

    /// Writes what waits. Where the database refuses it, each document by itself, so that one bad file is one failure.
    async fn store(&mut self, part: &mut Part) -> anyhow::Result<()> {
        let Part { documents, is_new, .. } = std::mem::take(part);
        if documents.is_empty() || self.put(&documents).await?.is_ok() {
            documents.iter().zip(is_new).for_each(|((_, chunks), is_new)| self.tally.settle(chunks, is_new));
            return Ok(());
        }
        for (document, is_new) in documents.into_iter().zip(is_new) {
            match self.put(std::slice::from_ref(&document)).await? {
                Ok(()) => self.tally.settle(&document.1, is_new),
                Err(why) => self.refuse(document.0.source.as_deref().unwrap_or_default(), &why).await?,
            }
        }
        Ok(())
    }

    /// Whether the database took them, or why not.
    async fn put(&self, documents: &[(Document, Vec<Chunk>)]) -> anyhow::Result<Result<(), String>> {
        if self.dry_run {
            return Ok(Ok(()));
        }
        match patiently(|| self.library.put(self.workspace, documents, clock::now())).await {
            Ok(_) => Ok(Ok(())),
            Err(error @ StoreError::Refused { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error).with_context(|| self.stopped()),
        }
    }

    async fn delete_vanished(&mut self) -> anyhow::Result<()> {
        let vanished: Vec<Uuid> = self.known.drain().map(|(_, imported)| imported.id).collect();
        self.tally.deleted = vanished.len();
        if self.dry_run {
            return Ok(());
        }
        for some in vanished.chunks(DELETED) {
            let deletion = patiently(|| self.library.delete(self.workspace, some.to_vec())).await;
            deletion.with_context(|| self.stopped())?;
        }
        Ok(())
    }

    async fn refuse(&mut self, source: &str, why: &str) -> anyhow::Result<()> {
        self.tally.failed += 1;
        Ok(self.output.note(format!("{source}: {why}")).await?)
    }

    fn stopped(&self) -> String {
        format!("the import stopped ({}); run it again to go on from there", self.tally.sentence(false))
    }
}

impl Tally {
    fn settle(&mut self, chunks: &[Chunk], is_new: bool) {
        *(if is_new { &mut self.added } else { &mut self.changed }) += 1;
        self.chunks += chunks.len();
    }

    fn sentence(&self, dry_run: bool) -> String {
        let Self { added, changed, chunks, unchanged, deleted, failed } = self;
        let would = if dry_run { "would be " } else { "" };
        let wrong = match failed {
            0 => String::new(),
            1 => "; 1 file failed".to_owned(),
            n => format!("; {n} files failed"),
        };
        format!(
            "documents: {added} {would}added, {changed} {would}changed ({chunks} chunks), {unchanged} unchanged, \
             {deleted} {would}deleted{wrong}"
        )
    }
}

/// A file as a document, or why it is none.
fn read(
    file: &Path,
    workspace: WorkspaceId,
    topic: Option<String>,
) -> Result<(Document, Vec<Chunk>), String> {
    let format = Format::of(file).ok_or("it is no Markdown, HTML, text or PDF")?;
    let length = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if length > FILE {
        return Err(format!("it is larger than {} MiB", FILE >> 20));
    }
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let page = chunk::read(format, bytes).map_err(|error| error.to_string())?;
    let title = page.title.unwrap_or_else(|| named(file));
    let source = file.display().to_string();
    let document = Document {
        id: mint::imported_document(workspace, &source),
        source: Some(source),
        title: title.chars().take(TITLE).collect(),
        url: None,
        content: page.content,
        kind: Kind::Public,
        topic,
        metadata: None,
    };
    Ok((document, page.chunks))
}

/// A title for a text that has none: `lost-cards.txt` is about lost cards.
fn named(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let words = stem.replace(['-', '_'], " ");
    let mut letters = words.trim().chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// One file by itself.
fn one(file: &Path) -> anyhow::Result<Found> {
    if Format::of(file).is_none() {
        bail!("{} is no Markdown, HTML, text or PDF", file.display());
    }
    Ok(Found { files: vec![file.to_owned()], passed_over: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_title_is_called_by_its_name() {
        assert_eq!(named(Path::new("/x/lost-cards_abroad.txt")), "Lost cards abroad");
        assert_eq!(named(Path::new("/x/über.md")), "Über");
    }
}
