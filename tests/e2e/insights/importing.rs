//! Insights out of files, again and again, whatever is wrong with some of them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use super::{desk, get, upsert};
use crate::commands::{add_key, add_workspace, failure};

pub(crate) const TESTS: &[Test] = tests![
    a_folder_of_insights_is_imported_once_however_often_it_is_run,
    every_bad_file_is_named_and_stops_no_other,
    what_an_import_changes_is_written_down_before,
    rows_of_a_warehouse_are_gathered_by_contact_and_source_type,
    a_dry_run_imports_no_insights,
    an_import_that_is_cut_short_goes_on_where_it_was,
    insights_are_imported_where_no_server_runs_too,
];

async fn import(world: &World, path: &Path, more: &[&str]) -> Result<Output> {
    let path = path.to_str().context("a path that is text")?;
    let backup = world.path("before.jsonl");
    let backup = ["--backup", backup.to_str().context("a path that is text")?];
    let backup = if more.contains(&"--backup") { &[][..] } else { &backup[..] };
    world.command(&[&["import", "insights", path], more, backup].concat()).await
}

fn folder(world: &World, files: &[(&str, Vec<u8>)]) -> Result<PathBuf> {
    let root = world.path("insights");
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(path, bytes)?;
    }
    Ok(root)
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Everything that is stored of insights.
async fn stored(world: &World) -> Result<Vec<Value>> {
    let sql = "select contact_id, member_name, eni_source_types, eni_source_subtypes, total_eni_ids, record_count, insights, \
               version, updated_at from structured_insights order by contact_id";
    world.rows(sql).await
}

async fn a_folder_of_insights_is_imported_once_however_often_it_is_run(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let root = folder(
        &world,
        &[
            // As the protocol has it, with its byte order mark; as older deployments have it; a list; lines.
            ("a.json", [b"\xef\xbb\xbf".to_vec(), bytes(&json!({"contact_id": "a", "insights": {"personal": "sails"}}))].concat()),
            (
                "old/b.json",
                bytes(&json!({"metadata": {"contact_id": 7, "member_name": "Bob", "eni_source_types": ["crm"],
                                           "eni_source_type": "call", "generated_at": "2024-05-06T07:08:09.123456",
                                           "record_count": 3, "total_eni_ids": 2},
                              "insights": {"3i": "impact", "personal": ""}})),
            ),
            (
                "list.json",
                bytes(&json!([{"contact_id": "c", "insights": {"deals": "x"}}, {"contact_id": "a", "insights": {"deals": "y"}}])),
            ),
            (
                "lines.jsonl",
                b"{\"contact_id\": \"d\", \"insights\": \"{\\\"business\\\": \\\"bakes\\\"}\", \"source_type\": \"db\"}\n\n".to_vec(),
            ),
            ("readme.txt", b"not for import".to_vec()),
            (".hidden.json", b"{".to_vec()),
        ],
    )?;
    let output = import(&world, &root, &[]).await?;
    let said = printed(&output)?;
    ensure!(
        said.contains("4 contacts added, 1 groups folded into what was there, 0 were there already\n"),
        "{said}"
    );
    ensure!(String::from_utf8_lossy(&output.stderr).contains("1 files of other kinds"), "{output:?}");
    let b = get(&world, &key, "7").await?;
    ensure!(b["member_name"] == "Bob" && b["eni_source_types"] == json!(["crm", "call"]), "{b}");
    ensure!(b["insights"]["three_i"] == "impact" && b["insights"]["personal"].is_null(), "{b}");
    ensure!(
        b["generated_at"] == "2024-05-06T07:08:09.123Z" && b["record_count"] == 3 && b["total_eni_ids"] == 2,
        "{b}"
    );
    ensure!(get(&world, &key, "d").await?["eni_source_types"] == json!(["db"]));
    ensure!(get(&world, &key, "a").await?["version"] == 2);
    let found = world.rpc(Some(&key), "insight.search", json!({"query": "sailing bakes"})).await?;
    ensure!(found["results"].as_array().map(Vec::len) == Some(2), "{found}");

    let before = stored(&world).await?;
    let said = printed(&import(&world, &root, &[]).await?)?;
    ensure!(
        said.contains("0 contacts added, 0 groups folded into what was there, 5 were there already"),
        "{said}"
    );
    ensure!(stored(&world).await? == before, "again changes nothing");
    // Written otherwise, it says the same; what is new is taken in.
    folder(
        &world,
        &[
            ("a.json", bytes(&json!({"insights": {"personal": "rows"}, "contact_id": "a"}))),
            ("e.json", b"{\n  \"contact_id\": \"c\",\n  \"insights\": {\"deals\": \"x\"}\n}\n".to_vec()),
        ],
    )?;
    let said = printed(
        &import(&world, &root, &["--backup", world.path("second.jsonl").to_str().context("text")?]).await?,
    )?;
    ensure!(
        said.contains("0 contacts added, 1 groups folded into what was there, 5 were there already"),
        "{said}"
    );
    ensure!(get(&world, &key, "a").await?["insights"]["personal"] == "rows", "not what the cache had");
    let log = world.rows("select detail from audit_log where action = 'import.insights' order by id").await?;
    ensure!(
        log.len() == 2 && log[0]["detail"]["created"] == 4,
        "what changed something is on record: {log:?}"
    );

    // Into the workspace that was named.
    add_workspace(&world, "shop", &[]).await?;
    let shop = add_key(&world, "till", "service", "shop").await?;
    printed(&import(&world, &root, &["--workspace", "shop"]).await?)?;
    ensure!(world.rpc(Some(&shop), "insight.count", json!({})).await? == json!({"count": 4}));
    Ok(())
}

