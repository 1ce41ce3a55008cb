//! Access tokens: refreshed in-band, closed with 4006 when they run out, and no good when forged.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use switchboard_tests::prelude::*;
use switchboard_tests::world::SECRET;

use crate::commands::add_workspace;
use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] = tests![
    a_visitors_token_is_a_jwt_of_30_minutes,
    a_refresh_before_expiry_keeps_the_socket_and_without_one_it_closes_with_4006,
    a_refreshed_token_is_as_good_as_the_first,
    a_refresh_takes_ones_own_token_only,
    a_forged_or_expired_token_opens_nothing,
    a_token_of_another_workspace_reaches_nothing_here,
];

/// What a token says, unchecked.
pub(crate) fn claims(token: &Value) -> Result<Value> {
    let payload =
        token.as_str().and_then(|token| token.split('.').nth(1)).context("a JWT has three parts")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

/// A token of these claims, signed with `secret`.
fn signed(claims: &Value, secret: &str) -> Result<String> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let body = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(body.as_bytes());
    Ok(format!("{body}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

async fn a_visitors_token_is_a_jwt_of_30_minutes(world: World) -> Result<()> {
    world.start().await?;
    let (_, first) = opened(&world, json!({})).await?;
    let claims = claims(&first["token"])?;
    let seconds = |name: &str| claims[name].as_i64().with_context(|| format!("no {name} in {claims}"));
    ensure!(seconds("exp")? - seconds("iat")? == 1800, "{claims}");
    for claim in ["iss", "aud", "jti", "ws", "roles"] {
        ensure!(!claims[claim].is_null(), "no {claim} in {claims}");
    }
    ensure!(claims["roles"] == json!(["visitor"]));
    // Signed with the secret of this server, as any other program that holds it would.
    ensure!(signed(&claims, SECRET)?.len() == first["token"].as_str().unwrap_or_default().len());
    opened(&world, json!({"token": signed(&claims, SECRET)?})).await?;
    Ok(())
}

async fn a_refresh_before_expiry_keeps_the_socket_and_without_one_it_closes_with_4006(
    world: World,
) -> Result<()> {
    world.without_limits().with_arguments(&["--token-seconds", "3"]).start().await?;
    let mut kept = world.visitor().await?;
    let mut left = world.visitor().await?;
    left.send("I forget to refresh").await?;
    let closing = left.socket()?.expect_close();
    let refreshing = async {
        loop {
            let params = json!({"token": kept.token});
            let refreshed = kept.socket()?.call("session.refresh", params).await?;
            refreshed["token"].as_str().context("a fresh token")?.clone_into(&mut kept.token);
            ensure!(refreshed["expires_at"].is_string());
        }
    };
    tokio::select! {
        closed = closing => ensure!(closed?.code == 4006),
        failed = refreshing => { failed?; }
    }
    // Both were opened at the same time: its first token has run out too by now, or is about to.
    kept.send("I am still here").await?;
    ensure!(kept.socket()?.expect_close().await?.code == 4006, "but not for ever");

    ensure!(left.resume().await?, "open again with `resume`");
    left.send("back again").await?;
    ensure!(world.stored_messages(&left.conversation).await?.len() == 2);
    Ok(())
}

async fn a_refreshed_token_is_as_good_as_the_first(world: World) -> Result<()> {
    world.start().await?;
    let (mut socket, first) = opened(&world, json!({"session_id": "s", "mode": "banker"})).await?;
    let refreshed = socket.call("session.refresh", json!({"token": first["token"]})).await?;
    ensure!(refreshed["token"] != first["token"] && refreshed["token"].is_string());
    drop(socket);
    world.restart().await?;
    // Also where it is the only proof of a conversation that has no row yet.
    let (mut tab, again) = opened(&world, json!({"token": refreshed["token"]})).await?;
    ensure!(conversation(&again) == conversation(&first));
    ensure!(again["conversation"]["session_id"] == "s" && again["conversation"]["mode"] == "banker");
    tab.call("session.refresh", json!({"token": refreshed["token"]})).await?;
    Ok(())
}

async fn a_refresh_takes_ones_own_token_only(world: World) -> Result<()> {
    world.start().await?;
    let (mut socket, first) = opened(&world, json!({})).await?;
    let (_, other) = opened(&world, json!({})).await?;
    let own = claims(&first["token"])?;
    let mut expired = own.clone();
    expired["exp"] = json!(own["iat"].as_i64().unwrap_or_default() - 1);
    for bad in [
        other["token"].clone(),
        json!("nonsense"),
        json!(""),
        json!(signed(&expired, SECRET)?),
        json!(signed(&own, "another-secret-of-more-than-32-characters")?),
    ] {
        let refusal = socket.call_refused("session.refresh", json!({"token": bad})).await?;
        ensure!(refusal.kind == "unauthenticated", "{bad}: {refusal}");
    }
    let nothing = socket.call_refused("session.refresh", json!({})).await?;
    ensure!(nothing.kind == "invalid_params" && nothing.data["fields"][0]["field"] == "token");
    socket.call("session.refresh", json!({"token": first["token"]})).await?;
    Ok(())
}

async fn a_forged_or_expired_token_opens_nothing(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let token = visitor.token.clone();
    let good = claims(&json!(token))?;
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().map(|claims| claims.remove(name));
        claims
    };
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let [header, payload, signature] =
        <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).ok().context("a JWT has three parts")?;
    let grown = with("roles", json!(["admin"])).to_string();
    let forged = [
        String::new(),
        "nonsense".to_owned(),
        "a.b.c".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}.{}.{signature}", part(&grown)),
        format!("{}.{payload}.", part(r#"{"alg":"none","typ":"JWT"}"#)),
        format!("{}.{}.", part(r#"{"alg":"none"}"#), part(&grown)),
        format!("{}.{payload}.{signature}", part(r#"{"alg":"HS512","typ":"JWT"}"#)),
        signed(&good, "another-secret-of-more-than-32-characters")?,
        signed(&with("exp", json!(good["iat"].as_i64().unwrap_or_default() - 1)), SECRET)?,
        signed(&without("exp"), SECRET)?,
        signed(&with("iss", json!("somebody")), SECRET)?,
        signed(&with("aud", json!("something else")), SECRET)?,
        signed(&without("aud"), SECRET)?,
        signed(&with("roles", json!([])), SECRET)?,
        signed(&with("roles", json!(["owner"])), SECRET)?,
        signed(&with("sub", json!("nobody")), SECRET)?,
    ];
    let mut socket = world.socket().await?;
    for token in &forged {
        let refusal = socket.call_refused("session.open", json!({"token": token})).await;
        let refusal = refusal.with_context(|| format!("opening with {token}"))?;
        ensure!(refusal.kind == "unauthenticated", "{token}: {refusal}");
        let asked = json!({"conversation_id": visitor.conversation});
        let refusal = crate::http::refused(&world, Some(token), "message.list", asked).await?;
        ensure!(refusal.kind == "unauthenticated", "{token} over HTTP: {refusal}");
        // Not even where the forger names the conversation.
        let named = json!({"token": token, "conversation_id": visitor.conversation});
        ensure!(socket.call_refused("session.open", named).await?.kind == "unauthenticated");
        socket = world.socket().await?;
    }
    ensure!(world.value("select count(*) from users where workspace_id is not null").await? == 1);
    Ok(())
}

async fn a_token_of_another_workspace_reaches_nothing_here(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let mut here = world.visitor().await?;
    here.send("hello").await?;
    let there = Visitor::open(world.address(), json!({"workspace": "shop"})).await?;
    let params = json!({"token": there.token, "conversation_id": here.conversation, "workspace": "default"});
    let refusal = world.socket().await?.call_refused("session.open", params).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");

    // The right visitor, and another workspace than that of the conversation: rightly signed, and wrong.
    let mut moved = claims(&json!(here.token))?;
    moved["ws"] = claims(&json!(there.token))?["ws"].clone();
    let moved = signed(&moved, SECRET)?;
    let params = json!({"token": moved, "conversation_id": here.conversation});
    match world.socket().await?.call("session.open", params).await {
        Ok(opened) => ensure!(opened["position"]["seq"] == 0, "it shows what was said elsewhere: {opened}"),
        Err(error) => {
            ensure!(error.downcast_ref::<RpcError>().is_some_and(|e| e.kind == "not_found"), "{error:#}");
        }
    }
    let asked = json!({"conversation_id": here.conversation});
    let refusal = crate::http::refused(&world, Some(&moved), "message.list", asked).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    Ok(())
}
