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
use super::latency::Percentiles;
use crate::cli::StormArgs;
use crate::lab::{Lab, progress};
use crate::report::{Report, Table, grouped, known};
use crate::view::Faults;
use crate::visitor::{Entrance, text};

const STATEMENTS: &str = "switchboard_resume_statements_total";

#[derive(Serialize)]
struct Figures {
    clients: u32,
    behind: u32,
    waves: Vec<WaveFigures>,
    faults: Faults,
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
    let lab = Lab::start(&args.lab, false).await?;
    // A client that is behind has its second device beside it.
    let pace = lab.run.pace(args.conns)?;
    let behind = share(args.behind, args.conns)?;
    let waves = [Wave::new("at the head", 0, 0), Wave::new("some behind", behind, args.missed)].map(Arc::new);
    let meeting = Arc::new(Barrier::new(args.conns as usize + 1));
    let bar = progress(args.conns, "opening");
    let content = text(100);

    let mut clients = JoinSet::new();
    for nth in 0..args.conns {
        let client = Client {
            nth,
            clients: args.conns,
            messages: args.messages,
            content: content.clone(),
            entrance: lab.entrance.clone(),
            author: lab.run.author(nth),
            pace: pace.clone(),
            meeting: Arc::clone(&meeting),
            bar: bar.clone(),
        };
        clients.spawn(client.run(waves.clone()));
    }

    meeting.wait().await;
    bar.finish_and_clear();
    let mut figures = Figures { clients: args.conns, behind, waves: Vec::new(), faults: Faults::default() };
    for wave in &waves {
        figures.waves.push(conduct(wave, &lab.entrance, &meeting, args).await?);
    }
    while let Some(faults) = clients.join_next().await {
        figures.faults.merge(faults?);
    }
    report(args, &figures)
}

/// Leads the clients through one wave: dropped, some behind, away, and back.
async fn conduct(
    wave: &Wave,
    entrance: &Entrance,
    meeting: &Barrier,
    args: &StormArgs,
) -> anyhow::Result<WaveFigures> {
    meeting.wait().await;
    sleep(Duration::from_secs_f64(args.away)).await;
    let before = statements(entrance).await?;
    meeting.wait().await;
    let start = Instant::now();
    meeting.wait().await;
    let seconds = start.elapsed().as_secs_f64();
    let after = statements(entrance).await?;
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
async fn statements(entrance: &Entrance) -> anyhow::Result<Option<u64>> {
    let page = entrance.address.get("/metrics").await.context("the server's metrics cannot be read")?;
    let values: Vec<u64> = page
        .lines()
        .filter_map(|line| line.strip_prefix(STATEMENTS))
        .filter(|rest| rest.starts_with([' ', '{']))
        .filter_map(|rest| rest.rsplit(' ').next()?.parse().ok())
        .collect();
    Ok((!values.is_empty()).then(|| values.iter().sum()))
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
    for wave in &figures.waves {
        table.row([
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
    report.check("truth", figures.faults.is_empty(), figures.faults.describe(fine));
    // A counter that has not counted yet may be absent; one that never appears is not there.
    let counts = figures.waves.iter().any(|wave| wave.statements.is_some());
    for wave in &figures.waves {
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
