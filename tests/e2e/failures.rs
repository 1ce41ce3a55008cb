//! What could not be processed is counted, listed with its reason until it could be, and told once.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_key, add_workspace, failure};

pub(crate) const TESTS: &[Test] = tests![
    what_an_import_failed_at_is_listed_counted_and_told_once,
    what_could_not_be_learned_from_is_listed_until_it_is,
    a_workspace_lists_its_newest,
];

async fn failures(world: &World, key: &str) -> Result<Value> {
    Ok(world.rpc(Some(key), "insight.stats", json!({})).await?["failures"].take())
}

async fn what_an_import_failed_at_is_listed_counted_and_told_once(world: World) -> Result<()> {
    world.with_arguments(&["--allow-private-webhooks", "on"]).without_limits().start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let shop = add_key(&world, "shop", "service", "shop").await?;
    let hook = Hook::start().await?;
    printed(&world.command(&["webhook", "add", &hook.url("/desk"), "--event", "processing.failed"]).await?)?;
    let (folder, backup) = (world.path("export"), world.path("before.jsonl"));
    std::fs::create_dir(&folder)?;
    let mut lines = "{\"contact_id\": \"a\", \"insights\": {\"personal\": \"sails\"}}\n".to_owned();
    lines.push_str(&"{\"contact_id\": \"Ann Lee\", \"insights\": {}}\n".repeat(250));
    std::fs::write(folder.join("a.jsonl"), &lines)?;
    std::fs::write(folder.join("b.json"), "[{\"contact_id\": \"b\"}]")?;
    let path = folder.to_str().context("a path that is text")?;
    let backup = backup.to_str().context("a path that is text")?;
    let import = ["import", "insights", path, "--backup", backup];

    failure(&world.command(&[&import[..], &["--dry-run"]].concat()).await?, 1)?;
    ensure!(failures(&world, &key).await?["total"] == 0, "a dry run is a rehearsal");
    failure(&world.command(&import).await?, 1)?;
    let listed = failures(&world, &key).await?;
    ensure!(listed["total"] == 251 && listed["by_kind"]["import"] == 251, "{listed}");
    ensure!(
        listed["by_kind"]["sync"] == 0 && listed["newest"].as_array().map(Vec::len) == Some(20),
        "{listed}"
    );
    let newest = &listed["newest"][0];
    ensure!(newest["subject"] == format!("{path}/a.jsonl:251"), "{newest}");
    ensure!(newest["kind"] == "import" && newest["times"] == 1, "{newest}");
    ensure!(newest["reason"] == "insights is required", "{newest}");
    let metrics = world.get("/metrics").await?.text().await?;
    ensure!(metrics.contains("switchboard_processing_failures_total{kind=\"import\"} 251"), "{metrics}");
    ensure!(metrics.contains("switchboard_processing_failures_total{kind=\"learning\"} 0"), "{metrics}");

    failure(&world.command(&import).await?, 1)?;
    let again = failures(&world, &key).await?;
    ensure!(again["total"] == 251 && again["newest"][0]["times"] == 2, "the same again: {again}");
    ensure!(again["newest"][0]["id"] == newest["id"], "{again}");
    ensure!(failures(&world, &shop).await?["total"] == 0, "another workspace's");
    let told = hook.heard(1).await?.remove(0);
    ensure!(
        told.body["type"] == "processing.failed" && told.body["data"]["kind"] == "import",
        "{}",
        told.text
    );
    ensure!(!told.text.contains("Ann Lee") && !told.text.contains("a.jsonl"), "{}", told.text);
    let sql = "select count(*) = count(distinct date_trunc('hour', created_at)) as one_an_hour from outbox \
               where kind = 'processing.failed'";
    ensure!(world.value(sql).await? == true, "{:?}", world.rows("select * from outbox").await?);

    // A file that is mended is listed no more, also where it is imported alone.
    std::fs::write(folder.join("a.jsonl"), lines.lines().next().unwrap_or_default())?;
    let alone = format!("{path}/a.jsonl");
    printed(&world.command(&["import", "insights", &alone, "--backup", backup]).await?)?;
    let left = failures(&world, &key).await?;
    ensure!(left["total"] == 1 && left["newest"][0]["subject"] == format!("{path}/b.json[0]"), "{left}");
    std::fs::remove_file(folder.join("b.json"))?;
    printed(&world.command(&import).await?)?;
    ensure!(failures(&world, &key).await?["total"] == 0);

    // And one that cannot be read at all stands under its own name.
    failure(&world.command(&["import", "insights", &world.path("nowhere").display().to_string()]).await?, 1)?;
    let left = failures(&world, &key).await?;
    let reason = left["newest"][0]["reason"].as_str().context("a reason")?;
    ensure!(left["total"] == 1 && reason.contains("cannot be read"), "{left}");
    Ok(())
}

async fn what_could_not_be_learned_from_is_listed_until_it_is(world: World) -> Result<()> {
    world.with_preset("member_support").without_limits().allow_warning("nothing was learned");
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("how do I change my billing address?").await?;
    while visitor.next_message().await?["role"] != "assistant" {}
    world.execute("alter table reasoning_traces add constraint full_up check (false) not valid").await?;
    let conversation = json!({"conversation_id": visitor.conversation, "score": 5});
    visitor.socket()?.call("conversation.close", conversation.clone()).await?;
    let listed = eventually("the failure to be listed", async || {
        let listed = failures(&world, &key).await?;
        Ok((listed["by_kind"]["learning"] == 1).then_some(listed))
    })
    .await?;
    let newest = &listed["newest"][0];
    ensure!(newest["subject"] == visitor.conversation.as_str(), "{newest}");
    let reason = newest["reason"].as_str().context("a reason")?;
    ensure!(reason.contains("23514") && !reason.contains("full_up"), "nothing of the inside: {reason}");
    world.execute("alter table reasoning_traces drop constraint full_up").await?;
    visitor.socket()?.call("conversation.rate", conversation).await?;
    eventually("the failure to be mended", async || {
        Ok((failures(&world, &key).await?["total"] == 0).then_some(()))
    })
    .await
}

async fn a_workspace_lists_its_newest(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let sql = "insert into processing_failures \
               select w.id, gen_random_uuid(), 'sync', 'C-' || n, 'Too old.', 1, now() - interval '9 days', \
                      now() - interval '9 days' - n * interval '1 s' \
               from workspaces w, generate_series(1, 1000) n where w.slug = 'default'";
    world.execute(sql).await?;
    let file = world.path("a.jsonl");
    std::fs::write(&file, "nonsense\n")?;
    let file = file.to_str().context("a path that is text")?;
    failure(&world.command(&["import", "insights", file]).await?, 1)?;
    let listed = failures(&world, &key).await?;
    ensure!(listed["total"] == 1000 && listed["by_kind"]["sync"] == 999, "{listed}");
    ensure!(listed["newest"][0]["kind"] == "import" && listed["newest"][1]["subject"] == "C-1", "{listed}");
    ensure!(world.value("select count(*) from processing_failures where subject = 'C-1000'").await? == 0);
    world.with_variable("SWITCHBOARD_RETENTION_PROCESSING_FAILURES", "7d");
    printed(&world.command(&["retention", "run"]).await?)?;
    ensure!(failures(&world, &key).await?["total"] == 1, "by its policy what is old goes");
    Ok(())
}
