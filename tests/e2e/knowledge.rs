//! The knowledge base: documents in and out by request and by command, and found by those who may look.

use std::path::{Path, PathBuf};

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_key, add_workspace, failure};
use crate::http::refused;
use crate::opening::opened;

pub(crate) const TESTS: &[Test] = tests![
    a_document_is_added_found_and_deleted,
    every_bad_document_is_named_and_none_is_stored,
    a_list_leads_from_page_to_page,
    only_those_who_keep_the_desk_may,
    another_workspaces_knowledge_is_not_found,
    a_folder_is_imported_and_followed,
    a_bad_file_is_named_and_stops_no_other,
    a_dry_run_imports_no_knowledge,
    knowledge_is_imported_where_no_server_runs_too,
    messages_keep_flowing_while_knowledge_is_imported,
];

/// What the agent itself would find.
async fn found(world: &World, key: &str, query: &str) -> Result<Vec<String>> {
    let answer = world.rpc(Some(key), "knowledge.search", json!({"query": query})).await?;
    ensure!(["text", "hybrid"].iter().any(|mode| answer["mode"] == *mode), "{answer}");
    let chunks = answer["chunks"].as_array().context("chunks")?;
    Ok(chunks.iter().filter_map(|chunk| chunk["title"].as_str()).map(str::to_owned).collect())
}

async fn listed(world: &World, key: &str) -> Result<Vec<Value>> {
    let page = world.rpc(Some(key), "knowledge.list", json!({"limit": 200})).await?;
    ensure!(page["next_cursor"].is_null(), "{page}");
    Ok(page["documents"].as_array().context("documents")?.clone())
}

async fn import(world: &World, path: &Path, more: &[&str]) -> Result<std::process::Output> {
    let path = path.to_str().context("a path that is text")?;
    world.command(&[&["import", "knowledge", path], more].concat()).await
}

/// Writes files into a folder of the world.
fn folder(world: &World, name: &str, files: &[(&str, &str)]) -> Result<PathBuf> {
    let root = world.path(name);
    for (file, text) in files {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(path, text)?;
    }
    Ok(root)
}

const PDF: &[u8] = include_bytes!("../files/lost-cards.pdf");

async fn a_document_is_added_found_and_deleted(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    ensure!(found(&world, &key, "card").await?.is_empty(), "before there is any");
    let cards = json!({
        "title": "Lost cards", "content": "# Lost cards\n\nA lost card is locked in the app, under Cards.\n",
        "source_url": "https://bank.example/cards", "topic_collection": "cards", "metadata": {"owner": "ann"},
    });
    let fees = json!({"title": "Fees", "content": "A transfer abroad costs five euro.", "content_type": "synthetic"});
    let added = world.rpc(Some(&key), "knowledge.add", json!({"documents": [cards, fees]})).await?;
    let id = added["documents"][0]["id"].as_str().context("an id")?.to_owned();
    ensure!(added["documents"][0]["chunks"] == 1 && added["documents"][0]["status"] == "pending", "{added}");

    let answer =
        world.rpc(Some(&key), "knowledge.search", json!({"query": "how do I lock my card?"})).await?;
    let best = &answer["chunks"][0];
    ensure!(best["document_id"] == id && best["title"] == "Lost cards", "{answer}");
    ensure!(best["source_url"] == "https://bank.example/cards");
    ensure!(best["text"] == "A lost card is locked in the app, under Cards.", "{best}");
    ensure!(best["score"].as_f64().is_some_and(|score| score > 0.0 && score <= 1.0), "{best}");
    let only = json!({"query": "transfer card", "topic_collection": "cards", "mode": "text", "limit": 5});
    let answer = world.rpc(Some(&key), "knowledge.search", only).await?;
    ensure!(
        answer["mode"] == "text" && answer["chunks"].as_array().is_some_and(|found| found.len() == 1),
        "{answer}"
    );
    // No sign is an operator, and none is trouble.
    for odd in ["'", "\"card", "card & | ! :* <-> (", "-card", "%", "\u{1f4b3}", "card\u{a0}lost"] {
        found(&world, &key, odd).await.with_context(|| odd.to_owned())?;
    }

    // Over a socket as well; under its id it is the same document.
    let (mut socket, _) = opened(&world, json!({"token": key})).await?;
    let again =
        json!({"id": id, "title": "Stolen cards", "content": "A stolen card is cancelled at a branch."});
    let added = socket.call("knowledge.add", json!({"documents": [again]})).await?;
    ensure!(added["documents"][0]["id"] == id, "{added}");
    ensure!(found(&world, &key, "branch").await? == ["Stolen cards"]);
    ensure!(!found(&world, &key, "app").await?.contains(&"Lost cards".to_owned()), "what it was is gone");
    let got = socket.call("knowledge.get", json!({"id": id})).await?;
    ensure!(got["content"] == "A stolen card is cancelled at a branch.", "{got}");
    ensure!(got["document"]["source"].is_null() && got["document"]["topic_collection"].is_null(), "{got}");
    ensure!(got["document"]["content_type"] == "public" && got["document"]["chunks"] == 1, "{got}");

    world.restart().await?;
    ensure!(found(&world, &key, "branch").await? == ["Stolen cards"], "after a restart");
    let gone = world.rpc(Some(&key), "knowledge.delete", json!({"id": id})).await?;
    ensure!(gone == json!({"deleted": true}));
    let gone = world.rpc(Some(&key), "knowledge.delete", json!({"id": id})).await?;
    ensure!(gone == json!({"deleted": false}));
    ensure!(found(&world, &key, "branch").await?.is_empty());
    ensure!(refused(&world, Some(&key), "knowledge.get", json!({"id": id})).await?.kind == "not_found");
    ensure!(world.value("select count(*) from knowledge_chunks").await? == 1, "its chunks went with it");
    Ok(())
}

