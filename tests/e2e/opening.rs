//! `session.open`: who comes in, where, and into which conversation. One test for each sentence of the protocol.

use switchboard_tests::prelude::*;

use crate::commands::{add_key, add_workspace};
use crate::tokens::claims;

pub(crate) const TESTS: &[Test] = tests![
    without_a_credential_it_is_always_a_new_visitor_and_a_new_conversation,
    a_used_socket_gives_a_new_visitor_too,
    a_newcomer_arrives_in_the_workspace_named_and_else_in_default,
    a_page_whose_origin_is_not_on_the_list_of_the_workspace_opens_nothing,
    with_a_credential_and_no_conversation_it_is_the_latest_that_is_not_closed,
    a_session_id_is_looked_up_among_that_visitors_conversations_only,
    names_opened_in_turn_before_the_first_act_are_one_conversation_each,
    a_key_of_a_service_authenticates_and_has_a_conversation_only_where_it_named_one,
    a_second_open_changes_to_that_conversation,
    a_refused_open_changes_nothing,
    the_greeting_is_text_of_the_preset_and_not_a_message,
];

/// `session.open` on a socket of its own.
pub(crate) async fn opened(world: &World, params: Value) -> Result<(Socket, Value)> {
    let mut socket = world.socket().await?;
    let opened = socket.call("session.open", params).await?;
    Ok((socket, opened))
}

/// Which conversation was opened.
pub(crate) fn conversation(opened: &Value) -> &str {
    opened["conversation"]["conversation_id"].as_str().unwrap_or_default()
}

/// Another tab of the visitor, in the same conversation.
pub(crate) async fn tab_of(world: &World, visitor: &Visitor) -> Result<Socket> {
    let params = json!({"token": visitor.token, "conversation_id": visitor.conversation});
    Ok(opened(world, params).await?.0)
}

/// Whether the answer says that this is a conversation in which nobody has acted.
fn is_untouched(opened: &Value) -> bool {
    opened["position"]["seq"] == 0 && opened["messages"] == json!([])
}

async fn without_a_credential_it_is_always_a_new_visitor_and_a_new_conversation(world: World) -> Result<()> {
    world.start().await?;
    let (_kept, first) = opened(&world, json!({})).await?;
    let (_too, second) =
        opened(&world, json!({"position": first["position"], "metadata": {"page": "/"}})).await?;
    ensure!(conversation(&first) != conversation(&second));
    ensure!(first["resume"] != second["resume"], "each visitor has a resume of their own");
    ensure!(claims(&first["token"])?["sub"] != claims(&second["token"])?["sub"]);

    let state = &first["conversation"];
    ensure!(state["status"] == "waiting" && state["owner"] == "none", "nobody answers by itself: {state}");
    for absent in ["session_id", "assignee", "mode", "workflow", "escalation", "rating"] {
        ensure!(state.get(absent) == Some(&Value::Null), "{absent} is there, and null: {state}");
    }
    ensure!(state["epoch"] == first["position"]["epoch"]);
    ensure!(is_untouched(&first) && first["recovered"] == false && first["has_more"] == false);
    ensure!(first["read"] == json!({"user": 0, "staff": 0}) && first["streaming"] == Value::Null);
    ensure!(first["server"]["ping_s"] == 25 && first["server"]["max_message_bytes"] == 128 * 1024);
    for named in ["version", "node"] {
        ensure!(first["server"][named].is_string(), "the server says its {named}");
    }
    for time in [&state["created_at"], &state["updated_at"], &first["expires_at"]] {
        let time = time.as_str().context("a time is text")?;
        ensure!(time.len() == "2026-01-01T00:00:00.000Z".len() && time.ends_with('Z'), "{time}");
    }
    Ok(())
}

async fn a_used_socket_gives_a_new_visitor_too(world: World) -> Result<()> {
    world.start().await?;
    let (mut socket, first) = opened(&world, json!({})).await?;
    let said =
        json!({"conversation_id": conversation(&first), "client_id": Uuid::new_v4(), "content": "mine"});
    socket.call("message.send", said).await?;
    let second = socket.call("session.open", json!({})).await?;
    ensure!(conversation(&first) != conversation(&second) && first["resume"] != second["resume"]);
    ensure!(is_untouched(&second));
    let asked = json!({"conversation_id": conversation(&first)});
    let refusal = socket.call_refused("message.list", asked).await?;
    ensure!(refusal.kind == "not_found", "the one before is another person's now: {refusal}");
    Ok(())
}

