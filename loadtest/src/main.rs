//! `loadtest`: measures a Switchboard server and checks what it measures.
//!
//! Exit code 0: everything checked held. 1: a check failed. 2: it could not run, with a sentence that says why.

#![expect(
    unreachable_pub,
    reason = "a program exports nothing: `pub` says what a module offers to the others"
)]

mod cli;
mod client;
mod console;
mod database;
#[cfg(test)]
mod fake;
mod lab;
mod measure;
mod peers;
mod process;
mod proxy;
mod report;
mod scenario;
mod timeline;
mod transcript;
mod view;
mod visitor;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Cli;
use crate::report::{Report, page};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let threads = cli.lab().map_or(1, |lab| lab.threads);
    match runtime(threads)
        .and_then(|runtime| runtime.block_on(run(&cli)))
        .and_then(|report| tell(&cli, report))
    {
        Ok(report) => {
            if report.passed() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(1)
            }
        }
        Err(error) => {
            eprintln!("loadtest could not run: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// On the terminal, and in the folder where one is named.
fn tell(cli: &Cli, report: Report) -> anyhow::Result<Report> {
    let output = cli.output();
    if let Some(folder) = &output.report {
        page::write(&report, folder)?;
    }
    report.print(output.json);
    Ok(report)
}

/// One thread unless more are asked for: on a small machine the tester must leave the cores to the server.
fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    Ok(builder.worker_threads(threads.max(1)).enable_all().build()?)
}

/// A signal drops the run where it stands, and with it every process that it started.
async fn run(cli: &Cli) -> anyhow::Result<Report> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        report = scenario::run(cli) => report,
        _ = interrupt.recv() => anyhow::bail!("it was interrupted"),
        _ = terminate.recv() => anyhow::bail!("it was told to stop"),
    }
}
