//! A support desk as data: what a preset file says, read and checked as a whole before anything runs on it.
//! Invariant: whatever an intent, a mode or a text names exists, so nothing that uses a preset has to ask.

mod agent;
mod check;
mod desk;
mod error;
mod hours;
mod intent;
mod page;
mod read;
mod rules;
mod source;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::conversation::Mode;

pub use agent::{Agent, ModeDesk};
pub use error::{Fault, PresetError};
pub use hours::Hours;
pub use intent::{Category, Intent, Kind};
pub use page::Page;
pub use rules::{ContactRule, Detail, Limits, Security, Thresholds};
pub use source::NAMES;
pub use text::{Placeholder, Text, Texts};

#[derive(Clone, Debug)]
pub struct Preset {
    /// Also the type of workflow that a State shows.
    pub name: String,
    /// The desk's name, as its visitors read it.
    pub title: String,
    /// Without it every conversation is for people, and what follows is empty or as it is by default.
    pub ai: bool,
    /// Shown before the first message; never part of a log. A mode may have its own: ask `greeting_in`.
    pub greeting: Option<String>,
    /// At least one; the first is where a visitor lands who names none.
    pub modes: Vec<ModeDesk>,
    /// At least one where there is an AI; the first begins, where a mode says nothing else.
    pub agents: Vec<Agent>,
    pub intents: Vec<Intent>,
    pub thresholds: Thresholds,
    pub limits: Limits,
    pub contact: ContactRule,
    pub security: Option<Security>,
    /// Without them somebody is always there.
    pub hours: Option<Hours>,
    pub texts: Texts,
    /// What a remote model is told whichever agent speaks, before that agent's own prompt.
    pub rules: String,
    /// The knowledge that comes with the desk.
    pub pages: Vec<Page>,
    /// Of everything above, pages included: another one means that the desk has changed.
    pub content_hash: [u8; 32],
}

impl Preset {
    /// A desk from the text of its file and the pages beside it. `file` is only what errors call it.
    pub fn parse(name: &str, file: &str, text: &str, pages: Vec<Page>) -> Result<Self, PresetError> {
        let mut preset = read::read(text, |table| desk::desk(table, name, pages))
            .map_err(|faults| PresetError::Faulty { file: file.to_owned(), faults })?;
        preset.content_hash = hash_of(text, &preset.pages);
        Ok(preset)
    }

    pub fn greeting_in(&self, mode: Mode) -> Option<&str> {
        self.mode(mode).and_then(|desk| desk.greeting.as_deref()).or(self.greeting.as_deref())
    }

    /// Nothing where this desk does not serve that mode.
    pub fn mode(&self, mode: Mode) -> Option<&ModeDesk> {
        self.modes.iter().find(|desk| desk.mode == mode)
    }

    pub fn intent(&self, name: &str) -> Option<&Intent> {
        self.intents.iter().find(|intent| intent.name == name)
    }

    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name == name)
    }

    /// What a classifier of that mode chooses from.
    pub fn intents_in(&self, mode: Mode) -> impl Iterator<Item = &Intent> {
        self.intents.iter().filter(move |intent| intent.modes.contains(&mode))
    }

    /// Of what a classifier of that mode learns from and of nothing else: a new text or prompt trains none anew.
    pub fn training_hash(&self, mode: Mode) -> [u8; 32] {
        let mut hash = Sha256::new();
        for intent in self.intents_in(mode) {
            feed(&mut hash, &intent.name);
            intent.examples.iter().for_each(|example| feed(&mut hash, example));
            hash.update([0]);
        }
        hash.finalize().into()
    }
}

fn hash_of(text: &str, pages: &[Page]) -> [u8; 32] {
    let mut hash = Sha256::new();
    feed(&mut hash, text);
    for page in pages {
        feed(&mut hash, &page.path);
        feed(&mut hash, &page.text);
    }
    hash.finalize().into()
}

/// With its length, so that two neighbours are never taken for two others.
fn feed(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

/// Where something stands in the file, in bytes.
type Site = Range<usize>;
