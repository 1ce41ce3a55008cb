//! How fast a sink is asked: never more than five times in any second, as the sink counts them.
//!
//! Invariant: a slot is free again a second after its request was answered or given up, and there are five. The sink has seen
//! a request before it answers it; so of whatever second one looks at, each request that the sink has seen in it holds a slot
//! of its own, however long the way there took. A new process begins with all slots taken, since it does not know what
//! the one before it has sent.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Requests in any second.
const SLOTS: usize = 5;

/// One for each account that is limited, shared by all who send to it.
pub struct Pace {
    slots: Mutex<Slots>,
    /// Whoever is inside is the next to send.
    door: tokio::sync::Mutex<()>,
    /// A slot came free, or the right to send was prolonged.
    changed: Notify,
}

/// The right to send once, given back when it is dropped: after the answer.
pub struct Slot<'a>(&'a Pace);

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A second, and a little for clocks that do not run alike.
    pub window: Duration,
    /// Between the beginnings of two requests, so that five do not come at once.
    pub spacing: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { window: Duration::from_millis(1_020), spacing: Duration::from_millis(200) }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.change(|slots| slots.give_back(Instant::now()));
    }
}

impl Pace {
    pub fn new(rules: Rules) -> Self {
        let slots = Mutex::new(Slots::new(rules, Instant::now()));
        Self { slots, door: tokio::sync::Mutex::default(), changed: Notify::new() }
    }

    /// Waits for the right to send, which whoever came first gets first.
    pub async fn slot(&self) -> Slot<'_> {
        let _inside = self.door.lock().await;
        loop {
            let taken = self.slots.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
            match taken {
                Ok(()) => return Slot(self),
                Err(Wait::Until(at)) => sleep_until(at).await,
                // Whoever lost the right for good drops this.
                Err(Wait::Change) => self.changed.notified().await,
            }
        }
    }

    /// As in a new process: what another one has just sent is not known.
    pub fn begin_anew(&self) {
        self.change(|slots| slots.quiet_until = slots.quiet_until.max(Instant::now() + slots.rules.window));
    }

    /// Nobody sends for a while.
    pub fn pause(&self, pause: Duration) {
        self.change(|slots| slots.quiet_until = slots.quiet_until.max(Instant::now() + pause));
    }

    /// Lets requests go out until then, also in a process that was frozen meanwhile.
    pub fn allow_until(&self, until: Instant) {
        self.change(|slots| slots.allowed_until = until);
    }

    fn change(&self, change: impl FnOnce(&mut Slots)) {
        change(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }
}

/// The rules by themselves.
struct Slots {
    rules: Rules,
    /// From when on each that is not in use may be used, the earliest first.
    free_from: Vec<Instant>,
    next: Instant,
    quiet_until: Instant,
    allowed_until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Until(Instant),
    /// For as long as nothing changes.
    Change,
}

impl Slots {
    fn new(rules: Rules, now: Instant) -> Self {
        let free_from = vec![now + rules.window; SLOTS];
        Self { rules, free_from, next: now, quiet_until: now, allowed_until: now }
    }

    fn take(&mut self, now: Instant) -> Result<(), Wait> {
        let from = *self.free_from.first().ok_or(Wait::Change)?;
        let at = from.max(self.next).max(self.quiet_until);
        if at > now {
            return Err(Wait::Until(at));
        }
        if self.allowed_until <= now {
            return Err(Wait::Change);
        }
        self.free_from.remove(0);
        self.next = now + self.rules.spacing;
        Ok(())
    }

    /// Answers come later and later, so that the list stays in order.
    fn give_back(&mut self, now: Instant) {
        self.free_from.push(now + self.rules.window);
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    fn open(now: Instant) -> Slots {
        let mut slots = Slots::new(Rules::default(), now);
        slots.allowed_until = now + Duration::from_hours(1);
        slots
    }

    /// Sends requests as early as may be, each with its times there and back; when each arrived.
    fn arrivals(slots: &mut Slots, begun: Instant, ways: &[(u64, u64)]) -> Vec<Instant> {
        let (mut now, mut arrivals, mut answers) = (begun, Vec::new(), BinaryHeap::new());
        for &(there, back) in ways {
            while let Err(wait) = slots.take(now) {
                let answered = answers.peek().map(|Reverse(at): &Reverse<Instant>| *at);
                let until = match wait {
                    Wait::Until(at) => answered.map_or(at, |answered| at.min(answered)),
                    Wait::Change => answered.expect("an answer is under way"),
                };
                now = now.max(until);
                if answered.is_some_and(|at| at <= now) {
                    answers.pop();
                    slots.give_back(now);
                }
            }
            arrivals.push(now + Duration::from_millis(there));
            answers.push(Reverse(now + Duration::from_millis(there + back)));
        }
        arrivals.sort_unstable();
        arrivals
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_five_however_long_the_way_takes(
            ways in prop::collection::vec((0_u64..3_000, 0_u64..500), 1..200),
        ) {
            let begun = Instant::now();
            let arrivals = arrivals(&mut open(begun), begun, &ways);
            prop_assert_eq!(arrivals.len(), ways.len());
            prop_assert!(arrivals[0] >= begun + Duration::from_secs(1), "what went before is not known");
            for six in arrivals.windows(SLOTS + 1) {
                prop_assert!(six[SLOTS] - six[0] >= Duration::from_secs(1));
            }
        }
    }

    #[test]
    fn quick_answers_make_for_almost_five_a_second() {
        let begun = Instant::now();
        let arrivals = arrivals(&mut open(begun), begun, &[(10, 10); 100]);
        assert!(
            arrivals[99] - arrivals[0] < Duration::from_millis(20_800),
            "{:?}",
            arrivals[99] - arrivals[0]
        );
    }

    #[test]
    fn a_pause_and_a_lost_right_hold_everybody_back() {
        let begun = Instant::now();
        let (soon, late) = (begun + Duration::from_secs(2), begun + Duration::from_secs(30));
        let mut slots = open(begun);
        slots.quiet_until = late;
        assert_eq!(slots.take(soon), Err(Wait::Until(late)));
        slots.allowed_until = late;
        assert_eq!(slots.take(late), Err(Wait::Change));
        slots.allowed_until = late + Duration::from_secs(1);
        assert_eq!(slots.take(late), Ok(()));
    }
}
