//! The memory of an older desk, out of folders that ChromaDB itself has written (tests/files/chroma.py).

use std::path::{Path, PathBuf};

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_key, failure};

pub(crate) const TESTS: &[Test] = tests![
    a_folder_of_an_older_version_is_imported,
    a_folder_of_a_newer_version_is_imported,
    a_folder_that_is_none_or_broken_imports_nothing,
];

const OLDER: &[u8] = include_bytes!("../files/chroma-0.5.5.tar.gz");
const NEWER: &[u8] = include_bytes!("../files/chroma-1.5.9.tar.gz");

async fn unpacked(world: &World, archive: &[u8]) -> Result<PathBuf> {
    let packed = world.path("chroma.tar.gz");
    std::fs::write(&packed, archive)?;
    let folder = world.path("chroma");
    let tar =
        tokio::process::Command::new("tar").arg("xzf").arg(&packed).arg("-C").arg(world.path("")).status();
    ensure!(tar.await?.success() && folder.is_dir(), "the folder is unpacked");
    Ok(folder)
}

async fn import(world: &World, folder: &Path, more: &[&str]) -> Result<std::process::Output> {
    let folder = folder.to_str().context("a path that is text")?;
    world.command(&[&["import", "chroma", folder], more].concat()).await
}

async fn a_folder_of_an_older_version_is_imported(world: World) -> Result<()> {
    is_imported(world, OLDER).await
}

async fn a_folder_of_a_newer_version_is_imported(world: World) -> Result<()> {
    is_imported(world, NEWER).await
}

async fn is_imported(world: World, archive: &[u8]) -> Result<()> {
    world.start().await?;
    let folder = unpacked(&world, archive).await?;
    let before = std::fs::read(folder.join("chroma.sqlite3"))?;
    let told = json!({"traces": [{
        "id": "trace-0", "task": "Answer about cards", "outcome": "failure", "trajectory": [{"step": 1}],
        "timestamp": "2024-01-02T03:04:05", "metadata": {"model": "old"},
        "memory_items": [{"id": "mem-0", "title": "Told title", "content": "Told content"}, {"id": "none", "content": " "}],
    }]});
    let traces = world.path("traces.json");
    std::fs::write(&traces, told.to_string())?;
    let with_traces = ["--traces", traces.to_str().context("text")?];

    let output = import(&world, &folder, &["--dry-run"]).await?;
    ensure!(printed(&output)?.contains("11 traces with 28 items could be imported"), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(said.contains("reasoning_memories: 26 records; 26 bring their vectors"), "{said}");
    ensure!(said.contains("wide: 2 records; all are embedded again, since they have 16 numbers"), "{said}");
    ensure!(world.value("select count(*) from reasoning_traces").await? == 0, "a dry run stores nothing");

    let output = import(&world, &folder, &with_traces).await?;
    let said = failure(&output, 1)?;
    ensure!(
        said.contains("the memory none of the trace trace-0: it holds no text"),
        "each fault is named: {said}"
    );
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        summary.contains("11 traces with 28 items imported, 0 traces were there already; 1 failed"),
        "{summary}"
    );

    // In the segment's files, still in the queue, and changed after it was written.
    for (content, place) in [("Content of 7", 8), ("Content of 26", 27), ("Changed content of 5", 201)] {
        let vector = format!(
            "select embedding[{place}] > 0.99 as it, embedder from memory_items where content = '{content}'"
        );
        ensure!(world.rows(&vector).await? == [json!({"it": true, "embedder": "minilm"})], "{content}");
    }
    let none = "select count(*) from memory_items where content in ('Content of 4', 'Content of 5')";
    ensure!(world.value(none).await? == 0, "what was deleted or changed is not there");
    let waiting = "select count(*) from memory_items where embedding is null and content like 'Wide%'";
    ensure!(world.value(waiting).await? == 2);

    let key = add_key(&world, "crm", "service", "default").await?;
    let trace = world.value("select id from reasoning_traces where task = 'Answer about cards'").await?;
    let trace = world.rpc(Some(&key), "memory.get_trace", json!({"id": trace})).await?["trace"].take();
    ensure!(trace["outcome"] == "failure" && trace["trajectory"] == json!([{"step": 1}]), "{trace}");
    ensure!(trace["created_at"] == "2024-01-02T03:04:05.000Z", "{trace}");
    ensure!(trace["metadata"] == json!({"model": "old", "chroma_id": "trace-0"}), "{trace}");
    let items = trace["memory_items"].as_array().context("items")?;
    ensure!(items.len() == 3 && items[0]["title"] == "Told title" && items[0]["content"] == "Told content");
    ensure!(items[1]["title"] == "Title 1" && items[1]["description"] == "About 1", "{trace}");
    ensure!(items[1]["error_context"] == json!({"error_type": "wrong"}), "{trace}");
    ensure!(
        items[1]["pattern_tags"] == json!(["a", "b"]) && items[1]["domain_category"] == "cards",
        "{trace}"
    );

    let rows = "select id, trace_id, title, embedding[1] from memory_items order by id";
    let stored = world.rows(rows).await?;
    let output = import(&world, &folder, &with_traces).await?;
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(summary.contains("0 traces with 0 items imported, 11 traces were there already"), "{summary}");
    ensure!(world.rows(rows).await? == stored, "the second run changes nothing");
    ensure!(std::fs::read(folder.join("chroma.sqlite3"))? == before, "the folder is never written");
    Ok(())
}

async fn a_folder_that_is_none_or_broken_imports_nothing(world: World) -> Result<()> {
    world.start().await?;
    let folder = unpacked(&world, NEWER).await?;
    let said = failure(&import(&world, &world.path("nowhere"), &[]).await?, 1)?;
    ensure!(said.contains("holds no chroma.sqlite3"), "{said}");
    for (name, broken) in [("index_metadata.pickle", "cut"), ("header.bin", "another kind")] {
        let file = std::fs::read_dir(&folder)?
            .filter_map(|entry| Some(entry.ok()?.path().join(name)))
            .filter(|path| path.with_file_name("index_metadata.pickle").exists())
            .find(|path| path.exists())
            .context(name)?;
        let whole = std::fs::read(&file)?;
        std::fs::write(&file, &whole[..whole.len() / 2])?;
        let said = failure(&import(&world, &folder, &[]).await?, 1)?;
        let segment =
            file.parent().and_then(Path::file_name).and_then(|name| name.to_str()).context("a name")?;
        ensure!(said.contains(segment), "{broken}: {said}");
        std::fs::write(&file, whole)?;
    }
    std::fs::write(folder.join("chroma.sqlite3"), "nothing of the kind, and longer than a header is")?;
    failure(&import(&world, &folder, &[]).await?, 1)?;
    ensure!(world.value("select count(*) from reasoning_traces").await? == 0);
    Ok(())
}
