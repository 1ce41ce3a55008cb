//! What an older desk knew: its documents, and what it held of people.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use switchboard_protocol::limits;
use tokio::task::spawn_blocking;

use super::super::super::output::Output;
use super::super::insights::{Import, shape};
use super::super::patiently;
use super::Run;
use super::ledger::Page;
use super::plan::{Found, Plan};
use super::row::Row;
use super::shape::Kind;
use crate::brain::distiller::Distiller;
use crate::domain::clock;
use crate::domain::knowledge::{self, Chunk, Document};
use crate::search::chunk;
use crate::store::StoreError;
use crate::store::insights::Folded;

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
            let origin = format!("{}:{}:", self.source, found.name());
            let library = self.desk.knowledge();
            let known = patiently(|| library.imported(self.workspace, &origin)).await?;
            let known: std::collections::HashSet<String> = known.into_iter().map(|it| it.source).collect();
            let mut lines = self.foreign.walk(&[found.by_time()]);
            while let Some(line) = lines.next().await? {
                let Some((row, place)) = self.row(found, page, &line).await? else { continue };
                let document = match self.document(found, row, &origin) {
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
        if self.rehearsal {
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

    fn document(&self, found: &Found, mut row: Row, origin: &str) -> Result<Document, String> {
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
            source: Some(format!("{origin}{key}")),
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
        backup: PathBuf,
        output: &Output,
    ) -> anyhow::Result<()> {
        for (at, found) in plan.of(Kind::Insights).enumerate() {
            let page = self.begin(found).await?;
            // Each table has a file of its own, since a backup is never written over.
            let backup =
                if at == 0 { backup.clone() } else { backup.with_extension(format!("{}.jsonl", at + 1)) };
            let distiller = Distiller::by_rules();
            let mut import =
                Import::new(&self.desk, distiller, self.workspace, backup, self.rehearsal, output);
            let mut lines = self.foreign.walk(&[found.by_time()]);
            while let Some(line) = lines.next().await? {
                let Some((row, place)) = self.row(found, page, &line).await? else { continue };
                let key = place.chars().take(limits::GROUP_KEY).collect();
                import.add(place, &insight(row), key).await?;
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
