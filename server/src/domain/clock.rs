//! The one place that asks for the time. Everything else is given it.

use chrono::{DateTime, SubsecRound, Utc};

pub type Timestamp = DateTime<Utc>;

/// A time in words, with or without its zone; without one it is UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).ok();
    zoned.or_else(|| {
        let plain = text.replacen(' ', "T", 1).parse::<chrono::NaiveDateTime>().ok()?;
        Some(plain.and_utc())
    })
}

/// Now, in the resolution that the protocol speaks: what is stored and what is sent are the same instant.
#[expect(clippy::disallowed_methods, reason = "the clock itself")]
pub fn now() -> Timestamp {
    Utc::now().trunc_subsecs(3)
}
