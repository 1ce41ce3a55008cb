//! How often: requests of a connection, new visitors of an address, and who goes on regardless.

use std::time::Instant;

use switchboard_tests::prelude::*;
use switchboard_tests::socket::Closed;

use crate::commands::add_key;
use crate::messages::text;

pub(crate) const TESTS: &[Test] = tests![
    a_connection_has_30_requests_at_once_and_then_10_a_second,
    who_floods_is_closed_with_4503,
    an_address_brings_60_new_visitors_and_no_more,
    behind_a_trusted_proxy_the_address_is_the_visitors_own,
    services_and_load_tests_are_not_held_back,
];

async fn a_connection_has_30_requests_at_once_and_then_10_a_second(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut tab = crate::opening::tab_of(&world, &visitor).await?;
    let id = visitor.conversation.clone();
    let begun = Instant::now();
    let mut asked = Vec::new();
    for number in 0..60 {
        let params = text(&id, &format!("number {number}"));
        asked.push((visitor.socket()?.request("message.send", params.clone()).await?, params));
    }
    let (mut accepted, mut refused) = (0, Vec::new());
    for (request, params) in asked {
        match visitor.socket()?.answer(request).await? {
            Ok(_) => accepted += 1,
            Err(error) => {
                ensure!(error.code == -32029 && error.kind == "rate_limited", "{error}");
                let wait = error.data["retry_after_ms"].as_u64().context("retry_after_ms")?;
                ensure!((1..=200).contains(&wait), "ten a second, so the next is never far: {error}");
                refused.push(params);
            }
        }
    }
    // The open was the first of the thirty.
    let earned = begun.elapsed().as_secs() * 10 + 10;
    ensure!(accepted >= 29 && accepted <= 29 + earned, "{accepted} of 60");
    ensure!(
        world.stored_messages(&id).await?.len() == usize::try_from(accepted)?,
        "what is refused is not written"
    );

    // Another connection has an allowance of its own; and who waits a little may go on.
    tab.call("message.list", json!({"conversation_id": id})).await?;
    let again = refused.pop().context("some were refused")?;
    let sent = eventually("the allowance to grow", async || {
        let request = visitor.socket()?.request("message.send", again.clone()).await?;
        Ok(visitor.socket()?.answer(request).await?.ok())
    })
    .await?;
    ensure!(sent["seq"] == accepted + 1 && sent["duplicate"] == false, "{sent}");
    Ok(())
}

async fn who_floods_is_closed_with_4503(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let mut bystander = world.visitor().await?;
    visitor.send("quietly at first").await?;
    let id = visitor.conversation.clone();
    let mut acknowledged = 1;
    for kind in ["requests", "notifications"] {
        let socket = visitor.socket()?;
        for number in 0..2_000 {
            let params = text(&id, &format!("{kind} {number}"));
            let sent = match kind {
                "requests" => socket.request("message.send", params).await.map(|_| ()),
                _ => socket.notify("message.send", params).await,
            };
            // Closed meanwhile: that is what is looked for.
            if sent.is_err() {
                break;
            }
        }
        let closed = loop {
            match socket.frame().await {
                Ok(frame) => acknowledged += usize::from(frame["result"]["seq"].is_u64()),
                Err(error) => break error.downcast::<Closed>()?,
            }
        };
        ensure!(closed.code == 4503, "{kind}: {closed}");
        visitor.resume().await?;
    }
    bystander.send("is it always so loud here?").await?;
    let stored = world.stored_messages(&id).await?.len();
    ensure!((acknowledged..200).contains(&stored), "{stored} of 4,000, and {acknowledged} acknowledged");
    ensure!(world.visitor().await?.send("does it still work?").await?.seq == 1);
    Ok(())
}

/// Opens new visitors over HTTP until it is refused, and gives their number and the refusal.
async fn crowd(world: &World, forwarded: Option<&str>) -> Result<(u64, RpcError)> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "session.open", "params": {}});
    for number in 0..200 {
        let mut request = world.http().post(world.url("/rpc")).json(&body);
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut answer: Value = request.send().await?.json().await?;
        if answer.get("error").is_some() {
            return Ok((number, RpcError::from(answer["error"].take())));
        }
    }
    bail!("200 new visitors, and none refused")
}

async fn an_address_brings_60_new_visitors_and_no_more(world: World) -> Result<()> {
    world.start().await?;
    let mut early = world.visitor().await?;
    early.send("I came early").await?;
    let begun = Instant::now();
    // Nobody is trusted to name another address.
    let (came, refusal) = crowd(&world, Some("203.0.113.9")).await?;
    let earned = begun.elapsed().as_secs() + 1;
    ensure!((59..=59 + earned).contains(&came), "{came} came");
    ensure!(refusal.code == -32029 && refusal.kind == "rate_limited", "{refusal}");
    ensure!(
        refusal.data["retry_after_ms"].as_u64().is_some_and(|wait| (1..=60_000).contains(&wait)),
        "{refusal}"
    );
    let mut socket = world.socket().await?;
    let refusal = socket.call_refused("session.open", json!({})).await?;
    ensure!(refusal.kind == "rate_limited", "a socket is no way round: {refusal}");
    // Who has been here before is not new.
    early.lose();
    ensure!(early.resume().await?);
    early.send("and I am still welcome").await?;
    ensure!(world.value("select count(*) from users where workspace_id is not null").await? == 1);
    Ok(())
}

async fn behind_a_trusted_proxy_the_address_is_the_visitors_own(world: World) -> Result<()> {
    world.with_arguments(&["--trusted-proxies", "127.0.0.1,10.0.0.0/8"]).start().await?;
    let (came, _) = crowd(&world, Some("203.0.113.9")).await?;
    ensure!(came >= 60);
    // What stands before the last hop that is not ours can be made up by anybody.
    for same in ["203.0.113.9", "198.51.100.1, 203.0.113.9", "198.51.100.1, 203.0.113.9, 10.1.2.3"] {
        let (came, _) = crowd(&world, Some(same)).await?;
        ensure!(came < 60, "{same} is the same address: {came} came");
    }
    let (came, _) = crowd(&world, Some("198.51.100.7")).await?;
    ensure!(came >= 60, "another address has an allowance of its own: {came}");
    Ok(())
}

async fn services_and_load_tests_are_not_held_back(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut service = world.socket().await?;
    service.call("session.open", json!({"token": key})).await?;
    let params = json!({"conversation_id": visitor.conversation});
    for _ in 0..100 {
        service.call("message.list", params.clone()).await?;
    }
    drop(service);
    visitor.lose();
    world.stop().await?;
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    for number in 0..100 {
        visitor.send(&format!("number {number}")).await?;
    }
    for _ in 0..80 {
        world.rpc(None, "session.open", json!({})).await?;
    }
    ensure!(world.log()?.contains("rate limits are off"), "and the log says so");
    Ok(())
}
