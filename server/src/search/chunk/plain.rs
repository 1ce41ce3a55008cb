//! The structure of plain text: paragraphs between empty lines, lists by their marks, and short lines that stand alone
//! as headings.

use super::{Block, Outline};

pub fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    let text = text.replace('\u{c}', "\n\n");
    let mut paragraph: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        let line = line.trim();
        if line.is_empty() {
            end(&mut outline, &mut paragraph);
        } else {
            if is_entry(line) {
                end(&mut outline, &mut paragraph);
            }
            paragraph.push(line);
        }
    }
    // What nothing follows heads nothing.
    if let Some(Block::Heading(..)) = outline.blocks.last()
        && let Some(Block::Heading(_, text)) = outline.blocks.pop()
    {
        outline.blocks.push(Block::Prose(text));
    }
    outline
}

fn end(outline: &mut Outline, paragraph: &mut Vec<&str>) {
    let text = joined(paragraph);
    if paragraph.first().is_some_and(|line| is_entry(line)) {
        outline.push(Block::Item, &text);
    } else if paragraph.len() == 1 && is_heading(paragraph[0]) {
        outline.heading(2, paragraph[0]);
    } else {
        outline.push(Block::Prose, &text);
    }
    paragraph.clear();
}

/// Lines into one, and words that a line break parted into one again.
fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let parted = text.ends_with('-')
            && text.chars().rev().nth(1).is_some_and(char::is_alphabetic)
            && line.starts_with(char::is_lowercase);
        if parted {
            text.pop();
        } else if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(line);
    }
    text
}

fn is_entry(line: &str) -> bool {
    let rest = line.strip_prefix(['-', '*', '•', '–', '·']).or_else(|| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        (1..=3).contains(&digits).then(|| line[digits..].strip_prefix(['.', ')'])).flatten()
    });
    rest.is_some_and(|rest| rest.starts_with(' '))
}

fn is_heading(line: &str) -> bool {
    line.chars().count() <= 80
        && line.split_whitespace().count() <= 10
        && line.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit())
        && !line.ends_with(['.', ',', ';', '!', '…'])
}
