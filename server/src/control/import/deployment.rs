//! All of an older desk, out of its database: table by table, whatever its tables and columns are called.
//!
//! Invariant: the other database is read and never written, in one snapshot. Every id is the one that a row had, or follows
//! from workspace, source and that one, so that a run which was cut short, or is repeated, brings what is missing and
//! changes nothing else. What belongs to a conversation comes before it, and the conversation with the last of its messages.

mod book;
mod learned;
mod ledger;
mod memories;
mod people;
mod plan;
mod requests;
mod row;
mod shape;
mod talk;
mod turns;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::super::accounts;
use super::super::admin::{ACTOR, Context, Outcome, chain};
use super::super::command::Address;
use super::super::output::Output;
use super::faults::Faults;
use super::{derived, patiently};
use crate::domain::failure::{self, Failure};
use crate::store::StoreError;
use crate::store::administration::Administration;
use crate::store::administration::bulk::{Brought, State};
use crate::store::foreign::{Foreign, Line};
use book::Book;
use ledger::{Ledger, Page};
use plan::{Found, Plan};
use row::Row;
use shape::Kind;

/// What is imported, and whereto.
#[derive(Debug)]
pub struct Order {
    pub address: Address,
    pub schema: String,
    /// What its ids follow from, beside themselves; else the name of the database.
    pub source: Option<String>,
    pub workspace: String,
    /// Where contacts that change are written as they were; it is made when there is one.
    pub backup: PathBuf,
    /// Only conversations and what was said in them.
    pub only_conversations: bool,
    pub dry_run: bool,
}

/// Rows of one transaction, of what is no log.
const PART: usize = 200;

pub async fn deployment(context: &Context, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let desk = &context.administration;
    let workspace = accounts::find(desk, &order.workspace).await?;
    let Address { url, variables } = order.address;
    let foreign = Foreign::open(&url, variables, &order.schema).await?;
    let tables = foreign.tables().await?;
    if tables.is_empty() {
        bail!(
            "the schema {} of the database {} holds no tables: name another with --schema",
            order.schema,
            foreign.name()
        );
    }
    if shape::is_ours(&tables) {
        bail!(
            "the database {} is one of Switchboard itself: bring it over with a backup and `switchboard restored`",
            foreign.name()
        );
    }
    let mut plan = Plan::new(tables);
    if order.only_conversations {
        plan.found.retain(|found| matches!(found.shape.kind, Kind::Conversations | Kind::Messages));
    }
    let source = order.source.unwrap_or_else(|| foreign.name().to_owned());
    let mut run = Run {
        desk: desk.clone(),
        workspace,
        foreign,
        source,
        rehearsal: order.dry_run,
        ledger: Ledger::new(output, Faults::new(desk, workspace, order.dry_run, output), order.dry_run),
        book: Book::default(),
    };
    run.discover(&plan).await?;
    let done = run.everything(&plan, order.backup, output).await;
    if let (Err(error), false) = (&done, order.dry_run) {
        // Where the database is away, this is lost too, and whoever ran the command is told.
        let failure = Failure::new(run.source.clone(), chain(error));
        let _ = desk.failures().record(workspace, failure::Kind::Import, vec![failure]).await;
    }
    done.context("the import stopped; run it again to go on from there")?;
    run.ledger.end(Some(&*run.source).filter(|_| !order.only_conversations)).await?;
    let (changed, failed) = (run.ledger.changed(), run.ledger.failed());
    if changed > 0 && !order.dry_run {
        let action = if order.only_conversations { "import.conversations" } else { "import.deployment" };
        desk.note(Some(workspace), ACTOR, action, &run.source, run.ledger.detail()).await?;
        (context.changed)();
    }
    run.ledger.summary().await?;
    if !order.only_conversations {
        for table in &plan.unknown {
            let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
            output
                .line(format!(
                    "{}: not recognised, left out (its columns: {})",
                    table.name,
                    columns.join(", ")
                ))
                .await?;
        }
    }
    for table in &plan.closed {
        output.line(format!("{}: left out, since its rows may not be read by this user", table.name)).await?;
    }
    let is_well = failed == 0 && plan.closed.is_empty();
    Ok(if is_well { Outcome::Well } else { Outcome::Failed })
}

struct Run {
    desk: Administration,
    workspace: WorkspaceId,
    foreign: Foreign,
    source: String,
    /// Nothing is written.
    rehearsal: bool,
    ledger: Ledger,
    book: Book,
}

/// Rows that wait for a transaction, and where each is from.
#[derive(Default)]
struct Waiting {
    rows: Vec<Value>,
    places: Vec<(Page, String)>,
}

