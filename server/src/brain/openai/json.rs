//! JSON as models write it: one object somewhere in a text, one field of it read while it is still being written,
//! numbers as words. Nothing here fails: what cannot be read is not there.

use serde_json::Value;

/// What follows the thinking aloud that some models begin with; nothing while that may go on, or may yet begin.
pub fn after_thoughts(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if rest.is_empty() || (rest.len() < THINK.len() && THINK.starts_with(rest)) {
        return None;
    }
    match rest.strip_prefix(THINK) {
        Some(thoughts) => thoughts.split_once("</think>").map(|(_, after)| after.trim_start()),
        None => Some(rest),
    }
    .filter(|rest| !rest.is_empty())
}

/// The first object in a text, whatever stands around it.
pub fn first_object(text: &str) -> Option<Value> {
    text.match_indices('{').take(ATTEMPTS).find_map(|(at, _)| {
        let value = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok()?;
        value.is_object().then_some(value)
    })
}

/// From 0 to 1, also where it is written as a text or in percent.
#[expect(clippy::cast_possible_truncation, reason = "a fraction fits")]
pub fn fraction(value: Option<&Value>) -> Option<f32> {
    let (number, percent) = match value? {
        Value::Number(number) => (number.as_f64()?, false),
        Value::String(text) => {
            let text = text.trim();
            (text.trim_end_matches('%').trim().parse().ok()?, text.ends_with('%'))
        }
        _ => return None,
    };
    let fraction = if percent || number > 1.0 { number / 100.0 } else { number };
    (0.0..=1.0).contains(&fraction).then_some(fraction as f32)
}

/// A text as one line of so many characters, for a log of decisions.
pub fn line(value: Option<&Value>, characters: usize) -> Option<String> {
    let line = value?.as_str()?.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(characters).collect();
    (!line.is_empty()).then_some(line)
}

/// Reads the text of an object while the object is still being written.
#[derive(Debug, Default)]
pub struct TextField {
    depth: usize,
    place: Place,
    /// Of the object itself: the key that was read last.
    key: String,
    string: Option<Reading>,
    found: Found,
}

/// Where in the object the next string stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Key,
    Value,
}

/// The field that holds the text: the first one that is a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    #[default]
    NotYet,
    Now,
    Before,
}

/// A string, from its opening quote on.
#[derive(Debug, Default)]
struct Reading {
    escape: Option<String>,
    /// The first half of a character in two.
    surrogate: Option<u32>,
}

impl TextField {
    /// What has come of the text with this piece of the object.
    pub fn push(&mut self, piece: &str) -> String {
        let mut out = String::new();
        for letter in piece.chars() {
            match &mut self.string {
                Some(reading) => match reading.take(letter) {
                    Taken::Nothing => {}
                    Taken::End => self.close(),
                    Taken::Text(text) if self.found == Found::Now => out.extend(text.into_iter().flatten()),
                    Taken::Text(text) => {
                        if self.depth == 1 && self.place == Place::Key && self.key.len() < LONGEST_KEY {
                            self.key.extend(text.into_iter().flatten());
                        }
                    }
                },
                None => self.between(letter),
            }
        }
        out
    }

    /// Whether any of the text has come.
    pub fn begun(&self) -> bool {
        self.found != Found::NotYet
    }

    fn between(&mut self, letter: char) {
        match letter {
            '"' => {
                let text =
                    self.depth == 1 && self.place == Place::Value && TEXTS.contains(&self.key.as_str());
                if text && self.found == Found::NotYet {
                    self.found = Found::Now;
                }
                if self.depth == 1 && self.place == Place::Key {
                    self.key.clear();
                }
                self.string = Some(Reading::default());
            }
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            ':' if self.depth == 1 => self.place = Place::Value,
            ',' if self.depth == 1 => self.place = Place::Key,
            _ => {}
        }
    }

    fn close(&mut self) {
        self.string = None;
        if self.found == Found::Now {
            self.found = Found::Before;
        }
    }
}

enum Taken {
    Nothing,
    /// A character, after the mark of a half one that stood alone.
    Text([Option<char>; 2]),
    End,
}

impl Reading {
    fn take(&mut self, letter: char) -> Taken {
        let Some(escape) = &mut self.escape else {
            return match letter {
                '"' => Taken::End,
                '\\' => {
                    self.escape = Some(String::new());
                    Taken::Nothing
                }
                letter => self.complete(letter),
            };
        };
        escape.push(letter);
        let done = match escape.as_bytes() {
            [b'u', digits @ ..] if digits.len() < 4 => return Taken::Nothing,
            [b'u', ..] => u32::from_str_radix(&escape[1..], 16).unwrap_or(REPLACEMENT),
            b"n" => u32::from('\n'),
            b"t" => u32::from('\t'),
            b"r" => u32::from('\r'),
            b"b" | b"f" => u32::from(' '),
            _ => u32::from(letter),
        };
        self.escape = None;
        self.unit(done)
    }

