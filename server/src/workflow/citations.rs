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
    LazyLock::new(|| Regex::new(r"[ \t]?\[(\d{1,4})\]").expect("checked by the tests"));

/// The text without citations of what was not given, and the list of those that stay.
pub fn keep(text: &str, passages: &[Passage]) -> (String, Vec<Cited>) {
    let mut cited: Vec<(u32, Cited)> = Vec::new();
    let kept = MARK.replace_all(text, |found: &Captures<'_>| {
        let number: u32 = found[1].parse().unwrap_or(0);
        let passage = (number as usize).checked_sub(1).and_then(|index| passages.get(index));
        let Some(passage) = passage else { return String::new() };
        if !cited.iter().any(|(known, _)| *known == number) {
            cited.push((
                number,
                Cited {
                    number,
                    source: passage.source.clone(),
                    title: passage.title.clone(),
                    url: passage.url.clone(),
                },
            ));
        }
        found[0].to_owned()
    });
    let mut list: Vec<Cited> = cited.into_iter().map(|(_, cited)| cited).collect();
    list.sort_by_key(|cited| cited.number);
    (kept.into_owned(), list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_can_be_cited() {
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
        let (text, cited) = keep("One [2]. Two [7][1]. Three [0].", &[passage("a"), passage("b")]);
        assert_eq!(text, "One [2]. Two[1]. Three.");
        assert_eq!(cited.iter().map(|cited| cited.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(cited[1].source, "b.md");
    }
}
