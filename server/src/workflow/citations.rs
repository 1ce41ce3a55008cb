//! Citations in an answer: only to passages that were given, numbered in the order in which they are first cited.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Serialize;

use crate::domain::turn::Passage;

/// As the wire shows it, and as it is stored beside the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cited {
    pub number: u32,
    pub source: String,
    pub title: String,
    pub url: Option<String>,
}

static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"([ \t]?)\[(\d{1,4})\]").expect("checked by the tests"));

/// The text without citations of what was not given, and the list of those that stay.
pub fn keep(text: &str, passages: &[Passage]) -> (String, Vec<Cited>) {
    let mut given: Vec<usize> = Vec::new();
    let kept = MARK.replace_all(text, |found: &Captures<'_>| {
        let index = found[2].parse::<usize>().unwrap_or(0).checked_sub(1);
        let Some(index) = index.filter(|index| *index < passages.len()) else { return String::new() };
        let known = given.iter().position(|known| *known == index);
        let place = known.unwrap_or(given.len());
        if known.is_none() {
            given.push(index);
        }
        format!("{}[{}]", &found[1], place + 1)
    });
    let cited = given.iter().zip(1..).map(|(index, number)| {
        let Passage { source, title, url, .. } = &passages[*index];
        Cited { number, source: source.clone(), title: title.clone(), url: url.clone() }
    });
    (kept.into_owned(), cited.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_can_be_cited_and_numbers_follow_the_text() {
        let passage = |title: &str| Passage {
            document: uuid::Uuid::nil(),
            ordinal: 0,
            source: format!("{title}.md"),
            title: title.to_owned(),
            url: None,
            text: String::new(),
            score: 1.0,
            asked: None,
        };
        let (text, cited) = keep("One [2]. Two [7][1]. Three [0]. Four [2].", &[passage("a"), passage("b")]);
        assert_eq!(text, "One [1]. Two[2]. Three. Four [1].");
        let cited: Vec<_> = cited.iter().map(|cited| (cited.number, cited.source.as_str())).collect();
        assert_eq!(cited, [(1, "b.md"), (2, "a.md")]);
    }
}
