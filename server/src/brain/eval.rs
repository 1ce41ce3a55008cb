//! How well a preset's intents are told apart, so that users measure before their customers do.
//!
//! Invariant: what is tested on is never learned from, and the threshold is chosen on validation texts alone.

use std::time::Instant;

use serde::Serialize;

use super::local::intents::{Example, IntentHead, Ranked, TrainError, spoken};
use crate::domain::vector::Vector;

/// The texts to learn from and to be tested on.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    pub train: Vec<Labelled>,
    pub test: Vec<Labelled>,
    /// With no intent at all.
    pub elsewhere: Vec<String>,
    pub validation: Vec<Labelled>,
    pub validation_elsewhere: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    pub text: String,
    pub label: String,
}

/// Numbers from 0 to 1; what the given files do not tell is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Of the test's texts, with no threshold.
    pub accuracy: f64,
    /// Right, and over the threshold.
    pub in_scope_accuracy: Option<f64>,
    /// Of the texts with no intent: under the threshold.
    pub oos_recall: Option<f64>,
    /// That a text with an intent has more probability than one without.
    pub auroc: Option<f64>,
    /// Embedding included.
    pub ms_per_query: f64,
}

#[derive(Debug, thiserror::Error)]
pub enum EvalError<E> {
    #[error(transparent)]
    Train(TrainError),
    #[error("{0}")]
    Embed(E),
    #[error("there is nothing to test with")]
    Empty,
}

/// Embeds many texts; absent, the words alone are measured.
pub type Embed<'a, E> = Option<&'a dyn Fn(Vec<String>) -> Result<Vec<Vector>, E>>;

/// The report, and the threshold that it was made with.
pub fn intents<E>(sets: &Sets, embed: Embed<'_, E>) -> Result<(Report, f32), EvalError<E>> {
    if sets.test.is_empty() {
        return Err(EvalError::Empty);
    }
    let head = learn(&sets.train, embed)?;
    let judge = |texts: &[&str]| -> Result<Vec<Ranked<'_>>, EvalError<E>> {
        let vectors = vectors(texts, embed)?;
        Ok(texts.iter().enumerate().map(|(at, text)| head.classify(text, vectors.get(at))).collect())
    };
    let labelled = |set: &[Labelled]| -> Result<Vec<Outcome>, EvalError<E>> {
        let texts: Vec<&str> = set.iter().map(|one| one.text.as_str()).collect();
        let outcome = |(one, ranked): (&Labelled, Ranked<'_>)| Outcome {
            probability: ranked.probability,
            right: ranked.label == one.label,
        };
        Ok(set.iter().zip(judge(&texts)?).map(outcome).collect())
    };
    let elsewhere = |set: &[String]| -> Result<Vec<f32>, EvalError<E>> {
        let texts: Vec<&str> = set.iter().map(String::as_str).collect();
        Ok(judge(&texts)?.iter().map(|ranked| ranked.probability).collect())
    };

    let tested = labelled(&sets.test)?;
    let strange = elsewhere(&sets.elsewhere)?;
    let validated = labelled(&sets.validation)?;
    let threshold = threshold(&validated, &elsewhere(&sets.validation_elsewhere)?);
    let measured = !strange.is_empty();
    let report = Report {
        accuracy: share(&tested, |one| one.right),
        in_scope_accuracy: measured.then(|| share(&tested, |one| one.right && one.probability >= threshold)),
        oos_recall: measured.then(|| share(&strange, |probability| *probability < threshold)),
        auroc: measured.then(|| auroc(&tested, &strange)),
        ms_per_query: milliseconds(&sets.test, &head, embed)?,
    };
    Ok((report, threshold))
}

struct Outcome {
    probability: f32,
    right: bool,
}

/// Where no validation texts say otherwise.
const THRESHOLD: f32 = 0.5;

/// The threshold is the one that gets most messages right when so many have none of the intents: to send a question
/// that could have been answered to a person costs as much as to answer one that could not. How many they are nobody
/// knows better than this, and the mean of several thresholds is less a matter of chance than each.
const ELSEWHERE: [f64; 4] = [0.03, 0.04, 0.05, 0.06];

/// So many questions, one after the other, tell how long one takes.
const TIMED: usize = 200;

