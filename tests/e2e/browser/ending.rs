//! The end of a conversation, and what comes after it.

use switchboard_tests::prelude::*;

use super::Shop;
use super::looks::{PHONE, WIDE, fits};

pub(super) async fn a_conversation_is_ended_rated_and_followed_by_another(world: World) -> Result<()> {
    world.start().await?;
    let proxy = Proxy::before(world.address()).await?;
    let shop = Shop::behind(&world, proxy.address()).await?;
    shop.expects_outages();
    shop.open().await?;
    shop.say("one").await?;
    shop.shows_said(&["one"]).await?;
    let first = shop.conversation().await?;

    // On another device it is ended, before this one can say more.
    let credentials =
        "const of = (name) => Object.entries(localStorage).find(([key]) => key.endsWith(name))[1];
                       return JSON.parse(of(':token'))";
    let token = shop.ask(credentials).await?;
    proxy.refuse();
    shop.say("too late").await?;
    shop.shows(&[("user", "one"), ("pending", "too late")]).await?;
    world.rpc(token.as_str(), "conversation.close", json!({"conversation_id": first})).await?;
    proxy.accept();
    shop.shows(&[("user", "one"), ("failed", "too late")]).await?;
    shop.until("root.querySelector('form').hidden && !root.querySelector('.ended').hidden").await?;
    for screen in [PHONE, WIDE] {
        fits(&world, &shop, "ended", screen).await?;
    }
    shop.click(".failed .act:last-child").await?;
    shop.shows_said(&["one"]).await?;
    shop.click(".stars button:nth-child(4)").await?;
    shop.until("root.querySelectorAll('.lit').length === 4").await?;
    ensure!(world.value("select rating from conversations").await? == 4);

    shop.click("[part=start-new]").await?;
    shop.shows(&[]).await?;
    shop.until("root.activeElement.localName === 'textarea'").await?;
    shop.say("another matter").await?;
    shop.shows_said(&["another matter"]).await?;
    ensure!(shop.conversation().await? != first);

    // It is asked twice, as there is no way back.
    shop.click("[part=menu]").await?;
    for words in ["End conversation", "End it for good?"] {
        shop.until(&format!("root.querySelector('.menu button:last-child').textContent === '{words}'"))
            .await?;
        shop.click(".menu button:last-child").await?;
    }
    shop.until("!root.querySelector('.ended').hidden").await?;
    ensure!(world.value("select count(*) from conversations where status = 'closed'").await? == 2);
    shop.close().await
}
