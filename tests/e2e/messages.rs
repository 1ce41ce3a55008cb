//! `message.send` and its guarantees: answered after the commit, once, in order, to the right people.

use switchboard_tests::prelude::*;

use crate::opening::{conversation, opened, tab_of};

pub(crate) const TESTS: &[Test] = tests![
    an_acknowledgement_says_where_the_message_is_stored,
    the_same_client_id_again_answers_with_the_first_result_and_writes_nothing,
    a_repeat_is_known_however_much_was_said_since,
    a_repeat_of_one_in_flight_waits_for_its_result,
    the_same_client_id_with_other_content_is_a_conflict,
    secrets_are_masked_before_anything_is_stored_or_compared,
    what_was_pipelined_takes_effect_in_the_order_sent,
    a_batch_takes_effect_in_its_order_and_is_answered_in_one_frame,
    every_socket_sees_answers_and_notifications_in_the_order_of_the_log,
    the_sender_gets_the_response_and_all_others_the_notification,
    a_send_that_asks_for_no_answer_is_told_to_its_own_socket,
    nothing_is_told_before_its_commit needs LocalDatabase,
];

/// The params of `message.send` under a fresh client id.
pub(crate) fn text(conversation: &str, content: &str) -> Value {
    json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": content})
}

/// Sends all of these, one behind the other without waiting, and gives their acknowledgements.
pub(crate) async fn say(
    socket: &mut Socket,
    conversation: &str,
    contents: impl Iterator<Item = String>,
) -> Result<Vec<Value>> {
    let mut asked = Vec::new();
    for content in contents {
        asked.push(socket.request("message.send", text(conversation, &content)).await?);
    }
    let mut acknowledged = Vec::new();
    for id in asked {
        acknowledged.push(socket.answer(id).await??);
    }
    Ok(acknowledged)
}

/// One request as it stands in a batch.
fn call(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

async fn an_acknowledgement_says_where_the_message_is_stored(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut params = text(&visitor.conversation, "h\u{e9}llo \u{1f600}\r\n\u{1}\u{2028} \u{202e}end");
    params["metadata"] = json!({"page": "/", "nested": {"list": [1, 2.5, true, null, "x"]}});
    let sent = visitor.socket()?.call("message.send", params.clone()).await?;
    ensure!(sent["seq"] == 1 && sent["duplicate"] == false && sent["durability"] == "postgres", "{sent}");
    ensure!(sent.get("reply").is_none(), "nobody asked for it: {sent}");
    let stored = world.stored_messages(&visitor.conversation).await?;
    ensure!(stored.len() == 1 && stored[0]["id"] == sent["id"] && stored[0]["role"] == "user");
    for field in ["client_id", "content", "metadata"] {
        ensure!(stored[0][field] == params[field], "{field}: {}", stored[0]);
    }
    let (_, tab) = opened(&world, json!({"token": visitor.token})).await?;
    let seen = &tab["messages"][0];
    for field in ["client_id", "content", "metadata", "conversation_id"] {
        ensure!(seen[field] == params[field], "{field}: {seen}");
    }
    ensure!(seen["created_at"] == sent["created_at"] && seen["id"] == sent["id"] && seen["role"] == "user");
    ensure!(
        seen["citations"] == json!([])
            && seen["attachments"] == json!([])
            && seen["author"]["id"].is_string()
    );
    ensure!(Uuid::parse_str(sent["id"].as_str().unwrap_or_default())?.get_version_num() == 7);
    Ok(())
}

async fn the_same_client_id_again_answers_with_the_first_result_and_writes_nothing(
    world: World,
) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let mut params = text(&visitor.conversation, "hello");
    params["metadata"] = json!({"b": [1], "a": 1000});
    let first = visitor.socket()?.call("message.send", params.clone()).await?;
    let mut expected = first.clone();
    expected["duplicate"] = json!(true);
    ensure!(tab.notification("message.created").await?["message"]["id"] == first["id"]);

    ensure!(
        visitor.socket()?.call("message.send", params.clone()).await? == expected,
        "on the same connection"
    );
    ensure!(tab.call("message.send", params.clone()).await? == expected, "on another");
    // Another spelling of the same values.
    let mut respelled = params.clone();
    respelled["metadata"] = json!({"a": 1e3, "b": [1]});
    ensure!(tab.call("message.send", respelled).await? == expected);
    ensure!(tab.waiting_notifications().next().is_none(), "nobody is told twice");
    let over_http = world.rpc(Some(&visitor.token), "message.send", params.clone()).await?;
    ensure!(over_http == expected, "over HTTP");

    let (mut later, _) = opened(&world, json!({"resume": visitor.resume_secret})).await?;
    ensure!(later.call("message.send", params.clone()).await? == expected, "after a reconnect");
    drop((later, tab));
    visitor.lose();
    world.restart().await?;
    let (mut later, _) = opened(&world, json!({"resume": visitor.resume_secret})).await?;
    ensure!(later.call("message.send", params.clone()).await? == expected, "after a restart");
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 1);

    // It is unique in its conversation, not in the world.
    let (mut stranger, other) = opened(&world, json!({})).await?;
    params["conversation_id"] = json!(conversation(&other));
    let theirs = stranger.call("message.send", params).await?;
    ensure!(theirs["duplicate"] == false && theirs["id"] != first["id"], "{theirs}");
    Ok(())
}

