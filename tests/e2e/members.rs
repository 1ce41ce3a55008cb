//! Members: people who made themselves an account, and have conversations of their own.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::auth::{PASSWORD, add_user, ask, log_in, token};
use crate::commands::add_workspace;
use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] = tests![
    registration_is_closed_until_somebody_opens_it,
    registration_never_tells_whether_an_address_is_taken,
    a_member_has_conversations_of_their_own_as_a_visitor_has,
    who_is_member_and_staff_may_what_either_may,
];

async fn registration_is_closed_until_somebody_opens_it(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let body =
        |workspace: Value| json!({"email": "Ann@home.example", "password": PASSWORD, "workspace": workspace});
    let mut told = Vec::new();
    for closed in [Value::Null, json!("default"), json!("shop"), json!("nowhere")] {
        let (status, answer) = ask(&world, "register", None, &body(closed)).await?;
        ensure!(status == 403 && answer["error"]["data"]["kind"] == "forbidden", "{status}: {answer}");
        told.push(answer);
    }
    ensure!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    printed(&world.command(&["workspace", "set", "shop", "--registration", "open"]).await?)?;
    let listed = printed(&world.command(&["workspace", "list"]).await?)?;
    let line = |name: &str| listed.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    ensure!(line("shop").is_some_and(|line| line.contains("registration open")), "{listed}");
    ensure!(line("default").is_some_and(|line| line.contains("registration closed")), "{listed}");
    ensure!(ask(&world, "register", None, &body(json!("default"))).await?.0 == 403);

    let (status, answer) = ask(&world, "register", None, &body(json!("shop"))).await?;
    ensure!(status == 200 && answer == json!({}), "{status}: {answer}");
    let session = log_in(&world, "ann@home.example", None).await?;
    ensure!(session["workspace"] == "shop" && session["roles"] == json!(["member"]), "{session}");
    ensure!(session["user"]["name"] == "Ann", "{session}");
    let audit = "select actor, action, subject from audit_log where action = 'user.register'";
    let expected = json!({"actor": "registration", "action": "user.register", "subject": "Ann@home.example"});
    ensure!(world.rows(audit).await? == [expected]);

    printed(&world.command(&["workspace", "set", "shop", "--registration", "closed"]).await?)?;
    let late = json!({"email": "late@home.example", "password": PASSWORD, "workspace": "shop"});
    ensure!(ask(&world, "register", None, &late).await?.0 == 403);
    log_in(&world, "ann@home.example", Some("shop")).await.context("who is in stays in")?;
    Ok(())
}

async fn registration_never_tells_whether_an_address_is_taken(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_workspace(&world, "shop", &[]).await?;
    for workspace in ["default", "shop"] {
        printed(&world.command(&["workspace", "set", workspace, "--registration", "open"]).await?)?;
    }
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    add_user(&world, "gone@shop.example", "staff", "default").await?;
    printed(&world.command(&["user", "revoke", "gone@shop.example"]).await?)?;
    let register = async |email: &str, password: &str, workspace: &str| {
        let body = json!({"email": email, "password": password, "workspace": workspace});
        ask(&world, "register", None, &body).await
    };
    for (email, password) in [
        ("new@home.example", "a password of mine"),
        ("kim@shop.example", "a password of mine"),
        ("KIM@shop.example", PASSWORD),
        ("gone@shop.example", PASSWORD),
    ] {
        let (status, answer) = register(email, password, "default").await?;
        ensure!(status == 200 && answer == json!({}), "{email}: {status} {answer}");
    }
    // Nothing has changed for those who were there: neither password nor role.
    let session = log_in(&world, "kim@shop.example", None).await?;
    ensure!(session["roles"] == json!(["staff"]), "{session}");
    let taken = json!({"email": "kim@shop.example", "password": "a password of mine"});
    ensure!(ask(&world, "login", None, &taken).await?.0 == 401);
    let revoked = json!({"email": "gone@shop.example", "password": PASSWORD});
    ensure!(ask(&world, "login", None, &revoked).await?.0 == 401, "a way back in");
    // Who proves to be the account becomes a member elsewhere, too; who does not does not.
    register("kim@shop.example", "a password of mine", "shop").await?;
    let there = json!({"email": "kim@shop.example", "password": PASSWORD, "workspace": "shop"});
    ensure!(ask(&world, "login", None, &there).await?.0 == 403);
    register("kim@shop.example", PASSWORD, "shop").await?;
    ensure!(log_in(&world, "kim@shop.example", Some("shop")).await?["roles"] == json!(["member"]));
    Ok(())
}

