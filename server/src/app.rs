//! The running server: its parts in the order in which they start, and in the order in which they stop.
//!
//! Invariant: what was accepted is written before the process ends; a part that crashed stops the process rather
//! than let it limp.

mod minds;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use switchboard_protocol::CloseCode;
use switchboard_protocol::limits::{PING, VISITOR_FRAME};
use switchboard_protocol::methods::ServerInfo;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Keyring;
use crate::access::directory::Directory;
use crate::access::limits::Buckets;
use crate::access::logins::Logins;
use crate::access::passwords::Passwords;
use crate::access::token::Tokens;
use crate::config::Config;
use crate::control;
use crate::escalation::{Feed, People, Presences};
use crate::http::{self, Http};
use crate::memory::Learner;
use crate::notify::{self, Notifier};
use crate::reports;
use crate::rpc::{Consoles, Desk};
use crate::search::{self, Knowledge, Memories, Mind};
use crate::session::{Minds, Registry};
use crate::socket::{Forwarding, Sockets};
use crate::store::escalations::Place;
use crate::store::journal::Journal;
use crate::store::{Database, Store, StoreError, migrate, node};
use crate::sync::Syncs;
use crate::telemetry;

/// How long a server that cannot go on waits for its parts.
const GIVE_UP: Duration = Duration::from_secs(3);

/// Runs the server until it is told to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let metrics = telemetry::install();
    let stop = StopSignals::listen()?;
    // Before anything is begun: one that cannot be read is refused with what to do.
    let journal = config.journal.as_ref().map(|journal| Journal::open(&journal.folder, journal.limit));
    let (journal, journaled) = journal.transpose()?.unzip();
    let database = Database::start(&config.source, &config.data, &config.database_options()).await?;
    migrate::up(&mut database.connect().await?).await?;
    // Before the lease is taken: a second server on this folder is refused here, and the first goes on.
    let control = control::Listener::bind(&config.data)?;
    let store = Store::open(&database, &config.data).await?.with_journal(journal);
    let passwords = Passwords::start().context("starting the thread that checks passwords")?;
    let password = control::first_start(&store, database.kind(), &passwords).await?;
    let mind = Mind::default();
    let knowledge = Knowledge::new(store.knowledge(), mind.clone());
    let memories = Memories::new(store.memory(), mind.clone());
    let minds = minds::asleep(&config, knowledge.clone(), memories, mind)?;
    search::stock(&knowledge, &minds.preset()).await?;
    let (feed, deliveries) = Feed::new(&store);
    let syncs = Syncs::new(&store.administration(), config.sync.clone())?;
    let desk = Arc::new(desk(&config, &store, minds, knowledge, feed, passwords.clone(), syncs)?);
    desk.presences.begin().await?;
    let sockets = Sockets::new(desk.clone());
    // Before anybody can come in: what was acknowledged before goes before what is said now.
    desk.registry.replay(journaled.unwrap_or_default()).await.context("what the journal holds")?;
    let forwarding: Forwarding = {
        let proxies = config.trusted_proxies.clone();
        Arc::new(move |peer, forwarded| proxies.client(peer, forwarded))
    };
    let ending = CancellationToken::new();
    let background = TaskTracker::new();
    let sender = notify::Sender::new(config.allow_private_webhooks)?;
    let administration =
        administration(&database, &desk, &sockets, passwords, sender.clone(), background.clone());
    background.spawn(control.serve(administration, ending.clone()));
    let behind = Behind {
        config: &config,
        desk: &desk,
        sockets: &sockets,
        metrics: &metrics,
        ending: &ending,
        background: &background,
    };
    behind.begin(sender, deliveries);
    let listener = http::bind(config.listen).with_context(|| {
        format!("cannot listen on {}; choose another address with --listen", config.listen)
    })?;
    let address = listener.local_addr()?;
    let http =
        Http { desk: desk.clone(), sockets: sockets.clone(), forwarding, metrics, draining: ending.clone() };
    let accepting = CancellationToken::new();
    let connections = TaskTracker::new();
    let accept = http::accept(
        listener,
        http::router(http),
        config.max_connections,
        accepting.clone(),
        connections.clone(),
    );
    let accept = background.spawn(accept);
    if let Some(path) = &config.port_file {
        announce(path, &address.to_string())?;
    }
    greet(&address.to_string(), database.kind(), password.as_deref());
    let failure = tokio::select! {
        () = stop.received() => None,
        error = database.closed() => Some(anyhow::Error::from(error).context("the database has ended")),
        () = store.writer.fenced() => Some(fenced(&store, &sockets).await),
        error = keep_lease(&store, &sockets) => Some(error),
        _ = accept => Some(anyhow::anyhow!("the listener has ended")),
    };
    tracing::info!("stopping: telling clients to come back");
    ending.cancel();
    let drained = async {
        // The listener stays until then, so that whoever asks `/readyz` hears it is about to go.
        sockets.drain().await;
        accepting.cancel();
        connections.close();
        desk.registry.feed().close().await;
        desk.registry.close().await;
        store.close().await;
        background.close();
        background.wait().await;
    };
    // With its database gone there is nothing to write to, and nothing more to promise.
    let patience = if failure.is_some() { config.drain.min(GIVE_UP) } else { config.drain };
    let in_time = tokio::time::timeout(patience, drained).await.is_ok();
    if !in_time {
        tracing::warn!(
            "not everything came to its end in time; what was not acknowledged is its sender's again"
        );
    }
    database.stop().await?;
    failure.map_or(Ok(()), Err)
}

