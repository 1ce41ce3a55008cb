//! What outlives a lost connection, a reload and a sign-out.

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;

use super::{Clerk, add_staff, colleague, waiting};

pub(crate) async fn after_an_outage_nothing_that_is_shown_is_old(world: World) -> Result<()> {
    world.start().await?;
    let proxy = Proxy::before(world.address()).await?;
    add_staff(&world, "ann@shop.example", "staff").await?;
    let mut bob = colleague(&world, "bob@shop.example").await?;
    let mut kim = waiting(&world, "Kim", "my card is gone").await?;
    let clerk = Clerk::before(proxy.address(), "ann@shop.example").await?;
    clerk.browser.allow_error("WebSocket connection to").allow_error("ERR_");
    clerk.sign_in().await?;
    clerk.open(&kim.conversation).await?;
    clerk.press("c").await?;
    clerk.reads(".conversation-state", "You are answering").await?;

    proxy.refuse();
    clerk.until("document.body.dataset.state !== 'online'").await?;
    clerk.press("r").await?;
    clerk.press("I am on it").await?;
    clerk.press_key(Key::Enter).await?;
    clerk.reads(".said.pending", "I am on it").await?;
    // Meanwhile the world goes on.
    kim.send("hello?").await?;
    let note = json!({"conversation_id": kim.conversation, "client_id": Uuid::new_v4(), "content": "VIP", "private": true});
    bob.call("message.send", note).await?;
    let _lee = waiting(&world, "Lee", "me too").await?;
    let _max = waiting(&world, "Max", "and me").await?;
    let max = world.value("select id from escalations where contact_info->>'name' = 'Max'").await?;
    bob.call("escalation.claim", json!({"id": max})).await?;

    proxy.accept();
    clerk.reads(".said.user", "hello?").await?;
    clerk.reads(".said.note", "VIP").await?;
    clerk.reads(".said.staff:not(.pending)", "I am on it").await?;
    // In the view of all that is open: mine, the new one, and the one that somebody else has by now.
    clerk.until("document.querySelectorAll('.row').length === 3").await?;
    clerk.until("document.querySelectorAll('.row .who:not(.mine)').length === 1").await?;
    clerk.until("document.title.startsWith('(1)')").await?;
    let stored = world.stored_messages(&kim.conversation).await?;
    let mine = stored.iter().filter(|message| message["content"] == "I am on it").count();
    ensure!(mine == 1, "{stored:?}");
    clerk.close().await
}

pub(crate) async fn what_was_half_written_outlives_the_sign_out(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    clerk.browser.allow_error("401").allow_error("WebSocket");
    let kim = waiting(&world, "Kim", "my card is gone").await?;
    let lee = waiting(&world, "Lee", "me too").await?;
    clerk.open(&kim.conversation).await?;
    clerk.press("r").await?;
    clerk.press("Dear Kim").await?;
    clerk.open(&lee.conversation).await?;
    clerk.until("document.querySelector('.composer textarea').value === ''").await?;

    // Somebody takes Ann's rights away, and gives them back.
    ensure!(world.command(&["user", "revoke", "ann@shop.example"]).await?.status.success());
    clerk.until("document.querySelector('.login-card')").await?;
    clerk.reads(".problem", "what you wrote is kept").await?;
    add_staff(&world, "ann@shop.example", "staff").await?;
    clerk.sign_in().await?;
    clerk.until("document.body.dataset.state === 'online'").await?;
    clerk.open(&kim.conversation).await?;
    clerk.until("document.querySelector('.composer textarea').value === 'Dear Kim'").await?;
    clerk.close().await
}
