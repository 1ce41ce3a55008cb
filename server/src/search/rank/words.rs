//! The words of a text as a search sees them: without endings and without those that are in every text.
//!
//! Invariant: any text is a question; one of which nothing is left shares no words, and never fails.

use std::collections::HashMap;

/// Stems, and how often each is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    counts: HashMap<String, u32>,
    total: u32,
}

/// How rare each word is among the texts at hand, and how long those are.
#[derive(Clone, Debug, Default)]
pub struct Rarity {
    texts: HashMap<String, u32>,
    count: u32,
    words: u32,
}

/// BM25's two: how soon repetition stops to count, and how much length is held against a text.
const REPETITION: f32 = 1.2;
const LENGTH: f32 = 0.75;

/// A word of the title says what a page is about.
const TITLE: f32 = 1.5;

impl Words {
    pub fn of(text: &str) -> Self {
        let mut this = Self::default();
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric() && c != '\'') {
            let word = word.split('\'').next().unwrap_or_default();
            if word.is_empty() || COMMON.contains(&word) {
                continue;
            }
            *this.counts.entry(stem(word)).or_default() += 1;
            this.total += 1;
        }
        this
    }

    /// The score of BM25 for the words that a page shares with this question: any of them, the rare ones first.
    pub fn shared_with(&self, [title, text]: [&Self; 2], rarity: &Rarity) -> f32 {
        let length = rarity.relative_length(text.total);
        sum(self.counts.keys().map(|word| {
            let times = number(text.count(word)) + TITLE * number(title.count(word));
            let heard = times * (REPETITION + 1.0) / (times + REPETITION * (1.0 - LENGTH + LENGTH * length));
            heard * rarity.of_word(word)
        }))
    }

    /// The share of this question that a page's title and text hold, by the weight of its words: 0 to 1.
    pub fn held_by(&self, page: [&Self; 2], rarity: &Rarity) -> f32 {
        let held = |word: &&String| page.iter().any(|part| part.count(word) > 0);
        let all = sum(self.counts.keys().map(|word| rarity.of_word(word)));
        let shared = sum(self.counts.keys().filter(held).map(|word| rarity.of_word(word)));
        if all > 0.0 { shared / all } else { 0.0 }
    }

    fn count(&self, word: &str) -> u32 {
        self.counts.get(word).copied().unwrap_or(0)
    }
}

/// Adds small numbers exactly enough that their order, which is a map's, makes no difference.
#[expect(clippy::cast_possible_truncation, reason = "a sum of f32")]
fn sum(values: impl Iterator<Item = f32>) -> f32 {
    values.map(f64::from).fold(0.0, |sum, value| sum + value) as f32
}

impl Rarity {
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a Words>) -> Self {
        let mut this = Self::default();
        for text in texts {
            for word in text.counts.keys() {
                *this.texts.entry(word.clone()).or_default() += 1;
            }
            this.count += 1;
            this.words += text.total;
        }
        this
    }

    fn of_word(&self, word: &str) -> f32 {
        let with = number(self.texts.get(word).copied().unwrap_or(0));
        (1.0 + (number(self.count) - with + 0.5).max(0.0) / (with + 0.5)).ln()
    }

    fn relative_length(&self, words: u32) -> f32 {
        if self.words == 0 { 1.0 } else { number(words) * number(self.count) / number(self.words) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of words")]
fn number(count: u32) -> f32 {
    count as f32
}

/// Cuts the endings of English that most often stand between a question and its page: "refunds", "refunded" and
/// "refunding" are "refund". Cutting too much only makes a leg of the search a little duller.
fn stem(word: &str) -> String {
    let letters = word.chars().count();
    let mut word = word.to_owned();
    if letters < 4 || !word.is_ascii() {
        return word;
    }
    if word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.ends_with("sses") || word.ends_with("xes") || word.ends_with("ches") || word.ends_with("shes") {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is") {
        word.truncate(word.len() - 1);
    }
    for ending in ["ing", "ed", "ly", "ment", "er"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= 3
            && rest.contains(['a', 'e', 'i', 'o', 'u', 'y'])
        {
            word.truncate(rest.len());
            let twice = word.as_bytes().last_chunk::<2>().is_some_and(|[a, b]| a == b && !b"lsz".contains(a));
            if twice {
                word.truncate(word.len() - 1);
            }
            break;
        }
    }
    if word.len() > 3 && word.ends_with('e') {
        word.truncate(word.len() - 1);
    }
    word
}

/// They are in every question, and tell none from another.
const COMMON: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "before", "being", "but", "by", "can", "could", "did", "do", "does", "doing", "don", "for", "from", "get", "got",
    "had", "has", "have", "having", "he", "help", "her", "here", "him", "his", "how", "i", "if", "in", "into", "is",
    "isn", "it", "its", "just", "know", "let", "like", "may", "me", "might", "more", "most", "much", "must", "my",
    "need", "no", "nor", "not", "now", "of", "off", "on", "once", "one", "only", "or", "other", "our", "out", "over",
    "own", "please", "re", "s", "same", "shall", "she", "should", "so", "some", "such", "t", "tell", "than", "thank",
    "thanks", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "through", "to",
    "too", "up", "us", "very", "want", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom",
    "whose", "why", "will", "with", "won", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_cut_alike() {
        for (one, other) in [
            ("refunds", "refunded"),
            ("refunding", "refund"),
            ("policies", "policy"),
            ("cancelling", "cancelled"),
            ("stopping", "stopped"),
            ("charges", "charged"),
            ("boxes", "box"),
            ("deliveries", "delivery"),
            ("payment", "pay"),
            ("updates", "updating"),
        ] {
            assert_eq!(stem(one), stem(other), "{one}, {other}");
        }
        for word in ["bus", "glass", "this", "red", "ring", "Ärzte", "日本語", "status"] {
            assert!(!stem(word).is_empty());
        }
        assert_ne!(stem("bus"), stem("bu"));
    }

    #[test]
    fn common_words_say_nothing() {
        assert_eq!(Words::of("How do I get to the…"), Words::default());
        assert_eq!(Words::of("What's MY Refund?"), Words::of("refund"));
    }

    #[test]
    fn rare_words_and_titles_count_for_more() {
        let pages = ["refund of a card", "card fees", "card limits", "lost card"].map(Words::of);
        let rarity = Rarity::of(&pages);
        let none = Words::default();
        let question = Words::of("refund my card");
        let scores = [0, 1].map(|at| question.shared_with([&none, &pages[at]], &rarity));
        assert!(scores[0] > 3.0 * scores[1], "{scores:?}");
        let held = |at: usize| question.held_by([&pages[at], &none], &rarity);
        assert!((held(0) - 1.0).abs() < 1e-6 && held(1) < 0.5 && held(1) > 0.0);
        assert!(question.shared_with([&pages[0], &none], &rarity) > scores[0]);
    }

    #[test]
    fn any_text_is_a_question() {
        let page = Words::of("a page");
        for odd in ["", "!!!", "the", "\u{0}", "' OR 1=1 --", "🦀", &"x".repeat(100_000)] {
            assert!(Words::of(odd).shared_with([&page, &page], &Rarity::default()).is_finite());
            assert!((0.0..=1.0).contains(&Words::of(odd).held_by([&page, &page], &Rarity::default())));
        }
    }
}
