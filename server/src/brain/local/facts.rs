//! What somebody states of themselves, found by how it is said: the words of a person in the first person, about their
//! life, their work, their money. Few sentences of a support desk are of that kind, and rather one is missed than one too
//! many taken.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::words;
use crate::domain::insight::{Fact, Notes, Place, Source, field_of};

/// A sentence shorter than this states nothing, and one longer is a list or a letter.
const WORDS: std::ops::RangeInclusive<usize> = 3..=60;

/// Every sentence that states something, in the order in which it was said; said again, it is the same.
pub fn stated(notes: &Notes) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for note in notes.said.iter().filter(|note| !note.by_desk) {
        for text in words::sentences(&note.text) {
            let place = match notes.source {
                Source::Conversation => told_of_self(&text),
                Source::Records => Some(field_of(&text)),
            };
            let Some(place) = place else { continue };
            let at = *known.entry(text.to_lowercase()).or_insert(facts.len());
            match facts.get_mut(at) {
                Some(fact) if fact.cites.last() == Some(&note.number) => {}
                Some(fact) => fact.cites.push(note.number),
                None => facts.push(Fact { place, text, cites: vec![note.number] }),
            }
        }
    }
    facts
}

struct Sign {
    place: Place,
    said: Regex,
}

/// The first of two that are level has it.
static SIGNS: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    let sign = |place, said: &str| Sign {
        place,
        said: Regex::new(&format!(r"(?i)\b(?:{said})\b")).expect("checked by the tests"),
    };
    vec![
        sign(
            Place::Introductions,
            r"introduc(?:e|ed|tion|tions)|intro to|referred (?:me|us|by)|was referred|recommended (?:me|us) (?:by|to)|(?:i|we) (?:know|met) \w+ (?:from|at|through)|einführung bei|empfohlen von",
        ),
        sign(
            Place::Deals,
            r"series [a-e]|seed round|funding round|(?:i am|i'm|i’m|we are|we're|we’re) raising|term sheet|due diligence|valuation|acquisition of|(?:acquiring|selling|sold|buying|bought) (?:a|an|my|our|the) (?:company|business|firm|shop|stake|building|property)|merger with|the deal with",
        ),
        sign(
            Place::Investing,
            r"(?:i|we) (?:also )?(?:mostly |mainly |only )?invest(?:ed|s)?|(?:i am|i'm|i’m|we are|we're|we’re) investing|my investments?|our investments?|(?:my|our) (?:\w+ )?(?:portfolio|fund|funds|shares|stocks|bonds|savings|pension)|angel investor|venture capital|private equity|ich investiere|wir investieren|mein depot",
        ),
        sign(
            Place::ThreeI,
            r"philanthrop\w*|(?:i|we) (?:donate|volunteer)\w*|my foundation|our foundation|non-?profit|charit(?:y|ies|able)|impact invest\w*|sustainab(?:le|ility)|social impact|spende ich|ehrenamt\w*",
        ),
        sign(
            Place::Business,
            r"(?:my|our) (?:\w+ )?(?:company|business|firm|start-?up|agency|bakery|restaurant|practice|employer|employees|clients|co-?founders?)|(?:i|we) (?:work|worked) (?:at|for|as|in)|(?:i|we) (?:run|own|founded|co-?founded|manage|employ|lead) (?:a|an|the|my|our|\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)|(?:i am|i'm|i’m) (?:a |an |the )?(?:\w+ )?(?:founder|co-?founder|ceo|cto|cfo|owner|director|manager|consultant|freelancer|lawyer|doctor|teacher|engineer|accountant|nurse|student)|self-employed|meine firma|mein unternehmen|ich arbeite (?:bei|als|für)|ich leite|wir beschäftigen",
        ),
        sign(
            Place::Personal,
            r"(?:my|our) (?:\w+ )?(?:wife|husband|spouse|fianc[eé]e?|daughters?|sons?|child|children|kids?|baby|family|mother|father|mum|mom|dad|parents|brother|sister|dog|cat|birthday|hobby|hobbies|wedding)|(?:i|we) (?:live|lived|moved|grew up|was born|were born|studied|retired|have (?:a|one|two|three|four|five) (?:\w+ )?(?:daughters?|sons?|children|kids?|dogs?|cats?))|(?:i am|i'm|i’m) (?:married|divorced|widowed|retired|pregnant|\d+ years old)|(?:i|we) (?:love|enjoy|like) (?:to )?(?:sail|sailing|hik\w+|travel\w*|cook\w*|golf|ski\w*|run|running|read\w*|music|tennis|cycl\w+|swim\w*|paint\w*)|meine (?:frau|tochter|töchter|kinder|familie|mutter)|mein (?:mann|sohn|vater|hund)|ich (?:wohne|lebe)|wir (?:wohnen|leben)|verheiratet",
        ),
    ]
});

