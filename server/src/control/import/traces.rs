//! Records and told traces into the traces that are stored.
//!
//! Invariant: every id follows from the workspace and the id that it had, so that a run which was cut short, or is
//! repeated, stores what is missing and changes nothing else.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use switchboard_protocol::ids::WorkspaceId;
use switchboard_protocol::limits;
use uuid::Uuid;

use super::derived;
use crate::domain::clock::{self, Timestamp};
use crate::domain::memory::{Item, Outcome, Trace};
use crate::domain::vector::Vector;
use crate::search::embedder::MINILM;

/// A memory as it is found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub id: String,
    pub document: Option<String>,
    pub metadata: Map<String, Value>,
    pub vector: Option<Vec<f32>>,
}

/// Where traces are from: what keeps the ids that they had, and what one is about that does not say.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub key: &'static str,
    pub task: &'static str,
}

/// What comes of it all.
#[derive(Debug)]
pub struct Assembled {
    origin: Origin,
    pub traces: Vec<Trace>,
    /// What cannot be taken over, and why.
    pub faults: Vec<String>,
}

/// The traces of a file: a list, an object by id, or an object with a list `traces`.
pub fn told(file: Value) -> Result<Vec<Map<String, Value>>, String> {
    let all = match file {
        Value::Array(all) => all,
        Value::Object(mut members) => match members.remove("traces") {
            Some(Value::Array(all)) => all,
            Some(_) => return Err("`traces` is no list".to_owned()),
            None => members
                .into_iter()
                .map(|(id, mut trace)| {
                    if let Value::Object(members) = &mut trace {
                        members.entry("id").or_insert(json!(id));
                    }
                    trace
                })
                .collect(),
        },
        _ => return Err("it holds no traces".to_owned()),
    };
    let object = |(at, trace): (usize, Value)| match trace {
        Value::Object(members) => Ok(members),
        _ => Err(format!("trace {} is no object", at + 1)),
    };
    all.into_iter().enumerate().map(object).collect()
}

/// Puts each record into its trace; one that names none is a trace of its own.
pub fn assemble(
    workspace: WorkspaceId,
    records: Vec<Record>,
    told: Vec<Map<String, Value>>,
    origin: Origin,
) -> Assembled {
    let mut all = Assembled::new(origin);
    let mut by_trace: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for record in records {
        let trace = text(&record.metadata, &["trace_id"]).unwrap_or_else(|| format!("memory {}", record.id));
        by_trace.entry(trace).or_default().push(record);
    }
    for trace in told {
        let Some(name) = text(&trace, &["id", "trace_id"]) else {
            all.faults.push("a trace without an id".to_owned());
            continue;
        };
        let records = by_trace.remove(&name).unwrap_or_default();
        all.take(workspace, &name, &trace, records);
    }
    for (name, records) in by_trace {
        let mut trace = Map::new();
        for key in ["outcome", "timestamp", "created_at", "task"] {
            let known = records.iter().find_map(|record| record.metadata.get(key));
            trace.extend(known.map(|value| (key.to_owned(), value.clone())));
        }
        all.take(workspace, &name, &trace, records);
    }
    all
}

impl Assembled {
    pub fn new(origin: Origin) -> Self {
        Self { origin, traces: Vec::new(), faults: Vec::new() }
    }

