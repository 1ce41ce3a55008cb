//! The layout of the repository, enforced: who may use whom, and what may stand where, from one table
//! (`tidy/table.rs`).
//!
//! Invariant: each rule is proved to bite, on a planted violation, by the tests below the one that reads the
//! repository.

use std::path::{Path, PathBuf};

use crate::machine;

mod rules;
mod source;
mod table;

/// What the rules are about.
const FOLDERS: &[&str] = &["protocol", "server", "loadtest", "tests", "sql", "static"];
const EXTENSIONS: &[&str] = &["rs", "sql", "js", "ts", "css", "html"];
/// Not ours, or not written by hand.
const PASSED_OVER: &[&str] = &["target", "node_modules", "out"];

#[test]
fn the_repository_is_tidy() {
    let root = machine::repository();
    let mut found = Vec::new();
    let mut read = 0;
    for file in FOLDERS.iter().flat_map(|folder| files(&root.join(folder))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        found.extend(rules::check(&path, &text));
        read += 1;
    }
    found.extend(rules::unlisted(
        &std::fs::read_to_string(root.join("tests/e2e/main.rs")).unwrap(),
        &e2e_modules(root),
    ));
    assert!(read > 20, "the walk found only {read} files");
    let report: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(
        found.is_empty(),
        "{} violations (the rules: tests/src/tidy/table.rs)\n{}",
        found.len(),
        report.join("\n")
    );
}

