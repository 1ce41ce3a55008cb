//! A server that is killed while somebody writes to it.

use switchboard_tests::prelude::*;
use switchboard_tests::proxy::Direction;
use tokio::sync::watch;

use super::Shop;

pub(super) async fn a_server_killed_while_the_visitor_writes_loses_nothing_and_repeats_nothing(
    world: World,
) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.expects_outages();
    shop.open().await?;
    let (is_dead, dead) = watch::channel(false);
    let write = async {
        let mut texts = Vec::new();
        let mut after = 0;
        while after < 4 {
            after += usize::from(*dead.borrow());
            texts.push(format!("number {}", texts.len() + 1));
            shop.say(&texts[texts.len() - 1]).await?;
        }
        anyhow::Ok(texts)
    };
    let kill = async {
        eventually("some of it to be stored", async || {
            let stored = world.value("select count(*) from messages").await?;
            Ok((stored.as_u64() >= Some(4)).then_some(()))
        })
        .await?;
        world.kill().await?;
        anyhow::Ok(is_dead.send_replace(true))
    };
    let (texts, _) = tokio::try_join!(write, kill)?;
    // All of it stands there in the order typed: what the server has, and after it what waits for the server.
    let shown = shop.transcript().await?;
    ensure!(shown.iter().map(|(_, text)| text).eq(&texts), "{shown:?}");
    ensure!(shown.first().is_some_and(|(kind, _)| kind == "user"), "{shown:?}");
    ensure!(shown.last().is_some_and(|(kind, _)| kind == "pending"), "{shown:?}");
    ensure!(shown.is_sorted_by_key(|(kind, _)| kind == "pending"), "{shown:?}");
    shop.until("root.querySelector('.pending .meta').textContent === 'Waiting to be sent'").await?;
    shop.until("root.querySelector('.status').textContent === 'Reconnecting'").await?;

    world.start().await?;
    shop.shows_said(&texts).await?;
    ensure!(shop.shows_what_is_stored(&world).await? == texts.len());
    shop.until("root.querySelector('.status').textContent === 'Waiting for a person'").await?;
    shop.reload().await?;
    shop.shows_said(&texts).await?;
    shop.close().await
}

/// The server has it on its disk, and is killed before the browser knows.
pub(super) async fn a_message_whose_acknowledgement_was_lost_is_sent_once(world: World) -> Result<()> {
    world.start().await?;
    let proxy = Proxy::before(world.address()).await?;
    let shop = Shop::behind(&world, proxy.address()).await?;
    shop.expects_outages();
    shop.open().await?;
    shop.say("one").await?;
    shop.shows_said(&["one"]).await?;
    let conversation = shop.conversation().await?;

    proxy.hold(Direction::ToClient);
    shop.say("two").await?;
    shop.say("three").await?;
    eventually("the second to be stored", async || {
        Ok((world.stored_messages(&conversation).await?.len() == 2).then_some(()))
    })
    .await?;
    shop.shows(&[("user", "one"), ("pending", "two"), ("pending", "three")]).await?;
    proxy.refuse();
    world.kill().await?;
    shop.until("chat.desk.state === 'reconnecting'").await?;
    shop.shows(&[("user", "one"), ("pending", "two"), ("pending", "three")]).await?;

    proxy.release(Direction::ToClient);
    proxy.accept();
    world.start().await?;
    shop.shows_said(&["one", "two", "three"]).await?;
    ensure!(shop.shows_what_is_stored(&world).await? == 3);
    shop.close().await
}
