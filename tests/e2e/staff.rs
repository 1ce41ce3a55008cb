//! Staff among themselves and in rooms: who is there, what moves by itself, short texts, and looking conversations up.

use switchboard_tests::prelude::*;

use crate::escalations::asked;

pub(crate) const TESTS: &[Test] = tests![
    who_is_there_is_told_and_ends_with_the_socket,
    what_waits_goes_to_whoever_has_the_least_to_do,
    what_somebody_leaves_behind_waits_for_the_next,
    staff_in_a_room_see_and_are_seen,
    short_texts_are_shared_by_the_workspace,
    conversations_are_looked_up,
    somebody_else_on_the_same_socket_hears_nothing_of_before,
];

async fn who_is_there_is_told_and_ends_with_the_socket(world: World) -> Result<()> {
    world.start().await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let mut grace = Console::open(&world, "Grace").await?;
    ensure!(ada.subscribe().await?["staff"] == json!([]));
    grace.call("staff.presence", json!({"status": "online", "capacity": 2})).await?;
    let told = ada.socket()?.notification("presence.updated").await?;
    let staff = &told["staff"];
    ensure!(staff["name"] == "Grace" && staff["status"] == "online" && staff["capacity"] == 2, "{staff}");
    grace.call("staff.presence", json!({"status": "away"})).await?;
    let told = ada.socket()?.notification("presence.updated").await?;
    ensure!(told["staff"]["status"] == "away" && told["staff"]["capacity"] == 2, "as before: {told}");
    ensure!(ada.subscribe().await?["staff"][0]["status"] == "away");
    let mut second = Console::with_key(&world, &grace.key).await?;
    second.call("staff.presence", json!({"status": "online"})).await?;
    ada.socket()?.notification("presence.updated").await?;
    grace.lose();
    second.call("staff.presence", json!({"status": "online", "capacity": 3})).await?;
    let told = ada.socket()?.notification("presence.updated").await?;
    ensure!(told["staff"]["status"] == "online", "one socket is left: {told}");
    second.lose();
    let told = ada.socket()?.notification("presence.updated").await?;
    ensure!(told["staff"]["status"] == "offline", "{told}");
    let wrong =
        ada.socket()?.call_refused("staff.presence", json!({"status": "asleep", "capacity": -1})).await?;
    ensure!(wrong.kind == "invalid_params", "{wrong}");
    let over_http = world.rpc(Some(&ada.key), "staff.presence", json!({"status": "online"})).await;
    ensure!(over_http.is_err(), "presence lasts as long as a socket");
    Ok(())
}

async fn what_waits_goes_to_whoever_has_the_least_to_do(world: World) -> Result<()> {
    world.with_arguments(&["--auto-assign", "on"]);
    world.start().await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let mut grace = Console::open(&world, "Grace").await?;
    ada.subscribe().await?;
    let (_first, first) = asked(&world).await?;
    ada.until_status(&first, "notified").await?;
    ada.call("staff.presence", json!({"status": "online", "capacity": 2})).await?;
    let given = ada.until_status(&first, "in_progress").await?;
    ensure!(given["assignee"]["name"] == "Ada", "{given}");
    grace.call("staff.presence", json!({"status": "online", "capacity": 1})).await?;
    let (_second, second) = asked(&world).await?;
    ensure!(ada.until_status(&second, "in_progress").await?["assignee"]["name"] == "Grace");
    let (_third, third) = asked(&world).await?;
    ensure!(
        ada.until_status(&third, "in_progress").await?["assignee"]["name"] == "Ada",
        "Grace has her fill"
    );
    let (_fourth, fourth) = asked(&world).await?;
    ada.until_status(&fourth, "notified").await?;
    let refused = ada.socket()?.call_refused("escalation.assign", json!({"id": fourth})).await?;
    ensure!(refused.kind == "conflict", "nobody has room: {refused}");
    ada.call("escalation.resolve", json!({"id": first, "resolution": "done"})).await?;
    ensure!(ada.until_status(&fourth, "in_progress").await?["assignee"]["name"] == "Ada");
    let actor = world
        .value(&format!(
            "select actor from audit_log where action = 'escalation.assign' and subject = '{first}'"
        ))
        .await?;
    ensure!(actor == "00000000-0000-0000-0000-000000000000", "the server itself: {actor}");
    Ok(())
}

