//! The shapes that insights have in files: that of the protocol, and those of older deployments, made into the first.
//!
//! Invariant: what is not known to mean something is left as it is, so that it is checked as it was written.

use serde_json::{Map, Value};

/// Names that insight fields have had.
const FIELDS: [(&str, &[&str]); 6] = [
    ("personal", &["personal"]),
    ("business", &["business"]),
    ("investing", &["investing"]),
    ("three_i", &["three_i", "3i", "3is", "threei", "3_i"]),
    ("deals", &["deals"]),
    ("introductions", &["introductions", "intros"]),
];
/// What older files keep in their `metadata`.
const LIFTED: [&str; 11] = [
    "contact_id",
    "member_name",
    "eni_source_types",
    "eni_source_type",
    "eni_source_subtypes",
    "eni_source_subtype",
    "total_eni_ids",
    "record_count",
    "generated_at",
    "processing_status",
    "eni_id",
];
/// Columns of one value, and the sets that they belong to.
const SINGLE: [(&str, &str); 4] = [
    ("eni_source_type", "eni_source_types"),
    ("source_type", "eni_source_types"),
    ("eni_source_subtype", "eni_source_subtypes"),
    ("source_subtype", "eni_source_subtypes"),
];

/// Whether a member means something, under whatever name.
pub(in super::super) fn is_known(name: &str) -> bool {
    LIFTED.contains(&name)
        || SINGLE.iter().any(|(single, _)| *single == name)
        || ["insights", "metadata"].contains(&name)
        || field(name).is_some()
}

/// A file's insight as the protocol has it.
pub(in super::super) fn draft(value: Value) -> Value {
    let Value::Object(mut members) = value else { return value };
    if let Some(Value::Object(_)) = members.get("insight")
        && let Some(inner) = members.remove("insight")
    {
        return draft(inner);
    }
    lift(&mut members);
    for (one, set) in SINGLE {
        let single = members.remove(one);
        gather(&mut members, set, single);
    }
    if let Some(Value::Number(number)) = members.get("contact_id") {
        let contact = number.to_string();
        members.insert("contact_id".to_owned(), contact.into());
    }
    if let Some(Value::String(at)) = members.get("generated_at") {
        let at = zoned(at);
        members.insert("generated_at".to_owned(), at.into());
    }
    fields(&mut members);
    Value::Object(members)
}

/// Older files have all but the insights themselves in their metadata.
fn lift(members: &mut Map<String, Value>) {
    if members.contains_key("contact_id") {
        return;
    }
    let Some(Value::Object(mut metadata)) = members.remove("metadata") else { return };
    for name in LIFTED {
        if let Some(value) = metadata.remove(name) {
            members.entry(name).or_insert(value);
        }
    }
    if !metadata.is_empty() {
        members.insert("metadata".to_owned(), metadata.into());
    }
}

/// A set that is null or a lone text becomes one, with the single value of an older row behind it.
fn gather(members: &mut Map<String, Value>, set: &str, single: Option<Value>) {
    let mut values = match members.remove(set) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => vec![Value::String(text)],
        Some(Value::Array(values)) => values,
        Some(other) => {
            members.insert(set.to_owned(), other);
            return;
        }
    };
    values.extend(single.filter(|value| !value.is_null()));
    values.retain(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
    if !values.is_empty() {
        members.insert(set.to_owned(), values.into());
    }
}

/// The insights themselves: under their own names, wherever they are.
fn fields(members: &mut Map<String, Value>) {
    let given = match members.remove("insights") {
        Some(Value::Object(fields)) => fields,
        None => {
            let own: Vec<String> = members.keys().filter(|name| field(name).is_some()).cloned().collect();
            own.into_iter().filter_map(|name| members.remove_entry(&name)).collect()
        }
        // A column of text may hold them as JSON.
        Some(other) => {
            let read = other.as_str().and_then(|text| serde_json::from_str(text).ok());
            let Some(Value::Object(fields)) = read else {
                members.insert("insights".to_owned(), other);
                return;
            };
            fields
        }
    };
    if given.is_empty() {
        return;
    }
    let named = given.into_iter().map(|(name, value)| match field(&name) {
        Some(known) => (known.to_owned(), value),
        None => (name, value),
    });
    members.insert("insights".to_owned(), named.collect::<Map<_, _>>().into());
}

fn field(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace([' ', '-'], "_");
    FIELDS.into_iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| field)
}

/// A time without a zone is in UTC, as the older programs wrote it.
fn zoned(at: &str) -> String {
    let Some((day, time)) = at.trim().split_once(['T', ' ']) else { return at.to_owned() };
    let has_zone = time.ends_with(['Z', 'z']) || time.contains(['+', '-']);
    format!("{day}T{time}{}", if has_zone { "" } else { "Z" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn becomes(file: Value, wanted: &Value) {
        assert_eq!(draft(file), *wanted);
    }

    #[test]
    fn older_shapes_become_that_of_the_protocol() {
        let wanted = json!({"contact_id": "7", "eni_source_types": ["crm", "call"], "member_name": "Ann",
                            "insights": {"personal": "x", "three_i": "y"}, "generated_at": "2024-01-02T03:04:05.678Z"});
        becomes(wanted.clone(), &wanted);
        becomes(json!({"insight": wanted}), &wanted);
        becomes(
            json!({"metadata": {"contact_id": 7, "eni_source_types": ["crm"], "eni_source_type": "call",
                                "member_name": "Ann", "generated_at": "2024-01-02T03:04:05.678"},
                   "insights": {"Personal": "x", "3i": "y"}}),
            &wanted,
        );
        becomes(
            json!({"contact_id": 7, "eni_source_types": ["crm", "call"], "source_subtype": "", "member_name": "Ann",
                   "personal": "x", "3Is": "y", "generated_at": "2024-01-02 03:04:05.678"}),
            &wanted,
        );
        becomes(
            json!({"contact_id": "7", "eni_source_types": "crm", "source_type": "call", "member_name": "Ann",
                   "eni_source_subtypes": null, "insights": "{\"personal\": \"x\", \"three_i\": \"y\"}",
                   "generated_at": "2024-01-02T03:04:05.678Z"}),
            &wanted,
        );
    }

    #[test]
    fn what_is_not_understood_stays_to_be_named() {
        for odd in [
            json!([]),
            json!("x"),
            json!({"contact_id": "a"}),
            json!({"contact_id": "a", "insights": "no JSON"}),
            json!({"contact_id": "a", "insights": [1], "eni_source_types": 5}),
            json!({"contact_id": "a", "generated_at": "yesterday", "insights": {"other": 1}}),
        ] {
            becomes(odd.clone(), &odd);
        }
        becomes(json!({"metadata": {"owner": "x"}}), &json!({"metadata": {"owner": "x"}}));
    }
}
