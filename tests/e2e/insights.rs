//! What is known of people: groups folded into contacts, and found again.

mod importing;
mod laws;
mod looking;

use switchboard_tests::prelude::*;

use crate::commands::{add_key, add_workspace};
use crate::http::refused;
use crate::opening::opened;

pub(crate) const TESTS: &[Test] = tests![
    a_group_is_folded_into_its_contact,
    a_group_with_a_key_is_taken_in_once,
    a_batch_stores_the_good_and_names_the_bad,
    everything_that_is_wrong_is_named_at_once,
    words_that_come_too_late_are_nobodys,
    a_deleted_contact_is_gone_with_all_that_was_its,
    what_was_written_is_what_is_read_next,
    another_workspaces_contacts_are_not_found,
];
pub(crate) use importing::TESTS as IMPORTING;
pub(crate) use laws::TESTS as LAWS;
pub(crate) use looking::TESTS as LOOKING;

/// A server and the key of a service.
async fn desk(world: &World) -> Result<String> {
    world.without_limits().start().await?;
    add_key(world, "crm", "service", "default").await
}

async fn upsert(world: &World, key: &str, insight: Value) -> Result<Value> {
    let answer = world.rpc(Some(key), "insight.upsert", json!({"insight": insight})).await?;
    ensure!(answer["duplicate"] == false, "{answer}");
    Ok(answer["insight"].clone())
}

async fn get(world: &World, key: &str, contact: &str) -> Result<Value> {
    let answer = world.rpc(Some(key), "insight.get", json!({"contact_id": contact})).await?;
    Ok(answer["insight"].clone())
}

async fn a_group_is_folded_into_its_contact(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let (mut socket, _) = opened(&world, json!({"token": key})).await?;
    let first = json!({
        "contact_id": "C-1", "eni_id": "ignored", "version": 9, "member_name": "Ann Lee",
        "eni_source_types": ["crm", "call", "crm"], "eni_source_subtypes": ["note"], "total_eni_ids": 2,
        "record_count": 5, "insights": {"personal": "Sails.", "deals": ["Series A"], "business": " ", "three_i": null},
        "generated_at": "2026-03-01T09:30:00Z", "metadata": {"owner": "desk"},
    });
    let answer = socket.call("insight.upsert", json!({"insight": first})).await?;
    ensure!(answer["created"] == true && answer["duplicate"] == false, "{answer}");
    let one = answer["insight"].clone();
    let expected = json!({
        "contact_id": "C-1", "eni_id": "COMBINED-C-1-ALL", "member_name": "Ann Lee",
        "eni_source_types": ["crm", "call"], "eni_source_subtypes": ["note"], "total_eni_ids": 2, "record_count": 5,
        "insights": {"personal": "Sails.", "business": null, "investing": null, "three_i": null,
                     "deals": ["Series A"], "introductions": null},
        "processing_status": "completed", "generated_at": "2026-03-01T09:30:00.000Z",
        "created_at": one["created_at"], "updated_at": one["created_at"], "version": 1, "metadata": {"owner": "desk"},
    });
    ensure!(one == expected, "{one}");
    ensure!(get(&world, &key, "C-1").await? == one);

    let second = json!({
        "contact_id": "C-1", "eni_source_types": ["mail", "call"], "total_eni_ids": 3, "record_count": 1,
        "insights": {"personal": {"hobby": "chess"}, "introductions": "Bob", "deals": ""},
        "generated_at": "2020-01-01T00:00:00Z", "processing_status": "pending",
    });
    let answer = socket.call("insight.upsert", json!({"insight": second})).await?;
    ensure!(answer["created"] == false && answer["duplicate"] == false, "{answer}");
    let two = &answer["insight"];
    let mut expected = one.clone();
    expected["eni_source_types"] = json!(["crm", "call", "mail"]);
    expected["total_eni_ids"] = json!(5);
    expected["record_count"] = json!(6);
    expected["insights"]["personal"] = json!({"hobby": "chess"});
    expected["insights"]["introductions"] = json!("Bob");
    expected["processing_status"] = json!("pending");
    expected["updated_at"] = two["updated_at"].clone();
    expected["version"] = json!(2);
    ensure!(*two == expected, "{two}");
    let (before, after) = (one["updated_at"].as_str(), two["updated_at"].as_str());
    ensure!(before <= after, "{before:?} {after:?}");
    ensure!(get(&world, &key, "C-1").await? == *two);
    let stored = "select eni_id, version from structured_insights";
    ensure!(world.rows(stored).await? == [json!({"eni_id": "COMBINED-C-1-ALL", "version": 2})]);
    Ok(())
}

