//! The same requests over HTTP: `POST /rpc`, and the history as plain JSON.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use switchboard_tests::prelude::*;

use crate::commands::{add_key, add_workspace};
use crate::messages::{say, text};
use crate::opening::{conversation, opened};
use crate::positions::numbers;
use crate::wire_faults::{fields, is_unharmed};

pub(crate) const TESTS: &[Test] = tests![
    a_whole_conversation_needs_no_socket,
    who_brings_no_good_credential_gets_401_and_the_error,
    other_errors_come_with_status_200,
    a_body_is_at_most_16_mib,
    a_batch_is_answered_by_a_batch_and_notifications_by_nothing,
    methods_that_need_a_socket_are_not_found,
    a_send_waits_for_the_reply_no_longer_than_it_was_told,
    a_key_for_all_workspaces_must_name_one,
    the_history_is_plain_json,
    the_history_is_for_those_who_may_see_it,
];

/// The error of a request over HTTP that has to be refused.
pub(crate) async fn refused(
    world: &World,
    bearer: Option<&str>,
    method: &str,
    params: Value,
) -> Result<RpcError> {
    match world.rpc(bearer, method, params).await {
        Ok(result) => bail!("{method} was to be refused, and gave {result}"),
        Err(error) => error.downcast::<RpcError>(),
    }
}

/// Status and body of a `POST /rpc` of any body.
async fn post(world: &World, bearer: Option<&str>, body: impl Into<reqwest::Body>) -> Result<(u16, String)> {
    let mut request =
        world.http().post(world.url("/rpc")).header(CONTENT_TYPE, "application/json").body(body);
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.text().await?))
}

async fn a_whole_conversation_needs_no_socket(world: World) -> Result<()> {
    world.start().await?;
    let first = world.rpc(None, "session.open", json!({"session_id": "s"})).await?;
    let token = first["token"].as_str().context("a token")?;
    let id = conversation(&first);
    let (mut socket, _) = opened(&world, json!({"token": token})).await?;
    let sent = world.rpc(Some(token), "message.send", text(id, "over HTTP")).await?;
    ensure!(sent["seq"] == 1 && sent["durability"] == "postgres" && sent["duplicate"] == false, "{sent}");
    ensure!(
        socket.notification("message.created").await?["message"]["id"] == sent["id"],
        "told to sockets, live"
    );
    let page = world.rpc(Some(token), "message.list", json!({"conversation_id": id})).await?;
    ensure!(page["messages"][0]["content"] == "over HTTP");
    let rated =
        world.rpc(Some(token), "conversation.rate", json!({"conversation_id": id, "score": 5})).await?;
    ensure!(rated["conversation"]["rating"] == 5);
    // The token of the header opens as one in the parameters does.
    let again = world.rpc(Some(token), "session.open", json!({})).await?;
    ensure!(conversation(&again) == id && again["messages"].as_array().map(Vec::len) == Some(1));
    let closed = world.rpc(Some(token), "conversation.close", json!({"conversation_id": id})).await?;
    ensure!(closed["conversation"]["status"] == "closed");
    is_unharmed(&world, 1).await
}

async fn who_brings_no_good_credential_gets_401_and_the_error(world: World) -> Result<()> {
    world.start().await?;
    let visitor = world.visitor().await?;
    let asked = json!({"conversation_id": visitor.conversation});
    let body =
        |method: &str| json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": asked}).to_string();
    for bearer in [None, Some(""), Some("nonsense"), Some("sb_nonsense"), Some("a.b.c")] {
        for method in ["message.list", "message.send", "conversation.close"] {
            let (status, answer) = post(&world, bearer, body(method)).await?;
            let answer: Value = serde_json::from_str(&answer)?;
            ensure!(status == 401 && answer["id"] == 7, "{bearer:?}: {status} {answer}");
            ensure!(
                answer["error"]["code"] == -32001 && answer["error"]["data"]["kind"] == "unauthenticated"
            );
        }
    }
    let open = json!({"jsonrpc": "2.0", "id": 7, "method": "session.open", "params": {"token": "nonsense"}});
    ensure!(post(&world, None, open.to_string()).await?.0 == 401);
    let basic =
        world.http().post(world.url("/rpc")).header(AUTHORIZATION, "Basic eDp5").body(body("message.list"));
    ensure!(basic.send().await?.status() == 401);
    let lower = format!("bearer {}", visitor.token);
    let lower = world.http().post(world.url("/rpc")).header(AUTHORIZATION, lower).body(body("message.list"));
    ensure!(lower.send().await?.status() == 200, "the scheme is of any case");
    is_unharmed(&world, 0).await
}

