//! One workspace's knowledge in memory: searched in a pass over all of it, by words and by meaning.
//!
//! Invariant: vectors of different embedders are never compared. A new state of the knowledge is a new index, made of the
//! parts that have not changed and those that have; nobody sees one that is half new.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::Mode;
use super::words::{Bag, Words};
use crate::domain::knowledge::Topics;
use crate::domain::turn::Passage;
use crate::domain::vector::Vector;
use crate::store::knowledge::Shelved;

#[derive(Default)]
pub struct Index {
    /// All changes up to this one are in it.
    pub stamp: i64,
    documents: HashMap<Uuid, Arc<Document>>,
    /// Every chunk: its document, and which of its pieces it is.
    places: Vec<(Arc<Document>, u32)>,
    words: Words,
    /// Only words are here: texts and vectors are in the database, which finds the nearest itself.
    pub is_slim: bool,
    bytes: usize,
}

/// A document with its pieces.
#[derive(Debug)]
pub struct Document {
    pub id: Uuid,
    pub version: i64,
    title: String,
    source: Option<String>,
    url: Option<String>,
    topic: Option<String>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    ordinal: i32,
    heading: String,
    text: String,
    vector: Option<(Vector, String)>,
    bag: Bag,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query {
    pub text: String,
    /// What the text means, and to which embedder.
    pub vector: Option<(Vector, &'static str)>,
    pub limit: usize,
    pub topics: Topics,
    pub mode: Mode,
}

/// A title is a promise: its words count twice.
const TITLE: u16 = 2;
/// Of a chunk that waits for its vector, or shares no word, the other half speaks; no word is as sure as a meaning.
const BY_MEANING: f32 = 0.8;
const BY_WORDS: f32 = 0.2;
/// A score by words that is worth half of what there is.
const HALF: f32 = 5.0;

/// How well a chunk fits: 0 to 1. `words` is its BM25, `cosine` nothing where it has no vector to compare.
pub fn score(mode: Mode, cosine: Option<f32>, words: f32) -> f32 {
    let words = words / (words + HALF);
    match mode {
        Mode::Text => words,
        Mode::Vector => cosine.unwrap_or(0.0),
        Mode::Hybrid => BY_MEANING * cosine.unwrap_or(BY_MEANING * words).max(0.0) + BY_WORDS * words,
    }
}

impl Query {
    /// How near a chunk's meaning is; nothing where it has none that can be compared, or none is asked for.
    pub fn cosine(&self, of: Option<&(Vector, String)>) -> Option<f32> {
        let (asked, embedder) = self.vector.as_ref().filter(|_| self.mode != Mode::Text)?;
        of.filter(|(_, made_by)| made_by == embedder).map(|(own, _)| asked.cosine(own))
    }
}

impl Document {
    /// Of its chunks in their order. A slim one forgets all but the words.
    pub fn of(chunks: Vec<Shelved>, is_slim: bool) -> Option<Self> {
        let first = chunks.first()?;
        let mut document = Self {
            id: first.document,
            // A page read later may have seen a later change; what is older is read again.
            version: chunks.iter().map(|chunk| chunk.version).min()?,
            title: first.title.clone(),
            source: first.source.clone(),
            url: first.url.clone(),
            topic: first.topic.clone(),
            pieces: Vec::with_capacity(chunks.len()),
        };
        for chunk in chunks {
            let bag = Bag::of(&[(&document.title, TITLE), (&chunk.heading, 1), (&chunk.text, 1)]);
            let (heading, text, vector) =
                if is_slim { Default::default() } else { (chunk.heading, chunk.text, chunk.vector) };
            document.pieces.push(Piece { ordinal: chunk.ordinal, heading, text, vector, bag });
        }
        Some(document)
    }

    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    fn bytes(&self) -> usize {
        let piece = |piece: &Piece| {
            let vector = piece.vector.as_ref().map_or(0, |(vector, _)| vector.as_slice().len() * 4 + 32);
            200 + piece.heading.len() + piece.text.len() + vector + piece.bag.bytes()
        };
        self.title.len() + self.pieces.iter().map(piece).sum::<usize>()
    }

    fn passage(&self, piece: &Piece, score: f32) -> Passage {
        passage(
            Shelved {
                document: self.id,
                ordinal: piece.ordinal,
                heading: piece.heading.clone(),
                text: piece.text.clone(),
                vector: None,
                title: self.title.clone(),
                source: self.source.clone(),
                url: self.url.clone(),
                topic: None,
                version: self.version,
            },
            score,
        )
    }
}

impl Index {
    pub fn new(stamp: i64, documents: Vec<Arc<Document>>, is_slim: bool) -> Self {
        let places: Vec<_> = documents
            .iter()
            .flat_map(|document| (0..).zip(&document.pieces).map(|(piece, _)| (document.clone(), piece)))
            .collect();
        let words = Words::of(places.iter().map(|(document, piece)| &document.pieces[*piece as usize].bag));
        let bytes = documents.iter().map(|document| document.bytes()).sum();
        let documents = documents.into_iter().map(|document| (document.id, document)).collect();
        Self { stamp, documents, places, words, is_slim, bytes }
    }

    /// The document as it is here, if it is of that version.
    pub fn kept(&self, id: Uuid, version: i64) -> Option<&Arc<Document>> {
        self.documents.get(&id).filter(|document| document.version == version)
    }

    pub fn chunks(&self) -> usize {
        self.places.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The best passages, the best first, and how they were found. A query by meaning alone does not see chunks without
    /// a vector; one by words not those that share none.
    pub fn search(&self, query: &Query) -> (Vec<Passage>, Mode) {
        let by_words = if query.mode == Mode::Vector { HashMap::new() } else { self.words.ask(&query.text) };
        let mut cosines = 0_usize;
        let mut found: Vec<(Option<f32>, f32, u32)> = (0..)
            .zip(&self.places)
            .filter(|(_, (document, _))| query.topics.include(document.topic.as_deref()))
            .map(|(place, (document, piece))| {
                let cosine = query.cosine(document.pieces[*piece as usize].vector.as_ref());
                cosines += usize::from(cosine.is_some());
                (cosine, by_words.get(&place).copied().unwrap_or(0.0), place)
            })
            .collect();
        let mode = if cosines > 0 { query.mode } else { Mode::Text };
        // Asked by meaning where there is none yet: words are the next best.
        if mode == Mode::Text && query.mode == Mode::Vector {
            return self.search(&Query { mode: Mode::Text, ..query.clone() });
        }
        found.retain(|(cosine, words, _)| match mode {
            Mode::Vector => cosine.is_some(),
            Mode::Text => *words > 0.0,
            Mode::Hybrid => cosine.is_some() || *words > 0.0,
        });
        let mut scored: Vec<(f32, u32)> =
            found.into_iter().map(|(cosine, words, place)| (score(mode, cosine, words), place)).collect();
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if scored.len() > query.limit && query.limit > 0 {
            scored.select_nth_unstable_by(query.limit - 1, order);
        }
        scored.truncate(query.limit);
        scored.sort_unstable_by(order);
        let passages = scored.into_iter().map(|(score, place)| {
            let (document, piece) = &self.places[place as usize];
            document.passage(&document.pieces[*piece as usize], score)
        });
        (passages.collect(), mode)
    }

    /// By words alone: how well each chunk fits that shares one, and which they are.
    pub fn by_words(&self, query: &Query) -> HashMap<(Uuid, i32), f32> {
        let found = self.words.ask(&query.text).into_iter().filter_map(|(place, words)| {
            let (document, piece) = &self.places[place as usize];
            let included = query.topics.include(document.topic.as_deref());
            included.then(|| ((document.id, document.pieces[*piece as usize].ordinal), words))
        });
        found.collect()
    }
}

/// A chunk as it is quoted: under its headings.
pub fn passage(chunk: Shelved, score: f32) -> Passage {
    let text =
        if chunk.heading.is_empty() { chunk.text } else { format!("## {}\n\n{}", chunk.heading, chunk.text) };
    Passage {
        document: chunk.document,
        ordinal: chunk.ordinal,
        source: shown(chunk.source.as_deref(), chunk.document),
        title: chunk.title,
        url: chunk.url,
        text,
        score,
    }
}

/// Of a file only its name: where it is on the server is nobody's business.
fn shown(source: Option<&str>, id: Uuid) -> String {
    match source {
        None => id.to_string(),
        Some(path) if path.starts_with('/') => path.rsplit('/').next().unwrap_or(path).to_owned(),
        Some(source) => source.to_owned(),
    }
}

#[cfg(test)]
mod tests;
