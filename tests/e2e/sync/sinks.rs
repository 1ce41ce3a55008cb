//! Syncs by command, to the signed webhook, and where nothing is set up.

use std::time::{Duration, Instant};

use switchboard_tests::fake_airtable::FakeAirtable;
use switchboard_tests::hook::Answer;
use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use super::{ask, desk, ended, know};
use crate::commands::{add_key, add_workspace, failure};
use crate::http::refused;

pub(crate) const TESTS: &[Test] = tests![
    a_command_syncs_and_says_how_it_went,
    without_a_server_a_command_does_it_itself_and_goes_on_with_what_was_left,
    the_doctor_names_what_is_missing,
    a_webhook_is_told_signed_and_can_tell_a_repeat,
    a_webhook_that_is_not_public_is_refused,
    a_sync_is_of_one_workspace,
    only_who_holds_the_turn_sends,
    beyond_a_thousand_that_are_open_none_is_taken,
];

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn a_command_syncs_and_says_how_it_went(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..12, "note").await?;
    let said = printed(&world.command(&["sync", "airtable", "--all", "--dry-run"]).await?)?;
    ensure!(said.trim() == "12 contacts would be sent" && airtable.calls().is_empty(), "{said}");
    let said = printed(&world.command(&["sync", "airtable", "--contact", "C-00003"]).await?)?;
    ensure!(said.trim() == "1 contacts: 1 created, 0 updated, 0 failed; success rate 100.0%", "{said}");
    airtable.poison("C-00005");
    let output = world.command(&["sync", "airtable", "--hours-back", "1"]).await?;
    let said = failure(&output, 1)?;
    ensure!(said.contains("C-00005: Airtable refuses it"), "{said}");
    let said = String::from_utf8(output.stdout)?;
    ensure!(said.trim() == "12 contacts: 10 created, 1 updated, 1 failed; success rate 91.7%", "{said}");
    let said = failure(&world.command(&["sync", "airtable", "--contact", "nobody"]).await?, 1)?;
    ensure!(said.contains("no insight of the contact nobody"), "{said}");
    let said = failure(&world.command(&["sync", "webhook", "--all"]).await?, 1)?;
    ensure!(said.contains("sync_webhook_url, SWITCHBOARD_SYNC_WEBHOOK_SECRET"), "{said}");
    failure(&world.command(&["sync", "airtable"]).await?, 2)?;
    Ok(())
}

async fn without_a_server_a_command_does_it_itself_and_goes_on_with_what_was_left(
    world: World,
) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..50, "note").await?;
    world.arm("sync.sent:2").await?;
    ask(&world, &key, json!({"all": true})).await?;
    world.ended().await?;
    // It holds its turn a little longer than it lived.
    let said = printed(&world.command(&["sync", "airtable", "--all"]).await?)?;
    ensure!(said.contains("0 failed; success rate 100.0%"), "{said}");
    ensure!(airtable.rows().len() == 50 && airtable.most_in_a_second() <= 5);
    world.start().await?;
    let jobs = world.rows("select state, processed, again from sync_jobs").await?;
    ensure!(jobs.len() == 1 && jobs[0]["state"] == "done", "{jobs:?}");
    Ok(())
}

async fn the_doctor_names_what_is_missing(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    for (name, value) in airtable.variables() {
        if !name.ends_with("_TOKEN") && !name.ends_with("_TABLE") {
            world.with_variable(name, &value);
        }
    }
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let refusal = refused(&world, Some(&key), "insight.sync", json!({"all": true})).await?;
    ensure!(refusal.kind == "conflict", "{refusal}");
    let doctor = String::from_utf8(world.command(&["doctor"]).await?.stdout)?;
    for said in [refusal.to_string(), doctor] {
        ensure!(said.contains("SWITCHBOARD_AIRTABLE_TOKEN, airtable_table"), "{said}");
    }
    for (name, value) in airtable.variables() {
        world.with_variable(name, &value);
    }
    let doctor = printed(&world.command(&["doctor"]).await?)?;
    ensure!(doctor.contains("insights of default to airtable, when asked for"), "{doctor}");
    ensure!(!doctor.contains(airtable.token()));
    Ok(())
}

