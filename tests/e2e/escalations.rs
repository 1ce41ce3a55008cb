//! The life of an escalation as staff see it: asked for, claimed by one, given, let go of, settled, begun again.

use futures_util::future::try_join_all;
use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![
    a_request_is_claimed_by_exactly_one,
    a_claim_is_seen_by_the_visitor_and_resolved,
    what_is_given_and_let_go_of_waits_again,
    an_escalation_outlives_its_conversation,
    why_it_came_to_it_is_told,
    escalations_are_listed_page_by_page,
    what_staff_do_is_audited_and_visitors_may_not,
];

/// A visitor who asked for a person; their escalation's id.
pub(crate) async fn asked(world: &World) -> Result<(Visitor, String)> {
    let mut visitor = world.visitor().await?;
    let params = json!({"conversation_id": visitor.conversation, "reason": "I need help"});
    let answer = visitor.socket()?.call("escalation.request", params).await?;
    let id = answer["escalation"]["id"].as_str().context("an id")?.to_owned();
    Ok((visitor, id))
}

async fn a_request_is_claimed_by_exactly_one(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let mut consoles = Vec::new();
    for name in ["ada", "grace", "joan", "mary"] {
        consoles.push(Console::open(&world, name).await?);
    }
    for _ in 0..10 {
        let (_visitor, id) = asked(&world).await?;
        let claims = consoles.iter_mut().map(|console| {
            let claim = json!({"id": id});
            async move {
                let socket = console.socket()?;
                let request = socket.request("escalation.claim", claim).await?;
                socket.answer(request).await
            }
        });
        let outcomes = try_join_all(claims).await?;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        ensure!(winners.len() == 1, "{outcomes:?}");
        let row = &winners[0]["escalation"];
        ensure!(row["status"] == "in_progress" && row["assignee"]["name"].is_string(), "{row}");
        for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            ensure!(lost.kind == "conflict" && lost.data["current"]["assignee"] == row["assignee"], "{lost}");
            ensure!(lost.data["current"]["id"] == *id, "the row as it stands: {lost}");
        }
    }
    Ok(())
}

async fn a_claim_is_seen_by_the_visitor_and_resolved(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, id) = asked(&world).await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    ada.subscribe().await?;
    ada.until_status(&id, "notified").await?;
    ada.call("escalation.claim", json!({"id": id})).await?;
    let marker = visitor.next_message().await?;
    ensure!(
        marker["role"] == "system" && marker["content"] == "Ada has joined the conversation.",
        "{marker}"
    );
    let state = visitor.socket()?.notification("conversation.updated").await?;
    let mut state = state["conversation"].clone();
    while state["status"] != "with_staff" {
        state = visitor.socket()?.notification("conversation.updated").await?["conversation"].take();
    }
    ensure!(state["owner"] == "staff" && state["assignee"]["name"] == "Ada", "{state}");
    ensure!(state["escalation"] == json!({"id": id, "status": "in_progress"}), "{state}");

    ada.say(&conversation, "How can I help?").await?;
    let said = visitor.next_message().await?;
    ensure!(said["role"] == "staff" && said["author"]["name"] == "Ada", "{said}");
    let resolve = json!({"id": id, "resolution": "All well."});
    let resolved = ada.call("escalation.resolve", resolve.clone()).await?;
    let row = &resolved["escalation"];
    ensure!(row["status"] == "resolved" && row["resolution"] == "All well.", "{row}");
    ensure!(row["resolved_at"].is_string() && row["claimed_at"].is_string(), "{row}");
    ensure!(visitor.next_message().await?["role"] == "system");
    let again = ada.socket()?.call_refused("escalation.resolve", resolve).await?;
    ensure!(again.kind == "conflict" && again.data["current"]["status"] == "resolved", "{again}");
    // The visitor's next word begins it anew; nobody is asked for until they ask.
    visitor.send("one more thing").await?;
    let state = world.value(&format!("select status from conversations where id = '{conversation}'")).await?;
    ensure!(state == "waiting");
    let params = json!({"conversation_id": conversation});
    let next = visitor.socket()?.call("escalation.request", params).await?;
    ensure!(next["escalation"]["id"] != *id && next["escalation"]["status"] == "pending", "{next}");
    Ok(())
}

async fn what_is_given_and_let_go_of_waits_again(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, id) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let mut grace = Console::open(&world, "Grace").await?;
    let person = world.value("select id from api_keys where name = 'Grace'").await?;
    let given = ada.call("escalation.assign", json!({"id": id, "assignee": person})).await?;
    ensure!(given["escalation"]["assignee"]["name"] == "Grace", "{given}");
    ensure!(given["escalation"]["status"] == "in_progress", "{given}");
    ensure!(visitor.next_message().await?["content"] == "Grace has joined the conversation.");
    // Without an agent there is nobody to hand back to: it waits for the next person.
    let free = grace.call("escalation.release", json!({"id": id})).await?;
    let row = &free["escalation"];
    ensure!(row["status"] == "pending" && row["assignee"].is_null() && row["claimed_at"].is_null(), "{row}");
    let marker = visitor.next_message().await?;
    ensure!(marker["metadata"]["marker"] == "queued", "{marker}");
    let claimed = ada.call("escalation.claim", json!({"id": id})).await?;
    ensure!(claimed["escalation"]["version"].as_i64() > row["version"].as_i64(), "{claimed}");
    let nobody = json!({"id": id, "assignee": Uuid::new_v4()});
    ensure!(ada.socket()?.call_refused("escalation.assign", nobody).await?.kind == "invalid_params");
    let unknown = json!({"id": Uuid::new_v4()});
    ensure!(ada.socket()?.call_refused("escalation.claim", unknown).await?.kind == "not_found");
    Ok(())
}