fn desk(
    config: &Config,
    store: &Store,
    minds: Minds,
    knowledge: Knowledge,
    feed: Feed,
    passwords: Passwords,
    syncs: Syncs,
) -> anyhow::Result<Desk> {
    let secret = config.secret.as_str();
    let tokens = Tokens::new(secret, config.token_lifetime);
    let login_limits = config.limits.then_some(config.login_limits);
    let keyring = Keyring::new(secret);
    let digests = keyring.clone();
    Ok(Desk {
        people: People::new(store),
        presences: Presences::new(store, feed.clone()),
        consoles: Consoles::default(),
        registry: Registry::new(store.clone(), minds, feed, move |visitor| digests.resume_digest(visitor)),
        directory: Directory::new(store),
        logins: Logins::new(store.logins(), passwords, tokens.clone(), login_limits),
        tokens,
        keyring,
        epoch: store.log_epoch().clone(),
        knowledge,
        pace: reports::Pace::new(),
        syncs,
        info: ServerInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: store.node().node().to_string(),
            ping_s: u32::try_from(PING.as_secs())?,
            max_message_bytes: u32::try_from(VISITOR_FRAME)?,
        },
        limits: config.limits,
        new_visitors: Buckets::default(),
        requests_over_http: Buckets::default(),
    })
}

/// What goes on beside the answering of requests, until the server ends.
struct Behind<'a> {
    config: &'a Config,
    desk: &'a Arc<Desk>,
    sockets: &'a Sockets,
    metrics: &'a telemetry::Metrics,
    ending: &'a CancellationToken,
    background: &'a TaskTracker,
}

impl Behind<'_> {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.background.spawn(until(self.ending.clone(), work));
    }

    fn begin(&self, sender: notify::Sender, deliveries: mpsc::Receiver<Place>) {
        let (metrics, sockets) = (self.metrics.clone(), self.sockets.clone());
        self.spawn(async move { metrics.keep_up().await });
        self.spawn(async move { sockets.keep_checking().await });
        self.think();
        let registry = &self.desk.registry;
        let store = registry.store().clone();
        self.spawn(notifier(self.desk, &store, sender).keep_delivering());
        let minds = registry.minds();
        let learner = Learner::new(&store, minds.memories().clone(), minds.distiller());
        self.spawn(learner.keep_learning(store.writer.news().clone()));
        self.spawn(search::keep_indexing(store.insights().clone()));
        let upkeep = store.upkeep().clone();
        self.spawn(async move { upkeep.keep().await });
        self.spawn(self.desk.syncs.clone().keep_syncing(store.node().node()));
        self.spawn(self.desk.syncs.clone().keep_to_schedule());
        self.spawn(async move { reports::keep_counting(&store).await });
        let (finishing, serving, rules) = (registry.clone(), registry.clone(), self.config.queue);
        self.spawn(async move { finishing.finish_turns().await });
        self.spawn(async move { serving.serve_people(deliveries, rules).await });
    }

    /// The agent learns its desk, and again on SIGHUP; knowledge gets its vectors.
    fn think(&self) {
        let (minds, model_dir) = (self.desk.registry.minds().clone(), self.config.model_dir.clone());
        let has_embedder = self.config.has_embedder;
        let preset = self.config.preset.clone();
        let (knowledge, memories) = (self.desk.knowledge.clone(), minds.memories().clone());
        let reloading = minds::keep_reloading(minds.clone(), preset, model_dir.clone(), has_embedder);
        self.spawn(async move {
            if let Err(error) = reloading.await {
                tracing::warn!(%error, "SIGHUP is not heard; the desk is loaded at the next start");
            }
        });
        self.spawn(async move {
            minds::wake(minds.clone(), model_dir.clone()).await;
            if has_embedder {
                minds::learn_meanings(minds, model_dir).await;
            }
        });
        self.spawn(async move { knowledge.keep_embedding().await });
        self.spawn(async move { memories.keep_embedding().await });
    }
}