async fn every_bad_document_is_named_and_none_is_stored(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let good = json!({"title": "Cards", "content": "Lock it."});
    for (bad, field) in [
        (json!({"title": "Cards"}), "documents.1.content"),
        (json!({"title": " ", "content": "x"}), "documents.1.title"),
        (json!({"title": "x", "content": "a\u{0}b"}), "documents.1.content"),
        (
            json!({"title": "x", "content": "x", "source_url": "javascript:alert(1)"}),
            "documents.1.source_url",
        ),
        (json!({"title": "x", "content": "x", "content_type": "secret"}), "documents.1.content_type"),
        (json!({"title": "x", "content": "<html><script>x</script></html>"}), "documents.1.content"),
        (json!({"title": "x", "content": "x".repeat(500_001)}), "documents.1.content"),
    ] {
        let refusal = refused(&world, Some(&key), "knowledge.add", json!({"documents": [good, bad]})).await?;
        ensure!(refusal.kind == "invalid_params", "{refusal}");
        let fields = refusal.data["fields"].as_array().context("fields")?;
        ensure!(fields.len() == 1 && fields[0]["field"] == field, "{refusal}");
    }
    ensure!(world.value("select count(*) from knowledge_documents").await? == 0);
    Ok(())
}

async fn a_list_leads_from_page_to_page(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let documents: Vec<_> =
        (0..7).map(|number| json!({"title": format!("Page {number}"), "content": "Text."})).collect();
    world.rpc(Some(&key), "knowledge.add", json!({"documents": documents})).await?;
    let (mut titles, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = world.rpc(Some(&key), "knowledge.list", json!({"limit": 3, "cursor": cursor})).await?;
        let documents = page["documents"].as_array().context("documents")?;
        titles.extend(documents.iter().filter_map(|document| document["title"].as_str()).map(str::to_owned));
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let expected: Vec<_> = (0..7).map(|number| format!("Page {number}")).collect();
    ensure!(titles == expected, "each once, as they were added: {titles:?}");
    let refusal = refused(&world, Some(&key), "knowledge.list", json!({"cursor": "nonsense"})).await?;
    ensure!(refusal.kind == "invalid_params", "{refusal}");
    Ok(())
}

async fn only_those_who_keep_the_desk_may(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let id = Uuid::nil().to_string();
    for (method, params) in [
        ("knowledge.add", json!({"documents": [{"title": "x", "content": "x"}]})),
        ("knowledge.search", json!({"query": "x"})),
        ("knowledge.list", json!({})),
        ("knowledge.get", json!({"id": id})),
        ("knowledge.delete", json!({"id": id})),
    ] {
        ensure!(refused(&world, Some(&visitor.token), method, params.clone()).await?.kind == "forbidden");
        ensure!(refused(&world, None, method, params.clone()).await?.kind == "unauthenticated");
        ensure!(visitor.socket()?.call_refused(method, params).await?.kind == "forbidden", "{method}");
    }
    for role in ["staff", "supervisor", "admin"] {
        let key = add_key(&world, role, role, "default").await?;
        let added = json!({"documents": [{"title": role, "content": "Text."}]});
        world.rpc(Some(&key), "knowledge.add", added).await.with_context(|| role.to_owned())?;
    }
    Ok(())
}

async fn another_workspaces_knowledge_is_not_found(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let here = add_key(&world, "here", "service", "default").await?;
    let there = add_key(&world, "there", "admin", "shop").await?;
    let everywhere = add_key(&world, "everywhere", "service", "*").await?;
    let documents = json!([{"title": "Cards", "content": "A lost card is locked."}]);
    let added = world.rpc(Some(&here), "knowledge.add", json!({"documents": documents})).await?;
    let id = &added["documents"][0]["id"];
    ensure!(found(&world, &there, "lost card").await?.is_empty() && listed(&world, &there).await?.is_empty());
    ensure!(refused(&world, Some(&there), "knowledge.get", json!({"id": id})).await?.kind == "not_found");
    let gone = world.rpc(Some(&there), "knowledge.delete", json!({"id": id})).await?;
    ensure!(gone == json!({"deleted": false}));
    // The same id there is another document.
    let own = json!([{"id": id, "title": "Shop", "content": "Ours alone."}]);
    world.rpc(Some(&there), "knowledge.add", json!({"documents": own})).await?;
    ensure!(found(&world, &here, "lost card").await? == ["Cards"]);
    ensure!(found(&world, &here, "ours alone").await?.is_empty());
    let named = json!({"query": "lost card", "workspace": "default"});
    let answer = world.rpc(Some(&everywhere), "knowledge.search", named).await?;
    ensure!(answer["chunks"][0]["title"] == "Cards", "{answer}");
    ensure!(
        refused(&world, Some(&everywhere), "knowledge.search", json!({"query": "x"})).await?.kind
            == "invalid_params"
    );
    Ok(())
}

async fn a_folder_is_imported_and_followed(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let root = folder(
        &world,
        "help",
        &[
            ("cards.md", "# Lost cards\n\nA lost card is locked in the app.\n"),
            ("more/fees.html", "<title>Fees</title><nav>Home</nav><p>A transfer costs five euro.</p>"),
            ("opening-hours.txt", "We open at nine and close at five.\n"),
            (".draft.md", "# Draft\n\nNot yet.\n"),
            ("picture.png", "no text"),
        ],
    )?;
    std::fs::write(root.join("branch.pdf"), PDF)?;
    let said = printed(&import(&world, &root, &["--topic", "help"]).await?)?;
    ensure!(said.contains("4 added, 0 changed (4 chunks), 0 unchanged, 0 deleted"), "{said}");
    let mut titles: Vec<_> =
        listed(&world, &key).await?.iter().map(|document| document["title"].clone()).collect();
    titles.sort_by_key(ToString::to_string);
    ensure!(titles == ["Fees", "Lost cards", "Lost cards", "Opening hours"], "{titles:?}");
    ensure!(listed(&world, &key).await?.iter().all(|document| document["topic_collection"] == "help"));
    ensure!(found(&world, &key, "when do you open?").await?[0] == "Opening hours");
    ensure!(found(&world, &key, "unlocked if it turns up").await?[0] == "Lost cards", "out of the PDF");
    ensure!(found(&world, &key, "draft picture home").await?.is_empty());

    let before = world.rows("select id, version, updated_at from knowledge_documents order by id").await?;
    let said = printed(&import(&world, &root, &["--topic", "help"]).await?)?;
    ensure!(said.contains("0 added, 0 changed (0 chunks), 4 unchanged, 0 deleted"), "{said}");
    ensure!(
        world.rows("select id, version, updated_at from knowledge_documents order by id").await? == before
    );

    let own = json!({"documents": [{"title": "Own", "content": "Added by a request."}]});
    world.rpc(Some(&key), "knowledge.add", own).await?;
    let elsewhere = folder(&world, "help-too", &[("cards.md", "# Other cards\n\nElsewhere.\n")])?;
    printed(&import(&world, &elsewhere, &[]).await?)?;
    std::fs::remove_file(root.join("branch.pdf"))?;
    std::fs::remove_dir_all(root.join("more"))?;
    folder(
        &world,
        "help",
        &[
            ("cards.md", "# Lost cards\n\nA lost card is locked at a branch.\n"),
            ("new.md", "# New\n\nNews.\n"),
        ],
    )?;
    let said = printed(&import(&world, &root, &["--topic", "help"]).await?)?;
    ensure!(said.contains("1 added, 1 changed (2 chunks), 1 unchanged, 2 deleted"), "{said}");
    ensure!(found(&world, &key, "branch").await? == ["Lost cards"]);
    ensure!(found(&world, &key, "transfer").await?.is_empty());
    ensure!(listed(&world, &key).await?.len() == 5, "what came from elsewhere stays");

    // One file by itself is the same document as in its folder, and says nothing of the others.
    let said = printed(&import(&world, &root.join("new.md"), &["--topic", "help"]).await?)?;
    ensure!(said.contains("0 added, 0 changed (0 chunks), 1 unchanged, 0 deleted"), "{said}");
    let log = world.rows("select subject from audit_log where action = 'import.knowledge'").await?;
    ensure!(log.len() == 3, "what changed something is on record: {log:?}");
    Ok(())
}

async fn a_bad_file_is_named_and_stops_no_other(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let root = folder(
        &world,
        "help",
        &[
            ("a.md", "# A\n\nGood.\n"),
            ("b.md", "# B\n\nGood at first.\n"),
            ("c.pdf", "%PDF-1.7 broken"),
            ("d.md", " \n"),
            ("e.txt", "nul \0 here"),
        ],
    )?;
    std::fs::write(root.join("f.html"), [0xff, 0xfe, 0x00])?;
    let said = failure(&import(&world, &root, &[]).await?, 1)?;
    for (name, why) in [("c.pdf", "PDF"), ("d.md", "no text"), ("e.txt", "NUL"), ("f.html", "UTF-8")] {
        let line =
            said.lines().find(|line| line.contains(name)).with_context(|| format!("{name}: {said}"))?;
        ensure!(line.contains(why), "{line}");
    }
    ensure!(!said.contains("a.md") && listed(&world, &key).await?.len() == 2, "{said}");
    // A file that was good stays as it was, rather than vanish.
    std::fs::write(root.join("b.md"), "")?;
    let output = import(&world, &root, &[]).await?;
    ensure!(String::from_utf8_lossy(&output.stdout).contains("0 deleted; 5 files failed"));
    ensure!(found(&world, &key, "good at first").await?.contains(&"B".to_owned()));

    failure(&import(&world, &world.path("nowhere"), &[]).await?, 1)?;
    failure(&import(&world, &root.join("c.pdf"), &[]).await?, 1)?;
    failure(&import(&world, &root, &["--workspace", "nowhere"]).await?, 1)?;
    std::fs::create_dir(world.path("empty"))?;
    failure(&import(&world, &world.path("empty"), &[]).await?, 1)?;
    Ok(())
}

async fn a_dry_run_imports_no_knowledge(world: World) -> Result<()> {
    world.start().await?;
    let root = folder(&world, "help", &[("a.md", "# A\n\nText.\n"), ("b.md", "# B\n\nText.\n")])?;
    let said = printed(&import(&world, &root, &["--dry-run"]).await?)?;
    ensure!(said.contains("2 would be added") && said.contains("0 would be deleted"), "{said}");
    ensure!(world.value("select count(*) from knowledge_documents").await? == 0);
    printed(&import(&world, &root, &[]).await?)?;
    std::fs::remove_file(root.join("b.md"))?;
    let said = printed(&import(&world, &root, &["--dry-run"]).await?)?;
    ensure!(said.contains("1 would be deleted"), "{said}");
    ensure!(world.value("select count(*) from knowledge_documents").await? == 2);
    Ok(())
}

async fn knowledge_is_imported_where_no_server_runs_too(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    world.stop().await?;
    let root = folder(&world, "help", &[("cards.md", "# Lost cards\n\nA lost card is locked.\n")])?;
    printed(&import(&world, &root, &[]).await?)?;
    let said = printed(&world.command(&["reembed"]).await?)?;
    ensure!(said.starts_with("0 chunks"), "{said}");
    failure(&world.command(&["reembed", "--workspace", "nowhere"]).await?, 1)?;
    world.start().await?;
    ensure!(found(&world, &key, "lost").await? == ["Lost cards"]);
    Ok(())
}

async fn messages_keep_flowing_while_knowledge_is_imported(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let text = |number: usize| {
        format!("# Page {number}\n\n{}", "A sentence of the page says something. ".repeat(60))
    };
    for number in 0..300 {
        folder(&world, "help", &[(&format!("page-{number}.md"), &text(number))])?;
    }
    let root = world.path("help");
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let mut importing = std::pin::pin!(import(&world, &root, &[]));
    let mut meanwhile = 0;
    let imported = loop {
        tokio::select! {
            biased;
            done = &mut importing => break done?,
            sent = visitor.send("meanwhile") => { sent?; meanwhile += 1; }
        }
    };
    let said = printed(&imported)?;
    ensure!(said.contains("300 added"), "{said}");
    ensure!(meanwhile >= 5, "only {meanwhile} messages got through");
    Ok(())
}
