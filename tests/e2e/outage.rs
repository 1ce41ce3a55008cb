//! The database goes away and comes back while the server and its clients stay.
//!
//! Invariant of all that is here: no acknowledgement lies, nobody is sent away, and no restart is needed.

use futures_util::future::{join_all, try_join_all};
use nix::sys::signal::Signal;
use switchboard_tests::prelude::*;
use switchboard_tests::visitor::Acknowledged;

use crate::crowd::{Crowd, check};
use crate::postgres::Postgres;

pub(crate) const TESTS: &[Test] = tests![
    postgres_restarts_under_load needs LocalDatabase,
    a_frozen_postgres_is_waited_for needs LocalDatabase,
    a_commit_of_unknown_outcome_is_stored_once needs LocalDatabase,
    a_restart_of_postgres_costs_an_idle_client_nothing needs LocalDatabase,
    what_needs_no_database_goes_on_without needs LocalDatabase,
];

/// The log may say that the database was away, and nothing worse.
const AWAY: &str = "the database is away; writes wait";

async fn postgres_restarts_under_load(world: World) -> Result<()> {
    let mut postgres = Postgres::start(&world).await?;
    world.without_limits().allow_warning(AWAY);
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 4, 2).await?;
    for how in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        crowd.acknowledged(200).await?;
        postgres.stop(how).await?;
        ready(&world, false).await?;
        crowd.refused(4).await?;
        postgres.run().await?;
        ready(&world, true).await?;
    }
    crowd.acknowledged(200).await?;
    all_stayed_and_all_is_stored(&world, crowd, &postgres).await
}

async fn a_frozen_postgres_is_waited_for(world: World) -> Result<()> {
    let postgres = Postgres::start(&world).await?;
    world.without_limits().allow_warning(AWAY);
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 3, 1).await?;
    crowd.acknowledged(200).await?;
    postgres.freeze()?;
    // Nothing tells the server but that no answer comes: senders are not left waiting for ever.
    crowd.refused(4).await?;
    ready(&world, false).await?;
    postgres.thaw()?;
    ready(&world, true).await?;
    crowd.acknowledged(200).await?;
    all_stayed_and_all_is_stored(&world, crowd, &postgres).await
}

/// The server takes the connection for lost while its commit is on the way: once Postgres moves again both the
/// commit and its repeat arrive.
async fn a_commit_of_unknown_outcome_is_stored_once(world: World) -> Result<()> {
    let postgres = Postgres::start(&world).await?;
    world.without_limits().allow_warning(AWAY);
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 3, 1).await?;
    let mut newcomers = try_join_all((0..5).map(|_| world.visitor())).await?;
    let mut caller = world.visitor().await?;
    let asked = json!({"conversation_id": caller.conversation});
    crowd.acknowledged(200).await?;
    postgres.freeze()?;
    // First acts are among what is on the way: they bring a visitor and a conversation along.
    let first_words = join_all(newcomers.iter_mut().map(|visitor| visitor.send("my first word")));
    let escalation = caller.socket()?.call("escalation.request", asked.clone());
    let thaw = async {
        eventually("a commit to be given up", async || {
            Ok(world.log()?.contains("no answer within").then_some(()))
        })
        .await?;
        postgres.thaw()
    };
    let (first_words, escalation, thawed) = tokio::join!(first_words, escalation, thaw);
    thawed?;
    ready(&world, true).await?;
    for (visitor, first_word) in newcomers.iter_mut().zip(first_words) {
        if first_word.is_err() {
            unavailable(first_word)?;
            taken_at_last(visitor).await?;
        }
        ensure!(visitor.said() == ["my first word"], "once: {:?}", visitor.said());
    }
    if escalation.is_err() {
        unavailable(escalation)?;
        eventually("the escalation to be taken", async || {
            match caller.socket()?.call("escalation.request", asked.clone()).await {
                Ok(_) => Ok(Some(())),
                refused => unavailable(refused).map(|()| None),
            }
        })
        .await?;
    }
    ensure!(postgres.rows("select id from escalations").await?.len() == 1, "asked for twice, it is one");
    crowd.acknowledged(200).await?;
    drop((newcomers, caller));
    all_stayed_and_all_is_stored(&world, crowd, &postgres).await
}

