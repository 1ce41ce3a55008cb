//! SIGTERM: the server sends everyone away politely, and loses nothing that it took in.

use std::time::Duration;

use switchboard_tests::prelude::*;

use crate::crowd::stored;
use crate::crowd::{Crowd, check};

pub(crate) const TESTS: &[Test] = tests![
    clients_are_warned_closed_and_find_everything_again,
    a_drain_answers_all_that_was_taken_in,
    readiness_ends_before_the_server_does,
    a_client_that_does_not_answer_holds_nobody_up,
];

async fn clients_are_warned_closed_and_find_everything_again(world: World) -> Result<()> {
    world.without_limits().with_variable("SWITCHBOARD_DRAIN_SECONDS", "20");
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 5, 3).await?;
    for stop in 1..=2 {
        crowd.acknowledged(300).await?;
        world.terminate().await?;
        crowd.warned(stop * 8).await?;
        let status = world.ended().await?;
        ensure!(status.success(), "a drained server ends well, not with {status}");
        world.start().await?;
    }
    crowd.acknowledged(100).await?;
    let people = crowd.hush().await?;
    for talker in &people {
        ensure!(talker.closes == [4000, 4000], "closed with {:?}", talker.closes);
        ensure!(talker.refused == 0, "whoever could not be served was told to come back, and nothing else");
    }
    check(people, async |select| world.rows(&select).await).await
}

/// Everything that stands in the database after the drain was acknowledged before it: nothing is left for the
/// outbox but what the server never read.
async fn a_drain_answers_all_that_was_taken_in(world: World) -> Result<()> {
    const SENT: usize = 400;
    world.without_limits().with_variable("SWITCHBOARD_DRAIN_SECONDS", "20");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let conversation = visitor.conversation.clone();
    let socket = visitor.socket()?;
    let mut requests = Vec::new();
    for number in 0..SENT {
        let params = json!({
            "conversation_id": conversation, "client_id": Uuid::new_v4(), "content": format!("number {number}"),
        });
        requests.push(socket.request("message.send", params).await?);
    }
    // The first answer: the others are in every stage of their way.
    socket.answer(requests[0]).await?.context("the first is stored")?;
    world.terminate().await?;
    let mut answered = 1_u64;
    let closed = loop {
        match socket.frame().await {
            Ok(frame) if frame["id"].is_u64() => {
                ensure!(frame["result"]["seq"] == answered + 1, "in order, and stored: {frame}");
                answered += 1;
            }
            Ok(frame) => {
                ensure!(frame["method"].is_string(), "beside answers only notifications: {frame}");
            }
            Err(error) => break error.downcast::<switchboard_tests::socket::Closed>()?,
        }
    };
    ensure!(closed.code == 4000, "{closed}");
    ensure!(world.ended().await?.success());
    world.start().await?;
    let stored = stored(&conversation, &async |select: String| world.rows(&select).await).await?;
    ensure!(stored.len() as u64 == answered, "{answered} were acknowledged, {} are stored", stored.len());
    Ok(())
}

/// Whoever watches `/readyz` sends nobody here any more, while those who are here are still told.
async fn readiness_ends_before_the_server_does(world: World) -> Result<()> {
    world.with_variable("SWITCHBOARD_DRAIN_SECONDS", "20");
    world.start().await?;
    ensure!(world.get("/readyz").await?.status() == 200);
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    world.terminate().await?;
    visitor.socket()?.notification("server.draining").await?;
    // The visitor has not answered the close frame, so the server is still here.
    let readiness =
        world.get("/readyz").await.context("a draining server still says that it is not ready")?;
    ensure!(readiness.status() == 503, "{}", readiness.status());
    let closed = visitor.socket()?.expect_close().await?;
    ensure!(closed.code == 4000, "{closed}");
    ensure!(world.ended().await?.success());
    Ok(())
}

async fn a_client_that_does_not_answer_holds_nobody_up(world: World) -> Result<()> {
    world.with_variable("SWITCHBOARD_DRAIN_SECONDS", "20");
    world.start().await?;
    let mut silent = Vec::new();
    for _ in 0..5 {
        let mut visitor = world.visitor().await?;
        visitor.send("hello").await?;
        silent.push(visitor);
    }
    // None of them reads, so none answers the close frame.
    let took = world.stop().await?;
    ensure!(took < Duration::from_secs(15), "the drain took {took:?} for five who were gone");
    Ok(())
}
