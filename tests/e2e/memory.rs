//! What was learned: traces in and out by request, found by those who may look, and by nobody of another workspace.

use switchboard_tests::prelude::*;

use crate::commands::{add_key, add_workspace};
use crate::http::refused;
use crate::opening::opened;

pub(crate) const TESTS: &[Test] = tests![
    a_trace_is_added_found_and_deleted,
    every_bad_field_of_a_trace_is_named_and_nothing_is_stored,
    the_same_trace_many_times_at_once_is_stored_once,
    every_filter_leaves_as_many_as_match,
    every_workspace_gets_its_own_and_as_many_as_it_has,
    another_workspaces_memory_is_not_found,
    only_those_who_keep_the_desk_may_remember,
];

fn trace(task: &str, items: &Value) -> Value {
    json!({"trace": {"task": task, "outcome": "success", "memory_items": items}})
}

fn item(title: &str, content: &str) -> Value {
    json!({"title": title, "content": content})
}

async fn titles(world: &World, key: &str, params: Value) -> Result<Vec<String>> {
    let answer = world.rpc(Some(key), "memory.query", params).await?;
    ensure!(answer["mode"] == "text", "there is no model: {answer}");
    let memories = answer["memories"].as_array().context("memories")?;
    Ok(memories.iter().filter_map(|memory| memory["title"].as_str()).map(str::to_owned).collect())
}

async fn a_trace_is_added_found_and_deleted(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let none = json!({
        "total_traces": 0, "total_memories": 0, "success_rate": 0.0, "by_domain": [], "embedder": null,
        "by_outcome": {"success": 0, "failure": 0, "partial": 0}, "pending_vectors": 0,
    });
    ensure!(world.rpc(Some(&key), "memory.stats", json!({})).await? == none);
    ensure!(titles(&world, &key, json!({"query": "card"})).await?.is_empty(), "before there is any");

    let full = json!({
        "title": "Fees abroad", "description": "When a payment abroad is asked about.",
        "content": "The page on fees answers it.", "error_context": {"error_type": "wrong_page"},
        "pattern_tags": ["fees", "abroad"], "domain_category": "payments",
    });
    let first = json!({"trace": {
        "task": "Answer a question about fees", "trajectory": [{"step": "retrieve", "found": 3}, "respond", 7],
        "outcome": "failure", "memory_items": [full, item("Cards", "A lost card is locked in the app.")],
        "metadata": {"source": "crm"},
    }});
    let added = world.rpc(Some(&key), "memory.add_trace", first.clone()).await?;
    let id = added["trace_id"].clone();
    ensure!(added["duplicate"] == false && added["item_ids"].as_array().is_some_and(|ids| ids.len() == 2));

    // Over a socket as well; under the same id it is the same trace, whatever it says.
    let (mut socket, _) = opened(&world, json!({"token": key})).await?;
    let again = json!({"trace": {"id": id, "task": "Another", "outcome": "success", "memory_items": [item("x", "y")]}});
    let twice = socket.call("memory.add_trace", again).await?;
    ensure!(twice == json!({"trace_id": id, "item_ids": added["item_ids"], "duplicate": true}), "{twice}");
    let got = socket.call("memory.get_trace", json!({"id": id})).await?["trace"].take();
    ensure!(got["task"] == "Answer a question about fees" && got["outcome"] == "failure", "{got}");
    ensure!(got["trajectory"] == first["trace"]["trajectory"] && got["metadata"] == json!({"source": "crm"}));
    let items = got["memory_items"].as_array().context("items")?;
    let mut expected = first["trace"]["memory_items"][0].clone();
    expected["id"] = added["item_ids"][0].clone();
    ensure!(items[0] == expected, "{got}");
    ensure!(items[1]["description"] == "" && items[1]["pattern_tags"] == json!([]), "{got}");
    ensure!(items[1]["error_context"].is_null() && items[1]["domain_category"].is_null(), "{got}");

    let other = trace("Greet", &json!([item("Greeting", "Say hello first.")]));
    let other = socket.call("memory.add_trace", other).await?["trace_id"].take();
    let answer =
        socket.call("memory.query", json!({"query": "what does it cost abroad?", "limit": 1})).await?;
    let best = &answer["memories"][0];
    ensure!(best["id"] == added["item_ids"][0] && best["trace_id"] == id && best["outcome"] == "failure");
    ensure!(best["error_context"]["error_type"] == "wrong_page" && best["domain_category"] == "payments");
    ensure!(best["score"].as_f64().is_some_and(|score| score > 0.0 && score <= 1.0), "{best}");
    ensure!(answer["memories"].as_array().is_some_and(|found| found.len() == 1), "{answer}");
    // No sign is an operator, and none is trouble.
    for odd in ["'", "\"card", "card & | ! :* <-> (", "-card", "%", "\u{1f4b3}", "card\u{a0}lost"] {
        ensure!(titles(&world, &key, json!({"query": odd})).await?.len() == 3, "{odd}");
    }
    let counted = json!({
        "total_traces": 2, "total_memories": 3, "success_rate": 0.5, "embedder": null, "pending_vectors": 3,
        "by_outcome": {"success": 1, "failure": 1, "partial": 0},
        "by_domain": [{"domain": "payments", "memories": 1}],
    });
    let stats = socket.call("memory.stats", json!({})).await?;
    ensure!(stats == counted, "{stats}");

    world.restart().await?;
    ensure!(titles(&world, &key, json!({"query": "greeting"})).await?[0] == "Greeting", "after a restart");
    let gone = world.rpc(Some(&key), "memory.delete_trace", json!({"id": id})).await?;
    ensure!(gone == json!({"deleted": true}));
    for method in ["memory.delete_trace", "memory.get_trace"] {
        ensure!(
            refused(&world, Some(&key), method, json!({"id": id})).await?.kind == "not_found",
            "{method}"
        );
    }
    ensure!(
        titles(&world, &key, json!({"query": "abroad"})).await? == ["Greeting"],
        "its items went with it"
    );
    ensure!(world.value("select count(*) from memory_items").await? == 1, "and nothing else");
    ensure!(world.rpc(Some(&key), "memory.get_trace", json!({"id": other})).await?["trace"]["id"] == other);
    Ok(())
}

