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
    what_staff_and_keys_change_is_audited,
    nothing_secret_is_stored_or_logged,
];

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Gives an account a role, with [`PASSWORD`].
pub(crate) async fn add_user(world: &World, email: &str, role: &str, workspace: &str) -> Result<()> {
    let add = ["user", "add", "--email", email, "--role", role, "--workspace", workspace, "--password-stdin"];
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

pub(crate) fn token(answer: &Value, name: &str) -> Result<String> {
    Ok(answer[name].as_str().with_context(|| format!("no {name} in {answer}"))?.to_owned())
}

pub(crate) async fn post(world: &World, path: &str, bearer: Option<&str>, body: &Value) -> Result<Response> {
    let mut request = world.http().post(world.url(&format!("/api/auth/{path}"))).json(body);
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    Ok(request.send().await?)
}

pub(crate) async fn ask(
    world: &World,
    path: &str,
    bearer: Option<&str>,
    body: &Value,
) -> Result<(u16, Value)> {
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
    ensure!(
        status == 200 && second["user"] == first["user"] && second["roles"] == first["roles"],
        "{second}"
    );
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
    eventually("the server to notice", async || Ok((me(&world, &access).await?.0 == 401).then_some(())))
        .await?;
    is_out(&world, &access).await
}

async fn what_staff_and_keys_change_is_audited(world: World) -> Result<()> {
    world.start().await?;
    let access = staff_token(&world, "kim@shop.example").await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let account = claims(&json!(access))?["sub"].as_str().context("a sub")?.to_owned();
    let key_id = world.value("select id from api_keys where name = 'crm'").await?;
    let page =
        json!({"documents": [{"title": "Lost cards", "content": "A lost card is locked in the app."}]});
    let added = world.rpc(Some(&access), "knowledge.add", page).await?;
    let document = added["documents"][0]["id"].clone();
    world.rpc(Some(&key), "knowledge.delete", json!({"id": document})).await?;
    let sql = "select l.actor, l.action, l.subject from audit_log l join workspaces w on w.id = l.workspace_id \
               where w.slug = 'default' and action like 'knowledge.%' order by l.id";
    let expected = [
        json!({"actor": format!("account {account}"), "action": "knowledge.add", "subject": document}),
        json!({"actor": format!("key {}", key_id.as_str().unwrap_or_default()), "action": "knowledge.delete",
               "subject": document}),
    ];
    let noted = world.rows(sql).await?;
    ensure!(noted == expected, "{noted:?}");
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
