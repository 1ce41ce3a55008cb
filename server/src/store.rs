//! Everything that is kept: the only module that knows there is a Postgres.
//!
//! Invariant: every statement but those of `upkeep` runs in a transaction that took one of the two database roles first,
//! and what is reported as stored has been committed.

pub mod accounts;
pub mod administration;
pub mod batch;
mod error;
pub mod escalations;
pub mod failures;
pub mod foreign;
mod gather;
#[cfg(test)]
pub mod ground;
pub mod insights;
pub mod journal;
pub mod knowledge;
pub mod logins;
pub mod memory;
pub mod migrate;
pub mod node;
pub mod outbox;
pub mod pieces;
mod pool;
pub mod reader;
pub mod reports;
mod rows;
pub mod source;
pub mod staff;
mod statement;
pub mod sync;
pub mod upkeep;
pub mod writer;

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

pub use error::StoreError;
pub use pool::PoolStatus;
use pool::Pools;
pub use source::{Database, Options, Source};

use self::insights::Insights;
use self::journal::Journal;
use self::node::Lease;
use self::reader::Reader;
use self::upkeep::Upkeep;
use self::writer::Writer;

/// The open store. Cheap to clone; closing is for the one who opened it.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    pub reader: Reader,
    pub writer: Writer,
    /// Where messages go while the database is away; nothing where they are refused then.
    pub journal: Option<Journal>,
    insights: Insights,
    upkeep: Upkeep,
    lease: Arc<Lease>,
}

impl Store {
    /// Opens the store on a migrated database and takes this node's lease.
    pub async fn open(database: &Database, data: &Path) -> Result<Self, StoreError> {
        let pools = Pools::new(database)?;
        let lease = Arc::new(Lease::take(&pools, data).await?);
        let reader = Reader::new(&pools);
        let writer = Writer::start(&pools, &lease, lanes(database));
        let insights = Insights::new(pools.clone());
        failures::Failures::begin();
        let upkeep = Upkeep::new(pools.clone(), database.kind());
        Ok(Self { pools, reader, writer, journal: None, insights, upkeep, lease })
    }

    /// Lets messages go to a journal while the database is away.
    #[must_use]
    pub fn with_journal(self, journal: Option<Journal>) -> Self {
        Self { journal, ..self }
    }

    /// The epoch of every position handed out.
    pub fn log_epoch(&self) -> &switchboard_protocol::ids::Epoch {
        self.lease.log_epoch()
    }

    pub fn node(&self) -> &Arc<Lease> {
        &self.lease
    }

    pub fn accounts(&self) -> accounts::Accounts {
        accounts::Accounts::new(self.pools.clone())
    }

    pub fn logins(&self) -> logins::Logins {
        logins::Logins::new(self.pools.clone())
    }

    pub fn escalations(&self) -> escalations::Escalations {
        escalations::Escalations::new(self.pools.clone())
    }

    pub fn staff(&self) -> staff::Staff {
        staff::Staff::new(self.pools.clone())
    }

    pub fn knowledge(&self) -> knowledge::Library {
        knowledge::Library::new(self.pools.clone())
    }

    pub fn insights(&self) -> &Insights {
        &self.insights
    }

    pub fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub fn failures(&self) -> failures::Failures {
        failures::Failures::new(self.pools.clone())
    }

    pub fn memory(&self) -> memory::Archive {
        memory::Archive::new(self.pools.clone())
    }

    pub fn outbox(&self) -> outbox::Outbox {
        outbox::Outbox::new(self.pools.clone())
    }

    pub fn reports(&self) -> reports::Reports {
        reports::Reports::new(self.pools.clone())
    }

    /// What commands work on.
    pub fn administration(&self) -> administration::Administration {
        administration::Administration::new(self.pools.clone(), self.insights.clone())
    }

    pub fn pool_status(&self) -> [(&'static str, PoolStatus); 2] {
        self.pools.status()
    }

    /// A cheap question to the database, for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.pools.ping().await
    }

    /// Writes what was handed in, then lets go of every connection.
    pub async fn close(&self) {
        self.writer.close().await;
        if let Some(journal) = &self.journal {
            journal.flush().await;
        }
        self.pools.close();
    }
}

/// A lane commits all that waits, and more of it the busier the desk: a second one gains nothing until there are processors
/// for two transactions beside everything else. The embedded database has a single backend.
fn lanes(database: &Database) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    match database.kind() {
        source::Kind::Local | source::Kind::Url if processors > 2 => 2,
        source::Kind::Embedded | source::Kind::Local | source::Kind::Url => 1,
    }
}
