//! What the agent makes of what it remembers: answers of the staff to quote, pages to look at sooner, hints to bear in
//! mind.
//!
//! Invariant: of what visitors said nothing gets further than this: an item is found by their words, and used without.

use std::collections::HashSet;

use uuid::Uuid;

use crate::brain::Case;
use crate::domain::conversation::Mode;
use crate::domain::memory::{Purpose, Remembered};
use crate::domain::turn::Passage;

#[derive(Debug, Default, PartialEq)]
pub struct Reminders {
    pub answers: Vec<Passage>,
    /// Documents.
    pub pages: HashSet<Uuid>,
    pub hints: Vec<String>,
}

/// An item that scores less has to do with something else.
const ALIKE: f32 = 0.5;
/// Hints that a brain is given.
const HINTS: usize = 3;
/// Before the id of an item, in a citation of it.
const SOURCE: &str = "memory:";

impl Reminders {
    pub fn of(found: Vec<Remembered>, case: &Case) -> Self {
        let mut all = Self::default();
        // What was told in one mode may be for its visitors alone.
        let fits = |item: &Remembered| {
            let modes = item.tags.iter().filter_map(|tag| Mode::from_name(tag));
            modes.into_iter().all(|mode| mode == case.mode)
        };
        for item in found.into_iter().filter(fits) {
            match item.purpose {
                Some(Purpose::Quote) => all.answers.push(quoted(item, case)),
                _ if item.score < ALIKE => {}
                Some(Purpose::Page(document)) => {
                    all.pages.insert(document);
                }
                // Its title is the visitor's question.
                Some(Purpose::Hint) => all.hints.push(format!("{} {}", item.description, item.content)),
                None => all.hints.push(format!("{}: {}", item.title, item.content)),
            }
        }
        all.hints.truncate(HINTS);
        all
    }
}

fn quoted(item: Remembered, case: &Case) -> Passage {
    Passage {
        document: item.id,
        ordinal: 0,
        source: format!("{SOURCE}{}", item.id),
        title: case.preset.texts.staff_answer.render(&[]),
        url: None,
        text: item.content,
        score: item.score,
        asked: Some(item.title),
    }
}