async fn a_repeat_is_known_however_much_was_said_since(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let socket = visitor.socket()?;
    let params = text(&id, "the first of many");
    let first = socket.call("message.send", params.clone()).await?;
    say(socket, &id, (2..=150).map(|n| format!("number {n}"))).await?;
    let again = socket.call("message.send", params.clone()).await?;
    ensure!(again["id"] == first["id"] && again["seq"] == 1 && again["duplicate"] == true, "{again}");
    let mut other = params.clone();
    other["content"] = json!("something else");
    ensure!(socket.call_refused("message.send", other).await?.kind == "conflict");

    // A conversation that was closed meanwhile takes nothing new, and still knows what it took.
    socket.call("conversation.close", json!({"conversation_id": id})).await?;
    let again = socket.call("message.send", params).await;
    let again = again.context("a repeat after the conversation was closed")?;
    ensure!(again["seq"] == 1 && again["duplicate"] == true, "{again}");
    ensure!(world.stored_messages(&id).await?.len() == 150);
    Ok(())
}

async fn a_repeat_of_one_in_flight_waits_for_its_result(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let params = text(&visitor.conversation, "once");
    let mut asked = Vec::new();
    for _ in 0..8 {
        asked.push(visitor.socket()?.request("message.send", params.clone()).await?);
        asked.push(tab.request("message.send", params.clone()).await?);
    }
    let mut other = params.clone();
    other["content"] = json!("something else");
    let other = visitor.socket()?.request("message.send", other).await?;

    let mut firsts = 0;
    for (at, id) in asked.into_iter().enumerate() {
        let socket = if at % 2 == 0 { visitor.socket()? } else { &mut tab };
        let answer = socket.answer(id).await??;
        ensure!(answer["seq"] == 1, "{answer}");
        firsts += u32::from(answer["duplicate"] == false);
    }
    ensure!(firsts == 1, "{firsts} were the first");
    let refusal = visitor.socket()?.answer(other).await?.err().context("other content under the same id")?;
    ensure!(refusal.kind == "conflict", "{refusal}");
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 1);
    Ok(())
}

async fn the_same_client_id_with_other_content_is_a_conflict(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut first = text(&visitor.conversation, "hello");
    first["metadata"] = json!({"page": "/"});
    visitor.socket()?.call("message.send", first.clone()).await?;
    for _ in ["while the server remembers", "after a restart"] {
        for (field, value) in [
            ("content", json!("hello!")),
            ("content", json!("hello ")),
            ("metadata", json!({"page": "/cart"})),
            ("metadata", json!({"page": ["/"]})),
            ("metadata", json!({})),
            ("metadata", Value::Null),
        ] {
            let mut other = first.clone();
            other[field] = value.clone();
            let refusal = visitor.socket()?.call_refused("message.send", other).await?;
            ensure!(refusal.code == -32009 && refusal.kind == "conflict", "{field} {value}: {refusal}");
        }
        let again = visitor.socket()?.call("message.send", first.clone()).await?;
        ensure!(again["duplicate"] == true && again["seq"] == 1, "{again}");
        visitor.lose();
        world.restart().await?;
        visitor.resume().await?;
    }
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 1);
    visitor.send("and on it goes").await?;
    Ok(())
}