/// What commands work on, and what this server does when they have changed something.
fn administration(
    database: &Database,
    desk: &Arc<Desk>,
    sockets: &Sockets,
    passwords: Passwords,
    sender: notify::Sender,
    background: TaskTracker,
) -> control::Context {
    let store = desk.registry.store().clone();
    let changed = {
        let (desk, sockets, news) = (desk.clone(), sockets.clone(), store.writer.news().clone());
        move || {
            desk.directory.refresh();
            desk.knowledge.may_have_changed();
            desk.registry.minds().memories().may_have_changed();
            news.events.notify_one();
            let sockets = sockets.clone();
            background.spawn(async move { sockets.check_credentials().await });
        }
    };
    let registry = desk.registry.clone();
    let forget = move |workspace, visitor| registry.forget(workspace, visitor);
    control::Context {
        database: database.clone(),
        administration: store.administration(),
        passwords,
        changed: Arc::new(changed),
        distiller: desk.registry.minds().distiller(),
        sender,
        syncs: desk.syncs.clone(),
        forget: Arc::new(forget),
    }
}

/// Tells webhooks of what happens, and sessions of what the webhooks have heard.
fn notifier(desk: &Desk, store: &Store, sender: notify::Sender) -> Notifier {
    let registry = desk.registry.clone();
    let notified = move |workspace, conversation, id| {
        let registry = registry.clone();
        Box::pin(async move {
            let written = registry.notified(Place { id, workspace, conversation }).await;
            // Where it is not written, the process ends.
            let _ = written.await;
        }) as BoxFuture<'static, ()>
    };
    Notifier::new(store, sender, Box::new(notified))
}

/// Keeps saying that this node is alive; returns only when it must not go on.
async fn keep_lease(store: &Store, sockets: &Sockets) -> anyhow::Error {
    loop {
        tokio::time::sleep(node::HEARTBEAT).await;
        match store.node().heartbeat(store).await {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                tracing::debug!(%error, "no heartbeat; the database is away");
            }
            Err(error) => return lost(error, sockets),
        }
    }
}

/// A batch was refused: a database that was put back to before this node's start holds an older lease, too.
async fn fenced(store: &Store, sockets: &Sockets) -> anyhow::Error {
    match store.node().heartbeat(store).await {
        Err(error @ StoreError::EpochChanged) => lost(error, sockets),
        _ => anyhow::anyhow!("another server has taken this node's place; it must not write any more"),
    }
}

fn lost(error: StoreError, sockets: &Sockets) -> anyhow::Error {
    if matches!(error, StoreError::EpochChanged) {
        sockets.dismiss(CloseCode::EpochChanged);
        return anyhow::Error::from(error).context("the database was restored; start the server again");
    }
    anyhow::Error::from(error).context("this node's lease")
}

/// SIGTERM and Ctrl-C, from before the first slow step on.
struct StopSignals {
    token: CancellationToken,
}

impl StopSignals {
    #[expect(clippy::disallowed_methods, reason = "ends with the process")]
    fn listen() -> anyhow::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let token = CancellationToken::new();
        let told = token.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.cancel();
        });
        Ok(Self { token })
    }

    async fn received(&self) {
        self.token.cancelled().await;
    }
}

async fn until(ending: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = ending.cancelled() => {}
        () = work => {}
    }
}

/// For programs that started this one on a port of the system's choice.
fn announce(path: &Path, address: &str) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, address)?;
    std::fs::rename(&fresh, path).context("the port file")
}

#[expect(clippy::print_stdout, reason = "where to look, for the person who started the server")]
fn greet(address: &str, kind: crate::store::source::Kind, password: Option<&str>) {
    println!("Switchboard {} is listening on http://{address}", env!("CARGO_PKG_VERSION"));
    println!("  open http://{address}/ in a browser and say hello; the database is {kind}");
    if let Some(password) = password {
        println!("  administrator: admin@localhost, password (shown once): {password}");
    }
}
