//! `growth`: what a year of messages costs. The load of `send` on a full database beside an empty one, in pairs; then
//! conversations of very different lengths are opened on a server that has none of them in memory.
//!
//! Both databases are on one private Postgres, whose settings are those of `send`, and whose folder goes with the run.

mod fill;
mod opening;
mod verdict;

use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use tempfile::TempDir;

use self::fill::{Filled, Plan};
use self::opening::{Host, Openings};
use super::load::{Contender, Round, play};
use crate::cli::{GrowthArgs, LoadArgs};
use crate::database::{Database, Facts};
use crate::lab::{Ground, Run, Served, progress};
use crate::report::Report;

const EMPTY: &str = "empty";
const FULL: &str = "full";

#[derive(Serialize)]
struct Figures<'a> {
    load: LoadArgs,
    postgres: &'a Facts,
    filled: Filled,
    rounds: Vec<Round>,
    openings: Openings,
}

pub async fn run(args: &GrowthArgs) -> anyhow::Result<Report> {
    let Some(binary) = args.lab.server.as_deref() else {
        bail!("growth starts servers on databases of its own: name the binary with --server BIN");
    };
    ensure!(
        args.lab.database.is_none() && args.lab.data.is_none(),
        "growth fills a database of its own and removes it: leave out --database and --data"
    );
    let plan = Plan::new(args)?;
    let ground = Ground::prepare(&args.lab, false).await?;
    let empty = ground.database.as_ref().context("there is no Postgres")?;
    let full = empty.beside("full").await?;
    let folder = TempDir::with_prefix_in("switchboard-loadtest-", "/var/tmp")?;
    let homes = [EMPTY, FULL].map(|name| folder.path().join(name));
    for home in &homes {
        std::fs::create_dir(home)?;
    }
    let serve = async |database: &Database, home: &Path| {
        Served::start(binary, &args.lab, &database.url, &home.join("data"), home).await
    };

    // The server makes the schema, and lets in the visitor whose conversations are to be opened.
    let host = Host::open(&serve(&full, &homes[1]).await?.entrance, &full).await?;
    let filled = fill::fill(&full, &plan, &host).await?;

    let rounds = {
        let servers = [serve(empty, &homes[0]).await?, serve(&full, &homes[1]).await?];
        let contenders =
            [Contender::served(EMPTY, &servers[0], empty), Contender::served(FULL, &servers[1], &full)];
        play(&contenders, args.rounds, Run::new(&args.lab), &args.load).await?
    };

    let mut openings = Openings::new(&filled);
    let bar = progress(args.restarts, "opening");
    for restart in 0..args.restarts {
        full.checkpoint().await;
        let served = serve(&full, &homes[1]).await?;
        openings.measure(&served, &full, &host, &filled, restart as usize).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    verdict::report(
        args,
        empty,
        Figures { load: args.load, postgres: &empty.facts, filled, rounds, openings },
    )
}
