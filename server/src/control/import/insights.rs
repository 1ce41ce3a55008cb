//! Insights out of files: of older deployments, a file each or a line each, and rows out of a warehouse.
//!
//! Invariant: each group has a key that follows from what it says, so that a run which was cut short, or is repeated,
//! takes in what is missing and changes nothing else. What it changes is written down before, as it was.

mod backup;
mod files;
mod rows;
pub(super) mod shape;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::WorkspaceId;
use tokio::time::Instant;

use super::super::accounts;
use super::super::admin::{ACTOR, Context, Outcome, chain};
use super::super::output::Output;
use super::faults::Faults;
use super::folder;
use super::{TOLD, patiently};
use crate::brain::distiller::Distiller;
use crate::domain::failure::{self, Failure};
use crate::domain::insight::Group;
use crate::rpc;
use crate::store::StoreError;
use crate::store::administration::Administration;
use crate::store::failures::Failures;
use crate::store::insights::{Folded, Insights};
use backup::Backup;
use files::{Found, Kind, Reader, What};
use rows::Row;

/// What is imported, and whereto.
#[derive(Debug)]
pub struct InsightsOrder {
    /// A file or a folder.
    pub path: PathBuf,
    pub workspace: String,
    /// Where contacts that change are written as they were; it is made when there is one.
    pub backup: PathBuf,
    pub dry_run: bool,
}

/// Groups and bytes of text that wait for one transaction: on the embedded database messages wait behind it.
const PART: usize = 100;
const PART_BYTES: usize = 1024 * 1024;
/// Groups of rows that a remote model is asked about at once.
const ASKED: usize = 8;
/// A file of rows is gone through once for each so many bytes: the rows of a contact are gathered from all of it.
const AT_ONCE: u64 = 256 * 1024 * 1024;

pub async fn insights(context: &Context, order: InsightsOrder, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspace = accounts::find(desk, &order.workspace).await?;
    let (path, dry_run) = (order.path.display().to_string(), order.dry_run);
    let came_to = run(context, order, workspace, output).await;
    if let (Err(error), false) = (&came_to, dry_run) {
        // Where the database is away, this is lost too, and whoever ran the command is told.
        let failure = Failure::new(path, chain(error));
        let _ = desk.failures().record(workspace, failure::Kind::Import, vec![failure]).await;
    }
    came_to
}

async fn run(
    context: &Context,
    order: InsightsOrder,
    workspace: WorkspaceId,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let InsightsOrder { path, backup, dry_run, .. } = order;
    let desk = &context.administration;
    let unreadable = || format!("{} cannot be read", path.display());
    let is_folder = tokio::fs::metadata(&path).await.with_context(unreadable)?.is_dir();
    let wanted = |file: &Path| Kind::of(file).is_some();
    let found = if is_folder {
        folder::files(path.clone(), wanted).await.with_context(unreadable)?
    } else {
        folder::Found { files: vec![path.clone()], passed_over: 0 }
    };
    let all = found.files.len();
    ensure!(
        all > 0 && found.files.iter().all(|file| wanted(file)),
        "{} holds no JSON, JSONL or CSV",
        path.display()
    );
    // A rehearsal costs nothing.
    let distiller = if dry_run { Distiller::by_rules() } else { context.distiller.clone() };
    let mut run = Import::new(desk, distiller, workspace, backup, dry_run, output);
    let (whole, lines): (Vec<_>, Vec<_>) =
        found.files.into_iter().partition(|file| Kind::of(file) == Some(Kind::Json));
    for (done, some) in whole.chunks(PART).enumerate() {
        let some = some.to_vec();
        let found = tokio::task::spawn_blocking(move || files::insights(&some));
        for found in found.await.context("a file was not read to its end")? {
            run.take(found).await?;
        }
        run.tell(|| format!("{} of {all} files read", (done + 1) * PART)).await?;
    }
    for file in lines {
        run.read(&file).await?;
    }
    run.store().await?;
    run.faults.end(Some(&path.display().to_string())).await.with_context(|| run.stopped())?;
    if found.passed_over > 0 {
        output.note(format!("{} files of other kinds were passed over", found.passed_over)).await?;
    }
    let tally = run.end().await?;
    let Tally { folded, failed } = &tally;
    if !dry_run && folded.created + folded.updated > 0 {
        let detail = json!({"created": folded.created, "updated": folded.updated, "failed": failed});
        desk.note(Some(workspace), ACTOR, "import.insights", &path.display().to_string(), detail).await?;
    }
    output.line(tally.sentence(dry_run)).await?;
    Ok(if *failed > 0 { Outcome::Failed } else { Outcome::Well })
}