    /// The trace of this name, with what was told of it and the records that belong to it.
    pub fn take(
        &mut self,
        workspace: WorkspaceId,
        name: &str,
        told: &Map<String, Value>,
        records: Vec<Record>,
    ) {
        let mut known: HashMap<String, Record> =
            records.iter().map(|record| (record.id.clone(), record.clone())).collect();
        let mut items = Vec::new();
        let listed = ["memory_items", "memories"].iter().find_map(|key| told.get(*key)?.as_array());
        for (at, members) in listed.into_iter().flatten().filter_map(Value::as_object).enumerate() {
            let id = text(members, &["id", "memory_id"]).unwrap_or_else(|| format!("{name} {at}"));
            let record = known.remove(&id).unwrap_or_default();
            let mut metadata = record.metadata;
            metadata.extend(members.clone());
            items.push(Record { id, metadata, ..record });
        }
        items.extend(records.into_iter().filter(|record| known.contains_key(&record.id)));
        let mut taken = Vec::with_capacity(items.len());
        for record in items {
            let id = record.id.clone();
            match item(workspace, record) {
                Ok(item) => taken.push(item),
                Err(why) => self.faults.push(format!("the memory {id} of the trace {name}: {why}")),
            }
        }
        let task = text(told, &["task", "query"]).unwrap_or_else(|| self.origin.task.to_owned());
        let mut metadata = told.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        metadata.insert(self.origin.key.to_owned(), json!(name));
        self.traces.push(Trace {
            id: id(workspace, "trace", name),
            task: cut(&task, limits::TASK),
            trajectory: told.get("trajectory").and_then(Value::as_array).cloned().unwrap_or_default(),
            outcome: outcome(told),
            items: taken,
            metadata: Some(Value::Object(metadata)),
            created_at: at(told),
        });
    }
}

fn item(workspace: WorkspaceId, record: Record) -> Result<Item, String> {
    let told = &record.metadata;
    let content = text(told, &["content"]).or_else(|| record.document.clone()).unwrap_or_default();
    let content = content.replace('\0', "");
    if content.trim().is_empty() {
        return Err("it holds no text".to_owned());
    }
    if content.chars().count() > limits::MEMORY_CONTENT {
        return Err(format!("its text is longer than {} characters", limits::MEMORY_CONTENT));
    }
    let first = content.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let title = text(told, &["title"]).unwrap_or_else(|| cut(first, 80));
    Ok(Item {
        id: id(workspace, "memory item", &record.id),
        title: cut(&title, limits::TITLE),
        description: cut(&text(told, &["description"]).unwrap_or_default(), limits::MEMORY_DESCRIPTION),
        error_context: told.get("error_context").and_then(parsed),
        tags: tags(told.get("pattern_tags").or_else(|| told.get("tags"))),
        domain: text(told, &["domain_category", "domain", "category"])
            .map(|domain| cut(&domain, limits::TAG)),
        purpose: None,
        vector: record.vector.map(|vector| (Vector::from(vector), MINILM.to_owned())),
        content,
    })
}

/// One that is a UUID stays; any other leads to one.
fn id(workspace: WorkspaceId, kind: &str, name: &str) -> Uuid {
    Uuid::try_parse(name).unwrap_or_else(|_| derived(workspace, kind, name))
}

/// What ChromaDB can only keep as text may be JSON.
fn parsed(value: &Value) -> Option<Value> {
    let value = match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        other => other.clone(),
    };
    let is_nothing = value.is_null()
        || value.as_str().is_some_and(|text| text.trim().is_empty())
        || value.as_object().is_some_and(Map::is_empty);
    (!is_nothing).then_some(value)
}

fn tags(value: Option<&Value>) -> Vec<String> {
    let listed = match value.and_then(parsed) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => text.split(',').map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut tags: Vec<String> = Vec::new();
    for tag in listed {
        let tag = cut(tag.trim(), limits::TAG);
        if !tag.is_empty() && !tags.contains(&tag) && tags.len() < limits::TAGS {
            tags.push(tag);
        }
    }
    tags
}

fn outcome(told: &Map<String, Value>) -> Outcome {
    match text(told, &["outcome"]).unwrap_or_default().to_lowercase().as_str() {
        "success" | "succeeded" | "resolved" => Outcome::Success,
        "failure" | "failed" | "error" => Outcome::Failure,
        _ => Outcome::Partial,
    }
}

/// A time in words or in seconds; now where none is told.
fn at(told: &Map<String, Value>) -> Timestamp {
    let read = |value: &Value| match value {
        Value::String(text) => clock::parse(text),
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this age")]
        Value::Number(seconds) => Timestamp::from_timestamp_millis((seconds.as_f64()? * 1_000.0) as i64),
        _ => None,
    };
    ["created_at", "timestamp"].iter().find_map(|key| read(told.get(*key)?)).unwrap_or_else(clock::now)
}

fn text(told: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let found = keys.iter().find_map(|key| told.get(*key)?.as_str());
    found.map(|text| text.replace('\0', "").trim().to_owned()).filter(|text| !text.is_empty())
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
