//! Data on its way in and out by command: import, export, the doctor's look at it, the schema's migrations.

use std::path::PathBuf;

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_key, add_workspace, failure};
use crate::messages::text;
use crate::positions::numbers;

pub(crate) const TESTS: &[Test] = tests![
    conversations_are_imported_once_however_often_it_is_run,
    a_dry_run_imports_nothing_and_finds_every_bad_line,
    a_bad_line_is_named_and_stops_no_other,
    messages_keep_flowing_during_an_import_and_a_user_add,
    an_export_holds_everything_but_secrets,
    every_table_that_is_kept_is_exported_and_insights_come_back,
    the_doctor_finds_nothing_wrong_with_a_desk_in_use,
    the_doctor_finds_gaps_and_orphans,
    migrate_status_names_every_migration,
];

/// Writes a file of lines into the world's folder.
fn file(world: &World, name: &str, lines: &[String]) -> Result<PathBuf> {
    let path = world.path(name);
    std::fs::write(&path, lines.join("\n") + "\n")?;
    Ok(path)
}

/// One conversation as an import takes it.
fn line(id: &str, turns: &[(&str, &str)]) -> String {
    let turns: Vec<_> =
        turns.iter().map(|(role, content)| json!({"role": role, "content": content})).collect();
    json!({"id": id, "turns": turns}).to_string()
}

async fn import(world: &World, path: &std::path::Path, more: &[&str]) -> Result<std::process::Output> {
    let path = path.to_str().context("a path that is text")?;
    world.command(&[&["import", "conversations", path], more].concat()).await
}

async fn conversations_are_imported_once_however_often_it_is_run(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let lines = [
        line("a-1", &[("user", "where is my order?"), ("assistant", "on its way"), ("user", "thank you")]),
        line("a-2", &[("user", "my password is hunter2")]),
        String::new(),
        json!({"id": 3, "topic": "ignored", "turns": [{"role": "user", "content": "J\u{f6}rg \u{1f600}"}]})
            .to_string(),
    ];
    let path = file(&world, "old.jsonl", &lines)?;
    let first = printed(&import(&world, &path, &[]).await?)?;
    ensure!(first.contains('3') && first.contains('5'), "three conversations and five messages: {first}");
    let counts = "select (select count(*) from conversations) as conversations, (select count(*) from messages) as messages";
    ensure!(world.rows(counts).await? == [json!({"conversations": 3, "messages": 5})]);
    printed(&import(&world, &path, &[]).await?)?;
    ensure!(
        world.rows(counts).await? == [json!({"conversations": 3, "messages": 5})],
        "again is no second time"
    );

    let sql = "select c.id from conversations c where metadata->>'import_id' = 'a-1' and status = 'closed'";
    let id = world.value(sql).await?;
    let page = world.rpc(Some(&key), "message.list", json!({"conversation_id": id})).await?;
    ensure!(numbers(&page)? == (1, 3) && page["messages"][1]["role"] == "assistant", "{page}");
    ensure!(page["messages"][1]["content"] == "on its way");
    ensure!(
        world.value("select count(*) from messages where content like '%hunter2%'").await? == 0,
        "masked"
    );

    // A file that has grown brings what is new.
    let more = [lines.to_vec(), vec![line("a-4", &[("user", "one more")])]].concat();
    let path = file(&world, "grown.jsonl", &more)?;
    printed(&import(&world, &path, &[]).await?)?;
    ensure!(world.rows(counts).await? == [json!({"conversations": 4, "messages": 6})]);
    printed(&world.command(&["doctor", "--data"]).await?)?;
    Ok(())
}

