//! The Postgres under the test: what it is set to, how many of the messages it really has, and its processes.

mod cluster;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub use self::cluster::{Cluster, free_port};
use crate::client::wire::log::{Entry, Role};
use crate::measure;

pub struct Database {
    pub url: String,
    pub facts: Facts,
    /// The postmaster, where it runs on this machine.
    pub pid: Option<u32>,
    client: Client,
    _connection: JoinSet<()>,
}

/// What decides how much a commit costs.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    pub version: String,
    pub fsync: String,
    pub synchronous_commit: String,
    pub shared_buffers: String,
}

/// What is stored of some conversations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored {
    pub messages: u64,
    /// Every conversation's numbers are 1, 2, 3 … without a hole.
    pub dense: bool,
}

impl Database {
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let connect = tokio_postgres::connect(url, NoTls);
        let (client, connection) = tokio::time::timeout(Duration::from_secs(10), connect)
            .await
            .context("the database did not answer within 10 s")?
            .context("the database cannot be reached")?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Its error reaches whoever asks next.
            let _ = connection.await;
        });
        let row = client
            .query_one(
                "select current_setting('server_version'), current_setting('fsync'), \
                        current_setting('synchronous_commit'), current_setting('shared_buffers'), pg_backend_pid()",
                &[],
            )
            .await?;
        let facts = Facts {
            version: row.get(0),
            fsync: row.get(1),
            synchronous_commit: row.get(2),
            shared_buffers: row.get(3),
        };
        let pid = u32::try_from(row.get::<_, i32>(4)).ok().and_then(measure::postmaster_of);
        Ok(Self { url: url.to_owned(), facts, pid, client, _connection: driver })
    }

    /// A new database on the same server.
    pub async fn beside(&self, name: &str) -> anyhow::Result<Self> {
        self.client.batch_execute(&format!("create database \"{name}\"")).await?;
        let (server, _) = self.url.rsplit_once('/').context("the URL of the database names none")?;
        Self::connect(&format!("{server}/{name}")).await
    }

    /// For a scenario with statements of its own.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn is_durable(&self) -> bool {
        self.facts.fsync == "on" && self.facts.synchronous_commit == "on"
    }

    /// Starts each round from the same place. A role that may not is no reason to stop.
    pub async fn checkpoint(&self) {
        let _ = self.client.execute("checkpoint", &[]).await;
    }

    /// What `table` holds of these conversations: a look by key, so that it costs the same in a full table. None
    /// where row-level security hides rows from this role.
    pub async fn stored(&self, table: &str, conversations: &[Uuid]) -> anyhow::Result<Option<Stored>> {
        ensure!(table.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c)), "{table} is no table");
        if self.hides(table).await? {
            return Ok(None);
        }
        let sql = format!(
            "select coalesce(sum(n), 0)::bigint, coalesce(bool_and(first = 1 and last = n), true) from \
             (select count(*) as n, min(seq) as first, max(seq) as last from {table} \
              where conversation_id = any($1) group by conversation_id) as conversation"
        );
        let row = self.client.query_one(&sql, &[&conversations]).await?;
        Ok(Some(Stored { messages: u64::try_from(row.get::<_, i64>(0))?, dense: row.get(1) }))
    }

    /// The messages of these conversations, in their order; None where the role may not see them.
    pub async fn log(&self, conversations: &[Uuid]) -> anyhow::Result<Option<HashMap<Uuid, Vec<Entry>>>> {
        if self.hides("messages").await? {
            return Ok(None);
        }
        let rows = self
            .client
            .query(
                "select conversation_id, seq, id, client_id, role, content from messages \
                 where conversation_id = any($1) order by conversation_id, seq",
                &[&conversations],
            )
            .await?;
        let mut log: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for row in rows {
            let entry = Entry {
                seq: u64::try_from(row.get::<_, i64>(1))?,
                id: row.get(2),
                client_id: row.get(3),
                role: Role::named(row.get(4)).context("a role that is not known")?,
                content: row.get(5),
            };
            log.entry(row.get(0)).or_default().push(entry);
        }
        Ok(Some(log))
    }

    /// Row-level security hides rows of this table from this role.
    pub async fn hides(&self, table: &str) -> anyhow::Result<bool> {
        let hidden =
            self.client.query_one("select row_security_active($1::text::regclass)", &[&table]).await?;
        Ok(hidden.get(0))
    }

    /// Removes what a peer has left.
    pub async fn drop_schema(&self, schema: &str) -> anyhow::Result<()> {
        Ok(self.client.batch_execute(&format!("drop schema if exists \"{schema}\" cascade")).await?)
    }
}
