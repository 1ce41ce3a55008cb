//! Notes: among staff, numbered for themselves, and nowhere near a visitor.

use switchboard_tests::prelude::*;

use crate::escalations::asked;

pub(crate) const TESTS: &[Test] = tests![
    a_note_reaches_staff_and_nobody_else,
    a_note_may_be_sent_again,
    who_comes_back_has_the_notes_that_were_missed,
];

async fn a_note_reaches_staff_and_nobody_else(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, _) = asked(&world).await?;
    let conversation = visitor.conversation.clone();
    let join = json!({"conversation_id": conversation});
    let mut ada = Console::open(&world, "Ada").await?;
    let mut grace = Console::open(&world, "Grace").await?;
    for console in [&mut ada, &mut grace] {
        let joined = console.call("conversation.join", join.clone()).await?;
        ensure!(joined["notes"] == json!([]) && joined["notes_position"]["seq"] == 0, "{joined}");
    }
    visitor.send("are you there?").await?;
    let sent = ada.note(&conversation, "card 4111 1111 1111 1111 is blocked").await?;
    ensure!(sent["seq"] == 1 && sent["duplicate"] == false && sent["durability"] == "postgres", "{sent}");
    let told = grace.socket()?.notification("note.created").await?;
    let note = &told["note"];
    ensure!(note["private"] == true && note["seq"] == 1 && note["author"]["name"] == "Ada", "{note}");
    ensure!(note["content"] == "card 4111 1111 1111 1111 is blocked", "what staff write stays: {note}");
    ensure!(ada.note(&conversation, "second").await?["seq"] == 2);
    let listed = ada.call("notes.list", join.clone()).await?;
    ensure!(listed["notes"].as_array().is_some_and(|notes| notes.len() == 2), "{listed}");
    let after = world
        .rpc(Some(&ada.key), "notes.list", json!({"conversation_id": conversation, "after_seq": 1}))
        .await?;
    ensure!(after["notes"][0]["content"] == "second", "{after}");
    let log = ada.call("message.list", join.clone()).await?;
    ensure!(log["messages"].as_array().is_some_and(|messages| messages.len() == 1), "{log}");
    ensure!(
        ada.socket()?.waiting_notifications().all(|note| note["method"] != "note.created"),
        "not the sender"
    );

    visitor.socket()?.call("message.list", join.clone()).await?;
    let told: Vec<_> = visitor.socket()?.take_notifications();
    ensure!(told.iter().all(|note| note["method"] != "note.created"), "{told:?}");
    let private = json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": "x", "private": true});
    ensure!(visitor.socket()?.call_refused("message.send", private).await?.kind == "forbidden");
    ensure!(visitor.socket()?.call_refused("notes.list", join).await?.kind == "forbidden");
    Ok(())
}

async fn a_note_may_be_sent_again(world: World) -> Result<()> {
    world.start().await?;
    let (visitor, id) = asked(&world).await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    ada.call("escalation.claim", json!({"id": id})).await?;
    let note = json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": "x", "private": true});
    let first = ada.call("message.send", note.clone()).await?;
    // Over another way, as a client that never heard the answer would.
    let again = world.rpc(Some(&ada.key), "message.send", note.clone()).await?;
    ensure!(again["duplicate"] == true && again["id"] == first["id"] && again["seq"] == 1, "{again}");
    let mut other = note.clone();
    other["content"] = json!("y");
    let refused = ada.socket()?.call_refused("message.send", other).await?;
    ensure!(refused.kind == "conflict" && refused.data["current"]["id"] == first["id"], "{refused}");
    // Privacy is part of what was sent, both ways.
    let mut public = note.clone();
    public["private"] = json!(false);
    ensure!(ada.socket()?.call_refused("message.send", public.clone()).await?.kind == "conflict");
    public["client_id"] = json!(Uuid::new_v4());
    ada.call("message.send", public.clone()).await?;
    public["private"] = json!(true);
    ensure!(ada.socket()?.call_refused("message.send", public).await?.kind == "conflict");
    ensure!(world.value("select count(*) from notes").await? == 1);
    Ok(())
}

async fn who_comes_back_has_the_notes_that_were_missed(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, _) = asked(&world).await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    let mut grace = Console::open(&world, "Grace").await?;
    ada.note(&conversation, "one").await?;
    visitor.send("hello").await?;
    let joined = grace.call("conversation.join", json!({"conversation_id": conversation})).await?;
    ensure!(
        joined["notes"][0]["content"] == "one" && joined["messages"][0]["content"] == "hello",
        "{joined}"
    );
    grace.lose();
    ada.note(&conversation, "two").await?;
    visitor.send("still there?").await?;
    grace.come_back().await?;
    let position = json!({
        "conversation_id": conversation, "position": joined["position"], "notes_position": joined["notes_position"],
    });
    let missed = grace.call("conversation.join", position).await?;
    let contents = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|one| one["content"].as_str().map(str::to_owned)).collect()
    };
    ensure!(missed["recovered"] == true, "{missed}");
    ensure!(
        contents(&missed["messages"]) == ["still there?"] && contents(&missed["notes"]) == ["two"],
        "{missed}"
    );
    ensure!(missed["notes_position"]["seq"] == 2, "{missed}");
    grace.call("conversation.leave", json!({"conversation_id": conversation})).await?;
    ada.note(&conversation, "three").await?;
    visitor.send("bye").await?;
    grace.call("canned.list", json!({})).await?;
    ensure!(grace.socket()?.waiting_notifications().next().is_none(), "who has left hears nothing");
    Ok(())
}
