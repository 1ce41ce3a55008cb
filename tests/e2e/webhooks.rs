//! Webhooks: what happens is told once it is committed, signed, again and again until it was accepted, under one id, and
//! nowhere that the operator did not allow.

use switchboard_tests::hook::{Answer, Heard};
use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_workspace, failure, last_line};

pub(crate) const TESTS: &[Test] = tests![
    an_escalation_is_told_signed_and_its_visitor_sees_it,
    what_fails_is_tried_again_under_the_same_id,
    a_webhook_that_hangs_keeps_no_other_waiting,
    a_server_killed_before_it_recorded_tells_again_under_the_same_id,
    what_was_given_up_is_seen_and_replayed,
    nothing_is_sent_to_an_address_that_is_not_public,
    slack_is_sent_a_sentence,
    only_the_webhooks_of_a_workspace_are_told,
    a_test_says_what_came_of_it,
];

/// A server that may speak to this machine.
async fn start(world: &World) -> Result<()> {
    world.with_arguments(&["--allow-private-webhooks", "on"]);
    world.start().await
}

/// Makes a webhook; its id and its secret.
async fn add(world: &World, url: &str, more: &[&str]) -> Result<(String, String)> {
    let output = world.command(&[&["webhook", "add", url], more].concat()).await?;
    let secret = last_line(&output)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let id = said.split_whitespace().find(|word| Uuid::parse_str(word).is_ok()).context(said.clone())?;
    Ok((id.to_owned(), secret))
}

/// Asks for a person; the id of the escalation.
async fn escalate(visitor: &mut Visitor) -> Result<String> {
    let params = json!({"conversation_id": visitor.conversation, "reason": "my card & <b>address</b>"});
    let answer = visitor.socket()?.call("escalation.request", params).await?;
    Ok(answer["escalation"]["id"].as_str().context("an id")?.to_owned())
}

async fn delivered(world: &World, count: u64) -> Result<()> {
    eventually("the deliveries to be recorded", async || {
        let sql = "select count(*) from webhook_deliveries where delivered_at is not null";
        Ok((world.value(sql).await? == count).then_some(()))
    })
    .await
}

fn ids(calls: &[Heard]) -> Result<Vec<String>> {
    calls.iter().map(Heard::id).collect()
}

async fn an_escalation_is_told_signed_and_its_visitor_sees_it(world: World) -> Result<()> {
    start(&world).await?;
    let hook = Hook::start().await?;
    let (_, secret) = add(&world, &hook.url("/desk"), &[]).await?;
    let mut visitor = world.visitor().await?;
    let escalation = escalate(&mut visitor).await?;
    let call = hook.heard(1).await?.remove(0);
    call.verify(&secret)?;
    ensure!(call.path == "/desk" && call.header("content-type") == Some("application/json"), "{}", call.head);
    ensure!(call.body["type"] == "escalation.created" && call.body["timestamp"].is_string(), "{}", call.text);
    let data = &call.body["data"];
    ensure!(data["escalation_id"] == escalation && data["conversation_id"] == visitor.conversation, "{data}");
    ensure!(data["trigger_type"] == "user_request" && data["priority"] == 0, "{data}");
    ensure!(!call.text.contains("my card"), "what a visitor wrote is not for everyone: {}", call.text);

    loop {
        let state = visitor.socket()?.notification("conversation.updated").await?["conversation"].take();
        if state["escalation"]["status"] == "notified" {
            ensure!(state["status"] == "waiting" && state["escalation"]["id"] == escalation, "{state}");
            break;
        }
    }
    let row = world.rows("select status, version, notified_at is not null as told from escalations").await?;
    ensure!(row == [json!({"status": "notified", "version": 2, "told": true})], "{row:?}");
    delivered(&world, 1).await?;
    let metrics = world.get("/metrics").await?.text().await?;
    ensure!(metrics.contains("switchboard_webhook_deliveries_total 1"), "{metrics}");
    ensure!(
        metrics.contains("switchboard_webhook_dead_total 0") && metrics.contains("switchboard_outbox_depth")
    );
    let listed = printed(&world.command(&["webhook", "list"]).await?)?;
    ensure!(listed.contains(&hook.url("/desk")) && !listed.contains(&secret), "{listed}");
    ensure!(hook.calls().len() == 1, "told once");
    Ok(())
}

