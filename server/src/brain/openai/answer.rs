//! What a model says, told apart while it is still speaking: the text for the visitor at once, and beside it what
//! the model wants done.
//!
//! Invariant: nothing but the text ever comes out: no JSON around it, no thinking aloud before it. A server that
//! cannot be held to JSON may answer in plain text, which then wants nothing done.

use serde_json::Value;

use super::citations::Citations;
use super::json::{self, TextField};
use crate::brain::BrainError;
use crate::domain::turn::{Action, Reply};

#[derive(Debug)]
pub struct Answer {
    form: Form,
    citations: Citations,
    text: String,
}

#[derive(Debug)]
enum Form {
    /// Not known yet: the beginning, as far as it has come.
    Unknown(String),
    /// One object with the text in one of its fields.
    Object {
        raw: String,
        field: TextField,
    },
    Plain,
}

impl Answer {
    /// May cite the passages with these numbers.
    pub fn new(passages: Vec<usize>) -> Self {
        Self { form: Form::Unknown(String::new()), citations: Citations::new(passages), text: String::new() }
    }

    /// What may be shown now that the model has said more.
    pub fn push(&mut self, piece: &str) -> Result<String, BrainError> {
        let said = match &mut self.form {
            Form::Unknown(beginning) => {
                beginning.push_str(piece);
                let Some((form, said)) = recognise(beginning) else { return Ok(String::new()) };
                self.form = form;
                said
            }
            Form::Object { raw, field } => {
                raw.push_str(piece);
                field.push(piece)
            }
            Form::Plain => piece.to_owned(),
        };
        let shown = self.citations.push(&said);
        self.text.push_str(&shown);
        if self.text.len() > LONGEST {
            return Err(BrainError::Garbled("an answer far too long".to_owned()));
        }
        Ok(shown)
    }

    /// Whether the model has said nothing at all yet.
    pub fn is_empty(&self) -> bool {
        matches!(&self.form, Form::Unknown(beginning) if beginning.trim().is_empty())
    }

    /// The whole, and what of its text has not been shown yet. `cut` where the model had more to say than it was
    /// allowed to.
    pub fn finish(mut self, cut: bool) -> Result<(Reply, String), BrainError> {
        let tail = self.citations.finish();
        self.text.push_str(&tail);
        let mut reply = match &self.form {
            Form::Object { raw, field } => decided(raw, field)?,
            Form::Unknown(_) | Form::Plain => Reply { confidence: UNSTATED, ..Reply::default() },
        };
        reply.text = self.text;
        if cut {
            reply.confidence = 0.0;
            reply.reason.get_or_insert_with(|| "the answer was cut at its greatest length".to_owned());
        }
        if reply.text.is_empty() && reply.action == Action::Answer {
            return Err(BrainError::Garbled("no answer in it".to_owned()));
        }
        Ok((reply, tail))
    }
}

/// The form of what begins so, and what is to be said of it; nothing while it may be one or the other.
fn recognise(beginning: &str) -> Option<(Form, String)> {
    let rest = json::after_thoughts(beginning)?;
    if rest.len() < FENCE.len() && FENCE.starts_with(rest) {
        return None;
    }
    let rest = match rest.strip_prefix(FENCE) {
        // What language it is in.
        Some(fenced) => fenced.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim_start(),
        None => rest,
    };
    match rest.chars().next()? {
        '{' => {
            let mut field = TextField::default();
            let said = field.push(rest);
            Some((Form::Object { raw: rest.to_owned(), field }, said))
        }
        _ => Some((Form::Plain, rest.to_owned())),
    }
}

/// What the object says beside its text. One that breaks off within the text is an answer of which nothing is sure.
fn decided(raw: &str, field: &TextField) -> Result<Reply, BrainError> {
    match json::first_object(raw) {
        Some(object) => Ok(Reply {
            action: action(&object),
            confidence: json::fraction(object.get("confidence")).unwrap_or(UNSTATED),
            reason: json::line(object.get("reason"), LONGEST_REASON),
            text: String::new(),
        }),
        None if field.begun() => {
            Ok(Reply { reason: Some("the answer broke off".to_owned()), confidence: 0.0, ..Reply::default() })
        }
        None => Err(BrainError::Garbled("an object that cannot be read".to_owned())),
    }
}

/// A word that nobody knows asks for a person: an answer too few costs less than one too many.
fn action(object: &Value) -> Action {
    let said = object.get("action").and_then(Value::as_str).unwrap_or("answer").trim().to_lowercase();
    match said.as_str() {
        "answer" | "reply" | "respond" | "none" | "" => Action::Answer,
        "insufficient" | "insufficient_evidence" | "no_answer" | "unknown" => Action::Insufficient,
        _ => Action::Escalate,
    }
}

