//! Not being alone in a conversation: other tabs, who is typing, who has read how far, and what helped.

use switchboard_tests::prelude::*;

use crate::opening::tab_of;

pub(crate) const TESTS: &[Test] = tests![
    a_second_tab_is_in_the_same_conversation_live,
    typing_is_told_to_the_others_and_kept_nowhere,
    reads_are_coalesced_and_the_mark_only_rises,
    a_read_mark_is_there_at_the_next_open_also_after_a_restart,
    feedback_is_kept_for_a_message_of_ones_own_conversation_only,
];

async fn a_second_tab_is_in_the_same_conversation_live(world: World) -> Result<()> {
    world.start().await?;
    let mut first = world.visitor().await?;
    first.send("from the first").await?;
    let mut second = first.tab().await?;
    ensure!(second.conversation == first.conversation && second.said() == ["from the first"]);
    second.send("from the second").await?;
    ensure!(first.next_message().await?["content"] == "from the second");
    first.send("and back").await?;
    ensure!(second.next_message().await?["content"] == "and back");
    let id = json!({"conversation_id": first.conversation});
    let mut rate = id.clone();
    rate["score"] = json!(4);
    first.socket()?.call("conversation.rate", rate).await?;
    let state = second.socket()?.notification("conversation.updated").await?["conversation"].take();
    ensure!(state["rating"] == 4 && state["conversation_id"] == id["conversation_id"], "{state}");
    second.lose();
    first.send("while the other was away").await?;
    ensure!(second.resume().await? && second.said() == first.said());
    Ok(())
}

async fn typing_is_told_to_the_others_and_kept_nowhere(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = Visitor::open(world.address(), json!({"user": {"name": "Ann"}})).await?;
    let id = visitor.conversation.clone();
    let mut tab = tab_of(&world, &visitor).await?;
    let mut stranger = world.visitor().await?;
    for on in [true, false] {
        visitor.socket()?.notify("typing", json!({"conversation_id": id, "on": on})).await?;
        let told = tab.notification("typing").await?;
        ensure!(told["conversation_id"] == *id && told["role"] == "user" && told["on"] == on, "{told}");
        ensure!(told["author"]["name"] == "Ann", "{told}");
    }
    // Somebody else's conversation is not one to type in, and nobody learns that it is there.
    stranger.socket()?.notify("typing", json!({"conversation_id": id, "on": true})).await?;
    stranger.send("hello").await?;
    for socket in [visitor.socket()?, &mut tab] {
        socket.call("message.list", json!({"conversation_id": id})).await?;
        ensure!(socket.waiting_notifications().next().is_none(), "neither itself nor of a stranger");
    }
    ensure!(world.stored_messages(&id).await?.is_empty());
    Ok(())
}

async fn reads_are_coalesced_and_the_mark_only_rises(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    for number in 1..=8 {
        visitor.send(&format!("number {number}")).await?;
    }
    let mut tab = tab_of(&world, &visitor).await?;
    let mut asked = Vec::new();
    for seq in [1, 3, 2, 6, 4] {
        let params = json!({"conversation_id": id, "seq": seq});
        asked.push(visitor.socket()?.request("message.read", params).await?);
    }
    for request in asked {
        ensure!(visitor.socket()?.answer(request).await?? == json!({}));
    }
    let told = tab.notification("read.updated").await?;
    ensure!(told == json!({"conversation_id": id, "user": 6, "staff": 0}), "all of them at once: {told}");

    // A mark that would fall changes nothing, so the next that is told is the next that rises.
    tab.call("message.read", json!({"conversation_id": id, "seq": 5})).await?;
    tab.call("message.read", json!({"conversation_id": id, "seq": 8})).await?;
    ensure!(tab.notification("read.updated").await?["user"] == 8);
    ensure!(world.value("select user_read_seq from conversations").await? == 8);

    // Nobody has read what is not written.
    tab.call("message.read", json!({"conversation_id": id, "seq": 1_000_000})).await?;
    visitor.send("number 9").await?;
    tab.call("message.read", json!({"conversation_id": id, "seq": 9})).await?;
    ensure!(tab.notification("read.updated").await?["user"] == 9);
    let refusal = tab.call_refused("message.read", json!({"conversation_id": id, "seq": -1})).await?;
    ensure!(refusal.kind == "invalid_params", "{refusal}");
    Ok(())
}

async fn a_read_mark_is_there_at_the_next_open_also_after_a_restart(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    visitor.send("one").await?;
    visitor.send("two").await?;
    visitor.socket()?.call("message.read", json!({"conversation_id": id, "seq": 2})).await?;
    visitor.lose();
    // A server that is told to stop has written what it answered.
    world.restart().await?;
    let params = json!({"resume": visitor.resume_secret});
    let opened = world.socket().await?.call("session.open", params).await?;
    ensure!(opened["read"] == json!({"user": 2, "staff": 0}), "{}", opened["read"]);
    Ok(())
}

async fn feedback_is_kept_for_a_message_of_ones_own_conversation_only(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let message = visitor.send("hello").await?.id;
    let mut stranger = world.visitor().await?;
    stranger.send("hello").await?;
    let judged =
        |helpful: bool, comment: &str| json!({"message_id": message, "helpful": helpful, "comment": comment});
    let answer = visitor.socket()?.call("message.feedback", judged(true, "very")).await?;
    ensure!(answer == json!({}), "{answer}");
    let stored = "select message_id, helpful, comment from message_feedback";
    ensure!(world.rows(stored).await? == [judged(true, "very")]);
    // The last word counts.
    world.rpc(Some(&visitor.token), "message.feedback", judged(false, "not really")).await?;
    ensure!(world.rows(stored).await? == [judged(false, "not really")]);

    let refusal = stranger.socket()?.call_refused("message.feedback", judged(true, "mine?")).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    let nowhere = json!({"message_id": Uuid::new_v4(), "helpful": true});
    ensure!(visitor.socket()?.call_refused("message.feedback", nowhere).await?.kind == "not_found");
    let secret = judged(true, "my password is hunter2");
    visitor.socket()?.call("message.feedback", secret).await?;
    let kept = world.value("select count(*) from message_feedback where comment like '%hunter2%'").await?;
    ensure!(kept == 0, "secrets are masked here too");
    ensure!(world.value("select count(*) from message_feedback").await? == 1);
    Ok(())
}
