//! The contacts that an import changes, as they were before.
//!
//! Invariant: a file that was there is never written over, and what is in this one is on disk before the change.

use std::path::PathBuf;

use anyhow::Context as _;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::super::super::output::Output;
use crate::domain::insight::Insight;
use crate::rpc;

/// A line a contact.
pub(super) struct Backup {
    path: PathBuf,
    /// Made with the first.
    file: Option<(File, usize)>,
}

impl Backup {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    pub(super) async fn keep(&mut self, before: &[Insight]) -> anyhow::Result<()> {
        if before.is_empty() {
            return Ok(());
        }
        let path = self.path.display().to_string();
        let written = async {
            if self.file.is_none() {
                let file =
                    OpenOptions::new().create_new(true).append(true).mode(0o600).open(&self.path).await?;
                self.file = Some((file, 0));
            }
            let Some((file, contacts)) = &mut self.file else { return Ok(()) };
            let mut lines = String::new();
            for insight in before {
                lines.push_str(&serde_json::to_string(&rpc::insights::shown(insight.clone()))?);
                lines.push('\n');
            }
            file.write_all(lines.as_bytes()).await?;
            file.sync_data().await?;
            *contacts += before.len();
            Ok::<_, std::io::Error>(())
        };
        written.await.with_context(|| format!("writing the backup {path}, without which nothing is changed"))
    }

    pub(super) async fn end(self, output: &Output) -> anyhow::Result<()> {
        let Some((_, contacts)) = self.file else { return Ok(()) };
        let path = self.path.display();
        Ok(output.note(format!("{contacts} contacts are in {path} as they were before")).await?)
    }
}
