//! Where a command says what it does, whoever listens: a terminal, or the other end of the control socket.

use tokio::sync::mpsc;

use super::command::Answer;

/// Handle for the command that runs.
#[derive(Clone, Debug)]
pub struct Output(mpsc::Sender<Answer>);

/// Nobody listens any more: whoever asked has gone, and long work stops.
#[derive(Debug, thiserror::Error)]
#[error("whoever asked has gone")]
pub struct Gone;

/// A slow terminal makes the command wait.
const QUEUE: usize = 64;

impl Output {
    pub fn channel() -> (Self, mpsc::Receiver<Answer>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// For standard output.
    pub async fn line(&self, line: impl Into<String>) -> Result<(), Gone> {
        self.send(Answer::Line { line: line.into() }).await
    }

    /// For standard error.
    pub async fn note(&self, note: impl Into<String>) -> Result<(), Gone> {
        self.send(Answer::Note { note: note.into() }).await
    }

    pub(super) async fn send(&self, answer: Answer) -> Result<(), Gone> {
        self.0.send(answer).await.map_err(|_| Gone)
    }
}

/// Columns for people: padded to the widest, two spaces between.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest() {
        let rows = [["a", "bb", ""], ["aaé", "b", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), ["a    bb", "aaé  b   c"]);
    }
}
