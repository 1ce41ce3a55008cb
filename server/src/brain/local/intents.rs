//! The intent head: which of a preset's intents a message has, learned from the preset's examples.
//!
//! One linear classifier over the words and the pieces of words of a text, with the numbers of its embedding beside
//! them where there is a model. Invariant: the same examples in the same order give the same head.

mod cache;
mod calibration;
mod features;
mod neighbours;
mod softmax;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::vector::Vector;
pub use cache::{Key, load, store};
use calibration::Calibration;
use features::{Row, Vocabulary};
use neighbours::Neighbours;
use softmax::Weights;

/// Trained, and ready to answer from any thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntentHead {
    /// In alphabetical order; the classifier knows them by their place.
    labels: Vec<String>,
    vocabulary: Vocabulary,
    /// How much the embedding counts beside the words.
    strength: f32,
    learned: Learned,
    calibration: Calibration,
}

/// A text whose intent is known.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    pub text: &'a str,
    pub label: &'a str,
    /// All examples have one, or none has.
    pub vector: Option<&'a Vector>,
}

/// What the head thinks of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked<'a> {
    pub label: &'a str,
    /// That `label` is right, where one message in five has none of the intents: one threshold tells both a wrong
    /// intent and a question about something else.
    pub probability: f32,
    /// The first label's share before the second's, if it is one of them: 0 is a tie.
    pub margin: f32,
    pub second: &'a str,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    #[error("there must be examples of at least two intents")]
    TooFewLabels,
    #[error("example {0} has an embedding of another width than the first")]
    Vectors(usize),
}

impl IntentHead {
    /// Learns from all examples; a second or two for ten thousand. The examples' order is part of the result.
    pub fn train(examples: &[Example<'_>]) -> Result<Self, TrainError> {
        let width = |example: &Example<'_>| example.vector.map_or(0, |vector| vector.as_slice().len());
        let dimensions = examples.first().map_or(0, width);
        if let Some(odd) = examples.iter().position(|example| width(example) != dimensions) {
            return Err(TrainError::Vectors(odd));
        }
        let mut places: BTreeMap<&str, usize> = examples.iter().map(|example| (example.label, 0)).collect();
        places.values_mut().enumerate().for_each(|(at, place)| *place = at);
        if places.len() < 2 {
            return Err(TrainError::TooFewLabels);
        }
        let truths: Vec<usize> = examples.iter().map(|example| places[example.label]).collect();
        let texts: Vec<&str> = examples.iter().map(|example| example.text).collect();
        let vocabulary = Vocabulary::learn(&texts);
        let strength = strength(examples.len(), places.len());
        let rows: Vec<Row> =
            examples.iter().map(|example| row(&vocabulary, strength, example.text, example.vector)).collect();
        let learn = |chosen: &[usize]| Learned {
            weights: Weights::learn(&rows, &truths, chosen, vocabulary.len(), places.len(), dimensions),
            neighbours: Neighbours::learn(
                chosen.iter().filter_map(|at| Some((examples[*at].vector?.as_slice(), truths[*at]))),
            ),
        };
        let calibration = Calibration::measure(&rows, &truths, places.len(), learn);
        let all: Vec<usize> = (0..rows.len()).collect();
        let learned = learn(&all);
        let labels = places.into_keys().map(str::to_owned).collect();
        Ok(Self { labels, vocabulary, strength, learned, calibration })
    }

    /// Ranks the intents for a text. Without the vector that the head was trained with, the words alone answer,
    /// and less surely.
    pub fn classify(&self, text: &str, vector: Option<&Vector>) -> Ranked<'_> {
        let vector = vector.filter(|vector| vector.as_slice().len() == self.learned.weights.dimensions());
        let row = row(&self.vocabulary, self.strength, text, vector);
        let judged = self.learned.judge(&row, self.labels.len());
        Ranked {
            label: &self.labels[judged.first],
            probability: self.calibration.probability(judged.confidence),
            margin: judged.margin,
            second: &self.labels[judged.second],
        }
    }

    #[cfg(test)]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    #[cfg(test)]
    /// Whether it was trained with embeddings, and wants one with each text.
    pub fn wants_vectors(&self) -> bool {
        self.learned.weights.dimensions() > 0
    }

    fn is_whole(&self) -> bool {
        let (terms, labels) = (self.vocabulary.len(), self.labels.len());
        labels >= 2
            && self.vocabulary.is_whole()
            && self.learned.weights.is_whole(terms, labels)
            && self.learned.neighbours.is_whole(labels)
    }
}

/// What is learned from a choice of examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Learned {
    weights: Weights,
    neighbours: Neighbours,
}

/// What is made of one text, labels by their places.
struct Judged {
    first: usize,
    second: usize,
    margin: f32,
    /// Rises with the evidence for the first label, and with its distance from the others.
    confidence: f32,
}

impl Learned {
    fn judge(&self, row: &Row, labels: usize) -> Judged {
        let mut scores = self.weights.evaluate(row, labels);
        self.neighbours.add_to(&mut scores, &row.dense);
        let mut ranking: Vec<usize> = (0..labels).collect();
        ranking.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let (first, second) = (ranking[0], ranking[1]);
        let best = scores[first];
        let log_sum = softmax::soften(&mut scores);
        Judged {
            first,
            second,
            margin: scores[first] - scores[second],
            // Half the score, half the logarithm of the share. The score alone misses a tie between two intents; the
            // share alone calls a sliver of evidence certain when nothing speaks for the others.
            confidence: best - 0.5 * log_sum,
        }
    }
}

/// A label as a person would say it: `card_arrival` is one more example of itself, and with few examples a good one.
/// None where it holds no word.
pub fn spoken(label: &str) -> Option<String> {
    let mut words = String::new();
    let mut before = ' ';
    for letter in label.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase().filter(|letter| letter.is_alphanumeric()));
        before = letter;
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    let says_something = |word: &&str| word.chars().filter(|letter| letter.is_alphabetic()).count() >= 3;
    words.iter().any(says_something).then(|| words.join(" "))
}

/// Few examples hold few of the words that people use, and the embedding, which knows the others, counts for more.
/// Measured: 1.5 is best with a hundred examples an intent, 2.5 with ten.
#[expect(clippy::cast_precision_loss, reason = "numbers of examples")]
fn strength(examples: usize, labels: usize) -> f32 {
    let each = examples as f32 / labels as f32;
    (50.0 / each).cbrt().clamp(1.0, 2.0) * 1.5
}

fn row(vocabulary: &Vocabulary, strength: f32, text: &str, vector: Option<&Vector>) -> Row {
    Row { terms: vocabulary.read(text), dense: vector.map_or(&[][..], Vector::as_slice).to_vec(), strength }
}

#[cfg(test)]
mod tests;
