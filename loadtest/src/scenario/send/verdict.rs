//! What the rounds of `send` amount to: a verdict on each bar.

use serde::Serialize;

use super::EMBEDDED;
use crate::cli::{LoadArgs, SendArgs};
use crate::database::Facts;
use crate::lab::Ground;
use crate::peers;
use crate::report::{Report, median};
use crate::scenario::SWITCHBOARD;
use crate::scenario::load::Round;
use crate::scenario::load::outcome::{self, Median, ratios};

#[derive(Serialize)]
struct Figures<'a> {
    #[serde(flatten)]
    load: LoadArgs,
    postgres: Option<&'a Facts>,
    rounds: &'a [Round],
    medians: Vec<Standing<'a>>,
}

#[derive(Serialize)]
struct Standing<'a> {
    #[serde(flatten)]
    median: &'a Median,
    /// Switchboard's rate over this one's, the median of the rounds side by side.
    switchboard_is: Option<f64>,
}

pub fn report(args: &SendArgs, ground: &Ground, rounds: &[Round]) -> anyhow::Result<Report> {
    let medians = outcome::medians(rounds);
    let postgres = ground.database.as_ref().map(|database| &database.facts);
    let standings = medians
        .iter()
        .map(|median| Standing { median, switchboard_is: lead(rounds, median.contender) })
        .collect();
    let mut report = Report::new("send", Figures { load: args.load, postgres, rounds, medians: standings })?;
    report.table(outcome::rounds_table(rounds));
    report.table(outcome::medians_table(&medians, "Switchboard is", |median| {
        lead(rounds, median.contender).map(|ratio| format!("{ratio:.2} ×"))
    }));
    report.note(args.load.to_string());
    let known = |name: &str| medians.iter().any(|median| median.contender == name);
    if known(SWITCHBOARD) && ground.servers_own && ground.database.is_some() {
        report.note("The server has a database of its own; that Postgres is the peers'.");
    }
    if known(peers::FASTAPI.title) {
        report.note(
            "A peer is one process with a pool of 20 connections and does one INSERT a message. Socket.IO, like \
             Switchboard, also keeps each message for whoever comes back.",
        );
    }
    outcome::circumstances(&mut report, postgres, rounds.iter().map(|round| round.busy));
    outcome::truth(&mut report, ground.database.as_ref(), rounds);
    for median in &medians {
        speed(&mut report, args, median, lead(rounds, median.contender));
    }
    Ok(report)
}

/// Switchboard's rate over that of another, pair by pair.
fn lead(rounds: &[Round], over: &str) -> Option<f64> {
    let ratios = ratios(rounds, SWITCHBOARD, over);
    (over != SWITCHBOARD && !ratios.is_empty()).then(|| median(&ratios))
}

/// The bars on speed: Switchboard's own, its lead over each peer, and how far its embedded database may lag.
fn speed(report: &mut Report, args: &SendArgs, median: &Median, lead: Option<f64>) {
    let name = median.contender;
    if name == SWITCHBOARD {
        let bar = args.p99_factor * f64::from(args.load.conns) / median.acks_per_second * 1000.0;
        report.check(
            "p99",
            median.p99_ms <= bar,
            format!("{:.1} ms, at most {:.1} ms ({} × conns / rate)", median.p99_ms, bar, args.p99_factor),
        );
        if let (Some(tester), Some(server)) = (median.tester_cores, median.server_cores) {
            let detail =
                format!("the tester took {tester:.2} cores, the server {server:.2}; at most half of it");
            report.check("tester", tester <= server / 2.0, detail);
        }
    }
    let Some(lead) = lead else { return };
    if name == EMBEDDED {
        let (share, bar) = (1.0 / lead, args.embedded_share);
        let detail = format!("{share:.2} of the rate on native Postgres, at least {bar}");
        report.check("embedded", share >= bar, detail);
        return;
    }
    let bar = if name == peers::FASTAPI.title { args.over_fastapi } else { args.over_node };
    report.check(name, lead >= bar, format!("Switchboard is {lead:.2} times as fast, at least {bar}"));
}
