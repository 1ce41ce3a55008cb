//! One row of an older desk, from which one fact after the other is taken; what nobody takes is kept as metadata.

use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::shape::Shape;
use crate::domain::clock::{self, Timestamp};

#[derive(Debug)]
pub(super) struct Row {
    shape: &'static Shape,
    /// By their names in small letters; those that say nothing are left out.
    columns: Map<String, Value>,
}

/// What stands for a text that says nothing.
const NOTHING: [&str; 3] = ["null", "none", "{}"];

impl Row {
    pub(super) fn read(shape: &'static Shape, json: &str) -> Result<Self, String> {
        let columns: Map<String, Value> =
            serde_json::from_str(json).map_err(|error| format!("it cannot be read: {error}"))?;
        let told = columns.into_iter().filter(|(_, value)| !value.is_null());
        Ok(Self { shape, columns: told.map(|(name, value)| (name.to_lowercase(), value)).collect() })
    }

    /// What tells it from other rows of its table: `id=7`.
    pub(super) fn name(&self, key: &[String]) -> Option<String> {
        let named = |column: &String| {
            let value = self.columns.get(&column.to_lowercase())?;
            Some(format!("{column}={}", written(value)?))
        };
        let parts: Vec<_> = key.iter().filter_map(named).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    pub(super) fn take(&mut self, fact: &str) -> Option<Value> {
        self.shape.columns(fact).iter().find_map(|column| self.columns.remove(*column))
    }

    /// A text, or a number or a yes or no written out; without the sign that Postgres does not take.
    pub(super) fn text(&mut self, fact: &str) -> Option<String> {
        let text = written(&self.take(fact)?)?.replace('\0', "");
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// As it was written, also where it is only spaces.
    pub(super) fn words(&mut self, fact: &str) -> Option<String> {
        written(&self.take(fact)?).map(|text| text.replace('\0', ""))
    }

    /// A text of a bounded length: what is beyond is cut off.
    pub(super) fn short(&mut self, fact: &str, most: usize) -> Option<String> {
        self.text(fact).map(|text| text.chars().take(most).collect())
    }

    pub(super) fn time(&mut self, fact: &str) -> Result<Option<Timestamp>, String> {
        let Some(value) = self.take(fact) else { return Ok(None) };
        time(&value).map(Some).ok_or_else(|| format!("its {fact} is no time"))
    }

    pub(super) fn whole(&mut self, fact: &str) -> Option<i64> {
        self.number(fact).and_then(|number| number.as_i64().or_else(|| rounded(&number)))
    }

    pub(super) fn number(&mut self, fact: &str) -> Option<Number> {
        match self.take(fact)? {
            Value::Number(number) => Some(number),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn truth(&mut self, fact: &str) -> Option<bool> {
        match self.take(fact)? {
            Value::Bool(truth) => Some(truth),
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            Value::String(text) => match text.to_lowercase().as_str() {
                "true" | "t" | "yes" | "1" => Some(true),
                "false" | "f" | "no" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// JSON, also where it is kept as text.
    pub(super) fn json(&mut self, fact: &str) -> Option<Value> {
        match self.take(fact)? {
            Value::String(text) if NOTHING.contains(&text.trim().to_lowercase().as_str()) => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(serde_json::from_str(&text).unwrap_or(Value::String(text))),
            Value::Object(members) if members.is_empty() => None,
            value => Some(value),
        }
    }

    /// What nobody has taken, with the metadata that it had.
    pub(super) fn rest(self) -> Map<String, Value> {
        let (had, mut rest) = self.parted();
        rest.extend(had);
        rest
    }

    /// The metadata that it had, and beside it what nobody has taken.
    pub(super) fn parted(mut self) -> (Map<String, Value>, Map<String, Value>) {
        let had = match self.json("metadata") {
            Some(Value::Object(had)) => had,
            Some(other) => Map::from_iter([("metadata".to_owned(), other)]),
            None => Map::new(),
        };
        let shape = self.shape;
        self.columns.retain(|column, value| !shape.leaves(column) && value.as_str() != Some(""));
        (had, self.columns)
    }
}

/// One that is a UUID already.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

pub(super) fn or_null(rest: Map<String, Value>) -> Option<Value> {
    (!rest.is_empty()).then_some(Value::Object(rest))
}

fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => None,
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// In words, with or without a zone, a day alone, or in seconds since 1970, or milliseconds.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            clock::parse(text).or_else(|| clock::parse(&format!("{text}T00:00:00"))).or_else(|| {
                let number: Number = text.parse().ok()?;
                time(&Value::Number(number))
            })
        }
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this age")]
        Value::Number(number) => {
            let number = number.as_f64()?;
            let is_seconds = number.abs() < 1e11;
            Timestamp::from_timestamp_millis((if is_seconds { number * 1_000.0 } else { number }) as i64)
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a count or milliseconds; what is larger is none")]
fn rounded(number: &Number) -> Option<i64> {
    number.as_f64().filter(|number| number.abs() < 1e15).map(|number| number.round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::shape::{Kind, SHAPES};
    use super::*;

    fn row(kind: Kind, columns: &Value) -> Row {
        let shape = SHAPES.iter().find(|shape| shape.kind == kind).unwrap();
        Row::read(shape, &columns.to_string()).unwrap()
    }

    #[test]
    fn a_fact_stands_in_any_of_its_columns_and_the_rest_is_kept() {
        let mut row = row(
            Kind::Messages,
            &json!({"Message_ID": 7, "session_id": " s ", "content": null, "message": "hello", "tokens": 12, "note": "",
                    "embedding": "[0.1]", "metadata": "{\"page\": \"/\"}", "timestamp": "2024-05-06T07:08:09.5"}),
        );
        assert_eq!(row.name(&["Message_ID".to_owned()]).unwrap(), "Message_ID=7");
        assert_eq!(row.text("id").unwrap(), "7");
        assert_eq!(row.text("conversation").unwrap(), "s");
        assert_eq!(row.words("content").unwrap(), "hello");
        assert_eq!(row.time("at").unwrap().unwrap().to_rfc3339(), "2024-05-06T07:08:09.500+00:00");
        assert_eq!(Value::from(row.rest()), json!({"tokens": 12, "page": "/"}));
    }

    #[test]
    fn times_are_read_however_they_were_written() {
        for (value, wanted) in [
            (json!("2024-05-06T07:08:09+02:00"), "2024-05-06T05:08:09+00:00"),
            (json!("2024-05-06 07:08:09"), "2024-05-06T07:08:09+00:00"),
            (json!("2024-05-06"), "2024-05-06T00:00:00+00:00"),
            (json!(1_714_979_289), "2024-05-06T07:08:09+00:00"),
            (json!("1714979289"), "2024-05-06T07:08:09+00:00"),
            (json!(1_714_979_289_500_i64), "2024-05-06T07:08:09.500+00:00"),
        ] {
            assert_eq!(time(&value).unwrap().to_rfc3339(), wanted, "{value}");
        }
        assert!(time(&json!("yesterday")).is_none() && time(&json!([])).is_none());
        let mut odd = row(Kind::Messages, &json!({"created_at": "soon"}));
        assert_eq!(odd.time("at").unwrap_err(), "its at is no time");
    }

    #[test]
    fn yes_and_no_and_numbers_are_read_from_text_too() {
        let mut row = row(
            Kind::Interactions,
            &json!({"escalated": "t", "confidence": "0.75", "processing_time_ms": 12.6, "detail": "none"}),
        );
        assert_eq!(row.truth("escalated"), Some(true));
        assert_eq!(row.number("confidence").unwrap().as_f64(), Some(0.75));
        assert_eq!(row.whole("ms"), Some(13));
        assert_eq!(or_null(row.rest()), None);
    }
}
