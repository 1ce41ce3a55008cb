//! Leaves a server alone that has failed too often in a row, and then asks it with one call before all others.
//!
//! Invariant: at most one probe is under way, and one that is dropped makes way for the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Of one server: all that ask it share one.
#[derive(Debug)]
pub struct Breaker {
    failures: u32,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// What a call says about the server's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    Ill,
    /// It said itself when it wants to be asked again.
    WellAfter(Duration),
    /// The call ended for a reason of its own.
    Unknown,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Resting;

/// Leave for one call. Dropped without a word, as when a turn is cancelled, it says nothing about the server.
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    probe: bool,
    /// Until it is settled.
    since: Option<Instant>,
}

impl Breaker {
    pub fn new(failures: u32, rest: Duration) -> Self {
        Self { failures: failures.max(1), rest, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    pub fn admit(&self, now: Instant) -> Result<Permit<'_>, Resting> {
        let mut state = self.state();
        let probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => {
                *state = State::Probing;
                true
            }
            State::Open { .. } | State::Probing => return Err(Resting),
        };
        Ok(Permit { breaker: self, probe, since: Some(now) })
    }

    fn learn(&self, health: Health, probe: bool, now: Instant) {
        let mut state = self.state();
        *state = match (*state, health) {
            (_, Health::Well) => State::Closed { failures: 0 },
            (_, Health::WellAfter(pause)) => State::Open { until: now + pause.min(LONGEST) },
            (State::Probing, Health::Ill) if probe => State::Open { until: now + self.rest },
            (State::Probing, Health::Unknown) if probe => State::Open { until: now },
            (State::Closed { failures }, Health::Ill) if failures + 1 >= self.failures => {
                State::Open { until: now + self.rest }
            }
            (State::Closed { failures }, Health::Ill) => State::Closed { failures: failures + 1 },
            // A call from before the rest, or one that says nothing.
            (state, Health::Ill | Health::Unknown) => state,
        };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    pub fn settle(mut self, health: Health, now: Instant) {
        self.since = None;
        self.breaker.learn(health, self.probe, now);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            self.breaker.learn(Health::Unknown, self.probe, since);
        }
    }
}

/// However long a server wants to be left alone, it is asked again.
const LONGEST: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(30);

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(3, REST), Instant::now())
    }

    fn tell(breaker: &Breaker, health: Health, now: Instant) {
        breaker.admit(now).expect("nothing keeps it from being asked").settle(health, now);
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_probe_closes_it() {
        let (breaker, now) = breaker();
        for _ in 0..3 {
            tell(&breaker, Health::Ill, now);
        }
        assert_eq!(breaker.admit(now + REST / 2).err(), Some(Resting));
        let probe = breaker.admit(now + REST).expect("its rest is over");
        assert_eq!(breaker.admit(now + REST).err(), Some(Resting), "one probe at a time");
        probe.settle(Health::Well, now + REST);
        tell(&breaker, Health::Ill, now + REST);
        assert!(breaker.admit(now + REST).is_ok(), "the count began anew");
    }

    #[test]
    fn a_success_between_failures_begins_the_count_anew() {
        let (breaker, now) = breaker();
        for health in [Health::Ill, Health::Ill, Health::Well, Health::Ill, Health::Ill] {
            tell(&breaker, health, now);
        }
        assert!(breaker.admit(now).is_ok());
    }

    #[test]
    fn a_call_that_says_nothing_counts_for_nothing() {
        let (breaker, now) = breaker();
        for health in [Health::Ill, Health::Ill, Health::Unknown, Health::Unknown, Health::Ill] {
            tell(&breaker, health, now);
        }
        assert!(breaker.admit(now).is_err());
    }

    #[test]
    fn a_probe_that_fails_opens_it_again_and_one_that_is_dropped_makes_way() {
        let (breaker, now) = breaker();
        for _ in 0..3 {
            tell(&breaker, Health::Ill, now);
        }
        drop(breaker.admit(now + REST).expect("a probe"));
        tell(&breaker, Health::Ill, now + REST);
        assert!(breaker.admit(now + REST + REST / 2).is_err());
        assert!(breaker.admit(now + REST + REST).is_ok());
    }

    #[test]
    fn calls_from_before_the_rest_neither_prolong_nor_end_it_but_for_a_success() {
        let (breaker, now) = breaker();
        let [late, later, dropped] = [(); 3].map(|()| breaker.admit(now).expect("closed"));
        for _ in 0..3 {
            tell(&breaker, Health::Ill, now);
        }
        let probe = breaker.admit(now + REST).expect("a probe");
        late.settle(Health::Ill, now + REST);
        drop(dropped);
        assert!(breaker.admit(now + REST).is_err(), "the probe is still under way");
        later.settle(Health::Well, now + REST);
        assert!(breaker.admit(now + REST).is_ok());
        drop(probe);
        assert!(breaker.admit(now + REST).is_ok(), "a probe that is late changes nothing");
    }

    #[test]
    fn a_server_that_names_its_pause_gets_it_up_to_a_bound() {
        let (breaker, now) = breaker();
        tell(&breaker, Health::WellAfter(Duration::from_mins(1)), now);
        assert!(breaker.admit(now + Duration::from_secs(59)).is_err());
        tell(&breaker, Health::WellAfter(Duration::MAX), now + Duration::from_mins(1));
        assert!(breaker.admit(now + Duration::from_mins(1) + LONGEST).is_ok());
    }
}