async fn every_bad_field_of_a_trace_is_named_and_nothing_is_stored(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let good = item("Cards", "Lock it.");
    let with = |bad: Value| trace("A task", &json!([good, bad]));
    let own = Uuid::new_v4();
    for (bad, field) in [
        (json!({"trace": {"outcome": "success"}}), "trace.task"),
        (json!({"trace": {"task": " ", "outcome": "success"}}), "trace.task"),
        (json!({"trace": {"task": "x", "outcome": "unknown"}}), "trace.outcome"),
        (json!({"trace": {"task": "x", "outcome": "success", "trajectory": {}}}), "trace.trajectory"),
        (
            json!({"trace": {"task": "x", "outcome": "success", "trajectory": ["x".repeat(300_000)]}}),
            "trace.trajectory",
        ),
        (with(json!({"title": "x"})), "trace.memory_items.1.content"),
        (with(json!({"title": "\t", "content": "x"})), "trace.memory_items.1.title"),
        (with(json!({"title": "x", "content": "a\u{0}b"})), "trace.memory_items.1.content"),
        (
            with(json!({"title": "x", "content": "x", "error_context": "x".repeat(20_000)})),
            "trace.memory_items.1.error_context",
        ),
        (
            with(json!({"title": "x", "content": "x", "pattern_tags": ["x", ""]})),
            "trace.memory_items.1.pattern_tags.1",
        ),
        (
            trace(
                "x",
                &json!([{"id": own, "title": "x", "content": "x"}, {"id": own, "title": "y", "content": "y"}]),
            ),
            "trace.memory_items.1.id",
        ),
        (json!({}), "trace"),
    ] {
        let refusal = refused(&world, Some(&key), "memory.add_trace", bad).await?;
        ensure!(refusal.kind == "invalid_params", "{refusal}");
        let fields = refusal.data["fields"].as_array().context("fields")?;
        ensure!(fields.len() == 1 && fields[0]["field"] == field, "{field}: {refusal}");
    }
    let first = trace("x", &json!([{"id": own, "title": "x", "content": "x"}]));
    world.rpc(Some(&key), "memory.add_trace", first.clone()).await?;
    let refusal = refused(&world, Some(&key), "memory.add_trace", first).await?;
    ensure!(refusal.data["fields"][0]["field"] == "trace.memory_items", "another trace's item: {refusal}");
    ensure!(world.value("select count(*) from reasoning_traces").await? == 1);
    for (bad, field) in [
        (json!({"query": ""}), "query"),
        (json!({"query": "x", "limit": 101}), "limit"),
        (json!({"query": "x", "min_score": 1.5}), "min_score"),
        (json!({"query": "x", "tags": "fees"}), "tags"),
    ] {
        let refusal = refused(&world, Some(&key), "memory.query", bad).await?;
        ensure!(refusal.data["fields"][0]["field"] == field, "{refusal}");
    }
    Ok(())
}

