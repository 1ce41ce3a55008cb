//! Positions: what an open with the last position seen gives back, and when it is a fresh last page instead.

use switchboard_tests::prelude::*;

use crate::messages::say;
use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] = tests![
    without_a_position_it_is_never_recovered,
    a_position_gives_exactly_the_messages_after_it,
    nothing_is_missed_between_the_page_and_the_live_messages,
    three_hundred_missed_are_recovered_and_one_more_is_a_fresh_last_page,
    over_512_kib_missed_is_a_fresh_last_page,
    a_page_is_at_most_512_kib_as_it_is_sent,
    a_position_of_another_epoch_or_beyond_the_head_is_a_fresh_last_page,
    after_a_restored_backup_every_earlier_position_is_foreign,
];

/// The largest page, as JSON.
pub(crate) const PAGE_BYTES: usize = 512 * 1024;

/// The numbers of the messages on a page, which has to be dense.
pub(crate) fn numbers(page: &Value) -> Result<(u64, u64)> {
    let seqs: Vec<u64> =
        page["messages"].as_array().context("a page")?.iter().filter_map(|m| m["seq"].as_u64()).collect();
    let (first, last) = (*seqs.first().context("an empty page")?, *seqs.last().context("an empty page")?);
    ensure!(seqs.iter().copied().eq(first..=last), "not dense: {seqs:?}");
    Ok((first, last))
}

/// A page that begins anew: not empty, up to the head, and honest about what lies before it.
fn is_fresh_last_page(opened: &Value, head: u64) -> Result<()> {
    ensure!(opened["recovered"] == false && opened["position"]["seq"] == head, "{}", opened["position"]);
    let (first, last) = numbers(opened)?;
    ensure!(last == head && opened["has_more"] == (first > 1), "{first} to {last} of {head}");
    ensure!(is_within_bounds(opened));
    Ok(())
}

fn is_within_bounds(page: &Value) -> bool {
    let messages = &page["messages"];
    messages.as_array().is_some_and(|all| all.len() <= 300) && messages.to_string().len() <= PAGE_BYTES
}

/// Opens with a position of this number in the visitor's epoch.
async fn open_at(world: &World, visitor: &Visitor, seq: u64) -> Result<Value> {
    let position = json!({"epoch": visitor.epoch, "seq": seq});
    let params =
        json!({"token": visitor.token, "conversation_id": visitor.conversation, "position": position});
    Ok(opened(world, params).await?.1)
}

async fn without_a_position_it_is_never_recovered(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let bare = json!({"token": visitor.token});
    ensure!(opened(&world, bare.clone()).await?.1["recovered"] == false, "not of an empty log");
    visitor.send("hello").await?;
    let (_, again) = opened(&world, bare).await?;
    ensure!(again["recovered"] == false && again["messages"].as_array().map(Vec::len) == Some(1));
    ensure!(again["position"] == visitor.position(), "each open answers with a position");
    Ok(())
}

async fn a_position_gives_exactly_the_messages_after_it(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let empty = open_at(&world, &visitor, 0).await?;
    ensure!(empty["recovered"] == true && empty["messages"] == json!([]), "of an empty log too: {empty}");
    ensure!(empty["position"] == visitor.position());
    for text in ["one", "two", "three", "four"] {
        visitor.send(text).await?;
    }
    visitor.lose();
    for _ in ["from memory", "from the database"] {
        for seen in 0..=4_u64 {
            let back = open_at(&world, &visitor, seen).await?;
            ensure!(back["recovered"] == true && back["has_more"] == false, "at {seen}: {back}");
            ensure!(back["position"] == json!({"epoch": visitor.epoch, "seq": 4}));
            let contents: Vec<_> = back["messages"].as_array().context("a page")?.iter().collect();
            let expected = &visitor.transcript()[usize::try_from(seen)?..];
            ensure!(contents.len() == expected.len(), "at {seen}: {back}");
            for (message, sent) in contents.iter().zip(expected) {
                for field in ["id", "seq", "client_id", "role", "content", "created_at"] {
                    ensure!(message[field] == sent[field], "{field} of {message}");
                }
            }
        }
        world.restart().await?;
    }
    Ok(())
}

async fn nothing_is_missed_between_the_page_and_the_live_messages(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut writer = world.visitor().await?;
    writer.send("number 0").await?;
    let mut reader = writer.tab().await?;
    let writing = tokio::spawn(async move {
        for number in 1..400 {
            writer.send(&format!("number {number}")).await?;
        }
        Ok::<_, anyhow::Error>(writer)
    });
    // Each of these falls somewhere between two commits; the transcript would notice a gap or a repeat.
    for seen in (40..=360).step_by(40) {
        reader.read_to(seen).await?;
        reader.lose();
        ensure!(reader.resume().await?, "it is never so far behind");
    }
    let writer = writing.await??;
    reader.read_to(writer.head()).await?;
    ensure!(reader.said() == writer.said());
    ensure!(world.stored_messages(&reader.conversation).await?.len() == 400);
    Ok(())
}

