//! Logs on their way in: gathered into transactions, of which a few are under way at a time.
//!
//! Invariant: a conversation that is here is never written to, and one that is not gets its row with the last of its
//! messages. A log that fits no transaction is written part after part, after what an earlier run has left of it was taken
//! away.

use std::collections::HashMap;

use anyhow::Context as _;
use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::patiently;
use crate::store::StoreError;
use crate::store::administration::Administration;
use crate::store::administration::bulk::{Opened, PART, Part, Said};

/// Text of one transaction.
const PART_BYTES: usize = 4 * 1024 * 1024;
/// Transactions under way: while one waits for its disk, the next is on its way.
const AT_ONCE: usize = 2;

pub(super) struct Writer {
    desk: Administration,
    workspace: WorkspaceId,
    dry_run: bool,
    waiting: Batch,
    /// The log that is being told.
    log: Vec<Said>,
    bytes: usize,
    /// Of a log that fits no transaction: whether its conversation is here.
    long: Option<bool>,
    writing: JoinSet<anyhow::Result<Report>>,
    tally: Tally,
    faults: Vec<Fault>,
}

/// What comes with the row of a conversation.
#[derive(Debug)]
pub(super) struct Whole {
    /// Where it is from, for whoever has to look at it.
    pub(super) place: String,
    pub(super) opened: Opened,
    pub(super) escalations: Vec<Value>,
    pub(super) workflow: Option<Value>,
}

/// Something that did not come over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: String,
    pub(super) why: String,
    /// How many messages stay behind with it.
    pub(super) messages: u64,
}

/// In a dry run, what would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) conversations: u64,
    pub(super) messages: u64,
    /// What was here.
    pub(super) known: u64,
    pub(super) known_messages: u64,
}

#[derive(Default)]
struct Batch {
    part: Part,
    places: HashMap<Uuid, Place>,
    bytes: usize,
}

#[derive(Clone)]
struct Place {
    name: String,
    head: i64,
}

#[derive(Default)]
struct Report {
    tally: Tally,
    faults: Vec<Fault>,
}

impl Writer {
    pub(super) fn new(desk: &Administration, workspace: WorkspaceId, dry_run: bool) -> Self {
        Self {
            desk: desk.clone(),
            workspace,
            dry_run,
            waiting: Batch::default(),
            log: Vec::new(),
            bytes: 0,
            long: None,
            writing: JoinSet::new(),
            tally: Tally::default(),
            faults: Vec::new(),
        }
    }

    /// The next message of the log that is being told.
    pub(super) async fn say(&mut self, said: Said) -> anyhow::Result<()> {
        self.bytes += weight(&said);
        self.log.push(said);
        if self.log.len() >= PART - 2 || self.bytes >= PART_BYTES { self.spill().await } else { Ok(()) }
    }

    /// The log ends, and what it is the log of comes into being.
    pub(super) async fn end(&mut self, whole: Whole) -> anyhow::Result<()> {
        let rows = 2 + self.log.len() + whole.escalations.len() + usize::from(whole.workflow.is_some());
        let is_long = self.long.take();
        if self.waiting.part.rows() + rows > PART
            || self.waiting.bytes + self.bytes > PART_BYTES
            || is_long.is_some()
        {
            self.flush().await?;
        }
        self.waiting.take(whole, std::mem::take(&mut self.log), std::mem::take(&mut self.bytes));
        // A long log is done with before the next one begins.
        if is_long.is_some() { self.flush().await } else { Ok(()) }
    }

    /// What failed since this was asked last.
    pub(super) fn faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }

    /// What is settled.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Waits until all of it is written.
    pub(super) async fn finish(&mut self) -> anyhow::Result<()> {
        self.flush().await?;
        while !self.writing.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    /// Writes what there is of a log that is too long for one transaction.
    async fn spill(&mut self) -> anyhow::Result<()> {
        let messages = std::mem::take(&mut self.log);
        self.bytes = 0;
        let Some(id) = messages.first().map(|said| said.conversation) else { return Ok(()) };
        let is_known = match self.long {
            Some(is_known) => is_known,
            None => self.begin_long(id).await?,
        };
        self.long = Some(is_known);
        if is_known || self.dry_run {
            return Ok(());
        }
        let part = Part { messages, ..Part::default() };
        let written = patiently(|| self.desk.import(self.workspace, &part)).await;
        written.map(drop).with_context(stopped)
    }

    async fn begin_long(&mut self, id: Uuid) -> anyhow::Result<bool> {
        let known = patiently(|| self.desk.known(self.workspace, vec![id])).await.with_context(stopped)?;
        if known.is_empty() && !self.dry_run {
            while patiently(|| self.desk.forget_unopened(self.workspace, id)).await.with_context(stopped)? {}
        }
        Ok(!known.is_empty())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        let batch = std::mem::take(&mut self.waiting);
        if batch.places.is_empty() {
            return Ok(());
        }
        while self.writing.len() >= AT_ONCE {
            self.settle().await?;
        }
        let (desk, workspace, dry_run) = (self.desk.clone(), self.workspace, self.dry_run);
        self.writing.spawn(async move { store(&desk, workspace, batch, dry_run).await });
        Ok(())
    }

    async fn settle(&mut self) -> anyhow::Result<()> {
        let Some(done) = self.writing.join_next().await else { return Ok(()) };
        let Report { tally, faults } = done.context("writing has crashed")??;
        self.tally.conversations += tally.conversations;
        self.tally.messages += tally.messages;
        self.tally.known += tally.known;
        self.tally.known_messages += tally.known_messages;
        self.faults.extend(faults);
        Ok(())
    }
}

