//! One database, one node, one server: whoever starts in its place takes over, and the former never writes again.

use switchboard_tests::prelude::*;

use crate::crowd::{Crowd, check};
use crate::postgres::Postgres;

pub(crate) const TESTS: &[Test] = tests![
    a_server_that_was_replaced_writes_nothing_more_and_ends needs LocalDatabase,
    a_second_server_on_the_same_folder_is_refused_and_harms_nobody needs LocalDatabase,
    two_nodes_share_a_database needs LocalDatabase,
    a_data_folder_that_cannot_be_written_stops_nobody,
];

async fn a_server_that_was_replaced_writes_nothing_more_and_ends(world: World) -> Result<()> {
    let postgres = Postgres::start(&world).await?;
    world.without_limits().allow_warning("not everything came to its end in time");
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 4, 2).await?;
    crowd.acknowledged(200).await?;

    // The same node on another machine, as after a fail-over that came too early.
    let heir = heir(&world, &postgres)?;
    heir.start().await?;
    let at_the_takeover = postgres.rows("select id from messages").await?.len();
    let status = world.ended().await?;
    ensure!(!status.success(), "a server that was replaced ends with an error, not with {status}");
    let at_the_end = postgres.rows("select id from messages").await?.len();
    ensure!(at_the_end == at_the_takeover, "{} messages after the takeover", at_the_end - at_the_takeover);

    crowd.move_to(heir.address());
    crowd.acknowledged(200).await?;
    let people = crowd.hush().await?;
    check(people, async |select| postgres.rows(&select).await).await?;
    heir.end().await?;
    Ok(())
}

async fn a_second_server_on_the_same_folder_is_refused_and_harms_nobody(world: World) -> Result<()> {
    let postgres = Postgres::start(&world).await?;
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let output = world.command(&["serve", "--listen", "127.0.0.1:0", "--preset", "relay"]).await?;
    ensure!(!output.status.success(), "two servers in one folder");
    let said = String::from_utf8(output.stderr)?;
    ensure!(said.contains("another server"), "it says why: {said}");
    ensure!(visitor.send("after").await?.seq == 2, "the first one goes on");
    drop(visitor);
    world.stop().await?;
    drop(postgres);
    Ok(())
}

/// Nodes of their own folders do not fence one another.
async fn two_nodes_share_a_database(world: World) -> Result<()> {
    let postgres = Postgres::start(&world).await?;
    world.start().await?;
    let other = World::new("lease::other", world.lane())?;
    other.on_a_new_machine().with_variable("DATABASE_URL", &postgres.address());
    other.start().await?;
    let mut here = world.visitor().await?;
    let mut there = other.visitor().await?;
    ensure!(here.send("here").await?.seq == 1 && there.send("there").await?.seq == 1);
    other.stop().await?;
    ensure!(here.send("still here").await?.seq == 2);
    drop((here, there));
    world.stop().await?;
    drop(postgres);
    Ok(())
}

/// As on a full disk: the server keeps its lease and goes on, and says what is wrong, and when it is over.
async fn a_data_folder_that_cannot_be_written_stops_nobody(world: World) -> Result<()> {
    world.allow_warning("the data folder cannot be written");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let in_the_way = world.data().join("node.json.new");
    std::fs::create_dir(&in_the_way)?;
    logged(&world, "the data folder cannot be written").await?;
    ensure!(visitor.send("still here").await?.seq == 1);
    std::fs::remove_dir(&in_the_way)?;
    logged(&world, "the data folder can be written again").await?;
    ensure!(visitor.send("here again").await?.seq == 2);
    drop(visitor);
    world.stop().await?;
    Ok(())
}

async fn logged(world: &World, line: &str) -> Result<()> {
    eventually(line, async || Ok(world.log()?.contains(line).then_some(()))).await
}

/// A world with a copy of this one's record of itself, on the same database.
fn heir(world: &World, postgres: &Postgres) -> Result<World> {
    let heir = World::new("lease::heir", world.lane())?;
    heir.on_a_new_machine().without_limits().with_variable("DATABASE_URL", &postgres.address());
    std::fs::create_dir(heir.data())?;
    std::fs::copy(world.data().join("node.json"), heir.data().join("node.json"))?;
    Ok(heir)
}
