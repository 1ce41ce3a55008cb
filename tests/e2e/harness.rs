//! The harness itself: what every other test relies on.

use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![
    a_server_starts_again_at_its_address,
    the_database_can_be_asked_and_told,
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
