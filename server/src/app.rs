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
use switchboard_protocol::CloseCode;
use switchboard_protocol::limits::{PING, VISITOR_FRAME};
use switchboard_protocol::methods::ServerInfo;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Keyring;
use crate::access::directory::Directory;
use crate::access::limits::Buckets;
use crate::access::token::Tokens;
use crate::config::Config;
use crate::control;
use crate::escalation::{Feed, People, Presences};
use crate::http::{self, Http};
use crate::rpc::{Consoles, Desk};
use crate::search::{self, Knowledge};
use crate::session::{Minds, Registry};
use crate::socket::{Forwarding, Sockets};
use crate::store::{Database, Store, StoreError, migrate, node};
use crate::telemetry;

/// How long a server that cannot go on waits for its parts.
const GIVE_UP: Duration = Duration::from_secs(3);

/// Runs the server until it is told to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let metrics = telemetry::install();
    let stop = StopSignals::listen()?;
    let database = Database::start(&config.source, &config.data, &config.database_options()).await?;
    migrate::up(&mut database.connect().await?).await?;
    // Before the lease is taken: a second server on this folder is refused here, and the first goes on.
    let control = control::Listener::bind(&config.data)?;
    let store = Store::open(&database, &config.data).await?;
    let password = control::first_start(&store, database.kind()).await?;
    let knowledge = Knowledge::new(store.knowledge());
    let minds = minds::asleep(&config, knowledge.clone())?;
    search::stock(&knowledge, &minds.preset()).await?;
    let (feed, deliveries) = Feed::new(&store);
    let desk = Arc::new(desk(&config, &store, minds, knowledge, feed)?);
    desk.presences.begin().await?;
    let sockets = Sockets::new(desk.clone());
    let forwarding: Forwarding = {
        let proxies = config.trusted_proxies.clone();
        Arc::new(move |peer, forwarded| proxies.client(peer, forwarded))
    };
    let ending = CancellationToken::new();
    let background = TaskTracker::new();
    let changed = Arc::new(after_commands(&desk, &sockets, &background));
    let administration = control::Context::new(&database, &store, changed);
    background.spawn(control.serve(administration, ending.clone()));
    let kept = metrics.clone();
    background.spawn(until(ending.clone(), async move { kept.keep_up().await }));
    let (minds, model_dir) = (desk.registry.minds().clone(), config.model_dir.clone());
    let has_embedder = config.has_embedder;
    let reloading =
        minds::keep_reloading(minds.clone(), config.preset.clone(), model_dir.clone(), has_embedder);
    background.spawn(until(ending.clone(), async move {
        if let Err(error) = reloading.await {
            tracing::warn!(%error, "SIGHUP is not heard; the desk is loaded at the next start");
        }
    }));
    background.spawn(until(ending.clone(), async move {
        minds::wake(minds.clone(), model_dir.clone()).await;
        if has_embedder {
            minds::learn_meanings(minds, model_dir).await;
        }
    }));
    let knowledge = desk.knowledge.clone();
    background.spawn(until(ending.clone(), async move { knowledge.keep_embedding().await }));
    let finishing = desk.registry.clone();
    background.spawn(until(ending.clone(), async move { finishing.finish_turns().await }));
    let (registry, rules) = (desk.registry.clone(), config.queue);
    background.spawn(until(ending.clone(), async move { registry.serve_people(deliveries, rules).await }));
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
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
        () = store.writer.fenced() => Some(anyhow::anyhow!(
            "another server has taken this node's place; it must not write any more")),
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
) -> anyhow::Result<Desk> {
    let secret = config.secret.as_str();
    let keyring = Keyring::new(secret);
    let digests = keyring.clone();
    Ok(Desk {
        people: People::new(store),
        presences: Presences::new(store, feed.clone()),
        consoles: Consoles::default(),
        registry: Registry::new(store.clone(), minds, feed, move |visitor| digests.resume_digest(visitor)),
        directory: Directory::new(store),
        tokens: Tokens::new(secret, config.token_lifetime),
        keyring,
        epoch: store.log_epoch().clone(),
        knowledge,
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

/// What a command may have changed is looked at again.
fn after_commands(
    desk: &Arc<Desk>,
    sockets: &Sockets,
    background: &TaskTracker,
) -> impl Fn() + Send + Sync + 'static {
    let (desk, sockets, background) = (desk.clone(), sockets.clone(), background.clone());
    move || {
        desk.directory.refresh();
        desk.knowledge.may_have_changed();
        let sockets = sockets.clone();
        background.spawn(async move { sockets.check_keys().await });
    }
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
            Err(error @ StoreError::EpochChanged) => {
                sockets.dismiss(CloseCode::EpochChanged);
                return anyhow::Error::from(error)
                    .context("the database was restored; start the server again");
            }
            Err(error) => return anyhow::Error::from(error).context("this node's lease"),
        }
    }
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
