//! Accounts of people: in, on and out again, and who is kept out.

use reqwest::Response;
use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_key, add_workspace};
use crate::opening::{conversation, opened};
use crate::tokens::claims;

pub(crate) const TESTS: &[Test] = tests![
    who_logs_in_gets_tokens_for_one_workspace,
    staff_read_conversations_with_their_token_wherever_a_key_does,
    an_unknown_address_and_a_wrong_password_are_told_the_same,
    a_workspace_is_the_one_named_or_default_or_the_first,
    a_refresh_token_is_used_once_and_its_reuse_ends_the_login,
    two_tabs_that_refresh_at_the_same_moment_both_stay_in,
    who_logs_out_is_out_everywhere_that_this_login_was,
    a_revoked_account_and_a_new_password_end_every_login,
    a_login_ended_behind_the_servers_back_ends_within_seconds,
    registration_is_closed_until_somebody_opens_it,
    registration_never_tells_whether_an_address_is_taken,
    a_member_has_conversations_of_their_own_as_a_visitor_has,
    who_is_member_and_staff_may_what_either_may,
    an_address_has_5_tries_in_20_seconds,
    an_account_has_20_tries_in_5_minutes_from_wherever,
    more_logins_than_can_be_checked_are_unavailable_and_messages_go_on,
    a_body_is_bounded_and_every_bad_field_is_named,
    a_page_of_any_origin_may_ask_and_no_cookie_is_set,
    nothing_secret_is_stored_or_logged,
];

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Gives an account a role, with [`PASSWORD`].
pub(crate) async fn add_user(world: &World, email: &str, role: &str, workspace: &str) -> Result<()> {
    let add =
        ["user", "add", "--email", email, "--role", role, "--workspace", workspace, "--password-stdin"];
    printed(&world.command_with_input(&add, &format!("{PASSWORD}\n")).await?)?;
    Ok(())
}

/// What logging in answers to one whom it lets in.
pub(crate) async fn log_in(world: &World, email: &str, workspace: Option<&str>) -> Result<Value> {
    let body = json!({"email": email, "password": PASSWORD, "workspace": workspace});
    let (status, answer) = ask(world, "login", None, &body).await?;
    ensure!(status == 200, "{status}: {answer}");
    Ok(answer)
}

/// A member of staff and their access token.
async fn staff_token(world: &World, email: &str) -> Result<String> {
    add_user(world, email, "staff", "default").await?;
    token(&log_in(world, email, None).await?, "access_token")
}

fn token(answer: &Value, name: &str) -> Result<String> {
    Ok(answer[name].as_str().with_context(|| format!("no {name} in {answer}"))?.to_owned())
}

async fn post(world: &World, path: &str, bearer: Option<&str>, body: &Value) -> Result<Response> {
    let mut request = world.http().post(world.url(&format!("/api/auth/{path}"))).json(body);
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    Ok(request.send().await?)
}

async fn ask(world: &World, path: &str, bearer: Option<&str>, body: &Value) -> Result<(u16, Value)> {
    let response = post(world, path, bearer, body).await?;
    Ok((response.status().as_u16(), response.json().await?))
}

/// Status and answer of a refresh.
async fn refresh(world: &World, token: &Value) -> Result<(u16, Value)> {
    ask(world, "refresh", None, &json!({"refresh_token": token})).await
}

