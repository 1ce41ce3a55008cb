//! Data from elsewhere: conversations, documents, insights and memories out of files, and all of an older desk out of its
//! database.

mod chroma;
mod conversations;
mod deployment;
mod faults;
mod folder;
mod insights;
mod knowledge;
mod line;
mod traces;
mod writer;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sha2::{Digest, Sha256};
use switchboard_protocol::ids::WorkspaceId;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

use crate::store::StoreError;
pub use chroma::{Order as ChromaOrder, chroma};
pub use conversations::{Order as ConversationsOrder, conversations};
pub use deployment::{Order as DeploymentOrder, deployment};
pub use insights::{InsightsOrder, insights};
pub use knowledge::{Order, knowledge};

/// A line beyond this is taken for a file of another kind.
const LINE: usize = 16 * 1024 * 1024;
/// How often progress is told.
const TOLD: Duration = Duration::from_secs(2);
/// An outage shorter than this is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does the work again for a while where the database is away.
async fn patiently<T, F>(mut work: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let since = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match work().await {
            Err(StoreError::Unavailable(_)) if since.elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            outcome => return outcome,
        }
    }
}

/// The id of what a file calls `name`. Its first six bytes are zero: it sorts before everything that was said here,
/// whose ids begin with the time.
fn derived(workspace: WorkspaceId, kind: &str, name: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(b"switchboard import\0");
    hash.update(workspace.uuid().as_bytes());
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(name.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes[6..].copy_from_slice(&digest[..10]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The lines of a file with their numbers, blank ones left out, none longer than the bound in memory.
struct Lines {
    file: BufReader<File>,
    number: usize,
}

impl Lines {
    async fn open(path: &Path) -> anyhow::Result<Self> {
        let open = async {
            let file = File::open(path).await?;
            let is_file = file.metadata().await?.is_file();
            Ok::<_, std::io::Error>((file, is_file))
        };
        let (file, is_file) = open.await.with_context(|| format!("{} cannot be read", path.display()))?;
        if !is_file {
            bail!("{} is no file: name one with a conversation a line", path.display());
        }
        Ok(Self { file: BufReader::with_capacity(64 * 1024, file), number: 0 })
    }

    async fn next(&mut self) -> anyhow::Result<Option<(usize, Result<String, String>)>> {
        loop {
            let mut bytes = Vec::new();
            let limit = LINE as u64 + 1;
            if (&mut self.file).take(limit).read_until(b'\n', &mut bytes).await? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.len() > LINE {
                self.skip_rest().await?;
                return Ok(Some((self.number, Err(format!("the line is longer than {} MiB", LINE >> 20)))));
            }
            match String::from_utf8(bytes) {
                Ok(text) if text.trim_start_matches('\u{feff}').trim().is_empty() => {}
                Ok(text) => return Ok(Some((self.number, Ok(text)))),
                Err(_) => return Ok(Some((self.number, Err("the line is no UTF-8".to_owned())))),
            }
        }
    }

    async fn skip_rest(&mut self) -> anyhow::Result<()> {
        loop {
            let buffer = self.file.fill_buf().await?;
            let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.file.consume(length);
            if ended {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mint;

    #[tokio::test]
    async fn lines_are_numbered_as_an_editor_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut text = b"\xef\xbb\xbf{}\r\n\n  \nb\xff\n".to_vec();
        text.extend(vec![b'x'; LINE + 10]);
        text.extend(b"\nlast");
        std::fs::write(&path, text).unwrap();
        let mut lines = Lines::open(&path).await.unwrap();
        assert_eq!(lines.next().await.unwrap(), Some((1, Ok("\u{feff}{}\r\n".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), Some((4, Err("the line is no UTF-8".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), Some((5, Err("the line is longer than 16 MiB".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), Some((6, Ok("last".to_owned()))));
        assert_eq!(lines.next().await.unwrap(), None);
        assert!(Lines::open(folder.path()).await.is_err());
    }

    #[test]
    fn ids_follow_from_the_file_and_sort_before_our_own() {
        let workspace = mint::id();
        let id = derived(workspace, "conversation", "a");
        assert_eq!(id, derived(workspace, "conversation", "a"));
        assert_ne!(id, derived(workspace, "conversation", "b"));
        assert_ne!(id, derived(workspace, "visitor", "a"));
        assert_ne!(id, derived(mint::id(), "conversation", "a"));
        assert_eq!(id.get_version_num(), 8);
        assert!(id < mint::id::<Uuid>());
    }
}
