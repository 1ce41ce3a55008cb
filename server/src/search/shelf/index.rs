//! One workspace's things of one kind in memory: searched in a pass over all of them, by words and by meaning.
//!
//! Invariant: vectors of different embedders are never compared. A new state of the things is a new index, made of the
//! parts that have not changed and those that have; nobody sees one that is half new.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::kind::{Made, Piece, Place};
use super::words::{Bag, Shared, Words};
use crate::domain::vector::{Vector, dot, wide};

pub struct Index<P> {
    /// All changes up to this one are in it.
    pub stamp: i64,
    documents: HashMap<Uuid, Arc<Document<P>>>,
    /// Every piece: its document, and which of its pieces it is.
    places: Vec<(Arc<Document<P>>, u32)>,
    words: Words,
    /// Only words are here: texts and vectors are in the database, which finds the nearest itself.
    pub is_slim: bool,
    bytes: usize,
}

/// A document with its pieces.
#[derive(Debug)]
pub struct Document<P> {
    pub id: Uuid,
    pub version: i64,
    pieces: Vec<Filed<P>>,
}

#[derive(Debug)]
struct Filed<P> {
    piece: P,
    sense: Option<Made>,
    bag: Bag,
}

/// What is searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Hybrid,
    Vector,
    Text,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Query<F> {
    pub text: String,
    /// What the text means, and to which embedder.
    pub vector: Option<(Vector, &'static str)>,
    pub limit: usize,
    pub filter: F,
    pub mode: Mode,
    /// Also what has nothing in common with the question, behind all that has.
    pub all: bool,
    /// Only what scores at least so much.
    pub least: f32,
}

/// Of a piece that waits for its vector, or shares no word, the other half speaks; no word is as sure as a meaning. Beside
/// a meaning words count as far as the piece holds the question: whoever asks in other words shares the wrong ones with
/// the wrong page.
const BY_MEANING: f32 = 0.8;
const BY_WORDS: f32 = 0.2;
/// A score by words that is worth half of what there is.
const HALF: f32 = 5.0;
/// Of a meaning, what the one part says that is most like the question: it may be the only one that answers it.
const BY_BEST_PART: f32 = 0.2;

/// How well a piece fits: 0 to 1. `likeness` is nothing where it has no meaning to compare.
pub fn score(mode: Mode, likeness: Option<f32>, shared: Shared) -> f32 {
    let words = shared.score / (shared.score + HALF);
    let score = match mode {
        Mode::Text => words,
        Mode::Vector => likeness.unwrap_or(0.0),
        Mode::Hybrid => {
            BY_MEANING * likeness.unwrap_or(BY_MEANING * words).max(0.0) + BY_WORDS * shared.held * words
        }
    };
    // A product of two unit vectors may be a hair beyond one.
    score.min(1.0)
}

impl<F> Query<F> {
    /// How near a piece's meaning is; nothing where it has none that can be compared, or none is asked for.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "so that a caller compiled for a wider processor takes it along")]
    pub fn likeness(&self, of: Option<&Made>) -> Option<f32> {
        let (asked, embedder) = self.vector.as_ref().filter(|_| self.mode != Mode::Text)?;
        let (own, made_by) = of?;
        let (numbers, whole) = (asked.as_slice(), own.whole.as_slice());
        if made_by != embedder || numbers.len() != whole.len() {
            return None;
        }
        let whole = dot(numbers, whole);
        let best = own.parts.nearest(asked).unwrap_or(whole);
        Some((1.0 - BY_BEST_PART) * whole + BY_BEST_PART * best)
    }

    /// Whether a piece is an answer at all, and how good a one.
    pub fn judge(&self, mode: Mode, likeness: Option<f32>, shared: Shared) -> Option<f32> {
        let fits = match mode {
            Mode::Vector => likeness.is_some(),
            Mode::Text => shared.score > 0.0,
            Mode::Hybrid => likeness.is_some() || shared.score > 0.0,
        };
        let score = score(mode, likeness, shared);
        ((fits || self.all) && score.max(0.0) >= self.least).then_some(score)
    }
}

impl<P: Piece> Document<P> {
    /// Of its pieces in their order. A slim one forgets all but the words.
    pub fn of(pieces: Vec<P>, is_slim: bool) -> Option<Self> {
        let first = pieces.first()?;
        let id = first.place().0;
        // A page read later may have seen a later change; what is older is read again.
        let version = pieces.iter().map(Piece::version).min()?;
        let file = |mut piece: P| {
            let (bag, sense) = (piece.bag(), piece.take_sense().filter(|_| !is_slim));
            if is_slim {
                piece.forget_texts();
            }
            Filed { piece, sense, bag }
        };
        Some(Self { id, version, pieces: pieces.into_iter().map(file).collect() })
    }

    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    fn bytes(&self) -> usize {
        let filed = |filed: &Filed<P>| {
            let numbers = |(sense, _): &Made| sense.whole.as_slice().len() * 4 + sense.parts.as_bytes().len();
            let sense = filed.sense.as_ref().map_or(0, |sense| numbers(sense) + 48);
            200 + filed.piece.bytes() + sense + filed.bag.bytes()
        };
        self.pieces.iter().map(filed).sum()
    }
}

impl<P> Default for Index<P> {
    fn default() -> Self {
        Self {
            stamp: 0,
            documents: HashMap::new(),
            places: Vec::new(),
            words: Words::default(),
            is_slim: false,
            bytes: 0,
        }
    }
}

impl<P: Piece> Index<P> {
    pub fn new(stamp: i64, documents: Vec<Arc<Document<P>>>, is_slim: bool, least_texts: usize) -> Self {
        let places: Vec<_> = documents
            .iter()
            .flat_map(|document| (0..).zip(&document.pieces).map(|(piece, _)| (document.clone(), piece)))
            .collect();
        let bags = places.iter().map(|(document, piece)| &document.pieces[*piece as usize].bag);
        let words = Words::of(bags, least_texts);
        let bytes = documents.iter().map(|document| document.bytes()).sum();
        let documents = documents.into_iter().map(|document| (document.id, document)).collect();
        Self { stamp, documents, places, words, is_slim, bytes }
    }

    /// The document as it is here, if it is of that version.
    pub fn kept(&self, id: Uuid, version: i64) -> Option<&Arc<Document<P>>> {
        self.documents.get(&id).filter(|document| document.version == version)
    }

    pub fn pieces(&self) -> usize {
        self.places.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The best pieces, the best first, each with its score, and how they were found. A query by meaning alone does not
    /// see pieces without a vector; one by words not those that share none.
    pub fn search(&self, query: &Query<P::Filter>) -> (Vec<(P, f32)>, Mode) {
        let by_words = if query.mode == Mode::Vector { HashMap::new() } else { self.words.ask(&query.text) };
        let compared = self.compare(query);
        let is_compared = compared.iter().any(|(_, likeness)| likeness.is_some());
        let mode = if is_compared { query.mode } else { Mode::Text };
        // Asked by meaning where there is none yet: words are the next best.
        if mode == Mode::Text && query.mode == Mode::Vector {
            return self.search(&Query { mode: Mode::Text, ..query.clone() });
        }
        let judged = compared.into_iter().filter_map(|(place, likeness)| {
            let shared = by_words.get(&place).copied().unwrap_or_default();
            Some((query.judge(mode, likeness, shared)?, place))
        });
        let mut scored: Vec<(f32, u32)> = judged.collect();
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if scored.len() > query.limit && query.limit > 0 {
            scored.select_nth_unstable_by(query.limit - 1, order);
        }
        scored.truncate(query.limit);
        scored.sort_unstable_by(order);
        (scored.into_iter().map(|(score, place)| (self.filed(place).piece.clone(), score)).collect(), mode)
    }

    /// Every piece that passes the filter, with how near its meaning is.
    fn compare(&self, query: &Query<P::Filter>) -> Vec<(u32, Option<f32>)> {
        wide!({
            let mut compared = Vec::new();
            for (place, (document, piece)) in (0..).zip(&self.places) {
                let filed = &document.pieces[*piece as usize];
                if filed.piece.passes(&query.filter) {
                    compared.push((place, query.likeness(filed.sense.as_ref())));
                }
            }
            compared
        })
    }

    /// By words alone: how well each piece fits that shares one, and which they are.
    pub fn by_words(&self, query: &Query<P::Filter>) -> HashMap<Place, Shared> {
        let found = self.words.ask(&query.text).into_iter().filter_map(|(place, shared)| {
            let piece = &self.filed(place).piece;
            piece.passes(&query.filter).then(|| (piece.place(), shared))
        });
        found.collect()
    }

    /// The first places that pass the filter, as many as `limit`, without those in `but`.
    pub fn passing(&self, filter: &P::Filter, limit: usize, but: &HashSet<Place>) -> Vec<Place> {
        let pieces = self.places.iter().map(|(document, piece)| &document.pieces[*piece as usize].piece);
        let passing = pieces.filter(|piece| piece.passes(filter)).map(Piece::place);
        passing.filter(|place| !but.contains(place)).take(limit).collect()
    }

    fn filed(&self, place: u32) -> &Filed<P> {
        let (document, piece) = &self.places[place as usize];
        &document.pieces[*piece as usize]
    }
}

#[cfg(test)]
mod tests;
