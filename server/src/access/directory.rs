//! Workspaces, keys and log-ins at hand: read from the store now and then, asked a thousand times a second.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use switchboard_protocol::ids::WorkspaceId;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::domain::account::{Account, LoginId};
use crate::domain::mint;
use crate::domain::visitor::{Visitor, Workspace};
use crate::store::accounts::{Accounts, Key};
use crate::store::logins::Logins;
use crate::store::reader::Reader;
use crate::store::{Store, StoreError};

pub struct Directory {
    accounts: Accounts,
    begun: Logins,
    reader: Reader,
    workspaces: RwLock<Arc<Workspaces>>,
    /// Held by the one who reads them again.
    reading: Mutex<()>,
    keys: DashMap<[u8; 32], (Option<Key>, Instant)>,
    logins: DashMap<LoginId, (Option<Arc<Account>>, Instant)>,
    resumes: DashMap<[u8; 32], (Arc<Visitor>, Instant)>,
}

#[derive(Clone, Default)]
struct Workspaces {
    by_id: HashMap<WorkspaceId, Arc<Workspace>>,
    by_slug: HashMap<String, Arc<Workspace>>,
    read_at: Option<Instant>,
}

/// How old what is known of workspaces, keys and log-ins may be; a change made through this server is seen at once.
pub const FRESH: Duration = Duration::from_secs(10);
/// A name that is unknown is looked for again, but strangers cannot make that a query each.
const MISS: Duration = Duration::from_secs(1);
/// Resume secrets kept in memory, so that a storm of reconnects asks nothing.
const RESUMES: usize = 100_000;
/// How long one is believed without asking; the half year that it is good for is counted by the database.
const RESUME_FRESH: Duration = Duration::from_hours(1);
/// Keys and log-ins of which is known whether they hold; beyond that all are asked for anew.
const KEYS: usize = 10_000;
const LOGINS: usize = 10_000;

impl Directory {
    pub fn new(store: &Store) -> Self {
        Self {
            accounts: store.accounts(),
            begun: store.logins(),
            reader: store.reader.clone(),
            workspaces: RwLock::default(),
            reading: Mutex::new(()),
            keys: DashMap::new(),
            logins: DashMap::new(),
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

    /// Whose log-in this is, while it has not ended.
    pub async fn login(&self, login: LoginId) -> Result<Option<Arc<Account>>, StoreError> {
        let known = self.logins.get(&login).map(|known| known.clone());
        if let Some((account, at)) = &known
            && at.elapsed() < FRESH
        {
            return Ok(account.clone());
        }
        let account = match self.begun.standing(login).await {
            Ok(account) => account.map(Arc::new),
            // While the database is away, what was known still holds; the token itself soon runs out.
            Err(error) => return known.map(|(account, _)| account).ok_or(error),
        };
        if self.logins.len() >= LOGINS {
            self.logins.clear();
        }
        self.logins.insert(login, (account.clone(), Instant::now()));
        Ok(account)
    }

    /// A log-in that has just ended: its access tokens hold no longer.
    pub fn forget(&self, login: LoginId) {
        self.logins.insert(login, (None, Instant::now()));
    }

    /// Which of these keys and log-ins still hold.
    pub async fn working(&self, credentials: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
        self.accounts.working(credentials).await
    }

    /// Whose resume secret this is.
    pub async fn resume(&self, secret: &str) -> Result<Option<Arc<Visitor>>, StoreError> {
        let digest = mint::digest(secret);
        if let Some(known) = self.resumes.get(&digest).filter(|known| known.1.elapsed() < RESUME_FRESH) {
            return Ok(Some(known.0.clone()));
        }
        let Some(visitor) = self.reader.visitor_by_resume(digest).await?.map(Arc::new) else {
            return Ok(None);
        };
        if self.resumes.len() < RESUMES {
            self.resumes.insert(digest, (visitor.clone(), Instant::now()));
        }
        Ok(Some(visitor))
    }

    /// A resume secret that was just given out: whoever comes back with it costs no question. One that is remembered
    /// already stays as old as it is, so that its use is noted now and then.
    pub fn remember(&self, secret: &str, visitor: Arc<Visitor>) {
        if self.resumes.len() < RESUMES {
            self.resumes.entry(mint::digest(secret)).or_insert_with(|| (visitor, Instant::now()));
        }
    }

    /// Forgets what may have changed.
    pub fn refresh(&self) {
        let mut known = self.workspaces.write().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(Workspaces { read_at: None, ..Workspaces::clone(&known) });
        drop(known);
        self.keys.clear();
        self.logins.clear();
    }

    async fn look<T>(&self, find: impl Fn(&Workspaces) -> Option<T>) -> Result<Option<T>, StoreError> {
        let known = self.workspaces.read().unwrap_or_else(PoisonError::into_inner).clone();
        let found = find(&known);
        if found.is_some() && known.is_younger_than(FRESH) {
            return Ok(found);
        }
        // One reads again. Who has an answer goes on with it; who has none waits for the one who reads.
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(_) if found.is_some() => return Ok(found),
            Err(_) => self.reading.lock().await,
        };
        let known = self.workspaces.read().unwrap_or_else(PoisonError::into_inner).clone();
        let found = find(&known);
        if known.is_younger_than(if found.is_some() { FRESH } else { MISS }) {
            return Ok(found);
        }
        match self.accounts.workspaces().await {
            Ok(all) => {
                let fresh = Arc::new(Workspaces::of(all));
                *self.workspaces.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
                Ok(find(&fresh))
            }
            // While the database is away, what was known still holds.
            Err(_) if found.is_some() => Ok(found),
            Err(error) => Err(error),
        }
    }
}

impl Workspaces {
    fn of(all: Vec<Workspace>) -> Self {
        let mut fresh = Self { read_at: Some(Instant::now()), ..Self::default() };
        for workspace in all.into_iter().map(Arc::new) {
            fresh.by_id.insert(workspace.id, workspace.clone());
            fresh.by_slug.insert(workspace.slug.clone(), workspace);
        }
        fresh
    }

    fn is_younger_than(&self, age: Duration) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() < age)
    }
}
