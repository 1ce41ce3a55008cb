//! How often: token buckets for connections, addresses and visitors.

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
}