async fn every_bad_file_is_named_and_stops_no_other(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let good = |contact: &str| json!({"contact_id": contact, "insights": {"personal": "x"}});
    let root = folder(
        &world,
        &[
            ("01.json", bytes(&good("a"))),
            ("02.json", b"{\"contact_id\": \"b\",\n \"insights\": {\n".to_vec()),
            ("03.json", Vec::new()),
            ("04.json", b"{\"contact_id\": \"b\",\n\"insights\": {\"personal\": \"\xff\"}}".to_vec()),
            ("05.json", bytes(&json!({"insights": {"personal": "x"}}))),
            ("06.json", bytes(&json!({"contact_id": "b"}))),
            ("07.json", bytes(&json!({"contact_id": "b", "insights": {"personal": " "}}))),
            (
                "08.json",
                bytes(
                    &json!({"contact_id": "b", "insights": {"personal": "x"}, "processing_status": "done"}),
                ),
            ),
            ("09.json", bytes(&json!({"contact_id": "b", "insights": {"personal": "x\u{0}"}}))),
            (
                "10.json",
                bytes(
                    &json!({"contact_id": "b".repeat(300), "insights": {"personal": "x"}, "record_count": -1}),
                ),
            ),
            (
                "11.json",
                bytes(
                    &json!([good("c"), "nonsense", {"contact_id": "d", "insights": [], "generated_at": "soon"}]),
                ),
            ),
            ("12.json", bytes(&json!({"contact_id": "b", "insights": {"personal": "x".repeat(70_000)}}))),
            ("13.json", b"\"just text\"".to_vec()),
            ("14.jsonl", [bytes(&good("e")), b"\n{\"contact_id\"\n".to_vec(), bytes(&good("f"))].concat()),
        ],
    )?;
    let output = import(&world, &root, &[]).await?;
    let said = failure(&output, 1)?;
    for (place, why) in [
        ("02.json:3", "it is no JSON: EOF"),
        ("03.json", "it is empty"),
        ("04.json:2", "no UTF-8"),
        ("05.json", "contact_id is required"),
        ("06.json", "insights is required"),
        ("07.json", "insights must say something"),
        ("08.json", "processing_status must be one of pending, processing, completed, failed"),
        ("09.json", "insights.personal must not contain the character U+0000"),
        ("10.json", "record_count must be at least 0"),
        ("10.json", "contact_id must have at most 255 characters"),
        ("11.json[1]", "insight must be an object"),
        ("11.json[2]", "generated_at must be a time"),
        ("11.json[2]", "insights must be an object"),
        ("12.json", "insights.personal must be at most 64 KiB"),
        ("13.json", "insight must be an object"),
        ("14.jsonl:2", "no JSON"),
    ] {
        ensure!(
            said.lines().any(|line| line.contains(&format!("{place}: ")) && line.contains(why)),
            "{place}: {why}: {said}"
        );
    }
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(summary.contains("4 contacts added") && summary.contains("; 14 failed"), "{summary}");
    ensure!(world.rpc(Some(&key), "insight.count", json!({})).await? == json!({"count": 4}));
    failure(&import(&world, &world.path("nowhere"), &[]).await?, 1)?;
    failure(&import(&world, &root, &["--workspace", "nowhere"]).await?, 1)?;
    std::fs::create_dir(world.path("empty"))?;
    failure(&import(&world, &world.path("empty"), &[]).await?, 1)?;
    Ok(())
}

