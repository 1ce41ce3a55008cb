//! Who this server is to the database: its lease, and its own record of how far it came.
//!
//! Invariant: a record in the data folder that is ahead of the database means that the database was restored from a
//! backup, and then no position handed out earlier is trusted: the log gets a new epoch.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchboard_protocol::ids::Epoch;
use tokio_postgres::Row;
use uuid::Uuid;

use super::StoreError;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::clock::{self, Timestamp};
use crate::domain::mint;

#[derive(Debug)]
pub struct Lease {
    node: Uuid,
    incarnation: i64,
    log_epoch: Epoch,
    record: PathBuf,
    /// The last heartbeat that the database has confirmed.
    told: Mutex<Option<Timestamp>>,
    /// The record could not be written the last time.
    unrecorded: AtomicBool,
}

/// What is kept in the data folder.
#[derive(Serialize, Deserialize)]
struct Record {
    node: Uuid,
    incarnation: i64,
    heartbeat_at: Option<Timestamp>,
}

/// How often the node says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

impl Lease {
    /// Raises this node's incarnation: whatever its former self left in flight can no longer commit, so there is
    /// nothing to wait for.
    pub async fn take(pools: &Pools, data: &Path) -> Result<Self, StoreError> {
        let path = data.join("node.json");
        let known = read(&path)?;
        let node = known.as_ref().map_or_else(mint::id, |record| record.node);
        let standing = pools.lookup(vec![step!(statement::NODE_STANDING, node)]).await?;
        let restored = match &known {
            Some(record) => is_behind(standing.first(), record)?,
            None => false,
        };
        let claimed = pools.lookup(vec![step!(statement::NODE_CLAIM, node)]).await?;
        let mut incarnation: i64 = rows::get(only(&claimed)?, "incarnation")?;
        // After a restore the row may come to a number that this node has worn before.
        while known.as_ref().is_some_and(|record| incarnation <= record.incarnation) {
            let claimed = pools.lookup(vec![step!(statement::NODE_CLAIM, node)]).await?;
            incarnation = rows::get(only(&claimed)?, "incarnation")?;
        }
        if restored {
            tracing::info!(
                "the database is behind this node's record: it was restored; minting a new log epoch"
            );
            mint_log_epoch(pools).await?;
        }
        let epoch = pools.lookup(vec![step!(statement::LOG_EPOCH)]).await?;
        let log_epoch: Uuid = rows::get(only(&epoch)?, "log_epoch")?;
        let lease = Self {
            node,
            incarnation,
            log_epoch: epoch_of(log_epoch),
            record: path,
            told: Mutex::default(),
            unrecorded: AtomicBool::new(false),
        };
        lease.write(None)?;
        Ok(lease)
    }

    pub fn node(&self) -> Uuid {
        self.node
    }

    pub fn incarnation(&self) -> i64 {
        self.incarnation
    }

    pub fn log_epoch(&self) -> &Epoch {
        &self.log_epoch
    }

    /// Says that this node is alive, in the database and in its own record. A database that was put back under it, and
    /// that nobody has told to be restored, gets its new epoch here.
    pub async fn heartbeat(&self, store: &super::Store) -> Result<(), StoreError> {
        let pools = &store.pools;
        let step = step!(statement::NODE_HEARTBEAT, self.node, self.incarnation, clock::now());
        let standing = pools.lookup(vec![step]).await?;
        let Some(row) = standing.first() else {
            let standing = pools.lookup(vec![step!(statement::NODE_STANDING, self.node)]).await?;
            return Err(if self.is_behind(standing.first())? {
                renounce(pools).await?
            } else {
                StoreError::LeaseLost
            });
        };
        let epoch: Uuid = rows::get(row, "log_epoch")?;
        if epoch_of(epoch) != self.log_epoch {
            return Err(StoreError::EpochChanged);
        }
        let stood_at: Timestamp = rows::get(row, "stood_at")?;
        let stands_at: Timestamp = rows::get(row, "stands_at")?;
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).replace(stands_at);
        if told.is_some_and(|told| stood_at < told) {
            return Err(renounce(pools).await?);
        }
        self.note(stands_at);
        Ok(())
    }

    /// Keeps the record. One that cannot be written, on a full disk for instance, is no reason to stop: an older one only
    /// sees less of a restore, and what this process was told it remembers itself.
    fn note(&self, heartbeat_at: Timestamp) {
        match self.write(Some(heartbeat_at)) {
            Ok(()) => {
                if self.unrecorded.swap(false, Ordering::Relaxed) {
                    tracing::info!("the data folder can be written again");
                }
            }
            Err(error) => {
                if !self.unrecorded.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the data folder cannot be written: see that its disk has room");
                }
            }
        }
    }

    /// Whether the row is of an earlier incarnation, or gone.
    fn is_behind(&self, row: Option<&Row>) -> Result<bool, StoreError> {
        let Some(row) = row else { return Ok(true) };
        Ok(rows::get::<i64>(row, "incarnation")? < self.incarnation)
    }

    fn write(&self, heartbeat_at: Option<Timestamp>) -> Result<(), StoreError> {
        let record = Record { node: self.node, incarnation: self.incarnation, heartbeat_at };
        let text = serde_json::to_string(&record).map_err(std::io::Error::from)?;
        let fresh = self.record.with_extension("json.new");
        fs::write(&fresh, text)?;
        fs::rename(&fresh, &self.record)?;
        Ok(())
    }
}

/// Ends the epoch of a log that went on from an earlier day.
async fn renounce(pools: &Pools) -> Result<StoreError, StoreError> {
    tracing::info!("the database is behind what this node told it: it was put back; minting a new log epoch");
    mint_log_epoch(pools).await?;
    Ok(StoreError::EpochChanged)
}

/// A new log epoch: the last step of restoring a backup.
pub async fn mint_log_epoch(pools: &Pools) -> Result<(), StoreError> {
    pools.lookup(vec![step!(statement::NEW_LOG_EPOCH)]).await.map(drop)
}

fn read(path: &Path) -> Result<Option<Record>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).map_err(std::io::Error::from)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_behind(row: Option<&Row>, record: &Record) -> Result<bool, StoreError> {
    let Some(row) = row else { return Ok(true) };
    let incarnation: i64 = rows::get(row, "incarnation")?;
    let heartbeat_at: Timestamp = rows::get(row, "heartbeat_at")?;
    Ok(incarnation < record.incarnation || record.heartbeat_at.is_some_and(|at| heartbeat_at < at))
}

fn epoch_of(id: Uuid) -> Epoch {
    Epoch::from(id.simple().to_string())
}

fn only(rows: &[Row]) -> Result<&Row, StoreError> {
    rows.first().ok_or_else(|| StoreError::Refused {
        code: "unreadable".to_owned(),
        message: "the database holds no deployment row: run `switchboard migrate up`".to_owned(),
    })
}