async fn me(world: &World, bearer: &str) -> Result<(u16, Value)> {
    let response = world.http().get(world.url("/api/auth/me")).bearer_auth(bearer).send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

/// Whether this access token opens nothing any more, over either transport.
async fn is_out(world: &World, access: &str) -> Result<()> {
    let (status, answer) = me(world, access).await?;
    ensure!(status == 401 && answer["error"]["data"]["kind"] == "unauthenticated", "{status}: {answer}");
    let refusal = crate::http::refused(world, Some(access), "knowledge.list", json!({})).await?;
    ensure!(refusal.kind == "unauthenticated", "{refusal}");
    let refusal = world.socket().await?.call_refused("session.open", json!({"token": access})).await?;
    ensure!(refusal.kind == "unauthenticated", "{refusal}");
    Ok(())
}

async fn who_logs_in_gets_tokens_for_one_workspace(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    add_user(&world, "kim@shop.example", "admin", "default").await?;
    let answer = log_in(&world, "KIM@shop.example", None).await?;
    ensure!(answer["token_type"] == "Bearer" && answer["workspace"] == "default", "{answer}");
    ensure!(answer["user"]["email"] == "kim@shop.example" && answer["user"]["name"] == "kim", "{answer}");
    ensure!(answer["roles"] == json!(["staff", "admin"]), "{answer}");
    let refresh = token(&answer, "refresh_token")?;
    ensure!(refresh.len() >= 43, "256 bits: {}", refresh.len());

    let access = claims(&answer["access_token"])?;
    let seconds = |name: &str| access[name].as_i64().with_context(|| format!("no {name} in {access}"));
    ensure!(seconds("exp")? - seconds("iat")? == 1800, "{access}");
    for claim in ["iss", "aud", "jti", "ws", "sub", "sid"] {
        ensure!(access[claim].is_string(), "no {claim} in {access}");
    }
    ensure!(access["roles"] == answer["roles"] && access["sub"] == answer["user"]["id"], "{access}");

    let (status, said) = me(&world, &token(&answer, "access_token")?).await?;
    ensure!(status == 200 && said["user"] == answer["user"] && said["roles"] == answer["roles"], "{said}");
    ensure!(said["workspace"] == "default" && said["expires_at"] == answer["expires_at"], "{said}");
    // Neither a visitor nor a key has logged in, and a refresh token is not shown here.
    let visitor = world.visitor().await?;
    let key = add_key(&world, "crm", "admin", "default").await?;
    for (bearer, status) in [(visitor.token.as_str(), 403), (&key, 403), (&refresh, 401), ("", 401)] {
        ensure!(me(&world, bearer).await?.0 == status, "{bearer}");
    }
    Ok(())
}

async fn staff_read_conversations_with_their_token_wherever_a_key_does(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let access = staff_token(&world, "kim@shop.example").await?;
    let (mut socket, first) = opened(&world, json!({"token": access})).await?;
    ensure!(first["conversation"].is_null() && first["token"].is_null() && first["resume"].is_null());
    let id = visitor.conversation.clone();
    let (_, second) = opened(&world, json!({"token": access, "conversation_id": id})).await?;
    ensure!(conversation(&second) == id && second["messages"][0]["content"] == "hello", "{second}");
    let asked = json!({"conversation_id": id});
    for page in [
        socket.call("message.list", asked.clone()).await?,
        world.rpc(Some(&access), "message.list", asked).await?,
    ] {
        ensure!(page["messages"][0]["content"] == "hello", "{page}");
    }
    let path = world.url(&format!("/api/conversations/{id}/history"));
    let history = world.http().get(path).bearer_auth(&access).send().await?;
    ensure!(history.status() == 200 && history.text().await?.contains("hello"));
    // A browser's page must be allowed, as for everybody.
    let upgrade = Upgrade { origin: Some("https://evil.example"), ..Upgrade::default() };
    let mut elsewhere = Socket::connect(world.address(), upgrade).await?;
    let refusal = elsewhere.call_refused("session.open", json!({"token": access})).await?;
    ensure!(refusal.kind == "forbidden", "{refusal}");
    let refusal = socket.call_refused("session.refresh", json!({"token": access})).await?;
    ensure!(refusal.kind == "forbidden", "accounts refresh at /api/auth/refresh: {refusal}");
    Ok(())
}

async fn an_unknown_address_and_a_wrong_password_are_told_the_same(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    add_user(&world, "gone@shop.example", "staff", "default").await?;
    printed(&world.command(&["user", "revoke", "gone@shop.example"]).await?)?;
    let mut told = Vec::new();
    for (email, password) in [
        ("kim@shop.example", "wrong"),
        ("nobody@shop.example", PASSWORD),
        ("gone@shop.example", PASSWORD),
        ("no address at all", PASSWORD),
        ("kim@shop.example", &"x".repeat(1_024)),
        ("kim@shop.example' or true --", PASSWORD),
    ] {
        for workspace in [Value::Null, json!("default"), json!("nowhere")] {
            let body = json!({"email": email, "password": password, "workspace": workspace});
            let response = post(&world, "login", None, &body).await?;
            ensure!(response.status() == 401, "{body}: {}", response.status());
            told.push(response.text().await?);
        }
    }
    ensure!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    ensure!(told[0].contains("\"kind\":\"unauthenticated\"") && told[0].contains("-32001"), "{}", told[0]);
    ensure!(world.value("select count(*) from logins").await? == 0);
    Ok(())
}

async fn a_workspace_is_the_one_named_or_default_or_the_first(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_workspace(&world, "shop", &[]).await?;
    add_workspace(&world, "bank", &[]).await?;
    add_user(&world, "both@shop.example", "supervisor", "shop").await?;
    add_user(&world, "both@shop.example", "staff", "default").await?;
    add_user(&world, "shop@shop.example", "admin", "shop").await?;
    for (email, named, slug, role) in [
        ("both@shop.example", None, "default", "staff"),
        ("both@shop.example", Some("shop"), "shop", "supervisor"),
        ("shop@shop.example", None, "shop", "admin"),
    ] {
        let answer = log_in(&world, email, named).await?;
        ensure!(answer["workspace"] == slug && answer["roles"] == json!([role]), "{answer}");
    }
    // Whether there is such a workspace is not told.
    let mut told = Vec::new();
    for other in ["bank", "nowhere"] {
        let body = json!({"email": "shop@shop.example", "password": PASSWORD, "workspace": other});
        let (status, answer) = ask(&world, "login", None, &body).await?;
        ensure!(status == 403 && answer["error"]["data"]["kind"] == "forbidden", "{status}: {answer}");
        told.push(answer);
    }
    ensure!(told[0] == told[1], "{told:?}");
    // And the token stays in its workspace, whatever is named.
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let foreign = token(&log_in(&world, "shop@shop.example", None).await?, "access_token")?;
    let asked = json!({"conversation_id": visitor.conversation, "workspace": "default"});
    let refusal = crate::http::refused(&world, Some(&foreign), "message.list", asked).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    Ok(())
}

async fn a_refresh_token_is_used_once_and_its_reuse_ends_the_login(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let first = log_in(&world, "kim@shop.example", None).await?;
    let other = log_in(&world, "kim@shop.example", None).await?;
    let (status, second) = refresh(&world, &first["refresh_token"]).await?;
    ensure!(status == 200 && second["user"] == first["user"] && second["roles"] == first["roles"], "{second}");
    ensure!(second["refresh_token"] != first["refresh_token"]);
    ensure!(second["access_token"] != first["access_token"]);
    let access = token(&second, "access_token")?;
    let (mut socket, _) = opened(&world, json!({"token": access})).await?;

    // Much later, somebody shows the first one again: one of the two has stolen it.
    world.execute("update refresh_tokens set used_at = used_at - interval '1 minute'").await?;
    let (status, answer) = refresh(&world, &first["refresh_token"]).await?;
    ensure!(status == 401 && answer["error"]["data"]["kind"] == "unauthenticated", "{status}: {answer}");
    ensure!(socket.expect_close().await?.code == 4502);
    is_out(&world, &access).await?;
    is_out(&world, &token(&first, "access_token")?).await?;
    ensure!(refresh(&world, &second["refresh_token"]).await?.0 == 401, "the thief is out, too");
    // Another log-in of the same person is none of its family.
    ensure!(me(&world, &token(&other, "access_token")?).await?.0 == 200);
    let (_, renewed) = refresh(&world, &other["refresh_token"]).await?;
    let ended = world.rows("select ended_by from logins order by id").await?;
    ensure!(ended == [json!({"ended_by": "reuse"}), json!({"ended_by": null})], "{ended:?}");

    for nonsense in [json!("nonsense"), json!(access), json!("x".repeat(8_192))] {
        ensure!(refresh(&world, &nonsense).await?.0 == 401, "{nonsense}");
    }
    world.execute("update refresh_tokens set expires_at = now() - interval '1 second'").await?;
    ensure!(refresh(&world, &renewed["refresh_token"]).await?.0 == 401, "30 days are over");
    Ok(())
}

async fn two_tabs_that_refresh_at_the_same_moment_both_stay_in(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let first = log_in(&world, "kim@shop.example", None).await?;
    let shown = &first["refresh_token"];
    let tabs = [refresh(&world, shown), refresh(&world, shown), refresh(&world, shown)];
    let mut given = Vec::new();
    for tab in futures_util::future::join_all(tabs).await {
        let (status, answer) = tab?;
        ensure!(status == 200, "{status}: {answer}");
        ensure!(me(&world, &token(&answer, "access_token")?).await?.0 == 200);
        given.push(token(&answer, "refresh_token")?);
    }
    given.sort();
    given.dedup();
    ensure!(given.len() == 3, "each has a successor of its own");
    for next in given {
        ensure!(refresh(&world, &json!(next)).await?.0 == 200);
    }
    ensure!(world.value("select count(*) from logins where ended_at is null").await? == 1);
    Ok(())
}

async fn who_logs_out_is_out_everywhere_that_this_login_was(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let stays = log_in(&world, "kim@shop.example", None).await?;
    let (mut bystander, _) = opened(&world, json!({"token": stays["access_token"]})).await?;
    for by_refresh_token in [true, false] {
        let answer = log_in(&world, "kim@shop.example", None).await?;
        let access = token(&answer, "access_token")?;
        let (mut socket, _) = opened(&world, json!({"token": access})).await?;
        let (status, said) = if by_refresh_token {
            ask(&world, "logout", None, &json!({"refresh_token": answer["refresh_token"]})).await?
        } else {
            ask(&world, "logout", Some(&access), &json!({})).await?
        };
        ensure!(status == 200 && said == json!({}), "{status}: {said}");
        ensure!(socket.expect_close().await?.code == 4502);
        is_out(&world, &access).await?;
        ensure!(refresh(&world, &answer["refresh_token"]).await?.0 == 401);
        // Again is no fault, and tells nothing.
        let again = json!({"refresh_token": answer["refresh_token"]});
        ensure!(ask(&world, "logout", None, &again).await?.0 == 200);
    }
    ensure!(ask(&world, "logout", None, &json!({"refresh_token": "nonsense"})).await?.0 == 200);
    ensure!(ask(&world, "logout", None, &json!({})).await?.0 == 401);
    ensure!(ask(&world, "logout", Some("nonsense"), &json!({})).await?.0 == 401);
    bystander.call("knowledge.list", json!({})).await?;
    // The end of a log-in outlives the server that knew of it.
    world.restart().await?;
    ensure!(me(&world, &token(&stays, "access_token")?).await?.0 == 200);
    ensure!(world.value("select count(*) from logins where ended_by = 'logout'").await? == 2);
    Ok(())
}

async fn a_revoked_account_and_a_new_password_end_every_login(world: World) -> Result<()> {
    world.start().await?;
    let kept = staff_token(&world, "bob@shop.example").await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let first = log_in(&world, "kim@shop.example", None).await?;
    let (mut socket, _) = opened(&world, json!({"token": first["access_token"]})).await?;
    // Another role with no password leaves the account as it is.
    let more = ["user", "add", "--email", "kim@shop.example", "--role", "supervisor"];
    printed(&world.command(&more).await?)?;
    socket.call("knowledge.list", json!({})).await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    ensure!(socket.expect_close().await?.code == 4502, "a new password ends what the old one began");
    is_out(&world, &token(&first, "access_token")?).await?;
    ensure!(refresh(&world, &first["refresh_token"]).await?.0 == 401);

    let second = log_in(&world, "kim@shop.example", None).await?;
    let (mut socket, _) = opened(&world, json!({"token": second["access_token"]})).await?;
    printed(&world.command(&["user", "revoke", "kim@shop.example"]).await?)?;
    ensure!(socket.expect_close().await?.code == 4502);
    is_out(&world, &token(&second, "access_token")?).await?;
    ensure!(refresh(&world, &second["refresh_token"]).await?.0 == 401);
    let body = json!({"email": "kim@shop.example", "password": PASSWORD});
    ensure!(ask(&world, "login", None, &body).await?.0 == 401);
    ensure!(me(&world, &kept).await?.0 == 200, "and nobody else's");
    Ok(())
}

async fn a_login_ended_behind_the_servers_back_ends_within_seconds(world: World) -> Result<()> {
    world.start().await?;
    let access = staff_token(&world, "kim@shop.example").await?;
    let (mut socket, _) = opened(&world, json!({"token": access})).await?;
    // As another server on the same database would.
    world.execute("update logins set ended_at = now(), ended_by = 'logout'").await?;
    ensure!(socket.expect_close().await?.code == 4502);
    eventually("the server to notice", async || Ok((me(&world, &access).await?.0 == 401).then_some(()))).await?;
    is_out(&world, &access).await
}

async fn registration_is_closed_until_somebody_opens_it(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let body = |workspace: Value| json!({"email": "Ann@home.example", "password": PASSWORD, "workspace": workspace});
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
    let refusal = crate::http::refused(&world, Some(&both), "conversation.rate", rate(&visitor.conversation)).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    Ok(())
}

/// Tries a wrong password until it is refused, and gives the number of tries and the refusal with its header.
async fn try_until_limited(world: &World, email: &str, address: Option<&str>) -> Result<(usize, Value, u64)> {
    for number in 0..50 {
        let body = json!({"email": email, "password": "wrong"});
        let mut request = world.http().post(world.url("/api/auth/login")).json(&body);
        if let Some(address) = address {
            request = request.header("x-forwarded-for", address);
        }
        let response = request.send().await?;
        if response.status() != 429 {
            ensure!(response.status() == 401, "{}", response.status());
            continue;
        }
        let after = response.headers().get("retry-after").context("Retry-After")?.to_str()?.parse()?;
        return Ok((number, response.json().await?, after));
    }
    bail!("50 tries, and none refused")
}

async fn an_address_has_5_tries_in_20_seconds(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let (tries, refusal, after) = try_until_limited(&world, "nobody@shop.example", None).await?;
    ensure!(tries == 5, "{tries}");
    let error = &refusal["error"];
    ensure!(error["code"] == -32029 && error["data"]["kind"] == "rate_limited", "{refusal}");
    let wait = error["data"]["retry_after_ms"].as_u64().context("retry_after_ms")?;
    ensure!((1..=20_000).contains(&wait) && after == wait.div_ceil(1_000), "{refusal}, {after}");
    // Neither another account, nor the right password, nor registering is a way round.
    let right = json!({"email": "kim@shop.example", "password": PASSWORD});
    ensure!(ask(&world, "login", None, &right).await?.0 == 429);
    printed(&world.command(&["workspace", "set", "default", "--registration", "open"]).await?)?;
    let register = json!({"email": "ann@home.example", "password": PASSWORD});
    ensure!(ask(&world, "register", None, &register).await?.0 == 429);
    world.stop().await?;
    world.with_arguments(&["--login-address-limit", "7/3600"]).start().await?;
    ensure!(try_until_limited(&world, "nobody@shop.example", None).await?.0 == 7, "as it is configured");
    Ok(())
}

async fn an_account_has_20_tries_in_5_minutes_from_wherever(world: World) -> Result<()> {
    world.with_arguments(&["--trusted-proxies", "127.0.0.1"]).start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    for email in ["kim@shop.example", "nobody@shop.example"] {
        let mut tries = 0;
        let mut refusals = Vec::new();
        for host in 1..=6 {
            // However it is spelled, it is the same account.
            let spelled = if host % 2 == 0 { email.to_uppercase() } else { email.to_owned() };
            let address = format!("203.0.{}.{host}", email.len());
            let (more, refusal, _) = try_until_limited(&world, &spelled, Some(&address)).await?;
            tries += more;
            refusals.push(refusal["error"]["data"]["retry_after_ms"].as_u64().context("a wait")?);
        }
        ensure!(tries == 20, "{tries} tries of {email}");
        ensure!(refusals.last().is_some_and(|wait| (20_001..=300_000).contains(wait)), "{refusals:?}");
    }
    let right = json!({"email": "kim@shop.example", "password": PASSWORD});
    let request = world.http().post(world.url("/api/auth/login")).json(&right);
    let refused = request.header("x-forwarded-for", "198.51.100.1").send().await?;
    ensure!(refused.status() == 429, "the right password neither, for now: {}", refused.status());
    Ok(())
}

async fn more_logins_than_can_be_checked_are_unavailable_and_messages_go_on(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let mut visitor = world.visitor().await?;
    let body = json!({"email": "kim@shop.example", "password": PASSWORD});
    let logins = (0..200).map(|_| post(&world, "login", None, &body));
    let logins = futures_util::future::join_all(logins);
    let talk = async {
        for number in 0..20 {
            visitor.send(&format!("number {number}")).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let (answers, talked) = tokio::join!(logins, talk);
    talked?;
    let (mut entered, mut refused) = (0, 0);
    for answer in answers {
        let answer = answer?;
        match answer.status().as_u16() {
            200 => entered += 1,
            503 => {
                ensure!(answer.headers().contains_key("retry-after"));
                let error = answer.json::<Value>().await?["error"].take();
                ensure!(error["code"] == -32050 && error["data"]["kind"] == "unavailable", "{error}");
                refused += 1;
            }
            other => bail!("{other}"),
        }
    }
    ensure!(entered >= 32 && refused > 0, "{entered} came in, {refused} were told to come again");
    log_in(&world, "kim@shop.example", None).await.context("and it is over when it is over")?;
    Ok(())
}

async fn a_body_is_bounded_and_every_bad_field_is_named(world: World) -> Result<()> {
    world.without_limits().start().await?;
    printed(&world.command(&["workspace", "set", "default", "--registration", "open"]).await?)?;
    let fields = |answer: &Value| {
        let fields = answer["error"]["data"]["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().filter_map(|bad| bad["field"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    for (path, body, bad) in [
        ("login", json!({}), vec!["email", "password"]),
        ("login", json!({"email": 5, "password": "x".repeat(1_025)}), vec!["email", "password"]),
        ("login", json!({"email": "a\u{0}b", "password": "x"}), vec!["email"]),
        ("refresh", json!({}), vec!["refresh_token"]),
        ("register", json!({"email": "a@b", "password": "short"}), vec!["password"]),
        ("register", json!({"email": "nobody", "password": PASSWORD}), vec!["email"]),
        ("logout", json!({"refresh_token": 5}), vec!["refresh_token"]),
    ] {
        let (status, answer) = ask(&world, path, None, &body).await?;
        let mut named = fields(&answer);
        named.sort();
        ensure!(status == 400 && named == bad, "{path} {body}: {status} {answer}");
    }
    for path in ["register", "login", "refresh", "logout"] {
        let request = world.http().post(world.url(&format!("/api/auth/{path}")));
        let response = request.try_clone().context("a clone")?.body("x".repeat(17 * 1024)).send().await?;
        let (status, answer) = (response.status(), response.json::<Value>().await?);
        ensure!(status == 413 && answer["error"]["data"] == json!({"kind": "too_large", "limit": 16_384}));
        let response = request.body("{").send().await?;
        ensure!(response.status() == 400, "{path}: {}", response.status());
        ensure!(response.json::<Value>().await?["error"]["data"]["kind"] == "parse_error");
        ensure!(world.get(&format!("/api/auth/{path}")).await?.status() == 405);
    }
    ensure!(world.value("select count(*) from users where workspace_id is null and email <> 'admin@localhost'").await? == 0);
    Ok(())
}

async fn a_page_of_any_origin_may_ask_and_no_cookie_is_set(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let origin = "https://console.example";
    for path in ["register", "login", "refresh", "logout", "me"] {
        let url = world.url(&format!("/api/auth/{path}"));
        let preflight = world.http().request(reqwest::Method::OPTIONS, url).header("origin", origin);
        let allowed = preflight.send().await?;
        ensure!(allowed.status() == 204 && allowed.headers()["access-control-allow-origin"] == origin);
        let headers = allowed.headers()["access-control-allow-headers"].to_str()?;
        ensure!(headers.contains("authorization") && headers.contains("content-type"));
    }
    let body = json!({"email": "kim@shop.example", "password": PASSWORD});
    let answer = world.http().post(world.url("/api/auth/login")).header("origin", origin).json(&body).send().await?;
    ensure!(answer.headers()["access-control-allow-origin"] == origin && answer.headers()["vary"] == "origin");
    ensure!(answer.headers().get("access-control-allow-credentials").is_none());
    ensure!(answer.headers().get("set-cookie").is_none() && answer.headers()["cache-control"] == "no-store");
    Ok(())
}

async fn nothing_secret_is_stored_or_logged(world: World) -> Result<()> {
    world.with_variable("SWITCHBOARD_LOG", "debug").start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let first = log_in(&world, "kim@shop.example", None).await?;
    let (_, second) = refresh(&world, &first["refresh_token"]).await?;
    let wrong = json!({"email": "nobody@shop.example", "password": "a wrong password"});
    ask(&world, "login", None, &wrong).await?;
    let secrets = [
        token(&first, "refresh_token")?,
        token(&second, "refresh_token")?,
        token(&first, "access_token")?,
        PASSWORD.to_owned(),
        "a wrong password".to_owned(),
    ];
    let log = world.log()?;
    for secret in &secrets {
        ensure!(!log.contains(secret.as_str()), "the log tells {secret}");
        for table in ["refresh_tokens", "logins", "users", "audit_log"] {
            let kept = format!("select count(*) from {table} t where t::text like '%{secret}%'");
            ensure!(world.value(&kept).await? == 0, "{table} tells {secret}");
        }
    }
    ensure!(!log.contains("kim@shop.example") && !log.contains("nobody@shop.example"));
    Ok(())
}