async fn what_an_import_changes_is_written_down_before(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let before = upsert(&world, &key, json!({"contact_id": "a", "insights": {"personal": "one"}})).await?;
    upsert(&world, &key, json!({"contact_id": "b", "insights": {"personal": "one"}})).await?;
    let root =
        folder(&world, &[("a.json", bytes(&json!({"contact_id": "a", "insights": {"personal": "two"}})))])?;
    let output = import(&world, &root, &[]).await?;
    printed(&output)?;
    ensure!(
        String::from_utf8_lossy(&output.stderr).contains("before.jsonl as they were before"),
        "{output:?}"
    );
    let backup = world.path("before.jsonl");
    let text = std::fs::read_to_string(&backup)?;
    ensure!(serde_json::from_str::<Value>(text.trim_end())? == before, "{text}");
    ensure!(std::fs::metadata(&backup)?.permissions().mode().trailing_zeros() >= 6, "for its owner alone");
    // A backup is never written over, and nothing is changed without one.
    let root =
        folder(&world, &[("b.json", bytes(&json!({"contact_id": "b", "insights": {"personal": "two"}})))])?;
    let said = failure(&import(&world, &root, &[]).await?, 1)?;
    ensure!(said.contains("before.jsonl") && std::fs::read_to_string(&backup)? == text, "{said}");
    ensure!(get(&world, &key, "b").await?["insights"]["personal"] == "one");
    Ok(())
}

async fn rows_of_a_warehouse_are_gathered_by_contact_and_source_type(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let csv = "CONTACT_ID,ENI_SOURCE_TYPE,ENI_SOURCE_SUBTYPE,ENI_ID,MEMBER_NAME,DESCRIPTION\n\
               a,crm,call,1,Ann,\"Lives in Lyon,\nwith her family.\"\n\
               a,crm,note,2,,Runs a bakery.\n\
               b,crm,note,3,,Invests in funds.\n\
               a,mail,,4,,Asked for an introduction to Bob.\n\
               a,crm,note,2,,Runs a bakery.\n\
               ,crm,note,5,,No contact.\n\
               c,crm,note\n";
    let root = folder(&world, &[("export.csv", csv.as_bytes().to_vec())])?;
    let output = import(&world, &root.join("export.csv"), &[]).await?;
    let said = failure(&output, 1)?;
    ensure!(
        said.contains("export.csv:8: it has no contact") && said.contains("export.csv:9: it has 3 columns"),
        "{said}"
    );
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        summary.contains("2 contacts added, 1 groups folded") && summary.contains("; 2 failed"),
        "{summary}"
    );
    let a = get(&world, &key, "a").await?;
    ensure!(
        a["member_name"] == "Ann" && a["eni_source_types"] == json!(["crm", "mail"]) && a["version"] == 2,
        "{a}"
    );
    ensure!(
        a["eni_source_subtypes"] == json!(["call", "note"])
            && a["record_count"] == 4
            && a["total_eni_ids"] == 3,
        "{a}"
    );
    ensure!(
        a["insights"]["personal"] == "Lives in Lyon, with her family."
            && a["insights"]["business"] == "Runs a bakery.",
        "{a}"
    );
    ensure!(a["insights"]["introductions"] == "Asked for an introduction to Bob.", "{a}");
    let before = stored(&world).await?;

    // The same rows as lines of JSON, in another order, are the same groups.
    let rows = [
        json!({"contact_id": "a", "source_type": "mail", "eni_id": 4, "text": "Asked for an introduction to Bob."}),
        json!({"contact_id": "a", "source_type": "crm", "subtype": "note", "eni_id": 2, "text": "Runs a bakery."}),
        json!({"contact_id": "b", "source_type": "crm", "subtype": "note", "eni_id": "3", "text": "Invests in funds."}),
        json!({"contact_id": "a", "source_type": "crm", "subtype": "note", "eni_id": 2, "text": "Runs a bakery."}),
        json!({"contact_id": "a", "source_type": "crm", "subtype": "call", "eni_id": 1, "text": "Lives in Lyon,\nwith her family."}),
    ];
    let lines: Vec<_> = rows.iter().map(Value::to_string).collect();
    let root = folder(&world, &[("export.jsonl", lines.join("\n").into_bytes())])?;
    let said = printed(&import(&world, &root.join("export.jsonl"), &[]).await?)?;
    ensure!(
        said.contains("0 contacts added, 0 groups folded into what was there, 3 were there already"),
        "{said}"
    );
    ensure!(stored(&world).await? == before);
    Ok(())
}

