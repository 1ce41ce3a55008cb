//! The server, or its own Postgres, dies at any moment under load.
//!
//! Invariant of all that is here: what was acknowledged is stored once, in order, under dense numbers; clients
//! come back by themselves and end with the transcript of the database.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use switchboard_tests::prelude::*;

use crate::crowd::{Crowd, check};

pub(crate) const TESTS: &[Test] = tests![
    ten_kills_in_a_row_lose_nothing,
    the_end_of_its_own_postgres_ends_the_server_and_a_start_recovers needs LocalDatabase,
];

async fn ten_kills_in_a_row_lose_nothing(world: World) -> Result<()> {
    // To see a plan again, put its seed here.
    let seed = rand::random();
    ten_kills(&world, seed).await.with_context(|| format!("with the seed {seed}"))
}

async fn ten_kills(world: &World, seed: u64) -> Result<()> {
    let mut plan = StdRng::seed_from_u64(seed);
    // A killed server's Postgres may take a moment to notice.
    world.without_limits().allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    let mut crowd = Crowd::gather(world, 5, 3).await?;
    for _ in 0..10 {
        // From in the middle of the resumes to well after them.
        crowd.acknowledged(plan.random_range(0..250)).await?;
        world.kill().await?;
        world.start().await?;
    }
    let people = crowd.hush().await?;
    ensure!(people.iter().any(|talker| talker.opened > 5), "they came back by themselves");
    ensure!(people.iter().all(|talker| talker.refused == 0), "the database was never away");
    check(people, async |select| world.rows(&select).await).await
}

async fn the_end_of_its_own_postgres_ends_the_server_and_a_start_recovers(world: World) -> Result<()> {
    world
        .without_limits()
        .allow_warning("the Postgres of a server that was killed still runs")
        .allow_warning("the database is away; writes wait")
        .allow_warning("not everything came to its end in time");
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 4, 2).await?;
    // As `pg_ctl stop -m immediate`, and as the kernel when memory runs out.
    for how in [Signal::SIGQUIT, Signal::SIGKILL, Signal::SIGQUIT] {
        crowd.acknowledged(200).await?;
        kill(postmaster(&world.data())?, how)?;
        let status = world.ended().await?;
        ensure!(!status.success(), "a server whose database has ended ends with an error, not with {status}");
        world.start().await?;
    }
    let people = crowd.hush().await?;
    check(people, async |select| world.rows(&select).await).await
}

/// The process of the server's private cluster.
fn postmaster(data: &Path) -> Result<Pid> {
    let file = data.join("postgres-local/cluster/postmaster.pid");
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(Pid::from_raw(text.lines().next().context("its first line is the process")?.trim().parse()?))
}
