//! What is embedded of one thing: several texts, one vector of all of them, and one of each of its sentences.
//!
//! A question is often about a single sentence of a passage, or in the words of its title. In the vector of the whole
//! passage that is a tenth of what is said; beside it, each has a say of its own.
//!
//! Measured with `loadtest/retrieval`: docs/performance.md.

use super::chunk;
use crate::domain::knowledge::embedded;
use crate::domain::vector::{Parts, Sense, Vector};

/// The texts of one thing, each with how much it counts; the last of them are its sentences.
#[derive(Clone, Debug, PartialEq)]
pub struct Facets {
    texts: Vec<(f32, String)>,
    sentences: usize,
}

/// Beside the whole of a chunk, which counts 1: its document's title, and its sentences together.
const TITLE: f32 = 0.3;
const SENTENCES: f32 = 0.7;

impl Facets {
    /// Of what is one text.
    pub fn whole(text: String) -> Self {
        Self { texts: vec![(1.0, text)], sentences: 0 }
    }

    pub fn of_chunk(title: &str, heading: &str, text: &str) -> Self {
        let mut texts = vec![(1.0, embedded(title, heading, text))];
        if !title.is_empty() {
            texts.push((TITLE, title.to_owned()));
        }
        let sentences = chunk::sentences(text);
        #[expect(clippy::cast_precision_loss, reason = "a chunk has few sentences")]
        let each = SENTENCES / sentences.len() as f32;
        texts.extend(sentences.iter().map(|sentence| (each, (*sentence).to_owned())));
        Self { texts, sentences: sentences.len() }
    }

    /// All texts of these things, one after the other, to be embedded together.
    pub fn texts(things: &[Self]) -> Vec<String> {
        things.iter().flat_map(|facets| &facets.texts).map(|(_, text)| text.clone()).collect()
    }

    /// What each thing means, of the vectors that were made of the texts.
    pub fn join(things: &[Self], mut vectors: &[Vector]) -> Vec<Sense> {
        let join = |facets: &Self| {
            let own = vectors.split_off(..facets.texts.len().min(vectors.len())).unwrap_or_default();
            let weights = facets.texts.iter().map(|(weight, _)| *weight);
            let sentences = &own[own.len().saturating_sub(facets.sentences)..];
            Sense { whole: Vector::blend(weights.zip(own)), parts: Parts::of(sentences) }
        };
        things.iter().map(join).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_embedded_whole_and_by_its_title_and_its_sentences() {
        let text = "Lock it in the app. Then call us.\n\n## Found again\n\n- Unlock it there\n- Try the PIN";
        let facets = Facets::of_chunk("Cards", "Lost", text);
        let texts = Facets::texts(&[facets.clone(), Facets::whole("Fees".into())]);
        assert_eq!(
            texts[1..],
            ["Cards", "Lock it in the app.", "Then call us.", "Unlock it there", "Try the PIN", "Fees"]
        );
        assert_eq!(texts[0], embedded("Cards", "Lost", text));
        let weights: Vec<_> = facets.texts.iter().map(|(weight, _)| *weight).collect();
        let each = SENTENCES / 4.0;
        assert_eq!(weights, [1.0, TITLE, each, each, each, each]);
        assert_eq!(Facets::of_chunk("", "", ""), Facets::whole(String::new()));
    }

    #[test]
    fn each_thing_means_what_its_own_texts_do() {
        let axis =
            |at: usize| Vector::from((0..3).map(|n| if n == at { 1.0 } else { 0.0 }).collect::<Vec<_>>());
        let texts = vec![(3.0, "a".into()), (4.0, "b".into())];
        let things = [Facets { texts, sentences: 1 }, Facets::whole("c".into())];
        let joined = Facets::join(&things, &[axis(0), axis(1), axis(2)]);
        let first = Sense { whole: Vector::from(vec![3.0, 4.0, 0.0]), parts: Parts::of(&[axis(1)]) };
        assert_eq!(joined, [first, axis(2).into()]);
    }
}
