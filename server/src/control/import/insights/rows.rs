//! Rows out of a warehouse: what was written about a contact, a text at a time, gathered into one group a contact and
//! source type.
//!
//! Invariant: a group's key follows from what its rows say, in whatever order they come.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::WorkspaceId;
use switchboard_protocol::limits::INSIGHT_FIELD;

use crate::domain::insight::{Fact, Note, Notes, Source};

/// One row: a text about a contact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) contact: String,
    pub(super) source_type: String,
    subtype: Option<String>,
    eni_id: Option<String>,
    member_name: Option<String>,
    text: String,
}

/// Names that the columns have had, in small letters.
const CONTACT: &[&str] = &["contact_id", "contactid", "contact"];
const SOURCE_TYPE: &[&str] = &["eni_source_type", "source_type", "sourcetype", "type"];
const SUBTYPE: &[&str] = &["eni_source_subtype", "source_subtype", "eni_source_sub_type", "subtype"];
pub(super) const TEXT: &[&str] = &["text", "description", "content", "body", "note"];
const ENI_ID: &[&str] = &["eni_id", "eniid"];
const MEMBER_NAME: &[&str] = &["member_name", "membername", "name"];

/// The text of a field ends a little before what a field may hold: signs that JSON escapes take more room.
const ROOM: usize = INSIGHT_FIELD - 1024;

