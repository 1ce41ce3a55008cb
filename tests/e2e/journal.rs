//! Messages that are acknowledged while the database is away, on the server's own disk, and where they end.
//!
//! Invariant of all that is here: what was acknowledged is in the log once, in the order in which it was said, or its
//! sender is told that it is not.

use nix::sys::signal::Signal;
use switchboard_tests::prelude::*;
use switchboard_tests::visitor::Visitor;
use uuid::Uuid;

use crate::numbers::{metric, reaches};
use crate::postgres::Postgres;

pub(crate) const TESTS: &[Test] = tests![
    an_outage_is_bridged_by_the_journal needs LocalDatabase,
    a_server_that_is_killed_during_an_outage_stores_what_it_had_acknowledged_once needs LocalDatabase,
    a_database_that_hangs_is_bridged_too needs LocalDatabase,
    conflicts_and_repeats_are_settled_at_the_drain needs LocalDatabase,
    beyond_its_bound_the_journal_acknowledges_nothing needs LocalDatabase,
];

const AWAY: &str = "the database is away; writes wait";

async fn an_outage_is_bridged_by_the_journal(world: World) -> Result<()> {
    let mut postgres = with_journal(&world, "").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let mut tab = visitor.tab().await?;
    // Nothing is stored of this one, neither person nor conversation.
    let mut newcomer = world.visitor().await?;
    postgres.stop(Signal::SIGINT).await?;

    let said: Vec<(Uuid, String)> = (1..=40).map(|n| (Uuid::new_v4(), format!("number {n}"))).collect();
    let mut times = Vec::new();
    for (client_id, content) in &said {
        let kept = kept(&mut visitor, *client_id, content).await?;
        ensure!(kept["duplicate"] == false, "{kept}");
        times.push(kept["created_at"].clone());
    }
    let (first, first_said) = said[0].clone();
    let again = kept(&mut visitor, first, &first_said).await?;
    ensure!(again["duplicate"] == true && again["created_at"] == times[0], "the same answer: {again}");
    let other = send(&mut visitor, first, "something else").await.err().context("it was taken")?;
    let other: &RpcError = other.downcast_ref().context("an error of the protocol")?;
    ensure!(other.kind == "conflict" && other.data["current"]["seq"].is_null(), "{other}");
    kept(&mut newcomer, Uuid::new_v4(), "my first word").await?;
    let over_http = json!({
        "conversation_id": visitor.conversation, "client_id": Uuid::new_v4(), "content": "over HTTP",
        "wait_reply_ms": 100,
    });
    let answer = world.rpc(Some(&visitor.token), "message.send", over_http).await?;
    ensure!(answer["durability"] == "journal" && answer["reply"].is_null(), "{answer}");
    ensure!(metric(&world, "switchboard_journal_messages").await? == 42);
    ensure!(tab.head() == 1, "nothing is shown before its commit");

    postgres.run().await?;
    visitor.read_to(42).await?;
    tab.read_to(42).await?;
    newcomer.read_to(1).await?;
    let due: Vec<&str> = ["before"]
        .into_iter()
        .chain(said.iter().map(|(_, content)| &**content))
        .chain(["over HTTP"])
        .collect();
    ensure!(visitor.said() == due && tab.said() == due, "in the order said: {:?}", visitor.said());
    ensure!(newcomer.said() == ["my first word"]);
    let shown: Vec<_> =
        visitor.transcript()[1..41].iter().map(|message| message["created_at"].clone()).collect();
    ensure!(shown == times, "a message keeps the time at which it was accepted");
    let again = send(&mut visitor, first, &first_said).await?;
    ensure!(again["duplicate"] == true && again["seq"] == 2 && again["durability"] == "postgres", "{again}");
    ensure!(visitor.send("after").await?.seq == 43);
    reaches(&world, "switchboard_journal_messages", 0).await?;
    ensure!(metric(&world, "switchboard_journal_drained_total").await? == 42);
    ensure!(segments(&world)? == 0, "nothing that was said stays on this disk");
    ensure!(postgres.rows("select seq from messages").await?.len() == 44);
    world.stop().await?;
    drop(postgres);
    Ok(())
}