/// The exceptions of the table are about files that exist: an old one must not excuse a new file of that
/// name.
#[test]
fn every_exception_is_needed() {
    for (path, why) in table::LONG.iter().chain(table::SLEEPERS).chain(table::SQL_ELSEWHERE) {
        assert!(machine::repository().join(path).exists(), "{path} is excused ({why}) and does not exist");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !PASSED_OVER.contains(&name) {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn e2e_modules(root: &Path) -> Vec<String> {
    std::fs::read_dir(root.join("tests/e2e"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|module| module != "main")
        .collect()
}

// ------------------------------------------------------------------------------------- the rules bite

/// The violations of one file, as `rule line`.
#[track_caller]
fn planted(path: &str, text: &str, expected: &[&str]) {
    let found: Vec<String> =
        rules::check(path, text).iter().map(|found| format!("{} {}", found.rule, found.line)).collect();
    assert_eq!(found, expected, "in {path}:\n{text}");
}

#[test]
fn a_module_may_use_only_what_is_below_it() {
    let file = "server/src/store/pool.rs";
    planted(file, "//! x\nuse crate::domain::clock;\nuse crate::store::writer;", &[]);
    planted(file, "//! x\nuse crate::session::Registry;", &["layers 2"]);
    planted(file, "//! x\nfn f() { crate::http::serve() }", &["layers 2"]);
    planted(file, "//! x\nuse crate::{domain, rpc};", &["layers 2"]);
    planted(file, "//! x\nuse super::super::session::Registry;", &["layers 2"]);
    planted(file, "//! x\nuse super::session;\nuse crate::Error;", &[]);
    planted(file, "//! x\nmod tests { use super::super::super::session; }", &["layers 2"]);
    planted("server/src/search.rs", "//! x\nuse crate::brain::Brain;", &["layers 2"]);
    planted("server/src/search.rs", "//! x\nuse super::brain::Brain;", &["layers 2"]);
    planted("server/src/main.rs", "//! x\nuse switchboard_server::app;", &[]);
    planted("server/src/lib.rs", "//! x\npub use crate::app::run;", &[]);
    planted("server/src/somewhere.rs", "//! x", &["layers 1"]);
}

#[test]
fn a_crate_stays_in_its_module() {
    planted("server/src/session.rs", "//! x\nuse tokio_postgres::Row;", &["reserved 2"]);
    planted("server/src/rpc.rs", "//! x\nfn f() -> axum::Router {}", &["reserved 2"]);
    planted("server/src/http/routes.rs", "//! x\nuse axum::Router;", &[]);
    planted("server/src/session.rs", "//! x\nfn f() { std::env::var(\"A\"); }", &["reserved 2"]);
    planted("server/src/session.rs", "//! x\nuse switchboard_protocol::ids::Seq;", &[]);
    planted(
        "server/src/session.rs",
        "//! x\nuse switchboard_protocol::{ids::Seq, chat::State};",
        &["reserved 2"],
    );
    planted("server/src/socket/wire.rs", "//! x\nuse switchboard_protocol::chat::State;", &[]);
    planted("server/src/brain/local.rs", "//! x\nuse async_openai::Client;", &["reserved 2"]);
    planted("server/src/brain/openai.rs", "//! x\nuse async_openai::Client;", &[]);
}

#[test]
fn time_and_ids_come_from_one_place_each() {
    planted("server/src/session.rs", "//! x\nfn f() { chrono::Utc::now(); }", &["reserved 2"]);
    planted("server/src/session.rs", "//! x\nfn f() { Uuid::new_v4(); }", &["reserved 2"]);
    planted("server/src/domain/mint.rs", "//! x\nfn f() { Uuid::new_v4(); }", &[]);
    planted("server/src/session.rs", "//! x\nmod tests { fn f() { Uuid::new_v4(); } }", &[]);
}

#[test]
fn names_headers_and_lengths() {
    planted("server/src/store/mod.rs", "//! x", &["names 1"]);
    planted("server/src/store/helpers.rs", "//! x", &["names 1"]);
    planted("static/util/dom.js", "", &["names 1"]);
    planted("protocol/src/ids.rs", "use a::b;", &["header 1"]);
    planted("static/client.js", &"x\n".repeat(501), &["length 501"]);
    planted("static/client.js", &"x\n".repeat(500), &[]);
}

#[test]
fn tests_do_not_sleep() {
    planted("tests/e2e/send.rs", "//! x\nfn f() { tokio::time::sleep(d).await; }", &["no sleeping 2"]);
    planted("server/tests/x.rs", "//! x\nfn f() { std::thread::sleep(d); }", &["no sleeping 2"]);
    planted("tests/e2e/send.rs", "//! x\nuse tokio::time::sleep;", &["no sleeping 2"]);
    planted("server/src/store.rs", "//! x\nfn f() { tokio::time::sleep(d).await; }", &[]);
    planted("server/src/store.rs", "//! x\nmod tests { fn f() { time::sleep(d); } }", &["no sleeping 2"]);
}

#[test]
fn sql_is_in_files() {
    planted("server/src/store.rs", "//! x\nlet q = \"select a from b\";", &["SQL is in files 2"]);
    planted("server/src/store.rs", "//! x\nlet q = \"UPDATE a\n SET b = 1\";", &["SQL is in files 2"]);
    planted("server/src/store.rs", "//! x\nlet q = \"BEGIN; SET LOCAL ROLE a\";", &[]);
    planted("server/src/store.rs", "//! x\nlet q = \"select one of them\"; // select a from b", &[]);
    planted("server/src/store.rs", "//! x\nmod tests { let q = \"select a from b\"; }", &[]);
    planted("server/src/store/tests.rs", "//! x\nlet q = \"select a from b\";", &[]);
}

#[test]
fn a_query_is_one_explained_statement() {
    planted("sql/queries/messages/insert.sql", "-- Why; so.\nINSERT INTO a VALUES (';');\n", &[]);
    planted("sql/queries/messages/insert.sql", "INSERT INTO a VALUES (1)", &["queries 1"]);
    planted("sql/queries/messages/insert.sql", "-- Why.\nSELECT 1; SELECT 2;", &["queries 1"]);
    planted("sql/queries/insert.sql", "-- Why.\nSELECT 1", &["queries 1"]);
}

#[test]
fn a_test_module_that_nobody_lists_is_found() {
    let found = rules::unlisted("main(&[send::TESTS])", &["send".into(), "resume".into()]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "tests/e2e/resume.rs");
}