async fn a_group_with_a_key_is_taken_in_once(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let group = |contact: &str, group: &str, name: &str| {
        json!({"group_key": group, "insight": {"contact_id": contact, "member_name": name, "record_count": 1,
               "insights": {"personal": name}}})
    };
    let call = async |params: Value| world.rpc(Some(&key), "insight.upsert", params).await;
    let first = call(group("a", "1", "Ann")).await?;
    ensure!(first["created"] == true && first["duplicate"] == false, "{first}");
    let again = call(group("a", "1", "Another")).await?;
    ensure!(again == json!({"insight": first["insight"], "created": false, "duplicate": true}), "{again}");
    let other = call(group("a", "2", "Anna")).await?;
    ensure!(other["insight"]["version"] == 2 && other["duplicate"] == false, "{other}");
    ensure!(call(group("b", "1", "Bob")).await?["created"] == true, "a key is of its contact");
    let again = call(group("a", "1", "Another")).await?;
    ensure!(again["insight"] == other["insight"], "as it stands: {again}");

    // In a batch too, within it and across.
    let batch = json!({"insights": [group("a", "3", "x"), group("a", "1", "y"), group("a", "3", "z"), group("c", "3", "c")]});
    let answer = world.rpc(Some(&key), "insight.batch_upsert", batch.clone()).await?;
    ensure!(
        answer == json!({"processed": 4, "created": 1, "updated": 1, "duplicates": 2, "failed": []}),
        "{answer}"
    );
    let answer = world.rpc(Some(&key), "insight.batch_upsert", batch).await?;
    ensure!(
        answer == json!({"processed": 4, "created": 0, "updated": 0, "duplicates": 4, "failed": []}),
        "{answer}"
    );
    let a = get(&world, &key, "a").await?;
    ensure!(a["member_name"] == "x" && a["record_count"] == 3 && a["version"] == 3, "{a}");
    Ok(())
}

