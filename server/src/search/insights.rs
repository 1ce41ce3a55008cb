//! The words that insights are found by, and the passages that show why one was found.
//!
//! Invariant: what is asked for and what is indexed go through the same rule, so that a word is found wherever it was
//! written; and no text is refused. A word is stored as a number, which means nothing in another workspace.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::WorkspaceId;

use super::shelf::words::stems;
use crate::domain::insight::{Insight, Place};

/// The words of a question, without repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question(Vec<String>);

/// A passage of an insight, with the places of the question's words in it: in characters, the end exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    pub place: Place,
    pub text: String,
    pub marks: Vec<(usize, usize)>,
}

/// Words of a question that are looked for.
const WORDS: usize = 32;
/// Characters of a passage, and of what stands before the first word that was found.
const PASSAGE: usize = 200;
const BEFORE: usize = 60;
/// The last bits of a word's number say where it is.
const PLACES: i64 = 0b111;

/// What a contact is found by: each of its words with its place.
pub fn words(workspace: WorkspaceId, member_name: Option<&str>, fields: &Map<String, Value>) -> Vec<i64> {
    let mut words = HashSet::new();
    let mut numbers = HashMap::new();
    for place in Place::ALL {
        let Some(text) = text_of(place, member_name, fields) else { continue };
        stems(&text, |_, stem| {
            let number = numbers.entry(stem.to_owned()).or_insert_with(|| number(workspace, stem));
            words.insert(*number | place.number());
        });
    }
    let mut words: Vec<i64> = words.into_iter().collect();
    // Words that have not changed are then the same list, and cost the index nothing.
    words.sort_unstable();
    words
}

impl Question {
    pub fn of(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        stems(text, |_, stem| {
            if words.len() < WORDS && words.iter().all(|known| known != stem) {
                words.push(stem.to_owned());
            }
        });
        Self(words)
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What to look for in the index: for each word, its number at each of the places.
    pub fn asked(&self, workspace: WorkspaceId, places: &[Place]) -> Vec<i64> {
        let at_places = |word: &String| {
            let number = number(workspace, word);
            places.iter().map(move |place| number | place.number())
        };
        self.0.iter().flat_map(at_places).collect()
    }

    /// Where an insight holds words of the question: the best passage of each place that has any.
    pub fn highlights(&self, insight: &Insight, places: &[Place]) -> Vec<Highlight> {
        let highlight = |place: &Place| {
            let text = text_of(*place, insight.member_name.as_deref(), &insight.fields)?;
            let (text, marks) = self.passage(&text)?;
            Some(Highlight { place: *place, text, marks })
        };
        places.iter().filter_map(highlight).collect()
    }

    fn passage(&self, text: &str) -> Option<(String, Vec<(usize, usize)>)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        stems(text, |place, stem| {
            let place = (place.start, place.end);
            if found.last() != Some(&place) && self.0.iter().any(|word| word == stem) {
                found.push(place);
            }
        });
        // From bytes to characters, in one go along the text.
        let (mut bytes, mut characters) = (0, 0);
        let mut count = |upto: usize| {
            characters += text[bytes..upto].chars().count();
            bytes = upto;
            characters
        };
        let marks: Vec<_> = found.into_iter().map(|(from, to)| (count(from), count(to))).collect();
        let within = |first: usize| {
            let most = marks[first].0 + PASSAGE - BEFORE;
            marks[first..].iter().take_while(|(_, to)| *to <= most).count()
        };
        let best = (0..marks.len()).max_by_key(|first| (within(*first), Reverse(*first)))?;
        let signs: Vec<char> = text.chars().collect();
        let (from, to) = (start(&signs, marks[best].0), end(&signs, marks[best]));
        let lead = if from > 0 { "…" } else { "" };
        let tail = if to < signs.len() { "…" } else { "" };
        let passage: String = signs[from..to].iter().collect();
        let shift = lead.chars().count();
        let shown = marks.into_iter().filter(|mark| from <= mark.0 && mark.1 <= to);
        let marks = shown.map(|mark| (mark.0 - from + shift, mark.1 - from + shift)).collect();
        Some((format!("{lead}{passage}{tail}"), marks))
    }
}

/// A little before the word, where another one begins.
fn start(signs: &[char], word: usize) -> usize {
    let least = word.saturating_sub(BEFORE);
    if least == 0 {
        return 0;
    }
    (least..word).find(|at| signs[at - 1].is_whitespace()).unwrap_or(least)
}

