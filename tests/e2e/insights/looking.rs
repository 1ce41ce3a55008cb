//! Insights listed, counted and found, also while they change.

use std::collections::BTreeSet;

use switchboard_tests::prelude::*;

use super::{desk, upsert};
use crate::http::refused;

pub(crate) const TESTS: &[Test] = tests![
    a_list_goes_by_what_it_is_asked_for,
    a_cursor_holds_while_rows_change,
    counts_follow_every_change,
    any_of_the_words_is_found_and_shown,
    a_search_looks_where_it_is_told_to,
    a_search_goes_on_from_page_to_page,
    nothing_that_is_asked_is_an_error,
];

fn contacts(page: &Value) -> Vec<String> {
    let rows = page["insights"].as_array().or(page["results"].as_array());
    let contact = |row: &Value| {
        let contact = row["contact_id"].as_str().or(row["insight"]["contact_id"].as_str());
        contact.unwrap_or_default().to_owned()
    };
    rows.into_iter().flatten().map(contact).collect()
}

async fn list(world: &World, key: &str, params: Value) -> Result<Value> {
    world.rpc(Some(key), "insight.list", params).await
}

async fn search(world: &World, key: &str, params: Value) -> Result<Value> {
    world.rpc(Some(key), "insight.search", params).await
}

async fn a_list_goes_by_what_it_is_asked_for(world: World) -> Result<()> {
    let key = desk(&world).await?;
    for (contact, name, at, status, source) in [
        ("c", json!("Ann"), "2026-01-03T00:00:00Z", "completed", "crm"),
        ("a", json!("Cem"), "2026-01-01T00:00:00Z", "failed", "crm"),
        ("b", json!(null), "2026-01-02T00:00:00Z", "completed", "mail"),
    ] {
        let draft = json!({"contact_id": contact, "member_name": name, "generated_at": at, "processing_status": status,
                           "eni_source_types": [source], "insights": {"personal": contact}});
        upsert(&world, &key, draft).await?;
    }
    upsert(
        &world,
        &key,
        json!({"contact_id": "c", "insights": {"deals": "x"}, "eni_source_types": ["mail"]}),
    )
    .await?;
    for (order_by, order, expected) in [
        (json!(null), json!(null), "c b a"),
        (json!("updated_at"), json!("asc"), "a b c"),
        (json!("created_at"), json!(null), "b a c"),
        (json!("created_at"), json!("asc"), "c a b"),
        (json!("generated_at"), json!("desc"), "c b a"),
        (json!("generated_at"), json!("asc"), "a b c"),
        (json!("contact_id"), json!(null), "a b c"),
        (json!("contact_id"), json!("desc"), "c b a"),
        (json!("member_name"), json!(null), "b c a"),
        (json!("member_name"), json!("desc"), "a c b"),
    ] {
        let params = json!({"order_by": order_by, "order": order});
        let page = list(&world, &key, params.clone()).await?;
        ensure!(contacts(&page).join(" ") == expected && page["total"] == 3, "{params}: {page}");
        ensure!(page["next_cursor"].is_null(), "{page}");
        // A row at a time, by cursor and by offset.
        let (mut by_cursor, mut by_offset) = (Vec::new(), Vec::new());
        let mut cursor = json!(null);
        for offset in 0..3 {
            let mut one = params.clone();
            one["limit"] = json!(1);
            let mut other = one.clone();
            one["cursor"] = cursor;
            other["offset"] = json!(offset);
            let page = list(&world, &key, one).await?;
            ensure!(page["total"] == 3 && page["next_cursor"].is_null() == (offset == 2), "{page}");
            by_cursor.extend(contacts(&page));
            cursor = page["next_cursor"].clone();
            by_offset.extend(contacts(&list(&world, &key, other).await?));
        }
        ensure!(
            by_cursor.join(" ") == expected && by_offset.join(" ") == expected,
            "{by_cursor:?} {by_offset:?}"
        );
    }
    for (filter, expected, total) in [
        (json!({"processing_status": "completed"}), "c b", 2),
        (json!({"processing_status": "pending"}), "", 0),
        (json!({"source_type": "mail"}), "c b", 2),
        (json!({"source_type": "crm", "processing_status": "failed"}), "a", 1),
        (json!({"source_type": "crm", "limit": 1}), "c", 2),
        (json!({"source_type": "unknown"}), "", 0),
        (json!({"offset": 2}), "a", 3),
        (json!({"offset": 100_000}), "", 3),
    ] {
        let page = list(&world, &key, filter.clone()).await?;
        ensure!(contacts(&page).join(" ") == expected && page["total"] == total, "{filter}: {page}");
    }
    for (bad, field) in [
        (json!({"limit": 501}), "limit"),
        (json!({"limit": 0}), "limit"),
        (json!({"offset": 100_001}), "offset"),
        (json!({"offset": 1, "cursor": "i+.a"}), "cursor"),
        (json!({"order_by": "version"}), "order_by"),
        (json!({"cursor": "nonsense"}), "cursor"),
        (json!({"cursor": "i+.a"}), "cursor"),
    ] {
        let refusal = refused(&world, Some(&key), "insight.list", bad).await?;
        ensure!(refusal.data["fields"][0]["field"] == field, "{refusal}");
    }
    Ok(())
}

