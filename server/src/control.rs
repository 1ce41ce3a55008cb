//! The control socket: how the administrator's commands reach a running server, which alone may hold the database.
//!
//! Invariant: only the user that the server runs as, and root, are heard; a request is one bounded line.

mod accounts;
mod admin;
pub mod client;
pub mod command;
pub mod doctor;
mod export;
mod import;
mod output;
mod person;
pub mod retention;
mod sync;
mod webhooks;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::unistd::geteuid;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use accounts::first_start;
pub use admin::{Context, chain, run};
pub use output::Output;

use command::{Answer, Command};

/// What the system allows the path of a socket.
const LONGEST: usize = 107;
/// A request with a password or a path is far shorter.
const REQUEST: usize = 1024 * 1024;
/// Who connects and says nothing is sent away.
const SAY_WITHIN: Duration = Duration::from_secs(10);
/// Commands at once; those beyond wait to be accepted.
const COMMANDS: usize = 16;
/// What runs when the server is told to stop may end within this; after that it is cut short, between transactions.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Where the socket of a data folder is.
pub fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The bound socket. Dropping it removes its file.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Takes the place of a socket that nobody listens at any more; fails where somebody does.
    pub fn bind(data: &Path) -> anyhow::Result<Self> {
        let path = path(data);
        let socket = bind(&path).with_context(|| format!("the control socket {}", path.display()))?;
        Ok(Self { socket, path })
    }

    /// Runs the commands of whoever connects, until `shutdown`.
    pub async fn serve(self, context: Context, shutdown: CancellationToken) {
        let mut commands = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.socket.accept(), if commands.len() < COMMANDS => match accepted {
                    Ok((stream, _)) => {
                        let context = context.clone();
                        commands.spawn(async move {
                            if let Err(error) = attend(stream, &context).await {
                                tracing::debug!(%error, "a command's connection ended");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the control socket takes no connection");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                },
                Some(_) = commands.join_next() => {}
            }
        }
        let end = async { while commands.join_next().await.is_some() {} };
        // Each transaction runs in a task of its own, so what is dropped here is between two of them.
        let _ = timeout(END_WITHIN, end).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    let bytes = path.as_os_str().len();
    anyhow::ensure!(
        bytes <= LONGEST,
        "its path has {bytes} bytes, and {LONGEST} is the most: use a shorter --data"
    );
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => anyhow::bail!("another server runs on this data folder: stop it, or use another --data"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
        Err(error) => return Err(error.into()),
    }
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}

async fn attend(stream: UnixStream, context: &Context) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let (read, mut write) = stream.into_split();
    if peer != 0 && peer != geteuid().as_raw() {
        return say(&mut write, &Answer::Error { error: "this socket hears its owner only".to_owned() })
            .await;
    }
    let command = match timeout(SAY_WITHIN, request(&mut BufReader::new(read))).await {
        Ok(Ok(command)) => command,
        Ok(Err(error)) => return say(&mut write, &Answer::Error { error }).await,
        Err(_) => return say(&mut write, &Answer::Error { error: "no request came".to_owned() }).await,
    };
    let (output, answers) = Output::channel();
    let work = async {
        admin::run(command, context, &output).await;
        drop(output);
    };
    let (told, ()) = tokio::join!(tell(&mut write, answers), work);
    told
}

/// Reads one line as a command, or says why it is none.
async fn request(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Command, String> {
    let mut line = Vec::new();
    let limit = REQUEST as u64 + 1;
    from.take(limit).read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
    if line.len() > REQUEST {
        return Err(format!("a request is one line of at most {REQUEST} bytes"));
    }
    serde_json::from_slice(&line).map_err(|error| format!("the request is not understood: {error}"))
}

/// Passes the answers on. When it ends early the command notices, since nobody takes them any more.
async fn tell(to: &mut (impl AsyncWrite + Unpin), mut answers: mpsc::Receiver<Answer>) -> io::Result<()> {
    while let Some(answer) = answers.recv().await {
        say(to, &answer).await?;
    }
    Ok(())
}

async fn say(to: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

#[cfg(test)]
mod tests;
