//! What is embedded of one thing: several texts, and one vector of all of them.
//!
//! A question is often about a single sentence of a passage, or in the words of its title. In the vector of the whole
//! passage that is a tenth of what is said; beside it, each has a say of its own. A search compares no more than before.
//!
//! Measured with `loadtest/retrieval`: docs/performance.md.

use super::chunk;
use crate::domain::knowledge::embedded;
use crate::domain::vector::Vector;

/// The texts of one thing, each with how much it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Facets(Vec<(f32, String)>);

/// Beside the whole of a chunk, which counts 1: its document's title, and its sentences together.
const TITLE: f32 = 0.3;
const SENTENCES: f32 = 0.7;

impl Facets {
    /// Of what is one text.
    pub fn whole(text: String) -> Self {
        Self(vec![(1.0, text)])
    }

    pub fn of_chunk(title: &str, heading: &str, text: &str) -> Self {
        let mut facets = vec![(1.0, embedded(title, heading, text))];
        if !title.is_empty() {
            facets.push((TITLE, title.to_owned()));
        }
        let sentences = chunk::sentences(text);
        #[expect(clippy::cast_precision_loss, reason = "a chunk has few sentences")]
        let each = SENTENCES / sentences.len() as f32;
        facets.extend(sentences.into_iter().map(|sentence| (each, sentence.to_owned())));
        Self(facets)
    }

    /// All texts of these things, one after the other, to be embedded together.
    pub fn texts(things: &[Self]) -> Vec<String> {
        things.iter().flat_map(|facets| &facets.0).map(|(_, text)| text.clone()).collect()
    }

    /// One vector a thing, of those that were made of the texts.
    pub fn join(things: &[Self], vectors: Vec<Vector>) -> Vec<Vector> {
        let mut vectors = vectors.into_iter();
        let join =
            |facets: &Self| Vector::blend(facets.0.iter().map(|(weight, _)| *weight).zip(vectors.by_ref()));
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
        let weights: Vec<_> = facets.0.iter().map(|(weight, _)| *weight).collect();
        let each = SENTENCES / 4.0;
        assert_eq!(weights, [1.0, TITLE, each, each, each, each]);
        assert_eq!(Facets::of_chunk("", "", "").0.len(), 1);
    }

    #[test]
    fn each_thing_gets_the_vector_of_its_own_texts() {
        let axis =
            |at: usize| Vector::from((0..3).map(|n| if n == at { 1.0 } else { 0.0 }).collect::<Vec<_>>());
        let things = [Facets(vec![(3.0, "a".into()), (4.0, "b".into())]), Facets::whole("c".into())];
        let joined = Facets::join(&things, vec![axis(0), axis(1), axis(2)]);
        assert_eq!(joined, [Vector::from(vec![3.0, 4.0, 0.0]), axis(2)]);
    }
}