/// A row from its columns, or why it is none.
pub(super) fn row(columns: &Map<String, Value>) -> Result<Row, String> {
    let value = |names: &[&str]| {
        let column = names.iter().find_map(|name| {
            let named = |(column, _): &(&String, &Value)| column.trim().eq_ignore_ascii_case(name);
            columns.iter().find(named)
        });
        let text = match column?.1 {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    };
    let needed =
        |names: &[&str], what: &str| value(names).ok_or_else(|| format!("it has no {what} (`{}`)", names[0]));
    let row = Row {
        contact: needed(CONTACT, "contact")?,
        source_type: needed(SOURCE_TYPE, "source type")?,
        subtype: value(SUBTYPE),
        eni_id: value(ENI_ID),
        member_name: value(MEMBER_NAME),
        text: needed(TEXT, "text")?,
    };
    if row.text.contains('\0') {
        return Err("its text contains the character U+0000".to_owned());
    }
    if serde_json::to_string(&row.text).is_ok_and(|text| text.len() > ROOM) {
        return Err(format!("its text is longer than {} KiB", ROOM / 1024));
    }
    Ok(row)
}

/// The rows of one contact and source type.
pub(super) struct Group {
    pub(super) key: String,
    /// Each text once, for what is drawn from them.
    pub(super) notes: Notes,
    insight: Map<String, Value>,
}

/// Gathers rows into their group.
pub(super) fn group(workspace: WorkspaceId, mut rows: Vec<Row>) -> Group {
    rows.sort();
    let mut hash = Sha256::new();
    let (mut subtypes, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let (mut said, mut without_id) = (BTreeSet::new(), 0);
    let mut notes = Vec::new();
    for row in &rows {
        let parts = [
            Some(&row.contact),
            Some(&row.source_type),
            row.subtype.as_ref(),
            row.eni_id.as_ref(),
            Some(&row.text),
        ];
        for part in parts {
            let part = part.map_or("", String::as_str);
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        subtypes.extend(&row.subtype);
        match &row.eni_id {
            Some(id) => _ = ids.insert(id),
            None => without_id += 1,
        }
        if said.insert(&row.text) {
            let number = i64::try_from(said.len()).unwrap_or(i64::MAX);
            notes.push(Note { number, by_desk: false, text: row.text.clone() });
        }
    }
    let insight = json!({
        "contact_id": rows.first().map(|row| &row.contact),
        "member_name": rows.iter().rev().find_map(|row| row.member_name.as_ref()),
        "eni_source_types": rows.first().map(|row| [&row.source_type]),
        "eni_source_subtypes": subtypes,
        "total_eni_ids": ids.len() + without_id,
        "record_count": rows.len(),
    });
    Group {
        key: format!("rows:{}", super::name(&hash.finalize())),
        notes: Notes { workspace, source: Source::Records, said: notes },
        insight: insight.as_object().cloned().unwrap_or_default(),
    }
}

impl Group {
    pub(super) fn contact(&self) -> String {
        self.insight.get("contact_id").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The insight that says these facts, and how many of them found no room in it.
    pub(super) fn draft(self, facts: &[Fact]) -> (Value, usize) {
        let mut fields: BTreeMap<&'static str, (String, usize)> = BTreeMap::new();
        let mut left_out = 0;
        for fact in facts {
            let (field, bytes) = fields.entry(fact.place.name()).or_default();
            let more = serde_json::to_string(&fact.text).map_or(ROOM, |text| text.len());
            if *bytes + more > ROOM {
                left_out += 1;
                continue;
            }
            if !field.is_empty() {
                field.push('\n');
            }
            field.push_str(&fact.text);
            *bytes += more;
        }
        let mut insight = self.insight;
        let fields: Map<String, Value> =
            fields.into_iter().map(|(name, (text, _))| (name.to_owned(), text.into())).collect();
        insight.insert("insights".to_owned(), fields.into());
        (insight.into(), left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brain::local::stated;
    use crate::domain::mint;

    /// By the rules.
    fn grouped(rows: Vec<Row>) -> (Value, String, usize) {
        let group = group(mint::id(), rows);
        let (facts, key) = (stated(&group.notes), group.key.clone());
        let (insight, left_out) = group.draft(&facts);
        (insight, key, left_out)
    }

    fn read(columns: &Value) -> Result<Row, String> {
        row(columns.as_object().unwrap())
    }

    #[test]
    fn columns_are_known_by_their_older_names() {
        let one =
            read(&json!({"contact_id": 7, "source_type": "crm", "subtype": "call", "text": " Sails. "}))
                .unwrap();
        let other = read(
            &json!({"CONTACT_ID": "7", "ENI_SOURCE_TYPE": "crm", "ENI_SOURCE_SUBTYPE": "call", "DESCRIPTION": "Sails."}),
        );
        assert_eq!(Ok(one), other);
        for (odd, why) in [
            (json!({"source_type": "crm", "text": "x"}), "it has no contact (`contact_id`)"),
            (
                json!({"contact_id": " ", "source_type": "crm", "text": "x"}),
                "it has no contact (`contact_id`)",
            ),
            (json!({"contact_id": "a", "text": "x"}), "it has no source type (`eni_source_type`)"),
            (json!({"contact_id": "a", "type": "crm", "text": null}), "it has no text (`text`)"),
        ] {
            assert_eq!(read(&odd).unwrap_err(), why);
        }
        let long = json!({"contact_id": "a", "type": "crm", "text": "\"".repeat(40_000)});
        assert!(read(&long).unwrap_err().contains("longer"));
    }

    #[test]
    fn rows_in_any_order_are_one_group() {
        let row = |id: &str, subtype: &str, text: &str| {
            read(&json!({"contact_id": "a", "type": "crm", "subtype": subtype, "eni_id": id, "text": text}))
                .unwrap()
        };
        let rows = vec![
            row("2", "call", "Runs a bakery."),
            row("1", "note", "Lives in Lyon with her family."),
            row("2", "call", "Runs a bakery."),
            row("", "note", "Employs twelve. Has two daughters. Runs a bakery."),
        ];
        let (insight, key, left_out) = grouped(rows.clone());
        let wanted = json!({
            "contact_id": "a", "member_name": null, "eni_source_types": ["crm"], "eni_source_subtypes": ["call", "note"],
            "total_eni_ids": 3, "record_count": 4,
            "insights": {"business": "Runs a bakery.\nEmploys twelve.", "personal": "Has two daughters.\nLives in Lyon with her family."},
        });
        assert_eq!((insight, left_out), (wanted, 0));
        let turned: Vec<_> = rows.iter().rev().cloned().collect();
        assert_eq!(grouped(turned).1, key);
        assert_ne!(grouped(rows[1..].to_vec()).1, key);
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let text = |n: usize| format!("{n} {}", "word ".repeat(5_000).trim());
        let rows = (0..4).map(|n| read(&json!({"contact_id": "a", "type": "crm", "text": text(n)})).unwrap());
        let (insight, _, left_out) = grouped(rows.collect());
        assert_eq!(left_out, 2);
        assert!(insight["insights"]["business"].to_string().len() <= INSIGHT_FIELD);
    }
}
