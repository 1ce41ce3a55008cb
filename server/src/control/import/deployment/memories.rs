//! What an older desk remembered of its work: traces with their items.

use serde_json::{Map, Value, json};

use super::super::patiently;
use super::super::traces::{Assembled, Origin, Record};
use super::Run;
use super::ledger::{Ledger, Page};
use super::plan::{Found, Plan};
use super::row::Row;
use super::shape::Kind;
use crate::domain::memory::Trace;
use crate::store::StoreError;
use crate::store::foreign::Lines;

const ORIGIN: Origin = Origin { key: "import_id", task: "Imported from an older desk" };
/// Traces of one transaction.
const TRACES: usize = 20;

impl Run {
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
            self.keep(&mut batch, &trace, records, Some((page, &key)), place).await?;
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
        row: Option<(Page, &str)>,
        place: String,
    ) -> anyhow::Result<()> {
        let (page, key) = row.unzip();
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
        for mut trace in assembled.traces {
            if let (Some(Value::Object(metadata)), Some(key)) = (&mut trace.metadata, key) {
                metadata.insert(ORIGIN.key.to_owned(), json!(key));
            }
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
        if self.rehearsal {
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
    fn settle(&self, ledger: &mut Ledger, is_known: bool) {
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
