//! The changes that are made to escalations, and which of them a console has just been told of.
//!
//! Invariant: an escalation is in one hand at a time, so each of its changes ends before the next is asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{Stage, request};
use crate::cli::FeedArgs;
use crate::client::wire::staff::{Escalation, Held, Status};
use crate::client::{CallError, Socket};
use crate::console::{Known, sit_down};
use crate::lab::Lab;
use crate::view::{Fault, Faults};
use crate::visitor::{Credentials, Entrance, Visitor};

/// What was done.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Made {
    pub claims: u64,
    pub assignments: u64,
    pub releases: u64,
    pub resolutions: u64,
    /// Visitors who asked for a person once more.
    pub reopened: u64,
}

#[derive(Default)]
pub struct Changes(Mutex<State>);

#[derive(Default)]
struct State {
    /// Those that nobody has in hand.
    idle: Vec<Ticket>,
    /// Of each escalation, the changes in their order.
    asked: HashMap<Uuid, Vec<Asked>>,
    /// Who has ever been given one.
    people: Vec<Uuid>,
}

/// An escalation and the visitor behind it.
struct Ticket {
    visitor: Credentials,
    id: Uuid,
    version: u64,
    status: Status,
}

/// A change that was asked for.
#[derive(Clone, Copy)]
pub struct Asked {
    /// The version that stood before it.
    after: u64,
    to: Status,
    pub due: Instant,
    /// When its answer came.
    pub answered: Option<Instant>,
}

impl Changes {
    /// Takes up what visitors have asked for.
    pub fn begin(&self, visitors: Vec<Credentials>, table: &Known) {
        let mut visitors: HashMap<Uuid, Credentials> =
            visitors.into_iter().map(|visitor| (visitor.conversation_id, visitor)).collect();
        let tickets = table.values().filter_map(|row| {
            let Escalation { id, version, status, conversation_id, .. } = row.escalation;
            let visitor = visitors.remove(&conversation_id?)?;
            Some(Ticket { visitor, id, version, status: status? })
        });
        self.lock().idle.extend(tickets);
    }

    /// The change that made an escalation what a console was told; None for what the server did by itself.
    pub fn behind(&self, told: &Escalation) -> Option<Asked> {
        let state = self.lock();
        let asked = state.asked.get(&told.id)?.iter().rev().find(|asked| asked.after < told.version)?;
        (told.status == Some(asked.to)).then_some(*asked)
    }

    fn take(&self, dice: &mut StdRng) -> Option<Ticket> {
        let mut state = self.lock();
        if state.idle.is_empty() {
            return None;
        }
        let nth = dice.random_range(0..state.idle.len());
        Some(state.idle.swap_remove(nth))
    }

    fn give_back(&self, ticket: Ticket) {
        self.lock().idle.push(ticket);
    }

    fn ask(&self, ticket: &Ticket, to: Status, due: Instant) {
        let asked = Asked { after: ticket.version, to, due, answered: None };
        self.lock().asked.entry(ticket.id).or_default().push(asked);
    }

    fn answered(&self, ticket: &Ticket, held: &Escalation) {
        let mut state = self.lock();
        if let Some(last) = state.asked.get_mut(&ticket.id).and_then(|asked| asked.last_mut()) {
            last.answered = Some(Instant::now());
        }
        if let Some(holder) = held.assignee
            && !state.people.contains(&holder.id)
        {
            state.people.push(holder.id);
        }
    }

    fn somebody(&self, dice: &mut StdRng) -> Option<Uuid> {
        self.lock().people.choose(dice).copied()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the staff, who changes one escalation after the other at a set pace.
pub struct Hand {
    nth: u32,
    socket: Socket,
    entrance: Entrance,
    dice: StdRng,
    begin: Instant,
    end: Instant,
    step: Duration,
    made: Made,
    faults: Faults,
}

impl Hand {
    pub async fn new(
        lab: &Lab,
        nth: u32,
        key: &str,
        begin: Instant,
        args: &FeedArgs,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            nth,
            socket: sit_down(&lab.entrance, nth, key).await?,
            entrance: lab.entrance.clone(),
            dice: StdRng::seed_from_u64(lab.run.seed.rotate_left(nth + 1)),
            begin,
            end: begin + Duration::from_secs(args.secs),
            step: Duration::from_secs(1) / args.rate,
            made: Made::default(),
            faults: Faults::default(),
        })
    }

    /// Changes are due at equal distances, whoever makes them; one that is late is made at once.
    pub async fn work(mut self, stage: Arc<Stage>) -> (Made, Faults) {
        let mut turn = self.nth;
        loop {
            let due = self.begin + self.step * turn;
            if due >= self.end {
                return (self.made, self.faults);
            }
            sleep_until(due).await;
            if let Some(mut ticket) = stage.changes.take(&mut self.dice) {
                if let Err(error) = self.change(&stage.changes, &mut ticket, due).await {
                    let what = format!("{} in version {}: {error}", ticket.status.name(), ticket.version);
                    self.faults.add(Fault::of(&error), what);
                    if matches!(error, CallError::Gone(_)) {
                        return (self.made, self.faults);
                    }
                }
                stage.changes.give_back(ticket);
            }
            turn += super::HANDS;
        }
    }

    async fn change(
        &mut self,
        changes: &Changes,
        ticket: &mut Ticket,
        due: Instant,
    ) -> Result<(), CallError> {
        let chance: u32 = self.dice.random_range(0..100);
        let other = changes.somebody(&mut self.dice);
        let id = ticket.id;
        let (method, params, to, count): (_, Value, _, fn(&mut Made) -> &mut u64) =
            match (ticket.status, other) {
                (Status::Resolved, _) => return self.reopen(ticket).await,
                (Status::InProgress, _) if chance < 40 => {
                    ("escalation.release", json!({"id": id, "hand_back": false}), Status::Pending, |made| {
                        &mut made.releases
                    })
                }
                (Status::Pending | Status::Notified, _) if chance < 60 => {
                    ("escalation.claim", json!({"id": id}), Status::InProgress, |made| &mut made.claims)
                }
                (_, Some(other)) if chance < 80 => {
                    ("escalation.assign", json!({"id": id, "assignee": other}), Status::InProgress, |made| {
                        &mut made.assignments
                    })
                }
                _ => (
                    "escalation.resolve",
                    json!({"id": id, "resolution": "It has been found."}),
                    Status::Resolved,
                    |made| &mut made.resolutions,
                ),
            };
        changes.ask(ticket, to, due);
        let held: Held = self.socket.call(method, &params).await?;
        changes.answered(ticket, &held.escalation);
        ticket.version = held.escalation.version;
        ticket.status = held.escalation.status.unwrap_or(to);
        *count(&mut self.made) += 1;
        Ok(())
    }

    /// The visitor is not content, and asks for a person again: that is another escalation.
    async fn reopen(&mut self, ticket: &mut Ticket) -> Result<(), CallError> {
        let mut visitor = Visitor::join(&self.entrance, self.nth, &ticket.visitor).await?;
        ticket.id = request(&mut visitor).await?.escalation.id;
        visitor.cut();
        (ticket.version, ticket.status) = (1, Status::Pending);
        self.made.reopened += 1;
        Ok(())
    }
}

impl Made {
    pub fn add(&mut self, other: &Self) {
        self.claims += other.claims;
        self.assignments += other.assignments;
        self.releases += other.releases;
        self.resolutions += other.resolutions;
        self.reopened += other.reopened;
    }

    pub fn total(&self) -> u64 {
        self.claims + self.assignments + self.releases + self.resolutions + self.reopened
    }
}
