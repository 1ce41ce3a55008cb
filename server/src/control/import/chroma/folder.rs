//! A persistent ChromaDB folder, read and never written: its records with texts, metadata and vectors, wherever they are,
//! in the tables, in the segment's files, or still in the queue before both.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context as _, bail};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Value, json};

use super::super::traces::Record;
use super::hnsw;
use crate::domain::vector::DIMENSIONS;

/// The records of one collection, in the order in which they came.
#[derive(Debug)]
pub struct Collection {
    pub name: String,
    pub records: Vec<Record>,
    /// Why the vectors are not taken over, where they are not.
    pub foreign: Option<String>,
}

/// The key that a record's text is stored under.
const DOCUMENT: &str = "chroma:document";
/// What made the vectors where nothing else was chosen, and the same by its name.
const OURS: [&str; 2] = ["default", "onnx_mini_lm_l6_v2"];
const MINILM: &str = "all-minilm-l6-v2";

pub fn read(folder: &Path) -> anyhow::Result<Vec<Collection>> {
    let path = folder.join("chroma.sqlite3");
    if !path.is_file() {
        bail!("{} is no folder of a persistent ChromaDB: it holds no chroma.sqlite3", folder.display());
    }
    let database = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let columns = columns(&database, "collections")?;
    let described: Vec<&str> = ["config_json_str", "schema_str"]
        .into_iter()
        .filter(|name| columns.iter().any(|it| it == name))
        .collect();
    let mut select = database.prepare(&format!(
        "SELECT id, name, dimension, {} FROM collections ORDER BY name",
        if described.is_empty() { "NULL".to_owned() } else { described.join(" || char(10) || ") }
    ))?;
    let listed = select.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?))
    })?;
    let mut collections = Vec::new();
    for collection in listed {
        let (id, name, dimension, described): (_, _, _, Option<String>) = collection?;
        let foreign = foreign(dimension, described.as_deref().unwrap_or_default());
        let records = records(&database, folder, &id, foreign.is_none())
            .with_context(|| format!("the collection {name}"))?;
        collections.push(Collection { name, records, foreign });
    }
    Ok(collections)
}

/// Why vectors of these cannot be compared with ours.
fn foreign(dimension: Option<i64>, described: &str) -> Option<String> {
    if let Some(width) = dimension.filter(|width| usize::try_from(*width) != Ok(DIMENSIONS)) {
        return Some(format!("they have {width} numbers"));
    }
    for text in described.lines() {
        let Ok(described) = serde_json::from_str::<Value>(text) else { continue };
        let function = described.get("embedding_function").or_else(|| {
            described.pointer("/keys/#embedding/float_list/vector_index/config/embedding_function")
        });
        let Some(name) = function.and_then(|function| function["name"].as_str()) else { continue };
        let model =
            function.and_then(|function| function["config"]["model_name"].as_str()).unwrap_or_default();
        if !OURS.contains(&name) && !model.to_lowercase().ends_with(MINILM) {
            return Some(format!(
                "`{name}` made them{}",
                if model.is_empty() { String::new() } else { format!(" with {model}") }
            ));
        }
    }
    None
}

