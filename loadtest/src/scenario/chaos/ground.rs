//! A server, its Postgres, and a proxy before each of them: everything that can be hurt, and is healed afterwards.

use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::Signal;
use rand::Rng;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tokio::time::sleep;

use super::disk::Disk;
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

/// How long the disk stays full, at most: longer than what was laid by for the log of changes lasts.
const FULL: Duration = Duration::from_secs(12);

// Dropped from top to bottom: the server goes before its database, and both before what they lie on.
pub struct Ground {
    pub entrance: Entrance,
    clients: Proxy,
    pub served: Served,
    below: Option<Below>,
    disk: Option<Disk>,
    _folder: TempDir,
}

/// What a fault has led to, beside what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    Nothing,
    /// The server ended by itself rather than limp, and was started again, as whoever supervises it does.
    Revived,
}

/// Postgres, with the proxy that the server reaches it by.
struct Below {
    proxy: Proxy,
    cluster: Cluster,
}

impl Ground {
    /// On a small disk of its own, where that is wanted and can be made.
    pub async fn prepare(args: &LabArgs, on_disk: bool) -> anyhow::Result<Self> {
        let binary = args.server.as_deref().context("no server is named")?;
        let folder = TempDir::with_prefix_in("switchboard-loadtest-", "/var/tmp")?;
        let disk = if on_disk { Disk::mount()? } else { None };
        let place = disk.as_ref().map_or(folder.path(), Disk::path);
        let (below, database) = if let Some(own) = &args.database {
            (None, own.clone())
        } else {
            let cluster = Cluster::start_in(place, args.postgres_bin.as_deref()).await?;
            let proxy = Proxy::before(cluster.socket()).await?;
            let url = Cluster::url_by(proxy.address.port());
            (Some(Below { proxy, cluster }), url)
        };
        let data = place.join("data");
        let served = Served::start(binary, args, &database, &data, folder.path()).await?;
        let clients = Proxy::before(served.entrance.address.socket).await?;
        let entrance =
            Entrance { address: Address::loopback(clients.address.port()), ..served.entrance.clone() };
        Ok(Self { entrance, clients, served, below, disk, _folder: folder })
    }

    pub async fn staff_keys(&self, count: u32) -> anyhow::Result<Vec<String>> {
        self.served.staff_keys(count).await
    }

    /// A database of the server's own is hurt with its server alone.
    pub fn can(&self, fault: Fault) -> bool {
        match fault {
            Fault::FillDisk => self.disk.is_some(),
            fault => self.below.is_some() || !fault.is_of_postgres(),
        }
    }

    /// The database itself, not by way of the proxy.
    pub fn database_url(&self) -> Option<String> {
        self.below.as_ref().map(|below| below.cluster.url.clone())
    }

    pub fn targets(&self) -> (Option<Target>, Option<Target>) {
        let postgres = self.below.as_ref().map(|below| Target::Family(below.cluster.pid()));
        (Some(Target::Process(self.served.pid())), postgres)
    }

    pub async fn hurt(&mut self, fault: Fault, dice: &mut StdRng) -> anyhow::Result<Aftermath> {
        let away = AWAY.mul_f64(dice.random());
        if let Some((side, weather)) = fault.weather() {
            self.set(side, weather);
            sleep(WEATHER.mul_f64(dice.random_range(0.3..1.0))).await;
            self.set(side, Weather::Fine);
            return Ok(Aftermath::Nothing);
        }
        match fault {
            Fault::KillPostgres => self.restart_postgres(Signal::SIGKILL, away).await?,
            Fault::RestartPostgres => self.restart_postgres(Signal::SIGINT, away).await?,
            Fault::Restart => self.restart_server(Signal::SIGTERM, away).await?,
            Fault::FillDisk => return self.fill_disk(FULL.mul_f64(dice.random_range(0.5..1.0))).await,
            _ => self.restart_server(Signal::SIGKILL, away).await?,
        }
        Ok(Aftermath::Nothing)
    }

    /// Everything is as it should be: a fault that was broken off is over.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        self.set(Side::Clients, Weather::Fine);
        self.set(Side::Database, Weather::Fine);
        if let Some(disk) = &self.disk {
            disk.clear()?;
        }
        self.revive().await?;
        self.served.ready().await
    }

    async fn revive(&mut self) -> anyhow::Result<Aftermath> {
        if let Some(below) = &mut self.below
            && !below.cluster.is_running()
        {
            below.cluster.start_again().await?;
        }
        if self.served.is_running() {
            return Ok(Aftermath::Nothing);
        }
        self.served.start_again().await?;
        Ok(Aftermath::Revived)
    }

    async fn fill_disk(&mut self, time: Duration) -> anyhow::Result<Aftermath> {
        let Some(disk) = &self.disk else { return Ok(Aftermath::Nothing) };
        disk.fill()?;
        sleep(time).await;
        disk.clear()?;
        self.revive().await
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