async fn a_server_that_is_killed_during_an_outage_stores_what_it_had_acknowledged_once(
    world: World,
) -> Result<()> {
    let mut postgres = with_journal(&world, "").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let mut newcomer = world.visitor().await?;
    postgres.stop(Signal::SIGINT).await?;
    let mut ids = Vec::new();
    for n in 1..=20 {
        ids.push(Uuid::new_v4());
        kept(&mut visitor, ids[n - 1], &format!("number {n}")).await?;
    }
    kept(&mut newcomer, Uuid::new_v4(), "my first word").await?;
    world.kill().await?;
    visitor.lose();
    newcomer.lose();
    // A start while the database is still away comes to nothing, and costs nothing.
    let early = world.command(&["serve", "--listen", "127.0.0.1:0"]).await?;
    ensure!(!early.status.success(), "it started without a database");
    let doctor = world.command(&["doctor"]).await?;
    ensure!(String::from_utf8_lossy(&doctor.stdout).contains("21 messages in "), "the doctor sees them");
    postgres.run().await?;
    // Killed in the middle of the drain, too: what is in the log by then goes there no second time.
    world.start().await?;
    world.kill().await?;
    world.start().await?;
    ensure!(visitor.resume().await?, "nothing was lost");
    visitor.read_to(21).await?;
    let due: Vec<String> = (1..=20).map(|n| format!("number {n}")).collect();
    ensure!(visitor.said()[0] == "before" && visitor.said()[1..] == due, "{:?}", visitor.said());
    let stored = async || Ok((postgres.rows("select seq from messages").await?.len() == 22).then_some(()));
    eventually("all to be stored", stored).await?;
    newcomer.resume().await?;
    newcomer.read_to(1).await?;
    ensure!(newcomer.said() == ["my first word"]);
    let again = send(&mut visitor, ids[4], "number 5").await?;
    ensure!(again["seq"] == 6 && again["duplicate"] == true, "{again}");
    ensure!(postgres.rows("select seq from messages").await?.len() == 22, "each once");
    eventually("the journal to be empty", async || Ok((segments(&world)? == 0).then_some(()))).await?;
    world.stop().await?;
    drop(postgres);
    Ok(())
}

async fn a_database_that_hangs_is_bridged_too(world: World) -> Result<()> {
    let postgres = with_journal(&world, "").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    postgres.freeze()?;
    let client_id = Uuid::new_v4();
    kept(&mut visitor, client_id, "is anybody there?").await?;
    kept(&mut visitor, Uuid::new_v4(), "hello?").await?;
    postgres.thaw()?;
    visitor.read_to(3).await?;
    ensure!(visitor.said() == ["before", "is anybody there?", "hello?"]);
    ensure!(postgres.rows("select seq from messages").await?.len() == 3);
    world.stop().await?;
    drop(postgres);
    Ok(())
}