async fn secrets_are_masked_before_anything_is_stored_or_compared(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let first = text(&visitor.conversation, "my card is 4111 1111 1111 1111, my password is hunter2");
    visitor.socket()?.call("message.send", first.clone()).await?;
    let seen = tab.notification("message.created").await?["message"]["content"].take();
    let seen = seen.as_str().context("content")?;
    ensure!(!seen.contains("1111") && !seen.contains("hunter2") && seen.contains("my card is"), "{seen}");
    ensure!(world.stored_messages(&visitor.conversation).await?[0]["content"] == seen);
    ensure!(!world.log()?.contains("hunter2"));
    // Another secret in its place leaves the same message.
    let mut other = first.clone();
    other["content"] = json!("my card is 5500 0055 5555 5559, my password is hunter3");
    let again = visitor.socket()?.call("message.send", other).await?;
    ensure!(again["duplicate"] == true && again["seq"] == 1, "{again}");
    for (method, params) in [
        ("escalation.request", json!({"reason": "my password is hunter4"})),
        ("conversation.rate", json!({"score": 1, "comment": "my password is hunter5"})),
    ] {
        let mut params = params;
        params["conversation_id"] = json!(visitor.conversation);
        visitor.socket()?.call(method, params).await?;
    }
    let kept = world.value("select count(*) from escalations e where e::text like '%hunter%'").await?;
    ensure!(
        kept == 0
            && world.value("select count(*) from conversations c where c::text like '%hunter%'").await? == 0
    );
    Ok(())
}

async fn what_was_pipelined_takes_effect_in_the_order_sent(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let socket = visitor.socket()?;
    // More than one write's worth, with reads and a change of state between them.
    let mut expected = 0;
    let mut asked = Vec::new();
    for round in 0..4 {
        for number in 0..60 {
            asked.push(socket.request("message.send", text(&id, &format!("{round} {number}"))).await?);
        }
        expected += 60;
        let listing = socket.request("message.list", json!({"conversation_id": id, "limit": 1})).await?;
        let rating = json!({"conversation_id": id, "score": round + 1});
        let rating = socket.request("conversation.rate", rating).await?;
        let page = socket.answer(listing).await??;
        ensure!(page["messages"][0]["seq"] == expected, "a read sees what was sent before it: {page}");
        ensure!(socket.answer(rating).await??["conversation"]["rating"] == round + 1);
    }
    for (seq, request) in (1_u64..).zip(asked) {
        ensure!(socket.answer(request).await??["seq"] == seq);
    }
    let stored = world.stored_messages(&id).await?;
    let said: Vec<_> = stored.iter().filter_map(|message| message["content"].as_str()).collect();
    let sent: Vec<_> =
        (0..4).flat_map(|round| (0..60).map(move |number| format!("{round} {number}"))).collect();
    ensure!(said == sent);
    Ok(())
}

async fn a_batch_takes_effect_in_its_order_and_is_answered_in_one_frame(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let socket = visitor.socket()?;
    socket.send_json(&call(900, "message.send", &text(&id, "before"))).await?;
    let mut batch: Vec<Value> =
        (1..=97).map(|n| call(n, "message.send", &text(&id, &format!("n {n}")))).collect();
    let list = json!({"conversation_id": id, "limit": 1});
    batch.insert(40, call(901, "message.list", &list));
    batch.insert(50, json!({"jsonrpc": "2.0", "method": "message.send", "params": text(&id, "unasked")}));
    batch.push(call(902, "message.list", &list));
    ensure!(batch.len() == 100);
    socket.send_json(&json!(batch)).await?;
    socket.send_json(&call(903, "message.send", &text(&id, "after"))).await?;

    ensure!(socket.frame().await?["result"]["seq"] == 1);
    let mut frames = vec![socket.frame().await?];
    while !frames.iter().any(|frame| frame["id"] == 903) {
        frames.push(socket.frame().await?);
    }
    let answers = frames.iter().find_map(Value::as_array).context("a batch is answered by a batch")?;
    let answered = |id: u64| answers.iter().find(|answer| answer["id"] == id).unwrap_or(&Value::Null);
    ensure!(answers.len() == 99, "one answer each, and none for the notification: {}", answers.len());
    ensure!(answered(1)["result"]["seq"] == 2 && answered(40)["result"]["seq"] == 41);
    ensure!(answered(901)["result"]["messages"][0]["seq"] == 41, "it sees the forty before it");
    ensure!(answered(97)["result"]["seq"] == 99 && answered(902)["result"]["messages"][0]["seq"] == 99);
    let unasked = frames.iter().find(|frame| frame["method"] == "message.created");
    ensure!(unasked.is_some_and(|frame| frame["params"]["message"]["seq"] == 51), "{unasked:?}");
    ensure!(frames.last().is_some_and(|frame| frame["result"]["seq"] == 100));
    ensure!(world.stored_messages(&id).await?.len() == 100);
    Ok(())
}