async fn a_member_has_conversations_of_their_own_as_a_visitor_has(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "ann@home.example", "member", "default").await?;
    printed(&world.command(&["workspace", "set", "default", "--require-verification", "on"]).await?)?;
    let session = log_in(&world, "ann@home.example", None).await?;
    let access = token(&session, "access_token")?;
    let (mut socket, first) = opened(&world, json!({"token": access})).await?;
    let id = conversation(&first).to_owned();
    ensure!(!id.is_empty() && first["position"]["seq"] == 0, "none yet, so a new one: {first}");
    ensure!(first["resume"].is_null(), "they come back by logging in");
    ensure!(first["expires_at"] == session["expires_at"], "opening does not prolong a log-in: {first}");
    let sent = socket.call("message.send", crate::messages::text(&id, "hello")).await?;
    ensure!(sent["seq"] == 1 && sent["durability"] == "postgres", "{sent}");

    // On another device, and by HTTP: the latest that is not closed, else a new one.
    let (mut tab, second) = opened(&world, json!({"token": access})).await?;
    ensure!(conversation(&second) == id && second["messages"][0]["author"]["name"] == "ann", "{second}");
    let listed = world.rpc(Some(&access), "conversation.list", json!({})).await?;
    ensure!(listed["conversations"][0]["conversation_id"] == *id, "{listed}");
    tab.call("conversation.close", json!({"conversation_id": id})).await?;
    let (_, third) = opened(&world, json!({"token": first["token"]})).await?;
    ensure!(conversation(&third) != id, "{third}");

    // Nobody else's: neither a visitor's nor another member's.
    add_user(&world, "bob@home.example", "member", "default").await?;
    let bob = token(&log_in(&world, "bob@home.example", None).await?, "access_token")?;
    let asked = json!({"conversation_id": id});
    let refusal = crate::http::refused(&world, Some(&bob), "message.list", asked).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    let refusal = crate::http::refused(&world, Some(&access), "knowledge.list", json!({})).await?;
    ensure!(refusal.kind == "forbidden", "{refusal}");

    // What came of a log-in ends with it.
    let given = token(&first, "token")?;
    ensure!(ask(&world, "logout", Some(&access), &json!({})).await?.0 == 200);
    ensure!(socket.expect_close().await?.code == 4502);
    let refusal = crate::http::refused(&world, Some(&given), "conversation.list", json!({})).await?;
    ensure!(refusal.kind == "unauthenticated", "{refusal}");
    let known = world.rows("select email, name, verified from users where workspace_id is not null").await?;
    ensure!(known == [json!({"email": "ann@home.example", "name": "ann", "verified": false})], "{known:?}");
    Ok(())
}

async fn who_is_member_and_staff_may_what_either_may(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "member", "default").await?;
    let member = token(&log_in(&world, "kim@shop.example", None).await?, "access_token")?;
    let (mut socket, own) = opened(&world, json!({"token": member})).await?;
    let own = conversation(&own).to_owned();
    socket.call("message.send", crate::messages::text(&own, "as a customer")).await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;

    let more = ["user", "add", "--email", "kim@shop.example", "--role", "staff"];
    printed(&world.command(&more).await?)?;
    let both = log_in(&world, "kim@shop.example", None).await?;
    ensure!(both["roles"] == json!(["member", "staff"]), "{both}");
    let both = token(&both, "access_token")?;
    let (_, opened) = opened(&world, json!({"token": both})).await?;
    ensure!(opened["conversation"].is_null(), "as staff: {opened}");
    let theirs = json!({"conversation_id": visitor.conversation});
    world.rpc(Some(&both), "message.list", theirs).await?;
    // What only a member may do, they do as one: with their own conversations, and with no others.
    let rate = |id: &str| json!({"conversation_id": id, "score": 5});
    world.rpc(Some(&both), "conversation.rate", rate(&own)).await?;
    let refusal =
        crate::http::refused(&world, Some(&both), "conversation.rate", rate(&visitor.conversation)).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    Ok(())
}