const FENCE: &str = "```";
/// Of a model that says nothing about it.
const UNSTATED: f32 = 0.5;
/// Bytes; what a message may hold and more.
const LONGEST: usize = 40_000;
/// Characters.
const LONGEST_REASON: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    /// The reply to `said`, whichever pieces it comes in, and that what was shown began it.
    #[track_caller]
    fn reply(said: &str) -> Result<Reply, BrainError> {
        let cuts = said.char_indices().map(|(at, _)| vec![&said[..at], &said[at..]]);
        let letters = said.char_indices().map(|(at, letter)| &said[at..at + letter.len_utf8()]).collect();
        let mut replies: Vec<_> =
            cuts.chain([vec![said], letters]).map(|pieces| of_pieces(&pieces)).collect();
        replies.dedup();
        assert_eq!(replies.len(), 1, "the pieces make a difference");
        replies.remove(0)
    }

    fn of_pieces(pieces: &[&str]) -> Result<Reply, BrainError> {
        let mut answer = Answer::new(vec![1, 2]);
        let mut shown = String::new();
        for piece in pieces {
            shown.push_str(&answer.push(piece)?);
        }
        let (reply, tail) = answer.finish(false)?;
        assert_eq!(format!("{shown}{tail}"), reply.text);
        Ok(reply)
    }

    #[track_caller]
    fn check(said: &str, text: &str, action: Action, confidence: f32, reason: Option<&str>) {
        let expected = Reply { text: text.to_owned(), action, confidence, reason: reason.map(str::to_owned) };
        assert_eq!(reply(said), Ok(expected), "{said}");
    }

    #[test]
    fn an_object_gives_its_text_and_what_it_wants_done() {
        check(
            r#"{"text": "It costs \"10\" \u20ac [1].\nNothing [7] more.", "action": "answer", "confidence": 0.9, "reason": "page 1"}"#,
            "It costs \"10\" € [1].\nNothing more.",
            Action::Answer,
            0.9,
            Some("page 1"),
        );
        check(
            r#"{"action":"escalate","reason":"a dispute"}"#,
            "",
            Action::Escalate,
            UNSTATED,
            Some("a dispute"),
        );
        check(r#"{"text":null,"action":"insufficient"}"#, "", Action::Insufficient, UNSTATED, None);
    }

    #[test]
    fn fields_may_come_in_any_order_with_others_around_them() {
        check(
            r#" {"confidence":"80%","meta":{"text":"no","list":["text",{"text":"no"}]},"action":"ANSWER","answer":"Yes [2]","text":"no"} trailing"#,
            "Yes [2]",
            Action::Answer,
            0.8,
            None,
        );
    }

    #[test]
    fn thinking_aloud_and_fences_are_not_shown() {
        let object = r#"{"text":"Hello","action":"answer","confidence":1}"#;
        check(
            &format!("<think>{{\"text\":\"no\"}} [1]</think>\n```json\n{object}\n```"),
            "Hello",
            Action::Answer,
            1.0,
            None,
        );
        check(&format!("\u{feff}\n{object}"), "Hello", Action::Answer, 1.0, None);
        check("<think>hm</think> Hello", "Hello", Action::Answer, UNSTATED, None);
        assert!(reply("<think>for ever").is_err());
    }

    #[test]
    fn plain_text_is_an_answer_that_nothing_is_known_of() {
        check(" Hello there [1] [3]. ", "Hello there [1].", Action::Answer, UNSTATED, None);
        check("<b>Hello</b>", "<b>Hello</b>", Action::Answer, UNSTATED, None);
        check("`code` it is", "`code` it is", Action::Answer, UNSTATED, None);
        check("ok", "ok", Action::Answer, UNSTATED, None);
    }

    #[test]
    fn a_word_that_nobody_knows_asks_for_a_person() {
        check(
            r#"{"text":"x","action":"refund_everything","confidence":7000}"#,
            "x",
            Action::Escalate,
            UNSTATED,
            None,
        );
    }

    #[test]
    fn half_an_answer_is_one_that_nothing_is_sure_of() {
        check(r#"{"text":"It costs \u20"#, "It costs", Action::Answer, 0.0, Some("the answer broke off"));
        let mut answer = Answer::new(vec![]);
        answer.push("It costs").unwrap();
        let (reply, _) = answer.finish(true).unwrap();
        assert_eq!((reply.confidence, reply.reason.is_some()), (0.0, true));
    }

    #[test]
    fn an_answer_without_an_answer_is_garbled() {
        for nothing in
            ["", "   ", "{}", r#"{"text":"","action":"answer"}"#, "{oh no}", r#"{"text":"[7]"}"#, "[9]"]
        {
            assert!(matches!(reply(nothing), Err(BrainError::Garbled(_))), "{nothing}");
        }
    }

    #[test]
    fn a_text_has_an_end() {
        let mut answer = Answer::new(vec![]);
        let outcome = (0..10_000).try_for_each(|_| answer.push("again and again ").map(drop));
        assert!(matches!(outcome, Err(BrainError::Garbled(_))));
    }
}
