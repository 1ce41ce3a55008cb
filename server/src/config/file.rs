//! The TOML file: its keys are those of the table of settings, each value as the text that a flag would take. Policies may
//! stand under a heading that the names of their settings begin with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::setting::{self, Flag, Setting};

/// The values of the file, with their lines. A key that is not in the table is refused.
pub fn read(file: &Path) -> Result<BTreeMap<&'static str, (String, usize)>, ConfigError> {
    let text =
        fs::read_to_string(file).map_err(|error| ConfigError::Unreadable { file: file.to_owned(), error })?;
    let refused = |line, why: String| ConfigError::File { file: file.to_owned(), line, why };
    // The parser's own rendering quotes the line, which may hold a secret: only its sentence is used.
    let table = DeTable::parse(&text).map_err(|error| {
        refused(line_of(&text, error.span().unwrap_or_default().start), error.message().to_owned())
    })?;
    let mut values = BTreeMap::new();
    let mut take = |key: &str, value: &DeValue<'_>, line| {
        let Some(setting) = known(key) else {
            let known: Vec<_> = settable().map(|setting| setting.name).collect();
            let (file, key, known) = (file.to_owned(), key.to_owned(), known.join(", "));
            return Err(ConfigError::UnknownKey { file, line, key, known });
        };
        let text = match value {
            DeValue::Table(names) if *setting == setting::AIRTABLE_FIELDS => as_json(names),
            value => plain(value),
        };
        let text =
            text.ok_or_else(|| refused(line, format!("`{}` takes {}", setting.name, setting.takes)))?;
        values.insert(setting.name, (text, line));
        Ok(())
    };
    for (key, value) in table.get_ref() {
        let line = line_of(&text, key.span().start);
        match value.get_ref() {
            DeValue::Table(policies) if is_heading(key.get_ref()) => {
                for (name, value) in policies {
                    let line = line_of(&text, name.span().start);
                    take(&format!("{}_{}", key.get_ref(), name.get_ref()), value.get_ref(), line)?;
                }
            }
            value => take(key.get_ref(), value, line)?,
        }
    }
    Ok(values)
}

/// Whether names of settings begin with it.
fn is_heading(key: &str) -> bool {
    settable().any(|setting| {
        setting.flag == Flag::Policy
            && setting.name.strip_prefix(key).is_some_and(|rest| rest.starts_with('_'))
    })
}

fn known(key: &str) -> Option<&'static Setting> {
    settable().find(|setting| setting.name == key)
}

/// A file names no other file.
fn settable() -> impl Iterator<Item = &'static Setting> {
    setting::ALL.iter().copied().filter(|setting| setting.name != setting::CONFIG.name)
}

/// A scalar as a flag would have it; the items of a list joined by commas; nothing for what no setting is.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(yes) => Some(if *yes { "on" } else { "off" }.to_owned()),
        DeValue::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| plain(item.get_ref())).collect();
            Some(items?.join(","))
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// Names of one thing for another, as JSON, since a name may hold any sign.
fn as_json(names: &DeTable<'_>) -> Option<String> {
    let mut object = serde_json::Map::new();
    for (name, value) in names {
        let DeValue::String(text) = value.get_ref() else { return None };
        object.insert(name.get_ref().to_string(), text.to_string().into());
    }
    Some(serde_json::Value::Object(object).to_string())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}