async fn a_dry_run_imports_nothing_and_finds_every_bad_line(world: World) -> Result<()> {
    world.start().await?;
    let good =
        file(&world, "good.jsonl", &[line("a", &[("user", "hello")]), line("b", &[("user", "hello")])])?;
    let said = printed(&import(&world, &good, &["--dry-run"]).await?)?;
    ensure!(said.contains('2'), "{said}");
    let bad = file(&world, "bad.jsonl", &[line("a", &[("user", "hello")]), "{".to_owned(), "[]".to_owned()])?;
    let said = failure(&import(&world, &bad, &["--dry-run"]).await?, 1)?;
    ensure!(said.contains("bad.jsonl:2") && said.contains("bad.jsonl:3"), "{said}");
    ensure!(world.value("select count(*) from conversations").await? == 0);
    Ok(())
}

async fn a_bad_line_is_named_and_stops_no_other(world: World) -> Result<()> {
    world.start().await?;
    let path = file(
        &world,
        "mixed.jsonl",
        &[
            line("a", &[("user", "hello")]),
            "nonsense".to_owned(),
            line("b", &[("system", "who are you?")]),
            line("c", &[]),
            line("d", &[("user", "a\u{0}b")]),
            line("a", &[("user", "the same id")]),
            line("e", &[("user", &"x".repeat(10_001))]),
            line("f", &[("assistant", "the last")]),
        ],
    )?;
    let said = failure(&import(&world, &path, &[]).await?, 1)?;
    for number in 2..=7 {
        ensure!(said.contains(&format!("mixed.jsonl:{number}")), "line {number}: {said}");
    }
    ensure!(!said.contains("mixed.jsonl:1:") && !said.contains("mixed.jsonl:8"), "{said}");
    ensure!(world.value("select count(*) from messages").await? == 2);

    failure(&import(&world, &world.path("nowhere.jsonl"), &[]).await?, 1)?;
    failure(&import(&world, &world.path(""), &[]).await?, 1)?;
    failure(&import(&world, &file(&world, "empty.jsonl", &[])?, &[]).await?, 1)?;
    Ok(())
}

async fn messages_keep_flowing_during_an_import_and_a_user_add(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let lines: Vec<_> = (0..4_000)
        .map(|number| {
            line(&format!("c-{number}"), &[("user", "hello"), ("assistant", "hello"), ("user", "bye")])
        })
        .collect();
    let path = file(&world, "large.jsonl", &lines)?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let importing = import(&world, &path, &[]);
    let adding = world.command(&["user", "add", "--email", "ann@shop.example", "--role", "staff"]);
    let working = async { tokio::try_join!(importing, adding) };
    let mut working = std::pin::pin!(working);
    let mut meanwhile = 0;
    let (imported, added) = loop {
        tokio::select! {
            biased;
            done = &mut working => break done?,
            sent = visitor.send("meanwhile") => { sent?; meanwhile += 1; }
        }
    };
    printed(&imported)?;
    printed(&added)?;
    ensure!(meanwhile >= 5, "only {meanwhile} messages got through");
    ensure!(world.value("select count(*) from conversations").await? == 4_001);
    Ok(())
}

async fn an_export_holds_everything_but_secrets(world: World) -> Result<()> {
    world.start().await?;
    let secret = add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = Visitor::open(world.address(), json!({"user": {"name": "Ann"}})).await?;
    let mut params = text(&visitor.conversation, "hello");
    params["metadata"] = json!({"page": "/"});
    visitor.socket()?.call("message.send", params).await?;
    let last = text(&visitor.conversation, "and bye");
    visitor.socket()?.call("message.send", last).await?;
    let folder = world.path("export");
    let path = folder.to_str().context("a path that is text")?;
    printed(&world.command(&["export", path]).await?)?;

    let mut all = String::new();
    let mut rows = std::collections::BTreeMap::new();
    for name in ["workspaces", "users", "conversations", "messages", "audit_log"] {
        let content = std::fs::read_to_string(folder.join(format!("{name}.jsonl")))?;
        let lines: Vec<Value> = content.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        rows.insert(name, lines);
        all.push_str(&content);
    }
    ensure!(rows["workspaces"].len() == 2 && rows["conversations"].len() == 1 && rows["messages"].len() == 2);
    ensure!(
        rows["messages"][0]["content"] == "hello" && rows["messages"][0]["metadata"] == json!({"page": "/"})
    );
    ensure!(rows["users"].iter().any(|user| user["name"] == "Ann"));
    for hidden in [&secret, &key, &visitor.resume_secret, "argon2", "resume_hash", "password"] {
        ensure!(!all.contains(hidden), "an export holds no secrets: {hidden}");
    }
    let again = failure(&world.command(&["export", path]).await?, 1)?;
    ensure!(again.contains("empty folder"), "nothing is overwritten: {again}");
    Ok(())
}

