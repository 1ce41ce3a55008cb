//! What brings a visitor back: the long-lived `resume`, and the token of a conversation that has no row yet.

use switchboard_tests::prelude::*;

use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] = tests![
    a_resume_is_opaque_and_stored_hashed,
    a_resume_is_never_rotated_so_that_two_tabs_share_it,
    an_unknown_resume_is_unauthenticated_and_makes_nobody,
    a_resume_is_good_for_180_days_from_its_last_use,
    a_resume_takes_the_place_of_a_token_that_no_longer_holds,
    who_comes_back_after_a_week_finds_their_conversation,
    the_row_is_written_with_the_first_act_and_not_with_a_page_view,
    until_the_first_act_the_token_is_its_proof_also_after_a_restart,
    what_the_page_told_is_stored_with_the_first_act,
];

/// The rows of visitors and of conversations, as `(visitors, conversations)`.
async fn rows(world: &World) -> Result<(Value, Value)> {
    let visitors = world.value("select count(*) from users where workspace_id is not null").await?;
    Ok((visitors, world.value("select count(*) from conversations").await?))
}

async fn a_resume_is_opaque_and_stored_hashed(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let secret = visitor.resume_secret.clone();
    // 256 bits need 43 characters of base64, or 64 of hex.
    ensure!(secret.len() >= 43, "{secret}");
    ensure!(
        world.value("select octet_length(resume_hash) from users where resume_hash is not null").await? == 32
    );
    for text in ["u::text", "encode(resume_hash, 'escape')"] {
        let sql = format!("select count(*) from users u where {text} like '%{secret}%'");
        ensure!(world.value(&sql).await? == 0);
    }
    let log = world.log()?;
    ensure!(!log.contains(&secret) && !log.contains(&visitor.token), "no secret is logged");
    Ok(())
}

async fn a_resume_is_never_rotated_so_that_two_tabs_share_it(world: World) -> Result<()> {
    world.start().await?;
    let mut first = world.visitor().await?;
    first.send("hello").await?;
    let secret = first.resume_secret.clone();
    let mut second = first.tab().await?;
    for round in ["one", "two"] {
        for tab in [&mut first, &mut second] {
            ensure!(tab.resume_secret == secret);
            tab.lose();
            ensure!(tab.resume().await?);
            tab.send(round).await?;
        }
        first.lose();
        second.lose();
        world.restart().await?;
        for tab in [&mut first, &mut second] {
            tab.resume().await?;
        }
    }
    let (_, again) = opened(&world, json!({"token": first.token})).await?;
    ensure!(again["resume"] == secret, "a token gives the same");
    ensure!(first.said() == second.said() && first.head() == 5);
    Ok(())
}

async fn an_unknown_resume_is_unauthenticated_and_makes_nobody(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let before = rows(&world).await?;
    let mut socket = world.socket().await?;
    let other = if visitor.resume_secret.starts_with('x') { 'y' } else { 'x' };
    let altered = format!("{other}{}", &visitor.resume_secret[1..]);
    for unknown in ["", "nonsense", &altered, &format!("{}A", visitor.resume_secret)] {
        let refusal = socket.call_refused("session.open", json!({"resume": unknown})).await?;
        ensure!(refusal.kind == "unauthenticated" && refusal.code == -32001, "{unknown}: {refusal}");
        // Nobody is on the socket: a client that goes on all the same is told so.
        let asked = json!({"conversation_id": visitor.conversation});
        ensure!(socket.call_refused("message.list", asked).await?.kind == "unauthenticated");
    }
    ensure!(rows(&world).await? == before);
    Ok(())
}

async fn a_resume_is_good_for_180_days_from_its_last_use(world: World) -> Result<()> {
    world.start().await?;
    let mut old = world.visitor().await?;
    old.send("I was here long ago").await?;
    let mut older = world.visitor().await?;
    older.send("and I before that").await?;
    old.lose();
    older.lose();
    for (visitor, days) in [(&old, 179), (&older, 181)] {
        let sql = format!(
            "update users set resume_used_at = now() - interval '{days} days' \
             where id = (select user_id from conversations where id = '{}')",
            visitor.conversation
        );
        world.execute(&sql).await?;
    }
    // The server that gave a secret out believes it for an hour without asking the database.
    world.restart().await?;
    let (_, back) = opened(&world, json!({"resume": old.resume_secret})).await?;
    ensure!(conversation(&back) == old.conversation && back["position"]["seq"] == 1);
    let gone = json!({"resume": older.resume_secret});
    let refusal = world.socket().await?.call_refused("session.open", gone).await?;
    ensure!(refusal.kind == "unauthenticated", "{refusal}");

    eventually("the use of the resume to be noted", async || {
        let renewed =
            world.value("select count(*) from users where resume_used_at > now() - interval '1 hour'");
        Ok((renewed.await? == 1).then_some(()))
    })
    .await?;
    world.restart().await?;
    opened(&world, json!({"resume": old.resume_secret})).await?;
    Ok(())
}

async fn a_resume_takes_the_place_of_a_token_that_no_longer_holds(world: World) -> Result<()> {
    world.with_arguments(&["--token-seconds", "3"]).start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    ensure!(visitor.socket()?.expect_close().await?.code == 4006);
    let token = json!({"token": visitor.token});
    let refusal = world.socket().await?.call_refused("session.open", token).await?;
    ensure!(refusal.kind == "unauthenticated", "{refusal}");
    let both = json!({"token": visitor.token, "resume": visitor.resume_secret});
    let (_, back) = opened(&world, both).await?;
    ensure!(conversation(&back) == visitor.conversation);
    Ok(())
}

