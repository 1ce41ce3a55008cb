//! The classifier: multinomial logistic regression, trained by stochastic gradient descent.
//!
//! Invariant: the scores of all labels for one feature lie side by side, so that a step is a run of plain additions
//! over them, as wide as the processor (`wide!`). Order and steps are fixed: the result is the same each time.

use serde::{Deserialize, Serialize};

use super::features::Row;
use crate::domain::vector::wide;

/// Feature by label: first those of the embedding, then the terms, then the bias.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Weights {
    values: Vec<f32>,
    /// How many labels a feature has room for.
    width: usize,
    /// How many numbers an embedding has; 0 without a model.
    dimensions: usize,
}

/// The labels are padded to this, so that no loop has a rest.
const LANES: usize = 16;

/// How little the weights are held back: C in the words of other libraries.
const LOOSE: f32 = 30.0;

/// Passes over the examples: few when they are many, and at least as many as make this number of steps.
const PASSES: std::ops::RangeInclusive<usize> = 15..=60;
const STEPS: usize = 10_000;

/// The first step, against the square of the length of an example; then down to nothing in a straight line.
const STEP: f32 = 2.5;

/// By how much the right label must be ahead before an example is content: it is worth a little on all sets.
const LEAD: f32 = 2.0;

impl Weights {
    /// Learns from the chosen rows.
    #[expect(clippy::cast_precision_loss, reason = "numbers of steps")]
    pub fn learn(
        rows: &[Row],
        truths: &[usize],
        chosen: &[usize],
        terms: usize,
        labels: usize,
        dimensions: usize,
    ) -> Self {
        let width = labels.next_multiple_of(LANES);
        let mut this = Self { values: vec![0.0; (dimensions + terms + 1) * width], width, dimensions };
        let passes = (STEPS / chosen.len().max(1)).clamp(*PASSES.start(), *PASSES.end());
        let total = (passes * chosen.len()) as f32;
        let held = 1.0 / (LOOSE * chosen.len() as f32);
        let longest = chosen.iter().map(|at| rows[*at].square()).fold(0.0, f32::max) + 1.0;
        let mut order = chosen.to_vec();
        let mut random = Random(0x5eed);
        let mut shares = vec![0.0; width];
        // Holding back all weights at each step is one number, multiplied in at the end.
        let mut scale = 1.0_f32;
        let mut taken = 0.0_f32;
        for _ in 0..passes {
            random.shuffle(&mut order);
            wide!({
                for &at in &order {
                    let step = STEP / longest * (1.0 - taken / total);
                    taken += 1.0;
                    this.scores(&rows[at], &mut shares);
                    scale_all(&mut shares, scale);
                    shares[truths[at]] -= LEAD;
                    soften(&mut shares[..labels]);
                    scale *= 1.0 - step * held;
                    // What it should have said, less what it said.
                    scale_all(&mut shares, -step / scale);
                    shares[truths[at]] += step / scale;
                    this.add(&rows[at], &shares);
                }
            });
        }
        scale_all(&mut this.values, scale);
        this
    }

    /// One score a label.
    pub fn evaluate(&self, row: &Row, labels: usize) -> Vec<f32> {
        let mut scores = vec![0.0; self.width];
        wide!(self.scores(row, &mut scores));
        scores.truncate(labels);
        scores
    }

    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Whether it fits the terms and the labels, as after reading from a file.
    pub fn is_whole(&self, terms: usize, labels: usize) -> bool {
        self.width == labels.next_multiple_of(LANES)
            && self.values.len() == (self.dimensions + terms + 1) * self.width
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
    fn scores(&self, row: &Row, scores: &mut [f32]) {
        let feature = |at: usize| &self.values[at * self.width..(at + 1) * self.width];
        let bias = self.values.len() / self.width - 1;
        scores.copy_from_slice(feature(bias));
        for (at, value) in row.dense.iter().enumerate() {
            add(scores, *value * row.strength, feature(at));
        }
        let start = self.dimensions;
        for (at, value) in &row.terms {
            add(scores, *value, feature(start + *at as usize));
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
    fn add(&mut self, row: &Row, change: &[f32]) {
        let start = self.dimensions;
        let (width, bias) = (self.width, self.values.len() / self.width - 1);
        let mut feature =
            |at: usize, value| add(&mut self.values[at * width..(at + 1) * width], value, change);
        feature(bias, 1.0);
        for (at, value) in row.dense.iter().enumerate() {
            feature(at, *value * row.strength);
        }
        for (at, value) in &row.terms {
            feature(start + *at as usize, *value);
        }
    }
}

impl Row {
    fn square(&self) -> f32 {
        let dense: f32 = self.dense.iter().map(|value| value * value).sum();
        self.terms.iter().map(|(_, value)| value * value).sum::<f32>() + dense * self.strength * self.strength
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
fn add(sums: &mut [f32], factor: f32, values: &[f32]) {
    for (sums, values) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(values.as_chunks::<LANES>().0) {
        // On a copy, which the compiler sees to be apart from the values.
        let mut changed = *sums;
        for lane in 0..LANES {
            changed[lane] += factor * values[lane];
        }
        *sums = changed;
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
fn scale_all(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

/// Scores into shares of 1; returns the logarithm of the sum of their powers.
pub(super) fn soften(scores: &mut [f32]) -> f32 {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - highest).exp();
        sum += *score;
    }
    scale_all(scores, 1.0 / sum);
    highest + sum.ln()
}

/// `SplitMix64`: enough to shuffle with, and the same for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a usize")]
    fn shuffle(&mut self, values: &mut [usize]) {
        for last in (1..values.len()).rev() {
            values.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
