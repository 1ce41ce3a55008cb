//! `storm`: every client loses its connection at once, and all come back at once.
//!
//! Two waves. In the first nobody has missed anything, and the server must answer from memory; in the second a share
//! of the visitors has missed messages that a second device of theirs sent. Each client checks that it was told
//! "recovered" exactly where it got exactly what it missed.

mod client;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::client::{Client, Wave};
use super::SWITCHBOARD;
use super::latency::Percentiles;
use crate::cli::StormArgs;
use crate::lab::{Lab, Run, progress};
use crate::peers::{self, Peer};
use crate::report::{Report, Table, grouped, known};
use crate::view::Faults;
use crate::visitor::{Entrance, text};

/// What each of those who can be struck counts its statements for resumes under.
const STATEMENTS: &str = "switchboard_resume_statements_total";
const PEERS_STATEMENTS: &str = "peer_resume_statements_total";

#[derive(Serialize)]
struct Figures {
    clients: u32,
    behind: u32,
    #[serde(flatten)]
    switchboard: Struck,
    peer: Option<Struck>,
}

/// What became of one server.
#[derive(Serialize)]
struct Struck {
    name: &'static str,
    waves: Vec<WaveFigures>,
    faults: Faults,
}

/// A server, and the name of its counter of statements for resumes.
struct Target<'a> {
    name: &'static str,
    entrance: &'a Entrance,
    statements: &'static str,
}

#[derive(Serialize)]
struct WaveFigures {
    wave: &'static str,
    behind: u32,
    recovered: u64,
    fresh: u64,
    retries: u64,
    messages: u64,
    seconds: f64,
    #[serde(flatten)]
    latency: Percentiles,
    /// Statements that the server needed; None where it does not count them.
    statements: Option<u64>,
}

pub async fn run(args: &StormArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, args.rival.peers).await?;
    let database = lab.ground.database.as_ref();
    let behind = share(args.behind, args.conns)?;
    let target = Target { name: SWITCHBOARD, entrance: &lab.entrance, statements: STATEMENTS };
    let switchboard = target.strike(args, lab.run, behind).await?;
    let mut peer = None;
    if let Some(database) = database.filter(|_| args.rival.peers) {
        let rival = Peer::start(&peers::SOCKETIO, &args.rival.peers_dir, database).await?;
        let entrance = rival.entrance(args.lab.timeout());
        let target = Target { name: rival.kind.title, entrance: &entrance, statements: PEERS_STATEMENTS };
        peer = Some(target.strike(args, lab.run, behind).await?);
        rival.stop(database).await?;
    }
    report(args, &Figures { clients: args.conns, behind, switchboard, peer })
}

impl Target<'_> {
    async fn strike(&self, args: &StormArgs, run: Run, behind: u32) -> anyhow::Result<Struck> {
        // A client that is behind has its second device beside it.
        let pace = run.pace(args.conns)?;
        let waves =
            [Wave::new("at the head", 0, 0), Wave::new("some behind", behind, args.missed)].map(Arc::new);
        let meeting = Arc::new(Barrier::new(args.conns as usize + 1));
        let bar = progress(args.conns, self.name);
        let content = text(100);
        let mut clients = JoinSet::new();
        for nth in 0..args.conns {
            let client = Client {
                nth,
                clients: args.conns,
                messages: args.messages,
                content: content.clone(),
                entrance: self.entrance.clone(),
                author: run.author(nth),
                pace: pace.clone(),
                meeting: Arc::clone(&meeting),
                bar: bar.clone(),
            };
            clients.spawn(client.run(waves.clone()));
        }

        meeting.wait().await;
        bar.finish_and_clear();
        let mut struck = Struck { name: self.name, waves: Vec::new(), faults: Faults::default() };
        for wave in &waves {
            struck.waves.push(self.conduct(wave, &meeting, args).await?);
        }
        while let Some(faults) = clients.join_next().await {
            struck.faults.merge(faults?);
        }
        Ok(struck)
    }

    /// Leads the clients through one wave: dropped, some behind, away, and back.
    async fn conduct(&self, wave: &Wave, meeting: &Barrier, args: &StormArgs) -> anyhow::Result<WaveFigures> {
        meeting.wait().await;
        sleep(Duration::from_secs_f64(args.away)).await;
        let before = self.count().await?;
        meeting.wait().await;
        let start = Instant::now();
        meeting.wait().await;
        let seconds = start.elapsed().as_secs_f64();
        let after = self.count().await?;
        Ok(WaveFigures {
            wave: wave.name,
            behind: wave.behind,
            recovered: wave.recovered.load(Ordering::Relaxed),
            fresh: wave.fresh.load(Ordering::Relaxed),
            retries: wave.retries.load(Ordering::Relaxed),
            messages: wave.messages.load(Ordering::Relaxed),
            seconds,
            latency: wave.latency.percentiles(),
            statements: after.map(|after| after.saturating_sub(before.unwrap_or(0))),
        })
    }

    /// The server's count of statements for resumes, over all labels; None where it has no such counter.
    async fn count(&self) -> anyhow::Result<Option<u64>> {
        let page = self.entrance.address.get("/metrics").await;
        let page = page.context("the server's metrics cannot be read")?;
        let values: Vec<u64> = page
            .lines()
            .filter_map(|line| line.strip_prefix(self.statements))
            .filter(|rest| rest.starts_with([' ', '{']))
            .filter_map(|rest| rest.rsplit(' ').next()?.parse().ok())
            .collect();
        Ok((!values.is_empty()).then(|| values.iter().sum()))
    }
}