pub(super) struct Import<'a> {
    insights: Insights,
    failures: Failures,
    distiller: Distiller,
    workspace: WorkspaceId,
    dry_run: bool,
    output: &'a Output,
    backup: Backup,
    /// Groups that wait for a transaction, with the places that they come from.
    waiting: Vec<(String, Group)>,
    bytes: usize,
    /// In a dry run, the contacts that would be there by now.
    planned: HashSet<String>,
    faults: Faults,
    tally: Tally,
    told: Instant,
}

#[derive(Clone, Default)]
pub(super) struct Tally {
    /// In a dry run, what would be.
    pub(super) folded: Folded,
    pub(super) failed: usize,
}

impl<'a> Import<'a> {
    pub(super) fn new(
        desk: &Administration,
        distiller: Distiller,
        workspace: WorkspaceId,
        backup: PathBuf,
        dry_run: bool,
        output: &'a Output,
    ) -> Self {
        Self {
            insights: desk.insights().clone(),
            failures: desk.failures(),
            distiller,
            workspace,
            dry_run,
            output,
            backup: Backup::at(backup),
            waiting: Vec::new(),
            bytes: 0,
            planned: HashSet::new(),
            faults: Faults::new(desk, workspace, dry_run, output),
            tally: Tally::default(),
            told: Instant::now(),
        }
    }

    /// Once all is stored: what became of it.
    pub(super) async fn end(mut self) -> anyhow::Result<Tally> {
        self.faults.end(None).await.with_context(|| self.stopped())?;
        self.backup.end(self.output).await?;
        Ok(self.tally)
    }

    async fn take(&mut self, found: Found) -> anyhow::Result<()> {
        match found.what {
            Ok(What::Insight(draft)) => {
                // However it was written down: members are in the order of their names.
                let key = format!("file:{}", name(&Sha256::digest(draft.to_string())));
                self.add(found.place, &draft, key).await
            }
            Ok(What::Row(_)) => self.refuse(&found.place, "a row has no place here").await,
            Err(why) => self.refuse(&found.place, &why).await,
        }
    }

