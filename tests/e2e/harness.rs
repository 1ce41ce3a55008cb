//! The harness itself: what every other test relies on.

use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![
    a_server_starts_again_at_its_address,
    the_database_can_be_asked_and_told,
    a_visitor_sees_each_message_once_through_a_bad_network,
    a_socket_shows_every_frame_and_its_end,
    the_browser_runs_a_page needs Browser,
];

async fn a_server_starts_again_at_its_address(world: World) -> Result<()> {
    world.start().await?;
    let address = world.address();
    ensure!(world.get("/healthz").await?.status() == 200);
    ensure!(world.memory().await? > 0);
    world.restart().await?;
    ensure!(world.address() == address);
    world.kill().await?;
    ensure!(world.get("/healthz").await.is_err());
    world.start().await?;
    ensure!(world.get("/healthz").await?.status() == 200);
    Ok(())
}

async fn the_database_can_be_asked_and_told(world: World) -> Result<()> {
    world.start().await?;
    let rows = world.rows("select n, 'it''s' as word from generate_series(1, 2) as n order by n").await?;
    ensure!(rows == [json!({"n": 1, "word": "it's"}), json!({"n": 2, "word": "it's"})]);
    world.execute("create table told (n int)").await?;
    ensure!(world.value("select count(*) from told").await? == 0);
    ensure!(world.rows("select * from nowhere").await.is_err());
    Ok(())
}

async fn a_visitor_sees_each_message_once_through_a_bad_network(world: World) -> Result<()> {
    world.start().await?;
    let proxy = Proxy::before(world.address()).await?;
    let mut far = Visitor::open(proxy.address(), json!({})).await?;
    far.send("one").await?;
    let mut near = far.tab_at(world.address()).await?;
    near.send("two").await?;
    ensure!(far.next_message().await?["content"] == "two");

    proxy.cut();
    near.send("three").await?;
    ensure!(far.send("four").await.is_err());
    ensure!(far.unacknowledged() == 1);
    ensure!(far.resume().await?, "what was missed is within reach");
    ensure!(far.send_outbox().await?.len() == 1);
    near.read_to(4).await?;
    ensure!(far.said() == ["one", "two", "three", "four"]);
    ensure!(near.said() == far.said());
    ensure!(world.stored_messages(&far.conversation).await?.len() == 4);
    Ok(())
}

async fn a_socket_shows_every_frame_and_its_end(world: World) -> Result<()> {
    world.start().await?;
    let mut socket = world.socket().await?;
    ensure!(socket.protocol.as_deref() == Some("switchboard.v1"));
    ensure!(socket.call_refused("no.such", json!({})).await?.kind == "method_not_found");
    socket.send_text("{").await?;
    ensure!(socket.frame().await?["error"]["data"]["kind"] == "parse_error");
    socket.send_binary(b"x").await?;
    ensure!(socket.expect_close().await?.code == 4500);
    let other = Upgrade { protocol: Some("other.v1"), ..Upgrade::default() };
    ensure!(Socket::refused(world.address(), other).await? == 400);
    Ok(())
}

async fn the_browser_runs_a_page(_: World) -> Result<()> {
    let browser = Browser::start().await?;
    browser.goto("data:text/html,<meta name=viewport content=width=device-width><p id=p>hello").await?;
    browser.media(&[("prefers-color-scheme", "dark")]).await?;
    browser.screen(390, 844, true).await?;
    ensure!(browser.wait_for("return document.querySelector('#p')?.textContent").await? == "hello");
    ensure!(browser.run("return matchMedia('(prefers-color-scheme: dark)').matches").await? == true);
    ensure!(browser.run("return innerWidth").await? == 390);
    ensure!(browser.run("return Promise.resolve(7)").await? == 7);
    ensure!(browser.console_errors().await?.is_empty());
    browser.run("console.error('ouch')").await?;
    ensure!(browser.console_errors().await?.iter().any(|line| line.contains("ouch")));
    browser.close().await
}
