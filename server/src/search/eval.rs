//! How well questions find their pages, by the rules that answer `knowledge.search`.
//!
//! Invariant: a page stands as high as its best passage.

use std::collections::HashMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::passage;
use super::rank::{Candidate, Rarity, Scan, Words, rank};
use crate::domain::vector::{DIMENSIONS, Vector};

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

/// `cut` makes passages of a page's text, as an import does.
pub fn retrieval<E>(
    pages: &[Page],
    questions: &[Question],
    cut: impl Fn(&Page) -> Vec<String>,
    embed: Embed<'_, E>,
) -> Result<Report, EvalError<E>> {
    let known: HashMap<&str, usize> = pages.iter().enumerate().map(|(at, page)| (page.id.as_str(), at)).collect();
    let unknown = |(_, question): &(usize, &Question)| !known.contains_key(question.doc_id.as_str());
    if let Some((at, question)) = questions.iter().enumerate().find(unknown) {
        return Err(EvalError::Unknown { at: at + 1, id: question.doc_id.clone() });
    }
    if questions.is_empty() {
        return Err(EvalError::Empty);
    }
    let shelf = Shelf::fill(pages, cut, embed)?;
    let mut places = Vec::new();
    let begin = Instant::now();
    for question in questions {
        places.push(shelf.place(&question.q, known[question.doc_id.as_str()], embed)?);
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

/// All passages, as both legs see them.
struct Shelf {
    passages: Vec<Passage>,
    rarity: Rarity,
    scan: Scan<usize>,
}

struct Passage {
    page: usize,
    title: Words,
    text: Words,
}

impl Shelf {
    fn fill<E>(
        pages: &[Page],
        cut: impl Fn(&Page) -> Vec<String>,
        embed: Embed<'_, E>,
    ) -> Result<Self, EvalError<E>> {
        let mut passages = Vec::new();
        let mut scan = Scan::new(DIMENSIONS);
        for (at, page) in pages.iter().enumerate() {
            for text in cut(page) {
                if let Some(embed) = embed {
                    let vectors = embed(passage::readings(&page.title, &text)).map_err(EvalError::Embed)?;
                    if let Some(vector) = passage::blend(&page.title, &vectors) {
                        scan.add(passages.len(), &vector);
                    }
                }
                passages.push(Passage { page: at, title: Words::of(&page.title), text: Words::of(&text) });
            }
        }
        let rarity = Rarity::of(passages.iter().flat_map(|passage| [&passage.title, &passage.text]));
        Ok(Self { passages, rarity, scan })
    }

    /// The place of a page among all, 1 the first.
    fn place<E>(&self, question: &str, page: usize, embed: Embed<'_, E>) -> Result<usize, EvalError<E>> {
        let mut cosines: HashMap<usize, f32> = HashMap::new();
        if let Some(embed) = embed {
            let vectors = embed(vec![question.to_owned()]).map_err(EvalError::Embed)?;
            if let Some(vector) = vectors.first() {
                cosines.extend(self.scan.nearest(vector, self.passages.len(), |_| true));
            }
        }
        let candidates = self.passages.iter().enumerate().map(|(at, passage)| Candidate {
            id: passage.page,
            title: passage.title.clone(),
            text: passage.text.clone(),
            cosine: cosines.get(&at).copied(),
        });
        let ranked = rank(&Words::of(question), &self.rarity, candidates, self.passages.len());
        let mut before: Vec<usize> = ranked.iter().map(|ranked| ranked.id).take_while(|id| *id != page).collect();
        before.sort_unstable();
        before.dedup();
        Ok(before.len() + 1)
    }
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
        let cut = |page: &Page| page.text.split("\n\n").map(str::to_owned).collect();
        let questions = [question("sunday opening", "a"), question("resetting my password", "b"), question("Fees", "c")];
        let report = retrieval::<String>(&pages, &questions, cut, None).unwrap();
        assert!((report.recall_at_1 - 1.0).abs() < 1e-9 && (report.mrr - 1.0).abs() < 1e-9, "{report:?}");
        assert_eq!(report.mode, "text");

        let lost = retrieval::<String>(&pages, &[question("x", "z")], cut, None).unwrap_err();
        assert_eq!(lost.to_string(), "question 1 is about `z`, and there is no such page");
        assert!(matches!(retrieval::<String>(&pages, &[], cut, None), Err(EvalError::Empty)));
    }
}
