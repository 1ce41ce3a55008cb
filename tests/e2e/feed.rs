//! The feed: a snapshot, then every change, and after any gap exactly what changed.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use switchboard_tests::prelude::*;

use crate::escalations::asked;

pub(crate) const TESTS: &[Test] = tests![
    a_console_has_what_waits_and_then_every_change,
    after_a_gap_comes_what_changed_and_nothing_else,
    what_is_erased_is_told_as_gone,
    a_cursor_of_another_database_gives_a_snapshot,
    another_workspaces_escalations_are_not_told,
    consoles_that_come_and_go_end_equal_to_the_table,
];

async fn a_console_has_what_waits_and_then_every_change(world: World) -> Result<()> {
    world.start().await?;
    let (_first, old) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let answer = ada.subscribe().await?;
    ensure!(answer["snapshot"] == true && answer["escalations"][0]["id"] == *old, "{answer}");
    ensure!(answer["escalations"][0]["status"] == "pending", "nobody had it before: {answer}");
    let seen = ada.until_status(&old, "notified").await?;
    ensure!(seen["notified_at"].is_string() && seen["version"] == 2, "{seen}");
    let (mut visitor, new) = asked(&world).await?;
    let told = ada.next_change().await?;
    ensure!(told["id"] == *new && told["status"] == "pending" && told["version"] == 1, "{told}");
    ensure!(told["reason"] == "I need help" && told["conversation_id"] == *visitor.conversation, "{told}");
    ada.until_status(&new, "notified").await?;
    let statuses = [
        visitor.socket()?.notification("conversation.updated").await?,
        visitor.socket()?.notification("conversation.updated").await?,
    ]
    .map(|told| told["conversation"]["escalation"]["status"].clone());
    ensure!(statuses == ["pending", "notified"], "{statuses:?}");
    // Only the snapshot is narrowed down; changes are told whatever they are.
    let mut narrow = Console::with_key(&world, &ada.key).await?;
    let answer = narrow.call("escalation.subscribe", json!({"statuses": ["resolved"]})).await?;
    ensure!(answer["escalations"] == json!([]), "{answer}");
    ada.call("escalation.claim", json!({"id": new})).await?;
    ensure!(narrow.next_change().await?["status"] == "in_progress");
    Ok(())
}

async fn after_a_gap_comes_what_changed_and_nothing_else(world: World) -> Result<()> {
    world.start().await?;
    let (_one, same) = asked(&world).await?;
    let (_two, changed) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    ada.subscribe().await?;
    for id in [&same, &changed] {
        ada.until_status(id, "notified").await?;
    }
    ada.lose();
    let mut grace = Console::open(&world, "Grace").await?;
    grace.call("escalation.claim", json!({"id": changed})).await?;
    grace.call("escalation.resolve", json!({"id": changed, "resolution": "done"})).await?;
    ada.come_back().await?;
    let missed = ada.subscribe().await?;
    let rows = missed["escalations"].as_array().context("a list")?;
    ensure!(missed["snapshot"] == false && rows.len() == 1, "{missed}");
    ensure!(
        rows[0]["id"] == *changed && rows[0]["status"] == "resolved" && rows[0]["version"] == 4,
        "{missed}"
    );
    ada.lose();
    ada.come_back().await?;
    let nothing = ada.subscribe().await?;
    ensure!(nothing["escalations"] == json!([]) && nothing["snapshot"] == false, "{nothing}");
    // The same across a restart: the cursor is the database's.
    world.restart().await?;
    ada.come_back().await?;
    let (_three, new) = asked(&world).await?;
    let missed = ada.subscribe().await?;
    let ids: Vec<_> =
        missed["escalations"].as_array().into_iter().flatten().filter_map(|row| row["id"].as_str()).collect();
    ensure!(ids == [new.as_str()], "{missed}");
    let nonsense = ada.socket()?.call_refused("escalation.subscribe", json!({"since": "x"})).await?;
    ensure!(nonsense.kind == "invalid_params", "{nonsense}");
    Ok(())
}

async fn what_is_erased_is_told_as_gone(world: World) -> Result<()> {
    world.start().await?;
    let (_visitor, id) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    ada.subscribe().await?;
    ada.until_status(&id, "notified").await?;
    // Behind the server's back, as a command or another node would.
    world
        .execute(&format!(
            "update escalations set erased_at = now(), version = version + 1, reason = null where id = '{id}'"
        ))
        .await?;
    let gone = ada.until(&id, |known| known["deleted"] == true).await?;
    ensure!(gone == json!({"id": id, "version": 3, "deleted": true}), "{gone}");
    ensure!(ada.socket()?.call_refused("escalation.get", json!({"id": id})).await?.kind == "not_found");
    Ok(())
}

