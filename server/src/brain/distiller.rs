//! Draws insights from notes: the remote brain where there is one, the rules of the local one otherwise.
//!
//! Invariant: there is always an answer, within the time of a few calls; and whoever asks learns why it is not the
//! remote brain's.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::{Brain, BrainError, local};
use crate::domain::insight::{Fact, Notes, Source};

/// Cheap to clone.
#[derive(Clone)]
pub struct Distiller {
    remote: Option<Arc<dyn Brain>>,
}

pub struct Distilled {
    pub facts: Vec<Fact>,
    /// Why the rules had to do.
    pub fell_back: Option<BrainError>,
}

/// How often the remote brain is asked: what it got wrong once it may get right. It tries by itself to be heard at all.
const TRIES: u32 = 2;
const PAUSE: Duration = Duration::from_secs(1);

impl Distiller {
    pub fn new(remote: Option<Arc<dyn Brain>>) -> Self {
        Self { remote }
    }

    /// Asks nobody.
    pub fn by_rules() -> Self {
        Self::new(None)
    }

    pub async fn distil(&self, notes: &Notes) -> Distilled {
        let fell_back = match &self.remote {
            None => None,
            Some(remote) => match ask(remote.as_ref(), notes).await {
                // Of a record something is left, also where a model sees nothing worth it.
                Ok(facts) if facts.is_empty() && notes.source == Source::Records => None,
                Ok(facts) => return Distilled { facts, fell_back: None },
                Err(error) => {
                    metrics::counter!("switchboard_brain_fallbacks_total", "step" => "distil").increment(1);
                    Some(error)
                }
            },
        };
        Distilled { facts: local::stated(notes), fell_back }
    }
}

async fn ask(remote: &dyn Brain, notes: &Notes) -> Result<Vec<Fact>, BrainError> {
    let mut tries = 1;
    loop {
        match remote.distil(notes).await {
            Err(
                error @ (BrainError::OverBudget
                | BrainError::Resting
                | BrainError::Refused(_)
                | BrainError::RateLimited { .. }),
            ) => return Err(error),
            Err(_) if tries < TRIES => tries += 1,
            outcome => return outcome,
        }
        sleep(PAUSE).await;
    }
}