    /// A file of lines: insights as they come, rows once all of a contact's are gathered.
    async fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let name = path.display().to_string();
        let kind = Kind::of(path).unwrap_or(Kind::Lines);
        let passes = tokio::fs::metadata(path).await.map_or(0, |file| file.len()) / AT_ONCE + 1;
        for pass in 0..passes {
            let mut groups: HashMap<(String, String), (usize, Vec<Row>)> = HashMap::new();
            let mut reader = Reader::open(path, kind).await?;
            while let Some((line, what)) = reader.next().await? {
                let place = || format!("{name}:{line}");
                match what {
                    Ok(What::Row(row)) if share(&row.contact, passes) == pass => {
                        let of = (row.contact.clone(), row.source_type.clone());
                        groups.entry(of).or_insert_with(|| (line, Vec::new())).1.push(row);
                    }
                    Ok(What::Row(_)) => {}
                    // The first pass has seen the rest.
                    _ if pass > 0 => {}
                    what => self.take(Found { place: place(), what }).await?,
                }
                self.tell(|| format!("{} read", place())).await?;
            }
            let mut groups: Vec<_> = groups.into_values().collect();
            groups.sort_unstable_by_key(|(line, _)| *line);
            let mut groups = groups.into_iter().peekable();
            while groups.peek().is_some() {
                let some = groups.by_ref().take(PART);
                let some =
                    some.map(|(line, rows)| (format!("{name}:{line}"), rows::group(self.workspace, rows)));
                self.distil(some.collect()).await?;
            }
        }
        Ok(())
    }

    /// Draws insights from groups of rows, but for those that were taken in before: a remote model is paid for.
    async fn distil(&mut self, groups: Vec<(String, rows::Group)>) -> anyhow::Result<()> {
        let keys = groups.iter().map(|(_, group)| (group.contact(), group.key.clone())).collect();
        let taken = self.taken(keys).await?;
        let all = groups.len();
        let fresh: Vec<_> = groups
            .into_iter()
            .filter(|(_, group)| !taken.contains(&(group.contact(), group.key.clone())))
            .collect();
        self.tally.folded.duplicates += all - fresh.len();
        let distiller = self.distiller.clone();
        let ask = async |(place, group): (String, rows::Group)| {
            let drawn = distiller.distil(&group.notes).await;
            (place, group, drawn)
        };
        let mut answers = stream::iter(fresh).map(ask).buffered(ASKED);
        while let Some((place, group, drawn)) = answers.next().await {
            if let Some(error) = drawn.fell_back {
                let why = format!("The remote model failed, and the local rules did it: {error}.");
                let failure = vec![Failure::new(place.clone(), why)];
                self.failures.record(self.workspace, failure::Kind::Distillation, failure).await?;
            }
            let key = group.key.clone();
            let (draft, left_out) = group.draft(&drawn.facts);
            if left_out > 0 {
                let why =
                    format!("{left_out} facts of this contact and source type find no room in one group");
                self.refuse(&place, &why).await?;
            }
            self.add(place, &draft, key).await?;
        }
        Ok(())
    }

    async fn taken(&self, keys: Vec<(String, String)>) -> anyhow::Result<HashSet<(String, String)>> {
        let asked = patiently(|| self.insights.taken(self.workspace, keys.clone())).await;
        asked.with_context(|| self.stopped())
    }

    /// Takes in an insight, as the protocol has it, as one group of its contact.
    pub(super) async fn add(&mut self, place: String, draft: &Value, key: String) -> anyhow::Result<()> {
        let group = match rpc::insights::read(draft, Some(key)) {
            Ok(group) => group,
            Err(problems) => {
                let problems: Vec<_> =
                    problems.into_iter().map(|bad| format!("{} {}", bad.field, bad.problem)).collect();
                return self.refuse(&place, &problems.join("; ")).await;
            }
        };
        self.bytes += draft.to_string().len();
        self.waiting.push((place, group));
        if self.waiting.len() >= PART || self.bytes >= PART_BYTES {
            self.store().await?;
        }
        Ok(())
    }

    /// Writes what waits. Where the database refuses it, each group by itself, so that one bad file is one failure.
    pub(super) async fn store(&mut self) -> anyhow::Result<()> {
        self.bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let taken = self.taken(waiting.iter().filter_map(|(_, group)| key(group)).collect()).await?;
        let mut seen = HashSet::new();
        let (fresh, known): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(_, group)| key(group).is_some_and(|key| !taken.contains(&key) && seen.insert(key)));
        self.tally.folded.duplicates += known.len();
        if fresh.is_empty() {
            return Ok(());
        }
        let contacts: HashSet<_> = fresh.iter().map(|(_, group)| group.contact.clone()).collect();
        let asked =
            patiently(|| self.insights.some(self.workspace, contacts.iter().cloned().collect())).await;
        let before = asked.with_context(|| self.stopped())?;
        if self.dry_run {
            self.planned.extend(before.into_iter().map(|insight| insight.contact));
            for (_, group) in fresh {
                let is_new = self.planned.insert(group.contact);
                *(if is_new { &mut self.tally.folded.created } else { &mut self.tally.folded.updated }) += 1;
            }
            return Ok(());
        }
        self.backup.keep(&before).await?;
        let groups: Vec<_> = fresh.iter().map(|(_, group)| group.clone()).collect();
        if self.fold(groups).await?.is_ok() {
            return Ok(());
        }
        for (place, group) in fresh {
            if let Err(why) = self.fold(vec![group]).await? {
                self.refuse(&place, &why).await?;
            }
        }
        Ok(())
    }

    /// Whether the database took them, or why not.
    async fn fold(&mut self, groups: Vec<Group>) -> anyhow::Result<Result<(), String>> {
        match patiently(|| self.insights.fold(self.workspace, groups.clone())).await {
            Ok(folded) => {
                self.tally.folded.created += folded.created;
                self.tally.folded.updated += folded.updated;
                self.tally.folded.duplicates += folded.duplicates;
                Ok(Ok(()))
            }
            Err(error @ StoreError::Refused { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error).with_context(|| self.stopped()),
        }
    }

    async fn refuse(&mut self, place: &str, why: &str) -> anyhow::Result<()> {
        self.tally.failed += 1;
        self.faults.name(place, why).await.with_context(|| self.stopped())
    }

    async fn tell(&mut self, how_far: impl FnOnce() -> String) -> anyhow::Result<()> {
        if self.told.elapsed() >= TOLD {
            self.told = Instant::now();
            self.output.note(format!("{}, {}", how_far(), self.tally.sentence(self.dry_run))).await?;
        }
        Ok(())
    }

    fn stopped(&self) -> String {
        format!("the import stopped ({}); run it again to go on from there", self.tally.sentence(false))
    }
}

impl Tally {
    fn sentence(&self, dry_run: bool) -> String {
        let Folded { created, updated, duplicates } = self.folded;
        let would = if dry_run { "would be " } else { "" };
        let wrong = if self.failed > 0 { format!("; {} failed", self.failed) } else { String::new() };
        format!(
            "insights: {created} contacts {would}added, {updated} groups {would}folded into what was there, {duplicates} \
             were there already{wrong}"
        )
    }
}

fn key(group: &Group) -> Option<(String, String)> {
    Some((group.contact.clone(), group.key.clone()?))
}

/// The pass that gathers a contact's rows.
fn share(contact: &str, passes: u64) -> u64 {
    let mut hash = DefaultHasher::new();
    contact.hash(&mut hash);
    hash.finish() % passes
}

/// A hash as part of a key.
fn name(digest: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest)
}
