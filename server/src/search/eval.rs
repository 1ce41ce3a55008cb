//! How well questions find their pages, by the search that answers `knowledge.search`.
//!
//! Invariant: a page stands as high as its best chunk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chunk::chunks;
use super::facets::Facets;
use super::shelf::index::{Document, Index, Mode, Query};
use super::shelf::kind::Kind as _;
use crate::domain::knowledge::Topics;
use crate::domain::vector::Vector;
use crate::store::knowledge::{Library, Shelved};

#[derive(Clone, Debug, Deserialize)]
pub struct Page {
    pub id: String,
    #[serde(default)]
    pub title: String,
    pub text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    pub q: String,
    pub doc_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub recall_at_1: f64,
    pub recall_at_5: f64,
    /// The mean of one over the page's place.
    pub mrr: f64,
    /// `hybrid`, or `text` without a model.
    pub mode: &'static str,
    /// Embedding included.
    pub ms_per_query: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum EvalError<E> {
    #[error("{0}")]
    Embed(E),
    #[error("there are no questions")]
    Empty,
    #[error("question {at} is about `{id}`, and there is no such page")]
    Unknown { at: usize, id: String },
}

/// Embeds many texts; absent, the words alone are measured.
pub type Embed<'a, E> = Option<&'a dyn Fn(Vec<String>) -> Result<Vec<Vector>, E>>;

pub fn retrieval<E>(
    pages: &[Page],
    questions: &[Question],
    embed: Embed<'_, E>,
) -> Result<Report, EvalError<E>> {
    let known: HashMap<&str, Uuid> =
        pages.iter().enumerate().map(|(at, page)| (page.id.as_str(), document(at))).collect();
    let unknown = |(_, question): &(usize, &Question)| !known.contains_key(question.doc_id.as_str());
    if let Some((at, question)) = questions.iter().enumerate().find(unknown) {
        return Err(EvalError::Unknown { at: at + 1, id: question.doc_id.clone() });
    }
    if questions.is_empty() {
        return Err(EvalError::Empty);
    }
    let shelf = shelve(pages, embed)?;
    let mut places = Vec::new();
    let begin = Instant::now();
    for question in questions {
        places.push(place(&shelf, &question.q, known[question.doc_id.as_str()], embed)?);
    }
    let spent = begin.elapsed().as_secs_f64() * 1_000.0;
    let all = count(places.len());
    let within = |best: usize| count(places.iter().filter(|place| **place <= best).count()) / all;
    Ok(Report {
        recall_at_1: within(1),
        recall_at_5: within(5),
        mrr: places.iter().map(|place| 1.0 / count(*place)).sum::<f64>() / all,
        mode: if embed.is_some() { "hybrid" } else { "text" },
        ms_per_query: spent / all,
    })
}

/// Who made the vectors here.
const EMBEDDER: &str = "eval";

fn document(at: usize) -> Uuid {
    Uuid::from_u128(at as u128)
}

/// The pages as a workspace's knowledge holds them.
fn shelve<E>(pages: &[Page], embed: Embed<'_, E>) -> Result<Index<Shelved>, EvalError<E>> {
    let mut documents = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        let chunks = chunks(&page.title, &page.text);
        let facets: Vec<_> =
            chunks.iter().map(|chunk| Facets::of_chunk(&page.title, &chunk.heading, &chunk.text)).collect();
        let vectors = embed_all(embed, Facets::texts(&facets))?;
        let mut senses = vectors.map(|vectors| Facets::join(&facets, &vectors)).into_iter().flatten();
        let pieces = (1..).zip(chunks).map(|(ordinal, chunk)| Shelved {
            document: document(at),
            ordinal,
            heading: chunk.heading,
            text: chunk.text,
            sense: senses.next().map(|sense| (sense, EMBEDDER.to_owned())),
            title: page.title.clone(),
            source: None,
            url: None,
            topic: None,
            version: 1,
        });
        documents.extend(Document::of(pieces.collect(), false).map(Arc::new));
    }
    Ok(Index::new(1, documents, false, Library::LEAST_TEXTS))
}

/// The place of a page among all, 1 the first. One that the search does not bring comes after all that it does.
fn place<E>(
    shelf: &Index<Shelved>,
    question: &str,
    page: Uuid,
    embed: Embed<'_, E>,
) -> Result<usize, EvalError<E>> {
    let vector = embed_all(embed, vec![question.to_owned()])?.and_then(|mut vectors| vectors.pop());
    let query = Query {
        text: question.to_owned(),
        vector: vector.map(|vector| (vector, EMBEDDER)),
        limit: shelf.pieces(),
        filter: Topics::All,
        mode: Mode::Hybrid,
        all: true,
        least: 0.0,
    };
    let (found, _) = shelf.search(&query);
    let before: HashSet<Uuid> =
        found.iter().map(|(chunk, _)| chunk.document).take_while(|document| *document != page).collect();
    Ok(before.len() + 1)
}

/// Nothing without an embedder.
fn embed_all<E>(embed: Embed<'_, E>, texts: Vec<String>) -> Result<Option<Vec<Vector>>, EvalError<E>> {
    embed.map(|embed| embed(texts)).transpose().map_err(EvalError::Embed)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of questions")]
fn count(questions: usize) -> f64 {
    questions as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: &str, title: &str, text: &str) -> Page {
        Page { id: id.into(), title: title.into(), text: text.into() }
    }

    fn question(q: &str, doc_id: &str) -> Question {
        Question { q: q.into(), doc_id: doc_id.into() }
    }

    #[test]
    fn pages_are_found_by_their_words_without_a_model() {
        let pages = [
            page("a", "Opening hours", "We are open from nine to five.\n\nClosed on Sundays."),
            page("b", "Passwords", "Reset a password from the sign-in page."),
            page("c", "Fees", "A transfer costs one euro."),
        ];
        let questions =
            [question("sunday opening", "a"), question("resetting my password", "b"), question("Fees", "c")];
        let report = retrieval::<String>(&pages, &questions, None).unwrap();
        assert!((report.recall_at_1 - 1.0).abs() < 1e-9 && (report.mrr - 1.0).abs() < 1e-9, "{report:?}");
        assert_eq!(report.mode, "text");

        let lost = retrieval::<String>(&pages, &[question("x", "z")], None).unwrap_err();
        assert_eq!(lost.to_string(), "question 1 is about `z`, and there is no such page");
        assert!(matches!(retrieval::<String>(&pages, &[], None), Err(EvalError::Empty)));
    }
}
