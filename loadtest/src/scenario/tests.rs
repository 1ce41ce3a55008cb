//! Each scenario against a server that is honest, and against one that tells a lie which it must not miss.

use clap::Parser;
use futures_util::future::join_all;
use serde_json::json;

use crate::cli::Cli;
use crate::fake::{Fake, Lie, STAFF, WITH_AGENT};

/// Runs a scenario and returns the names of the checks that failed.
async fn failed(lie: Lie, scenario: &str) -> Vec<String> {
    let fake = Fake::start(lie).await;
    let arguments = ["loadtest"].into_iter().chain(scenario.split(' '));
    let fixed = ["--url", &fake.url, "--timeout", "2", "--staff-key", STAFF];
    let cli = Cli::parse_from(arguments.chain(fixed));
    let report = super::run(&cli).await.unwrap();
    let failed: Vec<String> =
        report.checks.iter().filter(|check| !check.passed).map(|check| check.name.clone()).collect();
    if failed.is_empty() == (lie != Lie::None) {
        report.print(false);
    }
    failed
}

// The tester and the fake share a process here, and its pace is nobody's: bars on speed are off.
const SEND: &str = "send --conns 4 --secs 1 --warmup 0 --p99-factor 1e9";
const RESUME: &str = "resume --conns 4 --secs 2 --rate 400 --stay 40 --away 40";
const LISTENERS: &str = "listeners --conns 4 --secs 1 --rate 400";
const FEED: &str = "feed --conns 4 --escalations 15 --secs 2 --rate 150 --stay 200 --away 40 --p99 1e9";
const FANOUT: &str = "fanout --conns 4 --escalations 8 --secs 1 --rate 50";
const STORM: &str = "storm --conns 20 --behind 0.5 --missed 3 --away 0";
const IDLE: &str = "idle --conns 20 --secs 0 --steady 1 --bar 0";

async fn passes(scenario: &str) {
    let failed: Vec<String> = failed(Lie::None, scenario).await;
    // The fake runs in the tester's own process, which therefore can never need only half of the server's CPU.
    assert_eq!(failed.iter().filter(|name| *name != "tester").count(), 0, "{failed:?}");
}

async fn catches(scenario: &str, check: &str, lies: &[Lie]) {
    // At once, as most of the time they wait for something that does not come.
    let runs = lies.iter().map(|lie| failed(*lie, scenario));
    for (lie, failed) in lies.iter().zip(join_all(runs).await) {
        assert!(failed.iter().any(|name| name == check), "{scenario} did not catch {lie:?}: {failed:?}");
    }
}

#[tokio::test]
async fn send_passes_an_honest_server() {
    passes(SEND).await;
}

#[tokio::test]
async fn send_catches_wrong_acknowledgements() {
    catches(SEND, "acknowledgements", &[Lie::Misnumbers, Lie::NotDurable, Lie::Hangs]).await;
}

#[tokio::test]
async fn send_holds_a_slow_server_to_its_bar() {
    let failed = failed(Lie::None, &SEND.replace("1e9", "1e-9")).await;
    assert!(failed.iter().any(|name| name == "p99"), "{failed:?}");
}

#[tokio::test]
async fn resume_passes_an_honest_server() {
    passes(RESUME).await;
}

#[tokio::test]
async fn resume_catches_what_readers_are_not_told() {
    catches(RESUME, "truth", &[Lie::Loses, Lie::Doubles, Lie::Reorders, Lie::Alters]).await;
}

#[tokio::test]
async fn resume_catches_false_words_about_recovery() {
    catches(RESUME, "truth", &[Lie::FalseRecovery, Lie::FalseLoss]).await;
}

#[tokio::test]
async fn listeners_passes_an_honest_server() {
    passes(LISTENERS).await;
}

#[tokio::test]
async fn listeners_catches_what_listeners_are_not_told() {
    catches(LISTENERS, "truth", &[Lie::Loses, Lie::Doubles, Lie::Reorders, Lie::Alters]).await;
}

#[tokio::test]
async fn feed_passes_an_honest_server() {
    passes(FEED).await;
}

#[tokio::test]
async fn feed_catches_what_consoles_are_not_told() {
    catches(FEED, "truth", &[Lie::Loses, Lie::Alters, Lie::FalseRecovery]).await;
}