    /// One UTF-16 unit of an escape.
    fn unit(&mut self, unit: u32) -> Taken {
        match (self.surrogate, unit) {
            (Some(high), 0xDC00..=0xDFFF) => {
                self.surrogate = None;
                let whole = 0x1_0000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
                Taken::Text([char::from_u32(whole), None])
            }
            (_, 0xD800..=0xDBFF) => {
                let alone = self.surrogate.replace(unit).map(|_| char::REPLACEMENT_CHARACTER);
                Taken::Text([alone, None])
            }
            (_, unit) => self.complete(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }

    fn complete(&mut self, letter: char) -> Taken {
        let alone = self.surrogate.take().map(|_| char::REPLACEMENT_CHARACTER);
        Taken::Text([alone, Some(letter)])
    }
}

const REPLACEMENT: u32 = char::REPLACEMENT_CHARACTER as u32;
const THINK: &str = "<think>";
/// What models call the field of their answer.
const TEXTS: &[&str] = &["text", "answer", "reply", "message", "response", "content"];
const LONGEST_KEY: usize = 64;
/// Braces that may begin no object.
const ATTEMPTS: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_field_is_read_as_serde_reads_it_in_any_pieces() {
        for text in ["", "plain", "a\"b\\c/d\n\t\r", "€ 😀 \u{7f} ü", "\\u0041 {\"text\":\"x\"} [1], end"]
        {
            for raw in [json!({"text": text, "action": "answer"}).to_string(), escaped(text)] {
                for cut in 0..=raw.len() {
                    let Some((head, tail)) = raw.split_at_checked(cut) else { continue };
                    let mut field = TextField::default();
                    assert_eq!(field.push(head) + &field.push(tail), text, "{raw} cut at {cut}");
                    assert!(field.begun());
                }
            }
        }
    }

    /// Every character as the escape of its UTF-16 units.
    fn escaped(text: &str) -> String {
        let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("{{\"te\\u0078t\":\"{}\"}}", units.concat())
    }

    #[test]
    fn halves_of_characters_are_marked_and_nothing_is_lost() {
        let read = |raw: &str| TextField::default().push(raw);
        assert_eq!(read(r#"{"text":"\ud83dx"}"#), "\u{fffd}x");
        assert_eq!(read(r#"{"text":"\ude00\ud83d\ud83d\ude00"}"#), "\u{fffd}\u{fffd}😀");
        assert_eq!(read(r#"{"text":"\uzzzzx"}"#), "\u{fffd}x");
    }

    #[test]
    fn only_the_objects_own_first_text_counts() {
        let read = |raw: &str| TextField::default().push(raw);
        assert_eq!(read(r#"{"a":{"text":"no"},"b":["text"],"c":"text","reply":"yes","text":"no"}"#), "yes");
        assert_eq!(read(r#"{"text":{"text":"no"},"x":"no"}"#), "");
        assert_eq!(read(r#"{"text":12,"content":"yes"}"#), "yes");
    }

    #[test]
    fn an_object_is_found_among_words() {
        assert_eq!(
            first_object(r#"Sure {ha}! ```{"a": {"b": 1}}``` {"c": 2}"#),
            Some(json!({"a": {"b": 1}}))
        );
        assert_eq!(first_object("no object {"), None);
        assert_eq!(first_object(&"{".repeat(100_000)), None);
    }

    #[test]
    fn fractions_are_read_as_they_are_meant() {
        let read = |value: Value| fraction(Some(&value));
        assert_eq!(read(json!(0.25)), Some(0.25));
        assert_eq!(read(json!("0.25")), Some(0.25));
        assert_eq!(read(json!("25 %")), Some(0.25));
        assert_eq!(read(json!(25)), Some(0.25));
        assert_eq!(read(json!(1)), Some(1.0));
        for nonsense in
            [json!(-0.1), json!(101), json!("high"), json!("NaN"), json!("inf"), json!(null), json!([])]
        {
            assert_eq!(read(nonsense.clone()), None, "{nonsense}");
        }
        assert_eq!(fraction(None), None);
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line(Some(&json!(" a\n\tb\u{7} ")), 10).as_deref(), Some("a b"));
        assert_eq!(line(Some(&json!("abcdef")), 3).as_deref(), Some("abc"));
        assert_eq!(line(Some(&json!("  ")), 3), None);
    }
}
