//! From a desk's examples to classifiers in use: learned once, and kept in a file by what they were learned from.

use std::path::Path;
use std::sync::Arc;

use super::intents::{self, Example, IntentHead, Key};
use super::{Classifier, LocalBrain};
use crate::brain::Case;
use crate::domain::conversation::Mode;
use crate::domain::preset::Preset;
use crate::domain::turn::Classified;
use crate::domain::vector::Vector;

impl LocalBrain {
    /// Learns the intents of one mode, from their words and, where there are vectors, from their meaning: one vector an
    /// example, in the order of [`examples`]. Takes a second or so unless it was learned before.
    pub fn teach(
        &self,
        preset: &Preset,
        mode: Mode,
        vectors: Option<(&'static str, &[Vector])>,
        cache: &Path,
    ) {
        let texts = examples(preset, mode);
        let vector = |index: usize| vectors.and_then(|(_, vectors)| vectors.get(index));
        let examples: Vec<Example<'_>> = texts
            .iter()
            .enumerate()
            .map(|(index, (text, label))| Example { text, label, vector: vector(index) })
            .collect();
        let key = Key::of(&examples, vectors.map(|(embedder, _)| embedder));
        let known = intents::load(cache, &key);
        let head = match known {
            Some(head) => head,
            None => match IntentHead::train(&examples) {
                Ok(head) => {
                    if let Err(error) = intents::store(cache, &key, &head) {
                        tracing::warn!(%error, "what was learned of a desk's intents could not be kept");
                    }
                    head
                }
                Err(error) => {
                    tracing::warn!(%error, mode = mode.name(), "the intents of a desk could not be learned");
                    return self.learn(preset.training_hash(mode), Arc::new(Nothing));
                }
            },
        };
        self.learn(preset.training_hash(mode), Arc::new(head));
    }
}

/// What a desk has to teach in a mode: each example with its intent.
pub fn examples(preset: &Preset, mode: Mode) -> Vec<(&str, &str)> {
    preset
        .intents_in(mode)
        .flat_map(|intent| intent.examples.iter().map(|text| (text.as_str(), intent.name.as_str())))
        .collect()
}

/// A desk with too few examples to tell anything apart: its knowledge alone answers.
struct Nothing;

impl Classifier for Nothing {
    fn classify(&self, _case: &Case) -> Classified {
        Classified::default()
    }
}

impl Classifier for IntentHead {
    fn classify(&self, case: &Case) -> Classified {
        let ranked = Self::classify(self, &case.query, case.vector.as_ref());
        Classified {
            intent: Some(ranked.label.to_owned()),
            confidence: ranked.probability,
            margin: ranked.margin,
            reason: format!("its examples are nearest, then those of {}", ranked.second),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_desk_is_learned_once_and_then_known() {
        let folder = tempfile::tempdir().unwrap();
        let preset = Arc::new(Preset::load("insurance_navigator").unwrap());
        let brain = LocalBrain::default();
        brain.teach(&preset, Mode::Customer, None, folder.path());
        brain.teach(&preset, Mode::Customer, None, folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let (example, intent) = examples(&preset, Mode::Customer)[0];
        let case = Case {
            preset: preset.clone(),
            mode: Mode::Customer,
            workspace: uuid::Uuid::nil().into(),
            agent: String::new(),
            question: example.to_owned(),
            query: example.to_owned(),
            vector: None,
            own: None,
            known: None,
            history: Vec::new(),
            spoken_of: Vec::new(),
        };
        let head = brain.head(&case).await.unwrap();
        assert_eq!(head.classify(&case).intent.as_deref(), Some(intent));
    }
}
