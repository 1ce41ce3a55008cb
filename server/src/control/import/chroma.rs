//! What an older memory kept in ChromaDB, with the traces beside it, into the memory of a workspace.
//!
//! Invariant: the folder is read and never written. A trace and its items are stored together under ids that follow from
//! their own: a run that was cut short, or is repeated, stores what is missing and changes nothing else.

mod folder;
mod hnsw;
mod pickle;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};
use switchboard_protocol::ids::WorkspaceId;
use tokio::time::Instant;

use super::super::accounts;
use super::super::admin::{ACTOR, Context, Outcome};
use super::super::output::Output;
use super::traces::{self, Assembled, Origin, assemble};
use super::{TOLD, patiently};
use crate::domain::memory::Trace;
use crate::store::StoreError;
use crate::store::memory::Archive;
use folder::Collection;

/// What is imported, and whereto.
#[derive(Debug)]
pub struct Order {
    /// A folder of a persistent ChromaDB.
    pub path: PathBuf,
    /// A JSON file of the traces that its records belong to.
    pub traces: Option<PathBuf>,
    pub workspace: String,
    pub dry_run: bool,
}

const ORIGIN: Origin = Origin { key: "chroma_id", task: "Imported from ChromaDB" };
/// Items of one transaction: on the embedded database messages wait behind it.
const PART: usize = 100;
/// Traces that are read again from both sides in the end.
const SPOTS: usize = 20;

pub async fn chroma(context: &Context, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspace = accounts::find(desk, &order.workspace).await?;
    let (path, told) = (order.path.clone(), order.traces.clone());
    let read = tokio::task::spawn_blocking(move || read(&path, told.as_deref()));
    let (collections, told) = read.await.context("reading the folder has crashed")??;
    let mut records = Vec::new();
    for Collection { name, records: own, foreign } in collections {
        let with = own.iter().filter(|record| record.vector.is_some()).count();
        let vectors = match foreign {
            Some(why) => format!("all are embedded again, since {why}"),
            None => format!("{with} bring their vectors, the others are embedded again"),
        };
        output.note(format!("{name}: {} records; {vectors}", own.len())).await?;
        records.extend(own);
    }
    let Assembled { traces, faults, .. } = assemble(workspace, records, told, ORIGIN);
    for fault in &faults {
        output.note(fault.clone()).await?;
    }
    let items: usize = traces.iter().map(|trace| trace.items.len()).sum();
    if traces.is_empty() && faults.is_empty() {
        bail!("{} holds no records", order.path.display());
    }
    let wrong = if faults.is_empty() { String::new() } else { format!("; {} failed", faults.len()) };
    let outcome = if faults.is_empty() { Outcome::Well } else { Outcome::Failed };
    if order.dry_run {
        output.line(format!("{} traces with {items} items could be imported{wrong}", traces.len())).await?;
        return Ok(outcome);
    }
    let archive = desk.memory();
    let tally = store(&archive, workspace, &traces, output).await?;
    (context.changed)();
    let detail = json!({ "traces": tally.traces, "items": tally.items, "failed": faults.len() });
    let subject = order.path.display().to_string();
    desk.note(Some(workspace), ACTOR, "import.chroma", &subject, detail).await?;
    let compared = compare(&archive, workspace, &traces).await?;
    output
        .line(format!(
            "{} traces with {} items imported, {} traces were there already{wrong}; {compared} compared with the folder, \
             all the same",
            tally.traces, tally.items, tally.known
        ))
        .await?;
    Ok(outcome)
}

type Told = Vec<Map<String, Value>>;

fn read(folder: &Path, told: Option<&Path>) -> anyhow::Result<(Vec<Collection>, Told)> {
    let collections = folder::read(folder)?;
    let Some(path) = told else { return Ok((collections, Vec::new())) };
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file = serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    let told = traces::told(file).map_err(anyhow::Error::msg);
    Ok((collections, told.with_context(|| path.display().to_string())?))
}

#[derive(Debug, Default)]
struct Tally {
    traces: usize,
    items: usize,
    /// Traces that an earlier run has stored.
    known: usize,
}

async fn store(
    archive: &Archive,
    workspace: WorkspaceId,
    traces: &[Trace],
    output: &Output,
) -> anyhow::Result<Tally> {
    let (mut tally, mut told, mut rest) = (Tally::default(), Instant::now(), traces);
    while !rest.is_empty() {
        let mut items = 0;
        let fits = rest.iter().take_while(|trace| {
            items += trace.items.len().max(1);
            items <= PART
        });
        let (part, after) = rest.split_at(fits.count().max(1));
        let added = patiently(|| archive.add(workspace, part)).await.map_err(|error| match error {
            StoreError::Refused { code, .. } if code == "23505" => anyhow::anyhow!(
                "an item of these traces is in another trace of the workspace already: {}",
                part.iter().map(|trace| trace.id.to_string()).collect::<Vec<_>>().join(", ")
            ),
            error => anyhow::Error::from(error)
                .context(format!("the import stopped ({} traces in); run it again to go on", tally.traces)),
        })?;
        for one in added {
            if one.duplicate {
                tally.known += 1;
            } else {
                tally.traces += 1;
                tally.items += one.items.len();
            }
        }
        rest = after;
        if told.elapsed() >= TOLD {
            output.note(format!("{} of {} traces", traces.len() - rest.len(), traces.len())).await?;
            told = Instant::now();
        }
    }
    Ok(tally)
}

/// Reads some traces again, all over the folder, and holds them against it; how many.
async fn compare(archive: &Archive, workspace: WorkspaceId, traces: &[Trace]) -> anyhow::Result<usize> {
    let step = traces.len().div_ceil(SPOTS).max(1);
    let mut compared = 0;
    for trace in traces.iter().step_by(step) {
        let mut kept = Vec::with_capacity(trace.items.len());
        archive.items(workspace, &[trace.id], true, |item| kept.push(item)).await?;
        let same = kept.len() == trace.items.len()
            && kept.iter().zip(&trace.items).all(|(kept, item)| {
                let vector = match (&kept.item.vector, &item.vector) {
                    (Some((kept, _)), Some((own, _))) => kept.cosine(own) > 0.999,
                    // Embedded meanwhile, or still to be.
                    (_, None) => true,
                    (None, Some(_)) => false,
                };
                vector && kept.item.title == item.title && kept.item.content == item.content
            });
        if !same {
            bail!("the trace {} is stored otherwise than the folder has it", trace.id);
        }
        compared += 1;
    }
    Ok(compared)
}
