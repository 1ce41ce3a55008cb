//! A server, its Postgres, and a proxy before each of them: everything that can be hurt, and is healed afterwards.

use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::Signal;
use rand::Rng;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tokio::time::sleep;

use super::fault::{Fault, Side};
use crate::cli::LabArgs;
use crate::client::Address;
use crate::database::Cluster;
use crate::lab::Served;
use crate::measure::Target;
use crate::proxy::{Proxy, Weather};
use crate::visitor::Entrance;

/// How long the network is bad, and how long somebody stays away, at most.
const WEATHER: Duration = Duration::from_secs(3);
const AWAY: Duration = Duration::from_millis(1500);

// Dropped from top to bottom: the server goes before its database.
pub struct Ground {
    pub entrance: Entrance,
    clients: Proxy,
    served: Served,
    below: Option<Below>,
    _folder: TempDir,
}

/// Postgres, with the proxy that the server reaches it by.
struct Below {
    proxy: Proxy,
    cluster: Cluster,
}

impl Ground {
    pub async fn prepare(args: &LabArgs) -> anyhow::Result<Self> {
        let binary = args.server.as_deref().context("no server is named")?;
        let folder = TempDir::with_prefix_in("switchboard-loadtest-", "/var/tmp")?;
        let below = if args.database.is_none() {
            let cluster = Cluster::start(args.postgres_bin.as_deref()).await?;
            Some(Below { proxy: Proxy::before(cluster.socket()).await?, cluster })
        } else {
            None
        };
        let by_proxy = |below: &Below| Cluster::url_by(below.proxy.address.port());
        let database = below.as_ref().map_or_else(|| "embedded".to_owned(), by_proxy);
        let data = folder.path().join("data");
        let served = Served::start(binary, args, &database, &data, folder.path()).await?;
        let clients = Proxy::before(served.entrance.address.socket).await?;
        let entrance =
            Entrance { address: Address::loopback(clients.address.port()), ..served.entrance.clone() };
        Ok(Self { entrance, clients, served, below, _folder: folder })
    }

    pub async fn staff_keys(&self, count: u32) -> anyhow::Result<Vec<String>> {
        self.served.staff_keys(count).await
    }

    /// An embedded database is hurt with its server alone.
    pub fn can(&self, fault: Fault) -> bool {
        self.below.is_some() || !fault.is_of_postgres()
    }

    /// The database itself, not by way of the proxy.
    pub fn database_url(&self) -> Option<String> {
        self.below.as_ref().map(|below| below.cluster.url.clone())
    }

    pub fn targets(&self) -> (Option<Target>, Option<Target>) {
        let postgres = self.below.as_ref().map(|below| Target::Family(below.cluster.pid()));
        (Some(Target::Process(self.served.pid())), postgres)
    }

    pub async fn hurt(&mut self, fault: Fault, dice: &mut StdRng) -> anyhow::Result<()> {
        let away = AWAY.mul_f64(dice.random());
        if let Some((side, weather)) = fault.weather() {
            self.set(side, weather);
            sleep(WEATHER.mul_f64(dice.random_range(0.3..1.0))).await;
            self.set(side, Weather::Fine);
            return Ok(());
        }
        match fault {
            Fault::KillPostgres => self.restart_postgres(Signal::SIGKILL, away).await,
            Fault::RestartPostgres => self.restart_postgres(Signal::SIGINT, away).await,
            Fault::Restart => self.restart_server(Signal::SIGTERM, away).await,
            _ => self.restart_server(Signal::SIGKILL, away).await,
        }
    }

    /// Everything is as it should be: a fault that was broken off is over.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        self.set(Side::Clients, Weather::Fine);
        self.set(Side::Database, Weather::Fine);
        if let Some(below) = &mut self.below
            && !below.cluster.is_running()
        {
            below.cluster.start_again().await?;
        }
        if !self.served.is_running() {
            self.served.start_again().await?;
        }
        self.served.ready().await
    }

    fn set(&self, side: Side, weather: Weather) {
        match (side, &self.below) {
            (Side::Clients, _) => self.clients.set(weather),
            (Side::Database, Some(below)) => below.proxy.set(weather),
            (Side::Database, None) => {}
        }
    }

    async fn restart_server(&mut self, signal: Signal, away: Duration) -> anyhow::Result<()> {
        self.served.end(signal).await;
        sleep(away).await;
        self.served.start_again().await
    }

    async fn restart_postgres(&mut self, signal: Signal, away: Duration) -> anyhow::Result<()> {
        let Some(below) = &mut self.below else { return Ok(()) };
        below.cluster.end(signal).await;
        sleep(away).await;
        below.cluster.start_again().await
    }
}