async fn who_comes_back_after_a_week_finds_their_conversation(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("I close the laptop now").await?;
    visitor.lose();
    world.stop().await?;
    // A week is as long as the server, its memory and every token were away.
    world.start().await?;
    world.execute("update users set resume_used_at = resume_used_at - interval '7 days'").await?;
    let stale = json!({"token": "expired.long.ago", "resume": visitor.resume_secret});
    let (_, back) = opened(&world, stale).await?;
    ensure!(conversation(&back) == visitor.conversation);
    ensure!(back["messages"][0]["content"] == "I close the laptop now");
    Ok(())
}

async fn the_row_is_written_with_the_first_act_and_not_with_a_page_view(world: World) -> Result<()> {
    world.start().await?;
    let (mut socket, first) = opened(&world, json!({"session_id": "s", "user": {"name": "Ann"}})).await?;
    let id = conversation(&first).to_owned();
    let (mut tab, _) = opened(&world, json!({"token": first["token"]})).await?;
    for socket in [&mut socket, &mut tab] {
        let page = socket.call("message.list", json!({"conversation_id": id})).await?;
        ensure!(page == json!({"messages": [], "has_more": false}), "{page}");
        socket.notify("typing", json!({"conversation_id": id, "on": true})).await?;
        socket.call("turn.cancel", json!({"conversation_id": id})).await?;
        socket.call("session.refresh", json!({"token": first["token"]})).await?;
    }
    ensure!(rows(&world).await? == (json!(0), json!(0)));

    let mut acts = 0;
    for (method, params) in [
        ("message.send", json!({"client_id": Uuid::new_v4(), "content": "hello"})),
        ("escalation.request", json!({"reason": "a person, please"})),
        ("conversation.rate", json!({"score": 3})),
        ("conversation.close", json!({})),
    ] {
        let (mut socket, fresh) = opened(&world, json!({})).await?;
        let mut params = params;
        params["conversation_id"] = fresh["conversation"]["conversation_id"].clone();
        socket.call(method, params).await.with_context(|| format!("{method} as the very first act"))?;
        acts += 1;
        ensure!(rows(&world).await? == (json!(acts), json!(acts)), "{method}");
    }
    Ok(())
}

async fn until_the_first_act_the_token_is_its_proof_also_after_a_restart(world: World) -> Result<()> {
    world.start().await?;
    let named = json!({"session_id": "order-7", "mode": "banker"});
    let (_, first) = opened(&world, named).await?;
    let (_, nameless) = opened(&world, json!({})).await?;
    let id = conversation(&first).to_owned();
    let token = first["token"].clone();
    for _ in ["while the server remembers", "after a restart", "and another"] {
        for params in [
            json!({"token": token}),
            json!({"token": token, "conversation_id": id}),
            json!({"token": token, "session_id": "order-7"}),
        ] {
            let (_, again) = opened(&world, params).await?;
            ensure!(conversation(&again) == id && again["resume"] == first["resume"]);
            ensure!(again["conversation"]["session_id"] == "order-7");
            ensure!(again["conversation"]["mode"] == "banker", "{again}");
        }
        // The proof is one's own.
        let foreign = json!({"token": nameless["token"], "conversation_id": id});
        let refusal = world.socket().await?.call_refused("session.open", foreign).await?;
        ensure!(refusal.kind == "not_found", "{refusal}");
        world.restart().await?;
    }
    // The token alone is the proof over HTTP too, before anything was opened since the restart.
    let said = json!({"conversation_id": id, "client_id": Uuid::new_v4(), "content": "at last"});
    let sent = world.rpc(token.as_str(), "message.send", said).await?;
    ensure!(sent["seq"] == 1, "{sent}");
    let sql = format!("select session_id, mode from conversations where id = '{id}'");
    ensure!(world.rows(&sql).await? == [json!({"session_id": "order-7", "mode": "banker"})]);
    let (_, back) = opened(&world, json!({"resume": first["resume"]})).await?;
    ensure!(conversation(&back) == id, "now the resume holds as well");
    Ok(())
}

async fn what_the_page_told_is_stored_with_the_first_act(world: World) -> Result<()> {
    world.start().await?;
    let params = json!({
        "user": {"external_id": "u-1", "email": "ann@shop.example", "name": "Ann", "phone": "+49 30 1"},
        "metadata": {"page": "/checkout", "basket": [1, 2.5, null]},
        "mode": "customer",
    });
    let mut visitor = Visitor::open(world.address(), params).await?;
    visitor.send("hello").await?;
    let sql = "select external_id, verified, email, name, phone from users where workspace_id is not null";
    let stored = json!({
        "external_id": "u-1", "verified": false, "email": "ann@shop.example", "name": "Ann", "phone": "+49 30 1",
    });
    ensure!(world.rows(sql).await? == [stored]);
    let stored = json!({"mode": "customer", "metadata": {"page": "/checkout", "basket": [1, 2.5, null]}});
    ensure!(world.rows("select mode, metadata from conversations").await? == [stored]);

    let mut tab = visitor.tab().await?;
    visitor.send("who am I?").await?;
    ensure!(tab.next_message().await?["author"]["name"] == "Ann");
    Ok(())
}