impl Batch {
    fn take(&mut self, whole: Whole, log: Vec<Said>, bytes: usize) {
        let Whole { place, opened, escalations, workflow } = whole;
        self.places.insert(opened.id, Place { name: place, head: opened.head });
        self.bytes += bytes;
        self.part.messages.extend(log);
        self.part.conversations.push(opened);
        self.part.escalations.extend(escalations);
        self.part.workflows.extend(workflow);
    }

    /// Without a conversation.
    fn leave_out(&mut self, id: Uuid) {
        self.places.remove(&id);
        self.part.retain(|other| other != id);
    }
}

async fn store(
    desk: &Administration,
    workspace: WorkspaceId,
    mut batch: Batch,
    dry_run: bool,
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let ids: Vec<Uuid> = batch.places.keys().copied().collect();
    for known in patiently(|| desk.known(workspace, ids.clone())).await.with_context(stopped)? {
        let Some(Place { name, head }) = batch.places.get(&known.id).cloned() else { continue };
        batch.leave_out(known.id);
        match known.messages {
            Some(then) if then < head => report.faults.push(Fault {
                place: name,
                messages: head.unsigned_abs(),
                why: format!(
                    "it has {head} messages now and had {then} when it came over: it is here and left as it is"
                ),
            }),
            _ => {
                report.tally.known += 1;
                report.tally.known_messages += head.unsigned_abs();
            }
        }
    }
    if dry_run {
        batch.places.values().for_each(|place| report.tally.add(place));
        return Ok(report);
    }
    if write(desk, workspace, &batch, &mut report).await?.is_ok() {
        return Ok(report);
    }
    // Each by itself, so that one that is refused is one failure.
    for (id, place) in &batch.places {
        let mut alone = Batch { places: [(*id, place.clone())].into(), part: batch.part.clone(), bytes: 0 };
        alone.part.retain(|other| other == *id);
        if let Err(why) = write(desk, workspace, &alone, &mut report).await? {
            report.faults.push(place.fault(why));
        }
    }
    Ok(report)
}

/// Whether the database took it, or why not.
async fn write(
    desk: &Administration,
    workspace: WorkspaceId,
    batch: &Batch,
    report: &mut Report,
) -> anyhow::Result<Result<(), String>> {
    if batch.places.is_empty() {
        return Ok(Ok(()));
    }
    let new = match patiently(|| desk.import(workspace, &batch.part)).await {
        Ok(new) => new,
        Err(error @ StoreError::Refused { .. }) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error).with_context(stopped),
    };
    let missing: Vec<Uuid> = batch.places.keys().filter(|id| !new.contains(id)).copied().collect();
    new.iter().filter_map(|id| batch.places.get(id)).for_each(|place| report.tally.add(place));
    if missing.is_empty() {
        return Ok(Ok(()));
    }
    // Written by a try whose answer was lost, or not at all.
    let known = patiently(|| desk.known(workspace, missing.clone())).await.with_context(stopped)?;
    for id in missing {
        let Some(place) = batch.places.get(&id) else { continue };
        if known.iter().any(|known| known.id == id) {
            report.tally.add(place);
        } else {
            let why = "its id is that of a conversation in another workspace".to_owned();
            report.faults.push(place.fault(why));
        }
    }
    Ok(Ok(()))
}

impl Place {
    fn fault(&self, why: String) -> Fault {
        Fault { place: self.name.clone(), why, messages: self.head.unsigned_abs() }
    }
}

impl Tally {
    fn add(&mut self, place: &Place) {
        self.conversations += 1;
        self.messages += place.head.unsigned_abs();
    }
}

fn weight(said: &Said) -> usize {
    said.content.len() + 200
}

fn stopped() -> &'static str {
    "the import stopped; run it again to go on from there"
}