async fn conflicts_and_repeats_are_settled_at_the_drain(world: World) -> Result<()> {
    let mut postgres = with_journal(&world, "").await?;
    world.allow_warning("messages of the journal could not be stored");
    let mut visitor = world.visitor().await?;
    let (early, earlier) = (Uuid::new_v4(), Uuid::new_v4());
    visitor.send_as(early, "said long ago").await?;
    visitor.send_as(earlier, "said before").await?;
    // More than a session remembers: only the database knows those two.
    for n in 3..=80 {
        visitor.send(&format!("number {n}")).await?;
    }
    postgres.stop(Signal::SIGINT).await?;
    kept(&mut visitor, Uuid::new_v4(), "first").await?;
    kept(&mut visitor, early, "and now something else").await?;
    kept(&mut visitor, earlier, "said before").await?;
    kept(&mut visitor, Uuid::new_v4(), "last").await?;
    postgres.run().await?;
    let rejected = visitor.socket()?.notification("message.rejected").await?;
    ensure!(rejected["client_id"] == early.to_string(), "{rejected}");
    ensure!(rejected["error"]["data"]["kind"] == "conflict", "{rejected}");
    ensure!(rejected["error"]["data"]["current"]["seq"] == 1, "what stands: {rejected}");
    let mut told = Vec::new();
    while told.len() < 3 {
        let created = visitor.socket()?.notification("message.created").await?;
        told.push((created["message"]["seq"].clone(), created["message"]["content"].clone()));
    }
    told.sort_by_key(|(seq, _)| seq.as_u64());
    ensure!(told[0] == (json!(2), json!("said before")), "it has the number that it had: {told:?}");
    ensure!(told[1..] == [(json!(81), json!("first")), (json!(82), json!("last"))], "{told:?}");
    ensure!(postgres.rows("select seq from messages").await?.len() == 82);
    let left = eventually("what could not be stored to be left for a person", async || {
        Ok(std::fs::read_to_string(world.path("journal/rejected.jsonl"))
            .ok()
            .filter(|left| left.ends_with('\n')))
    })
    .await?;
    ensure!(left.lines().count() == 1 && left.contains("and now something else"), "{left}");
    world.stop().await?;
    drop(postgres);
    Ok(())
}

async fn beyond_its_bound_the_journal_acknowledges_nothing(world: World) -> Result<()> {
    let mut postgres = with_journal(&world, "1").await?;
    world.allow_warning("the journal takes no more");
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    postgres.stop(Signal::SIGINT).await?;
    let long = "x".repeat(9_990);
    let mut acknowledged = 1;
    let refusal = loop {
        match send(&mut visitor, Uuid::new_v4(), &format!("{long} {acknowledged}")).await {
            Ok(answer) => ensure!(answer["durability"] == "journal", "{answer}"),
            Err(refusal) => break refusal,
        }
        acknowledged += 1;
        ensure!(acknowledged < 200, "it has no bound");
    };
    crate::outage::unavailable::<()>(Err(refusal))?;
    ensure!(acknowledged > 50, "{acknowledged} fit in a megabyte");
    postgres.run().await?;
    visitor.read_to(acknowledged).await?;
    ensure!(visitor.send("after").await?.seq == acknowledged + 1, "what was refused is in no log");
    world.stop().await?;
    drop(postgres);
    Ok(())
}

/// A server with a journal, on a Postgres that can be stopped. `mib` bounds the journal, where it is said.
pub(crate) async fn with_journal(world: &World, mib: &str) -> Result<Postgres> {
    let postgres = Postgres::start(world).await?;
    let folder = world.path("journal").display().to_string();
    world.without_limits().allow_warning(AWAY).with_variable("SWITCHBOARD_JOURNAL", &folder);
    world.with_variable("SWITCHBOARD_JOURNAL_MIB", mib);
    world.start().await?;
    Ok(postgres)
}

async fn send(visitor: &mut Visitor, client_id: Uuid, content: &str) -> Result<Value> {
    let params = json!({"conversation_id": visitor.conversation, "client_id": client_id, "content": content});
    visitor.socket()?.call("message.send", params).await
}

/// Sends, and is told that the journal has it.
async fn kept(visitor: &mut Visitor, client_id: Uuid, content: &str) -> Result<Value> {
    let answer = send(visitor, client_id, content).await?;
    ensure!(answer["durability"] == "journal", "kept in the journal: {answer}");
    ensure!(
        answer["id"].is_null() && answer["seq"].is_null() && answer["created_at"].is_string(),
        "{answer}"
    );
    Ok(answer)
}

fn segments(world: &World) -> Result<usize> {
    let paths = std::fs::read_dir(world.path("journal"))?.map(|entry| Ok(entry?.path()));
    let paths = paths.collect::<Result<Vec<_>>>()?;
    Ok(paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "journal")).count())
}
