//! A question that means nothing without the one before it.

use super::words;
use crate::domain::message::Role;
use crate::domain::turn::Said;

/// Beginnings of a question that goes on with another.
const GOES_ON: &[&str] = &[
    "and ",
    "or ",
    "but ",
    "what about",
    "how about",
    "what if",
    "also ",
    "then ",
    "so ",
    "same for",
    "is that",
    "is it",
    "does that",
    "does it",
    "can it",
    "will it",
    "why not",
];
/// Words that stand for something said before.
const STANDS_FOR: &[&str] = &[
    "it", "its", "that", "this", "they", "them", "those", "these", "there", "one", "ones", "he", "she",
    "him", "her",
];
/// A question with more to say than this stands alone.
const SHORT: usize = 4;
/// Words of the question before that are enough to know what it was about.
const BEFORE: usize = 300;

/// The question as it reads to somebody who has not seen what came before.
pub fn in_context(question: &str, history: &[Said]) -> String {
    if !leans(question) {
        return question.to_owned();
    }
    let before =
        history.iter().rev().find(|said| said.role == Role::User && words::terms(&said.content).len() > 1);
    let Some(before) = before else { return question.to_owned() };
    let before: String = before.content.chars().take(BEFORE).collect();
    format!("{before} {question}")
}

fn leans(question: &str) -> bool {
    let lower = question.trim().to_lowercase();
    let asks = lower.ends_with('?') || ASKS.iter().any(|word| lower.starts_with(word));
    let short = words::terms(&lower).len() <= SHORT;
    let goes_on = GOES_ON.iter().any(|begin| lower.starts_with(begin));
    let stands_for = lower
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .any(|word| STANDS_FOR.contains(&word));
    let bare = words::terms(&lower).len() <= 1 && asks;
    short && asks && (goes_on || stands_for || bare) || short && goes_on && lower.starts_with("and ")
}

const ASKS: &[&str] = &[
    "what", "how", "when", "where", "why", "who", "which", "is ", "are ", "can ", "could ", "do ", "does ",
    "will ", "would ", "and ", "or ",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, leans_on: bool) {
        let history = [
            Said { role: Role::User, content: "How do I order a replacement card?".to_owned() },
            Said { role: Role::Assistant, content: "In the app.".to_owned() },
        ];
        let read = in_context(question, &history);
        assert_eq!(read.starts_with("How do I order"), leans_on, "{read}");
    }

    #[test]
    fn a_question_that_leans_on_the_one_before_is_read_with_it() {
        check("How much does it cost?", true);
        check("and abroad?", true);
        check("how long?", true);
        check("Is that free?", true);
        check("What are your opening hours on Saturday?", false);
        check("thanks", false);
        check("ok", false);
        check("I want to close my account and get the money paid to another bank", false);
    }
}