async fn a_dry_run_imports_no_insights(world: World) -> Result<()> {
    let key = desk(&world).await?;
    upsert(&world, &key, json!({"contact_id": "a", "insights": {"personal": "one"}})).await?;
    let good =
        |contact: &str, text: &str| bytes(&json!({"contact_id": contact, "insights": {"personal": text}}));
    let files = [
        ("a.json", good("a", "two")),
        ("b.json", good("b", "x")),
        ("c.json", good("b", "y")),
        ("d.json", b"{".to_vec()),
    ];
    let root = folder(&world, &files)?;
    let output = import(&world, &root, &["--dry-run"]).await?;
    ensure!(failure(&output, 1)?.contains("d.json:1"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        said.contains("1 contacts would be added, 2 groups would be folded into what was there"),
        "{said}"
    );
    ensure!(
        world.value("select sum(version) from structured_insights").await? == 1
            && !world.path("before.jsonl").exists()
    );
    Ok(())
}

async fn an_import_that_is_cut_short_goes_on_where_it_was(world: World) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    let key = desk(&world).await?;
    let insight = |n: usize| {
        bytes(
            &json!({"contact_id": format!("c{}", n % 700), "record_count": 1, "eni_source_types": [format!("t{}", n % 3)],
                      "insights": {"personal": format!("number {n}")}}),
        )
    };
    for n in 0..1500 {
        folder(&world, &[(&format!("{n:05}.json"), insight(n))])?;
    }
    let root = world.path("insights");
    for stop in ["one", "two"] {
        let backup = world.path(stop);
        let arguments = ["--backup", backup.to_str().context("text")?];
        let importing = import(&world, &root, &arguments);
        let killing = async {
            let begun = world.value("select count(*) from insight_groups").await?.as_u64();
            eventually("more of it", async || {
                let now = world.value("select count(*) from insight_groups").await?.as_u64();
                Ok((now > begun).then_some(()))
            })
            .await?;
            world.kill().await
        };
        let (output, killed) = tokio::join!(importing, killing);
        killed?;
        ensure!(!output?.status.success(), "whoever was cut short says so");
        world.start().await?;
    }
    let said = printed(&import(&world, &root, &[]).await?)?;
    ensure!(said.contains("were there already"), "{said}");
    let sums = "select count(*) as contacts, sum(version) as groups, sum(record_count) as records from structured_insights";
    ensure!(world.rows(sums).await? == [json!({"contacts": 700, "groups": 1500, "records": 1500})]);
    let newest = get(&world, &key, "c0").await?;
    ensure!(newest["insights"]["personal"] == "number 1400" && newest["version"] == 3, "{newest}");
    Ok(())
}

async fn insights_are_imported_where_no_server_runs_too(world: World) -> Result<()> {
    let key = desk(&world).await?;
    world.stop().await?;
    let root =
        folder(&world, &[("a.json", bytes(&json!({"contact_id": "a", "insights": {"personal": "sails"}})))])?;
    printed(&import(&world, &root, &[]).await?)?;
    world.start().await?;
    ensure!(get(&world, &key, "a").await?["insights"]["personal"] == "sails");
    Ok(())
}
