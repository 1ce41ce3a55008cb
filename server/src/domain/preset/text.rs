//! What a desk says: templates with `{placeholders}`, checked when they are read, so that none can fail when it is said.

mod table;

pub use table::Texts;

use super::read::{listed, suggest};

/// A text with places to fill: `{name}` is a value, and a part in brackets falls away with a value in it that is
/// not known: `Thank you[, {name}].` A brace or bracket that is meant is doubled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Value(Placeholder),
    Optional(Vec<Piece>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// Of the visitor.
    Name,
    /// Of what is asked for, as a list in words.
    Details,
    /// When somebody is there again, in words.
    Opening,
    /// A number of characters.
    Limit,
    Time,
    Weekday,
    Day,
    Month,
}

impl Placeholder {
    const ALL: &[(&str, Self)] = &[
        ("name", Self::Name),
        ("details", Self::Details),
        ("opening", Self::Opening),
        ("limit", Self::Limit),
        ("time", Self::Time),
        ("weekday", Self::Weekday),
        ("day", Self::Day),
        ("month", Self::Month),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

impl Text {
    /// The text with its values. One that is missing outside brackets leaves nothing where it would stand.
    pub fn render(&self, values: &[(Placeholder, &str)]) -> String {
        let mut out = String::new();
        render(&self.pieces, values, &mut out);
        out
    }

    /// Why not, and how to mend it, for a text that is none.
    pub(super) fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, (String, String)> {
        let mut parser = Parser { rest: text, allowed };
        let pieces = parser.pieces(false)?;
        Ok(Self { pieces })
    }
}

fn render(pieces: &[Piece], values: &[(Placeholder, &str)], out: &mut String) {
    let known = |wanted: Placeholder| values.iter().find(|(one, _)| *one == wanted).map(|(_, value)| *value);
    for piece in pieces {
        match piece {
            Piece::Words(words) => out.push_str(words),
            Piece::Value(placeholder) => out.push_str(known(*placeholder).unwrap_or_default()),
            Piece::Optional(inner) => {
                let missing = |piece: &Piece| matches!(piece, Piece::Value(one) if known(*one).is_none());
                if !inner.iter().any(missing) {
                    render(inner, values, out);
                }
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    allowed: &'a [Placeholder],
}

impl Parser<'_> {
    fn pieces(&mut self, inside: bool) -> Result<Vec<Piece>, (String, String)> {
        let mut pieces = Vec::new();
        loop {
            let special = self.rest.find(['{', '}', '[', ']']).unwrap_or(self.rest.len());
            let (words, rest) = self.rest.split_at(special);
            push_words(&mut pieces, words);
            let Some(mark) = rest.chars().next() else {
                return if inside { Err(unclosed('[', ']')) } else { Ok(pieces) };
            };
            self.rest = &rest[1..];
            if self.rest.starts_with(mark) {
                self.rest = &self.rest[1..];
                push_words(&mut pieces, mark.encode_utf8(&mut [0; 4]));
                continue;
            }
            match mark {
                '{' => pieces.push(Piece::Value(self.placeholder()?)),
                '[' if !inside => pieces.push(self.optional()?),
                ']' if inside => return Ok(pieces),
                _ => {
                    let mend = format!("write {mark}{mark} where you mean the sign itself");
                    return Err((format!("has a {mark} that opens or closes nothing"), mend));
                }
            }
        }
    }

    fn placeholder(&mut self) -> Result<Placeholder, (String, String)> {
        let (name, rest) = self.rest.split_once('}').ok_or_else(|| unclosed('{', '}'))?;
        self.rest = rest;
        let found = self.allowed.iter().copied().find(|placeholder| placeholder.name() == name);
        found.ok_or_else(|| {
            let known: Vec<String> = self.allowed.iter().map(|one| format!("{{{}}}", one.name())).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let mut mend = match known.as_slice() {
                [] => "this text takes none; write {{ for a brace".to_owned(),
                known => format!("it takes {}", listed(known, "and")),
            };
            suggest(&mut mend, &format!("{{{name}}}"), &known);
            (format!("has the placeholder {{{name}}}"), mend)
        })
    }

    fn optional(&mut self) -> Result<Piece, (String, String)> {
        let inner = self.pieces(true)?;
        if inner.iter().any(|piece| matches!(piece, Piece::Value(_))) {
            return Ok(Piece::Optional(inner));
        }
        let what = "has brackets without a placeholder in them".to_owned();
        Err((
            what,
            "a part in brackets falls away with a value that is not known; write [[ for a bracket".to_owned(),
        ))
    }
}

fn push_words(pieces: &mut Vec<Piece>, words: &str) {
    match pieces.last_mut() {
        _ if words.is_empty() => {}
        Some(Piece::Words(before)) => before.push_str(words),
        _ => pieces.push(Piece::Words(words.to_owned())),
    }
}

fn unclosed(open: char, close: char) -> (String, String) {
    let mend = format!("close it with {close}, or write {open}{open} for the sign itself");
    (format!("has a {open} that is not closed"), mend)
}
