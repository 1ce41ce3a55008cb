//! Blocks into chunks of about the size that an embedder takes in.
//!
//! Short sections stand together under their headings; a long one is parted between sentences into pieces of about
//! the same size, each beginning with the end of the one before.

use super::sentences::sentences;
use super::{Block, Outline};
use crate::domain::knowledge::Chunk;

/// A chunk with fewer words than this takes the next section in, where it fits.
const LEAST: usize = 120;
/// An embedder reads 256 tokens, some 190 words; what is behind them is found by its words.
const MOST: usize = 220;
/// What the pieces of a long section should have, before what they repeat.
const PIECE: usize = 180;
/// Repeated from the piece before: at most two sentences, of at most so many words.
const OVERLAP: usize = 45;
/// An entry of a list with more words than this may be parted like prose.
const WHOLE: usize = 80;
/// No sentence is longer; such a text is parted between words.
const SENTENCE: usize = 400;
const SENTENCE_CHARACTERS: usize = 4_000;

pub fn pack(outline: &Outline) -> Vec<Chunk> {
    let mut packer = Packer::default();
    for section in sections(outline) {
        packer.take(&section);
    }
    packer.close();
    packer.chunks
}

/// Whether an embedder reads all of a text.
pub fn fits(text: &str) -> bool {
    words(text) <= MOST
}

/// What stands below one heading.
#[derive(Default)]
struct Section {
    /// The headings above it, the outermost first, without the document's title.
    path: Vec<String>,
    units: Vec<Unit>,
    words: usize,
}

/// What is not parted: a sentence, an entry, a row, a line.
struct Unit {
    text: String,
    words: usize,
    /// What stands between it and the one before.
    joint: &'static str,
}

#[derive(Default)]
struct Packer {
    heading: String,
    text: String,
    words: usize,
    chunks: Vec<Chunk>,
}

impl Packer {
    fn take(&mut self, section: &Section) {
        let heading = section.path.last().map_or("", String::as_str);
        let whole = section.words + words(heading);
        if self.words >= LEAST || self.words + whole > MOST {
            self.close();
        }
        if self.words == 0 {
            self.heading = section.path.join(" › ");
        } else if !heading.is_empty() {
            self.add(&format!("## {heading}"), words(heading), "\n\n");
        }
        let most =
            if section.words <= MOST { MOST } else { section.words.div_ceil(section.words.div_ceil(PIECE)) };
        let mut joint = "\n\n";
        let mut fresh = 0;
        for (at, unit) in section.units.iter().enumerate() {
            if fresh > 0 && fresh + unit.words > most + unit.words / 2 {
                self.close();
                self.heading = section.path.join(" › ");
                self.repeat(&section.units[..at]);
                fresh = 0;
            }
            self.add(&unit.text, unit.words, joint);
            fresh += unit.words;
            joint = section.units.get(at + 1).map_or("", |next| next.joint);
        }
    }

    /// Begins with the end of what came before.
    fn repeat(&mut self, before: &[Unit]) {
        let mut room = OVERLAP;
        let fitting = before.iter().rev().take(2).take_while(|unit| {
            let fits = unit.words <= room;
            room = room.saturating_sub(unit.words);
            fits
        });
        let count = fitting.count();
        for unit in &before[before.len() - count..] {
            self.add(&unit.text, unit.words, unit.joint);
        }
    }

    fn add(&mut self, text: &str, words: usize, joint: &str) {
        if !self.text.is_empty() {
            self.text.push_str(joint);
        }
        self.text.push_str(text);
        self.words += words;
    }

    fn close(&mut self) {
        let (heading, text) = (std::mem::take(&mut self.heading), std::mem::take(&mut self.text));
        self.words = 0;
        if !text.is_empty() {
            self.chunks.push(Chunk { heading, text });
        }
    }
}

/// The sections that say something.
fn sections(outline: &Outline) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut path: Vec<(u8, &str)> = Vec::new();
    for block in &outline.blocks {
        let section = sections.last_mut().expect("there is always one");
        match block {
            Block::Heading(level, text) => {
                path.retain(|(above, _)| above < level);
                if outline.title.as_deref() != Some(text) {
                    path.push((*level, text));
                }
                let path = path.iter().map(|(_, text)| (*text).to_owned()).collect();
                sections.push(Section { path, ..Section::default() });
            }
            Block::Prose(text) => section.prose(text, "\n\n"),
            Block::Item(text) if words(text) > WHOLE => section.prose(text, "\n"),
            Block::Item(text) | Block::Row(text) => section.unit(text, "\n"),
            Block::Code(text) => {
                for (at, line) in text.lines().enumerate() {
                    section.unit(line, if at == 0 { "\n\n" } else { "\n" });
                }
            }
        }
    }
    sections.retain(|section| !section.units.is_empty());
    sections
}

impl Section {
    fn prose(&mut self, text: &str, joint: &'static str) {
        for (at, sentence) in sentences(text).into_iter().enumerate() {
            self.unit(sentence, if at == 0 { joint } else { " " });
        }
    }

    fn unit(&mut self, text: &str, joint: &'static str) {
        for (at, part) in parts(text).into_iter().enumerate() {
            let words = words(part);
            self.words += words;
            self.units.push(Unit { text: part.to_owned(), words, joint: if at == 0 { joint } else { " " } });
        }
    }
}

/// The text as it is, unless it is far too long.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > SENTENCE_CHARACTERS || words(rest) > SENTENCE {
        let mut cut = rest.len();
        for (count, (at, _)) in rest.match_indices(' ').enumerate() {
            if count >= MOST || at > SENTENCE_CHARACTERS {
                break;
            }
            cut = at;
        }
        if cut == 0 || cut > SENTENCE_CHARACTERS {
            cut = rest.floor_char_boundary(SENTENCE_CHARACTERS / 2);
        }
        if cut == rest.len() {
            break;
        }
        let (part, after) = rest.split_at(cut);
        parts.push(part.trim_end());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Scripts that put no spaces between words count two signs as one word, and an overlong word as several.
fn words(text: &str) -> usize {
    let word = |word: &str| {
        if word.len() <= 24 && word.is_ascii() {
            return 1;
        }
        let wide = word.chars().filter(|sign| *sign >= '\u{2e80}').count();
        (wide / 2).max(word.chars().count() / 24).max(1)
    };
    text.split_whitespace().map(word).sum()
}
