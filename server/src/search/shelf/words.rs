//! Which chunks share words with a question, and how telling those words are (BM25).
//!
//! Invariant: any of the words is enough, and no text is refused: what people type is not a query language.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The words of one chunk, counted. A word is kept as its hash: two that fall together cost a little noise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bag {
    counts: Box<[(u32, u16)]>,
    length: u32,
}

/// The words of many chunks, each chunk called by its place.
#[derive(Debug, Default)]
pub struct Words {
    /// Among fewer texts than this, a word is as rare as among so many.
    least: usize,
    postings: HashMap<u32, Vec<(u32, u16)>>,
    lengths: Vec<u32>,
    average: f32,
}

/// What a text and a question have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shared {
    /// BM25's score: every word that they share, the rare ones first.
    pub score: f32,
    /// The share of the question that the text holds, by the rarity of its words: 0 to 1.
    pub held: f32,
}

/// How fast another occurrence of a word counts for less, and how far a long text is held against it.
const SATURATION: f32 = 1.2;
const LENGTH: f32 = 0.75;

impl Bag {
    /// Of several texts, each with how often it counts.
    pub fn of(texts: &[(&str, u16)]) -> Self {
        let mut counts: HashMap<u32, u16> = HashMap::new();
        let mut length = 0;
        for (text, weight) in texts {
            terms(text, |term| {
                let count = counts.entry(term).or_default();
                *count = count.saturating_add(*weight);
                length += u32::from(*weight);
            });
        }
        Self { counts: counts.into_iter().collect(), length }
    }

    /// The share of these words that another text holds: 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "numbers of words")]
    pub fn held_by(&self, other: &Self) -> f32 {
        let known: HashSet<u32> = other.counts.iter().map(|(term, _)| *term).collect();
        let held = self.counts.iter().filter(|(term, _)| known.contains(term)).count();
        held as f32 / self.counts.len().max(1) as f32
    }

    pub fn bytes(&self) -> usize {
        self.counts.len() * 16
    }
}

impl Words {
    pub fn of<'a>(bags: impl Iterator<Item = &'a Bag>, least: usize) -> Self {
        let mut words = Self { least, ..Self::default() };
        for (place, bag) in (0..).zip(bags) {
            for &(term, count) in &bag.counts {
                words.postings.entry(term).or_default().push((place, count));
            }
            words.lengths.push(bag.length);
        }
        let total: f64 = words.lengths.iter().copied().map(f64::from).sum();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "an average of small numbers"
        )]
        let average = (total / words.lengths.len().max(1) as f64) as f32;
        words.average = average.max(1.0);
        words
    }

    /// The chunks that share a word with the text, and how much.
    #[expect(clippy::cast_precision_loss, reason = "numbers of chunks and of words")]
    pub fn ask(&self, text: &str) -> HashMap<u32, Shared> {
        let mut asked = Vec::new();
        terms(text, |term| asked.push(term));
        asked.sort_unstable();
        asked.dedup();
        let mut shared: HashMap<u32, Shared> = HashMap::new();
        let all = self.lengths.len().max(self.least) as f32;
        let mut question = 0.0;
        for term in asked {
            let postings = self.postings.get(&term).map_or(&[][..], Vec::as_slice);
            let with = postings.len() as f32;
            let rarity = ((all - with + 0.5) / (with + 0.5)).ln_1p();
            question += rarity;
            for &(place, count) in postings {
                let length = self.lengths[place as usize] as f32 / self.average;
                let count = f32::from(count);
                let weight =
                    count * (SATURATION + 1.0) / (count + SATURATION * (1.0 - LENGTH + LENGTH * length));
                let shared = shared.entry(place).or_default();
                shared.score += rarity * weight;
                shared.held += rarity;
            }
        }
        for shared in shared.values_mut() {
            shared.held = (shared.held / question).min(1.0);
        }
        shared
    }
}

/// The words of a text that say something, as hashes of their stems.
fn terms(text: &str, mut take: impl FnMut(u32)) {
    stems(text, |_, stem| take(hash(stem)));
}

/// The same as stems, each with where it is in the text.
pub(in crate::search) fn stems(text: &str, mut take: impl FnMut(Range<usize>, &str)) {
    for word in text.split(|sign: char| !sign.is_alphanumeric() && sign != '\'' && sign != '’') {
        let from = word.as_ptr().addr() - text.as_ptr().addr();
        let place = from..from + word.len();
        let word = folded(word);
        if word.is_empty() || COMMON.contains(&word.as_str()) {
            continue;
        }
        if word.chars().any(is_wide) {
            // Scripts without spaces: every two neighbours are a word.
            let signs: Vec<char> = word.chars().collect();
            for pair in signs.windows(2.min(signs.len())) {
                take(place.clone(), &pair.iter().collect::<String>());
            }
        } else {
            take(place, stem(&word));
        }
    }
}

/// In small letters, without accents, and without what a name takes on (`card's`).
fn folded(word: &str) -> String {
    let word = word.trim_matches(['\'', '’']);
    let word = word.split_once(['\'', '’']).map_or(word, |(word, _)| word);
    let plain = |sign: char| match sign {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    };
    word.chars().flat_map(char::to_lowercase).map(plain).collect()
}

