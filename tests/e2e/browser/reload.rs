//! A page that is loaded anew.

use switchboard_tests::prelude::*;

use super::{Shop, staff_say};

pub(super) async fn a_reload_keeps_the_conversation_and_its_history(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    for text in ["one", "two"] {
        shop.say(text).await?;
    }
    shop.shows_said(&["one", "two"]).await?;
    let conversation = shop.conversation().await?;
    shop.browser.keys("half a sen").await?;

    shop.reload().await?;
    shop.open().await?;
    shop.shows_said(&["one", "two"]).await?;
    ensure!(shop.conversation().await? == conversation);
    // What was being typed is there too, and goes on.
    shop.say("tence").await?;
    let all = ["one", "two", "half a sentence"];
    shop.shows_said(&all).await?;
    shop.reload().await?;
    shop.shows_said(&all).await?;
    ensure!(shop.shows_what_is_stored(&world).await? == 3);
    ensure!(world.value("select count(*) from users where workspace_id is not null").await? == 1);
    shop.close().await
}

pub(super) async fn the_badge_counts_what_was_not_read(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.say("hello").await?;
    shop.shows_said(&["hello"]).await?;
    has_unread(&shop, 0).await?;
    shop.click("[part=close]").await?;
    staff_say(&world, &shop, "good morning").await?;
    has_unread(&shop, 1).await?;
    staff_say(&world, &shop, "how can I help?").await?;
    has_unread(&shop, 2).await?;
    shop.reload().await?;
    has_unread(&shop, 2).await?;

    shop.open().await?;
    shop.shows(&[("user", "hello"), ("staff", "good morning"), ("staff", "how can I help?")]).await?;
    has_unread(&shop, 0).await?;
    eventually("the mark to be stored", async || {
        Ok((world.value("select user_read_seq from conversations").await? == 3).then_some(()))
    })
    .await?;
    shop.reload().await?;
    shop.until("chat.desk.state === 'online'").await?;
    has_unread(&shop, 0).await?;
    shop.close().await
}

/// For the eye and for the ear.
async fn has_unread(shop: &Shop, count: usize) -> Result<()> {
    let (badge, name) = match count {
        0 => (Value::Null, "Open chat".to_owned()),
        count => (json!(count.to_string()), format!("Open chat, {count} unread")),
    };
    let seen = "const badge = root.querySelector('.badge');
                return [badge.hidden ? null : badge.textContent, root.querySelector('.launcher').ariaLabel]";
    eventually(&format!("the badge to say {badge}"), async || {
        Ok((shop.ask(seen).await? == json!([badge, name])).then_some(()))
    })
    .await
}

pub(super) async fn what_was_not_acknowledged_survives_a_reload_and_is_sent_once(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::hosting(&world).await?;
    shop.expects_outages();
    shop.open().await?;
    shop.say("one").await?;
    shop.shows_said(&["one"]).await?;
    world.kill().await?;
    shop.say("two").await?;
    shop.say("three").await?;
    shop.shows(&[("user", "one"), ("pending", "two"), ("pending", "three")]).await?;

    shop.reload().await?;
    shop.shows(&[("pending", "two"), ("pending", "three")]).await?;
    world.start().await?;
    let all = ["one", "two", "three"];
    shop.shows_said(&all).await?;
    ensure!(shop.shows_what_is_stored(&world).await? == 3);
    shop.reload().await?;
    shop.shows_said(&all).await?;
    ensure!(shop.ask("return chat.desk.pending").await? == json!([]));
    ensure!(shop.shows_what_is_stored(&world).await? == 3);
    shop.close().await
}