async fn a_newcomer_arrives_in_the_workspace_named_and_else_in_default(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    for (params, workspace) in [
        (json!({}), "default"),
        (json!({"workspace": "default"}), "default"),
        (json!({"workspace": "shop"}), "shop"),
    ] {
        let mut visitor = Visitor::open(world.address(), params).await?;
        visitor.send("hello").await?;
        let sql = format!(
            "select slug from workspaces w join conversations c on c.workspace_id = w.id where c.id = '{}'",
            visitor.conversation
        );
        ensure!(world.value(&sql).await? == workspace);
        // It comes from the credential from now on, and never from a parameter.
        let params = json!({"resume": visitor.resume_secret, "workspace": "nowhere"});
        let (_, again) = opened(&world, params).await?;
        ensure!(conversation(&again) == visitor.conversation);
    }
    let mut socket = world.socket().await?;
    let refusal = socket.call_refused("session.open", json!({"workspace": "nowhere"})).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    socket.call("session.open", json!({})).await?;
    Ok(())
}

async fn a_page_whose_origin_is_not_on_the_list_of_the_workspace_opens_nothing(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &["--origin", "https://shop.example"]).await?;
    add_workspace(&world, "open", &["--origin", "*"]).await?;
    let own = format!("http://{}", world.address());
    for (origin, workspace, allowed) in [
        (Some("https://shop.example"), "shop", true),
        (Some("https://shop.example"), "default", false),
        (Some("https://shop.example.evil.example"), "shop", false),
        (Some("http://shop.example"), "shop", false),
        (Some("null"), "shop", false),
        (Some("https://anywhere.example"), "open", true),
        (Some(own.as_str()), "shop", true),
        // No browser: such a client could claim any origin.
        (None, "shop", true),
    ] {
        let mut socket = Socket::connect(world.address(), Upgrade { origin, ..Upgrade::default() }).await?;
        let id = socket.request("session.open", json!({"workspace": workspace})).await?;
        match socket.answer(id).await? {
            Ok(_) => ensure!(allowed, "{origin:?} opened {workspace}"),
            Err(error) => {
                ensure!(!allowed && error.kind == "forbidden", "{origin:?} in {workspace}: {error}");
            }
        }
        // The origin is remembered: the same page may still open where it is listed.
        if origin != Some("null") {
            socket.call("session.open", json!({"workspace": "open"})).await?;
        }
    }
    // A credential does not take the place of the list.
    let (_, visitor) = opened(&world, json!({"workspace": "shop"})).await?;
    let evil = Upgrade { origin: Some("https://evil.example"), ..Upgrade::default() };
    let mut socket = Socket::connect(world.address(), evil).await?;
    let refusal = socket.call_refused("session.open", json!({"token": visitor["token"]})).await?;
    ensure!(refusal.kind == "forbidden", "{refusal}");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "session.open", "params": {"workspace": "shop"}});
    let answer = world.http().post(world.url("/rpc")).header("origin", "https://evil.example").json(&body);
    let answer: Value = answer.send().await?.json().await?;
    ensure!(answer["error"]["data"]["kind"] == "forbidden", "over HTTP as well: {answer}");
    Ok(())
}

