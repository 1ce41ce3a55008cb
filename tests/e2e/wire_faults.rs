//! Requests that are none, or not good ones: each gets the error of the table, writes nothing, and leaves the
//! socket as it was.

use switchboard_tests::prelude::*;

use crate::messages::text;

pub(crate) const TESTS: &[Test] = tests![
    what_is_not_json_is_a_parse_error,
    what_is_json_and_no_request_is_invalid,
    a_batch_is_of_1_to_100,
    a_bad_request_in_a_batch_spoils_no_other,
    the_id_comes_back_as_it_was_sent,
    an_unknown_method_is_named,
    every_bad_field_is_named_at_once,
    unknown_parameters_are_ignored,
    a_message_has_1_to_10_000_characters,
    the_character_u_0000_is_refused_wherever_it_stands,
    before_anything_is_opened_every_method_is_unauthenticated,
    another_visitors_conversation_is_not_found,
];

/// After all that was thrown at the server, nothing was written beyond `messages`, and it still serves.
pub(crate) async fn is_unharmed(world: &World, messages: u64) -> Result<()> {
    ensure!(world.value("select count(*) from messages").await? == messages, "something was written");
    ensure!(world.value("select count(*) from escalations").await? == 0);
    let mut somebody = world.visitor().await?;
    ensure!(somebody.send("does it still work?").await?.seq == 1);
    ensure!(world.get("/readyz").await?.status() == 200);
    Ok(())
}

/// The error of one text frame, which has to be answered with this id.
async fn error_of(socket: &mut Socket, frame: &str, id: &Value) -> Result<RpcError> {
    socket.send_text(frame).await?;
    let mut answer = socket.frame().await?;
    ensure!(answer["jsonrpc"] == "2.0" && answer.get("id") == Some(id), "{frame} was answered with {answer}");
    ensure!(answer.get("result").is_none(), "{frame} was answered with {answer}");
    let error = RpcError::from(answer["error"].take());
    ensure!(!error.message.is_empty(), "a sentence for a person: {error}");
    Ok(error)
}

/// The names of the bad fields, in alphabetical order.
pub(crate) fn fields(error: &RpcError) -> Result<Vec<&str>> {
    ensure!(error.code == -32602 && error.kind == "invalid_params", "{error}");
    let fields = error.data["fields"].as_array().context("the bad fields")?;
    ensure!(
        fields.iter().all(|field| field["problem"].as_str().is_some_and(|text| !text.is_empty())),
        "{error}"
    );
    let mut names: Vec<_> = fields.iter().filter_map(|field| field["field"].as_str()).collect();
    names.sort_unstable();
    Ok(names)
}

