//! The sentences of the passages that are quoted, with their words and what each means: worked out when a passage is
//! first quoted, and kept for whoever asks next.
//!
//! Invariant: what is kept has a bound, and is of the very text that is quoted.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::words;
use crate::brain::Meaning;
use crate::domain::turn::Passage;
use crate::domain::vector::Vector;

#[derive(Debug)]
pub struct Sentence {
    pub text: String,
    pub terms: HashSet<String>,
    /// Under its headings; nothing while there is no model.
    pub vector: Option<Vector>,
}

pub type Sentences = Arc<[Sentence]>;

#[derive(Default)]
pub struct Quotes {
    meaning: OnceLock<Box<dyn Meaning>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    passages: HashMap<Key, Place>,
    /// How often any was asked for.
    asked: u64,
}

/// One passage in one wording.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    document: Uuid,
    ordinal: i32,
    wording: u64,
}

struct Place {
    sentences: Arc<OnceCell<Sentences>>,
    /// Which question was the last to ask for it.
    used: u64,
}

const HEADING: &str = "## ";
const NEXT_HEADING: &str = "\n## ";
/// Passages that are kept, some 6 KB each; at the bound the half that was used the longest ago goes.
const PASSAGES: usize = 2_048;

impl Quotes {
    pub fn equip(&self, meaning: Box<dyn Meaning>) {
        let _ = self.meaning.set(meaning);
    }

    pub async fn of(&self, passage: &Passage) -> Sentences {
        let place = self.place(Key::of(passage));
        let read = place.get_or_try_init(|| self.read(passage)).await;
        read.cloned().unwrap_or_else(|without_meaning| without_meaning)
    }

    /// An error is the sentences without their meaning: not worth keeping, since a model may come.
    async fn read(&self, passage: &Passage) -> Result<Sentences, Sentences> {
        let (mut texts, mut in_place) = (Vec::new(), Vec::new());
        for (heading, text) in sections(&passage.text) {
            let under = [Some(passage.title.as_str()), heading, passage.asked.as_deref()];
            let under = under.into_iter().flatten().collect::<Vec<_>>().join(". ");
            for sentence in words::sentences(text) {
                in_place.push(format!("{under}: {sentence}"));
                texts.push(sentence);
            }
        }
        let vectors = match self.meaning.get() {
            Some(meaning) => meaning.of(in_place).await,
            None => None,
        };
        let is_known = vectors.is_some();
        let mut vectors = vectors.unwrap_or_default().into_iter();
        let sentence = |text: String| Sentence {
            terms: words::terms(&text).into_iter().collect(),
            vector: vectors.next(),
            text,
        };
        let sentences = texts.into_iter().map(sentence).collect();
        if is_known { Ok(sentences) } else { Err(sentences) }
    }

    fn place(&self, key: Key) -> Arc<OnceCell<Sentences>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        let asked = kept.asked;
        if kept.passages.len() >= PASSAGES && !kept.passages.contains_key(&key) {
            let mut uses: Vec<u64> = kept.passages.values().map(|place| place.used).collect();
            let (_, middle, _) = uses.select_nth_unstable(PASSAGES / 2);
            let middle = *middle;
            kept.passages.retain(|_, place| place.used > middle);
        }
        let place = kept.passages.entry(key).or_insert_with(|| Place { sentences: Arc::default(), used: 0 });
        place.used = asked;
        place.sentences.clone()
    }
}

impl Key {
    fn of(passage: &Passage) -> Self {
        let mut wording = DefaultHasher::new();
        (&passage.title, &passage.text, &passage.asked).hash(&mut wording);
        Self { document: passage.document, ordinal: passage.ordinal, wording: wording.finish() }
    }
}

/// What a passage says before its first heading and under each, with the heading.
fn sections(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    let (before, under) = match text.strip_prefix(HEADING) {
        Some(rest) => ("", Some(rest)),
        None => text.split_once(NEXT_HEADING).map_or((text, None), |(before, rest)| (before, Some(rest))),
    };
    let under = under.into_iter().flat_map(|under| under.split(NEXT_HEADING));
    let headed = under.filter_map(|section| section.split_once('\n'));
    iter::once((None, before)).chain(headed.map(|(heading, text)| (Some(heading), text)))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;

    use super::super::extract::tests::passage;
    use super::*;

    struct Counting(Arc<AtomicUsize>);

    impl Meaning for Counting {
        fn of(&self, texts: Vec<String>) -> BoxFuture<'_, Option<Vec<Vector>>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Some(texts.iter().map(|_| vec![1.0; 384].into()).collect())).boxed()
        }
    }

    #[tokio::test]
    async fn a_passage_is_read_once_in_each_wording() {
        let (quotes, asked) = (Quotes::default(), Arc::new(AtomicUsize::new(0)));
        let page = passage("Fees", "## Cards\n\nA card is free. A second one is not.", 0.5);
        assert!(quotes.of(&page).await.iter().all(|sentence| sentence.vector.is_none()));
        quotes.equip(Box::new(Counting(asked.clone())));
        for _ in 0..3 {
            let sentences = quotes.of(&page).await;
            assert_eq!(sentences.len(), 2);
            assert!(sentences.iter().all(|sentence| sentence.vector.is_some()));
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let reworded = Passage { text: "A card is 5 euros.".to_owned(), ..page };
        assert_eq!(quotes.of(&reworded).await[0].text, "A card is 5 euros.");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn each_section_stands_under_its_heading() {
        let both = "## Cards › Lost\n\nLock it.\n\n## Found\n\nUnlock it.";
        assert_eq!(
            sections(both).collect::<Vec<_>>(),
            [(None, ""), (Some("Cards › Lost"), "\nLock it.\n"), (Some("Found"), "\nUnlock it.")]
        );
        let later = "Cards are free.\n\n## Lost\n\nLock it.";
        assert_eq!(
            sections(later).collect::<Vec<_>>(),
            [(None, "Cards are free.\n"), (Some("Lost"), "\nLock it.")]
        );
        assert_eq!(sections("Free.").collect::<Vec<_>>(), [(None, "Free.")]);
    }

    #[tokio::test]
    async fn what_is_kept_has_a_bound() {
        let quotes = Quotes::default();
        quotes.equip(Box::new(Counting(Arc::default())));
        for ordinal in 0..i32::try_from(PASSAGES).unwrap() + 10 {
            quotes.of(&Passage { ordinal, ..passage("Fees", "A card is free.", 0.5) }).await;
        }
        assert!(quotes.kept.lock().unwrap().passages.len() <= PASSAGES);
    }
}
