//! Everything that is kept, as JSONL in a folder: one file a table, without secrets.
//!
//! Invariant: what another row points to is read after it, so that nothing in the folder points to what is missing.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::fs::{self, OpenOptions};
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::time::Instant;

use super::admin::{ACTOR, Outcome};
use super::output::Output;
use crate::store::administration::Administration;
use crate::store::administration::pages::{Cursor, TABLES, Table};

/// How often progress is told.
const TOLD: Duration = Duration::from_secs(5);

pub async fn run(desk: &Administration, folder: &Path, output: &Output) -> anyhow::Result<Outcome> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))?;
    for table in &TABLES {
        let path = folder.join(format!("{}.jsonl", table.name));
        if fs::try_exists(&path).await? {
            bail!("{} is there already: export into an empty folder", path.display());
        }
    }
    let mut counts = Vec::with_capacity(TABLES.len());
    for table in &TABLES {
        let path = folder.join(format!("{}.jsonl", table.name));
        let count =
            write(desk, table, &path, output).await.with_context(|| format!("writing {}", path.display()))?;
        counts.push((table.name, count));
    }
    let subject = folder.display().to_string();
    desk.note(
        None,
        ACTOR,
        "export",
        &subject,
        json!(counts.iter().copied().collect::<std::collections::BTreeMap<_, _>>()),
    )
    .await?;
    for (name, count) in counts.iter().rev() {
        output.line(format!("{count} {name}")).await?;
    }
    Ok(Outcome::Well)
}

/// Under a name of its own until it is complete; for its owner alone, since it is full of what people said.
async fn write(desk: &Administration, table: &Table, path: &Path, output: &Output) -> anyhow::Result<u64> {
    let draft = path.with_extension("jsonl.part");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).await?;
    let mut file = BufWriter::with_capacity(256 * 1024, file);
    let (mut cursor, mut count, mut told) = (Cursor::default(), 0, Instant::now());
    loop {
        let (lines, is_last) = desk.page(table, &mut cursor).await?;
        count += lines.len() as u64;
        for line in lines {
            file.write_all(line.as_bytes()).await?;
            file.write_all(b"\n").await?;
        }
        if is_last {
            break;
        }
        if told.elapsed() >= TOLD {
            output.note(format!("{}: {count} lines", path.display())).await?;
            told = Instant::now();
        }
    }
    file.flush().await?;
    file.get_ref().sync_all().await?;
    fs::rename(&draft, path).await?;
    Ok(count)
}
