//! An answer in the words of the passages: the sentences that answer, joined so that they read, each with its source.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::quotes::{Sentence, Sentences};
use super::sought::Sought;
use super::words;
use crate::domain::turn::{Action, Passage, Reply};
use crate::domain::vector::Vector;

/// What is asked: its words, and its meaning where there is a model.
pub struct Asked<'a> {
    pub text: &'a str,
    pub vector: Option<&'a Vector>,
    pub added: Option<Added<'a>>,
}

/// The end of what is asked, where it leans on an earlier question: it alone says what is new.
pub struct Added<'a> {
    pub text: &'a str,
    pub vector: Option<&'a Vector>,
    /// The answer before it.
    pub said: &'a str,
}

/// A sentence of a passage, and what speaks for it.
struct Candidate<'a> {
    passage: usize,
    place: usize,
    text: &'a str,
    /// The part of the question's weight that its words cover.
    covers: f32,
    /// How near its meaning is to the question's.
    near: Option<f32>,
    /// It has the amount or the time that is asked for.
    holds: bool,
    score: f32,
}

/// A passage beyond these is not worth a sentence.
pub const SOURCES: usize = 2;
/// A second source must be nearly as good as the first.
const SECOND_SOURCE: f32 = 0.9;
/// What an amount or a time is worth where one is asked for.
const SOUGHT: f32 = 0.12;
/// Sentences of the same passage are taken with the best one within this of its score, or within that where only words
/// speak for them.
const AS_NEAR: f32 = 0.1;
const AS_WORDED: f32 = 0.25;
/// How much more a follow-up's own words weigh than those of the question before.
const OWN_WORDS: f32 = 2.0;
/// And what its own meaning counts, of all that is meant.
const OWN_MEANING: f32 = 0.65;
/// A follow-up asks for something else than what was just said.
const SAID: f32 = 0.15;
/// A sentence that begins so is read with the one before it.
const LEANS_BACK: &[&str] =
    &["It ", "This ", "They ", "Such ", "These ", "Those ", "That ", "Then ", "There it "];

/// `sentences` are those of the first passages, at most [`SOURCES`].
pub fn answer(asked: &Asked<'_>, passages: &[Passage], sentences: &[Sentences], most: usize) -> Reply {
    let candidates = candidates(asked, passages, sentences);
    let Some(best) = candidates.iter().max_by(|a, b| a.score.total_cmp(&b.score)) else {
        return Reply { action: Action::Insufficient, ..Reply::default() };
    };
    let mut chosen = around(best, &candidates, most);
    let strong = |candidate: &&Candidate<'_>| {
        candidate.passage != best.passage
            && candidate.holds >= best.holds
            && candidate.covers >= best.covers.max(0.3) * 0.8
            && candidate.near >= best.near.map(|near| near * SECOND_SOURCE)
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
    let fits = best.near.map_or(best.covers, |near| best.covers.max(((near - 0.25) / 0.4).clamp(0.0, 1.0)));
    let confidence = (0.55 * evidence + 0.45 * fits + 0.1).clamp(0.0, 1.0);
    Reply { text: text(&chosen), action: Action::Answer, confidence, reason: None }
}

/// The best sentence with those of its passage that say as much, and what they lean on: an answer reads best in the
/// order in which it was written.
fn around<'c, 'a>(best: &'c Candidate<'a>, all: &'c [Candidate<'a>], most: usize) -> Vec<&'c Candidate<'a>> {
    let beside = |candidate: &&Candidate<'_>| {
        let apart = candidate.place.abs_diff(best.place);
        let follows = apart == 1 && candidate.place > best.place || apart <= 3 && candidate.covers > 0.0;
        let (within, belongs) = if best.near.is_some() { (AS_NEAR, true) } else { (AS_WORDED, follows) };
        apart > 0 && belongs && candidate.score >= best.score - within
    };
    let mut near: Vec<&Candidate<'_>> =
        all.iter().filter(|candidate| candidate.passage == best.passage).filter(beside).collect();
    near.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut chosen = vec![best];
    chosen.extend(near.into_iter().take(most.min(3).saturating_sub(1)));
    let leaning: Vec<usize> = chosen
        .iter()
        .filter(|candidate| LEANS_BACK.iter().any(|opening| candidate.text.starts_with(opening)))
        .map(|candidate| candidate.place)
        .collect();
    for place in leaning {
        let before =
            |candidate: &&Candidate<'_>| candidate.passage == best.passage && candidate.place + 1 == place;
        if let Some(before) = all.iter().find(before)
            && !chosen.iter().any(|known| known.place == before.place)
        {
            chosen.push(before);
        }
    }
    chosen
}

