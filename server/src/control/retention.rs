//! Retention: what has outlived its policy is written to an archive, where one is named, and then ended.
//!
//! Invariant: a row is ended only after its line is on the archive's disk, and each step is short, so that messages keep
//! flowing beside it.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use serde_json::json;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::admin::{ACTOR, Outcome};
use super::output::Output;
use crate::domain::clock::{self, Timestamp};
use crate::store::administration::Administration;
use crate::store::administration::retention::{COUNTED, Found, Kept, Part};

/// Days by what they are the policy of.
pub type Policies = BTreeMap<Kept, u32>;

/// What is to be done.
pub struct Order {
    pub policies: Policies,
    pub archive: Option<PathBuf>,
    pub dry_run: bool,
}

/// So long a step should take, and how many rows it may have.
const STEP: Duration = Duration::from_millis(50);
const ROWS: (i64, i64) = (50, 2_000);
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(5);

pub async fn run(desk: &Administration, order: Order, output: &Output) -> anyhow::Result<Outcome> {
    let Order { policies, archive, dry_run } = order;
    anyhow::ensure!(
        !policies.is_empty(),
        "no policy is set, so everything is kept: name ages in the configuration, such as `conversations = \"365d\"` \
         under [retention]"
    );
    let now = clock::now();
    let due = policies.into_iter().map(|(kept, days)| (kept, now - TimeDelta::days(days.into())));
    if dry_run {
        for (kept, before) in due {
            let count = desk.count_due(kept, before).await?;
            let or_more = if count == COUNTED { " or more" } else { "" };
            output
                .line(format!("{count}{or_more} {} would go, all from before {}", kept.name(), day(before)))
                .await?;
        }
        return Ok(Outcome::Well);
    }
    let mut sweep = Sweep {
        desk,
        output,
        archive: archive.map(|folder| Archive::new(folder, now)).transpose()?,
        rows: 500,
        counts: BTreeMap::new(),
        told: Instant::now(),
    };
    for (kept, before) in due {
        let ended = sweep.policy(kept, before).await;
        // What was done is noted also where the rest could not be.
        if ended.is_err() {
            sweep.note().await?;
        }
        ended.with_context(|| format!("ending {}", kept.name()))?;
    }
    sweep.note().await?;
    for (name, count) in &sweep.counts {
        output.line(format!("{count} {name}")).await?;
    }
    Ok(Outcome::Well)
}

struct Sweep<'a> {
    desk: &'a Administration,
    output: &'a Output,
    archive: Option<Archive>,
    /// As many as fit a step, going by the last one.
    rows: i64,
    counts: BTreeMap<&'static str, u64>,
    told: Instant,
}

impl Sweep<'_> {
    /// Ends all that is due: each part as far as it leads, again and again until the last one leads no further.
    async fn policy(&mut self, kept: Kept, before: Timestamp) -> anyhow::Result<()> {
        let Some((last, belongings)) = kept.parts().split_last() else { return Ok(()) };
        loop {
            for part in belongings {
                while self.step(part, before).await? {}
            }
            if !self.step(last, before).await? {
                return Ok(());
            }
        }
    }

    /// One part's next rows; false when there are none.
    async fn step(&mut self, part: &Part, before: Timestamp) -> anyhow::Result<bool> {
        let started = Instant::now();
        let found = self.desk.find_due(part, before, self.rows).await?;
        *self.counts.entry(part.name).or_default() += found.len() as u64;
        if found.is_empty() {
            return Ok(false);
        }
        let took = started.elapsed();
        if let Some(archive) = &mut self.archive {
            archive.write(part.name, &found).await?;
        }
        let started = Instant::now();
        self.desk.drop_found(part, found).await?;
        self.rows = next_rows(self.rows, took.max(started.elapsed()));
        if self.told.elapsed() >= TOLD {
            self.told = Instant::now();
            let done: Vec<_> = self.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            self.output.note(format!("{} so far", done.join(", "))).await?;
        }
        Ok(true)
    }

    async fn note(&self) -> anyhow::Result<()> {
        let detail = json!({"ended": self.counts, "archived": self.archive.is_some()});
        Ok(self.desk.note(None, ACTOR, "retention.run", "retention", detail).await?)
    }
}

/// Files for their owner alone, one a table and run.
struct Archive {
    folder: PathBuf,
    suffix: String,
    files: BTreeMap<&'static str, File>,
}

impl Archive {
    fn new(folder: PathBuf, now: Timestamp) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("making {}", folder.display()))?;
        Ok(Self { folder, suffix: now.format("%Y%m%dT%H%M%S%3fZ").to_string(), files: BTreeMap::new() })
    }

    async fn write(&mut self, name: &'static str, found: &Found) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{name}-{}.jsonl", self.suffix));
        self.append(name, &path, found).await.with_context(|| format!("writing {}", path.display()))
    }

    async fn append(&mut self, name: &'static str, path: &Path, found: &Found) -> anyhow::Result<()> {
        let file = match self.files.entry(name) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).await?)
            }
        };
        let mut lines = found.lines.join("\n");
        lines.push('\n');
        file.write_all(lines.as_bytes()).await?;
        file.flush().await?;
        file.sync_all().await?;
        // The name of a new file is on disk with its folder.
        File::open(&self.folder).await?.sync_all().await?;
        Ok(())
    }
}

fn next_rows(rows: i64, took: Duration) -> i64 {
    let next = if took > STEP {
        rows / 2
    } else if took < STEP / 4 {
        rows * 2
    } else {
        rows
    };
    next.clamp(ROWS.0, ROWS.1)
}

fn day(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
