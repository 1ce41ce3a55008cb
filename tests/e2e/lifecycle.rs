//! A conversation's state: asked for a person, rated, closed, reopened, listed; and a turn that nobody runs.

use switchboard_tests::prelude::*;

use crate::messages::text;
use crate::opening::{conversation, opened, tab_of};

pub(crate) const TESTS: &[Test] = tests![
    an_escalation_is_told_of_with_the_state_and_stored_whole,
    an_escalation_may_be_the_very_first_act,
    asked_again_while_one_is_open_it_is_that_one,
    a_closed_conversation_is_a_conflict_with_its_state,
    closing_again_is_no_second_change,
    a_rating_is_a_score_from_1_to_5,
    a_message_in_a_resolved_conversation_reopens_it,
    every_change_of_state_has_a_larger_version,
    a_relay_has_no_turn_to_cancel_and_writes_no_message,
    a_list_holds_ones_own_conversations_page_by_page,
];

fn this(visitor: &Visitor) -> Value {
    json!({"conversation_id": visitor.conversation})
}

async fn an_escalation_is_told_of_with_the_state_and_stored_whole(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let mut params = this(&visitor);
    params["reason"] = json!("I would rather talk to a person");
    params["contact"] = json!({"name": "Ann", "email": "ann@shop.example", "phone": "+49 30 1"});
    let escalation = visitor.socket()?.call("escalation.request", params.clone()).await?["escalation"].take();
    let fields: Vec<_> = escalation.as_object().context("an object")?.keys().map(String::as_str).collect();
    ensure!(
        fields == ["assignee_name", "created_at", "id", "status"],
        "what a visitor may see: {escalation}"
    );
    ensure!(escalation["status"] == "pending" && escalation["assignee_name"] == Value::Null);

    let state = tab.notification("conversation.updated").await?["conversation"].take();
    ensure!(state["escalation"] == json!({"id": escalation["id"], "status": "pending"}), "{state}");
    ensure!(state["status"] == "waiting" && state["owner"] == "none", "{state}");
    let stored =
        "select id, conversation_id, trigger_type, reason, status, contact_info, version from escalations";
    let expected = json!({
        "id": escalation["id"], "conversation_id": visitor.conversation, "trigger_type": "user_request",
        "reason": params["reason"], "status": "pending", "contact_info": params["contact"], "version": 1,
    });
    ensure!(world.rows(stored).await? == [expected]);
    drop(tab);
    visitor.lose();
    world.restart().await?;
    let (_, back) = opened(&world, json!({"resume": visitor.resume_secret})).await?;
    ensure!(back["conversation"]["escalation"] == state["escalation"], "{back}");
    Ok(())
}

async fn an_escalation_may_be_the_very_first_act(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let asked = this(&visitor);
    let escalation = visitor.socket()?.call("escalation.request", asked).await?["escalation"].take();
    ensure!(escalation["status"] == "pending");
    // One's own change comes as a state too: that is how the client knows what stands.
    let state = visitor.socket()?.notification("conversation.updated").await?["conversation"].take();
    ensure!(state["escalation"]["id"] == escalation["id"], "{state}");
    ensure!(visitor.send("and now a word").await?.seq == 1);
    let over_http =
        world.rpc(Some(&world.visitor().await?.token), "escalation.request", this(&visitor)).await;
    ensure!(over_http.is_err(), "not for somebody else");
    ensure!(world.value("select count(*) from escalations").await? == 1);
    Ok(())
}

async fn asked_again_while_one_is_open_it_is_that_one(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let asked = this(&visitor);
    let mut both = Vec::new();
    for _ in 0..4 {
        both.push((visitor.socket()?.request("escalation.request", asked.clone()).await?, true));
        both.push((tab.request("escalation.request", asked.clone()).await?, false));
    }
    let mut answers = Vec::new();
    for (id, is_first) in both {
        let socket = if is_first { visitor.socket()? } else { &mut tab };
        answers.push(socket.answer(id).await??);
    }
    ensure!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    drop(tab);
    visitor.lose();
    world.restart().await?;
    let over_http = world.rpc(Some(&visitor.token), "escalation.request", asked.clone()).await?;
    ensure!(over_http == answers[0], "{over_http}");
    ensure!(world.value("select count(*) from escalations").await? == 1);

    // One that is resolved is not open: the next request is a new one.
    world.restart().await?;
    world.execute("update escalations set status = 'resolved', version = version + 1").await?;
    world.execute("update conversations set escalation_status = 'resolved', version = version + 1").await?;
    let (mut socket, back) = opened(&world, json!({"resume": visitor.resume_secret})).await?;
    ensure!(back["conversation"]["escalation"]["status"] == "resolved", "{back}");
    let next = socket.call("escalation.request", asked).await?;
    ensure!(
        next["escalation"]["id"] != answers[0]["escalation"]["id"]
            && next["escalation"]["status"] == "pending"
    );
    Ok(())
}