fn candidates<'a>(asked: &Asked<'_>, passages: &[Passage], sentences: &'a [Sentences]) -> Vec<Candidate<'a>> {
    let added = asked.added.as_ref();
    let sought = added.and_then(|own| Sought::by(own.text)).or_else(|| Sought::by(asked.text));
    let own: HashSet<String> = added.map(|own| words::terms(own.text)).into_iter().flatten().collect();
    let terms: HashSet<String> = words::terms(asked.text)
        .into_iter()
        .filter(|term| !sought.is_some_and(|sought| sought.is_asked_by(term)))
        .collect();
    let best = passages.first().map_or(1.0, |passage| passage.score.max(0.01));
    let read = || {
        let of = |(index, sentences): (usize, &'a Sentences)| {
            sentences.iter().enumerate().map(move |(place, sentence)| (index, place, sentence))
        };
        sentences.iter().enumerate().flat_map(of)
    };
    // A word that every sentence has says less than one that few have.
    let mut common: HashMap<&str, f32> = HashMap::new();
    for term in read().flat_map(|(.., sentence)| &sentence.terms) {
        *common.entry(term).or_default() += 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of sentences")]
    let all = read().count() as f32;
    let weight = |term: &str| {
        let rare = 1.0 + 0.5 * (1.0 + all / (1.0 + common.get(term).copied().unwrap_or(0.0))).ln();
        if own.contains(term) { OWN_WORDS * rare } else { rare }
    };
    let whole: f32 = terms.iter().map(|term| weight(term)).sum::<f32>().max(0.01);
    let part = |of: &HashSet<String>| {
        (terms.intersection(of).map(|term| weight(term)).sum::<f32>() / whole).min(1.0)
    };
    let terms_of = |text: &str| words::terms(text).into_iter().collect::<HashSet<_>>();
    let titled: Vec<f32> = passages.iter().map(|passage| part(&terms_of(&passage.title))).collect();
    // What staff answered is known by the question that it answered.
    let answered: Vec<HashSet<String>> =
        passages.iter().map(|passage| passage.asked.as_deref().map(terms_of).unwrap_or_default()).collect();
    read()
        .map(|(passage, place, Sentence { text, terms, vector })| {
            let covers = part(&terms.union(&answered[passage]).cloned().collect());
            let near = vector.as_ref().and_then(|sentence| {
                let all = asked.vector?.cosine(sentence);
                let own = added.and_then(|own| own.vector).map(|own| own.cosine(sentence));
                Some(own.map_or(all, |own| OWN_MEANING * own + (1.0 - OWN_MEANING) * all))
            });
            #[expect(clippy::cast_precision_loss, reason = "a place among a few sentences")]
            let early = 0.04 / (1.0 + place as f32);
            let fits = match near {
                Some(near) => near + 0.3 * covers + 0.3 * passages[passage].score,
                None => 0.6 * covers + 0.1 * titled[passage] + 0.3 * passages[passage].score / best + early,
            };
            let holds = sought.is_some_and(|sought| sought.is_in(text));
            let is_said = added.is_some_and(|own| own.said.contains(text.as_str()));
            let score = fits + if holds { SOUGHT } else { 0.0 } - if is_said { SAID } else { 0.0 };
            Candidate { passage, place, text, covers, near, holds, score }
        })
        .collect()
}

/// The sentences of each source together, with its number behind them.
fn text(chosen: &[&Candidate<'_>]) -> String {
    let mut text = String::new();
    for (index, candidate) in chosen.iter().enumerate() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(candidate.text);
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
pub mod tests {
    use super::super::quotes::Quotes;
    use super::*;

    pub fn passage(title: &str, text: &str, score: f32) -> Passage {
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

    async fn by_words(question: &str, passages: &[Passage]) -> Reply {
        let quotes = Quotes::default();
        let mut sentences = Vec::new();
        for passage in passages {
            sentences.push(quotes.of(passage).await);
        }
        answer(&Asked { text: question, vector: None, added: None }, passages, &sentences, 3)
    }

    #[tokio::test]
    async fn the_sentences_that_answer_are_quoted_with_their_source() {
        let passages = [
            passage(
                "Card delivery",
                "We print cards every night. A new card takes five working days to arrive. Express delivery costs 12 euros.\n\
                 Cards are not insured. Our office is blue. The cat sleeps.",
                0.7,
            ),
            passage("Opening hours", "We open at nine.", 0.4),
        ];
        let reply = by_words("how long does a new card take to arrive?", &passages).await;
        assert!(reply.text.starts_with("A new card takes five working days to arrive."), "{}", reply.text);
        assert!(reply.text.ends_with("[1]") && !reply.text.contains("cat"), "{}", reply.text);
        assert_eq!(reply.action, Action::Answer);
        assert!(reply.confidence > 0.6, "{}", reply.confidence);
    }

    #[tokio::test]
    async fn a_question_of_cost_is_answered_with_an_amount() {
        let passages = [
            passage("Membership", "Guests can come to one event without a membership.", 0.9),
            passage("Membership", "The Member plan costs 65 pounds a month.", 0.88),
        ];
        let reply = by_words("What does a membership cost?", &passages).await;
        assert_eq!(reply.text, "The Member plan costs 65 pounds a month. [2]");
    }

    /// A small space of meanings: one axis a matter.
    fn meaning(parts: &[(usize, f32)]) -> Vector {
        let mut values = vec![0.0; crate::domain::vector::DIMENSIONS];
        for (axis, part) in parts {
            values[*axis] = *part;
        }
        values.into()
    }

    #[test]
    fn what_is_meant_is_quoted_though_no_word_is_shared() {
        let passages = [passage("Leaving", "", 0.6)];
        let sentence = |text: &str, parts: &[(usize, f32)]| Sentence {
            text: text.to_owned(),
            terms: words::terms(text).into_iter().collect(),
            vector: Some(meaning(parts)),
        };
        let sentences: Sentences = [
            sentence("Bicycles stay outside.", &[(1, 1.0)]),
            sentence("A membership ends under Settings, End.", &[(0, 1.0), (2, 0.2)]),
            sentence("It then runs until the paid month is over.", &[(0, 1.0), (3, 0.3)]),
        ]
        .into_iter()
        .collect();
        let vector = meaning(&[(0, 1.0), (3, 0.3)]);
        let asked = Asked { text: "how can i quit", vector: Some(&vector), added: None };
        let reply = answer(&asked, &passages, &[sentences], 3);
        assert_eq!(
            reply.text,
            "A membership ends under Settings, End. It then runs until the paid month is over. [1]"
        );
        assert!(reply.confidence > 0.8, "{}", reply.confidence);
    }

    #[tokio::test]
    async fn a_follow_up_is_answered_with_what_was_not_said() {
        let said = "A transfer abroad takes four days.";
        let passages =
            [passage("Money abroad", &format!("{said} It costs 10 euro. It can be recalled."), 0.8)];
        let quotes = Quotes::default();
        let sentences = [quotes.of(&passages[0]).await];
        let reply = |own: &str| {
            let text = format!("How long does a transfer abroad take? {own}");
            let added = Some(Added { text: own, vector: None, said });
            answer(&Asked { text: &text, vector: None, added }, &passages, &sentences, 1).text
        };
        assert!(reply("And what does that cost?").contains("10 euro"));
        assert!(reply("Can it be recalled?").contains("It can be recalled."));
    }

    #[tokio::test]
    async fn nothing_to_quote_is_insufficient() {
        assert_eq!(by_words("anything?", &[]).await.action, Action::Insufficient);
    }
}
