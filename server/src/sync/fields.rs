//! An insight as others read it: as JSON, and as the cells of a table whose columns the configuration names.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::insight::Insight;

/// What each column of a table holds. A contact is found again by the column of its id, which is always there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    id: String,
    others: Vec<(String, String)>,
}

const ID: &str = "contact_id";
/// All that a column may hold, by the names of the protocol.
const NAMES: [&str; 19] = [
    ID,
    "eni_id",
    "member_name",
    "eni_source_types",
    "eni_source_subtypes",
    "total_eni_ids",
    "record_count",
    "personal",
    "business",
    "investing",
    "three_i",
    "deals",
    "introductions",
    "processing_status",
    "generated_at",
    "created_at",
    "updated_at",
    "version",
    "metadata",
];

impl Default for Fields {
    /// Every column is called like what it holds.
    fn default() -> Self {
        let others = NAMES.into_iter().filter(|name| *name != ID);
        Self { id: ID.to_owned(), others: others.map(|name| (name.to_owned(), name.to_owned())).collect() }
    }
}

impl Fields {
    /// `contact_id=Contact,personal=Notes`, or the same as a JSON object where a name holds a comma. What is not named is not
    /// sent; nothing where a name is not known, or a column would hold two things.
    pub fn read(text: &str) -> Option<Self> {
        let given: Vec<(String, String)> = if text.starts_with('{') {
            let object: Map<String, Value> = serde_json::from_str(text).ok()?;
            let column = |(name, column): (String, Value)| Some((name, column.as_str()?.to_owned()));
            object.into_iter().map(column).collect::<Option<_>>()?
        } else {
            let pair = |part: &str| {
                let (name, column) = part.split_once('=')?;
                Some((name.trim().to_owned(), column.trim().to_owned()))
            };
            text.split(',').map(pair).collect::<Option<_>>()?
        };
        let mut fields = Self { id: ID.to_owned(), others: Vec::new() };
        for (name, column) in given {
            match name.as_str() {
                ID => fields.id = column,
                name if NAMES.contains(&name) => fields.others.push((name.to_owned(), column)),
                _ => return None,
            }
        }
        let columns: BTreeSet<&str> = fields.columns().collect();
        let names: BTreeSet<&str> = fields.others.iter().map(|(name, _)| name.as_str()).collect();
        let each_once = columns.len() == fields.others.len() + 1 && names.len() == fields.others.len();
        (each_once && columns.iter().all(|column| !column.is_empty())).then_some(fields)
    }

    /// The column that a contact is found again by.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let others = self.others.iter().map(|(_, column)| column.as_str());
        others.chain([self.id.as_str()])
    }

    /// What is not known is null, so that a cell does not keep what is no longer so.
    pub fn cells(&self, insight: &Insight) -> Map<String, Value> {
        let mut known = known(insight);
        let mut cells = Map::new();
        for (name, column) in &self.others {
            let value = match known.get_mut(name) {
                Some(value) => value.take(),
                None => known["insights"][name].take(),
            };
            cells.insert(column.clone(), cell(value));
        }
        cells.insert(self.id.clone(), insight.contact.clone().into());
        cells
    }
}

/// Text stays as it is and numbers do; names are joined by commas, as tables take a choice of several; what is no text
/// otherwise is written as JSON.
fn cell(value: Value) -> Value {
    match value {
        Value::Null | Value::String(_) | Value::Number(_) => value,
        Value::Array(names) if names.iter().all(Value::is_string) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ").into()
        }
        other => other.to_string().into(),
    }
}

/// All that is known of a contact, by the names of the protocol.
pub fn known(insight: &Insight) -> Value {
    let field = |name: &str| insight.fields.get(name);
    json!({
        "contact_id": insight.contact,
        "eni_id": insight.eni_id,
        "member_name": insight.member_name,
        "eni_source_types": insight.source_types,
        "eni_source_subtypes": insight.source_subtypes,
        "total_eni_ids": insight.total_eni_ids,
        "record_count": insight.record_count,
        "insights": {
            "personal": field("personal"),
            "business": field("business"),
            "investing": field("investing"),
            "three_i": field("three_i"),
            "deals": field("deals"),
            "introductions": field("introductions"),
        },
        "processing_status": insight.status.name(),
        "generated_at": written(insight.generated_at),
        "created_at": written(insight.created_at),
        "updated_at": written(insight.updated_at),
        "version": insight.version,
        "metadata": insight.metadata,
    })
}

pub fn written(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insight() -> Insight {
        Insight {
            eni_id: "COMBINED-C-1-ALL".to_owned(),
            source_types: vec!["crm".to_owned(), "call".to_owned()],
            total_eni_ids: 2,
            record_count: 5,
            version: 3,
            metadata: Some(json!({"owner": "desk"})),
            ..Insight::example("C-1", &json!({"personal": "Sails.", "deals": {"a": 1}, "business": ["x", 1]}))
        }
    }

    #[test]
    fn each_column_is_called_like_what_it_holds() {
        let expected = json!({
            "contact_id": "C-1", "eni_id": "COMBINED-C-1-ALL", "member_name": null, "eni_source_types": "crm, call",
            "eni_source_subtypes": "", "total_eni_ids": 2, "record_count": 5, "personal": "Sails.",
            "business": "[\"x\",1]", "investing": null, "three_i": null, "deals": "{\"a\":1}", "introductions": null,
            "processing_status": "completed", "generated_at": "2026-03-01T09:30:00.250Z",
            "created_at": "2026-03-01T09:30:00.250Z", "updated_at": "2026-03-01T09:30:00.250Z", "version": 3,
            "metadata": "{\"owner\":\"desk\"}",
        });
        assert_eq!(Value::Object(Fields::default().cells(&insight())), expected);
    }

    #[test]
    fn only_what_is_named_is_sent_and_the_id_always() {
        let fields = Fields::read("personal = Notes, contact_id=Contact ID").unwrap();
        assert_eq!(fields.id(), "Contact ID");
        assert_eq!(Value::Object(fields.cells(&insight())), json!({"Contact ID": "C-1", "Notes": "Sails."}));
        let fields = Fields::read(r#"{"deals": "Deals, open"}"#).unwrap();
        assert_eq!(
            Value::Object(fields.cells(&insight())),
            json!({"contact_id": "C-1", "Deals, open": "{\"a\":1}"})
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "personal",
            "personal=",
            "secrets=Notes",
            "personal=A,business=A",
            "personal=A,personal=B",
            "personal=contact_id",
            "{",
            r#"{"personal": 1}"#,
        ] {
            assert_eq!(Fields::read(text), None, "{text}");
        }
    }
}
