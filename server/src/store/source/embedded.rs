//! The embedded source: Postgres 18 with pgvector, compiled to WebAssembly, inside this process. It has one
//! backend, which lives on a thread of its own; `mux` lets many clients share it. What is committed is on the
//! disk: `fsync`, `full_page_writes` and `synchronous_commit` are on, and checked when it opens. It has no
//! signals: no cancel, no `statement_timeout`, no autovacuum. Nor has it `COPY … FROM STDIN`.

mod frames;
mod line;
mod mux;
mod stream;

use std::path::PathBuf;
use std::time::Duration;

use oliphaunt_wasix::session::{
    PostgresConfig, PreparedDatabase, ProtocolSession, StartupConfig, default_catalog_profile,
    postgres_config_with_extension_startup, resolve_extension_set,
};
use oliphaunt_wasix::{DatabaseStorage, Extension};
use tokio_postgres::{Client, Config, NoTls};

use super::marker::Folder;
use super::{Options, SourceError};
use mux::{Ended, Engine, Mux};

/// Where the embedded database lies in the data folder.
pub(super) const FOLDER: &str = "postgres-embedded";
/// How long a transaction may lie open and idle while others wait for the backend.
const PATIENCE: Duration = Duration::from_mins(1);

/// Available to `CREATE EXTENSION`, which the migrations run.
const EXTENSIONS: [Extension; 3] =
    [oliphaunt_extension_vector::VECTOR, Extension::PG_TRGM, Extension::UNACCENT];

/// For one backend on a small box. A checkpoint stops everyone for as long as it writes, since nothing writes
/// in the background: rarer ones cost less in total, and a recovery replays at most twice `max_wal_size`.
const SETTINGS: [(&str, &str); 6] = [
    ("shared_buffers", "128MB"),
    ("max_wal_size", "1GB"),
    ("min_wal_size", "256MB"),
    ("work_mem", "16MB"),
    ("jit", "off"),
    ("autovacuum", "off"),
];

/// The running backend. It closes when this is dropped; `stop` waits until it has.
#[derive(Debug)]
pub(super) struct Embedded {
    mux: Mux,
}

/// Connects to the backend, and may outlive it.
#[derive(Debug, Clone)]
pub(super) struct Door(Mux);

impl Embedded {
    pub(super) async fn start(folder: Folder, options: &Options) -> Result<Self, SourceError> {
        let place = folder.path().join(FOLDER);
        let fsync = options.fsync;
        let mux = Mux::start(move || Backend::open(place, fsync), PATIENCE, folder)
            .await
            .map_err(SourceError::Embedded)?;
        Ok(Self { mux })
    }

    pub(super) fn door(&self) -> Door {
        Door(self.mux.clone())
    }

    pub(super) async fn stop(&self) -> Ended {
        self.mux.close();
        self.mux.ended().await
    }

    pub(super) async fn ended(&self) -> Ended {
        self.mux.ended().await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.mux.close();
    }
}

impl Door {
    pub(super) async fn connect(
        &self,
        config: &Config,
    ) -> Result<
        (Client, impl Future<Output = Result<(), tokio_postgres::Error>> + use<>),
        tokio_postgres::Error,
    > {
        config.connect_raw(self.0.connect(), NoTls).await
    }
}

/// The user and database that every client gets, whatever it asks for.
pub(super) fn config(options: &Options) -> Config {
    let mut config = Config::new();
    config.user("postgres").dbname("postgres").application_name(&options.application_name);
    config
}

struct Backend {
    session: ProtocolSession,
    prepared: PreparedDatabase,
    fsync: bool,
}

impl Backend {
    fn open(place: PathBuf, fsync: bool) -> Result<Self, String> {
        let user = StartupConfig::default();
        let storage = DatabaseStorage::Directory(place);
        let mut prepared = PreparedDatabase::prepare(storage, default_catalog_profile(), &user.username)
            .map_err(|error| with_advice(said(error)))?;
        match Self::session(&prepared, user, fsync) {
            Ok(session) => Ok(Self { session, prepared, fsync }),
            Err(error) => {
                // Otherwise its own lock on the folder would stay until this process ends.
                prepared.release().ok();
                Err(said(error))
            }
        }
    }

    fn session(
        prepared: &PreparedDatabase,
        user: StartupConfig,
        fsync: bool,
    ) -> Result<ProtocolSession, anyhow::Error> {
        let extensions = resolve_extension_set(&EXTENSIONS)?;
        let mut settings = PostgresConfig::default();
        for (name, value) in SETTINGS {
            settings.insert(name, value);
        }
        if !fsync {
            // Nothing waits for the disk; a commit still outlives a killed process.
            settings.insert("fsync", "off");
            settings.insert("full_page_writes", "off");
        }
        let settings = postgres_config_with_extension_startup(settings, &extensions)?;
        prepared.runtime()?.open_with_extensions(settings, user, &extensions)
    }

    fn check_durable(&mut self) -> Result<(), String> {
        let all = DURABLE.map(|name| format!("current_setting('{name}') = 'on'")).join(" AND ");
        let answer = self.run(&frames::query(&format!("SELECT WHERE {all}")))?;
        let on = answer.windows(DURABLE_TAG.len()).any(|part| part == DURABLE_TAG);
        if on {
            Ok(())
        } else {
            Err(format!("{} are not all on, so commits would not last", DURABLE.join(", ")))
        }
    }
}

/// What a commit that lasts rests on.
const DURABLE: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];
/// The one row of a `SELECT` that found them on.
const DURABLE_TAG: &[u8] = b"SELECT 1\0";

impl Engine for Backend {
    fn startup(&mut self) -> Result<Vec<u8>, String> {
        let parameters = [
            ("user", "postgres"),
            ("database", "postgres"),
            ("client_encoding", "UTF8"),
            ("TimeZone", "UTC"),
        ];
        let response = self.session.startup_with_packet(&frames::startup(&parameters)).map_err(said)?;
        if !response.accepted {
            return Err("the embedded Postgres refused its own startup packet".to_owned());
        }
        if self.fsync {
            self.check_durable()?;
        }
        Ok(response.output)
    }

    fn run(&mut self, unit: &[u8]) -> Result<Vec<u8>, String> {
        self.session.send_buffered(unit).map_err(said)
    }

    fn close(mut self) -> Result<(), String> {
        // Its own end writes none, and would leave the next start a log to replay.
        let checkpoint = self.run(&frames::query("CHECKPOINT"));
        self.session.shutdown().map_err(said)?;
        drop(self.session);
        self.prepared.release().map_err(said)?;
        checkpoint.map(drop)
    }
}

/// Its programs are unpacked once for each user, and not in the data folder.
fn with_advice(why: String) -> String {
    if why.contains("cache") {
        format!(
            "{why}. It unpacks itself in the user's cache folder: set HOME or XDG_CACHE_HOME to one that it \
             can write"
        )
    } else {
        why
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn said(error: anyhow::Error) -> String {
    format!("{error:#}")
}

#[cfg(test)]
mod tests;
