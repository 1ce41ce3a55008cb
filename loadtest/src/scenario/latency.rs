//! A latency histogram that many tasks fill.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::report::per;

/// Microseconds to two minutes, in three significant digits.
const LONGEST: u64 = 120_000_000;

/// The shares at which a curve is drawn: evenly over the tail, where each step halves what is left.
const CURVE: [f64; 16] = [
    0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.9375, 0.96875, 0.984_375, 0.992, 0.996, 0.998, 0.999,
    1.0,
];

#[derive(Clone)]
pub struct Latency(Arc<Mutex<Counted>>);

struct Counted {
    all: Histogram<u64>,
    /// Since somebody last asked for what is recent; None where nobody does.
    recent: Option<Histogram<u64>>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Latency {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Counted { all: empty(), recent: None })))
    }

    pub fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST);
        let mut counted = self.lock();
        counted.all.saturating_record(micros);
        if let Some(recent) = &mut counted.recent {
            recent.saturating_record(micros);
        }
    }

    pub fn percentiles(&self) -> Percentiles {
        Percentiles::of(&self.lock().all)
    }

    /// What was recorded since this was last asked.
    pub fn recent(&self) -> Percentiles {
        let mut counted = self.lock();
        let recent = counted.recent.get_or_insert_with(empty);
        let percentiles = Percentiles::of(recent);
        recent.reset();
        percentiles
    }

    /// Milliseconds at rising shares of all that was recorded: a curve to be drawn.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let counted = self.lock();
        if counted.all.is_empty() {
            return Vec::new();
        }
        CURVE.iter().map(|share| (*share, millis(counted.all.value_at_quantile(*share)))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Percentiles {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| millis(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            p50_ms: at(0.50),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: millis(histogram.max()),
        }
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid")
}

fn millis(micros: u64) -> f64 {
    per(micros, 1000.0)
}