/// As far as a passage goes, where a word ends; and at least to the end of the word that it is about.
fn end(signs: &[char], word: (usize, usize)) -> usize {
    let most = (word.0.saturating_sub(BEFORE) + PASSAGE).max(word.1);
    if most >= signs.len() {
        return signs.len();
    }
    (word.1..=most).rev().find(|at| signs[*at].is_whitespace()).unwrap_or(most)
}

/// What can be read at a place.
fn text_of<'a>(
    place: Place,
    member_name: Option<&'a str>,
    fields: &'a serde_json::Map<String, Value>,
) -> Option<Cow<'a, str>> {
    match place {
        Place::MemberName => member_name.map(Cow::Borrowed),
        _ => fields.get(place.name()).map(|value| match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => {
                let mut text = String::new();
                gather(other, &mut text);
                Cow::Owned(text)
            }
        }),
    }
}

/// All that is said in a value, one after the other.
fn gather(value: &Value, text: &mut String) {
    let mut say = |words: &str| {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(words);
    };
    match value {
        Value::String(words) => say(words),
        Value::Number(number) => say(&number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| gather(value, text)),
        Value::Object(members) => members.values().for_each(|value| gather(value, text)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn number(workspace: WorkspaceId, stem: &str) -> i64 {
    let digest = Sha256::new().chain_update(workspace.uuid().as_bytes()).chain_update(stem).finalize();
    let first = digest.first_chunk::<8>().copied().unwrap_or_default();
    i64::from_be_bytes(first) & !PLACES
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::mint;

    fn insight(fields: &Value) -> Insight {
        Insight { member_name: Some("Zoë O'Hara".to_owned()), ..Insight::example("a", fields) }
    }

    #[test]
    fn a_word_is_found_where_it_was_written_and_in_its_workspace() {
        let workspace = mint::id();
        let Insight { member_name, fields, .. } =
            insight(&json!({"personal": "Sails boats", "deals": [{"a": "Series B"}]}));
        let known = words(workspace, member_name.as_deref(), &fields);
        let holds = |workspace, text: &str, places: &[Place]| {
            let asked = Question::of(text).asked(workspace, places);
            assert_eq!(asked.len() % places.len(), 0);
            asked.iter().any(|word| known.contains(word))
        };
        assert!(holds(workspace, "sailing", &[Place::Personal]));
        assert!(!holds(workspace, "sailing", &[Place::Deals]));
        assert!(holds(workspace, "any series", &Place::ALL));
        assert!(holds(workspace, "zoe", &[Place::MemberName]));
        assert!(!holds(mint::id(), "sailing", &Place::ALL));
    }

    #[test]
    fn any_text_is_a_question() {
        for odd in ["", " ", "the", "\u{0}", "a & | ! ( :* <->", "' OR 1=1 --", "🦀", "%", "\\"] {
            assert!(Question::of(odd).0.len() <= 2, "{odd}");
        }
        assert_eq!(Question::of(&"word ".repeat(400)).0.len(), 1);
        let many: Vec<_> = (0..400).map(|n| format!("w{n}")).collect();
        assert_eq!(Question::of(&many.join(" ")).0.len(), WORDS);
    }

    #[track_caller]
    fn shows(text: &str, query: &str, passage: &str) {
        let found = Question::of(query).highlights(&insight(&json!({"personal": text})), &[Place::Personal]);
        let marked = found.first().map(|found| {
            let signs: Vec<char> = found.text.chars().collect();
            let mut out = String::new();
            for (at, sign) in signs.iter().enumerate() {
                out.extend(found.marks.iter().filter(|mark| mark.0 == at).map(|_| '['));
                out.push(*sign);
                out.extend(found.marks.iter().filter(|mark| mark.1 == at + 1).map(|_| ']'));
            }
            out
        });
        assert_eq!(marked.as_deref().unwrap_or_default(), passage);
    }

    #[test]
    fn a_passage_shows_the_words() {
        shows("She sails, and sailed before.", "sailing", "She [sails], and [sailed] before.");
        shows("Çà et là", "ca", "[Çà] et là");
        shows("nothing of it", "boat", "");
        let long = format!("{} boat {}", "before ".repeat(40).trim(), "after ".repeat(60).trim());
        let shown = format!("…{}[boat]{}…", "before ".repeat(8), " after".repeat(22));
        shows(&long, "boats", &shown);
        shows("如何锁定卡片", "锁定", "[如何锁定卡片]");
    }

    #[test]
    fn a_list_is_shown_as_what_it_says() {
        let found = insight(&json!({"deals": [{"stage": "Series A", "year": 2024, "open": true}, "Boats"]}));
        let shown = Question::of("boats 2024").highlights(&found, &Place::ALL);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].text, "Series A; 2024; Boats");
        assert_eq!(shown[0].marks, [(10, 14), (16, 21)]);
    }
}
