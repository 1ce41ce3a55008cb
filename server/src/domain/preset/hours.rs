//! When people are there, in the time of the place where they are. Pure: a moment comes in, an answer goes out.

mod read;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

pub(super) use read::hours;

use super::text::{Placeholder, Texts};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    pub time_zone: Tz,
    /// Monday first; the spans of a day in order, apart from each other.
    days: [Vec<Span>; 7],
    holidays: Vec<Holiday>,
    weekdays: Vec<String>,
    months: Vec<String>,
}

/// From the first minute to before the last, in minutes after midnight by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: u32,
    to: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holiday {
    Once(NaiveDate),
    EveryYear { month: u32, day: u32 },
}

/// Nobody looks further ahead: a desk that does not open within a year is closed.
const HORIZON_DAYS: u64 = 370;

impl Hours {
    pub fn open_at(&self, moment: DateTime<Utc>) -> bool {
        let local = moment.with_timezone(&self.time_zone);
        let minute = local.hour() * 60 + local.minute();
        self.spans(local.date_naive()).iter().any(|span| (span.from..span.to).contains(&minute))
    }

    /// The first moment from `moment` on at which somebody is there: itself, if somebody is there now.
    pub fn next_opening(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.open_at(moment) {
            return Some(moment);
        }
        let today = moment.with_timezone(&self.time_zone).date_naive();
        let mut days = (0..=HORIZON_DAYS).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
        days.find_map(|day| self.opening_on(day, moment))
    }

    /// `opening` as a visitor at `now` reads it, in the time of the desk.
    pub fn in_words(&self, opening: DateTime<Utc>, now: DateTime<Utc>, texts: &Texts) -> String {
        let local = opening.with_timezone(&self.time_zone);
        let today = now.with_timezone(&self.time_zone).date_naive();
        let text = match (local.date_naive() - today).num_days() {
            0 => &texts.opening_today,
            1 => &texts.opening_tomorrow,
            2..=6 => &texts.opening_weekday,
            _ => &texts.opening_later,
        };
        let time = format!("{:02}:{:02}", local.hour(), local.minute());
        let weekday = &self.weekdays[local.weekday().num_days_from_monday() as usize];
        text.render(&[
            (Placeholder::Time, &time),
            (Placeholder::Weekday, weekday),
            (Placeholder::Day, &local.day().to_string()),
            (Placeholder::Month, &self.months[local.month0() as usize]),
        ])
    }

    fn spans(&self, day: NaiveDate) -> &[Span] {
        let holiday = self.holidays.iter().any(|holiday| match *holiday {
            Holiday::Once(date) => date == day,
            Holiday::EveryYear { month, day: of_month } => (day.month(), day.day()) == (month, of_month),
        });
        if holiday { &[] } else { &self.days[day.weekday().num_days_from_monday() as usize] }
    }

    /// The first moment of that day, not before `from`, at which somebody is there. Nobody is there at `from` itself.
    fn opening_on(&self, day: NaiveDate, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let midnight =
            |day: NaiveDate| self.time_zone.from_local_datetime(&day.and_time(NaiveTime::MIN)).single();
        if let (Some(begin), Some(end)) = (midnight(day), midnight(day.succ_opt()?))
            && end.to_utc() - begin.to_utc() == TimeDelta::days(1)
        {
            let mut openings =
                self.spans(day).iter().map(|span| begin.to_utc() + TimeDelta::minutes(i64::from(span.from)));
            return openings.find(|opening| *opening >= from);
        }
        // The clock is set on this day: an opening may be left out, begin late, or come twice. So walk through it.
        let around = day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
        let mut minutes = (0..3 * 24 * 60).map(|minute| around + TimeDelta::minutes(minute));
        minutes.find(|minute| *minute >= from && self.open_at(*minute))
    }
}