/// Its answers and its notifications leave in the order of the log, whoever else is speaking.
async fn every_socket_sees_answers_and_notifications_in_the_order_of_the_log(world: World) -> Result<()> {
    const EACH: u64 = 100;
    world.without_limits().start().await?;
    let visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    // All are there before the first one talks: who comes later finds in the page what was said before.
    let mut tabs = Vec::new();
    for name in ["a", "b", "c"] {
        tabs.push((name, tab_of(&world, &visitor).await?));
    }
    let mut talking = Vec::new();
    for (name, mut socket) in tabs {
        let id = id.clone();
        talking.push(tokio::spawn(async move {
            for number in 0..EACH {
                socket.request("message.send", text(&id, &format!("{name} {number}"))).await?;
            }
            let mut seen = Vec::new();
            while seen.len() < usize::try_from(3 * EACH)? {
                let frame = socket.frame().await?;
                let seq = frame["result"]["seq"].as_u64().or(frame["params"]["message"]["seq"].as_u64());
                seen.push(seq.with_context(|| format!("neither an answer nor a message: {frame}"))?);
            }
            Ok::<_, anyhow::Error>(seen)
        }));
    }
    for socket in talking {
        let seen = socket.await??;
        ensure!(seen.iter().copied().eq(1..=3 * EACH), "{seen:?}");
    }
    // Each one's own messages are in the order in which they were sent.
    let stored = world.stored_messages(&id).await?;
    for name in ["a", "b", "c"] {
        let own = stored.iter().filter_map(|message| message["content"].as_str()?.strip_prefix(name));
        ensure!(
            own.map(str::trim).eq((0..EACH).map(|number| number.to_string()).collect::<Vec<_>>()),
            "{name}"
        );
    }
    Ok(())
}

async fn the_sender_gets_the_response_and_all_others_the_notification(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tabs = [tab_of(&world, &visitor).await?, tab_of(&world, &visitor).await?];
    let said = text(&visitor.conversation, "hello");
    let sent = visitor.socket()?.call("message.send", said).await?;
    for tab in &mut tabs {
        let message = tab.notification("message.created").await?["message"].take();
        ensure!(
            message["id"] == sent["id"] && message["seq"] == 1 && message["content"] == "hello",
            "{message}"
        );
    }
    let over_http = text(&visitor.conversation, "over HTTP");
    world.rpc(Some(&visitor.token), "message.send", over_http).await?;
    ensure!(visitor.socket()?.notification("message.created").await?["message"]["content"] == "over HTTP");
    ensure!(visitor.socket()?.waiting_notifications().next().is_none(), "of its own it has the response");
    Ok(())
}

async fn a_send_that_asks_for_no_answer_is_told_to_its_own_socket(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let params = text(&visitor.conversation, "no answer, please");
    visitor.socket()?.notify("message.send", params.clone()).await?;
    for socket in [visitor.socket()?, &mut tab] {
        let message = socket.notification("message.created").await?["message"].take();
        ensure!(message["client_id"] == params["client_id"] && message["seq"] == 1, "{message}");
    }
    // A repeat of it is as silent as a refusal.
    visitor.socket()?.notify("message.send", params.clone()).await?;
    visitor.socket()?.notify("message.send", json!({"content": 5})).await?;
    let again = visitor.socket()?.call("message.send", params).await?;
    ensure!(again["duplicate"] == true && again["seq"] == 1, "{again}");
    ensure!(visitor.socket()?.waiting_notifications().next().is_none());
    Ok(())
}

async fn nothing_is_told_before_its_commit(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let id = visitor.conversation.clone();
    visitor.send("the row is there").await?;
    tab.notification("message.created").await?;

    // Whoever writes now waits; whoever reads does not.
    let database = crate::isolation::connect(&world).await?;
    database.batch_execute("begin; lock table messages in share row exclusive mode").await?;
    let params = text(&id, "held back");
    let sent = visitor.socket()?.request("message.send", params.clone()).await?;
    let repeat = tab.request("message.send", params).await?;
    let (mut reader, page) = opened(&world, json!({"token": visitor.token})).await?;
    ensure!(page["position"]["seq"] == 1, "{page}");
    let page = reader.call("message.list", json!({"conversation_id": id, "after_seq": 1})).await?;
    ensure!(page == json!({"messages": [], "has_more": false}), "{page}");
    ensure!(reader.waiting_notifications().next().is_none());

    database.batch_execute("commit").await?;
    let first = visitor.socket()?.answer(sent).await??;
    let second = tab.answer(repeat).await??;
    ensure!(first["seq"] == 2 && second["seq"] == 2 && first["id"] == second["id"]);
    ensure!(first["duplicate"] != second["duplicate"], "one of them was the first: {first} {second}");
    ensure!(reader.notification("message.created").await?["message"]["seq"] == 2);
    Ok(())
}