async fn what_is_not_json_is_a_parse_error(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let whole = json!({"jsonrpc": "2.0", "id": 1, "method": "message.send",
        "params": text(&visitor.conversation, "half of me")})
    .to_string();
    let (half, doubled) = (&whole[..whole.len() / 2], format!("{whole}{whole}"));
    for frame in
        ["", " ", "nonsense", "{", "{'id': 1}", "[1, 2", "{\"id\": 01}", "\u{feff}{}", half, &doubled]
    {
        let error = error_of(visitor.socket()?, frame, &Value::Null).await?;
        ensure!(error.code == -32700 && error.kind == "parse_error", "{frame:?}: {error}");
    }
    // Deep is not broken: a batch of one thing that is no request, and metadata that nobody could store.
    visitor.socket()?.send_text(&format!("{}{}", "[".repeat(60_000), "]".repeat(60_000))).await?;
    ensure!(visitor.socket()?.frame().await?[0]["error"]["code"] == -32600);
    let metadata = format!("{}1{}", r#"{"a":"#.repeat(15_000), "}".repeat(15_000));
    let deep = text(&visitor.conversation, "deep").to_string();
    let deep = deep.replacen('{', &format!(r#"{{"metadata":{metadata},"#), 1);
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"message.send","params":{deep}}}"#);
    ensure!(fields(&error_of(visitor.socket()?, &deep, &json!(1)).await?)? == ["metadata"]);
    visitor.send("the socket is as it was").await?;
    is_unharmed(&world, 1).await
}

async fn what_is_json_and_no_request_is_invalid(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    for (frame, id) in [
        (json!(1), Value::Null),
        (json!("x"), Value::Null),
        (Value::Null, Value::Null),
        (json!(true), Value::Null),
        (json!({}), Value::Null),
        (json!({"id": 7}), json!(7)),
        (json!({"id": 7, "method": "message.list"}), json!(7)),
        (json!({"jsonrpc": "1.0", "id": 7, "method": "message.list"}), json!(7)),
        (json!({"jsonrpc": 2.0, "id": 7, "method": "message.list"}), json!(7)),
        (json!({"jsonrpc": "2.0", "id": 7}), json!(7)),
        (json!({"jsonrpc": "2.0", "id": 7, "method": 5}), json!(7)),
        (json!({"jsonrpc": "2.0", "id": 7, "method": null}), json!(7)),
        (json!({"jsonrpc": "2.0", "id": 7, "method": "message.list", "params": 5}), json!(7)),
        (json!({"jsonrpc": "2.0", "id": 7, "method": "message.list", "params": "x"}), json!(7)),
        (json!({"jsonrpc": "2.0", "id": [], "method": "message.list"}), Value::Null),
        (json!({"jsonrpc": "2.0", "id": {}, "method": "message.list"}), Value::Null),
        (json!({"jsonrpc": "2.0", "id": true, "method": "message.list"}), Value::Null),
    ] {
        let error = error_of(visitor.socket()?, &frame.to_string(), &id).await?;
        ensure!(error.code == -32600 && error.kind == "invalid_request", "{frame}: {error}");
    }
    // Answers to questions that nobody asked are not answered.
    for answer in
        [json!({"jsonrpc": "2.0", "id": 1, "result": {}}), json!({"jsonrpc": "2.0", "id": 1, "error": {}})]
    {
        visitor.socket()?.send_json(&answer).await?;
    }
    visitor.send("the socket is as it was").await?;
    is_unharmed(&world, 1).await
}

async fn a_batch_is_of_1_to_100(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let batch = |size: u64| -> Value {
        let one =
            |n| json!({"jsonrpc": "2.0", "id": n, "method": "message.send", "params": text(&id, "hello")});
        (1..=size).map(one).collect()
    };
    for wrong in [batch(0), batch(101), batch(300)] {
        let error = error_of(visitor.socket()?, &wrong.to_string(), &Value::Null).await?;
        ensure!(error.kind == "invalid_request", "a batch of {:?}: {error}", wrong.as_array().map(Vec::len));
    }
    ensure!(world.stored_messages(&id).await?.is_empty(), "none of them was carried out");
    visitor.socket()?.send_json(&batch(100)).await?;
    let answers = visitor.socket()?.frame().await?;
    ensure!(answers.as_array().is_some_and(|answers| answers.len() == 100), "{answers}");
    let no_answers =
        json!([{"jsonrpc": "2.0", "method": "typing", "params": {"conversation_id": id, "on": true}}]);
    visitor.socket()?.send_json(&no_answers).await?;
    visitor.socket()?.send_json(&batch(1)).await?;
    let next = visitor.socket()?.frame().await?;
    ensure!(
        next[0]["result"]["seq"] == 101,
        "a batch of notifications has no answer, not an empty one: {next}"
    );
    is_unharmed(&world, 101).await
}

async fn a_bad_request_in_a_batch_spoils_no_other(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let send = |n: u64, params: Value| json!({"jsonrpc": "2.0", "id": n, "method": "message.send", "params": params});
    let reused = text(&id, "first");
    let mut other = reused.clone();
    other["content"] = json!("second");
    let batch = json!([
        send(1, reused),
        5,
        {"jsonrpc": "2.0", "id": "x", "method": "no.such"},
        send(2, json!({"content": ""})),
        {"jsonrpc": "2.0", "method": "no.such"},
        send(3, other),
        [],
        send(4, text(&Uuid::new_v4().to_string(), "into nowhere")),
        send(5, text(&id, "last")),
    ]);
    visitor.socket()?.send_json(&batch).await?;
    let answers = visitor.socket()?.frame().await?;
    let answers = answers.as_array().context("a batch is answered by a batch")?;
    let kind = |id: Value| {
        let answer = answers.iter().find(|answer| answer["id"] == id);
        answer.map(|answer| answer["error"]["data"]["kind"].clone()).unwrap_or_default()
    };
    ensure!(answers.len() == 8, "{answers:?}");
    ensure!(answers.iter().filter(|answer| answer["error"]["code"] == -32600).count() == 2, "{answers:?}");
    ensure!(kind(json!("x")) == "method_not_found" && kind(json!(2)) == "invalid_params", "{answers:?}");
    ensure!(kind(json!(3)) == "conflict" && kind(json!(4)) == "not_found", "{answers:?}");
    let seq =
        |id: u64| answers.iter().find(|answer| answer["id"] == id).map(|answer| &answer["result"]["seq"]);
    ensure!(seq(1) == Some(&json!(1)) && seq(5) == Some(&json!(2)), "{answers:?}");
    is_unharmed(&world, 2).await
}

async fn the_id_comes_back_as_it_was_sent(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    for id in
        ["null", "0", "-1", "1.5", "1e2", "12345678901234567890", "\"\"", "\"a \\u00e9 \\\" b\"", "\"1\""]
    {
        let frame = format!(
            r#"{{"id":{id},"params":{{"conversation_id":"{}"}},"method":"message.list","jsonrpc":"2.0"}}"#,
            visitor.conversation
        );
        visitor.socket()?.send_text(&frame).await?;
        let answer = visitor.socket()?.frame().await?;
        let sent: Value = serde_json::from_str(id)?;
        ensure!(answer["id"] == sent && answer["result"]["messages"] == json!([]), "{id}: {answer}");
    }
    Ok(())
}

async fn an_unknown_method_is_named(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    for method in ["no.such", "", "message.Send", "message.send ", "rpc.discover", "session.close", "\u{0}"] {
        let error = visitor.socket()?.call_refused(method, json!({})).await?;
        ensure!(error.code == -32601 && error.kind == "method_not_found", "{method:?}: {error}");
        ensure!(error.data["method"] == method, "{error}");
    }
    let long = "x".repeat(100_000);
    let error = visitor.socket()?.call_refused(&long, json!({})).await?;
    ensure!(error.kind == "method_not_found" && error.to_string().len() < 1_000, "the answer stays small");
    is_unharmed(&world, 0).await
}

async fn every_bad_field_is_named_at_once(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let socket = visitor.socket()?;
    for (method, params, bad) in [
        (
            "message.send",
            json!({"conversation_id": 5, "client_id": "x", "content": "", "metadata": [], "attachments": "a",
                "wait_reply_ms": -1}),
            "attachments client_id content conversation_id metadata wait_reply_ms",
        ),
        ("message.send", json!({}), "client_id content conversation_id"),
        ("message.send", json!({"content": null}), "client_id content conversation_id"),
        (
            "message.list",
            json!({"conversation_id": "x", "limit": 1000, "after_seq": "1"}),
            "after_seq conversation_id limit",
        ),
        ("message.read", json!({"conversation_id": true}), "conversation_id seq"),
        ("message.feedback", json!({"helpful": "yes", "comment": 5}), "comment helpful message_id"),
        ("turn.cancel", json!({}), "conversation_id"),
        (
            "conversation.rate",
            json!({"score": 9, "comment": "x".repeat(3_000)}),
            "comment conversation_id score",
        ),
        ("conversation.close", json!({"conversation_id": [1]}), "conversation_id"),
        (
            "escalation.request",
            json!({"contact": {"email": 5, "phone": "1".repeat(100)}, "reason": {}}),
            "contact.email contact.phone conversation_id reason",
        ),
        ("session.refresh", json!({"token": 5}), "token"),
        (
            "session.open",
            json!({"token": 1, "resume": [], "workspace": {}, "position": {"epoch": 1, "seq": "x"}, "mode": "robot",
                "user": {"external_id": "", "email": 5}, "metadata": "x"}),
            "metadata mode position.epoch position.seq resume token user.email user.external_id workspace",
        ),
        ("session.open", json!({"position": {}}), "position.epoch position.seq"),
        ("session.open", json!({"position": []}), "position"),
    ] {
        let error = socket.call_refused(method, params.clone()).await?;
        ensure!(fields(&error)?.join(" ") == bad, "{method} {params}: {error}");
    }
    let error = socket.call_refused("message.send", json!([1, 2])).await?;
    ensure!(error.kind == "invalid_params", "parameters have names: {error}");
    // What was sent is not told to whoever reads the log of errors.
    let secret = json!({"conversation_id": "hunter2", "client_id": "hunter2", "content": {"hunter2": 1}});
    let error = socket.call_refused("message.send", secret).await?;
    ensure!(!error.to_string().contains("hunter2"), "{error}");
    is_unharmed(&world, 0).await
}

async fn unknown_parameters_are_ignored(world: World) -> Result<()> {
    world.start().await?;
    let params = json!({"theme": "dark", "user": {"name": "Ann", "age": 7}, "position": null, "token": null});
    let mut visitor = Visitor::open(world.address(), params).await?;
    let mut params = text(&visitor.conversation, "from a newer client");
    params["urgency"] = json!({"level": [1]});
    let mut again = params.clone();
    again["urgency"] = json!(2);
    ensure!(visitor.socket()?.call("message.send", params).await?["seq"] == 1);
    ensure!(visitor.socket()?.call("message.send", again).await?["duplicate"] == true);
    Ok(())
}

async fn a_message_has_1_to_10_000_characters(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let socket = visitor.socket()?;
    // Of four bytes each, so that bytes are not taken for characters.
    socket.call("message.send", text(&id, &"\u{1f600}".repeat(10_000))).await?;
    socket.call("message.send", text(&id, "x")).await?;
    for wrong in [String::new(), "\u{1f600}".repeat(10_001), "x".repeat(10_001)] {
        let error = socket.call_refused("message.send", text(&id, &wrong)).await?;
        ensure!(fields(&error)? == ["content"], "{error}");
    }
    is_unharmed(&world, 2).await
}

async fn the_character_u_0000_is_refused_wherever_it_stands(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    let with = |field: &str, value: Value| {
        let mut params = text(&id, "hello");
        params[field] = value;
        params
    };
    for (method, params, field) in [
        ("message.send", with("content", json!("a\u{0}b")), "content"),
        ("message.send", with("metadata", json!({"page": "\u{0}"})), "metadata.page"),
        ("message.send", with("metadata", json!({"list": [1, {"x": "\u{0}"}]})), "metadata.list.1.x"),
        ("session.open", json!({"session_id": "\u{0}"}), "session_id"),
        ("session.open", json!({"user": {"name": "\u{0}"}}), "user.name"),
        ("session.open", json!({"resume": "\u{0}"}), "resume"),
        ("escalation.request", json!({"conversation_id": id, "reason": "\u{0}"}), "reason"),
        ("conversation.rate", json!({"conversation_id": id, "score": 1, "comment": "\u{0}"}), "comment"),
        ("conversation.list", json!({"cursor": "\u{0}"}), "cursor"),
    ] {
        let error = visitor.socket()?.call_refused(method, params).await?;
        ensure!(fields(&error)? == [field], "{method}: {error}");
    }
    let key = with("metadata", json!({"a\u{0}b": 1}));
    fields(&visitor.socket()?.call_refused("message.send", key).await?)?;
    is_unharmed(&world, 0).await
}

async fn before_anything_is_opened_every_method_is_unauthenticated(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let message = visitor.send("hello").await?.id;
    let id = visitor.conversation.clone();
    let mut socket = world.socket().await?;
    for (method, params) in methods(&id, &message) {
        let error = socket.call_refused(method, params).await?;
        ensure!(error.code == -32001 && error.kind == "unauthenticated", "{method}: {error}");
    }
    socket.notify("message.send", text(&id, "nobody")).await?;
    socket.call("session.open", json!({})).await?;
    is_unharmed(&world, 1).await
}

/// Every method that names a conversation or a message, with parameters that are good but for whose they are.
pub(crate) fn methods(conversation: &str, message: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("message.send", text(conversation, "mine now")),
        ("message.list", json!({"conversation_id": conversation})),
        ("message.read", json!({"conversation_id": conversation, "seq": 1})),
        ("message.feedback", json!({"message_id": message, "helpful": false})),
        ("turn.cancel", json!({"conversation_id": conversation})),
        ("escalation.request", json!({"conversation_id": conversation})),
        ("conversation.rate", json!({"conversation_id": conversation, "score": 1})),
        ("conversation.close", json!({"conversation_id": conversation})),
    ]
}

