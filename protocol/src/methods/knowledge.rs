//! What answers are drawn from: documents that staff and services add, and the search that the agent uses itself.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::{named, rows};
use crate::chat::Metadata;
use crate::ids::DocumentId;
use crate::limits;
use crate::params::{Members, Params, Problems, at_most, is_blank, limit_fits, metadata_fits, within};
use crate::time::Timestamp;

/// Adds documents, or replaces those of the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeAdd {
    #[serde(deserialize_with = "named::list")]
    #[schemars(length(min = 1, max = limits::DOCUMENTS))]
    pub documents: Vec<KnowledgeDocument>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct KnowledgeDocument {
    /// The server names it where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<DocumentId>,
    #[schemars(length(min = 1, max = limits::TITLE))]
    pub title: String,
    /// Markdown, plain text, or HTML that begins like a page.
    #[schemars(length(min = 1, max = limits::DOCUMENT))]
    pub content: String,
    /// Where a visitor can read it: begins with `https://` or `http://`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    pub source_url: Option<String>,
    /// `public` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// A preset may let only some of its modes quote from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::TOPIC))]
    pub topic_collection: Option<String>,
    /// At most 16 KiB as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
#[ts(rename = "KnowledgeContentType")]
#[schemars(rename = "KnowledgeContentType")]
pub enum ContentType {
    /// Written by people.
    Public,
    /// Made up by a model.
    Synthetic,
}

/// In the order in which the documents came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeAdded {
    pub documents: Vec<KnowledgeStored>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeStored {
    pub id: DocumentId,
    /// Into how many pieces it was cut.
    pub chunks: u32,
    pub status: KnowledgeStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum KnowledgeStatus {
    /// Found by its words; some of its vectors are still to come.
    Pending,
    Ready,
}

/// The pieces that fit a question best.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct KnowledgeSearch {
    /// Any text: no sign in it is an operator.
    #[schemars(length(min = 1, max = limits::QUERY))]
    pub query: String,
    /// 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::CHUNKS))]
    pub limit: Option<u32>,
    /// Only documents of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::TOPIC))]
    pub topic_collection: Option<String>,
    /// `hybrid` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<SearchMode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SearchMode {
    /// By meaning, helped by the words.
    Hybrid,
    /// By meaning alone.
    Vector,
    /// By words alone.
    Text,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeFound {
    /// The best first.
    pub chunks: Vec<KnowledgeChunk>,
    /// How they were found: `text` while there are no vectors to compare, whatever was asked for.
    pub mode: SearchMode,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeChunk {
    pub document_id: DocumentId,
    pub title: String,
    pub source_url: Option<String>,
    pub text: String,
    /// 0 to 1; comparable within one mode.
    pub score: f64,
}

/// The documents in the order of their ids: imported ones first, then as they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct KnowledgeList {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::TOPIC))]
    pub topic_collection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::LIST))]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::CURSOR))]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeListed {
    pub documents: Vec<KnowledgeEntry>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}

/// A document without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeEntry {
    pub id: DocumentId,
    pub title: String,
    /// The file or preset that it was imported from.
    pub source: Option<String>,
    pub source_url: Option<String>,
    pub content_type: ContentType,
    pub topic_collection: Option<String>,
    pub metadata: Option<Metadata>,
    pub status: KnowledgeStatus,
    pub chunks: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One document with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeGet {
    pub id: DocumentId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeGot {
    pub document: KnowledgeEntry,
    pub content: String,
}

/// Takes a document out. One that was imported comes back with the next import, if its file is still there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeDelete {
    pub id: DocumentId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct KnowledgeDeleted {
    /// False where there was none.
    pub deleted: bool,
}

impl KnowledgeSearch {
    pub fn rows(&self) -> usize {
        self.limit.unwrap_or(limits::CHUNKS_DEFAULT) as usize
    }
}

impl KnowledgeList {
    pub fn rows(&self) -> usize {
        rows(self.limit)
    }
}

impl Params for KnowledgeAdd {
    fn within_limits(&self) -> bool {
        let mut ids = HashSet::new();
        (1..=limits::DOCUMENTS).contains(&self.documents.len())
            && self.documents.iter().all(KnowledgeDocument::within_limits)
            && self.documents.iter().filter_map(|document| document.id).all(|id| ids.insert(id))
    }

    fn beyond_schema(params: &Members, problems: &mut Problems) {
        let mut ids = HashSet::new();
        let documents = params.get("documents").and_then(Value::as_array).into_iter().flatten();
        for (index, document) in documents.enumerate() {
            let field = |name: &str| format!("documents.{index}.{name}");
            let text = |name: &str| document.get(name).and_then(Value::as_str);
            for name in ["title", "content"] {
                if text(name).is_some_and(is_blank) {
                    problems.add(field(name), "must not be blank");
                }
            }
            if text("source_url").is_some_and(|url| !is_url(url)) {
                problems.add(field("source_url"), "must begin with https:// or http://");
            }
            if text("id").is_some_and(|id| !ids.insert(id.to_ascii_lowercase())) {
                problems.add(field("id"), "is that of an earlier one");
            }
            if let Some(Value::Object(metadata)) = document.get("metadata")
                && !metadata_fits(Some(metadata))
            {
                problems.add(
                    field("metadata"),
                    format!("must be at most {} KiB as JSON", limits::METADATA / 1024),
                );
            }
        }
    }
}

impl KnowledgeDocument {
    fn within_limits(&self) -> bool {
        within(1, limits::TITLE, Some(&self.title))
            && within(1, limits::DOCUMENT, Some(&self.content))
            && !is_blank(&self.title)
            && !is_blank(&self.content)
            && at_most(limits::URL, self.source_url.as_ref())
            && self.source_url.as_deref().is_none_or(is_url)
            && within(1, limits::TOPIC, self.topic_collection.as_ref())
            && metadata_fits(self.metadata.as_ref())
    }
}

impl Params for KnowledgeSearch {
    fn within_limits(&self) -> bool {
        within(1, limits::QUERY, Some(&self.query))
            && self.limit.is_none_or(|limit| (1..=limits::CHUNKS).contains(&limit))
            && within(1, limits::TOPIC, self.topic_collection.as_ref())
    }
}

impl Params for KnowledgeList {
    fn within_limits(&self) -> bool {
        limit_fits(self.limit)
            && at_most(limits::CURSOR, self.cursor.as_ref())
            && within(1, limits::TOPIC, self.topic_collection.as_ref())
    }
}

impl Params for KnowledgeGet {}

impl Params for KnowledgeDelete {}

/// It becomes a link that visitors press: no scheme but these two.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|sign: char| sign.is_whitespace() || sign.is_control())
    })
}