fn learn<E>(train: &[Labelled], embed: Embed<'_, E>) -> Result<IntentHead, EvalError<E>> {
    let mut names: Vec<&str> = train.iter().map(|one| one.label.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<(String, &str)> =
        names.into_iter().filter_map(|name| Some((spoken(name)?, name))).collect();
    let mut examples: Vec<Example<'_>> =
        train.iter().map(|one| Example { text: &one.text, label: &one.label, vector: None }).collect();
    examples.extend(names.iter().map(|(text, label)| Example { text, label, vector: None }));
    let vectors = vectors(&examples.iter().map(|example| example.text).collect::<Vec<_>>(), embed)?;
    for (example, vector) in examples.iter_mut().zip(&vectors) {
        example.vector = Some(vector);
    }
    IntentHead::train(&examples).map_err(EvalError::Train)
}

fn vectors<E>(texts: &[&str], embed: Embed<'_, E>) -> Result<Vec<Vector>, EvalError<E>> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    embed.map_or(Ok(Vec::new()), |embed| embed(texts)).map_err(EvalError::Embed)
}

fn threshold(known: &[Outcome], elsewhere: &[f32]) -> f32 {
    if known.is_empty() || elsewhere.is_empty() {
        return THRESHOLD;
    }
    ELSEWHERE.iter().map(|share| best_threshold(known, elsewhere, *share) / 4.0).sum()
}

/// Tries every probability that occurs, in one pass from the lowest up.
fn best_threshold(known: &[Outcome], elsewhere: &[f32], share: f64) -> f32 {
    let each_known = (1.0 - share) / count(known.len());
    let each_elsewhere = share / count(elsewhere.len());
    // What is gained when the threshold passes a text.
    let mut steps: Vec<(f32, f64)> =
        known.iter().map(|one| (one.probability, if one.right { -each_known } else { 0.0 })).collect();
    steps.extend(elsewhere.iter().map(|probability| (*probability, each_elsewhere)));
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut gain, mut best, mut threshold) = (0.0, 0.0, 0.0);
    for (at, (probability, step)) in steps.iter().enumerate() {
        gain += step;
        if gain > best {
            best = gain;
            threshold = steps.get(at + 1).map_or(1.0, |next| f32::midpoint(*probability, next.0));
        }
    }
    threshold
}

/// By ranks: of each pair, one of a kind, how often the known one is ahead; a tie is half.
fn auroc(known: &[Outcome], elsewhere: &[f32]) -> f64 {
    let mut sorted = elsewhere.to_vec();
    sorted.sort_by(f32::total_cmp);
    let ahead: f64 = known
        .iter()
        .map(|one| {
            let below = sorted.partition_point(|other| *other < one.probability);
            let level = sorted.partition_point(|other| *other <= one.probability) - below;
            count(below) + count(level) / 2.0
        })
        .sum();
    ahead / count(known.len()) / count(elsewhere.len())
}

fn milliseconds<E>(test: &[Labelled], head: &IntentHead, embed: Embed<'_, E>) -> Result<f64, EvalError<E>> {
    let timed = &test[..test.len().min(TIMED)];
    let begin = Instant::now();
    for one in timed {
        let vectors = vectors(&[&one.text], embed)?;
        std::hint::black_box(head.classify(&one.text, vectors.first()));
    }
    Ok(begin.elapsed().as_secs_f64() * 1_000.0 / count(timed.len()))
}

fn share<T>(of: &[T], which: impl Fn(&T) -> bool) -> f64 {
    count(of.iter().filter(|one| which(one)).count()) / count(of.len())
}

#[expect(clippy::cast_precision_loss, reason = "numbers of texts")]
fn count(texts: usize) -> f64 {
    texts as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(probability: f32, right: bool) -> Outcome {
        Outcome { probability, right }
    }

    #[test]
    fn the_threshold_keeps_what_is_right_and_refuses_what_is_not() {
        let known = [outcome(0.9, true), outcome(0.8, true), outcome(0.3, false)];
        let chosen = threshold(&known, &[0.1, 0.4]);
        assert!(chosen > 0.4 && chosen < 0.8, "{chosen}");
        // One that is right is worth more than one out of scope that is below it.
        assert!(threshold(&known, &[0.85, 0.1]) < 0.8);
        assert!((threshold(&known, &[]) - THRESHOLD).abs() < f32::EPSILON);
    }

    #[test]
    fn auroc_counts_pairs() {
        let known = [outcome(0.9, true), outcome(0.5, false)];
        assert!((auroc(&known, &[0.1, 0.5]) - 0.875).abs() < 1e-9);
        assert!((auroc(&known, &[0.95]) - 0.0).abs() < 1e-9);
    }

    #[test]
    fn a_small_set_is_measured_from_end_to_end() {
        let texts = |lines: &[(&str, &str)]| -> Vec<Labelled> {
            lines
                .iter()
                .map(|(text, label)| Labelled { text: (*text).into(), label: (*label).into() })
                .collect()
        };
        let train = texts(&[
            ("Where is my card?", "card_arrival"),
            ("My card has not arrived", "card_arrival"),
            ("When does the new card come?", "card_arrival"),
            ("I forgot my password", "password"),
            ("The password does not work", "password"),
            ("Change the password", "password"),
            ("Are you open today?", "hours"),
            ("When do you open on Monday?", "hours"),
            ("Opening hours of the branch", "hours"),
        ]);
        let test = texts(&[("has my card arrived", "card_arrival"), ("forgot the password", "password")]);
        let sets = Sets { train, test, elsewhere: vec!["Who won the race?".into()], ..Sets::default() };
        let (report, _) = intents::<TrainError>(&sets, None).unwrap();
        assert!((report.accuracy - 1.0).abs() < 1e-9);
        assert_eq!(report.auroc, Some(1.0));
        assert!(matches!(intents::<TrainError>(&Sets::default(), None), Err(EvalError::Empty)));
    }
}
