//! A database that was put back to an earlier day: positions handed out since mean nothing, and nobody is told
//! otherwise.

use std::path::Path;

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;
use tokio::process::Command;

pub(crate) const TESTS: &[Test] = tests![
    a_database_put_back_is_found_out_and_gets_a_new_epoch,
    the_restore_procedure_gives_a_new_epoch,
    a_server_that_runs_through_a_restore_sends_everyone_away_and_ends,
    a_server_notices_by_itself_that_its_database_was_put_back,
    a_start_without_a_restore_keeps_the_epoch,
];

/// The server's own record, outside of the database, is ahead of it.
async fn a_database_put_back_is_found_out_and_gets_a_new_epoch(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    for number in 1..=5 {
        visitor.send(&format!("number {number}")).await?;
    }
    let mut early = visitor.tab().await?;
    early.lose();
    visitor.lose();
    backup(&world).await?;
    ensure!(visitor.resume().await?, "a stop is no restore");
    for number in 6..=10 {
        visitor.send(&format!("number {number}")).await?;
    }
    let (epoch, lost) = (visitor.epoch.clone(), visitor.position());
    visitor.lose();
    let record = std::fs::read(world.data().join("node.json"))?;
    put_back(&world).await?;
    std::fs::write(world.data().join("node.json"), record)?;
    world.start().await?;

    // One who saw more than there is now, and one whose number would fit.
    for tab in [&mut visitor, &mut early] {
        ensure!(!tab.resume().await?, "told that it recovered");
        ensure!(tab.epoch != epoch, "the epoch is another");
        ensure!(tab.said() == ["number 1", "number 2", "number 3", "number 4", "number 5"]);
    }
    // Once the log has grown past it again, the old position is still none.
    for number in 6..=12 {
        ensure!(visitor.send(&format!("anew {number}")).await?.seq == number);
    }
    let mut socket = world.socket().await?;
    let opened =
        socket.call("session.open", json!({"resume": visitor.resume_secret, "position": lost})).await?;
    ensure!(opened["recovered"] == false, "a position of the old epoch: {opened}");
    ensure!(opened["messages"].as_array().is_some_and(|page| page.len() == 12), "a fresh page");
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 12);
    Ok(())
}

/// The whole folder came back, so nothing tells that it did but the last step of the procedure.
async fn the_restore_procedure_gives_a_new_epoch(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("number 1").await?;
    visitor.lose();
    backup(&world).await?;
    ensure!(visitor.resume().await?);
    visitor.send("number 2").await?;
    let epoch = visitor.epoch.clone();
    visitor.lose();
    put_back(&world).await?;
    let output = world.command(&["restored"]).await?;
    printed(&output)?;
    ensure!(String::from_utf8_lossy(&output.stderr).contains("new epoch"), "it says what it did");
    world.start().await?;
    ensure!(!visitor.resume().await?, "told that it recovered");
    ensure!(visitor.epoch != epoch && visitor.said() == ["number 1"]);
    ensure!(visitor.send("another number 2").await?.seq == 2);
    Ok(())
}

/// Somebody forgot to stop the server first: it must not go on with what it remembers.
async fn a_server_that_runs_through_a_restore_sends_everyone_away_and_ends(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let epoch = visitor.epoch.clone();
    printed(&world.command(&["restored"]).await?)?;
    let closed = visitor.socket()?.expect_close().await?;
    ensure!(closed.code == 4002, "{closed}");
    visitor.lose();
    let status = world.ended().await?;
    ensure!(!status.success(), "whoever started it must notice: {status}");
    world.start().await?;
    ensure!(!visitor.resume().await?, "told that it recovered");
    ensure!(visitor.epoch != epoch && visitor.said() == ["hello"]);
    Ok(())
}

/// Nobody has stopped the server, and nobody tells it: the row in which it says that it is alive is an older one.
async fn a_server_notices_by_itself_that_its_database_was_put_back(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    for put_back in ["heartbeat_at = heartbeat_at - interval '1 hour'", "incarnation = incarnation - 1"] {
        visitor.send("hello").await?;
        let epoch = visitor.epoch.clone();
        let told = world.data().join("node.json");
        eventually("a heartbeat", async || {
            Ok((!std::fs::read_to_string(&told)?.contains("\"heartbeat_at\":null")).then_some(()))
        })
        .await?;
        world.execute(&format!("update nodes set {put_back}")).await?;
        let closed = visitor.socket()?.expect_close().await?;
        ensure!(closed.code == 4002, "{closed}");
        visitor.lose();
        let status = world.ended().await?;
        ensure!(!status.success(), "whoever started it must notice: {status}");
        world.start().await?;
        ensure!(!visitor.resume().await?, "told that it recovered");
        ensure!(visitor.epoch != epoch);
    }
    Ok(())
}

async fn a_start_without_a_restore_keeps_the_epoch(world: World) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let epoch = visitor.epoch.clone();
    for killed in [false, true, false, true] {
        visitor.lose();
        if killed {
            world.kill().await?;
        } else {
            world.stop().await?;
        }
        world.start().await?;
        ensure!(visitor.resume().await?);
        ensure!(visitor.epoch == epoch);
    }
    Ok(())
}

/// Stops the server, copies its folder, and starts it again.
async fn backup(world: &World) -> Result<()> {
    world.stop().await?;
    copy(&world.data(), &world.path("backup")).await?;
    world.start().await
}

/// Stops the server, and leaves it with the folder of the backup.
async fn put_back(world: &World) -> Result<()> {
    world.stop().await?;
    std::fs::remove_dir_all(world.data())?;
    copy(&world.path("backup"), &world.data()).await
}

async fn copy(from: &Path, to: &Path) -> Result<()> {
    printed(&Command::new("cp").arg("-a").arg(from).arg(to).output().await?)?;
    Ok(())
}