async fn a_restart_of_postgres_costs_an_idle_client_nothing(world: World) -> Result<()> {
    let mut postgres = Postgres::start(&world).await?;
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = {
        visitor.send("before").await?;
        visitor.tab().await?
    };
    for (how, said) in [(Signal::SIGINT, "after a fast one"), (Signal::SIGQUIT, "after an immediate one")] {
        postgres.stop(how).await?;
        postgres.run().await?;
        // The connections that the pool holds are all dead: nobody may notice.
        let acknowledged = visitor.send(said).await?;
        tab.read_to(acknowledged.seq).await?;
    }
    ensure!(tab.said() == ["before", "after a fast one", "after an immediate one"]);
    drop((visitor, tab));
    world.stop().await?;
    drop(postgres);
    Ok(())
}

async fn what_needs_no_database_goes_on_without(world: World) -> Result<()> {
    let mut postgres = Postgres::start(&world).await?;
    world.without_limits().allow_warning(AWAY);
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut tab = visitor.tab().await?;
    postgres.stop(Signal::SIGINT).await?;

    ensure!(world.get("/healthz").await?.status() == 200, "the server is alive");
    ready(&world, false).await?;
    let conversation = visitor.conversation.clone();
    visitor.socket()?.notify("typing", json!({"conversation_id": conversation, "on": true})).await?;
    ensure!(tab.socket()?.notification("typing").await?["on"] == true, "people see one another type");

    // A resume at the head is answered from memory.
    tab.lose();
    ensure!(tab.resume().await?, "a resume at the head needs no database");

    // A send is not acknowledged, and says when to try again.
    unavailable(visitor.send("are you there?").await)?;
    let page = json!({"conversation_id": conversation, "limit": 10});
    unavailable(visitor.socket()?.call("message.list", page.clone()).await)?;
    unavailable(world.rpc(Some(&visitor.token), "message.list", page).await)?;

    postgres.run().await?;
    ready(&world, true).await?;
    let acknowledged = taken_at_last(&mut visitor).await?;
    ensure!(acknowledged.seq == 2, "once, and without a gap: {acknowledged:?}");
    tab.read_to(2).await?;
    ensure!(tab.said() == ["hello", "are you there?"]);
    ensure!(postgres.rows("select content from messages").await?.len() == 2);
    drop((visitor, tab));
    world.stop().await?;
    drop(postgres);
    Ok(())
}

/// The refusal of something that could be taken later.
pub(crate) fn unavailable<T>(outcome: Result<T>) -> Result<()> {
    let error = outcome.err().context("it was taken")?;
    let error: &RpcError =
        error.downcast_ref().with_context(|| format!("{error:#} is none of the protocol"))?;
    ensure!(error.code == -32050 && error.kind == "unavailable", "unavailable, not {error}");
    ensure!(error.data["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "when to try again: {error}");
    Ok(())
}

/// Sends again what was refused until it is acknowledged.
pub(crate) async fn taken_at_last(visitor: &mut Visitor) -> Result<Acknowledged> {
    eventually("what was refused to be taken", async || match visitor.send_outbox().await {
        Ok(mut acknowledged) => Ok(acknowledged.pop()),
        refused => unavailable(refused).map(|()| None),
    })
    .await
}

/// Waits until `/readyz` says so.
async fn ready(world: &World, is_ready: bool) -> Result<()> {
    let due = if is_ready { 200 } else { 503 };
    eventually(&format!("/readyz to answer {due}"), async || {
        let response = world.get("/readyz").await?;
        let status = response.status();
        ensure!(status == 200 || status == 503, "/readyz answered {status}");
        if status == 503 {
            ensure!(response.text().await?.contains("database"), "it says why");
        }
        Ok((status == due).then_some(()))
    })
    .await
}

async fn all_stayed_and_all_is_stored(world: &World, crowd: Crowd, postgres: &Postgres) -> Result<()> {
    let people = crowd.hush().await?;
    for talker in &people {
        ensure!(talker.opened == 1, "sockets stay open, and one was closed with {:?}", talker.closes);
    }
    check(people, async |select| postgres.rows(&select).await).await?;
    world.stop().await?;
    Ok(())
}
