//! What an older desk knew: its documents, what it held of people, and what it remembered of its work.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use switchboard_protocol::limits;
use tokio::task::spawn_blocking;

use super::super::super::admin::Context;
use super::super::super::output::Output;
use super::super::insights::{Import, shape};
use super::super::patiently;
use super::super::traces::{Assembled, Origin, Record};
use super::Run;
use super::ledger::Page;
use super::plan::{Found, Plan};
use super::row::Row;
use super::shape::Kind;
use crate::domain::clock;
use crate::domain::knowledge::{self, Chunk, Document};
use crate::domain::memory::Trace;
use crate::search::chunk;
use crate::store::StoreError;
use crate::store::foreign::Lines;
use crate::store::insights::Folded;

const ORIGIN: Origin = Origin { key: "import_id", task: "Imported from an older desk" };
/// Traces of one transaction.
const TRACES: usize = 20;

/// Other words for the states of an insight.
const STATES: [(&str, &[&str]); 4] = [
    ("completed", &["completed", "complete", "done", "processed", "success", "succeeded"]),
    ("processing", &["processing", "running", "in_progress", "started"]),
    ("pending", &["pending", "new", "queued", "waiting"]),
    ("failed", &["failed", "failure", "error"]),
];

impl Run {
    pub(super) async fn knowledge(&mut self, plan: &Plan) -> anyhow::Result<()> {
        for found in plan.of(Kind::Knowledge) {
            let page = self.begin(found).await?;
            let shelf = format!("{}:{}:", self.source, found.name());
            let library = self.desk.knowledge();
            let known = patiently(|| library.imported(self.workspace, &shelf)).await?;
            let known: std::collections::HashSet<String> = known.into_iter().map(|it| it.source).collect();
            let mut lines = self.foreign.walk(&[found.by_time()]);
            while let Some(line) = lines.next().await? {
                let Some((row, place)) = self.row(found, page, &line).await? else { continue };
                let document = match self.document(found, row, &shelf) {
                    Ok(document) => document,
                    Err(why) => {
                        self.ledger.refuse(page, &place, &why).await?;
                        continue;
                    }
                };
                if document.source.as_ref().is_some_and(|source| known.contains(source)) {
                    self.ledger.known_rows(page, 1);
                    continue;
                }
                self.shelve(page, &place, document).await?;
            }
        }
        Ok(())
    }

