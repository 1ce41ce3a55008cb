//! The page about presets says what the code does.

use super::super::{Placeholder, Texts};
use super::{DESK, parse};
use crate::domain::preset::{Page, Preset};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/presets.md"));

/// The blocks of the page that are marked as this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_worked_example_is_a_desk() {
    let pages = blocks("markdown").iter().map(|text| Page::new("repairs.md", text).unwrap()).collect();
    let preset = Preset::parse("bike_shop", "bike_shop.toml", blocks("toml")[0], pages);
    let preset = preset.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(preset.intents.len(), 5);
    assert!(preset.hours.is_some() && preset.security.is_some());
}

#[test]
fn the_faults_are_told_as_the_page_says() {
    let wrong = blocks("toml")[0]
        .replacen("\"automatable\"", "\"automatic\"", 1)
        .replace("confidence = 0.6", "confidence = 60")
        .replace("{opening}", "{opens}");
    let pages = blocks("markdown").iter().map(|text| Page::new("repairs.md", text).unwrap()).collect();
    let error = Preset::parse("bike_shop", "bike_shop.toml", &wrong, pages).unwrap_err().to_string();
    assert_eq!(blocks("text")[0].trim_end(), error);
}

/// A field that the reader knows and the page does not is one that nobody finds.
#[test]
fn every_field_is_described() {
    let everywhere = "zzz = 1\n";
    let text = DESK
        .replacen("title", "zzz = 1\ntitle", 1)
        .replace("[[agents]]\n", "[modes]\nzzz = 1\n[modes.customer]\nzzz = 1\n[[agents]]\nzzz = 1\n")
        .replace("[[intents]]\n", "[[intents]]\nzzz = 1\n");
    let sections = ["thresholds", "limits", "contact", "hours", "texts", "security"];
    let sections = sections
        .map(|name| {
            format!(
                "[{name}]
{everywhere}"
            )
        })
        .concat();
    let error = parse(&format!("{text}{sections}[[security.proofs]]\n{everywhere}")).unwrap_err();
    let mut fields = 0;
    for line in error.lines().filter(|line| line.contains("no field `zzz`")) {
        let known = line.split_once("it takes ").unwrap().1.replace(" and ", ", ");
        for field in known.split(", ") {
            // `and` is a text of its own, and the last but one of its list.
            assert!(
                field.is_empty() || field == "and" || PAGE.contains(&format!("| `{field}`")),
                "`{field}` is not described"
            );
            fields += 1;
        }
    }
    assert!(fields > 90, "only {fields} were looked at");
}

#[test]
fn the_table_of_texts_is_the_one_of_the_code() {
    let row = |(name, purpose, placeholders, text): &(&str, &str, &[Placeholder], &str)| {
        let placeholders: Vec<_> = placeholders.iter().map(|one| format!("`{{{}}}`", one.name())).collect();
        format!("| `{name}` | {} | {} | {text} |", purpose.trim(), placeholders.join(" "))
    };
    let table = Texts::TABLE.iter().map(row).collect::<Vec<_>>().join("\n");
    assert!(PAGE.contains(&table), "docs/presets.md should hold:\n{table}");
}