impl Run {
    /// Says what was found, before anything is done.
    async fn discover(&self, plan: &Plan) -> anyhow::Result<()> {
        let found: Vec<_> = plan
            .found
            .iter()
            .map(|found| format!("{} ({})", found.name(), found.shape.kind.noun()))
            .collect();
        if found.is_empty() {
            bail!("none of the tables of the database {} is one that is known", self.foreign.name());
        }
        self.ledger.note(format!("{}: {}", self.source, found.join(", "))).await
    }

    async fn everything(&mut self, plan: &Plan, backup: PathBuf, output: &Output) -> anyhow::Result<()> {
        self.people(plan).await?;
        self.fill_book(plan).await?;
        self.interactions(plan).await?;
        self.requests(plan).await?;
        self.agent_states(plan).await?;
        self.workflows(plan).await?;
        self.talk(plan).await?;
        self.knowledge(plan).await?;
        self.insights(plan, backup, output).await?;
        self.memories(plan).await
    }

    /// A row of a table with its place, or nothing where it was refused.
    async fn row(&mut self, found: &Found, page: Page, line: &Line) -> anyhow::Result<Option<(Row, String)>> {
        self.ledger.read(page).await?;
        match Row::read(found.shape, &line.json) {
            Ok(row) => {
                let key = row.name(&found.key()).unwrap_or_else(|| "a row without a key".to_owned());
                let place = format!("{}/{} {key}", self.source, found.name());
                Ok(Some((row, place)))
            }
            Err(why) => {
                let place = format!("{}/{}", self.source, found.name());
                self.ledger.refuse(page, &place, &why).await?;
                Ok(None)
            }
        }
    }

    /// Counts what is about to be read.
    async fn begin(&mut self, found: &Found) -> anyhow::Result<Page> {
        let rows = self.foreign.count(&found.table).await?;
        Ok(self.ledger.open(found.name(), found.shape.kind.noun(), rows))
    }

    async fn begin_all(&mut self, all: &[&Found]) -> anyhow::Result<Vec<Page>> {
        let mut pages = Vec::with_capacity(all.len());
        for found in all {
            pages.push(self.begin(found).await?);
        }
        Ok(pages)
    }

    /// The id that a row of this key has here.
    fn id(&self, kind: &str, table: &str, key: &str) -> Uuid {
        row::uuid(key).unwrap_or_else(|| self.made_id(kind, table, key))
    }

    /// One that is nobody's yet.
    fn made_id(&self, kind: &str, table: &str, key: &str) -> Uuid {
        derived(self.workspace, kind, &format!("{} {table} {key}", self.source))
    }

    /// Adds a row to those that wait, which go on their way when they are enough.
    async fn wait(
        &mut self,
        what: Brought,
        waiting: &mut Waiting,
        row: Value,
        page: Page,
        place: String,
    ) -> anyhow::Result<()> {
        waiting.rows.push(row);
        waiting.places.push((page, place));
        if waiting.rows.len() >= PART { self.bring(what, waiting).await } else { Ok(()) }
    }

    /// Writes what waits. Where the database refuses it, each row by itself, so that one bad row is one failure.
    async fn bring(&mut self, what: Brought, waiting: &mut Waiting) -> anyhow::Result<()> {
        let Waiting { rows, places } = std::mem::take(waiting);
        if rows.is_empty() {
            return Ok(());
        }
        if self.rehearsal {
            for (page, _) in places {
                self.ledger.new_rows(page, 1);
            }
            return Ok(());
        }
        if let Ok(states) = self.brought(what, rows.clone()).await? {
            for (state, (page, place)) in states.into_iter().zip(places) {
                self.settle(state, page, &place).await?;
            }
            return Ok(());
        }
        for (row, (page, place)) in rows.into_iter().zip(places) {
            match self.brought(what, vec![row]).await? {
                Ok(states) => {
                    for state in states {
                        self.settle(state, page, &place).await?;
                    }
                }
                Err(why) => self.ledger.refuse(page, &place, &why).await?,
            }
        }
        Ok(())
    }

    async fn brought(&self, what: Brought, rows: Vec<Value>) -> anyhow::Result<Result<Vec<State>, String>> {
        match patiently(|| self.desk.bring(self.workspace, what, rows.clone())).await {
            Ok(states) => Ok(Ok(states)),
            Err(error @ StoreError::Refused { .. }) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    async fn settle(&mut self, state: State, page: Page, place: &str) -> anyhow::Result<()> {
        match state {
            State::New => self.ledger.new_rows(page, 1),
            State::Known => self.ledger.known_rows(page, 1),
            State::Taken => {
                let why = "its place is taken, or its conversation came over before it and is left as it is";
                self.ledger.refuse(page, place, why).await?;
            }
        }
        Ok(())
    }
}