async fn a_webhook_is_told_signed_and_can_tell_a_repeat(world: World) -> Result<()> {
    world.allow_warning("a sync has stopped");
    let hook = Hook::start().await?;
    world.with_variable("SWITCHBOARD_ALLOW_PRIVATE_WEBHOOKS", "on");
    world.with_variable("SWITCHBOARD_SYNC_WEBHOOK_URL", &hook.url("/insights"));
    world.with_variable("SWITCHBOARD_SYNC_WEBHOOK_SECRET", SECRET);
    world.without_limits().start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    know(&world, &key, 0..12, "note").await?;
    hook.next(Answer::Status(503));
    hook.next(Answer::HangUp);
    let job = ask(&world, &key, json!({"all": true})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["sink"] == "webhook" && end["processed"] == 12 && end["updated"] == 12, "{end}");
    let calls = hook.calls();
    let mut told = Vec::new();
    let mut ids = std::collections::BTreeMap::new();
    for call in &calls {
        call.verify(SECRET)?;
        ensure!(
            call.body["type"] == "insights.synced" && call.body["data"]["job_id"] == job,
            "{}",
            call.text
        );
        // One id, one body: so a receiver tells a repeat.
        ensure!(ids.entry(call.id()?).or_insert(&call.text) == &&call.text);
        let insights = call.body["data"]["insights"].as_array().context("insights")?;
        ensure!(insights.len() <= 10, "{}", insights.len());
        told.extend(insights.iter().map(|insight| insight["insights"]["personal"].to_string()));
    }
    ensure!(calls.len() == 4 && ids.len() == 2, "{} calls of {} parcels", calls.len(), ids.len());
    told.sort_unstable();
    told.dedup();
    ensure!(told.len() == 12, "{told:?}");

    hook.next(Answer::Redirect(hook.url("/stolen")));
    let job = ask(&world, &key, json!({"contact_id": "C-00001"})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["error"].as_str().is_some_and(|it| it.contains("redirects are not followed")), "{end}");
    hook.next(Answer::Status(422));
    let job = ask(&world, &key, json!({"contact_id": "C-00002"})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["failed"][0]["contact_id"] == "C-00002" && end["success_rate"] == 0.0, "{end}");
    Ok(())
}

async fn a_webhook_that_is_not_public_is_refused(world: World) -> Result<()> {
    world.allow_warning("a sync has stopped");
    let hook = Hook::start().await?;
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    know(&world, &key, 0..1, "note").await?;
    world.with_variable("SWITCHBOARD_SYNC_WEBHOOK_SECRET", SECRET);
    // A name is looked up when it is sent to.
    let port = hook.address().port();
    world.with_variable("SWITCHBOARD_SYNC_WEBHOOK_URL", &format!("https://localhost:{port}/"));
    world.restart().await?;
    let job = ask(&world, &key, json!({"all": true})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["error"].as_str().is_some_and(|it| it.contains("not public")), "{end}");
    world.stop().await?;
    for url in [hook.url("/"), format!("https://127.0.0.1:{port}/")] {
        world.with_variable("SWITCHBOARD_SYNC_WEBHOOK_URL", &url);
        let said = String::from_utf8_lossy(&world.command(&["doctor"]).await?.stdout).into_owned();
        ensure!(said.contains("SWITCHBOARD_SYNC_WEBHOOK_URL") && !said.contains(&url), "{said}");
    }
    ensure!(hook.calls().is_empty());
    Ok(())
}

async fn a_sync_is_of_one_workspace(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..1, "note").await?;
    add_workspace(&world, "shop", &[]).await?;
    let other = add_key(&world, "till", "service", "shop").await?;
    know(&world, &other, 0..3, "note").await?;
    let refusal = refused(&world, Some(&other), "insight.sync", json!({"all": true})).await?;
    ensure!(refusal.kind == "conflict" && refusal.to_string().contains("another workspace"), "{refusal}");
    let job = ask(&world, &key, json!({"all": true})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["processed"] == 1 && airtable.rows().len() == 1, "{end}");
    let refusal = refused(&world, Some(&other), "insight.sync_status", json!({"job_id": job})).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    Ok(())
}

async fn only_who_holds_the_turn_sends(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..100, "note").await?;
    let held = "insert into sync_turns select id, 'airtable', gen_random_uuid(), now() + interval '3 seconds' \
                from workspaces where slug = 'default'";
    world.execute(held).await?;
    let begun = Instant::now();
    let job = ask(&world, &key, json!({"all": true})).await?;
    let first = airtable.heard(1).await?[0].at;
    ensure!(first - begun >= Duration::from_secs(2), "another process held the turn");
    airtable.heard(4).await?;
    // Taken away in the middle: what was sent by then and not recorded is sent again, and counted once.
    world
        .execute(
            "update sync_turns set holder = gen_random_uuid(), held_until = now() + interval '2 seconds'",
        )
        .await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["processed"] == 100 && end["failed_total"] == 0, "{end}");
    ensure!(airtable.rows().len() == 100 && airtable.most_in_a_second() <= 5);
    // Let go of a moment ago: what the other one has just sent counts as well.
    let before = airtable.calls().len();
    world.execute("update sync_turns set holder = gen_random_uuid(), held_until = now()").await?;
    let begun = Instant::now();
    ask(&world, &key, json!({"contact_id": "C-00001"})).await?;
    let next = airtable.heard(before + 1).await?[before].at;
    ensure!(next - begun >= Duration::from_secs(1), "another process had the turn");
    Ok(())
}

async fn beyond_a_thousand_that_are_open_none_is_taken(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    let open = "insert into sync_jobs (workspace_id, id, sink, scope, dry_run, state, asked_at, worked_at) \
                select w.id, gen_random_uuid(), 'webhook', 'contact ' || n, false, 'open', now(), now() \
                from workspaces w, generate_series(1, 1000) n where w.slug = 'default'";
    world.execute(open).await?;
    let refusal = refused(&world, Some(&key), "insight.sync", json!({"all": true})).await?;
    ensure!(refusal.kind == "rate_limited" && refusal.data["retry_after_ms"].is_u64(), "{refusal}");
    world.execute("delete from sync_jobs where scope = 'contact 1'").await?;
    let job = ask(&world, &key, json!({"all": true})).await?;
    ensure!(ended(&world, &key, &job).await?["processed"] == 0);
    Ok(())
}