fn records(
    database: &Connection,
    folder: &Path,
    collection: &str,
    with_vectors: bool,
) -> anyhow::Result<Vec<Record>> {
    let mut records: BTreeMap<i64, Record> = BTreeMap::new();
    let mut places: HashMap<String, i64> = HashMap::new();
    let segment = |scope: &str| {
        let found = database.query_row(
            "SELECT id FROM segments WHERE collection = ?1 AND scope = ?2",
            [collection, scope],
            |row| row.get::<_, String>(0),
        );
        found.ok()
    };
    if let Some(segment) = segment("METADATA") {
        let mut select =
            database.prepare("SELECT id, embedding_id FROM embeddings WHERE segment_id = ?1 ORDER BY id")?;
        let rows =
            select.query_map([&segment], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (place, id) = row?;
            places.insert(id.clone(), place);
            records.insert(place, Record { id, ..Record::default() });
        }
        let flag = columns(database, "embedding_metadata")?.iter().any(|name| name == "bool_value");
        let flag = if flag { "m.bool_value" } else { "NULL" };
        let mut select = database.prepare(&format!(
            "SELECT m.id, m.key, m.string_value, m.int_value, m.float_value, {flag} FROM embedding_metadata m \
             JOIN embeddings e ON e.id = m.id WHERE e.segment_id = ?1"
        ))?;
        let mut rows = select.query([&segment])?;
        while let Some(row) = rows.next()? {
            let Some(record) = records.get_mut(&row.get(0)?) else { continue };
            record.told(row.get(1)?, value(row)?);
        }
    }
    let mut vectors = HashMap::new();
    if with_vectors && let Some(segment) = segment("VECTOR") {
        vectors = hnsw::vectors(&folder.join(segment), DIMENSIONS).map_err(anyhow::Error::msg)?;
    }
    replay(database, collection, segment("METADATA").as_deref(), &mut records, &mut places, &mut vectors)?;
    let mut records: Vec<Record> = records.into_values().collect();
    for record in &mut records {
        record.vector =
            vectors.remove(&record.id).filter(|vector| with_vectors && vector.len() == DIMENSIONS);
    }
    Ok(records)
}

/// What is still in the queue: the newest vectors, and what the tables do not have yet.
fn replay(
    database: &Connection,
    collection: &str,
    segment: Option<&str>,
    records: &mut BTreeMap<i64, Record>,
    places: &mut HashMap<String, i64>,
    vectors: &mut HashMap<String, Vec<f32>>,
) -> anyhow::Result<()> {
    // Older versions keep this number as bytes; they write the tables together with the queue.
    let known = database
        .query_row("SELECT seq_id FROM max_seq_id WHERE segment_id = ?1", [segment], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Integer(number) => number,
                _ => i64::MAX,
            })
        })
        .unwrap_or(if records.is_empty() { 0 } else { i64::MAX });
    let mut select = database.prepare(
        "SELECT seq_id, operation, id, vector, metadata FROM embeddings_queue \
         WHERE topic LIKE '%' || ?1 ORDER BY seq_id",
    )?;
    let mut rows = select.query([collection])?;
    while let Some(row) = rows.next()? {
        let (number, operation, id): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // 0 adds, 1 updates, 2 does either, 3 deletes.
        if operation == 3 {
            vectors.remove(&id);
            if number > known
                && let Some(place) = places.remove(&id)
            {
                records.remove(&place);
            }
            continue;
        }
        if let Some(bytes) = row.get::<_, Option<Vec<u8>>>(3)? {
            vectors.insert(id.clone(), hnsw::numbers(&bytes));
        }
        if number <= known {
            continue;
        }
        let next = records.last_key_value().map_or(1, |(last, _)| last + 1);
        let place = *places.entry(id.clone()).or_insert(next);
        let record = records.entry(place).or_insert_with(|| Record { id, ..Record::default() });
        let told: Option<String> = row.get(4)?;
        if let Some(Ok(Value::Object(told))) = told.as_deref().map(serde_json::from_str) {
            told.into_iter().for_each(|(key, value)| record.told(key, value));
        }
    }
    Ok(())
}

impl Record {
    fn told(&mut self, key: String, value: Value) {
        match value {
            Value::String(text) if key == DOCUMENT => self.document = Some(text),
            Value::Null => {}
            value => _ = self.metadata.insert(key, value),
        }
    }
}

/// The one of the four columns that holds something.
fn value(row: &Row<'_>) -> rusqlite::Result<Value> {
    if let Some(flag) = row.get::<_, Option<bool>>(5)? {
        return Ok(json!(flag));
    }
    for column in 2..5 {
        match row.get_ref(column)? {
            ValueRef::Integer(number) => return Ok(json!(number)),
            ValueRef::Real(number) => return Ok(json!(number)),
            ValueRef::Text(text) => return Ok(json!(String::from_utf8_lossy(text))),
            _ => {}
        }
    }
    Ok(Value::Null)
}

fn columns(database: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    select.query_map([table], |row| row.get(0))?.collect()
}