async fn a_cursor_of_another_database_gives_a_snapshot(world: World) -> Result<()> {
    world.start().await?;
    let (_visitor, id) = asked(&world).await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let other = ada.call("escalation.subscribe", json!({"since": "another.12"})).await?;
    ensure!(other["snapshot"] == true && other["escalations"][0]["id"] == *id, "{other}");
    Ok(())
}

async fn another_workspaces_escalations_are_not_told(world: World) -> Result<()> {
    world.start().await?;
    crate::commands::add_workspace(&world, "other", &[]).await?;
    let key = crate::commands::add_key(&world, "Eve", "staff", "other").await?;
    let (visitor, id) = asked(&world).await?;
    let mut eve = Console::with_key(&world, &key).await?;
    ensure!(eve.subscribe().await?["escalations"] == json!([]));
    for method in ["escalation.get", "escalation.claim"] {
        ensure!(eve.socket()?.call_refused(method, json!({"id": id})).await?.kind == "not_found", "{method}");
    }
    let join = json!({"conversation_id": visitor.conversation});
    for method in ["conversation.join", "conversation.takeover", "notes.list"] {
        ensure!(eve.socket()?.call_refused(method, join.clone()).await?.kind == "not_found", "{method}");
    }
    let mut ada = Console::open(&world, "Ada").await?;
    ada.subscribe().await?;
    ada.until_status(&id, "notified").await?;
    eve.call("escalation.list", json!({})).await?;
    ensure!(eve.socket()?.waiting_notifications().next().is_none());
    Ok(())
}

/// Small enough for every run; `loadtest` has the size of the claim.
async fn consoles_that_come_and_go_end_equal_to_the_table(world: World) -> Result<()> {
    const CONSOLES: usize = 8;
    const ESCALATIONS: usize = 25;
    let seed = rand::random();
    let mut dice = StdRng::seed_from_u64(seed);
    world.without_limits();
    world.start().await?;
    let mut ids = Vec::new();
    let mut visitors = Vec::new();
    for _ in 0..ESCALATIONS {
        let (visitor, id) = asked(&world).await?;
        ids.push(id);
        visitors.push(visitor);
    }
    let mut worker = Console::open(&world, "worker").await?;
    let mut consoles = Vec::new();
    for _ in 0..CONSOLES {
        let mut console = Console::with_key(&world, &worker.key).await?;
        console.subscribe().await?;
        consoles.push(Some(console));
    }
    let mut away = Vec::new();
    for _ in 0..150 {
        let id = &ids[dice.random_range(0..ids.len())];
        let (method, params) = match dice.random_range(0..3) {
            0 => ("escalation.claim", json!({"id": id})),
            1 => ("escalation.release", json!({"id": id})),
            _ if dice.random_ratio(1, 4) => ("escalation.resolve", json!({"id": id, "resolution": "x"})),
            _ => ("escalation.assign", json!({"id": id, "assignee": null})),
        };
        let request = worker.socket()?.request(method, params).await?;
        let outcome = worker.socket()?.answer(request).await?;
        ensure!(
            outcome.as_ref().err().is_none_or(|error| error.kind == "conflict"),
            "seed {seed}: {outcome:?}"
        );
        let which = dice.random_range(0..CONSOLES);
        if let Some(mut console) = consoles[which].take() {
            console.lose();
            away.push((which, console));
        } else {
            let at = away.iter().position(|(place, _)| *place == which).context("it is somewhere")?;
            let (place, mut console) = away.swap_remove(at);
            console.come_back().await?;
            console.subscribe().await?;
            consoles[place] = Some(console);
        }
    }
    for (place, mut console) in away {
        console.come_back().await?;
        console.subscribe().await?;
        consoles[place] = Some(console);
    }
    let truth: BTreeMap<String, Value> = eventually("every escalation to be seen by somebody", async || {
        let pending = world.value("select count(*) from escalations where status = 'pending'").await?;
        let rows = world.rows("select id, version from escalations").await?;
        let table =
            rows.into_iter().map(|row| (row["id"].as_str().unwrap_or("").to_owned(), row["version"].clone()));
        Ok((pending == 0).then(|| table.collect()))
    })
    .await?;
    for mut console in consoles.into_iter().flatten() {
        for (id, version) in &truth {
            console
                .until(id, |known| known["version"] == *version)
                .await
                .with_context(|| format!("seed {seed}"))?;
        }
        ensure!(console.table().len() == truth.len(), "seed {seed}");
    }
    Ok(())
}
