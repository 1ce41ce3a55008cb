//! Accepting connections: at a bounded rate, with bounded buffers, never more than the process can hold.
//!
//! Invariant: a connection keeps its place until it ends, also after it has become a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::access::limits::{Bucket, Rate};
use crate::socket::Place;

/// A client that takes longer to say what it wants is holding a place for nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// More of a header than this is not one of ours.
const HTTP_BUFFER: usize = 16 * 1024;
/// A storm of reconnects comes in as fast as it can be served beside those who are here; the rest waits in the kernel.
const ACCEPTED: Rate = Rate { per_second: 4_000.0, burst: 500.0 };

/// Takes connections until told to stop.
pub async fn accept(
    listener: TcpListener,
    router: Router,
    most: usize,
    stop: CancellationToken,
    connections: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(most));
    let mut pace = Bucket::full(ACCEPTED, Instant::now());
    loop {
        while let Err(wait) = pace.take(ACCEPTED, Instant::now()) {
            tokio::time::sleep(wait).await;
        }
        let (permit, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            next = next(&listener, &places) => next,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely: wait until some are given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let router = router.clone();
        let stop = stop.clone();
        connections.spawn(serve(stream, address, Place::new(permit), router, stop));
    }
}

/// A free place first, and then somebody to take it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, std::io::Result<(TcpStream, SocketAddr)>) {
    let place = places.clone().acquire_owned().await.expect("the places are never closed");
    (place, listener.accept().await)
}

/// One connection, until it has become a socket or has ended.
async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    router: Router,
    stop: CancellationToken,
) {
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