/// Of who speaks.
static FIRST_PERSON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:i|i'm|i’m|i've|i’ve|me|my|mine|we|we're|we’re|us|our|ich|mein\w*|mich|mir|wir|unser\w*)\b",
    )
    .expect("checked by the tests")
});

/// The field that a sentence of a visitor belongs in; nothing where it states nothing of them.
fn told_of_self(text: &str) -> Option<Place> {
    if !WORDS.contains(&text.split_whitespace().count()) || !FIRST_PERSON.is_match(text) {
        return None;
    }
    let (mut best, mut most) = (None, 0);
    for sign in SIGNS.iter() {
        let count = sign.said.find_iter(text).count();
        if count > most {
            (best, most) = (Some(sign.place), count);
        }
    }
    // A question states nothing, unless what it asks for is the fact.
    best.filter(|place| *place == Place::Introductions || !text.ends_with('?'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::insight::Note;
    use crate::domain::mint;

    fn notes(source: Source, said: &[(bool, &str)]) -> Notes {
        let note = |(number, (by_desk, text)): (i64, &(bool, &str))| Note {
            number,
            by_desk: *by_desk,
            text: (*text).to_owned(),
        };
        Notes { workspace: mint::id(), source, said: (1..).zip(said).map(note).collect() }
    }

    #[test]
    fn what_a_visitor_states_of_themselves_is_a_fact() {
        for (text, place) in [
            ("My wife and I moved to Lyon last year.", Place::Personal),
            ("I have two daughters.", Place::Personal),
            ("I'm retired and I love sailing.", Place::Personal),
            ("Meine Tochter studiert in Bonn.", Place::Personal),
            ("I run a bakery in Lyon.", Place::Business),
            ("Our company employs twelve people.", Place::Business),
            ("I work at Acme as an engineer.", Place::Business),
            ("I invest in venture funds.", Place::Investing),
            ("My portfolio is mostly bonds.", Place::Investing),
            ("We donate to a charity for the sea.", Place::ThreeI),
            ("We are raising a Series B.", Place::Deals),
            ("I am selling my company this year.", Place::Deals),
            ("Could you introduce me to somebody at the bank?", Place::Introductions),
            ("I was referred by Ann Lee.", Place::Introductions),
        ] {
            assert_eq!(told_of_self(text), Some(place), "{text}");
        }
    }

    #[test]
    fn what_a_support_desk_is_mostly_told_is_none() {
        for text in [
            "How do I change my billing address?",
            "I want to return my order.",
            "I cannot connect to the app.",
            "My card was declined twice.",
            "Please close my account.",
            "I want to talk to a person.",
            "Is my daughter covered?",
            "The company is closed.",
            "Your offer is good.",
            "I lost my password and met an error.",
            "Thanks, I contacted support before.",
            "My wife.",
        ] {
            assert_eq!(told_of_self(text), None, "{text}");
        }
    }

    #[test]
    fn each_fact_cites_where_it_was_said() {
        let notes = notes(
            Source::Conversation,
            &[
                (false, "Hello! I have two daughters. What does a plan cost?"),
                (true, "I have two daughters too. I run a bakery."),
                (false, "i have two daughters. I run a bakery in Lyon."),
            ],
        );
        let fact =
            |place, text: &str, cites: &[i64]| Fact { place, text: text.to_owned(), cites: cites.to_vec() };
        assert_eq!(
            stated(&notes),
            [
                fact(Place::Personal, "I have two daughters.", &[1, 3]),
                fact(Place::Business, "I run a bakery in Lyon.", &[3]),
            ]
        );
    }

    #[test]
    fn records_are_all_about_their_contact() {
        let notes = notes(
            Source::Records,
            &[
                (false, "Lives in Lyon with her family. Runs a bakery."),
                (false, "Asked for an introduction to Bob."),
            ],
        );
        let places: Vec<_> = stated(&notes).into_iter().map(|fact| (fact.place, fact.cites)).collect();
        assert_eq!(
            places,
            [(Place::Personal, vec![1]), (Place::Business, vec![1]), (Place::Introductions, vec![2])]
        );
    }
}