async fn what_fails_is_tried_again_under_the_same_id(world: World) -> Result<()> {
    start(&world).await?;
    let (hook, elsewhere) = (Hook::start().await?, Hook::start().await?);
    let (_, secret) = add(&world, &hook.url("/"), &["--event", "escalation.created"]).await?;
    hook.next(Answer::Status(503));
    hook.next(Answer::Redirect(elsewhere.url("/stolen")));
    hook.next(Answer::Endless);
    let mut visitor = world.visitor().await?;
    escalate(&mut visitor).await?;
    let calls = hook.heard(3).await?;
    delivered(&world, 1).await?;
    let ids = ids(&calls)?;
    ensure!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for call in &calls {
        call.verify(&secret)?;
        ensure!(call.text == calls[0].text, "{} is not {}", call.text, calls[0].text);
    }
    ensure!(elsewhere.calls().is_empty(), "a redirect was followed");
    let row = world.rows("select attempts, last_error from webhook_deliveries").await?;
    ensure!(row == [json!({"attempts": 3, "last_error": null})], "{row:?}");
    Ok(())
}

async fn a_webhook_that_hangs_keeps_no_other_waiting(world: World) -> Result<()> {
    start(&world).await?;
    let (stuck, quick) = (Hook::start().await?, Hook::start().await?);
    stuck.always(Answer::Hang);
    add(&world, &stuck.url("/"), &[]).await?;
    add(&world, &quick.url("/"), &[]).await?;
    for _ in 0..12 {
        escalate(&mut world.visitor().await?).await?;
    }
    let mut told = ids(&quick.heard(12).await?)?;
    told.sort_unstable();
    told.dedup();
    ensure!(told.len() == 12, "each once");
    ensure!(stuck.calls().len() < 12, "no more at once than one may have");
    Ok(())
}

async fn a_server_killed_before_it_recorded_tells_again_under_the_same_id(world: World) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    start(&world).await?;
    let hook = Hook::start().await?;
    add(&world, &hook.url("/"), &[]).await?;
    let mut visitor = world.visitor().await?;
    world.arm("webhook.accepted").await?;
    escalate(&mut visitor).await?;
    hook.heard(1).await?;
    world.ended().await?;
    visitor.lose();
    world.start().await?;
    let ids = ids(&hook.heard(2).await?)?;
    ensure!(ids[0] == ids[1], "{ids:?}");
    delivered(&world, 1).await?;
    ensure!(world.value("select status from escalations").await? == "notified");
    ensure!(world.value("select escalation_status from conversations").await? == "notified");
    Ok(())
}

async fn what_was_given_up_is_seen_and_replayed(world: World) -> Result<()> {
    world.allow_warning("a delivery is given up after a day");
    start(&world).await?;
    let hook = Hook::start().await?;
    let (webhook, secret) = add(&world, &hook.url("/"), &[]).await?;
    hook.always(Answer::Status(500));
    escalate(&mut world.visitor().await?).await?;
    let id = hook.heard(1).await?[0].id()?;
    // A day later.
    eventually("the first failure to be recorded", async || {
        let sql =
            "select count(*) from webhook_deliveries where last_error is not null and claimed_by is null";
        Ok((world.value(sql).await? == 1).then_some(()))
    })
    .await?;
    world.execute("update webhook_deliveries set since = since - interval '25 hours'").await?;
    let line = eventually("the delivery to be given up", async || {
        let dead = printed(&world.command(&["webhook", "dead", "--workspace", "default"]).await?)?;
        Ok(dead.lines().next().map(str::to_owned))
    })
    .await?;
    for part in [&id, &webhook, "escalation.created", "answered 500", "attempts"] {
        ensure!(line.contains(part), "{part} is not in {line}");
    }
    let before = hook.calls().len();
    hook.always(Answer::Status(200));
    let nobody = Uuid::new_v4().to_string();
    failure(&world.command(&["webhook", "replay", &nobody]).await?, 1)?;
    failure(&world.command(&["webhook", "replay"]).await?, 2)?;
    printed(&world.command(&["webhook", "replay", &id]).await?)?;
    let calls = hook.heard(before + 1).await?;
    let last = calls.last().context("a call")?;
    ensure!(last.id()? == id, "the same event");
    last.verify(&secret)?;
    delivered(&world, 1).await?;
    ensure!(printed(&world.command(&["webhook", "dead"]).await?)?.is_empty());
    Ok(())
}

