//! A TCP proxy between a client and the server that is as bad as a network can be, on request.
//!
//! Invariant: it never changes or reorders bytes; it holds them back, cuts them short or drops the
//! connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Small, so that a proxy that holds back does not swallow much itself.
const CHUNK: usize = 4096;

/// One way through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// A running proxy; dropping it cuts all of its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

/// How the network is just now.
#[derive(Clone, Debug, Default)]
struct Weather {
    to_server: Way,
    to_client: Way,
    refusing: bool,
    /// Every connection of an earlier age is cut.
    age: u64,
}

#[derive(Clone, Debug, Default)]
struct Way {
    held: bool,
    delay: Duration,
    /// The next chunk goes half, and then the connection is cut.
    halving: bool,
}

impl Proxy {
    /// A proxy before `server`, which need not run yet.
    pub async fn before(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("the proxy's listener")?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather::default());
        let connections = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, server, weather.clone(), Arc::clone(&connections)));
        Ok(Self { address, weather, connections, accepting })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections pass through it now.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Reads nothing more in this direction: the sender's buffers fill up, and then it waits.
    pub fn hold(&self, direction: Direction) {
        self.change(direction, |way| way.held = true);
    }

    /// Lets it flow again.
    pub fn release(&self, direction: Direction) {
        self.change(direction, |way| way.held = false);
    }

    /// Holds each chunk for a while.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.change(direction, |way| way.delay = delay);
    }

    /// Passes on half of the next chunk in this direction, and cuts the connection: half a frame arrives.
    pub fn halve_next(&self, direction: Direction) {
        self.change(direction, |way| way.halving = true);
    }

    /// Cuts every connection. New ones are let through.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.age += 1);
    }

    /// Cuts every connection and drops new ones at once, until [`accept`](Self::accept).
    pub fn refuse(&self) {
        self.weather.send_modify(|weather| {
            weather.refusing = true;
            weather.age += 1;
        });
    }

    /// Lets new connections through again.
    pub fn accept(&self) {
        self.weather.send_modify(|weather| weather.refusing = false);
    }

    fn change(&self, direction: Direction, change: impl FnOnce(&mut Way)) {
        self.weather.send_modify(|weather| change(weather.way(direction)));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Weather {
    fn way(&mut self, direction: Direction) -> &mut Way {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    weather: watch::Sender<Weather>,
    connections: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        if weather.borrow().refusing {
            continue;
        }
        let weather = weather.clone();
        let connections = Arc::clone(&connections);
        tokio::spawn(async move {
            connections.fetch_add(1, Ordering::Relaxed);
            // A connection that ends badly is what this is for.
            let _ = pass(client, server, &weather).await;
            connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn pass(client: TcpStream, server: SocketAddr, weather: &watch::Sender<Weather>) -> Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut age = weather.subscribe();
    let born = age.borrow().age;
    tokio::select! {
        // A side that is finished ends its own direction only, as on a real network.
        done = async {
            tokio::try_join!(
                pump(from_client, to_server, Direction::ToServer, weather),
                pump(from_server, to_client, Direction::ToClient, weather),
            )
        } => done.map(|_| ()),
        _ = age.wait_for(|now| now.age != born) => Ok(()),
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    weather: &watch::Sender<Weather>,
) -> Result<()> {
    let mut changes = weather.subscribe();
    let mut chunk = [0; CHUNK];
    loop {
        changes.wait_for(|now| !now.clone().way(direction).held).await?;
        let length = tokio::select! {
            length = from.read(&mut chunk) => length?,
            // Held in the middle of a read: nothing was taken yet.
            _ = changes.wait_for(|now| now.clone().way(direction).held) => continue,
        };
        if length == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        let way = weather.borrow().clone().way(direction).clone();
        if !way.delay.is_zero() {
            tokio::time::sleep(way.delay).await;
        }
        if way.halving {
            to.write_all(&chunk[..length / 2]).await?;
            weather.send_modify(|weather| {
                weather.way(direction).halving = false;
                weather.age += 1;
            });
            return Ok(());
        }
        to.write_all(&chunk[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::within;

    /// A server that says back what it hears.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn it_passes_on_holds_back_and_cuts() {
        let proxy = Proxy::before(echo().await).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        let mut heard = [0; 4];

        client.write_all(b"ping").await.unwrap();
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"ping");

        proxy.hold(Direction::ToClient);
        client.write_all(b"pong").await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(50), client.read_exact(&mut heard)).await;
        assert!(early.is_err(), "what is held back does not arrive");
        proxy.release(Direction::ToClient);
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"pong");

        proxy.cut();
        let end = within("the cut", async { Ok(client.read(&mut heard).await) }).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)));
    }

    #[tokio::test]
    async fn half_a_chunk_arrives_and_then_the_end() {
        let proxy = Proxy::before(echo().await).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.halve_next(Direction::ToClient);
        client.write_all(b"12345678").await.unwrap();
        let mut heard = [0; 4];
        client.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"1234");
        let end = within("the cut", async { Ok(client.read(&mut heard).await) }).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)));
    }
}
