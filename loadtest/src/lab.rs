//! What one run stands on: the server under test, its database, and the pace at which visitors come.
//!
//! What the tester started itself, it stops: the lab owns it, and everything goes when the lab is dropped.

mod served;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use indicatif::ProgressBar;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

pub use self::served::Served;
use crate::cli::LabArgs;
use crate::client::Address;
use crate::database::{Cluster, Database};
use crate::measure::{self, Target};
use crate::view::Author;
use crate::visitor::{Entrance, Visitor};

/// Handshakes under way at once: a crowd, but not one that fills the server's accept queue.
const HANDSHAKES: usize = 256;

/// Files that the tester needs beside its sockets.
const OTHER_FILES: u64 = 64;

// Dropped from top to bottom: the server goes before its database.
pub struct Lab {
    pub entrance: Entrance,
    pub server: Option<u32>,
    pub run: Run,
    started: Option<Served>,
    staff_keys: Vec<String>,
    _folder: TempDir,
    pub ground: Ground,
}

/// Where messages end up.
pub struct Ground {
    pub database: Option<Database>,
    /// The database of the server under test is not `database`, but one that only the server knows.
    pub servers_own: bool,
    _cluster: Option<Cluster>,
}

/// Where the rows of a run can be read.
pub enum Store<'a> {
    Database(&'a Database),
    /// In a database that only the server knows, and that can be read once it has ended.
    Within(&'a mut Served),
    Unseen,
}

/// What tells this run's visitors and messages from any other's, and how fast they come.
#[derive(Clone, Copy)]
pub struct Run {
    pub seed: u64,
    connect_rate: u32,
}

/// Clients come one after the other, and only so many at once.
#[derive(Clone)]
pub struct Pace {
    start: Instant,
    rate: u32,
    crowd: Arc<Semaphore>,
}

impl Lab {
    pub async fn start(args: &LabArgs, with_peers: bool) -> anyhow::Result<Self> {
        let ground = Ground::prepare(args, with_peers).await?;
        let folder = tempfile::Builder::new().prefix("switchboard-loadtest-").tempdir_in("/var/tmp")?;
        let started = match &args.server {
            Some(binary) => {
                let own = args.database.as_deref().filter(|_| ground.servers_own);
                let database = own.or(ground.database.as_ref().map(|database| database.url.as_str()));
                let database = database.context("the server has no database")?;
                let data = args.data.clone().unwrap_or_else(|| folder.path().join("data"));
                Some(Served::start(binary, args, database, &data, folder.path()).await?)
            }
            None => None,
        };
        let entrance = if let Some(started) = &started {
            started.entrance.clone()
        } else {
            let address = answering(&args.url).await?;
            Entrance { address, workspace: args.workspace.clone(), patience: args.timeout() }
        };
        let port = entrance.address.socket.port();
        let server = args.pid.or(started.as_ref().map(Served::pid)).or_else(|| measure::listener(port));
        Ok(Self {
            entrance,
            server,
            run: Run::new(args),
            started,
            staff_keys: args.staff_key.clone(),
            _folder: folder,
            ground,
        })
    }

    /// The same where anybody of the staff is wanted.
    pub async fn staff_keys_if(&self, count: u32) -> anyhow::Result<Vec<String>> {
        if count == 0 { Ok(Vec::new()) } else { self.staff_keys(count).await }
    }

    /// Keys of people of the staff: new ones of a server that this run started, else those that were named.
    pub async fn staff_keys(&self, count: u32) -> anyhow::Result<Vec<String>> {
        let Some(started) = &self.started else {
            ensure!(
                !self.staff_keys.is_empty(),
                "the staff needs keys: make some with `switchboard key add --role staff` and name them with --staff-key"
            );
            return Ok(self.staff_keys.clone());
        };
        started.staff_keys(count).await
    }

    /// The database under test, where the tester reaches it.
    pub fn database(&self) -> Option<&Database> {
        self.ground.database.as_ref().filter(|_| !self.ground.servers_own)
    }

    pub fn store(&mut self) -> Store<'_> {
        match (&self.ground.database, &mut self.started) {
            (Some(database), _) if !self.ground.servers_own => Store::Database(database),
            (_, Some(started)) => Store::Within(started),
            _ => Store::Unseen,
        }
    }

    /// The Postgres under the server: the one in `ground`, or one that the server has started below itself.
    pub fn postgres(&self) -> Option<Target> {
        let own = || self.server.and_then(measure::postgres_below);
        let known = || self.database()?.pid;
        known().or_else(own).map(Target::Family)
    }
}