async fn every_table_that_is_kept_is_exported_and_insights_come_back(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let staff = add_key(&world, "staff", "staff", "default").await?;
    let mut visitor = Visitor::open(world.address(), json!({"user": {"name": "Ann"}})).await?;
    for word in ["one", "two", "three"] {
        visitor.send(word).await?;
    }
    let asked = json!({"conversation_id": visitor.conversation, "reason": "a person, please"});
    visitor.socket()?.call("escalation.request", asked).await?;
    let note = json!({"conversation_id": visitor.conversation, "client_id": "11111111-1111-4111-8111-111111111111",
                      "content": "for us", "private": true});
    world.rpc(Some(&staff), "message.send", note).await?;
    world.rpc(Some(&staff), "canned.save", json!({"name": "hello", "content": "Hello!"})).await?;
    let document = json!({"title": "Returns", "content": "Within thirty days."});
    world.rpc(Some(&key), "knowledge.add", json!({"documents": [document]})).await?;
    let item = json!({"title": "t", "description": "", "content": "c", "pattern_tags": ["x"], "domain_category": "d"});
    let trace = json!({"task": "a task", "trajectory": [1], "outcome": "success", "memory_items": [item], "metadata": {}});
    world.rpc(Some(&key), "memory.add_trace", json!({"trace": trace})).await?;
    for (contact, group) in [("C-1", "one"), ("C-1", "two"), ("C-2", "one")] {
        let insight = json!({"contact_id": contact, "member_name": "Ann", "eni_source_types": ["crm", group], "record_count": 2,
                             "total_eni_ids": 1, "insights": {"personal": group}, "metadata": {"x": 1},
                             "generated_at": "2024-05-06T07:08:09.123Z"});
        world.rpc(Some(&key), "insight.upsert", json!({"insight": insight, "group_key": group})).await?;
    }
    let export = async |name: &str| {
        let folder = world.path(name);
        printed(&world.command(&["export", folder.to_str().context("a path that is text")?]).await?)?;
        Ok::<_, anyhow::Error>(folder)
    };
    let read = |folder: &std::path::Path, table: &str| {
        let text = std::fs::read_to_string(folder.join(format!("{table}.jsonl")))?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect::<Result<Vec<Value>>>()
    };
    let folder = export("out").await?;
    for (table, rows) in [
        ("message_feedback", 0),
        ("turn_steps", 0),
        ("interactions", 0),
        ("agent_states", 0),
        ("workflow_states", 0),
        ("notes", 1),
        ("escalations", 1),
        ("conversations", 1),
        ("reasoning_traces", 1),
        ("structured_insights", 2),
        ("knowledge_documents", 1),
        ("canned_responses", 1),
        ("workspaces", 2),
    ] {
        let found = read(&folder, table)?;
        let own = found.iter().filter(|row| row["source"].is_null()).count();
        ensure!(own == rows, "{table}: {found:?}");
    }
    ensure!(read(&folder, "messages")?.len() >= 3, "what was said");
    let first = read(&folder, "structured_insights")?;
    ensure!(first[0]["group_keys"] == json!(["one", "two"]) && first[0]["record_count"] == 4, "{first:?}");
    let traces = read(&folder, "reasoning_traces")?;
    ensure!(traces[0]["memory_items"][0]["pattern_tags"] == json!(["x"]), "{traces:?}");
    ensure!(read(&folder, "audit_log")?.iter().any(|row| row["action"] == "key.add"), "the audit log");

    // What an importer takes comes back as it was, but for when that was.
    let file = folder.join("structured_insights.jsonl");
    let file = file.to_str().context("a path that is text")?;
    printed(&world.command(&["import", "insights", file, "--workspace", "shop"]).await?)?;
    let again = read(&export("again").await?, "structured_insights")?;
    let told = |rows: &[Value], is_first: bool| -> Vec<Value> {
        let of_these = |row: &&Value| (row["workspace_id"] == first[0]["workspace_id"]) == is_first;
        let mut rows: Vec<Value> = rows.iter().filter(of_these).cloned().collect();
        for row in &mut rows {
            for when in ["workspace_id", "created_at", "updated_at", "version", "group_keys"] {
                row.as_object_mut().map(|row| row.remove(when));
            }
        }
        rows
    };
    ensure!(
        told(&again, true) == told(&first, true) && told(&again, false) == told(&first, true),
        "{again:?}"
    );
    Ok(())
}