async fn with_a_credential_and_no_conversation_it_is_the_latest_that_is_not_closed(
    world: World,
) -> Result<()> {
    world.start().await?;
    let mut first = world.visitor().await?;
    first.send("the first").await?;
    let resume = first.resume_secret.clone();
    let mut second =
        Visitor::open(world.address(), json!({"resume": resume, "session_id": "second"})).await?;
    second.send("the second").await?;
    let by_token = json!({"token": second.token});
    let by_resume = json!({"resume": resume});

    let latest = async |expected: &str| -> Result<()> {
        for credential in [&by_token, &by_resume] {
            let (_, opened) = opened(&world, credential.clone()).await?;
            ensure!(conversation(&opened) == expected, "{opened}");
        }
        Ok(())
    };
    latest(&second.conversation).await?;
    first.lose();
    second.lose();
    world.restart().await?;
    latest(&second.conversation).await?;

    first.resume().await?;
    let socket = first.socket()?;
    socket.call("conversation.close", json!({"conversation_id": second.conversation})).await?;
    latest(&first.conversation).await?;
    let last = json!({"conversation_id": first.conversation});
    first.socket()?.call("conversation.close", last).await?;
    let (mut socket, fresh) = opened(&world, by_resume.clone()).await?;
    let now = conversation(&fresh);
    ensure!(now != first.conversation && now != second.conversation && is_untouched(&fresh));
    let said = json!({"conversation_id": now, "client_id": Uuid::new_v4(), "content": "the third"});
    socket.call("message.send", said).await?;
    latest(now).await?;
    first.lose();
    drop(socket);
    world.restart().await?;
    latest(now).await
}

async fn a_session_id_is_looked_up_among_that_visitors_conversations_only(world: World) -> Result<()> {
    world.start().await?;
    let cart = |credential: &str, secret: &str| json!({credential: secret, "session_id": "cart"});
    let mut ann = Visitor::open(world.address(), json!({"session_id": "cart"})).await?;
    ann.send("Ann's").await?;
    let mut bob = Visitor::open(world.address(), json!({"session_id": "cart"})).await?;
    ensure!(ann.conversation != bob.conversation, "a name is no credential");
    bob.send("Bob's").await?;
    ann.lose();
    bob.lose();
    for _ in ["while the server remembers", "after a restart"] {
        for visitor in [&ann, &bob] {
            for params in [cart("token", &visitor.token), cart("resume", &visitor.resume_secret)] {
                let (_, again) = opened(&world, params).await?;
                ensure!(conversation(&again) == visitor.conversation);
                ensure!(again["conversation"]["session_id"] == "cart" && again["position"]["seq"] == 1);
            }
        }
        world.restart().await?;
    }
    let other = json!({"resume": ann.resume_secret, "session_id": "other"});
    let (_, other) = opened(&world, other).await?;
    ensure!(
        conversation(&other) != ann.conversation && is_untouched(&other),
        "a new name is a new conversation"
    );
    ensure!(other["conversation"]["session_id"] == "other");
    let both =
        json!({"resume": ann.resume_secret, "session_id": "cart", "conversation_id": ann.conversation});
    let refusal = world.socket().await?.call_refused("session.open", both).await?;
    ensure!(refusal.kind == "invalid_params", "one or the other: {refusal}");
    Ok(())
}

async fn names_opened_in_turn_before_the_first_act_are_one_conversation_each(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("I have a row").await?;
    let mut tabs = Vec::new();
    for name in ["cart", "order", "cart", "order"] {
        let params = json!({"resume": visitor.resume_secret, "session_id": name});
        tabs.push(Visitor::open(world.address(), params).await?);
    }
    ensure!(tabs[0].conversation == tabs[2].conversation && tabs[1].conversation == tabs[3].conversation);
    ensure!(tabs[0].conversation != tabs[1].conversation);
    for tab in &mut tabs {
        tab.send("hello").await?;
    }
    let sql = "select session_id, count(*) as said from conversations c join messages m on m.conversation_id = c.id \
               where session_id is not null group by session_id order by 1";
    let stored = world.rows(sql).await?;
    ensure!(stored == [json!({"session_id": "cart", "said": 2}), json!({"session_id": "order", "said": 2})]);
    Ok(())
}