impl Ground {
    /// A Postgres is made where none is named and somebody needs one: the started server, or the peers.
    pub async fn prepare(args: &LabArgs, with_peers: bool) -> anyhow::Result<Self> {
        let servers_own = args.database.as_deref().map_or(args.server.is_none(), is_servers_own);
        let given = args.database.as_deref().filter(|_| !servers_own);
        let cluster = match given {
            None if with_peers || !servers_own => Some(Cluster::start(args.postgres_bin.as_deref()).await?),
            _ => None,
        };
        let database = match given.or(cluster.as_ref().map(|cluster| cluster.url.as_str())) {
            Some(url) => Some(Database::connect(url).await?),
            None => None,
        };
        Ok(Self { database, servers_own, _cluster: cluster })
    }
}

impl Run {
    pub fn new(args: &LabArgs) -> Self {
        Self { seed: rand::random(), connect_rate: args.connect_rate }
    }

    pub fn author(self, nth: u32) -> Author {
        Author::new(self.seed, nth)
    }

    /// Brings in `count` new visitors at the run's pace. One that cannot come in ends the run.
    pub async fn visitors(
        self,
        entrance: &Entrance,
        count: u32,
        title: &str,
    ) -> anyhow::Result<Vec<Visitor>> {
        let pace = self.pace(count)?;
        let bar = progress(count, title);
        let mut tasks = JoinSet::new();
        for nth in 0..count {
            let (pace, entrance) = (pace.clone(), entrance.clone());
            tasks.spawn(async move {
                let _turn = pace.turn(nth).await;
                let visitor = Visitor::open(&entrance, nth, self.author(nth)).await;
                visitor.with_context(|| {
                    format!("visitor {nth} could not open a conversation at {}", entrance.address.url())
                })
            });
        }
        let mut visitors = Vec::with_capacity(tasks.len());
        while let Some(visitor) = tasks.join_next().await {
            visitors.push(visitor??);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(visitors)
    }

    /// The pace for `sockets` clients, refused where this process may not have so many.
    pub fn pace(self, sockets: u32) -> anyhow::Result<Pace> {
        match measure::open_file_limit() {
            Some(limit) if limit < u64::from(sockets) + OTHER_FILES => bail!(
                "{sockets} sockets need as many open files, and the limit is {limit}: raise it with `ulimit -n`"
            ),
            _ => {}
        }
        let crowd = Arc::new(Semaphore::new(HANDSHAKES));
        Ok(Pace { start: Instant::now(), rate: self.connect_rate, crowd })
    }
}

impl Pace {
    /// Waits for the turn of the `nth` client; it lasts until what is returned is dropped.
    pub async fn turn(&self, nth: u32) -> Option<OwnedSemaphorePermit> {
        sleep_until(self.start + Duration::from_secs(1) * nth / self.rate).await;
        Arc::clone(&self.crowd).acquire_owned().await.ok()
    }
}

/// A bar on a terminal, nothing elsewhere.
pub fn progress(length: u32, title: &str) -> ProgressBar {
    let style = indicatif::ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len}");
    ProgressBar::new(u64::from(length))
        .with_style(style.expect("the template is valid"))
        .with_message(title.to_owned())
}

/// What `--database` names is made by the server itself, and nobody else can reach it.
pub fn is_servers_own(database: &str) -> bool {
    database == "embedded" || database == "local" || database.starts_with("local:")
}

async fn answering(url: &str) -> anyhow::Result<Address> {
    let address = Address::resolve(url).await?;
    TcpStream::connect(address.socket).await.with_context(|| format!("no server answers at {url}"))?;
    Ok(address)
}