#[tokio::test]
async fn feed_needs_a_key_of_the_staff() {
    let fake = Fake::start(Lie::None).await;
    refused(&format!("feed --url {}", fake.url), "name them with --staff-key").await;
}

#[tokio::test]
async fn fanout_passes_an_honest_server() {
    passes(FANOUT).await;
}

#[tokio::test]
async fn fanout_catches_what_consoles_are_not_told() {
    catches(FANOUT, "truth", &[Lie::Loses, Lie::Alters]).await;
}

#[tokio::test]
async fn storm_passes_an_honest_server() {
    passes(STORM).await;
}

#[tokio::test]
async fn storm_catches_false_words_about_recovery() {
    catches(STORM, "truth", &[Lie::FalseRecovery, Lie::FalseLoss]).await;
}

#[tokio::test]
async fn storm_catches_statements_that_were_not_needed() {
    catches(STORM, "statements, at the head", &[Lie::Wasteful]).await;
    catches(STORM, "statements, some behind", &[Lie::Wasteful]).await;
}

#[tokio::test]
async fn idle_passes_an_honest_server() {
    passes(IDLE).await;
}

/// Long enough for a lie about a message of the visitor, and one about a reply.
fn replay(bad: f64) -> (tempfile::NamedTempFile, String) {
    let turns: Vec<_> =
        (1..=16).map(|n| json!({"role": "user", "content": format!("message {n}")})).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json!({"turns": turns}).to_string()).unwrap();
    let path = file.path().display();
    let scenario = format!(
        "replay --file {path} --conversations 8 --bad {bad} --ramp 0 --speed 300 --staff 0 --workspace {WITH_AGENT}"
    );
    (file, scenario)
}

#[tokio::test]
async fn replay_passes_an_honest_server_on_good_and_bad_networks() {
    for bad in [0.0, 1.0] {
        let (_file, scenario) = replay(bad);
        passes(&scenario).await;
    }
}

#[tokio::test]
async fn replay_catches_what_visitors_are_not_told() {
    let (_file, scenario) = replay(0.0);
    catches(&scenario, "truth", &[Lie::Loses, Lie::Doubles, Lie::Misnumbers, Lie::NotDurable]).await;
    catches(&scenario, "truth", &[Lie::Reorders, Lie::Silent]).await;
}

#[tokio::test]
async fn replay_catches_what_is_stored_otherwise() {
    let (_file, scenario) = replay(0.0);
    catches(&scenario, "history", &[Lie::Alters, Lie::Repeats, Lie::Rewrites]).await;
}

#[tokio::test]
async fn replay_catches_false_words_about_recovery() {
    let (_file, scenario) = replay(1.0);
    catches(&scenario, "truth", &[Lie::FalseRecovery, Lie::FalseLoss]).await;
}

#[tokio::test]
async fn what_cannot_run_says_why() {
    for (arguments, sentence) in [
        ("send --url ws://127.0.0.1:1/ws", "no server answers at ws://127.0.0.1:1/ws"),
        ("send --url https://127.0.0.1:1/ws", "does not begin with ws://"),
        ("send --server /nowhere/switchboard --database embedded", "/nowhere/switchboard cannot be started"),
        ("growth", "name the binary with --server BIN"),
        ("replay --file /nowhere/at-all.jsonl", "no server answers"),
        ("chaos", "name the binary with --server"),
        ("reports", "name the binary with --server"),
        ("compare /nowhere /nowhere", "reading /nowhere"),
        ("growth --server /nowhere/switchboard --database embedded", "leave out --database and --data"),
        ("growth --server /nowhere/switchboard --messages 20", "are too few"),
    ] {
        refused(arguments, sentence).await;
    }
    let fake = Fake::start(Lie::None).await;
    for (arguments, sentence) in [
        ("send --conns 4000000", "raise it with `ulimit -n`"),
        ("storm --behind 7", "--behind is a share from 0 to 1"),
        (
            "send --only-peers --peers-dir /nowhere --database postgres://nobody@127.0.0.1:1/x",
            "cannot be reached",
        ),
    ] {
        refused(&format!("{arguments} --url {}", fake.url), sentence).await;
    }
}

async fn refused(arguments: &str, sentence: &str) {
    let cli = Cli::parse_from(["loadtest"].into_iter().chain(arguments.split(' ')));
    let error = format!("{:#}", super::run(&cli).await.err().unwrap());
    assert!(error.contains(sentence), "{arguments}: {error}");
}