async fn nothing_is_sent_to_an_address_that_is_not_public(world: World) -> Result<()> {
    world.start().await?;
    let hook = Hook::start().await?;
    let port = hook.address().port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://2130706433:{port}/"),
        "http://hooks.example.com/".to_owned(),
        "https://kim:secret@hooks.example.com/".to_owned(),
        "nonsense".to_owned(),
    ] {
        failure(&world.command(&["webhook", "add", &url]).await?, 1).with_context(|| url.clone())?;
    }
    // A name is looked up when it is sent to.
    let (id, _) = add(&world, &format!("https://localhost:{port}/"), &[]).await?;
    let said = failure(&world.command(&["webhook", "test", &id]).await?, 1)?;
    ensure!(said.contains("not public"), "{said}");
    ensure!(hook.calls().is_empty());
    // Also where it was stored while private addresses were allowed.
    world.execute(&format!("update webhooks set url = 'http://127.0.0.1:{port}/'")).await?;
    let said = failure(&world.command(&["webhook", "test", &id]).await?, 1)?;
    ensure!(said.contains("https://") && hook.calls().is_empty(), "{said}");
    Ok(())
}

async fn slack_is_sent_a_sentence(world: World) -> Result<()> {
    start(&world).await?;
    let hook = Hook::start().await?;
    let secret_path = "/services/T000/B000/XXXX";
    let (id, last) = add(&world, &hook.url(secret_path), &["--kind", "slack"]).await?;
    ensure!(id == last, "there is no secret to show");
    let mut visitor = world.visitor().await?;
    escalate(&mut visitor).await?;
    let call = hook.heard(1).await?.remove(0);
    let text = call.body["text"].as_str().context("a text")?;
    ensure!(text.contains("user_request") && text.contains(&visitor.conversation), "{text}");
    ensure!(call.body.as_object().is_some_and(|body| body.len() == 1), "{}", call.text);
    ensure!(call.header("webhook-signature").is_none() && call.path == secret_path, "{}", call.head);
    let listed = printed(&world.command(&["webhook", "list"]).await?)?;
    ensure!(listed.contains(&id) && !listed.contains("XXXX"), "{listed}");
    Ok(())
}

async fn only_the_webhooks_of_a_workspace_are_told(world: World) -> Result<()> {
    start(&world).await?;
    add_workspace(&world, "shop", &[]).await?;
    let (here, there) = (Hook::start().await?, Hook::start().await?);
    let (off, _) = add(&world, &here.url("/off"), &[]).await?;
    printed(&world.command(&["webhook", "set", &off, "--enabled", "off"]).await?)?;
    let (gone, _) = add(&world, &here.url("/gone"), &[]).await?;
    printed(&world.command(&["webhook", "remove", &gone]).await?)?;
    failure(&world.command(&["webhook", "remove", &gone]).await?, 1)?;
    add(&world, &here.url("/on"), &[]).await?;
    add(&world, &there.url("/"), &["--workspace", "shop"]).await?;
    escalate(&mut world.visitor().await?).await?;
    let calls = here.heard(1).await?;
    ensure!(calls.len() == 1 && calls[0].path == "/on", "{calls:?}");
    delivered(&world, 1).await?;
    ensure!(there.calls().is_empty(), "another workspace was told");
    for arguments in [
        vec!["webhook", "add", "https://example.com/", "--event", "nonsense"],
        vec!["webhook", "add", "https://example.com/", "--workspace", "nowhere"],
    ] {
        failure(&world.command(&arguments).await?, 1).with_context(|| arguments.join(" "))?;
    }
    Ok(())
}

async fn a_test_says_what_came_of_it(world: World) -> Result<()> {
    start(&world).await?;
    let hook = Hook::start().await?;
    let (id, secret) = add(&world, &hook.url("/"), &[]).await?;
    printed(&world.command(&["webhook", "test", &id]).await?)?;
    let call = hook.heard(1).await?.remove(0);
    call.verify(&secret)?;
    ensure!(call.body["type"] == "webhook.test" && call.body["data"]["webhook_id"] == id, "{}", call.text);
    for (answer, said) in [
        (Answer::Status(401), "answered 401"),
        (Answer::Garbage, "no HTTP"),
        (Answer::Redirect(hook.url("/b")), "redirects are not followed"),
    ] {
        hook.next(answer);
        let output = failure(&world.command(&["webhook", "test", &id]).await?, 1)?;
        ensure!(output.contains(said), "{output}");
    }
    drop(hook);
    let output = failure(&world.command(&["webhook", "test", &id]).await?, 1)?;
    ensure!(output.contains("cannot be reached"), "{output}");
    Ok(())
}
