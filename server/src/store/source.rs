//! Where the database comes from: a server at an address, the Postgres embedded in this process, or a private
//! cluster of installed binaries. Nothing outside this module knows which one runs: everyone connects in the
//! same way, waits for the end in the same way, and stops it in the same way.

mod embedded;
mod error;
mod local;
mod marker;
mod refusal;
mod tls;
mod url;

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Connect;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

pub use error::{LocalError, SourceError};

/// What was asked for: `embedded`, `local`, `local:BINDIR`, or an address.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A URL or `key=value` words, as libpq reads them. May hold a password.
    Url(String),
    Embedded,
    /// With the folder of `postgres` and `initdb`, or the best that is installed.
    Local(Option<PathBuf>),
}

/// Which of the three runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Url,
    Embedded,
    Local,
}

#[derive(Debug, Clone)]
pub struct Options {
    /// Off only where nothing need survive a power cut, which is to say in tests. An address is not affected.
    pub fsync: bool,
    /// `PGHOST` and its like, for what an address leaves open.
    pub pg_env: Vec<(String, String)>,
    pub application_name: String,
    /// For each host of an address that does not name its own.
    pub connect_timeout: Duration,
    /// How long a private cluster may take to be ready, recovery after a crash included.
    pub ready_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fsync: true,
            pg_env: Vec::new(),
            application_name: "switchboard".to_owned(),
            connect_timeout: Duration::from_secs(10),
            ready_within: Duration::from_mins(5),
        }
    }
}

/// A database that runs, or answers. Cheap to clone; it is stopped by `stop`, and left to end by itself when
/// the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Database {
    kind: Kind,
    config: Config,
    connector: Connector,
    running: Arc<Running>,
}

#[derive(Debug)]
enum Running {
    Elsewhere,
    Embedded(embedded::Embedded),
    Local(local::Local),
}

impl Database {
    /// Starts it or, for an address, sees that it answers. `data` is where a database of our own lies.
    pub async fn start(source: &Source, data: &Path, options: &Options) -> Result<Self, SourceError> {
        let database = match source {
            Source::Url(text) => {
                marker::check(data, Kind::Url)?;
                Self::elsewhere(text, options)?
            }
            Source::Embedded => {
                let folder = marker::Folder::hold(data, Kind::Embedded)?;
                let embedded = embedded::Embedded::start(folder, options).await?;
                let connector = Connector(Route::Embedded(embedded.door()));
                Self::new(Kind::Embedded, embedded::config(options), connector, Running::Embedded(embedded))
            }
            Source::Local(binaries) => {
                let folder = marker::Folder::hold(data, Kind::Local)?;
                let (local, config) = local::Local::start(folder, binaries.as_deref(), options).await?;
                Self::new(Kind::Local, config, Connector(Route::Plain), Running::Local(local))
            }
        };
        drop(database.connect().await?);
        if database.kind != Kind::Url {
            marker::record(data, database.kind)?;
        }
        tracing::info!(kind = %database.kind, "the database is ready");
        Ok(database)
    }

    /// One at an address, which has nothing to do with any data folder. Nobody has asked yet whether it answers.
    pub fn elsewhere(address: &str, options: &Options) -> Result<Self, SourceError> {
        let address = url::Address::resolve(address, options)?;
        let connector = match tls::connector(address.mode, &address.roots)? {
            Some(tls) => Connector(Route::Tls(tls)),
            None => Connector(Route::Plain),
        };
        Ok(Self::new(Kind::Url, address.config, connector, Running::Elsewhere))
    }

    fn new(kind: Kind, config: Config, connector: Connector, running: Running) -> Self {
        Self { kind, config, connector, running: Arc::new(running) }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What `deadpool_postgres::Manager::from_connect` takes, for as many pools as are wanted.
    pub fn connector(&self) -> (Config, Connector) {
        (self.config.clone(), self.connector.clone())
    }

    /// One connection outside any pool; it ends when the client is dropped.
    pub async fn connect(&self) -> Result<Client, SourceError> {
        let patience = url::Address::patience(&self.config);
        let dialled = tokio::time::timeout(patience, self.connector.dial(&self.config)).await;
        let (client, _) = dialled
            .map_err(|_| SourceError::Slow { at: refusal::place(&self.config), seconds: patience.as_secs() })?
            .map_err(|error| refusal::explain(&self.config, &error))?;
        Ok(client)
    }

    /// Waits until a database of our own has ended, for whatever reason. One at an address never does: it is
    /// for the pool to see that it is away, and back.
    pub async fn closed(&self) -> SourceError {
        match &*self.running {
            Running::Elsewhere => std::future::pending().await,
            Running::Embedded(embedded) => {
                let why = embedded.ended().await.err().unwrap_or_else(|| "it was closed".to_owned());
                SourceError::Embedded(why)
            }
            Running::Local(local) => local.ended().await.into(),
        }
    }

    /// Sends every client away and stops a database of our own, so that the next start finds nothing to
    /// recover.
    pub async fn stop(self) -> Result<(), SourceError> {
        match &*self.running {
            Running::Elsewhere => Ok(()),
            Running::Embedded(embedded) => embedded.stop().await.map_err(SourceError::Embedded),
            Running::Local(local) => Ok(local.stop().await?),
        }
    }
}

/// Makes connections to the one database, for a pool.
#[derive(Clone)]
pub struct Connector(Route);

#[derive(Clone)]
enum Route {
    Plain,
    Tls(MakeRustlsConnect),
    Embedded(embedded::Door),
}

impl Connector {
    async fn dial(&self, config: &Config) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match &self.0 {
            Route::Plain => {
                config.connect(NoTls).await.map(|(client, connection)| (client, drive(connection)))
            }
            Route::Tls(tls) => {
                config.connect(tls.clone()).await.map(|(client, connection)| (client, drive(connection)))
            }
            Route::Embedded(door) => {
                door.connect(config).await.map(|(client, connection)| (client, drive(connection)))
            }
        }
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + '_>>
    {
        let config = config.clone();
        Box::pin(async move { self.dial(&config).await })
    }
}

/// Runs a connection until its client is dropped or the database goes.
#[expect(clippy::disallowed_methods, reason = "it ends with the client that it serves")]
fn drive<C>(connection: C) -> JoinHandle<()>
where
    C: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // Whoever waited for an answer has the error; this is for a connection that lay idle.
            tracing::debug!(code = error.code().map(tracing::field::debug), "a database connection ended");
        }
    })
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        match text.split_once(':') {
            None if text == "embedded" => Ok(Self::Embedded),
            None if text == "local" => Ok(Self::Local(None)),
            Some(("local", folder)) if !folder.is_empty() => Ok(Self::Local(Some(folder.into()))),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Url(text.to_owned()))
            }
            // `key=value` words; a wrong scheme may well have an `=` further on.
            _ if text.contains('=') && !text.contains("://") => Ok(Self::Url(text.to_owned())),
            // Nothing of an address is repeated beyond its scheme: there may be a password in it.
            Some((scheme, _)) => Err(SourceError::Unknown { given: format!("`{scheme}:…`") }),
            None => Err(SourceError::Unknown { given: format!("`{text}`") }),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => out.write_str("Url(…)"),
            Self::Embedded => out.write_str("Embedded"),
            Self::Local(binaries) => out.debug_tuple("Local").field(binaries).finish(),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0 {
            Route::Plain => "Connector(plain)",
            Route::Tls(_) => "Connector(tls)",
            Route::Embedded(_) => "Connector(embedded)",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Url => "url",
            Self::Embedded => "embedded",
            Self::Local => "local",
        })
    }
}

#[cfg(test)]
mod tests;
