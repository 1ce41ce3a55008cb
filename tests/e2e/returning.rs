//! People who come back late: their token has run out long ago, and the server is another process.

use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![whoever_comes_back_after_two_days_finds_their_conversation];

async fn whoever_comes_back_after_two_days_finds_their_conversation(world: World) -> Result<()> {
    world.with_variable("SWITCHBOARD_TOKEN_SECONDS", "3");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("I come back to this").await?;
    // The token runs out while the page is open.
    let closed = visitor.socket()?.expect_close().await?;
    ensure!(closed.code == 4006, "{closed}");
    visitor.lose();
    world.with_variable("SWITCHBOARD_TOKEN_SECONDS", "1800");
    world.restart().await?;
    let mut elsewhere = visitor.tab().await?;
    elsewhere.send("meanwhile").await?;
    drop(elsewhere);
    let days_ago = "update users set resume_used_at = resume_used_at - interval '2 days'";
    world.execute(days_ago).await?;
    world.restart().await?;

    // As the browser library does it: with all that it has, the token among it, and no name of a conversation.
    let params = json!({
        "token": visitor.token, "resume": visitor.resume_secret, "position": visitor.position(),
    });
    let mut socket = world.socket().await?;
    let opened = socket.call("session.open", params).await?;
    ensure!(opened["conversation"]["conversation_id"] == *visitor.conversation, "the same one: {opened}");
    ensure!(opened["recovered"] == true && opened["messages"][0]["content"] == "meanwhile", "{opened}");
    ensure!(opened["resume"] == *visitor.resume_secret, "it is never rotated: tabs share it");
    ensure!(opened["token"].as_str().is_some_and(|token| token != visitor.token), "a fresh token");

    // Without the secret the old token proves nothing.
    let mut socket = world.socket().await?;
    let refused = socket.call_refused("session.open", json!({"token": visitor.token})).await?;
    ensure!(refused.kind == "unauthenticated", "{refused}");
    Ok(())
}
