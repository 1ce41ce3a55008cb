//! An answer in the words of the passages: the sentences that answer, joined so that they read, each with its source.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::words;
use crate::domain::turn::{Action, Passage, Reply};

/// A sentence of a passage, and what speaks for it.
struct Candidate {
    passage: usize,
    place: usize,
    text: String,
    /// The part of the question's weight that it covers.
    covers: f32,
    score: f32,
}

/// A passage beyond these is not worth a sentence.
const SOURCES: usize = 2;
/// A second source must be nearly as good as the first.
const SECOND_SOURCE: f32 = 0.9;
/// Sentences that read on from one that was chosen are taken with it, within this of its score.
const READS_ON: f32 = 0.25;

pub fn answer(question: &str, passages: &[Passage], most: usize) -> Reply {
    let asked: HashSet<String> = words::terms(question).into_iter().collect();
    let candidates = candidates(&asked, passages);
    let Some(best) = candidates.iter().max_by(|a, b| a.score.total_cmp(&b.score)) else {
        return Reply { action: Action::Insufficient, ..Reply::default() };
    };
    let mut chosen: Vec<&Candidate> = vec![best];
    // Around the best one first: an answer reads best in the order in which it was written.
    for candidate in candidates.iter().filter(|candidate| candidate.passage == best.passage) {
        let near = candidate.place.abs_diff(best.place);
        let close = near == 1 && candidate.place > best.place || near <= 3 && candidate.covers > 0.0;
        if near > 0 && close && candidate.score >= best.score - READS_ON && chosen.len() < most.min(3) {
            chosen.push(candidate);
        }
    }
    let strong = |candidate: &&Candidate| {
        candidate.passage != best.passage
            && candidate.covers >= best.covers.max(0.3) * 0.8
            && passages[candidate.passage].score >= passages[best.passage].score * SECOND_SOURCE
    };
    if chosen.len() < most
        && let Some(second) = candidates.iter().filter(strong).max_by(|a, b| a.score.total_cmp(&b.score))
        && !chosen.iter().any(|known| known.text == second.text)
    {
        chosen.push(second);
    }
    let first = best.passage;
    chosen.sort_by_key(|candidate| (candidate.passage != first, candidate.passage, candidate.place));
    let evidence = passages[first].score.clamp(0.0, 1.0);
    let confidence = (0.55 * evidence + 0.45 * best.covers + 0.1).clamp(0.0, 1.0);
    Reply { text: text(&chosen), action: Action::Answer, confidence, reason: None }
}

fn candidates(asked: &HashSet<String>, passages: &[Passage]) -> Vec<Candidate> {
    let best = passages.first().map_or(1.0, |passage| passage.score.max(0.01));
    let read: Vec<(usize, usize, String, HashSet<String>)> = passages
        .iter()
        .enumerate()
        .take(SOURCES)
        .flat_map(|(index, passage)| {
            words::sentences(&passage.text).into_iter().enumerate().map(move |(place, sentence)| {
                let terms = words::terms(&sentence).into_iter().collect();
                (index, place, sentence, terms)
            })
        })
        .collect();
    // A word that every sentence has tells none of them from the others.
    let mut common: HashMap<&str, f32> = HashMap::new();
    for (.., terms) in &read {
        for term in terms {
            *common.entry(term).or_default() += 1.0;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of sentences")]
    let all = read.len() as f32;
    let weight = |term: &str| (1.0 + all / (1.0 + common.get(term).copied().unwrap_or(0.0))).ln();
    let whole: f32 = asked.iter().map(|term| weight(term)).sum::<f32>().max(0.01);
    read.iter()
        .map(|(passage, place, sentence, terms)| {
            // The title speaks for every sentence beneath it, a little.
            let title: HashSet<String> = words::terms(&passages[*passage].title).into_iter().collect();
            // What staff answered is known by the question that it answered.
            let answered: HashSet<String> = passages[*passage]
                .asked
                .as_deref()
                .map(words::terms)
                .unwrap_or_default()
                .into_iter()
                .collect();
            let held = asked.iter().filter(|term| terms.contains(*term) || answered.contains(*term));
            let hit = held.map(|term| weight(term)).sum::<f32>();
            let titled = asked.intersection(&title).map(|term| weight(term)).sum::<f32>();
            let covers = (hit / whole).min(1.0);
            #[expect(clippy::cast_precision_loss, reason = "a place among a few sentences")]
            let early = 0.04 / (1.0 + *place as f32);
            let score = 0.6 * covers
                + 0.1 * (titled / whole).min(1.0)
                + 0.3 * passages[*passage].score / best
                + early;
            Candidate { passage: *passage, place: *place, text: sentence.clone(), covers, score }
        })
        .collect()
}

/// The sentences of each source together, with its number behind them.
fn text(chosen: &[&Candidate]) -> String {
    let mut text = String::new();
    for (index, candidate) in chosen.iter().enumerate() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&candidate.text);
        if !candidate.text.ends_with(['.', '!', '?', ':']) {
            text.push('.');
        }
        let last_of_source = chosen.get(index + 1).is_none_or(|next| next.passage != candidate.passage);
        if last_of_source {
            let _ = write!(text, " [{}]", candidate.passage + 1);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(title: &str, text: &str, score: f32) -> Passage {
        Passage {
            document: uuid::Uuid::nil(),
            ordinal: 0,
            source: format!("{title}.md"),
            title: title.to_owned(),
            url: None,
            text: text.to_owned(),
            score,
            asked: None,
        }
    }

    #[test]
    fn the_sentences_that_answer_are_quoted_with_their_source() {
        let passages = [
            passage(
                "Card delivery",
                "We print cards every night. A new card takes five working days to arrive. Express delivery costs 12 euros.\n\
                 Cards are not insured. Our office is blue. The cat sleeps.",
                0.7,
            ),
            passage("Opening hours", "We open at nine.", 0.4),
        ];
        let reply = answer("how long does a new card take to arrive?", &passages, 3);
        assert!(reply.text.starts_with("A new card takes five working days to arrive."), "{}", reply.text);
        assert!(reply.text.ends_with("[1]") && !reply.text.contains("cat"), "{}", reply.text);
        assert_eq!(reply.action, Action::Answer);
        assert!(reply.confidence > 0.6, "{}", reply.confidence);
    }

    #[test]
    fn nothing_to_quote_is_insufficient() {
        assert_eq!(answer("anything?", &[], 3).action, Action::Insufficient);
    }
}