async fn a_key_of_a_service_authenticates_and_has_a_conversation_only_where_it_named_one(
    world: World,
) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut stranger = Visitor::open(world.address(), json!({"workspace": "shop"})).await?;
    stranger.send("in the shop").await?;

    let (mut service, nothing) = opened(&world, json!({"token": key})).await?;
    for absent in ["token", "expires_at", "resume", "conversation", "position", "read", "streaming"] {
        ensure!(nothing.get(absent) == Some(&Value::Null), "{absent}: {nothing}");
    }
    ensure!(nothing["messages"] == json!([]) && nothing["server"]["max_message_bytes"] == 1024 * 1024);
    let asked = json!({"conversation_id": visitor.conversation});
    ensure!(service.call("message.list", asked).await?["messages"][0]["content"] == "hello");

    let named = json!({"token": key, "conversation_id": visitor.conversation});
    let named = service.call("session.open", named).await?;
    ensure!(conversation(&named) == visitor.conversation && named["messages"][0]["content"] == "hello");
    ensure!(named["resume"] == Value::Null, "what proves the visitor is the visitor's: {named}");
    visitor.send("and again").await?;
    ensure!(service.notification("message.created").await?["message"]["content"] == "and again");

    for (token, id) in [
        (key.as_str(), stranger.conversation.as_str()),
        (key.as_str(), "019a0000-0000-7000-8000-000000000000"),
    ] {
        let params = json!({"token": token, "conversation_id": id});
        let refusal = service.call_refused("session.open", params).await?;
        ensure!(refusal.kind == "not_found", "{refusal}");
    }
    let unknown = json!({"token": format!("{key}x")});
    ensure!(service.call_refused("session.open", unknown).await?.kind == "unauthenticated");
    Ok(())
}

async fn a_second_open_changes_to_that_conversation(world: World) -> Result<()> {
    world.start().await?;
    let mut first = world.visitor().await?;
    let mut second = world.visitor().await?;
    let (mut socket, _) = opened(&world, json!({"token": first.token})).await?;
    first.send("one").await?;
    ensure!(socket.notification("message.created").await?["message"]["content"] == "one");

    socket.call("session.open", json!({"token": second.token})).await?;
    first.send("two").await?;
    let rating = json!({"conversation_id": first.conversation, "score": 5});
    first.socket()?.call("conversation.rate", rating).await?;
    second.send("three").await?;
    let told = socket.notification("message.created").await?;
    ensure!(told["message"]["content"] == "three", "{told}");
    ensure!(socket.waiting_notifications().next().is_none(), "nothing of the first comes any more");

    // Opening the open one again does not tell everything twice.
    socket.call("session.open", json!({"token": second.token})).await?;
    second.send("four").await?;
    socket.call("message.list", json!({"conversation_id": second.conversation})).await?;
    let told = socket.take_notifications();
    ensure!(told.len() == 1 && told[0]["params"]["message"]["content"] == "four", "{told:?}");
    Ok(())
}

async fn a_refused_open_changes_nothing(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = world.socket().await?;
    tab.call("session.open", json!({"token": visitor.token})).await?;
    for bad in [
        json!({"token": "nonsense"}),
        json!({"resume": "nonsense"}),
        json!({"workspace": "nowhere"}),
        json!({"mode": "robot"}),
        json!({"token": visitor.token, "conversation_id": Uuid::new_v4()}),
    ] {
        tab.call_refused("session.open", bad).await?;
    }
    visitor.send("still there?").await?;
    ensure!(tab.notification("message.created").await?["message"]["content"] == "still there?");
    let said =
        json!({"conversation_id": visitor.conversation, "client_id": Uuid::new_v4(), "content": "yes"});
    tab.call("message.send", said).await?;
    ensure!(visitor.next_message().await?["content"] == "yes");
    Ok(())
}

async fn the_greeting_is_text_of_the_preset_and_not_a_message(world: World) -> Result<()> {
    world.start().await?;
    let (mut socket, first) = opened(&world, json!({})).await?;
    ensure!(first["greeting"].as_str().is_some_and(|greeting| !greeting.is_empty()));
    let said =
        json!({"conversation_id": conversation(&first), "client_id": Uuid::new_v4(), "content": "hello"});
    ensure!(socket.call("message.send", said).await?["seq"] == 1, "it takes no number of the log");
    let (_, again) = opened(&world, json!({"token": first["token"]})).await?;
    ensure!(again["greeting"] == first["greeting"] && again["messages"].as_array().map(Vec::len) == Some(1));
    ensure!(world.stored_messages(conversation(&first)).await?.len() == 1);
    Ok(())
}