async fn the_same_trace_many_times_at_once_is_stored_once(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let id = Uuid::new_v4();
    let adding = (0..16).map(|number| {
        let items: Vec<_> = (0..5).map(|at| item(&format!("{number} {at}"), "x")).collect();
        let trace = json!({"trace": {"id": id, "task": "x", "outcome": "success", "memory_items": items}});
        world.rpc(Some(&key), "memory.add_trace", trace)
    });
    let answers = futures_util::future::try_join_all(adding).await?;
    let first: Vec<_> = answers.iter().filter(|answer| answer["duplicate"] == false).collect();
    ensure!(first.len() == 1, "{answers:?}");
    ensure!(answers.iter().all(|answer| answer["item_ids"] == first[0]["item_ids"]), "{answers:?}");
    ensure!(world.value("select count(*) from memory_items").await? == 5);
    Ok(())
}

async fn every_filter_leaves_as_many_as_match(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let items: Vec<_> = (0..60)
        .map(|number| {
            let mut item = item(&format!("{number}"), &format!("About word{} and more.", number % 5));
            if number % 2 == 0 {
                item["error_context"] = json!("it went wrong");
            }
            item["domain_category"] = json!(["cards", "fees", "loans"][number % 3]);
            item["pattern_tags"] = json!([format!("t{}", number % 10)]);
            item
        })
        .collect();
    for some in items.chunks(20) {
        world.rpc(Some(&key), "memory.add_trace", trace("x", &json!(some))).await?;
    }
    let all: [fn(usize) -> bool; 6] = [
        |_| true,
        |number| number % 2 == 1,
        |number| number % 3 == 1,
        |number| number % 10 == 3 || number % 10 == 4,
        |number| number % 2 == 1 && number % 3 == 1 && number % 10 == 3,
        |_| false,
    ];
    let filters = [
        json!({}),
        json!({"include_errors": false}),
        json!({"domain": "fees"}),
        json!({"tags": ["t3", "t4"]}),
        json!({"include_errors": false, "domain": "fees", "tags": ["t3"]}),
        json!({"domain": "nothing"}),
    ];
    for (filter, passes) in filters.iter().zip(all) {
        for limit in [1, 10, 100] {
            // Most of them share no word with it, and come all the same.
            let mut asked = json!({"query": "word3", "limit": limit});
            asked.as_object_mut().context("an object")?.extend(filter.as_object().context("too")?.clone());
            let found = titles(&world, &key, asked.clone()).await?;
            let matching: Vec<_> = (0..60_usize).filter(|number| passes(*number)).collect();
            ensure!(found.len() == matching.len().min(limit), "{} for {asked}", found.len());
            let numbers = found.iter().map(|title| title.parse()).collect::<Result<Vec<usize>, _>>()?;
            ensure!(numbers.iter().all(|number| matching.contains(number)), "{asked}: {numbers:?}");
            // Those that share the word stand before those that do not.
            let shared = numbers.iter().filter(|number| *number % 5 == 3).count();
            ensure!(numbers[..shared].iter().all(|number| number % 5 == 3), "{asked}: {numbers:?}");
            ensure!(shared == matching.iter().filter(|number| *number % 5 == 3).count().min(limit));
        }
    }
    let answer = world.rpc(Some(&key), "memory.query", json!({"query": "word3", "limit": 100})).await?;
    let best = answer["memories"][0]["score"].as_f64().context("a score")?;
    let enough = json!({"query": "word3", "limit": 100, "min_score": best / 2.0});
    ensure!(titles(&world, &key, enough).await?.len() == 12, "only those that share the word");
    Ok(())
}

