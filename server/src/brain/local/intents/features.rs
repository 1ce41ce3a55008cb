//! What is counted in a text: words, pairs of words, and pieces of two to four letters within words, which forgive
//! spelling and inflection. Each weighs the more the rarer it is (TF-IDF).
//!
//! Invariant: words and pieces are two blocks of length 1 at most, whatever the length of the text.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The terms of the examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Vocabulary {
    /// By the hash of a term: two of them meeting in 64 bits is not worth a string each.
    places: HashMap<u64, u32>,
    /// By place.
    weights: Vec<f32>,
    /// Of a term that no example has.
    unknown: f32,
}

/// A text as numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub terms: Vec<(u32, f32)>,
    /// The embedding, of length 1, or nothing.
    pub dense: Vec<f32>,
    /// How much it counts beside the terms.
    pub strength: f32,
}

/// Pieces of words, in letters.
const PIECES: std::ops::RangeInclusive<usize> = 2..=4;

/// With this many examples, what only one of them says is chance, and most of the memory.
const MANY: usize = 2_000;

/// How much a term that is not known takes away from those that are: a question about something else shares its
/// common words with the examples, and must not look as if it consisted of them.
const UNKNOWN: f32 = 0.5;

impl Vocabulary {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "numbers of texts and terms"
    )]
    pub fn learn(texts: &[&str]) -> Self {
        let mut seen: HashMap<u64, u32> = HashMap::new();
        for text in texts {
            for block in terms(text) {
                for (term, _) in block {
                    *seen.entry(term).or_default() += 1;
                }
            }
        }
        let least = if texts.len() < MANY { 1 } else { 2 };
        let mut seen: Vec<(u64, u32)> = seen.into_iter().filter(|(_, texts)| *texts >= least).collect();
        seen.sort_unstable();
        let rarity = |with: f32| ((1.0 + texts.len() as f32) / (1.0 + with)).ln() + 1.0;
        Self {
            places: seen.iter().enumerate().map(|(at, (term, _))| (*term, at as u32)).collect(),
            weights: seen.iter().map(|(_, texts)| rarity(*texts as f32)).collect(),
            unknown: rarity(0.0) * UNKNOWN,
        }
    }

    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether each place has its weight, as after reading from a file.
    pub fn is_whole(&self) -> bool {
        self.places.len() == self.weights.len()
            && self.places.values().all(|at| (*at as usize) < self.weights.len())
    }

    pub fn read(&self, text: &str) -> Vec<(u32, f32)> {
        let mut row = Vec::new();
        for block in terms(text) {
            let start = row.len();
            let mut square = 0.0_f32;
            for (term, count) in block {
                // The tenth mention says little more than the first.
                let times = 1.0 + count.ln();
                if let Some(place) = self.places.get(&term) {
                    let weight = times * self.weights[*place as usize];
                    row.push((*place, weight));
                    square += weight * weight;
                } else {
                    square += (times * self.unknown).powi(2);
                }
            }
            let length = square.sqrt();
            for (_, weight) in &mut row[start..] {
                *weight /= length;
            }
        }
        row
    }
}

/// The words of a text and the pieces of its words, each with how often it is there.
fn terms(text: &str) -> [Vec<(u64, f32)>; 2] {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.chars().nth(1).is_some())
        .collect();
    let mut whole: Vec<u64> = words.iter().map(|word| hash(&[word])).collect();
    whole.extend(words.windows(2).map(hash));

    let mut pieces = Vec::new();
    let mut padded = String::new();
    let mut starts = Vec::new();
    for word in text.split_whitespace() {
        padded.clear();
        padded.push(' ');
        padded.push_str(word);
        padded.push(' ');
        starts.clear();
        starts.extend(padded.char_indices().map(|(at, _)| at));
        starts.push(padded.len());
        for length in PIECES {
            // A word that is no longer than the piece is one piece, once.
            if starts.len() <= length + 1 {
                pieces.push(hash(&[PIECE, &padded]));
                break;
            }
            pieces.extend(
                starts.windows(length + 1).map(|piece| hash(&[PIECE, &padded[piece[0]..piece[length]]])),
            );
        }
    }
    [counted(whole), counted(pieces)]
}

/// Keeps pieces apart from words.
const PIECE: &str = "\u{0}";

/// In the order of the hashes, so that sums come out the same each time.
fn counted(mut terms: Vec<u64>) -> Vec<(u64, f32)> {
    terms.sort_unstable();
    let mut counted: Vec<(u64, f32)> = Vec::with_capacity(terms.len());
    for term in terms {
        match counted.last_mut() {
            Some((last, count)) if *last == term => *count += 1.0,
            _ => counted.push((term, 1.0)),
        }
    }
    counted
}

/// FNV-1a: the same on every machine and in every version, unlike the standard library's, and a cache outlives both.
fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_two_blocks_of_length_one() {
        let texts = ["Where is my card?", "Is my card on its way?"];
        let vocabulary = Vocabulary::learn(&texts);
        for text in texts {
            let square: f32 = vocabulary.read(text).iter().map(|(_, weight)| weight * weight).sum();
            assert!((square - 2.0).abs() < 1e-5, "{square}");
        }
        let other: f32 =
            vocabulary.read("my uncle plays golf").iter().map(|(_, weight)| weight * weight).sum();
        assert!(other < 1.2, "unknown words count: {other}");
    }

    #[test]
    fn case_and_order_of_terms_do_not_matter_and_spelling_is_forgiven() {
        let vocabulary = Vocabulary::learn(&["card arrival", "password"]);
        assert_eq!(vocabulary.read("CARD Arrival"), vocabulary.read("card arrival"));
        assert!(!vocabulary.read("passwort").is_empty());
        assert!(vocabulary.read("").is_empty());
        assert!(vocabulary.read("🦀").iter().all(|(_, weight)| weight.is_finite()));
    }

    #[test]
    fn what_one_of_many_texts_says_is_left_out() {
        let mut texts = vec!["card"; MANY];
        texts[7] = "zeppelin";
        assert!(Vocabulary::learn(&texts).read("zeppelin").is_empty());
        assert!(!Vocabulary::learn(&texts[..10]).read("zeppelin").is_empty());
    }
}
