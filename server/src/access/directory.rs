//! Workspaces and keys at hand: read from the store now and then, asked a thousand times a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use switchboard_protocol::ids::WorkspaceId;

use crate::domain::mint;
use crate::domain::visitor::{Visitor, Workspace};
use crate::store::accounts::{Accounts, Key};
use crate::store::reader::Reader;
use crate::store::{Store, StoreError};

pub struct Directory {
    accounts: Accounts,
    reader: Reader,
    workspaces: RwLock<Arc<Workspaces>>,
    read_at: Mutex<Option<Instant>>,
    keys: DashMap<[u8; 32], (Option<Key>, Instant)>,
    resumes: DashMap<[u8; 32], Arc<Visitor>>,
}

#[derive(Default)]
struct Workspaces {
    by_id: HashMap<WorkspaceId, Arc<Workspace>>,
    by_slug: HashMap<String, Arc<Workspace>>,
}

/// How old what is known of workspaces and keys may be; a change made through this server is seen at once.
const FRESH: Duration = Duration::from_secs(10);
/// A name that is unknown is looked for again, but strangers cannot make that a query each.
const MISS: Duration = Duration::from_secs(1);
/// Resume secrets kept in memory, so that a storm of reconnects asks nothing.
const RESUMES: usize = 100_000;
const KEYS: usize = 10_000;

impl Directory {
    pub fn new(store: &Store) -> Self {
        Self {
            accounts: store.accounts(),
            reader: store.reader.clone(),
            workspaces: RwLock::default(),
            read_at: Mutex::new(None),
            keys: DashMap::new(),
            resumes: DashMap::new(),
        }
    }

    pub async fn workspace(&self, id: WorkspaceId) -> Result<Option<Arc<Workspace>>, StoreError> {
        self.look(|known| known.by_id.get(&id).cloned()).await
    }

    /// By its public name.
    pub async fn workspace_called(&self, slug: &str) -> Result<Option<Arc<Workspace>>, StoreError> {
        self.look(|known| known.by_slug.get(slug).cloned()).await
    }

    pub async fn key(&self, secret: &str) -> Result<Option<Key>, StoreError> {
        let digest = mint::digest(secret);
        if let Some(known) = self.keys.get(&digest).filter(|known| known.1.elapsed() < FRESH) {
            return Ok(known.0.clone());
        }
        let key = self.accounts.key(secret).await?;
        if self.keys.len() >= KEYS {
            self.keys.clear();
        }
        self.keys.insert(digest, (key.clone(), Instant::now()));
        Ok(key)
    }

    /// Whose resume secret this is.
    pub async fn resume(&self, secret: &str) -> Result<Option<Arc<Visitor>>, StoreError> {
        let digest = mint::digest(secret);
        if let Some(visitor) = self.resumes.get(&digest) {
            return Ok(Some(visitor.clone()));
        }
        let Some(visitor) = self.reader.visitor_by_resume(digest).await?.map(Arc::new) else { return Ok(None) };
        if self.resumes.len() < RESUMES {
            self.resumes.insert(digest, visitor.clone());
        }
        Ok(Some(visitor))
    }

    /// Forgets what may have changed.
    pub fn refresh(&self) {
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.keys.clear();
    }

    async fn look<T>(&self, find: impl Fn(&Workspaces) -> Option<T>) -> Result<Option<T>, StoreError> {
        let known = self.workspaces.read().unwrap_or_else(PoisonError::into_inner).clone();
        let found = find(&known);
        let bearable = if found.is_some() { FRESH } else { MISS };
        {
            let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
            if read_at.is_some_and(|at| at.elapsed() < bearable) {
                return Ok(found);
            }
            // One reads again; the others go on with what is known.
            *read_at = Some(Instant::now());
        }
        match self.accounts.workspaces().await {
            Ok(all) => {
                let mut fresh = Workspaces::default();
                for workspace in all.into_iter().map(Arc::new) {
                    fresh.by_id.insert(workspace.id, workspace.clone());
                    fresh.by_slug.insert(workspace.slug.clone(), workspace);
                }
                let fresh = Arc::new(fresh);
                *self.workspaces.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
                Ok(find(&fresh))
            }
            // While the database is away, what was known still holds.
            Err(_) if found.is_some() => Ok(found),
            Err(error) => {
                *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(error)
            }
        }
    }
}
