//! How often: token buckets for connections, addresses and visitors; for log-ins, windows that are exact.

use std::collections::VecDeque;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use dashmap::DashMap;

/// So many a second on average, so many at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_second: f32,
    pub burst: f32,
}

/// Requests of a visitor's connection.
pub const VISITOR_REQUESTS: Rate = Rate { per_second: 10.0, burst: 30.0 };
/// New visitors of an address.
pub const NEW_VISITORS: Rate = Rate { per_second: 1.0, burst: 60.0 };

#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    left: f32,
    at: Instant,
}

impl Bucket {
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self { left: rate.burst, at: now }
    }

    /// Takes one, or tells how long until there is one.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let gained = now.saturating_duration_since(self.at).as_secs_f32() * rate.per_second;
        self.left = (self.left + gained).min(rate.burst);
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f32((1.0 - self.left) / rate.per_second))
    }
}

/// A bucket for each stranger of some kind.
#[derive(Debug)]
pub struct Buckets<K: Eq + Hash>(DashMap<K, Bucket>);

/// Strangers remembered; beyond that, those whose bucket has filled again are let go.
const STRANGERS: usize = 50_000;

impl<K: Eq + Hash> Default for Buckets<K> {
    fn default() -> Self {
        Self(DashMap::new())
    }
}

impl<K: Eq + Hash> Buckets<K> {
    pub fn take(&self, stranger: K, rate: Rate, now: Instant) -> Result<(), Duration> {
        if self.0.len() >= STRANGERS {
            let refill = Duration::from_secs_f32(rate.burst / rate.per_second);
            self.0.retain(|_, bucket| now.saturating_duration_since(bucket.at) < refill);
        }
        self.0.entry(stranger).or_insert_with(|| Bucket::full(rate, now)).take(rate, now)
    }
}

/// So many within any such time, counted exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    pub most: usize,
    pub within: Duration,
}

/// How often somebody may try a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    pub address: Tries,
    pub account: Tries,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            address: Tries { most: 5, within: Duration::from_secs(20) },
            account: Tries { most: 20, within: Duration::from_mins(5) },
        }
    }
}

/// The tries of each stranger of some kind, the oldest first.
#[derive(Debug)]
pub struct Windows<K: Eq + Hash> {
    tries: Tries,
    strangers: DashMap<K, VecDeque<Instant>>,
}

impl<K: Eq + Hash> Windows<K> {
    pub fn new(tries: Tries) -> Self {
        Self { tries, strangers: DashMap::new() }
    }

    /// Counts a try, or tells how long until there is one. One that is refused does not count.
    pub fn take(&self, stranger: K, now: Instant) -> Result<(), Duration> {
        let is_over = |at: &Instant| now.saturating_duration_since(*at) >= self.tries.within;
        if self.strangers.len() >= STRANGERS {
            self.strangers.retain(|_, tries| !tries.back().is_none_or(is_over));
            // So many at once are an attack: those who came before them are served, and nothing grows.
            if self.strangers.len() >= STRANGERS && !self.strangers.contains_key(&stranger) {
                return Err(Duration::from_secs(1));
            }
        }
        let mut tries = self.strangers.entry(stranger).or_default();
        while tries.front().is_some_and(is_over) {
            tries.pop_front();
        }
        match tries.front() {
            Some(oldest) if tries.len() >= self.tries.most => {
                Err(self.tries.within.saturating_sub(now.saturating_duration_since(*oldest)))
            }
            _ => {
                tries.push_back(now);
                Ok(())
            }
        }
    }
}

/// Who holds a whole IPv6 network is one stranger, not 2^64.
pub fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let rate = Rate { per_second: 10.0, burst: 30.0 };
        let mut bucket = Bucket::full(rate, start);
        assert!((0..30).all(|_| bucket.take(rate, start).is_ok()));
        let wait = bucket.take(rate, start).unwrap_err();
        assert!(wait > Duration::from_millis(90) && wait <= Duration::from_millis(101), "{wait:?}");
        assert!(bucket.take(rate, start + Duration::from_millis(101)).is_ok());
        assert!(bucket.take(rate, start + Duration::from_millis(102)).is_err());
    }

    #[test]
    fn a_window_never_holds_more_than_it_may() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let windows = Windows::new(Tries { most: 3, within: Duration::from_secs(20) });
        assert!((0..3).all(|n| windows.take("a", at(n * 1_000)).is_ok()));
        assert_eq!(windows.take("a", at(3_000)), Err(Duration::from_secs(17)));
        assert_eq!(windows.take("a", at(19_999)), Err(Duration::from_millis(1)), "nothing is earned before");
        assert!(windows.take("b", at(3_000)).is_ok(), "each has their own");
        assert!(windows.take("a", at(20_000)).is_ok(), "the first is over");
        assert_eq!(windows.take("a", at(20_000)), Err(Duration::from_secs(1)), "the second is not");
    }
}
