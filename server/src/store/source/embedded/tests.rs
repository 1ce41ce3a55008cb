//! The real backend, under many clients at once. Each test opens a database of its own.

use std::fs;
use std::path::Path;

use deadpool_postgres::ManagerConfig;
use futures_util::future::{join_all, try_join_all};
use tempfile::TempDir;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use crate::store::source::{Database, Options, Source, SourceError};

struct Lab {
    database: Database,
    data: TempDir,
}

impl Lab {
    async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let database = open(data.path()).await.unwrap();
        Self { database, data }
    }

    async fn client(&self) -> Client {
        self.database.connect().await.unwrap()
    }
}

async fn open(data: &Path) -> Result<Database, SourceError> {
    Database::start(&Source::Embedded, data, &Options { fsync: false, ..Options::default() }).await
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_typed(sql, &[]).await.unwrap()[0].get(0)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_of_eight_connections_do_not_mix() {
    let lab = Lab::open().await;
    let setup = lab.client().await;
    setup
        .batch_execute(
            "CREATE TABLE account (id int PRIMARY KEY, cents bigint NOT NULL);
             INSERT INTO account SELECT id, 1000 FROM generate_series(0, 7) id;
             CREATE TABLE transfer (worker int, round int, PRIMARY KEY (worker, round))",
        )
        .await
        .unwrap();
    let clients = join_all((0..8).map(|_| lab.client())).await;
    let clients: Vec<_> = clients.into_iter().map(tokio::sync::Mutex::new).collect();
    // 32 workers on 8 connections. What one reads in its transaction, nobody else may change before its end.
    let workers = (0..32_i32).map(|worker| {
        let clients = &clients;
        async move {
            for round in 0..10_i32 {
                let slot = usize::try_from(worker + round).unwrap() % clients.len();
                let mut client = clients[slot].lock().await;
                // A statement with a name, the same name on every connection.
                let read = client.prepare("SELECT cents FROM account WHERE id = $1").await.unwrap();
                let transaction = client.transaction().await.unwrap();
                let (from, to) = (worker % 8, (worker + 1 + round % 7) % 8);
                let before: i64 = transaction.query_one(&read, &[&from]).await.unwrap().get(0);
                tokio::task::yield_now().await;
                let change = "UPDATE account SET cents = $2 WHERE id = $1";
                let types = [Type::INT4, Type::INT8];
                let update = transaction.prepare_typed(change, &types).await.unwrap();
                transaction.execute(&update, &[&from, &(before - 1)]).await.unwrap();
                transaction
                    .execute("UPDATE account SET cents = cents + 1 WHERE id = $1", &[&to])
                    .await
                    .unwrap();
                transaction
                    .execute("INSERT INTO transfer VALUES ($1, $2)", &[&worker, &round])
                    .await
                    .unwrap();
                if round % 5 == 4 {
                    assert!(
                        transaction.execute("INSERT INTO transfer VALUES ($1, 0)", &[&worker]).await.is_err()
                    );
                    transaction.rollback().await.unwrap();
                } else {
                    transaction.commit().await.unwrap();
                }
            }
        }
    });
    join_all(workers).await;
    assert_eq!(number(&setup, "SELECT sum(cents)::bigint FROM account").await, 8000);
    assert_eq!(number(&setup, "SELECT count(*) FROM transfer").await, 32 * 8);
    lab.database.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pools_share_it() {
    let lab = Lab::open().await;
    let setup = lab.client().await;
    setup.batch_execute("CREATE TABLE note (id int PRIMARY KEY)").await.unwrap();
    let pools = [4, 2].map(|size| {
        let (config, connector) = lab.database.connector();
        let manager = deadpool_postgres::Manager::from_connect(config, connector, ManagerConfig::default());
        deadpool_postgres::Pool::builder(manager).max_size(size).build().unwrap()
    });
    let work = (0..100_i32).map(|id| {
        let pool = &pools[usize::from(id % 3 == 0)];
        async move {
            let mut client = pool.get().await.unwrap();
            let transaction = client.transaction().await.unwrap();
            let insert = transaction.prepare_cached("INSERT INTO note VALUES ($1)").await.unwrap();
            transaction.execute(&insert, &[&id]).await.unwrap();
            transaction.commit().await.unwrap();
        }
    });
    join_all(work).await;
    assert_eq!(number(&setup, "SELECT count(*) FROM note").await, 100);
    lab.database.stop().await.unwrap();
}

#[tokio::test]
async fn an_error_inside_a_pipeline_stays_in_its_transaction() {
    let lab = Lab::open().await;
    let (client, other) = (lab.client().await, lab.client().await);
    client.batch_execute("CREATE TABLE note (id int PRIMARY KEY)").await.unwrap();
    let insert = |id: &'static str| client.batch_execute(id);
    let (begun, first, failed, second, ended) = tokio::join!(
        insert("BEGIN"),
        insert("INSERT INTO note VALUES (1)"),
        client.query_typed("SELECT 1 / $1", &[(&0_i32, Type::INT4)]),
        insert("INSERT INTO note VALUES (2)"),
        insert("COMMIT"),
    );
    begun.unwrap();
    first.unwrap();
    assert_eq!(failed.unwrap_err().code(), Some(&SqlState::DIVISION_BY_ZERO));
    assert_eq!(second.unwrap_err().code(), Some(&SqlState::IN_FAILED_SQL_TRANSACTION));
    ended.unwrap();
    assert_eq!(number(&other, "SELECT count(*) FROM note").await, 0);
    // Each statement is a transaction of its own outside one.
    let (one, two, three) = tokio::join!(
        client.execute_typed("INSERT INTO note VALUES ($1)", &[(&1_i32, Type::INT4)]),
        client.execute_typed("INSERT INTO note VALUES ($1)", &[(&1_i32, Type::INT4)]),
        client.execute_typed("INSERT INTO note VALUES ($1)", &[(&3_i32, Type::INT4)]),
    );
    assert_eq!((one.unwrap(), three.unwrap()), (1, 1));
    assert_eq!(two.unwrap_err().code(), Some(&SqlState::UNIQUE_VIOLATION));
    assert_eq!(number(&other, "SELECT count(*) FROM note").await, 2);
    lab.database.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_is_dropped_in_a_transaction_is_rolled_back() {
    let lab = Lab::open().await;
    let other = lab.client().await;
    other.batch_execute("CREATE TABLE note (id int)").await.unwrap();
    for failed in [false, true] {
        let gone = lab.client().await;
        gone.batch_execute("BEGIN; INSERT INTO note VALUES (1)").await.unwrap();
        if failed {
            gone.batch_execute("SELECT 1 / 0").await.unwrap_err();
        }
        drop(gone);
        assert_eq!(number(&other, "SELECT count(*) FROM note").await, 0);
    }
    // One whose task ends while its statement runs: the statement is whole, its transaction is not.
    let gone = lab.client().await;
    let mut cut_short = tokio::task::JoinSet::new();
    cut_short.spawn(async move {
        gone.batch_execute("BEGIN; INSERT INTO note VALUES (1); SELECT pg_sleep(0.1)").await
    });
    tokio::task::yield_now().await;
    drop(cut_short);
    assert_eq!(number(&other, "SELECT count(*) FROM note").await, 0);
    lab.database.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_committed_is_there_after_a_stop_and_after_a_crash() {
    let lab = Lab::open().await;
    let client = lab.client().await;
    client.batch_execute("CREATE TABLE note (id int); INSERT INTO note VALUES (1)").await.unwrap();
    lab.database.stop().await.unwrap();
    assert!(client.batch_execute("SELECT").await.is_err(), "its connections end with it");

    let again = open(lab.data.path()).await.unwrap();
    let client = again.connect().await.unwrap();
    client.batch_execute("INSERT INTO note VALUES (2)").await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO note VALUES (3)").await.unwrap();
    // What a killed process leaves: the files as they are, without a last checkpoint.
    let crashed = tempfile::tempdir().unwrap();
    copy_folder(lab.data.path(), crashed.path());
    let recovered = open(crashed.path()).await.unwrap();
    let survivor = recovered.connect().await.unwrap();
    assert_eq!(number(&survivor, "SELECT sum(id) FROM note").await, 3);
    recovered.stop().await.unwrap();
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_holder_is_refused_until_the_first_has_stopped() {
    let lab = Lab::open().await;
    let refused = open(lab.data.path()).await.unwrap_err();
    assert!(matches!(refused, SourceError::Held { process: Some(_), .. }), "{refused}");
    let local =
        Database::start(&Source::Local(None), lab.data.path(), &Options::default()).await.unwrap_err();
    assert!(matches!(local, SourceError::Held { .. }), "{local}");
    lab.database.clone().stop().await.unwrap();
    assert!(matches!(lab.database.closed().await, SourceError::Embedded(_)));
    let local =
        Database::start(&Source::Local(None), lab.data.path(), &Options::default()).await.unwrap_err();
    assert!(matches!(local, SourceError::OtherKind { .. }), "{local}");
    open(lab.data.path()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn the_extensions_are_there() {
    let lab = Lab::open().await;
    let client = lab.client().await;
    client
        .batch_execute("CREATE EXTENSION vector; CREATE EXTENSION pg_trgm; CREATE EXTENSION unaccent")
        .await
        .unwrap();
    client
        .batch_execute(
            "CREATE TABLE chunk (id int, embedding vector(3));
             INSERT INTO chunk VALUES (1, '[1,0,0]'), (2, '[0,1,0]'), (3, '[0.9,0.1,0]');
             CREATE INDEX ON chunk USING hnsw (embedding vector_cosine_ops)",
        )
        .await
        .unwrap();
    let rows = client
        .query_typed("SELECT id, embedding <=> '[1,0,0]' FROM chunk ORDER BY 2 LIMIT 2", &[])
        .await
        .unwrap();
    let nearest: Vec<(i32, f64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(nearest.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3]);
    assert!((nearest[1].1 - 0.0061).abs() < 1e-3, "{nearest:?}");
    let alike: bool = client
        .query_typed("SELECT unaccent('Zürich') = 'Zurich' AND similarity('desk', 'desks') > 0.5", &[])
        .await
        .unwrap()[0]
        .get(0);
    assert!(alike);
    lab.database.stop().await.unwrap();
}

#[tokio::test]
async fn commits_are_durable_unless_asked_otherwise() {
    for (fsync, expected) in [(true, "on"), (false, "off")] {
        let data = tempfile::tempdir().unwrap();
        let options = Options { fsync, ..Options::default() };
        let database = Database::start(&Source::Embedded, data.path(), &options).await.unwrap();
        let client = database.connect().await.unwrap();
        let held: String =
            client.query_typed("SELECT current_setting('synchronous_commit')", &[]).await.unwrap()[0].get(0);
        assert_eq!(held, "on");
        for setting in ["fsync", "full_page_writes"] {
            let sql = format!("SELECT current_setting('{setting}')");
            let value: String = client.query_typed(&sql, &[]).await.unwrap()[0].get(0);
            assert_eq!(value, expected, "{setting}");
        }
        drop(client);
        database.stop().await.unwrap();
    }
}

#[tokio::test]
async fn copying_in_is_refused_and_harms_nobody() {
    let lab = Lab::open().await;
    let client = lab.client().await;
    client.batch_execute("CREATE TABLE note (id int)").await.unwrap();
    let simple = client.batch_execute("COPY note FROM STDIN").await.unwrap_err();
    let told = |error: tokio_postgres::Error| {
        error.as_db_error().unwrap().message().contains("insert from unnest()")
    };
    assert!(told(simple));
    let extended = client.copy_in::<_, bytes::Bytes>("copy note from stdin").await.err().unwrap();
    assert!(told(extended));
    client.execute("INSERT INTO note SELECT unnest($1::int[])", &[&vec![1, 2]]).await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM note").await, 2);
    lab.database.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_values_pass_whole_both_ways() {
    let lab = Lab::open().await;
    let client = lab.client().await;
    client.batch_execute("CREATE TABLE blob (id int, body bytea)").await.unwrap();
    // Bytes that look like messages of the protocol, and more of them than any buffer holds.
    let body: Vec<u8> = b"Z\0\0\0\x05TE\0\0\0\x20S".iter().copied().cycle().take(3 << 20).collect();
    let inserts = (0..4_i32).map(|id| {
        let (client, body) = (&client, &body);
        async move {
            let types = [Type::INT4, Type::BYTEA];
            let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(&id, types[0].clone()), (body, types[1].clone())];
            client.execute_typed("INSERT INTO blob VALUES ($1, $2)", &values).await
        }
    });
    try_join_all(inserts).await.unwrap();
    let rows = client.query_typed("SELECT body FROM blob ORDER BY id", &[]).await.unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.get::<_, &[u8]>(0) == body));
    lab.database.stop().await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_handle_closes_it_too() {
    let lab = Lab::open().await;
    let client = lab.client().await;
    client.batch_execute("CREATE TABLE note (id int)").await.unwrap();
    let (_, connector) = lab.database.connector();
    drop(lab.database);
    // A connector that outlives it connects to nothing.
    let config = tokio_postgres::Config::new().user("postgres").clone();
    while !client.is_closed() {
        tokio::task::yield_now().await;
    }
    assert!(deadpool_postgres::Connect::connect(&connector, &config).await.is_err());
}