async fn a_cursor_holds_while_rows_change(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let name = |n: usize| format!("n{n:02}");
    let draft = |contact: &str| json!({"contact_id": contact, "insights": {"personal": "x"}});
    for n in 0..20 {
        upsert(&world, &key, draft(&name(n))).await?;
    }
    // The latest first: what changes goes ahead of what was seen, and nothing is seen twice or pushed out of sight.
    let first = list(&world, &key, json!({"limit": 5})).await?;
    ensure!(contacts(&first) == [19, 18, 17, 16, 15].map(name), "{first}");
    for seen in [16, 18] {
        upsert(&world, &key, draft(&name(seen))).await?;
    }
    upsert(&world, &key, draft("new")).await?;
    world.rpc(Some(&key), "insight.delete", json!({"contact_id": name(15)})).await?;
    world.rpc(Some(&key), "insight.delete", json!({"contact_id": name(13)})).await?;
    let mut cursor = first["next_cursor"].clone();
    let mut rest = Vec::new();
    while !cursor.is_null() {
        let page = list(&world, &key, json!({"limit": 5, "cursor": cursor})).await?;
        rest.extend(contacts(&page));
        cursor = page["next_cursor"].clone();
    }
    ensure!(rest == [14, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map(name), "{rest:?}");
    Ok(())
}

async fn counts_follow_every_change(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let draft = |contact: &str, status: &str, sources: &[&str]| {
        json!({"contact_id": contact, "processing_status": status, "eni_source_types": sources,
               "insights": {"personal": "x"}})
    };
    let batch = json!({"insights": [
        draft("a", "pending", &["crm"]), draft("b", "completed", &["crm", "mail"]), draft("a", "failed", &["mail"]),
        draft("c", "processing", &[]),
    ]});
    world.rpc(Some(&key), "insight.batch_upsert", batch).await?;
    let stats = async || world.rpc(Some(&key), "insight.stats", json!({})).await;
    let now = stats().await?;
    ensure!(now["total"] == 3 && now["updated_last_24h"] == 3, "{now}");
    ensure!(now["by_status"] == json!({"pending": 0, "processing": 1, "completed": 1, "failed": 1}), "{now}");
    ensure!(now["by_source_type"] == json!({"crm": 2, "mail": 2}), "{now}");
    upsert(&world, &key, draft("a", "completed", &["call"])).await?;
    world
        .execute(
            "update structured_insights set updated_at = now() - interval '25 hours' where contact_id = 'c'",
        )
        .await?;
    let now = stats().await?;
    ensure!(now["by_status"] == json!({"pending": 0, "processing": 1, "completed": 2, "failed": 0}), "{now}");
    ensure!(now["by_source_type"] == json!({"crm": 2, "mail": 2, "call": 1}), "{now}");
    ensure!(now["updated_last_24h"] == 2, "{now}");
    let count = async |params: Value| world.rpc(Some(&key), "insight.count", params).await;
    ensure!(count(json!({})).await? == json!({"count": 3}));
    ensure!(count(json!({"processing_status": "completed"})).await? == json!({"count": 2}));
    ensure!(count(json!({"processing_status": "failed"})).await? == json!({"count": 0}));
    Ok(())
}

async fn any_of_the_words_is_found_and_shown(world: World) -> Result<()> {
    let key = desk(&world).await?;
    for (contact, name, fields) in [
        (
            "boat",
            json!("Zoë"),
            json!({"personal": "She sails a small boat.", "deals": "Invests in harbours"}),
        ),
        (
            "both",
            json!(null),
            json!({"personal": "Sailing", "business": ["owns a harbour", {"of": "boats", "since": 1999}]}),
        ),
        ("none", json!(null), json!({"personal": "Chess"})),
    ] {
        upsert(&world, &key, json!({"contact_id": contact, "member_name": name, "insights": fields})).await?;
    }
    let found = search(&world, &key, json!({"query": "a sailor's boat or harbour in 1999?"})).await?;
    ensure!(contacts(&found) == ["both", "boat"], "{found}");
    let scores: Vec<_> =
        found["results"].as_array().context("results")?.iter().map(|hit| hit["score"].as_f64()).collect();
    ensure!(
        scores[0] > scores[1] && scores.iter().all(|score| (0.0..=1.0).contains(&score.unwrap_or(-1.0))),
        "{found}"
    );
    let shown = json!([{"field": "business", "text": "owns a harbour; boats; 1999", "marks": [[7, 14], [16, 21], [23, 27]]}]);
    ensure!(found["results"][0]["highlights"] == shown, "{found}");
    for (query, expected) in [
        ("ZOE", vec!["boat"]),
        ("sailed", vec!["both", "boat"]),
        ("invest", vec!["boat"]),
        ("chess boats", vec!["none", "both", "boat"]),
        ("unheard-of", vec![]),
    ] {
        let found = search(&world, &key, json!({"query": query})).await?;
        ensure!(contacts(&found) == expected, "{query}: {found}");
        ensure!(
            found["results"].as_array().into_iter().flatten().all(|hit| hit["highlights"] != json!([])),
            "{found}"
        );
    }
    // What replaces a field is found, what it replaces is not, and the other fields are still.
    upsert(&world, &key, json!({"contact_id": "boat", "insights": {"personal": "Rows"}})).await?;
    ensure!(contacts(&search(&world, &key, json!({"query": "sail"})).await?) == ["both"]);
    for query in ["rowing", "harbours", "zoë"] {
        let found = search(&world, &key, json!({"query": query})).await?;
        ensure!(contacts(&found).contains(&"boat".to_owned()), "{query}: {found}");
    }
    Ok(())
}

async fn a_search_looks_where_it_is_told_to(world: World) -> Result<()> {
    let key = desk(&world).await?;
    upsert(
        &world,
        &key,
        json!({"contact_id": "a", "member_name": "Harbour", "insights": {"personal": "boat"}}),
    )
    .await?;
    upsert(&world, &key, json!({"contact_id": "b", "insights": {"deals": "boat", "three_i": "chess"}}))
        .await?;
    for (query, fields, expected) in [
        ("boat", json!(["personal"]), vec!["a"]),
        ("boat", json!(["deals", "three_i"]), vec!["b"]),
        ("boat", json!(["deals", "personal"]), vec!["b", "a"]),
        ("harbour", json!(["personal"]), vec![]),
        ("harbour", json!(null), vec!["a"]),
    ] {
        let found = search(&world, &key, json!({"query": query, "fields": fields})).await?;
        ensure!(contacts(&found) == expected, "{query} {fields}: {found}");
    }
    for bad in [json!(["all"]), json!([]), json!("deals")] {
        let refusal =
            refused(&world, Some(&key), "insight.search", json!({"query": "x", "fields": bad})).await?;
        ensure!(refusal.kind == "invalid_params", "{refusal}");
    }
    Ok(())
}

async fn a_search_goes_on_from_page_to_page(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let draft = |n: usize| {
        let words = ["boat", "boat harbour", "harbour boat chess"][n % 3];
        json!({"contact_id": format!("c{n:03}"), "insights": {"personal": words}})
    };
    let all: Vec<Value> = (0..90).map(draft).collect();
    world.rpc(Some(&key), "insight.batch_upsert", json!({"insights": all})).await?;
    let whole = search(&world, &key, json!({"query": "boat harbour chess", "limit": 100})).await?;
    ensure!(contacts(&whole).len() == 90 && whole["next_cursor"].is_null(), "{whole}");
    let (mut pages, mut cursor) = (Vec::new(), json!(null));
    loop {
        let page =
            search(&world, &key, json!({"query": "boat harbour chess", "limit": 20, "cursor": cursor}))
                .await?;
        pages.extend(contacts(&page));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
        // What comes and goes meanwhile changes how rare the words are, and no order that has begun.
        let more = json!({"contact_id": format!("x{}", pages.len()), "insights": {"personal": "chess, boats and chess"}});
        upsert(&world, &key, more).await?;
    }
    ensure!(pages.iter().collect::<BTreeSet<_>>().len() == pages.len(), "nobody twice: {pages:?}");
    pages.retain(|contact| contact.starts_with('c'));
    ensure!(pages == contacts(&whole), "{pages:?}");
    let refusal =
        refused(&world, Some(&key), "insight.search", json!({"query": "boat", "cursor": "1.2.3_4.a"}))
            .await?;
    ensure!(refusal.data["fields"][0]["field"] == "cursor", "{refusal}");
    Ok(())
}

async fn nothing_that_is_asked_is_an_error(world: World) -> Result<()> {
    let key = desk(&world).await?;
    upsert(&world, &key, json!({"contact_id": "a", "insights": {"personal": "quite & ordinary"}})).await?;
    for odd in [
        "\"",
        "a & | ! ( :* <->",
        "' OR 1=1 --",
        "%_\\",
        "the",
        "🦀",
        "-chess AND NOT",
        "{}[]",
        "\u{202e}",
        "如何",
    ] {
        search(&world, &key, json!({"query": odd})).await.with_context(|| odd.to_owned())?;
    }
    let many: Vec<_> = (0..300).map(|n| format!("w{n}")).collect();
    search(&world, &key, json!({"query": many.join(" ")})).await?;
    let found = search(&world, &key, json!({"query": "!!quite:* ('ordinary' <-> & |"})).await?;
    ensure!(contacts(&found) == ["a"] && found["results"][0]["score"] == 1.0, "{found}");
    for bad in [
        json!({}),
        json!({"query": ""}),
        json!({"query": "x", "limit": 101}),
        json!({"query": "x".repeat(2001)}),
    ] {
        ensure!(refused(&world, Some(&key), "insight.search", bad).await?.kind == "invalid_params");
    }
    Ok(())
}
