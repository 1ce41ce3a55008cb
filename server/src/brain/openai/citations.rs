//! Takes citations of passages that nobody gave out of a text while it grows.
//!
//! Invariant: what has come out stays: a marker that may still grow, and the space before one that may yet be
//! taken out, are held back. All that comes out, put together, is the text.

use std::fmt::Write;

/// A text may cite `allowed`, written `[1]`; every other marker goes, whatever its brackets.
#[derive(Debug)]
pub struct Citations {
    allowed: Vec<usize>,
    /// White space that stands between what came out and what comes next.
    space: String,
    /// From an opening bracket on, as far as it looks like a citation.
    marker: String,
    begun: bool,
}

impl Citations {
    pub fn new(allowed: Vec<usize>) -> Self {
        Self { allowed, space: String::new(), marker: String::new(), begun: false }
    }

    /// What may be shown now that `piece` has come.
    pub fn push(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        for letter in piece.chars() {
            self.take(letter, &mut out);
        }
        out
    }

    /// The rest, when nothing more comes. A marker that never closed is text.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        self.let_go(&mut out);
        self.space.clear();
        out
    }

    fn take(&mut self, letter: char, out: &mut String) {
        if !self.marker.is_empty() {
            if CLOSING.contains(&letter) && self.marker.chars().any(|c| c.is_ascii_digit()) {
                let marker = std::mem::take(&mut self.marker);
                self.cite(&marker, out);
                return;
            }
            if (letter.is_ascii_digit() || BETWEEN.contains(&letter)) && self.marker.len() < LONGEST {
                self.marker.push(letter);
                return;
            }
            self.let_go(out);
        }
        if OPENING.contains(&letter) {
            self.marker.push(letter);
        } else if letter.is_whitespace() {
            self.space.push(letter);
        } else {
            self.write(out, |out| out.push(letter));
        }
    }

    /// Was no citation after all.
    fn let_go(&mut self, out: &mut String) {
        let marker = std::mem::take(&mut self.marker);
        if !marker.is_empty() {
            self.write(out, |out| out.push_str(&marker));
        }
    }

    fn cite(&mut self, marker: &str, out: &mut String) {
        let given: Vec<usize> = numbers(marker).filter(|number| self.allowed.contains(number)).collect();
        if given.is_empty() {
            // The space before it goes too; a new line stays one.
            self.space.truncate(self.space.trim_end_matches(' ').len());
        }
        for number in given {
            self.write(out, |out| {
                let _ = write!(out, "[{number}]");
            });
        }
    }

    fn write(&mut self, out: &mut String, what: impl FnOnce(&mut String)) {
        let space = std::mem::take(&mut self.space);
        if self.begun {
            out.push_str(&space);
        }
        self.begun = true;
        what(out);
    }
}

/// `1, 3-5` is five of them. A number beyond all bounds is none.
fn numbers(marker: &str) -> impl Iterator<Item = usize> {
    marker.split([',', ';']).flat_map(|part| {
        let mut ends = part
            .split(['-', '–'])
            .map(|end| end.trim_matches(|c: char| !c.is_ascii_digit()).parse::<usize>());
        match (ends.next(), ends.next()) {
            (Some(Ok(first)), Some(Ok(last))) if first <= last && last - first < MANY => first..=last,
            (Some(Ok(one)), None) => one..=one,
            #[expect(clippy::reversed_empty_ranges, reason = "none at all")]
            _ => 1..=0,
        }
    })
}

const OPENING: &[char] = &['[', '【'];
const CLOSING: &[char] = &[']', '】'];
/// What may stand between the numbers of one marker, footnotes (`[^1]`) included.
const BETWEEN: &[char] = &[' ', ',', ';', '-', '–', '^'];
/// Bytes of a marker; more of it is something else, and must not be held back for ever.
const LONGEST: usize = 64;
/// More passages than any desk gives.
const MANY: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        // Every way to cut it in two, and letter by letter.
        let cuts = text.char_indices().map(|(at, _)| vec![&text[..at], &text[at..]]);
        let letters = text.char_indices().map(|(at, letter)| &text[at..at + letter.len_utf8()]).collect();
        for pieces in cuts.chain([vec![text], letters]) {
            let mut citations = Citations::new(vec![1, 2, 4]);
            let mut shown = String::new();
            for piece in &pieces {
                shown.push_str(&citations.push(piece));
                assert!(expected.starts_with(&shown), "{shown:?} was shown of {expected:?}");
            }
            shown.push_str(&citations.finish());
            assert_eq!(shown, expected, "in the pieces {pieces:?}");
        }
    }

    #[test]
    fn passages_that_were_given_stay() {
        check("It costs 10 euros [1].", "It costs 10 euros [1].");
        check("A [1][2] b [4].", "A [1][2] b [4].");
    }

    #[test]
    fn all_others_go_and_so_does_the_space_before_them() {
        check("It is free [3]. Really [0] [99999999999999999999999].", "It is free. Really.");
        check("One [1] [3] two [3]", "One [1] two");
        check("In [2024] it was.", "In it was.");
    }

    #[test]
    fn every_way_to_write_them_is_read_and_one_is_written() {
        check(
            "a [1, 2] b [1,3] c [1-4] d [^2] e 【4】 f [ 1 ; 4 ] g [01]",
            "a [1][2] b [1] c [1][2][4] d [2] e [4] f [1][4] g [1]",
        );
        check("a [3, 9] b [2-1] c [1-9000000]", "a b c");
    }

    #[test]
    fn what_only_looks_like_one_is_text() {
        check("a [b] [] [ ] [x1] [1", "a [b] [] [ ] [x1] [1");
        check("[[1]] and [see 1]", "[[1]] and [see 1]");
        check("x[1 y", "x[1 y");
        let long = format!("[{}]", "1, ".repeat(40));
        check(&long, &long);
    }

    #[test]
    fn the_text_begins_and_ends_without_white_space_and_keeps_its_lines() {
        check("\n\n Hello\n\n- one [1]\n- two [3]\n\n", "Hello\n\n- one [1]\n- two");
        check("[3] Hello", "Hello");
        check("", "");
    }
}
