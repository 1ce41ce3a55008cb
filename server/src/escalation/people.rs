//! Who somebody of the staff is: the one place that knows a name by an id, be it of an account or of a key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use crate::domain::conversation::Person;
use crate::store::staff::Staff;
use crate::store::{Store, StoreError};

/// Cheap to clone.
#[derive(Clone)]
pub struct People {
    staff: Staff,
    known: Arc<DashMap<(WorkspaceId, Uuid), (Person, Instant)>>,
}

/// How old a name may be.
const FRESH: Duration = Duration::from_secs(10);
/// Names kept; beyond that all are looked up again.
const KNOWN: usize = 10_000;

impl People {
    pub fn new(store: &Store) -> Self {
        Self { staff: store.staff(), known: Arc::default() }
    }

    /// Nothing where nobody of this id may answer in this workspace.
    pub async fn find(&self, workspace: WorkspaceId, id: Uuid) -> Result<Option<Person>, StoreError> {
        let key = (workspace, id);
        if let Some(known) = self.known.get(&key).filter(|known| known.1.elapsed() < FRESH) {
            return Ok(Some(known.0.clone()));
        }
        let person = self.staff.person(workspace, id).await?;
        if let Some(person) = &person {
            if self.known.len() >= KNOWN {
                self.known.clear();
            }
            self.known.insert(key, (person.clone(), Instant::now()));
        }
        Ok(person)
    }
}
