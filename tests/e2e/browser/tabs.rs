//! Several tabs of one browser.

use switchboard_tests::prelude::*;

use super::Shop;

/// As when a browser opens its window with the tabs of yesterday: what the first one asks has not reached the server
/// when the second one begins.
pub(super) async fn two_tabs_opened_at_once_are_one_visitor_with_one_conversation(
    world: World,
) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    let first = shop.browser.tab().await?;
    begin(&shop).await?;
    shop.until("held.length === 1").await?;
    let second = shop.browser.open_tab().await?;
    shop.visit().await?;
    begin(&shop).await?;
    // It has a question of its own, or it waits for what the first one is told.
    shop.until("held.length === 1 || (await navigator.locks.query()).pending.length === 1").await?;

    for tab in [&first, &second] {
        shop.browser.switch_to(tab).await?;
        shop.ask("letGo()").await?;
    }
    let mut been = Vec::new();
    for tab in [&second, &first] {
        shop.browser.switch_to(tab).await?;
        shop.until("chat.desk.state === 'online'").await?;
        been.push(shop.ask("return [...been]").await?);
    }
    ensure!(
        been[0].as_array().map(Vec::len) == Some(1),
        "a tab was in more conversations than one: {been:?}"
    );
    ensure!(been[0] == been[1], "each tab has a conversation of its own: {been:?}");

    shop.say("from the first").await?;
    shop.shows_said(&["from the first"]).await?;
    shop.browser.switch_to(&second).await?;
    shop.shows_said(&["from the first"]).await?;
    shop.say("from the second").await?;
    for tab in [&second, &first] {
        shop.browser.switch_to(tab).await?;
        shop.shows_said(&["from the first", "from the second"]).await?;
        ensure!(shop.shows_what_is_stored(&world).await? == 2);
    }
    ensure!(world.value("select count(*) from conversations").await? == 1);
    ensure!(world.value("select count(*) from users where workspace_id is not null").await? == 1);
    shop.close().await
}

/// Opens the panel in a tab of which nobody has heard yet. What it says to the server is held back until `letGo()`;
/// `been` has each conversation that it is ever in.
async fn begin(shop: &Shop) -> Result<()> {
    shop.ask(
        "window.been = new Set();
         chat.desk.on('conversation', (now) => been.add(now.conversation_id));
         window.held = [];
         const { send } = WebSocket.prototype;
         WebSocket.prototype.send = function (text) { held.push(() => send.call(this, text)); };
         window.letGo = () => {
           WebSocket.prototype.send = send;
           for (const go of held) go();
         };",
    )
    .await?;
    shop.open().await
}

pub(super) async fn a_message_of_a_tab_that_is_gone_is_sent_by_another_one(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.expects_outages();
    shop.open().await?;
    shop.say("one").await?;
    shop.shows_said(&["one"]).await?;
    let first = shop.browser.tab().await?;
    shop.browser.open_tab().await?;
    shop.visit().await?;
    shop.open().await?;
    shop.shows_said(&["one"]).await?;

    shop.browser.offline(true).await?;
    shop.until("chat.desk.state === 'offline'").await?;
    shop.say("two").await?;
    shop.shows(&[("user", "one"), ("pending", "two")]).await?;
    shop.browser.close_tab().await?;
    shop.browser.switch_to(&first).await?;
    shop.shows_said(&["one", "two"]).await?;
    ensure!(shop.shows_what_is_stored(&world).await? == 2);
    shop.close().await
}
