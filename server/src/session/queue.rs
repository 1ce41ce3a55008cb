//! What waits for people, and is moved by nobody's hand: noted as seen, given to who is free, taken from who has gone.
//!
//! Invariant: it only asks. Each conversation's session decides, so that a person who was quicker has won.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::mpsc;

use super::Registry;
use crate::domain::clock;
use crate::domain::conversation::{Change, Person};
use crate::domain::deed::{Deed, What};
use crate::store::StoreError;
use crate::store::escalations::Place;

/// How the queue moves by itself.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// To the person who is online and has the least to do, while the desk is open.
    pub assign: bool,
    /// From a person who has been offline for so long.
    pub requeue_after: Duration,
}

/// How often it is looked for who has gone and what waits.
const ROUND: Duration = Duration::from_secs(1);

impl Registry {
    /// Notes what is seen, and moves the queue, until the process ends.
    pub async fn serve_people(&self, deliveries: mpsc::Receiver<Place>, rules: Rules) {
        tokio::join!(self.note_deliveries(deliveries), self.keep_queue(rules));
    }

    /// Notes what live consoles have been told of.
    async fn note_deliveries(&self, mut deliveries: mpsc::Receiver<Place>) {
        while let Some(place) = deliveries.recv().await {
            drop(self.notified(place).await);
        }
    }

    async fn keep_queue(&self, rules: Rules) {
        loop {
            if let Err(error) = self.move_queue(rules).await {
                tracing::debug!(%error, "the queue could not be read; looking again");
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    async fn move_queue(&self, rules: Rules) -> Result<(), StoreError> {
        let long = TimeDelta::from_std(rules.requeue_after).unwrap_or(TimeDelta::MAX);
        if let Some(before) = clock::now().checked_sub_signed(long) {
            for (place, from) in self.store().escalations().left(before).await? {
                self.move_one(place, What::Requeue(place.id, from.id)).await?;
            }
        }
        let hours = self.minds().preset().hours.clone();
        if rules.assign && hours.is_none_or(|hours| hours.open_at(clock::now())) {
            let mut full = HashSet::new();
            for place in self.store().escalations().waiting().await? {
                if full.contains(&place.workspace) {
                    continue;
                }
                // Asked anew each time: the one before may have filled somebody's hands.
                match self.store().staff().freest(place.workspace).await? {
                    Some(to) => self.move_one(place, What::Offer(place.id, to)).await?,
                    None => _ = full.insert(place.workspace),
                }
            }
        }
        Ok(())
    }

    /// Returns when it is done, or somebody was quicker.
    async fn move_one(&self, place: Place, what: What) -> Result<(), StoreError> {
        let Some(room) = self.find(place.workspace, place.conversation).await? else { return Ok(()) };
        let (told, done) = tokio::sync::oneshot::channel();
        let deed = Deed { by: Person::server(), what };
        let reply = Box::new(move |outcome| {
            // The process ends.
            let _ = told.send(outcome);
        });
        room.change(Change::Deed(Box::new(deed)), None, reply).await;
        if let Ok(Err(_)) = done.await {
            tracing::debug!(escalation = %place.id, "an escalation was not moved; it is looked at again");
        }
        Ok(())
    }
}
