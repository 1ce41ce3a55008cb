//! A browser that is opened again two days later: another process, whose profile is all that it remembers.

use switchboard_tests::prelude::*;

use super::Shop;

pub(super) async fn whoever_opens_the_browser_two_days_later_finds_the_conversation(
    world: World,
) -> Result<()> {
    world.with_variable("SWITCHBOARD_TOKEN_SECONDS", "2");
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.say("I come back to this").await?;
    shop.shows_said(&["I come back to this"]).await?;
    let conversation = shop.conversation().await?;
    // Nobody renews the token any more.
    let left =
        "chat.remove(); return Object.entries(localStorage).find(([key]) => key.endsWith(':token'))[1]";
    let token: String = serde_json::from_str(shop.ask(left).await?.as_str().context("a token is kept")?)?;
    let Shop { browser, site } = shop;
    let shop = Shop { browser: browser.restart().await?, site };

    world.with_variable("SWITCHBOARD_TOKEN_SECONDS", "1800");
    for (table, column) in
        [("users", "resume_used_at"), ("conversations", "updated_at"), ("messages", "created_at")]
    {
        world.execute(&format!("update {table} set {column} = {column} - interval '2 days'")).await?;
    }
    world.restart().await?;
    eventually("the token to run out", async || {
        let refused = world.rpc(Some(&token), "conversation.list", json!({})).await.err();
        Ok(refused.filter(|error| {
            error.downcast_ref::<RpcError>().is_some_and(|error| error.kind == "unauthenticated")
        }))
    })
    .await?;

    shop.visit().await?;
    shop.open().await?;
    shop.shows_said(&["I come back to this"]).await?;
    ensure!(shop.conversation().await? == conversation);
    let day = shop.ask("return root.querySelector('.day').textContent").await?;
    ensure!(day.as_str().is_some_and(|day| day.contains(char::is_numeric)), "a date, not {day}");
    shop.say("and here I am").await?;
    shop.shows_said(&["I come back to this", "and here I am"]).await?;
    ensure!(shop.shows_what_is_stored(&world).await? == 2);
    for table in ["conversations", "users where workspace_id is not null"] {
        ensure!(world.value(&format!("select count(*) from {table}")).await? == 1, "one of {table}");
    }
    shop.close().await
}