async fn three_hundred_missed_are_recovered_and_one_more_is_a_fresh_last_page(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    say(visitor.socket()?, &id, (1..=310).map(|n| format!("number {n}"))).await?;
    visitor.lose();
    for _ in ["from memory", "from the database"] {
        let back = open_at(&world, &visitor, 10).await?;
        ensure!(back["recovered"] == true && back["has_more"] == false, "300 were missed");
        ensure!(numbers(&back)? == (11, 310));
        for seen in [9, 0] {
            is_fresh_last_page(&open_at(&world, &visitor, seen).await?, 310)?;
        }
        world.restart().await?;
    }
    Ok(())
}

async fn over_512_kib_missed_is_a_fresh_last_page(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    // 40 kB each: twelve of them fit a page, and fourteen do not.
    say(visitor.socket()?, &id, (1..=20).map(|_| "\u{1f600}".repeat(10_000))).await?;
    let back = open_at(&world, &visitor, 8).await?;
    ensure!(back["recovered"] == true && numbers(&back)? == (9, 20) && is_within_bounds(&back));
    for seen in [6, 3, 0] {
        is_fresh_last_page(&open_at(&world, &visitor, seen).await?, 20)?;
    }
    is_fresh_last_page(&opened(&world, json!({"token": visitor.token})).await?.1, 20)
}

/// What is short in the database can be long in JSON: a control character is one byte there, and six here.
async fn a_page_is_at_most_512_kib_as_it_is_sent(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    say(visitor.socket()?, &id, (1..=30).map(|_| "\u{1}".repeat(10_000))).await?;
    for seen in [0, 10, 20] {
        let back = open_at(&world, &visitor, seen).await?;
        let bytes = back["messages"].to_string().len();
        ensure!(bytes <= PAGE_BYTES, "a resume after {seen} carries {bytes} bytes of messages");
        if back["recovered"] == true {
            ensure!(numbers(&back)? == (seen + 1, 30));
        } else {
            is_fresh_last_page(&back, 30)?;
        }
    }
    for bound in [json!({}), json!({"after_seq": 0}), json!({"before_seq": 31})] {
        let mut params = bound.clone();
        params["conversation_id"] = json!(id);
        let page = visitor.socket()?.call("message.list", params).await?;
        let bytes = page["messages"].to_string().len();
        ensure!(bytes <= PAGE_BYTES, "a page of {bound} carries {bytes} bytes of messages");
        ensure!(numbers(&page).is_ok() && page["has_more"] == true);
    }
    Ok(())
}

async fn a_position_of_another_epoch_or_beyond_the_head_is_a_fresh_last_page(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    for text in ["one", "two"] {
        visitor.send(text).await?;
    }
    visitor.lose();
    let epoch = visitor.epoch.clone();
    for _ in ["from memory", "from the database"] {
        for position in [
            json!({"epoch": "another", "seq": 1}),
            json!({"epoch": "another", "seq": 2}),
            json!({"epoch": "", "seq": 0}),
            json!({"epoch": epoch, "seq": 3}),
            json!({"epoch": epoch, "seq": 9_007_199_254_740_991_u64}),
        ] {
            let (_, back) = opened(&world, json!({"token": visitor.token, "position": position})).await?;
            ensure!(numbers(&back)? == (1, 2), "at {position}: {back}");
            is_fresh_last_page(&back, 2)?;
        }
        world.restart().await?;
    }
    let not_one =
        json!({"token": visitor.token, "position": {"epoch": epoch, "seq": 9_007_199_254_740_992_u64}});
    let refusal = world.socket().await?.call_refused("session.open", not_one).await?;
    ensure!(refusal.kind == "invalid_params", "2^53 is no number of a message: {refusal}");
    Ok(())
}

async fn after_a_restored_backup_every_earlier_position_is_foreign(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    visitor.lose();
    let output = world.command(&["restored"]).await?;
    switchboard_tests::world::printed(&output)?;
    world.restart().await?;
    let back = open_at(&world, &visitor, 1).await?;
    is_fresh_last_page(&back, 1)?;
    let epoch = &back["position"]["epoch"];
    ensure!(epoch.is_string() && *epoch != visitor.epoch && back["conversation"]["epoch"] == *epoch);
    ensure!(conversation(&back) == visitor.conversation);
    let position = &back["position"];
    let (_, again) = opened(&world, json!({"resume": visitor.resume_secret, "position": position})).await?;
    ensure!(again["recovered"] == true && again["messages"] == json!([]), "{again}");
    Ok(())
}
