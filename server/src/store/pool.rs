//! The pooled connections, reads and writes apart, and the one way to run a transaction: as one pipeline.
//!
//! Invariant: a transaction runs in a task of its own. A caller that goes away cannot leave a connection half-way
//! through a BEGIN.

use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use futures_util::future::join_all;
use switchboard_protocol::ids::WorkspaceId;
use tokio::task::JoinError;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::error::StoreError;
use super::source::Database;
use super::statement::{self, Role, Statement};

/// A parameter; one without borrows can travel to the task that runs the transaction.
pub type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// One statement of a transaction with its parameters.
pub struct Step<'a> {
    pub statement: &'static Statement,
    pub params: Vec<Param<'a>>,
}

/// Builds a [`Step`], boxing each parameter.
macro_rules! step {
    ($statement:expr $(, $param:expr)* $(,)?) => {
        $crate::store::pool::Step { statement: &$statement, params: vec![$(Box::new($param) as $crate::store::pool::Param<'_>),*] }
    };
}
pub(super) use step;

#[derive(Clone)]
pub struct Pools {
    reads: Pool,
    writes: Pool,
}

#[derive(Clone, Copy, Debug)]
pub struct PoolStatus {
    pub size: usize,
    pub available: usize,
    pub waiting: usize,
}

/// A slow report must not stop a message, so reads have connections of their own.
const READS: usize = 14;
const WRITES: usize = 6;

/// Nobody waits for ever: neither for a free connection, nor for a new one, nor for a check of an old one.
const TIMEOUTS: Timeouts = Timeouts {
    wait: Some(Duration::from_secs(5)),
    create: Some(Duration::from_secs(5)),
    recycle: Some(Duration::from_secs(5)),
};

/// A database that does not answer is taken for a lost connection after this: a frozen one cannot keep its own
/// statement timeout.
const TRANSACTION_WITHIN: Duration = Duration::from_secs(15);
/// Work on one table that takes longer is taken for lost.
const MAINTENANCE_WITHIN: Duration = Duration::from_mins(10);
/// Whoever asks whether the server is ready wants to know now.
const PING_WITHIN: Duration = Duration::from_secs(2);

impl Pools {
    pub fn new(database: &Database) -> Result<Self, StoreError> {
        let pool = |size| {
            let (config, connect) = database.connector();
            let manager = Manager::from_connect(
                config,
                connect,
                ManagerConfig { recycling_method: RecyclingMethod::Fast },
            );
            Pool::builder(manager)
                .max_size(size)
                .timeouts(TIMEOUTS)
                .runtime(Runtime::Tokio1)
                .build()
                .map_err(|error| StoreError::Unavailable(error.to_string()))
        };
        Ok(Self { reads: pool(READS)?, writes: pool(WRITES)? })
    }

    /// Reads within one workspace; the rows of the last step.
    pub async fn read(
        &self,
        workspaces: &[WorkspaceId],
        step: Step<'static>,
    ) -> Result<Vec<Row>, StoreError> {
        debug_assert_eq!(step.statement.role, Role::App);
        self.read_all(workspaces, vec![step]).await
    }

    /// The same with settings before the read.
    pub async fn read_all(
        &self,
        workspaces: &[WorkspaceId],
        mut steps: Vec<Step<'static>>,
    ) -> Result<Vec<Row>, StoreError> {
        steps.insert(0, step!(statement::BATCH_SCOPE, scope(workspaces)));
        transact_pooled(&self.reads, steps).await
    }

    /// Reads one page of a walk through a table in the order of its key.
    pub async fn walk(
        &self,
        workspaces: &[WorkspaceId],
        step: Step<'static>,
    ) -> Result<Vec<Row>, StoreError> {
        debug_assert_eq!(step.statement.role, Role::App);
        let steps =
            vec![step!(statement::BATCH_SCOPE, scope(workspaces)), step!(statement::BATCH_IN_ORDER), step];
        transact_pooled(&self.reads, steps).await
    }

    /// Writes within one workspace, outside a conversation's order.
    pub async fn write(
        &self,
        workspaces: &[WorkspaceId],
        step: Step<'static>,
    ) -> Result<Vec<Row>, StoreError> {
        self.write_all(workspaces, vec![step]).await
    }

    /// The same for several steps that commit together.
    pub async fn write_all(
        &self,
        workspaces: &[WorkspaceId],
        mut steps: Vec<Step<'static>>,
    ) -> Result<Vec<Row>, StoreError> {
        debug_assert!(steps.iter().all(|step| step.statement.role == Role::App));
        steps.insert(0, step!(statement::BATCH_SCOPE, scope(workspaces)));
        transact_pooled(&self.writes, steps).await
    }

    /// Asks or changes what stands above workspaces; all steps commit together, the last one's rows are returned.
    pub async fn lookup(&self, steps: Vec<Step<'static>>) -> Result<Vec<Row>, StoreError> {
        debug_assert!(steps.iter().all(|step| step.statement.role == Role::Lookup));
        transact_pooled(&self.reads, steps).await
    }

    /// Runs what cannot run in a transaction, as the owner of the tables.
    #[expect(clippy::disallowed_methods, reason = "a caller that is dropped leaves it to its end")]
    pub async fn maintain(&self, command: String) -> Result<(), StoreError> {
        let client = self.writes.get().await?;
        let work = tokio::spawn(async move {
            let outcome = timeout(MAINTENANCE_WITHIN, client.batch_execute(&command)).await;
            let outcome = outcome.map_or_else(|_| Err(silent(MAINTENANCE_WITHIN)), |done| Ok(done?));
            if outcome.is_err() {
                drop(Object::take(client));
            }
            outcome
        });
        work.await.unwrap_or_else(|crash| Err(ended(&crash)))
    }

    /// A connection for a writer lane, which keeps to the same rule by running in a task of its own.
    pub async fn writer(&self) -> Result<Object, StoreError> {
        Ok(self.writes.get().await?)
    }

    pub async fn ping(&self) -> Result<(), StoreError> {
        let ping = self.lookup(vec![step!(statement::LOG_EPOCH)]);
        timeout(PING_WITHIN, ping).await.unwrap_or_else(|_| Err(silent(PING_WITHIN))).map(drop)
    }

    pub fn status(&self) -> [(&'static str, PoolStatus); 2] {
        [("reads", &self.reads), ("writes", &self.writes)].map(|(name, pool)| {
            let status = pool.status();
            (name, PoolStatus { size: status.size, available: status.available, waiting: status.waiting })
        })
    }

    pub fn close(&self) {
        self.reads.close();
        self.writes.close();
    }
}

/// The value of `switchboard.workspaces`.
pub fn scope(workspaces: &[WorkspaceId]) -> String {
    let mut text = String::with_capacity(workspaces.len() * 37);
    for workspace in workspaces {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&workspace.to_string());
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "this is the task that a dropped caller cannot take down")]
async fn transact_pooled(pool: &Pool, steps: Vec<Step<'static>>) -> Result<Vec<Row>, StoreError> {
    let pool = pool.clone();
    let work = tokio::spawn(async move {
        let client = pool.get().await?;
        let outcome = transact(&client, &steps).await;
        if let Err(StoreError::Unavailable(_)) = &outcome {
            // In an unknown state, it goes back to nobody.
            drop(Object::take(client));
        }
        outcome
    });
    work.await.unwrap_or_else(|crash| Err(ended(&crash)))
}

fn ended(crash: &JoinError) -> StoreError {
    StoreError::Unavailable(format!("a database task ended: {crash}"))
}

fn silent(within: Duration) -> StoreError {
    StoreError::Unavailable(format!("no answer within {} s", within.as_secs()))
}

/// Runs the steps in one transaction of their role, sent as one pipeline: one round trip however many there are.
/// Returns the rows of the last step. A step that fails aborts the transaction, and its COMMIT rolls back. After
/// `Unavailable` the outcome is unknown, and the connection is worth nothing.
pub async fn transact(client: &Client, steps: &[Step<'_>]) -> Result<Vec<Row>, StoreError> {
    let pipeline = timeout(TRANSACTION_WITHIN, pipeline(client, steps));
    pipeline.await.unwrap_or_else(|_| Err(silent(TRANSACTION_WITHIN)))
}

async fn pipeline(client: &Client, steps: &[Step<'_>]) -> Result<Vec<Row>, StoreError> {
    let started = Instant::now();
    let last = steps.last().expect("a transaction has a step").statement;
    let begin = client.batch_execute(last.role.begin());
    let work = join_all(steps.iter().map(|step| run(client, step)));
    let commit = client.batch_execute("COMMIT");
    // Polled in this order, so sent in this order.
    let (begin, work, commit) = futures_util::join!(begin, work, commit);
    begin?;
    let mut rows = Vec::new();
    for result in work {
        rows = result?;
    }
    commit?;
    metrics::histogram!("switchboard_statement_seconds", "statement" => last.name).record(started.elapsed());
    Ok(rows)
}

async fn run(client: &Client, step: &Step<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
    debug_assert_eq!(step.params.len(), step.statement.types.len(), "{}", step.statement.name);
    let params: Vec<_> = step
        .params
        .iter()
        .zip(step.statement.types)
        .map(|(param, r#type)| (&**param as &(dyn ToSql + Sync), r#type.clone()))
        .collect();
    client.query_typed(step.statement.sql, &params).await
}
