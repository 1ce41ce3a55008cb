//! What has outlived its policy goes, the archive first, and nothing that is open goes with it.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::failure;

pub(crate) const TESTS: &[Test] = tests![
    what_is_closed_and_old_goes_to_the_archive_and_nothing_else_does,
    each_policy_has_its_own_age,
    without_a_policy_everything_is_kept,
];

async fn what_is_closed_and_old_goes_to_the_archive_and_nothing_else_does(world: World) -> Result<()> {
    world.start().await?;
    // Five old conversations: two closed, a closed one for which a person is still asked, an open one; and a closed one of
    // today.
    let mut ids = Vec::new();
    for (number, fate) in ["close", "close", "escalate", "leave", "close late"].iter().enumerate() {
        let mut visitor = world.visitor().await?;
        for word in ["one", "two", "three"] {
            visitor.send(&format!("{word} of {number}")).await?;
        }
        let here = json!({"conversation_id": visitor.conversation});
        if *fate == "escalate" {
            visitor.socket()?.call("escalation.request", here.clone()).await?;
        }
        if *fate != "leave" {
            visitor.socket()?.call("conversation.close", here).await?;
        }
        if *fate != "close late" {
            let id = &visitor.conversation;
            let aged = "update conversations set updated_at = updated_at - interval '40 days' where id";
            world.execute(&format!("{aged} = '{id}'")).await?;
        }
        ids.push(visitor.conversation.clone());
    }
    world.with_variable("SWITCHBOARD_RETENTION_CONVERSATIONS", "30d");
    let conversations = "select id from conversations order by created_at";
    let dry = printed(&world.command(&["retention", "run", "--dry-run"]).await?)?;
    ensure!(dry.contains("2 conversations would go"), "{dry}");
    ensure!(world.rows(conversations).await?.len() == 5, "a dry run ends nothing");

    let folder = world.path("archive");
    let run = ["retention", "run", "--archive", folder.to_str().context("a path that is text")?];
    let done = printed(&world.command(&run).await?)?;
    ensure!(done.contains("2 conversations") && done.contains("6 messages"), "{done}");
    let left: Vec<Value> =
        world.rows(conversations).await?.into_iter().map(|mut row| row["id"].take()).collect();
    ensure!(left == ids[2..], "what is open, or waits for a person, or is young stays: {left:?}");
    for id in &ids[2..] {
        ensure!(world.stored_messages(id).await?.len() == 3);
    }
    ensure!(world.value("select count(*) from messages").await? == 9);

    let mut archived = std::fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>>>()?;
    archived.sort();
    ensure!(archived.len() == 2 && archived[1].starts_with("messages-"), "{archived:?}");
    let lines = std::fs::read_to_string(folder.join(&archived[1]))?;
    let lines: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(
        lines.len() == 6
            && lines.iter().all(|line| ids[..2].iter().any(|id| line["conversation_id"] == **id))
    );
    ensure!(lines.iter().any(|line| line["seq"] == 3 && line["content"] == "three of 0"), "{lines:?}");

    let again = printed(&world.command(&run).await?)?;
    ensure!(again.contains("0 conversations"), "{again}");
    printed(&world.command(&["doctor", "--data"]).await?)?;
    let noted = world.value("select count(*) from audit_log where action = 'retention.run'").await?;
    ensure!(noted == 2, "who ended what can be looked up: {noted}");
    Ok(())
}

async fn each_policy_has_its_own_age(world: World) -> Result<()> {
    world.start().await?;
    let workspace = world.value("select id from workspaces where slug = 'default'").await?;
    let workspace = workspace.as_str().context("it has an id")?;
    // Rows as the agent and the delivery leave them: old and young, delivered and not, of a turn that is open and not.
    for (table, columns, values) in [
        (
            "outbox",
            "id, kind, subject_id, payload, next_at, spread_at, created_at",
            [
                "gen_random_uuid(), 'a', gen_random_uuid(), '{}', now(), now() - interval '9 days', now()",
                "gen_random_uuid(), 'b', gen_random_uuid(), '{}', now(), now(), now()",
                "gen_random_uuid(), 'c', gen_random_uuid(), '{}', now(), null, now() - interval '9 days'",
            ],
        ),
        (
            "turn_steps",
            "conversation_id, turn, step, status, started_at, ms, output",
            [
                "'00000000-0000-7000-8000-000000000001', 1, 'a', 'done', now() - interval '9 days', 1, '{}'",
                "'00000000-0000-7000-8000-000000000001', 2, 'b', 'done', now() - interval '9 days', 1, '{}'",
                "'00000000-0000-7000-8000-000000000001', 3, 'c', 'done', now(), 1, '{}'",
            ],
        ),
    ] {
        for values in values {
            let insert =
                format!("insert into {table} (workspace_id, {columns}) values ('{workspace}', {values})");
            world.execute(&insert).await?;
        }
    }
    world
        .execute(&format!(
            "insert into workflow_states (conversation_id, workspace_id, workflow_type, turn, reply_id, from_seq, \
             upto_seq, opened_at, checkpoint_version, checkpoint, updated_at) values \
             ('00000000-0000-7000-8000-000000000001', '{workspace}', 'relay', 2, gen_random_uuid(), 1, 1, now(), 1, \
             '{{}}', now())"
        ))
        .await?;
    world
        .with_variable("SWITCHBOARD_RETENTION_OUTBOX", "7d")
        .with_variable("SWITCHBOARD_RETENTION_TURN_STEPS", "7d");
    printed(&world.command(&["retention", "run"]).await?)?;
    let left = world.rows("select kind from outbox order by kind").await?;
    ensure!(left == [json!({"kind": "b"}), json!({"kind": "c"})], "what is not delivered stays: {left:?}");
    let left = world.rows("select step from turn_steps order by step").await?;
    ensure!(left == [json!({"step": "b"}), json!({"step": "c"})], "an open turn keeps its steps: {left:?}");
    world.execute("update audit_log set created_at = created_at - interval '9 days'").await?;
    world.with_variable("SWITCHBOARD_RETENTION_AUDIT_LOG", "7d");
    printed(&world.command(&["retention", "run"]).await?)?;
    ensure!(world.value("select count(*) from audit_log").await? == 1, "this run's own entry is left");
    Ok(())
}

async fn without_a_policy_everything_is_kept(world: World) -> Result<()> {
    world.start().await?;
    let said = failure(&world.command(&["retention", "run"]).await?, 1)?;
    ensure!(said.contains("[retention]") && said.contains("365d"), "it says what to write: {said}");
    Ok(())
}