async fn another_visitors_conversation_is_not_found(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let message = visitor.send("hello").await?.id;
    let mut unwritten = world.visitor().await?;
    let mut stranger = world.visitor().await?;
    for _ in ["while the server remembers", "after a restart"] {
        for theirs in [&visitor.conversation, &unwritten.conversation] {
            for (method, params) in methods(theirs, &message) {
                let error = stranger.socket()?.call_refused(method, params.clone()).await?;
                ensure!(error.code == -32004 && error.kind == "not_found", "{method}: {error}");
                ensure!(error.data == json!({"kind": "not_found"}), "existence is not revealed: {error}");
            }
            let open = json!({"token": stranger.token, "conversation_id": theirs});
            ensure!(stranger.socket()?.call_refused("session.open", open).await?.kind == "not_found");
        }
        stranger.lose();
        visitor.lose();
        unwritten.lose();
        world.restart().await?;
        let params = json!({"token": stranger.token});
        stranger = Visitor::open(world.address(), params).await?;
    }
    let state = world.rows("select status, rating, user_read_seq from conversations").await?;
    ensure!(state == [json!({"status": "waiting", "rating": null, "user_read_seq": 0})], "{state:?}");
    ensure!(world.value("select count(*) from message_feedback").await? == 0);
    is_unharmed(&world, 1).await
}
