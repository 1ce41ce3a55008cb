//! A TCP proxy that is as bad as a network can be, on request, before the server or its database.
//!
//! Invariant: it never changes bytes or their order within a connection; it holds them back, cuts them short, lets one
//! connection overtake another, or drops them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Small, so that a proxy that holds back does not swallow much itself.
const CHUNK: usize = 8 * 1024;

/// How the network is just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    #[default]
    Fine,
    /// Each chunk waits.
    Delay(Duration),
    /// Each connection's chunks wait for a time of their own, up to this: what was sent first comes last.
    Jumble(Duration),
    /// Of the next chunk half arrives, then the connection is gone. New ones fare no better.
    Halve,
    /// Nothing passes, and nobody is told.
    Hold,
    /// Every connection is cut, and no new one is taken.
    Cut,
}

/// It and its connections end with whoever holds it.
pub struct Proxy {
    pub address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub async fn before(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let weather = Arc::new(watch::Sender::new(Weather::Fine));
        let mut tasks = JoinSet::new();
        let now = weather.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                // One that is not taken is dropped, which its client notices.
                if *now.borrow() != Weather::Cut {
                    connections.spawn(pass(client, server, now.subscribe()));
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, weather, _tasks: tasks })
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn pass(client: TcpStream, server: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    let luck = rand::rng().random();
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    // Whichever way ends first ends the other.
    tokio::select! {
        () = pump(from_client, to_server, luck, weather.clone()) => {}
        () = pump(from_server, to_client, luck, weather.clone()) => {}
        _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

/// `luck`, from 0 to 1, is how much of a delay that differs falls on this connection.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    luck: f64,
    mut weather: watch::Receiver<Weather>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let Ok(read @ 1..) = from.read(&mut chunk).await else { return };
        if weather.wait_for(|weather| *weather != Weather::Hold).await.is_err() {
            return;
        }
        let now = *weather.borrow();
        match now {
            Weather::Delay(time) => sleep(time).await,
            Weather::Jumble(most) => sleep(most.mul_f64(luck)).await,
            Weather::Halve => {
                let _ = to.write_all(&chunk[..read / 2]).await;
                return;
            }
            Weather::Fine | Weather::Hold | Weather::Cut => {}
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, timeout};

    use super::{Proxy, Weather};

    /// Says what it is told.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn says(stream: &mut TcpStream, what: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(what).await?;
        let mut heard = vec![0; what.len()];
        stream.read_exact(&mut heard).await?;
        Ok(heard)
    }

    #[tokio::test]
    async fn it_passes_delays_halves_and_cuts() {
        let proxy = Proxy::before(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(says(&mut stream, b"hello").await.unwrap(), b"hello");

        proxy.set(Weather::Delay(Duration::from_millis(30)));
        let begin = Instant::now();
        assert_eq!(says(&mut stream, b"slow").await.unwrap(), b"slow");
        assert!(begin.elapsed() >= Duration::from_millis(60));

        proxy.set(Weather::Hold);
        assert!(timeout(Duration::from_millis(50), says(&mut stream, b"held")).await.is_err());
        proxy.set(Weather::Fine);
        let mut held = [0; 4];
        stream.read_exact(&mut held).await.unwrap();
        assert_eq!(&held, b"held");

        proxy.set(Weather::Halve);
        stream.write_all(b"half").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.len() <= 2, "{rest:?}");

        proxy.set(Weather::Fine);
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(says(&mut stream, b"hello").await.unwrap(), b"hello");
        proxy.set(Weather::Cut);
        assert!(says(&mut stream, b"gone").await.is_err());
    }
}
