//! From the classifier's confidence to a probability that can be read as one.
//!
//! What the head knows it has seen, so it is measured on what it has not: examples are held out, and whole intents
//! are hidden, whose examples then stand for questions about something else.

use serde::{Deserialize, Serialize};

use super::Learned;
use super::features::Row;

/// A logistic curve over the confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    slope: f32,
    offset: f32,
}

/// A confidence that was measured: whether the label was right, and how much that counts.
struct Trial {
    confidence: f32,
    right: bool,
    weight: f32,
}

/// One part in so many is held out at a time.
const PARTS: usize = 5;

/// With so many examples one part says enough; with fewer each is held out in turn.
const ENOUGH: usize = 2_000;

/// How many messages are about something else, of all that come.
const ELSEWHERE: f32 = 0.2;

/// Measured on the shipped presets; for two intents, of which none can be hidden.
const USUAL: Calibration = Calibration { slope: 1.0, offset: -1.0 };

impl Calibration {
    pub fn probability(self, confidence: f32) -> f32 {
        1.0 / (1.0 + (-self.slope * confidence - self.offset).exp())
    }

    /// Trains with `learn` on parts of the rows, and tries the rest.
    pub fn measure(
        rows: &[Row],
        truths: &[usize],
        labels: usize,
        learn: impl Fn(&[usize]) -> Learned,
    ) -> Self {
        if labels < 3 {
            return USUAL;
        }
        let parts = if rows.len() < ENOUGH { PARTS.min(labels) } else { 1 };
        let mut seen = vec![0_usize; labels];
        let turn: Vec<usize> = truths
            .iter()
            .map(|truth| {
                seen[*truth] += 1;
                seen[*truth] % PARTS
            })
            .collect();
        let (mut known, mut elsewhere) = (Vec::new(), Vec::new());
        for part in 0..parts {
            let hidden = |at: usize| truths[at] % PARTS == part;
            let held_out = |at: usize| turn[at] == part;
            let (tried, learned): (Vec<usize>, Vec<usize>) =
                (0..rows.len()).partition(|at| hidden(*at) || held_out(*at));
            if learned.is_empty() {
                continue;
            }
            let learned = learn(&learned);
            for at in tried {
                let judged = learned.judge(&rows[at], labels);
                let list = if hidden(at) { &mut elsewhere } else { &mut known };
                list.push((judged.confidence, judged.first == truths[at]));
            }
        }
        if known.is_empty() || elsewhere.is_empty() {
            return USUAL;
        }
        let mut trials = weighted(&known, 1.0 - ELSEWHERE);
        trials.extend(weighted(&elsewhere, ELSEWHERE));
        Self::fit(&trials)
    }

    /// Newton's method on the likelihood, held back a little: a perfect separation is not certainty.
    fn fit(trials: &[Trial]) -> Self {
        const HELD: f32 = 0.01;
        let mut fit = USUAL;
        for _ in 0..50 {
            let (mut by_slope, mut by_offset) =
                (HELD * (fit.slope - USUAL.slope), HELD * (fit.offset - USUAL.offset));
            let (mut slope_slope, mut slope_offset, mut offset_offset) = (HELD, 0.0, HELD);
            for trial in trials {
                let x = trial.confidence;
                let p = fit.probability(x);
                let error = trial.weight * (p - f32::from(u8::from(trial.right)));
                let bend = trial.weight * p * (1.0 - p);
                by_slope += error * x;
                by_offset += error;
                slope_slope += bend * x * x;
                slope_offset += bend * x;
                offset_offset += bend;
            }
            let determinant = slope_slope * offset_offset - slope_offset * slope_offset;
            let mut slope_step = (offset_offset * by_slope - slope_offset * by_offset) / determinant;
            let mut offset_step = (slope_slope * by_offset - slope_offset * by_slope) / determinant;
            // Far from the end a full step may overshoot.
            let long = slope_step.abs().max(offset_step.abs() / 4.0);
            if long > 0.5 {
                slope_step *= 0.5 / long;
                offset_step *= 0.5 / long;
            }
            fit.slope -= slope_step;
            fit.offset -= offset_step;
        }
        // More confidence is never less likely to be right; a curve that says so was fitted to chance.
        if fit.slope.is_finite() && fit.offset.is_finite() && fit.slope > 0.05 { fit } else { USUAL }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of examples")]
fn weighted(tried: &[(f32, bool)], share: f32) -> Vec<Trial> {
    let weight = share / tried.len() as f32;
    tried.iter().map(|(confidence, right)| Trial { confidence: *confidence, right: *right, weight }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(confidence: f32, right: bool) -> Trial {
        Trial { confidence, right, weight: 0.01 }
    }

    #[test]
    fn the_curve_follows_what_was_measured() {
        // Around 2, one in two is right; around 4, nine in ten.
        let mut trials: Vec<Trial> = (0..50).map(|at| trial(2.0, at % 2 == 0)).collect();
        trials.extend((0..50).map(|at| trial(4.0, at % 10 != 0)));
        let fit = Calibration::fit(&trials);
        assert!((fit.probability(2.0) - 0.5).abs() < 0.05, "{fit:?}");
        assert!((fit.probability(4.0) - 0.9).abs() < 0.05, "{fit:?}");
    }

    #[test]
    fn perfect_and_senseless_measurements_leave_a_curve() {
        for trials in [
            (0..20_u8).map(|at| trial(f32::from(at), at >= 10)).collect::<Vec<_>>(),
            (0..20_u8).map(|at| trial(f32::from(at), at < 10)).collect(),
            (0..20).map(|_| trial(1.0, true)).collect(),
        ] {
            let fit = Calibration::fit(&trials);
            let curve: Vec<f32> = (0..20_u8).map(|at| fit.probability(f32::from(at))).collect();
            assert!(curve.is_sorted() && curve.iter().all(|p| (0.0..=1.0).contains(p)), "{fit:?}");
        }
    }
}
