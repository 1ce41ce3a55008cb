//! What a database needs now and then: statistics for its planner and, where no autovacuum runs, that what is dead is
//! cleared away.
//!
//! Elsewhere autovacuum does both, but only looks every minute: a table that has just been filled would be read by
//! whatever index comes first until then.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::StoreError;
use super::pool::{Pools, step};
use super::source::Kind;
use super::{rows, statement};

/// Cheap to clone.
#[derive(Clone)]
pub struct Upkeep {
    pools: Pools,
    /// The embedded database has no autovacuum.
    is_alone: bool,
}

/// How often somebody looks. One look is a millisecond of work.
const LOOK: Duration = Duration::from_secs(3);
/// After each table it rests so many times as long as that took: on the embedded database everybody waited for it.
const REST: u32 = 20;

impl Upkeep {
    pub(super) fn new(pools: Pools, kind: Kind) -> Self {
        Self { pools, is_alone: kind == Kind::Embedded }
    }

    /// Sees to one table after the other, for as long as it is polled. It may be dropped at any time.
    pub async fn keep(&self) {
        loop {
            let begun = Instant::now();
            match self.see_to_one().await {
                Ok(Some(_)) => {
                    sleep(begun.elapsed() * REST).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "no table is seen to; the database is away");
                }
                Err(error) => tracing::warn!(%error, "a table could not be vacuumed or analyzed"),
            }
            sleep(LOOK).await;
        }
    }

    /// Sees to the table that needs it most; its name.
    pub async fn see_to_one(&self) -> Result<Option<String>, StoreError> {
        let found = self.pools.lookup(vec![step!(statement::UPKEEP_NEEDIEST, self.is_alone)]).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let name: String = rows::get(row, "name")?;
        let work = if rows::get(row, "vacuum")? { "VACUUM (ANALYZE)" } else { "ANALYZE" };
        self.pools.maintain(format!("{work} {name}")).await?;
        Ok(Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ground::Ground;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_embedded_database_is_vacuumed_and_analyzed() {
        let ground = Ground::open().await;
        let pools = Pools::new(&ground.database).unwrap();
        let upkeep = Upkeep::new(pools.clone(), ground.database.kind());
        let client = ground.database.connect().await.unwrap();
        let see_to_all = async || {
            client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
            let mut names = Vec::new();
            while let Some(name) = upkeep.see_to_one().await.unwrap() {
                names.push(name);
            }
            names
        };
        let number = async |question: &str| client.query_one(question, &[]).await.unwrap().get::<_, i64>(0);
        see_to_all().await;
        client
            .batch_execute("CREATE TABLE grown AS SELECT n, 0 AS changes FROM generate_series(1, 5000) n")
            .await
            .unwrap();
        assert_eq!(see_to_all().await, ["grown"]);
        let known = "SELECT reltuples::int8 FROM pg_class WHERE relname = 'grown'";
        assert_eq!(number(known).await, 5000, "the planner knows how many there are");
        assert!(see_to_all().await.is_empty(), "nothing has changed since");
        let size = "SELECT pg_relation_size('grown')";
        let mut sizes = Vec::new();
        for _ in 0..4 {
            client.batch_execute("UPDATE grown SET changes = changes + 1").await.unwrap();
            assert_eq!(see_to_all().await, ["grown"]);
            sizes.push(number(size).await);
        }
        assert!(sizes.iter().all(|size| *size <= sizes[0]), "the room of the dead is used again: {sizes:?}");
        pools.close();
        ground.close().await;
    }
}
