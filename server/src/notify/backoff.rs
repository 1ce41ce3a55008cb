//! When an attempt that failed is made again: after a second, and then each time after three times as long, for a day.

use chrono::TimeDelta;

use crate::domain::clock::Timestamp;

const FIRST_MS: i64 = 1_000;
const LONGEST_MS: i64 = 4 * 3_600 * 1_000;
/// So long it is tried.
pub const PATIENCE: TimeDelta = TimeDelta::hours(24);

/// After the attempt with this number; nothing once the day is over. `jitter` is from 0 to 1, and keeps those that failed
/// together from coming back together.
pub fn next(attempt: u32, since: Timestamp, now: Timestamp, jitter: f64) -> Option<Timestamp> {
    let end = since + PATIENCE;
    if now >= end {
        return None;
    }
    // Beyond this power the pause is the longest one.
    let pause = (FIRST_MS * 3_i64.pow(attempt.saturating_sub(1).min(10))).min(LONGEST_MS);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "hours in milliseconds")]
    let pause = (pause as f64 * (0.8 + 0.4 * jitter)) as i64;
    // The last attempt is made when the day ends.
    Some((now + TimeDelta::milliseconds(pause)).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since() -> Timestamp {
        "2026-03-01T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn pauses_grow_threefold_and_vary() {
        for (attempt, seconds) in [(1, 1), (2, 3), (3, 9), (4, 27), (8, 2_187), (10, 14_400), (1_000, 14_400)]
        {
            let middle = next(attempt, since(), since(), 0.5).unwrap() - since();
            assert_eq!(middle, TimeDelta::seconds(seconds), "after attempt {attempt}");
        }
        let least = next(2, since(), since(), 0.0).unwrap() - since();
        let most = next(2, since(), since(), 1.0).unwrap() - since();
        assert_eq!((least.num_milliseconds(), most.num_milliseconds()), (2_400, 3_600));
    }

    #[test]
    fn it_is_tried_for_a_day_and_at_its_end_once_more() {
        let (mut now, mut attempt) = (since(), 1);
        while let Some(next) = next(attempt, since(), now, 0.5) {
            assert!(next > now);
            (now, attempt) = (next, attempt + 1);
        }
        assert_eq!(now - since(), PATIENCE);
        assert!((12..20).contains(&attempt), "{attempt} attempts");
    }
}