async fn a_closed_conversation_is_a_conflict_with_its_state(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut tab = tab_of(&world, &visitor).await?;
    let id = this(&visitor);
    let closed = visitor.socket()?.call("conversation.close", id).await?["conversation"].take();
    ensure!(closed["status"] == "closed" && closed["owner"] == "none", "{closed}");
    ensure!(tab.notification("conversation.updated").await?["conversation"] == closed);
    drop(tab);
    visitor.lose();
    for _ in ["while the server remembers", "after a restart"] {
        let mut tab = tab_of(&world, &visitor).await?;
        for (method, params) in [
            ("message.send", text(&visitor.conversation, "too late")),
            ("escalation.request", this(&visitor)),
        ] {
            let refusal = tab.call_refused(method, params.clone()).await?;
            ensure!(refusal.code == -32009 && refusal.kind == "conflict", "{method}: {refusal}");
            ensure!(refusal.data["current"]["status"] == "closed", "what stands now: {refusal}");
            ensure!(refusal.data["current"]["version"] == closed["version"], "the whole State: {refusal}");
            let refusal = crate::http::refused(&world, Some(&visitor.token), method, params).await?;
            ensure!(refusal.kind == "conflict", "{method} over HTTP: {refusal}");
        }
        let page = tab.call("message.list", this(&visitor)).await?;
        ensure!(page["messages"].as_array().map(Vec::len) == Some(1), "what was said stays");
        drop(tab);
        world.restart().await?;
    }
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 1);
    Ok(())
}

async fn closing_again_is_no_second_change(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = this(&visitor);
    let first = visitor.socket()?.call("conversation.close", id.clone()).await?;
    let again = visitor.socket()?.call("conversation.close", id.clone()).await?;
    ensure!(first == again, "{again}");
    visitor.lose();
    world.restart().await?;
    ensure!(world.rpc(Some(&visitor.token), "conversation.close", id).await? == first);
    Ok(())
}

async fn a_rating_is_a_score_from_1_to_5(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let rated =
        |score: Value| json!({"conversation_id": visitor.conversation, "score": score, "comment": "so so"});
    for wrong in [json!(0), json!(6), json!(-1), json!(3.5), json!("5"), json!(256), Value::Null] {
        let refusal =
            crate::http::refused(&world, Some(&visitor.token), "conversation.rate", rated(wrong)).await?;
        ensure!(
            refusal.kind == "invalid_params" && refusal.data["fields"][0]["field"] == "score",
            "{refusal}"
        );
    }
    for score in [1, 5, 3] {
        let rated = world.rpc(Some(&visitor.token), "conversation.rate", rated(json!(score))).await?;
        ensure!(rated["conversation"]["rating"] == score, "{rated}");
    }
    let stored = world.rows("select rating, rating_comment from conversations").await?;
    ensure!(stored == [json!({"rating": 3, "rating_comment": "so so"})]);
    Ok(())
}

async fn a_message_in_a_resolved_conversation_reopens_it(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    visitor.lose();
    world.restart().await?;
    // As a person will do, once there are people.
    world.execute("update conversations set status = 'resolved', version = version + 1").await?;
    let (mut socket, back) = opened(&world, json!({"resume": visitor.resume_secret})).await?;
    ensure!(back["conversation"]["status"] == "resolved", "{back}");
    let mut tab = tab_of(&world, &visitor).await?;
    let sent = socket.call("message.send", text(&visitor.conversation, "one more thing")).await?;
    ensure!(sent["seq"] == 2, "{sent}");
    let state = tab.notification("conversation.updated").await?["conversation"].take();
    ensure!(state["status"] == "waiting" && state["owner"] == "none", "no AI runs here: {state}");
    ensure!(state["version"].as_i64() > back["conversation"]["version"].as_i64(), "{state}");
    ensure!(tab.notification("message.created").await?["message"]["seq"] == 2);
    ensure!(world.value("select status from conversations").await? == "waiting");
    Ok(())
}