async fn other_errors_come_with_status_200(world: World) -> Result<()> {
    world.start().await?;
    let visitor = world.visitor().await?;
    let call =
        |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    for (body, kind) in [
        (String::new(), "parse_error"),
        ("{".to_owned(), "parse_error"),
        ("5".to_owned(), "invalid_request"),
        ("[]".to_owned(), "invalid_request"),
        (json!(vec![call("message.list", json!({})); 101]).to_string(), "invalid_request"),
        (call("no.such", json!({})).to_string(), "method_not_found"),
        (call("message.send", json!({})).to_string(), "invalid_params"),
        (call("message.list", json!({"conversation_id": Uuid::new_v4()})).to_string(), "not_found"),
        (
            call("message.list", json!({"conversation_id": visitor.conversation, "after_seq": 5}))
                .to_string(),
            "position_lost",
        ),
    ] {
        let (status, answer) = post(&world, Some(&visitor.token), body.clone()).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        ensure!(status == 200 && answer["error"]["data"]["kind"] == kind, "{body}: {status} {answer}");
    }
    let (status, answer) = post(&world, Some(&visitor.token), b"\xff\xfe".to_vec()).await?;
    ensure!(status == 200 && answer.contains("parse_error"), "{status} {answer}");
    ensure!(world.get("/rpc").await?.status() == 405, "it is for POST");
    is_unharmed(&world, 0).await
}

async fn a_body_is_at_most_16_mib(world: World) -> Result<()> {
    const MOST: usize = 16 * 1024 * 1024;
    world.start().await?;
    let visitor = world.visitor().await?;
    let request = |bytes: usize| {
        let mut params = text(&visitor.conversation, "padded");
        params["padding"] = json!("");
        let body =
            |params: &Value| json!({"jsonrpc": "2.0", "id": 7, "method": "message.send", "params": params});
        let bare = body(&params).to_string().len();
        params["padding"] = json!("x".repeat(bytes - bare));
        body(&params).to_string()
    };
    let (status, answer) = post(&world, Some(&visitor.token), request(MOST)).await?;
    ensure!(status == 200 && answer.contains("\"seq\":1"), "{status} {answer}");
    let (status, answer) = post(&world, Some(&visitor.token), request(MOST + 1)).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    ensure!(
        status == 413 && answer["error"]["data"] == json!({"kind": "too_large", "limit": MOST}),
        "{answer}"
    );
    is_unharmed(&world, 1).await
}

async fn a_batch_is_answered_by_a_batch_and_notifications_by_nothing(world: World) -> Result<()> {
    world.start().await?;
    let visitor = world.visitor().await?;
    let id = &visitor.conversation;
    let call = |number: u64, params: Value| json!({"jsonrpc": "2.0", "id": number, "method": "message.send", "params": params});
    let batch = json!([call(1, text(id, "one")), 5, call(2, json!({})), call(3, text(id, "two")),
        {"jsonrpc": "2.0", "method": "message.send", "params": text(id, "three")}]);
    let (status, answers) = post(&world, Some(&visitor.token), batch.to_string()).await?;
    let answers: Vec<Value> = serde_json::from_str(&answers)?;
    ensure!(status == 200 && answers.len() == 4, "{answers:?}");
    ensure!(answers[0]["result"]["seq"] == 1 && answers[1]["error"]["code"] == -32600, "{answers:?}");
    ensure!(answers[2]["error"]["code"] == -32602 && answers[3]["result"]["seq"] == 2, "{answers:?}");

    for silent in [
        json!({"jsonrpc": "2.0", "method": "message.send", "params": text(id, "four")}),
        json!([{"jsonrpc": "2.0", "method": "message.send", "params": text(id, "five")}]),
        json!({"jsonrpc": "2.0", "method": "message.send", "params": {}}),
    ] {
        let (status, answer) = post(&world, Some(&visitor.token), silent.to_string()).await?;
        ensure!((200..300).contains(&status) && answer.is_empty(), "{silent}: {status} {answer}");
    }
    let stored = world.stored_messages(id).await?;
    let said: Vec<_> = stored.iter().filter_map(|message| message["content"].as_str()).collect();
    ensure!(said == ["one", "two", "three", "four", "five"], "{said:?}");
    Ok(())
}

async fn methods_that_need_a_socket_are_not_found(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let id = &visitor.conversation;
    for (method, params) in [
        ("session.refresh", json!({"token": visitor.token})),
        ("message.read", json!({"conversation_id": id, "seq": 1})),
        ("typing", json!({"conversation_id": id, "on": true})),
        ("turn.cancel", json!({"conversation_id": id})),
    ] {
        let refusal = refused(&world, Some(&visitor.token), method, params).await?;
        ensure!(refusal.kind == "method_not_found" && refusal.data["method"] == method, "{refusal}");
    }
    Ok(())
}

