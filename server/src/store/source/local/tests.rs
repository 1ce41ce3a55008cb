//! The real thing, where Postgres is installed. Where it is not, each test says so and does nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use tempfile::TempDir;
use tokio_postgres::Client;

use super::*;
use crate::store::source::{Database, Kind, Source};

fn quick() -> Options {
    Options { fsync: false, ..Options::default() }
}

/// Says aloud what cannot be tested here.
fn installed(test: &str) -> bool {
    let there = Binaries::find(None, None).is_ok();
    if !there {
        eprintln!("SKIPPED {test}: no Postgres is installed here");
    }
    there
}

async fn start(data: &Path) -> Result<Database, SourceError> {
    Database::start(&Source::Local(None), data, &quick()).await
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

fn postmaster_of(data: &TempDir) -> Pid {
    let lock = fs::read_to_string(data.path().join(FOLDER).join("cluster/postmaster.pid")).unwrap();
    Pid::from_raw(lock.lines().next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn starts_stops_and_keeps_what_was_written() {
    if !installed("starts_stops_and_keeps_what_was_written") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let database = start(data.path()).await.unwrap();
    assert_eq!(database.kind(), Kind::Local);
    let client = database.connect().await.unwrap();
    client.batch_execute("CREATE TABLE note (id int); INSERT INTO note VALUES (1)").await.unwrap();
    for (setting, expected) in
        [("fsync", "off"), ("listen_addresses", ""), ("jit", "off"), ("server_encoding", "UTF8")]
    {
        let value: String =
            client.query_one(&format!("SELECT current_setting('{setting}')"), &[]).await.unwrap().get(0);
        assert_eq!(value, expected, "{setting}");
    }
    let letters: bool =
        client.query_one("SELECT lower('ÄÉ') = 'äé' AND 'a' > 'B'", &[]).await.unwrap().get(0);
    assert!(letters, "letters are those of UTF-8, and sort as bytes");
    assert!(matches!(start(data.path()).await.unwrap_err(), SourceError::Held { .. }));
    database.clone().stop().await.unwrap();
    assert!(matches!(database.closed().await, SourceError::Local(LocalError::Ended { .. })));

    let other = Database::start(&Source::Embedded, data.path(), &quick()).await.unwrap_err();
    assert!(matches!(other, SourceError::OtherKind { .. }), "{other}");
    let again = start(data.path()).await.unwrap();
    assert_eq!(number(&again.connect().await.unwrap(), "SELECT count(*) FROM note").await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_crash_is_noticed_and_recovered_from() {
    if !installed("a_crash_is_noticed_and_recovered_from") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let database = start(data.path()).await.unwrap();
    let client = database.connect().await.unwrap();
    client.batch_execute("CREATE TABLE note (id int)").await.unwrap();
    client.batch_execute("INSERT INTO note VALUES (1)").await.unwrap();
    kill(postmaster_of(&data), Signal::SIGKILL).unwrap();
    let why = database.closed().await.to_string();
    assert!(why.contains("signal: 9"), "{why}");
    database.stop().await.unwrap_err();
    // Its processes may still be on their way out, and its lock file is there.
    let again = start(data.path()).await.unwrap();
    assert_eq!(number(&again.connect().await.unwrap(), "SELECT count(*) FROM note").await, 1);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_lock_file_with_the_process_of_somebody_else_does_not_matter() {
    if !installed("a_lock_file_with_the_process_of_somebody_else_does_not_matter") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    start(data.path()).await.unwrap().stop().await.unwrap();
    let cluster = data.path().join(FOLDER).join("cluster");
    for process in [std::process::id(), 1, 4_000_000] {
        fs::write(cluster.join("postmaster.pid"), format!("{process}\n{}\n", cluster.display())).unwrap();
        start(data.path()).await.unwrap().stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_of_a_killed_server_is_waited_for() {
    if !installed("the_postgres_of_a_killed_server_is_waited_for") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let database = start(data.path()).await.unwrap();
    let (config, _) = database.connector();
    // The next server, as if the lock of this one had gone with its process.
    let place = data.path().canonicalize().unwrap().join(FOLDER);
    let prepared = tokio::task::spawn_blocking(move || {
        Cluster::prepare(&place, &Binaries::find(None, None).unwrap(), false).unwrap()
    });
    let ended = database.closed().await.to_string();
    assert!(ended.contains("exit status: 0"), "{ended}");
    assert!(!prepared.await.unwrap().data.join("postmaster.pid").exists());
    assert!(config.connect(NoTls).await.is_err());
}

#[tokio::test]
async fn a_long_path_gets_its_socket_elsewhere() {
    if !installed("a_long_path_gets_its_socket_elsewhere") {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("x".repeat(120));
    let database = start(&data).await.unwrap();
    let client = database.connect().await.unwrap();
    let socket: String =
        client.query_one("SELECT current_setting('unix_socket_directories')", &[]).await.unwrap().get(0);
    let socket = Path::new(socket.trim_matches('"'));
    assert!(socket.starts_with("/tmp"), "{}", socket.display());
    assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o700);
    database.stop().await.unwrap();
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn root_is_told_which_folder_is_closed_to_postgres() {
    if !installed("root_is_told_which_folder_is_closed_to_postgres") {
        return;
    }
    if !geteuid().is_root() {
        eprintln!("SKIPPED root_is_told_which_folder_is_closed_to_postgres: not root");
        return;
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let refused = start(&closed.path().join("data")).await.unwrap_err();
    assert!(matches!(refused, SourceError::Local(LocalError::OutOfReach { .. })), "{refused}");
    assert!(refused.to_string().contains(&closed.path().display().to_string()), "{refused}");
}

#[tokio::test]
async fn a_refused_login_says_what_to_mend() {
    if !installed("a_refused_login_says_what_to_mend") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let database = start(data.path()).await.unwrap();
    let client = database.connect().await.unwrap();
    client.batch_execute("CREATE ROLE ann LOGIN PASSWORD 'right'").await.unwrap();
    let hba = data.path().join(FOLDER).join("cluster/pg_hba.conf");
    fs::write(hba, "local all switchboard trust\nlocal all all scram-sha-256\n").unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let socket = data.path().canonicalize().unwrap().join(FOLDER).join("socket");
    let at = |words: &str| Source::Url(format!("host={} {words}", socket.display()));
    let elsewhere = tempfile::tempdir().unwrap();
    let attempt = async |words: &str| Database::start(&at(words), elsewhere.path(), &quick()).await;

    let right = "user=ann password=right dbname=postgres";
    loop {
        // The postmaster reads its files when it comes to it.
        match attempt("user=ann password=hunter2 dbname=postgres").await {
            Ok(_) => tokio::task::yield_now().await,
            Err(refused) => {
                assert!(matches!(refused, SourceError::Login { .. }), "{refused}");
                assert!(!refused.to_string().contains("hunter2"), "{refused}");
                break;
            }
        }
    }
    assert!(matches!(attempt("user=ann dbname=postgres").await.unwrap_err(), SourceError::Login { .. }));
    let absent = attempt("user=ann password=right dbname=absent").await.unwrap_err();
    assert!(matches!(&absent, SourceError::NoDatabase { name, .. } if name == "absent"), "{absent}");
    let url = attempt(right).await.unwrap();
    assert_eq!(url.kind(), Kind::Url);
    url.stop().await.unwrap();
    assert_eq!(number(&client, "SELECT 1::bigint").await, 1, "a database at an address is not stopped");
    database.stop().await.unwrap();
}