/// Enough for plurals and the common endings of verbs.
fn stem(word: &str) -> &str {
    if word.len() <= 3 || !word.is_ascii() {
        return word;
    }
    let endings = [
        ("ings", 3),
        ("ing", 3),
        ("edly", 3),
        ("ed", 3),
        ("ies", 3),
        ("es", 3),
        ("s", 3),
        ("ly", 3),
        ("y", 4),
        ("e", 3),
    ];
    let stem = endings
        .into_iter()
        .filter(|(ending, _)| !(*ending == "s" && word.ends_with("ss")))
        .find_map(|(ending, least)| word.strip_suffix(ending).filter(|rest| rest.len() >= least))
        .unwrap_or(word);
    // `cancelled` and `cancel`, `shipping` and `ship`; `deliveries` and `delivery`.
    let bytes = stem.as_bytes();
    match bytes {
        [.., a, b] if a == b && a.is_ascii_alphabetic() && stem.len() > 3 && !b"szeo".contains(b) => {
            &stem[..stem.len() - 1]
        }
        [.., b'i'] if stem.len() > 3 => &stem[..stem.len() - 1],
        _ => stem,
    }
}

fn is_wide(sign: char) -> bool {
    matches!(sign, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

/// FNV-1a.
fn hash(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What is in every question, and tells no two apart.
const COMMON: &[&str] = &[
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could",
    "did", "do", "does", "for", "from", "get", "had", "has", "have", "hello", "hi", "how", "i", "if", "in",
    "is", "it", "its", "like", "me", "my", "need", "no", "not", "of", "on", "or", "our", "please", "should",
    "so", "than", "thank", "thanks", "that", "the", "their", "them", "then", "there", "they", "this", "to",
    "want", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would",
    "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn best(texts: &[&str], question: &str) -> Option<usize> {
        let bags: Vec<_> = texts.iter().map(|text| Bag::of(&[(text, 1)])).collect();
        let scores = Words::of(bags.iter(), 0).ask(question);
        scores.into_iter().max_by(|a, b| a.1.score.total_cmp(&b.1.score)).map(|(place, _)| place as usize)
    }

    #[test]
    fn any_word_is_enough_and_the_rare_one_decides() {
        let texts = ["The fee of a card is low.", "The fee of a transfer is low.", "We open at nine."];
        assert_eq!(best(&texts, "how high is the fee of transfers abroad?"), Some(1));
        assert_eq!(best(&texts, "opening"), Some(2));
        assert_eq!(best(&texts, "nothing of the kind"), None);
        for odd in ["", "\"", "a & | ! ( :* <->", "' OR 1=1 --", "\u{1f600}", "-card AND NOT"] {
            best(&texts, odd);
        }
    }

    #[test]
    fn words_of_one_root_are_one() {
        for (one, other) in [
            ("cards", "card"),
            ("Cancelled", "cancel"),
            ("deliveries", "delivery"),
            ("shipping", "ship"),
            ("überweisung", "Uberweisung"),
            ("charges", "charged"),
            ("card's", "card"),
            ("paying", "pay"),
        ] {
            assert!(best(&[one, "other words"], other) == Some(0), "{one} {other}");
        }
        assert_eq!(best(&["care"], "card"), None);
        assert_eq!(best(&["1100"], "110"), None);
        assert_eq!(best(&["如何锁定卡片"], "锁定"), Some(0));
    }

    #[test]
    fn a_text_of_nothing_is_no_trouble() {
        assert!(Words::of([].iter(), 0).ask("card").is_empty());
        assert!(Words::of([Bag::default()].iter(), 0).ask("card").is_empty());
    }

    #[test]
    fn among_few_texts_a_word_can_be_as_rare_as_among_many() {
        let bags = [Bag::of(&[("Plans can be frozen.", 1)])];
        let ask = |least| Words::of(bags.iter(), least).ask("frozen plan")[&0].score;
        assert!(ask(0) < 1.0 && ask(50) > 5.0, "{} {}", ask(0), ask(50));
    }

    #[test]
    fn what_a_text_holds_of_a_question_counts_by_rarity() {
        let bags =
            ["Fees of cards", "Cards that are lost", "Cards", "Hours"].map(|text| Bag::of(&[(text, 1)]));
        let held = |question, text| Words::of(bags.iter(), 0).ask(question)[&text].held;
        assert!((held("lost card", 1) - 1.0).abs() < 1e-6);
        assert!(held("lost card", 0) < 0.4, "the common half of it");
        assert!(held("lost card abroad", 1) < 0.7, "a word that no text has is the rarest");
    }

    #[test]
    fn a_text_holds_a_share_of_a_question() {
        let question = Bag::of(&[("Can I freeze my plan abroad?", 1)]);
        let held = |text| question.held_by(&Bag::of(&[(text, 1)]));
        assert!((held("Plans are freezing here.") - 2.0 / 3.0).abs() < 0.01);
        assert!(held("nothing") < 0.01 && Bag::default().held_by(&question) < 0.01);
    }
}