async fn a_send_waits_for_the_reply_no_longer_than_it_was_told(world: World) -> Result<()> {
    world.start().await?;
    let visitor = world.visitor().await?;
    let mut params = text(&visitor.conversation, "is anybody there?");
    params["wait_reply_ms"] = json!(300);
    let begun = Instant::now();
    let sent = world.rpc(Some(&visitor.token), "message.send", params.clone()).await?;
    ensure!(begun.elapsed() >= Duration::from_millis(300), "it was answered after {:?}", begun.elapsed());
    ensure!(sent["seq"] == 1 && sent["durability"] == "postgres", "{sent}");
    ensure!(sent.get("reply").is_none(), "nobody answers in a relay: {sent}");
    params["wait_reply_ms"] = json!(0);
    let again = world.rpc(Some(&visitor.token), "message.send", params.clone()).await?;
    ensure!(again["duplicate"] == true && again["id"] == sent["id"]);
    params["wait_reply_ms"] = json!(1_000_000);
    ensure!(
        fields(&refused(&world, Some(&visitor.token), "message.send", params).await?)? == ["wait_reply_ms"]
    );
    Ok(())
}

async fn a_key_for_all_workspaces_must_name_one(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "crm", "service", "*").await?;
    let mut visitor = Visitor::open(world.address(), json!({"workspace": "shop"})).await?;
    visitor.send("in the shop").await?;
    let asked = |workspace: Value| json!({"conversation_id": visitor.conversation, "workspace": workspace});

    let page = world.rpc(Some(&key), "message.list", asked(json!("shop"))).await?;
    ensure!(page["messages"][0]["content"] == "in the shop");
    for nothing in [json!({"conversation_id": visitor.conversation}), asked(Value::Null)] {
        let refusal = refused(&world, Some(&key), "message.list", nothing).await?;
        ensure!(fields(&refusal)? == ["workspace"], "{refusal}");
    }
    for other in ["default", "nowhere"] {
        let refusal = refused(&world, Some(&key), "message.list", asked(json!(other))).await?;
        ensure!(refusal.kind == "not_found", "{other}: {refusal}");
    }
    let refusal = world.socket().await?.call_refused("session.open", json!({"token": key})).await?;
    ensure!(fields(&refusal)? == ["workspace"], "{refusal}");
    let (_, opened) = opened(&world, json!({"token": key, "workspace": "shop"})).await?;
    ensure!(opened["conversation"] == Value::Null);

    // A key of one workspace stays in it, whatever is named.
    let own = add_key(&world, "till", "service", "default").await?;
    let refusal = refused(&world, Some(&own), "message.list", asked(json!("shop"))).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    Ok(())
}

/// Status and body of a history.
async fn history(world: &World, bearer: Option<&str>, id: &str, query: &str) -> Result<(u16, Value)> {
    let mut request = world.http().get(world.url(&format!("/api/conversations/{id}/history{query}")));
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    ensure!(response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json"), "{status}");
    Ok((status, response.json().await?))
}

async fn the_history_is_plain_json(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let mut first = text(&id, "with metadata");
    first["metadata"] = json!({"page": "/"});
    visitor.socket()?.call("message.send", first).await?;
    say(visitor.socket()?, &id, (2..=12).map(|number| format!("number {number}"))).await?;
    for credential in [visitor.token.clone(), key] {
        let (status, page) = history(&world, Some(&credential), &id, "").await?;
        ensure!(status == 200 && numbers(&page)? == (1, 12) && page["has_more"] == false, "{page}");
        ensure!(page["messages"][0].get("metadata").is_none(), "only where it is asked for");
        let (_, page) = history(&world, Some(&credential), &id, "?include_metadata=true").await?;
        ensure!(page["messages"][0]["metadata"] == json!({"page": "/"}), "{page}");
        let (_, page) = history(&world, Some(&credential), &id, "?limit=3&before_seq=10").await?;
        ensure!(numbers(&page)? == (7, 9) && page["has_more"] == true);
    }
    for wrong in ["?limit=0", "?limit=201", "?before_seq=0", "?before_seq=14"] {
        let (status, answer) = history(&world, Some(&visitor.token), &id, wrong).await?;
        ensure!(
            (400..500).contains(&status) && answer["error"]["data"]["kind"].is_string(),
            "{wrong}: {answer}"
        );
    }
    for wrong in ["?limit=x", "?before_seq=-1", "?include_metadata=perhaps"] {
        let path = format!("/api/conversations/{id}/history{wrong}");
        let status = world.http().get(world.url(&path)).bearer_auth(&visitor.token).send().await?.status();
        ensure!(status.is_client_error(), "{wrong}: {status}");
    }
    Ok(())
}

async fn the_history_is_for_those_who_may_see_it(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let foreign = add_key(&world, "till", "service", "shop").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let stranger = world.visitor().await?;
    for (bearer, id, expected) in [
        (None, visitor.conversation.as_str(), 401),
        (Some("nonsense"), &visitor.conversation, 401),
        (Some(stranger.token.as_str()), &visitor.conversation, 404),
        (Some(foreign.as_str()), &visitor.conversation, 404),
        (Some(visitor.token.as_str()), "019a0000-0000-7000-8000-000000000000", 404),
        (Some(visitor.token.as_str()), "nonsense", 404),
    ] {
        let (status, answer) = history(&world, bearer, id, "").await?;
        ensure!(status == expected && answer["error"]["data"]["kind"].is_string(), "{status}: {answer}");
        ensure!(!answer.to_string().contains("hello"));
    }
    Ok(())
}
