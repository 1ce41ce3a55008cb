//! When a request that failed before its first byte is sent again.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::domain::clock::Timestamp;

/// How long to wait before the attempt after `failed` ones. `chance` is between 0 and 1 and spreads those that
/// failed together.
pub fn pause(failed: u32, asked: Option<Duration>, chance: f64) -> Duration {
    match asked {
        // Not before it was asked to, and not all in the same moment.
        Some(asked) => asked.saturating_add(FIRST.mul_f64(chance)),
        None => FIRST
            .saturating_mul(1 << failed.saturating_sub(1).min(8))
            .min(LONGEST)
            .mul_f64(0.5 + chance / 2.0),
    }
}

/// What a server says about when to come back: in milliseconds (Azure), in seconds, or as a date.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str, unit: f64| {
        text.parse::<f64>().ok().and_then(|number| Duration::try_from_secs_f64(number * unit).ok())
    };
    let date = |text: &str| {
        let at = DateTime::parse_from_rfc2822(text).ok()?;
        Some((at.to_utc() - now).to_std().unwrap_or_default())
    };
    text("retry-after-ms").and_then(|text| number(text, 0.001)).or_else(|| {
        let text = text(RETRY_AFTER.as_str())?;
        number(text, 1.0).or_else(|| date(text))
    })
}

const FIRST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn pauses_grow_and_are_spread() {
        let millis = |failed, chance| pause(failed, None, chance).as_millis();
        assert_eq!((millis(1, 0.0), millis(1, 1.0)), (150, 300));
        assert_eq!((millis(3, 0.0), millis(3, 1.0)), (600, 1200));
        assert_eq!((millis(60, 0.0), millis(60, 1.0)), (4000, 8000));
        assert_eq!(
            pause(1, Some(Duration::from_secs(2)), 0.0),
            Duration::from_secs(2),
            "never before it was asked to"
        );
        assert_eq!(pause(1, Some(Duration::from_secs(2)), 1.0), Duration::from_millis(2300));
    }

    #[test]
    fn every_way_to_name_a_pause_is_understood_and_nonsense_is_none() {
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let of = |name: &'static str, value: &str| {
            retry_after(
                &HeaderMap::from_iter([(
                    name.parse().expect("a name"),
                    HeaderValue::from_str(value).expect("a value"),
                )]),
                now,
            )
        };
        assert_eq!(of("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(of("retry-after", " 0.25 "), Some(Duration::from_millis(250)));
        assert_eq!(of("retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(of("retry-after", "Sun, 01 Mar 2026 12:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(of("retry-after", "Sun, 01 Mar 2026 11:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["-1", "soon", "", "NaN", "inf", "1e300"] {
            assert_eq!(of("retry-after", nonsense), None, "{nonsense}");
        }
        assert_eq!(of("x-other", "7"), None);
    }
}