async fn the_doctor_finds_nothing_wrong_with_a_desk_in_use(world: World) -> Result<()> {
    let early = world.command(&["doctor"]).await?;
    ensure!(early.status.success(), "before the first start: {}", String::from_utf8_lossy(&early.stdout));
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    for arguments in [&["doctor"][..], &["doctor", "--data"]] {
        let said = printed(&world.command(arguments).await?)?;
        for what in ["settings", "secret", "database", "migrations", "row-level security", "clock"] {
            ensure!(said.contains(what), "{what}: {said}");
        }
        ensure!(!said.lines().any(|line| line.starts_with("fails")), "{said}");
        ensure!(said.contains("orphans") == (arguments.len() == 2), "{said}");
    }
    visitor.lose();
    world.stop().await?;
    printed(&world.command(&["doctor", "--data"]).await?)?;
    Ok(())
}

async fn the_doctor_finds_gaps_and_orphans(world: World) -> Result<()> {
    world.start().await?;
    let mut gapped = world.visitor().await?;
    let mut orphaned = world.visitor().await?;
    let mut sound = world.visitor().await?;
    for visitor in [&mut gapped, &mut orphaned, &mut sound] {
        for word in ["one", "two", "three"] {
            visitor.send(word).await?;
        }
    }
    let (gap, orphan) = (&gapped.conversation, &orphaned.conversation);
    world.execute(&format!("delete from messages where conversation_id = '{gap}' and seq = 2")).await?;
    world.execute(&format!("delete from conversations where id = '{orphan}'")).await?;
    let output = world.command(&["doctor", "--data"]).await?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), failure(&output, 1)?);
    ensure!(said.contains(gap.as_str()) && said.contains(orphan.as_str()), "{said}");
    ensure!(!said.contains(&sound.conversation), "{said}");
    let failed: Vec<_> = said.lines().filter(|line| line.starts_with("fails")).collect();
    ensure!(failed.len() == 2, "{said}");
    Ok(())
}

async fn migrate_status_names_every_migration(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let while_it_runs = world.command(&["migrate", "status"]).await?;
    visitor.send("undisturbed").await?;
    visitor.lose();
    world.stop().await?;
    let where_none_runs = world.command(&["migrate", "status"]).await?;
    for (when, output) in [("where no server runs", where_none_runs), ("while it runs", while_it_runs)] {
        let said = printed(&output).context(when)?;
        for number in ["0001", "0002", "0003"] {
            let line =
                said.lines().find(|line| line.contains(number)).with_context(|| format!("{when}: {said}"))?;
            ensure!(line.contains("ran") && !line.contains("has not"), "{when}: {line}");
        }
    }
    let up = world.command(&["migrate", "up"]).await?;
    ensure!(up.status.success() && printed(&up)?.is_empty(), "there is nothing left to run");
    world.start().await?;
    Ok(())
}
