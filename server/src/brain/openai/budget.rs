//! What each workspace has used of the model in the last hour.
//!
//! Invariant: what is under way counts as what it may cost, so that many calls at once cannot pass the limit
//! together. It counts on this node and since its start: it guards a bill, it does not write it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use switchboard_protocol::ids::WorkspaceId;

#[derive(Debug)]
pub struct Budget {
    tokens_an_hour: Option<u64>,
    begun: Instant,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    accounts: HashMap<WorkspaceId, Account>,
    swept: u64,
}

/// Slots of five minutes with what was used in them, the oldest first.
#[derive(Debug, Default)]
struct Account(VecDeque<(u64, u64)>);

#[derive(Debug, PartialEq, Eq)]
pub struct OverBudget;

/// Tokens set aside for one call. When it is dropped, what was not used goes back.
#[derive(Debug)]
pub struct Reservation<'a> {
    budget: &'a Budget,
    workspace: WorkspaceId,
    slot: u64,
    reserved: u64,
    used: u64,
}

impl Budget {
    pub fn new(tokens_an_hour: Option<u64>, now: Instant) -> Self {
        Self { tokens_an_hour, begun: now, books: Mutex::default() }
    }

    pub fn reserve(
        &self,
        workspace: WorkspaceId,
        tokens: u64,
        now: Instant,
    ) -> Result<Reservation<'_>, OverBudget> {
        let reservation = |slot, reserved| Reservation { budget: self, workspace, slot, reserved, used: 0 };
        let Some(most) = self.tokens_an_hour else { return Ok(reservation(0, 0)) };
        let slot = now.saturating_duration_since(self.begun).as_secs() / SLOT.as_secs();
        let mut books = self.books();
        books.sweep(slot);
        let account = books.accounts.entry(workspace).or_default();
        account.forget(slot);
        if account.sum().saturating_add(tokens) > most {
            return Err(OverBudget);
        }
        account.add(slot, tokens);
        Ok(reservation(slot, tokens))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation<'_> {
    /// So much as far as is known now; a later word replaces an earlier one.
    pub fn used(&mut self, tokens: u64) {
        self.used = tokens;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.budget.tokens_an_hour.is_some() {
            let mut books = self.budget.books();
            books.accounts.entry(self.workspace).or_default().correct(self.slot, self.reserved, self.used);
        }
    }
}

impl Books {
    /// Once a slot, so that workspaces that were here once do not stay.
    fn sweep(&mut self, slot: u64) {
        if self.swept != slot {
            self.swept = slot;
            self.accounts.retain(|_, account| {
                account.forget(slot);
                !account.0.is_empty()
            });
        }
    }
}

impl Account {
    fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, tokens)| sum.saturating_add(*tokens))
    }

    /// A slot counts until its last second is an hour old.
    fn forget(&mut self, now: u64) {
        while self.0.front().is_some_and(|(slot, _)| now.saturating_sub(*slot) > SLOTS) {
            self.0.pop_front();
        }
    }

    fn add(&mut self, slot: u64, tokens: u64) {
        match self.0.back_mut() {
            Some((last, sum)) if *last == slot => *sum = sum.saturating_add(tokens),
            _ => self.0.push_back((slot, tokens)),
        }
    }

    /// A slot that is forgotten needs no correction.
    fn correct(&mut self, slot: u64, reserved: u64, used: u64) {
        if let Some((_, sum)) = self.0.iter_mut().find(|(at, _)| *at == slot) {
            *sum = sum.saturating_sub(reserved).saturating_add(used);
        }
    }
}

const SLOT: Duration = Duration::from_mins(5);
const SLOTS: u64 = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mint;

    const HOUR: Duration = Duration::from_hours(1);

    fn spend(budget: &Budget, workspace: WorkspaceId, tokens: u64, now: Instant) -> Result<(), OverBudget> {
        budget.reserve(workspace, tokens, now).map(|mut reservation| reservation.used(tokens))
    }

    #[test]
    fn an_hour_holds_so_much_and_no_more() {
        let (now, workspace) = (Instant::now(), mint::id());
        let budget = Budget::new(Some(1000), now);
        assert_eq!(spend(&budget, workspace, 600, now), Ok(()));
        assert_eq!(spend(&budget, workspace, 401, now), Err(OverBudget));
        assert_eq!(spend(&budget, workspace, 400, now + HOUR / 2), Ok(()));
        assert_eq!(spend(&budget, workspace, 1, now + SLOT * 11), Err(OverBudget));
        assert_eq!(spend(&budget, workspace, 600, now + HOUR + SLOT), Ok(()), "the first has aged out");
        assert_eq!(spend(&budget, workspace, 1, now + HOUR + SLOT), Err(OverBudget));
        assert_eq!(spend(&budget, mint::id(), 1000, now), Ok(()), "each workspace by itself");
    }

    #[test]
    fn no_hour_of_any_kind_holds_more() {
        let (now, workspace) = (Instant::now(), mint::id());
        let budget = Budget::new(Some(100), now);
        // The last second of the first slot: a whole hour later it is still in the window.
        assert_eq!(spend(&budget, workspace, 100, now + Duration::from_secs(299)), Ok(()));
        assert_eq!(spend(&budget, workspace, 1, now + HOUR + Duration::from_secs(298)), Err(OverBudget));
    }

    #[test]
    fn what_is_under_way_counts_and_what_was_not_used_goes_back() {
        let (now, workspace) = (Instant::now(), mint::id());
        let budget = Budget::new(Some(1000), now);
        let mut first = budget.reserve(workspace, 900, now).expect("room");
        assert_eq!(budget.reserve(workspace, 200, now).err(), Some(OverBudget));
        first.used(100);
        drop(first);
        drop(budget.reserve(workspace, 900, now).expect("the rest came back"));
        assert_eq!(spend(&budget, workspace, 900, now), Ok(()), "a call that used nothing costs nothing");
    }

    #[test]
    fn a_call_that_used_more_than_was_set_aside_is_counted_in_full() {
        let (now, workspace) = (Instant::now(), mint::id());
        let budget = Budget::new(Some(1000), now);
        budget.reserve(workspace, 100, now).expect("room").used(950);
        assert_eq!(spend(&budget, workspace, 51, now), Err(OverBudget));
    }

    #[test]
    fn without_a_limit_nothing_is_kept_and_with_one_only_the_last_hour() {
        let now = Instant::now();
        let unlimited = Budget::new(None, now);
        assert_eq!(spend(&unlimited, mint::id(), u64::MAX, now), Ok(()));
        assert!(unlimited.books().accounts.is_empty());
        let budget = Budget::new(Some(10), now);
        for _ in 0..50 {
            assert_eq!(spend(&budget, mint::id(), 10, now), Ok(()));
        }
        assert_eq!(spend(&budget, mint::id(), 10, now + HOUR * 2), Ok(()));
        assert_eq!(budget.books().accounts.len(), 1);
    }
}