async fn what_somebody_leaves_behind_waits_for_the_next(world: World) -> Result<()> {
    world.with_arguments(&["--requeue-seconds", "1"]);
    world.start().await?;
    let (mut visitor, id) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let mut grace = Console::open(&world, "Grace").await?;
    grace.subscribe().await?;
    ada.call("staff.presence", json!({"status": "online"})).await?;
    ada.call("escalation.claim", json!({"id": id})).await?;
    grace.until_status(&id, "in_progress").await?;
    ada.lose();
    let free =
        grace.until(&id, |known| known["assignee"].is_null() && known["version"].as_i64() > Some(3)).await?;
    ensure!(["pending", "notified"].contains(&free["status"].as_str().unwrap_or("")), "{free}");
    visitor.next_message().await?;
    let marker = visitor.next_message().await?;
    ensure!(marker["metadata"]["marker"] == "queued", "{marker}");
    Ok(())
}

async fn staff_in_a_room_see_and_are_seen(world: World) -> Result<()> {
    world.with_preset("bank");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    visitor.next_message().await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    ada.call("conversation.join", json!({"conversation_id": conversation})).await?;
    visitor.send("hello again").await?;
    let step = loop {
        let step = ada.socket()?.notification("workflow.step").await?;
        if step["status"] == "done" {
            break step;
        }
    };
    ensure!(step["detail"].is_object(), "staff see what a step decided: {step}");
    let step = visitor.socket()?.notification("workflow.step").await?;
    ensure!(step.get("detail").is_none(), "visitors do not: {step}");
    let typing = json!({"conversation_id": conversation, "on": true});
    ada.socket()?.notify("typing", typing.clone()).await?;
    let told = visitor.socket()?.notification("typing").await?;
    ensure!(told["role"] == "staff" && told["author"]["name"] == "Ada", "{told}");
    visitor.socket()?.notify("typing", typing).await?;
    ensure!(ada.socket()?.notification("typing").await?["role"] == "user");
    ada.call("message.read", json!({"conversation_id": conversation, "seq": 2})).await?;
    let read = visitor.socket()?.notification("read.updated").await?;
    ensure!(read["staff"] == 2 && read["user"] == 0, "{read}");
    // While the agent answers, a person does not: they would talk at the same time.
    let say = json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": "hi"});
    let refused = ada.socket()?.call_refused("message.send", say).await?;
    ensure!(refused.kind == "conflict" && refused.data["current"]["owner"] == "ai", "{refused}");
    Ok(())
}

async fn short_texts_are_shared_by_the_workspace(world: World) -> Result<()> {
    world.start().await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let saved = ada.call("canned.save", json!({"name": "hours", "content": "Nine to five."})).await?;
    let id = saved["canned"]["id"].clone();
    let taken = ada.socket()?.call_refused("canned.save", json!({"name": "HOURS", "content": "x"})).await?;
    ensure!(taken.kind == "conflict" && taken.data["current"]["id"] == id, "{taken}");
    let changed = json!({"id": id, "name": "hours", "content": "Ten to four."});
    ada.call("canned.save", changed).await?;
    let grace = Console::open(&world, "Grace").await?;
    let listed = world.rpc(Some(&grace.key), "canned.list", json!({})).await?;
    ensure!(listed["canned"].as_array().is_some_and(|all| all.len() == 1), "{listed}");
    ensure!(listed["canned"][0]["content"] == "Ten to four.", "{listed}");
    let spaced =
        ada.socket()?.call_refused("canned.save", json!({"name": "two words", "content": "x"})).await?;
    ensure!(spaced.kind == "invalid_params" && spaced.data["fields"][0]["field"] == "name", "{spaced}");
    ensure!(ada.call("canned.delete", json!({"id": id})).await?["deleted"] == true);
    ensure!(ada.call("canned.delete", json!({"id": id})).await?["deleted"] == false);
    let audited = world.value("select count(*) from audit_log where action like 'canned.%'").await?;
    ensure!(audited == 3, "two saves and one delete: {audited}");
    Ok(())
}