fn share(share: f64, of: u32) -> anyhow::Result<u32> {
    anyhow::ensure!((0.0..=1.0).contains(&share), "--behind is a share from 0 to 1");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ share ≤ 1")]
    let count = (f64::from(of) * share).round() as u32;
    Ok(count)
}

fn report(args: &StormArgs, figures: &Figures) -> anyhow::Result<Report> {
    let mut report = Report::new("storm", figures)?;
    let mut table = Table::new([
        "who",
        "wave",
        "resumes",
        "behind",
        "recovered",
        "fresh",
        "messages",
        "all after s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "retries",
        "statements",
    ]);
    let struck = || std::iter::once(&figures.switchboard).chain(&figures.peer);
    for (name, wave) in struck().flat_map(|struck| struck.waves.iter().map(|wave| (struck.name, wave))) {
        table.row([
            name.to_owned(),
            wave.wave.to_owned(),
            grouped(f64::from(figures.clients)),
            grouped(f64::from(wave.behind)),
            wave.recovered.to_string(),
            wave.fresh.to_string(),
            wave.messages.to_string(),
            format!("{:.2}", wave.seconds),
            format!("{:.0}", wave.latency.p50_ms),
            format!("{:.0}", wave.latency.p99_ms),
            format!("{:.0}", wave.latency.max_ms),
            wave.retries.to_string(),
            known(wave.statements, |count| count.to_string()),
        ]);
    }
    report.table(table);
    report.note("Time runs from the moment of return to the checked answer, connecting included.");

    let fine = "each told recovered, with exactly what it missed, and its next message followed";
    if let Some(Struck { name, faults, .. }) = &figures.peer {
        report.note(format!("{name}: {}.", faults.describe(fine)));
    }
    let Struck { waves, faults, .. } = &figures.switchboard;
    report.check("truth", faults.is_empty(), faults.describe(fine));
    // A counter that has not counted yet may be absent; one that never appears is not there.
    let counts = waves.iter().any(|wave| wave.statements.is_some());
    for wave in waves {
        let back = wave.recovered + wave.fresh;
        let detail = format!("{back} of {} came back in {:.2} s", figures.clients, wave.seconds);
        report.check(format!("all back, {}", wave.wave), back == u64::from(figures.clients), detail);

        let allowed = if wave.behind == 0 { 0 } else { u64::from(figures.clients / args.per_statement) };
        let name = format!("statements, {}", wave.wave);
        if counts {
            let count = wave.statements.unwrap_or(0);
            report.check(name, count <= allowed, format!("{count} for {back} resumes, at most {allowed}"));
        } else {
            report.check(name, false, format!("the server's /metrics has no {STATEMENTS}"));
        }
    }
    Ok(report)
}