async fn an_escalation_outlives_its_conversation(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, id) = asked(&world).await?;
    let conversation = visitor.conversation.clone();
    visitor.socket()?.call("conversation.close", json!({"conversation_id": conversation})).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    ensure!(ada.call("escalation.claim", json!({"id": id})).await?["escalation"]["status"] == "in_progress");
    let got = ada.call("escalation.get", json!({"id": id})).await?;
    ensure!(got["conversation"]["status"] == "closed" && got["conversation"]["owner"] == "none", "{got}");
    let take = json!({"conversation_id": conversation});
    ensure!(ada.socket()?.call_refused("conversation.takeover", take).await?.kind == "conflict");
    ada.call("escalation.resolve", json!({"id": id, "resolution": "called back"})).await?;
    ensure!(world.stored_messages(&conversation).await?.is_empty(), "nothing is written into a closed log");
    Ok(())
}

async fn why_it_came_to_it_is_told(world: World) -> Result<()> {
    world.with_preset("bank");
    world.start().await?;
    let mut visitor =
        Visitor::open(world.address(), json!({"user": {"name": "Kim", "email": "kim@example.com"}})).await?;
    visitor.send("I want to talk to a human").await?;
    visitor.next_message().await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let answer = ada.subscribe().await?;
    let row = &answer["escalations"][0];
    let id = row["id"].as_str().context("the agent asked for a person")?;
    ensure!(row["trigger_type"] == "user_request" && row["contact_info"]["name"] == "Kim", "{row}");
    let got = ada.call("escalation.get", json!({"id": id})).await?;
    let turn = &got["interactions"][0];
    ensure!(turn["id"] == row["interaction_id"] && turn["outcome"] == "escalated", "{turn}");
    ensure!(turn["user_message"] == "I want to talk to a human", "{turn}");
    ensure!(turn["steps"]["classify"]["status"] == "done", "{turn}");
    Ok(())
}

async fn escalations_are_listed_page_by_page(world: World) -> Result<()> {
    world.start().await?;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(asked(&world).await?.1);
    }
    let mut ada = Console::open(&world, "Ada").await?;
    ada.call("escalation.claim", json!({"id": ids[1]})).await?;
    let mut seen = Vec::new();
    let mut params = json!({"limit": 2});
    loop {
        let page = world.rpc(Some(&ada.key), "escalation.list", params.clone()).await?;
        let rows = page["escalations"].as_array().context("a list")?;
        seen.extend(rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)));
        if page["next_cursor"].is_null() {
            break;
        }
        params["cursor"] = page["next_cursor"].clone();
    }
    ids.reverse();
    ensure!(seen == ids, "the latest first, each once: {seen:?}");
    let mine = json!({"statuses": ["in_progress"], "trigger_type": "user_request"});
    let mine = ada.call("escalation.list", mine).await?;
    ensure!(mine["escalations"].as_array().is_some_and(|rows| rows.len() == 1), "{mine}");
    let none = ada.call("escalation.list", json!({"trigger_type": "guard"})).await?;
    ensure!(none["escalations"] == json!([]), "{none}");
    Ok(())
}

async fn what_staff_do_is_audited_and_visitors_may_not(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, id) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    ada.call("escalation.claim", json!({"id": id})).await?;
    ada.call("escalation.release", json!({"id": id})).await?;
    ada.call("conversation.takeover", json!({"conversation_id": visitor.conversation})).await?;
    ada.call("escalation.resolve", json!({"id": id, "resolution": ""})).await?;
    let rows = world
        .rows(&format!("select action, actor from audit_log where subject = '{id}' order by created_at, id"))
        .await?;
    let actions: Vec<_> = rows.iter().filter_map(|row| row["action"].as_str()).collect();
    ensure!(
        actions == ["escalation.claim", "escalation.release", "conversation.takeover", "escalation.resolve"],
        "{actions:?}"
    );
    let key = world.value("select id from api_keys where name = 'Ada'").await?;
    ensure!(rows.iter().all(|row| row["actor"] == key), "{rows:?}");
    for method in ["escalation.claim", "escalation.get", "escalation.release"] {
        let refused = visitor.socket()?.call_refused(method, json!({"id": id})).await?;
        ensure!(refused.kind == "forbidden", "{method}: {refused}");
    }
    let refused = visitor.socket()?.call_refused("escalation.subscribe", json!({})).await?;
    ensure!(refused.kind == "forbidden");
    Ok(())
}