async fn every_change_of_state_has_a_larger_version(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let mut tab = tab_of(&world, &visitor).await?;
    let mut version = -1;
    for (method, params) in [
        ("escalation.request", json!({"conversation_id": id})),
        ("conversation.rate", json!({"conversation_id": id, "score": 2})),
        ("conversation.rate", json!({"conversation_id": id, "score": 4})),
        ("conversation.close", json!({"conversation_id": id})),
    ] {
        visitor.socket()?.call(method, params).await?;
        let state = tab.notification("conversation.updated").await?["conversation"].take();
        let next = state["version"].as_i64().context("a version")?;
        ensure!(next > version, "{method}: {state} after {version}");
        // A State is sent only after the commit of its version.
        ensure!(world.value("select version from conversations").await? == next);
        version = next;
    }
    let (_, back) = opened(&world, json!({"token": visitor.token, "conversation_id": id})).await?;
    ensure!(back["conversation"]["version"] == version && back["conversation"]["rating"] == 4, "{back}");
    Ok(())
}

async fn a_relay_has_no_turn_to_cancel_and_writes_no_message(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = this(&visitor);
    for said in [false, true] {
        if said {
            visitor.send("is anybody there?").await?;
        }
        let answer = visitor.socket()?.call("turn.cancel", id.clone()).await?;
        ensure!(answer == json!({"cancelled": false}), "{answer}");
    }
    let (_, back) = opened(&world, json!({"token": visitor.token})).await?;
    let state = &back["conversation"];
    ensure!(state["status"] == "waiting" && state["owner"] == "none", "{state}");
    ensure!(state["escalation"] == Value::Null, "with no escalation until one is asked for: {state}");
    visitor.socket()?.call("escalation.request", id.clone()).await?;
    visitor.socket()?.call("conversation.close", id).await?;
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 1);
    Ok(())
}

async fn a_list_holds_ones_own_conversations_page_by_page(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut own = vec![visitor.conversation.clone()];
    for name in ["b", "c", "d", "e"] {
        let params = json!({"resume": visitor.resume_secret, "session_id": name});
        let mut next = Visitor::open(world.address(), params).await?;
        next.send("hello").await?;
        own.push(next.conversation.clone());
    }
    own.reverse();
    let mut stranger = world.visitor().await?;
    stranger.send("not mine").await?;
    visitor.socket()?.call("conversation.close", json!({"conversation_id": own[1]})).await?;

    let (mut listed, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let params = json!({"limit": 2, "cursor": cursor});
        let page = visitor.socket()?.call("conversation.list", params.clone()).await?;
        ensure!(world.rpc(Some(&visitor.token), "conversation.list", params).await? == page, "over HTTP");
        let states = page["conversations"].as_array().context("a page of them")?;
        ensure!(states.len() <= 2 && !states.is_empty(), "{page}");
        listed.extend(states.iter().cloned());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let ids: Vec<_> = listed.iter().filter_map(|state| state["conversation_id"].as_str()).collect();
    ensure!(ids == own, "the latest first, each once: {ids:?}");
    ensure!(
        listed[1]["status"] == "closed" && listed[0]["session_id"] == "e",
        "each a whole State: {listed:?}"
    );
    let all = visitor.socket()?.call("conversation.list", json!({})).await?;
    ensure!(all["conversations"] == json!(listed) && all["next_cursor"] == Value::Null);

    for wrong in [json!({"cursor": "nonsense"}), json!({"limit": 0}), json!({"limit": 201})] {
        let refusal = visitor.socket()?.call_refused("conversation.list", wrong.clone()).await?;
        ensure!(refusal.kind == "invalid_params", "{wrong}: {refusal}");
    }
    // A newcomer has none, and somebody else's cursor shows nobody else's.
    let (mut newcomer, fresh) = opened(&world, json!({})).await?;
    for params in [json!({}), json!({"cursor": own[0]})] {
        let none = newcomer.call("conversation.list", params).await?;
        let listed = none["conversations"].as_array().context("a page of them")?;
        ensure!(listed.iter().all(|state| state["conversation_id"] == *conversation(&fresh)), "{none}");
    }
    Ok(())
}
