//! What an insight is drawn from, and what was drawn: facts, each with the numbers of the notes that say it.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use switchboard_protocol::ids::WorkspaceId;
use switchboard_protocol::limits::INSIGHT_FIELD;

use super::Place;

/// What a person said, or others wrote down of them.
#[derive(Clone, Debug)]
pub struct Notes {
    pub workspace: WorkspaceId,
    pub source: Source,
    /// The earliest first.
    pub said: Vec<Note>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the person says of themselves counts, and little of it does.
    Conversation,
    /// All of it is about the person.
    Records,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// In a conversation that of the message.
    pub number: i64,
    /// The desk's own words only tell what the person's are about.
    pub by_desk: bool,
    pub text: String,
}

/// Something about the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub place: Place,
    pub text: String,
    /// The notes that say it, in their order; never none.
    pub cites: Vec<i64>,
}

/// Facts of a field: beyond that, it is no summary.
const FACTS: usize = 30;
/// Characters of a fact, and notes that it cites.
const LONGEST: usize = 400;
const CITES: usize = 10;

impl Notes {
    /// What may be cited.
    pub fn citable(&self) -> HashSet<i64> {
        self.said.iter().filter(|note| !note.by_desk).map(|note| note.number).collect()
    }
}

/// Each field as lines of facts with their citations, `Two daughters. [2] [5]`, and a last line that says of what.
pub fn fields(facts: &[Fact], of: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for place in Place::ALL {
        let mut text = String::new();
        for fact in facts.iter().filter(|fact| fact.place == place).take(FACTS) {
            let line = fact.text.split_whitespace().collect::<Vec<_>>().join(" ");
            text.extend(line.chars().filter(|sign| !sign.is_control()).take(LONGEST));
            for number in fact.cites.iter().take(CITES) {
                let _ = write!(text, " [{number}]");
            }
            text.push('\n');
        }
        if !text.is_empty() {
            text.push_str(of);
            fields.insert(place.name().to_owned(), text.into());
        }
    }
    fields
}

const _: () = assert!(FACTS * (LONGEST * 4 + CITES * 10) < INSIGHT_FIELD);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_what_and_where() {
        let fact =
            |place, text: &str, cites: &[i64]| Fact { place, text: text.to_owned(), cites: cites.to_vec() };
        let facts = [
            fact(Place::Personal, "Two daughters.", &[2, 5]),
            fact(Place::Deals, "Sells the firm.", &[3]),
            fact(Place::Personal, &"x".repeat(1000), &[7]),
        ];
        let fields = fields(&facts, "conversation c");
        let personal = fields["personal"].as_str().unwrap();
        assert_eq!(personal.lines().next(), Some("Two daughters. [2] [5]"));
        assert_eq!(personal.lines().last(), Some("conversation c"));
        assert_eq!(personal.lines().nth(1).map(str::len), Some(LONGEST + " [7]".len()));
        assert_eq!(fields["deals"], "Sells the firm. [3]\nconversation c");
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn what_the_desk_said_is_not_cited() {
        let note = |number, by_desk| Note { number, by_desk, text: "x".to_owned() };
        let notes = Notes {
            workspace: crate::domain::mint::id(),
            source: Source::Conversation,
            said: vec![note(1, false), note(2, true)],
        };
        assert_eq!(notes.citable(), HashSet::from([1]));
    }
}
