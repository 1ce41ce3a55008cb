//! When somebody is there, whatever the clocks do.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::Hours;
use super::{DESK, desk};

fn hours(lines: &str) -> Hours {
    desk(&format!("{DESK}\n[hours]\n{lines}")).hours.unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn berlin(lines: &str) -> Hours {
    hours(&format!("time_zone = \"Europe/Berlin\"\n{lines}"))
}

#[test]
fn an_opening_begins_with_its_first_minute_and_ends_before_its_last() {
    let hours = berlin(r#"monday = ["09:00-12:00", "13:00-17:00"]"#);
    // Monday, in winter time.
    assert!(!hours.open_at(at("2026-01-12T07:59:59Z")));
    assert!(hours.open_at(at("2026-01-12T08:00:00Z")));
    assert!(hours.open_at(at("2026-01-12T10:59:59Z")));
    assert!(!hours.open_at(at("2026-01-12T11:00:00Z")));
    assert_eq!(hours.next_opening(at("2026-01-12T11:00:00Z")), Some(at("2026-01-12T12:00:00Z")));
    assert_eq!(hours.next_opening(at("2026-01-12T16:00:00Z")), Some(at("2026-01-19T08:00:00Z")));
    assert_eq!(hours.next_opening(at("2026-01-12T08:30:00Z")), Some(at("2026-01-12T08:30:00Z")));
}

#[test]
fn the_clock_on_the_wall_decides_in_summer_as_in_winter() {
    let hours = berlin(r#"monday = ["09:00-17:00"]"#);
    // From Saturday before the change of 29 March to the Monday after it.
    assert_eq!(hours.next_opening(at("2026-03-28T12:00:00Z")), Some(at("2026-03-30T07:00:00Z")));
    assert_eq!(hours.next_opening(at("2026-10-24T12:00:00Z")), Some(at("2026-10-26T08:00:00Z")));
}

#[test]
fn an_opening_in_the_hour_that_is_left_out_begins_after_it() {
    // On 29 March 2026 the clock goes from 02:00 to 03:00.
    let hours = berlin(r#"sunday = ["02:30-04:00"]"#);
    assert_eq!(hours.next_opening(at("2026-03-28T12:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
    // One that lies in it altogether does not take place.
    let hours = berlin(r#"sunday = ["02:10-02:50"]"#);
    assert_eq!(hours.next_opening(at("2026-03-28T12:00:00Z")), Some(at("2026-04-05T00:10:00Z")));
}

#[test]
fn an_opening_in_the_hour_that_comes_twice_takes_place_twice() {
    // On 25 October 2026 the clock goes from 03:00 back to 02:00.
    let hours = berlin(r#"sunday = ["02:15-02:45"]"#);
    assert_eq!(hours.next_opening(at("2026-10-25T00:00:00Z")), Some(at("2026-10-25T00:15:00Z")));
    assert_eq!(hours.next_opening(at("2026-10-25T00:50:00Z")), Some(at("2026-10-25T01:15:00Z")));
    assert!(hours.open_at(at("2026-10-25T01:30:00Z")));
    // One that spans the change is not closed in the middle of it.
    let hours = berlin(r#"sunday = ["02:30-05:00"]"#);
    assert_eq!(hours.next_opening(at("2026-10-25T01:05:00Z")), Some(at("2026-10-25T01:30:00Z")));
}

#[test]
fn a_zone_may_leave_out_a_day() {
    // Samoa went from 29 to 31 December 2011.
    let hours = hours("time_zone = \"Pacific/Apia\"\nfriday = [\"09:00-17:00\"]");
    assert_eq!(hours.next_opening(at("2011-12-30T04:00:00Z")), Some(at("2012-01-05T19:00:00Z")));
}

#[test]
fn holidays_are_closed() {
    let hours = berlin(
        "thursday = [\"09:00-17:00\"]\nfriday = [\"09:00-17:00\"]\nholidays = [2026-12-24, \"12-25\", \"02-29\"]",
    );
    assert_eq!(hours.next_opening(at("2026-12-23T20:00:00Z")), Some(at("2026-12-31T08:00:00Z")));
    // Only the second one comes every year.
    assert!(hours.open_at(at("2027-12-24T10:00:00Z")));
    assert!(!hours.open_at(at("2026-12-25T10:00:00Z")));
    assert_eq!(hours.next_opening(at("2027-12-24T17:00:00Z")), Some(at("2027-12-30T08:00:00Z")));
}

#[test]
fn a_desk_that_never_closes_is_open_at_midnight() {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let hours = berlin(&days.map(|day| format!("{day} = [\"00:00-24:00\"]")).join("\n"));
    assert!(hours.open_at(at("2026-06-01T21:59:59Z")));
    assert!(hours.open_at(at("2026-06-01T22:00:00Z")));
}

#[test]
fn a_desk_without_an_opening_has_no_next_one() {
    assert_eq!(berlin("monday = []").next_opening(at("2026-06-01T00:00:00Z")), None);
}

/// Against a walk through the minutes, over clocks that are set by night, at midnight, and by half an hour.
#[test]
fn the_next_opening_is_the_first_open_minute() {
    let zones = [
        ("Europe/Berlin", ["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z"]),
        ("America/Santiago", ["2026-04-04T12:00:00Z", "2026-09-05T12:00:00Z"]),
        ("Australia/Lord_Howe", ["2026-04-04T00:00:00Z", "2026-10-03T00:00:00Z"]),
    ];
    let days = [
        "saturday = [\"23:30-24:00\"]\nsunday = [\"00:00-00:30\", \"02:30-03:30\"]",
        "sunday = [\"01:30-02:30\", \"02:50-02:55\"]",
        "saturday = [\"22:45-23:15\"]\nmonday = [\"09:00-09:05\"]",
    ];
    for (zone, starts) in zones {
        for days in days {
            let hours = hours(&format!("time_zone = \"{zone}\"\n{days}"));
            for (start, step) in starts.iter().flat_map(|start| (0..90).map(move |step| (start, step))) {
                let from = at(start) + TimeDelta::minutes(step * 17);
                let mut minutes = (0..20_000).map(|minute| from + TimeDelta::minutes(minute));
                let walked = minutes.find(|moment| hours.open_at(*moment));
                assert_eq!(hours.next_opening(from), walked, "{zone}, {days}, from {from}");
            }
        }
    }
}

#[test]
fn an_opening_is_told_as_people_say_it() {
    let preset = desk(&format!("{DESK}\n[hours]\ntime_zone = \"Europe/Berlin\"\nmonday = [\"09:00-17:00\"]"));
    let hours = preset.hours.unwrap();
    let told = |now: &str| hours.in_words(at("2026-06-08T07:00:00Z"), at(now), &preset.texts);
    assert_eq!(told("2026-06-08T02:00:00Z"), "today at 09:00");
    // Still Sunday in UTC, already Monday at the desk.
    assert_eq!(told("2026-06-07T22:30:00Z"), "today at 09:00");
    assert_eq!(told("2026-06-07T10:00:00Z"), "tomorrow at 09:00");
    assert_eq!(told("2026-06-05T10:00:00Z"), "on Monday at 09:00");
    assert_eq!(told("2026-05-20T10:00:00Z"), "on Monday, 8 June, at 09:00");
}