    /// Stores one document, unless another has its id.
    async fn shelve(&mut self, page: Page, place: &str, document: Document) -> anyhow::Result<()> {
        let library = self.desk.knowledge();
        if patiently(|| library.get(self.workspace, document.id)).await?.is_some() {
            return self.ledger.refuse(page, place, "a document of this id is here already").await;
        }
        let cut = spawn_blocking(move || {
            let chunks = chunk::chunks(&document.title, &document.content);
            (document, chunks)
        });
        let whole: (Document, Vec<Chunk>) = cut.await?;
        if whole.1.is_empty() {
            return self.ledger.refuse(page, place, "it holds no text").await;
        }
        if self.dry_run {
            self.ledger.new_rows(page, 1);
            return Ok(());
        }
        let whole = [whole];
        match patiently(|| library.put(self.workspace, &whole, clock::now())).await {
            Ok(_) => self.ledger.new_rows(page, 1),
            Err(error @ StoreError::Refused { .. }) => {
                self.ledger.refuse(page, place, &error.to_string()).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn document(&self, found: &Found, mut row: Row, shelf: &str) -> Result<Document, String> {
        let key = row.text("id").ok_or("it has no id")?;
        let title = row.short("title", limits::TITLE).ok_or("it has no title")?;
        let content =
            row.words("content").filter(|text| !text.trim().is_empty()).ok_or("it holds no text")?;
        if content.chars().count() > limits::DOCUMENT {
            return Err(format!("it has more than {} characters", limits::DOCUMENT));
        }
        let kind = row.text("kind").and_then(|kind| knowledge::Kind::from_name(&kind));
        let url = row.short("url", limits::URL);
        let topic = row.short("topic", limits::TOPIC);
        let mut metadata = row.rest();
        metadata.insert("import_id".to_owned(), json!(key));
        Ok(Document {
            id: self.id("document", found.name(), &key),
            source: Some(format!("{shelf}{key}")),
            title,
            url,
            content,
            kind: kind.unwrap_or(knowledge::Kind::Public),
            topic,
            metadata: Some(metadata.into()),
        })
    }

    /// Each row is a group of its contact, whose key is that of the row: a second run finds all of them taken in.
    pub(super) async fn insights(
        &mut self,
        plan: &Plan,
        context: &Context,
        backup: PathBuf,
        output: &Output,
    ) -> anyhow::Result<()> {
        for (at, found) in plan.of(Kind::Insights).enumerate() {
            let page = self.begin(found).await?;
            // Each table has a file of its own, since a backup is never written over.
            let backup =
                if at == 0 { backup.clone() } else { backup.with_extension(format!("{}.jsonl", at + 1)) };
            let insights = context.administration.insights().clone();
            let mut import = Import::new(insights, self.workspace, backup, self.dry_run, output);
            let mut lines = self.foreign.walk(&[found.by_time()]);
            while let Some(line) = lines.next().await? {
                let Some((row, place)) = self.row(found, page, &line).await? else { continue };
                let key = place.chars().take(limits::GROUP_KEY / 2).collect::<String>();
                let source: String = self.source.chars().take(limits::GROUP_KEY / 3).collect();
                import.add(place, &insight(row), format!("{source}: {key}")).await?;
            }
            import.store().await?;
            let tally = import.end().await?;
            let Folded { created, updated, duplicates } = tally.folded;
            self.ledger.new_rows(page, (created + updated) as u64);
            self.ledger.known_rows(page, duplicates as u64);
            self.ledger.failed_rows(page, tally.failed as u64);
        }
        Ok(())
    }

    /// Traces with their items, both in the order of the traces' ids. An item of no trace is a trace of its own.
    pub(super) async fn memories(&mut self, plan: &Plan) -> anyhow::Result<()> {
        let (tables, items): (Vec<_>, Vec<_>) =
            (plan.of(Kind::Traces).collect(), plan.of(Kind::Memories).collect());
        let (pages, item_pages) = (self.begin_all(&tables).await?, self.begin_all(&items).await?);
        let mut told = self.gathered(&tables, "id");
        let mut remembered = self.gathered(&items, "trace");
        let mut next = remembered.next().await?;
        let mut batch = Traces::default();
        while let Some(line) = told.next().await? {
            let page = pages[line.part];
            let Some((row, place)) = self.row(tables[line.part], page, &line).await? else { continue };
            let Some(key) = line.gathered else {
                self.ledger.refuse(page, &place, "it has no id").await?;
                continue;
            };
            let mut records = Vec::new();
            while let Some(item) = next.take_if(|item| item.gathered.as_ref().is_some_and(|of| *of <= key)) {
                let (item_page, is_own) = (item_pages[item.part], item.gathered.as_ref() == Some(&key));
                if let Some((row, place)) = self.row(items[item.part], item_page, &item).await? {
                    let record = self.record(items[item.part], row);
                    if is_own {
                        records.push((record, item_page));
                    } else {
                        self.lonely(&mut batch, item_page, place, record).await?;
                    }
                }
                next = remembered.next().await?;
            }
            let trace = self.trace(tables[line.part], row, &key);
            self.keep(&mut batch, &trace, records, Some(page), place).await?;
        }
        while let Some(item) = next {
            let page = item_pages[item.part];
            if let Some((row, place)) = self.row(items[item.part], page, &item).await? {
                let record = self.record(items[item.part], row);
                self.lonely(&mut batch, page, place, record).await?;
            }
            next = remembered.next().await?;
        }
        self.store_traces(batch).await
    }

    fn gathered(&self, tables: &[&Found], by: &str) -> Lines {
        let walks: Vec<_> = tables.iter().map(|found| found.gathered(found.column(by))).collect();
        if walks.is_empty() { Lines::none() } else { self.foreign.walk(&walks) }
    }

    fn trace(&self, found: &Found, mut row: Row, key: &str) -> Map<String, Value> {
        row.take("id");
        let outcome = row.text("outcome");
        let success = row.truth("success").map(|success| if success { "success" } else { "failure" });
        let trajectory = match row.json("trajectory") {
            Some(Value::Array(steps)) => Some(Value::Array(steps)),
            Some(other) => Some(json!([other])),
            None => None,
        };
        let told = [
            ("id", Some(json!(self.id("trace", found.name(), key)))),
            ("task", row.text("task").map(Value::from)),
            ("trajectory", trajectory),
            ("outcome", outcome.map(Value::from).or(success.map(Value::from))),
            ("created_at", row.take("at")),
            ("metadata", Some(row.rest().into())),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn record(&self, found: &Found, mut row: Row) -> Record {
        let key = row.text("id").unwrap_or_default();
        let told = [
            ("title", row.take("title")),
            ("description", row.take("description")),
            ("content", row.take("content")),
            ("error_context", row.take("error")),
            ("pattern_tags", row.take("tags")),
            ("domain_category", row.take("domain")),
            ("created_at", row.take("at")),
        ];
        row.take("trace");
        let mut metadata: Map<String, Value> =
            told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        metadata.insert(REST.to_owned(), row.rest().into());
        let id = self.id("memory item", found.name(), &key).to_string();
        Record { id, document: None, metadata, vector: None }
    }

    async fn lonely(
        &mut self,
        batch: &mut Traces,
        page: Page,
        place: String,
        record: Record,
    ) -> anyhow::Result<()> {
        let id = self.made_id("trace", "memory", &record.id);
        let at = record.metadata.get("created_at").cloned().map(|at| ("created_at".to_owned(), at));
        let told: Map<String, Value> = [("id".to_owned(), json!(id))].into_iter().chain(at).collect();
        self.keep(batch, &told, vec![(record, page)], None, place).await
    }

    /// Puts a trace together, and names the items that are none.
    async fn keep(
        &mut self,
        batch: &mut Traces,
        told: &Map<String, Value>,
        records: Vec<(Record, Page)>,
        page: Option<Page>,
        place: String,
    ) -> anyhow::Result<()> {
        let mut told = told.clone();
        let items = records.first().map(|(_, page)| *page);
        let records: Vec<Record> = records.into_iter().map(|(record, _)| record).collect();
        // What an item says beyond what an item has here stays with its trace.
        let rests: Map<String, Value> = records
            .iter()
            .filter_map(|record| Some((record.id.clone(), record.metadata.get(REST)?.clone())))
            .filter(|(_, rest)| rest.as_object().is_some_and(|rest| !rest.is_empty()))
            .collect();
        if !rests.is_empty() {
            let metadata = told.entry("metadata").or_insert_with(|| json!({}));
            metadata["items"] = rests.into();
        }
        let name = told.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut assembled = Assembled::new(ORIGIN);
        assembled.take(self.workspace, &name, &told, records);
        for fault in assembled.faults {
            if let Some(page) = items.or(page) {
                self.ledger.refuse(page, &place, &fault).await?;
            }
        }
        for trace in assembled.traces {
            // An item alone that is none leaves nothing to remember.
            if page.is_some() || !trace.items.is_empty() {
                batch.all.push(Waiting { trace, page, items, place: place.clone() });
            }
        }
        if batch.all.len() >= TRACES { self.store_traces(std::mem::take(batch)).await } else { Ok(()) }
    }

    async fn store_traces(&mut self, batch: Traces) -> anyhow::Result<()> {
        let archive = self.desk.memory();
        if batch.all.is_empty() {
            return Ok(());
        }
        if self.dry_run {
            batch.all.iter().for_each(|waiting| waiting.settle(&mut self.ledger, false));
            return Ok(());
        }
        let traces: Vec<Trace> = batch.all.iter().map(|waiting| waiting.trace.clone()).collect();
        match patiently(|| archive.add(self.workspace, &traces)).await {
            Ok(added) => {
                for (added, waiting) in added.into_iter().zip(&batch.all) {
                    waiting.settle(&mut self.ledger, added.duplicate);
                }
            }
            Err(error @ StoreError::Refused { .. }) => {
                if let [one] = batch.all.as_slice() {
                    let page = one.page.or(one.items);
                    if let Some(page) = page {
                        self.ledger.refuse(page, &one.place, &error.to_string()).await?;
                    }
                } else {
                    for one in batch.all {
                        Box::pin(self.store_traces(Traces { all: vec![one] })).await?;
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Where a record keeps what it says beyond what is known.
const REST: &str = "import_rest";

#[derive(Default)]
struct Traces {
    all: Vec<Waiting>,
}

/// A trace on its way; `page` is where it is counted, if it was a row, and `items` where its items are.
struct Waiting {
    trace: Trace,
    page: Option<Page>,
    items: Option<Page>,
    place: String,
}

impl Waiting {
    fn settle(&self, ledger: &mut super::Ledger, is_known: bool) {
        let rows = [(self.page, 1), (self.items, self.trace.items.len() as u64)];
        for (page, rows) in rows {
            match page {
                Some(page) if is_known => ledger.known_rows(page, rows),
                Some(page) => ledger.new_rows(page, rows),
                None => {}
            }
        }
    }
}

/// A row of insights, of whatever age, as the protocol has it.
fn insight(row: Row) -> Value {
    let (had, columns) = row.parted();
    let (known, unknown): (Map<_, _>, Map<_, _>) =
        columns.into_iter().partition(|(name, _)| shape::is_known(name));
    let mut members = known;
    let mut metadata = had;
    for (name, value) in unknown {
        match name.as_str() {
            "id" => _ = metadata.insert("import_id".to_owned(), value),
            "created_at" if !members.contains_key("generated_at") => {
                members.insert("generated_at".to_owned(), value);
            }
            _ => _ = metadata.entry(name).or_insert(value),
        }
    }
    if let Some(Value::String(state)) = members.get("processing_status") {
        let state = state.to_lowercase();
        let named = STATES.iter().find(|(_, names)| names.contains(&state.as_str())).map(|(name, _)| *name);
        members.insert("processing_status".to_owned(), json!(named.unwrap_or(state.as_str())));
    }
    if let Some(generated) = members.get_mut("generated_at")
        && let Some(text) = generated.as_str()
        && let Some(at) = clock::parse(text)
    {
        *generated = json!(at);
    }
    if !metadata.is_empty() {
        members.insert("metadata".to_owned(), metadata.into());
    }
    shape::draft(members.into())
}

#[cfg(test)]
mod tests {
    use super::super::shape::SHAPES;
    use super::*;

    #[track_caller]
    fn becomes(columns: &Value, wanted: &Value) {
        let shape = SHAPES.iter().find(|shape| shape.kind == Kind::Insights).unwrap();
        assert_eq!(insight(Row::read(shape, &columns.to_string()).unwrap()), *wanted);
    }

    #[test]
    fn single_source_types_join_the_sets_and_unknown_columns_are_kept() {
        becomes(
            &json!({"id": 5, "contact_id": 7, "eni_source_type": "crm", "eni_source_types": ["mail", "crm"],
                    "eni_source_subtype": "call", "personal": "Sails.", "deals": null, "processing_status": "Done",
                    "created_at": "2024-05-06T07:08:09", "owner": "Ann", "version": 3, "embedding": "[1]"}),
            &json!({"contact_id": "7", "eni_source_types": ["mail", "crm", "crm"], "eni_source_subtypes": ["call"],
                    "insights": {"personal": "Sails."}, "processing_status": "completed",
                    "generated_at": "2024-05-06T07:08:09Z", "metadata": {"import_id": 5, "owner": "Ann", "version": 3}}),
        );
    }

    #[test]
    fn insights_in_one_column_keep_their_names() {
        becomes(
            &json!({"contact_id": "a", "eni_source_types": null, "insights": {"3i": "Impact."}, "metadata": {"x": 1},
                    "generated_at": "2024-05-06T07:08:09+00:00"}),
            &json!({"contact_id": "a", "insights": {"three_i": "Impact."}, "metadata": {"x": 1},
                    "generated_at": "2024-05-06T07:08:09Z"}),
        );
    }
}