async fn a_batch_stores_the_good_and_names_the_bad(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let odd = json!([r#"a "quoted" one"#, r"back\slash", "{b, r}", "NULL", " "]);
    let batch = json!({"insights": [
        {"contact_id": "a", "insights": {"personal": "one", "deals": "first"}, "eni_source_types": ["x"], "total_eni_ids": 1},
        {"insight": {"contact_id": "b", "insights": {"personal": "b"}, "eni_source_types": odd}},
        {"contact_id": "c"},
        {"insight": {"contact_id": "d", "insights": {"personal": "d"}, "total_eni_ids": -1}, "group_key": ""},
        "nonsense",
        {"insight": {"contact_id": "a", "insights": {"personal": "two"}, "eni_source_types": ["y", "x"],
                     "total_eni_ids": 2}, "group_key": "k"},
        {"contact_id": 7, "insights": {}},
    ]});
    let answer = world.rpc(Some(&key), "insight.batch_upsert", batch).await?;
    let failed = json!([
        {"index": 2, "contact_id": "c", "errors": [{"field": "insights", "problem": "is required"}]},
        {"index": 3, "contact_id": "d", "errors": [
            {"field": "insight.total_eni_ids", "problem": "must be at least 0"},
            {"field": "group_key", "problem": "must not be empty"}]},
        {"index": 4, "contact_id": null, "errors": [{"field": "insight", "problem": "must be an object"}]},
        {"index": 6, "contact_id": null, "errors": [
            {"field": "contact_id", "problem": "must be a string"},
            {"field": "insights", "problem": "must say something in at least one of personal, business, investing, \
                                              three_i, deals, introductions"}]},
    ]);
    let mut sorted = answer.clone();
    let by_field = |errors: &mut Value| {
        let Some(errors) = errors.as_array_mut() else { return };
        errors.sort_by_key(|error| std::cmp::Reverse(error["field"].to_string()));
    };
    sorted["failed"]
        .as_array_mut()
        .context("failed")?
        .iter_mut()
        .for_each(|bad| by_field(&mut bad["errors"]));
    let mut expected = json!({"processed": 3, "created": 2, "updated": 1, "duplicates": 0, "failed": failed});
    expected["failed"]
        .as_array_mut()
        .context("failed")?
        .iter_mut()
        .for_each(|bad| by_field(&mut bad["errors"]));
    ensure!(sorted == expected, "{answer}");
    let a = get(&world, &key, "a").await?;
    ensure!(a["insights"]["personal"] == "two" && a["insights"]["deals"] == "first", "{a}");
    ensure!(
        a["eni_source_types"] == json!(["x", "y"]) && a["total_eni_ids"] == 3 && a["version"] == 2,
        "{a}"
    );
    let b = get(&world, &key, "b").await?;
    ensure!(b["eni_source_types"] == odd, "{b}");
    ensure!(world.value("select count(*) from structured_insights").await? == 2);

    let entry = |n: usize| json!({"contact_id": format!("m{n}"), "insights": {"personal": "x"}});
    let many: Vec<Value> = (0..1000).map(entry).collect();
    let answer = world.rpc(Some(&key), "insight.batch_upsert", json!({"insights": many})).await?;
    ensure!(answer["processed"] == 1000 && answer["created"] == 1000, "{answer}");
    let many: Vec<Value> = (0..1001).map(entry).collect();
    let refusal = refused(&world, Some(&key), "insight.batch_upsert", json!({"insights": many})).await?;
    ensure!(refusal.data["fields"][0]["problem"] == "must have at most 1000 entries", "{refusal}");
    let answer = world.rpc(Some(&key), "insight.batch_upsert", json!({"insights": []})).await?;
    ensure!(answer["processed"] == 0, "{answer}");
    Ok(())
}

async fn everything_that_is_wrong_is_named_at_once(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let good = json!({"contact_id": "a", "insights": {"three_i": "x"}});
    let answer = world.rpc(Some(&key), "insight.validate", json!({"insight": good})).await?;
    ensure!(answer == json!({"valid": true, "errors": []}), "{answer}");
    let long = "x".repeat(256);
    for (bad, fields) in [
        (json!({}), vec!["contact_id", "insights"]),
        (json!([]), vec!["insight"]),
        (json!(null), vec!["insight"]),
        (
            json!({"contact_id": " ", "insights": {"personal": " ", "deals": []}}),
            vec!["contact_id", "insights"],
        ),
        (
            json!({"contact_id": long, "insights": {"personal": "x"}, "member_name": long}),
            vec!["contact_id", "member_name"],
        ),
        (
            json!({"contact_id": "a", "insights": {"personal": "x".repeat(64 * 1024)}, "record_count": 1.5,
                   "eni_source_types": ["", 1], "eni_source_subtypes": "x", "processing_status": "done",
                   "generated_at": "yesterday", "metadata": {"x": "y".repeat(17_000)}}),
            vec![
                "eni_source_subtypes",
                "eni_source_types.0",
                "eni_source_types.1",
                "generated_at",
                "insights.personal",
                "metadata",
                "processing_status",
                "record_count",
            ],
        ),
    ] {
        let answer = world.rpc(Some(&key), "insight.validate", json!({"insight": bad})).await?;
        ensure!(answer["valid"] == false, "{bad}: {answer}");
        let mut named: Vec<_> = answer["errors"]
            .as_array()
            .context("errors")?
            .iter()
            .map(|error| error["field"].clone())
            .collect();
        named.sort_by_key(Value::to_string);
        ensure!(json!(named) == json!(fields), "{bad}: {answer}");
        // An upsert says the same.
        let refusal = refused(&world, Some(&key), "insight.upsert", json!({"insight": bad})).await?;
        ensure!(refusal.kind == "invalid_params", "{refusal}");
        if bad.is_object() {
            let errors = answer["errors"].as_array().context("errors")?.iter().map(|error| {
                json!({"field": format!("insight.{}", error["field"].as_str().unwrap_or_default()), "problem": error["problem"]})
            });
            let mut errors: Vec<Value> = errors.collect();
            let mut said = refusal.data["fields"].as_array().context("fields")?.clone();
            errors.sort_by_key(Value::to_string);
            said.sort_by_key(Value::to_string);
            ensure!(errors == said, "{refusal} and {answer}");
        }
    }
    let nul = json!({"insight": {"contact_id": "a", "insights": {"personal": ["x\u{0}"]}}});
    let refusal = refused(&world, Some(&key), "insight.upsert", nul).await?;
    ensure!(refusal.data["fields"][0]["field"] == "insight.insights.personal.0", "{refusal}");
    ensure!(world.value("select count(*) from structured_insights").await? == 0);
    Ok(())
}

/// Marks are left by contacts that stand as they are, that are gone, and that have come far since.
async fn words_that_come_too_late_are_nobodys(world: World) -> Result<()> {
    let key = desk(&world).await?;
    upsert(&world, &key, json!({"contact_id": "a", "insights": {"personal": "sails"}})).await?;
    let found = async |query: &str| -> Result<usize> {
        let found = world.rpc(Some(&key), "insight.search", json!({"query": query})).await?;
        Ok(found["results"].as_array().context("results")?.len())
    };
    ensure!(found("sails").await? == 1);
    world.execute("update insight_words set version = 9, words = '{}'").await?;
    let marks = "insert into insight_unindexed (workspace_id, contact_id) \
                 select workspace_id, contact from structured_insights, unnest(array['a', 'gone']) contact";
    world.execute(marks).await?;
    upsert(&world, &key, json!({"contact_id": "b", "insights": {"personal": "rows"}})).await?;
    ensure!(
        found("rows").await? == 1 && found("sails").await? == 0,
        "an earlier version took the place of a later"
    );
    ensure!(world.value("select count(*) from insight_unindexed").await? == 0);
    ensure!(world.value("select count(*) from insight_words").await? == 2);
    Ok(())
}

async fn a_deleted_contact_is_gone_with_all_that_was_its(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let group = json!({"group_key": "1", "insight": {"contact_id": "a", "eni_source_types": ["x"],
                       "insights": {"personal": "sails"}}});
    world.rpc(Some(&key), "insight.upsert", group.clone()).await?;
    upsert(&world, &key, json!({"contact_id": "b", "insights": {"personal": "sails"}})).await?;
    let params = json!({"contact_id": "a"});
    ensure!(world.rpc(Some(&key), "insight.delete", params.clone()).await? == json!({"deleted": true}));
    for method in ["insight.delete", "insight.get"] {
        ensure!(refused(&world, Some(&key), method, params.clone()).await?.kind == "not_found", "{method}");
    }
    let found = world.rpc(Some(&key), "insight.search", json!({"query": "sails"})).await?;
    ensure!(found["results"].as_array().map(Vec::len) == Some(1), "{found}");
    for table in ["structured_insights", "insight_words"] {
        ensure!(world.value(&format!("select count(*) from {table}")).await? == 1, "{table}");
    }
    ensure!(world.value("select count(*) from insight_groups").await? == 0);
    let stats = world.rpc(Some(&key), "insight.stats", json!({})).await?;
    ensure!(stats["total"] == 1 && stats["by_source_type"] == json!({}), "{stats}");
    let log = world.rows("select subject from audit_log where action = 'insight.delete'").await?;
    ensure!(log == [json!({"subject": "a"})], "{log:?}");
    // What is known no more may be brought again.
    let again = world.rpc(Some(&key), "insight.upsert", group).await?;
    ensure!(again["created"] == true && again["insight"]["version"] == 1, "{again}");
    Ok(())
}

async fn what_was_written_is_what_is_read_next(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let cache = async || {
        Ok::<_, anyhow::Error>(world.rpc(Some(&key), "insight.stats", json!({})).await?["cache"].clone())
    };
    let draft = |text: &str| json!({"contact_id": "a", "insights": {"personal": text}});
    upsert(&world, &key, draft("1")).await?;
    for _ in 0..3 {
        ensure!(get(&world, &key, "a").await?["insights"]["personal"] == "1");
    }
    let status = cache().await?;
    ensure!(status["cached_items"] == 1 && status["hits"] == 2 && status["misses"] == 1, "{status}");
    ensure!(status["max_items"].as_u64() >= Some(100), "{status}");
    upsert(&world, &key, draft("2")).await?;
    ensure!(get(&world, &key, "a").await?["insights"]["personal"] == "2");
    world.rpc(Some(&key), "insight.batch_upsert", json!({"insights": [draft("3")]})).await?;
    ensure!(get(&world, &key, "a").await?["insights"]["personal"] == "3");
    world.rpc(Some(&key), "insight.delete", json!({"contact_id": "a"})).await?;
    ensure!(
        refused(&world, Some(&key), "insight.get", json!({"contact_id": "a"})).await?.kind == "not_found"
    );
    ensure!(cache().await?["cached_items"] == 0);
    Ok(())
}

async fn another_workspaces_contacts_are_not_found(world: World) -> Result<()> {
    let key = desk(&world).await?;
    add_workspace(&world, "shop", &[]).await?;
    let shop = add_key(&world, "till", "staff", "shop").await?;
    upsert(&world, &key, json!({"contact_id": "a", "member_name": "Ann", "insights": {"personal": "sails"}}))
        .await?;
    upsert(&world, &shop, json!({"contact_id": "b", "insights": {"personal": "rows"}})).await?;
    for method in ["insight.get", "insight.delete"] {
        let refusal = refused(&world, Some(&shop), method, json!({"contact_id": "a"})).await?;
        ensure!(
            refusal.kind == "not_found" && refusal.data == json!({"kind": "not_found"}),
            "{method}: {refusal}"
        );
    }
    let found = world.rpc(Some(&shop), "insight.search", json!({"query": "sails ann rows"})).await?;
    let contacts: Vec<_> = found["results"]
        .as_array()
        .context("results")?
        .iter()
        .map(|hit| &hit["insight"]["contact_id"])
        .collect();
    ensure!(contacts == ["b"], "{found}");
    let listed = world.rpc(Some(&shop), "insight.list", json!({})).await?;
    ensure!(listed["total"] == 1 && listed["insights"][0]["contact_id"] == "b", "{listed}");
    ensure!(world.rpc(Some(&shop), "insight.count", json!({})).await? == json!({"count": 1}));
    // The same id is another contact there.
    let theirs = upsert(&world, &shop, json!({"contact_id": "a", "insights": {"deals": "x"}})).await?;
    ensure!(theirs["version"] == 1 && theirs["insights"]["personal"].is_null(), "{theirs}");
    ensure!(get(&world, &key, "a").await?["insights"] != theirs["insights"]);
    Ok(())
}