async fn every_workspace_gets_its_own_and_as_many_as_it_has(world: World) -> Result<()> {
    const SIZES: [usize; 8] = [0, 1, 2, 7, 30, 100, 101, 250];
    world.start().await?;
    let key = add_key(&world, "everywhere", "service", "*").await?;
    for (at, size) in SIZES.iter().enumerate() {
        let workspace = format!("desk-{at}");
        add_workspace(&world, &workspace, &[]).await?;
        let items: Vec<_> =
            (0..*size).map(|number| item(&format!("{workspace} {number}"), "The same text.")).collect();
        for some in items.chunks(50) {
            let mut trace = trace("x", &json!(some));
            trace["workspace"] = json!(workspace);
            world.rpc(Some(&key), "memory.add_trace", trace).await?;
        }
    }
    for (at, size) in SIZES.iter().enumerate() {
        let workspace = format!("desk-{at}");
        for limit in [1, 10, 100] {
            let asked = json!({"query": "the same text", "limit": limit, "workspace": workspace});
            let found = titles(&world, &key, asked).await?;
            ensure!(found.len() == limit.min(*size), "{} of {size} for {limit}", found.len());
            ensure!(found.iter().all(|title| title.starts_with(&format!("{workspace} "))), "{found:?}");
        }
        let stats = world.rpc(Some(&key), "memory.stats", json!({"workspace": workspace})).await?;
        ensure!(stats["total_memories"] == *size && stats["pending_vectors"] == *size, "{stats}");
    }
    Ok(())
}

async fn another_workspaces_memory_is_not_found(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let here = add_key(&world, "here", "service", "default").await?;
    let there = add_key(&world, "there", "admin", "shop").await?;
    let own = trace("Cards", &json!([item("Cards", "A lost card is locked.")]));
    let added = world.rpc(Some(&here), "memory.add_trace", own).await?;
    let id = &added["trace_id"];
    ensure!(titles(&world, &there, json!({"query": "lost card"})).await?.is_empty());
    for method in ["memory.get_trace", "memory.delete_trace"] {
        let refusal = refused(&world, Some(&there), method, json!({"id": id})).await?;
        ensure!(refusal.kind == "not_found" && refusal.data == json!({"kind": "not_found"}), "{refusal}");
    }
    ensure!(world.value("select count(*) from memory_items").await? == 1, "and deletes nothing");
    // The same ids there are another trace and another item.
    let same = json!({"trace": {"id": id, "task": "Shop", "outcome": "partial", "memory_items": [
        {"id": added["item_ids"][0], "title": "Shop", "content": "Ours alone."},
    ]}});
    let answer = world.rpc(Some(&there), "memory.add_trace", same).await?;
    ensure!(answer["duplicate"] == false, "nothing tells that it is there: {answer}");
    ensure!(titles(&world, &here, json!({"query": "ours alone"})).await? == ["Cards"]);
    world.rpc(Some(&there), "memory.delete_trace", json!({"id": id})).await?;
    ensure!(world.rpc(Some(&here), "memory.get_trace", json!({"id": id})).await?["trace"]["task"] == "Cards");
    ensure!(world.rpc(Some(&there), "memory.stats", json!({})).await?["total_memories"] == 0);
    Ok(())
}

async fn only_those_who_keep_the_desk_may_remember(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = Uuid::nil().to_string();
    for (method, params) in [
        ("memory.add_trace", trace("x", &json!([]))),
        ("memory.query", json!({"query": "x"})),
        ("memory.get_trace", json!({"id": id})),
        ("memory.delete_trace", json!({"id": id})),
        ("memory.stats", json!({})),
    ] {
        ensure!(refused(&world, Some(&visitor.token), method, params.clone()).await?.kind == "forbidden");
        ensure!(refused(&world, None, method, params.clone()).await?.kind == "unauthenticated");
        ensure!(visitor.socket()?.call_refused(method, params).await?.kind == "forbidden", "{method}");
    }
    for role in ["staff", "supervisor", "admin"] {
        let key = add_key(&world, role, role, "default").await?;
        world.rpc(Some(&key), "memory.add_trace", trace(role, &json!([]))).await.context(role)?;
    }
    Ok(())
}
