//! The rows of a walk, read ahead while those before are worked on.

use std::sync::Arc;
use std::vec::IntoIter;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use super::ForeignError;

/// Dropping it ends the walk.
pub struct Lines {
    pages: mpsc::Receiver<Result<Vec<Line>, ForeignError>>,
    page: IntoIter<Line>,
    _reader: JoinSet<()>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which of the walks it is of.
    pub part: usize,
    pub gathered: Option<String>,
    /// An object.
    pub json: String,
}

/// Rows of a page.
const PAGE: usize = 1_000;
/// Pages that were read and wait: whoever writes them is slower than whoever reads, and one is enough not to stop. A full
/// queue makes the reader wait.
const QUEUE: usize = 1;

impl Lines {
    pub(super) fn new(client: Arc<Client>, declare: String, cursor: String) -> Self {
        let (sender, pages) = mpsc::channel(QUEUE);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            if let Err(error) = read(&client, &declare, &cursor, &sender).await {
                // Nobody is left to be told.
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { pages, page: Vec::new().into_iter(), _reader: reader }
    }

    /// A walk through nothing.
    pub fn none() -> Self {
        let (_, pages) = mpsc::channel(QUEUE);
        Self { pages, page: Vec::new().into_iter(), _reader: JoinSet::new() }
    }

    pub async fn next(&mut self) -> Result<Option<Line>, ForeignError> {
        loop {
            if let Some(line) = self.page.next() {
                return Ok(Some(line));
            }
            match self.pages.recv().await {
                Some(page) => self.page = page?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

async fn read(
    client: &Client,
    declare: &str,
    cursor: &str,
    pages: &mpsc::Sender<Result<Vec<Line>, ForeignError>>,
) -> Result<(), ForeignError> {
    client.batch_execute(declare).await?;
    let fetch = format!("FETCH FORWARD {PAGE} FROM {cursor}");
    loop {
        let rows = client.query_typed(&fetch, &[]).await?;
        let is_last = rows.len() < PAGE;
        let page = rows
            .iter()
            .map(|row| {
                let part: i32 = row.try_get("part")?;
                Ok(Line {
                    part: usize::try_from(part).unwrap_or_default(),
                    gathered: row.try_get("gathered")?,
                    json: row.try_get("line")?,
                })
            })
            .collect::<Result<_, ForeignError>>()?;
        if pages.send(Ok(page)).await.is_err() || is_last {
            return Ok(client.batch_execute(&format!("CLOSE {cursor}")).await?);
        }
    }
}
