//! A question that means nothing without the one before it.

use super::sought::Sought;
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
    "him", "her", "mine",
];
/// A question with more to say than this stands alone.
const SHORT: usize = 4;
/// One with so little may have left out the rest.
const BARE: usize = 2;
/// Words of the question before that are enough to know what it was about.
const BEFORE: usize = 300;

/// A question that may lean on an earlier one.
#[derive(Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// As it reads to somebody who has not seen what came before.
    pub in_context: String,
    /// Its words say so. Otherwise it leans only if it means nothing alone.
    pub is_sure: bool,
}

/// Nothing where it surely stands alone. What was said before a person gave the conversation back is not what it leans on:
/// it may be the very words that led to that person.
pub fn follow_up(question: &str, history: &[Said]) -> Option<FollowUp> {
    let is_sure = leans(question)?;
    let before = history
        .iter()
        .rev()
        .take_while(|said| said.role != Role::System)
        .find(|said| said.role == Role::User && says(&said.content))?;
    let before: String = before.content.chars().take(BEFORE).collect();
    Some(FollowUp { in_context: format!("{before} {question}"), is_sure })
}

/// Whether something is to be known from it: it is more than a word of assent.
fn says(text: &str) -> bool {
    let terms = words::terms(text).len();
    terms > 1 || terms > 0 && asks(&text.trim().to_lowercase())
}

fn asks(lower: &str) -> bool {
    lower.ends_with('?') || ASKS.iter().any(|word| lower.starts_with(word))
}

/// Whether it surely leans; nothing where it surely does not.
fn leans(question: &str) -> Option<bool> {
    let lower = question.trim().to_lowercase();
    let asks = asks(&lower);
    let terms = words::terms(&lower).iter().filter(|term| !Sought::Time.is_asked_by(term)).count();
    let (short, bare) = (terms <= SHORT, terms <= BARE);
    let goes_on = GOES_ON.iter().any(|begin| lower.starts_with(begin));
    let stands_for = lower
        .split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .any(|word| STANDS_FOR.contains(&word));
    let is_sure = short && asks && (goes_on || stands_for) || short && lower.starts_with("and ");
    (is_sure || asks && bare).then_some(is_sure)
}

const ASKS: &[&str] = &[
    "what", "how", "when", "where", "why", "who", "which", "is ", "are ", "can ", "could ", "do ", "does ",
    "will ", "would ", "and ", "or ",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: Role, content: &str) -> Said {
        Said { role, content: content.to_owned() }
    }

    #[track_caller]
    fn check(question: &str, leans_on: Option<bool>) {
        let mut history = vec![
            said(Role::User, "How do I order a replacement card?"),
            said(Role::Assistant, "In the app."),
        ];
        let read = follow_up(question, &history);
        assert_eq!(read.as_ref().map(|read| read.is_sure), leans_on, "{question}");
        let in_context = format!("How do I order a replacement card? {question}");
        assert!(read.is_none_or(|read| read.in_context == in_context));
        history.push(said(Role::System, "You are talking to our assistant again."));
        assert_eq!(follow_up(question, &history), None, "what was said before a person is over");
    }

    #[test]
    fn a_word_of_assent_is_not_what_a_question_leans_on() {
        let history = [
            said(Role::User, "What is a circle?"),
            said(Role::Assistant, "Eight members who meet once a month."),
            said(Role::User, "ok"),
        ];
        let read = follow_up("How do I change mine?", &history).unwrap();
        assert_eq!(read.in_context, "What is a circle? How do I change mine?");
    }

    #[test]
    fn a_question_that_leans_on_the_one_before_is_read_with_it() {
        check("How much does it cost?", Some(true));
        check("and abroad?", Some(true));
        check("Is that free?", Some(true));
        check("how long?", Some(false));
        check("When is the money available?", Some(false));
        check("How long does the decision take?", Some(false));
        check("What are your opening hours on Saturday?", None);
        check("thanks", None);
        check("ok", None);
        check("I want to close my account and get the money paid to another bank", None);
    }
}
