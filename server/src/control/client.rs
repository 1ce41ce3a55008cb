//! The command line's end of the control socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::command::{Answer, Command};

/// A server that runs on the data folder.
#[derive(Debug)]
pub struct Server(UnixStream);

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error(
        "the control socket {path} cannot be used: {error}. Run this as the user that the server runs as, on the same \
         machine"
    )]
    Socket { path: String, error: io::Error },
    #[error("the server stopped before it had answered: look whether it runs, and run the command again")]
    Ended,
    #[error("the server gave an answer that is not understood ({0}): is it of another version?")]
    Answer(#[from] serde_json::Error),
}

impl Server {
    /// The server of this data folder; none when nobody listens there.
    pub async fn find(data: &Path) -> Result<Option<Self>, ControlError> {
        let path = super::path(data);
        match UnixStream::connect(&path).await {
            Ok(stream) => Ok(Some(Self(stream))),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                Ok(None)
            }
            // A path that no socket can have has none.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
            Err(error) => Err(ControlError::Socket { path: path.display().to_string(), error }),
        }
    }

    /// Has it run the command, and passes on what it says; the last answer is `Done` or `Error`.
    pub async fn run(mut self, command: &Command, mut hear: impl FnMut(Answer)) -> Result<(), ControlError> {
        let mut request = serde_json::to_string(command)?;
        request.push('\n');
        self.0.write_all(request.as_bytes()).await.map_err(|_| ControlError::Ended)?;
        let mut lines = BufReader::new(self.0).lines();
        while let Some(line) = lines.next_line().await.map_err(|_| ControlError::Ended)? {
            let answer: Answer = serde_json::from_str(&line)?;
            let is_last = matches!(answer, Answer::Done { .. } | Answer::Error { .. });
            hear(answer);
            if is_last {
                return Ok(());
            }
        }
        Err(ControlError::Ended)
    }
}
