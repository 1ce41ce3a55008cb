//! The database that the server brings along is no toy: long commands run beside the conversation, one process
//! holds it, and it stays what it was made as. The same holds for the private cluster of native Postgres.

use std::fmt::Write as _;
use std::process::Output;

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::crowd::{Crowd, check};

pub(crate) const TESTS: &[Test] = tests![
    messages_flow_while_commands_work_on_the_database,
    an_import_that_was_cut_short_is_completed_by_a_repeat,
    a_folder_has_one_holder_and_one_kind_of_database,
];

/// Lines of the import; each is a conversation of two messages.
const LINES: usize = 20_000;

async fn messages_flow_while_commands_work_on_the_database(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let file = conversations(&world)?;
    let folder = world.path("exported");
    let folder = folder.to_str().context("a path of plain characters")?;
    let mut crowd = Crowd::gather(&world, 3, 1).await?;

    let output = beside(&world, &mut crowd, &["import", "conversations", &file]).await?;
    printed(&output)?;
    ensure!(imported(&world).await? == 2 * LINES, "all of the file is there");
    printed(&beside(&world, &mut crowd, &["doctor", "--data"]).await?)?;
    printed(&beside(&world, &mut crowd, &["export", folder]).await?)?;
    let add = ["user", "add", "--email", "ann@shop.example", "--role", "staff"];
    printed(&beside(&world, &mut crowd, &add).await?)?;
    ensure!(printed(&world.command(&["user", "list"]).await?)?.contains("ann@shop.example"));

    let people = crowd.hush().await?;
    for talker in &people {
        ensure!(talker.refused == 0, "{} sends were not taken at once", talker.refused);
        ensure!(talker.opened == 1, "and nobody was sent away");
    }
    check(people, async |select| world.rows(&select).await).await
}

/// Runs a command, in which time messages must have been acknowledged.
async fn beside(world: &World, crowd: &mut Crowd, arguments: &[&str]) -> Result<Output> {
    let before = crowd.count();
    let output = world.command(arguments).await?;
    let meanwhile = crowd.count() - before;
    ensure!(meanwhile > 0, "nothing was acknowledged during `switchboard {}`", arguments.join(" "));
    crowd.acknowledged(20).await?;
    Ok(output)
}

async fn an_import_that_was_cut_short_is_completed_by_a_repeat(world: World) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    let file = conversations(&world)?;
    let import = ["import", "conversations", &file];
    let cut = async {
        eventually("a part of it to be stored", async || Ok((imported(&world).await? > 0).then_some(())))
            .await?;
        world.kill().await
    };
    let (output, cut) = tokio::join!(world.command(&import), cut);
    cut?;
    ensure!(!output?.status.success(), "an import without a server to its end succeeded");
    world.start().await?;
    ensure!(imported(&world).await? < 2 * LINES, "it was cut short");
    printed(&world.command(&import).await?)?;
    ensure!(imported(&world).await? == 2 * LINES, "all of it is there, once");
    printed(&world.command(&["doctor", "--data"]).await?)?;
    Ok(())
}

/// A file of old conversations.
fn conversations(world: &World) -> Result<String> {
    let lines = (0..LINES).fold(String::new(), |mut lines, number| {
        let turns = json!([
            {"role": "user", "content": format!("question {number}: when does the shop open on a holiday?")},
            {"role": "assistant", "content": format!("answer {number}: at ten, as on a Sunday.")},
        ]);
        let _ = writeln!(lines, "{}", json!({"id": format!("old-{number}"), "turns": turns}));
        lines
    });
    let file = world.path("conversations.jsonl");
    std::fs::write(&file, lines)?;
    Ok(file.to_str().context("a path of plain characters")?.to_owned())
}

/// How many messages of it are stored.
async fn imported(world: &World) -> Result<usize> {
    let count = "select count(*) from messages where content like 'question %' or content like 'answer %'";
    Ok(world.value(count).await?.as_u64().context("a count")?.try_into()?)
}

async fn a_folder_has_one_holder_and_one_kind_of_database(world: World) -> Result<()> {
    let serve = async |database: &str| {
        let output = world.command(&["serve", "--listen", "127.0.0.1:0", "--database", database]).await?;
        ensure!(!output.status.success(), "a second server starts with {database}");
        Ok(String::from_utf8(output.stderr)?)
    };
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let said = serve(world.lane().name()).await?;
    let holder = world.process_id().await?.to_string();
    ensure!(said.contains("is in use") && said.contains(&holder), "by whom: {said}");
    ensure!(said.contains("--data"), "and the way out: {said}");
    ensure!(visitor.send("after").await?.seq == 2, "the first one goes on");
    visitor.lose();
    world.stop().await?;

    let other = match world.lane() {
        Lane::Embedded => "local",
        Lane::Local => "embedded",
    };
    let stay = format!("--database {}", world.lane().name());
    for other in [other, "postgres://nobody@127.0.0.1:1/none"] {
        let said = serve(other).await?;
        for part in ["switchboard export", "switchboard import", &stay] {
            ensure!(said.contains(part), "the way out names `{part}`: {said}");
        }
    }
    world.start().await?;
    ensure!(visitor.resume().await?, "nothing was touched");
    Ok(())
}
