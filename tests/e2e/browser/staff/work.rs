//! The work at the desk: claiming, answering, noting, resolving, and finding out why.

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;

use super::{Clerk, colleague, waiting};

pub(crate) async fn somebody_who_waits_is_claimed_answered_and_resolved_with_the_keyboard(
    world: World,
) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    clerk.reads(".queue-status", "Nobody is waiting").await?;
    let mut visitor = waiting(&world, "Kim", "my card is gone").await?;
    clerk.reads(".row .name", "Kim").await?;
    clerk.until("document.title.startsWith('(1)')").await?;

    clerk.press("j").await?;
    clerk.press_key(Key::Enter).await?;
    clerk.reads(".said.user", "my card is gone").await?;
    clerk.press("c").await?;
    clerk.reads(".conversation-state", "You are answering").await?;
    ensure!(world.value("select status from escalations").await? == "in_progress");
    clerk.until("!document.title.startsWith('(')").await?;

    // What the visitor sees: that somebody types, the answer, and who it is from.
    clerk.press("r").await?;
    clerk.press("It is blocked").await?;
    ensure!(visitor.socket()?.notification("typing").await?["role"] == "staff");
    clerk.press_key(Key::Enter).await?;
    clerk.reads(".said.staff .receipt", "Delivered").await?;
    let told = loop {
        let message = visitor.socket()?.notification("message.created").await?["message"].clone();
        if message["role"] == "staff" {
            break message;
        }
    };
    ensure!(told["content"] == "It is blocked", "{told}");
    let read = json!({"conversation_id": visitor.conversation, "seq": told["seq"]});
    visitor.socket()?.call("message.read", read).await?;
    clerk.reads(".said.staff .receipt", "Seen").await?;

    clerk.press_key(Key::Escape).await?;
    clerk.press("e").await?;
    clerk.press("blocked and replaced").await?;
    clerk.press_key(Key::Tab).await?;
    clerk.press_key(Key::Tab).await?;
    clerk.press_key(Key::Enter).await?;
    clerk.reads(".conversation-state", "Resolved").await?;
    let stored = world.rows("select status, resolution from escalations").await?;
    ensure!(stored == [json!({"status": "resolved", "resolution": "blocked and replaced"})], "{stored:?}");
    clerk.press("4").await?;
    clerk.reads(".row .name", "Kim").await?;
    clerk.close().await
}

pub(crate) async fn who_claims_too_late_is_told_who_has_it(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let mut bob = colleague(&world, "bob@shop.example").await?;
    let visitor = waiting(&world, "Kim", "my card is gone").await?;
    clerk.open(&visitor.conversation).await?;
    clerk.reads(".conversation button.main", "Claim").await?;
    let id = world.value("select id from escalations").await?;
    bob.call("escalation.claim", json!({"id": id})).await?;
    clerk.reads(".conversation-state", "is answering").await?;
    clerk.until("document.querySelectorAll('.row .who:not(.mine)').length === 1").await?;
    // The button that claims is gone; what is left is to take it off Bob on purpose.
    clerk.reads(".conversation > header .secondary", "Assign to me").await?;
    ensure!(world.value("select count(*) from escalations where assignee_name is not null").await? == 1);
    clerk.close().await
}

pub(crate) async fn a_note_is_never_told_to_the_visitor(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let mut visitor = waiting(&world, "Kim", "my card is gone").await?;
    let mut bob = colleague(&world, "bob@shop.example").await?;
    let here = json!({"conversation_id": visitor.conversation});
    bob.call("conversation.join", here.clone()).await?;
    clerk.open(&visitor.conversation).await?;
    clerk.press("n").await?;
    clerk.press("a **gold** member").await?;
    clerk.press_key(Key::Enter).await?;
    clerk.reads(".said.note:not(.pending) strong", "gold").await?;
    ensure!(bob.notification("note.created").await?["note"]["content"] == "a **gold** member");
    // The visitor's own next message comes back before any note: nothing was in between.
    visitor.send("hello?").await?;
    clerk.reads(".said.user", "hello?").await?;
    ensure!(visitor.socket()?.waiting_notifications().all(|it| !it.to_string().contains("gold")));
    let listed = visitor.socket()?.call("message.list", here).await?;
    ensure!(!listed.to_string().contains("gold"), "{listed}");
    clerk.close().await
}

pub(crate) async fn a_canned_reply_is_written_by_a_slash(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let mut bob = colleague(&world, "bob@shop.example").await?;
    for (name, content) in [("hello", "Hello, I am Ann."), ("hours", "We are here from nine to five.")] {
        bob.call("canned.save", json!({"name": name, "content": content})).await?;
    }
    let visitor = waiting(&world, "Kim", "when are you open?").await?;
    clerk.open(&visitor.conversation).await?;
    clerk.press("r").await?;
    clerk.press("Good morning. /h").await?;
    clerk.until("document.querySelectorAll('.canned [role=option]').length === 2").await?;
    clerk.press("ou").await?;
    clerk.until("document.querySelectorAll('.canned [role=option]').length === 1").await?;
    clerk.press_key(Key::Enter).await?;
    let written = clerk.ask("return document.querySelector('.composer textarea').value").await?;
    ensure!(written == "Good morning. We are here from nine to five.", "{written}");
    clerk.close().await
}

pub(crate) async fn why_it_came_to_this_is_shown_and_counted(world: World) -> Result<()> {
    world.with_preset("member_support").start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("How do I change my address?").await?;
    while visitor.socket()?.notification("message.created").await?["message"]["role"] != "assistant" {}
    clerk.ask(&format!("location.hash = '#/inbox/all/{}'", visitor.conversation)).await?;
    clerk.until("document.querySelector('.said.assistant')").await?;
    clerk.click("#tab-why").await?;
    clerk.until("document.querySelectorAll('.turns > li').length === 1").await?;
    for step in ["Guard", "Understand"] {
        clerk.reads(".step-name", step).await?;
    }
    // The log says the same as the table.
    clerk.press_key(Key::Escape).await?;
    clerk.press("l").await?;
    clerk.reads(".log-table .question", "How do I change my address?").await?;
    let outcome = world.value("select outcome from interactions").await?;
    let shown = clerk.ask("return document.querySelector('.log-table .tag').className").await?;
    ensure!(shown == format!("tag {}", outcome.as_str().unwrap_or_default()), "{shown}, stored {outcome}");
    clerk.press("d").await?;
    clerk.until("document.querySelectorAll('.tile').length === 8").await?;
    clerk.close().await
}

/// On a busy desk there is always one between press and release.
pub(crate) async fn a_press_outlives_a_change_of_the_queue(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let counted = |count: usize| format!("document.querySelector('.sub .count')?.textContent === '{count}'");
    let clicks = [
        (".places [href='#/inbox/unassigned']", "location.hash === '#/inbox/unassigned'"),
        (".places [href='#/inbox/open'] .count", "location.hash === '#/inbox/open'"),
        (".me .avatar", "!document.querySelector('.menu').hidden"),
    ];
    let mut visitors = Vec::new();
    for (at, (pressed, happens)) in (1..).zip(clicks) {
        let another = async {
            visitors.push(waiting(&world, "Kim", "my card is gone").await?);
            clerk.until(&counted(at)).await
        };
        clerk.click_while(pressed, Box::pin(another)).await?;
        clerk.until(happens).await?;
    }
    clerk.close().await
}
