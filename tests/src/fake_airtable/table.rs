//! The one table: rows, what it refuses, and how an upsert finds what is there.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Map<String, Value>>,
    pub(super) columns: Option<BTreeSet<String>>,
    pub(super) poison: BTreeSet<String>,
    /// The rows that hold a value in the column that is merged on; more than one cannot be told apart.
    found: HashMap<(String, String), Vec<usize>>,
}

impl Table {
    /// Takes all records, or says what is wrong with the first that it cannot take.
    pub(super) fn upsert(&mut self, body: &Value, records: &[Value]) -> (u16, Value) {
        let refused =
            |kind: &str, message: String| (422, json!({"error": {"type": kind, "message": message}}));
        let Some(merge) = body["performUpsert"]["fieldsToMergeOn"][0].as_str() else {
            return refused("INVALID_REQUEST_UNKNOWN", "there is nothing to merge on".to_owned());
        };
        let mut keys = Vec::new();
        for record in records {
            let Some(fields) = record["fields"].as_object() else {
                return refused("INVALID_RECORDS", "a record has fields".to_owned());
            };
            let known = |name: &&String| self.columns.as_ref().is_none_or(|columns| columns.contains(*name));
            if let Some(name) = fields.keys().find(|name| !known(name)) {
                return refused("UNKNOWN_FIELD_NAME", format!("Unknown field name: \"{name}\""));
            }
            let Some(key) = fields.get(merge).and_then(Value::as_str) else {
                return refused("INVALID_VALUE_FOR_COLUMN", format!("Field \"{merge}\" is merged on"));
            };
            if self.poison.contains(key) || fields.values().any(|cell| cell.is_object() || cell.is_array()) {
                let message = "Field \"Notes\" cannot accept the provided value".to_owned();
                return refused("INVALID_VALUE_FOR_COLUMN", message);
            }
            if self.rows_with(merge, key).len() > 1 {
                return refused(
                    "INVALID_REQUEST_UNKNOWN",
                    "more than one record would be updated".to_owned(),
                );
            }
            keys.push((key.to_owned(), fields.clone()));
        }
        let (mut created, mut updated, mut answered) = (Vec::new(), Vec::new(), Vec::new());
        for (key, fields) in keys {
            let known = self.rows_with(merge, &key).first().copied();
            let list = if known.is_some() { &mut updated } else { &mut created };
            let row = known.unwrap_or_else(|| self.add_row(merge, key));
            list.push(format!("rec{row:014}"));
            self.rows[row].extend(fields);
            answered.push(json!({"id": format!("rec{row:014}"), "fields": self.rows[row]}));
        }
        (200, json!({"records": answered, "createdRecords": created, "updatedRecords": updated}))
    }

    fn add_row(&mut self, merge: &str, key: String) -> usize {
        self.rows.push(Map::new());
        let row = self.rows.len() - 1;
        self.found.entry((merge.to_owned(), key)).or_default().push(row);
        row
    }

    fn rows_with(&self, column: &str, value: &str) -> &[usize] {
        self.found.get(&(column.to_owned(), value.to_owned())).map_or(&[], Vec::as_slice)
    }
}
