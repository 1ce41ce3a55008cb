//! What a model made of notes, however it wrote it down.
//!
//! Invariant: only the six fields, and only facts that cite notes which it was given.

use std::collections::HashSet;

use serde_json::Value;

use super::json;
use crate::brain::BrainError;
use crate::domain::insight::{Fact, Place};

/// Facts of one answer.
const MOST: usize = 100;
/// Characters of a fact.
const LONGEST: usize = 400;

/// The facts in an answer, in the order of the fields. An object that names none of the fields, or states much and cites
/// nothing, is no answer.
pub fn read(said: &str, citable: &HashSet<i64>) -> Result<Vec<Fact>, BrainError> {
    let garbled = |what: &str| Err(BrainError::Garbled(what.to_owned()));
    let Some(object) = json::after_thoughts(said).and_then(json::first_object) else {
        return garbled("no object with insights");
    };
    // Some put it into a member of its own.
    let object = ["insights", "insight"].iter().find_map(|name| object.get(name)).unwrap_or(&object);
    let lists: Vec<(Place, &Value)> =
        Place::FIELDS.into_iter().filter_map(|place| Some((place, object.get(place.name())?))).collect();
    if lists.is_empty() {
        return garbled("an object without the fields of an insight");
    }
    let (mut facts, mut without) = (Vec::new(), 0);
    for (place, list) in lists {
        let alone = [list.clone()];
        for item in list.as_array().map_or(&alone[..], Vec::as_slice).iter().take(MOST - facts.len()) {
            let Some(text) = text(item) else { continue };
            let mut cites = numbers(item);
            cites.retain(|number| citable.contains(number));
            cites.sort_unstable();
            cites.dedup();
            if cites.is_empty() {
                without += 1;
            } else {
                facts.push(Fact { place, text, cites });
            }
        }
    }
    if facts.is_empty() && without > 0 { garbled("insights that cite nothing") } else { Ok(facts) }
}

fn text(item: &Value) -> Option<String> {
    match item {
        Value::String(_) => json::line(Some(item), LONGEST).map(|line| without_marks(&line)),
        Value::Object(members) => {
            let named = ["text", "fact", "insight", "statement"].iter().find_map(|name| members.get(*name));
            json::line(named, LONGEST)
        }
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

/// The notes that an item cites: in a list, alone, or at the end of its text as `[2]` or `[2, 5]`.
fn numbers(item: &Value) -> Vec<i64> {
    match item {
        Value::Object(members) => {
            let names = ["notes", "messages", "citations", "cites", "sources", "note", "message", "n"];
            match names.iter().find_map(|name| members.get(*name)) {
                Some(Value::Array(list)) => list.iter().filter_map(number).collect(),
                Some(one) => number(one).into_iter().collect(),
                None => Vec::new(),
            }
        }
        Value::String(text) => {
            let marks = text.split('[').skip(1).filter_map(|mark| mark.split_once(']'));
            marks
                .flat_map(|(inside, _)| inside.split(',').filter_map(|number| number.trim().parse().ok()))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().trim_matches(['[', ']', '#', 'n', '=']).parse().ok())
}

/// What stands before the first citation.
fn without_marks(line: &str) -> String {
    let is_mark = |at: &usize| line[at + 1..].starts_with(|sign: char| sign.is_ascii_digit());
    let end = line.match_indices('[').map(|(at, _)| at).find(is_mark).unwrap_or(line.len());
    line[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(place: Place, text: &str, cites: &[i64]) -> Fact {
        Fact { place, text: text.to_owned(), cites: cites.to_vec() }
    }

    #[track_caller]
    fn check(said: &str, facts: &[Fact]) {
        assert_eq!(read(said, &HashSet::from([2, 5])), Ok(facts.to_vec()), "{said}");
    }

    #[test]
    fn facts_are_read_however_they_are_written() {
        let sails = [fact(Place::Personal, "Sails.", &[2])];
        for said in [
            r#"{"personal":[{"text":"Sails.","notes":[2]}],"business":[],"investing":null}"#,
            r#"<think>{"personal":[]}</think> Sure! ```json {"personal":[{"fact":"Sails.","citations":["2","[2]"]}]} ```"#,
            r#"{"insights":{"personal":[{"text":" Sails.\n","messages":2}]}}"#,
            r#"{"personal":["Sails. [2]"],"favourites":[{"text":"x","notes":[2]}]}"#,
            r#"{"personal":"Sails. [2, 9]"}"#,
            r#"{"personal":{"text":"Sails.","note":"n=2"},"deals":[7, true, {}, {"text":""}]}"#,
        ] {
            check(said, &sails);
        }
        check(r#"{"personal":[],"deals":[]}"#, &[]);
        check(
            r#"{"deals":[{"text":"Sells the firm.","notes":[5,2,2]}],"business":[{"text":"Has a firm.","notes":[5]}]}"#,
            &[fact(Place::Business, "Has a firm.", &[5]), fact(Place::Deals, "Sells the firm.", &[2, 5])],
        );
    }

    #[test]
    fn nothing_is_believed_that_cites_no_note_that_was_given() {
        check(
            r#"{"personal":[{"text":"Sails.","notes":[2,7]},{"text":"Golfs.","notes":[7]},{"text":"Runs.","notes":[]}]}"#,
            &[fact(Place::Personal, "Sails.", &[2])],
        );
        for garbled in [
            "",
            "I cannot do that.",
            "{",
            "[]",
            r#"{"answer":"Sails."}"#,
            r#"{"personal":[{"text":"Golfs.","notes":[7]}]}"#,
            r#"{"personal":"Golfs."}"#,
        ] {
            assert!(matches!(read(garbled, &HashSet::from([2])), Err(BrainError::Garbled(_))), "{garbled}");
        }
        let many = format!("{{\"deals\":[{}]}}", vec![r#"{"text":"x","notes":[2]}"#; 1_000].join(","));
        assert_eq!(read(&many, &HashSet::from([2])).map(|facts| facts.len()), Ok(MOST));
    }
}
