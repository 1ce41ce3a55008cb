//! `[hours]` of a preset file.

use chrono::{Datelike, NaiveDate};
use chrono_tz::{TZ_VARIANTS, Tz};
use toml::Spanned;
use toml::de::DeValue;

use super::{Holiday, Hours, Span};
use crate::domain::preset::read::{Reader, shown, suggest};

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const WEEKDAY_WORDS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTH_WORDS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub fn hours(desk: &Reader<'_>) -> Option<Hours> {
    let table = desk.table("hours")?;
    let hours = Hours {
        time_zone: time_zone(&table),
        days: WEEKDAYS.map(|day| day_spans(&table, day)),
        holidays: holidays(&table),
        weekdays: words(&table, "weekdays", &WEEKDAY_WORDS),
        months: words(&table, "months", &MONTH_WORDS),
    };
    let given = WEEKDAYS.iter().any(|day| table.has(day));
    if !given {
        table.fault(
            &desk.site("hours"),
            "no day is open",
            "give at least one, like `monday = [\"09:00-17:00\"]`, or remove `[hours]` for a desk that is always there",
        );
    }
    table.finish();
    Some(hours)
}

fn time_zone(table: &Reader<'_>) -> Tz {
    let name = table.required_text("time_zone", "one of the IANA names, like \"Europe/Dublin\"");
    let found = name.parse();
    if found.is_err() && !name.is_empty() {
        let known: Vec<&str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        let mut mend = "it takes an IANA name, like \"Europe/Dublin\"".to_owned();
        suggest(&mut mend, &name, &known);
        table.fault(&table.site("time_zone"), &format!("`time_zone` is {name:?}"), &mend);
    }
    found.unwrap_or(Tz::UTC)
}

fn day_spans(table: &Reader<'_>, day: &'static str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for text in table.texts(day).unwrap_or_default() {
        let Some(span) = span(text.get_ref()) else {
            let what = format!("`{day}` holds {:?}", text.get_ref());
            table.fault(
                &text.span(),
                &what,
                "it takes spans like \"09:00-17:30\", the later time last; one over midnight is two, up to 24:00 and from 00:00",
            );
            continue;
        };
        if spans.last().is_some_and(|before| span.from < before.to) {
            let what = format!("`{day}` has {:?} before the span ahead of it ends", text.get_ref());
            table.fault(&text.span(), &what, "put spans in order, and join those that overlap");
        }
        spans.push(span);
    }
    spans
}

fn span(text: &str) -> Option<Span> {
    let (from, to) = text.split_once('-')?;
    let span = Span { from: minutes(from.trim())?, to: minutes(to.trim())? };
    (span.from < span.to).then_some(span)
}

/// Of `HH:MM`, up to 24:00.
fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let plain = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(hours) || !plain(minutes) {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 24 * 60).then_some(total)
}

fn holidays(table: &Reader<'_>) -> Vec<Holiday> {
    let items = table.array("holidays", "a list of dates").unwrap_or_default();
    let holiday = |item: &Spanned<DeValue<'_>>| {
        let found = holiday(item.get_ref());
        if found.is_none() {
            table.fault(
                &item.span(),
                &format!("`holidays` holds {}", shown(item.get_ref())),
                "it takes dates like 2026-04-03, and \"12-25\" for a day of every year",
            );
        }
        found
    };
    items.iter().filter_map(holiday).collect()
}

fn holiday(value: &DeValue<'_>) -> Option<Holiday> {
    let text = match value {
        DeValue::Datetime(date) => date.to_string(),
        value => value.as_str()?.to_owned(),
    };
    if let Ok(date) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        return Some(Holiday::Once(date));
    }
    // Read in a leap year, so that 29 February is a day.
    let date = NaiveDate::parse_from_str(&format!("2000-{text}"), "%Y-%m-%d").ok()?;
    Some(Holiday::EveryYear { month: date.month(), day: date.day() })
}

fn words(table: &Reader<'_>, key: &'static str, default: &[&str]) -> Vec<String> {
    let given: Vec<String> = match table.texts(key) {
        Some(given) => given.into_iter().map(Spanned::into_inner).collect(),
        None => return default.iter().map(|&word| word.to_owned()).collect(),
    };
    if given.len() != default.len() {
        let what = format!("`{key}` has {} words", given.len());
        table.fault(&table.site(key), &what, &format!("it takes {}, {} first", default.len(), default[0]));
        return default.iter().map(|&word| word.to_owned()).collect();
    }
    given
}
