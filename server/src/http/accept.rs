//! Accepting connections: served at a bounded rate, with bounded buffers, never more than the process can hold.
//!
//! Invariant: a connection keeps its place until it ends, also after it has become a socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::access::limits::{Bucket, Rate};
use crate::socket::Place;

/// A client that takes longer to say what it wants is holding a place for nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// More of a header than this is not one of ours.
const HTTP_BUFFER: usize = 16 * 1024;
/// A storm of reconnects is served as fast as it can be beside those who are here.
const SERVED: Rate = Rate { per_second: 4_000.0, burst: 500.0 };
/// Connections that the kernel may hold for us; it lowers this to its own limit (`net.core.somaxconn`).
const BACKLOG: u32 = 65_535;

/// Like `TcpListener::bind`, with room for a storm: whom the kernel has no room for, it makes wait for seconds.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server does not wait for its predecessor's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Somebody who was let in and waits to be served.
struct Guest {
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
}

/// Takes connections until told to stop.
pub async fn accept(
    listener: TcpListener,
    router: Router,
    most: usize,
    stop: CancellationToken,
    connections: TaskTracker,
) {
    // Never full: a guest has a place.
    let (door, guests) = mpsc::channel(most);
    let doing = async {
        tokio::join!(let_in(listener, most, door), attend(guests, router, &stop, connections));
    };
    stop.run_until_cancelled(doing).await;
}

/// Takes everybody there is a place for, at once, since the kernel's queue is short.
async fn let_in(listener: TcpListener, most: usize, door: mpsc::Sender<Guest>) {
    let places = Arc::new(Semaphore::new(most));
    loop {
        let place = places.clone().acquire_owned().await.expect("the places are never closed");
        match listener.accept().await {
            Ok((stream, address)) => {
                let _ = door.send(Guest { stream, address, place: Place::new(place) }).await;
            }
            Err(error) => {
                // Out of file handles, most likely: wait until some are given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves those who were let in, each when its turn comes.
async fn attend(
    mut guests: mpsc::Receiver<Guest>,
    router: Router,
    stop: &CancellationToken,
    connections: TaskTracker,
) {
    let mut pace = Bucket::full(SERVED, Instant::now());
    while let Some(guest) = guests.recv().await {
        while let Err(wait) = pace.take(SERVED, Instant::now()) {
            tokio::time::sleep(wait).await;
        }
        connections.spawn(serve(guest, router.clone(), stop.clone()));
    }
}

/// One connection, until it has become a socket or has ended.
async fn serve(guest: Guest, router: Router, stop: CancellationToken) {
    let Guest { stream, address, place } = guest;
    // Small frames should leave at once.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        request.extensions_mut().insert(place.clone());
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HTTP_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A client that breaks off is its own affair.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
