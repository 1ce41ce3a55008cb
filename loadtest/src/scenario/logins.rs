//! `logins`: a crowd at the login page, and whether those who talk notice it.
//!
//! The same load twice, alone and beside the crowd. Everybody in it tries an account that is not there, which costs the
//! server as much as one that is, and tries again as soon as it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::load::{Contender, Round, outcome, play};
use super::send::switchboard;
use crate::cli::LoginsArgs;
use crate::client::Address;
use crate::lab::Lab;
use crate::report::Report;

#[derive(Serialize)]
struct Figures<'a> {
    logins: u32,
    rounds: &'a [Round],
    crowd: Told,
}

/// What the crowd was told.
#[derive(Clone, Copy, Serialize)]
struct Told {
    /// The password was checked, and is wrong.
    checked: u64,
    /// Too many at once; come again.
    busy: u64,
    /// Anything else.
    failed: u64,
}

pub async fn run(args: &LoginsArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, false).await?;
    // Refused here where this machine cannot hold so many.
    lab.run.pace(args.logins + args.load.conns)?;
    let alone = Contender { name: "alone", ..switchboard(&lab) };
    let beside = Contender { name: "beside logins", ..switchboard(&lab) };
    let mut rounds = play(&[alone], 1, lab.run, &args.load).await?;
    let crowd = Crowd::start(&lab.entrance.address, args.logins);
    rounds.extend(play(&[beside], 1, lab.run, &args.load).await?);
    let told = crowd.told();

    let mut report = Report::new("logins", Figures { logins: args.logins, rounds: &rounds, crowd: told })?;
    report.table(outcome::rounds_table(&rounds));
    report.note(args.load.to_string());
    let facts = lab.ground.database.as_ref().map(|database| &database.facts);
    outcome::circumstances(&mut report, facts, rounds.iter().map(|round| round.busy));
    outcome::truth(&mut report, lab.ground.database.as_ref(), &rounds);
    if let [alone, beside] = rounds.as_slice() {
        let (before, after) = (alone.latency.p99_ms, beside.latency.p99_ms);
        let detail = format!("{after:.1} ms beside the crowd, at most {} ms; {before:.1} ms alone", args.p99);
        report.check("p99", after <= args.p99, detail);
    }
    let Told { checked, busy, failed } = told;
    let detail = format!("{checked} were checked, {busy} told to come again, {failed} anything else");
    report.check("logins", checked > 0 && failed == 0, detail);
    Ok(report)
}

/// It disperses when it is dropped.
struct Crowd {
    counts: Arc<Counts>,
    _people: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    checked: AtomicU64,
    busy: AtomicU64,
    failed: AtomicU64,
}

impl Crowd {
    fn start(address: &Address, people: u32) -> Self {
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        for nth in 0..people {
            tasks.spawn(knock(address.clone(), nth, Arc::clone(&counts)));
        }
        Self { counts, _people: tasks }
    }

    fn told(&self) -> Told {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counts { checked, busy, failed } = &*self.counts;
        Told { checked: count(checked), busy: count(busy), failed: count(failed) }
    }
}

/// One of them, until the crowd disperses.
async fn knock(address: Address, nth: u32, counts: Arc<Counts>) {
    let body = format!(r#"{{"email":"nobody-{nth}@loadtest.example","password":"not a password"}}"#);
    loop {
        let status = address.post("/api/auth/login", &body).await;
        let (counter, pause) = match status {
            Ok(401) => (&counts.checked, Duration::ZERO),
            Ok(503) => (&counts.busy, Duration::from_secs(1)),
            _ => (&counts.failed, Duration::from_secs(1)),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        sleep(pause).await;
    }
}