async fn conversations_are_looked_up(world: World) -> Result<()> {
    world.start().await?;
    let mut all = Vec::new();
    for name in ["Kim", "Lee", "Kimberly"] {
        let user = json!({"user": {"name": name, "email": format!("{name}@example.com")}});
        let mut visitor = Visitor::open(world.address(), user).await?;
        visitor.send("hello").await?;
        all.push(visitor.conversation.clone());
    }
    let unwritten = world.visitor().await?;
    let mut ada = Console::open(&world, "Ada").await?;
    ada.call("conversation.takeover", json!({"conversation_id": all[1]})).await?;
    let me = world.value("select id from api_keys where name = 'Ada'").await?;
    let joined = ada.call("conversation.join", json!({"conversation_id": all[0]})).await?;
    let who = &joined["visitor"];
    ensure!(who["email"] == "Kim@example.com" && who["verified"] == false, "{who}");
    let found = async |params: Value| -> Result<Vec<String>> {
        let mut params = params;
        let mut found = Vec::new();
        loop {
            let page = world.rpc(Some(&ada.key), "conversation.list", params.clone()).await?;
            let list = page["conversations"].as_array().context("a list")?;
            found.extend(list.iter().filter_map(|one| one["conversation_id"].as_str().map(str::to_owned)));
            if page["next_cursor"].is_null() {
                return Ok(found);
            }
            params["cursor"] = page["next_cursor"].clone();
        }
    };
    let latest_first: Vec<_> = all.iter().rev().cloned().collect();
    ensure!(found(json!({"limit": 2})).await? == latest_first);
    ensure!(found(json!({"query": "KIM"})).await? == [all[2].clone(), all[0].clone()]);
    ensure!(found(json!({"query": "kim@", "limit": 1})).await? == [all[0].clone()]);
    ensure!(found(json!({"status": "with_staff"})).await? == [all[1].clone()]);
    ensure!(found(json!({"assignee": me})).await? == [all[1].clone()]);
    ensure!(found(json!({"query": "%"})).await?.is_empty(), "no sign is an operator");
    ensure!(found(json!({"visitor": who["id"]})).await? == [all[0].clone()]);
    ensure!(found(json!({"visitor": Uuid::new_v4()})).await?.is_empty());
    let join = json!({"conversation_id": unwritten.conversation});
    let refused = ada.socket()?.call_refused("conversation.join", join).await?;
    ensure!(refused.kind == "not_found", "what nobody has acted in is its visitor's alone: {refused}");
    Ok(())
}

async fn somebody_else_on_the_same_socket_hears_nothing_of_before(world: World) -> Result<()> {
    world.start().await?;
    let (mut visitor, id) = asked(&world).await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    ada.subscribe().await?;
    ada.until_status(&id, "notified").await?;
    ada.call("conversation.join", json!({"conversation_id": conversation})).await?;
    // A visitor opens on the socket that Ada has used.
    let opened = ada.call("session.open", json!({})).await?;
    let stranger = opened["conversation"]["conversation_id"].clone();
    visitor.send("is this still between us?").await?;
    asked(&world).await?;
    ada.call("message.list", json!({"conversation_id": stranger})).await?;
    ensure!(ada.socket()?.waiting_notifications().next().is_none());
    Ok(())
}
